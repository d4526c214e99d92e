"""Builds the view of a frame from the session: states, colours and captions of all boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.edits import FrameState
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.ui.canvas.captions import Caption, Segment
from iouviewer.ui.canvas.frame_view import BoxState, CanvasBox, FrameView, changed_indices
from iouviewer.ui.canvas.hit import BoxRef, truth_ref
from iouviewer.ui.palette import (
    CAPTION_MUTED,
    CAPTION_TEXT,
    IGNORED,
    IMAGE_COLOURS,
    Band,
    band_of,
    readable_on_image,
)

_POOR = IMAGE_COLOURS.bands[Band.POOR]
_MAX_VARIANTS = 4
"""Maximum number of variants in the details of a ground-truth box."""

_IOU = tr("IoU {iou:.2f}")
_MISSED = Segment(tr("missed"), _POOR)
_EXTRA = tr("extra")


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


_STATES = {int(state): state for state in PairState}


def shown_variants(session: Session, is_shown: Callable[[Variant], bool]) -> tuple[Variant, ...]:
    """The visible variants that pass the filter; the one whose IoU the captions show comes first."""
    shown = [v for v in session.variants.visible() if is_shown(v)]
    baseline = session.variants.baseline
    return tuple(sorted(shown, key=lambda v: baseline is None or v.key != baseline.key))


def review_variant(session: Session, variant: Variant, frame: int) -> VariantReview:
    """The variant's pairs on a frame, by ids and by rows of its table."""
    review: FrameReview = session.scores.frame_review(variant.key, frame)
    first = variant.predictions.table.rows(frame).start
    result = VariantReview(variant, {}, {}, {}, {})
    below = int(PairState.BELOW_CONFIDENCE)
    columns = (review.gt_ids, review.pred_rows, review.iou, review.state)
    for gt_id, row, iou, state in zip(*(column.tolist() for column in columns), strict=True):
        if row >= 0 and state != below:
            result.state_of[first + row] = _STATES[state]
            if gt_id >= 0:
                result.iou_of[gt_id] = iou
                result.partner_of[gt_id] = first + row
                result.owner_of[first + row] = gt_id
    return result


