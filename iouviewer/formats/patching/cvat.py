"""Patches CVAT XML 1.1: ``<box>`` elements of tracks and images; other shapes, tags and tasks stay as they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.formats.cvat import CORNERS, find_key_frames
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.patching.cvat_file import CvatFile, rect_of, tag_of
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.texts import SourceFiles, Splice, apply_splices, cannot_patch, number_text
from iouviewer.formats.patching.xml_text import (
    Node,
    attribute_changes,
    child_added,
    lead_of,
    removal,
)
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

_NEAR = 5e-4
"""Pixels by which an interpolated box may differ from the line between its neighbours."""


def patch(files: SourceFiles, edits: Edits, _context: ReadContext) -> None:
    """Write edits into the file."""
    _CvatPatch(files, edits).run()


@dataclass(slots=True)
class _Shape:
    """What a track has on a frame after the edit.

    Attributes:
        node: its element in the file, None for a new one.
        box: the box, None for an element that ends the track.
    """

    frame: int
    node: Node | None
    box: EditedBox | None
    key: bool = True


class _CvatPatch(CvatFile):
    def run(self) -> None:
        self.patch_labels()
        tracked = any(True for _ in self.root.all("track"))
        self.images = {node.attributes.get("id", ""): node for node in self.root.all("image")}
        is_video = tracked or not self.images
        self._patch_images()
        if is_video:
            by_track: dict[int, list[EditedBox]] = defaultdict(list)
            touched = self.edits.touched_tracks
            for place in np.flatnonzero(np.isin(self.edits.tracks, list(touched))).tolist():
                box = self.edits.box(place)
                if not self.is_image_row(box.row):
                    by_track[box.track].append(box)
            for track in sorted(touched):
                self._patch_track(track, by_track.get(track, []))
            for box in self.edits.added:
                if box.track == NO_TRACK:
                    self.files.lost[Field.BOXES_WITHOUT_TRACK] += 1
                    self._new_track(self._free_track(), [box])
        self.files.set_text(self.path, apply_splices(self.text, self.splices))

    # Images

    def _patch_images(self) -> None:
        for row in self.edits.removed:
            if self.is_image_row(row):
                self.splices.append(removal(self.text, self.nodes[row]))
        for box in self.edits.changed:
            if self.is_image_row(box.row):
                node = self.nodes[box.row]
                new = self.attributes_of(box, node)
                if Part.CLASS in box.changed:
                    new["label"] = self.class_name(box)
                self.splices += attribute_changes(self.text, node, new)
                self.patch_children(box, node)
                self.files.lost[Field.TRACK_IDS] += Part.TRACK in box.changed and box.track != NO_TRACK
        if not self.images or any(True for _ in self.root.all("track")):
            return
        table = self.edits.original.images
        ids = dict(zip(table.frames, table.ids, strict=True))
        made: dict[int, list[str]] = {frame: [] for frame in self.edits.new_frames if frame not in ids}
        for box in self.edits.added:
            self.files.lost[Field.TRACK_IDS] += box.track != NO_TRACK
            image = self.images.get(str(ids.get(box.frame, "")))
            values = {"label": self.class_name(box), "source": "manual"} | self.attributes_of(box, None)
            element = f"<box{tag_of(values | {'z_order': '0'})}{self.children_of(box)}"
            if image is None:
                made.setdefault(box.frame, []).append(element)
            else:
                self.splices.append(child_added(self.text, image, element))
        used = [int(number) for number in self.images if number.isdecimal()]
        for frame, elements in sorted(made.items()):
            used.append(max(used, default=-1) + 1)
            self._add_image(frame, used[-1], elements)

    def _add_image(self, frame: int, number: int, elements: list[str]) -> None:
        data, own = self.edits.data, frame + self.edits.shift
        width, height = data.size_of(own)
        name = data.image_name(own, f"frame_{own:06d}")
        sample = list(self.images.values())[-1]
        lead = lead_of(self.text, sample)
        inner = "".join(f"{lead}  {element}" if lead else element for element in elements)
        tag = f"<image{tag_of({'id': str(number), 'name': name, 'width': str(width), 'height': str(height)})}"
        made = f"{tag}>{inner}{lead}</image>" if elements else f"{tag}>{lead}</image>"
        self.splices.append(Splice(sample.end, sample.end, lead + made))

    # Tracks

    def _track_node(self, track: int) -> Node | None:
        rows = np.flatnonzero(self.edits.original.track_ids == track).tolist()
        for row in rows:
            node = self.nodes.get(row)
            if node is not None and node.parent is not None and node.parent.tag == "track":
                return node.parent
        return None

    def _free_track(self) -> int:
        taken = [int(t) for n in self.root.all("track") if (t := n.attributes.get("id", "")).isdecimal()]
        taken += self.edits.tracks.tolist()
        self._given = max(max(taken, default=-1), getattr(self, "_given", -1)) + 1
        return self._given

    def _patch_track(self, track: int, boxes: list[EditedBox]) -> None:
        node = self._track_node(track)
        boxes.sort(key=lambda box: box.frame)
        if node is None:
            if boxes:
                self._new_track(track, boxes)
            return
        if not boxes:
            self.splices.append(removal(self.text, node))
            return
        names = {self.class_name(box) for box in boxes}
        if len(names) > 1:
            reason = tr(
                "track {track} has boxes of several classes ({names}), a track of CVAT has one",
                track=track,
                names=", ".join(sorted(names)),
            )
            raise cannot_patch(self.path, reason)
        [name] = names
        if any(Part.CLASS in box.changed for box in boxes):
            self.splices += attribute_changes(self.text, node, {"label": name})
        shapes = self._shapes_of(node, boxes)
        self._write_shapes(node, shapes)

    def _shapes_of(self, node: Node, boxes: list[EditedBox]) -> list[_Shape]:
        """What the track has after the edit, by frame."""
        at: dict[int, _Shape] = {}
        gone: dict[int, Node] = {}
        rows = {id(self.nodes[row]): row for row in self.nodes}
        now = {self.file_frame(box.frame): box for box in boxes}
        kept_rows = {box.row for box in boxes}
        for child in node.all("box"):
            frame = int(float(child.attributes.get("frame", "0")))
            row = rows.get(id(child))
            if row is not None and row in kept_rows:
                at[frame] = _Shape(frame, child, now[frame], child.attributes.get("keyframe") != "0")
            elif row is not None:
                gone[frame] = child
            elif frame not in now:
                at[frame] = _Shape(frame, child, None)  # it ends the track, or was refused
            else:
                gone[frame] = child
        for frame, box in now.items():
            if frame not in at and (box.changed or self.lists_all):
                at[frame] = _Shape(frame, gone.pop(frame, None), box, not box.has(BoxFlag.INTERPOLATED))
        self._mark_keys(at, now)
        self._end_runs(at, now, gone)
        if not self.lists_all:
            self._fill_key_frames(at, now, gone)
        for child in gone.values():
            self.splices.append(removal(self.text, child))
        return [at[frame] for frame in sorted(at)]

    def _mark_keys(self, at: dict[int, _Shape], now: dict[int, EditedBox]) -> None:
        """Key frames where the boxes between would not be restored otherwise."""
        frames = sorted(now)
        columns = np.array([now[frame].rect for frame in frames]).T
        flags = np.array([now[frame].flags for frame in frames], np.int64)
        places = np.array(frames, np.int64) // self.spacing
        before = set(self._frames_before(now))
        for frame, is_key in zip(frames, find_key_frames(places, columns, flags).tolist(), strict=True):
            shape = at.get(frame)
            if shape is None:
                continue
            was_key = shape.node is not None and shape.node.attributes.get("keyframe") != "0"
            beside = (frame - self.spacing, frame + self.spacing)
            # A box beside another one that changed or went may have been interpolated from it.
            touched = any(now[f].changed if f in now else f in before for f in beside)
            shape.key = is_key if now[frame].changed else was_key or (is_key and touched)

    def _end_runs(self, at: dict[int, _Shape], now: dict[int, EditedBox], gone: dict[int, Node]) -> None:
        """Elements with outside="1" where a box was removed or a new box is the last one; keys after gaps."""
        original = {int(f) for f in self._frames_before(now)}
        for frame in sorted(now):
            following = frame + self.spacing
            if following in now:
                continue
            ended = following in at and at[following].box is None
            is_new_end = following in original or frame not in original
            beyond = self.last is not None and following > self.last
            if not ended and is_new_end and not beyond:
                at[following] = _Shape(following, gone.pop(following, None), None)
            later = [other for other in now if other > frame]
            if later and min(later) in at:
                at[min(later)].key = True

    def _frames_before(self, now: dict[int, EditedBox]) -> list[int]:
        tracks = {int(self.edits.original.track_ids[box.row]) for box in now.values() if box.row >= 0}
        rows = np.flatnonzero(np.isin(self.edits.original.track_ids, list(tracks)))
        return [self.file_frame(int(frame)) for frame in self.edits.original.frames[rows]]

    def _fill_key_frames(self, at: dict[int, _Shape], now: dict[int, EditedBox], gone: dict[int, Node]) -> None:
        """In files with key frames only: elements for boxes that would not be interpolated as they are."""
        while True:
            off = {f: d for f in now if f not in at and (d := self._distance(f, at, now)) > _NEAR}
            if not off:
                return
            for run in _runs(sorted(off), self.spacing):
                # One more key frame often restores the others of its run.
                frame = max(run, key=lambda one: off[one])
                at[frame] = _Shape(frame, gone.pop(frame, None), now[frame])

    @staticmethod
    def _distance(frame: int, at: dict[int, _Shape], now: dict[int, EditedBox]) -> float:
        """Pixels between a box and what is interpolated on its frame; infinite where that is nothing."""
        before = max((other for other in at if other < frame), default=None)
        after = min((other for other in at if other > frame), default=None)
        if before is None or at[before].box is None:
            return np.inf
        low = now[before].rect
        high = low if after is None else _shape_rect(at[after]) or low
        share = 0.0 if after is None else (frame - before) / (after - before)
        line = [a + (b - a) * share for a, b in zip(low, high, strict=True)]
        return max(abs(a - b) for a, b in zip(line, now[frame].rect, strict=True))

    def _write_shapes(self, node: Node, shapes: list[_Shape]) -> None:
        rect: tuple[float, ...] = shapes[0].box.rect if shapes[0].box is not None else (0.0, 0.0, 1.0, 1.0)
        for place, shape in enumerate(shapes):
            rect = shape.box.rect if shape.box is not None else rect
            if shape.node is None:
                before = next((s.node for s in shapes[place + 1 :] if s.node is not None), None)
                self.splices.append(child_added(self.text, node, self._element(shape, rect), before))
            elif shape.box is not None:
                self._patch_box(shape, shape.node)
            elif shape.node.attributes.get("outside") != "1" and self._is_row(shape.node):
                self.splices += attribute_changes(self.text, shape.node, {"outside": "1", "keyframe": "1"})

    def _is_row(self, node: Node) -> bool:
        return any(one is node for one in self.nodes.values())

    def _patch_box(self, shape: _Shape, node: Node) -> None:
        box = shape.box
        if box is None:
            return
        was_key = node.attributes.get("keyframe") != "0"
        new = self.attributes_of(box, node) if box.changed else {}
        if shape.key != was_key:
            new["keyframe"] = str(int(shape.key))
        if node.attributes.get("outside") == "1":
            new |= {"outside": "0"}
        if new:
            self.splices += attribute_changes(self.text, node, new)
        if box.changed:
            self.patch_children(box, node)

    def _element(self, shape: _Shape, rect: tuple[float, ...]) -> str:
        box = shape.box
        values = {
            "frame": str(shape.frame),
            "keyframe": str(int(shape.key)),
            "outside": str(int(box is None)),
            "occluded": str(int(box is not None and box.has(BoxFlag.OCCLUDED))),
        }
        values |= {name: number_text(value) for name, value in zip(CORNERS, rect, strict=True)}
        values["z_order"] = "0"
        return f"<box{tag_of(values)}" + ("></box>" if box is None else self.children_of(box))

    def _new_track(self, track: int, boxes: list[EditedBox]) -> None:
        tracks = list(self.root.all("track"))
        taken = {node.attributes.get("id") for node in tracks}
        number = track if str(track) not in taken else self._free_track()
        now = {self.file_frame(box.frame): box for box in boxes}
        at = {frame: _Shape(frame, None, box, not box.has(BoxFlag.INTERPOLATED)) for frame, box in now.items()}
        self._mark_keys(at, now)
        self._end_runs(at, now, {})
        lead = lead_of(self.text, tracks[-1]) if tracks else lead_of(self.text, self.root.children[-1])
        inner = lead + (lead.replace("\r", "").replace("\n", "") or "  ") if lead else ""
        like = tracks[-1].attributes if tracks else {}
        values = {"id": str(number), "label": self.class_name(boxes[0]), "source": "manual"}
        values |= {name: like[name] for name in ("task_id", "subset") if name in like}
        rect: tuple[float, ...] = boxes[0].rect
        parts = []
        for frame in sorted(at):
            shape = at[frame]
            rect = shape.box.rect if shape.box is not None else rect
            parts.append(inner + self._element(shape, rect))
        made = f"<track{tag_of(values)}>{''.join(parts)}{lead}</track>"
        after = tracks[-1] if tracks else self.root.children[-1]
        self.splices.append(Splice(after.end, after.end, lead + made))


def _runs(frames: list[int], spacing: int) -> list[list[int]]:
    """Neighbouring frames together."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame - runs[-1][-1] == spacing:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs


def _shape_rect(shape: _Shape) -> tuple[float, ...] | None:
    if shape.box is not None:
        return shape.box.rect
    found = rect_of(shape.node) if shape.node is not None else None
    return tuple(found) if found is not None else None
