"""Boxes become tracks, and predictions the first ground truth: counts, origins, key frames, and one step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.origins import BoxOrigin, Origin, origin_of, variant_number
from iouviewer.document.sources import Source
from iouviewer.document.started import link_tracks, rows_without_track, start_from_predictions
from iouviewer.errors import UserError
from iouviewer.jobs.linking import Footage, LinkRequest, StartRequest, link_boxes, plan_start
from iouviewer.propagation.linking import LinkInput, LinkSettings
from iouviewer.propagation.smoothing import find_keys
from iouviewer.video.opening import open_video
from tests.propagation.clips import make_clip

FRAMES = 60


def never() -> bool:
    return False


def ignore(_share: float) -> None:
    pass


def two_walkers(noise: float = 0.0) -> LinkInput:
    rng = np.random.default_rng(5)
    rows = [(f, 3.0 * f, 10.0) for f in range(FRAMES)] + [(f, 300.0 - 2.0 * f, 200.0) for f in range(FRAMES)]
    rows.sort()
    places = np.array([row[1:] for row in rows]) + rng.normal(0, noise, (len(rows), 2))
    boxes = np.concatenate([places, places + np.array([20.0, 50.0])], axis=1)
    frames = np.array([row[0] for row in rows], np.int64)
    return LinkInput(frames, boxes, np.full(len(rows), 0.9), np.zeros(len(rows), np.int64))


def empty_document() -> Document:
    doc = Document()
    doc.add_source(Source(0, "a.mp4", "/v/a.mp4", 640, 480, FRAMES + 5))
    doc.class_names = ("person",)
    return doc


def started(doc: Document, **choices: float | bool | None) -> int:
    planned = plan_start(StartRequest(two_walkers(0.5), **choices), ignore, never)  # type: ignore[arg-type]
    assert planned is not None
    covered = np.arange(FRAMES + 5) < FRAMES
    doc.apply(start_from_predictions(doc, planned, covered, variant="frcnn", variant_key="k").edit)
    return planned.key_count


def test_a_started_ground_truth_has_tracks_origins_and_labelled_frames() -> None:
    doc = empty_document()
    started(doc)
    truth = doc.ground_truth()
    boxes = [box for frame in range(FRAMES) for box in truth.boxes(frame)]
    assert len(boxes) == 2 * FRAMES and {box.track for box in boxes} == {1, 2}
    assert {origin_of(box.flags) for box in boxes} == {BoxOrigin(Origin.STARTED, variant_number("k"), False)}
    assert truth.states().tolist() == [int(FrameState.LABELLED)] * FRAMES + [int(FrameState.UNLABELLED)] * 5
    assert truth.started_variants() == {variant_number("k")} and not truth.verified().any()


def test_thinned_tracks_keep_few_key_boxes_and_every_box_within_the_tolerance() -> None:
    doc, thin = empty_document(), empty_document()
    everything, keys = started(doc), started(thin, tolerance=2.0)
    assert everything == 2 * FRAMES and keys <= 12
    for frame in range(FRAMES):
        for full, box in zip(doc.ground_truth().boxes(frame), thin.ground_truth().boxes(frame), strict=True):
            assert np.abs(np.array(full.rect) - np.array(box.rect)).max() <= 2.0 + 1e-9
            assert bool(box.flags & BoxFlag.KEY_FRAME) is not bool(box.flags & BoxFlag.INTERPOLATED)


def test_without_links_each_box_stays_alone_and_none_is_moved() -> None:
    data = two_walkers()
    planned = plan_start(StartRequest(data, links=False), ignore, never)
    assert planned is not None and (planned.track_count, planned.left_out) == (0, 0)
    assert planned.boxes.tolist() == data.boxes.tolist() and set(planned.tracks.tolist()) == {NO_TRACK}


def test_doubles_and_single_boxes_are_left_out() -> None:
    data = two_walkers()
    more = LinkInput(
        np.append(data.frames, [59, 59]),
        np.concatenate([data.boxes, [data.boxes[-1] + 1.0, [500.0, 400.0, 520.0, 450.0]]]),
        np.append(data.scores, [0.4, 0.9]),
        np.append(data.groups, [0, 0]),
    )
    planned = plan_start(StartRequest(more), ignore, never)
    assert planned is not None and (len(planned), planned.left_out) == (2 * FRAMES, 1)


def test_a_ground_truth_with_boxes_is_not_started_again_and_nothing_starts_nothing() -> None:
    doc = empty_document()
    nothing = plan_start(StartRequest(two_walkers().rows(np.zeros(0, np.int64))), ignore, never)
    assert nothing is not None
    with pytest.raises(UserError, match="no prediction is left"):
        start_from_predictions(doc, nothing, np.ones(FRAMES + 5, np.bool_), variant="v", variant_key="k")
    started(doc)
    with pytest.raises(UserError, match="has boxes already"):
        started(doc)


def test_starting_is_one_step() -> None:
    doc = empty_document()
    planned = plan_start(StartRequest(two_walkers()), ignore, never)
    assert planned is not None
    command = start_from_predictions(doc, planned, np.ones(65, np.bool_), variant="frcnn", variant_key="k")
    assert command.label == "Start from frcnn: 120 boxes"
    done = doc.apply(command.edit)
    assert done is not None
    doc.apply(done.inverse)
    assert len(doc.ground_truth()) == 0 and not doc.ground_truth().started_variants()
    assert not doc.ground_truth().states().any()


def test_linked_boxes_get_free_track_ids_and_single_ones_none() -> None:
    doc = empty_document()
    truth, data = doc.ground_truth(), two_walkers()
    zeros, none = np.zeros(len(data.frames), np.int64), np.full(len(data.frames), NO_TRACK)
    tracks = none.copy()
    tracks[0] = 8
    truth.load_columns(data.frames, data.boxes.T, class_ids=zeros, tracks=tracks, flags=zeros)
    rows = rows_without_track(truth)
    assert len(rows) == 2 * FRAMES - 1
    linked = link_boxes(LinkRequest(data.rows(rows), LinkSettings.for_ground_truth()), ignore, never)
    assert linked is not None
    command = link_tracks(doc, truth.columns()[5][rows], linked)
    assert command.label == "Link 119 boxes into 2 tracks"
    doc.apply(command.edit)
    assert set(truth.columns()[3].tolist()) == {8, 9, 10}
    with pytest.raises(UserError, match="no boxes belong together"):
        link_tracks(doc, np.zeros(2, np.int64), np.array([-1, -1]))


def test_looks_are_read_from_the_video_and_a_cancelled_run_reads_no_further(tmp_path: Path) -> None:
    clip = make_clip(20)
    path = clip.write(tmp_path / "clip.avi")
    reader = open_video(path)
    digest = reader.index_digest
    reader.close()
    data = LinkInput(np.arange(20), np.asarray(clip.boxes, np.float64), np.ones(20), np.zeros(20, np.int64))
    shares: list[float] = []
    request = LinkRequest(data, LinkSettings.for_ground_truth(), Footage(path, digest))
    linked = link_boxes(request, shares.append, never)
    assert linked is not None and set(linked.tolist()) == {0}
    assert shares == [(number + 1) / 20 for number in range(20)]
    shares.clear()
    # Another choice reads nothing again.
    assert link_boxes(request, shares.append, never) is not None and shares == []
    fresh = LinkRequest(data, LinkSettings.for_ground_truth(), Footage(path, digest))
    assert link_boxes(fresh, shares.append, lambda: len(shares) >= 3) is None
    assert len(shares) == 3
    with pytest.raises(UserError, match="not yet certain"):
        link_boxes(LinkRequest(data, LinkSettings(), Footage(path, "another")), ignore, never)


def test_key_boxes_bound_the_error_and_a_straight_walk_needs_two() -> None:
    rng = np.random.default_rng(2)
    line = np.arange(50.0)[:, None] * (1.0, 0.5, 1.0, 0.5)
    assert find_keys(line, 0.1).tolist() == [0, 49]
    walk = np.cumsum(rng.normal(0, 1, (50, 4)), axis=0)
    keys = find_keys(walk, 1.5)
    between = np.stack([np.interp(np.arange(50), keys, walk[keys, edge]) for edge in range(4)], axis=1)
    assert np.abs(between - walk).max() <= 1.5 and len(keys) < 50
    assert find_keys(line[:1], 1.0).tolist() == [0]
