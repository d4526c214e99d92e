"""The filter line: ``class:person size:<16 state:miss score:>.5 frames:480-794 variant:int8 lost``.

Terms are separated by spaces and all of them must hold; a minus in front turns one around; commas list alternatives.
What a filter means for scores and lists is in ``document/filtering.py`` and docs/metrics.md.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import COCO_AREAS


class Key(StrEnum):
    """What a term is about; the values are what a person types."""

    CLASS = "class"
    SIZE = "size"
    SCORE = "score"
    FRAMES = "frames"
    STATE = "state"
    IOU = "iou"
    TRACK = "track"
    VARIANT = "variant"
    LOST = "lost"
    GAINED = "gained"


KEY_TEXTS: dict[Key, str] = {
    Key.CLASS: tr("classes, by name; none for boxes without a class"),
    Key.SIZE: tr("square root of the area in pixels, or small, medium, large"),
    Key.SCORE: tr("confidence of predictions"),
    Key.FRAMES: tr("frames, both ends included"),
    Key.STATE: tr("match, loose, miss, extra or ignored"),
    Key.IOU: tr("IoU of pairs"),
    Key.TRACK: tr("track ids"),
    Key.VARIANT: tr("variants, by name"),
    Key.LOST: tr("found by the baseline, not by the variant"),
    Key.GAINED: tr("found by the variant, not by the baseline"),
}
"""One line on each key, for completion and help."""
WORDS = frozenset({Key.LOST, Key.GAINED})
"""Keys that stand alone, without a value."""
SCORING = frozenset({Key.CLASS, Key.SIZE, Key.SCORE, Key.FRAMES})
"""Keys that change scores; the others only choose what is listed (docs/metrics.md)."""
_NAMED = frozenset({Key.CLASS, Key.VARIANT})
_WHOLE = frozenset({Key.FRAMES, Key.TRACK})
STATES: dict[str, tuple[str, ...]] = {
    "match": ("matched", "tp"),
    "loose": (),
    "miss": ("missed", "fn"),
    "extra": ("fp",),
    "ignored": (),
}
"""States as filters name them -> other words for the same."""
NO_CLASS_WORD = "none"
"""Value of ``class:`` for boxes without a class."""
_GREATEST = 1e9
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_TOKEN = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+|"')
_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')


@dataclass(frozen=True, slots=True)
class Span:
    """A range of numbers; without an end, minus or plus infinity."""

    low: float = -math.inf
    high: float = math.inf
    has_low: bool = True
    has_high: bool = True

    @property
    def text(self) -> str:
        """As it is typed."""
        if self.low == self.high:
            return _number(self.low)
        if math.isinf(self.low):
            return ("<=" if self.has_high else "<") + _number(self.high)
        if math.isinf(self.high):
            return (">=" if self.has_low else ">") + _number(self.low)
        return f"{_number(self.low)}-{_number(self.high)}"


@dataclass(frozen=True, slots=True)
class Term:
    """One term.

    Attributes:
        names: alternatives of ``class``, ``variant`` and ``state``, and named sizes.
        spans: alternatives of numbers.
        is_negated: what the values describe is left out.
    """

    key: Key
    names: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    is_negated: bool = False

    @property
    def text(self) -> str:
        """As it is typed."""
        sign = "-" if self.is_negated else ""
        if self.key in WORDS:
            return f"{sign}{self.key}"
        return f"{sign}{self.key}:" + ",".join([*map(quoted, self.names), *(span.text for span in self.spans)])


@dataclass(frozen=True, slots=True)
class BoxFilter:
    """A filter line that was understood; false without a term."""

    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def text(self) -> str:
        """The line in one way of writing it; ``parse_filter`` gives an equal filter."""
        return " ".join(term.text for term in self.terms)

    @property
    def scoring(self) -> BoxFilter:
        """The terms that change scores."""
        return BoxFilter(tuple(term for term in self.terms if term.key in SCORING))

    @property
    def listing(self) -> BoxFilter:
        """The terms that only choose what is listed."""
        return BoxFilter(tuple(term for term in self.terms if term.key not in SCORING))

    def of(self, key: Key) -> tuple[Term, ...]:
        """The terms with this key."""
        return tuple(term for term in self.terms if term.key is key)

    def without(self, term: Term) -> BoxFilter:
        """The filter without one of its terms."""
        return BoxFilter(tuple(one for one in self.terms if one != term))


def parse_filter(text: str) -> BoxFilter:
    """Understand a filter line; empty text gives a filter that lets everything pass.

    Raises:
        UserError: names the term that cannot be understood, and why.
    """
    terms = []
    for token in _TOKEN.findall(text):
        if token.count('"') == 1:
            raise _refused(token, tr("a quotation mark has no end"))
        terms.append(_parse_term(token))
    return BoxFilter(tuple(terms))


def _parse_term(token: str) -> Term:
    is_negated = token.startswith("-")
    word, colon, value = token.removeprefix("-").partition(":")
    try:
        key = Key(word.casefold())
    except ValueError:
        raise _unknown_key(token, word) from None
    if key in WORDS:
        if colon:
            raise _refused(token, tr("“{key}” stands alone, without a value", key=key))
        return Term(key, is_negated=is_negated)
    parts = _PART.findall(value)
    if not parts or value.startswith(",") or value.endswith(",") or ",," in value:
        raise _refused(token, tr("a value is missing: {key}:{example}", key=key, example=_EXAMPLES[key]))
    if key in _NAMED:
        return Term(key, tuple(unquoted(part) for part in parts), is_negated=is_negated)
    if key is Key.STATE:
        return Term(key, tuple(_state(token, part) for part in parts), is_negated=is_negated)
    sizes = {name for name, _low, _high in COCO_AREAS}
    names = tuple(part.casefold() for part in parts if key is Key.SIZE and part.casefold() in sizes)
    numbers = [part for part in parts if part.casefold() not in names]
    return Term(key, names, tuple(_span(token, key, part) for part in numbers), is_negated)


_EXAMPLES = {
    Key.CLASS: "person",
    Key.SIZE: "<16",
    Key.SCORE: ">.5",
    Key.FRAMES: "480-794",
    Key.STATE: "miss",
    Key.IOU: "<.6",
    Key.TRACK: "17",
    Key.VARIANT: "int8",
}


def _unknown_key(token: str, word: str) -> UserError:
    keys = [str(key) for key in Key]
    near = difflib.get_close_matches(word.casefold(), keys, 1)
    if near:
        return _refused(token, tr("there is no “{word}”; is “{near}” meant?", word=word, near=near[0]))
    return _refused(token, tr("there is no “{word}”; there are {keys}", word=word, keys=", ".join(keys)))


def _state(token: str, part: str) -> str:
    for state, others in STATES.items():
        if part.casefold() in (state, *others):
            return state
    states = ", ".join(STATES)
    raise _refused(token, tr("“{part}” is no state; states are {states}", part=part, states=states))


def _span(token: str, key: Key, part: str) -> Span:
    found = re.fullmatch(r"(<=|>=|<|>|)(.+)", part)
    sign, rest = (found[1], found[2]) if found else ("", part)
    ends = rest.split("-") if not sign else [rest]
    if len(ends) > 2 or not all(_NUMBER.fullmatch(end) for end in ends):
        what = tr("a number such as {example}", example=_EXAMPLES[key])
        raise _refused(token, tr("“{part}” is not {what}", part=part, what=what))
    values = [float(end) for end in ends]
    if max(values) > _GREATEST:
        raise _refused(token, tr("“{part}” is too large", part=part))
    if key in _WHOLE and any(value != int(value) for value in values):
        raise _refused(token, tr("“{part}” is not a whole number", part=part))
    if not sign:
        low, high = values[0], values[-1]
        if low > high:
            raise _refused(token, tr("the range “{part}” ends before it begins", part=part))
        return Span(low, high)
    if sign[0] == "<":
        return Span(high=values[0], has_high=sign == "<=")
    return Span(low=values[0], has_low=sign == ">=")


def _refused(token: str, reason: str) -> UserError:
    return UserError(tr("filter “{term}”: {reason}", term=token, reason=reason))


def _number(value: float) -> str:
    # The shortest text that gives the same number, without an exponent, which the line does not know.
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def quoted(name: str) -> str:
    """A name as the line has it: in quotation marks where it needs them."""
    if re.fullmatch(r'[^\s,"\\]+', name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(part: str) -> str:
    """The name that a value of the line stands for."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda found: re.sub(r"\\(.)", r"\1", found[1]), part)


