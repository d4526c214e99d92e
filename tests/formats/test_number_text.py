"""Numbers as text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.formats.number_text import corner_texts, exact_text, extent_texts, round_values, short_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.0, "12"), (0.5, "0.5"), (-0.0, "0"), (-1e-9, "0"), (0.00001, "0.00001"), (31.029999999999973, "31.03")],
)
def test_numbers_are_short(value, text):
    assert short_text(float(round_values(np.array([value]))[0])) == text


@given(st.floats(-1e7, 1e7))
def test_a_rounded_number_is_close_stable_and_reads_back_exactly(value):
    once = round_values(np.array([value]))
    assert abs(once[0] - value) <= 5.1e-7
    assert np.array_equal(round_values(once), once)
    assert float(short_text(float(once[0]))) == once[0]
    assert len(short_text(float(once[0])).partition(".")[2]) <= 6


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_exact_number_reads_back_exactly(value):
    assert float(exact_text(value)) == value


def test_a_box_thinner_than_the_rounding_keeps_its_extent():
    boxes = np.array([[0.3], [0.3], [0.3 + 2e-7], [0.4]])
    x1, _, x2, _ = map(float, corner_texts(boxes)[0])
    assert (x1, x2) == (0.3, 0.3 + 2e-7)
    assert float(extent_texts(boxes)[0][2]) > 0
