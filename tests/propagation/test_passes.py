"""Passes follow a made object: along its course, behind a cover, out of the picture, beside a rival."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from iouviewer.metrics.iou import iou_aligned
from iouviewer.propagation.carry import NO_BOXES, Pass, SceneCutFinder, StopReason
from iouviewer.propagation.features import CHANNELS, PatchShape, cut_patch, find_features
from iouviewer.propagation.fill import fill, interpolate, join_passes, smooth_pass
from iouviewer.propagation.guide import Bias, Guide
from tests.propagation.clips import SIZE, Clip, make_clip, weaving

Boxes = NDArray[np.float64]


def ious(found: Boxes, truth: Boxes) -> Boxes:
    return iou_aligned(np.asarray(found).T, np.asarray(truth).T)


def follow(clip: Clip, frames: range, detections: dict[int, Boxes] | None = None) -> tuple[Boxes, Pass]:
    """The boxes of a pass over the frames after the first one, until it stops."""
    start, *rest = frames

    def found(frame: int) -> Boxes | None:
        return None if detections is None else detections.get(frame, NO_BOXES)

    follower, boxes = Pass(clip.images[start], clip.boxes[start], found(start)), []
    for frame in rest:
        carried = follower.step(clip.images[frame], found(frame))
        if carried is None:
            break
        boxes.append(carried.box)
    return np.array(boxes), follower


@pytest.mark.parametrize("frames", [range(45), range(44, -1, -1)], ids=["forwards", "backwards"])
def test_a_pass_follows_a_weaving_object(frames: range) -> None:
    clip = make_clip(45)
    boxes, follower = follow(clip, frames)
    assert len(boxes) == 44 and follower.stopped is None
    assert ious(boxes, clip.boxes[list(frames)[1:]]).min() > 0.8


def test_a_hidden_object_is_found_again_where_it_was_going() -> None:
    clip = make_clip(40, lambda frame: (20 + 5.0 * frame, 90.0), cover=range(14, 20))
    boxes, follower = follow(clip, range(40))
    assert follower.stopped is None
    assert ious(boxes[22:], clip.boxes[23:]).min() > 0.6


def test_a_pass_stops_where_the_object_leaves_the_picture() -> None:
    clip = make_clip(45, lambda frame: (200 + 6.0 * frame, 90.0))
    boxes, follower = follow(clip, range(45))
    assert follower.stopped is StopReason.LEFT
    assert 10 < len(boxes) < 25


def test_a_pass_stops_where_the_object_does_not_come_back() -> None:
    clip = make_clip(45, lambda frame: (100 + 1.0 * frame, 90.0), cover=range(15, 45))
    boxes, follower = follow(clip, range(45))
    assert follower.stopped is StopReason.LOST
    assert follower.hidden_frames > 5 and len(boxes) < 40


def test_a_rival_that_covers_the_object_does_not_take_its_box() -> None:
    """A twin walks the other way, over the object; its detections never become the object's."""
    clip = make_clip(36, lambda frame: (40 + 5.0 * frame, 90.0))
    twin = make_clip(36, lambda frame: (220 - 5.0 * frame, 92.0)).boxes
    for frame, image in enumerate(clip.images):
        x1, y1, x2, y2 = (round(value) for value in twin[frame])
        image[y1:y2, x1:x2] = image[120:121, :1] // 2
    overlaps = ious(clip.boxes, twin)
    detections = {
        frame: np.stack([twin[frame]] if overlaps[frame] > 0.3 else [clip.boxes[frame], twin[frame]])
        for frame in range(36)
    }
    boxes, follower = follow(clip, range(36), detections)
    assert follower.stopped is None
    assert ious(boxes[-5:], clip.boxes[-5:]).min() > 0.6


def test_the_usual_difference_of_a_model_is_removed() -> None:
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 200, (30, 2))
    truth = np.concatenate([corners, corners + rng.uniform(20, 80, (30, 2))], axis=1)
    sizes = truth[:, 2:] - truth[:, :2]
    wide = truth + np.concatenate([-0.1 * sizes, 0.1 * sizes], axis=1)
    np.testing.assert_allclose(Bias.from_pairs(wide, truth).correct(wide), truth, atol=1e-9)
    few = Bias.from_pairs(wide[:7], truth[:7])
    np.testing.assert_array_equal(few.correct(wide), wide)


def test_a_detection_that_could_be_two_objects_is_no_guide() -> None:
    box = np.array([100.0, 100.0, 140.0, 180.0])
    guide = Guide(box, NO_BOXES)
    sighting = guide.find(box, np.array([[108.0, 100, 148, 180], [92, 100, 132, 180]]), seen=True)
    assert sighting.is_ambiguous and sighting.box is None
    clear = guide.find(box, np.array([[104.0, 100, 144, 180]]), seen=True)
    assert clear.box is not None and clear.overlap > 0.8


def test_frames_between_two_keys_follow_the_object_and_a_straight_line_does_not() -> None:
    clip = make_clip(21)
    filled = fill(clip.images.__getitem__, range(21), clip.boxes[0], clip.boxes[20])
    assert filled is not None and len(filled.boxes) == 19
    straight = interpolate(clip.boxes[0], clip.boxes[20], 19)
    assert ious(filled.boxes, clip.boxes[1:20]).min() > 0.8
    assert ious(straight, clip.boxes[1:20]).min() < 0.4
    assert not filled.disagrees.any()


