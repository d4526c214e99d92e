"""One judge for every command: outcomes, exit statuses and texts; nothing is concluded from nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from scipy import stats

from iouviewer.cli import main
from iouviewer.jobs.compare import ComparedVariant, Conditions
from iouviewer.jobs.gate import GateStatus
from iouviewer.jobs.judge import Judged, describe_choice, worst_outcome
from iouviewer.metrics.intervals import Spread
from iouviewer.metrics.verdict import Difference, Outcome, Verdict, VideoFrames
from iouviewer.reports.gate_reports import Judgement, gate_junit, gate_markdown, gate_text

FRAMES = 660
WORDS = {
    Outcome.PASS: ": PASS against base:",
    Outcome.FAIL: ": FAIL against base:",
    Outcome.UNDECIDED: ": UNDECIDED against base:",
    Outcome.CANNOT_JUDGE: ": cannot be judged against base:",
}


def boxes(
    path: Path,
    *,
    wrong: Callable[[int], bool] = lambda _: False,
    score: Callable[[int], float | None] = lambda _: 0.9,
    name: Callable[[int], str] = lambda _: "person",
    present: Callable[[int], bool] = lambda _: True,
) -> Path:
    """One box a frame; a wrong one lies elsewhere."""
    lines = ["frameID,x1,y1,x2,y2,class" + (",score" if score(0) is not None else "")]
    for frame in filter(present, range(FRAMES)):
        x = 60 if wrong(frame) else 10
        value = score(frame)
        lines.append(f"{frame},{x},10,{x + 30},50,{name(frame)}" + ("" if value is None else f",{value}"))
    path.write_text("\n".join(lines) + "\n")
    return path


KINDS: dict[Outcome, dict[str, Callable[[int], object]]] = {
    Outcome.PASS: {},
    Outcome.FAIL: {"wrong": lambda frame: frame % 2 == 0},
    # Worse in some stretches only: an interval that holds the allowed drop.
    Outcome.UNDECIDED: {"wrong": lambda frame: frame % 220 < 3},
    Outcome.CANNOT_JUDGE: {"score": lambda _: None},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("judge")
    made = {str(outcome): boxes(folder / f"{outcome}.csv", **kind) for outcome, kind in KINDS.items()}  # type: ignore[arg-type]
    return made | {
        "gt": boxes(folder / "gt.csv", score=lambda _: None),
        "base": boxes(folder / "base.csv"),
    }


def arguments(command: str, files: dict[str, Path], **variants: Path) -> list[str]:
    made = [command, "--size", "100x100", "--count", str(FRAMES), "--gt", str(files["gt"])]
    for name, path in {"base": files["base"], **variants}.items():
        made += ["--pred", f"{name}={path}"]
    return made


def expected_status(outcomes: tuple[Outcome, ...], *, undecided: str) -> int:
    """Written out again: any CANNOT_JUDGE is 2, else any FAIL 3, else any UNDECIDED 4 (0 as a warning), else 0."""
    for outcome, status in ((Outcome.CANNOT_JUDGE, 2), (Outcome.FAIL, 3)):
        if outcome in outcomes:
            return status
    return (0 if undecided == "warn" else 4) if Outcome.UNDECIDED in outcomes else 0


PAIRS = list(itertools.product(Outcome, repeat=2))


@pytest.mark.parametrize("outcomes", [(one,) for one in Outcome] + PAIRS[:: len(PAIRS) // 5] + [PAIRS[2]])
def test_the_gate_says_and_returns_what_all_outcomes_together_mean(
    outcomes: tuple[Outcome, ...], files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = {f"v{number}": files[outcome] for number, outcome in enumerate(outcomes)}
    junit, report = tmp_path / "o.xml", tmp_path / "o.md"
    for undecided in ("fail", "warn"):
        call = [*arguments("gate", files, **variants), "--undecided", undecided, "--junit", str(junit)]
        assert main([*call, "--md", str(report)]) == expected_status(outcomes, undecided=undecided)
        output = capsys.readouterr().out
        for number, outcome in enumerate(outcomes):
            assert f"v{number}{WORDS[outcome]}" in output
            assert f"| v{number} | **{outcome.replace('_', ' ')}** |" in report.read_text()
        suite = ElementTree.parse(junit).getroot()
        assert suite.get("errors") == str(outcomes.count(Outcome.CANNOT_JUDGE))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_combination_of_outcomes_has_its_status_and_its_texts(count: int) -> None:
    for outcomes in itertools.product(Outcome, repeat=count):
        assert GateStatus[worst_outcome(outcomes)] == expected_status(outcomes, undecided="fail")
        judgements = [Judgement(f"v{n}", one, f"v{n}{WORDS[one]} why") for n, one in enumerate(outcomes)]
        text, page = gate_text(judgements), gate_markdown(judgements, title="t").decode()
        for undecided_fails in (True, False):
            suite = ElementTree.fromstring(gate_junit(judgements, undecided_fails=undecided_fails))
            undecided = outcomes.count(Outcome.UNDECIDED)
            assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == [
                str(count),
                str(outcomes.count(Outcome.FAIL) + (undecided if undecided_fails else 0)),
                str(outcomes.count(Outcome.CANNOT_JUDGE)),
                str(0 if undecided_fails else undecided),
            ]
        for judgement in judgements:
            assert judgement.sentence in text
            assert f"**{judgement.outcome_text}**" in page
    assert worst_outcome(()) is Outcome.CANNOT_JUDGE


def test_eval_gate_and_conditions_say_the_same(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = {str(outcome): files[outcome] for outcome in Outcome}
    out, page = tmp_path / "o.json", tmp_path / "o.html"
    assert main(arguments("gate", files, **variants)) == 2
    sentences = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("Note")]
    assert len(sentences) == len(Outcome)
    assert main([*arguments("eval", files, **variants), "--json", str(out), "--html", str(page)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if line in sentences] == sentences
    values = json.loads(out.read_text())["variants"]
    assert values["base"]["verdict"] is None
    for outcome in Outcome:
        assert values[outcome]["verdict"] == values[outcome]["bootstrap"]["outcome"] == outcome
        assert values[outcome]["bootstrap"]["sentence"] in sentences
        assert (values[outcome]["bootstrap"]["reason"] is not None) is (outcome is Outcome.CANNOT_JUDGE)
    assert "cannot be judged against base" in page.read_text()
    # The table alone is followed by the same sentences, and a condition may ask for them.
    condition = "FAIL.verdict == 'FAIL' and PASS.verdict == 'PASS' and UNDECIDED.bootstrap.outcome == 'UNDECIDED'"
    assert main([*arguments("eval", files, **variants), "--fail-if", condition]) == 3
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if line in sentences] == sentences


NOTHING: dict[str, tuple[dict[str, object], dict[str, object], str]] = {
    "baseline is empty": ({"present": lambda _: False}, {}, "base has no predictions on the common frames"),
    "variant is empty": ({}, {"present": lambda _: False}, "other has no predictions on the common frames"),
    "baseline is below the threshold": ({"score": lambda _: 0.2}, {"score": lambda _: 0.2}, "confidence ≥ 0.25"),
    "variant is below the threshold": ({"score": lambda f: 0.3 if f == 9 else 0.1}, {"score": lambda _: 0.2}, "other"),
    "no scores": ({}, {"score": lambda _: None}, "ap undefined without scores"),
    "all left out": ({}, {"name": lambda _: "persons"}, "--class-map persons=person"),
    "all of the baseline left out": ({"name": lambda _: "persons"}, {}, "--class-map persons=person"),
}


@pytest.mark.parametrize("case", list(NOTHING))
def test_nothing_is_concluded_from_nothing(
    case: str, files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, other, words = NOTHING[case]
    made = {
        "base": boxes(tmp_path / "base.csv", **base),  # type: ignore[arg-type]
        "gt": files["gt"],
    }
    variant = boxes(tmp_path / "other.csv", **other)  # type: ignore[arg-type]
    assert main(arguments("gate", made, other=variant)) == 2
    output = capsys.readouterr()
    assert "PASS" not in output.out
    assert words in output.out
    assert output.err.count("\n") == 1
    status = main([*arguments("eval", made, other=variant), "--json", str(tmp_path / "o.json")])
    output = capsys.readouterr()
    assert "PASS" not in output.out
    assert status == (2 if "left out" in case else 0)
    assert words in output.out + output.err
    # Fails closed: a condition about a variant that says nothing does not look like one that does not hold.
    for condition in ("other.verdict == 'FAIL'", "other.fp > 1e9"):
        assert main([*arguments("eval", made, other=variant), "--fail-if", condition]) == (
            0 if condition.startswith("other.fp") and case in {"no scores", *BELOW} else 2
        )
    capsys.readouterr()


def test_a_class_left_out_is_seen_among_chosen_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = {
        "gt": boxes(tmp_path / "gt.csv", score=lambda _: None, name=two),
        "base": boxes(tmp_path / "base.csv", name=lambda f: "person" if f % 2 else "fork lift"),
    }
    variant = boxes(tmp_path / "other.csv", name=two)
    assert main([*arguments("gate", made, other=variant), "--only-classes", "forklift"]) == 2
    assert "none of class forklift" in capsys.readouterr().out
    assert main([*arguments("gate", made, other=variant), "--only-classes", "person"]) == 0
    capsys.readouterr()


BELOW = ("baseline is below the threshold", "variant is below the threshold", "baseline is empty")


def two(frame: int) -> str:
    return "person" if frame % 2 else "forklift"


CLASSES: list[tuple[str, Callable[[int], str], bool]] = [
    ("a class in its table that it never predicts", lambda f: "person", True),
    ("a class under another name", lambda f: "person" if f % 2 else "fork lift", False),
    ("classes that the ground truth lacks", lambda f: "dog" if f % 9 == 4 else two(f), True),
]


@pytest.mark.parametrize(("case", "name", "judged"), CLASSES)
@pytest.mark.parametrize("side", ["base", "other"])
def test_a_class_that_may_have_another_name_is_not_judged(
    case: str,
    name: Callable[[int], str],
    judged: bool,
    side: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = {
        "gt": boxes(tmp_path / "gt.csv", score=lambda _: None, name=two),
        "base": boxes(tmp_path / "base.csv", name=name if side == "base" else two),
    }
    variant = boxes(tmp_path / "other.csv", name=name if side == "other" else two)
    status = main(arguments("gate", made, other=variant))
    output = capsys.readouterr()
    if judged:
        assert status in {0, 3, 4}
    else:
        assert status == 2
        assert (
            f"{side} predicts classes that the ground truth lacks (fork lift), and none of class forklift" in output.out
        )
        assert '--class-map "fork lift"=forklift' in output.err
        mapped = [*arguments("gate", made, other=variant), "--class-map", "fork lift=forklift"]
        assert main(mapped) == 0
        capsys.readouterr()


def judged(name: str, probability: float, outcome: Outcome) -> Judged:
    """A variant whose PQ would be so good by luck with this probability."""
    spread = Spread(1.0, 1000, 100.0, 100.0, 0.0)
    points = float(stats.t.isf(probability, 1000)) - 1.0
    half = spread.half_width()
    difference = Difference("pq", points, points - half, points + half, 1.0, outcome, spread=spread)
    verdict = Verdict(outcome, (difference,), (VideoFrames(300),), ({},))
    conditions = Conditions((0.001,), (None,), True, False, (False,))
    compared = ComparedVariant(verdict, conditions, 300, (1, 1), (1, 1), 0.25)
    return Judged(name, Judgement(name, outcome, name), compared)


def test_a_choice_among_several_variants_is_corrected() -> None:
    lucky, firm = judged("lucky", 0.02, Outcome.PASS), judged("firm", 0.001, Outcome.PASS)
    others = [judged(f"other{number}", 0.6, Outcome.UNDECIDED) for number in range(2)]
    assert describe_choice([lucky]) == "" and describe_choice(others) == ""
    assert describe_choice([firm, *others]) == "firm also passes as the choice among 3 variants (Holm)."
    assert describe_choice([lucky, *others]).startswith(
        "lucky passes alone, but not as the choice among 3 variants (Holm)"
    )
    both = describe_choice([lucky, firm, *others])
    assert both.startswith("lucky passes alone") and both.endswith("firm still does.")
    # With two that pass, the second one needs 0.025 only.
    assert describe_choice([lucky, firm]) == "lucky, firm also pass as the choice among 2 variants (Holm)."


def test_eval_and_gate_say_the_same_about_the_choice(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--size", "100x100", "--count", str(FRAMES), "--gt", str(files["gt"])]
    for name in ("base", "PASS", "UNDECIDED"):
        arguments += ["--pred", f"{name}={files[name]}"]
    said = []
    for command in ("eval", "gate"):
        main([command, *arguments])
        said.append([line for line in capsys.readouterr().out.splitlines() if "as the choice among" in line])
    assert len(said[0]) == 1 and said[1] == [f"Note: {said[0][0]}"]
