"""The tracks of a source in columns, for the list of tracks: span, boxes, longest gap, mean IoU.

All tracks are summed up by numpy once; after an edit only the tracks that it changed are summed up again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.review import ReviewSettings, review_all
from iouviewer.metrics.table import Bool, BoxTable, Float, Int


@dataclass(frozen=True, eq=False)
class BoxIous:
    """IoU of ground-truth boxes by id, (N,) each; see ``TrackBoxes.ious``."""

    ids: Int
    ious: Float


def find_box_ious(truth: BoxTable, predictions: BoxTable, frames: Bool, settings: ReviewSettings) -> BoxIous:
    """Match all frames and give each box that counts the IoU of its pair, or 0.

    Args:
        frames: (F,) bool, the frames that count: labelled and covered by the predictions.
    """
    review = review_all(truth, predictions, settings, frames)
    counted = truth.counted() & frames[truth.frame_of_row()]
    ious = np.where(counted, 0.0, np.nan)
    ious[review.pair_gt] = np.where(review.pair_outside, np.nan, review.pair_iou)
    return BoxIous(truth.ids, ious)


@dataclass(frozen=True, eq=False)
class TrackBoxes:
    """Boxes in columns, (N,) each.

    Attributes:
        ious: IoU with the baseline's prediction; 0 for a missed box; nan where the box does not count or the scores are
            not known.
    """

    frames: Int
    tracks: Int
    class_ids: Int
    ious: Float

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def of_columns(cls, columns: tuple[Int, Float, Int, Int, Int, Int], ious: BoxIous | None = None) -> TrackBoxes:
        """The boxes of ``GroundTruth.columns``, with their IoUs where known."""
        frames, _boxes, class_ids, tracks, _flags, ids = columns
        found = np.full(len(ids), np.nan)
        if ious is not None and len(ious.ids):
            order = np.argsort(ious.ids, kind="stable")
            known = ious.ids[order]
            place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
            hit = known[place] == ids
            found[hit] = ious.ious[order][place[hit]]
        return cls(frames, tracks, class_ids, found)

    @classmethod
    def of_boxes(cls, boxes: Sequence[Box], ious: Mapping[int, float]) -> TrackBoxes:
        """These boxes; ``ious`` by box id."""
        return cls(
            np.array([box.frame for box in boxes], np.int64),
            np.array([box.track for box in boxes], np.int64),
            np.array([box.class_id for box in boxes], np.int64),
            np.array([ious.get(box.id, np.nan) for box in boxes], np.float64),
        )

    def select(self, rows: Bool | Int) -> TrackBoxes:
        """Some of the rows."""
        return TrackBoxes(*(getattr(self, field.name)[rows] for field in fields(self)))

    def keys(self) -> set[tuple[int, int, int, float]]:
        """The rows as values that can be compared; an undefined IoU is -1."""
        ious = np.where(np.isnan(self.ious), -1.0, self.ious)
        columns = (self.frames, self.tracks, self.class_ids, ious)
        return set(zip(*(column.tolist() for column in columns), strict=True))


def _join(parts: Sequence[TrackBoxes]) -> TrackBoxes:
    return TrackBoxes(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(TrackBoxes)))


@dataclass(frozen=True, eq=False)
class TrackColumns:
    """One row per track in order of the track id, (T,) each.

    Attributes:
        class_ids: the class that most boxes have, the lowest of equals.
        is_mixed: the boxes have different classes.
        first, last: frames.
        gaps: frames of the longest gap.
        mean_iou: mean over the boxes with an IoU, nan without any.
    """

    tracks: Int
    class_ids: Int
    is_mixed: Bool
    first: Int
    last: Int
    boxes: Int
    gaps: Int
    mean_iou: Float

    def __len__(self) -> int:
        return len(self.tracks)

    def select(self, rows: Bool | Int) -> TrackColumns:
        """Some of the rows."""
        return TrackColumns(*(getattr(self, field.name)[rows] for field in fields(self)))


def summarise(boxes: TrackBoxes) -> TrackColumns:
    """Sum up boxes by track; those without a track are left out."""
    boxes = boxes.select(np.lexsort((boxes.frames, boxes.tracks)))
    boxes = boxes.select(boxes.tracks != NO_TRACK)
    tracks, starts, counts = np.unique(boxes.tracks, return_index=True, return_counts=True)
    ends = starts + counts - 1
    gaps = np.zeros(len(tracks), np.int64)
    of_row = np.repeat(np.arange(len(tracks)), counts)
    if len(boxes) > 1:
        within = of_row[1:] == of_row[:-1]
        np.maximum.at(gaps, of_row[1:][within], np.maximum(np.diff(boxes.frames)[within] - 1, 0))
    known = ~np.isnan(boxes.ious)
    number = np.bincount(of_row[known], minlength=len(tracks))
    total = np.bincount(of_row[known], weights=boxes.ious[known], minlength=len(tracks))
    mean = np.full(len(tracks), np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    class_ids, is_mixed = _main_classes(of_row, boxes.class_ids, len(tracks))
    first, last = boxes.frames[starts], boxes.frames[ends]
    return TrackColumns(tracks, class_ids, is_mixed, first, last, counts.astype(np.int64), gaps, mean)


def _main_classes(of_row: Int, class_ids: Int, count: int) -> tuple[Int, Bool]:
    """The most frequent class of each track, and whether it has several."""
    pairs, numbers = np.unique(np.stack((of_row, class_ids)), axis=1, return_counts=True)
    # The last one of each track after sorting by number; of equals, the lowest class comes last.
    order = np.lexsort((-pairs[1], numbers, pairs[0]))
    owner = pairs[0][order]
    is_last = np.append(owner[1:] != owner[:-1], True) if len(owner) else np.zeros(0, np.bool_)
    return pairs[1][order][is_last], np.bincount(pairs[0], minlength=count) > 1


class TrackTable:
    """The tracks of one source; frames that were edited since it was built override its boxes."""

    def __init__(self, boxes: TrackBoxes) -> None:
        self._base = boxes
        self._current = np.ones(len(boxes), np.bool_)
        self._edited: dict[int, TrackBoxes] = {}
        self.columns = summarise(boxes)

    @property
    def edited_frame_count(self) -> int:
        """Number of frames that override the boxes that it was built from."""
        return len(self._edited)

    def _frame(self, frame: int) -> TrackBoxes:
        found = self._edited.get(frame)
        return self._base.select(self._base.frames == frame) if found is None else found

    def set_frames(self, frames: Mapping[int, TrackBoxes]) -> frozenset[int]:
        """Replace the boxes of frames; returns the tracks that changed."""
        changed: set[int] = set()
        for frame, boxes in frames.items():
            difference = self._frame(frame).keys() ^ boxes.keys()
            changed |= {track for _, track, _, _ in difference}
            self._edited[frame] = boxes
        self._current &= ~np.isin(self._base.frames, np.fromiter(frames, np.int64, len(frames)))
        changed.discard(NO_TRACK)
        if changed:
            self._update(np.array(sorted(changed), np.int64))
        return frozenset(changed)

    def _update(self, tracks: Int) -> None:
        rows = self._base.select(self._current & np.isin(self._base.tracks, tracks))
        edited = [boxes.select(np.isin(boxes.tracks, tracks)) for boxes in self._edited.values()]
        new = summarise(_join([rows, *edited]))
        old = self.columns.select(~np.isin(self.columns.tracks, tracks))
        order = np.argsort(np.concatenate((old.tracks, new.tracks)), kind="stable")
        joined = (np.concatenate((getattr(old, f.name), getattr(new, f.name)))[order] for f in fields(TrackColumns))
        self.columns = TrackColumns(*joined)

    def frames_of(self, track: int) -> Int:
        """The frames on which a track has a box, in order."""
        base = self._base.frames[self._current & (self._base.tracks == track)]
        edited = [boxes.frames[boxes.tracks == track] for boxes in self._edited.values()]
        return np.sort(np.concatenate([base, *edited]))

    def tracks_on(self, frame: int) -> frozenset[int]:
        """Tracks with a box on a frame."""
        return frozenset(self._frame(frame).tracks.tolist())


def counted_ious(boxes: Sequence[Box], paired: Mapping[int, float]) -> dict[int, float]:
    """IoU of each box that counts: that of its pair, 0 for a missed one; ignored and out-of-view boxes do not count."""
    uncounted = BoxFlag.IGNORED | BoxFlag.OUTSIDE
    return {box.id: paired.get(box.id, 0.0) for box in boxes if not box.flags & uncounted}


# Filter

_OPERATORS = {
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "<": np.less,
    ">": np.greater,
    "=": np.equal,
}
_TERM = re.compile(r"([a-z]+)(<=|>=|<|>|=)(-?\d+(?:\.\d+)?)")
_INCOMPLETE = re.compile(r"[a-z]+(<=|>=|<|>|=)")


@dataclass(frozen=True, slots=True)
class TrackFilter:
    """Words that must all match, and comparisons that must all hold.

    Attributes:
        words: part of the class name, or a track id.
        terms: (field, operator, number).
    """

    words: tuple[str, ...] = ()
    terms: tuple[tuple[str, str, float], ...] = ()


FIELDS = ("gap", "len", "boxes", "iou", "problems", "track", "frame")
"""Names in comparisons: longest gap, length in frames, boxes, mean IoU, open problems, id, frames with a box."""


def parse_track_filter(text: str) -> TrackFilter:
    """Parse ``person gap>5 len<10 frame=153``; a comparison without its number yet is left out.

    Raises:
        UserError: an unknown field.
    """
    words, terms = [], []
    for word in text.casefold().split():
        term = _TERM.fullmatch(word)
        name = term[1] if term else word.rstrip("<>=")
        if (term or _INCOMPLETE.fullmatch(word)) and name not in FIELDS:
            raise UserError(
                tr("{name} cannot be compared", name=name), remedy=tr("Use {fields}.", fields=", ".join(FIELDS))
            )
        if term:
            terms.append((name, term[2], float(term[3])))
        elif not _INCOMPLETE.fullmatch(word):
            words.append(word)
    return TrackFilter(tuple(words), tuple(terms))


def passes(
    wanted: TrackFilter,
    columns: TrackColumns,
    class_names: Sequence[str],
    problems: Int,
    tracks_on: Callable[[int], frozenset[int]],
) -> Bool:
    """Which tracks pass a filter, (T,) bool.

    Args:
        class_names: name of the class of each track.
        problems: (T,) open problems of each track.
        tracks_on: the tracks with a box on a frame.
    """
    keep = np.ones(len(columns), np.bool_)
    for word in wanted.words:
        by_class = np.array([word in name.casefold() for name in class_names], np.bool_)
        keep &= by_class | (columns.tracks == int(word)) if word.isdecimal() else by_class
    values = {
        "gap": columns.gaps,
        "len": columns.last - columns.first + 1,
        "boxes": columns.boxes,
        "iou": columns.mean_iou,
        "problems": problems,
        "track": columns.tracks,
    }
    for name, sign, number in wanted.terms:
        if name != "frame":
            keep &= _OPERATORS[sign](values[name], number)
        elif sign == "=":
            keep &= np.isin(columns.tracks, list(tracks_on(int(number))))
        else:
            keep &= _OPERATORS[sign](columns.last if sign.startswith(">") else columns.first, number)
    return keep
