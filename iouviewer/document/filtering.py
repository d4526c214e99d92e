"""What a filter line does to boxes, predictions and matches: the one rule of window, command line and Python.

``frames`` chooses frames. ``score`` leaves predictions out before matching, as the confidence threshold does. ``class``
and ``size`` work like COCO's ranges of areas: all boxes are matched as without a filter; ground truth outside is
ignored, with the prediction that is right about it, and a prediction outside counts only where its partner does. The
other terms choose what is listed and change no score (docs/metrics.md, docs/adr/0045).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.filter_line import NO_CLASS_WORD, BoxFilter, Key, Span, Term
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores_types import FrameStates, GroundTruthView
from iouviewer.document.stated_areas import StatedAreas
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.review import MatchRows, PairState
from iouviewer.metrics.table import COCO_AREAS, UNSPECIFIED_CLASS, Bool, BoxTable, Float, Int

_STATES = {
    "match": (PairState.TRUE_POSITIVE,),
    "loose": (PairState.LOOSE,),
    "miss": (PairState.MISS,),
    "extra": (PairState.FALSE_POSITIVE,),
    "ignored": (PairState.IGNORED,),
}


@dataclass(frozen=True)
class FilterRules:
    """A filter whose names are those of a document.

    Attributes:
        class_ids: the ids that each ``class`` term names, in its order.
        areas: areas that the file of the ground truth states; tables that have areas of their own need none.
    """

    filter: BoxFilter = field(default_factory=BoxFilter)
    class_ids: tuple[frozenset[int], ...] = ()
    areas: StatedAreas = field(default_factory=StatedAreas)

    @classmethod
    def of(
        cls,
        chosen: BoxFilter,
        class_names: Sequence[str],
        *,
        variants: Collection[str] | None = None,
        areas: StatedAreas | None = None,
    ) -> FilterRules:
        """The rules of a filter.

        Args:
            class_names: index = class id.
            variants: names that ``variant`` may have; None: they are not checked.

        Raises:
            UserError: names the term with a class or a variant that does not exist.
        """
        ids = tuple(
            frozenset(_class_id(term, name, class_names) for name in term.names) for term in chosen.of(Key.CLASS)
        )
        if variants is not None:
            for term in chosen.of(Key.VARIANT):
                unknown = [name for name in term.names if name not in variants]
                if unknown:
                    raise UserError(
                        tr("filter “{term}”: there is no variant “{name}”", term=term.text, name=unknown[0]),
                        remedy=tr("Variants: {names}.", names=", ".join(variants)),
                    )
        return cls(chosen, ids, areas or StatedAreas())

    def __bool__(self) -> bool:
        return bool(self.filter)

    # What counts

    def frames(self, frame_count: int) -> Bool | None:
        """(F,) bool, the frames that the filter chooses; None for all."""
        terms = self.filter.of(Key.FRAMES)
        return self._numbers(terms, np.arange(frame_count)) if terms else None

    def truth(self, table: BoxTable) -> BoxTable:
        """Ground truth with the boxes that the filter leaves out marked as outside."""
        if not self._limits_boxes:
            return table
        areas = table.stated_areas()
        stated = self.areas.for_rows(table.ids, table.boxes) if table.areas is None else None
        if stated is not None:
            areas = np.where(np.isnan(stated), areas, stated)
        return replace(table, outside=~self._passes_box(table.class_ids, areas))

    def predicted(self, table: BoxTable, *, has_scores: bool) -> BoxTable:
        """Predictions with those outside marked, and those that ``score`` leaves out marked as ignored."""
        terms = self.filter.of(Key.SCORE) if has_scores else ()
        if terms:
            table = replace(table, ignored=~self._numbers(terms, table.scores))
        if self._limits_boxes:
            width, height = table.boxes[2:] - table.boxes[:2]
            table = replace(table, outside=~self._passes_box(table.class_ids, width * height))
        return table

    def predictions(self, predictions: PredictionSet) -> PredictionSet:
        """``predicted`` of a set, whose score floor rises where the filter cuts it."""
        if not self.filter.scoring:
            return predictions
        has_scores = predictions.has_scores
        table = self.predicted(predictions.table, has_scores=has_scores)
        floor, cut = predictions.score_floor, self._score_floor()
        if cut is not None and has_scores:
            floor = cut if floor is None else max(floor, cut)
        return replace(
            predictions,
            table=table,
            raw=predictions.stored_table,
            score_floor=floor,
            _appendable=None,
            _raw_appendable=None,
        )

    def _score_floor(self) -> float | None:
        lows = [min(s.low for s in term.spans) for term in self.filter.of(Key.SCORE) if not term.is_negated]
        return max((low for low in lows if low > 0), default=None)

    @property
    def _limits_boxes(self) -> bool:
        return bool(self.filter.of(Key.CLASS) or self.filter.of(Key.SIZE))

    def _passes_box(self, class_ids: Int, areas: Float) -> Bool:
        """(N,) bool by class and area in square pixels."""
        keep = np.ones(len(class_ids), np.bool_)
        for term, ids in zip(self.filter.of(Key.CLASS), self.class_ids, strict=True):
            keep &= np.isin(class_ids, list(ids)) != term.is_negated
        for term in self.filter.of(Key.SIZE):
            keep &= self._numbers((term,), np.sqrt(np.maximum(areas, 0.0)))
        return keep

    def _numbers(self, terms: Iterable[Term], values: Int | Float) -> Bool:
        """(N,) bool: values inside all the terms; nan is in no range."""
        keep = np.ones(len(values), np.bool_)
        for term in terms:
            keep &= _inside(values, (*term.spans, *_named_sizes(term.names))) != term.is_negated
        return keep

    # What is listed

    def lists_boxes(self, frames: Int, class_ids: Int, areas: Float, tracks: Int) -> Bool:
        """(N,) bool: boxes that the terms pass which need no match, for lists without one.

        Args:
            areas: (N,) square pixels, nan where unknown, which passes no ``size``.
            tracks: (N,) NO_TRACK for none.
        """
        keep = self._passes_box(class_ids, areas) if self._limits_boxes else np.ones(len(frames), np.bool_)
        keep &= self._numbers(self.filter.of(Key.FRAMES), frames)
        return keep & self._passes_tracks(tracks)

    def lists_variant(self, name: str) -> bool:
        """Whether the ``variant`` terms name it."""
        return all((name in term.names) != term.is_negated for term in self.filter.of(Key.VARIANT))

    def _passes_tracks(self, tracks: Int) -> Bool:
        terms = self.filter.of(Key.TRACK)
        return self._numbers(terms, np.where(tracks == NO_TRACK, np.nan, tracks.astype(np.float64)))

    def lists(
        self,
        rows: MatchRows,
        truth: BoxTable,
        predicted: BoxTable,
        *,
        variant: str,
        tracks: Int | None = None,
        is_found: Bool | None = None,
    ) -> Bool:
        """(P,) bool: the rows of a variant's matching that pass all terms.

        Args:
            truth, predicted: tables of this filter (``truth``, ``predicted``), of all frames or of one.
            variant: its name.
            tracks: (M,) track of each ground-truth row; None where no box has one.
            is_found: (M,) bool, ground-truth rows that the baseline finds; None for the baseline itself.
        """
        has_truth, has_predicted = rows.gt >= 0, rows.pred >= 0
        truth_in = np.append(~truth.is_outside(), True)[rows.gt]
        predicted_in = np.append(~(predicted.is_outside() | predicted.ignored), True)[rows.pred]
        keep = np.where(has_truth, truth_in, predicted_in)
        keep &= self._numbers(self.filter.of(Key.FRAMES), rows.frames)
        if not self.lists_variant(variant):
            keep[:] = False
        for term in self.filter.of(Key.STATE):
            wanted = [int(state) for name in term.names for state in _STATES[name]]
            keep &= np.isin(rows.states, wanted) != term.is_negated
        if self.filter.of(Key.IOU):
            keep &= self._numbers(self.filter.of(Key.IOU), np.where(has_truth & has_predicted, rows.iou, np.nan))
        if self.filter.of(Key.TRACK):
            of_truth = np.full(len(truth), NO_TRACK, np.int64) if tracks is None else tracks
            keep &= self._passes_tracks(np.append(of_truth, NO_TRACK)[rows.gt])
        hit = rows.states == int(PairState.TRUE_POSITIVE)
        before = hit if is_found is None else np.append(is_found, False)[rows.gt]
        changed = {Key.LOST: has_truth & before & ~hit, Key.GAINED: hit & ~before}
        for key, found in changed.items():
            for term in self.filter.of(key):
                keep &= found != term.is_negated
        return keep


NO_FILTER = FilterRules()


def _class_id(term: Term, name: str, class_names: Sequence[str]) -> int:
    known = {one.casefold(): number for number, one in reversed(list(enumerate(class_names)))}
    found = known.get(name.casefold())
    if found is not None:
        return found
    if name == NO_CLASS_WORD:
        return UNSPECIFIED_CLASS
    raise UserError(
        tr("filter “{term}”: the ground truth has no class “{name}”", term=term.text, name=name),
        remedy=tr("Classes: {names}.", names=", ".join(class_names)) if class_names else "",
    )


def _inside(values: Int | Float, spans: Iterable[Span]) -> Bool:
    """(N,) bool: values in one of the ranges."""
    inside = np.zeros(len(values), np.bool_)
    for span in spans:
        above = values >= span.low if span.has_low else values > span.low
        inside |= above & (values <= span.high if span.has_high else values < span.high)
    return inside


def _named_sizes(names: Iterable[str]) -> Iterable[Span]:
    """COCO's ranges as ranges of the square root of the area; both ends belong to them, as COCO has it."""
    return [Span(float(np.sqrt(low)), float(np.sqrt(high))) for name, low, high in COCO_AREAS if name in names]


