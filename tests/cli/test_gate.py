"""``iouviewer gate`` on one video."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from iouviewer.cli import main
from tests.cli.helpers import write_random_boxes

FRAMES = 300


@pytest.fixture
def gate(tmp_path: Path) -> list[str]:
    gt = write_random_boxes(tmp_path / "gt.csv", 0.0, scores=False)
    base = write_random_boxes(tmp_path / "base.csv", 8.0)
    return ["gate", "--size", "400x400", "--count", str(FRAMES), "--gt", str(gt), "--pred", f"base={base}"]


def test_an_equal_variant_passes(gate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = write_random_boxes(tmp_path / "same.csv", 8.0)
    report, junit = tmp_path / "o.md", tmp_path / "o.xml"
    gt = write_random_boxes(tmp_path / "gt.csv", 0.0, scores=False, frames=1200)
    write_random_boxes(tmp_path / "base.csv", 8.0, frames=1200)
    write_random_boxes(same, 8.0, frames=1200)
    arguments = ["gate", "--size", "400x400", "--count", "1200", "--gt", str(gt)]
    arguments += ["--pred", f"base={tmp_path / 'base.csv'}", "--pred", f"same={same}"]
    assert main([*arguments, "--baseline", "base", "--md", str(report), "--junit", str(junit)]) == 0
    assert "same: PASS against base" in capsys.readouterr().out
    assert "| same | **PASS** |" in report.read_text()
    suite = ElementTree.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")


def test_a_worse_variant_fails_and_a_wide_margin_lets_it_pass(tmp_path: Path) -> None:
    gt = write_random_boxes(tmp_path / "gt.csv", 0.0, scores=False, frames=1200)
    base, worse = (
        write_random_boxes(tmp_path / "base.csv", 2.0, frames=1200),
        write_random_boxes(tmp_path / "worse.csv", 20.0, frames=1200),
    )
    junit = tmp_path / "o.xml"
    arguments = ["gate", "--size", "400x400", "--count", "1200", "--gt", str(gt)]
    arguments += ["--pred", f"base={base}", "--pred", f"worse={worse}", "--junit", str(junit)]
    assert main(arguments) == 3
    assert ElementTree.parse(junit).find("testcase/failure") is not None
    assert main([*arguments, "--margin", "ap=100,pq=100"]) == 0
    # The better variant passes against the worse one.
    assert main([*arguments, "--baseline", "worse"]) == 0


def test_too_few_frames_are_undecided_and_fail_unless_a_warning_is_requested(gate: list[str], tmp_path: Path) -> None:
    other, junit = write_random_boxes(tmp_path / "other.csv", 9.0), tmp_path / "o.xml"
    arguments = [*gate, "--pred", f"other={other}", "--frames", "0:19", "--junit", str(junit)]
    assert main(arguments) == 4
    assert ElementTree.parse(junit).find("testcase/failure") is not None
    assert main([*arguments, "--undecided", "warn"]) == 0
    assert ElementTree.parse(junit).find("testcase/skipped") is not None


def test_a_variant_that_cannot_be_judged_is_status_2(
    gate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_random_boxes(tmp_path / "other.csv", 8.0, scores=False)
    arguments = [*gate, "--pred", f"other={other}", "--md", str(tmp_path / "o.md")]
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert "other: cannot be judged against base: ap undefined" in output.out
    assert output.err.count("\n") == 1
    assert "CANNOT JUDGE" in (tmp_path / "o.md").read_text()
    # PQ alone needs no scores.
    assert main([*arguments, "--margin", "pq=1"]) in {0, 4}


def test_without_a_labelled_frame_in_common_nothing_can_be_judged(
    gate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("frameID,x1,y1,x2,y2\n0,1,1,9,9\n")
    other, report = write_random_boxes(tmp_path / "other.csv", 8.0), tmp_path / "o.html"
    arguments = [*gate, "--pred", f"other={other}"]
    arguments[arguments.index("--gt") + 1] = str(nothing)
    chosen = ["--missing", "unlabelled", "--frames", "10:200"]
    assert main([*arguments, *chosen]) == 2
    assert "no labelled frame" in capsys.readouterr().out
    assert main(["eval", *arguments[1:], *chosen, "--html", str(report)]) == 0
    assert "they agree on" in report.read_text()


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ([], "no variant besides the baseline"),
        (["--baseline", "x"], "'x' is not a variant"),
        (["--margin", "ap"], "is not a list such as ap=1.0"),
        (["--margin", "ap=-1"], "is not a list such as ap=1.0"),
        (["--margin", "map=1"], "is not a list such as ap=1.0"),
        (["--margin", "ap=1,ap=2"], "is not a list such as ap=1.0"),
    ],
)
def test_bad_usage_is_status_2(gate: list[str], more: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*gate, *more]) == 2
    assert part in capsys.readouterr().err


def test_neither_project_nor_ground_truth_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate"]) == 2
    assert "Give a project, or --gt FILE" in capsys.readouterr().err


def with_class(path: Path, name: str) -> Path:
    """The same boxes, all of one class."""
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},class", *(f"{row},{name}" for row in rows)]) + "\n")
    return path


def test_no_variant_passes_against_a_baseline_with_other_class_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gt = with_class(write_random_boxes(tmp_path / "gt.csv", 0.0, scores=False, frames=700), "person")
    base = with_class(write_random_boxes(tmp_path / "base.csv", 2.0, frames=700), "persons")
    with base.open("a") as file:
        file.write("1,300,300,340,340,0.9,car\n")  # a class that the ground truth lacks
    other = with_class(write_random_boxes(tmp_path / "other.csv", 2.0, frames=700), "person")
    arguments = ["gate", "--size", "400x400", "--count", "700", "--gt", str(gt)]
    arguments += ["--pred", f"base={base}", "--pred", f"other={other}"]
    assert main(arguments) == 2
    assert "cannot be judged" in capsys.readouterr().out
    assert main([*arguments, "--class-map", "persons=person"]) == 0
    output = capsys.readouterr().out
    assert "Note: base: 1 prediction left out, because the ground truth has no class car" in output
    rows = gt.read_text() + "5,300,300,350,350,car\n"
    gt.write_text(rows)  # now one class of the baseline is known
    assert main(arguments) == 2
    assert "none of class person. If it uses other class names, give --class-map" in capsys.readouterr().out


def test_without_predictions_of_the_baseline_or_ground_truth_boxes_nothing_can_be_judged(
    gate: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_random_boxes(tmp_path / "other.csv", 8.0)
    (tmp_path / "base.csv").write_text("frameID,x1,y1,x2,y2,score\n")
    assert main([*gate, "--pred", f"other={other}"]) == 2
    assert "base has no predictions on the common frames" in capsys.readouterr().out
    (tmp_path / "gt.csv").write_text("frameID,x1,y1,x2,y2\n")
    assert main([*gate, "--missing", "empty", "--pred", f"other={other}", "--margin", "pq=1"]) == 2
    assert "no ground-truth box on the labelled frames" in capsys.readouterr().out


def test_a_damaged_project_is_reported_with_its_own_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clip.iouv"
    path.write_text("not a project")
    assert main(["gate", str(path)]) == 2
    assert f"{path}: " in capsys.readouterr().err


def test_a_condition_may_refer_to_the_verdict(tmp_path: Path, gate: list[str]) -> None:
    other = write_random_boxes(tmp_path / "other.csv", 20.0)
    arguments = ["eval", *gate[1:], "--pred", f"other={other}"]
    assert main([*arguments, "--fail-if", "other.bootstrap.metrics.pq.points < -1"]) == 3
    assert main([*arguments, "--fail-if", "other.bootstrap.metrics.pq.low < -1"]) == 3
    few = [*arguments, "--frames", "0:19"]
    assert main([*few, "--fail-if", "other.bootstrap.metrics.pq.low < -1"]) == 2  # too few frames: undefined
