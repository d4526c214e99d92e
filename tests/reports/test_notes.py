"""Notes in the CSV file, in the JSON report with its schema, and in the HTML report."""

from __future__ import annotations

import csv
import io
import json

import jsonschema
import pytest

from iouviewer import api
from iouviewer.document.document import Document
from iouviewer.document.edits import SetNotes
from iouviewer.document.notes import Note
from iouviewer.jobs.document_results import evaluate_document, report_notes
from iouviewer.reports.notes import ReportNote, notes_csv
from tests.document.builders import make_document, make_predictions, make_variant

NOTES = (
    Note(1, "=1+1", 3, author="ana", when=1_700_000_000.0),
    Note(2, "Why?\n<b>", 0, 2, done=True),
    Note(3, "Leaves", 1, track=1),
    Note(4, "Held out"),
)


@pytest.fixture
def document() -> Document:
    document = make_document()
    document.apply(SetNotes(NOTES))
    return document


def test_the_csv_has_all_notes_by_frame_and_no_formula(document: Document):
    rows = list(csv.DictReader(io.StringIO(notes_csv(report_notes(document)).decode(), newline="")))
    assert [(row["frameID"], row["on"], row["object"], row["track"]) for row in rows] == [
        ("", "source", "clip.mp4", ""),
        ("0", "box", "car 2", "2"),
        ("1", "track", "person 1", "1"),
        ("3", "frame", "", ""),
    ]
    assert [row["text"] for row in rows] == ["Held out", "Why?\n<b>", "Leaves", "'=1+1"]
    assert [(row["author"], row["time"], row["done"]) for row in rows[::3]] == [
        ("", "", "0"),
        ("ana", "2023-11-14T22:13:20Z", "0"),
    ]
    assert rows[1]["done"] == "1"


def test_the_report_has_the_notes_only_if_there_are_any(document: Document):
    variants = [make_variant("a", "base", make_predictions())]
    result = evaluate_document(document, variants)
    report = json.loads(result.json())
    jsonschema.Draft202012Validator(api.report_schema()).validate(report)
    assert report["notes"][1] == {
        "frame": 0,
        "on": "box",
        "object": "car 2",
        "track": 2,
        "text": "Why?\n<b>",
        "author": "",
        "time": None,
        "done": True,
    }
    html = result.html().decode()
    assert "<h2>Notes</h2>" in html and "Why?\n&lt;b&gt;" in html and "<b>" not in html
    plain = evaluate_document(make_document(), variants)
    assert "notes" not in json.loads(plain.json()) and "<h2>Notes</h2>" not in plain.html().decode()


def test_a_note_whose_box_is_unknown_is_still_exported():
    row = ReportNote(3, "box", "box", None, "Lost", "", 0.0, False)
    assert notes_csv([row]).splitlines()[1] == b"3,box,box,,Lost,,,0"
