"""From the session to what the canvas shows of a frame: roles, colours and labels of all boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan

from iouviewer.app.session import Session
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.edits import FrameState
from iouviewer.document.variants import Variant
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.ui.canvas.frame_view import DrawnBox, FrameView, Role
from iouviewer.ui.canvas.hit import Ref, truth_ref
from iouviewer.ui.canvas.labels import Label, Segment
from iouviewer.ui.palette import IGNORED, ON_PICTURE, PLATE_MUTED, PLATE_TEXT, Band, band_of, on_picture

_POOR = ON_PICTURE.bands[Band.POOR]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One variant's association on one frame.

    Attributes:
        iou_of: IoU by ground-truth id, for pairs.
        partner_of: (row in the variant's table) by ground-truth id.
        owner_of: ground-truth id by row in the variant's table.
        state_of: state by row in the variant's table; below the confidence threshold there is none.
    """

    variant: Variant
    iou_of: dict[int, float]
    partner_of: dict[int, int]
    owner_of: dict[int, int]
    state_of: dict[int, PairState]


def shown_variants(session: Session, wanted: Callable[[Variant], bool]) -> tuple[Variant, ...]:
    """Visible variants out of those wanted; the one whose IoU labels show first."""
    shown = [v for v in session.variants.visible() if wanted(v)]
    baseline = session.variants.baseline
    return tuple(sorted(shown, key=lambda v: baseline is None or v.key != baseline.key))


def reviewed(session: Session, variant: Variant, frame: int) -> Reviewed:
    """The variant's association on a frame, by ids and by rows of its table."""
    review: FrameReview = session.scores.frame_review(variant.key, frame)
    first = variant.predictions.table.rows(frame).start
    result = Reviewed(variant, {}, {}, {}, {})
    columns = (review.gt_ids, review.pred_rows, review.iou, review.state)
    for gt_id, row, iou, state in zip(*(column.tolist() for column in columns), strict=True):
        if row >= 0 and state != PairState.BELOW_CONFIDENCE:
            result.state_of[first + row] = PairState(state)
            if gt_id >= 0:
                result.iou_of[gt_id] = iou
                result.partner_of[gt_id] = first + row
                result.owner_of[first + row] = gt_id
    return result


