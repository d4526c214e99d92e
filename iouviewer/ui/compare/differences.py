"""What a variant lost and gained against the baseline, and its curves; computed beside the window from values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

import numpy as np
from PySide6.QtCore import QObject, QThread, QTimer, Signal, Slot

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change, FrameState, Phase
from iouviewer.document.predictions import PredictionSet
from iouviewer.metrics.coco import match_coco
from iouviewer.metrics.curves import curve
from iouviewer.metrics.review import Review, ReviewSettings, review_all
from iouviewer.metrics.table import Bool, BoxTable, Float, Int

BINS = 20
"""Bars of the IoU histogram."""
REST_MILLISECONDS = 250
GROWING_MILLISECONDS = 2000
"""How often the differences follow a run that goes on."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A ground-truth box that one of two variants finds and the other does not.

    Attributes:
        baseline_iou, variant_iou: with its partner in either one; nan where it has none.
    """

    frame: int
    box_id: int
    class_id: int
    rect: tuple[float, float, float, float]
    baseline_iou: float = nan
    variant_iou: float = nan


@dataclass(frozen=True, eq=False)
class Spots:
    """Many spots as columns: a list of a hundred thousand costs the window what it shows of it.

    Attributes:
        frames, box_ids, class_ids: (N,) int64.
        boxes: (4, N) float64.
        baseline_iou, variant_iou: (N,) float64, nan for no partner.
    """

    frames: Int
    box_ids: Int
    class_ids: Int
    boxes: Float
    baseline_iou: Float
    variant_iou: Float

    @classmethod
    def of(cls, spots: Iterable[Spot]) -> Spots:
        """These spots."""
        rows = list(spots)
        return cls(
            np.array([spot.frame for spot in rows], np.int64),
            np.array([spot.box_id for spot in rows], np.int64),
            np.array([spot.class_id for spot in rows], np.int64),
            np.array([spot.rect for spot in rows], np.float64).reshape(-1, 4).T,
            np.array([spot.baseline_iou for spot in rows], np.float64),
            np.array([spot.variant_iou for spot in rows], np.float64),
        )

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, place: int) -> Spot:
        x1, y1, x2, y2 = self.boxes[:, place].tolist()
        return Spot(
            int(self.frames[place]),
            int(self.box_ids[place]),
            int(self.class_ids[place]),
            (x1, y1, x2, y2),
            float(self.baseline_iou[place]),
            float(self.variant_iou[place]),
        )

    def _columns(self) -> tuple[Int | Float, ...]:
        return self.frames, self.box_ids, self.class_ids, self.boxes, self.baseline_iou, self.variant_iou

    def same_as(self, other: Spots) -> bool:
        """Whether all columns are equal, nan to nan."""
        return all(
            np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
            for mine, theirs in zip(self._columns(), other._columns(), strict=True)
        )

    def row_of(self, box_id: int) -> int:
        """The first row with this box, -1 for none."""
        rows = np.flatnonzero(self.box_ids == box_id)
        return int(rows[0]) if len(rows) else -1


NO_SPOTS = Spots.of(())


@dataclass(frozen=True, slots=True)
class Curves:
    """One variant's curves.

    Attributes:
        recall, precision: (K,) float64 at IoU 0.5 over all classes, highest confidence first; empty without scores.
        histogram: (BINS,) share of the pairs by IoU over 0..1.
    """

    recall: Float
    precision: Float
    histogram: Float


@dataclass(frozen=True, slots=True)
class Task:
    """What is compared, as values that no edit changes."""

    number: int
    truth: BoxTable
    labelled: Bool
    review: ReviewSettings
    variants: dict[str, PredictionSet]
    baseline: str


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Lost and gained boxes by variant, and the curves of all variants."""

    lost: dict[str, Spots]
    gained: dict[str, Spots]
    curves: dict[str, Curves]


def compute(task: Task) -> Differences:
    """Pure: everything the lists and plots show."""
    reviews: dict[str, Review] = {}
    curves: dict[str, Curves] = {}
    for key, predictions in task.variants.items():
        frames = task.labelled & predictions.covered
        reviews[key] = review_all(task.truth, predictions.table, task.review, frames)
        curves[key] = _curves(task, predictions, frames, reviews[key])
    lost: dict[str, Spots] = {}
    gained: dict[str, Spots] = {}
    base = reviews.get(task.baseline)
    frame_of_row = task.truth.frame_of_row()
    for key, review in reviews.items():
        if base is None or key == task.baseline:
            continue
        both = (base.frames & review.frames)[frame_of_row]
        before, after = _found(task.truth, base), _found(task.truth, review)
        ious = _ious(task.truth, base), _ious(task.truth, review)
        lost[key] = _spots(task.truth, frame_of_row, np.flatnonzero(both & before & ~after), ious)
        gained[key] = _spots(task.truth, frame_of_row, np.flatnonzero(both & after & ~before), ious)
    return Differences(lost, gained, curves)


