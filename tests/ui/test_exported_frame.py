"""The exported picture of a frame draws what the canvas shows."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from iouviewer.jobs.frame_pictures import VariantOverlay, picture_boxes
from iouviewer.ui.tokens import OPACITY
from tests.hands.cases import EXTRA_FRAME, write_case
from tests.ui.window import go_to, opened_window


def test_each_box_has_the_colour_line_and_opacity_of_the_canvas(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, write_case(tmp_path / "case").request()) as window:
        go_to(qtbot, window, EXTRA_FRAME)
        session = window.session
        truth = session.ground_truth.frame_table(EXTRA_FRAME)
        overlays = [
            VariantOverlay(variant.colour, variant.predictions.table.frame(EXTRA_FRAME))
            for variant in session.variants.visible()
        ]
        review = session.scores.settings.review
        exported = picture_boxes(truth, overlays, review, session.ground_truth.boxes(EXTRA_FRAME))
        shown = window.parts.views.canvas.frame_view.boxes
        on_canvas = [(box.rect, box.look, OPACITY["matched"] if box.is_matched else 1.0) for box in shown]
        assert len(on_canvas) == 8
        assert sorted((box.rect, box.look, box.opacity) for box in exported) == sorted(on_canvas)
