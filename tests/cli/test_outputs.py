"""The command line never destroys: inputs, files of others, pipes and devices."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from iouviewer.cli import main

SIZE = ["--size", "100x100", "--count", "3"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    gt, pred = tmp_path / "gt.csv", tmp_path / "a.csv"
    gt.write_text("frameID,x1,y1,x2,y2,class\n" + "".join(f"{f},10,10,50,50,person\n" for f in range(3)))
    pred.write_text("frameID,x1,y1,x2,y2,class,score\n" + "".join(f"{f},10,10,50,50,person,0.9\n" for f in range(3)))
    return {"gt": gt, "pred": pred}


def evaluate(files: dict[str, Path], *more: str) -> int:
    return main(["eval", *SIZE, "--gt", str(files["gt"]), "--pred", f"a={files['pred']}", *more])


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    output = capsys.readouterr()
    assert output.out == "" and output.err.count("\n") == 1
    return output.err


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_result_never_replaces_an_input(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], force: list[str]
) -> None:
    before = {name: path.read_bytes() for name, path in files.items()}
    link, hard = tmp_path / "link.csv", tmp_path / "hard.csv"
    link.symlink_to(files["gt"])
    hard.hardlink_to(files["pred"])
    targets = [files["gt"], files["pred"], tmp_path / "x" / ".." / "gt.csv", link, hard]
    (tmp_path / "x").mkdir()
    for target in targets:
        assert evaluate(files, "--csv", str(target), *force) == 2
        assert "would replace the input" in refusal(capsys)
        gate = ["gate", *SIZE, "--gt", str(files["gt"]), "--pred", f"a={files['pred']}", "--pred", f"b={files['pred']}"]
        assert main([*gate, "--md", str(target), *force]) == 2
        assert "would replace the input" in refusal(capsys)
    assert main(["convert", *SIZE, "--to", "boxcsv", str(files["gt"]), str(files["gt"]), *force]) == 2
    assert "would replace the input" in refusal(capsys)
    assert {name: path.read_bytes() for name, path in files.items()} == before


def test_a_result_never_replaces_a_file_of_an_input_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, labels = tmp_path / "images", tmp_path / "labels"
    folder.mkdir()
    labels.mkdir()
    cv2.imwrite(str(folder / "1.png"), np.zeros((50, 50, 3), np.uint8))
    (labels / "1.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "p.csv").write_text("frameID,x1,y1,x2,y2,class,score\n0,20,20,30,30,0,0.9\n")
    call = ["eval", str(folder), "--gt", str(labels), "--pred", f"a={tmp_path / 'p.csv'}", "--force"]
    assert main([*call, "--csv", str(labels / "1.txt")]) == 2
    assert "would replace the input" in refusal(capsys)
    assert (labels / "1.txt").read_text() == "0 0.5 0.5 0.2 0.2\n"


def test_only_own_results_are_replaced_and_only_while_nobody_changed_them(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, theirs = tmp_path / "o.csv", tmp_path / "theirs.csv"
    theirs.write_text("a,b\n")
    assert evaluate(files, "--csv", str(theirs)) == 2
    assert "did not write it" in refusal(capsys)
    assert theirs.read_text() == "a,b\n"
    assert evaluate(files, "--csv", str(mine)) == 0
    first = mine.read_bytes()
    assert evaluate(files, "--csv", str(mine)) == 0  # its own
    assert mine.read_bytes() == first
    mine.write_bytes(first + b"corrected by hand\n")
    capsys.readouterr()
    assert evaluate(files, "--csv", str(mine)) == 2
    assert "changed since" in refusal(capsys)
    assert evaluate(files, "--csv", str(mine), "--force") == 0
    assert mine.read_bytes() == first


def test_two_results_cannot_be_one_file(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "o.csv"
    assert evaluate(files, "--csv", str(target), "--pairs", str(tmp_path / "." / "o.csv")) == 2
    assert "--csv and --pairs name the same file" in refusal(capsys)
    assert not target.exists()


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX")
def test_a_pipe_gets_the_bytes_and_stays_a_pipe(files: dict[str, Path], tmp_path: Path) -> None:
    pipe, plain = tmp_path / "pipe", tmp_path / "o.csv"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    assert evaluate(files, "--csv", str(pipe)) == 0
    reader.join(timeout=30)
    assert evaluate(files, "--csv", str(plain)) == 0
    assert read == [plain.read_bytes()] and pipe.is_fifo()
    assert evaluate(files, "--csv", os.devnull) == 0 and Path(os.devnull).is_char_device()


@pytest.mark.skipif(os.name != "posix", reason="descriptors as files are POSIX")
def test_inputs_from_pipes_are_read_whole_and_standard_output_is_continued(
    files: dict[str, Path], tmp_path: Path
) -> None:
    plain, out = tmp_path / "o.csv", tmp_path / "both.txt"
    assert evaluate(files, "--csv", str(plain)) == 0
    call = [sys.executable, "-m", "iouviewer", "eval", *SIZE, "--gt", "/dev/stdin", "--pred", f"a={files['pred']}"]
    with files["gt"].open("rb") as source, out.open("wb") as target:
        subprocess.run([*call, "--csv", "/dev/stdout"], stdin=source, stdout=target, check=True)
    text = out.read_bytes()
    assert text.startswith(plain.read_bytes()) and b"Average IoU across video: 1.00" in text
    piped = subprocess.run(call, input=files["gt"].read_bytes(), capture_output=True, check=True)
    assert b"Average IoU across video: 1.00" in piped.stdout
    bad = subprocess.run(call, input=b"frameID,x1,y1,x2,y2\n0,1,x,3,4\n", capture_output=True, check=False)
    assert bad.returncode == 2 and b"/dev/stdin" in bad.stderr


def test_nothing_is_concluded_from_text_as_video_empty_truth_or_absurd_numbers(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, text = tmp_path / "empty.csv", tmp_path / "gt.txt"
    empty.write_text("frameID,x1,y1,x2,y2,class\n")
    text.write_text("1,1,10,10,40,40,1,1,1\n" * 50)
    for call, message in (
        (["check", str(text)], "this is a text file, not a video"),
        (["eval", *SIZE, "--gt", str(empty), "--pred", f"a={files['pred']}"], "the ground truth has no boxes"),
        (
            ["eval", *SIZE, "--gt", str(files["gt"]), "--pred", f"a={files['pred']}", "--iou", "0"],
            "not a number above 0",
        ),
        (["eval", "--size", "9x9", "--count", "9" * 20, "--gt", "g", "--pred", "p"], "frames, a week of video"),
        (["eval", "--size", "9x" + "9" * 20, "--count", "9", "--gt", "g", "--pred", "p"], "is not WIDTHxHEIGHT"),
    ):
        assert main(call) == 2
        assert message in refusal(capsys)
