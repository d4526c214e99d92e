"""Patches Pascal VOC XML: one ``<object>`` a box; parts, poses, paths and masks stay as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from iouviewer.document.imported import Location
from iouviewer.formats.interface import UNSPECIFIED_NAME, ReadContext
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.label_names import LabelNames
from iouviewer.formats.patching.texts import SourceFiles, Splice, apply_splices, new_number, number_text
from iouviewer.formats.patching.xml_text import Node, child_added, lead_of, parse, removal, text_change
from iouviewer.formats.unsupported_fields import Field
from iouviewer.formats.voc import CORNERS, FLAGS


def patch(files: SourceFiles, edits: Edits, context: ReadContext) -> None:
    """Write edits into the files."""
    _VocPatch(files, edits, context).run()


class _VocPatch:
    def __init__(self, files: SourceFiles, edits: Edits, context: ReadContext) -> None:
        self.files, self.edits = files, edits
        self.first_pixel = 1 if context.voc_one_based else 0
        original = edits.original
        self.places: Sequence[Location] = original.places or ()
        known = {int(frame): place.path for frame, place in zip(original.frames, self.places, strict=True)}
        known |= _files_of_images(files, edits)
        self.names = LabelNames(edits, known, ".xml", context)
        self.roots: dict[Path, Node] = {}
        self.nodes: dict[Path, dict[int, Node]] = {}
        self.splices: dict[Path, list[Splice]] = defaultdict(list)

    def run(self) -> None:
        for row in self.edits.removed:
            path = self.places[row].path
            self.splices[path].append(removal(self._text(path), self._node(row)))
        for box in self.edits.changed:
            self._change(box)
        self._rename()
        for frame in self.edits.new_frames:
            self._make(self.names.path(frame), frame)
        for box in self.edits.added:
            path = self.names.path(box.frame)
            self._make(path, box.frame)
            self._add(path, box)
        for path, splices in self.splices.items():
            self.files.set_text(path, apply_splices(self.files.text(path), splices))

    def _text(self, path: Path) -> str:
        return self.files.text(path)

    def _root(self, path: Path) -> Node:
        if path not in self.roots:
            self.roots[path] = parse(self._text(path))
        return self.roots[path]

    def _node(self, row: int) -> Node:
        """The ``<object>`` of a row: rows and objects of a file have the same order, refused ones are passed over."""
        path = self.places[row].path
        if path not in self.nodes:
            rows = [r for r, place in enumerate(self.places) if place.path == path]
            objects = list(self._root(path).all("object"))
            found: dict[int, Node] = {}
            at = 0
            for r in rows:
                while objects[at].line != self.places[r].line or not self._is_row(objects[at], r):
                    at += 1
                found[r] = objects[at]
                at += 1
            self.nodes[path] = found
        return self.nodes[path][row]

    def _is_row(self, node: Node, row: int) -> bool:
        texts = [_value(node, f"bndbox/{corner}") for corner in CORNERS]
        try:
            x1, y1, x2, y2 = map(float, texts)
        except ValueError:
            return False
        read = self.edits.original.boxes[:, row].tolist()
        return bool([x1 - self.first_pixel, y1 - self.first_pixel, x2, y2] == read)

    def _numbers(self, box: EditedBox) -> list[float]:
        x1, y1, x2, y2 = box.rect
        return [x1 + self.first_pixel, y1 + self.first_pixel, x2, y2]

    def _change(self, box: EditedBox) -> None:
        path, node = self.places[box.row].path, self._node(box.row)
        text, splices = self._text(path), self.splices[path]
        if Part.RECT in box.changed:
            for corner, number in zip(CORNERS, self._numbers(box), strict=True):
                child = node.child(f"bndbox/{corner}")
                old = _value(node, f"bndbox/{corner}")
                if child is not None and (new := new_number(old, number)) != old:
                    splices.append(text_change(text, child, new))
        name = node.child("name")
        if Part.CLASS in box.changed and name is not None:
            splices.append(text_change(text, name, self._class_name(box)))
        if Part.FLAGS in box.changed:
            for tag, flag in FLAGS:
                if bool(int(self.edits.original.flags[box.row]) & int(flag)) == box.has(flag):
                    continue
                child, value = node.child(tag), str(int(box.has(flag)))
                if child is not None:
                    splices.append(text_change(text, child, value))
                else:
                    before = node.child("bndbox")
                    splices.append(child_added(text, node, f"<{tag}>{value}</{tag}>", before))
        self._count_lost(box)

    def _rename(self) -> None:
        if not self.edits.renamed:
            return
        changed = {box.row for box in self.edits.changed if Part.CLASS in box.changed} | set(self.edits.removed)
        for row, class_id in enumerate(self.edits.original.class_ids.tolist()):
            new = self.edits.renamed.get(class_id)
            name = self._node(row).child("name") if new is not None and row not in changed else None
            if name is not None and new is not None:
                path = self.places[row].path
                self.splices[path].append(text_change(self._text(path), name, new))

    def _class_name(self, box: EditedBox) -> str:
        return self.edits.class_names[box.class_id] if box.class_id >= 0 else UNSPECIFIED_NAME

    def _count_lost(self, box: EditedBox) -> None:
        self.files.lost[Field.TRACK_IDS] += Part.TRACK in box.changed and box.track >= 0
        self.files.lost[Field.ATTRIBUTES] += Part.ATTRIBUTES in box.changed and bool(box.attributes)

    def _make(self, path: Path, frame: int) -> None:
        """A file for an image that has none."""
        if self.files.exists(path):
            return
        data, own = self.edits.data, frame + self.edits.shift
        width, height = data.size_of(own)
        image = data.image_name(own, f"{path.stem}.jpg")
        self.files.set_text(
            path,
            f"<annotation>\n  <folder>{escape(path.parent.name)}</folder>\n"
            f"  <filename>{escape(Path(image).name)}</filename>\n"
            f"  <size>\n    <width>{width}</width>\n    <height>{height}</height>\n    <depth>3</depth>\n  </size>\n"
            "  <segmented>0</segmented>\n</annotation>\n",
        )

    def _add(self, path: Path, box: EditedBox) -> None:
        self._count_lost(box)
        root, text = self._root(path), self._text(path)
        objects = list(root.all("object"))
        sample = objects[-1] if objects else root.children[-1]
        lead = lead_of(text, sample)
        step = lead_of(text, sample.children[0])[len(lead) :] if objects and sample.children else ""
        inner = (lead + (step or ("  " if "\t" not in lead else "\t"))) if lead else ""
        deeper = inner + (inner[len(lead) :] if lead else "")
        has = {child.tag for child in sample.children} if objects else set()
        parts = [f"{inner}<name>{escape(self._class_name(box))}</name>"]
        parts += [f"{inner}<pose>Unspecified</pose>"] if not objects or "pose" in has else []
        for tag, flag in FLAGS:
            if box.has(flag) or tag in has or not objects:
                parts.append(f"{inner}<{tag}>{int(box.has(flag))}</{tag}>")
        corners = "".join(
            f"{deeper}<{corner}>{number_text(value)}</{corner}>"
            for corner, value in zip(CORNERS, self._numbers(box), strict=True)
        )
        parts.append(f"{inner}<bndbox>{corners}{inner}</bndbox>")
        self.splices[path].append(child_added(text, root, f"<object>{''.join(parts)}{lead}</object>"))


def _value(node: Node, path: str) -> str:
    found = node.child(path)
    return "" if found is None else found.text.strip()


def _files_of_images(files: SourceFiles, edits: Edits) -> dict[int, Path]:
    """The label file of each listed image, by the stem of its name where no other file has that stem."""
    table = edits.original.images
    stems: dict[str, list[Path]] = defaultdict(list)
    for path in files.data:
        stems[path.stem].append(path)
    found = {}
    for frame, name in zip(table.frames, table.names, strict=True):
        paths = stems.get(Path(name.replace("\\", "/")).stem, [])
        if len(paths) == 1:
            found[frame] = paths[0]
    return found
