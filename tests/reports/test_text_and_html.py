"""The variants table as text, the HTML report, JSON."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from iouviewer.document.metric_columns import points_text
from iouviewer.reports.data_files import json_bytes
from iouviewer.reports.html import html_bytes
from iouviewer.reports.text_table import ap_text, table_header, table_rows, text_table
from tests.reports.builders import metric_values, series


@pytest.mark.parametrize(
    ("value", "floor", "expected"),
    [
        (0.348, 0.25, ">= 0.348 (cut at 0.25)"),
        (0.348, 0.01, "0.348"),
        (0.348, 0.0101, ">= 0.348 (cut at 0.0101)"),
        (0.348, None, "0.348"),
        (None, 0.25, "–"),
    ],
)
def test_ap_of_cut_predictions_is_shown_as_a_lower_bound(
    value: float | None, floor: float | None, expected: str
) -> None:
    assert ap_text(value, floor) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.0123, "-1.2"), (0.02, "+2.0"), (0.0, "0.0"), (-0.0003, "0.0"), (None, "–")]
)
def test_differences_are_in_points_with_their_sign(value: float | None, expected: str) -> None:
    assert points_text(value) == expected


def test_the_table_marks_the_baseline_and_incomplete_variants_and_aligns_its_columns() -> None:
    delta = {"ap": -0.0123, "pq": 0.02, "avg_iou": None}
    variants = {"base": metric_values(), "long name": metric_values(delta=delta, complete=False, frames=7, ap=None)}
    text = text_table(table_header(), table_rows(variants, "base"))
    lines = text.splitlines()
    assert lines[2].startswith("base *")
    assert re.search(r"long name .* – .* -1\.2 +\+2\.0 +– .* 7 \(incomplete\)$", lines[3])
    assert lines[0].index("PQ") + 2 == lines[2].index("0.500", lines[2].index("0.500") + 5) + 5


def test_json_is_sorted_and_undefined_is_null() -> None:
    assert json_bytes({"b": math.nan, "a": {"z": None, "y": np.float64(0.5)}}) == (
        b'{\n  "a": {\n    "y": 0.5,\n    "z": null\n  },\n  "b": null\n}\n'
    )


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href"} and not (value or "").startswith("#"):
                self.outside.append(f"{tag} {name}={value}")


def test_the_html_report_is_one_file_with_escaped_names() -> None:
    name = "<b>&\"'"
    protocol = {"baseline": name, "warnings": ["a < b"], "confidence": 0.25, "left_out": {"car": 3}, "floor": None}
    values = {"protocol": protocol, "variants": {name: metric_values(per_class={"<i>": {"ap": 0.4}})}}
    text = html_bytes(values, np.arange(2), [series(name, [0.5, 0.7])], title="<clip>").decode()
    checker = _Checker()
    checker.feed(text)
    assert checker.outside == []
    assert {"svg", "table"} <= set(checker.tags)
    assert not {"script", "link", "img", "iframe"} & set(checker.tags)
    assert "<b>&" not in text and "<i>" not in text and "<clip>" not in text
    assert "a &lt; b" in text and "car: 3" in text
    assert text == html_bytes(values, np.arange(2), [series(name, [0.5, 0.7])], title="<clip>").decode()


class _Cells(HTMLParser):
    """Whether each cell is in a left-aligned column, by its text."""

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[str, bool] = {}
        self._left = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._left = ("class", "text") in attrs

    def handle_data(self, data: str) -> None:
        self.left[data] = self._left


def test_words_are_left_aligned_numbers_right_and_hyphens_become_minus_signs() -> None:
    protocol = {"baseline": "a", "warnings": [], "frames": "0:10"}
    delta = {"ap": -0.0123, "pq": 0.02, "avg_iou": None}
    variants = {"a": metric_values(), "b-1": metric_values(delta=delta, per_class={"car": {"ap": 0.4}})}
    page = html_bytes(
        {"protocol": protocol, "variants": variants}, np.arange(1), [series("a", [0.5])], title="clip", head="10 frames"
    ).decode()
    cells = _Cells()
    cells.feed(page)
    assert "<h1>Scores: clip</h1>\n<p>10 frames</p>" in page
    assert cells.left["b-1"] and cells.left["car"]
    assert not cells.left["−1.2"] and not cells.left["+2.0"]


def test_sizes_and_steps_are_rows_and_variants_are_columns() -> None:
    size = {"small": {"ap": None, "ar": None}, "large": {"ap": 0.25, "ar": 0.5}}
    quarters = [{"from": 10.0, "to": 20.4, "boxes": 7, "ap": 0.125}]
    steps = [{"step": "val", "ap": 0.4, "change": 0.0}, {"step": "coco", "ap": 0.39876, "change": -0.00124}]
    one = metric_values(size=size, size_quartiles=quarters, reconcile=steps)
    values = {"protocol": {"baseline": "a", "warnings": []}, "variants": {"a": one, "b": metric_values()}}
    page = html_bytes(values, np.arange(1), [series("a", [0.5])], title="clip").decode()
    rows = [re.sub("<[^>]*>", "|", row) for row in page.splitlines()]
    assert "||small||–||–||" in rows
    assert "||large||0.250 (0.500)||–||" in rows
    assert "||10–20 px², 7 boxes||0.125||–||" in rows
    assert "||val||0.4000||–||" in rows
    assert "||coco||0.3988 (−0.12)||–||" in rows