def complete_filter(text: str, classes: Sequence[str] = (), variants: Sequence[str] = ()) -> list[str]:
    """Lines that continue ``text`` at its end: keys, or the values of the last term's key.

    Args:
        classes, variants: names that the document has.
    """
    token = text[_start_of_last_term(text) :]
    before = text[: len(text) - len(token)]
    sign = "-" if token.startswith("-") else ""
    word, colon, value = token.removeprefix("-").partition(":")
    if not colon:
        keys = [key for key in Key if key.startswith(word.casefold())]
        return [before + sign + key + ("" if key in WORDS else ":") for key in keys if key != word or key not in WORDS]
    try:
        key = Key(word.casefold())
    except ValueError:
        return []
    done, comma, begun = value.rpartition(",")
    typed = unquoted(begun).removeprefix('"').casefold()
    names = [name for name in _names_of(key, classes, variants) if name.casefold().startswith(typed)]
    return [f"{before}{sign}{key}:{done}{comma}{quoted(name)}" for name in names if quoted(name) != begun]


def _start_of_last_term(text: str) -> int:
    """Where the term at the end begins, which may have a quotation mark without an end."""
    start, is_quoted = 0, False
    for place, letter in enumerate(text):
        if letter == '"' and text[place - 1 : place] != "\\":
            is_quoted = not is_quoted
        elif letter.isspace() and not is_quoted:
            start = place + 1
    return start


def _names_of(key: Key, classes: Sequence[str], variants: Sequence[str]) -> Iterator[str]:
    if key is Key.CLASS:
        yield from classes
        if NO_CLASS_WORD not in classes:
            yield NO_CLASS_WORD
    elif key is Key.VARIANT:
        yield from variants
    elif key is Key.STATE:
        yield from STATES
    elif key is Key.SIZE:
        yield from (name for name, _low, _high in COCO_AREAS)
