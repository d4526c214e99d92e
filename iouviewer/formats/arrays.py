"""Boxes from NumPy arrays, checked as those of a file are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.rows import ClassNames, build_imported_boxes, find_invalid_rows, no_classes_note, resolve_classes
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Int

FORMAT = "arrays"


def boxes_from_arrays(
    kind: ImportKind,
    frames: ArrayLike,
    boxes: ArrayLike,
    *,
    scores: ArrayLike | None = None,
    classes: Sequence[str] | ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    tracks: ArrayLike | None = None,
    ignored: ArrayLike | None = None,
    **more: Any,
) -> ImportedBoxes:
    """Boxes in columns.

    Args:
        frames: (N,) whole numbers from 0.
        boxes: (N, 4) x1, y1, x2, y2 in pixels.
        scores: (N,) 0 to 1; None for boxes without scores.
        classes: (N,) names, or numbers that are indices into ``class_names``; negative or empty for no class.
        class_names: names by number; for classes given by name, all classes that there are.
        tracks: (N,) whole numbers, -1 for none.
        ignored: (N,) bool, boxes that neither count nor make predictions inside them count.
        more: further fields of ``ImportedBoxes``.

    Raises:
        UserError: columns of different lengths, a box or score that is not valid.
    """
    frame_column = np.asarray(frames, np.float64).reshape(-1)
    count = len(frame_column)
    box_columns = np.asarray(boxes, np.float64).reshape(-1, 4).T if np.size(boxes) else np.zeros((4, 0))
    score_column = None if scores is None else np.asarray(scores, np.float64).reshape(-1)
    flags = np.where(_column(ignored, count, False, np.bool_), int(BoxFlag.IGNORED), 0).astype(np.int64)
    lengths = {"boxes": box_columns.shape[1], "scores": count if score_column is None else len(score_column)}
    for name, length in lengths.items():
        if length != count:
            raise _wrong_length(name, length, count)
    may_be_empty = kind is ImportKind.PREDICTIONS
    for row, reason in find_invalid_rows(frame_column, box_columns, score_column, may_be_empty=may_be_empty).items():
        raise UserError(tr("row {row}: {reason}", row=row, reason=reason))
    class_ids, table, notes = _resolve(classes, class_names, count)
    return build_imported_boxes(
        Path(),
        FORMAT,
        kind,
        frames=frame_column,
        boxes=box_columns,
        class_ids=class_ids,
        classes=table,
        scores=score_column,
        track_ids=_column(tracks, count, NO_TRACK, np.int64),
        flags=flags,
        notes=notes,
        **more,
    )


def _resolve(
    classes: Sequence[str] | ArrayLike | None, class_names: Sequence[str] | None, count: int
) -> tuple[Int, ClassTable, list[str]]:
    known = ClassTable.of(class_names, range(len(class_names)), NumberKind.INDEX) if class_names else ClassTable()
    if classes is None:
        return np.full(count, UNSPECIFIED_CLASS, np.int64), known, [no_classes_note()] if count else []
    column = np.asarray(classes).reshape(-1)
    if len(column) != count:
        raise _wrong_length("classes", len(column), count)
    if column.dtype.kind in "iuf":
        numbers = column.astype(np.int64)
        names = dict(enumerate(class_names)) if class_names is not None else None
        return resolve_classes(numbers, names, NumberKind.INDEX, ReadContext())
    listed = ClassNames(class_names or ())
    ids = np.array([listed.index(str(name)) for name in column.tolist()], np.int64)
    return ids, ClassTable.of(listed.names), []


def _column(values: ArrayLike | None, count: int, default: int | bool, dtype: Any) -> Any:
    column = np.full(count, default, dtype) if values is None else np.asarray(values, dtype).reshape(-1)
    if len(column) != count:
        raise _wrong_length(tr("tracks or ignored"), len(column), count)
    return column


def _wrong_length(name: str, length: int, count: int) -> UserError:
    return UserError(
        tr("{name}: {length:,} values for {count:,} frame numbers", name=name, length=length, count=count),
        remedy=tr("Give one value for each box."),
    )
