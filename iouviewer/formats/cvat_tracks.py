"""Boxes between the key frames of CVAT's tracks, for files that list the key frames only.

CVAT's own export lists every box of a track, with ``keyframe="0"`` for the interpolated ones. Other tools, and people
who edit such files, write the key frames only. In both, a box stays until the next shape of its track, and a shape with
``outside="1"`` ends it: CVAT reads both the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from iouviewer.document.attributes import ATTRIBUTE_MASK
from iouviewer.document.boxes import BoxFlag
from iouviewer.document.imported import StatedFact
from iouviewer.formats.interface import Location
from iouviewer.formats.rows import Rows
from iouviewer.i18n import tr, tr_n

KEPT_FLAGS = int(BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED) | ATTRIBUTE_MASK
"""Flags of a key frame that hold until the next one."""


class TrackShape(NamedTuple):
    """One shape of a track in the file.

    Attributes:
        frame: as in the file, later of the video.
        rect: x1, y1, x2, y2 in pixels, None if unreadable.
        outside: it ends the box of the shape before.
        refused: it is no box, but still begins or ends what lies beside it.
    """

    frame: float
    rect: Sequence[float] | None
    class_id: int
    track: int
    flags: int
    location: Location
    outside: bool = False
    refused: bool = False


@dataclass(slots=True)
class Tracks:
    """The tracks of a file, for ``interpolate``.

    Attributes:
        shapes: one list for each track.
        has_interpolated: whether any shape has ``keyframe="0"``: then the file lists every box.
    """

    shapes: list[list[TrackShape]] = field(default_factory=list)
    has_interpolated: bool = False

    def interpolate(self, rows: Rows, step: int, stop: int | None, frame_count: int | None = None) -> None:
        """Add the boxes between key frames to ``rows``, with notes.

        Args:
            step: distance of the labelled frames.
            stop: last frame of the task, None if unknown: then no box outlasts its last key frame.
            frame_count: frames of the video, None if unknown.
        """
        tracks = [sorted(shapes, key=lambda shape: shape.frame) for shapes in self.shapes]
        gaps = [gap for shapes in tracks for gap in _gaps(shapes, step)]
        if self.has_interpolated or not gaps:
            return
        added = left_out = 0
        for first, second in gaps:
            count = _fill(rows, first, second, step, frame_count)
            added, left_out = added + max(count, 0), left_out + max(-count, 0)
        for shapes in tracks if stop is not None else ():
            last = shapes[-1]
            if not last.outside and last.frame < (stop or 0):
                end = last._replace(frame=(stop or 0) + step, refused=False)
                count = _fill(rows, last, end, step, frame_count)
                added, left_out = added + max(count, 0), left_out + max(-count, 0)
        rows.notes.append(
            StatedFact(
                tr_n(
                    "The file has key frames only: {count} box between them is interpolated, as CVAT does",
                    "The file has key frames only: {count:,} boxes between and after them are interpolated, as CVAT "
                    "does",
                    added,
                )
            )
        )
        if left_out:
            rows.notes.append(
                tr_n(
                    "{count} box beside a refused key frame is left out",
                    "{count:,} boxes beside refused key frames are left out",
                    left_out,
                )
            )
        if stop is None and any(not shapes[-1].outside for shapes in tracks):
            rows.notes.append(tr("The file does not say where the task ends: tracks end with their last key frame"))


def _gaps(shapes: Sequence[TrackShape], step: int) -> Iterator[tuple[TrackShape, TrackShape]]:
    """Neighbouring shapes of a track that leave frames between them, the first of which is not outside."""
    for first, second in itertools.pairwise(shapes):
        if not first.outside and second.frame - first.frame > step:
            yield first, second


def _fill(rows: Rows, first: TrackShape, second: TrackShape, step: int, frame_count: int | None) -> int:
    """Add the boxes between two shapes; returns their number, negative where they are unknown and left out."""
    if not (float(first.frame).is_integer() and abs(second.frame) < float("inf")):
        return 0
    between = rows.between(int(first.frame) + step, int(second.frame), step, frame_count)
    if first.rect is None or first.refused or (second.refused and not second.outside):
        return -len(between)
    target = second.rect if second.rect is not None else first.rect
    for frame in between:
        t = (frame - first.frame) / (second.frame - first.frame)
        rect = [a + (b - a) * t for a, b in zip(first.rect, target, strict=True)]
        flags = int(BoxFlag.INTERPOLATED) | (first.flags & KEPT_FLAGS)
        rows.add(first.location, frame, rect, class_id=first.class_id, track=first.track, flags=flags)
    return len(between)
