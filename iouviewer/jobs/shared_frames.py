"""Settles frames that several people did: what they agree about is taken, each disagreement needs one decision."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import nan
from typing import NamedTuple

import numpy as np

from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.origins import FLAG_MASK
from iouviewer.metrics.agreement import join_tables
from iouviewer.metrics.iou import iou_pair
from iouviewer.metrics.table import BoxTable

AGREEING_IOU = 0.7
"""Boxes of two people that overlap by at least this much count as the same box."""

NOBODY = "none"
"""The decision that there is no box."""

_MEANING = int(BoxFlag.OUTSIDE | BoxFlag.IGNORED)
"""Flags that change what a box means."""


_Object = tuple[str, object]
"""Names an object on a frame."""


class ConflictKind(StrEnum):
    """How two people disagree; the values are written to files."""

    ONE_HAS_IT = "one-has-it"
    OTHER_PLACE = "other-place"
    OTHER_CLASS = "other-class"
    OTHER_FLAGS = "other-flags"


class Opinion(NamedTuple):
    """What one person says about one frame.

    Attributes:
        boxes: in the classes of the project; new tracks have ids that nobody else uses.
        verified: whether the person verified the frame.
    """

    boxes: tuple[Box, ...]
    verified: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """One disagreement about one object, on consecutive shared frames.

    Attributes:
        frames: where they disagree, ascending.
        first, second: the people; the box of ``first`` is in the result until somebody decides, or that of ``second``
            where only it exists.
        first_box, second_box: their boxes on the first of these frames, None without one.
        iou: mean over the frames where both have a box, nan without any.
        decision: whose box was chosen, NOBODY for no box, empty if nobody has decided.
    """

    kind: ConflictKind
    frames: tuple[int, ...]
    first: str
    second: str
    first_box: Box | None
    second_box: Box | None
    iou: float
    decision: str = ""

    @property
    def key(self) -> str:
        """Names the conflict in files; it stays while the boxes stay."""
        boxes = [None if box is None else (box.rect, box.class_id) for box in (self.first_box, self.second_box)]
        text = repr((str(self.kind), self.frames, self.first, self.second, boxes))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def box(self) -> Box:
        """A box of the object, for its name."""
        box = self.first_box or self.second_box
        assert box is not None
        return box


@dataclass(frozen=True, slots=True)
class Settled:
    """The result for all shared frames.

    Attributes:
        boxes: the boxes of each frame; an id occurs once on a frame unless it is 0: such a box is new.
        verified: whether the frame counts as verified: somebody verified it, and nothing on it is undecided.
    """

    boxes: dict[int, tuple[Box, ...]]
    verified: dict[int, bool]
    conflicts: tuple[Conflict, ...]


class _Pair(NamedTuple):
    """The boxes of two people that show one object; one of them may be missing."""

    frame: int
    first: Box | None
    second: Box | None

    @property
    def iou(self) -> float:
        if self.first is None or self.second is None:
            return nan
        return iou_pair(self.first.rect, self.second.rect)

    def conflict(self, agreeing_iou: float) -> ConflictKind | None:
        """How the two disagree, None if they agree."""
        if self.first is None or self.second is None:
            return ConflictKind.ONE_HAS_IT
        if self.first.class_id != self.second.class_id:
            return ConflictKind.OTHER_CLASS
        if (self.first.flags ^ self.second.flags) & _MEANING & FLAG_MASK:
            return ConflictKind.OTHER_FLAGS
        return ConflictKind.OTHER_PLACE if self.iou < agreeing_iou else None


def settle(
    opinions: Mapping[int, Mapping[str, Opinion]],
    people: Sequence[str],
    known_tracks: frozenset[int],
    decisions: Mapping[str, str],
    *,
    agreeing_iou: float = AGREEING_IOU,
) -> Settled:
    """Settle frames about which several people have an opinion.

    Args:
        opinions: by frame and person; frames with fewer than two are ignored. A box that a person has added has id 0.
        people: in order; of two who agree, the box of the earlier one is taken.
        known_tracks: tracks that existed before the split.
        decisions: by ``Conflict.key``.
    """
    boxes: dict[int, tuple[Box, ...]] = {}
    verified: dict[int, bool] = {}
    conflicts: list[Conflict] = []
    same_tracks = join_tracks(opinions, people, known_tracks)
    for first, second in _couples(opinions, people):
        frames = [f for f, of in opinions.items() if _order(of, people)[:2] == [first, second]]
        pairs = {f: _pair_frame(opinions[f][first].boxes, opinions[f][second].boxes, same_tracks) for f in frames}
        found = _group((p for f in sorted(frames) for p in pairs[f]), first, second, agreeing_iou)
        found = [replace(one, decision=decisions.get(one.key, "")) for one in found]
        conflicts += found
        chosen = {(f, _object(one.box)): one for one in found for f in one.frames}
        for frame in frames:
            taken = [_take(pair, chosen, agreeing_iou) for pair in pairs[frame]]
            boxes[frame] = _unique_tracks([box for box in taken if box is not None])
            is_open = any(not one.decision for (at, _), one in chosen.items() if at == frame)
            verified[frame] = any(o.verified for o in opinions[frame].values()) and not is_open
    conflicts.sort(key=lambda one: (one.frames[0], one.key))
    return Settled(boxes, verified, tuple(conflicts))


def _order(of: Mapping[str, Opinion], people: Sequence[str]) -> list[str]:
    """The people with an opinion, those who verified the frame first."""
    return sorted(of, key=lambda name: (not of[name].verified, people.index(name)))


def _couples(opinions: Mapping[int, Mapping[str, Opinion]], people: Sequence[str]) -> list[tuple[str, str]]:
    found = {(order[0], order[1]) for of in opinions.values() if len(order := _order(of, people)) > 1}
    return sorted(found, key=lambda names: (people.index(names[0]), people.index(names[1])))


def _object(box: Box) -> _Object:
    """What names an object on a frame: its track, else its box; a new box without a track is named by its place."""
    if box.track != NO_TRACK:
        return "track", box.track
    return ("box", box.id) if box.id else ("new", box.rect)


def _take(pair: _Pair, conflicts: Mapping[tuple[int, _Object], Conflict], agreeing_iou: float) -> Box | None:
    """The box of one object on one frame."""
    if pair.conflict(agreeing_iou) is None:
        return pair.first
    known = pair.first or pair.second
    assert known is not None
    conflict = conflicts[pair.frame, _object(known)]
    if conflict.decision == NOBODY:
        return None
    if conflict.decision == conflict.first:
        return pair.first
    if conflict.decision == conflict.second:
        return _with_identity(pair.second, pair.first)
    return known


def _with_identity(box: Box | None, other: Box | None) -> Box | None:
    """A box under the id and track of the other person's box of the same object."""
    return box if box is None or other is None else replace(box, id=other.id, track=other.track)


