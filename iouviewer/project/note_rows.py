"""The rows of notes in a project file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from iouviewer.document.notes import Note, find_note_error
from iouviewer.document.sources import Source
from iouviewer.i18n import tr
from iouviewer.project import checked
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.contents_list import list_notes

_TYPES: tuple[type | tuple[type, ...], ...] = (int, int, str, int, int, int, str, (int, float), int)


def write_notes(connection: sqlite3.Connection, source: int, notes: Iterable[Note]) -> None:
    """Replace the notes of a source."""
    connection.execute("DELETE FROM notes WHERE source = ?", (source,))
    rows = (
        (source, note.id, note.text, note.frame, note.box_id, note.track, note.author, note.when, int(note.done))
        for note in notes
    )
    write_rows(connection, source, list(rows))


def write_rows(connection: sqlite3.Connection, source: int, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows of notes of a source, which has none, and list them."""
    checked.insert(connection, "notes", rows)
    list_notes(connection, source, [_note(row) for row in rows])


def read_notes(connection: sqlite3.Connection, source: Source) -> list[Note]:
    """The notes of a source in order of id; DamagedRowsError where a value is not valid."""
    found = checked.select(connection, "notes", "WHERE source = ? ORDER BY id", (source.id,))
    checked.check_sum(connection, "notes")
    counts = {source.id: source.frame_count}
    if not all(is_valid_row(row, counts) for row in found):
        raise DamagedRowsError(tr("a note has invalid values"))
    return [_note(row) for row in found]


def is_valid_row(row: tuple[Any, ...], frame_counts: Mapping[int, int]) -> bool:
    """Whether a row of the table ``notes`` holds a note; ``frame_counts`` has the number of frames by source."""
    typed = len(row) == len(_TYPES) and all(isinstance(one, known) for one, known in zip(row, _TYPES, strict=True))
    return typed and row[0] in frame_counts and find_note_error(_note(row), frame_counts[row[0]]) is None


def _note(row: tuple[Any, ...]) -> Note:
    return Note(row[1], row[2], row[3], row[4], row[5], row[6], float(row[7]), bool(row[8]))
