"""What has been done with each frame: one rule for the badge, the timeline, walks, exports and counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameMark, FrameState, SetFrames, Verification
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Int


class FrameWork(StrEnum):
    """What has been done with a frame; the values are written to files."""

    NOT_VERIFIED = "not_verified"
    VERIFIED = "verified"
    VERIFIED_EMPTY = "verified_empty"
    CHANGED = "changed"
    """Its boxes changed after a person had verified it."""
    EXCLUDED = "excluded"
    """Left out of all scores on purpose."""


def work_of(truth: GroundTruth, frame: int) -> FrameWork:
    """What has been done with one frame."""
    if truth.state(frame) is FrameState.EXCLUDED:
        return FrameWork.EXCLUDED
    if truth.is_verified(frame):
        return FrameWork.VERIFIED if truth.boxes(frame) else FrameWork.VERIFIED_EMPTY
    return FrameWork.CHANGED if truth.is_changed_since_verified(frame) else FrameWork.NOT_VERIFIED


def frames_with(truth: GroundTruth, work: FrameWork) -> Bool:
    """(F,) bool: the frames with which this has been done."""
    excluded: Bool = truth.states() == int(FrameState.EXCLUDED)
    if work is FrameWork.EXCLUDED:
        return excluded
    found: Bool
    if work in (FrameWork.VERIFIED, FrameWork.VERIFIED_EMPTY):
        found = truth.verified() & (empty_frames(truth) == (work is FrameWork.VERIFIED_EMPTY))
    else:
        wanted = Verification.CHANGED if work is FrameWork.CHANGED else Verification.NONE
        found = (truth.verification() == int(wanted)) & ~excluded
    return found


def empty_frames(truth: GroundTruth) -> Bool:
    """(F,) bool: frames without a box."""
    found: Bool = np.bincount(truth.columns()[0], minlength=truth.frame_count) == 0
    return found


class VerifiedBy(NamedTuple):
    """Who verified a frame, empty if unknown, and when, in seconds since the epoch."""

    author: str
    when: float


@dataclass(frozen=True, slots=True)
class FrameProgress:
    """How far the work on the frames of a source has come.

    Attributes:
        verified: frames that a person has verified and that have not changed since.
        total: frames that are not excluded.
    """

    verified: int
    changed: int
    excluded: int
    total: int

    @classmethod
    def of(cls, truth: GroundTruth) -> FrameProgress:
        """Count the frames of a source; no merging of edits, so it is quick at each step."""
        excluded = truth.states() == int(FrameState.EXCLUDED)
        changed = (truth.verification() == int(Verification.CHANGED)) & ~excluded
        count = int(excluded.sum())
        return cls(int(truth.verified().sum()), int(changed.sum()), count, truth.frame_count - count)

    @property
    def percent(self) -> int:
        """Verified frames of those that are not excluded, rounded down."""
        return 100 * self.verified // max(1, self.total)


def describe_work(truth: GroundTruth) -> dict[str, Any]:
    """The frames by what has been done with them, for JSON: count and ranges ``A:B``; without unverified ones."""
    found: dict[str, Any] = {}
    for work in (FrameWork.VERIFIED, FrameWork.VERIFIED_EMPTY, FrameWork.CHANGED, FrameWork.EXCLUDED):
        frames = np.flatnonzero(frames_with(truth, work))
        if len(frames):
            found[work.value] = {"count": len(frames), "frames": ranges_text(frames)}
    return found


def ranges_text(frames: Int) -> str:
    """Frames as ``0:137, 150:151``: 0-based, the end excluded.

    Args:
        frames: (n,) int64, ascending, each once.
    """
    starts = np.flatnonzero(np.diff(frames, prepend=-2) != 1)
    ends = [*starts[1:].tolist(), len(frames)]
    return ", ".join(f"{frames[first]}:{frames[end - 1] + 1}" for first, end in zip(starts.tolist(), ends, strict=True))


# Commands


def verify(document: Document, frame: int, *, empty: bool = False, source: int = 0) -> Command:
    """Mark a frame as labelled and verified; with ``empty``, UserError if it has boxes; not for an excluded frame."""
    truth = document.ground_truth(source)
    if truth.state(frame) is FrameState.EXCLUDED:
        raise UserError(tr("this frame is excluded from scores"), frame=frame, remedy=tr("Include it first."))
    boxes = truth.boxes(frame)
    if empty and boxes:
        text = tr_n("the frame has {count} box", "the frame has {count:,} boxes", len(boxes))
        raise UserError(text, frame=frame, remedy=tr("Delete them first."))
    label = tr("Verify frame {frame:,} as empty", frame=frame) if empty else tr("Verify frame {frame:,}", frame=frame)
    return Command(SetFrames((FrameMark(frame, FrameState.LABELLED, True),), source), label)


def exclude(document: Document, frames: Iterable[int], *, source: int = 0) -> Command:
    """Leave frames out of all scores; boxes and what was verified stay."""
    truth = document.ground_truth(source)
    chosen = [frame for frame in frames if truth.state(frame) is not FrameState.EXCLUDED]
    marks = tuple(truth.mark(frame)._replace(state=FrameState.EXCLUDED) for frame in chosen)
    if len(chosen) == 1:
        label = tr("Exclude frame {frame:,}", frame=chosen[0])
    else:
        label = tr_n("Exclude {count} frame", "Exclude {count:,} frames", len(chosen))
    return Command(SetFrames(marks, source), label)


def include(document: Document, frames: Iterable[int], *, source: int = 0) -> Command:
    """Count excluded frames again; one without boxes that nobody verified is unlabelled."""
    truth = document.ground_truth(source)
    marks = []
    for frame in frames:
        if truth.state(frame) is FrameState.EXCLUDED:
            known = bool(truth.boxes(frame)) or truth.mark(frame).verification is not Verification.NONE
            state = FrameState.LABELLED if known else FrameState.UNLABELLED
            marks.append(truth.mark(frame)._replace(state=state))
    if len(marks) == 1:
        label = tr("Include frame {frame:,}", frame=marks[0].frame)
    else:
        label = tr_n("Include {count} frame", "Include {count:,} frames", len(marks))
    return Command(SetFrames(tuple(marks), source), label)


def excluded_text(count: int) -> str:
    """``3 frames excluded``; empty for none."""
    return tr_n("{count} frame excluded", "{count:,} frames excluded", count) if count else ""
