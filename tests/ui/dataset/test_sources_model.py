"""The table of sources: what it says of each, and the worst first."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from iouviewer.app.datasets.numbers import SourceFound
from iouviewer.document.dataset import Dataset, DatasetSource, SourceNumbers, SourceProgress, VariantNumbers
from iouviewer.ui.dataset.sources_model import ABSENT_ROLE, FACTS_ROLE, Column, SourcesModel, when_text

pytestmark = pytest.mark.usefixtures("qapp")


def source(name: str, points: float | None, problems: int | None = 0) -> DatasetSource:
    progress = SourceProgress("s", 200, 100, 3, 1000, 640, 480, 25.0, variants=("base", "int8"))
    int8 = VariantNumbers(0.4, 0.5, 0.6, 100, "FAIL" if points and points < 0 else "PASS", points, points, points)
    return DatasetSource(
        -1, f"/x/{name}", progress=progress, numbers=SourceNumbers("s", problems, "base", {"int8": int8})
    )


@pytest.fixture
def model() -> SourcesModel:
    made = SourcesModel()
    listed = [source("b", -1.0, 5), source("a", 0.5, 0), source("c", -3.0, None), DatasetSource(-1, "/x/d")]
    made.show(Dataset().with_added(listed), {}, "int8", 1.0)
    return made


def column(model: SourcesModel, which: Column) -> list[object]:
    return [model.index(row, which).data() for row in range(model.rowCount())]


def test_rows_say_what_is_known_and_a_dash_for_the_rest(model: SourcesModel) -> None:
    assert column(model, Column.SOURCE) == ["b", "a", "c", "d"]
    assert column(model, Column.FRAMES) == ["200", "200", "200", "–"]
    assert column(model, Column.LABELLED) == ["50 %", "50 %", "50 %", "–"]
    assert column(model, Column.VERIFIED) == ["1 %", "1 %", "1 %", "–"], "never more than was verified"
    assert column(model, Column.PROBLEMS) == ["5", "0", "–", "–"]
    assert column(model, Column.INTERVAL) == ["−1.0", "+0.5", "−3.0", ""]
    assert model.index(0, Column.SOURCE).data(FACTS_ROLE) == "25 fps · 640 × 480"
    assert model.index(3, Column.SOURCE).data(FACTS_ROLE) == "not opened yet"
    header = model.headerData(Column.INTERVAL, Qt.Orientation.Horizontal)
    assert header == "int8 against base, Δ AP points"


def test_the_worst_comes_first_and_the_unknown_last(model: SourcesModel) -> None:
    model.sort(Column.INTERVAL)
    assert column(model, Column.SOURCE) == ["c", "b", "a", "d"]
    model.sort(Column.INTERVAL, Qt.SortOrder.DescendingOrder)
    assert column(model, Column.SOURCE) == ["a", "b", "c", "d"]
    model.sort(Column.VERDICT)
    assert column(model, Column.VERDICT) == ["FAIL", "FAIL", "PASS", ""]
    model.sort(-1)
    assert column(model, Column.SOURCE) == ["b", "a", "c", "d"]


def test_absent_and_unreadable_sources_are_marked_and_keep_their_numbers(model: SourcesModel) -> None:
    found = {
        0: SourceFound(0, is_there=False),
        1: SourceFound(1, is_there=True, project="/x/a.iouv", error="the project cannot be read"),
    }
    model.show(model.dataset, found, "int8", 1.0)
    assert [model.index(row, 0).data(ABSENT_ROLE) for row in range(3)] == [True, True, False]
    assert "last known numbers" in model.index(0, Column.SOURCE).data(FACTS_ROLE)
    assert model.index(1, Column.SOURCE).data(FACTS_ROLE) == "the project cannot be read"
    assert model.index(0, Column.INTERVAL).data() == "−1.0"


def test_a_source_without_the_variant_says_so(model: SourcesModel) -> None:
    model.show(model.dataset, {}, "student", 1.0)
    assert column(model, Column.VERDICT) == ["no student", "no student", "no student", ""]
    model.show(model.dataset, {}, "base", 1.0)
    assert column(model, Column.VERDICT)[0] == "baseline"


def test_times_are_said_as_people_say_them() -> None:
    assert when_text(0.0) == "never"
    import time

    now = time.time()
    assert when_text(now).startswith("today")
    assert when_text(now - 24 * 3600) == "yesterday"
    assert when_text(1_000_000_000.0).startswith("2001-09-")
