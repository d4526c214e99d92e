"""From the session to what the canvas shows of a frame: roles, colours and labels of all boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.edits import FrameState
from iouviewer.document.variants import Variant
from iouviewer.metrics.review import FrameReview, PairState
from iouviewer.ui.canvas.frame_view import DrawnBox, FrameView, Role, other_places
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


@dataclass(frozen=True, slots=True, eq=False)
class _Truths:
    """The ground truth of a frame as it was drawn last: boxes, their IoU by id, and what is drawn, place by place."""

    boxes: tuple[Box, ...]
    ious: dict[int, float]
    drawn: list[DrawnBox]


_STATES = {int(state): state for state in PairState}


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


class ReviewView:
    """Builds FrameViews of a session."""

    def __init__(self, session: Session, variant_filter: Callable[[Variant], bool] | None = None) -> None:
        self._session = session
        self._filter = variant_filter
        self.keys: frozenset[str] | None = None
        self.blind = False
        self.last_reviews: list[Reviewed] = []
        self._judged = False
        self._key: object = None
        self._kept: dict[Ref, tuple[PairState, DrawnBox]] = {}
        self._kept_truths: dict[int, tuple[Box, float | None, DrawnBox]] = {}
        self._last_truths: _Truths | None = None
        self._last = FrameView()

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
        """All boxes of the frame: predictions below, ground truth above.

        Boxes that look as they did in the last view of the same frame are the same objects.
        """
        self.last_reviews = []
        if not 0 <= frame < self._session.frame_count:
            return FrameView(frame)
        reviews = self.last_reviews = self.reviews(frame)
        self._judged = self._session.ground_truth.state(frame) is FrameState.LABELLED
        names = self._session.document.class_names
        looks = tuple((r.variant.key, r.variant.colour, r.variant.dash, r.variant.predictions) for r in reviews)
        key = (frame, self._judged, names, self._session.scores.settings.review.iou, looks)
        if key != self._key:
            self._key, self._kept, self._kept_truths, self._last_truths = key, {}, {}, None
        boxes: list[DrawnBox] = []
        first = reviews[0] if reviews else None
        for review in reversed(reviews):
            boxes += self._predictions(review, quiet=review is not first)
        boxes += self._truths(self._session.ground_truth.boxes(frame), first)
        self._last = self._last.followed_by(frame, boxes)
        return self._last

    def detail(self, ref: Ref) -> Label | None:
        """What is said of a box of the last view while it is hovered or selected; None if it is not there."""
        if ref.is_ground_truth:
            box = self._session.ground_truth.find(ref.row)
            return None if box is None else self._truth_detail(box)
        review = next((r for r in self.last_reviews if r.variant.key == ref.variant), None)
        return None if review is None or ref.row not in review.state_of else self._prediction_detail(review, ref.row)

    # Ground truth

    def _truths(self, boxes: tuple[Box, ...], first: Reviewed | None) -> list[DrawnBox]:
        ious = first.iou_of if first is not None else {}
        before = self._last_truths
        if before is not None and before.ious == ious and len(before.boxes) == len(boxes):
            # While a box is dragged all others are the same objects.
            drawn = before.drawn.copy()
            for place in other_places(before.boxes, boxes):
                drawn[place] = self._truth(boxes[place], ious, reviewed=first is not None)
        else:
            drawn = [self._truth(box, ious, reviewed=first is not None) for box in boxes]
        self._last_truths = _Truths(boxes, ious, drawn)
        return drawn

    def _truth(self, box: Box, ious: dict[int, float], *, reviewed: bool) -> DrawnBox:
        """The box as it is drawn: the same object as before where it looks the same."""
        kept, iou = self._kept_truths, ious.get(box.id)
        found = kept.get(box.id)
        if found is None or found[1] != iou or (found[0] is not box and found[0] != box):
            found = kept[box.id] = (box, iou, self._drawn_truth(box, iou, reviewed=reviewed))
        elif found[0] is not box:
            # Equal: next time the same object is found at once.
            kept[box.id] = (box, iou, found[2])
        return found[2]

    def _drawn_truth(self, box: Box, iou: float | None, *, reviewed: bool) -> DrawnBox:
        ref = truth_ref(box.id)
        name, colour = self._class_of(box.class_id), ON_PICTURE.ground_truth
        if box.flags & (BoxFlag.IGNORED | BoxFlag.OUTSIDE):
            return DrawnBox(ref, box.rect, Role.IGNORED, IGNORED)
        if not reviewed or not self._judged:
            return DrawnBox(ref, box.rect, Role.PLAIN, colour, label=_label(name))
        if iou is None:
            role, value = Role.MISS, Segment("miss", _POOR)
        else:
            threshold = self._session.scores.settings.review.iou
            role, value = Role.PAIRED if iou >= threshold else Role.LOOSE, iou_segment(iou)
        return DrawnBox(ref, box.rect, role, colour, label=Label(((*name, value),), colour if role.is_bad else ""))

    def _truth_detail(self, box: Box) -> Label:
        reviews = self.last_reviews if self._judged else []
        what = self._session.document.class_name(box.class_id) if box.class_id >= 0 else "box"
        track = f"  track {box.track}" if box.track != NO_TRACK else ""
        lines: list[tuple[Segment, ...]] = [
            (Segment(what, PLATE_TEXT), Segment(f"  #{box.id}{track}", PLATE_MUTED)),
        ]
        if box.flags & (BoxFlag.IGNORED | BoxFlag.OUTSIDE):
            why = "outside" if box.flags & BoxFlag.OUTSIDE else "ignored"
            return Label((*lines, (Segment(why, IGNORED),)))
        for review in reviews[:4]:
            iou = review.iou_of.get(box.id)
            value = Segment("miss", _POOR) if iou is None else iou_segment(iou)
            name = Segment(f"{review.variant.name}  ", on_picture(review.variant.colour))
            lines.append((name, value) if len(reviews) > 1 else (value,))
        return Label(tuple(lines))

    def _class_of(self, class_id: int) -> tuple[Segment, ...]:
        """The class name, where there is more than one to tell apart."""
        if len(self._session.document.class_names) < 2:
            return ()
        return (Segment(f"{self._session.document.class_name(class_id)}  ", PLATE_MUTED),)

    # Predictions

    def _predictions(self, review: Reviewed, *, quiet: bool) -> list[DrawnBox]:
        boxes = []
        for row, state in review.state_of.items():
            ref = Ref(review.variant.key, row)
            kept = self._kept.get(ref)
            if kept is None or kept[0] is not state:
                kept = self._kept[ref] = (state, self._drawn_prediction(ref, review.variant, state, quiet=quiet))
            boxes.append(kept[1])
        return boxes

    def _drawn_prediction(self, ref: Ref, variant: Variant, state: PairState, *, quiet: bool) -> DrawnBox:
        table = variant.predictions.table
        x1, y1, x2, y2 = table.boxes[:, ref.row].tolist()
        role = _ROLES[state] if self._judged else Role.PLAIN
        label = None
        if role is Role.FALSE_POSITIVE:
            name = self._class_of(int(table.class_ids[ref.row]))
            label = Label(((*name, Segment(f"FP{_score(variant, ref.row)}", _POOR)),), on_picture(variant.colour))
        return DrawnBox(ref, (x1, y1, x2, y2), role, on_picture(variant.colour), variant.dash, label, quiet)

    def _prediction_detail(self, review: Reviewed, row: int) -> Label:
        variant = review.variant
        class_id = int(variant.predictions.table.class_ids[row])
        what = self._session.document.class_name(class_id) if class_id >= 0 else "prediction"
        who = (Segment(f"{variant.name}  ", on_picture(variant.colour)),) if len(self.last_reviews) > 1 else ()
        lines: list[tuple[Segment, ...]] = [(*who, Segment(f"{what}{_score(variant, row)}", PLATE_TEXT))]
        owner = review.owner_of.get(row)
        wrong = self._judged and review.state_of[row] is PairState.FALSE_POSITIVE
        if owner is not None and self._judged:
            lines.append((iou_segment(review.iou_of[owner]), Segment(f"  with #{owner}", PLATE_MUTED)))
        elif wrong:
            lines.append((Segment("false positive", _POOR),))
        return Label(tuple(lines), on_picture(variant.colour) if wrong else "")


def _score(variant: Variant, row: int) -> str:
    """`` 0.87``; empty where the file had no scores."""
    return f" {float(variant.predictions.table.scores[row]):.2f}" if variant.predictions.has_scores else ""


_ROLES = {
    PairState.TRUE_POSITIVE: Role.PLAIN,
    PairState.LOOSE: Role.PLAIN,
    PairState.FALSE_POSITIVE: Role.FALSE_POSITIVE,
    PairState.IGNORED: Role.IGNORED,
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
