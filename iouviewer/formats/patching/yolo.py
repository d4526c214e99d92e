"""Patches YOLO label files: one line a box, one file an image; polygons and whatever else is there stay as they are."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.formats.class_names import NAME_FILES
from iouviewer.formats.interface import UNSPECIFIED_NAME, ReadContext
from iouviewer.formats.number_text import DECIMALS, exact_text, short_text
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.label_names import LabelNames
from iouviewer.formats.patching.texts import (
    Cell,
    Lines,
    SourceFiles,
    cells_of,
    new_number,
    refuse_shape,
    with_cells,
)
from iouviewer.formats.patching.yaml_names import change_names
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

MOST_COLUMNS = 7
_FLAG_FIELDS = (
    (BoxFlag.IGNORED, Field.IGNORED),
    (BoxFlag.OCCLUDED, Field.OCCLUDED),
    (BoxFlag.TRUNCATED, Field.TRUNCATED),
)


def patch(files: SourceFiles, edits: Edits, context: ReadContext) -> None:
    """Write edits into the label files; classes that they lack get the next numbers and names."""
    _YoloPatch(files, edits, context).run()


class _YoloPatch:
    def __init__(self, files: SourceFiles, edits: Edits, context: ReadContext) -> None:
        self.files, self.edits, self.context = files, edits, context
        original = edits.original
        self.places = original.places or ()
        root = original.path if original.path.is_dir() else original.path.parent
        known = {frame: root / name for frame, name in zip(original.images.frames, original.images.names, strict=True)}
        known |= {int(f): place.path for f, place in zip(original.frames, self.places, strict=True)}
        self.names = LabelNames(edits, known, ".txt", context)
        self.lines: dict[Path, Lines] = {}
        self.has_tracks = bool((original.track_ids != NO_TRACK).any())
        self.has_scores = original.scores is not None
        self.numbers = dict(enumerate(original.class_numbers or ()))
        self.new_names: dict[int, str] = {}

    def run(self) -> None:
        self._number_classes()
        for row in self.edits.removed:
            self._cells_of(row)
            self._lines(self.places[row].path).delete(self.places[row].line or 0)
        for box in self.edits.changed:
            self._change(box)
        for frame in self.edits.new_frames:
            self._lines(self.names.path(frame))
        for box in self.edits.added:
            self._count_lost(box)
            if not box.has(BoxFlag.IGNORED):
                lines = self._lines(self.names.path(box.frame))
                lines.insert(len(lines), self._new_line(box))
        for path, lines in self.lines.items():
            self.files.set_text(path, lines.text())
        if self.new_names:
            self._write_names()

    def _lines(self, path: Path) -> Lines:
        return self.lines.setdefault(path, Lines(self.files.text(path)))

    def _number_classes(self) -> None:
        used = self.edits.new_classes
        if any(box.class_id < 0 for box in (*self.edits.changed, *self.edits.added)):
            used = used | {-1: UNSPECIFIED_NAME}
        for place, name in used.items():
            self.numbers[place] = max(self.numbers.values(), default=-1) + 1
            self.new_names[self.numbers[place]] = name
        self.new_names |= {self.numbers[place]: name for place, name in self.edits.renamed.items()}

    def _write_names(self) -> None:
        paths = [path for path in self.files.data if path.name in NAME_FILES]
        if not paths:
            self.files.lost[Field.CLASSES] += len(self.new_names)
            return
        change_names(self.files, paths[-1], self.new_names, max(self.numbers.values()) + 1)

    def _fractions(self, box: EditedBox) -> tuple[list[float], float]:
        width, height = self.context.size_of(box.frame) or (0, 0)
        x1, y1, x2, y2 = box.rect
        values = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
        return values, float(max(width, height, 1))

    def _change(self, box: EditedBox) -> None:
        self._count_lost(box)
        place = self.places[box.row]
        lines, number = self._lines(place.path), place.line or 0
        if box.has(BoxFlag.IGNORED) and Part.FLAGS in box.changed:
            lines.delete(number)  # as the writer: YOLO has no mark for ignored boxes
            return
        cells = self._cells_of(box.row)
        new: dict[int, str] = {}
        if Part.RECT in box.changed:
            values, side = self._fractions(box)
            for at, value in enumerate(values, 1):
                new[at] = new_number(cells[at].text, value, 5e-7 / side, partial(_text, side=side))
        if Part.CLASS in box.changed:
            new[0] = str(self.numbers[box.class_id])
        if Part.TRACK in box.changed and self.has_tracks and len(cells) > (6 if self.has_scores else 5):
            new[len(cells) - 1] = str(box.track)
        lines.replace(number, with_cells(lines[number], cells, {k: v for k, v in new.items() if cells[k].text != v}))

    def _cells_of(self, row: int) -> list[Cell]:
        """The columns of a row; UserError for a polygon, which was read as the box around it."""
        place = self.places[row]
        cells = cells_of(self._lines(place.path)[place.line or 0], by_comma=False)
        if len(cells) > MOST_COLUMNS:
            raise refuse_shape(place.path, tr("line {line}", line=place.line))
        return cells

    def _count_lost(self, box: EditedBox) -> None:
        lost = self.files.lost
        if Part.TRACK in box.changed and not self.has_tracks:
            lost[Field.TRACK_IDS] += box.track != NO_TRACK
        if Part.FLAGS in box.changed:
            for flag, field in _FLAG_FIELDS:
                lost[field] += box.has(flag)
        lost[Field.ATTRIBUTES] += Part.ATTRIBUTES in box.changed and bool(box.attributes)

    def _new_line(self, box: EditedBox) -> str:
        values, side = self._fractions(box)
        cells = [str(self.numbers[box.class_id]), *(_text(value, side) for value in values)]
        cells += ["1"] if self.has_scores else []
        cells += [str(box.track)] if self.has_tracks else []
        return " ".join(cells)


def _text(value: float, side: float) -> str:
    """A fraction with as many digits as keep the edge within 1e-6 pixels."""
    decimals = DECIMALS + 1 + math.ceil(math.log10(side))
    text = short_text(round(value, decimals) + 0.0, decimals)
    return exact_text(value) if text == "0" and value else text
