"""What two runs did differently is listed beside the verdict, on every door."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.run_differences import describe_run_differences, find_run_differences, pooled_differences

RUN = {
    "imgsz": [640, 640],
    "inputs": [[480, 640]],
    "nms": "run",
    "nms_iou": 0.7,
    "max_det": 300,
    "floor": 0.001,
    "device": "cpu",
    "runtime": "pytorch",
    "precision": "fp32",
    "sha256": "a" * 64,
    "video": "clip.mp4",
    "fingerprint": "f" * 32,
}
NAMES = {"base": "base", "int8": "int8", "copy": "copy"}


def run(**changes) -> PredictionSet:
    return PredictionSet.empty(1, protocol={**RUN, "sha256": "b" * 64, **changes})


DIFFERENCES = [
    ({}, {}, []),
    ({"inputs": [[640, 640]]}, {}, ["input size 640 × 640 against 640 × 480"]),
    # A project of an earlier version does not know what occurred: the size that the model was loaded with counts.
    ({"inputs": None}, {}, []),
    ({"inputs": None, "imgsz": [448, 448]}, {}, ["input size 448 × 448 against 640 × 640"]),
    ({"inputs": None, "imgsz": 448}, {}, ["input size 448 × 448 against 640 × 640"]),
    ({"nms_iou": 0.5}, {}, ["NMS IoU 0.5 against IoU 0.7"]),
    ({"nms": "model", "nms_iou": None}, {}, ["NMS in the model against IoU 0.7"]),
    ({"nms": "model", "nms_iou": 0.7}, {}, ["NMS in the model, IoU 0.7 against IoU 0.7"]),
    ({"nms": "none", "nms_iou": None}, {}, ["NMS none against IoU 0.7"]),
    ({"max_det": 77}, {}, ["max detections 77 per frame against 300 per frame"]),
    ({"floor": 0.25}, {}, ["score floor 0.25 against 0.001"]),
    ({"floor": None}, {}, ["score floor of the model against 0.001"]),
    ({"device": "0"}, {}, ["device cuda:0 against cpu"]),
    ({"device": "0"}, {"device": "cuda:0"}, []),
    (
        {"runtime": "openvino", "precision": "int8"},
        {},
        ["runtime openvino against pytorch", "precision int8 against fp32"],
    ),
    ({"sha256": "a" * 64}, {}, ["the same weights as base"]),
    ({"video": "renamed.mp4"}, {}, []),
    ({"video": "other.mp4", "fingerprint": "e" * 32}, {}, ["video other.mp4 against clip.mp4"]),
    ({"fingerprint": "e" * 32}, {}, ["video eeeeeeeeeeee against ffffffffffff"]),
    ({"video": "other.mp4", "fingerprint": None}, {}, ["video other.mp4 against clip.mp4"]),
    # What a side does not state is no difference, nor is what is not of the expected kind.
    (dict.fromkeys(RUN) | {"floor": 0.001}, {}, []),
    ({"imgsz": "big", "inputs": 3, "nms_iou": "high", "max_det": True, "device": 0, "runtime": ""}, {}, []),
]


@pytest.mark.parametrize(("variant", "baseline", "expected"), DIFFERENCES)
def test_each_fact_that_both_state_is_compared(variant, baseline, expected):
    variants = {"base": run(sha256="a" * 64, **baseline), "int8": run(**variant)}
    found = find_run_differences(variants, "int8", "base", NAMES)
    assert [one.text for one in found] == expected
    assert find_run_differences(variants, "base", "base", NAMES) == ()


def test_weights_under_a_third_name_are_told_and_files_without_a_protocol_are_not():
    variants = {"base": run(sha256="a" * 64), "int8": run(), "copy": run()}
    assert [one.text for one in find_run_differences(variants, "copy", "base", NAMES)] == ["the same weights as int8"]
    variants["int8"] = PredictionSet.empty(1)
    assert find_run_differences(variants, "int8", "base", NAMES) == ()


def test_several_videos_tell_each_difference_once_and_a_missing_variant_none():
    video = {"base": run(sha256="a" * 64), "int8": run(max_det=9)}
    found = pooled_differences([video, video, {"base": video["base"]}], "int8", "base", NAMES)
    assert describe_run_differences("int8", "base", found) == (
        "How int8 and base were run: max detections 9 per frame against 300 per frame."
    )
    assert describe_run_differences("int8", "base", ()) == ""


@pytest.fixture
def case(tmp_path) -> list[str]:
    """Ground truth of 40 frames and two runs of it, as ``predict`` writes them."""
    gt = tmp_path / "gt.csv"
    gt.write_text("frameID,x1,y1,x2,y2,class\n" + "".join(f"{f},31,2,60,35,a\n" for f in range(40)))
    found = []
    for name, changes in (("base", {"sha256": "a" * 64}), ("int8", {"max_det": 9, "notes": ["a note of the run"]})):
        images = [
            {"id": f + 1, "frame_id": f, "file_name": f"{f:06d}.jpg", "width": 64, "height": 48} for f in range(40)
        ]
        boxes = [
            {"id": f + 1, "image_id": f + 1, "category_id": 1, "bbox": [31, 2, 29, 33], "score": 0.9} for f in range(40)
        ]
        info = {"program": "iouviewer", "frame_count": 40, "protocol": {**RUN, "sha256": "b" * 64, **changes}}
        content = {"info": info, "images": images, "categories": [{"id": 1, "name": "a"}], "annotations": boxes}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content))
        found += ["--pred", f"{name}={path}"]
    return ["--gt", str(gt), *found, "--size", "64x48", "--count", "40"]


SENTENCE = "How int8 and base were run: max detections 9 per frame against 300 per frame."


def test_eval_lists_the_differences_beside_the_verdicts(case, tmp_path, capsys):
    out, html = tmp_path / "o.json", tmp_path / "o.html"
    assert main(["eval", *case, "--json", str(out), "--html", str(html)]) == 0
    text = capsys.readouterr().out
    assert text.count(SENTENCE) == 1
    assert "Note: int8: a note of the run\n" in text
    variants = json.loads(out.read_text())["variants"]
    assert variants["base"]["run_differences"] == []
    [difference] = variants["int8"]["run_differences"]
    assert (difference["what"], difference["variant"], difference["baseline"]) == (
        "max_det", "9 per frame", "300 per frame",
    )  # fmt: skip
    assert variants["int8"]["bootstrap"]["run_note"] == SENTENCE
    assert SENTENCE in html.read_text()


def test_eval_without_an_analysis_lists_them_too(case, capsys):
    assert main(["eval", *case]) == 0
    assert SENTENCE in capsys.readouterr().out


def test_gate_lists_them_in_text_markdown_and_junit(case, tmp_path, capsys):
    md, junit = tmp_path / "o.md", tmp_path / "o.xml"
    main(["gate", *case, "--md", str(md), "--junit", str(junit)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("int8: ")
    assert lines[1].strip() == SENTENCE
    assert SENTENCE in md.read_text()
    assert ElementTree.parse(junit).findtext("testcase/system-out") == SENTENCE


def test_notes_of_a_run_are_refused_on_request(case, capsys):
    assert main(["eval", *case, "--strict"]) == 2
    assert "a note of the run" in capsys.readouterr().err


def test_numbers_do_not_depend_on_what_is_told(case, tmp_path):
    out = tmp_path / "o.json"
    assert main(["eval", *case, "--json", str(out)]) == 0
    values = json.loads(out.read_text())["variants"]
    assert np.isclose(values["int8"]["ap"], values["base"]["ap"])
