"""The command line: usage, exit statuses, one-line errors, the requests that commands make."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from iouviewer.cli import display, main, program, worker
from iouviewer.cli.options import ProgressLine
from iouviewer.errors import UserError
from iouviewer.jobs.requests import OpenRequest


@pytest.fixture
def boxes(tmp_path: Path) -> dict[str, Path]:
    """Ground truth and predictions of three frames, with classes."""
    gt, pred = tmp_path / "gt.csv", tmp_path / "pred.csv"
    gt.write_text("frameID,x1,y1,x2,y2,class\n0,10,10,50,50,car\n1,10,10,50,50,Person\n2,10,10,50,50,car\n")
    pred.write_text(
        "frameID,x1,y1,x2,y2,class,score\n0,10,10,50,50,auto,0.9\n1,10,10,50,50,person,0.9\n2,60,60,90,90,tree,0.9\n"
    )
    return {"gt": gt, "pred": pred}


def eval_arguments(boxes: dict[str, Path], *more: str) -> list[str]:
    return [
        "eval",
        "--size",
        "100x100",
        "--count",
        "3",
        "--gt",
        str(boxes["gt"]),
        "--pred",
        f"a={boxes['pred']}",
        *more,
    ]


def error_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The error line of a command that must end with status 2 and print nothing else."""
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("iouviewer: ")
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err
    return output.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["eval"], "--gt"),
        (["eval", "--gt", "nowhere.csv", "--pred", "a=nowhere.csv"], "nowhere.csv: the file for variant 'a'"),
        (["--unknown"], "--unknown"),
        (["check"], "VIDEO"),
        (["check", "nowhere.mp4"], "nowhere.mp4: the video does not exist"),
        (["nowhere.mp4"], "nowhere.mp4: the file to open does not exist"),
        (["predict", "v.mp4", "--model", "=x", "--out", "o"], "is not NAME=PATH"),
        (["convert", "only-one.txt", "--to", "coco"], "[VIDEO] IN OUT"),
        (["convert", "a", "b", "--to", "word"], "word"),
        (["demo", "--out", "x"], "--out needs --headless"),
        (["worker", "extra"], "extra"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert part in error_of(arguments, capsys)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--size", "100"], "is not WIDTHxHEIGHT"),
        (["--count", "0"], "is not a positive integer"),
        (["--conf", "1.5"], "is not a number from 0 to 1"),
        (["--conf", "nan"], "is not a number from 0 to 1"),
        (["--frames", "0:4"], "there are 3 frames, numbered 0–2"),
        (["--baseline", "b"], "the baseline 'b' is not a variant"),
        (["--plot", "x.pdf"], ".png or .svg"),
        (["--class-map", "auto"], "is not A=B"),
        (["--class-map", "bike=car"], "no prediction has class 'bike'"),
        (["--class-map", "auto=lorry"], "the ground truth has no class 'lorry'"),
        (["--class-map", "auto=car", "--class-map", "auto=person"], "maps 'auto' to 'car' and to 'person'"),
        (["--fail-if", "b.ap < 1"], "b is unknown"),
        (["--fail-if", "a.delta < 1"], "a.delta is undefined (null)"),
        (["--fail-if", "a.ap <"], "unexpected end"),
        (["--model", "m=nowhere.pt"], "the file for variant 'm' does not exist"),
        (["--csv", "/nonexistent/folder/o.csv"], "/nonexistent/folder/o.csv"),
    ],
)
def test_bad_options_of_eval_are_one_line_and_status_2(
    boxes: dict[str, Path], more: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert part in error_of(eval_arguments(boxes, *more), capsys)


def test_two_variants_with_one_name_are_refused(boxes: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert "two variants are named 'a'" in error_of(eval_arguments(boxes, "--pred", f"a={boxes['pred']}"), capsys)


def test_a_bad_row_is_reported_by_file_and_line_and_can_be_skipped(
    boxes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes["gt"].write_text("frameID,x1,y1,x2,y2\n0,10,10,50,50\n1,50,10,10,50\n2,nan,10,50,50\n")
    error = error_of(eval_arguments(boxes), capsys)
    assert f"{boxes['gt']}:3" in error and "1 more row)" in error and "--skip-bad-rows" in error
    assert main(eval_arguments(boxes, "--skip-bad-rows")) == 0
    assert "ground truth: 2 rows were skipped" in capsys.readouterr().out


@pytest.mark.parametrize("which", ["gt", "pred"])
def test_boxes_outside_the_video_are_refused_and_can_be_skipped(
    boxes: dict[str, Path], which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with boxes[which].open("a") as file:
        file.write("3,10,10,50,50,car" + (",0.5" if which == "pred" else "") + "\n")
    assert "outside" in error_of(eval_arguments(boxes), capsys)
    assert main(eval_arguments(boxes, "--skip-bad-rows")) == 0
    assert "1 row was skipped" in capsys.readouterr().out


def test_classes_match_by_name_without_regard_to_case_and_by_map(boxes: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "o.json"

    def counts(*more: str) -> tuple[int, int, int, dict[str, int]]:
        assert main(eval_arguments(boxes, "--json", str(out), *more)) == 0
        a = json.loads(out.read_text())["variants"]["a"]
        return a["tp"], a["fp"], a["fn"], a["left_out_classes"]

    assert counts() == (1, 0, 2, {"auto": 1, "tree": 1})
    assert counts("--class-map", "AUTO=Car") == (2, 0, 1, {"tree": 1})


def test_a_file_without_classes_matches_every_class_unless_one_is_named(boxes: dict[str, Path], tmp_path: Path) -> None:
    boxes["pred"].write_text("frameID,x1,y1,x2,y2,score\n0,10,10,50,50,0.9\n1,10,10,50,50,0.9\n")
    out = tmp_path / "o.json"
    for more, expected in (([], 2), (["--class", "car"], 1)):
        assert main(eval_arguments(boxes, "--json", str(out), *more)) == 0
        assert json.loads(out.read_text())["variants"]["a"]["tp"] == expected


def test_the_condition_decides_between_status_0_and_3(
    boxes: dict[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "o.json"
    known = ("--class-map", "auto=car")
    assert main(eval_arguments(boxes, *known, "--fail-if", "a.tp < 2")) == 0
    capsys.readouterr()
    assert main(eval_arguments(boxes, *known, "--fail-if", "a.tp < 3", "--json", str(out))) == 3
    assert "The condition holds: a.tp < 3" in capsys.readouterr().out
    assert out.exists()
    # All cars may be missed only because they have another name: that the condition does not hold says nothing.
    assert main(eval_arguments(boxes, "--fail-if", "a.tp < 1")) == 2
    assert "give --class-map auto=car" in capsys.readouterr().err


def test_differences_use_the_common_floor_and_say_so(
    boxes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.csv"
    boxes["pred"].write_text(
        "frameID,x1,y1,x2,y2,class,score\n0,10,10,50,50,car,0.9\n1,10,10,50,50,person,0.005\n2,10,10,50,50,car,0.3\n"
    )
    cut.write_text("frameID,x1,y1,x2,y2,class,score\n0,10,10,50,50,car,0.9\n2,10,10,50,50,car,0.4\n")
    out = tmp_path / "o.json"
    arguments = eval_arguments(boxes, "--pred", f"cut={cut}", "--baseline", "cut", "--json", str(out))
    assert main(arguments) == 0
    variants: dict[str, Any] = json.loads(out.read_text())["variants"]
    assert variants["a"]["ap50"] == 1.0
    assert variants["cut"]["ap_reason"] == "cut"
    assert variants["cut"]["delta"] is None
    # Cut at 0.4, variant a keeps only the first box: the car on frame 2 is missed, not found.
    assert variants["a"]["delta"]["ap50"] == pytest.approx((51 / 101 + 0) / 2 - (1 + 0) / 2)
    assert variants["a"]["delta"]["floor"] == 0.4
    assert "a: Δ at the common score floor 0.4" in capsys.readouterr().out


def test_variants_keep_the_given_order_and_the_first_is_the_baseline(
    boxes: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(eval_arguments(boxes, "--pred", f"b={boxes['pred']}")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("a *") and lines[4].startswith("b ")
    assert not any(line.startswith("Average IoU across video") for line in lines)


def test_an_unexpected_failure_is_logged_with_its_traceback_and_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], private_home: Path
) -> None:
    def fail(_: object) -> int:
        raise RuntimeError("boom\nboom")

    monkeypatch.setattr(worker, "run", fail)
    assert main(["worker"]) == program.UNEXPECTED
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "RuntimeError: boom boom" in error
    log = private_home / "log" / "iouviewer.log"
    assert str(log) in error
    assert "Traceback" in log.read_text() and "RuntimeError: boom" in log.read_text()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[OpenRequest]:
    """Requests that reach the window, which is not shown."""
    requests: list[OpenRequest] = []

    def show(request: OpenRequest) -> int:
        requests.append(request)
        return 0

    monkeypatch.setattr(display, "show_window", show)
    return requests


def test_open_is_the_default_command_and_passes_absolute_paths(
    opened: list[OpenRequest], boxes: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clip.mp4").touch()
    Path("w.pt").touch()
    assert main(["clip.mp4", "--gt", "gt.csv", "--pred", "a=pred.csv", "--model", "m=w.pt", "--project", "p.iouv"]) == 0
    assert main([]) == 0
    assert opened == [
        OpenRequest(
            video=tmp_path / "clip.mp4",
            gt=tmp_path / "gt.csv",
            preds=(("a", tmp_path / "pred.csv"),),
            models=(("m", tmp_path / "w.pt"),),
            project=tmp_path / "p.iouv",
        ),
        OpenRequest(),
    ]


def test_a_project_file_is_opened_as_a_project(opened: list[OpenRequest], tmp_path: Path) -> None:
    project = tmp_path / "clip.mp4.iouv"
    project.touch()
    assert main([str(project)]) == 0
    assert main(["demo"]) == 0
    assert opened == [OpenRequest(project=project), OpenRequest(demo=True)]


def test_without_a_display_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    error = error_of([], capsys)
    assert "no display" in error and "xvfb-run" in error


def test_missing_system_libraries_are_reported_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr(display, "can_load_library", lambda name: name != "libEGL.so.1")
    error = display.display_error()
    assert isinstance(error, UserError)
    assert "libEGL.so.1" in str(error) and "apt-get install libegl1" in str(error)


def test_the_libraries_of_the_x11_plugin_are_required_only_on_an_x_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(display, "can_load_library", lambda name: name != "libxcb-cursor.so.0")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert display.display_error() is None
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert "libxcb-cursor0" in str(display.display_error())


def test_other_systems_need_no_linux_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert display.display_error() is None


def test_convert_writes_what_reads_back_equal(
    boxes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco, back = tmp_path / "o.json", tmp_path / "back.csv"
    frame = ["--size", "100x100", "--count", "3"]
    assert main(["convert", str(boxes["gt"]), str(coco), "--to", "coco", *frame]) == 0
    assert "3 boxes on 3 frames" in capsys.readouterr().out
    assert main(["convert", str(coco), str(back), "--to", "boxcsv", *frame]) == 0
    rows = [line.split(",")[:6] for line in back.read_text().splitlines()[1:]]
    assert rows == [line.split(",") for line in boxes["gt"].read_text().splitlines()[1:]]


def test_convert_needs_the_frame_size_only_if_the_format_does(
    boxes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(boxes["gt"]), str(tmp_path / "o.txt"), "--to", "mot"]) == 0
    capsys.readouterr()
    assert "--size" in error_of(["convert", str(boxes["gt"]), str(tmp_path / "o"), "--to", "yolo"], capsys)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_erased_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressLine("predict") as progress:
        progress(1, 4, "int8")
        progress(4, 4, "int8")
    text = terminal.getvalue()
    assert "int8: 1 / 4 (25%)" in text and "int8: 4 / 4 (100%)" in text
    assert "\n" not in text
    assert text.split("\r")[-2].strip() == "" and text.endswith("\r")


def test_progress_is_silent_if_stderr_is_not_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with ProgressLine("predict") as progress:
        progress(1, 4)
    assert stream.getvalue() == ""


def test_a_console_that_cannot_show_a_delta_shows_a_question_mark(boxes: dict[str, Path]) -> None:
    arguments = eval_arguments(boxes, "--pred", f"b={boxes['pred']}")
    command = [sys.executable, "-m", "iouviewer", *arguments]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "? AP" in result.stdout


def test_every_format_that_can_be_written_is_offered_to_convert_to(capsys: pytest.CaptureFixture[str]) -> None:
    from iouviewer.formats.registry import formats

    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    listed = ", ".join(one.key for one in formats() if one.can_write)
    assert f"format to write: {listed}" in " ".join(capsys.readouterr().out.split())
    assert main(["convert", "--to", "score_csv", "a", "b"]) == 2
    assert "invalid choice: 'score_csv'" in capsys.readouterr().err


def test_the_module_runs_as_a_program() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "iouviewer", "--version"], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith("iouviewer ")


def test_a_closed_pipe_leaves_no_traceback() -> None:
    code = (
        "import sys; from iouviewer.cli import main, worker\n"
        "def endless(_):\n    while True:\n        sys.stdout.write('x' * 1000)\n"
        "worker.run = endless\n"
        "main(['worker'])\n"
    )
    command = f'"{sys.executable}" -c "$CODE" | head -c 10'
    environment = {"CODE": code, "PATH": "/usr/bin:/bin"}
    result = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (result.stdout, result.stderr) == ("x" * 10, "")
