"""``iouviewer eval`` from files to files: the source article's example and golden values of real video."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iouviewer.cli import main

GT = {0: (50, 50, 200, 200), 1: (30, 30, 180, 180)}
PRED = {0: (60, 60, 190, 190), 1: (35, 35, 175, 175)}


def box_csv(path: Path, boxes: dict[int, tuple[int, ...]], frames: int) -> Path:
    """The article's boxes: one on even frames, one on odd frames."""
    rows = [f"{f}," + ",".join(map(str, boxes[f % 2])) for f in range(frames)]
    path.write_text("frameID,x1,y1,x2,y2\n" + "\n".join(rows) + "\n")
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def variants_of(path: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(path.read_text())["variants"]
    return values


class TestTheArticlesExample:
    @pytest.fixture
    def arguments(self, tmp_path: Path) -> list[str]:
        gt = box_csv(tmp_path / "gt.csv", GT, 10)
        pred = box_csv(tmp_path / "pred.csv", PRED, 10)
        return ["eval", "--size", "640x480", "--count", "10", "--gt", str(gt), "--pred", f"yolo={pred}"]

    def test_inclusive_numbers_csv_plot_and_sentence(
        self, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out, plot = tmp_path / "iou_video_scores.csv", tmp_path / "iou_plot.png"
        assert main([*arguments, "--convention", "inclusive", "--csv", str(out), "--plot", str(plot)]) == 0
        output = capsys.readouterr()
        assert output.out.endswith("Average IoU across video: 0.81\n")
        assert output.err == ""
        with out.open(newline="") as file:
            assert next(csv.reader(file))[:2] == ["frameID", "iou"]
        rows = read_csv(out)
        assert [row["frameID"] for row in rows] == [str(f) for f in range(10)]
        even, odd = 131 * 131 / (151 * 151), 141 * 141 / (151 * 151)
        assert [float(row["iou"]) for row in rows] == pytest.approx([even, odd] * 5, abs=1e-9)
        assert f"{even:.6f} {odd:.6f}" == "0.752642 0.871935"
        assert plot.read_bytes().startswith(b"\x89PNG")

    def test_continuous_is_the_default(self, arguments: list[str], tmp_path: Path) -> None:
        out = tmp_path / "o.csv"
        assert main([*arguments, "--csv", str(out)]) == 0
        ious = [float(row["iou"]) for row in read_csv(out)]
        assert ious == pytest.approx([130 * 130 / 150 / 150, 140 * 140 / 150 / 150] * 5, abs=1e-9)

    def test_ap_of_predictions_without_scores_is_null(self, arguments: list[str], tmp_path: Path) -> None:
        out = tmp_path / "o.json"
        assert main([*arguments, "--json", str(out)]) == 0
        yolo = variants_of(out)["yolo"]
        assert (yolo["ap"], yolo["ap50"], yolo["ap75"], yolo["ar100"], yolo["ap_floor"]) == (None,) * 5
        assert yolo["ap_reason"] == "no_scores"
        assert (yolo["tp"], yolo["fp"], yolo["fn"], yolo["pq"]) == (10, 0, 0, pytest.approx((0.751111 + 0.871111) / 2))

    def test_the_svg_plot_shows_the_average(self, arguments: list[str], tmp_path: Path) -> None:
        plot = tmp_path / "p.svg"
        assert main([*arguments, "--plot", str(plot)]) == 0
        assert "Average IoU = 0.81" in plot.read_text()


GOLDEN = {
    ("pets09", "0.25"): (0.578275, 0.572919, 0.668931, 0.533380, 3506, 812, 970),
    ("pets09", "0.9"): (0.549115, 0.540373, 0.670993, 0.531126, 3317, 588, 1159),
    ("tud-campus", "0.25"): (0.570258, 0.569853, 0.735917, 0.571418, 264, 57, 95),
    ("tud-campus", "0.9"): (0.503875, 0.503764, 0.741394, 0.574762, 238, 17, 121),
}
GOLDEN_AP = {
    "pets09": (0.208007, 0.707452, 0.042451, 0.304714),
    "tud-campus": (0.312494, 0.710916, 0.235690, 0.384123),
}
VIDEOS = {"pets09": "vtest.avi", "tud-campus": "TUD-Campus.mp4"}


def golden_arguments(shared_data: Path, name: str) -> list[str]:
    folder = shared_data / name
    video, gt, pred = folder / VIDEOS[name], folder / "gt.txt", folder / "det_frcnn.txt"
    return ["eval", str(video), "--gt", str(gt), "--pred", f"frcnn={pred}"]


@pytest.mark.parametrize(("name", "conf"), list(GOLDEN))
def test_golden_metrics_of_real_video(shared_data: Path, tmp_path: Path, name: str, conf: str) -> None:
    out, scores = tmp_path / "out.json", tmp_path / "out.csv"
    arguments = [*golden_arguments(shared_data, name), "--conf", conf, "--json", str(out), "--csv", str(scores)]
    assert main(arguments) == 0
    frcnn = variants_of(out)["frcnn"]
    keys = ("avg_iou", "box_iou", "tp_iou", "pq", "tp", "fp", "fn")
    assert [frcnn[key] for key in keys] == pytest.approx(GOLDEN[name, conf], abs=1e-6)
    assert [frcnn[key] for key in ("ap", "ap50", "ap75", "ar100")] == pytest.approx(GOLDEN_AP[name], abs=1e-6)
    assert frcnn["complete"] is True
    tp, fp, fn = GOLDEN[name, conf][4:]
    ratios = [tp / (tp + fp), tp / (tp + fn), 2 * tp / (2 * tp + fp + fn)]
    assert [frcnn[key] for key in ("precision", "recall", "f1")] == pytest.approx(ratios)
    rows = read_csv(scores)
    assert len(rows) == frcnn["frames"] == {"pets09": 795, "tud-campus": 71}[name]
    defined = [float(row["iou"]) for row in rows if row["iou"]]
    assert np.mean(defined) == pytest.approx(GOLDEN[name, conf][0], abs=1e-6)
    assert sum(int(row["tp:frcnn"]) for row in rows) == tp


@pytest.mark.parametrize(
    ("name", "expected"), [("pets09", (0.584428, 3558, 754)), ("tud-campus", (0.572336, 265, None))]
)
def test_golden_metrics_of_the_inclusive_convention(
    shared_data: Path, tmp_path: Path, name: str, expected: tuple[float, int, int | None]
) -> None:
    out = tmp_path / "out.json"
    arguments = [*golden_arguments(shared_data, name), "--convention", "inclusive", "--json", str(out)]
    assert main(arguments) == 0
    frcnn = variants_of(out)["frcnn"]
    assert frcnn["avg_iou"] == pytest.approx(expected[0], abs=1e-6)
    assert frcnn["tp"] == expected[1]
    assert expected[2] is None or frcnn["fp"] == expected[2]
    # COCO metrics are continuous in every convention.
    assert frcnn["ap"] == pytest.approx(GOLDEN_AP[name][0], abs=1e-6)


def pycocotools_metrics(gt_path: Path, det_path: Path) -> list[float]:
    """AP, AP50, AP75, AR100 of MOT files, computed by pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    gt_rows, det_rows = (np.loadtxt(path, delimiter=",", ndmin=2) for path in (gt_path, det_path))
    frames = sorted({*gt_rows[:, 0].astype(int).tolist(), *det_rows[:, 0].astype(int).tolist()})
    truth = COCO()
    truth.dataset = {
        "images": [{"id": f} for f in frames],
        "categories": [{"id": 1}],
        "annotations": [
            {
                "id": i,
                "image_id": int(r[0]),
                "category_id": 1,
                "bbox": r[2:6].tolist(),
                "area": r[4] * r[5],
                "iscrowd": int(r[6] == 0),
            }
            for i, r in enumerate(gt_rows, start=1)
        ],
    }
    truth.createIndex()
    found = truth.loadRes(
        [{"image_id": int(r[0]), "category_id": 1, "bbox": r[2:6].tolist(), "score": r[6]} for r in det_rows]
    )
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(evaluation.stats[i]) for i in (0, 1, 2, 8)]


@pytest.mark.parametrize("name", list(VIDEOS))
def test_ap_equals_pycocotools_on_real_data(
    shared_data: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main([*golden_arguments(shared_data, name), "--json", str(out)]) == 0
    frcnn = variants_of(out)["frcnn"]
    expected = pycocotools_metrics(shared_data / name / "gt.txt", shared_data / name / "det_frcnn.txt")
    assert [frcnn[key] for key in ("ap", "ap50", "ap75", "ar100")] == pytest.approx(expected, abs=1e-9)


def test_ap_of_cut_predictions_is_marked_as_a_lower_bound(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main([*golden_arguments(shared_data, "tud-campus"), "--json", str(out)]) == 0
    floor = np.loadtxt(shared_data / "tud-campus" / "det_frcnn.txt", delimiter=",")[:, 6].min()
    assert variants_of(out)["frcnn"]["ap_floor"] == pytest.approx(floor)
    assert f">= 0.312 (cut at {floor:.4g})" in capsys.readouterr().out


def test_the_same_input_gives_the_same_bytes(shared_data: Path, tmp_path: Path) -> None:
    written = []
    for turn in range(2):
        files = [tmp_path / f"{turn}.{end}" for end in ("json", "csv", "svg", "png", "html")]
        pairs = tmp_path / f"{turn}.pairs.csv"
        options = ["--json", files[0], "--csv", files[1], "--plot", files[2], "--html", files[4], "--pairs", pairs]
        assert main([*golden_arguments(shared_data, "tud-campus"), *map(str, options)]) == 0
        written.append([file.read_bytes() for file in (files[0], files[1], files[2], files[4], pairs)])
    assert written[0] == written[1]


def test_a_range_of_frames_counts_only_those(shared_data: Path, tmp_path: Path) -> None:
    out, scores = tmp_path / "o.json", tmp_path / "o.csv"
    arguments = [*golden_arguments(shared_data, "pets09"), "--frames", "480:795"]
    assert main([*arguments, "--json", str(out), "--csv", str(scores)]) == 0
    assert variants_of(out)["frcnn"]["frames"] == 315
    rows = read_csv(scores)
    assert (rows[0]["frameID"], rows[-1]["frameID"], len(rows)) == ("480", "794", 315)
    assert json.loads(out.read_text())["protocol"]["frames"] == "480:795"


def test_a_list_of_frames_is_recorded_with_a_warning(shared_data: Path, tmp_path: Path) -> None:
    hard, out = tmp_path / "hard.txt", tmp_path / "o.json"
    hard.write_text("3\n10:20\n")
    arguments = [*golden_arguments(shared_data, "tud-campus"), "--frames", f"@{hard}"]
    assert main([*arguments, "--json", str(out)]) == 0
    protocol = json.loads(out.read_text())["protocol"]
    assert (protocol["frames"], protocol["chosen_frames"]) == (f"@{hard}", 11)
    assert any("do not estimate the whole video" in warning for warning in protocol["warnings"])


def test_json_and_html_explain_the_metrics(shared_data: Path, tmp_path: Path) -> None:
    folder, out, page = shared_data / "tud-campus", tmp_path / "o.json", tmp_path / "o.html"
    half = tmp_path / "half.txt"
    half.write_text("".join((folder / "det_frcnn.txt").read_text().splitlines(keepends=True)[::2]))
    arguments = [*golden_arguments(shared_data, "tud-campus"), "--pred", f"half={half}"]
    assert main([*arguments, "--json", str(out), "--html", str(page)]) == 0
    variants = variants_of(out)
    assert {"per_class", "size", "errors", "temporal", "bootstrap", "pr", "reconcile"} <= set(variants["half"])
    assert variants["frcnn"]["bootstrap"] is None
    assert variants["half"]["bootstrap"]["outcome"] in {"FAIL", "UNDECIDED"}
    assert variants["half"]["errors"]["counts"]["Miss"] > variants["frcnn"]["errors"]["counts"]["Miss"]
    text = page.read_text()
    for heading in ("Verdicts", "Errors", "By size", "Over time", "Precision and recall", "different AP"):
        assert heading in text
    assert variants["half"]["bootstrap"]["sentence"].split(":")[0] + ":" in text
    assert "nan" not in re.sub(r"base64,[^\"]*", "", text).replace("dominant", "")
