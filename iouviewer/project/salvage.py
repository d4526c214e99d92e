"""What can still be read of a damaged project file, put into a new one; the damaged file is never written to."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iouviewer.document.edits import FrameState
from iouviewer.errors import UserError
from iouviewer.project import history_log, rows, variant_rows
from iouviewer.project.contents import sync_folder
from iouviewer.project.schema import connect, create_tables

_HIGHEST_KEY = 1 << 40
_PAGE = 4096

_MOST_FRAMES = 100_000_000
_MOST_CLASSES = 100_000

Row = tuple[Any, ...]

_SOURCE_KINDS = (int, str, str, str, int, int, int, float, str, str, int)
_BOX_KINDS = (int, int, int, float, float, float, float, int, int, int)


def _fits(row: Row, kinds: tuple[type, ...]) -> bool:
    """Whether each value is of its column's kind (whole numbers are numbers too)."""
    return len(row) == len(kinds) and all(
        isinstance(value, kind) or (kind is float and isinstance(value, int))
        for value, kind in zip(row, kinds, strict=True)
    )


@dataclass(slots=True)
class SalvageReport:
    """What was saved.

    Attributes:
        path: the new file.
        boxes, frames, variants, steps: how many of each it holds.
        losses: one sentence for each thing that is gone; empty if nothing is.
    """

    path: Path
    boxes: int = 0
    frames: int = 0
    variants: int = 0
    steps: int = 0
    losses: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        saved = (
            f"{self.boxes} boxes, {self.frames} frame states, {self.variants} variants, {self.steps} steps were saved"
        )
        return f"{saved}; {'; '.join(self.losses) or 'nothing is known to be lost'}"


def salvage(path: Path, target: Path) -> SalvageReport:
    """Read what can be read of a damaged project and write it to a new file at ``target``.

    Raises:
        UserError: nothing can be read, or ``target`` exists or cannot be written; nothing was made.
    """
    if target.exists():
        raise UserError("there is a file at this place already", path=target)
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
                raise _nothing(path)
            # ``target`` is on the project's disk, which may be another one: copied beside, then renamed.
            beside = target.with_name(f".{target.name}.part")
            shutil.copyfile(part, beside)
            beside.rename(target)
            sync_folder(target.parent)
        except (sqlite3.Error, OSError) as error:
            raise UserError(f"the damaged project could not be salvaged: {error}", path=path) from error
    return report


def _nothing(path: Path) -> UserError:
    snapshots = sorted(path.parent.glob(f"{path.name}.snapshots/*"), key=lambda p: p.stat().st_mtime)
    remedy = f"The newest snapshot is {snapshots[-1]}." if snapshots else ""
    return UserError("nothing can be read of the damaged project", path=path, remedy=remedy)


def _copy_with_log(path: Path, copy: Path) -> None:
    shutil.copyfile(path, copy)
    log = path.with_name(f"{path.name}-wal")
    if log.is_file():
        shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))


