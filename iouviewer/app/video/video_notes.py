"""Notes on the open video for the status bar: damage, uncertain frame numbers, rotation and other peculiarities."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from iouviewer.app.video.index_thread import IndexProgress
from iouviewer.app.video.video_info import DecodeCheckPause, VideoInfo
from iouviewer.i18n import tr, tr_n
from iouviewer.video.check import ends_early
from iouviewer.video.reasons import ORDER_UNKNOWN, describe

_LISTED_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Note:
    """A property of the video that stays visible while the video is open.

    Attributes:
        key: changed, damage, cut, size, hidden, numbers, index, rotation, pixels, interlaced, times or exact.
        short: two or three words for the status bar.
        text: one or more sentences with the consequence and, if there is one, the remedy.
        serious: frames or their numbers may be wrong.
        longest_short: the longest text that ``short`` may become while it counts; empty if it does not change.
    """

    key: str
    short: str
    text: str
    serious: bool = False
    longest_short: str = ""


def collect_notes(
    info: VideoInfo,
    progress: IndexProgress | None = None,
    pause: DecodeCheckPause = DecodeCheckPause.NOT_PAUSED,
) -> tuple[Note, ...]:
    """All notes on a video, the most serious first.

    Args:
        progress: progress of the index or of its decode check.
        pause: why the decode check is paused.
    """
    notes = (
        _file_changed_note(info),
        _damage_note(info),
        _truncation_note(info),
        _format_note(info),
        _hidden_frames_note(info),
        _frame_numbers_note(info, progress),
        _indexing_note(info, progress),
        _rotation_note(info),
        _pixel_aspect_note(info),
        _interlaced_note(info),
        _timestamps_note(info),
        _accuracy_note(info, progress, pause),
    )
    return tuple(note for note in notes if note is not None)


def damaged_frames(info: VideoInfo) -> NDArray[np.int64]:
    """(D,) int64, ascending: the frames to mark as damaged."""
    frames = {one.frame for one in info.damage if one.frame is not None and 0 <= one.frame < info.frame_count}
    return np.array(sorted(frames), np.int64)


def describe_damage(info: VideoInfo, frame: int) -> str:
    """The damage of a frame, or of a frame that it may depend on; empty if there is none."""
    own = "; ".join(dict.fromkeys(one.description for one in info.damage if one.frame == frame))
    if own or not len(info.keyframes):
        return own
    # Up to the next keyframe, frames are predicted from those before them.
    keyframes = info.keyframes
    keyframe = int(keyframes[max(int(np.searchsorted(keyframes, frame, side="right")) - 1, 0)])
    before = [one.frame for one in info.damage if one.frame is not None and keyframe <= one.frame < frame]
    return tr("it may depend on frame {frame:,}, which is damaged", frame=max(before)) if before else ""


def _percent(progress: IndexProgress) -> str:
    return f"{100 * progress.share:.0f}"


def _file_changed_note(info: VideoInfo) -> Note | None:
    if not info.changed:
        return None
    text = tr(
        "The file has changed since it was opened, so its frames may have other numbers now. Open it again before you "
        "continue."
    )
    return Note("changed", tr("file changed"), text, serious=True)


def _damage_note(info: VideoInfo) -> Note | None:
    if not info.damage:
        return None
    frames = damaged_frames(info)
    count, listed = len(frames), _list_frames(frames)
    if info.is_image_source:
        what = (
            tr_n(
                "The image of frame {frames} cannot be read.",
                "The images of frames {frames} cannot be read.",
                count,
                frames=listed,
            )
            if count
            else tr("Some images cannot be read.")
        )
        text = f"{what} " + tr("Only images that were displayed have been tested. Copy them again from their source.")
    else:
        what = (
            tr_n(
                "The file is damaged at frame {frames}.",
                "The file is damaged at frames {frames}.",
                count,
                frames=listed,
            )
            if count
            else tr("The file is damaged.")
        )
        text = f"{what} " + tr(
            "Damaged frames are marked on the timeline and shown as far as they can be decoded. Frames after them, up "
            "to the next keyframe, may be affected. Copy the file again from its source if you can."
        )
    short = tr_n("damaged: {count} frame", "damaged: {count:,} frames", count) if count else tr("damaged")
    return Note("damage", short, text, serious=True)


def _list_frames(frames: NDArray[np.int64]) -> str:
    listed = ", ".join(str(frame) for frame in frames[:_LISTED_FRAMES].tolist())
    more = len(frames) - _LISTED_FRAMES
    return tr("{frames} and {count:,} more", frames=listed, count=more) if more > 0 else listed


def _truncation_note(info: VideoInfo) -> Note | None:
    if not info.complete or info.is_image_source:
        return None
    declared, frames = info.header_frame_count, info.frame_count
    if declared and frames < declared and declared != info.packets:
        text = tr(
            "The file header declares {declared:,} frames, but the file has {frames:,}: it was cut off, or its header "
            "is wrong. Copy it again from its source if the end is missing.",
            declared=declared,
            frames=frames,
        )
        short = tr_n("{count} frame missing", "{count:,} frames missing", declared - frames)
        return Note("cut", short, text, serious=True)
    declared_seconds, seconds = info.header_video_duration, _duration(info)
    early = ends_early(seconds, declared_seconds, hidden=info.hidden_frames, fps=info.fps)
    if declared_seconds and seconds is not None and not info.jumps and early:
        text = tr(
            "The file header declares {declared:.1f} s of video, but the file has {seconds:.1f} s: it may have been "
            "cut off. Copy it again from its source if the end is missing.",
            declared=declared_seconds,
            seconds=seconds,
        )
        return Note("cut", tr("ends early"), text, serious=True)
    return None


def _hidden_frames_note(info: VideoInfo) -> Note | None:
    if not info.hidden_frames:
        return None
    text = tr(
        "An edit list hides {hidden:,} of the {total:,} frames in the file. They have no numbers here, as in most "
        "players; programs that ignore edit lists number the frames differently.",
        hidden=info.hidden_frames,
        total=info.hidden_frames + info.frame_count,
    )
    return Note("hidden", tr_n("{count} frame hidden", "{count:,} frames hidden", info.hidden_frames), text)


def _format_note(info: VideoInfo) -> Note | None:
    if not info.format_changes:
        return None
    width, height = info.coded_size
    other = next((change for change in info.format_changes if change.size != info.coded_size), None)
    if other is None:
        first = info.format_changes[0]
        text = tr(
            "The pixel format changes to {format} at frame {frame:,}; colours may differ from there on.",
            format=first.pixel_format,
            frame=first.frame,
        )
        return Note("size", tr("pixel format changes"), text)
    text = tr(
        "From frame {frame:,} on, frames in the file have {other_width} × {other_height} pixels. All frames are scaled "
        "to {width} × {height}, for you and for models, and boxes use these pixels. Split the file there to edit both "
        "parts at their own size.",
        frame=other.frame,
        other_width=other.size[0],
        other_height=other.size[1],
        width=width,
        height=height,
    )
    return Note("size", tr("size changes"), text, serious=True)


def _duration(info: VideoInfo) -> float | None:
    """Seconds from the first frame to the end of the last."""
    return float(info.times[-1]) + (1.0 / info.fps if info.fps else 0.0) if len(info.times) else None


def _frame_numbers_note(info: VideoInfo, progress: IndexProgress | None) -> Note | None:
    if info.numbers_final or not info.complete:
        return None
    reasons = "; ".join(map(describe, info.uncertainties))
    unknown_order = ORDER_UNKNOWN in info.uncertainties
    if unknown_order:
        what = tr("Boxes hidden until the frame number is certain ({reasons}).", reasons=reasons)
    else:
        what = tr("Frame numbers may still change ({reasons}); boxes will move with their frames.", reasons=reasons)
    if progress is not None and progress.is_check:
        percent = _percent(progress)
        if unknown_order:
            short = tr("frame order unknown {percent} %", percent=percent)
        else:
            short = tr("frame numbers provisional {percent} %", percent=percent)
        remedy = tr("The file is decoded once to settle this ({percent} %).", percent=percent)
    else:
        short = tr("frame order unknown") if unknown_order else tr("frame numbers provisional")
        remedy = tr("Run “iouviewer check” to settle this.")
    return Note("numbers", short, f"{what} {remedy}", serious=True)


def _indexing_note(info: VideoInfo, progress: IndexProgress | None) -> Note | None:
    if info.complete:
        return None
    text = tr(
        "Indexing continues; {count:,} frames are known so far. Go to a time to see later frames.",
        count=info.frame_count,
    )
    short = tr("indexing") if progress is None else tr("indexing {percent} %", percent=_percent(progress))
    return Note("index", short, text)


def _rotation_note(info: VideoInfo) -> Note | None:
    if not info.rotation:
        return None
    text = tr(
        "Frames are rotated by {angle}° clockwise, as the file specifies. Boxes and models use the rotated frames.",
        angle=info.rotation,
    )
    return Note("rotation", tr("rotated {angle}°", angle=info.rotation), text)


def _pixel_aspect_note(info: VideoInfo) -> Note | None:
    if info.sample_aspect_ratio == 1.0:
        return None
    fraction = Fraction(info.sample_aspect_ratio).limit_denominator(200)
    ratio = f"{fraction.numerator}:{fraction.denominator}"
    text = tr(
        "Pixels are not square ({ratio}). Frames are shown as stored, so that boxes have the same coordinates here, in "
        "files and for models; video players stretch them.",
        ratio=ratio,
    )
    return Note("pixels", tr("pixels {ratio}", ratio=ratio), text)


def _interlaced_note(info: VideoInfo) -> Note | None:
    if not info.interlaced:
        return None
    text = tr(
        "Frames are interlaced: every frame combines two moments, so that moving edges look like combs. Frames are "
        "shown as stored; deinterlace the file if boxes have to be tight."
    )
    return Note("interlaced", tr("interlaced"), text)


def _timestamps_note(info: VideoInfo) -> Note | None:
    if not info.jumps:
        return None
    first, more = info.jumps[0], len(info.jumps) - 1
    if first.seconds < 0:
        sentences = [tr("The file's timestamps restart at frame {frame:,}.", frame=first.frame)]
    else:
        sentences = [
            tr(
                "The file's timestamps jump by {seconds:,.0f} s at frame {frame:,}.",
                seconds=first.seconds,
                frame=first.frame,
            )
        ]
    if more:
        sentences.append(
            tr_n("There is {count} more discontinuity.", "There are {count:,} more discontinuities.", more)
        )
    sentences.append(
        tr("Times here continue without a break; programs that use the timestamps show other frames at these times.")
    )
    return Note("times", tr("timestamps jump"), " ".join(sentences))


def _accuracy_note(info: VideoInfo, progress: IndexProgress | None, pause: DecodeCheckPause) -> Note | None:
    """Frame accuracy; None while a more serious note is shown."""
    if info.is_image_source or not info.complete or not info.numbers_final or info.damage or info.changed:
        return None
    if info.checked_by_decode:
        text = tr(
            "Frame accuracy checked: the whole file was decoded once, and every displayed frame is compared with that "
            "decode by its checksum."
        )
        return Note("exact", tr("exact"), text)
    if progress is not None and progress.is_check:
        percent = _percent(progress)
        sentences = [
            tr(
                "Checking frame accuracy: the whole file is decoded once in the background ({percent} %). No error "
                "was found so far. The result is saved for the next time.",
                percent=percent,
            )
        ]
        if pause is DecodeCheckPause.FOR_PROXY:
            sentences.append(tr("Paused while the scrub cache is built; it continues by itself."))
        elif pause is DecodeCheckPause.FOR_MODEL:
            sentences.append(tr("Paused while a model runs, to measure its speed; it continues by itself."))
        longest = max((_check_progress_text("100", one) for one in DecodeCheckPause), key=len)
        return Note("exact", _check_progress_text(percent, pause), " ".join(sentences), longest_short=longest)
    text = tr(
        "Frame numbers agree with the file's packets, but the whole file has not been decoded yet. Run "
        "“iouviewer check” to check it now. Otherwise it is checked in the background, unless it is very long (see "
        "Settings > Video)."
    )
    return Note("exact", tr("not checked yet"), text)


def _check_progress_text(percent: str, pause: DecodeCheckPause) -> str:
    if pause is DecodeCheckPause.FOR_PROXY:
        return tr("checking {percent} %, paused: building scrub cache", percent=percent)
    if pause is DecodeCheckPause.FOR_MODEL:
        return tr("checking {percent} %, paused: model running", percent=percent)
    return tr("checking {percent} %", percent=percent)
