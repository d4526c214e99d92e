"""Parses and evaluates conditions over results, such as ``int8.ap50 < base.ap50 - 0.01``, without executing code.

Grammar::

    condition  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation   = "not" negation | comparison
    comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
    sum        = product { ("+" | "-") product }
    product    = factor { ("*" | "/") factor }
    factor     = "-" factor | number | name "." name { "." name } | "(" condition ")"
    name       = identifier | text in single or double quotes
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from iouviewer.errors import UserError
from iouviewer.i18n import tr

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<quoted>\"[^\"]*\"|'[^']*')|(?P<op><=|>=|==|!=|[-+*/<>().]))"
)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_KEYWORDS = ("and", "or", "not")
_MAX_DEPTH = 50

Token = tuple[str, str, int]
"""Kind (number, name, op, keyword, end), text, position."""


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise UserError(
                tr(
                    "condition {text!r}: unexpected character {character!r}",
                    text=text,
                    character=text[position:].strip()[0],
                )
            )
        kind = str(match.lastgroup)
        value = match.group(kind)
        if kind == "quoted":
            kind, value = "name", value[1:-1]
        elif kind == "name" and value in _KEYWORDS:
            kind = "keyword"
        found.append((kind, value, match.start(match.lastgroup or 0)))
        position = match.end()
    return [*found, ("end", "", end)]


class _Evaluator:
    """A recursive-descent evaluator. Every part is evaluated, so ``or`` never hides an unknown name."""

    def __init__(self, text: str, values: Mapping[str, Any]) -> None:
        self._text = text
        self._values = values
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def run(self) -> bool:
        value = self._condition()
        if self._tokens[self._at][0] != "end":
            raise self._error(tr("unexpected {token!r}", token=self._tokens[self._at][1]))
        return self._boolean(value)

    def _error(self, reason: str) -> UserError:
        return UserError(tr("condition {text!r}: {reason}", text=self._text, reason=reason))

    def _accept(self, kind: str, *texts: str) -> str | None:
        token_kind, text, _ = self._tokens[self._at]
        if token_kind == kind and (not texts or text in texts):
            self._at += 1
            return text
        return None

    def _boolean(self, value: float | bool) -> bool:
        if not isinstance(value, bool):
            raise self._error(tr("expected a comparison, for example a.ap < b.ap"))
        return value

    def _number(self, value: float | bool) -> float:
        if isinstance(value, bool):
            raise self._error(tr("expected a number, not a comparison"))
        return value

    def _condition(self) -> float | bool:
        value = self._conjunction()
        while self._accept("keyword", "or"):
            right = self._boolean(self._conjunction())
            value = self._boolean(value) or right
        return value

    def _conjunction(self) -> float | bool:
        value = self._negation()
        while self._accept("keyword", "and"):
            right = self._boolean(self._negation())
            value = self._boolean(value) and right
        return value

    def _negation(self) -> float | bool:
        if self._accept("keyword", "not"):
            return not self._boolean(self._nested(self._negation))
        return self._comparison()

    def _comparison(self) -> float | bool:
        left = self._sum()
        sign = self._accept("op", *_COMPARE)
        if sign is None:
            return left
        return _COMPARE[sign](self._number(left), self._number(self._sum()))

    def _sum(self) -> float | bool:
        value = self._product()
        while sign := self._accept("op", "+", "-"):
            right = self._number(self._product())
            value = self._number(value) + (right if sign == "+" else -right)
        return value

    def _product(self) -> float | bool:
        value = self._factor()
        while sign := self._accept("op", "*", "/"):
            right = self._number(self._factor())
            if sign == "/" and right == 0:
                raise self._error(tr("division by zero"))
            value = self._number(value) * right if sign == "*" else self._number(value) / right
        return value

    def _nested(self, part: Callable[[], float | bool]) -> float | bool:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(tr("nested too deeply"))
        value = part()
        self._depth -= 1
        return value

    def _factor(self) -> float | bool:
        if self._accept("op", "-"):
            return -self._number(self._nested(self._factor))
        if self._accept("op", "("):
            value = self._nested(self._condition)
            if not self._accept("op", ")"):
                raise self._error(tr("missing ')'"))
            return value
        number = self._accept("number")
        if number is not None:
            return float(number)
        return self._reference()

    def _reference(self) -> float:
        names: list[str] = []
        while True:
            name = self._accept("name")
            if name is None:
                token = self._tokens[self._at][1]
                raise self._error(
                    tr("expected a name before {token!r}", token=token) if token else tr("unexpected end")
                )
            names.append(name)
            if not self._accept("op", "."):
                return self._look_up(names)

    def _look_up(self, names: list[str]) -> float:
        value: Any = self._values
        for depth, name in enumerate(names):
            if not isinstance(value, Mapping) or name not in value:
                known = ", ".join(map(str, value)) if isinstance(value, Mapping) else tr("nothing")
                raise self._error(
                    tr("{name} is unknown (known: {known})", name=".".join(names[: depth + 1]), known=known)
                )
            value = value[name]
        if value is None:
            raise self._error(tr("{name} is undefined (null) here", name=".".join(names)))
        if isinstance(value, bool):
            return float(value)
        if not isinstance(value, int | float):
            raise self._error(tr("{name} is not a number", name=".".join(names)))
        return float(value)


def condition_holds(text: str, values: Mapping[str, Any]) -> bool:
    """Whether the condition is true for ``values`` (variant name -> metric name -> number).

    Raises:
        UserError: the text does not follow the grammar, a name is unknown, a number is undefined, division by zero.
    """
    return _Evaluator(text, values).run()
