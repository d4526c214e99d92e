"""Builds the view of a frame from the session: states, colours and captions of all boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from operator import attrgetter, ne
from typing import NamedTuple

import numpy as np

from iouviewer.app.editing.frame_filter import Listed, listed_on
from iouviewer.app.editing.session import Session
from iouviewer.app.editing.view_state import ColourBy
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.edits import FrameState
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.jobs.overlaps import iou_aligned
from iouviewer.metrics.review import Association, PairState
from iouviewer.metrics.table import Int
from iouviewer.project.partial_load import FrameBoxes
from iouviewer.ui.canvas.box_look import (
    NOT_COUNTED,
    class_colour,
    prediction_look,
    track_colour,
    truth_look,
)
from iouviewer.ui.canvas.captions import BELOW, GOOD, MUTED, TEXT, WRONG, Caption, Segment
from iouviewer.ui.canvas.frame_view import BoxState, CanvasBox, FrameView, changed_indices
from iouviewer.ui.canvas.hit import BoxRef, truth_ref
from iouviewer.ui.tokens import CANVAS
from iouviewer.ui.variant_look import image_colour

_GAP = "  "
DUPLICATE_IOU = 0.95
"""Boxes that overlap by more are duplicates."""
_ID = attrgetter("id")
_IOU = tr("IoU {iou:.2f}")
_MISSED = Segment(tr("missed"), WRONG)
_EXTRA = Segment(tr("extra"), WRONG)


@dataclass(frozen=True, slots=True)
class VariantReview:
    """The pairs of one variant on one frame.

    Attributes:
        iou_of: IoU by ground-truth id, for pairs.
        partner_of: row in the variant's table by ground-truth id, for pairs.
        owner_of: ground-truth id by row in the variant's table, for pairs.
        state_of: state by row in the variant's table; rows below the confidence threshold are missing.
    """

    variant: Variant
    iou_of: dict[int, float]
    partner_of: dict[int, int]
    owner_of: dict[int, int]
    state_of: dict[int, PairState]


@dataclass(frozen=True, slots=True, eq=False)
class _DrawnTruth:
    """The last drawn ground truth of a frame: boxes, their IoU by id, and the drawn box at each index."""

    boxes: tuple[Box, ...]
    ious: dict[int, float]
    drawn: list[CanvasBox]


def shown_variants(session: Session, is_shown: Callable[[Variant], bool]) -> tuple[Variant, ...]:
    """The visible variants that pass the filter; the one whose IoU the captions show comes first."""
    shown = [v for v in session.variants.visible() if is_shown(v)]
    baseline = session.variants.baseline
    return tuple(sorted(shown, key=lambda v: baseline is None or v.key != baseline.key))


def review_variant(session: Session, variant: Variant, frame: int) -> VariantReview:
    """The variant's pairs on a frame, by ids and by rows of its table."""
    association = session.scores.frame_association(variant.key, frame)
    ids = session.ground_truth.frame_table(frame).ids
    return _pairs_of(variant, association, ids, frame, session.scores.settings.review.iou)


def _pairs_of(variant: Variant, association: Association, ids: Int, frame: int, threshold: float) -> VariantReview:
    """The pairs by ids and rows.

    Args:
        ids: of the frame's ground truth.
        threshold: least IoU of a true positive.
    """
    first = variant.predictions.table.rows(frame).start
    rows = [first + row for row in association.order]
    inside = association.in_ignore_region
    iou_of: dict[int, float] = {}
    partner_of: dict[int, int] = {}
    owner_of: dict[int, int] = {}
    state_of: dict[int, PairState] = {}
    places = set()
    for gt_row, place, iou in association.assigned:
        box_id, row = int(ids[gt_row]), rows[place]
        iou_of[box_id], partner_of[box_id], owner_of[row] = iou, row, box_id
        state_of[row] = PairState.TRUE_POSITIVE if iou >= threshold else PairState.LOOSE
        places.add(place)
    others = sorted((row, place) for place, row in enumerate(rows) if place not in places)
    for row, place in others:
        state_of[row] = PairState.IGNORED if place in inside else PairState.FALSE_POSITIVE
    return VariantReview(variant, iou_of, partner_of, owner_of, state_of)


