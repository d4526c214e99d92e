"""The list of boxes during a drag: cells of changed IoUs only, and the same rows as after a rebuild."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex
from pytestqt.qtbot import QtBot

from iouviewer.document.boxes import Rect
from iouviewer.document.edits import SetRects
from iouviewer.ui.panels.boxes import BoxesPanel
from iouviewer.ui.tables.boxes_model import COLUMNS, BoxesModel, Column
from tests.app.builders import session_with

A: Rect = (100.0, 100.0, 200.0, 200.0)
B: Rect = (300.0, 100.0, 400.0, 200.0)
FAR: Rect = (500.0, 300.0, 560.0, 360.0)


def rows(model: BoxesModel) -> list[object]:
    return [model.row_at(row) for row in range(model.rowCount())]


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_moves_leave_the_rows_of_a_rebuild(qtbot: QtBot, moved: int) -> None:
    near = {0: [A, (310.0, 100.0, 410.0, 200.0), (40.0, 300.0, 90.0, 350.0)]}
    session = session_with({0: [A, B, FAR]}, {"base": near}, tracks=True)
    model = BoxesModel(session)
    box = session.ground_truth.boxes(0)[moved]
    x1, y1, x2, y2 = box.rect
    for step in (1.0, 2.0, 30.0, 90.0, 260.0, 3.0):
        session.preview(SetRects(((box.id, (x1 + step, y1, x2 + step, y2)),)))
        expected = {row.identity: row for row in rows(BoxesModel(session))}
        qtbot.waitUntil(lambda expected=expected: {row.identity: row for row in rows(model)} == expected)


def test_a_drag_of_a_paired_box_changes_one_cell(qtbot: QtBot) -> None:
    session = session_with({0: [A, B, FAR]}, {"base": {0: [A, B]}}, tracks=True)
    model = BoxesModel(session)
    box = session.ground_truth.boxes(0)[1]
    changed: list[tuple[int, int]] = []
    iou = COLUMNS.index(Column.IOU)

    def note(first: QModelIndex, last: QModelIndex) -> None:
        assert first == last
        changed.append((first.row(), first.column()))

    model.dataChanged.connect(note)
    for signal in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.layoutChanged):
        signal.connect(lambda *_: changed.append((-1, -1)))
    x1, y1, x2, y2 = box.rect
    session.preview(SetRects(((box.id, (x1 + 5, y1, x2, y2)),)))
    qtbot.waitUntil(lambda: len(changed) == 1)
    session.preview(SetRects(((box.id, (x1 + 6, y1, x2, y2)),)))
    qtbot.waitUntil(lambda: len(changed) == 2)
    assert changed == [(1, iou), (1, iou)]


def test_a_step_to_another_frame_replaces_the_rows_without_a_reset_and_keeps_the_selection_of_the_track(
    qtbot: QtBot,
) -> None:
    frames = {0: [A, B], 1: [A, B, FAR], 2: [FAR], 3: []}
    session = session_with(frames, {"base": {0: [A], 1: [A, FAR], 2: [A]}}, frames=5, tracks=True)
    panel = BoxesPanel(session)
    qtbot.addWidget(panel)
    panel.resize(300, 300)
    panel.show()
    resets: list[str] = []
    panel.model.modelReset.connect(lambda: resets.append("reset"))
    session.select([session.ground_truth.boxes(0)[0].id])
    for frame in (1, 2, 3, 4, 1, 0, 2, 0):
        panel.table.setFocus()
        session.go_to(frame)
        assert rows(panel.model) == rows(BoxesModel(session)) and panel.count == panel.model.rowCount()
        boxes = session.ground_truth.boxes(frame)
        chosen = [panel.model.row_of_box(box.id) for box in boxes if box.id in session.selection.boxes]
        assert panel.table.selected_rows() == chosen, frame
    assert session.selection.track is not None and len(session.selection.boxes) == 1 and not resets
