"""The main use case on real footage: every score follows a drag, and undo restores the exact values."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QLabel, QTableView
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.main_window import MainWindow
from tests.ui.helpers import captions_of, drag_box_edge, release_at
from tests.ui.window import opened_window, shown, timeline_value, variant_value


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
                timeline_value(window, frame),
                variant_value(window, "avg_iou"),
                variant_value(window, "ap"),
            )

        columns, before, steps = columns_of(window), scores(), session.history.cursor
        drag_box_edge(canvas, box_id, "left", by=5.0, release=False)
        # Each is updated while the edge is held, at most thirty times a second.
        qtbot.waitUntil(lambda: all(now != was for now, was in zip(scores(), before, strict=True)))
        moved = session.ground_truth.find(box_id).rect
        # The mouse stands on whole pixels of the screen.
        assert moved[0] == pytest.approx(box.rect[0] + 5.0, abs=1.0 / canvas.zoom)
        assert moved[1:] == box.rect[1:]
        baseline = session.variants.baseline.key
        qtbot.waitUntil(lambda: timeline_value(window, frame) == session.frame_iou(baseline, frame))
        # The caption at the cursor and the inspector show the same IoU.
        qtbot.waitUntil(lambda: f"{float(inspector.text()):.2f}" in canvas.feedback.text)
        assert (session.history.cursor, session.history.undo_step()) == (steps, None)

        release_at(canvas, moved[0], (moved[1] + moved[3]) / 2)
        assert session.history.cursor == steps + 1
        assert columns_of(window) != columns
        assert session.history.undo_step() is not None
        window.parts.actions["undo"].trigger()
        assert session.history.undo_step() is None
        assert session.ground_truth.find(box_id) == box
        assert columns_of(window) == columns
        qtbot.waitUntil(lambda: scores() == before)


def test_the_table_shows_the_reference_scores(qtbot: QtBot, shared_data: Path, tmp_path: Path) -> None:
    with opened_window(qtbot, pets(shared_data, tmp_path)) as window:
        assert variant_value(window, "avg_iou") == pytest.approx(0.578275, abs=1e-6)
        assert variant_value(window, "pq") == pytest.approx(0.533380, abs=1e-6)
        assert variant_value(window, "ap") == pytest.approx(0.208007, abs=1e-6)
        assert variant_value(window, "ap50") == pytest.approx(0.707452, abs=1e-6)
        model = window.findChild(QTableView, "variantsTable").model()
        assert model.index(0, model.column_index("ap")).data() == "≥ 0.208"
