"""What a person means who types a place to go to: a frame, a time or a track."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iouviewer.app.editing.session import Session
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.ui.dialogs.input_dialogs import parse_seconds
from iouviewer.ui.panels.frame_box import parse_frame_number


class TargetKind(StrEnum):
    """What was typed."""

    FRAME = "frame"
    TIME = "time"
    TRACK = "track"


@dataclass(frozen=True, slots=True)
class Target:
    """A place: a frame number, seconds, or a track id; it need not exist."""

    kind: TargetKind
    value: float


def parse_target(text: str, *, number_is_time: bool = False) -> Target | None:
    """The place that a text names: ``153``, ``0:15.3``, ``15.3 s``, ``#17``; None if it names none.

    Args:
        number_is_time: a number alone means seconds.
    """
    text = text.strip()
    if text.startswith("#"):
        track = parse_frame_number(text[1:])
        return None if track is None or track < 0 else Target(TargetKind.TRACK, track)
    has_unit = text.endswith("s")
    if has_unit or ":" in text or number_is_time:
        seconds = parse_seconds(text.removesuffix("s"))
        return None if seconds is None else Target(TargetKind.TIME, seconds)
    frame = parse_frame_number(text)
    return None if frame is None else Target(TargetKind.FRAME, frame)


def frame_of(target: Target, session: Session, info: VideoInfo | None) -> int | None:
    """The frame of a place; None if it does not exist or is not known yet."""
    if target.kind is TargetKind.FRAME:
        frame = int(target.value)
    elif target.kind is TargetKind.TRACK:
        return frame_of_track(session, int(target.value))
    elif info is None:
        return None
    elif len(info.times):
        frame = int((info.times <= target.value + 1e-9).sum()) - 1
        if target.value > info.times[-1]:
            return None
    else:
        frame = round(target.value * info.fps)
    return frame if 0 <= frame < session.frame_count else None


def frame_of_track(session: Session, track: int) -> int | None:
    """The current frame if the track has a box there, else its first one; None if there is no such track."""
    frames = [box.frame for box in session.ground_truth.track(track)]
    if not frames:
        return None
    return session.current_frame if session.current_frame in frames else min(frames)


def go_to_track(session: Session, track: int) -> None:
    """Go to a box of the track and select it."""
    frame = frame_of_track(session, track)
    if frame is not None:
        session.go_to(frame)
        session.select(box.id for box in session.ground_truth.boxes(frame) if box.track == track)