def test_passes_that_miss_the_far_key_leave_a_straight_line_that_is_flagged() -> None:
    clip = make_clip(21, cover=range(4, 17))
    first, last = clip.boxes[0], np.array([10.0, 170.0, 46.0, 230.0])
    filled = fill(clip.images.__getitem__, range(21), first, last)
    assert filled is not None and filled.disagrees.all()
    np.testing.assert_allclose(filled.boxes, interpolate(first, last, 19), atol=1.0)


def test_two_passes_that_lost_their_way_are_joined_where_they_meet() -> None:
    clip = make_clip(21)
    forward, backward = clip.boxes[1:].copy(), clip.boxes[:-1].copy()
    forward[12:] = forward[12] + 200  # lost after frame 12
    backward[:8] = np.nan  # lost before frame 8
    joined, disagrees = join_passes(forward, backward, clip.boxes[0], clip.boxes[20])
    assert ious(joined, clip.boxes[1:20]).min() > 0.95
    assert 0 < disagrees.sum() <= 7 and disagrees[8:12].any()


def test_a_pass_that_arrives_is_used_where_the_other_does_not() -> None:
    clip = make_clip(21)
    forward, backward = clip.boxes[1:] + 2.0, np.full((20, 4), np.nan)
    joined, disagrees = join_passes(forward, backward, clip.boxes[0], clip.boxes[20])
    assert ious(joined, clip.boxes[1:20]).min() > 0.8 and not disagrees.any()
    off = iou_aligned(joined[[-1]].T, clip.boxes[[19]].T)[0]
    assert off > ious(forward[[18]], clip.boxes[[19]])[0], "its error at the far end is spread"


def test_fill_asks_before_each_frame_whether_to_stop() -> None:
    clip, asked = make_clip(21), []

    def is_cancelled() -> bool:
        asked.append(None)
        return len(asked) > 5

    assert fill(clip.images.__getitem__, range(21), clip.boxes[0], clip.boxes[20], is_cancelled=is_cancelled) is None
    assert len(asked) < 10


def test_two_keys_without_frames_between_need_nothing() -> None:
    clip = make_clip(2)
    filled = fill(clip.images.__getitem__, range(2), clip.boxes[0], clip.boxes[1])
    assert filled is not None and filled.boxes.shape == (0, 4)


def test_a_cut_is_found_and_movement_is_not_one() -> None:
    clip, finder = make_clip(30, cut=20), SceneCutFinder()
    assert [frame for frame, image in enumerate(clip.images) if finder.is_cut(image)] == [20]


@pytest.mark.parametrize("scale", [1, 3, 10], ids=lambda scale: f"{scale}x")
def test_a_patch_shows_its_window_at_any_size_of_the_frame(scale: int) -> None:
    """A bright half stays the right half of the patch, also where the window reaches beyond the frame."""
    image = np.zeros((40 * scale, 60 * scale, 3), np.uint8)
    image[:, 30 * scale :] = 200
    shape = PatchShape.for_window(40 * scale, 40 * scale)
    patch = cut_patch(image, (30.0 * scale, 20.0 * scale), (40.0 * scale, 40.0 * scale), shape)
    columns = patch[:, :, 0].mean(0)
    middle = len(columns) // 2
    assert columns[: middle - 2].max() < 20 and columns[middle + 2 :].min() > 180
    beyond = cut_patch(image, (60.0 * scale, 20.0 * scale), (40.0 * scale, 40.0 * scale), shape)
    assert beyond[:, -1, 0].min() > 180
    assert find_features(patch, shape).shape == (CHANNELS, shape.rows, shape.columns)


def test_the_object_of_the_clips_has_the_size_of_its_boxes() -> None:
    clip = make_clip(1, weaving)
    assert tuple(clip.boxes[0, 2:] - clip.boxes[0, :2]) == SIZE


def test_a_pass_is_smoothed_after_its_end_and_begins_at_its_box() -> None:
    rng = np.random.default_rng(4)
    frames = np.arange(41)
    course = np.where(frames < 20, 3.0 * frames, 60.0 - 1.0 * (frames - 20))
    true = np.stack([course, course * 0 + 10, course + 30, course * 0 + 90], axis=1)
    noisy = true[1:] + rng.normal(0, 1.5, (40, 4))
    found = smooth_pass(true[0], noisy, range(1, 41), None)
    assert np.abs(found - true[1:]).mean() < 0.6 * np.abs(noisy - true[1:]).mean()
    assert np.abs(found[0] - true[1]).max() < 2.0
    assert smooth_pass(true[0], noisy[:1], range(1, 2), None).tolist() == noisy[:1].tolist()
    # What a model sees pulls the boxes towards it.
    seen = smooth_pass(true[0], noisy + 4.0, range(1, 41), lambda frame: true[frame][None])
    assert np.abs(seen - true[1:]).mean() < np.abs(noisy + 4.0 - true[1:]).mean() - 0.8
