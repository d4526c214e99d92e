"""Partials of sources: computed once from boxes, kept in files, merged into pooled scores and verdicts.

    partial = compute_partial(truth, predictions, settings, frames, class_names=names)   # one source, one variant
    save_partial(path, partial); partial = load_partial(path)
    pool([partial, ...]).scores()                                                         # pooled AP, PQ, Avg IoU
    compare_partials(baselines, variants, margins)                                        # the verdict on all sources

A verdict needs both variants on the same frames, at the same score floor and maximum of detections: give both sides to
``compute_partial`` after ``jobs.compare.restrict`` (``jobs.source_pairs`` does so). Scores of one variant alone need
nothing of the kind.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.atomic import atomic_write
from iouviewer.document.classes import OTHER_CLASSES
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.coco import match_coco
from iouviewer.metrics.partial import Partial, build_partial
from iouviewer.metrics.pooled import Pooled, PooledScores, pool
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import Bool, BoxTable
from iouviewer.metrics.verdict import Verdict, VideoFrames, compare

__all__ = [
    "Partial",
    "Pooled",
    "PooledScores",
    "compare_partials",
    "compute_partial",
    "load_partial",
    "pool",
    "save_partial",
]

_HEADER = "header"


def compute_partial(
    truth: BoxTable,
    predictions: BoxTable,
    settings: ReviewSettings,
    frames: Bool,
    *,
    class_names: Sequence[str],
    has_scores: bool = True,
    one_class: bool | None = None,
    single_images: bool = False,
) -> Partial:
    """Score one variant on one source, once.

    Args:
        truth, predictions: boxes of all frames, in the classes of ``class_names``.
        frames: (F,) bool, the frames that count: labelled, covered and chosen.
        class_names: of the ground truth, index = class id. Sources are joined by these names.
        has_scores: whether the predictions have scores; without them there is no AP.
        one_class: whether AP treats all boxes as one class; None: where a box without a class counts, or the settings
            ignore classes. Of several sources all must be scored with one value, that of any of them
            (``coco.counts_as_one_class``).
        single_images: the frames are independent images.
    """
    review = review_all(truth, predictions, settings, frames)
    if settings.class_agnostic:
        one_class = True
    matches = None
    if has_scores:
        matches = match_coco(truth, predictions, frames, settings.max_detections, one_class=one_class)
    sums = (review.iou_sum, review.tp_iou_sum, review.gt_count, review.tp, review.fp, review.fn)
    return build_partial(
        truth,
        predictions,
        matches,
        sums,
        frames,
        class_names=_all_names(class_names, truth, predictions),
        single_images=single_images,
    )


def _all_names(names: Sequence[str], *tables: BoxTable) -> list[str]:
    """The names, and numbers as names of classes that have none."""
    ids = np.concatenate([table.class_ids for table in tables])
    known = ids[ids < OTHER_CLASSES]
    count = int(known.max()) + 1 if len(known) else 0
    return [*names, *(str(number) for number in range(len(names), count))]


def compare_partials(baseline: Iterable[Partial], variant: Iterable[Partial], margins: Mapping[str, float]) -> Verdict:
    """The verdict on all sources together; AP's, PQ's and Avg IoU's intervals as for one evaluation of all boxes.

    Args:
        baseline, variant: by source, in the same order, on the same frames of each.
        margins: allowed drop in points, by metric.

    Raises:
        ValueError: there is no source, or the two sides have different frames.
    """
    return compare_pooled(pool(baseline), variant, margins)


def compare_pooled(baseline: Pooled, variant: Iterable[Partial], margins: Mapping[str, float]) -> Verdict:
    """``compare_partials`` with a baseline that is merged already, for several variants."""
    single: list[bool] = []

    def read() -> Iterable[Partial]:
        for partial in variant:
            single.append(partial.single_images)
            yield partial

    merged = pool(read())
    if merged.lengths != baseline.lengths:
        raise ValueError(f"the baseline has {baseline.lengths} frames, the variant {merged.lengths}")
    videos = [VideoFrames(count, images) for count, images in zip(merged.lengths, single, strict=True)]
    return compare(baseline, merged, videos, margins=margins)


def save_partial(path: Path, partial: Partial) -> None:
    """Write a partial as ``.npz`` (NumPy), uncompressed; equal partials give equal bytes.

    Raises:
        UserError: it cannot be written.
    """
    header = np.frombuffer(json.dumps(partial.header(), sort_keys=True).encode(), np.uint8)
    with atomic_write(path) as file:
        arrays: dict[str, Any] = {_HEADER: header, **partial.columns()}
        np.savez(file, **arrays)


def load_partial(path: Path) -> Partial:
    """Read a partial; nothing in the file is executed.

    Raises:
        UserError: it cannot be read, is damaged, or comes from another version.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = json.loads(file[_HEADER].tobytes())
            columns = {name: file[name] for name in file.files if name != _HEADER}
        return Partial.from_columns(header, columns)
    except OSError as error:
        raise UserError(tr("cannot be read: {reason}", reason=error.strerror or error), path=path) from error
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(
            tr("is no usable partial: {reason}", reason=error),
            path=path,
            remedy=tr("Delete it: it is computed again."),
        ) from error
