"""Patches labelme JSON: one shape a box; polygons, image data and whatever else the files have stay as they are."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iouviewer.document.boxes import NO_TRACK
from iouviewer.formats.interface import UNSPECIFIED_NAME, ReadContext
from iouviewer.formats.json_safe import as_number
from iouviewer.formats.labelme import DESCRIPTION, FLAGS, VERSION
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.json_text import elements, elements_changed, find, member, members_changed
from iouviewer.formats.patching.label_names import LabelNames
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

_PLACE = re.compile(r"shapes\[(\d+)\]")


def patch(files: SourceFiles, edits: Edits, context: ReadContext) -> None:
    """Write edits into the files."""
    _LabelmePatch(files, edits, context).run()


class _LabelmePatch:
    def __init__(self, files: SourceFiles, edits: Edits, context: ReadContext) -> None:
        self.files, self.edits = files, edits
        original = edits.original
        self.places: list[tuple[Path, int]] = []
        for place in original.places or ():
            found = _PLACE.fullmatch(place.element)
            if found is None:
                raise cannot_patch(original.path, tr("the place {place!r} is not known", place=place.element))
            self.places.append((place.path, int(found[1])))
        known = {int(frame): path for frame, (path, _) in zip(original.frames, self.places, strict=True)}
        known |= self._files_of_images()
        self.names = LabelNames(edits, known, ".json", context)
        self.documents: dict[Path, Any] = {}
        self.splices: dict[Path, list[Splice]] = defaultdict(list)
        self.removed: dict[Path, set[int]] = defaultdict(set)
        self.added: dict[Path, list[dict[str, Any]]] = defaultdict(list)

    def run(self) -> None:
        for row in self.edits.removed:
            path, _shape, _at = self._shape_at(row)
            self.removed[path].add(self.places[row][1])
        for box in self.edits.changed:
            self._change(box)
        self._rename()
        for frame in self.edits.new_frames:
            self._make(self.names.path(frame), frame)
        for box in self.edits.added:
            path = self.names.path(box.frame)
            self._make(path, box.frame)
            self.added[path].append(self._new_shape(box, path))
        for path in {*self.splices, *self.removed, *self.added}:
            text = self.files.text(path)
            at = find(text, ["shapes"])
            if at is None:
                raise cannot_patch(path, tr("the file has no list of shapes"))
            splices = self.splices[path] + elements_changed(text, at, self.removed[path], self.added[path])
            self.files.set_text(path, apply_splices(text, splices))

    def _document(self, path: Path) -> Any:
        if path not in self.documents:
            self.documents[path] = json.loads(self.files.text(path).lstrip("﻿"))
        return self.documents[path]

    def _shape_at(self, row: int) -> tuple[Path, Mapping[str, Any], int]:
        """The file of a row, its shape, and where that begins."""
        path, place = self.places[row]
        text = self.files.text(path)
        at = find(text, ["shapes", place])
        if at is None:
            raise cannot_patch(path, tr("the file has no list of shapes"))
        shape = self._document(path)["shapes"][place]
        if shape.get("shape_type", "rectangle") != "rectangle":
            raise refuse_shape(path, f"shapes[{place}]")
        return path, shape, at

    def _change(self, box: EditedBox) -> None:
        path, shape, at = self._shape_at(box.row)
        text, splices = self.files.text(path), self.splices[path]
        new: dict[str, Any] = {}
        if Part.RECT in box.changed:
            splices += _points_changed(text, at, self.edits.original.boxes[:, box.row].tolist(), box)
        if Part.CLASS in box.changed:
            new["label"] = self._class_name(box)
        if Part.TRACK in box.changed:
            new["group_id"] = None if box.track == NO_TRACK else box.track
        flags, attributes, gone, description = self._new_values(box, shape)
        if description is not None:
            new["description"] = description
        for key, values in (("flags", flags), ("attributes", attributes)):
            found = member(text, at, key)
            own = [name for name in gone if name in (shape.get(key) or {})]
            if found is not None and text[found.value] == "{":
                splices += members_changed(text, found.value, values, own)
            elif values:
                new[key] = values
        if "difficult" in shape and Part.FLAGS in box.changed:
            new["difficult"] = box.has(FLAGS["ignored"])
        splices += members_changed(text, at, {k: v for k, v in new.items() if k not in shape or shape[k] != v})

    def _new_values(
        self, box: EditedBox, shape: Mapping[str, Any]
    ) -> tuple[dict[str, bool], dict[str, str], list[str], str | None]:
        """Flags and attributes that change, names of those that go, and the description if it changes."""
        flags: dict[str, bool] = {}
        attributes: dict[str, str] = {}
        gone: list[str] = []
        description = None
        before = int(self.edits.original.flags[box.row])
        if Part.FLAGS in box.changed:
            for name, flag in FLAGS.items():
                in_difficult = name == "ignored" and "difficult" in shape
                if (before ^ box.flags) & int(flag) and not in_difficult:
                    flags[name] = box.has(flag)
        if Part.ATTRIBUTES in box.changed:
            known, now = dict(self.edits.original_attributes(box.row)), dict(box.attributes)
            for name in {**known, **now}:
                value = now.get(name)
                if known.get(name) == value:
                    continue
                if name == DESCRIPTION:
                    description = value or ""
                elif value is None:
                    gone.append(name)
                elif isinstance(flag_value := attribute_value(value), bool):
                    flags[name] = flag_value
                else:
                    attributes[name] = value
        return flags, attributes, gone, description

    def _rename(self) -> None:
        if not self.edits.renamed:
            return
        changed = {box.row for box in self.edits.changed if Part.CLASS in box.changed} | set(self.edits.removed)
        for row, class_id in enumerate(self.edits.original.class_ids.tolist()):
            name = self.edits.renamed.get(class_id)
            if name is not None and row not in changed:
                path, _shape, at = self._shape_at(row)
                self.splices[path] += members_changed(self.files.text(path), at, {"label": name})

    def _class_name(self, box: EditedBox) -> str:
        return self.edits.class_names[box.class_id] if box.class_id >= 0 else UNSPECIFIED_NAME

    def _make(self, path: Path, frame: int) -> None:
        """A file for an image that has none."""
        if self.files.exists(path):
            return
        data, own = self.edits.data, frame + self.edits.shift
        width, height = data.size_of(own)
        document: dict[str, Any] = {
            "version": VERSION,
            "flags": {},
            "shapes": [],
            "imagePath": Path(data.image_name(own, f"{path.stem}.jpg")).name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        self.files.set_text(path, json.dumps(document, indent=2))

    def _new_shape(self, box: EditedBox, path: Path) -> dict[str, Any]:
        x1, y1, x2, y2 = (_short(value) for value in box.rect)
        flags: dict[str, bool] = {name: True for name, flag in FLAGS.items() if box.has(flag)}
        attributes: dict[str, str] = {}
        description = ""
        for name, value in box.attributes:
            known = attribute_value(value)
            if name == DESCRIPTION:
                description = value
            elif isinstance(known, bool):
                flags[name] = known
            else:
                attributes[name] = value
        shapes = self._document(path)["shapes"]
        has_four = any(isinstance(s, dict) and len(s.get("points") or ()) == 4 for s in shapes)
        points = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]] if has_four else [[x1, y1], [x2, y2]]
        shape: dict[str, Any] = {
            "label": self._class_name(box),
            "points": points,
            "group_id": None if box.track == NO_TRACK else box.track,
            "description": description,
            "shape_type": "rectangle",
            "flags": flags,
        }
        return shape | ({"attributes": attributes} if attributes else {})

    def _files_of_images(self) -> dict[int, Path]:
        stems: dict[str, list[Path]] = defaultdict(list)
        for path in self.files.data:
            stems[path.stem].append(path)
        table = self.edits.original.images
        pairs = (
            (f, stems.get(Path(n.replace("\\", "/")).stem, [])) for f, n in zip(table.frames, table.names, strict=True)
        )
        return {frame: paths[0] for frame, paths in pairs if len(paths) == 1}


def _points_changed(text: str, at: int, old: list[float], box: EditedBox) -> list[Splice]:
    """Changes of the corners, which may be in any order: each number keeps its side of the box."""
    found = member(text, at, "points")
    if found is None:
        return []
    splices = []
    for start, _end in elements(text, found.value):
        for axis, (first, last) in enumerate(elements(text, start)):
            value = as_number(json.loads(text[first:last]))
            is_low = value is not None and abs(value - old[axis]) <= abs(value - old[axis + 2])
            new = box.rect[axis if is_low else axis + 2]
            if value is None or abs(value - new) > NUMBER_TOLERANCE:
                splices.append(Splice(first, last, json.dumps(_short(new))))
    return splices


def _short(value: float) -> float:
    return round(value, 6) + 0.0
