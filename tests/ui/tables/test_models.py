"""Tables: stable column ids, raw floats, texts, selection."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QFont
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.importer import Importer
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.edits import RemoveBoxes, SetClasses, SetDecisions, SetFlags, SetRects
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.metrics.verdict import Difference, Outcome
from iouviewer.ui.panels.boxes import BoxesPanel
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.tables.boxes_model import BoxesModel, RowState
from iouviewer.ui.tables.common import COLUMN_ROLE
from iouviewer.ui.tables.problems_model import PROBLEM_ROLE, ProblemsModel
from iouviewer.ui.tables.variants_model import INTERVAL_ROLE, SPREAD_ROLE, VariantsModel
from tests.app.builders import predictions_of, session_with

A = (100.0, 100.0, 200.0, 200.0)
B = (300.0, 100.0, 400.0, 200.0)
OFF = (150.0, 100.0, 250.0, 200.0)


@pytest.fixture
def session() -> Session:
    return session_with({0: [A, B], 1: [A]}, {"base": {0: [A, OFF], 1: [A]}, "other": {0: [A], 1: [OFF]}})


def texts(model: QAbstractItemModel, row: int) -> list[str]:
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


@pytest.mark.parametrize("make", [VariantsModel, BoxesModel, ProblemsModel])
def test_models_obey_the_rules_of_qt_during_edits(session: Session, make: type, qtbot: QtBot) -> None:
    model = make(session)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    box = session.ground_truth.boxes(0)[0]
    session.preview(SetRects(((box.id, (100.0, 100.0, 210.0, 200.0)),)))
    session.commit_preview("Resize")
    session.execute(RemoveBoxes((box.id,)), "Delete")
    session.go_to(1)
    session.undo()
    session.variants.remove("other")
    session.undo()
    assert tester.model() is model


def test_column_ids_of_the_variants_table_are_stable(session: Session) -> None:
    model = VariantsModel(session)
    ids = [model.headerData(column, Qt.Orientation.Horizontal, COLUMN_ROLE) for column in range(model.columnCount())]
    numbers = ["ap", "delta", "ap50", "ap75", "pq", "avg_iou", "precision", "recall", "f1", "fps", "size_mb", "frames"]
    assert ids == ["name", *numbers]


def test_cells_show_three_decimals_and_hold_raw_floats(session: Session) -> None:
    model = VariantsModel(session)
    shown = texts(model, 0)
    summary = session.scores.summary("base")
    assert shown[:3] == ["base", f"≥ {summary.ap:.3f}", "baseline"]
    assert model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "base, baseline"
    assert shown[6] == f"{summary.avg_iou:.3f}"
    assert model.index(0, 6).data(Qt.ItemDataRole.UserRole) == summary.avg_iou
    assert model.index(0, 2).data(Qt.ItemDataRole.UserRole) is None
    assert shown[10:] == ["–", "–", "10"]
    tip = model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert f"≥ {summary.ap:.3f} (cut at 0.9)" in tip
    assert "10 of 10 labelled frames" in tip


def test_undefined_numbers_are_a_dash_and_none() -> None:
    session = session_with({}, {"base": {0: [A]}})
    model = VariantsModel(session)
    assert texts(model, 0)[1] == "–"
    assert model.index(0, 1).data(Qt.ItemDataRole.UserRole) is None


def test_the_check_box_hides_a_variant_and_the_cell_renames_it(session: Session) -> None:
    model = VariantsModel(session)
    cell = model.index(1, 0)
    assert model.setData(cell, Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    assert not session.variants["other"].visible
    assert model.setData(cell, "int8", Qt.ItemDataRole.EditRole)
    assert session.variants["other"].name == "int8"
    assert not model.setData(model.index(1, 3), 1.0, Qt.ItemDataRole.EditRole)


def test_the_difference_waits_for_the_comparison_where_floors_differ(session: Session) -> None:
    session.variants.add("cut", predictions_of({0: [A]}, 10, scores=0.5), key="cut")
    model = VariantsModel(session)
    assert model.value("other", "delta") is not None
    assert model.value("cut", "delta") is None
    judged = Difference("ap", -1.25, -2.0, -0.5, 1.0, Outcome.UNDECIDED)
    model.set_intervals({"cut": judged, "other": replace(judged, points=math.nan)})
    assert model.value("cut", "delta") == -1.25
    assert texts(model, 2)[2] in ("−1.2", "−1.3")
    assert model.index(2, 2).data(INTERVAL_ROLE) == judged


def test_the_greatest_number_of_a_column_is_bold(session: Session) -> None:
    model = VariantsModel(session)

    def is_bold(row: int, column_id: str) -> bool:
        font = model.index(row, model.column_index(column_id)).data(Qt.ItemDataRole.FontRole)
        return font.weight() >= QFont.Weight.DemiBold

    rows = {key: row for row, key in enumerate(("base", "other"))}
    for column_id in ("avg_iou", "pq", "recall"):
        values = {key: model.value(key, column_id) for key in rows}
        best = max(values.values())
        assert [is_bold(row, column_id) for key, row in rows.items()] == [v == best for v in values.values()]
    assert not any(is_bold(row, "frames") for row in rows.values())
    for key, hardware, fps in (("base", "cpu", 20.0), ("other", "cpu", 30.0)):
        session.variants.update(key, fps=fps, details={"hardware": hardware})
    session.scoresChanged.emit()
    assert [is_bold(row, "fps") for row in rows.values()] == [False, True]
    session.variants.update("other", details={"hardware": "gpu"})
    session.scoresChanged.emit()
    assert not any(is_bold(row, "fps") for row in rows.values())


def test_speed_has_its_spread_and_size_its_unit(session: Session) -> None:
    session.variants.update("base", fps=52.83, details={"fps_half_iqr": 2.41, "weights_bytes": 5_400_000})
    model = VariantsModel(session)
    fps = model.index(0, model.column_index("fps"))
    assert (fps.data(), fps.data(SPREAD_ROLE)) == ("52.8", "± 2.4")
    assert model.index(0, model.column_index("size_mb")).data() == "5.4"
    assert model.index(1, model.column_index("size_mb")).data() == "–"


def test_rows_are_sorted_once_and_return_to_the_order_of_the_list(session: Session) -> None:
    session.variants.add("cut", predictions_of({0: [A]}, 10, scores=0.5), key="cut")
    model = VariantsModel(session)
    keys = [model.key_at(row) for row in range(3)]
    by_recall = sorted(keys, key=lambda key: model.value(key, "recall") or 0.0)
    model.sort_by("recall", Qt.SortOrder.AscendingOrder)
    assert [model.value(model.key_at(row), "recall") for row in range(3)] == [
        model.value(key, "recall") for key in by_recall
    ]
    model.sort_by("name", Qt.SortOrder.DescendingOrder)
    assert [model.key_at(row) for row in range(3)] == ["other", "cut", "base"]
    model.sort_by("name", None)
    assert [model.key_at(row) for row in range(3)] == keys


def test_the_difference_waits_for_the_comparison_where_only_one_has_classes(session: Session) -> None:
    table = session.variants["other"].predictions.table
    blank = replace(table, class_ids=np.full_like(table.class_ids, UNSPECIFIED_CLASS))
    session.variants.add("blank", replace(session.variants["other"].predictions, table=blank), key="blank")
    model = VariantsModel(session)
    assert model.value("other", "delta") is not None
    assert model.value("blank", "delta") is None


BOX_COLUMNS = ["icon", "track", "class", "iou", "conf", "state", "flags"]


def set_flags(session: Session, box_id: int, flags: int) -> None:
    session.execute(SetFlags(((box_id, flags),)), "Flags")


def test_boxes_of_the_frame_are_pairs_then_extra_predictions(session: Session) -> None:
    model = BoxesModel(session)
    columns = range(model.columnCount())
    assert [model.headerData(c, Qt.Orientation.Horizontal, COLUMN_ROLE) for c in columns] == BOX_COLUMNS
    assert [texts(model, row)[1:] for row in range(model.rowCount())] == [
        ["–", "person", "1.000", "0.90", "match", ""],
        ["–", "person", "–", "–", "missed", ""],
        ["base", "person", "–", "0.90", "extra", ""],
    ]
    assert (model.truth_count, model.prediction_count) == (2, 1)
    box = session.ground_truth.boxes(0)[0]
    session.preview(SetRects(((box.id, OFF),)))
    assert model.index(0, 3).data(Qt.ItemDataRole.UserRole) == 1.0
    session.go_to(1)
    assert model.rowCount() == 1


def test_without_variants_boxes_have_no_state() -> None:
    model = BoxesModel(session_with({0: [A]}))
    assert texts(model, 0) == ["", "–", "person", "–", "–", "", ""]


def test_boxes_out_of_view_and_ignored_ones_stay_in_the_table(session: Session) -> None:
    model = BoxesModel(session)
    set_flags(session, 1, int(BoxFlag.OUTSIDE))
    set_flags(session, 2, int(BoxFlag.IGNORED | BoxFlag.KEY_FRAME))
    states = {model.row_at(row).box_id: texts(model, row)[-2:] for row in range(model.rowCount())}
    assert states[1] == ["out of view", "out of view"]
    assert states[2] == ["ignored", "key frame, ignored"]


def test_a_prediction_of_another_class_is_said_to_be_of_the_wrong_class() -> None:
    session = session_with({0: [A]}, {"base": {0: [A]}}, classes=("person", "car"))
    session.execute(SetClasses(((1, 1),)), "Class")
    model = BoxesModel(session)
    assert model.has_classes
    assert [texts(model, row)[2:6] for row in range(2)] == [
        ["car", "–", "–", "wrong class"],
        ["person", "–", "0.90", "wrong class"],
    ]


def test_a_box_without_a_class_is_no_class_in_italics() -> None:
    session = session_with({0: [A, B]})
    model = BoxesModel(session)
    assert not model.has_classes
    session.execute(SetClasses(((2, UNSPECIFIED_CLASS),)), "Class")
    session.variants.add("base", predictions_of({0: [A]}, 10), key="base")
    assert texts(model, 1)[2] == "no class"
    assert model.index(1, 2).data(Qt.ItemDataRole.FontRole).italic()
    assert not model.index(0, 2).data(Qt.ItemDataRole.FontRole).italic()
    assert model.has_classes


def test_boxes_are_sorted_by_a_column_and_undefined_values_come_last() -> None:
    session = session_with({0: [A, B]}, {"base": {0: [A, OFF]}}, tracks=True)
    model = BoxesModel(session)

    def tracks() -> list[str]:
        return [texts(model, row)[1] for row in range(model.rowCount())]

    assert tracks() == ["1", "2", "base"]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert tracks() == ["2", "1", "base"]
    model.sort(3, Qt.SortOrder.AscendingOrder)
    assert tracks() == ["1", "2", "base"]
    model.sort(5, Qt.SortOrder.DescendingOrder)
    assert tracks() == ["2", "base", "1"]


def test_the_filter_reads_track_class_state_and_flags() -> None:
    session = session_with({0: [A, B]}, {"base": {0: [A, OFF]}}, tracks=True)
    set_flags(session, 2, int(BoxFlag.OCCLUDED))
    model = BoxesModel(session)
    found = {}
    for text in ("", "2", "missed", "person match", "occl", "base", "bus"):
        model.set_filter(text)
        found[text] = [model.row_at(row).box_id for row in range(model.rowCount())]
    assert found == {
        "": [1, 2, None],
        "2": [2],
        "missed": [2],
        "person match": [1],
        "occl": [2],
        "base": [None],
        "bus": [],
    }


def test_during_a_drag_rows_keep_their_order_and_the_model_is_never_reset(qtbot: QtBot) -> None:
    session = session_with({0: [A, B]}, {"base": {0: [A, B]}}, tracks=True)
    model = BoxesModel(session)
    model.sort(3, Qt.SortOrder.DescendingOrder)
    resets, layouts = [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.layoutChanged.connect(lambda: layouts.append(1))
    order = [model.row_at(row).box_id for row in range(2)]
    for by in (10.0, 30.0, 400.0):
        session.preview(SetRects(((1, (100.0 + by, 100.0, 200.0 + by, 200.0)),)))
        qtbot.wait(45)
        assert [model.row_at(row).box_id for row in range(2)] == order
    assert model.rowCount() == 3  # the prediction that lost its box
    session.preview(SetRects(((1, (101.0, 100.0, 201.0, 200.0)),)))
    qtbot.waitUntil(lambda: model.rowCount() == 2)
    assert not resets and not layouts
    session.commit_preview("Move")
    assert not resets
    assert [model.row_at(row).box_id for row in range(2)] == [2, 1]


def test_the_row_and_the_selection_follow_each_other(session: Session, qtbot: QtBot) -> None:
    panel = BoxesPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    session.select([2])
    assert panel.table.currentIndex().row() == 1
    panel.table.setFocus()
    qtbot.waitUntil(panel.table.hasFocus)
    panel.table.selectRow(2)
    assert session.selection.prediction is not None
    panel.table.selectAll()
    assert session.selection.boxes == {1, 2}
    session.select()
    assert not panel.table.currentIndex().isValid()


def test_problems_are_sorted_by_score_and_decided_ones_disappear(session: Session) -> None:
    model = ProblemsModel(session)
    model.set_grouped(False)
    model.search_now()
    problems = [model.index(row, 0).data(PROBLEM_ROLE) for row in range(model.rowCount())]
    assert problems
    scores = [problem.score for problem in problems]
    assert scores == sorted(scores, reverse=True)
    session.execute(SetDecisions(((problems[0].key, "right"),)), "Right")
    assert model.position_of(problems[0].key) == -1
    session.undo()
    assert model.position_of(problems[0].key) == 0


def test_stepping_wraps_around_the_list(qtbot: QtBot) -> None:
    seen = {0: [A, (500.0, 300.0, 540.0, 380.0)]}
    session = session_with({0: [A, B]}, {"base": seen, "other": seen})
    panel = ProblemsPanel(session)
    qtbot.addWidget(panel)
    panel.model.search_now()
    count = panel.model.count
    assert count > 1 and panel.summary.text() == f"{count} problems"
    first = panel.step(1)
    last = panel.step(-1)
    assert first is not None and last is not None and last != first
    assert panel.step(1) == first


def test_a_list_without_variants_says_what_to_do_next(qtbot: QtBot) -> None:
    panel = ProblemsPanel(session_with({0: [A]}))
    qtbot.addWidget(panel)
    assert panel.summary.text() == "" and panel.list.empty_text == "Add predictions to find problems"
    assert panel.step(1) is None


def test_a_frame_without_predictions_has_no_missed_boxes(qtbot: QtBot) -> None:
    session = session_with({0: [A], 1: [A]}, {"base": {0: [A]}})
    variant = session.variants["base"]
    covered = np.ones(10, np.bool_)
    covered[1] = False
    session.variants.set_predictions("base", replace(variant.predictions, covered=covered))
    panel = BoxesPanel(session)
    qtbot.addWidget(panel)
    assert panel.model.row_at(0).state is RowState.MATCH
    session.go_to(1)
    assert panel.model.rowCount() == 1
    assert panel.model.row_at(0).state is RowState.NONE
    assert panel.model.index(0, 5).data() == ""


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
