"""Patches COCO JSON: one annotation a box; ids, images, masks and whatever else the file has stay as they are."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.formats.interface import UNSPECIFIED_NAME, ReadContext
from iouviewer.formats.json_safe import as_index, as_number
from iouviewer.formats.number_text import extents
from iouviewer.formats.patching.edits import KEY_FLAGS, EditedBox, Edits, Part
from iouviewer.formats.patching.json_text import elements, elements_changed, find, member, members_changed
from iouviewer.formats.patching.label_names import numbered_stem
from iouviewer.formats.patching.texts import (
    NUMBER_TOLERANCE,
    SourceFiles,
    Splice,
    apply_splices,
    cannot_patch,
    refuse_shape,
)
from iouviewer.formats.rows import attribute_value
from iouviewer.i18n import tr

TRACK_KEYS = ("instance_id", "track_id")
_PLACE = re.compile(r"(\w*)\[(\d+)\]")
_MARKS = ((BoxFlag.OCCLUDED, "occluded"), (BoxFlag.TRUNCATED, "truncated"))
_SHAPES = ("segmentation", "keypoints")


def patch(files: SourceFiles, edits: Edits, _context: ReadContext) -> None:
    """Write edits into the file."""
    _CocoPatch(files, edits).run()


class _CocoPatch:
    def __init__(self, files: SourceFiles, edits: Edits) -> None:
        self.files, self.edits = files, edits
        self.path: Path = edits.original.path
        self.text = files.text(self.path)
        self.document: Any = json.loads(self.text.lstrip("﻿"))
        self.places: list[int] = []
        self.key = ""
        for place in edits.original.places or ():
            found = _PLACE.fullmatch(place.element)
            if found is None:
                raise cannot_patch(self.path, tr("the place {place!r} is not known", place=place.element))
            self.key = found[1]
            self.places.append(int(found[2]))
        if not self.places and isinstance(self.document, dict):
            self.key = "predictions" if "predictions" in self.document else "annotations"
        self.entries: list[Any] = self.document.get(self.key, []) if self.key else self.document
        self.splices: list[Splice] = []

    def run(self) -> None:
        self._patch_categories()
        at = find(self.text, [self.key] if self.key else [])
        if at is None:
            raise cannot_patch(self.path, tr("the file has no list of annotations"))
        spans = elements(self.text, at) if self.edits.changed else []
        for box in self.edits.changed:
            place = self.places[box.row]
            self._patch_entry(box, self.entries[place], spans[place][0])
        frames = self._image_ids()
        removed = {self.places[row] for row in self.edits.removed}
        for place in removed | {self.places[box.row] for box in self.edits.changed}:
            if _get(self.entries[place], "bbox") is None:
                raise refuse_shape(self.path, f"{self.key}[{place}]")
        taken = [number for entry in self.entries if (number := as_index(_get(entry, "id"))) is not None]
        first = max(taken, default=0) + 1
        added = [self._new_entry(box, first + n, frames[box.frame]) for n, box in enumerate(self.edits.added)]
        self.splices += elements_changed(self.text, at, removed, added)
        self.files.set_text(self.path, apply_splices(self.text, self.splices))

    def _patch_categories(self) -> None:
        edits = self.edits
        self.categories = {p: n for p, n in enumerate(edits.original.class_numbers or ()) if n >= 0}
        listed = self.document.get("categories") if isinstance(self.document, dict) else None
        listed = listed if isinstance(listed, list) else []
        numbers = [n for one in listed if (n := as_index(_get(one, "id"))) is not None]
        numbers += self.categories.values()
        new = dict(edits.new_classes)
        if any(box.class_id < 0 for box in (*edits.changed, *edits.added)):
            known = next(
                (n for one in listed if _get(one, "name") == UNSPECIFIED_NAME for n in [_get(one, "id")]), None
            )
            if known is None:
                new[-1] = UNSPECIFIED_NAME
            else:
                self.categories[-1] = known
        for place in new:
            self.categories[place] = max(numbers, default=0) + 1
            numbers.append(self.categories[place])
        if not new and not edits.renamed:
            return
        at = find(self.text, ["categories"]) if isinstance(self.document, dict) else None
        if at is None:
            raise cannot_patch(self.path, tr("the file has no list of categories, which new names need"))
        spans = elements(self.text, at)
        by_number = {as_index(_get(one, "id")): place for place, one in enumerate(listed)}
        for place, name in edits.renamed.items():
            where = by_number.get(self.categories.get(place, -1))
            if where is None:
                raise cannot_patch(self.path, tr("the file has no category for {name}", name=name))
            self.splices += members_changed(self.text, spans[where][0], {"name": name})
        sample = listed[-1] if listed and isinstance(listed[-1], dict) else {}
        more = {"supercategory": ""} if "supercategory" in sample else {}
        made = [{"id": self.categories[place], "name": name} | more for place, name in new.items()]
        self.splices += elements_changed(self.text, at, set(), made)

    def _patch_entry(self, box: EditedBox, entry: Mapping[str, Any], at: int) -> None:
        new: dict[str, Any] = {}
        gone: list[str] = []
        attributes, gone_attributes = self._new_attributes(box, entry)
        if Part.RECT in box.changed:
            self._patch_rect(box, entry, at, new)
        if Part.CLASS in box.changed:
            new["category_id"] = self.categories[box.class_id]
        if Part.TRACK in box.changed:
            key = self._track_key(entry)
            if key == "":
                (gone_attributes if box.track == NO_TRACK else []).append("track_id")
                attributes |= {"track_id": box.track} if box.track != NO_TRACK else {}
            elif box.track == NO_TRACK:
                gone.append(key)
            else:
                new[key] = box.track
        if Part.FLAGS in box.changed:
            before = int(self.edits.original.flags[box.row])
            if (before ^ box.flags) & int(BoxFlag.IGNORED):
                ignored = box.has(BoxFlag.IGNORED)
                new |= {key: int(ignored) for key in ("iscrowd", "ignore") if key in entry} or {"iscrowd": int(ignored)}
            for flag, name in _MARKS:
                if (before ^ box.flags) & int(flag) and name in entry:
                    new[name] = int(box.has(flag))
        if attributes or gone_attributes:
            found = member(self.text, at, "attributes")
            if found is not None and self.text[found.value] == "{":
                self.splices += members_changed(self.text, found.value, attributes, gone_attributes)
            elif attributes:
                new["attributes"] = attributes
        self.splices += members_changed(self.text, at, new, gone)

    def _patch_rect(self, box: EditedBox, entry: Mapping[str, Any], at: int, new: dict[str, Any]) -> None:
        """Numbers of ``bbox``; ``area`` where it is that of the rectangle. Masks and key points stay as they are."""
        found = member(self.text, at, "bbox")
        if found is None:
            raise cannot_patch(self.path, tr("an annotation has no bbox"))
        values = _xywh(box)
        for (start, end), value in zip(elements(self.text, found.value), values, strict=True):
            old = as_number(json.loads(self.text[start:end]))
            if old is None or abs(old - value) > NUMBER_TOLERANCE:
                self.splices.append(Splice(start, end, json.dumps(_short(value))))
        if any(_get(entry, key) for key in _SHAPES):
            self.files.kept_shapes += 1
        elif "area" in entry:
            area = _area(values)
            old = as_number(entry["area"])
            if old is None or abs(old - area) > NUMBER_TOLERANCE:
                new["area"] = _short(area)

    def _new_attributes(self, box: EditedBox, entry: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Members of ``attributes`` that change, and those that go."""
        new: dict[str, Any] = {}
        gone: list[str] = []
        before = int(self.edits.original.flags[box.row])
        if Part.FLAGS in box.changed:
            for flag, name in _MARKS:
                if (before ^ box.flags) & int(flag) and name not in entry:
                    new[name] = box.has(flag)
        if Part.KEY_FRAME in box.changed:
            if box.flags & KEY_FLAGS:
                new["keyframe"] = box.has(BoxFlag.KEY_FRAME)
            else:
                gone.append("keyframe")
        if Part.ATTRIBUTES in box.changed:
            known = dict(self.edits.original_attributes(box.row))
            now = dict(box.attributes)
            new |= {name: attribute_value(value) for name, value in now.items() if known.get(name) != value}
            gone += [name for name in known if name not in now]
        return new, gone

    def _track_key(self, entry: Mapping[str, Any]) -> str:
        """The member that holds the track of an annotation; empty for ``attributes.track_id``."""
        for key in TRACK_KEYS:
            if as_index(entry.get(key)) is not None:
                return key
        attributes = entry.get("attributes")
        if isinstance(attributes, dict) and as_index(attributes.get("track_id")) is not None:
            return ""
        return self._usual_track_key()

    def _usual_track_key(self) -> str:
        counts = Counter(key for entry in self.entries for key in TRACK_KEYS if _get(entry, key) is not None)
        in_attributes = sum(1 for e in self.entries if isinstance(a := _get(e, "attributes"), dict) and "track_id" in a)
        if in_attributes > max(counts.values(), default=0):
            return ""
        return counts.most_common(1)[0][0] if counts else TRACK_KEYS[0]

    def _image_ids(self) -> dict[int, Any]:
        """Image id by frame; frames with boxes or labels that the file does not list get images of their own."""
        table = self.edits.original.images
        ids: dict[int, Any] = dict(zip(table.frames, table.ids, strict=True))
        if not isinstance(self.document, dict) or "images" not in self.document:
            frames = self.edits.original.frames.tolist()
            ids |= {f: self.entries[p]["image_id"] for f, p in zip(frames, self.places, strict=True)}
        missing = sorted({box.frame for box in self.edits.added} - set(ids) | set(self.edits.new_frames) - set(ids))
        if not missing:
            return ids
        at = find(self.text, ["images"]) if isinstance(self.document, dict) else None
        if at is None:
            frame = missing[0] + self.edits.shift
            raise cannot_patch(self.path, tr("the file has no image for frame {frame}", frame=frame))
        listed = self.document["images"]
        used = [n for one in listed if (n := as_index(_get(one, "id"))) is not None]
        made = []
        for frame in missing:
            used.append(max(used, default=0) + 1)
            ids[frame] = used[-1]
            made.append(self._new_image(frame, used[-1], listed))
        self.splices += elements_changed(self.text, at, set(), made)
        return ids

    def _new_image(self, frame: int, number: int, listed: list[Any]) -> dict[str, Any]:
        data, own = self.edits.data, frame + self.edits.shift
        width, height = data.size_of(own)
        sample = listed[-1] if listed and isinstance(listed[-1], dict) else {}
        entry: dict[str, Any] = {"id": number}
        if "video_id" in sample:
            entry["video_id"] = sample["video_id"]
        if "frame_id" in sample:
            known = dict(zip(self.edits.original.images.ids, self.edits.original.images.frames, strict=True))
            base = (as_index(sample["frame_id"]) or 0) - known.get(sample.get("id"), as_index(sample["frame_id"]) or 0)
            entry["frame_id"] = frame + base
        return entry | {"file_name": self._image_name(frame), "width": width, "height": height}

    def _image_name(self, frame: int) -> str:
        """The name of the image of a frame: that of the source, else in the manner of the others of the file."""
        table, own = self.edits.original.images, frame + self.edits.shift
        name = self.edits.data.image_name(own, "")
        known = {f: PurePosixPath(n) for f, n in zip(table.frames, table.names, strict=True) if n}
        stem = numbered_stem({f: path.stem for f, path in known.items()}, frame)
        if name or stem is None:
            return name or f"{own + 1:06d}.jpg"
        return str(next(iter(known.values())).with_name(f"{stem}{next(iter(known.values())).suffix}"))

    def _new_entry(self, box: EditedBox, number: int, image_id: Any) -> dict[str, Any]:
        values = _xywh(box)
        sample = next((entry for entry in reversed(self.entries) if isinstance(entry, dict)), {})
        entry: dict[str, Any] = {"id": number} if "id" in sample or self.key else {}
        entry |= {"image_id": image_id, "category_id": self.categories[box.class_id]}
        if "segmentation" in sample:
            entry["segmentation"] = []
        entry["bbox"] = [_short(value) for value in values]
        entry["area"] = _short(_area(values))
        entry["iscrowd"] = int(box.has(BoxFlag.IGNORED))
        attributes: dict[str, Any] = {name: attribute_value(value) for name, value in box.attributes}
        if box.flags & KEY_FLAGS:
            attributes["keyframe"] = box.has(BoxFlag.KEY_FRAME)
        attributes |= {name: True for flag, name in _MARKS if box.has(flag)}
        if box.track != NO_TRACK:
            key = self._usual_track_key()
            (entry if key else attributes)[key or "track_id"] = box.track
        return entry | ({"attributes": attributes} if attributes else {})


def _get(entry: object, key: str) -> Any:
    return entry.get(key) if isinstance(entry, dict) else None


def _xywh(box: EditedBox) -> list[float]:
    return extents(np.array(box.rect, np.float64).reshape(4, 1))[0]


def _area(values: list[float]) -> float:
    return values[2] * values[3]


def _short(value: float) -> float | int:
    return int(value) if value == int(value) else value
