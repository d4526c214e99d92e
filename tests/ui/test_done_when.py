"""The main job in the real window, step by step: a drag that every number follows, and work that survives a kill."""

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
from iouviewer.jobs.open_request import OpenRequest
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.tables.variants_model import COLUMNS, Column
from tests.project.building import state_of
from tests.ui.editing import Facts, bring_back, take_back, twenty_steps
from tests.ui.helpers import drag_box_edge, labels_of, release_at
from tests.ui.window import opened_window, shown


def cell(window: MainWindow, column: Column, row: int = 0) -> float:
    model = window.findChild(QTableView, "variantsTable").model()
    return float(model.index(row, COLUMNS.index(column)).data(Qt.ItemDataRole.UserRole))


def curve_at(window: MainWindow, frame: int) -> float:
    x, y = window.workbench.parts.timeline.plot.plotItem.listDataItems()[0].getData()
    return float(y[np.searchsorted(x, frame)])


def columns_of(window: MainWindow) -> list[bytes]:
    return [column.tobytes() for column in window.session.ground_truth.columns()]


def pets(folder: Path, tmp_path: Path) -> OpenRequest:
    # The project file is made beside the video, and the real data stays as it is.
    video = Path(shutil.copy(folder / "pets09" / "vtest.avi", tmp_path / "vtest.avi"))
    boxes = folder / "pets09"
    return OpenRequest(video=video, gt=boxes / "gt.txt", preds=(("frcnn", boxes / "det_frcnn.txt"),))


def sample(repository: Path, tmp_path: Path) -> OpenRequest:
    from iouviewer.jobs.demo import sample_predictions

    folder = repository / "resources" / "sample"
    video = Path(shutil.copy(folder / "clip.mp4", tmp_path / "clip.mp4"))
    return OpenRequest(video=video, gt=folder / "ground_truth.csv", preds=tuple(sample_predictions()[:1]))


@pytest.mark.parametrize(("footage", "frame"), [("pets09", 120), ("sample", 20)])
def test_an_edge_dragged_by_five_pixels_moves_every_number_before_it_is_released_and_undo_restores_the_bits(
    qtbot: QtBot, tmp_path: Path, request: pytest.FixtureRequest, footage: str, frame: int
) -> None:
    if footage == "sample":
        asked = sample(request.getfixturevalue("repository"), tmp_path)
    else:
        asked = pets(request.getfixturevalue("shared_data"), tmp_path)
    with opened_window(qtbot, asked) as window:
        session, canvas = window.session, window.workbench.parts.canvas
        session.go_to(frame)
        shown(qtbot, window)
        review = session.scores.frame_review(session.variants.baseline.key, frame)
        # A box that is well matched and far from the picture's border, shown large.
        rows = np.flatnonzero((review.state == 0) & (review.gt_ids >= 0))
        box_id = int(review.gt_ids[rows[np.argmax(review.iou[rows])]])
        box = session.ground_truth.find(box_id)
        x1, y1, x2, y2 = box.rect
        canvas.zoom_to(QRectF(x1 - 60, y1 - 40, x2 - x1 + 120, y2 - y1 + 80))
        session.select([box_id])
        inspector = window.findChild(QLabel, "inspectorIoU")

        def numbers() -> tuple[object, ...]:
            return (
                inspector.text(),
                labels_of(canvas),
                curve_at(window, frame),
                cell(window, Column.AVG_IOU),
                cell(window, Column.AP),
            )

        bits, before, steps = columns_of(window), numbers(), session.history.cursor
        drag_box_edge(canvas, box_id, "left", by=-5.0, release=False)
        qtbot.waitUntil(lambda: all(now != was for now, was in zip(numbers(), before, strict=True)))
        moved = session.ground_truth.find(box_id).rect
        # One pixel of the screen is less than half a pixel of the picture here.
        assert moved[0] == pytest.approx(box.rect[0] - 5.0, abs=0.5)
        assert moved[1:] == box.rect[1:]
        assert curve_at(window, frame) == session.frame_iou(session.variants.baseline.key, frame)
        # The plate beside the mouse and the inspector say the same number.
        assert f"{float(inspector.text()):.2f}" in canvas.drag_text
        assert (session.history.cursor, session.history.undo_step()) == (steps, None)

        release_at(canvas, moved[0], (moved[1] + moved[3]) / 2)
        assert session.history.cursor == steps + 1
        assert columns_of(window) != bits
        window.workbench.actions["undo"].trigger()
        assert session.history.undo_step() is None
        assert columns_of(window) == bits
        qtbot.waitUntil(lambda: numbers() == before)


# What was said to be saved survives


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
def test_killed_right_after_saved_the_program_has_rows_cursor_and_redo_as_they_were(
    tmp_path: Path, repository: Path, qapp: object, undos: int
) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"film")
    oracle = session_in_memory(video)
    empty = content_of(oracle)
    twenty_steps(oracle)
    assert oracle.history.cursor == 20
    whole = content_of(oracle)
    take_back(oracle, undos)

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
        assert content_of(session) == content_of(oracle)
        assert session.history.cursor == 20 - undos
        assert bring_back(session) == bring_back(oracle)
        assert content_of(session) == content_of(oracle) == whole
        take_back(session, 20)
        assert content_of(session) == empty
    finally:
        controller.close()
