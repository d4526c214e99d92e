"""Recovers the readable part of a damaged project file into a new file, without writing to the damaged file."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iouviewer.document.classes import ClassTable
from iouviewer.document.edits import FrameState
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.project import history_log, note_rows, rows, variant_rows
from iouviewer.project.contents import sync_folder
from iouviewer.project.schema import connect, create_tables

_HIGHEST_KEY = 1 << 40
_PAGE_SIZE = 4096

_MAX_FRAMES = 100_000_000
_MAX_CLASSES = 100_000

Row = tuple[Any, ...]

_SOURCE_TYPES = (int, str, str, str, int, int, int, float, str, str, int)
_BOX_TYPES = (int, int, int, float, float, float, float, int, int, int)


def _has_types(row: Row, types: tuple[type, ...]) -> bool:
    """Whether each value has its column's type (int is accepted for float)."""
    return len(row) == len(types) and all(
        isinstance(value, type_) or (type_ is float and isinstance(value, int))
        for value, type_ in zip(row, types, strict=True)
    )


_TABLE_LOSSES = {
    "meta": tr("some properties of the project are lost"),
    "settings": tr("some settings are lost"),
    "decisions": tr("some decisions about problems are lost"),
}


@dataclass(slots=True)
class SalvageReport:
    """What was recovered.

    Attributes:
        path: the new file.
        boxes, frames, variants, steps: number of each in the new file.
        losses: one clause for each kind of loss; empty if nothing is lost.
    """

    path: Path
    boxes: int = 0
    frames: int = 0
    variants: int = 0
    steps: int = 0
    losses: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        recovered = tr(
            "{boxes}, {frames}, {variants} and {steps} recovered",
            boxes=tr_n("{count} box", "{count:,} boxes", self.boxes),
            frames=tr_n("{count} frame state", "{count:,} frame states", self.frames),
            variants=tr_n("{count} variant", "{count:,} variants", self.variants),
            steps=tr_n("{count} undo step", "{count:,} undo steps", self.steps),
        )
        return "; ".join((recovered, *(self.losses or [tr("no losses found")])))


def salvage(path: Path, target: Path) -> SalvageReport:
    """Read what is readable in a damaged project and write it to a new file at ``target``.

    Raises:
        UserError: nothing can be read, or ``target`` exists or cannot be written; nothing was created.
    """
    if target.exists():
        raise UserError(tr("there is already a file with this name"), path=target)
    with tempfile.TemporaryDirectory(prefix="iouviewer-salvage-") as folder:
        copy = Path(folder) / "damaged"
        part = Path(folder) / "salvaged"
        try:
            _copy_with_log(path, copy)
            report = SalvageReport(target)
            with closing(_open_damaged(copy)) as damaged, closing(connect(part, mode="rwc")) as new:
                new.execute("BEGIN IMMEDIATE")
                create_tables(new)
                _Salvager(damaged, new, report).run(path)
                new.execute("COMMIT")
            if not report.boxes and not report.frames and not report.variants:
                raise _nothing_readable(path)
            # ``target`` may be on another disk than the temporary folder: copy beside it, then rename.
            target_part = target.with_name(f".{target.name}.part")
            shutil.copyfile(part, target_part)
            target_part.rename(target)
            sync_folder(target.parent)
        except (sqlite3.Error, OSError) as error:
            text = tr("the damaged project could not be recovered: {reason}", reason=error)
            raise UserError(text, path=path) from error
    return report


def _nothing_readable(path: Path) -> UserError:
    snapshots = sorted(path.parent.glob(f"{path.name}.snapshots/*"), key=lambda p: p.stat().st_mtime)
    remedy = tr("The newest snapshot is {path}.", path=snapshots[-1]) if snapshots else ""
    return UserError(tr("nothing in the damaged project can be read"), path=path, remedy=remedy)


def _copy_with_log(path: Path, copy: Path) -> None:
    shutil.copyfile(path, copy)
    log = path.with_name(f"{path.name}-wal")
    if log.is_file():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))


