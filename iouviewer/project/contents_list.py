"""What is kept a second time, in another table, so that damage to one loses nothing, or can at least be named.

Settings and notes are listed in the table ``meta``; the class table is copied into ``settings``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from iouviewer.document.notes import Note
from iouviewer.i18n import tr
from iouviewer.project import checked

_SETTINGS = "setting_list"
_NOTES = "note_list"
"""Keys of the table ``meta``; that of notes is followed by the number of the source."""

CLASSES = "class_table"
"""Key of the table ``settings``: a copy of the class table, no setting."""

_EXCERPT = 60
"""Characters of a note that are listed."""

_SETTING_NAMES = {
    "scores": tr("thresholds of the scores"),
    "ground_truth": tr("which ground truth was imported"),
    "ground_truth_path": tr("path of the imported ground truth"),
    "edited": tr("whether recovered boxes were edited"),
    "labelled_video": tr("properties of the labelled video"),
    "frame_lists": tr("named lists of frames"),
    "copy": tr("which project this is a copy of"),
    CLASSES: tr("copy of the class table"),
}
"""What a person calls a setting; other keys are shown as they are."""

ListedNote = tuple[int, int, str]
"""Id, frame and the beginning of the text."""


def write_settings(connection: sqlite3.Connection, encoded: Iterable[tuple[str, str]]) -> None:
    """Set JSON texts by key; other keys stay."""
    checked.insert(connection, "settings", encoded)
    keys = [key for (key,) in connection.execute("SELECT key FROM settings ORDER BY key") if isinstance(key, str)]
    checked.write_meta(connection, _SETTINGS, msgspec.json.encode(keys).decode())


def copy_classes(connection: sqlite3.Connection, names: Sequence[str], arranged: str) -> None:
    """Copy the class names, and the JSON text with everything else that the class table has."""
    write_settings(connection, [(CLASSES, msgspec.json.encode([names, arranged]).decode())])


def read_classes(settings: Iterable[checked.Row]) -> tuple[tuple[str, ...], str] | None:
    """What ``copy_classes`` wrote, from intact rows of the table ``settings``; None without a copy."""
    found = next((row[1] for row in settings if row[0] == CLASSES), None)
    classes: tuple[tuple[str, ...], str] | None = _decode(found, tuple[tuple[str, ...], str])
    return classes


def list_notes(connection: sqlite3.Connection, source: int, notes: Iterable[Note]) -> None:
    """List the notes of a source; sources that never had one have no list."""
    listed = [(note.id, note.frame, note.text[:_EXCERPT]) for note in notes]
    key = f"{_NOTES}_{source}"
    if listed or connection.execute("SELECT 1 FROM meta WHERE key = ?", (key,)).fetchone():
        checked.write_meta(connection, key, msgspec.json.encode(listed).decode())


def read_setting_keys(meta: Iterable[checked.Row]) -> list[str] | None:
    """The listed keys, from intact rows of the table ``meta``; None without a list, as in older files."""
    found = next((row[1] for row in meta if row[0] == _SETTINGS), None)
    keys: list[str] | None = _decode(found, list[str])
    return keys


def read_notes(meta: Iterable[checked.Row], source: int) -> list[ListedNote] | None:
    """The listed notes of a source, from intact rows of the table ``meta``; None without a list."""
    found = next((row[1] for row in meta if row[0] == f"{_NOTES}_{source}"), None)
    notes: list[ListedNote] | None = _decode(found, list[ListedNote])
    return notes


def _decode(text: object, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind) if isinstance(text, str) else None
    except msgspec.MsgspecError:
        return None


def setting_name(key: str) -> str:
    """A setting as a person calls it."""
    return _SETTING_NAMES.get(key) or tr("“{key}”", key=key)


def note_name(frame: int, text: str) -> str:
    """A note by its place and the beginning of its text."""
    excerpt = " ".join(text[:_EXCERPT].split())
    if frame < 0:
        return tr("“{text}”", text=excerpt)
    return tr("frame {frame:,} “{text}”", frame=frame, text=excerpt)
