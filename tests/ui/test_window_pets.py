"""The main job in the real window on real footage: an edge is dragged, every number follows, undo restores the bits."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QTableView
from pytestqt.qtbot import QtBot

from iouviewer.jobs.open_request import OpenRequest
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.tables.variants_model import COLUMNS, Column
from tests.ui.helpers import drag_box_edge, release_at
from tests.ui.window import opened_window, shown

FRAME = 120


@pytest.fixture
def pets(shared_data: Path, tmp_path: Path) -> OpenRequest:
    folder = shared_data / "pets09"
    # The project file is made beside the video, and the real data stays as it is.
    video = Path(shutil.copy(folder / "vtest.avi", tmp_path / "vtest.avi"))
    return OpenRequest(video=video, gt=folder / "gt.txt", preds=(("frcnn", folder / "det_frcnn.txt"),))


def cell(window: MainWindow, column: Column) -> float:
    model = window.findChild(QTableView, "variantsTable").model()
    return float(model.index(0, COLUMNS.index(column)).data(Qt.ItemDataRole.UserRole))


def curve_at(window: MainWindow, frame: int) -> float:
    x, y = window.workbench.parts.timeline.plot.plotItem.listDataItems()[0].getData()
    return float(y[np.searchsorted(x, frame)])


def test_the_golden_numbers_stand_in_the_table(qtbot: QtBot, pets: OpenRequest) -> None:
    with opened_window(qtbot, pets) as window:
        assert cell(window, Column.AVG_IOU) == pytest.approx(0.578275, abs=1e-6)
        assert cell(window, Column.PQ) == pytest.approx(0.533380, abs=1e-6)
        assert cell(window, Column.AP) == pytest.approx(0.208007, abs=1e-6)
        assert cell(window, Column.AP50) == pytest.approx(0.707452, abs=1e-6)
        model = window.findChild(QTableView, "variantsTable").model()
        assert model.index(0, COLUMNS.index(Column.AP)).data() == "≥ 0.208"


def test_dragging_one_edge_by_five_pixels_moves_every_number_before_the_release(
    qtbot: QtBot, pets: OpenRequest
) -> None:
    with opened_window(qtbot, pets) as window:
        session, canvas = window.session, window.workbench.parts.canvas
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
            cell(window, Column.AVG_IOU),
            cell(window, Column.AP),
        )
        drag_box_edge(canvas, box_id, "left", by=-5.0, release=False)
        assert session.history.undo_step() is None
        moved = session.ground_truth.find(box_id)
        assert moved.rect[0] == pytest.approx(box.rect[0] - 5.0, abs=1.5)
        assert text.text() != before[0]
        assert curve_at(window, FRAME) != before[1]
        assert curve_at(window, FRAME) == session.frame_iou("frcnn", FRAME)
        # The table follows at most thirty times a second.
        qtbot.waitUntil(lambda: cell(window, Column.AVG_IOU) != before[2])
        assert cell(window, Column.AP) != before[3]
        x1, y1, _, y2 = moved.rect
        release_at(canvas, x1, (y1 + y2) / 2)
        step = session.history.undo_step()
        assert step is not None
        window.workbench.actions["undo"].trigger()
        assert session.history.undo_step() is None
        assert session.ground_truth.find(box_id) == box
        qtbot.waitUntil(lambda: cell(window, Column.AVG_IOU) == before[2])
        assert cell(window, Column.AP) == before[3]
        assert curve_at(window, FRAME) == before[1]
