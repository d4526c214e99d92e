"""IoU of the boxes of one track by frame; only the frames of the track are matched."""

from __future__ import annotations

import numpy as np

from iouviewer.document.edits import FrameState
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.track_table import find_box_ious
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable, Float, Int


def track_ious(
    truth: GroundTruth,
    predictions: PredictionSet,
    settings: ReviewSettings,
    track: int,
    within: range | None = None,
) -> Float:
    """(F,) IoU of the track's box with its prediction by frame: 0 if it is missed, nan where no box counts.

    Args:
        predictions: of the variant to match with.
        within: match these frames only and return their values; None: all frames.
    """
    within = range(truth.frame_count) if within is None else within
    values = np.full(len(within), np.nan)
    frames, _class_ids, _flags, ids = truth.track_columns(track)
    inside = slice(*np.searchsorted(frames, (within.start, within.stop)).tolist())
    frames, ids = frames[inside], ids[inside]
    counts = (truth.states()[frames] == FrameState.LABELLED) & predictions.covered[frames]
    frames = np.unique(frames[counts])
    if not len(frames):
        return values
    table = frames_of(truth.table(), frames)
    found = find_box_ious(table, frames_of(predictions.table, frames), np.ones(len(frames), np.bool_), settings)
    of_track = np.isin(found.ids, ids)
    values[frames[table.frame_of_row()[of_track]] - within.start] = found.ious[of_track]
    return values


def frames_of(table: BoxTable, frames: Int) -> BoxTable:
    """The rows of these frames, (n,) ascending, as a table of n frames."""
    starts, counts = table.offsets[frames], table.offsets[frames + 1] - table.offsets[frames]
    offsets = np.zeros(len(frames) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    rows = np.arange(int(offsets[-1])) + np.repeat(starts - offsets[:-1], counts)
    return BoxTable(
        offsets,
        np.ascontiguousarray(table.boxes[:, rows]),
        table.class_ids[rows],
        table.scores[rows],
        table.ignored[rows],
        table.ids[rows],
        None if table.areas is None else table.areas[rows],
        None if table.by_iou is None else table.by_iou[rows],
        None if table.outside is None else table.outside[rows],
    )
