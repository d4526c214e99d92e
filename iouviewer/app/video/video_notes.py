"""What a person should know of the open video, in words that stay: damage, numbers in doubt, turned pictures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from iouviewer.app.video.index_thread import IndexProgress
from iouviewer.app.video.video_info import VideoInfo, Waits
from iouviewer.video.check import ends_early
from iouviewer.video.index import ORDER_UNKNOWN


@dataclass(frozen=True, slots=True)
class Note:
    """One fact that stays to be seen while the video is open.

    Attributes:
        key: what it is about: changed, damage, cut, size, hidden, numbers, index, rotation, pixels, interlaced, times,
            exact.
        short: two or three words for the line under the picture.
        text: a sentence, with what to do where something is to be done.
        serious: pictures or numbers are not what they seem.
        room: the longest that ``short`` may become before what it tells is over; empty where it does not change.
    """

    key: str
    short: str
    text: str
    serious: bool = False
    room: str = ""


_WAITING = {
    Waits.FOR_NOTHING: ("", ""),
    Waits.FOR_COPIES: (
        ", waits for copies",
        " It waits while small copies are made where you scrub, so that they are there soon, and goes on by itself.",
    ),
    Waits.FOR_MODEL: (
        ", waits for model",
        " It waits while a model runs, so that the run has the machine for itself, and goes on by itself.",
    ),
}
"""What the decode that proves a video stands back for: some words behind its share, and a sentence."""


def notes_on(
    info: VideoInfo, progress: IndexProgress | None = None, waits: Waits = Waits.FOR_NOTHING
) -> tuple[Note, ...]:
    """What to tell of a video, the gravest first; ``progress`` is how far its index has come."""
    found = (
        _changed(info),
        _damage(info),
        _cut(info),
        _forms(info),
        _hidden(info),
        _numbers(info, progress),
        _index(info, progress),
        _rotation(info),
        _pixels(info),
        _interlaced(info),
        _times(info),
        _exact(info, progress, waits),
    )
    return tuple(note for note in found if note is not None)


def damaged_frames(info: VideoInfo) -> NDArray[np.int64]:
    """(D,) int64, ascending: the frames to mark as damaged."""
    frames = {one.frame for one in info.damage if one.frame is not None and 0 <= one.frame < info.frame_count}
    return np.array(sorted(frames), np.int64)


def damage_at(info: VideoInfo, frame: int) -> str:
    """What is known of the damage of one frame, or of what it leans on; empty where there is none."""
    own = "; ".join(dict.fromkeys(one.reason for one in info.damage if one.frame == frame))
    if own or not len(info.key_frames):
        return own
    # Up to the next key frame pictures are built upon those before them.
    keys = info.key_frames
    group = int(keys[max(int(np.searchsorted(keys, frame, side="right")) - 1, 0)])
    before = [one.frame for one in info.damage if one.frame is not None and group <= one.frame < frame]
    return f"it may lean on frame {max(before)}, which is damaged" if before else ""


def _changed(info: VideoInfo) -> Note | None:
    if not info.changed:
        return None
    text = (
        "The file has changed since it was opened: it was written to, or another one stands in its place. Open it "
        "again; other pictures may stand under these numbers now."
    )
    return Note("changed", "file changed", text, serious=True)


def _damage(info: VideoInfo) -> Note | None:
    if not info.damage:
        return None
    frames = damaged_frames(info)
    where = f" at {'frame' if len(frames) == 1 else 'frames'} {_listed(frames)}" if len(frames) else ""
    if info.is_pictures:
        text = f"Pictures cannot be read{where}, among those looked at so far. Copy them again from their source."
    else:
        text = (
            f"The file is damaged{where}. What can be decoded is shown, the rest is marked on the timeline; pictures "
            "that follow a damaged one, up to the next key frame, may lean on it. "
            "Copy it again from its source if you can."
        )
    short = f"damaged: {len(frames)} {'frame' if len(frames) == 1 else 'frames'}" if len(frames) else "damaged"
    return Note("damage", short, text, serious=True)


def _listed(frames: NDArray[np.int64], most: int = 6) -> str:
    names = [str(frame) for frame in frames[:most].tolist()]
    more = len(frames) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _cut(info: VideoInfo) -> Note | None:
    if not info.complete or info.is_pictures:
        return None
    announced, there = info.frames_announced, info.frame_count
    if announced and there < announced and announced != info.packets:
        text = f"The file announces {announced:,} pictures and has {there:,}: it was cut, or its header is wrong."
        missing = announced - there
        return Note("cut", f"{missing:,} {'frame' if missing == 1 else 'frames'} missing", text, serious=True)
    length, seconds = info.picture_seconds_announced, _length(info)
    early = ends_early(seconds, length, hidden=info.hidden, fps=info.fps)
    if length and seconds is not None and not info.jumps and early:
        text = f"The file announces {length:.1f} s of pictures and has {seconds:.1f} s: it may have been cut."
        return Note("cut", "ends early", text, serious=True)
    return None


def _hidden(info: VideoInfo) -> Note | None:
    if not info.hidden:
        return None
    text = (
        f"An edit list hides {info.hidden:,} of {info.hidden + info.frame_count:,} pictures of the file. They are not "
        "counted here, as in most players; programs that ignore such lists count other frames."
    )
    return Note("hidden", f"{info.hidden:,} {'frame' if info.hidden == 1 else 'frames'} hidden", text)


def _forms(info: VideoInfo) -> Note | None:
    if not info.form_changes:
        return None
    width, height = info.coded_size
    other = next((change for change in info.form_changes if change.size != info.coded_size), None)
    if other is None:
        first = info.form_changes[0]
        text = f"From frame {first.frame:,} on the pixel format is {first.pixel_format}; colours may differ."
        return Note("size", "pixel format changes", text)
    text = (
        f"From frame {other.frame:,} on pictures are {other.size[0]} × {other.size[1]} pixels in the file. All are "
        f"scaled to {width} × {height}, for you and for models, and boxes are in those pixels. Cut the file there if "
        "the parts are to be labelled in their own size."
    )
    return Note("size", "size changes", text, serious=True)


def _length(info: VideoInfo) -> float | None:
    return float(info.times[-1]) + (1.0 / info.fps if info.fps else 0.0) if len(info.times) else None


def _numbers(info: VideoInfo, progress: IndexProgress | None) -> Note | None:
    if info.numbers_confirmed or not info.complete:
        return None
    confirming = progress is not None and progress.confirming
    share = f" {100 * progress.share:.0f} %" if progress is not None and confirming else ""
    why = "; ".join(info.doubts)
    if ORDER_UNKNOWN in info.doubts:
        short, what = "frame order not known yet", "Boxes stand back until it is known which picture is which"
    else:
        short, what = "numbers provisional", "Frame numbers may still change; boxes will follow their pictures"
    doing = "Decoding the file once to make sure" if confirming else "`iouviewer check` decodes it once and settles it"
    return Note("numbers", f"{short}{share}", f"{what} ({why}). {doing}{share}.", serious=True)


def _index(info: VideoInfo, progress: IndexProgress | None) -> Note | None:
    if info.complete:
        return None
    share = f" {100 * progress.share:.0f} %" if progress is not None else ""
    text = f"The file is still being read{share}: {info.frame_count:,} frames are known. Go to a time to see the rest."
    return Note("index", f"reading{share}", text)


def _rotation(info: VideoInfo) -> Note | None:
    if not info.rotation:
        return None
    text = f"Pictures are turned by {info.rotation}° clockwise, as the file asks; boxes and models see them turned."
    return Note("rotation", f"turned {info.rotation}°", text)


def _pixels(info: VideoInfo) -> Note | None:
    if info.sample_aspect_ratio == 1.0:
        return None
    ratio = Fraction(info.sample_aspect_ratio).limit_denominator(200)
    name = f"{ratio.numerator}:{ratio.denominator}"
    text = (
        f"Pixels are not square ({name}). Pictures are shown as stored, so that a box means the same pixels here, in "
        "files and for models; players stretch them."
    )
    return Note("pixels", f"pixels {name}", text)


def _interlaced(info: VideoInfo) -> Note | None:
    if not info.interlaced:
        return None
    text = (
        "Pictures are interlaced: lines of two moments are woven together, and edges of what moves look like combs. "
        "They are shown as stored; deinterlace the file if boxes are to be tight."
    )
    return Note("interlaced", "interlaced", text)


def _times(info: VideoInfo) -> Note | None:
    if not info.jumps:
        return None
    first = info.jumps[0]
    what = "start anew" if first.seconds < 0 else f"jump by {first.seconds:,.0f} s"
    more = f" and break off {len(info.jumps) - 1:,} more times" if len(info.jumps) > 1 else ""
    text = (
        f"The file's time stamps {what} at frame {first.frame:,}{more}. Times here go on as if they did not; programs "
        "that go by the time stamps show other pictures at these times."
    )
    return Note("times", "time stamps break", text)


def _exact(info: VideoInfo, progress: IndexProgress | None, waits: Waits) -> Note | None:
    """How sure it is that each picture is the one whose number it bears; nothing while graver things are told."""
    if info.is_pictures or not info.complete or not info.numbers_confirmed or info.damage or info.changed:
        return None
    if info.proven:
        text = (
            "Exact: the whole file has been decoded once, and each picture shown is held against that decode by its "
            "checksum."
        )
        return Note("exact", "exact", text)
    if progress is not None and progress.confirming:
        share = f"{100 * progress.share:.0f} %"
        text = (
            f"The whole file is being decoded once beside your work ({share}), to prove that each picture is the one "
            "whose number it bears. So far nothing speaks against it. The result is kept for the next time."
        )
        words, sentence = _WAITING[waits]
        room = max((f"checking 100 %{words}" for words, _ in _WAITING.values()), key=len)
        return Note("exact", f"checking {share}{words}", text + sentence, room=room)
    text = (
        "Pictures and numbers are right as far as the file's packets and the decoder tell. A decode of the whole file "
        "proves it: `iouviewer check` does it now, and the window does it while it has nothing else to do, except for "
        "very long videos (Settings, Video)."
    )
    return Note("exact", "not checked yet", text)
