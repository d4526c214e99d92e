"""Scores of variants: which frames count, what is undefined and why, and what is known of a prediction set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scores import run_hotcoco, run_iouviewer, run_pycocotools, scene
from iouviewer.document.classes import ClassTable
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import EXCLUDED, LABELLED, UNLABELLED, NoAp, Scores, ScoreSettings
from iouviewer.errors import UserError
from iouviewer.metrics.review import PairState, ReviewSettings
from iouviewer.metrics.table import BoxTable
from tests.document.builders import ListGroundTruth

BOX = (0.0, 0.0, 10.0, 10.0)
SHIFTED = (1.0, 0.0, 11.0, 10.0)
IOU = 9 / 11


def truth(*frames):
    """One frame for each list of rectangles."""
    gt = ListGroundTruth(len(frames))
    for number, rects in enumerate(frames):
        gt.boxes[number] = [(10 * number + i, rect, 0, False) for i, rect in enumerate(rects)]
    return gt


def predictions(frame_count, *rows, **known):
    """Rows of (frame, rect, score)."""
    table = BoxTable.from_rows(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float64).reshape(-1, 4).T,
        frame_count=frame_count,
        scores=np.array([row[2] for row in rows], np.float64),
    )
    return PredictionSet(table, np.ones(frame_count, np.bool_), **{"score_floor": 0.001, **known})


def scored(gt, found, settings=None):
    scores = Scores(gt, settings or ScoreSettings())
    scores.set_variant("v", found)
    return scores


def test_a_video_without_frames_has_no_metrics():
    scores = scored(truth(), predictions(0))
    summary = scores.summary("v")
    assert summary.avg_iou is None and summary.ap is None and summary.ap_reason is NoAp.NO_GROUND_TRUTH
    assert len(scores.timeline("v")) == 0 and scores.histogram("v").sum() == 0


def test_one_perfect_and_one_missing_prediction_by_hand():
    scores = scored(truth([BOX], [BOX], []), predictions(3, (0, BOX, 0.9), (2, BOX, 0.8)))
    summary = scores.summary("v")
    assert (summary.avg_iou, summary.tp, summary.fp, summary.fn, summary.pq) == (0.5, 1, 1, 1, 0.5)
    assert scores.frame_iou("v", 0) == 1.0 and scores.frame_iou("v", 1) == 0.0 and np.isnan(scores.frame_iou("v", 2))
    # Half of the boxes are found before the first false positive: precision 1 at 51 of the 101 recalls.
    assert summary.ap == pytest.approx(51 / 101)
    assert scores.histogram("v", 2).tolist() == [1, 1]


def test_moving_a_box_changes_every_metric():
    gt = truth([BOX], [BOX])
    scores = scored(gt, predictions(2, (0, BOX, 0.9), (1, BOX, 0.8)))
    gt.boxes[0] = [(0, SHIFTED, 0, False)]
    scores.update([0])
    assert scores.frame_iou("v", 0) == pytest.approx(IOU)
    assert scores.summary("v").avg_iou == pytest.approx((IOU + 1) / 2)
    assert scores.summary("v").ap < 1.0
    gt.boxes[0] = [(0, BOX, 0, False)]
    scores.update([0])
    assert scores.summary("v").ap == scores.summary("v").avg_iou == 1.0


def test_unlabelled_and_excluded_frames_count_in_no_metric_and_are_reported():
    gt = truth([BOX], [], [BOX])
    gt.set_state(1, UNLABELLED)
    gt.set_state(2, EXCLUDED)
    scores = scored(gt, predictions(3, (0, BOX, 0.9), (1, BOX, 0.8), (2, BOX, 0.8), (2, SHIFTED, 0.8)))
    summary = scores.summary("v")
    assert (summary.frames, summary.labelled, summary.unlabelled, summary.excluded) == (1, 1, 1, 1)
    assert summary.predictions_elsewhere == 3 and summary.fp == 0
    gt.set_state(2, 1)
    scores.update([2])
    summary = scores.summary("v")
    assert (summary.frames, summary.excluded, summary.tp, summary.fp) == (2, 0, 2, 1)


def test_only_covered_and_selected_frames_count():
    gt = truth([BOX], [BOX], [BOX])
    found = predictions(3, (0, BOX, 0.9), (1, BOX, 0.8), (2, BOX, 0.8))
    covered = np.array([True, True, False])
    found = PredictionSet(found.table, covered, score_floor=0.001, complete=False)
    scores = scored(gt, found)
    assert (scores.summary("v").frames, scores.summary("v").labelled, scores.summary("v").complete) == (2, 3, False)
    scores.set_settings(ScoreSettings(frames=np.array([False, True, True])))
    assert (scores.summary("v").frames, scores.summary("v").labelled, scores.summary("v").tp) == (1, 2, 1)


def test_changing_thresholds_changes_matching_metrics_and_keeps_ap():
    scores = scored(truth([BOX], [BOX]), predictions(2, (0, SHIFTED, 0.9), (1, BOX, 0.3)))
    before = scores.summary("v")
    scores.set_settings(ScoreSettings(review=ReviewSettings(conf=0.5, iou=0.9)))
    after = scores.summary("v")
    assert (before.tp, before.fp, before.fn) == (2, 0, 0)
    assert (after.tp, after.fp, after.fn) == (0, 1, 2)
    assert (after.ap, after.ar100) == (before.ap, before.ar100)


def classed_predictions(frame_count, *rows):
    """Rows of (frame, rect, score, class)."""
    found = predictions(frame_count, *(row[:3] for row in rows))
    class_ids = np.array([row[3] for row in rows], np.int64)
    return PredictionSet(
        BoxTable.from_rows(
            found.table.frame_of_row(), found.table.boxes, frame_count=frame_count, class_ids=class_ids,
            scores=found.table.scores,
        ),
        np.ones(frame_count, np.bool_),
    )  # fmt: skip


def test_the_first_box_with_a_class_among_boxes_without_one_does_not_change_ap():
    gt = truth([BOX], [BOX])
    gt.boxes = [[(0, BOX, -1, False)], [(1, BOX, -1, False)]]
    scores = scored(gt, classed_predictions(2, (0, BOX, 0.9, 0), (1, BOX, 0.8, 1)))
    assert scores.summary("v").ap == 1.0
    gt.boxes[0] = [(0, BOX, 0, False)]
    scores.update([0])
    assert scores.summary("v").ap == 1.0 and list(scores.summary("v").per_class) == [-1]
    gt.boxes[1] = [(1, BOX, 1, False)]
    scores.update([1])
    assert list(scores.summary("v").per_class) == [0, 1] and scores.summary("v").ap == 1.0


def test_only_counted_boxes_without_a_class_make_everything_one_class():
    gt = truth([BOX], [BOX])
    gt.boxes = [[(0, BOX, 0, False)], [(1, BOX, -1, False)]]
    scores = scored(gt, classed_predictions(2, (0, BOX, 0.9, 1), (1, BOX, 0.8, 1)))
    assert list(scores.summary("v").per_class) == [-1] and scores.summary("v").ap == 1.0
    gt.set_state(1, UNLABELLED)
    scores.update([1])
    assert list(scores.summary("v").per_class) == [0] and scores.summary("v").ap == 0.0
    gt.set_state(1, LABELLED)
    gt.boxes[1] = [(1, BOX, -1, True)]
    scores.update([1])
    assert list(scores.summary("v").per_class) == [0] and scores.summary("v").ap == 0.0


def test_changing_the_class_mode_makes_the_ap_of_a_large_variant_pending(monkeypatch):
    monkeypatch.setattr("iouviewer.document.scores_variant.CLASS_MODE_AP_LIMIT", 1)
    gt = truth([BOX], [BOX])
    scores = scored(gt, classed_predictions(2, (0, BOX, 0.9, 0), (1, BOX, 0.8, 0)))
    gt.boxes[0] = [(0, BOX, -1, False)]
    scores.update([0])
    assert scores.summary("v").ap_reason is NoAp.PENDING and scores.summary("v").tp == 2
    pending = scores.pending_ap("v")
    assert scores.apply_ap("v", pending, pending.compute())
    assert list(scores.summary("v").per_class) == [-1]
    gt.boxes[0] = [(0, SHIFTED, -1, False)]
    scores.update([0])
    assert 0.0 < scores.summary("v").ap < 1.0


def test_an_ignored_box_without_a_class_covers_predictions_of_every_class():
    gt = truth([], [BOX])
    gt.boxes = [[(0, BOX, -1, True)], [(1, BOX, 1, False)]]
    found = classed_predictions(2, (0, BOX, 0.9, 1), (1, BOX, 0.8, 1))
    assert scored(gt, found).summary("v").ap == 1.0
    scores = scored(truth([], []), found)
    scores.set_ground_truth(gt)
    gt.boxes[0] = []
    scores.update([0])
    assert scores.summary("v").ap == pytest.approx(0.5)
    gt.boxes[0] = [(0, BOX, -1, True)]
    scores.update([0])
    assert scores.summary("v").ap == 1.0


def test_without_scores_there_is_no_ap_but_a_reason():
    summary = scored(truth([BOX]), predictions(1, (0, BOX, 1.0), has_scores=False)).summary("v")
    assert summary.ap is None and summary.ap_reason is NoAp.NO_SCORES and summary.ap_floor is None
    assert summary.avg_iou == 1.0


@pytest.mark.parametrize(("floor", "ap_floor"), [(0.001, None), (0.01, None), (0.25, 0.25), (None, None)])
def test_a_high_score_floor_makes_ap_a_lower_bound(floor, ap_floor):
    assert scored(truth([BOX]), predictions(1, (0, BOX, 0.9), score_floor=floor)).summary("v").ap_floor == ap_floor


def test_the_ap_of_a_large_run_in_progress_is_pending_until_it_is_computed(monkeypatch):
    monkeypatch.setattr("iouviewer.document.scores_variant.BATCH_AP_LIMIT", 1)
    gt = truth([BOX], [BOX])
    scores = Scores(gt, ScoreSettings())
    run = PredictionSet.empty(2, score_floor=0.001)
    scores.set_variant("v", run)
    columns = {"class_ids": np.zeros(2, np.int64), "scores": np.array([0.9, 0.8])}
    run = run.with_frames(np.array([0]), row_frames=np.array([0, 0]), boxes=np.array((BOX, SHIFTED)).T, **columns)
    scores.extend_variant("v", run, [0])
    assert scores.summary("v").ap_reason is NoAp.PENDING and scores.summary("v").avg_iou == 1.0
    scores.compute_ap("v")
    assert scores.summary("v").ap == 1.0 and scores.summary("v").ap_reason is None


def test_frame_review_names_the_boxes():
    gt = truth([BOX])
    review = scored(gt, predictions(1, (0, SHIFTED, 0.9), (0, BOX, 0.1))).frame_review("v", 0)
    assert review.gt_ids.tolist() == [0, -1] and review.pred_ids.tolist() == [0, 1]
    assert review.state.tolist() == [PairState.TRUE_POSITIVE, PairState.BELOW_CONFIDENCE]


def test_variants_keep_their_order_and_can_be_removed():
    scores = scored(truth([BOX]), predictions(1, (0, BOX, 0.9)))
    scores.set_variant("w", predictions(1))
    assert scores.keys() == ("v", "w")
    scores.remove_variant("v")
    assert scores.keys() == ("w",)
    with pytest.raises(ValueError, match="3 frames"):
        scores.set_variant("x", predictions(3))


def test_the_timeline_is_a_read_only_view_that_updates_change():
    gt = truth([BOX])
    scores = scored(gt, predictions(1, (0, BOX, 0.9)))
    timeline = scores.timeline("v")
    gt.boxes[0] = [(0, SHIFTED, 0, False)]
    scores.update([0])
    assert timeline[0] == pytest.approx(IOU)
    with pytest.raises(ValueError, match="read-only"):
        timeline[0] = 1.0


def imported(class_ids, frames=None, **more):
    count = len(class_ids)
    return ImportedBoxes(
        path=Path("found.txt"),
        format="mot",
        kind=ImportKind.PREDICTIONS,
        frames=np.zeros(count, np.int64) if frames is None else np.array(frames),
        boxes=np.tile(np.array(BOX)[:, None], (1, count)),
        class_ids=np.array(class_ids, np.int64),
        class_names=("person", "car"),
        scores=np.linspace(0.5, 0.9, count),
        track_ids=np.full(count, -1),
        flags=np.zeros(count, np.int64),
        **more,
    )


def test_an_import_maps_classes_and_counts_unmapped_predictions():
    came = PredictionSet.from_imported(imported([0, 1, -1, 0]), 2)
    assert came.table is came.stored_table and came.table.class_ids.tolist() == [0, 1, -1, 0]
    truth = ClassTable.of(("bus", "Person"))
    found = came.joined(truth, keep_unknown=False)
    assert found.table.class_ids.tolist() == [1, -1, 1] and found.unmapped_count == 1
    assert found.table.ids.tolist() == [0, 2, 3]
    assert found.left_out == {"car": 1} and found.own_classes == {1}
    assert found.joined(truth, keep_unknown=False) is found
    again = found.joined(ClassTable.of(("car",)), keep_unknown=False)
    assert again.table.class_ids.tolist() == [0, -1] and again.stored_table is came.table
    kept = found.joined(truth, keep_unknown=True)
    assert (len(kept.table), kept.unmapped_count, kept.left_out) == (4, 0, {})
    assert found.score_floor == 0.5 and found.covered.all() and found.complete and found.any_class


def test_an_import_keeps_score_floor_max_detections_and_covered_frames_of_the_file():
    boxes = imported([0, 0], score_floor=0.25, max_detections=2, covered=np.array([0, 7]))
    found = PredictionSet.from_imported(boxes, 3)
    assert (found.score_floor, found.max_detections, found.count_capped_frames()) == (0.25, 2, 1)
    assert found.covered.tolist() == [True, False, False]


def test_a_prediction_outside_the_video_is_refused_with_its_place():
    with pytest.raises(UserError, match=r"found\.txt: frame 7: .*frames 0–2"):
        PredictionSet.from_imported(imported([0, 0], frames=[0, 7]), 3)


@pytest.mark.parametrize("keep_unknown", [False, True])
def test_a_run_stores_every_box_as_it_came_and_joins_each_batch(keep_unknown):
    truth = ClassTable.of(("car", "person"))
    run = replace(PredictionSet.empty(4), classes=ClassTable.of(("person", "dog", "car")), raw=BoxTable.empty(4))
    run = run.joined(truth, keep_unknown=keep_unknown)
    classes = np.array([0, 1, 2, 1, 0])
    for frame in (0, 2, 1, 2):  # the last one is a frame that is replaced
        run = run.with_frames(
            np.array([frame]), row_frames=np.full(5, frame), boxes=np.tile(np.array(BOX)[:, None], (1, 5)),
            class_ids=classes, scores=np.linspace(0.1, 0.9, 5),
        )  # fmt: skip
        again = run.join.apply(run.stored_table, keep_unknown=keep_unknown)
        for name in ("offsets", "boxes", "class_ids", "scores", "ids"):
            assert np.array_equal(getattr(run.table, name), getattr(again, name))
    assert run.stored_table.class_ids.tolist() == [0, 1, 2, 1, 0] * 3
    assert run.unmapped_count == (0 if keep_unknown else 6)


def test_new_results_of_a_frame_replace_the_old_ones():
    found = predictions(2, (0, BOX, 0.9), (1, BOX, 0.8))
    again = found.with_frames(
        np.array([1]), row_frames=np.array([1]), boxes=np.array([SHIFTED]).T, class_ids=np.array([0]),
        scores=np.array([0.4]), complete=True,
    )  # fmt: skip
    assert again.table.scores.tolist() == [0.9, 0.4] and len(set(again.table.ids.tolist())) == 2
    with pytest.raises(ValueError, match="not covered"):
        PredictionSet.empty(2).with_frames(
            np.array([0]), row_frames=np.array([1]), boxes=np.array([BOX]).T, class_ids=np.array([0]),
            scores=np.array([0.4]),
        )  # fmt: skip


def with_rows(found, frames, per_frame, rng):
    count = len(frames) * per_frame
    xy = rng.uniform(0, 50, (2, count))
    return found.with_frames(
        np.array(frames), row_frames=np.repeat(frames, per_frame), boxes=np.concatenate((xy, xy + 5)),
        class_ids=np.arange(count), scores=rng.random(count),
    )  # fmt: skip


def contents(table):
    return [column.tobytes() for column in (table.offsets, table.boxes, table.class_ids, table.scores, table.ids)]


@pytest.mark.parametrize("per_frame", [0, 3, 700])
def test_appending_frames_gives_the_same_table_as_building_it_at_once_and_keeps_older_tables(per_frame):
    rng = np.random.default_rng(2)
    sets = [PredictionSet.empty(12)]
    expected = [contents(sets[0].table)]
    for frames in ([0, 1], [2], [5, 4, 3], [8, 6], [7], [9, 10]):
        sets.append(with_rows(sets[-1], frames, per_frame, rng))
        expected.append(contents(sets[-1].table))
    branch = with_rows(sets[2], [3, 4], per_frame + 1, rng)
    assert [contents(found.table) for found in sets] == expected
    whole, last = sets[-1].table, sets[2].table
    assert np.diff(whole.offsets).tolist() == [per_frame] * 11 + [0] and len(whole) == 11 * per_frame
    assert sorted(whole.ids.tolist()) == list(range(len(whole))) and not whole.ignored.any()
    assert np.array_equal(branch.table.boxes[:, : len(last)], last.boxes) and len(branch.table) == 5 * per_frame + 2
    again = BoxTable.from_rows(
        whole.frame_of_row(), whole.boxes, frame_count=12, class_ids=whole.class_ids, scores=whole.scores, ids=whole.ids
    )
    assert contents(again) == contents(whole)


def test_the_benchmarked_implementations_agree(capsys):
    arrays = scene(40, 5, 7)
    ours, _ = run_iouviewer(arrays)
    assert ours == pytest.approx(run_pycocotools(arrays)[0], abs=1e-9)
    pytest.importorskip("hotcoco")
    assert ours == pytest.approx(run_hotcoco(arrays)[0], abs=1e-9)
