"""The numbering of a source in a project file, and renumbering all rows of a source in one transaction."""

from __future__ import annotations

import sqlite3

from iouviewer.document.numbering import Numbering
from iouviewer.document.renumbering import Renumbered
from iouviewer.project import history_log, note_rows, rows, variant_rows

_STEPS_AT_ONCE = 2000


def write_numbering(connection: sqlite3.Connection, source: int, numbering: Numbering | None) -> None:
    """Store the numbering of a source, or delete it."""
    if numbering is None:
        connection.execute("DELETE FROM meta WHERE key = ?", (f"numbering {source}",))
    else:
        connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (f"numbering {source}", numbering.encode())
        )


def read_numbering(connection: sqlite3.Connection, source: int, frame_count: int) -> Numbering | None:
    """The numbering of a source; None if there is none or it cannot be read.

    Without it frames keep their numbers, and the user is told if the video has another digest.
    """
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (f"numbering {source}",)).fetchone()
    if found is None or not isinstance(found[0], bytes):
        return None
    try:
        numbering = Numbering.decode(found[0])
    except ValueError:
        return None
    return numbering if numbering.frame_count == frame_count else None


def renumber(connection: sqlite3.Connection, renumbered: Renumbered, relative: str) -> None:
    """Renumber all rows of a source; the caller has begun a transaction."""
    mapping, source = renumbered.mapping, renumbered.source
    moved = [(old, new) for old, new in enumerate(mapping.new.tolist()) if new not in (old, -1)]
    connection.execute("CREATE TEMP TABLE moved (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
    connection.executemany("INSERT INTO moved VALUES (?, ?)", moved)
    connection.execute(
        "UPDATE boxes SET frame = (SELECT new FROM moved WHERE old = frame)"
        " WHERE source = ? AND frame IN (SELECT old FROM moved)",
        (source.id,),
    )
    connection.execute("DROP TABLE moved")
    rows.update_source(connection, source, relative)
    write_numbering(connection, source.id, mapping.numbering)
    rows.write_default_state(connection, source.id, renumbered.default_state)
    rows.write_states(connection, source.id, rows.FrameStates(renumbered.states, renumbered.verification))
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
