"""The Python interface: the notebook of docs/api.md, arrays in and out, errors, progress and cancelling."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iouviewer import api
from iouviewer.cli import main
from tests.conftest import REPOSITORY

FRAMES = 12
BOXES = np.array([[10 * frame, 20, 10 * frame + 40, 80] for frame in range(FRAMES)], np.float64)
ON = np.arange(FRAMES)


@pytest.fixture
def source() -> api.Source:
    return api.open_source(size=(320, 240), frame_count=FRAMES)


@pytest.fixture
def joined(source: api.Source) -> api.Joined:
    truth = api.ground_truth_from_arrays(ON, BOXES, classes=["car"] * FRAMES)
    scores = np.linspace(0.9, 0.3, FRAMES)
    good = api.predictions_from_arrays(ON, BOXES, scores, classes=["Car"] * FRAMES)
    half = api.predictions_from_arrays(ON[::2], BOXES[::2] + 5, scores[::2], classes=["car"] * len(ON[::2]))
    return api.join(source, truth, {"good": good, "half": half})


def test_the_notebook_of_the_documentation_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8").partition("## A notebook on the sample")[2]
    cells = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(cells) >= 4
    names: dict[str, Any] = {}
    for cell in cells:
        exec(cell, names)
    assert names["image"].ndim == 3
    assert names["boxes"].shape[1] == 4
    out = capsys.readouterr().out
    assert "moved" in out and "scoring moved" in out
    assert names["decision"].judgements[0].sentence in out
    names["source"].close()


def test_every_public_name_is_documented() -> None:
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    functions = [name for name in api.__all__ if name.islower()]
    assert [name for name in functions if f"`{name}`" not in text] == []
    assert [name for name in api.__all__ if not (getattr(api, name).__doc__ or "").strip()] == []


def test_arrays_give_the_numbers_that_the_same_boxes_in_files_give(
    joined: api.Joined, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(name: str, rows: list[list[object]], columns: str) -> Path:
        path = tmp_path / name
        path.write_text("\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n")
        return path

    scores = np.linspace(0.9, 0.3, FRAMES)
    gt = write("gt.csv", [[f, *BOXES[f], "car"] for f in ON], "frameID,x1,y1,x2,y2,class")
    columns = "frameID,x1,y1,x2,y2,class,score"
    good = write("good.csv", [[f, *BOXES[f], "Car", scores[f]] for f in ON], columns)
    half = write("half.csv", [[f, *(BOXES[f] + 5), "car", scores[f]] for f in ON[::2]], columns)
    out = tmp_path / "o.json"
    arguments = ["--gt", str(gt), "--pred", f"good={good}", "--pred", f"half={half}", "--json", str(out)]
    assert main(["eval", "--size", "320x240", "--count", str(FRAMES), *arguments]) == 0
    result = api.evaluate(joined)
    assert json.loads(result.json())["variants"] == json.loads(out.read_bytes())["variants"]
    assert result.text() == capsys.readouterr().out


def test_results_are_arrays_by_frame(joined: api.Joined) -> None:
    result = api.evaluate(joined, analysis=False)
    good, half = result.series()
    assert good.frame_iou.tolist() == [1.0] * FRAMES
    assert half.predictions.tolist() == [1, 0] * (FRAMES // 2)
    assert joined.ground_truth.boxes.T.tolist() == BOXES.tolist()
    assert joined.predictions("half").class_ids.tolist() == [0] * (FRAMES // 2)
    assert joined.class_names == ("car",)


def test_comparison_and_verdict_refer_to_the_chosen_baseline(joined: api.Joined) -> None:
    assert list(api.compare(joined)) == ["half"]
    assert api.compare(joined)["half"]["pq"] < 0 < api.compare(joined.with_settings(baseline="half"))["good"]["pq"]
    [judgement] = api.verdict(joined.with_settings(baseline="half", margins={"pq": 2.0})).judgements
    assert judgement.outcome is api.Outcome.UNDECIDED
    assert "good: UNDECIDED against half" in judgement.sentence and "allowed drop 2.0" in judgement.sentence


def test_several_videos_are_judged_together(joined: api.Joined) -> None:
    [judgement] = api.verdict([joined, joined]).judgements
    assert len(judgement.videos) == 2


def test_selected_frames_are_numbers_or_text(source: api.Source) -> None:
    truth = api.ground_truth_from_arrays(ON, BOXES)
    found = {"v": api.predictions_from_arrays(ON, BOXES, None)}
    for frames in ("2:5", [4, 2, 3], np.array([2, 3, 4])):
        joined = api.join(source, truth, found, frames=frames)
        assert joined.frames.tolist() == [2, 3, 4]
        assert joined.request.frames == "2:5"
    with pytest.raises(api.UserError, match="0–11"):
        api.join(source, truth, found, frames=[FRAMES])


def test_unknown_classes_are_left_out_with_a_proposal_and_a_map_counts_them(source: api.Source) -> None:
    truth = api.ground_truth_from_arrays(ON, BOXES, classes=["pedestrian"] * FRAMES)
    found = {"v": api.predictions_from_arrays(ON, BOXES, None, classes=np.zeros(FRAMES, int), class_names=["person"])}
    joined = api.join(source, truth, found)
    assert joined.left_out("v") == {"person": FRAMES}
    assert joined.proposed_classes("v") == {"person": "pedestrian"}
    with pytest.raises(api.UserError, match=r"left out.*--class-map person=pedestrian"):
        api.evaluate(joined)
    options = api.ReadOptions(class_map=joined.proposed_classes("v"))
    mapped = api.evaluate(api.join(source, truth, found, options=options), analysis=False)
    assert mapped.values["variants"]["v"]["tp"] == FRAMES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": [0.5]}, "row 0: frame 0.5 is not a frame number"),
        ({"frames": [0, 1]}, "boxes: 1 values for 2 frame numbers"),
        ({"boxes": [[9, 9, 3, 12]]}, "row 0"),
        ({"scores": [np.nan]}, "row 0"),
        ({"scores": [0.1, 0.2]}, "scores: 2 values"),
        ({"classes": ["a", "b"]}, "classes: 2 values"),
    ],
)
def test_arrays_that_cannot_be_boxes_are_refused(change: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = {"frames": [0], "boxes": [[1, 2, 3, 4]], "scores": [0.5], **change}
    with pytest.raises(api.UserError, match=re.escape(message)):
        api.predictions_from_arrays(**values)


def test_errors_say_what_to_do(joined: api.Joined, source: api.Source, tmp_path: Path) -> None:
    result = api.evaluate(joined, analysis=False)
    for call in (
        lambda: api.open_source(tmp_path / "none.mp4"),
        lambda: api.read_ground_truth(tmp_path / "none.csv", source),
        lambda: api.read_predictions(tmp_path / "none.csv", source),
        lambda: api.open_project(tmp_path / "none.iouv"),
        lambda: source.read(0),
        lambda: api.run_model(source, tmp_path / "none.pt"),
        lambda: api.join(source, api.ground_truth_from_arrays(ON, BOXES), {}),
        lambda: joined.predictions("other"),
        lambda: joined.with_settings(baseline="other"),
        lambda: joined.with_settings(confidence=25),
        lambda: api.report(result, tmp_path / "report.docx"),
        lambda: api.verdict([]),
    ):
        with pytest.raises(api.UserError):
            call()


def test_reports_are_written_by_ending(joined: api.Joined, tmp_path: Path) -> None:
    result = api.evaluate(joined, analysis=False)
    for name, start in (
        ("a.json", b"{"),
        ("a.html", b"<!"),
        ("a.csv", b"frameID,"),
        ("a.png", b"\x89PNG"),
        ("a.svg", b"<?xml"),
    ):
        assert api.report(result, tmp_path / name).read_bytes().startswith(start)


def test_progress_is_told_and_work_can_be_cancelled(joined: api.Joined) -> None:
    told: list[tuple[int, int, str]] = []
    api.evaluate(joined, progress=lambda done, total, label="": told.append((done, total, label)))
    assert {label for *_, label in told} >= {"scoring good", "scoring half", "analysing half"}
    assert all(0 <= done <= total for done, total, _ in told)
    for function in (api.evaluate, api.compare, api.verdict):
        with pytest.raises(api.CancelledError):
            function(joined, cancelled=lambda: True)


def test_a_video_is_read_and_closed() -> None:
    from iouviewer.resource_files import resource_path

    with api.open_source(resource_path("sample/clip.mp4")) as source:
        width, height = source.size
        assert source.read(3).shape == (height, width, 3)
        assert source.size_of(3) == source.size and source.fps > 0


def test_the_package_is_typed_and_the_interface_imports_no_qt() -> None:
    import subprocess
    import sys

    assert (REPOSITORY / "iouviewer" / "py.typed").is_file()
    code = "import sys, iouviewer.api; print([name for name in ('PySide6', 'torch') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert result.stdout.strip() == "[]"
