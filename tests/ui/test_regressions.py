"""Regressions found while working with the window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import SaveState
from iouviewer.app.projects.importer import Importer
from iouviewer.app.settings import Settings
from iouviewer.document.edits import SetClasses, SetRects
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.panels.lists import BoxesPanel
from iouviewer.ui.panels.playback_bar import PlaybackBar
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.tables.variants_model import VariantsModel
from tests.app.builders import predictions_of, session_with
from tests.ui.window import opened_window, small_case

A, B = (0.0, 0.0, 40.0, 40.0), (100.0, 0.0, 140.0, 40.0)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    with opened_window(qtbot, small_case(tmp_path, variants=2)) as opened:
        yield opened


def test_a_frame_without_predictions_has_no_missed_boxes(qtbot: QtBot) -> None:
    session = session_with({0: [A], 1: [A]}, {"base": {0: [A]}})
    variant = session.variants["base"]
    covered = np.ones(10, np.bool_)
    covered[1] = False
    session.variants.set_predictions("base", replace(variant.predictions, covered=covered))
    panel = BoxesPanel(session)
    qtbot.addWidget(panel)
    assert panel.model.row_at(0).state is not None
    session.go_to(1)
    assert panel.model.rowCount() == 1
    assert panel.model.row_at(0).state is None
    assert panel.model.index(0, 3).data() == ""


def test_focusing_the_problems_list_keeps_the_frame_and_a_key_changes_it(qtbot: QtBot, window: MainWindow) -> None:
    panel = window.parts.views.problems
    assert isinstance(panel, ProblemsPanel)
    window.session.set_score_settings(
        replace(window.session.scores.settings, review=replace(window.session.scores.settings.review, iou=0.95))
    )
    panel.filters.group.setChecked(False)
    panel.model.search_now()
    assert panel.model.rowCount() > 2
    window.session.go_to(7)
    panel.list.setFocus()
    qtbot.waitUntil(panel.list.hasFocus)
    assert window.session.current_frame == 7
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    assert window.session.current_frame == panel.model.problem_at(1).frame


def test_lists_of_compare_keep_the_frame_when_thresholds_change(qtbot: QtBot, window: MainWindow) -> None:
    session, side = window.session, window.parts.views.side_panel
    session.set_score_settings(
        replace(session.scores.settings, review=replace(session.scores.settings.review, iou=0.75))
    )
    window.parts.actions["compare"].trigger()
    model = side.lost.model()
    qtbot.waitUntil(lambda: model.rowCount() > 5, timeout=20_000)
    side.lost.setFocus()
    qtbot.waitUntil(side.lost.hasFocus)
    assert session.current_frame == 0
    for _ in range(3):
        QTest.keyClick(side.lost, Qt.Key.Key_Down)
    frame = session.current_frame
    assert frame == 3
    with qtbot.waitSignal(window.parts.differences.ready, timeout=20_000):
        session.set_score_settings(
            replace(session.scores.settings, review=replace(session.scores.settings.review, iou=0.8))
        )
    assert session.current_frame == frame
    assert side.lost.currentIndex().row() == 3


def test_the_status_bar_names_each_step_and_its_undo(window: MainWindow) -> None:
    session, message = window.session, window.parts.status.message
    session.execute(SetRects(((1, (61.0, 80.0, 140.0, 160.0)),)), "Resize box 1")
    assert message.text() == "Resize box 1"
    session.undo()
    assert message.text() == "Undone: Resize box 1"
    session.redo()
    assert message.text() == "Redone: Resize box 1"


def test_a_dismissed_error_does_not_stay_in_the_status_bar(qtbot: QtBot, window: MainWindow) -> None:
    window.parts.notifier.show(UserError("no such file", path="a.txt"))
    box = window.findChild(QMessageBox, "errorMessage")
    assert box is not None and "a.txt" in window.parts.status.message.text()
    box.accept()
    qtbot.waitUntil(lambda: window.parts.status.message.text() == "")


def test_the_smallest_change_of_an_average_is_visible(qtbot: QtBot) -> None:
    boxes = {frame: [A, B] for frame in range(1000)}
    session = session_with(boxes, {"base": boxes}, frames=1000)
    line = PlaybackBar(session)
    qtbot.addWidget(line)
    line.refresh()
    assert "±0.000 in this session" in line.text.text()
    session.execute(SetRects(((1, (0.0, 0.0, 40.0, 36.0)),)), "Resize")
    assert "−0.00005 in this session" in line.text.text()


def test_one_box_with_a_class_among_boxes_without_does_not_change_ap() -> None:
    boxes = {frame: [A, B] for frame in range(4)}
    session = session_with(boxes, frames=4)
    without_class = tuple((box.id, -1) for frame in range(4) for box in session.ground_truth.boxes(frame))
    session.execute(SetClasses(without_class), "No classes")
    session.variants.add("base", predictions_of({f: [A] for f in range(4)}, 4), key="base")
    predictions = session.variants["base"].predictions
    table = replace(predictions.table, class_ids=np.zeros(4, np.int64))
    session.variants.set_predictions("base", replace(predictions, table=table))
    before = session.scores.summary("base").ap
    assert before is not None and before > 0.4
    session.execute(SetClasses(((1, 0),)), "Make it a person")
    assert session.scores.summary("base").ap == before


def test_the_speed_in_a_prediction_file_is_shown(tmp_path: Path) -> None:
    session = session_with({0: [A]})
    imported = ImportedBoxes(
        path=tmp_path / "int8.json",
        format="coco",
        kind=ImportKind.PREDICTIONS,
        frames=np.zeros(1, np.int64),
        boxes=np.array([A]).T,
        class_ids=np.zeros(1, np.int64),
        class_names=("person",),
        scores=np.array([0.9]),
        track_ids=np.full(1, -1, np.int64),
        flags=np.zeros(1, np.int64),
        protocol={"fps": 17.38, "throughput": 14.9, "hardware": "a small computer", "precision": "int8"},
    )
    Importer(session, lambda _source: None).add_predictions("int8", imported)
    model = VariantsModel(session)
    cell = model.index(0, model.column_index("fps"))
    assert cell.data() == "17.4"
    assert "a small computer, int8" in cell.data(Qt.ItemDataRole.ToolTipRole)
    assert "Confidence" not in cell.data(Qt.ItemDataRole.ToolTipRole)


def test_problem_keys_without_a_problem_open_no_message_box(window: MainWindow) -> None:
    message = window.parts.status.message
    for id in ("takeFix", "groundTruthIsRight", "unclear"):
        message.clear()
        window.parts.actions[id].trigger()
        assert message.text() == "Press N for the next problem"
    assert window.findChild(QMessageBox, "errorMessage") is None
    assert window.session.history.undo_step() is None


def test_the_status_shows_not_saved_while_saving_fails(window: MainWindow) -> None:
    status = window.parts.status
    window.parts.controller.errorOccurred.emit(UserError("edits are not being saved: the disk is full"))
    status.show_saved(SaveState(2, 1, "/somewhere/clip.iouv"))
    assert status.saved.text() == "Not saved, clip.iouv"
    window.parts.controller.saveRecovered.emit()
    status.show_saved(SaveState(2, 1, "/somewhere/clip.iouv"))
    assert status.saved.text() == "Saving…, clip.iouv"
    status.show_saved(SaveState(2, 2, "/somewhere/clip.iouv"))
    assert status.saved.text() == "Saved, clip.iouv"


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_a_name_without_an_ending_gets_one_and_an_existing_file_is_confirmed(
    window: MainWindow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    is_confirmed: bool,
) -> None:
    target = tmp_path / "mine"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    monkeypatch.setattr("iouviewer.ui.commands.exports.confirm", lambda *_, **__: is_confirmed)
    with qtbot.waitSignal(window.parts.exports.written, timeout=20_000):
        window.parts.exports.export("exportCsv")
    file = tmp_path / "mine.csv"
    assert file.read_text(encoding="utf-8").startswith("frameID,iou")
    file.write_text("another", encoding="utf-8")
    window.parts.exports.export("exportCsv")
    window.parts.exports.close()
    assert (file.read_text(encoding="utf-8") == "another") is not is_confirmed


def test_a_video_opens_at_the_last_frame(qtbot: QtBot, tmp_path: Path) -> None:
    case = small_case(tmp_path)
    with opened_window(qtbot, case) as first:
        assert first.session.current_frame == 0
        first.session.go_to(9)
    with opened_window(qtbot, OpenRequest(video=case.video)) as again:
        qtbot.waitUntil(lambda: again.session.current_frame == 9, timeout=20_000)
        again.session.go_to(0)
    with opened_window(qtbot, OpenRequest(video=case.video)) as third:
        qtbot.waitUntil(lambda: len(third.session.variants) == 1, timeout=20_000)
        assert third.session.current_frame == 0


def test_last_frames_are_remembered_for_recent_files_only() -> None:
    settings = Settings()
    for number in range(40):
        settings.remember_frame(f"/videos/{number}.mp4", number)
    assert len(settings.last_frames) == 12
    assert settings.last_frame("/videos/39.mp4") == 39
    assert settings.last_frame("/videos/1.mp4") == 0
    settings.remember_frame("/videos/39.mp4", 0)
    assert settings.last_frame("/videos/39.mp4") == 0
