"""A video that is not the file that was labelled: what differs is told until a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from iouviewer.document.sources import Source
from iouviewer.i18n import tr

LABELLED_VIDEO = "labelled_video"
"""Key of a project value: the file that was labelled, while the open one differs and nobody has decided; else None."""

_SAME_RATE = 1e-3
"""Relative difference of frame rates that rounding explains."""


class LabelledVideo(msgspec.Struct, frozen=True):
    """What is known of the file that was labelled; fields as in ``Source``."""

    path: str
    width: int
    height: int
    frame_count: int
    fps: float
    fingerprint: str

    @classmethod
    def of(cls, source: Source) -> LabelledVideo:
        """What a project stores of its video."""
        return cls(source.path, source.width, source.height, source.frame_count, source.fps, source.fingerprint)

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> LabelledVideo | None:
        """The labelled file among a project's values, None if nobody needs to decide."""
        try:
            return msgspec.convert(values.get(LABELLED_VIDEO), cls)
        except msgspec.ValidationError:
            return None

    def applied_to(self, source: Source) -> Source:
        """The source as it was when it was labelled."""
        return replace(source, **msgspec.structs.asdict(self))


@dataclass(frozen=True, slots=True)
class VideoChange:
    """The open video differs from the labelled one.

    Attributes:
        labelled, opened: the two files.
    """

    labelled: LabelledVideo
    opened: Source

    @property
    def scale(self) -> tuple[float, float] | None:
        """Factors from the labelled to the opened size, None if it is the same or unknown."""
        before, now = (self.labelled.width, self.labelled.height), (self.opened.width, self.opened.height)
        if before == now or 0 in before or 0 in now:
            return None
        return now[0] / before[0], now[1] / before[1]

    def describe(self) -> str:
        """One sentence on what differs."""
        before, now = self.labelled, self.opened
        parts = []
        if self.scale is not None:
            parts.append(
                tr(
                    "{width:,} × {height:,} pixels instead of {was_width:,} × {was_height:,}",
                    width=now.width,
                    height=now.height,
                    was_width=before.width,
                    was_height=before.height,
                )
            )
        if before.frame_count and now.frame_count != before.frame_count:
            parts.append(
                tr("{frames:,} frames instead of {expected:,}", frames=now.frame_count, expected=before.frame_count)
            )
        if before.fps and now.fps and abs(now.fps - before.fps) > _SAME_RATE * before.fps:
            parts.append(tr("{fps:.4g} frames per second instead of {expected:.4g}", fps=now.fps, expected=before.fps))
        if not parts:
            parts.append(tr("size, frames and rate are the same, but the content differs"))
        return tr("{name} is not the file that was labelled: {parts}", name=now.name, parts=", ".join(parts))


def find_change(opened: Source, labelled: Source, *, is_same_file: bool) -> VideoChange | None:
    """What differs between the open video and the labelled one; None if it is the same or if the project cannot say."""
    if is_same_file:
        return None
    change = VideoChange(LabelledVideo.of(labelled), opened)
    count_differs = bool(labelled.frame_count) and labelled.frame_count != opened.frame_count
    return change if labelled.fingerprint or count_differs or change.scale is not None else None