def _unique_tracks(boxes: Sequence[Box]) -> tuple[Box, ...]:
    """The boxes of a frame; a second box of a track has none, so that nothing is lost."""
    seen: set[int] = set()
    kept = []
    for box in boxes:
        twice = box.track != NO_TRACK and box.track in seen
        kept.append(replace(box, track=NO_TRACK) if twice else box)
        seen.add(box.track)
    return tuple(kept)


def _group(pairs: Iterable[_Pair], first: str, second: str, agreeing_iou: float) -> list[Conflict]:
    """One conflict for an object and kind on frames that follow each other."""
    runs: dict[tuple[ConflictKind, _Object], list[list[_Pair]]] = {}
    for pair in pairs:
        kind = pair.conflict(agreeing_iou)
        if kind is None:
            continue
        known = pair.first or pair.second
        assert known is not None
        of_object = runs.setdefault((kind, _object(known)), [])
        if of_object and of_object[-1][-1].frame == pair.frame - 1:
            of_object[-1].append(pair)
        else:
            of_object.append([pair])
    found = []
    for (kind, _name), of_object in runs.items():
        for run in of_object:
            ious = [pair.iou for pair in run if pair.first is not None and pair.second is not None]
            mean = float(np.mean(ious)) if ious else nan
            frames = tuple(pair.frame for pair in run)
            found.append(Conflict(kind, frames, first, second, run[0].first, run[0].second, mean))
    return found


def group_conflicts(
    boxes: Iterable[tuple[int, Box | None, Box | None]], first: str, second: str, agreeing_iou: float
) -> list[Conflict]:
    """The conflicts among pairs of boxes (frame, box of ``first``, box of ``second``) in order of frame."""
    return _group((_Pair(*one) for one in boxes), first, second, agreeing_iou)


def _pair_frame(first: Sequence[Box], second: Sequence[Box], same_tracks: Mapping[int, int]) -> list[_Pair]:
    """Join the boxes of two people: by id, by overlap, then by track."""
    second = [replace(box, track=same_tracks.get(box.track, box.track)) for box in second]
    frame = (first or second)[0].frame if first or second else 0
    rest_first, rest_second = list(first), list(second)
    pairs: list[_Pair] = []

    def put(one: Box, other: Box) -> None:
        rest_first.remove(one)
        rest_second.remove(other)
        pairs.append(_Pair(frame, one, other))

    for one, other in _same_ids(first, second):
        put(one, other)
    for one, other in _overlapping(tuple(rest_first), tuple(rest_second)):
        put(one, other)
    by_track = {box.track: box for box in rest_second if box.track != NO_TRACK}
    for one in tuple(rest_first):
        if one.track in by_track:
            put(one, by_track[one.track])
    pairs += [_Pair(frame, box, None) for box in rest_first]
    pairs += [_Pair(frame, None, box) for box in rest_second]
    return pairs


def _same_ids(first: Sequence[Box], second: Sequence[Box]) -> list[tuple[Box, Box]]:
    known = {box.id: box for box in second if box.id}
    return [(box, known[box.id]) for box in first if box.id in known]


def _overlapping(first: Sequence[Box], second: Sequence[Box]) -> list[tuple[Box, Box]]:
    if not first or not second:
        return []
    joined = join_tables(_table(first), _table(second), np.ones(1, np.bool_))
    return [
        (first[one], second[other]) for one, other in zip(joined.first.tolist(), joined.second.tolist(), strict=True)
    ]


def _table(boxes: Sequence[Box]) -> BoxTable:
    rects = np.array([box.rect for box in boxes], np.float64).reshape(-1, 4).T
    return BoxTable.from_rows(np.zeros(len(boxes), np.int64), rects, frame_count=1)


def join_tracks(
    opinions: Mapping[int, Mapping[str, Opinion]], people: Sequence[str], known: frozenset[int]
) -> dict[int, int]:
    """Tracks that two people began for one object: that of the later person -> that of the earlier one, which stays."""
    votes: Counter[tuple[int, int]] = Counter()
    for of in opinions.values():
        order = [name for name in people if name in of]
        for place, name in enumerate(order):
            for other in order[place + 1 :]:
                for one, two in _overlapping(of[name].boxes, of[other].boxes):
                    if two.track not in known and NO_TRACK not in (one.track, two.track):
                        votes[two.track, one.track] += 1
    joined: dict[int, int] = {}
    for (later, earlier), _count in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
        joined.setdefault(later, joined.get(earlier, earlier))
    return joined
