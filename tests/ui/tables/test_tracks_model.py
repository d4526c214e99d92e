"""The table of tracks: values, updates after edits, sorting, filter, and a long video."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.document import track_commands
from iouviewer.document.boxes import Rect
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState, RemoveBoxes, SetRects, SetTracks
from iouviewer.document.sources import Source
from iouviewer.document.track_commands import Scope
from iouviewer.document.track_table import parse_track_filter
from iouviewer.ui.tables.cells import SWATCH_ROLE
from iouviewer.ui.tables.common import COLUMN_ROLE
from iouviewer.ui.tables.tracks_model import TracksModel
from tests.app.builders import session_with

A: Rect = (100.0, 100.0, 200.0, 200.0)
B: Rect = (300.0, 100.0, 400.0, 200.0)
HALF: Rect = (100.0, 100.0, 150.0, 200.0)


@pytest.fixture
def session() -> Session:
    return session_with(
        {0: [A, B], 1: [A], 4: [A, B]}, {"base": {0: [A, B], 1: [HALF], 4: [A]}}, tracks=True, classes=("person", "car")
    )


@pytest.fixture
def model(session: Session, qtbot: QtBot) -> Iterator[TracksModel]:
    model = TracksModel(session)
    model.set_active(True)
    qtbot.waitUntil(lambda: model.rowCount() == 2 and texts(model, 0)[5] != "–")
    yield model


def texts(model: TracksModel, row: int) -> list[str]:
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


def test_a_track_shows_its_span_boxes_mean_iou_and_problems(model: TracksModel) -> None:
    columns = range(model.columnCount())
    ids = [model.headerData(c, Qt.Orientation.Horizontal, COLUMN_ROLE) for c in columns]
    assert ids == ["colour", "track", "class", "frames", "boxes", "iou", "problems"]
    assert texts(model, 0) == ["", "1", "person", "0–4", "3", "0.833", "0"]
    assert texts(model, 1) == ["", "2", "person", "0–4", "2", "0.500", "0"]
    assert model.index(0, 5).data(Qt.ItemDataRole.UserRole) == pytest.approx(2.5 / 3)
    assert model.index(0, 0).data(SWATCH_ROLE).startswith("#")
    model.set_problem_counts({2: 4})
    assert texts(model, 1)[6] == "4"


def test_an_edit_updates_only_its_tracks_and_undo_restores_them(session: Session, model: TracksModel) -> None:
    session.go_to(1)
    before = [texts(model, row) for row in range(2)]
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    [box] = [b for b in session.ground_truth.boxes(1) if b.track == 1]
    session.preview(SetRects(((box.id, HALF),)))
    assert [texts(model, row) for row in range(2)] == before
    session.commit_preview("Resize")
    assert texts(model, 0)[5] == "1.000" and texts(model, 1) == before[1]
    session.undo()
    assert [texts(model, row) for row in range(2)] == before
    assert not resets
    command = track_commands.set_track(session.document, [box.id], 7, Scope.FRAME)
    session.execute(command.edit, command.label)
    assert [texts(model, row)[1] for row in range(model.rowCount())] == ["1", "2", "7"]
    session.undo()
    assert [texts(model, row) for row in range(2)] == before


def test_tracks_are_sorted_and_filtered(model: TracksModel) -> None:
    def tracks() -> list[int]:
        return [model.track_at(row) for row in range(model.rowCount())]

    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert tracks() == [2, 1]
    model.sort(5, Qt.SortOrder.AscendingOrder)
    assert tracks() == [2, 1]
    model.sort(4, Qt.SortOrder.DescendingOrder)
    assert tracks() == [1, 2]
    model.set_filter(parse_track_filter("gap>2"))
    assert tracks() == [2]
    model.set_filter(parse_track_filter("frame=1"))
    assert tracks() == [1]
    assert model.total == 2


def test_the_model_obeys_the_rules_of_qt(session: Session, model: TracksModel) -> None:
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.sort(4, Qt.SortOrder.DescendingOrder)
    ids = [box.id for box in session.ground_truth.track(1)]
    session.execute(SetTracks(tuple((box_id, 9) for box_id in ids)), "Set track")
    session.execute(RemoveBoxes(tuple(ids)), "Delete")
    session.undo()
    session.undo()
    model.set_filter(parse_track_filter("2"))
    assert tester.model() is model and model.rowCount() == 1


def test_the_nearest_frame_of_a_track_is_one_with_a_box(model: TracksModel) -> None:
    assert [model.nearest_frame(2, frame) for frame in range(6)] == [0, 0, 0, 4, 4, 4]


def test_two_thousand_tracks_are_listed_and_an_edit_touches_one(qtbot: QtBot) -> None:
    tracks, length = 2_000, 50
    document = Document()
    truth = document.add_source(Source(0, "clip.mp4", "", 640, 480, 2_100, 10.0))
    document.class_names = ("person",)
    number = np.repeat(np.arange(tracks), length)
    frames = number + np.tile(np.arange(length), tracks)
    corner = (number % 50) * 10.0
    truth.load_columns(
        frames,
        np.stack([corner, corner, corner + 20, corner + 30]),
        class_ids=np.zeros(len(frames), np.int64),
        tracks=number + 1,
        flags=np.zeros(len(frames), np.int64),
    )
    truth.load_states(np.full(2_100, int(FrameState.LABELLED), np.int8), np.zeros(2_100, np.bool_))
    session = Session()
    session.open_document(document)
    model = TracksModel(session)
    qtbot.waitUntil(lambda: model.rowCount() == tracks)
    assert texts(model, 1_999)[1:5] == ["2000", "person", "1999–2048", "50"]
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    [box] = [b for b in session.ground_truth.boxes(1999) if b.track == 2000]
    session.execute(RemoveBoxes((box.id,)), "Delete")
    assert texts(model, 1_999)[3:5] == ["2000–2048", "49"]
    assert not resets
