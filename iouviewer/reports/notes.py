"""Notes of people as a CSV file, as a part of the JSON report, and as a table of the HTML report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from iouviewer.i18n import tr
from iouviewer.reports.data_files import csv_bytes, name_cell

_HEADER = ("frameID", "on", "object", "track", "text", "author", "time", "done")


@dataclass(frozen=True, slots=True)
class ReportNote:
    """One note.

    Attributes:
        frame: None for a note on the source.
        on: ``box``, ``track``, ``frame`` or ``source``.
        object: ``person 17`` for a box or track, the name of the source, empty for a frame.
        track: id of the track, None without one.
        when: seconds since the epoch, 0 where unknown.
    """

    frame: int | None
    on: str
    object: str
    track: int | None
    text: str
    author: str
    when: float
    done: bool

    @property
    def time(self) -> str:
        """ISO 8601 in UTC, to the second; empty where unknown."""
        return f"{datetime.fromtimestamp(self.when, UTC):%Y-%m-%dT%H:%M:%SZ}" if self.when else ""

    @property
    def values(self) -> dict[str, Any]:
        """The note in the JSON report."""
        return {
            "frame": self.frame,
            "on": self.on,
            "object": self.object,
            "track": self.track,
            "text": self.text,
            "author": self.author,
            "time": self.time or None,
            "done": self.done,
        }


def notes_csv(notes: Iterable[ReportNote]) -> bytes:
    """The file ``frameID,on,object,track,text,author,time,done``; unknown is blank, ``done`` is 0 or 1."""
    rows = (
        (
            "" if note.frame is None else str(note.frame),
            note.on,
            name_cell(note.object),
            "" if note.track is None else str(note.track),
            name_cell(note.text),
            name_cell(note.author),
            note.time,
            str(int(note.done)),
        )
        for note in notes
    )
    return csv_bytes(_HEADER, rows)


def note_header() -> list[str]:
    """Titles of the table in the HTML report."""
    return [tr("Frame"), tr("On"), tr("Note"), tr("Author"), tr("Time"), tr("State")]


def note_rows(notes: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of the table in the HTML report, of notes as in the JSON report."""
    return [
        [
            "–" if note["frame"] is None else str(note["frame"]),
            note["object"] or tr("frame"),
            note["text"],
            note["author"] or "–",
            note["time"] or "–",
            tr("done") if note["done"] else tr("open"),
        ]
        for note in notes
    ]
