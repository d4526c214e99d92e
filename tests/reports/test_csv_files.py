"""IoU by frame and pairs as CSV, and their cells."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.reports.data_files import PairRow, csv_bytes, name_cell, number_cell, pairs_csv, score_csv
from tests.reports.builders import series


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def test_no_frames_give_the_header_alone() -> None:
    none = np.zeros(0, np.int64)
    assert read(score_csv(none, [], none, [series("a", [])])) == [
        ["frameID", "iou", "iou:a", "state", "gt", "pred:a", "tp:a", "fp:a", "fn:a"]
    ]


def test_the_first_columns_are_those_of_the_article_and_undefined_is_blank() -> None:
    rows = read(
        score_csv(
            np.array([3, 5, 9]),
            ["labelled", "unlabelled", "labelled"],
            np.array([1, 0, 0]),
            [series("base", [0.5, math.nan, math.nan], [True, False, True]), series("b,2", [0.25, math.nan, math.nan])],
        )
    )
    assert rows[0][:4] == ["frameID", "iou", "iou:base", "iou:b,2"]
    assert rows[1] == ["3", "0.5", "0.5", "0.25", "labelled", "1", "4", "1", "2", "3", "4", "1", "2", "3"]
    assert rows[2] == ["5", "", "", "", "unlabelled", "", "", "", "", "", "4", "1", "2", "3"]
    assert rows[3][:6] == ["9", "", "", "", "labelled", "0"]


def test_lines_end_as_in_rfc_4180_and_quotes_are_used_where_needed() -> None:
    assert csv_bytes(["a", 'b"c'], [["1,5", "ü"]]) == 'a,"b""c"\r\n"1,5",ü\r\n'.encode()


@pytest.mark.parametrize("name", ["=1+1", "+A1", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_a_class_name_that_a_spreadsheet_would_run_gets_an_apostrophe(name: str) -> None:
    assert name_cell(name) == "'" + name
    row = PairRow(0, name, 1, 2, name, 0.5, 0.5, 0.5, 0.5, 0.5, "tp")
    assert read(pairs_csv([row]))[1][4] == "'" + name


@pytest.mark.parametrize("name", ["", "person", "a=b", "traffic light", "人"])
def test_other_names_are_not_changed(name: str) -> None:
    assert name_cell(name) == name


def test_pairs_without_a_partner_have_blanks() -> None:
    rows = read(
        pairs_csv(
            [
                PairRow(0, "a", 7, None, "car", None, None, None, None, None, "miss"),
                PairRow(2, "a", None, 0, "", 0.125, None, None, None, None, "fp"),
            ]
        )
    )
    assert rows == [
        ["frameID", "variant", "gt", "pred", "class", "score", "iou", "giou", "diou", "ciou", "state"],
        ["0", "a", "7", "", "car", "", "", "", "", "", "miss"],
        ["2", "a", "", "0", "", "0.125", "", "", "", "", "fp"],
    ]


@given(st.floats(-1.5, 1.0))
def test_a_number_is_read_back_within_a_billionth(value: float) -> None:
    text = number_cell(value)
    assert abs(float(text) - value) <= 5e-10 + 1e-15
    assert text != "-0.0"


@pytest.mark.parametrize("value", [None, math.nan])
def test_undefined_is_a_blank_cell(value: float | None) -> None:
    assert number_cell(value) == ""


def test_the_average_excludes_undefined_frames() -> None:
    assert series("a", [0.5, math.nan, 1.0]).average == 0.75
    assert series("a", [math.nan]).average is None
    assert series("a", []).average is None
