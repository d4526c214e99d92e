"""What the patcher of CVAT XML needs of the file: the element of each row, labels, and attributes of boxes."""

from __future__ import annotations

from collections import defaultdict
from xml.sax.saxutils import escape

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.formats.cvat import CORNERS, IGNORED_ATTRIBUTES, TRUNCATED_ATTRIBUTE
from iouviewer.formats.interface import UNSPECIFIED_NAME
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.texts import SourceFiles, Splice, apply_splices, new_number
from iouviewer.formats.patching.xml_text import Node, attribute_changes, child_added, parse, removal, text_change
from iouviewer.formats.unsupported_fields import Field
from iouviewer.formats.xml_safe import format_attributes

LABELS = ("task/labels", "job/labels", "project/labels", "project/tasks/task/labels")


class CvatFile:
    """A file, its elements, and the changes to it.

    Attributes:
        nodes: element of each row; interpolated rows have none.
        lists_all: whether tracks list every box; else only their key frames.
        spacing: distance of the frames of the task, in numbers of the file.
        last: the last frame of the task, as the file numbers it; None if unknown.
        specs: names of the attributes that each label defines.
    """

    def __init__(self, files: SourceFiles, edits: Edits) -> None:
        self.files, self.edits = files, edits
        self.path = edits.original.path
        self.text = files.text(self.path)
        self.root = parse(self.text)
        self.splices: list[Splice] = []
        self.nodes = self._nodes_of_rows()
        self._find_frames()
        tracks = [n for track in self.root.all("track") for n in track.all("box")]
        self.lists_all = any(node.attributes.get("keyframe") == "0" for node in tracks)

    def _nodes_of_rows(self) -> dict[int, Node]:
        """The element of each row; interpolated rows have none."""
        by_line: dict[int, list[Node]] = defaultdict(list)
        for parent in self.root.children:
            if parent.tag in {"track", "image"}:
                for node in parent.all("box"):
                    by_line[node.line].append(node)
        found: dict[int, Node] = {}
        for row, place in enumerate(self.edits.original.places or ()):
            rect = self.edits.original.boxes[:, row].tolist()
            candidates = by_line.get(place.line or 0, [])
            for at, node in enumerate(candidates):
                if node.attributes.get("outside") != "1" and rect_of(node) == rect:
                    found[row] = candidates.pop(at)
                    break
        return found

    def _find_frames(self) -> None:
        """The frame numbers of the file: ``reader = (file - first) * step + start`` for some step and start."""
        pairs = sorted(
            {
                (int(node.attributes["frame"]), int(self.edits.original.frames[row]))
                for row, node in self.nodes.items()
                if "frame" in node.attributes
            }
        )
        self.step = 1
        if len(pairs) > 1:
            (file_a, reader_a), (file_b, reader_b) = pairs[0], pairs[-1]
            self.step = max((reader_b - reader_a) // max(file_b - file_a, 1), 1)
        self.start = pairs[0][1] - pairs[0][0] * self.step if pairs else 0
        labelled = self.edits.original.labelled
        spacing = int(np.diff(labelled).min()) if labelled is not None and len(labelled) > 1 else 1
        self.spacing = max(spacing // self.step, 1)
        self.last = (int(labelled[-1]) - self.start) // self.step if labelled is not None and len(labelled) else None

    def file_frame(self, frame: int) -> int:
        return (frame - self.start) // self.step

    def is_image_row(self, row: int) -> bool:
        node = self.nodes.get(row)
        return node is not None and node.parent is not None and node.parent.tag == "image"

    def patch_labels(self) -> None:
        meta = self.root.child("meta")
        labels = next((n for path in LABELS if meta is not None and (n := meta.child(path)) is not None), None)
        self.specs: dict[str, set[str]] = {}
        listed = list(labels.all("label")) if labels is not None else []
        for label in listed:
            own, attributes = label.child("name"), label.child("attributes")
            specs = attributes.children if attributes is not None else []
            if own is not None:
                self.specs[own.text.strip()] = {(spec.child("name") or spec).text.strip() for spec in specs}
        renamed = {self.edits.original.class_names[place]: name for place, name in self.edits.renamed.items()}
        for label in listed:
            own = label.child("name")
            if own is not None and own.text.strip() in renamed:
                self.splices.append(text_change(self.text, own, renamed[own.text.strip()]))
        new = list(self.edits.new_classes.values())
        if (
            any(box.class_id < 0 for box in (*self.edits.changed, *self.edits.added))
            and UNSPECIFIED_NAME not in self.specs
        ):
            new.append(UNSPECIFIED_NAME)
        if listed and labels is not None:
            for name in new:
                self.splices.append(child_added(self.text, labels, self._label_like(listed[-1], name)))
        for track in self.root.all("track"):
            if track.attributes.get("label") in renamed:
                self.splices += attribute_changes(self.text, track, {"label": renamed[track.attributes["label"]]})
        for image in self.root.all("image"):
            for node in image.children:
                if node.attributes.get("label") in renamed:
                    self.splices += attribute_changes(self.text, node, {"label": renamed[node.attributes["label"]]})

    def _label_like(self, sample: Node, name: str) -> str:
        """A label with the attributes of another one."""
        own = sample.child("name")
        part = self.text[sample.start : sample.end]
        if own is None:
            return f"<label><name>{escape(name)}</name></label>"
        change = text_change(self.text, own, name)
        return apply_splices(part, [Splice(change.start - sample.start, change.end - sample.start, change.text)])

    def class_name(self, box: EditedBox) -> str:
        return self.edits.class_names[box.class_id] if box.class_id >= 0 else UNSPECIFIED_NAME

    def attributes_of(self, box: EditedBox, node: Node | None) -> dict[str, str]:
        """Corners and the occluded mark, as far as they changed."""
        new: dict[str, str] = {}
        is_new = node is None or box.row < 0 or node.attributes.get("outside") == "1"
        if is_new or Part.FLAGS in box.changed:
            occluded = str(int(box.has(BoxFlag.OCCLUDED)))
            if node is None or node.attributes.get("occluded", "0") != occluded:
                new["occluded"] = occluded
        if is_new or Part.RECT in box.changed:
            for name, value in zip(CORNERS, box.rect, strict=True):
                old = "" if node is None else node.attributes.get(name, "")
                new[name] = new_number(old, value)
        return new

    def _free_attributes(self, box: EditedBox) -> dict[str, str]:
        """All attributes as texts that the label defines; others are lost."""
        defined = self.specs.get(self.class_name(box))
        wanted = dict(box.attributes)
        for flag, names, field in (
            (BoxFlag.IGNORED, sorted(IGNORED_ATTRIBUTES, reverse=True), Field.IGNORED),
            (BoxFlag.TRUNCATED, [TRUNCATED_ATTRIBUTE], Field.TRUNCATED),
        ):
            own = next((name for name in names if defined is None or name in {d.lower() for d in defined}), None)
            exact = next((d for d in defined or () if d.lower() == own), own)
            if exact is not None:
                wanted[exact] = "true" if box.has(flag) else "false"
            else:
                self.files.lost[field] += box.has(flag)
        if defined is not None:
            other = [name for name in wanted if name not in defined]
            self.files.lost[Field.ATTRIBUTES] += any(name in dict(box.attributes) for name in other)
            wanted = {name: value for name, value in wanted.items() if name in defined}
        return wanted

    def children_of(self, box: EditedBox) -> str:
        wanted = self._free_attributes(box)
        if self.specs.get(self.class_name(box)) is None:
            wanted = {name: value for name, value in wanted.items() if value != "false" or name in dict(box.attributes)}
        inner = "".join(_attribute(name, value) for name, value in wanted.items())
        return f">{inner}</box>"

    def patch_children(self, box: EditedBox, node: Node) -> None:
        if not box.changed & (Part.FLAGS | Part.ATTRIBUTES):
            return
        known = {child.attributes.get("name", ""): child for child in node.all("attribute")}
        wanted = self._free_attributes(box)
        for name, value in wanted.items():
            child = known.get(name)
            is_flag = name.lower() in {*IGNORED_ATTRIBUTES, TRUNCATED_ATTRIBUTE}
            if child is not None:
                if child.text.strip() != value and not (is_flag and child.text.strip().lower() == value):
                    self.splices.append(text_change(self.text, child, value))
            elif value != "false" or not is_flag:
                self.splices.append(child_added(self.text, node, _attribute(name, value)))
        for name, child in known.items():
            if Part.ATTRIBUTES in box.changed and name not in wanted:
                self.splices.append(removal(self.text, child))


def tag_of(values: dict[str, str]) -> str:
    return format_attributes(**values)


def _attribute(name: str, value: str) -> str:
    return f"<attribute{format_attributes(name=name)}>{escape(value)}</attribute>"


def rect_of(node: Node) -> list[float] | None:
    try:
        return [float(node.attributes[name]) for name in CORNERS]
    except (KeyError, ValueError):
        return None