def _found(truth: BoxTable, review: Review) -> Bool:
    """(M,) bool: ground-truth rows with a true positive."""
    found = np.zeros(len(truth), np.bool_)
    found[review.pair_gt[review.pair_iou >= review.settings.iou]] = True
    return found


def _ious(truth: BoxTable, review: Review) -> Float:
    """(M,) float64: IoU of the ground-truth rows with their partners; nan without one."""
    ious = np.full(len(truth), nan)
    ious[review.pair_gt] = review.pair_iou
    return ious


def _spots(truth: BoxTable, frames: Int, rows: Int, ious: tuple[Float, Float]) -> Spots:
    columns = truth.ids[rows], truth.class_ids[rows], truth.boxes[:, rows]
    return Spots(frames[rows], *columns, ious[0][rows], ious[1][rows])


def _curves(task: Task, predictions: PredictionSet, frames: Bool, review: Review) -> Curves:
    counts = np.histogram(review.pair_iou, bins=BINS, range=(0.0, 1.0))[0]
    histogram = counts / max(1, counts.sum())
    none = np.zeros(0)
    if not predictions.has_scores or not len(predictions.table):
        return Curves(none, none, histogram)
    matches = match_coco(task.truth, predictions.table, frames)
    rows = matches.order
    positives = int(matches.gt_counts.sum())
    if not len(rows) or not positives:
        return Curves(none, none, histogram)
    hit, ignored = (matches.tp[rows] & np.uint16(1)) != 0, (matches.ignored[rows] & np.uint16(1)) != 0
    found = curve(predictions.table.scores[rows], hit, positives, ignored)
    keep = np.unique(np.linspace(0, max(0, len(found.recall) - 1), 400).astype(np.int64))
    return (
        Curves(found.recall[keep], found.precision[keep], histogram)
        if len(found.recall)
        else Curves(none, none, histogram)
    )


class _Worker(QObject):
    """Lives in the thread."""

    done = Signal(int, object)

    @Slot(object)
    def run(self, task: Task) -> None:
        self.done.emit(task.number, compute(task))


class DifferencesJob(QObject):
    """Keeps the differences current while somebody looks at them.

    Signals:
        ready(Differences): the newest answer; older ones are dropped.
    """

    ready = Signal(object)
    _asked = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._number = 0
        self._watched = False
        self._stale = True
        self._thread = QThread(self)
        self._thread.setObjectName("differences")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._asked.connect(self._worker.run)
        self._worker.done.connect(self._on_worker_done)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._ask)
        session.scoresChanged.connect(self._on_numbers_changed)
        session.variants.listChanged.connect(self._on_numbers_changed)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        session.sourceChanged.connect(self._on_numbers_changed)
        session.changed.connect(self._on_session_changed)

    def watch(self, watched: bool) -> None:
        """Compute only while somebody looks."""
        self._watched = watched
        if watched and self._stale:
            self._rest.start(REST_MILLISECONDS)

    def close(self) -> None:
        """End the thread."""
        self._watched = False
        self._rest.stop()
        self._number += 1
        self._thread.quit()
        self._thread.wait()

    def _on_numbers_changed(self) -> None:
        self._stale = True
        self._number += 1
        if self._watched:
            self._rest.start(REST_MILLISECONDS)

    def _on_predictions_changed(self, _key: str, frames: frozenset[int] | None) -> None:
        # A run goes on: what is shown stays, and the next answer is waited for.
        if frames is not None:
            self._stale = True
            if self._watched and not self._rest.isActive():
                self._rest.start(GROWING_MILLISECONDS)

    def _on_session_changed(self, change: Change) -> None:
        if change.frames and change.phase is Phase.COMMITTED:
            self._on_numbers_changed()

    def _ask(self) -> None:
        session = self._session
        self._stale = False
        baseline = session.variants.baseline
        truth = session.ground_truth
        labelled = truth.states() == FrameState.LABELLED
        settings = session.scores.settings
        if settings.frames is not None:
            labelled = labelled & settings.frames
        variants = {variant.key: variant.predictions for variant in session.variants}
        if not self._thread.isRunning():
            self._thread.start()
        key = "" if baseline is None else baseline.key
        self._asked.emit(Task(self._number, truth.table(), labelled, settings.review, variants, key))

    @Slot(int, object)
    def _on_worker_done(self, number: int, differences: Differences) -> None:
        if number == self._number:
            self.ready.emit(differences)
