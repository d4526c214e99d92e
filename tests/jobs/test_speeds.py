"""Speeds of other machines: what is refused, what is compared, and that all doors say the same."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from iouviewer import api
from iouviewer.app.jobs.session_inputs import read_session
from iouviewer.cli import main
from iouviewer.errors import UserError
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.evaluate import score_inputs
from iouviewer.jobs.speed_table import speed_facts
from iouviewer.jobs.speeds import compare_speeds, fps_interval, is_speed_file, read_speeds, speed_notes, with_ratios
from tests.hands.hands import Hands
from tests.ui.window import opened_window, small_case

ROUNDS = [40.0, 44.0, 42.0, 41.0]


def write_speeds(path: Path, *models: dict[str, object], **more: object) -> Path:
    values = {"schema": "iouviewer.speed/1", "hardware": "Jetson Orin", "models": list(models), **more}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def model(name: str, times: float = 1.0, **more: object) -> dict[str, object]:
    return {"name": name, "fps": 24.0 / times, "device": "cuda:0", "rounds_ms": [times * one for one in ROUNDS], **more}


def test_the_three_doors_take_the_same_speeds(qtbot: QtBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = small_case(tmp_path, variants=2)
    path = write_speeds(tmp_path / "speed.json", model("model0"), model("MODEL1", 0.5), model("third"))
    files = dict(case.preds)
    out = tmp_path / "out.json"
    assert case.video is not None and case.gt is not None
    named = [part for name, file in files.items() for part in ("--pred", f"{name}={file}")]
    command = ["eval", str(case.video), "--gt", str(case.gt), *named, "--speed", str(path), "--json", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr().out
    said = json.loads(out.read_bytes())
    assert said["variants"]["model1"]["speed"]["ratio"]["value"] == pytest.approx(2.0)
    assert "48.0 there (2.00× [2.00, 2.00])" in printed
    assert "The speed of model0, model1 comes from speed.json, measured on Jetson Orin." in printed
    assert "speed.json: no variant is called third" in printed

    source = api.open_source(case.video)
    truth = api.read_ground_truth(case.gt, source)
    found = {name: api.read_predictions(file, source, truth=truth, name=name) for name, file in files.items()}
    asked = api.evaluate(api.join(source, truth, found), speed_file=path)
    source.close()
    with opened_window(qtbot, case) as window:
        hands = Hands(qtbot, window)
        hands.drop(window, path)
        hands.wait(lambda: hands.sees("speedTable") and hands.rows("speedTable"), "the speeds")
        shown = score_inputs(*read_session(window.session, DEFAULT_MARGINS))
    for name in files:
        expected = said["variants"][name]["speed"]
        assert json.loads(json.dumps(asked.values["variants"][name]["speed"])) == expected
        assert json.loads(json.dumps(shown.values["variants"][name]["speed"])) == expected


def test_a_report_and_a_bench_of_the_same_names_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = small_case(tmp_path, variants=1)
    path = write_speeds(tmp_path / "speed.json", model("net"))
    (tmp_path / "net.pt").write_bytes(b"weights")
    command = ["eval", str(case.video), "--gt", str(case.gt), "--model", f"net={tmp_path / 'net.pt'}"]
    assert main([*command, "--bench", "--speed", str(path)]) == 2
    assert "--bench measures net" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"models": []}, "length >= 1"),
        ({"models": [model("a"), model("a")]}, "'a' is listed twice"),
        ({"models": [model("a", parts_ms={"nms": 1.0})]}, "unknown stage 'nms'"),
        ({"models": [model("a", fps_interval=[1.0, 2.0])]}, "fps lies outside fps_interval"),
        ({"models": [model("a", rounds_ms=[0.0])]}, r"\$.models\[0\].rounds_ms\[0\]"),
    ],
)
def test_impossible_values_are_refused_by_their_place(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    path = write_speeds(tmp_path / "speed.json", model("a"), **change)
    assert is_speed_file(path)
    with pytest.raises(UserError, match=reason):
        read_speeds(path)


def test_other_json_is_no_speed_file(tmp_path: Path) -> None:
    path = tmp_path / "coco.json"
    path.write_text("[]")
    assert not is_speed_file(path) and not is_speed_file(tmp_path / "missing.json")
    path.write_text("no json")
    with pytest.raises(UserError, match="no list of measured speeds"):
        read_speeds(path)


def test_only_the_same_rounds_on_the_same_machine_are_compared(tmp_path: Path) -> None:
    here = read_speeds(write_speeds(tmp_path / "one.json", model("a"), model("b", 2.0), measurement="1"))
    again = read_speeds(write_speeds(tmp_path / "two.json", model("b", 2.0), measurement="2"))
    ratio, reason = compare_speeds(here["b"], here["a"])
    assert ratio is not None and ratio.value == pytest.approx(0.5) and reason == ""
    assert compare_speeds(again["b"], here["a"]) == (None, "not measured side by side with the baseline")
    elsewhere = {**again["b"], "hardware": "phone"}
    assert compare_speeds(elsewhere, here["a"])[1] == "measured on phone, the baseline on Jetson Orin"
    other = {**again["b"], "device": "cpu"}
    assert compare_speeds(other, here["a"])[1] == "measured on cpu, the baseline on cuda:0"
    assert compare_speeds(here["b"], None)[1] == "the speed of the baseline was not measured"


def test_the_table_and_the_notes_say_what_has_no_ratio_and_what_makes_no_difference(tmp_path: Path) -> None:
    jumpy = model("b", rounds_ms=[44.0, 40.0, 41.0, 42.0])
    found = read_speeds(write_speeds(tmp_path / "speed.json", model("a"), jumpy, warnings=["The machine was loaded."]))
    speeds = with_ratios(found, "a")
    facts = {fact.title: fact.cells for fact in speed_facts(speeds.values())}
    assert facts["Ratio"] == ("–", "1.00×") and facts["Measured"] == ("there", "there")
    assert "Inference ms" not in facts
    notes = speed_notes(speeds)
    assert "Not distinguishable from the baseline: b." in notes and notes[0] == "The machine was loaded."


def test_the_interval_of_the_frames_per_second_narrows_with_equal_rounds() -> None:
    assert fps_interval(25.0, [40.0] * 4) == (25.0, 25.0)
    ends = fps_interval(24.0, ROUNDS)
    assert ends is not None and ends[0] < 24.0 < ends[1] and math.isclose(ends[0] * ends[1], 24.0**2)
    assert fps_interval(24.0, [40.0]) is None
