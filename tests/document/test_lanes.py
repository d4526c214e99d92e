"""Lanes of tracks: stretches, gaps, key frames, order, packing, and updates after edits."""

from __future__ import annotations

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.edits import RemoveBoxes, SetFlags, SetTracks
from iouviewer.document.lanes import Lane, LaneTable, lane_of
from iouviewer.document.track_ious import track_ious
from tests.app.builders import session_with

BOX = (100.0, 100.0, 200.0, 200.0)


def lane(frames: list[int], flags: dict[int, int] | None = None) -> Lane:
    values = [(flags or {}).get(frame, 0) for frame in frames]
    return Lane(1, 0, np.array(frames, np.int64), np.array(values, np.int64))


def pairs(runs: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int]]:
    return list(zip(runs[0].tolist(), runs[1].tolist(), strict=True))


def tracks_session() -> Session:
    truth = {frame: [BOX, BOX] for frame in range(6)} | {frame: [BOX] for frame in range(8, 10)}
    return session_with(truth, {}, tracks=True)


def test_a_gap_is_neither_bar_nor_out_of_view() -> None:
    outside = lane([0, 1, 2, 5, 6, 7], {1: int(BoxFlag.OUTSIDE)})
    assert pairs(outside.runs(outside.visible())) == [(0, 0), (2, 2), (5, 7)]
    assert pairs(outside.gaps()) == [(3, 4)]


def test_occluded_stretches() -> None:
    found = lane([0, 1, 2, 3], {1: int(BoxFlag.OCCLUDED), 2: int(BoxFlag.OCCLUDED)})
    assert pairs(found.with_flag(BoxFlag.OCCLUDED)) == [(1, 2)]


def test_key_frames_are_the_marked_ones_or_those_that_are_not_interpolated() -> None:
    assert lane([0, 1, 2], {1: int(BoxFlag.KEY_FRAME)}).key_frames.tolist() == [1]
    assert lane([0, 1, 2], {1: int(BoxFlag.INTERPOLATED)}).key_frames.tolist() == [0, 2]


def test_the_active_track_comes_first_then_those_on_the_frame_then_by_first_frame() -> None:
    truth = {0: [BOX, BOX, BOX], 5: [BOX, BOX, BOX]}
    session = session_with(truth, {}, tracks=True)
    ids = [box.id for box in session.ground_truth.boxes(0)]
    session.execute(RemoveBoxes((ids[2],)), "Delete")
    table = LaneTable(session.ground_truth)
    [one, two, three] = sorted(table.lanes)
    assert table.order(two, table.on_frame(5)) == [two, one, three]
    assert table.order(None, table.on_frame(0)) == [one, two, three]
    assert table.order(three, frozenset()) == [three, one, two]


def test_an_edit_changes_only_the_lanes_of_its_tracks() -> None:
    session = tracks_session()
    table = LaneTable(session.ground_truth)
    one, two = sorted(table.lanes)
    assert table.lanes[two].last == 5
    box = session.ground_truth.boxes(3)[1]
    session.execute(SetFlags(((box.id, int(BoxFlag.OCCLUDED)),)), "Occluded")
    assert table.update([3]) == {two}
    session.execute(RemoveBoxes((session.ground_truth.boxes(9)[0].id,)), "Delete")
    assert table.update([9]) == {one}
    assert table.lanes[one].last == 8
    session.execute(SetTracks(tuple((b.id, one) for b in session.ground_truth.track(two) if b.frame == 9)), "Track")
    ids = tuple(b.id for b in session.ground_truth.track(two))
    session.execute(RemoveBoxes(ids), "Delete track")
    assert table.update(range(6)) == {two}
    assert two not in table.lanes and lane_of(session.ground_truth, two) is None


def test_packed_rows_do_not_overlap() -> None:
    table = LaneTable(session_with({0: [BOX]}, {}).ground_truth)
    spans = {1: (0, 9), 2: (10, 19), 3: (5, 12), 4: (13, 30), 5: (31, 40)}
    table.lanes = {t: Lane(t, 0, np.arange(a, b + 1), np.zeros(b - a + 1, np.int64)) for t, (a, b) in spans.items()}
    assert table.pack(None) == [[1, 2, 5], [3, 4]]
    assert table.pack(3) == [[3], [1, 2, 5], [4]]


def test_the_ious_of_a_track_are_those_of_the_review_of_each_frame() -> None:
    truth = {frame: [BOX, (300.0, 100.0, 400.0, 200.0)] for frame in range(10) if frame != 4}
    found = {frame: [(100.0 + 3 * frame, 100.0, 200.0 + 3 * frame, 200.0)] for frame in range(9)}
    session = session_with(truth, {"base": found}, tracks=True)
    session.execute(RemoveBoxes((session.ground_truth.boxes(7)[0].id,)), "Delete")
    baseline = session.variants.baseline
    assert baseline is not None
    one, two = (box.track for box in session.ground_truth.boxes(0))
    settings = session.scores.settings.review
    first = track_ious(session.ground_truth, baseline.predictions, settings, one)
    second = track_ious(session.ground_truth, baseline.predictions, settings, two)
    for frame in range(10):
        review = session.scores.frame_review("base", frame)
        ious = dict(zip(review.gt_ids.tolist(), review.iou.tolist(), strict=True))
        boxes = {box.track: box.id for box in session.ground_truth.boxes(frame)}
        for track, values in ((one, first), (two, second)):
            if track not in boxes or not baseline.predictions.covered[frame]:
                assert np.isnan(values[frame])
            else:
                assert values[frame] == ious[boxes[track]]