class FilteredTruth:
    """A ground truth seen through a filter."""

    def __init__(self, truth: GroundTruthView, rules: FilterRules) -> None:
        self._truth, self._rules = truth, rules
        # The last table and the last table of a frame, with what they became: views read them again and again.
        self._tables: list[tuple[BoxTable, BoxTable] | None] = [None, None]

    @property
    def frame_count(self) -> int:
        return self._truth.frame_count

    def _marked(self, place: int, table: BoxTable) -> BoxTable:
        known = self._tables[place]
        if known is None or known[0] is not table:
            known = self._tables[place] = table, self._rules.truth(table)
        return known[1]

    def table(self) -> BoxTable:
        """All frames."""
        return self._marked(0, self._truth.table())

    def frame_table(self, frame: int) -> BoxTable:
        """One frame."""
        return self._marked(1, self._truth.frame_table(frame))

    def state(self, frame: int) -> int:
        """State of a frame."""
        return self._truth.state(frame)

    def states(self) -> FrameStates:
        """(F,) int8."""
        return self._truth.states()

    def verification(self) -> FrameStates:
        """(F,) int8 of Verification."""
        return self._truth.verification()

    def started_variants(self) -> frozenset[int]:
        """Variants that the ground truth was started from."""
        return self._truth.started_variants()

    def leave_out(self, variants: frozenset[int]) -> None:
        """Leave boxes that lean to these variants out of the tables."""
        self._truth.leave_out(variants)