class _Known(NamedTuple):
    """The pairs of a variant as they were built last: ``ids`` are those of the frame's ground truth."""

    association: Association
    ids: Int
    pairs: VariantReview

    def updated(self, association: Association, ids: Int, threshold: float) -> VariantReview | None:
        """The pairs after a box was dragged: the same dictionaries except for changed IoUs; None if more has changed.

        Args:
            threshold: least IoU of a true positive.
        """
        before = self.association
        if ids is not self.ids or before.order is not association.order:
            return None
        if before.in_ignore_region is not association.in_ignore_region:
            return None
        if len(before.assigned) != len(association.assigned):
            return None
        iou_of = self.pairs.iou_of.copy()
        # Pairs that were not assigned again are the same objects.
        for place in changed_indices(before.assigned, association.assigned):
            old, new = before.assigned[place], association.assigned[place]
            if old[:2] != new[:2] or (old[2] >= threshold) != (new[2] >= threshold):
                return None
            iou_of[int(ids[new[0]])] = new[2]
        return replace(self.pairs, iou_of=iou_of)


class KnownReviews:
    """The pairs of variants on the frame that was asked for last; during a drag only the changed IoUs are new."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, _Known] = {}
        self._frame = -1

    def of(self, variants: Iterable[Variant], frame: int) -> list[VariantReview]:
        """The pairs of these variants, and of no others from now on."""
        known = self._known if self._frame == frame else {}
        self._known, self._frame = {one.key: self._review(one, frame, known) for one in variants}, frame
        return [each.pairs for each in self._known.values()]

    def _review(self, variant: Variant, frame: int, known: dict[str, _Known]) -> _Known:
        scores = self._session.scores
        association = scores.frame_association(variant.key, frame)
        ids = self._session.ground_truth.frame_table(frame).ids
        last = known.get(variant.key)
        if last is not None and last.pairs.variant is variant:
            pairs = last.updated(association, ids, scores.settings.review.iou)
            if pairs is not None:
                return _Known(association, ids, pairs)
        return _Known(association, ids, review_variant(self._session, variant, frame))


class FrameViewBuilder:
    """Builds FrameViews of a session.

    Attributes:
        keys: variants to show, of those that are visible; None: all.
        has_full_lines: predictions of matched pairs have the full strength of their variant's line too.
        last_reviews: pairs of the frame that was built last.
        first: boxes of a project that is being loaded, shown where no frame of the session is.
    """

    def __init__(self, session: Session, variant_filter: Callable[[Variant], bool] | None = None) -> None:
        self._session = session
        self._filter = variant_filter
        self.keys: frozenset[str] | None = None
        self.has_full_lines = False
        self.last_reviews: list[VariantReview] = []
        self.first: FrameBoxes | None = None
        self._reviews = KnownReviews(session)
        self._is_evaluated = False
        self._key: object = None
        self._prediction_lists: dict[str, tuple[dict[int, PairState], bool, list[CanvasBox]]] = {}
        self._drawn_predictions: dict[BoxRef, tuple[PairState, CanvasBox]] = {}
        self._drawn_by_id: dict[int, tuple[Box, float | None, CanvasBox]] = {}
        self._last_truth: _DrawnTruth | None = None
        self._last_view = FrameView()
        self._copies_of: tuple[tuple[Box, ...], dict[int, int]] = ((), {})
        self._listed: Listed | None = None

    def _is_shown(self, variant: Variant) -> bool:
        return (self.keys is None or variant.key in self.keys) and (self._filter is None or self._filter(variant))

    def variants(self) -> tuple[Variant, ...]:
        """Variants on this canvas, the one whose IoU captions show first; none in blind mode."""
        return () if self._session.view_state.is_blind else shown_variants(self._session, self._is_shown)

    def reviews(self, frame: int) -> list[VariantReview]:
        """Pairs of the variants that cover the frame, in the order of ``variants``."""
        covering = [v for v in self.variants() if v.predictions.covered[frame]]
        return self._reviews.of(covering, frame)

    def ious_of(self, box_id: int) -> dict[str, float | None]:
        """IoU of a box with its partner of each variant in the last view, by variant key; None without a partner."""
        return {review.variant.key: review.iou_of.get(box_id) for review in self.last_reviews}

    def partner_refs(self, refs: Iterable[BoxRef]) -> frozenset[BoxRef]:
        """The predictions that these boxes of the last view are paired with, and those among them."""
        found = {ref for ref in refs if not ref.is_ground_truth}
        truth = [ref.row for ref in refs if ref.is_ground_truth]
        for review in self.last_reviews:
            found |= {BoxRef(review.variant.key, review.partner_of[row]) for row in truth if row in review.partner_of}
        return frozenset(found)

    def build(self, frame: int, *, is_dragging: bool = False) -> FrameView:
        """All boxes of the frame: predictions below, ground truth above.

        Boxes that look the same as in the last view of the frame are the same objects.

        Args:
            is_dragging: a gesture is in progress; duplicates are looked for afterwards.
        """
        self.last_reviews = []
        if not 0 <= frame < self._session.frame_count:
            return FrameView(frame) if self.first is None else FrameView.of(frame, _first_boxes(self.first))
        reviews = self.last_reviews = self.reviews(frame)
        self._is_evaluated = self._session.ground_truth.state(frame) is FrameState.LABELLED
        classes, state = self._session.document.classes, self._session.view_state
        looks = tuple((r.variant.key, r.variant.colour, r.variant.dash, r.variant.predictions) for r in reviews)
        truth = self._session.ground_truth.boxes(frame) if state.is_ground_truth_visible else ()
        shown = (state.isolated_track, state.locked_tracks, state.locked_layers, state.colour_by)
        copies = self._copies(truth, is_dragging=is_dragging)
        listed = self._listed = listed_on(self._session, tuple(review.variant for review in reviews), frame)
        threshold = self._session.scores.settings.review.iou
        key = (frame, self._is_evaluated, classes, threshold, looks, shown, copies, listed, self.has_full_lines)
        if key != self._key:
            self._key, self._drawn_predictions, self._drawn_by_id, self._last_truth = key, {}, {}, None
            self._prediction_lists = {}
        boxes: list[CanvasBox] = []
        first = reviews[0] if reviews else None
        for review in reversed(reviews):
            boxes += self._predictions(review, is_secondary=review is not first)
        boxes += self._ground_truth(truth, first)
        self._last_view = self._last_view.updated(frame, boxes)
        return self._last_view

    def details(self, ref: BoxRef) -> Caption | None:
        """The caption of a hovered or selected box of the last view; None if the view does not have it."""
        if ref.is_ground_truth:
            box = self._session.ground_truth.find(ref.row)
            return None if box is None else self._truth_details(box)
        review = next((r for r in self.last_reviews if r.variant.key == ref.variant), None)
        return None if review is None or ref.row not in review.state_of else self._prediction_details(review, ref.row)

    # Ground truth

    def _ground_truth(self, boxes: tuple[Box, ...], first: VariantReview | None) -> list[CanvasBox]:
        ious = first.iou_of if first is not None else {}
        has_review = first is not None
        last = self._last_truth
        if last is not None and len(last.boxes) == len(boxes):
            # While a box is dragged all others are the same objects.
            drawn, before = last.drawn.copy(), last.ious
            changed = set(changed_indices(last.boxes, boxes))
            if before is not ious:
                # For all boxes of the frame at every move of a drag.
                ids = list(map(_ID, boxes))
                changed.update(compress(range(len(ids)), map(ne, map(before.get, ids), map(ious.get, ids))))
            for index in changed:
                drawn[index] = self._truth_box(boxes[index], ious, has_review=has_review)
        else:
            drawn = [self._truth_box(box, ious, has_review=has_review) for box in boxes]
        self._last_truth = _DrawnTruth(boxes, ious, drawn)
        return drawn

    def _truth_box(self, box: Box, ious: dict[int, float], *, has_review: bool) -> CanvasBox:
        """The drawn box; the same object as before if it looks the same."""
        cache, iou = self._drawn_by_id, ious.get(box.id)
        found = cache.get(box.id)
        if found is None or found[1] != iou or (found[0] is not box and found[0] != box):
            found = cache[box.id] = (box, iou, self._draw_truth(box, iou, has_review=has_review))
        elif found[0] is not box:
            # Equal but not identical: store the new object, so that the next comparison is by identity.
            cache[box.id] = (box, iou, found[2])
        return found[2]

    def _copies(self, boxes: tuple[Box, ...], *, is_dragging: bool) -> dict[int, int]:
        """How many boxes lie at the place of a box, by id, where there are several."""
        if is_dragging or boxes is self._copies_of[0]:
            return self._copies_of[1]
        found = count_copies(boxes)
        # The same object while nothing changes, since it is part of the key.
        found = self._copies_of[1] if found == self._copies_of[1] else found
        self._copies_of = (boxes, found)
        return found

    def _draw_truth(self, box: Box, iou: float | None, *, has_review: bool) -> CanvasBox:
        view_state = self._session.view_state
        is_locked = view_state.is_locked(box)
        look = truth_look(box.flags, is_locked=is_locked, colour=self._colour(box.class_id, box.track) or CANVAS.gt)
        state, value = BoxState.PLAIN, None
        if box.flags & NOT_COUNTED:
            state = BoxState.IGNORED
        elif has_review and self._is_evaluated:
            state, value = self._match(iou)
        return CanvasBox(
            truth_ref(box.id),
            box.rect,
            state,
            look,
            None if state is BoxState.IGNORED else self._caption(self._short_name(box), box, value),
            is_locked=is_locked,
            is_dimmed=view_state.is_dimmed(box) or self._is_left_out(box.id, "", -1),
            copies=self._copies_of[1].get(box.id, 1),
        )

    def _colour(self, class_id: int, track: int) -> str:
        """The colour by class or track; empty for that of the source."""
        by = self._session.view_state.colour_by
        if by is ColourBy.CLASS:
            return class_colour(class_id, self._session.document.classes)
        return track_colour(track) if by is ColourBy.TRACK else ""

    def _match(self, iou: float | None) -> tuple[BoxState, Segment]:
        """State and number of a ground-truth box by the IoU with its partner."""
        if iou is None:
            return BoxState.MISSED, _MISSED
        threshold = self._session.scores.settings.review.iou
        return BoxState.PAIRED if iou >= threshold else BoxState.LOOSE, iou_segment(iou, threshold)

    def _short_name(self, box: Box) -> str:
        """Class and track; without the class if there is only one, where the track names the box."""
        if len(self._session.document.class_names) > 1:
            return self._session.document.object_name(box)
        return "" if box.track == NO_TRACK else str(box.track)

    def _caption(self, name: str, box: Box, value: Segment | None) -> Caption:
        if value is None:
            return Caption.of(Segment(name or self._session.document.object_name(box)))
        return Caption.of(Segment(name + _GAP), value) if name else Caption.of(value)

    def _truth_details(self, box: Box) -> Caption:
        value = None
        if box.flags & NOT_COUNTED:
            value = Segment(tr("out of view") if box.flags & BoxFlag.OUTSIDE else tr("ignored"), MUTED)
        elif self._is_evaluated and self.last_reviews:
            _, value = self._match(self.last_reviews[0].iou_of.get(box.id))
        return self._caption(self._session.document.object_name(box), box, value)

    # Predictions

    def _predictions(self, review: VariantReview, *, is_secondary: bool) -> list[CanvasBox]:
        known = self._prediction_lists.get(review.variant.key)
        if known is not None and known[0] is review.state_of and known[1] == is_secondary:
            return known[2]
        boxes = []
        for row, state in review.state_of.items():
            ref = BoxRef(review.variant.key, row)
            drawn = self._drawn_predictions.get(ref)
            if drawn is None or drawn[0] is not state:
                box = self._draw_prediction(ref, review.variant, state, is_secondary=is_secondary)
                drawn = self._drawn_predictions[ref] = (state, box)
            boxes.append(drawn[1])
        self._prediction_lists[review.variant.key] = (review.state_of, is_secondary, boxes)
        return boxes

    def _draw_prediction(self, ref: BoxRef, variant: Variant, state: PairState, *, is_secondary: bool) -> CanvasBox:
        table = variant.predictions.table
        x1, y1, x2, y2 = table.boxes[:, ref.row].tolist()
        class_id = int(table.class_ids[ref.row])
        box_state = _BOX_STATES[state] if self._is_evaluated else BoxState.PLAIN
        colour = self._colour(class_id, NO_TRACK)
        view_state = self._session.view_state
        return CanvasBox(
            ref,
            (x1, y1, x2, y2),
            box_state,
            prediction_look(variant.colour, is_counted=box_state is not BoxState.IGNORED, colour=colour),
            self._extra_caption(variant, ref.row) if box_state is BoxState.EXTRA else None,
            is_secondary=is_secondary,
            is_matched=self._is_evaluated and not self.has_full_lines and state in _PAIRED,
            is_locked=ref.variant in view_state.locked_layers,
            is_dimmed=view_state.is_dimmed(None) or self._is_left_out(None, ref.variant, ref.row),
        )

    def _is_left_out(self, box_id: int | None, variant: str, row: int) -> bool:
        """Whether the filter line leaves a box out, or a prediction where ``box_id`` is None."""
        return self._listed is not None and not self._listed.has(box_id, variant, row)

    def _extra_caption(self, variant: Variant, row: int) -> Caption:
        """``extra 0.90``; the number has the colour of its variant."""
        class_id, names = int(variant.predictions.table.class_ids[row]), self._session.document.class_names
        name = f"{self._session.document.class_name(class_id)}{_GAP}" if len(names) > 1 else ""
        return Caption.of(
            *([Segment(name)] if name else []),
            _EXTRA,
            Segment(_score_text(variant, row), image_colour(variant.colour)),
        )

    def _prediction_details(self, review: VariantReview, row: int) -> Caption:
        variant = review.variant
        if self._is_evaluated and review.state_of[row] is PairState.FALSE_POSITIVE:
            caption = self._extra_caption(variant, row)
        else:
            class_id = int(variant.predictions.table.class_ids[row])
            name = self._session.document.class_name(class_id) if class_id >= 0 else tr("prediction")
            caption = Caption.of(Segment(f"{name}{_score_text(variant, row)}"))
        return Caption.of(Segment(f"{variant.name}{_GAP}", image_colour(variant.colour)), *caption.lines[0])


_PAIRED = (PairState.TRUE_POSITIVE, PairState.LOOSE)
_BOX_STATES = {
    PairState.TRUE_POSITIVE: BoxState.PLAIN,
    PairState.LOOSE: BoxState.PLAIN,
    PairState.FALSE_POSITIVE: BoxState.EXTRA,
    PairState.IGNORED: BoxState.IGNORED,
}


def _score_text(variant: Variant, row: int) -> str:
    """`` 0.87``; empty if the file had no scores."""
    return f" {float(variant.predictions.table.scores[row]):.2f}" if variant.predictions.has_scores else ""


def iou_segment(iou: float, threshold: float) -> Segment:
    """``IoU 0.83``, amber below the threshold."""
    return Segment(_IOU.format(iou=iou), TEXT if iou >= threshold else BELOW)


def iou_change(before: float | None, after: float | None) -> tuple[Segment, ...]:
    """``0.71 → 0.83 +0.12``; a dash without a partner."""
    old, new = ("–" if value is None else f"{value:.2f}" for value in (before, after))
    line = (Segment(f"{old} → ", MUTED), Segment(new))
    if before is None or after is None:
        return line
    # The difference of the rounded values, so that the three numbers are consistent.
    difference = round(after, 2) - round(before, 2)
    colour = GOOD if difference > 0 else WRONG if difference < 0 else MUTED
    return (*line, Segment(f" {difference:+.2f}", colour))


def count_copies(boxes: Sequence[Box]) -> dict[int, int]:
    """How many boxes lie at the place of a box, itself included, by the ids of boxes that are not alone there."""
    if len(boxes) < 2:
        return {}
    rects = np.array([box.rect for box in boxes], np.float64).T
    # Left edges of duplicates differ by less than a tenth of the width, which leaves few pairs to compare.
    order = np.argsort(rects[0], kind="stable")
    left, reach = rects[0][order], 0.1 * (rects[2] - rects[0])
    start = np.searchsorted(left, rects[0] - reach, side="left")
    count = np.searchsorted(left, rects[0] + reach, side="right") - start
    if count.max() == 1:
        return {}
    first = np.repeat(np.arange(len(boxes)), count)
    second = order[np.arange(len(first)) + np.repeat(start - (np.cumsum(count) - count), count)]
    is_copy = iou_aligned(rects[:, first], rects[:, second]) > DUPLICATE_IOU
    counts = np.bincount(first[is_copy], minlength=len(boxes))
    return {boxes[row].id: int(counts[row]) for row in np.flatnonzero(counts > 1).tolist()}


def _first_boxes(first: FrameBoxes) -> list[CanvasBox]:
    """Boxes without evaluation: nothing else of their project is known."""
    names = first.class_names
    found = []
    for box in first.boxes:
        look = truth_look(box.flags, is_locked=False, colour=CANVAS.gt)
        state = BoxState.IGNORED if box.flags & NOT_COUNTED else BoxState.PLAIN
        caption = Caption.of(Segment(object_name(class_name_of(box.class_id, names), box.track)))
        found.append(CanvasBox(truth_ref(box.id), box.rect, state, look, caption))
    return found