class FrameViewBuilder:
    """Builds FrameViews of a session.

    Attributes:
        keys: variants to show, of those that are visible; None: all.
        last_reviews: pairs of the frame that was built last.
    """

    def __init__(self, session: Session, variant_filter: Callable[[Variant], bool] | None = None) -> None:
        self._session = session
        self._filter = variant_filter
        self.keys: frozenset[str] | None = None
        self.last_reviews: list[VariantReview] = []
        self._is_evaluated = False
        self._key: object = None
        self._drawn_predictions: dict[BoxRef, tuple[PairState, CanvasBox]] = {}
        self._drawn_by_id: dict[int, tuple[Box, float | None, CanvasBox]] = {}
        self._last_truth: _DrawnTruth | None = None
        self._last_view = FrameView()

    def _is_shown(self, variant: Variant) -> bool:
        return (self.keys is None or variant.key in self.keys) and (self._filter is None or self._filter(variant))

    def variants(self) -> tuple[Variant, ...]:
        """Variants on this canvas, the one whose IoU captions show first; none in blind mode."""
        return () if self._session.view_state.is_blind else shown_variants(self._session, self._is_shown)

    def reviews(self, frame: int) -> list[VariantReview]:
        """Pairs of the variants that cover the frame, in the order of ``variants``."""
        covering = (v for v in self.variants() if v.predictions.covered[frame])
        return [review_variant(self._session, variant, frame) for variant in covering]

    def ious_of(self, box_id: int) -> dict[str, float | None]:
        """IoU of a box with its partner of each variant in the last view, by variant key; None without a partner."""
        return {review.variant.key: review.iou_of.get(box_id) for review in self.last_reviews}

    def build(self, frame: int) -> FrameView:
        """All boxes of the frame: predictions below, ground truth above.

        Boxes that look the same as in the last view of the frame are the same objects.
        """
        self.last_reviews = []
        if not 0 <= frame < self._session.frame_count:
            return FrameView(frame)
        reviews = self.last_reviews = self.reviews(frame)
        self._is_evaluated = self._session.ground_truth.state(frame) is FrameState.LABELLED
        names = self._session.document.class_names
        looks = tuple((r.variant.key, r.variant.colour, r.variant.dash, r.variant.predictions) for r in reviews)
        key = (frame, self._is_evaluated, names, self._session.scores.settings.review.iou, looks)
        if key != self._key:
            self._key, self._drawn_predictions, self._drawn_by_id, self._last_truth = key, {}, {}, None
        boxes: list[CanvasBox] = []
        first = reviews[0] if reviews else None
        for review in reversed(reviews):
            boxes += self._predictions(review, is_secondary=review is not first)
        if self._session.view_state.is_ground_truth_visible:
            boxes += self._ground_truth(self._session.ground_truth.boxes(frame), first)
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
        if last is not None and last.ious == ious and len(last.boxes) == len(boxes):
            # While a box is dragged all others are the same objects.
            drawn = last.drawn.copy()
            for index in changed_indices(last.boxes, boxes):
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

    def _draw_truth(self, box: Box, iou: float | None, *, has_review: bool) -> CanvasBox:
        ref = truth_ref(box.id)
        name, colour = self._class_segments(box.class_id), IMAGE_COLOURS.ground_truth
        if box.flags & (BoxFlag.IGNORED | BoxFlag.OUTSIDE):
            return CanvasBox(ref, box.rect, BoxState.IGNORED, IGNORED)
        if not has_review or not self._is_evaluated:
            caption = Caption((name,)) if name else None
            return CanvasBox(ref, box.rect, BoxState.PLAIN, colour, caption=caption)
        if iou is None:
            state, value = BoxState.MISSED, _MISSED
        else:
            threshold = self._session.scores.settings.review.iou
            state, value = BoxState.PAIRED if iou >= threshold else BoxState.LOOSE, iou_segment(iou)
        caption = Caption(((*name, value),), colour if state.is_wrong else "")
        return CanvasBox(ref, box.rect, state, colour, caption=caption)

    def _truth_details(self, box: Box) -> Caption:
        reviews = self.last_reviews if self._is_evaluated else []
        lines: list[tuple[Segment, ...]] = [(Segment(self._session.document.object_name(box), CAPTION_TEXT),)]
        if box.flags & (BoxFlag.IGNORED | BoxFlag.OUTSIDE):
            reason = tr("out of view") if box.flags & BoxFlag.OUTSIDE else tr("ignored")
            return Caption((*lines, (Segment(reason, IGNORED),)))
        for review in reviews[:_MAX_VARIANTS]:
            iou = review.iou_of.get(box.id)
            value = _MISSED if iou is None else iou_segment(iou)
            variant = Segment(f"{review.variant.name}  ", readable_on_image(review.variant.colour))
            lines.append((variant, value) if len(reviews) > 1 else (value,))
        return Caption(tuple(lines))

    def _class_segments(self, class_id: int) -> tuple[Segment, ...]:
        """The class name, if there is more than one class."""
        if len(self._session.document.class_names) < 2:
            return ()
        return (Segment(f"{self._session.document.class_name(class_id)}  ", CAPTION_MUTED),)

    # Predictions

    def _predictions(self, review: VariantReview, *, is_secondary: bool) -> list[CanvasBox]:
        boxes = []
        for row, state in review.state_of.items():
            ref = BoxRef(review.variant.key, row)
            drawn = self._drawn_predictions.get(ref)
            if drawn is None or drawn[0] is not state:
                box = self._draw_prediction(ref, review.variant, state, is_secondary=is_secondary)
                drawn = self._drawn_predictions[ref] = (state, box)
            boxes.append(drawn[1])
        return boxes

    def _draw_prediction(self, ref: BoxRef, variant: Variant, state: PairState, *, is_secondary: bool) -> CanvasBox:
        table = variant.predictions.table
        x1, y1, x2, y2 = table.boxes[:, ref.row].tolist()
        colour = readable_on_image(variant.colour)
        box_state = _BOX_STATES[state] if self._is_evaluated else BoxState.PLAIN
        caption = None
        if box_state is BoxState.EXTRA:
            name = self._class_segments(int(table.class_ids[ref.row]))
            caption = Caption(((*name, Segment(f"{_EXTRA}{_score_text(variant, ref.row)}", _POOR)),), colour)
        return CanvasBox(ref, (x1, y1, x2, y2), box_state, colour, variant.dash, caption, is_secondary)

    def _prediction_details(self, review: VariantReview, row: int) -> Caption:
        variant = review.variant
        class_id = int(variant.predictions.table.class_ids[row])
        name = self._session.document.class_name(class_id) if class_id >= 0 else tr("prediction")
        colour = readable_on_image(variant.colour)
        prefix = (Segment(f"{variant.name}  ", colour),) if len(self.last_reviews) > 1 else ()
        lines: list[tuple[Segment, ...]] = [(*prefix, Segment(f"{name}{_score_text(variant, row)}", CAPTION_TEXT))]
        owner_id = review.owner_of.get(row)
        owner = None if owner_id is None else self._session.ground_truth.find(owner_id)
        is_extra = self._is_evaluated and review.state_of[row] is PairState.FALSE_POSITIVE
        if owner is not None and self._is_evaluated:
            text = tr("with {box}", box=self._session.document.object_name(owner))
            lines.append((iou_segment(review.iou_of[owner.id]), Segment(f"  {text}", CAPTION_MUTED)))
        elif is_extra:
            lines.append((Segment(_EXTRA, _POOR),))
        return Caption(tuple(lines), colour if is_extra else "")


_BOX_STATES = {
    PairState.TRUE_POSITIVE: BoxState.PLAIN,
    PairState.LOOSE: BoxState.PLAIN,
    PairState.FALSE_POSITIVE: BoxState.EXTRA,
    PairState.IGNORED: BoxState.IGNORED,
}


def _score_text(variant: Variant, row: int) -> str:
    """`` 0.87``; empty if the file had no scores."""
    return f" {float(variant.predictions.table.scores[row]):.2f}" if variant.predictions.has_scores else ""


def iou_segment(iou: float) -> Segment:
    """``IoU 0.83`` in the colour of its band."""
    band = band_of(iou)
    return Segment(_IOU.format(iou=iou), CAPTION_MUTED if band is None else IMAGE_COLOURS.bands[band])


def iou_change(before: float | None, after: float | None) -> tuple[Segment, ...]:
    """``0.71 → 0.83 (+0.12)``; a dash without a partner."""
    old, new = ("–" if value is None else f"{value:.2f}" for value in (before, after))
    band = band_of(nan if after is None else after)
    colour = CAPTION_TEXT if band is None else IMAGE_COLOURS.bands[band]
    line = (Segment(f"{old} → ", CAPTION_MUTED), Segment(new, colour))
    if before is None or after is None:
        return line
    # The difference of the rounded values, so that the three numbers are consistent.
    difference = round(after, 2) - round(before, 2)
    return (*line, Segment(f" ({difference:+.2f})", CAPTION_TEXT))
