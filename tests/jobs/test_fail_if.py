"""Conditions of ``--fail-if``."""

from __future__ import annotations

import pytest

from iouviewer.errors import UserError
from iouviewer.jobs.fail_if import condition_holds

VALUES = {
    "base": {"ap50": 0.9, "ap": None, "tp": 10, "complete": True, "per_class": {"traffic light": {"ap": 0.4}}},
    "int8": {"ap50": 0.88, "tp": 9, "name": "x"},
    "yolo11n-v2.1": {"ap50": 0.5},
    "not": {"ap50": 0.1},
    "lost": {"verdict": "CANNOT_JUDGE", "fp": 3, "bootstrap": {"outcome": "CANNOT_JUDGE", "reason": "no boxes"}},
    "bad": {"verdict": "FAIL", "bootstrap": {"outcome": "FAIL"}},
    "good": {"verdict": "PASS"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int8.ap50 < base.ap50 - 0.01", True),
        ("int8.ap50 < base.ap50 - 0.03", False),
        ("base.ap50 - int8.ap50 <= 0.02 + 1e-9", True),
        ("'yolo11n-v2.1'.ap50 == 0.5", True),
        ('"yolo11n-v2.1".ap50 != .5', False),
        ("'not'.ap50 < 1", True),
        ("base.per_class.'traffic light'.ap >= 4e-1", True),
        ("1 + 2 * 3 == 7 and (1 + 2) * 3 == 9", True),
        ("8 / 4 / 2 == 1", True),
        ("10 - 4 - 3 == 3", True),
        ("-base.tp < 0 and --1 == 1", True),
        ("not base.tp > 5", False),
        ("not not base.tp > 5", True),
        ("base.tp > 5 or int8.tp > 5 and int8.tp > 100", True),
        ("(base.tp > 5 or int8.tp > 5) and int8.tp > 100", False),
        ("base.complete == 1", True),
        ("  1<2  ", True),
        ("bad.verdict == 'FAIL'", True),
        ('"FAIL" == bad.bootstrap.outcome', True),
        ("bad.verdict != 'PASS' and good.verdict == \"PASS\"", True),
        ("good.verdict == bad.verdict", False),
        ("int8.name == 'x'", True),
        ("lost.verdict == 'CANNOT_JUDGE'", True),
        ("lost.verdict == 'FAIL' or bad.verdict == 'CANNOT_JUDGE'", False),
    ],
)
def test_conditions_follow_precedence_and_associativity(text: str, expected: bool) -> None:
    assert condition_holds(text, VALUES) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "unexpected end"),
        ("int9.ap50 < 1", "int9 is unknown (known: base, int8, yolo11n-v2.1, not, lost, bad, good)"),
        ("int8.ap95 < 1", "int8.ap95 is unknown"),
        ("base.ap < 1", "base.ap is undefined (null)"),
        ("1 < 2 or base.ap < 1", "undefined"),
        ("1 > 2 and nothing.ap < 1", "unknown"),
        ("int8 < 1", "int8 is not a number"),
        ("int8.name < 1", "a text cannot be compared with a number"),
        ("int8.name < 'y'", "texts can only be compared with == and !="),
        ("int8.name + 1 > 2", "'x' is not a number"),
        ("bad.verdict", "expected a comparison"),
        ("bad.verdict == 'fail'", "'fail' is no verdict; verdicts are PASS, FAIL, UNDECIDED, CANNOT_JUDGE"),
        ("bad.verdict == 'x' or 1 < 2", "'x' is no verdict"),
        ("lost.verdict == 'FAIL'", "lost cannot be judged: no boxes"),
        ("lost.bootstrap.outcome != 'PASS'", "lost cannot be judged: no boxes"),
        ("int8.tp.x < 1", "int8.tp.x is unknown"),
        ("int8.ap50", "expected a comparison"),
        ("1 < 2 < 3", "unexpected '<'"),
        ("(1 < 2", "missing ')'"),
        ("1 < 2)", "unexpected ')'"),
        ("1 / 0 < 2", "division by zero"),
        ("(1 < 2) + 1 < 3", "expected a number"),
        ("1 and 2 < 3", "expected a comparison"),
        ("int8. < 1", "expected a name before '<'"),
        ("int8.ap50 < $", "unexpected character '$'"),
        ("'int8.ap50 < 1", 'unexpected character "\'"'),
        ("__import__('os').system('true') < 1", "__import__ is unknown"),
        ("(" * 2000 + "1" + ")" * 2000 + " < 2", "nested too deeply"),
        ("not " * 2000 + "1 < 2", "nested too deeply"),
        ("-" * 2000 + "1 < 2", "nested too deeply"),
    ],
)
def test_invalid_conditions_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UserError) as refused:
        condition_holds(text, VALUES)
    assert reason in str(refused.value)


def test_a_condition_about_a_variant_without_meaning_may_hold_but_not_fail_to_hold() -> None:
    unfit = {"lost": "it predicts nothing"}
    assert condition_holds("lost.fp > 2", VALUES, unfit)
    assert not condition_holds("lost.fp > 5 or lost.verdict == 'PASS' and 'CANNOT_JUDGE' == 'x'", VALUES, unfit)
    assert not condition_holds("int8.tp > 100", VALUES, unfit)
    with pytest.raises(UserError, match="lost cannot be judged: it predicts nothing"):
        condition_holds("int8.tp > 100 and lost.fp > 5", VALUES, unfit)
