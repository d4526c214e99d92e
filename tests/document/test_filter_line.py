"""The filter line is understood, refused with the term at fault, completed, and written back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.filter_line import (
    STATES,
    WORDS,
    BoxFilter,
    Key,
    Span,
    Term,
    complete_filter,
    parse_filter,
)
from iouviewer.errors import UserError

EXAMPLE = "class:person size:<16 state:miss score:>.5 frames:480-794 variant:int8 lost"


def test_the_example_is_understood() -> None:
    found = parse_filter(EXAMPLE)
    assert [term.key for term in found.terms] == [
        *(Key.CLASS, Key.SIZE, Key.STATE, Key.SCORE, Key.FRAMES, Key.VARIANT, Key.LOST)
    ]
    assert found.of(Key.SIZE)[0].spans == (Span(high=16.0, has_high=False),)
    assert found.of(Key.SCORE)[0].spans == (Span(low=0.5, has_low=False),)
    assert found.of(Key.FRAMES)[0].spans == (Span(480, 794),)
    assert found.text == "class:person size:<16 state:miss score:>0.5 frames:480-794 variant:int8 lost"
    assert found.scoring.text == "class:person size:<16 score:>0.5 frames:480-794"
    assert found.listing.text == "state:miss variant:int8 lost"


def test_names_are_quoted_and_negated() -> None:
    found = parse_filter('-class:"traffic light",car size:small state:fp,fn')
    assert found.terms[0] == Term(Key.CLASS, ("traffic light", "car"), is_negated=True)
    assert found.terms[1] == Term(Key.SIZE, ("small",))
    assert found.terms[2] == Term(Key.STATE, ("extra", "miss"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("class:person sise:<16", "filter “sise:<16”: there is no “sise”; is “size” meant?"),
        ("banana", "filter “banana”: there is no “banana”; there are class, size, score"),
        ("size:", "filter “size:”: a value is missing: size:<16"),
        ("size:<x", "filter “size:<x”: “<x” is not a number such as <16"),
        ("frames:1.5", "filter “frames:1.5”: “1.5” is not a whole number"),
        ("frames:9-3", "filter “frames:9-3”: the range “9-3” ends before it begins"),
        ("state:gone", "filter “state:gone”: “gone” is no state; states are match, loose, miss, extra, ignored"),
        ("lost:yes", "filter “lost:yes”: “lost” stands alone, without a value"),
        ("class:person,", "filter “class:person,”: a value is missing"),
        ('class:"person', "filter “"),
        ("score:<=", "filter “score:<=”"),
        ("frames:99999999999", "filter “frames:99999999999”: “99999999999” is too large"),
        ("score:0.5-0.6-0.7", "filter “score:0.5-0.6-0.7”"),
    ],
)
def test_what_cannot_be_understood_names_the_term(line: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_filter(line)
    assert str(caught.value).startswith(said)


def test_an_empty_line_lets_everything_pass() -> None:
    assert parse_filter("  ") == BoxFilter()
    assert not parse_filter("")


def test_keys_and_values_are_completed() -> None:
    assert complete_filter("s") == ["size:", "score:", "state:"]
    assert complete_filter("class:person st") == ["class:person state:"]
    assert complete_filter("class:", ["person", "traffic light"]) == [
        "class:person",
        'class:"traffic light"',
        "class:none",
    ]
    assert complete_filter("class:car,p", ["car", "person"]) == ["class:car,person"]
    assert complete_filter('class:"traffic', ["traffic light"]) == ['class:"traffic light"']
    assert complete_filter("-variant:i", variants=["int8", "base"]) == ["-variant:int8"]
    assert complete_filter("state:l") == ["state:loose"]
    assert complete_filter("lo") == ["lost"]
    assert complete_filter("lost") == []
    assert complete_filter("banana:") == []
    assert len(complete_filter("class:person ")) == len(Key)


NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name.strip() != "" and "\x00" not in name)
NUMBERS = st.floats(0, 1e7, allow_nan=False).map(lambda value: value + 0.0)
WHOLE = st.integers(0, 10**7).map(float)


@st.composite
def spans(draw: st.DrawFn, numbers: st.SearchStrategy[float]) -> Span:
    low, high = sorted((draw(numbers), draw(numbers)))
    kind = draw(st.integers(0, 4))
    ends = [
        Span(low, high),
        Span(high=high),
        Span(high=high, has_high=False),
        Span(low=low),
        Span(low=low, has_low=False),
    ]
    return ends[kind]


@st.composite
def terms(draw: st.DrawFn) -> Term:
    key = draw(st.sampled_from(Key))
    negated = draw(st.booleans())
    if key in WORDS:
        return Term(key, is_negated=negated)
    if key in (Key.CLASS, Key.VARIANT):
        return Term(key, tuple(draw(st.lists(NAMES, min_size=1, max_size=3))), is_negated=negated)
    if key is Key.STATE:
        return Term(key, tuple(draw(st.lists(st.sampled_from([*STATES]), min_size=1))), is_negated=negated)
    names = tuple(draw(st.lists(st.sampled_from(["small", "large"]), max_size=1))) if key is Key.SIZE else ()
    numbers = WHOLE if key in (Key.FRAMES, Key.TRACK) else NUMBERS
    least = 0 if names else 1
    return Term(key, names, tuple(draw(st.lists(spans(numbers), min_size=least, max_size=2))), negated)


@given(st.lists(terms(), max_size=4).map(lambda found: BoxFilter(tuple(found))))
def test_what_is_written_is_read_back(found: BoxFilter) -> None:
    assert parse_filter(found.text) == found


@given(st.text(max_size=30))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        found = parse_filter(text)
    except UserError:
        return
    assert parse_filter(found.text) == found
    assert not any(math.isnan(span.low) for term in found.terms for span in term.spans)
