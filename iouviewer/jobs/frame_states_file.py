"""The list of frames with what has been done with each of them, as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from iouviewer.document.frame_states import FrameWork, VerifiedBy, work_of
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.reports.data_files import csv_bytes, name_cell

_HEADER = ("frameID", "state", "boxes", "verified_by", "verified_at")


def frame_states_csv(truth: GroundTruth, verified_by: Mapping[int, VerifiedBy]) -> bytes:
    """The file ``frameID,state,boxes,verified_by,verified_at``, one row a frame; unknown is blank.

    ``state`` is a value of ``FrameWork``; times are ISO 8601 in UTC.

    Args:
        verified_by: who verified a frame, of those that are known.
    """
    counts = np.bincount(truth.columns()[0], minlength=truth.frame_count).tolist()
    rows = []
    for frame, count in enumerate(counts):
        work = work_of(truth, frame)
        known = verified_by.get(frame) if work in (FrameWork.VERIFIED, FrameWork.VERIFIED_EMPTY) else None
        by = "" if known is None else name_cell(known.author)
        at = "" if known is None else datetime.fromtimestamp(known.when, UTC).isoformat(timespec="seconds")
        rows.append((str(frame), work.value, str(count), by, at))
    return csv_bytes(_HEADER, rows)
