"""Partials in files."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.jobs.partials import compare_partials, compute_partial, load_partial, pool, save_partial
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable
from tests.metrics.builders import random_case

NAMES = ("a", "b", "c")


def _partial(seed, names=NAMES):
    truth, predictions = random_case(seed)
    return compute_partial(truth, predictions, ReviewSettings(), np.ones(30, bool), class_names=names)


def test_a_partial_returns_from_its_file_bit_for_bit_and_equal_ones_give_equal_bytes(tmp_path) -> None:
    partial = _partial(1)
    paths = [tmp_path / "one.npz", tmp_path / "other.npz"]

    for path in paths:
        save_partial(path, partial)
    again = load_partial(paths[0])

    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert again.header() == partial.header()
    for name, column in partial.columns().items():
        assert again.columns()[name].dtype == column.dtype
        assert np.array_equal(again.columns()[name], column)
    assert pool([again]).scores() == pool([partial]).scores()


def test_scores_that_float32_cannot_hold_stay_exact(tmp_path) -> None:
    truth, predictions = random_case(2)
    exact = compute_partial(truth, predictions, ReviewSettings(), np.ones(30, bool), class_names=NAMES)
    rounded = BoxTable(
        predictions.offsets, predictions.boxes, predictions.class_ids,
        predictions.scores.astype(np.float32).astype(np.float64), predictions.ignored, predictions.ids,
    )  # fmt: skip
    short = compute_partial(truth, rounded, ReviewSettings(), np.ones(30, bool), class_names=NAMES)

    save_partial(tmp_path / "exact.npz", exact)

    assert load_partial(tmp_path / "exact.npz").scores.dtype == np.float64
    assert short.scores.dtype == np.float32


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path) -> None:
    path = tmp_path / "damaged.npz"
    save_partial(path, _partial(3))
    data = path.read_bytes()
    for broken in (data[: len(data) // 2], b"nothing", data[:1000] + bytes(200) + data[1200:]):
        path.write_bytes(broken)
        with pytest.raises(UserError) as refused:
            load_partial(path)
        assert refused.value.path == path
        assert "computed again" in refused.value.remedy


def test_a_file_of_another_format_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("iouviewer.metrics.partial.FORMAT", 99)
    save_partial(tmp_path / "later.npz", _partial(3))
    monkeypatch.undo()

    with pytest.raises(UserError, match="format 99 is not 1"):
        load_partial(tmp_path / "later.npz")


def test_a_missing_file_says_so(tmp_path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_partial(tmp_path / "none.npz")


def test_classes_without_a_name_are_joined_by_number() -> None:
    named, unnamed = _partial(4, ("0", "1", "2")), _partial(4, ())

    assert pool([unnamed]).scores() == pool([named]).scores()


def test_sides_with_different_frames_are_not_compared() -> None:
    truth, predictions = random_case(6)
    half = compute_partial(truth, predictions, ReviewSettings(), np.arange(30) < 20, class_names=NAMES)

    with pytest.raises(ValueError, match="frames"):
        compare_partials([_partial(6)], [half], {"ap": 1.0})
