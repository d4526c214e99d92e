"""Conditions over results, such as ``int8.ap50 < base.ap50 - 0.01`` or ``int8.verdict == "FAIL"``.

A parser evaluates them; no code is executed. It fails closed: what cannot be known is an error, not a condition that
does not hold.

Grammar::

    condition  = conjunction { "or" conjunction }
    conjunction = negation { "and" negation }
    negation   = "not" negation | comparison
    comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
    sum        = product { ("+" | "-") product }
    product    = factor { ("*" | "/") factor }
    factor     = "-" factor | number | text | name "." name { "." name } | "(" condition ")"
    name       = identifier | text
    text       = characters in single or double quotes

Texts are only equal or not. A verdict that is CANNOT_JUDGE is an error, except in a condition that says CANNOT_JUDGE.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.verdict import Outcome

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
_VERDICTS = ("verdict", "outcome")
"""Names whose values are outcomes."""

Value = float | bool | str


class _OutcomeText(str):
    """A text that is one of the outcomes."""


Token = tuple[str, str, int]
"""Kind (number, name, quoted, op, keyword, end), text, position."""


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
            value = value[1:-1]
        elif kind == "name" and value in _KEYWORDS:
            kind = "keyword"
        found.append((kind, value, match.start(match.lastgroup or 0)))
        position = match.end()
    return [*found, ("end", "", end)]


class _Evaluator:
    """A recursive-descent evaluator. Every part is evaluated, so ``or`` never hides an unknown name."""

    def __init__(self, text: str, values: Mapping[str, Any], unfit: Mapping[str, str]) -> None:
        self._text = text
        self._values = values
        self._unfit = unfit
        self._tokens = _tokens(text)
        self._knows_cannot_judge = ("quoted", str(Outcome.CANNOT_JUDGE)) in {token[:2] for token in self._tokens}
        self._used: list[str] = []
        self._at = 0
        self._depth = 0

    def run(self) -> bool:
        value = self._condition()
        if self._tokens[self._at][0] != "end":
            raise self._error(tr("unexpected {token!r}", token=self._tokens[self._at][1]))
        holds = self._boolean(value)
        unfit = next((name for name in self._used if name in self._unfit), None)
        if not holds and unfit is not None and not self._knows_cannot_judge:
            raise self._error(tr("{variant} cannot be judged: {reason}", variant=unfit, reason=self._unfit[unfit]))
        return holds

    def _error(self, reason: str) -> UserError:
        return UserError(tr("condition {text!r}: {reason}", text=self._text, reason=reason))

    def _accept(self, kind: str, *texts: str) -> str | None:
        token_kind, text, _ = self._tokens[self._at]
        if token_kind == kind and (not texts or text in texts):
            self._at += 1
            return text
        return None

    def _boolean(self, value: Value) -> bool:
        if not isinstance(value, bool):
            raise self._error(tr("expected a comparison, for example a.ap < b.ap"))
        return value

    def _number(self, value: Value) -> float:
        if isinstance(value, bool):
            raise self._error(tr("expected a number, not a comparison"))
        if isinstance(value, str):
            raise self._error(tr("{text!r} is not a number", text=str(value)))
        return value

    def _condition(self) -> Value:
        value = self._conjunction()
        while self._accept("keyword", "or"):
            right = self._boolean(self._conjunction())
            value = self._boolean(value) or right
        return value

    def _conjunction(self) -> Value:
        value = self._negation()
        while self._accept("keyword", "and"):
            right = self._boolean(self._negation())
            value = self._boolean(value) and right
        return value

    def _negation(self) -> Value:
        if self._accept("keyword", "not"):
            return not self._boolean(self._nested(self._negation))
        return self._comparison()

    def _comparison(self) -> Value:
        left = self._sum()
        sign = self._accept("op", *_COMPARE)
        if sign is None:
            return left
        right = self._sum()
        if isinstance(left, str) or isinstance(right, str):
            return self._compare_texts(left, sign, right)
        return _COMPARE[sign](self._number(left), self._number(right))

    def _compare_texts(self, left: Value, sign: str, right: Value) -> bool:
        if not (isinstance(left, str) and isinstance(right, str)):
            raise self._error(tr("a text cannot be compared with a number"))
        if sign not in {"==", "!="}:
            raise self._error(tr("texts can only be compared with == and !="))
        if isinstance(left, _OutcomeText) or isinstance(right, _OutcomeText):
            wrong = next((one for one in (left, right) if one not in list(Outcome)), None)
            if wrong is not None:  # otherwise a misspelled verdict would never hold
                raise self._error(
                    tr("{text!r} is no verdict; verdicts are {names}", text=str(wrong), names=", ".join(Outcome))
                )
        return (left == right) is (sign == "==")

    def _sum(self) -> Value:
        value = self._product()
        while sign := self._accept("op", "+", "-"):
            right = self._number(self._product())
            value = self._number(value) + (right if sign == "+" else -right)
        return value

    def _product(self) -> Value:
        value = self._factor()
        while sign := self._accept("op", "*", "/"):
            right = self._number(self._factor())
            if sign == "/" and right == 0:
                raise self._error(tr("division by zero"))
            value = self._number(value) * right if sign == "*" else self._number(value) / right
        return value

    def _nested(self, part: Callable[[], Value]) -> Value:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(tr("nested too deeply"))
        value = part()
        self._depth -= 1
        return value

    def _factor(self) -> Value:
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

    def _reference(self) -> Value:
        names: list[str] = []
        while True:
            name = self._accept("quoted")
            if name is not None and not names and self._tokens[self._at][:2] != ("op", "."):
                return name
            name = self._accept("name") if name is None else name
            if name is None:
                token = self._tokens[self._at][1]
                raise self._error(
                    tr("expected a name before {token!r}", token=token) if token else tr("unexpected end")
                )
            names.append(name)
            if not self._accept("op", "."):
                return self._look_up(names)

    def _look_up(self, names: list[str]) -> Value:
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
        self._used.append(names[0])
        if isinstance(value, bool):
            return float(value)
        if isinstance(value, str) and len(names) > 1:
            return self._text_of(names, value)
        if not isinstance(value, int | float):
            raise self._error(tr("{name} is not a number", name=".".join(names)))
        return float(value)

    def _text_of(self, names: list[str], value: str) -> str:
        if names[-1] not in _VERDICTS:
            return value
        if value == Outcome.CANNOT_JUDGE and not self._knows_cannot_judge:
            reason = self._unfit.get(names[0]) or self._reason(names[0])
            raise self._error(tr("{variant} cannot be judged: {reason}", variant=names[0], reason=reason))
        return _OutcomeText(value)

    def _reason(self, variant: str) -> str:
        judged = self._values[variant].get("bootstrap") or {}
        return str(judged.get("reason") or tr("its verdict is CANNOT_JUDGE"))


def condition_holds(text: str, values: Mapping[str, Any], unfit: Mapping[str, str] | None = None) -> bool:
    """Whether the condition is true.

    Args:
        values: variant name -> metric name -> number or text.
        unfit: variant name -> why nothing follows from its numbers. A condition about it may hold, but that it does not
            hold is an error, since that would look like a pass.

    Raises:
        UserError: the text does not follow the grammar, a name is unknown, a number is undefined, division by zero, a
            variant cannot be judged.
    """
    return _Evaluator(text, values, unfit or {}).run()
