"""The window on a small real video: opening, live scores, undo, keys, workspaces."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QProgressBar, QSlider, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.ui.canvas.frame_view import CaptionMode
from iouviewer.ui.canvas.hit import BoxRef
from tests.ui.helpers import drag_box_edge, release_at
from tests.ui.window import (
    FRAMES,
    loose_case,
    lost_button,
    open_sheet,
    opened_window,
    shown,
    small_case,
    timeline_value,
    variant_value,
    write_boxes,
    write_video,
)

NAMES = {
    "canvas": QTableView.__mro__[-2],
    "playButton": QToolButton,
    "frameSpinBox": QAbstractSpinBox,
    "confidenceSlider": QSlider,
    "iouThresholdSpinBox": QAbstractSpinBox,
    "conventionComboBox": QComboBox,
    "inferenceProgressBar": QProgressBar,
    "cancelInferenceButton": QToolButton,
    "variantsTable": QTableView,
    "boxesTable": QTableView,
}


def test_the_window_has_the_published_object_names_and_each_has_an_accessible_name(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        assert window.objectName() == "mainWindow"
        for name in (*NAMES, "timeline", "problemsList"):
            found = window.findChildren(object, name)
            assert len(found) == 1, name
            assert found[0].accessibleName(), name
        assert window.session.frame_iou("model0", 0) == pytest.approx(72 / 88)


def test_iou_timeline_and_averages_follow_a_drag_and_one_undo_restores_the_exact_values(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        session, canvas = window.session, window.parts.views.canvas
        box = session.ground_truth.boxes(0)[0]
        before = (
            session.frame_iou("model0", 0),
            timeline_value(window, 0),
            variant_value(window, "avg_iou"),
            window.parts.views.playback_bar.text.text(),
        )
        drag_box_edge(canvas, box.id, "left", by=5.0, release=False)
        # The mouse button is still down, so there is no step in the history yet.
        assert session.history.undo_step() is None
        assert session.frame_iou("model0", 0) > before[0]
        # These follow thirty times a second.
        qtbot.waitUntil(lambda: timeline_value(window, 0) == session.frame_iou("model0", 0))
        qtbot.waitUntil(lambda: variant_value(window, "avg_iou") > before[2])
        qtbot.waitUntil(lambda: window.parts.views.playback_bar.text.text() != before[3])
        assert "→" in canvas.feedback.text
        x1, y1, _, y2 = session.ground_truth.boxes(0)[0].rect
        release_at(canvas, x1, (y1 + y2) / 2)
        step = session.history.undo_step()
        assert step is not None
        assert "Resize" in step.label
        window.parts.actions["undo"].trigger()
        assert session.history.undo_step() is None
        assert session.ground_truth.boxes(0)[0] == box
        assert session.frame_iou("model0", 0) == before[0]
        assert timeline_value(window, 0) == before[1]
        assert variant_value(window, "avg_iou") == before[2]


def test_image_and_frame_number_change_together(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        canvas = window.parts.views.canvas
        QTest.keyClick(canvas, Qt.Key.Key_D)
        shown(qtbot, window)
        assert window.session.current_frame == 1
        QTest.keyClick(canvas, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(canvas, Qt.Key.Key_A)
        assert window.session.current_frame == 10
        QTest.keyClick(canvas, Qt.Key.Key_End)
        assert window.session.current_frame == FRAMES - 1
        shown(qtbot, window)
        box = window.findChild(QAbstractSpinBox, "frameSpinBox")
        assert box.value() == FRAMES - 1
        assert window.parts.views.timeline.plot.playhead.frame == FRAMES - 1
        assert window.parts.views.playback_bar.count.text() == f"/ {FRAMES - 1}"


def test_letters_typed_into_a_text_field_run_no_command(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        window.session.go_to(5)
        shown(qtbot, window)
        box = window.parts.views.playback_bar.frame_box
        box.setFocus()
        for key in (Qt.Key.Key_D, Qt.Key.Key_S, Qt.Key.Key_N, Qt.Key.Key_Home):
            QTest.keyClick(box, key)
        assert window.session.current_frame == 5
        assert not window.session.ground_truth.is_verified(5)


def test_typing_a_frame_number_goes_there_and_returns_the_focus_to_the_canvas(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        box = window.parts.views.playback_bar.frame_box
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, "17")
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert window.session.current_frame == 17
        assert window.parts.views.canvas.hasFocus()


def test_boxes_are_hidden_while_the_key_is_down(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        canvas = window.parts.views.canvas
        assert canvas.frame_view.boxes
        QTest.keyPress(canvas, Qt.Key.Key_H)
        assert not canvas.frame_view.boxes
        QTest.keyRelease(canvas, Qt.Key.Key_H)
        assert canvas.frame_view.boxes


def test_space_plays_and_pauses(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        canvas = window.parts.views.canvas
        QTest.keyClick(canvas, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: window.session.current_frame >= 3, timeout=10_000)
        QTest.keyClick(canvas, Qt.Key.Key_Space)
        assert not window.parts.playback.playing


def test_thresholds_and_convention_change_the_scores(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        session = window.session
        assert variant_value(window, "recall") == 1.0
        window.parts.controls.iou_box.setValue(0.95)
        assert session.scores.settings.review.iou == 0.95
        assert variant_value(window, "recall") == 0.0
        window.findChild(QSlider, "confidenceSlider").setValue(95)
        assert session.scores.settings.review.conf == 0.95
        assert math.isnan(variant_value(window, "precision"))
        window.parts.actions["confidenceDown"].trigger()
        assert session.scores.settings.review.conf == 0.9
        combo = window.findChild(QComboBox, "conventionComboBox")
        combo.setCurrentIndex(1)
        combo.activated.emit(1)
        assert session.frame_iou("model0", 0) == pytest.approx(73 * 81 / (81 * 81 * 2 - 73 * 81))


def test_keys_go_through_the_problems_and_each_decision_goes_to_the_next(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, loose_case(tmp_path)) as window:
        session, panel = window.session, window.parts.views.problems
        panel.model.search_now()
        assert panel.model.count == FRAMES
        canvas = window.parts.views.canvas
        QTest.keyClick(canvas, Qt.Key.Key_N)
        first = panel.current
        assert first is not None
        assert session.current_frame == first.frame
        assert panel.summary.text() == f"{FRAMES} problems"
        QTest.keyClick(canvas, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
        # The fix of a loose box is where the variants see it.
        assert session.frame_iou(next(iter(session.variants)).key, first.frame) == pytest.approx(1.0)
        qtbot.waitUntil(lambda: panel.model.complete and panel.summary.text() == f"1 of {FRAMES} decided")
        second = panel.current
        assert second is not None
        assert second.key != first.key
        QTest.keyClick(canvas, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
        assert "right" in session.document.decision(second.key)
        assert panel.summary.text() == f"2 of {FRAMES} decided"
        window.parts.actions["undo"].trigger()
        assert session.document.decision(second.key) == ""
        assert panel.summary.text() == f"1 of {FRAMES} decided"


def test_both_workspaces_share_frame_selection_and_variants(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        session, parts = window.session, window.parts
        session.go_to(7)
        session.select([session.ground_truth.boxes(7)[0].id])
        QTest.keyClick(window, Qt.Key.Key_F3)
        shown(qtbot, window)
        assert session.current_frame == 7
        assert parts.views.other_canvas.isVisible()
        assert parts.views.timeline.plot.shows_strips
        names = [box.ref.variant for box in parts.views.other_canvas.frame_view.boxes if box.ref.variant]
        assert names == [session.variants.find("model1").key]
        parts.controls.iou_box.setValue(0.7)
        qtbot.waitUntil(lambda: lost_button(window) == f"Lost {FRAMES}", timeout=20_000)
        parts.views.side_panel.lost.clicked.emit(parts.views.side_panel.lost.model().index(3, 0))
        assert session.current_frame == 3
        QTest.keyClick(window, Qt.Key.Key_F2)
        assert parts.views.canvas.isVisible()
        assert not parts.views.timeline.plot.shows_strips


def test_the_table_shows_the_difference_to_the_baseline(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as window:
        assert math.isnan(variant_value(window, "delta", 0))
        assert variant_value(window, "delta", 1) == pytest.approx(
            100 * (variant_value(window, "ap", 1) - variant_value(window, "ap", 0))
        )
        session = window.session
        session.variants.set_baseline(session.variants.find("model1").key)
        assert math.isnan(variant_value(window, "delta", 1))
        assert variant_value(window, "delta", 0) > 0


def test_dropping_video_ground_truth_and_predictions_shows_one_dialog_with_one_button(
    qtbot: QtBot, tmp_path: Path
) -> None:
    case = small_case(tmp_path)
    with opened_window(qtbot) as window:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in (case.video, case.gt, case.preds[0][1])])
        event = QDropEvent(
            QPointF(50, 50),
            Qt.DropAction.CopyAction,
            mime,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        window.dropEvent(event)
        dialog = open_sheet(window)
        qtbot.waitUntil(lambda: dialog.open_button.isEnabled(), timeout=20_000)
        roles = [row.role.value for row in dialog.rows]
        assert roles == ["video", "ground_truth", "predictions"]
        dialog.open_button.click()
        qtbot.waitUntil(lambda: len(window.session.variants) == 1, timeout=20_000)
        assert len(window.session.ground_truth) == FRAMES
        shown(qtbot, window)


def test_a_file_that_is_not_a_video_is_reported_once_and_the_window_still_works(qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    with opened_window(qtbot) as window:
        messages: list[str] = []
        window.parts.notifier.shown.connect(lambda notification: messages.append(notification.text))
        window.parts.files.open_paths([broken])
        qtbot.waitUntil(lambda: bool(messages), timeout=20_000)
        assert len(messages) == 1
        assert "broken.mp4" in messages[0]
        assert "Traceback" not in messages[0]
        video = write_video(tmp_path / "good.avi", 5)
        window.parts.files.open_paths([video])
        qtbot.waitUntil(lambda: window.session.frame_count == 5, timeout=20_000)


def test_commands_of_an_empty_window_wait_for_a_video(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        assert window.parts.actions["openVideo"].isEnabled()
        assert not window.parts.actions["nextFrame"].isEnabled()
        QTest.keyClick(window.parts.views.canvas, Qt.Key.Key_D)
        assert window.session.current_frame == 0


def test_opening_the_same_files_again_keeps_the_edits_and_adds_no_variant_twice(qtbot: QtBot, tmp_path: Path) -> None:
    case = small_case(tmp_path)
    with opened_window(qtbot, case) as window:
        box = window.session.ground_truth.boxes(0)[0]
        drag_box_edge(window.parts.views.canvas, box.id, "left", by=5.0)
        moved = window.session.ground_truth.boxes(0)[0]
        assert moved != box
        qtbot.waitUntil(lambda: window.session.save_state.is_saved and bool(window.session.save_state.project_path))
        assert window.parts.status.saved.text() == "Saved, clip.avi.iouv"
    with opened_window(qtbot, case) as window:
        assert window.session.ground_truth.boxes(0)[0] == moved
        assert [variant.name for variant in window.session.variants] == ["model0"]
        window.parts.actions["undo"].trigger()
        assert window.session.ground_truth.boxes(0)[0] == box


def test_holding_the_key_shows_the_captions_of_all_variants(qtbot: QtBot, tmp_path: Path) -> None:
    case = small_case(tmp_path)
    elsewhere = write_boxes(tmp_path / "x.csv", {0: [(200.0, 150.0, 260.0, 220.0, 0.9)]}, scores=True)
    request = replace(case, preds=(*case.preds, ("other", elsewhere)))
    with opened_window(qtbot, request) as window:
        boxes = window.parts.views.canvas.boxes
        boxes.set_caption_mode(CaptionMode.ALL)
        before = boxes.caption_texts
        window.parts.view.show_all_captions(True)
        assert boxes.caption_texts.keys() - before.keys() == {BoxRef(window.session.variants.find("other").key, 0)}
        window.parts.view.show_all_captions(False)
        assert boxes.caption_texts == before
