"""Links the boxes of consecutive frames into tracks, by place, movement, size and looks.

Two steps. First, boxes of neighbouring frames are joined where nothing else could be meant, surest scores first (the
two stages of ByteTrack, Zhang et al. 2022): these fragments hardly ever change from one object to another. Then
fragments are joined over gaps, all at once, so that the sum of costs is smallest; the cost says how far the end of one
is from the start of the other by the movement of both, how their sizes and looks differ, and how long the gap is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from iouviewer.metrics.iou import iou_matrix
from iouviewer.metrics.table import Bool, Float, Int
from iouviewer.propagation.appearance import Looks, average, likeness

NO_LINK = -1


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How boxes are linked. The defaults are for a model's predictions on a long video.

    Attributes:
        sure_score: boxes from this score on are linked first, and a track needs one.
        min_iou: overlap with the expected box from which a box continues a fragment.
        max_rival: a second candidate with this share of the best one's overlap ends the fragment.
        max_skipped: frames that a fragment may skip.
        max_gap: frames over which fragments are joined.
        min_boxes: tracks with fewer boxes are not kept; their boxes stay single.
    """

    sure_score: float = 0.5
    min_iou: float = 0.45
    max_rival: float = 0.5
    max_skipped: int = 0
    max_gap: int = 30
    min_boxes: int = 14

    @classmethod
    def for_predictions(cls, frame_count: int) -> LinkSettings:
        """A model's predictions on so many frames: short videos have short tracks."""
        default = cls()
        return replace(default, min_boxes=min(default.min_boxes, max(3, frame_count // 5)))

    @classmethod
    def for_ground_truth(cls) -> LinkSettings:
        """Boxes that a person placed: none is wrong or missing, so fragments end later and short tracks stay."""
        return cls(max_rival=0.8, min_boxes=2)


_DISTANCE = 0.3
_DISTANCE_A_FRAME = 0.07
"""Usual miss of the expected place: in box heights (times ``_HEIGHT_SHARE``), for no gap, and for each frame of it."""
_HEIGHT_SHARE = 0.6
_MAX_MISS = 5.0
_MAX_SIZE_CHANGE = 0.45
_SIZE_COST = 28.0
_LOOK_COST = 43.0
_GAP_COST = 0.04
_MAX_COST = 5.4
"""Above it fragments are not joined."""
_ROUNDS = 2
"""Gaps grow from round to round, as longer fragments show better how their objects move."""
_HISTORY = 12
"""Boxes from which the movement of a fragment follows while it is made."""
_END = 20
"""Boxes at the end of a fragment from which its movement follows when it is joined."""
_LITTLE_HISTORY = 2.0
_LITTLE_END = 4.0
"""Movements of short fragments count less: n boxes by n / (n + this)."""
_FORBIDDEN = 1e6

IsCancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class LinkInput:
    """Boxes to link, by frame.

    Attributes:
        frames: (N,) ascending.
        boxes: (N, 4) xyxy, pixels.
        scores: (N,) confidence, 1 for boxes that a person placed.
        groups: (N,) boxes of different groups (classes) are never linked.
        looks: (N, LENGTH), or None where the images are not known.
    """

    frames: Int
    boxes: Float
    scores: Float
    groups: Int
    looks: Looks | None = None

    def rows(self, rows: Int) -> LinkInput:
        """Some of the boxes."""
        looks = None if self.looks is None else self.looks[rows]
        return LinkInput(self.frames[rows], self.boxes[rows], self.scores[rows], self.groups[rows], looks)


def link(data: LinkInput, settings: LinkSettings, is_cancelled: IsCancelled = lambda: False) -> Int | None:
    """The track of each box, (N,) from 0 by first frame, ``NO_LINK`` for single ones; None if cancelled.

    No two boxes of a frame share a track.
    """
    result = np.full(len(data.frames), NO_LINK, np.int64)
    count = 0
    for group in np.unique(data.groups).tolist():
        rows = np.flatnonzero(data.groups == group)
        linked = _link_group(data.rows(rows), settings, is_cancelled)
        if linked is None:
            return None
        result[rows] = np.where(linked >= 0, linked + count, NO_LINK)
        count = max(count, int(result.max(initial=-1)) + 1)
    return _by_first_frame(result)


def _by_first_frame(tracks: Int) -> Int:
    """Number tracks in the order of their first boxes."""
    linked = tracks[tracks >= 0]
    found, first = np.unique(linked, return_index=True)
    numbers = np.zeros(int(linked.max(initial=-1)) + 1, np.int64)
    numbers[found[np.argsort(first)]] = np.arange(len(found))
    result = tracks.copy()
    result[tracks >= 0] = numbers[linked]
    return result


def _link_group(data: LinkInput, settings: LinkSettings, is_cancelled: IsCancelled) -> Int | None:
    fragments = _find_fragments(data, settings, is_cancelled)
    if fragments is None:
        return None
    clear = _visible_shares(data)
    for number in range(_ROUNDS):
        if is_cancelled():
            return None
        part = replace(settings, max_gap=max(1, settings.max_gap * (number + 1) // _ROUNDS))
        fragments = _join(fragments, data, clear, part)
    result = np.full(len(data.frames), NO_LINK, np.int64)
    kept = [rows for rows in fragments if len(rows) >= settings.min_boxes]
    for number, rows in enumerate(kept):
        if data.scores[rows].max() >= settings.sure_score:
            result[rows] = number
    return result


def _frame_ranges(frames: Int) -> list[tuple[int, int]]:
    """First row and row after the last of each frame that has boxes."""
    bounds = [*np.flatnonzero(np.diff(frames, prepend=-1)).tolist(), len(frames)]
    return list(pairwise(bounds))


# Fragments


@dataclass(slots=True)
class _Fragment:
    """Boxes in a row: where the next is expected."""

    state: Float
    """Centre x, y, width, height."""
    frame: int
    rows: list[int]
    velocity: Float = field(default_factory=lambda: np.zeros(2))

    def expected(self, frame: int) -> Float:
        """xyxy on a later frame."""
        centre = self.state[:2] + self.velocity * (frame - self.frame)
        half = self.state[2:] / 2
        return np.concatenate([centre - half, centre + half])

    def add(self, row: int, frame: int, states: Float, frames: Int) -> None:
        """Continue with a box."""
        self.rows.append(row)
        recent = self.rows[-_HISTORY:]
        middle, time, velocity = _motion(states[recent], frames[recent], _LITTLE_HISTORY)
        self.velocity = velocity
        # The box as it is, pulled a little towards the line through the boxes before.
        centre = 0.6 * states[row, :2] + 0.4 * (middle + velocity * (frame - time))
        self.state = np.concatenate([centre, np.median(states[recent, 2:], axis=0)])
        self.frame = frame


def _motion(states: Float, frames: Int, little: float) -> tuple[Float, float, Float]:
    """Mean centre, mean frame, and velocity (pixels a frame) of some boxes of one object."""
    middle, time = states[:, :2].mean(0), float(frames.mean())
    if len(states) < 2:
        return middle, time, np.zeros(2)
    since = frames - time
    velocity = (since[:, None] * (states[:, :2] - middle)).sum(0) / (since * since).sum()
    return middle, time, velocity * len(states) / (len(states) + little)


def _states(boxes: Float) -> Float:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def _find_fragments(data: LinkInput, settings: LinkSettings, is_cancelled: IsCancelled) -> list[Int] | None:
    states = _states(data.boxes)
    sure = data.scores >= settings.sure_score
    active: list[_Fragment] = []
    ended: list[_Fragment] = []
    for start, stop in _frame_ranges(data.frames):
        if is_cancelled():
            return None
        frame = int(data.frames[start])
        ended += [one for one in active if frame - one.frame > settings.max_skipped + 1]
        active = [one for one in active if frame - one.frame <= settings.max_skipped + 1]
        rows = np.arange(start, stop)
        free, used = list(active), set[int]()
        for stage in (True, False):
            candidates = rows[sure[rows] == stage]
            for fragment, row in _certain_pairs(free, data.boxes, candidates, frame, settings):
                fragment.add(row, frame, states, data.frames)
                used.add(row)
            free = [one for one in free if one.frame != frame]
        active += [_Fragment(states[row].copy(), frame, [row]) for row in rows.tolist() if row not in used]
    fragments = [np.array(one.rows) for one in ended + active]
    return sorted(fragments, key=lambda rows: int(rows[0]))


def _certain_pairs(
    fragments: list[_Fragment], boxes: Float, rows: Int, frame: int, settings: LinkSettings
) -> list[tuple[_Fragment, int]]:
    """Fragments with the row that continues each, where neither has a second candidate almost as good."""
    if not fragments or not len(rows):
        return []
    expected = np.stack([one.expected(frame) for one in fragments])
    overlaps = iou_matrix(expected.T, boxes[rows].T)
    allowed = np.where(overlaps >= settings.min_iou, overlaps, 0.0)
    found = []
    for place, column in zip(*linear_sum_assignment(allowed, maximize=True), strict=True):
        best = allowed[place, column]
        rival = max(
            np.delete(overlaps[:, column], place).max(initial=0.0), np.delete(overlaps[place], column).max(initial=0.0)
        )
        if best > 0 and rival <= settings.max_rival * best:
            found.append((fragments[place], int(rows[column])))
    return found


# Joining


@dataclass(frozen=True, slots=True)
class _Ends:
    """One end of each fragment: where it is and how it moves, from the boxes nearest to it; (n, ...) each."""

    place: Float
    """Centre at the very end, pixels."""
    velocity: Float
    size: Float
    count: Float


def _ends(fragments: list[Int], states: Float, frames: Int, *, last: bool) -> _Ends:
    places, velocities, sizes, counts = [], [], [], []
    for rows in fragments:
        part = rows[-_END:] if last else rows[:_END]
        middle, time, velocity = _motion(states[part], frames[part], _LITTLE_END)
        places.append(middle + velocity * (int(frames[part[-1 if last else 0]]) - time))
        velocities.append(velocity)
        sizes.append(np.median(states[part, 2:], axis=0))
        counts.append(len(part))
    return _Ends(np.array(places), np.array(velocities), np.array(sizes), np.array(counts, np.float64))


def _join(fragments: list[Int], data: LinkInput, clear: Float, settings: LinkSettings) -> list[Int]:
    """Join fragments over gaps of at most ``max_gap`` frames, with the smallest sum of costs."""
    if len(fragments) < 2:
        return fragments
    before, after, costs = _link_costs(fragments, data, clear, settings)
    following = _cheapest_links(len(fragments), before, after, costs)
    begins = set(range(len(fragments))) - set(following.values())
    joined = []
    for number in sorted(begins):
        parts, place = [fragments[number]], number
        while place in following:
            place = following[place]
            parts.append(fragments[place])
        joined.append(np.concatenate(parts))
    return joined


def _link_costs(fragments: list[Int], data: LinkInput, clear: Float, settings: LinkSettings) -> tuple[Int, Int, Float]:
    """Pairs of fragments that can be joined, with the cost of each."""
    states = _states(data.boxes)
    first = np.array([data.frames[rows[0]] for rows in fragments])
    last = np.array([data.frames[rows[-1]] for rows in fragments])
    before, after = np.nonzero((first[None] > last[:, None]) & (first[None] <= last[:, None] + settings.max_gap))
    ends = _ends(fragments, states, data.frames, last=True)
    starts = _ends(fragments, states, data.frames, last=False)
    gap = (first[after] - last[before]).astype(np.float64)
    sizes, next_sizes = ends.size[before], starts.size[after]
    height = (sizes[:, 1] + next_sizes[:, 1]) / 2
    moved = starts.place[after] - ends.place[before]
    forwards = np.linalg.norm(moved - ends.velocity[before] * gap[:, None], axis=1)
    backwards = np.linalg.norm(moved - starts.velocity[after] * gap[:, None], axis=1)
    # The longer fragment knows better how the object moves.
    trust = ends.count[before] / (ends.count[before] + starts.count[after])
    distance = (forwards * trust + backwards * (1 - trust)) / (_HEIGHT_SHARE * height)
    miss = distance / (_DISTANCE + _DISTANCE_A_FRAME * gap)
    change = np.abs(np.log(sizes[:, 1] / next_sizes[:, 1]))
    cost = 0.5 * miss**2 + _SIZE_COST * change**2 + _GAP_COST * gap
    if data.looks is not None:
        weights = np.maximum(clear, 0.02) ** 2
        looks = np.stack([average(data.looks[rows], weights[rows]) for rows in fragments])
        cost += _LOOK_COST * (1 - likeness(looks[before], looks[after]))
    possible = (miss < _MAX_MISS) & (change <= _MAX_SIZE_CHANGE) & (cost < _MAX_COST)
    return before[possible], after[possible], cost[possible]


def _cheapest_links(count: int, before: Int, after: Int, costs: Float) -> dict[int, int]:
    """The links with the smallest sum of costs; each fragment has at most one on each side.

    A link that is left out costs ``_MAX_COST``. Fragments without a common candidate are solved apart, so the size of
    the problem follows from crowds, not from the length of the video.
    """
    if not len(costs):
        return {}
    graph = csr_array((np.ones(len(costs)), (before, after + count)), shape=(2 * count, 2 * count))
    _number, labels = connected_components(graph, directed=False)
    found: dict[int, int] = {}
    order = np.argsort(labels[before], kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(labels[before][order])) + 1):
        rows, place = np.unique(before[part], return_inverse=True)
        columns, to = np.unique(after[part], return_inverse=True)
        matrix = np.full((len(rows), len(columns) + len(rows)), _FORBIDDEN)
        matrix[place, to] = costs[part]
        matrix[np.arange(len(rows)), len(columns) + np.arange(len(rows))] = _MAX_COST
        for row, column in zip(*linear_sum_assignment(matrix), strict=True):
            if column < len(columns):
                found[int(rows[row])] = int(columns[column])
    return found


def _visible_shares(data: LinkInput) -> Float:
    """Share of each box that no other box of its frame covers, (N,)."""
    visible = np.ones(len(data.frames))
    for start, stop in _frame_ranges(data.frames):
        boxes = data.boxes[start:stop]
        shared = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        covered = np.prod(np.maximum(shared, 0), axis=2) / areas[:, None]
        np.fill_diagonal(covered, 0)
        visible[start:stop] = 1 - np.clip(covered.max(1, initial=0), 0, 1)
    return visible


def suppress_doubles(frames: Int, boxes: Float, scores: Float, groups: Int, max_iou: float) -> Bool:
    """Which boxes stay, (N,) bool: of two that overlap more, the surer one."""
    kept = np.ones(len(frames), np.bool_)
    for start, stop in _frame_ranges(frames):
        rows = start + np.argsort(-scores[start:stop], kind="stable")
        overlaps = iou_matrix(boxes[rows].T, boxes[rows].T)
        same = groups[rows][:, None] == groups[rows][None, :]
        for place in range(len(rows)):
            if kept[rows[place]]:
                later = np.flatnonzero(same[place] & (overlaps[place] > max_iou))
                kept[rows[later[later > place]]] = False
    return kept