def _open_damaged(copy: Path) -> sqlite3.Connection:
    """A connection to a damaged copy; its first page is replaced if that is damaged."""
    connection = connect(copy)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        connection.execute("SELECT 1 FROM boxes LIMIT 1")
    except sqlite3.DatabaseError:
        connection.close()
        _replace_first_page(copy)
        connection = connect(copy)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _replace_first_page(copy: Path) -> None:
    """Overwrite the first page of a copy with that of an empty project: tables always have the same root pages."""
    empty_path = copy.with_name("empty")
    with closing(connect(empty_path, mode="rwc")) as empty:
        empty.execute(f"PRAGMA page_size = {_PAGE_SIZE}")
        empty.execute("BEGIN IMMEDIATE")
        create_tables(empty)
        empty.execute("COMMIT")
    page = bytearray(empty_path.read_bytes()[:_PAGE_SIZE])
    page[28:32] = (copy.stat().st_size // _PAGE_SIZE).to_bytes(4, "big")
    copy.with_name(f"{copy.name}-wal").unlink(missing_ok=True)
    with copy.open("r+b") as file:
        file.write(page)


class _Salvager:
    """Copies table by table, without rows that cannot be read or are not valid."""

    def __init__(self, damaged: sqlite3.Connection, new: sqlite3.Connection, report: SalvageReport) -> None:
        self._damaged = damaged
        self._new = new
        self._report = report

    def run(self, path: Path) -> None:
        """Copy everything; the history is kept only if everything that it refers to was recovered."""
        sources, sources_lost = self._scan("sources", "id", ())
        classes, classes_lost = self._scan("classes", "id", ())
        kept = [row for row in sources if _has_types(row, _SOURCE_TYPES) and 0 <= row[6] < _MAX_FRAMES]
        sources_lost |= len(kept) < len(sources)
        numbers = [row[0] for row in kept] or [0]
        boxes = {number: self._scan_boxes(number) for number in numbers}
        names = self._names(classes, boxes)
        for number in numbers:
            self._write_source(path, number, kept, boxes[number][0], len(names))
        rows.write_classes(self._new, ClassTable(names))
        lost = sources_lost or classes_lost or any(lost for _found, lost in boxes.values())
        if classes_lost:
            self._report.losses.append(tr("some class names are lost"))
        lost |= bool(self._report.losses)
        self._copy_texts("meta", "key")
        self._copy_history(lost)
        self._copy_texts("settings", "key")
        self._copy_texts("decisions", "key")
        self._copy_notes()
        self._copy_variants()

    def _scan(self, table: str, key: str, where: tuple[tuple[str, object], ...]) -> tuple[list[Row], bool]:
        condition = "".join(f"{name} = ? AND " for name, _value in where)
        values = tuple(value for _name, value in where)
        try:
            names = [row[1] for row in self._damaged.execute(f"PRAGMA table_info({table})")]
            place = names.index(key)
        except (sqlite3.DatabaseError, ValueError):
            return [], True
        return _scan(_KeyRange(self._damaged, table, condition, values, key, place))

    def _scan_boxes(self, source: int) -> tuple[list[Row], bool]:
        found, lost = self._scan("boxes", "id", (("source", source),))
        # A damaged key ends a search by key early without an error; a scan of all rows continues.
        scanned, scan_lost = _scan_texts(self._damaged, "boxes", "source", further=("id",))
        known = {row[1]: row for row in (*found, *scanned) if _has_types(row, _BOX_TYPES) and row[0] == source}
        lost |= scan_lost or len(known) > len(found) or self._is_inconsistent("boxes")
        if lost:
            self._report.losses.append(tr("some boxes cannot be read"))
        return [known[key] for key in sorted(known)], lost

    def _is_inconsistent(self, table: str) -> bool:
        """Whether SQLite reports an error in a table, such as keys out of order."""
        try:
            found = self._damaged.execute(f"PRAGMA quick_check({table})").fetchone()
        except sqlite3.DatabaseError:
            return True
        return found is None or found[0] != "ok"

    def _names(self, classes: list[Row], boxes: dict[int, tuple[list[Row], bool]]) -> tuple[str, ...]:
        """Class names; lost ones are named by their number."""
        # Without a limit, one damaged class id could create a million names.
        known = {row[0]: str(row[1]) for row in classes if row[0] < _MAX_CLASSES}
        used = {row[7] for found, _lost in boxes.values() for row in found if _has_types(row, _BOX_TYPES)}
        count = max((number + 1 for number in {*known, *used} if number < _MAX_CLASSES), default=0)
        return tuple(known[n] if n in known else tr("class {number}", number=n) for n in range(count))

    def _write_source(self, path: Path, number: int, sources: list[Row], boxes: list[Row], class_count: int) -> None:
        frames, frames_lost = self._scan("frames", "frame", (("source", number),))
        good = [row for row in boxes if _has_types(row, _BOX_TYPES)]
        columns = rows.columns_of_rows([row[1:] for row in good])
        row = next((row for row in sources if row[0] == number), None)
        if row is None:
            numbers = [*columns.frames.tolist(), *(frame[1] for frame in frames)]
            count = max((frame + 1 for frame in numbers if frame < _MAX_FRAMES), default=0)
            row = (number, path.stem, "", "", 0, 0, count, 0.0, "", "", 1)
            self._report.losses.append(tr("the properties of the video are lost"))
        keep = rows.valid_rows(columns, frame_count=int(row[6]), class_count=class_count)
        dropped = len(boxes) - int(keep.sum())
        if dropped:
            self._report.losses.append(
                tr_n("{count} box had invalid values", "{count:,} boxes had invalid values", dropped)
            )
        kept = rows.BoxColumns(
            columns.frames[keep],
            columns.boxes[:, keep],
            columns.class_ids[keep],
            columns.tracks[keep],
            columns.flags[keep],
            columns.ids[keep],
        )
        next_id = max(int(row[10]), int(columns.ids[keep].max(initial=0)) + 1)
        self._new.execute("INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        rows.write_columns(self._new, number, kept, next_id)
        self._report.boxes += int(keep.sum())
        known = {int(state) for state in FrameState}
        states = [
            frame
            for frame in frames
            if _has_types(frame, (int, int, int, int))
            and 0 <= frame[1] < row[6]
            and frame[2] in known
            and frame[3] in (0, 1)
        ]
        self._new.executemany("INSERT INTO frames VALUES (?, ?, ?, ?)", states)
        self._report.frames += len(states)
        if frames_lost or self._is_inconsistent("frames") or len(states) < len(frames):
            self._report.losses.append(tr("the states of some frames are lost"))

    def _copy_texts(self, table: str, key: str) -> None:
        found, lost = _scan_texts(self._damaged, table, key)
        lost |= not self._insert(table, found)
        if lost:
            self._report.losses.append(_TABLE_LOSSES[table])

    def _copy_notes(self) -> None:
        if not self._has_table("notes"):
            return  # a file of version 1 or 2
        found, lost = _scan_texts(self._damaged, "notes", "id")
        frame_counts = dict(self._new.execute("SELECT id, frame_count FROM sources").fetchall())
        valid = [row for row in found if note_rows.is_valid_row(row, frame_counts)]
        lost |= not self._insert("notes", valid) or len(valid) < len(found)
        if lost:
            self._report.losses.append(tr("some notes are lost"))

    def _has_table(self, table: str) -> bool:
        """Whether the file has this table; also True where nobody can tell."""
        try:
            return bool(self._damaged.execute(f"PRAGMA table_info({table})").fetchall())
        except sqlite3.DatabaseError:
            return True

    def _insert(self, table: str, found: list[Row]) -> bool:
        """Insert rows; False if some violate a constraint of the table."""
        all_inserted = True
        for row in found:
            try:
                self._new.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)
            except sqlite3.IntegrityError:
                all_inserted = False
        return all_inserted

    def _copy_history(self, rows_lost: bool) -> None:
        found, lost = self._scan("history", "position", ())
        steps: list[history_log.Row] = []
        try:
            for row in found:
                step = history_log.padded_row(row)
                history_log.row_step(step)
                steps.append(step)
            cursor = self._damaged.execute("SELECT value FROM meta WHERE key = 'cursor'").fetchone()[0]
            is_complete = [step[0] for step in steps] == list(range(1, len(steps) + 1)) and 0 <= cursor <= len(steps)
        except (sqlite3.DatabaseError, UserError, TypeError):
            is_complete = False
        if lost or rows_lost or not is_complete:
            if found or lost:
                self._report.losses.append(tr("earlier edits can no longer be undone"))
            history_log.write_cursor(self._new, 0)
            return
        for step in steps:
            history_log.write_step(self._new, step)
        history_log.write_cursor(self._new, cursor)
        self._report.steps = len(steps)

    def _copy_variants(self) -> None:
        found, lost = _scan_texts(self._damaged, "variants", "key")
        for row in found:
            chunks, chunks_lost = self._scan("prediction_chunks", "number", (("variant", row[0]),))
            valid = [chunk for chunk in chunks if variant_rows.is_valid_chunk(chunk[5])]
            if not variant_rows.is_valid_list_row(row):
                lost = True
                continue
            if not self._insert("variants", [row]):
                lost = True
                continue
            chunks_lost |= not self._insert("prediction_chunks", valid)
            self._report.variants += 1
            if chunks_lost or len(valid) < len(chunks):
                text = tr("predictions of {variant} on some frames are lost", variant=row[2])
                self._report.losses.append(text)
        if lost:
            self._report.losses.append(tr("some variants are lost"))


@dataclass(frozen=True, slots=True)
class _KeyRange:
    """Rows of a table that match an SQL condition (empty, or ending with AND), by an integer key in column
    ``place``.
    """

    connection: sqlite3.Connection
    table: str
    condition: str
    values: tuple[object, ...]
    key: str
    place: int

    def after(self, key: int) -> Iterable[Row]:
        return self.connection.execute(
            f"SELECT * FROM {self.table} WHERE {self.condition}{self.key} > ? ORDER BY {self.key} ASC",
            (*self.values, key),
        )

    def before(self, key: int) -> Iterable[Row]:
        return self.connection.execute(
            f"SELECT * FROM {self.table} WHERE {self.condition}{self.key} < ? ORDER BY {self.key} DESC",
            (*self.values, key),
        )


def _scan(rows: _KeyRange) -> tuple[list[Row], bool]:
    """Read rows by key from both sides up to damaged parts; also returns whether any part is damaged."""
    found: dict[int, Row] = {}
    after, skip, lost = -_HIGHEST_KEY, 1, False
    bad_from: int | None = None
    while after < _HIGHEST_KEY:
        try:
            for row in rows.after(after):
                key = row[rows.place]
                if not isinstance(key, int):
                    lost = True
                    continue
                if bad_from is not None:
                    _read_back(rows, key, bad_from, found)
                    bad_from = None
                after, skip = key, 1
                found[after] = row
            break
        except sqlite3.DatabaseError:
            lost = True
            if bad_from is None:
                bad_from = after
            # Doubling from the lowest possible key would take many steps to reach the first real one.
            after = max(after + skip, -2)
            skip *= 2
    return [found[key] for key in sorted(found)], lost


def _read_back(rows: _KeyRange, key: int, stop: int, found: dict[int, Row]) -> None:
    """Read the rows before ``key`` that the doubling steps skipped, downwards until the damage or ``stop``."""
    try:
        for row in rows.before(key):
            if not isinstance(row[rows.place], int) or row[rows.place] <= stop:
                return
            found[row[rows.place]] = row
    except sqlite3.DatabaseError:
        return


def _scan_texts(
    connection: sqlite3.Connection, table: str, key: str, *, further: tuple[str, ...] = ()
) -> tuple[list[Row], bool]:
    """Read rows of a table in order of its key, from its beginning and, if that fails, also from its end."""
    found: dict[tuple[Any, ...], Row] = {}
    lost = False
    for order in ("ASC", "DESC"):
        by = ", ".join(f"{name} {order}" for name in (key, *further))
        try:
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY {by}"):
                found[row] = row
        except sqlite3.DatabaseError:
            lost = True
            continue
        if not lost:
            break
    return list(found.values()), lost
