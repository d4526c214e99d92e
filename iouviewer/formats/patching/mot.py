"""Patches MOTChallenge text: one line a box."""

from __future__ import annotations

from collections import defaultdict

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.class_lists import MOT17_CLASSES
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.mot import labels_path
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.texts import Cell, Lines, SourceFiles, cells_of, new_number, number_text, with_cells
from iouviewer.formats.unsupported_fields import Field

TRACK, LEFT, FLAG, CLASS, VISIBILITY = 1, 2, 6, 7, 8
TRUNCATION, OCCLUSION = 8, 9
"""Columns of VisDrone, which has degrees from 0 where MOTChallenge has a visibility."""
_FLAG_FIELDS = (
    (BoxFlag.IGNORED, Field.IGNORED),
    (BoxFlag.OCCLUDED, Field.OCCLUDED),
    (BoxFlag.TRUNCATED, Field.TRUNCATED),
)


def patch(files: SourceFiles, edits: Edits, _context: ReadContext) -> None:
    """Write edits into the file; classes that it lacks get numbers after its own and a line in its labels file."""
    _MotPatch(files, edits).run()


class _MotPatch:
    def __init__(self, files: SourceFiles, edits: Edits) -> None:
        self.files, self.edits = files, edits
        self.path = edits.original.path
        self.lines = Lines(files.text(self.path))
        self.base = edits.original.frame_base or 0
        self.line_of = [place.line or 0 for place in edits.original.places or ()]
        sample = next((self.lines[n] for n in self.line_of), "1,-1,0,0,1,1,1,-1,-1")
        self.by_comma = "," in sample.split("#", 1)[0]
        self.sample = self._cells(sample)
        self.columns = len(self.sample)
        # Rows of ten columns have a class only in VisDrone; MOT15 and detections have world coordinates there.
        self.is_visdrone = self.columns == OCCLUSION + 1 and bool(edits.original.class_names)
        self.has_class = self.columns in {8, 9} or self.is_visdrone
        self.numbers = self._class_numbers()

    def _cells(self, line: str) -> list[Cell]:
        cells = cells_of(line, by_comma=self.by_comma)
        while cells and not cells[-1].text:
            cells.pop()
        return cells

    def run(self) -> None:
        for row in self.edits.removed:
            self.lines.delete(self.line_of[row])
        for box in self.edits.changed:
            number = self.line_of[box.row]
            cells = self._cells(self.lines[number])
            self.lines.replace(number, with_cells(self.lines[number], cells, self._new_cells(box, cells)))
        self._insert()
        self.files.set_text(self.path, self.lines.text())
        if self.edits.renamed or self.edits.new_classes:
            self._write_labels()

    def _new_cells(self, box: EditedBox, cells: list[Cell]) -> dict[int, str]:
        new: dict[int, str] = {}
        if Part.RECT in box.changed:
            x1, y1, x2, y2 = box.rect
            for at, value in enumerate((x1, y1, x2 - x1, y2 - y1), LEFT):
                new[at] = new_number(cells[at].text, value)
        if Part.TRACK in box.changed:
            new[TRACK] = str(box.track)
        if Part.CLASS in box.changed:
            if self.has_class:
                new[CLASS] = str(self.numbers[box.class_id])
            else:
                self.files.lost[Field.CLASSES] += 1
        if Part.FLAGS in box.changed:
            new |= self._flag_cells(box, cells)
        self.files.lost[Field.ATTRIBUTES] += Part.ATTRIBUTES in box.changed
        return {at: text for at, text in new.items() if cells[at].text != text}

    def _flag_cells(self, box: EditedBox, cells: list[Cell]) -> dict[int, str]:
        before = int(self.edits.original.flags[box.row])
        new: dict[int, str] = {}
        for flag, field in _FLAG_FIELDS:
            if (before ^ box.flags) & int(flag):
                at, text = self._flag_cell(flag, is_on=box.has(flag))
                if 0 <= at < len(cells):
                    new[at] = text
                else:
                    self.files.lost[field] += 1
        return new

    def _flag_cell(self, flag: BoxFlag, *, is_on: bool) -> tuple[int, str]:
        """Column of a flag, -1 for none, and its text."""
        if flag is BoxFlag.IGNORED:
            return (FLAG if self.columns > FLAG else -1), "01"[not is_on]
        if self.is_visdrone:
            return (OCCLUSION if flag is BoxFlag.OCCLUDED else TRUNCATION), "01"[is_on]
        if flag is BoxFlag.OCCLUDED and self.columns == VISIBILITY + 1:
            return VISIBILITY, "01"[not is_on]
        return -1, ""

    def _insert(self) -> None:
        """New lines: after the last line of their track, or of their frame where the file is sorted by frames."""
        original = self.edits.original
        frames = original.frames.tolist()
        by_frame = frames == sorted(frames)
        keys = frames if by_frame else original.track_ids.tolist()
        last: dict[int, int] = {}
        places: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for row, key in enumerate(keys):
            last[key] = max(last.get(key, 0), self.line_of[row])
            places[key].append((frames[row], self.line_of[row]))
        known = sorted(last)
        for box in self.edits.added:
            key = box.frame if by_frame else box.track
            before = [line for frame, line in places.get(key, ()) if frame <= box.frame]
            if before:
                at = max(before)
            elif by_frame:
                at = max((last[k] for k in known if k <= key), default=0)
            elif key in places:
                at = min(line for _frame, line in places[key]) - 1
            else:
                at = len(self.lines)
            self.lines.insert(at, self._new_line(box))

    def _new_line(self, box: EditedBox) -> str:
        x1, y1, x2, y2 = box.rect
        track = box.track if box.track != NO_TRACK else -1
        numbers = [number_text(value) for value in (x1, y1, x2 - x1, y2 - y1)]
        values = [str(box.frame + self.base), str(track), *numbers]
        values += ["1" if at == FLAG else "-1" for at in range(len(values), self.columns)]
        if self.has_class:
            values[CLASS] = str(self.numbers[box.class_id])
        else:
            self.files.lost[Field.CLASSES] += box.class_id >= 0
        for flag, field in _FLAG_FIELDS:
            at, text = self._flag_cell(flag, is_on=box.has(flag))
            if at >= 0:
                values[at] = text
            else:
                self.files.lost[field] += box.has(flag)
        self.files.lost[Field.ATTRIBUTES] += bool(box.attributes)
        separator = "," if self.by_comma else " "
        return separator.join(values[: self.columns])

    def _class_numbers(self) -> dict[int, int]:
        """The file's number of each class; new ones get that of MOT17 where they have its name, else the next."""
        known = self.edits.original.class_numbers or ()
        numbers = {place: number for place, number in enumerate(known) if number >= 0}
        numbers[-1] = -1
        standard = {name: number for number, name in enumerate(MOT17_CLASSES, 1)}
        for place, name in self.edits.new_classes.items():
            taken = set(numbers.values())
            number = standard.get(name, 0) if self._is_mot17() else 0
            numbers[place] = number if number and number not in taken else max(taken, default=0) + 1
            if number != numbers[place] and self._is_mot17():
                numbers[place] = max(len(MOT17_CLASSES), *taken) + 1
        for place in range(len(self.edits.class_names)):
            numbers.setdefault(place, max(0, *numbers.values()) + 1)
        return numbers

    def _is_mot17(self) -> bool:
        names, numbers = self.edits.original.class_names, self.edits.original.class_numbers or ()
        known = dict(enumerate(MOT17_CLASSES, 1))
        return bool(names) and all(known.get(n) == name for n, name in zip(numbers, names, strict=False))

    def _write_labels(self) -> None:
        """Name renamed and new classes in the labels file, which is made where there is none."""
        edits = self.edits
        if not self.has_class:
            return
        named = {self.numbers[place]: name for place, name in (edits.renamed | edits.new_classes).items()}
        path = next(
            (p for p in (labels_path(self.path), self.path.with_name("labels.txt")) if self.files.exists(p)), None
        )
        if path is None:
            if all(dict(enumerate(MOT17_CLASSES, 1)).get(n) == name for n, name in named.items()) and self._is_mot17():
                return
            path = labels_path(self.path)
            table = zip(edits.original.class_numbers or (), edits.original.class_names, strict=False)
            named = dict(table) | named
        lines = Lines(self.files.text(path))
        count = len(lines)
        for number in range(1, max(named, default=0) + 1):
            name = named.get(number)
            if number > count:
                lines.insert(count, name or "")
            elif name is not None and lines[number] != name:
                lines.replace(number, name)
        self.files.set_text(path, lines.text())