def _open_damaged(copy: Path) -> sqlite3.Connection:
    """A connection to a damaged copy, its first page replaced if it is the damaged one."""
    connection = connect(copy)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        connection.execute("SELECT 1 FROM boxes LIMIT 1")
    except sqlite3.DatabaseError:
        connection.close()
        _graft_first_page(copy)
        connection = connect(copy)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _graft_first_page(copy: Path) -> None:
    """Put the first page of an empty project over that of a copy: tables always lie at the same root pages."""
    fresh_path = copy.with_name("fresh")
    with closing(connect(fresh_path, mode="rwc")) as fresh:
        fresh.execute(f"PRAGMA page_size = {_PAGE}")
        fresh.execute("BEGIN IMMEDIATE")
        create_tables(fresh)
        fresh.execute("COMMIT")
    page = bytearray(fresh_path.read_bytes()[:_PAGE])
    page[28:32] = (copy.stat().st_size // _PAGE).to_bytes(4, "big")
    copy.with_name(f"{copy.name}-wal").unlink(missing_ok=True)
    with copy.open("r+b") as file:
        file.write(page)


class _Salvager:
    """Copies table after table, leaving out what cannot be read or cannot be."""

    def __init__(self, damaged: sqlite3.Connection, new: sqlite3.Connection, report: SalvageReport) -> None:
        self._damaged = damaged
        self._new = new
        self._report = report

    def run(self, path: Path) -> None:
        """Copy all; the history is kept only where all that it names was saved."""
        sources, sources_lost = self._scan("sources", "id", ())
        classes, classes_lost = self._scan("classes", "id", ())
        kept = [row for row in sources if _fits(row, _SOURCE_KINDS) and 0 <= row[6] < _MOST_FRAMES]
        sources_lost |= len(kept) < len(sources)
        numbers = [row[0] for row in kept] or [0]
        boxes = {number: self._scan_boxes(number) for number in numbers}
        names = self._names(classes, boxes)
        for number in numbers:
            self._write_source(path, number, kept, boxes[number][0], len(names))
        rows.write_class_names(self._new, names)
        lost = sources_lost or classes_lost or any(lost for _found, lost in boxes.values())
        if classes_lost:
            self._report.losses.append("some class names are gone")
        lost |= bool(self._report.losses)
        self._copy_texts("meta", "key")
        self._copy_history(lost)
        self._copy_texts("settings", "key")
        self._copy_texts("decisions", "key")
        self._copy_variants()

    def _scan(self, table: str, key: str, where: tuple[tuple[str, object], ...]) -> tuple[list[Row], bool]:
        condition = "".join(f"{name} = ? AND " for name, _value in where)
        values = tuple(value for _name, value in where)
        sql = f"SELECT * FROM {table} WHERE {condition}{key} {{}} ? ORDER BY {key} {{}}"
        try:
            names = [row[1] for row in self._damaged.execute(f"PRAGMA table_info({table})")]
            place = names.index(key)
        except (sqlite3.DatabaseError, ValueError):
            return [], True
        return _scan(self._damaged, sql, values, place)

    def _scan_boxes(self, source: int) -> tuple[list[Row], bool]:
        found, lost = self._scan("boxes", "id", (("source", source),))
        # A damaged key ends a search by key early, without an error; a walk over all rows passes by.
        walked, walk_lost = _scan_texts(self._damaged, "boxes", "source", further=("id",))
        known = {row[1]: row for row in (*found, *walked) if _fits(row, _BOX_KINDS) and row[0] == source}
        lost |= walk_lost or len(known) > len(found) or self._is_inconsistent("boxes")
        if lost:
            self._report.losses.append("some boxes cannot be read")
        return [known[key] for key in sorted(known)], lost

    def _is_inconsistent(self, table: str) -> bool:
        """Whether SQLite finds anything wrong with a table, such as keys out of order."""
        try:
            found = self._damaged.execute(f"PRAGMA quick_check({table})").fetchone()
        except sqlite3.DatabaseError:
            return True
        return found is None or found[0] != "ok"

    def _names(self, classes: list[Row], boxes: dict[int, tuple[list[Row], bool]]) -> tuple[str, ...]:
        """Class names; those that are gone are named by their number."""
        # A damaged class id must not make a million names.
        known = {row[0]: str(row[1]) for row in classes if row[0] < _MOST_CLASSES}
        used = {row[7] for found, _lost in boxes.values() for row in found if _fits(row, _BOX_KINDS)}
        count = max((number + 1 for number in {*known, *used} if number < _MOST_CLASSES), default=0)
        return tuple(known.get(number, f"class {number}") for number in range(count))

    def _write_source(self, path: Path, number: int, sources: list[Row], boxes: list[Row], class_count: int) -> None:
        frames, frames_lost = self._scan("frames", "frame", (("source", number),))
        good = [row for row in boxes if _fits(row, _BOX_KINDS)]
        columns = rows.columns_of_rows([row[1:] for row in good])
        row = next((row for row in sources if row[0] == number), None)
        if row is None:
            numbers = [*columns.frames.tolist(), *(frame[1] for frame in frames)]
            count = max((frame + 1 for frame in numbers if frame < _MOST_FRAMES), default=0)
            row = (number, path.stem, "", "", 0, 0, count, 0.0, "", "", 1)
            self._report.losses.append("what was known of the video is gone")
        keep = rows.valid_rows(columns, frame_count=int(row[6]), class_count=class_count)
        gone = len(boxes) - int(keep.sum())
        if gone:
            self._report.losses.append(f"{gone} boxes held impossible numbers")
        kept = rows.Columns(
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
            if _fits(frame, (int, int, int, int))
            and 0 <= frame[1] < row[6]
            and frame[2] in known
            and frame[3] in (0, 1)
        ]
        self._new.executemany("INSERT INTO frames VALUES (?, ?, ?, ?)", states)
        self._report.frames += len(states)
        if frames_lost or self._is_inconsistent("frames") or len(states) < len(frames):
            self._report.losses.append("the states of some frames are gone")

    def _copy_texts(self, table: str, key: str) -> None:
        found, lost = _scan_texts(self._damaged, table, key)
        lost |= not self._insert(table, found)
        if lost:
            self._report.losses.append(f"some {table} are gone")

    def _insert(self, table: str, found: list[Row]) -> bool:
        """Put rows; False if some break the table's rules."""
        good = True
        for row in found:
            try:
                self._new.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)
            except sqlite3.IntegrityError:
                good = False
        return good

    def _copy_history(self, rows_lost: bool) -> None:
        found, lost = self._scan("history", "position", ())
        steps: list[history_log.Row] = []
        try:
            for row in found:
                history_log.row_step(row)
                steps.append(row)
            cursor = self._damaged.execute("SELECT value FROM meta WHERE key = 'cursor'").fetchone()[0]
            whole = [step[0] for step in steps] == list(range(1, len(steps) + 1)) and 0 <= cursor <= len(steps)
        except (sqlite3.DatabaseError, UserError, TypeError):
            whole = False
        if lost or rows_lost or not whole:
            if found or lost:
                self._report.losses.append("earlier edits can no longer be undone")
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
            whole = [chunk for chunk in chunks if variant_rows.is_whole_chunk(chunk[5])]
            if not variant_rows.is_whole_list_row(row):
                lost = True
                continue
            if not self._insert("variants", [row]):
                lost = True
                continue
            chunks_lost |= not self._insert("prediction_chunks", whole)
            self._report.variants += 1
            if chunks_lost or len(whole) < len(chunks):
                self._report.losses.append(f"predictions of some frames of {row[2]} are gone")
        if lost:
            self._report.losses.append("some variants are gone")


