"""Metric columns: one table defines the columns of the window, the text table, the HTML report and the gate."""

from __future__ import annotations

import re
from dataclasses import fields

import numpy as np
import pytest
from PySide6.QtCore import Qt

from iouviewer.document import metric_columns
from iouviewer.document.metric_columns import METRIC_COLUMNS, MetricColumn, NumberFormat, Output, columns_for
from iouviewer.document.scores_types import VariantSummary
from iouviewer.document.variants import Variant
from iouviewer.metrics.verdict import Outcome
from iouviewer.reports.gate_reports import Judgement, VideoRow, gate_text
from iouviewer.reports.html import html_bytes
from iouviewer.reports.text_table import table_header, table_rows, text_table
from iouviewer.ui.compare.variants_table import VariantsPanel
from iouviewer.ui.tables.common import COLUMN_ROLE
from iouviewer.ui.tables.variants_model import NAME_COLUMN, VariantsModel
from tests.app.builders import session_with
from tests.reports.builders import metric_values, series

BOX = (100.0, 100.0, 200.0, 200.0)
FOUND = (110.0, 100.0, 210.0, 200.0)


def with_column(monkeypatch: pytest.MonkeyPatch, column: MetricColumn) -> None:
    """Add a column to the table, before the last one."""
    monkeypatch.setattr(metric_columns, "METRIC_COLUMNS", (*METRIC_COLUMNS[:-1], column, METRIC_COLUMNS[-1]))


def test_a_column_added_in_one_place_appears_in_the_window_the_text_and_the_html(qtbot, monkeypatch) -> None:
    outputs = Output.WINDOW | Output.TEXT | Output.HTML
    with_column(monkeypatch, MetricColumn("box_iou", "box_iou", "Box IoU", "Mean IoU over all boxes.", outputs))
    session = session_with({0: [BOX]}, {"base": {0: [FOUND]}})
    panel = VariantsPanel(session)
    qtbot.addWidget(panel)
    model, place = panel.model, panel.model.column_index("box_iou")
    value = session.scores.summary("base").box_iou
    assert value is not None and model.value("base", "box_iou") == value
    assert model.index(0, place).data() == f"{value:.3f}"
    header = [
        model.headerData(place, Qt.Orientation.Horizontal, role)
        for role in (COLUMN_ROLE, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
    ]
    assert header == ["box_iou", "Box IoU", "Mean IoU over all boxes."]
    assert not panel.table.isColumnHidden(place)
    variants = {"base": metric_values(box_iou=0.625)}
    header, (row,) = table_header(), table_rows(variants, "base")
    assert dict(zip(header, row, strict=True))["Box IoU"] == "0.625"
    assert "Box IoU" in text_table(header, [row]).splitlines()[0]
    values = {"protocol": {"baseline": "base", "warnings": []}, "variants": variants}
    page = html_bytes(values, np.arange(1), [series("base", [0.5])], title="clip").decode()
    assert "<th>Box IoU</th>" in page and "<td>0.625</td>" in page


def test_a_difference_added_in_one_place_appears_in_the_gate_and_in_the_window(monkeypatch) -> None:
    column = MetricColumn(
        "delta_ap50",
        "ap50",
        "Δ AP50",
        "AP50 minus the AP50 of the baseline.",
        Output.WINDOW | Output.TEXT | Output.GATE,
        NumberFormat.POINTS,
        is_delta=True,
    )
    with_column(monkeypatch, column)
    row = VideoRow("a.mp4", 3, {"ap": 0.0, "pq": None, "avg_iou": 1.0, "ap50": -2.5})
    head, _, cells = (
        line.split("  ") for line in gate_text([Judgement("b", Outcome.PASS, "b: PASS", (row,))]).splitlines()[1:]
    )
    assert head[-1].strip() == "Δ AP50" and cells[-1].strip() == "-2.5"
    delta = {"ap": 0.0, "pq": 0.0, "avg_iou": 0.0, "ap50": -0.025}
    variants = {"base": metric_values(), "b": metric_values(delta=delta)}
    column_of = table_header().index("Δ AP50")
    assert [row[column_of] for row in table_rows(variants, "base")] == ["–", "-2.5"]
    session = session_with({0: [BOX]}, {"base": {0: [BOX]}, "b": {0: [(0.0, 0.0, 10.0, 10.0)]}})
    assert VariantsModel(session).value("b", "delta_ap50") == -100.0


def test_keys_are_unique_and_every_field_exists() -> None:
    keys = [column.key for column in METRIC_COLUMNS]
    assert len(set(keys)) == len(keys) and NAME_COLUMN not in keys
    summary = {field.name for field in fields(VariantSummary)}
    for column in METRIC_COLUMNS:
        assert hasattr(Variant, column.field) if column.is_run_value else column.field in summary, column.key
        assert column.title and re.search(r"\.$", column.definition), column.key


def test_reports_show_no_values_that_belong_to_a_run() -> None:
    for output in (Output.TEXT, Output.HTML, Output.BY_CLASS, Output.GATE):
        assert not any(column.is_run_value for column in columns_for(output))
