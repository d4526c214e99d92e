"""Predictions that say they belong to another video are refused with both names; what is not certain is no reason."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.document.imported import ImportedBoxes, ImportKind, VideoFacts
from iouviewer.formats.file_facts import apply_choices
from iouviewer.formats.interface import ReadContext, UncertainReadingError
from iouviewer.formats.registry import read_boxes

VIDEO = ReadContext(video_stem="clip", video_path="/v/clip.mp4", fingerprint="aa" * 16, frame_count=9)
RUN = {"protocol": {"model": "m.pt"}}


def predictions(tmp_path, name="p.json", **more):
    none = np.zeros(0, np.int64)
    known = {"format": "coco", "kind": ImportKind.PREDICTIONS, "class_names": (), "scores": np.zeros(0)} | more
    return ImportedBoxes(
        path=tmp_path / name, frames=none, boxes=np.zeros((4, 0)), class_ids=none, track_ids=none, flags=none, **known
    )


OTHERS = [
    ({"facts": VideoFacts(video_name="other.mp4"), **RUN}, ["other.mp4", "clip"]),
    ({"protocol": {"video": "other.mp4"}}, ["other.mp4", "clip"]),
    ({"facts": VideoFacts(video_name="night/other.MOV")}, ["other.MOV", "clip"]),
    ({"protocol": {"video": "other.mp4", "fingerprint": "bb" * 16}}, ["other.mp4", "clip"]),
    ({"protocol": {"video": "clip.mp4", "fingerprint": "bb" * 16}}, ["clip.mp4", "bbbbbbbb", "aaaaaaaa"]),
]


@pytest.mark.parametrize(("stated", "words"), OTHERS)
def test_another_video_is_refused_with_both_names(tmp_path, stated, words):
    found = predictions(tmp_path, **stated)
    with pytest.raises(UncertainReadingError) as caught:
        apply_choices(found, VIDEO)
    text = str(caught.value)
    assert all(word in text for word in [*words, "--accept-differences"])
    assert "\n" not in text
    assert apply_choices(found, replace(VIDEO, accept_differences=True)) is found


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"facts": VideoFacts(video_name="clip.avi"), **RUN},
        {"facts": VideoFacts(video_name="1a2b3c4d-clip.mp4"), **RUN},
        # A renamed copy: the content counts.
        {"facts": VideoFacts(video_name="other.mp4"), "protocol": {"fingerprint": "aa" * 16}},
        # Other tools name sequences as they like.
        {"facts": VideoFacts(video_name="train/sequence 7")},
        {"facts": VideoFacts(video_name="other.mp4"), "format": "labelstudio"},
        {"facts": VideoFacts(video_name="other.mp4"), "kind": ImportKind.GROUND_TRUTH},
        {"format": "mot", "facts": VideoFacts(video_name="PETS09-S2L1")},
    ],
)
def test_what_is_not_certain_is_not_questioned(tmp_path, stated):
    found = predictions(tmp_path, **stated)
    assert apply_choices(found, VIDEO) is found


def test_the_content_of_a_folder_may_change_and_without_a_video_nothing_is_compared(tmp_path):
    found = predictions(tmp_path, protocol={"video": "clip", "fingerprint": "bb" * 16})
    assert apply_choices(found, replace(VIDEO, image_names=("a.png",))) is found
    assert apply_choices(found, ReadContext()) is found


def test_a_video_that_the_user_chose_by_name_is_not_questioned(tmp_path):
    found = predictions(tmp_path, facts=VideoFacts(video_name="Friday.mp4"))
    assert apply_choices(found, replace(VIDEO, task="Friday.mp4")) is found


@pytest.mark.parametrize(
    ("file", "video", "refused"),
    [
        ("MOT17-04-FRCNN.txt", "/d/MOT17-02-FRCNN/img1", True),
        ("MOT17-02-DPM.txt", "/d/MOT17-02-FRCNN/img1", False),
        ("MOT16-02.txt", "/d/MOT17-02-SDP.mp4", False),
        ("dancetrack0004.txt", "/d/dancetrack0007.mp4", True),
        ("MOT17-04-FRCNN.txt", "/d/street.mp4", False),
        ("results.txt", "/d/MOT17-02-FRCNN/img1", False),
        ("MOT17-04/det/det.txt", "/d/MOT17-04-SDP/img1", False),
    ],
)
def test_results_of_another_sequence_of_a_benchmark_are_refused(tmp_path, file, video, refused):
    context = ReadContext(video_stem="img1", video_path=video)
    found = predictions(tmp_path, file, format="mot")
    if not refused:
        assert apply_choices(found, context) is found
        return
    with pytest.raises(UncertainReadingError, match=r"belongs to the video \S+, not to \S+"):
        apply_choices(found, context)


def test_the_info_of_coco_results_names_their_video(tmp_path):
    path = tmp_path / "p.json"
    entry = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}
    path.write_text(json.dumps({"info": {"video": "other.mp4"}, "annotations": [entry]}))
    with pytest.raises(UncertainReadingError, match=r"other\.mp4, not to clip"):
        read_boxes(path, replace(VIDEO, kind=ImportKind.PREDICTIONS))
    assert len(read_boxes(path, replace(VIDEO, kind=ImportKind.PREDICTIONS, accept_differences=True))) == 1


def test_eval_refuses_results_of_another_video_unless_told_otherwise(tmp_path, capsys):
    cv2 = pytest.importorskip("cv2")
    for name in ("day", "night"):
        (tmp_path / name).mkdir()
        for frame in range(3):
            cv2.imwrite(str(tmp_path / name / f"{frame:06d}.png"), np.full((40, 60, 3), 50, np.uint8))
    gt, pred = tmp_path / "gt.csv", tmp_path / "p.json"
    gt.write_text("frameID,x1,y1,x2,y2\n0,1,2,30,35\n")
    info = {"program": "iouviewer", "frame_count": 3, "protocol": {"video": "night", "floor": 0.001}}
    image = {"id": 1, "frame_id": 0, "file_name": "000000.png", "width": 60, "height": 40}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 29, 33], "score": 0.9}
    content = {"info": info, "images": [image], "categories": [{"id": 1, "name": "a"}], "annotations": [box]}
    pred.write_text(json.dumps(content))
    arguments = ["eval", str(tmp_path / "day"), "--gt", str(gt), "--pred", f"m={pred}", "--class-agnostic"]
    assert main(arguments) == 2
    assert "it belongs to the video night, not to day" in capsys.readouterr().err
    assert main([*arguments, "--accept-differences"]) == 0
