"""Where a variant loses: the tables agree with the numbers of the report, and know the boxes behind them."""

from __future__ import annotations

from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.breakdown import NOTHING, Topic, find_breakdowns
from iouviewer.jobs.differences import ComparisonInput
from iouviewer.metrics.coco import evaluate_coco
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import BoxTable
from tests.metrics.builders import random_case


def predicted(table: BoxTable) -> PredictionSet:
    return PredictionSet(table, np.ones(table.frame_count, np.bool_))


def data_of(seed: int) -> ComparisonInput:
    truth, table = random_case(seed)
    random = np.random.default_rng(seed)
    worse = replace(table, boxes=table.boxes + random.normal(0.0, 4.0, (1, len(table))))
    variants = {"base": predicted(table), "other": predicted(worse)}
    return ComparisonInput(1, truth, np.ones(truth.frame_count, np.bool_), ReviewSettings(), variants, "base")


def missed_of(data: ComparisonInput, table: BoxTable) -> int:
    return int(review_all(data.truth, table, data.review, data.labelled).fn.sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 500))
def test_the_tables_agree_with_the_scores(seed: int) -> None:
    data = data_of(seed)
    tables = find_breakdowns(data)["other"].tables
    for place, name in ((0, "base"), (1, "other")):
        table = data.variants[name].table
        whole = evaluate_coco(data.truth, table)
        for row in tables[Topic.CLASSES]:
            ap = (row.baseline, row.variant)[place]
            expected = whole.per_class.get(int(row.key[0]))
            assert (isnan(ap) and expected is None) or ap == pytest.approx(expected.ap, abs=1e-12)
    missed = missed_of(data, data.variants["other"].table)
    assert sum(len(row.places) for row in tables[Topic.CLASSES]) == missed
    # Quartiles share out all boxes that count.
    counting = int((~data.truth.ignored).sum())
    assert sum(row.total for row in tables[Topic.SIZES][3:]) == counting
    for rows in tables.values():
        for row in rows:
            assert (np.diff(row.places.frames) >= 0).all()


def test_errors_and_confusions_know_their_boxes() -> None:
    boxes = np.array([[0, 0, 20, 20], [50, 50, 80, 80], [100, 100, 140, 140]], np.float64).T
    truth = BoxTable.from_rows(
        np.array([0, 0, 1]), boxes, frame_count=2, class_ids=np.array([0, 0, 1]), ids=np.array([7, 8, 9])
    )
    found = BoxTable.from_rows(
        np.array([0, 0, 1, 1]),
        np.array([[0, 0, 20, 20], [50, 50, 80, 80], [200, 200, 230, 230], [100, 100, 140, 140]], np.float64).T,
        frame_count=2,
        class_ids=np.array([0, 1, 0, 1]),
        scores=np.array([0.9, 0.8, 0.7, 0.1]),
    )
    perfect = replace(truth, scores=np.array([0.9, 0.9, 0.9]))
    variants = {"base": predicted(perfect), "other": predicted(found)}
    data = ComparisonInput(1, truth, np.ones(2, np.bool_), ReviewSettings(), variants, "base")
    tables = find_breakdowns(data)["other"].tables
    errors = {int(row.key[0]): row for row in tables[Topic.ERRORS]}
    assert {key: row.variant for key, row in errors.items()} == {1: 1, 2: 0, 3: 0, 4: 0, 5: 1, 6: 1}
    assert errors[1].places.boxes[:, 0].tolist() == [50, 50, 80, 80] and errors[1].places.scores.tolist() == [0.8]
    assert errors[6].places.ids.tolist() == [9] and errors[6].places.frames.tolist() == [1]
    assert all(row.baseline == 0 for row in errors.values())
    confusion = {tuple(map(int, row.key)): row.places for row in tables[Topic.CONFUSION]}
    assert confusion.keys() == {(0, 1), (1, NOTHING), (NOTHING, 0)}
    assert confusion[0, 1].ids.tolist() == [8] and confusion[1, NOTHING].ids.tolist() == [9]
    assert confusion[NOTHING, 0].boxes[:, 0].tolist() == [200, 200, 230, 230]


def test_without_a_baseline_there_is_nothing_to_compare() -> None:
    assert find_breakdowns(replace(data_of(1), baseline="")) == {}
