"""Links ground-truth boxes into tracks, and turns predictions into the first ground truth of a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.started import PlannedBoxes
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Float, Int
from iouviewer.propagation.appearance import LENGTH, Looks, describe
from iouviewer.propagation.linking import NO_LINK, LinkInput, LinkSettings, link, suppress_doubles
from iouviewer.propagation.smoothing import fill_track, find_keys
from iouviewer.video.opening import open_video

READER_MEMORY = 64 << 20
"""Bytes for decoded frames: each is read once, in order."""
MAX_DOUBLE_IOU = 0.6
"""Two predictions of a class that overlap more are one object."""

Report = Callable[[float], None]
"""Called with the share that is done, 0 to 1."""
IsCancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Footage:
    """Where the looks of boxes are read from.

    Attributes:
        path: the video or image folder.
        index_digest: of the index that numbers the frames in the document.
        known: looks that were read before, by frame and box; a later request with other choices reads only the rest.
    """

    path: Path
    index_digest: str
    known: dict[tuple[int, bytes], Looks] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """Boxes to link.

    Attributes:
        data: by frame, without looks.
        footage: where looks are read from; None to link by place, movement and size alone.
    """

    data: LinkInput
    settings: LinkSettings
    footage: Footage | None = None


def link_boxes(request: LinkRequest, report: Report, is_cancelled: IsCancelled) -> Int | None:
    """The track of each box, (N,) from 0, ``NO_LINK`` for single ones; None if cancelled.

    Raises:
        UserError: the video cannot be read, or its frames are no longer numbered as in the document.
    """
    data = request.data
    if request.footage is not None:
        looks = _read_looks(request.footage, data, report, is_cancelled)
        if looks is None:
            return None
        data = replace(data, looks=looks)
    return link(data, request.settings, is_cancelled)


def _read_looks(footage: Footage, data: LinkInput, report: Report, is_cancelled: IsCancelled) -> Looks | None:
    known = footage.known
    keys = list(zip(data.frames.tolist(), map(np.ndarray.tobytes, data.boxes), strict=True))
    unknown = np.array([key not in known for key in keys], np.bool_)
    if unknown.any() and not _read_frames(footage, data.rows(np.flatnonzero(unknown)), report, is_cancelled):
        return None
    found = [known[key] for key in keys]
    return np.array(found, np.float32).reshape(-1, LENGTH)


def _read_frames(footage: Footage, data: LinkInput, report: Report, is_cancelled: IsCancelled) -> bool:
    """Read the looks of boxes; False if cancelled."""
    reader = open_video(footage.path, memory=READER_MEMORY)
    try:
        if reader.index_digest != footage.index_digest:
            raise UserError(
                tr("the frame numbers of this file are not yet certain"),
                path=footage.path,
                remedy=tr("Try again when the frame accuracy has been checked."),
            )
        frames = np.unique(data.frames).tolist()
        for number, frame in enumerate(frames):
            if is_cancelled():
                return False
            boxes = data.boxes[slice(*np.searchsorted(data.frames, [frame, frame + 1]))]
            looks = describe(reader.read(frame), boxes)
            footage.known.update(((frame, box.tobytes()), look) for box, look in zip(boxes, looks, strict=True))
            report((number + 1) / len(frames))
    finally:
        reader.close()
    return True


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Predictions that become ground truth.

    Attributes:
        data: by frame; groups are class ids of the document.
        footage: where looks are read from; None to link without.
        links: link boxes into tracks; boxes of no track are left out. Otherwise each box stays alone.
        tolerance: keep key frames only, so that no edge of a box between two is further off, pixels; None: all boxes.
    """

    data: LinkInput
    footage: Footage | None = None
    links: bool = True
    tolerance: float | None = None


def plan_start(request: StartRequest, report: Report, is_cancelled: IsCancelled) -> PlannedBoxes | None:
    """The boxes that a ground truth would start with; None if cancelled. UserError: as for ``link_boxes``."""
    data = request.data
    kept = suppress_doubles(data.frames, data.boxes, data.scores, data.groups, MAX_DOUBLE_IOU)
    data = data.rows(np.flatnonzero(kept))
    if not request.links:
        single = np.full(len(data.frames), NO_LINK, np.int64)
        flags = np.zeros(len(data.frames), np.int64)
        return PlannedBoxes(data.frames, data.boxes, data.groups, single, flags, left_out=0)
    settings = LinkSettings.for_predictions(len(np.unique(data.frames)))
    tracks = link_boxes(LinkRequest(data, settings, request.footage), report, is_cancelled)
    if tracks is None:
        return None
    parts = [
        _plan_track(data.rows(np.flatnonzero(tracks == track)), track, settings.max_gap, request.tolerance)
        for track in range(int(tracks.max(initial=NO_LINK)) + 1)
    ]
    left_out = int(np.count_nonzero(tracks == NO_LINK))
    return _joined(parts, left_out)


def _plan_track(data: LinkInput, track: int, max_gap: int, tolerance: float | None) -> PlannedBoxes:
    frames, boxes = fill_track(data.frames, data.boxes, max_gap=max_gap)
    flags = np.where(np.isin(frames, data.frames), 0, int(BoxFlag.INTERPOLATED))
    if tolerance is not None:
        keys = np.zeros(len(frames), np.bool_)
        for part in np.split(np.arange(len(frames)), np.flatnonzero(np.diff(frames) > 1) + 1):
            places = part[find_keys(boxes[part], tolerance)]
            keys[places] = True
            boxes[part] = _between(frames, boxes, places, part)
        flags = np.where(keys, int(BoxFlag.KEY_FRAME), int(BoxFlag.INTERPOLATED))
    classes = np.full(len(frames), data.groups[0])
    return PlannedBoxes(frames, boxes, classes, np.full(len(frames), track), flags.astype(np.int64), left_out=0)


def _between(frames: Int, boxes: Float, keys: Int, part: Int) -> Float:
    """Boxes on the straight lines between key boxes."""
    return np.stack([np.interp(frames[part], frames[keys], boxes[keys, edge]) for edge in range(4)], axis=1)


def _joined(parts: list[PlannedBoxes], left_out: int) -> PlannedBoxes:
    """The boxes of all tracks by frame."""
    if not parts:
        none = np.zeros(0, np.int64)
        return PlannedBoxes(none, np.zeros((0, 4)), none, none, none, left_out)
    frames, classes, tracks, flags = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("frames", "class_ids", "tracks", "flags")
    )
    order = np.lexsort((tracks, frames))
    boxes = np.concatenate([part.boxes for part in parts])[order]
    return PlannedBoxes(frames[order], boxes, classes[order], tracks[order], flags[order], left_out)
