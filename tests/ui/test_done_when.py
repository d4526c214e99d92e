"""The main use case in the window: scores follow a drag, and saved work survives a kill."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QLabel, QTableView
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings
from iouviewer.document.document import Document
from iouviewer.document.sources import Source
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.main_window import MainWindow
from tests.document.builders import state_of
from tests.ui.editing import Facts, redo_all, twenty_steps, undo_steps
from tests.ui.helpers import captions_of, drag_box_edge, release_at
from tests.ui.window import opened_window, shown


def cell(window: MainWindow, column: str, row: int = 0) -> float:
    model = window.findChild(QTableView, "variantsTable").model()
    return float(model.index(row, model.column_index(column)).data(Qt.ItemDataRole.UserRole))


def curve_at(window: MainWindow, frame: int) -> float:
    x, y = window.parts.views.timeline.plot.plotItem.listDataItems()[0].getData()
    return float(y[np.searchsorted(x, frame)])


def columns_of(window: MainWindow) -> list[bytes]:
    return [column.tobytes() for column in window.session.ground_truth.columns()]


def pets(folder: Path, tmp_path: Path) -> OpenRequest:
    # The project file is created beside the video; a copy keeps the original folder unchanged.
    video = Path(shutil.copy(folder / "pets09" / "vtest.avi", tmp_path / "vtest.avi"))
    boxes = folder / "pets09"
    return OpenRequest(video=video, gt=boxes / "gt.txt", preds=(("frcnn", boxes / "det_frcnn.txt"),))


def sample(repository: Path, tmp_path: Path) -> OpenRequest:
    from iouviewer.jobs.demo import sample_predictions

    folder = repository / "resources" / "sample"
    video = Path(shutil.copy(folder / "clip.mp4", tmp_path / "clip.mp4"))
    return OpenRequest(video=video, gt=folder / "ground_truth.csv", preds=tuple(sample_predictions()[:1]))


@pytest.mark.parametrize(("footage", "frame"), [("pets09", 120), ("sample", 20)])
def test_a_drag_by_five_pixels_changes_every_score_before_the_release_and_undo_restores_the_exact_values(
    qtbot: QtBot, tmp_path: Path, request: pytest.FixtureRequest, footage: str, frame: int
) -> None:
    if footage == "sample":
        opened = sample(request.getfixturevalue("repository"), tmp_path)
    else:
        opened = pets(request.getfixturevalue("shared_data"), tmp_path)
    with opened_window(qtbot, opened) as window:
        session, canvas = window.session, window.parts.views.canvas
        session.go_to(frame)
        shown(qtbot, window)
        review = session.scores.frame_review(session.variants.baseline.key, frame)
        # A well matched box, zoomed in.
        rows = np.flatnonzero((review.state == 0) & (review.gt_ids >= 0))
        box_id = int(review.gt_ids[rows[np.argmax(review.iou[rows])]])
        box = session.ground_truth.find(box_id)
        x1, y1, x2, y2 = box.rect
        canvas.zoom_to(QRectF(x1 - 60, y1 - 40, x2 - x1 + 120, y2 - y1 + 80))
        session.select([box_id])
        inspector = window.findChild(QLabel, "inspectorIoU")

        def scores() -> tuple[object, ...]:
            return (
                inspector.text(),
                captions_of(canvas),
                curve_at(window, frame),
                cell(window, "avg_iou"),
                cell(window, "ap"),
            )

        columns, before, steps = columns_of(window), scores(), session.history.cursor
        drag_box_edge(canvas, box_id, "left", by=-5.0, release=False)
        qtbot.waitUntil(lambda: all(now != was for now, was in zip(scores(), before, strict=True)))
        moved = session.ground_truth.find(box_id).rect
        # One pixel of the screen is less than half a pixel of the image here.
        assert moved[0] == pytest.approx(box.rect[0] - 5.0, abs=0.5)
        assert moved[1:] == box.rect[1:]
        assert curve_at(window, frame) == session.frame_iou(session.variants.baseline.key, frame)
        # The caption at the cursor and the inspector show the same IoU.
        assert f"{float(inspector.text()):.2f}" in canvas.feedback.text
        assert (session.history.cursor, session.history.undo_step()) == (steps, None)

        release_at(canvas, moved[0], (moved[1] + moved[3]) / 2)
        assert session.history.cursor == steps + 1
        assert columns_of(window) != columns
        window.parts.actions["undo"].trigger()
        assert session.history.undo_step() is None
        assert columns_of(window) == columns
        qtbot.waitUntil(lambda: scores() == before)


# Saved work survives


def content_of(session: Session) -> object:
    """Boxes, states, decisions and classes, floats as their bits."""
    state = state_of(session.document)
    return [source[1:] for source in state["sources"].values()], state["classes"]


def session_in_memory(video: Path) -> Session:
    facts, document = Facts(video), Document()
    document.add_source(Source(0, video.name, str(video), *facts.size, facts.frame_count, facts.fps))
    session = Session()
    session.open_document(document)
    return session


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("undos", [0, 7])
def test_after_a_kill_right_after_saving_boxes_history_and_redo_are_complete(
    tmp_path: Path, repository: Path, qapp: object, undos: int
) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"film")
    expected = session_in_memory(video)
    empty = content_of(expected)
    twenty_steps(expected)
    assert expected.history.cursor == 20
    full = content_of(expected)
    undo_steps(expected, undos)

    command = [sys.executable, "-m", "tests.ui.editing", str(video), str(undos)]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "saved\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    session = Session()
    controller = ProjectController(session, Settings())
    try:
        controller.open_video_source(Facts(video))
        assert content_of(session) == content_of(expected)
        assert session.history.cursor == 20 - undos
        assert redo_all(session) == redo_all(expected)
        assert content_of(session) == content_of(expected) == full
        undo_steps(session, 20)
        assert content_of(session) == empty
    finally:
        controller.close()