class ReviewView:
    """Builds FrameViews of a session."""

    def __init__(self, session: Session, variant_filter: Callable[[Variant], bool] | None = None) -> None:
        self._session = session
        self._filter = variant_filter
        self.keys: frozenset[str] | None = None
        self.blind = False

    def _wanted(self, variant: Variant) -> bool:
        return (self.keys is None or variant.key in self.keys) and (self._filter is None or self._filter(variant))

    def variants(self) -> tuple[Variant, ...]:
        """Variants on this canvas, the one whose IoU labels show first; none in blind mode."""
        return () if self.blind else shown_variants(self._session, self._wanted)

    def reviews(self, frame: int) -> list[Reviewed]:
        """Associations of the variants that cover the frame, in the order of ``variants``."""
        covering = (v for v in self.variants() if v.predictions.covered[frame])
        return [reviewed(self._session, variant, frame) for variant in covering]

    def build(self, frame: int) -> FrameView:
        """All boxes of the frame: predictions below, ground truth above."""
        if not 0 <= frame < self._session.frame_count:
            return FrameView(frame)
        judged = self._session.ground_truth.state(frame) is FrameState.LABELLED
        reviews = self.reviews(frame)
        boxes: list[DrawnBox] = []
        for review in reversed(reviews):
            boxes += self._predictions(review, judged)
        boxes += (self._truth(box, reviews, judged) for box in self._session.ground_truth.boxes(frame))
        return FrameView.of(frame, boxes)

    # Ground truth

    def _truth(self, box: Box, reviews: list[Reviewed], judged: bool) -> DrawnBox:
        name = self._class_of(box.class_id)
        ref, colour = truth_ref(box.id), ON_PICTURE.ground_truth
        if box.flags & (BoxFlag.IGNORED | BoxFlag.OUTSIDE):
            why = "outside" if box.flags & BoxFlag.OUTSIDE else "ignored"
            detail = Label(((*name, Segment(why, IGNORED)),))
            return DrawnBox(ref, box.rect, Role.IGNORED, IGNORED, label=None, detail=detail)
        if not reviews or not judged:
            return DrawnBox(ref, box.rect, Role.PLAIN, colour, label=_label(name), detail=self._detail(box, reviews))
        first = reviews[0]
        iou = first.iou_of.get(box.id)
        threshold = self._session.scores.settings.review.iou
        if iou is None:
            role, value = Role.MISS, Segment("miss", _POOR)
        else:
            role, value = Role.PAIRED if iou >= threshold else Role.LOOSE, iou_segment(iou)
        label = Label(((*name, value),), role.is_bad)
        return DrawnBox(ref, box.rect, role, colour, label=label, detail=self._detail(box, reviews))

    def _detail(self, box: Box, reviews: list[Reviewed]) -> Label:
        what = self._session.document.class_name(box.class_id) if box.class_id >= 0 else "box"
        track = f"  track {box.track}" if box.track != NO_TRACK else ""
        lines = [(Segment(what, PLATE_TEXT), Segment(f"  #{box.id}{track}", PLATE_MUTED))]
        for review in reviews[:4]:
            iou = review.iou_of.get(box.id)
            value = Segment("miss", _POOR) if iou is None else iou_segment(iou)
            several = (
                (Segment(f"{review.variant.name}  ", on_picture(review.variant.colour)),) if len(reviews) > 1 else ()
            )
            lines.append((*several, value))
        return Label(tuple(lines))

    def _class_of(self, class_id: int) -> tuple[Segment, ...]:
        """The class name, where there is more than one to tell apart."""
        if len(self._session.document.class_names) < 2:
            return ()
        return (Segment(f"{self._session.document.class_name(class_id)}  ", PLATE_MUTED),)

    # Predictions

    def _predictions(self, review: Reviewed, judged: bool) -> Iterator[DrawnBox]:
        variant, table = review.variant, review.variant.predictions.table
        colour = on_picture(variant.colour)
        several = len(self.variants()) > 1
        for row, state in review.state_of.items():
            x1, y1, x2, y2 = table.boxes[:, row].tolist()
            score = f" {float(table.scores[row]):.2f}" if variant.predictions.has_scores else ""
            name = self._session.document.class_name(int(table.class_ids[row])) if table.class_ids[row] >= 0 else ""
            role = _ROLES[state] if judged else Role.PLAIN
            label = None
            if role is Role.FALSE_POSITIVE:
                label = Label(((*self._class_of(int(table.class_ids[row])), Segment(f"FP{score}", _POOR)),), True)
            who = (Segment(f"{variant.name}  ", colour),) if several else ()
            verdict = "false positive" if role is Role.FALSE_POSITIVE else "prediction"
            lines = [(*who, Segment(f"{name or verdict}{score}", PLATE_TEXT))]
            owner = review.owner_of.get(row)
            if owner is not None and judged:
                lines.append((iou_segment(review.iou_of[owner]), Segment(f"  with #{owner}", PLATE_MUTED)))
            elif role is Role.FALSE_POSITIVE and name:
                lines.append((Segment(verdict, _POOR),))
            detail = Label(tuple(lines), role is Role.FALSE_POSITIVE)
            yield DrawnBox(
                Ref(variant.key, row),
                (x1, y1, x2, y2),
                role,
                on_picture(variant.colour),
                variant.dash,
                label=label,
                detail=detail,
            )


_ROLES = {
    PairState.TRUE_POSITIVE: Role.PLAIN,
    PairState.LOOSE: Role.PLAIN,
    PairState.FALSE_POSITIVE: Role.FALSE_POSITIVE,
    PairState.MISS: Role.PLAIN,
    PairState.IGNORED: Role.IGNORED,
    PairState.BELOW_CONFIDENCE: Role.PLAIN,
}


def iou_segment(iou: float) -> Segment:
    """``IoU 0.83`` in the colour of its band."""
    band = band_of(iou)
    return Segment(f"IoU {iou:.2f}", PLATE_MUTED if band is None else ON_PICTURE.bands[band])


def _label(segments: tuple[Segment, ...]) -> Label | None:
    return Label((segments,)) if segments else None


def delta_line(before: float | None, after: float | None) -> tuple[Segment, ...]:
    """``0.71 → 0.83 (+0.12)`` with a dash for what has no partner."""
    old, new = ("–" if value is None else f"{value:.2f}" for value in (before, after))
    now = band_of(nan if after is None else after)
    colour = PLATE_TEXT if now is None else ON_PICTURE.bands[now]
    line = (Segment(f"{old} → ", PLATE_MUTED), Segment(new, colour))
    if before is None or after is None:
        return line
    # The difference of the figures shown, so that the three of them agree.
    difference = round(after, 2) - round(before, 2)
    return (*line, Segment(f" ({difference:+.2f})", PLATE_TEXT))
