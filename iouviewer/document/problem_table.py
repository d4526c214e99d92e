"""The problems of a whole video in columns, and the search for them: of all frames, or around those that changed.

A million boxes have hundreds of thousands of problems. Searching frame by frame would take minutes and objects hundreds
of megabytes; with columns the search takes seconds in a background thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.boxes import NO_BOX, NO_TRACK
from iouviewer.document.problems import Problem, ProblemKind, is_evidence_only, problem_key
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.review_evidence import ReviewInputs
from iouviewer.metrics.review_findings import NO_FIX_CLASS, Findings
from iouviewer.metrics.review_scores import Evidence, find_errors
from iouviewer.metrics.table import Bool, BoxTable, Float, Int

MIN_SCORE = 0.25
"""Least probability of a label error that is listed."""
EFFECT_FRAMES = 96
"""How far from a changed frame problems may change: twice what is usual in a track, and where the track breaks off."""
CONTEXT_FRAMES = EFFECT_FRAMES
"""Frames on each side that the search of a frame reads."""
PART_FRAMES = 4000
"""Frames that are searched at once: long videos take little memory, and the window's thread never waits for long."""


Columns = Sequence[NDArray[Any]]


@dataclass(frozen=True, eq=False)
class ProblemTable:
    """Problems by frame, then by kind; columns as ``Problem`` has them.

    Attributes:
        offsets: (F + 1,) int64, the rows of each frame.
        box_ids, other_ids: NO_BOX where there is none.
        rects, fix_rects: (4, N). ious, confidences, fix_rects: nan where there is none.
        fix_classes: NO_FIX_CLASS where the fix keeps the class.
        variants: a bit for each agreeing variant.
    """

    offsets: Int
    frames: Int
    kinds: Int
    scores: Float
    box_ids: Int
    rects: Float
    class_ids: Int
    tracks: Int
    ious: Float
    fix_rects: Float
    fix_classes: Int
    other_ids: Int
    agreeing: Int
    voters: Int
    confidences: Float
    variants: Int
    timed: Bool

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def columns(self) -> list[NDArray[Any]]:
        """All columns but the offsets."""
        return [getattr(self, column.name) for column in fields(self)[1:]]

    @property
    def evidence_only(self) -> Bool:
        """(N,) bool: one variant alone says so."""
        rests = np.array([is_evidence_only(kind, 0, timed=False) for kind in ProblemKind])
        found: Bool = rests[self.kinds] & (self.agreeing < 2) & ~self.timed
        return found

    @classmethod
    def sorted(cls, columns: Columns, frame_count: int) -> ProblemTable:
        """A table of these columns, which are sorted by frame and kind."""
        order = np.lexsort((columns[1], columns[0]))
        ordered = [column[..., order] for column in columns]
        offsets = np.searchsorted(ordered[0], np.arange(frame_count + 1)).astype(np.int64)
        return cls(offsets, *ordered)

    @classmethod
    def of(cls, problems: Sequence[Problem], frame_count: int) -> ProblemTable:
        """A table of these problems."""
        no_rect = (np.nan,) * 4

        def numbers(values: Iterable[int | None], none: int) -> Int:
            return np.array([none if value is None else value for value in values], np.int64)

        def reals(values: Iterable[float | None]) -> Float:
            return np.array([np.nan if value is None else value for value in values], np.float64)

        rows = list(problems)
        columns: Columns = [
            numbers((row.frame for row in rows), 0),
            numbers((row.kind for row in rows), 0),
            reals(row.score for row in rows),
            numbers((row.box_id for row in rows), NO_BOX),
            np.array([row.rect for row in rows], np.float64).reshape(-1, 4).T,
            numbers((row.class_id for row in rows), 0),
            numbers((row.track for row in rows), 0),
            reals(row.iou for row in rows),
            np.array([row.fix_rect or no_rect for row in rows], np.float64).reshape(-1, 4).T,
            numbers((row.fix_class for row in rows), NO_FIX_CLASS),
            numbers((row.other_id for row in rows), NO_BOX),
            numbers((row.agreeing for row in rows), 0),
            numbers((row.voters for row in rows), 0),
            reals(row.confidence for row in rows),
            numbers((sum(1 << place for place in row.variants) for row in rows), 0),
            np.array([row.timed for row in rows], np.bool_),
        ]
        return cls.sorted(columns, frame_count)

    @classmethod
    def of_findings(cls, found: Findings, ids: Int, frame_count: int) -> ProblemTable:
        """A table of what a search found; ``ids`` are those of the rows of the ground truth."""
        known = np.append(ids, NO_BOX)
        columns: Columns = [
            found.frames, found.kinds, found.scores, known[found.rows], found.rects, found.class_ids,
            np.where(found.tracks < 0, NO_TRACK, found.tracks), found.ious, found.fix_rects, found.fix_classes,
            known[found.others], found.agreeing, found.voters, found.confidences, found.variants, found.timed,
        ]  # fmt: skip
        return cls.sorted(columns, frame_count)

    def with_frames(self, frames: Bool, other: ProblemTable) -> ProblemTable:
        """This table with the problems of ``other`` on these frames, (F,) bool."""
        stay, come = ~frames[self.frames], frames[other.frames]
        pairs = zip(self.columns, other.columns, strict=True)
        joined = [np.concatenate((old[..., stay], new[..., come]), axis=-1) for old, new in pairs]
        return ProblemTable.sorted(joined, len(self.offsets) - 1)

    def rows_of_frame(self, frame: int) -> range:
        """The rows of a frame."""
        if not 0 <= frame < len(self.offsets) - 1:
            return range(0)
        return range(int(self.offsets[frame]), int(self.offsets[frame + 1]))

    def problem(self, row: int) -> Problem:
        """The problem of a row."""
        x1, y1, x2, y2 = self.rects[:, row].tolist()
        a1, b1, a2, b2 = self.fix_rects[:, row].tolist()
        frame, kind, box_id = int(self.frames[row]), ProblemKind(int(self.kinds[row])), int(self.box_ids[row])
        iou, fix_class, confidence = float(self.ious[row]), int(self.fix_classes[row]), float(self.confidences[row])
        id_or_none, other = None if box_id == NO_BOX else box_id, int(self.other_ids[row])
        bits = int(self.variants[row])
        return Problem(
            problem_key(kind, frame, id_or_none, (x1, y1, x2, y2)),
            frame,
            kind,
            float(self.scores[row]),
            id_or_none,
            (x1, y1, x2, y2),
            int(self.class_ids[row]),
            int(self.tracks[row]),
            None if isnan(iou) else iou,
            None if isnan(a1) else (a1, b1, a2, b2),
            None if fix_class == NO_FIX_CLASS else fix_class,
            None if other == NO_BOX else other,
            int(self.agreeing[row]),
            int(self.voters[row]),
            None if isnan(confidence) else confidence,
            tuple(place for place in range(bits.bit_length()) if bits >> place & 1),
            bool(self.timed[row]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ProblemInputs:
    """The inputs of the search for problems; no edit changes these values.

    Attributes:
        labelled: (F,) bool, the frames that count.
        track_ids, tracks: (B,) id and track of each box, by id.
        predictions: the baseline first, each with its covered frames (F,) bool.
        picture: width and height of the video in pixels, 0 where unknown.
        first: number of the first frame of these inputs, which may be a part of the video.
    """

    truth: BoxTable
    labelled: Bool
    track_ids: Int
    tracks: Int
    predictions: tuple[tuple[BoxTable, Bool], ...]
    review: ReviewSettings
    picture: tuple[float, float] = (0.0, 0.0)
    first: int = 0

    def part(self, frames: range) -> ProblemInputs:
        """The inputs of some frames."""
        rows = slice(frames.start, frames.stop)
        predictions = tuple((part_of(table, frames), covered[rows]) for table, covered in self.predictions)
        truth, labelled = part_of(self.truth, frames), self.labelled[rows]
        return replace(self, truth=truth, labelled=labelled, predictions=predictions, first=frames.start)

    def for_review(self) -> ReviewInputs:
        """The inputs as the metrics take them."""
        if len(self.tracks):
            tracks = self.tracks[np.searchsorted(self.track_ids, self.truth.ids)]
        else:
            tracks = np.full(len(self.truth), NO_TRACK, np.int64)
        return ReviewInputs(
            self.truth, tracks, self.labelled, self.predictions, self.review.convention, self.review.class_agnostic,
            self.picture,
        )  # fmt: skip


def part_of(table: BoxTable, frames: range) -> BoxTable:
    """The table of some frames, the first one as frame 0; arrays are views."""
    offsets = table.offsets[frames.start : frames.stop + 1]
    rows = slice(int(offsets[0]), int(offsets[-1]))
    return BoxTable(
        offsets - offsets[0], table.boxes[:, rows], table.class_ids[rows], table.scores[rows], table.ignored[rows],
        table.ids[rows], by_iou=None if table.by_iou is None else table.by_iou[rows],
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class FoundProblems:
    """The problems of a video, and what a later search of a part needs to find the same ones.

    Attributes:
        offset: the usual difference of boxes from predictions (``ReviewInputs.offset``).
    """

    table: ProblemTable
    offset: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def find_all_problems(inputs: ProblemInputs, progress: Callable[[float], None] = lambda _share: None) -> FoundProblems:
    """The problems of all frames; ``progress`` is called with the share that is done, 0..1."""
    count = inputs.truth.frame_count
    if count <= PART_FRAMES:
        evidence = Evidence.collect(inputs.for_review(), progress)
        return FoundProblems(_listed(evidence), _offset(evidence))
    middle = range((count - PART_FRAMES) // 2, (count + PART_FRAMES) // 2)
    found = FoundProblems(ProblemTable.of((), count), _offset(Evidence.collect(inputs.part(middle).for_review())))
    tables = []
    for start in range(0, count, PART_FRAMES):
        end = min(start + PART_FRAMES, count)
        part = inputs.part(range(max(0, start - CONTEXT_FRAMES), min(count, end + CONTEXT_FRAMES)))
        frames = np.zeros(count, np.bool_)
        frames[start:end] = True
        tables.append(find_problems_around(part, frames, found).table)
        progress(end / count)
    columns = [np.concatenate(column, axis=-1) for column in zip(*(table.columns for table in tables), strict=True)]
    return replace(found, table=ProblemTable.sorted(columns, count))


def _offset(evidence: Evidence) -> tuple[float, float, float, float]:
    left, top, right, bottom = evidence.fit.everywhere.tolist()
    return left, top, right, bottom


def find_problems_around(part: ProblemInputs, frames: Bool, known: FoundProblems) -> FoundProblems:
    """The problems after an edit.

    Args:
        part: the part of the video that ``part_around`` names.
        frames: (F,) bool, the frames of the whole video to search again.
        known: the problems before.
    """
    count = len(known.table.offsets) - 1
    found = _listed(Evidence.collect(replace(part.for_review(), offset=known.offset)))
    moved = ProblemTable.sorted([found.frames + part.first, *found.columns[1:]], count)
    return replace(known, table=known.table.with_frames(frames, moved))


def part_around(changed: Iterable[int], frame_count: int) -> tuple[Bool, range]:
    """The frames to search again after a change of some, (F,) bool, and the range of frames that this must read."""
    again = np.zeros(frame_count, np.bool_)
    for frame in changed:
        again[max(0, frame - EFFECT_FRAMES) : frame + EFFECT_FRAMES + 1] = True
    found = np.flatnonzero(again)
    if not len(found):
        return again, range(0)
    return again, range(max(0, int(found[0]) - CONTEXT_FRAMES), min(frame_count, int(found[-1]) + CONTEXT_FRAMES + 1))


def _listed(evidence: Evidence) -> ProblemTable:
    found = find_errors(evidence)
    found = found.select(found.scores >= MIN_SCORE)
    truth = evidence.inputs.truth
    return ProblemTable.of_findings(found, truth.ids, truth.frame_count)
