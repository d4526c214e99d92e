"""Notes of readers are printed, kept and refused on request; reports name files whatever their bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iouviewer.cli import main

SIZE = ["--size", "100x100", "--count", "3"]


def write(path: Path, *, score: bool, extra: str = "", name: str = "person") -> Path:
    """A box a frame; ``extra``: a column that nothing reads."""
    columns = ["frameID", "x1", "y1", "x2", "y2", "class", *(["score"] if score else []), *([extra] if extra else [])]
    rows = [f"{f},10,10,50,50,{name}" + (",0.9" if score else "") + (",7" if extra else "") for f in range(3)]
    path.write_text("\n".join([",".join(columns), *rows]) + "\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    gt = write(tmp_path / "gt.csv", score=False)
    preds = {name: write(tmp_path / f"{name}.csv", score=True, extra="mood") for name in ("a", "b")}
    return [*SIZE, "--gt", str(gt), *(part for name, path in preds.items() for part in ("--pred", f"{name}={path}"))]


def test_a_note_of_several_files_is_printed_and_kept_once(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "o.json", tmp_path / "o.html"
    assert main(["eval", *files, "--json", str(out), "--html", str(page)]) == 0
    note = "a, b: Columns not read: mood"
    assert f"Note: {note}\n" in capsys.readouterr().out
    assert note in json.loads(out.read_text())["protocol"]["warnings"]
    assert f"<li>{note}</li>" in page.read_text()
    main(["gate", *files, "--md", str(page)])
    assert f"Note: {note}\n" in capsys.readouterr().out
    assert f"- {note}\n" in page.read_text()
    assert main(["convert", *SIZE, str(tmp_path / "a.csv"), str(tmp_path / "x.json"), "--to", "coco"]) == 0
    assert "Columns not read: mood" in capsys.readouterr().err


def test_strict_refuses_what_there_is_a_note_about(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.json"
    for call in (
        ["eval", *files, "--json", str(target)],
        ["gate", *files, "--md", str(target)],
        ["convert", *SIZE, str(tmp_path / "a.csv"), str(target), "--to", "coco"],
    ):
        assert main([*call, "--strict"]) == 2
        output = capsys.readouterr()
        assert output.err.count("\n") == 1 and "Columns not read: mood" in output.err
        assert output.out == "" and not target.exists()
    clean = [*SIZE, "--gt", str(tmp_path / "gt.csv"), "--pred", f"a={write(tmp_path / 'a.csv', score=True)}"]
    assert main(["eval", *clean, "--strict"]) == 0
    assert "Note" not in capsys.readouterr().out


def test_strict_does_not_refuse_what_a_format_defines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames from 1 in a MOT file, classes that a model knows beside those of the ground truth."""
    gt, pred = tmp_path / "gt.txt", tmp_path / "det.txt"
    gt.write_text("".join(f"{f},1,10,10,40,40,1,1,1\n" for f in (1, 2, 3)))
    pred.write_text("".join(f"{f},-1,10,10,40,40,0.9,-1,-1,-1\n" for f in (1, 2, 3)))
    assert main(["eval", *SIZE, "--gt", str(gt), "--pred", f"a={pred}", "--strict"]) == 0
    assert "Note: ground truth, a: Frames start at 1\n" in capsys.readouterr().out
    pred.write_text("".join(f"{f},-1,10,10,40,40,0.9,-1,-1,-1\n" for f in (0, 1, 2)))  # not as the format has it
    assert main(["eval", *SIZE, "--gt", str(gt), "--pred", f"a={pred}", "--strict"]) == 2
    assert "Frames start at 0" in capsys.readouterr().err


def test_one_note_counts_all_classes_that_the_ground_truth_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gt = write(tmp_path / "gt.csv", score=False)
    pred = write(tmp_path / "a.csv", score=True)
    others = [f"0,10,10,50,50,thing {n},0.5" for n in range(9)] + ["1,10,10,50,50,thing 3,0.5"]
    pred.write_text(pred.read_text() + "\n".join(others) + "\n")
    call = ["eval", *SIZE, "--gt", str(gt), "--pred", f"a={pred}"]
    assert main(call) == 0
    note = (
        "a: 10 predictions left out, because the ground truth has no class thing 3, thing 0, thing 1, thing 2, "
        "thing 4 and 4 more"
    )
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Note")]
    assert notes == [f"Note: {note}"]
    assert main([*call, "--strict"]) == 0  # the variant knows every class of the ground truth
    pred.write_text(pred.read_text().replace(",person,", ",persons,"))
    gt.write_text(gt.read_text().replace("0,10,10,50,50,person", "0,10,10,50,50,thing 0"))
    capsys.readouterr()
    assert main([*call, "--strict"]) == 2  # one of the classes left out may be the missing one
    assert "because the ground truth has no class" in capsys.readouterr().err


def test_names_that_are_not_utf_8_are_legible_in_every_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    gt = write(folder / os.fsdecode(b"gt\xff.csv"), score=False)
    preds = [write(folder / os.fsdecode(bytes([0xE9, 0x61 + n]) + b".csv"), score=True) for n in range(2)]
    named = ["--gt", str(gt), *(part for path in preds for part in ("--pred", str(path)))]
    outputs = [tmp_path / f"o.{end}" for end in ("csv", "pairs", "json", "png", "svg", "html", "md", "xml")]
    csv, pairs, values, png, svg, page, report, junit = map(str, outputs)
    call = ["eval", *SIZE, *named, "--csv", csv, "--pairs", pairs, "--json", values, "--html", page]
    assert main([*call, "--plot", png]) == main([*call, "--plot", svg]) == 0
    assert main(["gate", *SIZE, *named, "--md", report, "--junit", junit]) == 4
    for path in outputs:
        if path.suffix != ".png":
            assert path.read_bytes().decode("utf-8")
    assert set(json.loads(Path(values).read_text())["variants"]) == {"\ufffda", "\ufffdb"}
