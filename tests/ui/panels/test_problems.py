"""Working through the list of problems in the window: groups, filters, keys, progress."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Batch, RemoveBoxes, SetClassNames, SetDecisions, SetRects
from iouviewer.document.problems import ProblemKind
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.tables.common import COLUMN_ROLE
from iouviewer.ui.tables.problems_model import MAX_EDITED_FRAMES, OPEN_ROLE, PROBLEM_ROLE, Column, ProblemsModel
from tests.app.builders import predictions_of, session_with
from tests.ui.window import FRAMES, loose_case, opened_window

Rect = tuple[float, float, float, float]
BOX: Rect = (100.0, 100.0, 200.0, 300.0)
LOOSE: Rect = (138.0, 100.0, 238.0, 300.0)
GHOST: Rect = (400.0, 100.0, 440.0, 200.0)
MISSED: Rect = (300.0, 300.0, 380.0, 420.0)


NO_MODIFIER, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


def busy_session(frames: int = 6) -> Session:
    """A track that is loose on every frame, one that is missed on the first two, and a ghost on the last three.

    Two variants agree about all of it.
    """
    truth = {f: [BOX, MISSED] if f < 2 else [BOX] for f in range(frames)}
    found = {f: [LOOSE, GHOST] if f >= frames - 3 else [LOOSE] for f in range(frames)}
    return session_with(truth, {"base": found, "other": found}, frames=frames, tracks=True)


@pytest.fixture
def session() -> Session:
    return busy_session()


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> ProblemsPanel:
    made = ProblemsPanel(session)
    qtbot.addWidget(made)
    made.resize(340, 300)
    made.show()
    qtbot.waitUntil(lambda: made.model.complete and made.model.count == 11)
    return made


def texts(model: ProblemsModel) -> list[str]:
    """The rows as they are read, without the column of icons."""
    columns = range(1, model.columnCount())
    return [" | ".join(str(model.index(row, column).data()) for column in columns) for row in range(model.rowCount())]


def test_groups_show_count_and_worst_problem_and_open_one_by_one(panel: ProblemsPanel) -> None:
    model = panel.model
    assert texts(model) == [
        "Extra box? | ▸ person 2 · 2 frames | 0 | 0.90",
        "Missing box? | ▸ 3 frames | 3 | 0.85",
        "Loose box | ▸ person 1 · 6 frames | 0 | 0.29",
    ]
    model.set_open(0, True)
    assert texts(model)[:3] == [
        "Extra box? | ▾ person 2 · 2 frames | 0 | 0.90",
        "Extra box? | person 2 | 0 | 0.90",
        "Extra box? | person 2 | 1 | 0.90",
    ]
    assert [model.index(row, 0).data(OPEN_ROLE) for row in range(4)] == [True, None, None, False]
    assert model.index(1, 0).data(PROBLEM_ROLE).frame == 0 and model.index(0, 0).data(PROBLEM_ROLE) is None
    assert "Frames 0–1" in model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    model.set_open(0, False)
    assert model.rowCount() == 3


def test_stepping_goes_from_object_to_object_and_closes_what_it_opened(panel: ProblemsPanel) -> None:
    seen = []
    for _ in range(3):
        problem = panel.step(1)
        assert problem is not None and panel.current == problem
        row = panel.list.currentIndex().row()
        assert panel.model.index(row, 0).data(PROBLEM_ROLE) == problem
        assert sum(panel.model.index(r, 0).data(OPEN_ROLE) is True for r in range(panel.model.rowCount())) == 1
        seen.append((problem.kind, problem.frame))
    assert seen == [(ProblemKind.EXTRA, 0), (ProblemKind.MISSING, 3), (ProblemKind.LOOSE, 0)]
    again, last = panel.step(1), panel.step(-1)
    assert again is not None and last is not None and (again.kind, again.frame) == seen[0]
    assert last.kind is ProblemKind.LOOSE


def test_a_filter_by_kind_limits_the_keys_and_the_count(panel: ProblemsPanel, session: Session) -> None:
    kind = panel.filters.kind
    names = ["Missing box?  3", "Extra box?  2", "Loose box  6", "Wrong class?  0", "Track swap?  0"]
    assert [kind.itemText(i) for i in range(1, 6)] == names
    kind.setCurrentIndex(2)
    assert panel.summary.text() == "2 problems"
    assert [panel.step(1).frame for _ in range(3)] == [0, 0, 0]
    kind.setCurrentIndex(0)
    assert panel.summary.text() == "11 problems"
    assert panel.current is not None and panel.current.kind is ProblemKind.EXTRA


def test_text_and_severity_filter_too(qtbot: QtBot, panel: ProblemsPanel) -> None:
    panel.filters.text.setText("2-4 loose")
    qtbot.waitUntil(lambda: panel.model.count == 3)
    panel.filters.text.setText("nobody")
    qtbot.waitUntil(lambda: panel.model.count == 0)
    assert (
        panel.summary.text() == "No problems"
        and panel.list.empty_text == "No problems match the filter"
        and panel.step(1) is None
    )
    panel.filters.text.clear()
    panel.filters.more.setChecked(True)
    panel.filters.severity.setCurrentIndex(2)
    qtbot.waitUntil(lambda: panel.model.count > 0)
    assert {panel.model.problem_at(i).kind for i in range(panel.model.count)} == {
        ProblemKind.EXTRA,
        ProblemKind.MISSING,
    }


def test_the_order_by_frame_has_no_groups(panel: ProblemsPanel) -> None:
    panel.filters.order.setCurrentIndex(1)
    frames = [panel.model.problem_at(i).frame for i in range(panel.model.count)]
    assert frames == sorted(frames) and panel.model.rowCount() == 11 and not panel.filters.group.isEnabled()
    panel.filters.order.setCurrentIndex(0)
    assert panel.model.rowCount() == 3


def test_cells_have_raw_numbers_and_columns_have_ids(panel: ProblemsPanel) -> None:
    model = panel.model
    horizontal, role = Qt.Orientation.Horizontal, Qt.ItemDataRole.UserRole
    assert [model.headerData(c, horizontal, COLUMN_ROLE) for c in range(5)] == list(Column)
    assert model.index(2, 3).data(role) == 0 and model.index(2, 4).data(role) == pytest.approx(0.286, abs=1e-3)


def test_the_tab_counts_open_problems_and_the_card_names_the_decision(panel: ProblemsPanel, session: Session) -> None:
    counts: list[int] = []
    panel.countChanged.connect(counts.append)
    panel.set_keys("N", "F", "X", "V", "G")
    assert panel.count == 11 and panel.head.start.text() == "Start review  N" and not panel.card.isVisible()
    problem = panel.step(1)
    assert problem is not None
    session.go_to(problem.frame)
    assert panel.card.isVisible() and not panel.head.start.isVisible()
    assert (panel.card.title.text(), panel.card.apply.text()) == ("Extra box?", "Delete box  F")
    assert panel.card.text.text() == "None of 2 variants finds person 2."
    assert panel.card.frame.text() == "2 frames, 0–1"
    assert (panel.card.keep.text(), panel.card.unclear.text()) == ("It is there  X", "Unclear  V")
    session.execute(SetDecisions(((problem.key, "right"),)), "Keep")
    assert counts == [10] and (panel.head.bar.value(), panel.head.bar.maximum()) == (1, 11)
    session.go_to(5 if problem.frame != 5 else 0)
    assert panel.head.start.isVisible() and panel.head.start.text() == "Continue review  N"


def test_a_problem_that_a_person_made_and_took_back_is_not_decided(
    qtbot: QtBot, panel: ProblemsPanel, session: Session
) -> None:
    box = session.ground_truth.boxes(2)[0]
    for rect in ((0.0, 0.0, 40.0, 40.0), BOX):
        session.execute(SetRects(((box.id, rect),)), "Move")
        qtbot.waitUntil(lambda: panel.model.complete)
    assert panel.summary.text() == "11 problems"


def test_fixing_by_hand_counts_and_undo_reverts_it(qtbot: QtBot, panel: ProblemsPanel, session: Session) -> None:
    [extra] = [box for box in session.ground_truth.boxes(1) if box.rect == MISSED]
    session.execute(RemoveBoxes((extra.id,)), "Fix")
    qtbot.waitUntil(lambda: panel.summary.text() == "1 of 11 decided")
    session.go_to(1)
    session.undo()
    qtbot.waitUntil(lambda: panel.summary.text() == "11 problems")


def test_an_edit_that_is_undone_before_the_list_follows_decides_nothing(
    qtbot: QtBot, panel: ProblemsPanel, session: Session
) -> None:
    solved: list[object] = []
    panel.model.solvedByHand.connect(solved.append)
    [extra] = [box for box in session.ground_truth.boxes(1) if box.rect == MISSED]
    session.go_to(1)
    session.execute(RemoveBoxes((extra.id,)), "Fix")
    session.undo()
    qtbot.waitUntil(lambda: panel.model.complete)
    assert panel.summary.text() == "11 problems" and not solved


def test_an_edit_of_many_frames_is_searched_in_the_thread(qtbot: QtBot) -> None:
    frames = MAX_EDITED_FRAMES + 5
    session = busy_session(frames)
    panel = ProblemsPanel(session)
    qtbot.addWidget(panel)
    qtbot.waitUntil(lambda: panel.model.complete and panel.model.count > frames)
    boxes = [session.ground_truth.boxes(f)[0].id for f in range(frames)]
    session.execute(SetRects(tuple((box, LOOSE) for box in boxes)), "Fix all")
    assert not panel.model.complete and "…" in panel.summary.text()
    qtbot.waitUntil(lambda: panel.model.complete and panel.model.count == 5)


def test_an_edit_while_the_thread_searches_is_not_lost(qtbot: QtBot, panel: ProblemsPanel, session: Session) -> None:
    review = session.scores.settings.review
    session.set_score_settings(replace(session.scores.settings, review=replace(review, iou=0.6)))
    panel.model.start_search()
    [extra] = [box for box in session.ground_truth.boxes(1) if box.rect == MISSED]
    session.execute(RemoveBoxes((extra.id,)), "Fix")
    qtbot.waitUntil(lambda: panel.model.complete)
    listed = [panel.model.problem_at(i) for i in range(panel.model.count)]
    assert sorted(p.frame for p in listed if p.kind is ProblemKind.EXTRA) == [0]


def test_the_list_follows_a_run_and_renamed_classes(qtbot: QtBot, panel: ProblemsPanel, session: Session) -> None:
    keys = [variant.key for variant in session.variants]
    for key in keys:
        predictions = predictions_of({f: [BOX] for f in range(6)}, 6)
        session.variants.extend_predictions(key, predictions, frozenset(range(6)))
    assert not panel.model.complete
    panel.model.start_search()
    qtbot.waitUntil(lambda: panel.model.complete and panel.model.count == 2)
    session.execute(SetClassNames(("pedestrian",)), "Name")
    assert texts(panel.model) == ["Extra box? | ▸ pedestrian 2 · 2 frames | 0 | 0.90"]
    for key in keys:
        session.variants.remove(key)
    qtbot.waitUntil(lambda: panel.model.complete)
    assert panel.model.rowCount() == 0 and panel.list.empty_text == "Add predictions to find problems"


def test_keys_alone_open_a_group_decide_all_of_it_and_undo(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, loose_case(tmp_path)) as window:
        bench, panel = window.parts, window.parts.views.problems
        qtbot.waitUntil(lambda: panel.model.complete and panel.model.count == FRAMES)
        assert panel.model.rowCount() == 1
        bench.views.side_tabs.setCurrentWidget(panel)
        for widget, key in ((bench.views.side_tabs.tabBar(), Qt.Key.Key_F6), (panel.list, Qt.Key.Key_Tab)):
            for _ in range(12):
                if not widget.hasFocus():
                    QTest.keyClick(QApplication.focusWidget(), key)
            assert widget.hasFocus()
        QTest.keyClick(panel.list, Qt.Key.Key_Down)
        QTest.keyClick(panel.list, Qt.Key.Key_Right)
        assert panel.model.rowCount() == FRAMES + 1
        before = window.session.current_frame
        QTest.keyClick(panel.list, Qt.Key.Key_Down)
        assert panel.current is not None and window.session.current_frame == panel.current.frame
        QTest.keyClick(panel.list, Qt.Key.Key_Left)
        assert panel.model.rowCount() == 1 and panel.list.currentIndex().row() == 0
        QTest.keyClick(panel.list, Qt.Key.Key_X)
        assert panel.summary.text() == f"All {FRAMES} problems decided"
        bench.actions["undo"].trigger()
        assert panel.summary.text() == f"{FRAMES} problems"
        assert before == 0


def test_typing_in_the_filter_is_text_and_escape_goes_back_to_the_list(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, loose_case(tmp_path)) as window:
        panel = window.parts.views.problems
        window.parts.views.side_tabs.setCurrentWidget(panel)
        qtbot.waitUntil(lambda: panel.model.complete and panel.model.count == FRAMES)
        field = panel.filters.text
        panel.filters.focus_text()
        QTest.keyClicks(field, "dx 3-5")
        assert field.text() == "dx 3-5" and window.session.current_frame == 0
        field.setText("3-5")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert panel.list.hasFocus() and panel.model.count == 3
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert field.text() == "" and panel.list.hasFocus() and panel.model.count == FRAMES


def test_decisions_are_kept_after_a_restart(qtbot: QtBot, tmp_path: Path) -> None:
    request = loose_case(tmp_path)
    with opened_window(qtbot, request) as window:
        panel = window.parts.views.problems
        qtbot.waitUntil(lambda: panel.model.complete and panel.model.count == FRAMES)
        canvas = window.parts.views.canvas
        for key, modifier in ((Qt.Key.Key_N, NO_MODIFIER), (Qt.Key.Key_X, SHIFT), (Qt.Key.Key_X, SHIFT)):
            QTest.keyClick(canvas, key, modifier)
        assert panel.summary.text() == f"2 of {FRAMES} decided"
    with opened_window(qtbot, replace(request, gt=None, preds=())) as window:
        panel = window.parts.views.problems
        qtbot.waitUntil(
            lambda: panel.model.complete and panel.summary.text() == f"2 of {FRAMES} decided", timeout=20_000
        )


def test_a_hundred_thousand_problems_are_listed_without_reading_each(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 2000
    session = session_with({f: [BOX] * 50 for f in range(rows)}, {"base": {}}, frames=rows)
    panel = ProblemsPanel(session)
    qtbot.addWidget(panel)
    panel.filters.group.setChecked(False)
    panel.model.search_now()
    requested: list[int] = []
    data = panel.model.data
    monkeypatch.setattr(
        panel.model, "data", lambda index, role=0: (requested.append(index.row()), data(index, role))[1]
    )
    panel.resize(340, 300)
    panel.show()
    qtbot.waitExposed(panel)
    QApplication.processEvents()
    assert panel.model.rowCount() == rows * 50
    assert requested and max(requested) < 100
    session.execute(Batch((SetRects(((1, LOOSE),)),)), "Move")
    assert panel.model.rowCount() == rows * 50
    assert [panel.model.position_of(panel.model.problem_at(i).key) for i in range(5)] == list(range(5))


def test_focusing_the_problems_list_keeps_the_frame_and_a_key_changes_it(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, loose_case(tmp_path)) as window:
        panel = window.parts.views.problems
        panel.filters.group.setChecked(False)
        panel.model.search_now()
        assert panel.model.rowCount() > 2
        window.session.go_to(7)
        window.parts.views.side_tabs.setCurrentWidget(panel)
        panel.list.setFocus()
        qtbot.waitUntil(panel.list.hasFocus)
        assert window.session.current_frame == 7
        QTest.keyClick(panel.list, Qt.Key.Key_Down)
        assert window.session.current_frame == panel.model.problem_at(1).frame


def test_problem_keys_without_a_problem_open_no_message_box(window: MainWindow) -> None:
    message = window.parts.status.message
    for id in ("takeFix", "groundTruthIsRight", "unclear"):
        message.clear()
        window.parts.actions[id].trigger()
        assert message.text() == "Press N for the next problem"
    assert window.findChild(QMessageBox, "errorMessage") is None
    assert window.session.history.undo_step() is None
