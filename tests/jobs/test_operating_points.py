"""Operating points: what is parsed, how thresholds are chosen without being judged on their own frames, all doors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from iouviewer import api
from iouviewer.app.jobs.session_inputs import read_session
from iouviewer.cli import main
from iouviewer.errors import UserError
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.operating_points import COMMON, OperatingPoint, PointKind, parse_point
from iouviewer.jobs.requests import OpenRequest
from tests.hands.hands import Hands
from tests.ui.window import opened_window, write_boxes, write_video

FRAMES = 24


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("common", COMMON),
        ("best-f1", OperatingPoint(PointKind.BEST_F1)),
        ("recall=0.8", OperatingPoint(PointKind.RECALL, 0.8)),
        ("precision=1", OperatingPoint(PointKind.PRECISION, 1.0)),
        ("fp-per-frame=2.5", OperatingPoint(PointKind.FP_PER_FRAME, 2.5)),
    ],
)
def test_points_are_read_and_written(text: str, point: OperatingPoint) -> None:
    assert parse_point(text) == point and parse_point(point.stored) == point


@pytest.mark.parametrize("text", ["", "f1", "recall", "recall=", "recall=1.5", "recall=0", "best-f1=1", "precision=x"])
def test_other_points_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="no operating point"):
        parse_point(text)


def square(frame: int, right: float = 0.0) -> tuple[float, float, float, float]:
    x = 40.0 + 2 * frame + right
    return x, 80.0, x + 80.0, 160.0


def write_case(folder: Path) -> OpenRequest:
    """A variant that is as good as the baseline, but with scores half as high, and a false box on each frame at 0.1."""
    video = write_video(folder / "clip.avi", FRAMES)
    gt = write_boxes(folder / "gt.csv", {f: [square(f)] for f in range(FRAMES)})
    preds = []
    for name, scale in (("base", 1.0), ("shy", 0.5)):
        rects = {
            f: [
                (*square(f), scale * (0.8 if f % 12 < 6 else 0.4)),
                (200.0, 10.0, 240.0, 50.0, scale * 0.1),
            ]
            for f in range(FRAMES)
        }
        preds.append((name, write_boxes(folder / f"{name}.csv", rects, scores=True)))
    return OpenRequest(video=video, gt=gt, preds=tuple(preds))


def evaluated(case: OpenRequest, point: str, folder: Path) -> dict[str, object]:
    out = folder / f"{point.split('=', maxsplit=1)[0]}.json"
    assert case.video is not None and case.gt is not None
    named = [part for name, file in case.preds for part in ("--pred", f"{name}={file}")]
    command = ["eval", str(case.video), "--gt", str(case.gt), *named, "--json", str(out)]
    assert main([*command, "--operating-point", point]) == 0
    values: dict[str, object] = json.loads(out.read_bytes())
    return values


def test_an_own_point_does_not_punish_lower_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = write_case(tmp_path)
    common = evaluated(case, "common", tmp_path)["variants"]
    assert common["base"]["recall"] == 1.0 and common["shy"]["recall"] == 0.5  # type: ignore[index]
    capsys.readouterr()
    values = evaluated(case, "best-f1", tmp_path)
    own, said = values["variants"], capsys.readouterr().out
    for name in ("base", "shy"):
        assert own[name]["recall"] == 1.0 and own[name]["precision"] == 1.0  # type: ignore[index]
        assert own[name]["ap"] == common[name]["ap"]  # type: ignore[index]  # AP knows no threshold
    thresholds = values["protocol"]["operating_point"]["thresholds"]  # type: ignore[index]
    assert thresholds == {"base": [0.4, 0.4], "shy": [0.2, 0.2]}
    assert "own thresholds: at each one's best F1, chosen on the other half of the frames" in said
    assert re.search(r"shy: \w+ against base: .*PQ at each one's best F1.*base 0.4 and 0.4, shy 0.2 and 0.2", said)
    low = evaluated(case, "fp-per-frame=1", tmp_path)["variants"]
    assert low["base"]["fp"] == FRAMES and low["shy"]["fp"] == FRAMES  # type: ignore[index]
    half = evaluated(case, "recall=0.5", tmp_path)["variants"]
    assert half["base"]["recall"] == half["shy"]["recall"] == 0.5  # type: ignore[index]


def test_a_threshold_is_never_chosen_on_the_frames_that_it_is_used_on(tmp_path: Path) -> None:
    """The first half is easy from 0.9 on, the second from 0.5 on; each gets the other's threshold."""
    video = write_video(tmp_path / "clip.avi", FRAMES)
    gt = write_boxes(tmp_path / "gt.csv", {f: [square(f)] for f in range(FRAMES)})
    rects = {f: [(*square(f), 0.9 if f < FRAMES // 2 else 0.5)] for f in range(FRAMES)}
    preds = tuple((name, write_boxes(tmp_path / f"{name}.csv", rects, scores=True)) for name in ("one", "two"))
    values = evaluated(OpenRequest(video=video, gt=gt, preds=preds), "best-f1", tmp_path)
    assert values["protocol"]["operating_point"]["thresholds"]["one"] == [0.5, 0.9]  # type: ignore[index]
    assert values["variants"]["one"]["recall"] == 0.5  # type: ignore[index]


def test_a_point_that_is_not_reached_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = write_case(tmp_path)
    named = [part for name, file in case.preds for part in ("--pred", f"{name}={file}")]
    command = ["eval", str(case.video), "--gt", str(case.gt), *named, "--iou", "0.5"]
    gone = {f: [(*square(f, 200.0), 0.9)] for f in range(FRAMES)}
    far = write_boxes(tmp_path / "far.csv", gone, scores=True)
    assert main([*command, "--pred", f"far={far}", "--operating-point", "recall=0.5"]) == 2
    said = capsys.readouterr().err
    assert "far does not reach recall 0.5 on one half of the frames, but recall 0.000 at most" in said


def test_gate_names_the_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = write_case(tmp_path)
    named = [part for name, file in case.preds for part in ("--pred", f"{name}={file}")]
    main(["gate", str(case.video), "--gt", str(case.gt), *named, "--operating-point", "best-f1"])
    assert "PQ at each one's best F1, chosen on the other half of the frames" in capsys.readouterr().out


def test_the_three_doors_judge_at_the_same_point(
    qtbot: QtBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = write_case(tmp_path)
    said = evaluated(case, "best-f1", tmp_path)
    source = api.open_source(case.video)
    assert case.gt is not None
    truth = api.read_ground_truth(case.gt, source)
    found = {name: api.read_predictions(file, source, truth=truth, name=name) for name, file in case.preds}
    joined = api.join(source, truth, found).with_settings(operating_point="best-f1")
    source.close()
    asked = json.loads(api.evaluate(joined).json())
    sentence = said["variants"]["shy"]["bootstrap"]["sentence"]  # type: ignore[index]
    assert api.verdict(joined).judgements[0].sentence == sentence
    report = tmp_path / "out.html"
    with opened_window(qtbot, case) as window:
        hands = Hands(qtbot, window)
        hands.key("F3")
        hands.popup(lambda: hands.click(hands.named("questionPoint")), "Best F1 of each")
        assert hands.named("questionPoint").text() == "best F1"  # type: ignore[attr-defined]
        card = hands.named("verdictCard.shy")
        hands.wait(lambda: sentence in card.toolTip(), "the verdict at the chosen point")
        with hands.in_dialog(hands.save_as(report)):
            hands.click(hands.named("compareReport"))
        hands.wait(report.exists, "the report")
        assert "at each one&#x27;s best F1" in report.read_text(encoding="utf-8")
        request, inputs = read_session(window.session, DEFAULT_MARGINS, analysis=True)
        assert request.point.is_common and inputs.point is None  # the point is of verdicts and reports
    for name in ("base", "shy"):
        for metric in ("pq", "avg_iou", "tp", "fp", "fn", "ap"):
            assert asked["variants"][name][metric] == said["variants"][name][metric]  # type: ignore[index]
    assert np.isclose(asked["variants"]["shy"]["recall"], 1.0)


def test_a_point_out_of_reach_in_the_window_is_told_and_the_common_one_returns(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_window(qtbot, write_case(tmp_path)) as window:
        hands = Hands(qtbot, window)
        hands.key("F3")

        def type_one(_dialog: object) -> None:
            hands.key("Ctrl+A")
            hands.type("0.01")
            hands.key("Return")

        with hands.in_dialog(type_one):
            hands.popup(lambda: hands.click(hands.named("questionPoint")), "Fixed false positives a frame…")
        assert hands.named("questionPoint").text() == "0.01 false positives a frame"  # type: ignore[attr-defined]
        card = hands.named("verdictCard.shy")
        hands.wait(lambda: "0.01 false positives a frame" in card.toolTip(), "the verdict at this point")
