"""Boxes are linked into tracks by place, movement, size and looks."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics.identity import LinkedBoxes, identity_score
from iouviewer.propagation.appearance import LENGTH, average, describe, likeness
from iouviewer.propagation.linking import NO_LINK, LinkInput, LinkSettings, link, suppress_doubles
from iouviewer.propagation.smoothing import fill_track, smooth


def walkers(*paths: tuple[float, float, float], frames: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames, boxes (N, 4) and walkers (N,); a path is x, y of the first frame and the speed in x."""
    rows = [(f, x + v * f, y, w) for f in range(frames) for w, (x, y, v) in enumerate(paths)]
    table = np.array(rows)
    boxes = np.stack([table[:, 1], table[:, 2], table[:, 1] + 20, table[:, 2] + 50], axis=1)
    return table[:, 0].astype(np.int64), boxes, table[:, 3].astype(np.int64)


def given(frames: np.ndarray, boxes: np.ndarray, **fields: np.ndarray) -> LinkInput:
    ones = np.ones(len(frames))
    return LinkInput(frames, boxes, fields.get("scores", ones), fields.get("groups", ones.astype(np.int64) * 0),
                     fields.get("looks"))  # fmt: skip


def f1(frames: np.ndarray, boxes: np.ndarray, true: np.ndarray, found: np.ndarray) -> float:
    kept = found >= 0
    return identity_score(LinkedBoxes(frames, boxes.T, true), LinkedBoxes(frames[kept], boxes[kept].T, found[kept])).f1


def linked(data: LinkInput, settings: LinkSettings | None = None) -> np.ndarray:
    found = link(data, settings or LinkSettings())
    assert found is not None
    return found


def test_people_who_walk_apart_are_two_tracks_numbered_by_first_frame() -> None:
    frames, boxes, true = walkers((0, 0, 2), (300, 200, -2))
    found = linked(given(frames, boxes))
    assert found.tolist() == true.tolist()


def test_a_hidden_person_is_found_again_and_a_long_absence_is_not_bridged() -> None:
    frames, boxes, _true = walkers((0, 0, 2))
    short = (frames < 20) | (frames >= 35)
    assert set(linked(given(frames[short], boxes[short])).tolist()) == {0}
    frames, boxes, _true = walkers((0, 0, 2), frames=120)
    long = (frames < 30) | (frames >= 80)
    assert set(linked(given(frames[long], boxes[long])).tolist()) == {0, 1}


def test_people_who_cross_keep_their_tracks_by_movement_and_by_looks() -> None:
    frames, boxes, true = walkers((0, 0, 3), (177, 4, -3))
    looks = np.zeros((len(frames), LENGTH), np.float32)
    looks[:, ::8] = (true == 0)[:, None]
    looks[:, 1::8] = (true == 1)[:, None]
    assert f1(frames, boxes, true, linked(given(frames, boxes, looks=looks))) == 1.0
    # People who meet, stop, and walk back: their movement says the opposite, their looks say who is who.
    frames, boxes, true = walkers((0, 0, 3), (117, 4, -3), frames=20)
    later, back, _true = walkers((57, 0, -3), (60, 4, 3), frames=20)
    frames, boxes, true = np.r_[frames, later + 20], np.r_[boxes, back], np.r_[true, true]
    looks = np.zeros((len(frames), LENGTH), np.float32)
    looks[:, ::8] = (true == 0)[:, None]
    looks[:, 1::8] = (true == 1)[:, None]
    assert f1(frames, boxes, true, linked(given(frames, boxes, looks=looks))) == 1.0


def test_no_two_boxes_of_a_frame_share_a_track_and_no_class_is_linked_to_another() -> None:
    rng = np.random.default_rng(3)
    frames = np.sort(rng.integers(0, 40, 400))
    centres = rng.uniform(0, 120, (400, 2))
    boxes = np.concatenate([centres, centres + 40], axis=1)
    groups = rng.integers(0, 2, 400)
    found = linked(given(frames, boxes, scores=rng.uniform(0, 1, 400), groups=groups), LinkSettings(min_boxes=2))
    kept = found >= 0
    assert kept.any()
    assert len(set(zip(frames[kept], found[kept], strict=True))) == kept.sum()
    assert all(len(set(groups[found == track])) == 1 for track in set(found[kept]))


def test_short_tracks_and_tracks_without_a_sure_box_stay_single() -> None:
    frames, boxes, true = walkers((0, 0, 2), (300, 200, -2), frames=20)
    assert set(linked(given(frames, boxes), LinkSettings(min_boxes=21)).tolist()) == {NO_LINK}
    scores = np.where(true == 0, 0.9, 0.3)
    found = linked(given(frames, boxes, scores=scores))
    assert set(found[true == 0].tolist()) == {0} and set(found[true == 1].tolist()) == {NO_LINK}


def test_a_cancelled_run_gives_nothing_and_no_boxes_give_no_tracks() -> None:
    frames, boxes, _true = walkers((0, 0, 2))
    assert link(given(frames, boxes), LinkSettings(), lambda: True) is None
    assert len(linked(given(frames[:0], boxes[:0]))) == 0


def test_of_two_boxes_on_one_object_the_surer_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [50, 0, 60, 10], [0, 0, 10, 10]], np.float64)
    frames, groups = np.array([0, 0, 0, 1]), np.zeros(4, np.int64)
    kept = suppress_doubles(frames, boxes, np.array([0.4, 0.9, 0.2, 0.1]), groups, 0.5)
    assert kept.tolist() == [False, True, True, True]
    assert suppress_doubles(frames, boxes, np.ones(4), np.array([0, 1, 0, 0]), 0.5).all()


def test_looks_tell_colours_apart_and_ignore_the_background() -> None:
    image = np.full((60, 80, 3), 128, np.uint8)
    image[5:55, 10:20] = (0, 0, 200)
    image[5:55, 50:60] = (200, 0, 0)
    red, blue = describe(image, np.array([[5, 5, 25, 55], [45, 5, 65, 55]], np.float64))
    assert likeness(red[None], red[None])[0] == pytest.approx(1.0)
    assert likeness(red[None], blue[None])[0] < 0.5
    assert likeness(average(np.stack([red, red]), np.ones(2))[None], red[None])[0] == pytest.approx(1.0)


def test_boxes_beyond_the_picture_have_looks_too() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    assert np.isfinite(describe(image, np.array([[-50, -50, -10, -10], [15, 15, 90, 90]], np.float64))).all()


def test_gaps_are_filled_and_noise_is_smoothed_away() -> None:
    rng = np.random.default_rng(1)
    frames = np.array([*range(20), *range(25, 40), *range(100, 110)])
    line = np.stack([frames * 2.0, frames * 1.0, frames * 2.0 + 20, frames + 50.0], axis=1)
    every, boxes = fill_track(frames, line + rng.normal(0, 2, line.shape), max_gap=30)
    assert every.tolist() == [*range(40), *range(100, 110)]
    true = np.stack([every * 2.0, every * 1.0, every * 2.0 + 20, every + 50.0], axis=1)
    assert np.abs(boxes - true).mean() < 1.0
    assert np.allclose(smooth(true[:40]), true[:40])
    assert smooth(true[:2]).tolist() == true[:2].tolist()
