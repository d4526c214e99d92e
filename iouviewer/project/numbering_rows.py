"""The numbering of a source in a project file, and renumbering all rows of a source in one transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import Renumbered
from iouviewer.project import checked, history_log, note_rows, rows, variant_rows

_STEPS_AT_ONCE = 2000


def write_numbering(connection: sqlite3.Connection, source: int, numbering: Numbering | None) -> None:
    """Store the numbering of a source, or delete it."""
    if numbering is None:
        connection.execute("DELETE FROM meta WHERE key = ?", (f"numbering {source}",))
    else:
        checked.write_meta(connection, f"numbering {source}", numbering.encode())


def read_numbering(connection: sqlite3.Connection, source: int, frame_count: int) -> Numbering | None:
    """The numbering of a source; None if there is none or it cannot be read.

    Without it frames keep their numbers, and the user is told if the video has another digest.
    """
    found = checked.read_meta(connection, f"numbering {source}")
    if not isinstance(found, bytes):
        return None
    try:
        numbering = Numbering.decode(found)
    except ValueError:
        return None
    return numbering if numbering.frame_count == frame_count else None


def renumber(connection: sqlite3.Connection, renumbered: Renumbered, relative: str) -> None:
    """Renumber all rows of a source; the caller has begun a transaction."""
    mapping, source = renumbered.mapping, renumbered.source
    columns = rows.read_columns(connection, source.id)
    columns = replace(columns, frames=mapping.new[columns.frames])
    rows.update_source(connection, source, relative)
    write_numbering(connection, source.id, mapping.numbering)
    rows.write_default_state(connection, source.id, renumbered.default_state)
    states = rows.FrameStates(renumbered.states, renumbered.verification)
    rows.write_boxes(connection, source.id, columns, states)
    rows.write_decisions(connection, source.id, renumbered.decisions)
    note_rows.write_notes(connection, source.id, renumbered.notes)
    last = connection.execute("SELECT coalesce(max(position), 0) FROM history").fetchone()[0]
    for first in range(1, last + 1, _STEPS_AT_ONCE):
        _renumber_steps(connection, renumbered, first)
    for variant in renumbered.variants:
        variant_rows.write_predictions(connection, variant.key, variant.predictions)


def _renumber_steps(connection: sqlite3.Connection, renumbered: Renumbered, first: int) -> None:
    steps = history_log.read_steps(connection, first, first + _STEPS_AT_ONCE - 1)
    changed = []
    for position, step in steps.items():
        moved = renumbered.step(step)
        if moved != step:
            changed.append(history_log.step_row(position, moved))
    history_log.replace_steps(connection, changed)
