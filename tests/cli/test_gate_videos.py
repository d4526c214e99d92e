"""``iouviewer gate`` on several videos: projects, or several ``--gt`` with their own videos and predictions."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.metrics.table import BoxTable
from iouviewer.project.store import ProjectFile
from tests.cli.helpers import write_random_boxes

FRAMES = 620
SIZE = ["--size", "400x400", "--count", str(FRAMES)]


def video(folder: Path, name: str, *, frames: int = FRAMES, **shifts: float) -> list[str]:
    """The arguments of one video: ground truth, and one variant per shift."""
    arguments = ["--gt", str(write_random_boxes(folder / f"{name}_gt.csv", 0.0, scores=False, frames=frames))]
    for variant, shift in shifts.items():
        arguments += [
            "--pred",
            f"{variant}={write_random_boxes(folder / f'{name}_{variant}.csv', shift, frames=frames)}",
        ]
    return arguments


def test_two_videos_are_judged_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = (video(tmp_path, name, base=4.0, same=4.0) for name in "ab")
    report, junit = tmp_path / "o.md", tmp_path / "o.xml"
    assert main(["gate", *SIZE, *a, *b, "--md", str(report), "--junit", str(junit)]) == 0
    output = capsys.readouterr().out
    assert "same: PASS against base" in output
    assert "1,240 frames, on 2 videos. With only 2 videos the interval is wide" in output
    assert [line.split() for line in output.splitlines() if line.startswith("  ") and ".csv" in line] == [
        ["a_gt.csv", "620", "0.0", "0.0", "0.0"],
        ["b_gt.csv", "620", "0.0", "0.0", "0.0"],
    ]
    assert "| same | b\\_gt.csv | 620 | 0.0 | 0.0 | 0.0 |" in report.read_text()
    assert report.read_text().startswith("## iouviewer gate: 2 videos\n")
    properties = {p.get("name"): p.get("value") for p in ElementTree.parse(junit).iter("property")}
    assert properties["a_gt.csv: frames"] == "620"
    assert properties["b_gt.csv: ap"] == "0"


def test_a_variant_that_is_worse_in_one_video_does_not_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = video(tmp_path, "a", base=4.0, other=4.0)
    b = video(tmp_path, "b", base=4.0, other=14.0)
    assert main(["gate", *SIZE, *a, *b]) == 4
    output = capsys.readouterr().out
    assert "UNDECIDED" in output
    assert "With only 2 videos the interval is wide" in output


def test_each_video_may_have_its_own_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = video(tmp_path, "a", base=4.0, same=4.0), video(tmp_path, "b", frames=700, base=4.0, same=4.0)
    arguments = ["gate", "--size", "400x400", "--frames", "0:610", *a, "--count", "620", *b, "--count", "700"]
    assert main([*arguments, "--frames", "20:700"]) == 0
    assert "1,290 frames, on 2 videos" in capsys.readouterr().out
    assert main([*arguments, "--frames", "20:701"]) == 2
    assert "there are 700 frames" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["other", "base"])
def test_a_variant_missing_from_one_video_cannot_be_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    a = video(tmp_path, "a", base=4.0, other=4.0, third=4.0)
    b = video(tmp_path, "b", **{n: 4.0 for n in ("base", "other", "third") if n != name})
    assert main(["gate", *SIZE, *a, *b]) == 2
    output = capsys.readouterr()
    if name == "base":
        assert "the baseline 'base' is not a variant in b_gt.csv" in output.err
        assert output.out == ""
    else:
        assert "other: cannot be judged against base: the variant is missing in b_gt.csv" in output.out
        assert "third: PASS" in output.out  # the other variants are still judged


def test_a_variant_without_scores_in_one_video_has_no_ap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = (video(tmp_path, name, base=4.0, other=4.0) for name in "ab")
    write_random_boxes(tmp_path / "b_other.csv", 4.0, scores=False, frames=FRAMES)
    assert main(["gate", *SIZE, *a, *b]) == 2
    output = capsys.readouterr().out
    assert "ap undefined without scores in b_gt.csv" in output
    assert "Note: b_gt.csv: other: without scores" in output
    assert main(["gate", *SIZE, *a, *b, "--margin", "pq=1"]) == 0


def test_a_video_without_labelled_frames_cannot_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = (video(tmp_path, name, base=4.0, other=4.0) for name in "ab")
    (tmp_path / "b_gt.csv").write_text("frameID,x1,y1,x2,y2\n")
    assert main(["gate", *SIZE, "--missing", "unlabelled", *a, *b]) == 2
    assert "no labelled frame that both cover in b_gt.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda a, b: ["--pred", "x=x.csv", *a, *b], "after the --gt of its video"),
        (lambda a, b: ["--video", "x.mp4", *a, *b], "after the --gt of its video"),
        (lambda a, b: ["x.mp4", "y.mp4", *a, *b], "Give each video as --video after its --gt"),
        (lambda a, b: ["x.mp4", *a, *b], "Give each video as --video after its --gt"),
        (lambda a, b: ["x.mp4", *a, "--video", "y.mp4"], "Give each video as --video after its --gt"),
        (lambda a, b: ["x.mp4", "y.iouv", *a], "projects and videos cannot be mixed"),
        (lambda a, b: ["x.iouv", *a], "a project has its own ground truth"),
        (lambda a, b: [*a, *a], "given twice"),
        (lambda a, b: [*a, b[0], b[1]], "no predictions to score"),
        (lambda a, b: [*a, *b, "--md", "nowhere/o.md"], "the folder for this file does not exist"),
    ],
)
def test_ambiguous_arguments_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], change, part: str) -> None:
    a, b = (video(tmp_path, name, frames=30, base=4.0, other=4.0) for name in "ab")
    assert main(["gate", "--size", "400x400", "--count", "30", *change(a, b)]) == 2
    assert part in capsys.readouterr().err


def test_with_one_ground_truth_the_order_does_not_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gt, path, *preds = video(tmp_path, "a", base=4.0, same=4.0)
    assert main(["gate", *preds, gt, path, *SIZE]) == 0
    assert "620 frames, on this video" in capsys.readouterr().out


def save(path: Path, names: tuple[str, ...], *, shift: float = 0.0, classes: tuple[str, ...] = ("car",)) -> Path:
    """A project of one object at random positions. All variants are shifted alike, the last one by ``shift`` more."""
    random = np.random.default_rng(len(path.name))
    document = Document()
    document.class_names = classes
    truth = document.add_source(Source(0, f"{path.stem}.mp4", "", 400, 400, FRAMES, 25.0))
    corner = random.uniform(10, 200, (2, FRAMES))
    boxes = np.concatenate((corner, corner + 60))
    none = np.zeros(FRAMES, np.int64)
    truth.load_columns(np.arange(FRAMES), boxes, class_ids=none, tracks=none - 1, flags=none)
    truth.load_states(np.full(FRAMES, int(FrameState.LABELLED), np.int8), np.zeros(FRAMES, np.bool_))
    variants = []
    scores = random.uniform(0.3, 1, FRAMES)
    for number, name in enumerate(names):
        moved = boxes + 4.0 + (shift if number == len(names) - 1 else 0.0)
        table = BoxTable.from_rows(np.arange(FRAMES), moved, frame_count=FRAMES, scores=scores)
        variants.append(
            Variant(f"key{number}{path.stem}", name, PredictionSet(table, np.ones(FRAMES, np.bool_)), "#888888")
        )
    project = ProjectFile.create(path, document, variants=variants, baseline=variants[0].key)
    project.load()
    project.close()
    return path


def test_variants_of_projects_are_matched_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Other keys; the class names differ only in case.
    a, b = save(tmp_path / "a.iouv", ("base", "same")), save(tmp_path / "b.iouv", ("base", "same"), classes=("Car",))
    assert main(["gate", str(a), str(b)]) == 0
    output = capsys.readouterr().out
    assert "same: PASS against base" in output
    assert "1,240 frames, on 2 videos" in output
    assert "Note" not in output
    assert main(["gate", str(a), str(b), "--frames", "0:600"]) == 0
    assert "1,200 frames" in capsys.readouterr().out


def test_projects_with_different_variants_cannot_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = save(tmp_path / "a.iouv", ("base", "same")), save(tmp_path / "b.iouv", ("base", "more"))
    assert main(["gate", str(a), str(b)]) == 2
    output = capsys.readouterr().out
    assert "same: cannot be judged against base: the variant is missing in b.iouv" in output
    assert "more: cannot be judged against base: the variant is missing in a.iouv" in output
    c = save(tmp_path / "c.iouv", ("same", "base"))
    assert main(["gate", str(a), str(c)]) == 2
    assert "different baselines: base, same" in capsys.readouterr().err
    assert main(["gate", str(a), str(c), "--baseline", "same"]) == 0
    assert main(["gate", str(a), str(tmp_path / "." / "a.iouv")]) == 2
    assert "given twice" in capsys.readouterr().err
    assert main(["gate", str(a), "--class-map", "x=y"]) == 2
    assert "--class-map applies only to files" in capsys.readouterr().err


def test_different_classes_stay_different_and_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = save(tmp_path / "a.iouv", ("base", "same")), save(tmp_path / "b.iouv", ("base", "same"), classes=("cat",))
    assert main(["gate", str(a), str(b)]) == 0
    assert "different classes (a.iouv: car; b.iouv: cat)" in capsys.readouterr().out


def test_two_real_videos_are_judged_together(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["gate"]
    for folder, name in (("pets09", "vtest.avi"), ("tud-campus", "TUD-Campus.mp4")):
        source, random = shared_data / folder / "det_frcnn.txt", np.random.default_rng(1)
        rows = [line.split(",") for line in source.read_text().splitlines()]
        worse = tmp_path / f"{folder}.txt"
        worse.write_text(
            "".join(f"{r[0]},{r[1]},{float(r[2]) + random.normal(0, 6):.2f},{','.join(r[3:])}\n" for r in rows)
        )
        arguments += ["--gt", str(shared_data / folder / "gt.txt"), "--video", str(shared_data / folder / name)]
        arguments += ["--pred", f"frcnn={source}", "--pred", f"copy={source}", "--pred", f"worse={worse}"]
    # The worse one loses in both videos, but not by the same amount, and two videos decide nothing then.
    assert main(arguments) == 4
    output = capsys.readouterr().out
    assert "copy: PASS against frcnn: AP 0.0 [0.0, 0.0], PQ 0.0 [0.0, 0.0]" in output
    assert "worse: UNDECIDED against frcnn" in output
    assert output.count("866 frames, on 2 videos") == 2
