"""Patches box CSV: one row a box; further columns and the order of rows stay as they are."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from iouviewer.document.boxes import NO_TRACK
from iouviewer.formats.box_csv import COORDINATES, FLAG_NAMES, quote_formula
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.texts import SourceFiles, new_number, number_text
from iouviewer.formats.unsupported_fields import Field


class _Record(NamedTuple):
    """A row of the table: its text with its end, and its cells as they are written, quotes included."""

    cells: list[str]
    end: str
    last_line: int


def _records(text: str) -> list[_Record]:
    """The rows of a CSV text; cells keep their quotes."""
    found: list[_Record] = []
    cells, start, at, line, in_quotes = [], 0, 0, 1, False
    while at < len(text):
        char = text[at]
        if char == '"':
            in_quotes = not in_quotes
        elif char == "," and not in_quotes:
            cells.append(text[start:at])
            start = at + 1
        elif char in "\r\n":
            width = 2 if text[at : at + 2] == "\r\n" else 1
            if not in_quotes:
                found.append(_Record([*cells, text[start:at]], text[at : at + width], line))
                cells, start = [], at + width
            line += 1
            at += width
            continue
        at += 1
    if cells or start < len(text):
        found.append(_Record([*cells, text[start:]], "", line))
    return found


def _quoted(value: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow([value, ""])
    return out.getvalue()[:-1]


def patch(files: SourceFiles, edits: Edits, _context: ReadContext) -> None:
    """Write edits into the file."""
    _CsvPatch(files, edits).run()


class _CsvPatch:
    def __init__(self, files: SourceFiles, edits: Edits) -> None:
        self.files, self.edits = files, edits
        self.path = edits.original.path
        self.base = edits.original.frame_base or 0
        self.records = _records(files.text(self.path))
        names = [cell.strip("﻿").strip().strip('"').lower() for cell in self.records[0].cells]
        self.columns = {name: place for place, name in enumerate(names)}
        by_line = {record.last_line: place for place, record in enumerate(self.records)}
        self.record_of = [by_line[place.line or 0] for place in edits.original.places or ()]

    def run(self) -> None:
        removed = {self.record_of[row] for row in self.edits.removed}
        new = {place: list(record.cells) for place, record in enumerate(self.records)}
        for box in self.edits.changed:
            self._change(box, new[self.record_of[box.row]])
        if self.edits.renamed and "class" in self.columns:
            other = {box.row for box in self.edits.changed if Part.CLASS in box.changed}
            for row, class_id in enumerate(self.edits.original.class_ids.tolist()):
                if class_id in self.edits.renamed and row not in other:
                    new[self.record_of[row]][self.columns["class"]] = self._class_cell(class_id)
        end = next((record.end for record in self.records if record.end), "\r\n")
        lines = [(",".join(new[p]), r.end) for p, r in enumerate(self.records) if p not in removed]
        if self.edits.added and lines and not lines[-1][1]:
            lines[-1] = (lines[-1][0], end)
        lines += [(",".join(self._new_cells(box)), end) for box in self.edits.added]
        self.files.set_text(self.path, "".join(text + ending for text, ending in lines))

    def _class_cell(self, class_id: int) -> str:
        return _quoted(quote_formula(self.edits.class_names[class_id])) if class_id >= 0 else ""

    def _change(self, box: EditedBox, cells: list[str]) -> None:
        if Part.RECT in box.changed:
            for name, value in zip(COORDINATES, box.rect, strict=True):
                place = self.columns[name]
                cells[place] = new_number(cells[place], value)
        for part, name, text, field in (
            (Part.CLASS, "class", self._class_cell(box.class_id), Field.CLASSES),
            (Part.TRACK, "id", str(box.track) if box.track != NO_TRACK else "", Field.TRACK_IDS),
            (Part.FLAGS | Part.KEY_FRAME, "flags", self._flags_cell(box), Field.KEY_FRAMES),
        ):
            if not part & box.changed:
                continue
            if name in self.columns:
                cells[self.columns[name]] = text
            else:
                self.files.lost[field] += bool(text)
        self.files.lost[Field.ATTRIBUTES] += Part.ATTRIBUTES in box.changed and bool(box.attributes)

    def _flags_cell(self, box: EditedBox) -> str:
        return " ".join(word for word, flag in FLAG_NAMES.items() if box.has(flag))

    def _new_cells(self, box: EditedBox) -> list[str]:
        cells = [""] * len(self.records[0].cells)
        cells[self.columns["frameid"]] = str(box.frame + self.base)
        for name, value in zip(COORDINATES, box.rect, strict=True):
            cells[self.columns[name]] = number_text(value)
        if "score" in self.columns and self.edits.original.scores is not None:
            cells[self.columns["score"]] = "1"
        self._change(box, cells)
        return cells
