"""Correcting a box in the window on real footage: scores follow the drag, undo restores the exact values."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QTableView
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.main_window import MainWindow
from tests.ui.helpers import drag_box_edge, release_at
from tests.ui.window import opened_window, shown

FRAME = 120


@pytest.fixture
def pets(shared_data: Path, tmp_path: Path) -> OpenRequest:
    folder = shared_data / "pets09"
    # The project file is created beside the video; a copy keeps the original folder unchanged.
    video = Path(shutil.copy(folder / "vtest.avi", tmp_path / "vtest.avi"))
    return OpenRequest(video=video, gt=folder / "gt.txt", preds=(("frcnn", folder / "det_frcnn.txt"),))


def cell(window: MainWindow, column: str) -> float:
    model = window.findChild(QTableView, "variantsTable").model()
    return float(model.index(0, model.column_index(column)).data(Qt.ItemDataRole.UserRole))


def curve_at(window: MainWindow, frame: int) -> float:
    x, y = window.parts.views.timeline.plot.plotItem.listDataItems()[0].getData()
    return float(y[np.searchsorted(x, frame)])


def test_the_table_shows_the_reference_scores(qtbot: QtBot, pets: OpenRequest) -> None:
    with opened_window(qtbot, pets) as window:
        assert cell(window, "avg_iou") == pytest.approx(0.578275, abs=1e-6)
        assert cell(window, "pq") == pytest.approx(0.533380, abs=1e-6)
        assert cell(window, "ap") == pytest.approx(0.208007, abs=1e-6)
        assert cell(window, "ap50") == pytest.approx(0.707452, abs=1e-6)
        model = window.findChild(QTableView, "variantsTable").model()
        assert model.index(0, model.column_index("ap")).data() == "≥ 0.208"


def test_dragging_an_edge_by_five_pixels_changes_every_score_before_the_release(
    qtbot: QtBot, pets: OpenRequest
) -> None:
    with opened_window(qtbot, pets) as window:
        session, canvas = window.session, window.parts.views.canvas
        session.go_to(FRAME)
        shown(qtbot, window)
        review = session.scores.frame_review(session.variants.baseline.key, FRAME)
        box_id = int(review.gt_ids[int(np.argmax(np.where(review.state == 0, review.iou, -1)))])
        box = session.ground_truth.find(box_id)
        text = window.findChild(QLabel, "inspectorIoU")
        session.select([box_id])
        before = (
            text.text(),
            curve_at(window, FRAME),
            cell(window, "avg_iou"),
            cell(window, "ap"),
        )
        drag_box_edge(canvas, box_id, "left", by=-5.0, release=False)
        assert session.history.undo_step() is None
        moved = session.ground_truth.find(box_id)
        assert moved.rect[0] == pytest.approx(box.rect[0] - 5.0, abs=1.5)
        assert text.text() != before[0]
        assert curve_at(window, FRAME) != before[1]
        assert curve_at(window, FRAME) == session.frame_iou("frcnn", FRAME)
        # The table is updated at most thirty times a second.
        qtbot.waitUntil(lambda: cell(window, "avg_iou") != before[2])
        assert cell(window, "ap") != before[3]
        x1, y1, _, y2 = moved.rect
        release_at(canvas, x1, (y1 + y2) / 2)
        step = session.history.undo_step()
        assert step is not None
        window.parts.actions["undo"].trigger()
        assert session.history.undo_step() is None
        assert session.ground_truth.find(box_id) == box
        qtbot.waitUntil(lambda: cell(window, "avg_iou") == before[2])
        assert cell(window, "ap") == before[3]
        assert curve_at(window, FRAME) == before[1]
