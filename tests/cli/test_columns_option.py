"""``--columns``: what the columns of tables are, for all files or for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iouviewer.cli import main

SIZE = ("--size", "640x480", "--count", "4")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Ground truth with plain corners, and predictions whose x and y may be corner or centre."""
    truth, pred = tmp_path / "t.csv", tmp_path / "p.csv"
    truth.write_text("frame,x1,y1,x2,y2\n0,100,100,200,140\n1,110,100,210,140\n")
    pred.write_text("frame,x,y,w,h,score\n0,150,120,100,40,0.9\n1,160,120,100,40,0.8\n")
    return {"gt": truth, "pred": pred}


def test_what_is_open_is_refused_in_one_line_with_what_settles_it(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "--gt", str(files["gt"]), "--pred", f"p={files['pred']}", *SIZE]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "x, y, w, h can be read in several ways" in line
    assert '--columns p="frame=frame,cx=x,cy=y,w=w,h=h,score=score,units=pixels"' in line


@pytest.mark.parametrize("name", ["p=", ""])
def test_the_option_settles_it(
    files: dict[str, Path], tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "r.json"
    columns = f"{name}frame=frame,cx=x,cy=y,w=w,h=h,score=score"
    arguments = ["--gt", str(files["gt"]), "--pred", f"p={files['pred']}", "--columns", columns, "--json", str(report)]
    done = main(["eval", *arguments, *SIZE])
    if name:
        assert done == 0, capsys.readouterr().err
        assert json.loads(report.read_text())["variants"]["p"]["avg_iou"] == 1.0
    else:
        assert done == 2
        assert "t.csv: no column is named 'x'" in capsys.readouterr().err


def test_a_wrong_option_is_named(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["convert", str(files["pred"]), str(files["pred"].with_suffix(".out")), "--to", "boxcsv", "--columns"]
    assert main([*command, "frame"]) == 2
    assert "is not ROLE=COLUMN" in capsys.readouterr().err
    assert main([*command, "frame=frame,x1=x"]) == 2
    assert "no columns for the four numbers" in capsys.readouterr().err