def _scan(connection: sqlite3.Connection, sql: str, values: tuple[object, ...], place: int) -> tuple[list[Row], bool]:
    """Rows of a table by an integer key, going round what cannot be read from both sides; and whether there was any."""
    found: dict[int, Row] = {}
    after, skip, lost = -_HIGHEST_KEY, 1, False
    bad_from: int | None = None
    while after < _HIGHEST_KEY:
        try:
            for row in _rows(connection, sql.format(">", "ASC"), (*values, after)):
                if not isinstance(row[place], int):
                    lost = True
                    continue
                if bad_from is not None:
                    _read_back(connection, sql, (*values, row[place]), place, bad_from, found)
                    bad_from = None
                after, skip = row[place], 1
                found[after] = row
            break
        except sqlite3.DatabaseError:
            lost = True
            if bad_from is None:
                bad_from = after
            # From the lowest key on, doubling would take a while to reach the first real one.
            after = max(after + skip, -2)
            skip *= 2
    return [found[key] for key in sorted(found)], lost


def _read_back(
    connection: sqlite3.Connection,
    sql: str,
    values: tuple[object, ...],
    place: int,
    stop: int,
    found: dict[int, Row],
) -> None:
    """Rows that the doubling steps jumped over, read downwards until the damage."""
    try:
        for row in _rows(connection, sql.format("<", "DESC"), values):
            if not isinstance(row[place], int) or row[place] <= stop:
                return
            found[row[place]] = row
    except sqlite3.DatabaseError:
        return


def _rows(connection: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> Iterator[Row]:
    yield from connection.execute(sql, values)


def _scan_texts(
    connection: sqlite3.Connection, table: str, key: str, *, further: tuple[str, ...] = ()
) -> tuple[list[Row], bool]:
    """Rows of a table in order of its key, read from its beginning and, if that fails, from its end too."""
    found: dict[tuple[Any, ...], Row] = {}
    lost = False
    for order in ("ASC", "DESC"):
        by = ", ".join(f"{name} {order}" for name in (key, *further))
        try:
            for row in _rows(connection, f"SELECT * FROM {table} ORDER BY {by}", ()):
                found[row] = row
        except sqlite3.DatabaseError:
            lost = True
            continue
        if not lost:
            break
    return list(found.values()), lost
