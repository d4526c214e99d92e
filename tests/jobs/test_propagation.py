"""Propagation on a video file: the reasons for its end, guidance, several boxes at once, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.document.boxes import Rect
from iouviewer.errors import UserError
from iouviewer.jobs.propagation import Guidance, PropagationRequest, StartBox, find_bias, propagate
from iouviewer.metrics.iou import iou_aligned
from iouviewer.metrics.table import BoxTable
from iouviewer.propagation.carry import StopReason
from iouviewer.video.opening import open_video
from tests.propagation.clips import Clip, make_clip


def rect(values: np.ndarray) -> Rect:
    x1, y1, x2, y2 = values.tolist()
    return x1, y1, x2, y2


def request(path: Path, clip: Clip, frame: int, last: int, **more: object) -> PropagationRequest:
    reader = open_video(path)
    digest = reader.index_digest
    reader.close()
    start = StartBox(1, rect(clip.boxes[frame]), last)
    return PropagationRequest(path, digest, frame, (start,), 1 if last > frame else -1, **more)  # type: ignore[arg-type]


def table(boxes: np.ndarray, scores: float = 0.9) -> BoxTable:
    count = len(boxes)
    return BoxTable.from_rows(np.arange(count), boxes.T, frame_count=count, scores=np.full(count, scores))


@pytest.mark.parametrize(("frame", "last"), [(0, 25), (25, 0)])
def test_a_pass_ends_at_the_last_frame_asked_for(tmp_path: Path, frame: int, last: int) -> None:
    clip = make_clip(30)
    path = clip.write(tmp_path / "clip.avi")
    reported = []
    result = propagate(request(path, clip, frame, last), lambda at, boxes: reported.append((at, dict(boxes))))
    found = result.boxes[1]
    assert result.reasons == {1: StopReason.REACHED}
    step = 1 if last > frame else -1
    assert [box.frame for box in found] == list(range(frame + step, last + step, step))
    boxes = np.array([box.rect for box in found])
    # Reported as they are found; smoothed once the pass has ended.
    assert [at for at, _boxes in reported] == [box.frame for box in found]
    seen = np.array([there[1] for _at, there in reported])
    assert iou_aligned(boxes.T, seen.T).min() > 0.8
    assert iou_aligned(boxes.T, clip.boxes[[box.frame for box in found]].T).min() > 0.7


def test_a_scene_cut_ends_every_pass(tmp_path: Path) -> None:
    clip = make_clip(30, cut=12)
    path = clip.write(tmp_path / "clip.avi")
    result = propagate(request(path, clip, 0, 25))
    assert result.reasons == {1: StopReason.SCENE_CUT}
    assert result.boxes[1][-1].frame == 11


def test_boxes_that_coasted_before_the_loss_are_dropped(tmp_path: Path) -> None:
    clip = make_clip(45, lambda frame: (100 + 1.0 * frame, 90.0), cover=range(15, 45))
    path = clip.write(tmp_path / "clip.avi")
    result = propagate(request(path, clip, 0, 44))
    assert result.reasons == {1: StopReason.LOST}
    assert 10 <= result.boxes[1][-1].frame <= 18


def test_a_span_between_two_keys_is_filled_from_both_ends(tmp_path: Path) -> None:
    clip = make_clip(21)
    path = clip.write(tmp_path / "clip.avi")
    plain = request(path, clip, 0, 20)
    start = StartBox(1, rect(clip.boxes[0]), 20, rect(clip.boxes[20]))
    result = propagate(PropagationRequest(path, plain.index_digest, 0, (start,)))
    assert result.reasons == {1: StopReason.NEXT_KEY}
    assert [box.frame for box in result.boxes[1]] == list(range(1, 20))


def test_several_boxes_share_one_decoding_and_end_each_on_its_own(tmp_path: Path) -> None:
    clip = make_clip(30)
    path = clip.write(tmp_path / "clip.avi")
    plain = request(path, clip, 0, 20)
    starts = (plain.starts[0], StartBox(2, rect(clip.boxes[0]), 5))
    reported = []
    result = propagate(
        PropagationRequest(path, plain.index_digest, 0, starts), lambda at, boxes: reported.append((at, sorted(boxes)))
    )
    assert (len(result.boxes[1]), len(result.boxes[2])) == (20, 5)
    assert [at for at, _ in reported] == list(range(1, 21))
    assert reported[4] == (5, [1, 2]) and reported[5] == (6, [1])


def test_guidance_keeps_a_box_on_an_object_that_the_picture_hides(tmp_path: Path) -> None:
    clip = make_clip(40, cover=range(10, 35))
    path = clip.write(tmp_path / "clip.avi")
    guidance = Guidance(table(clip.boxes), 0.25)
    result = propagate(request(path, clip, 0, 39, guidance=guidance))
    found = result.boxes[1]
    assert result.reasons == {1: StopReason.REACHED}
    assert iou_aligned(np.array([box.rect for box in found]).T, clip.boxes[1:].T).min() > 0.5
    faint = Guidance(table(clip.boxes, 0.1), 0.25)
    assert not len(faint.detections(5)) and len(guidance.detections(5)) == 1


def test_the_bias_comes_from_labelled_frames_alone() -> None:
    boxes = make_clip(30).boxes
    wide = boxes + np.array([-5.0, 0, 5, 0])
    bias = find_bias(table(boxes), range(20), table(wide), 0.25)
    np.testing.assert_allclose(bias.correct(wide), boxes, atol=1e-9)
    assert not find_bias(table(boxes), [], table(wide), 0.25).edges.any()
    assert not find_bias(table(boxes), range(20), table(wide, 0.1), 0.25).edges.any()


def test_another_numbering_is_refused(tmp_path: Path) -> None:
    clip = make_clip(10)
    path = clip.write(tmp_path / "clip.avi")
    plain = request(path, clip, 0, 9)
    with pytest.raises(UserError, match="frame numbers"):
        propagate(PropagationRequest(path, "other", 0, plain.starts))


def test_a_cancelled_pass_keeps_what_it_found(tmp_path: Path) -> None:
    clip = make_clip(30)
    path = clip.write(tmp_path / "clip.avi")
    asked: list[None] = []

    def is_cancelled() -> bool:
        asked.append(None)
        return len(asked) > 5

    result = propagate(request(path, clip, 0, 29), is_cancelled=is_cancelled)
    assert result.reasons == {1: StopReason.CANCELLED}
    assert len(result.boxes[1]) == 5
