"""What the window knows of the open video, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.numbering import Numbering
from iouviewer.video.edit_list import hidden_pictures
from iouviewer.video.facts import FormChange
from iouviewer.video.fingerprint import FileStamp, FormerFingerprint
from iouviewer.video.images import ImageReader
from iouviewer.video.index import ORDER_UNKNOWN, Damage, VideoIndex
from iouviewer.video.reader import VideoReader
from iouviewer.video.time_line import TimeJump


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of the open video.

    Attributes:
        size: (width, height) after rotation.
        frame_count: pictures known; grows while ``complete`` is False.
        fps: average rate, 0.0 where there is no time base.
        rotation: degrees clockwise that were applied.
        numbers_confirmed: frame numbers are those of a clean decode; ``doubts`` says why not.
        proven: the whole file has been decoded once, and every picture shown is held against that decode.
        sample_aspect_ratio: width / height of a pixel.
        key_frames: (K,) int64, numbers of the key frames, empty for pictures.
        times: (F,) float64, seconds from the first picture, empty where there is no time base.
        damage: what cannot be shown as it was meant, as far as known.
        numbering: which pictures the numbers stand for, None for pictures in files of their own.
        codec, pixel_format: FFmpeg's names, empty for pictures.
        frames_announced: pictures that the container's header tells of, 0 where it tells none.
        seconds_announced: length that the container's header tells, sound included, None where it tells none.
        picture_seconds_announced: the same of the pictures alone, from the first to the end of the last.
        packets: packets of the video stream, with those that an edit list leaves out; 0 for pictures.
        hidden: pictures that an edit list hides.
        coded_size: (width, height) in which all pictures are shown, before rotation; (0, 0) for pictures in files.
        form_changes: where pictures have another size or pixel format in the file, as far as known.
        jumps: where time stamps start anew or leap; ``times`` go on there.
        interlaced: a picture that was shown is woven of two fields of different moments.
        stamp: the file as it was before it was opened, None for pictures.
        changed: another file stands there now, or this one was written to.
        former: the fingerprint that earlier versions gave a folder of pictures, None for all else.
    """

    path: Path
    size: tuple[int, int]
    frame_count: int
    fps: float
    fingerprint: str
    index_digest: str
    rotation: int
    numbers_confirmed: bool
    complete: bool
    sample_aspect_ratio: float
    doubts: tuple[str, ...]
    damage: tuple[Damage, ...]
    key_frames: NDArray[np.int64]
    times: NDArray[np.float64]
    numbering: Numbering | None = None
    codec: str = ""
    pixel_format: str = ""
    frames_announced: int = 0
    seconds_announced: float | None = None
    picture_seconds_announced: float | None = None
    packets: int = 0
    coded_size: tuple[int, int] = (0, 0)
    form_changes: tuple[FormChange, ...] = ()
    jumps: tuple[TimeJump, ...] = ()
    interlaced: bool = False
    proven: bool = False
    stamp: FileStamp | None = None
    former: FormerFingerprint | None = None
    changed: bool = False
    hidden: int = 0

    @property
    def is_pictures(self) -> bool:
        """Whether it is a folder of pictures, or one picture, rather than a video."""
        return not self.codec


class Waits(Enum):
    """What the decode that proves a video stands back for."""

    FOR_NOTHING = auto()
    FOR_COPIES = auto()
    FOR_MODEL = auto()


@dataclass(frozen=True, slots=True)
class NumbersConfirmed:
    """A clean decode has settled the frame numbers, or the packets were read anew, for the index was not the file's.

    Attributes:
        info: the video with its final numbers.
        changed: whether any number differs from before.
        renumbering: (F before,) int64, the new number of each picture, -1 where there is no such picture.
    """

    info: VideoInfo
    changed: bool
    renumbering: NDArray[np.int64]


def numbering_of(index: VideoIndex) -> Numbering:
    """The numbering that an index gives."""
    order_known = index.confirmed or ORDER_UNKNOWN not in index.doubts
    return Numbering(
        index.digest,
        index.picture_pts,
        index.occurrences,
        index.pictures,
        index.repeats,
        index.frame_count,
        index.complete,
        order_known,
    )


def _packets(index: VideoIndex) -> int:
    return len(index.packets) + (index.facts.left_out if index.facts is not None else 0)


def info_of(reader: VideoReader | ImageReader) -> VideoInfo:
    """The facts of an open reader."""
    index = reader.index if isinstance(reader, VideoReader) else None
    facts = reader.facts if isinstance(reader, VideoReader) else None
    return VideoInfo(
        path=reader.path,
        size=reader.size,
        frame_count=reader.frame_count,
        fps=reader.fps,
        fingerprint=reader.fingerprint,
        index_digest=reader.index_digest,
        rotation=reader.rotation,
        numbers_confirmed=reader.numbers_confirmed,
        complete=index is None or index.complete,
        sample_aspect_ratio=float(reader.sample_aspect_ratio),
        doubts=index.doubts if index is not None and not index.confirmed else (),
        damage=reader.damage,
        key_frames=index.key_frames if index is not None else np.empty(0, np.int64),
        times=index.times if index is not None else np.empty(0),
        numbering=numbering_of(index) if index is not None else None,
        codec=facts.codec if facts is not None else "",
        pixel_format=facts.pixel_format if facts is not None else "",
        frames_announced=facts.frames if facts is not None else 0,
        seconds_announced=facts.duration if facts is not None else None,
        picture_seconds_announced=facts.picture_seconds if facts is not None else None,
        packets=_packets(index) if index is not None else 0,
        hidden=hidden_pictures(index) if index is not None else 0,
        coded_size=facts.size if facts is not None else (0, 0),
        form_changes=index.form_changes if index is not None else (),
        jumps=index.jumps if index is not None else (),
        proven=index is None or index.proven,
        stamp=reader.stamp if isinstance(reader, VideoReader) else None,
        former=reader.former if isinstance(reader, ImageReader) else None,
    )


def info_with(info: VideoInfo, index: VideoIndex) -> VideoInfo:
    """The same video with a better index."""
    times = index.times
    fps = (len(times) - 1) / float(times[-1]) if len(times) > 1 and times[-1] > 0 else info.fps
    return replace(
        info,
        frame_count=index.frame_count,
        fps=info.fps if abs(fps - info.fps) < 1e-3 * info.fps else fps,
        index_digest=index.digest,
        numbers_confirmed=index.confirmed,
        complete=index.complete,
        doubts=() if index.confirmed else index.doubts,
        damage=index.damage,
        key_frames=index.key_frames,
        times=times,
        numbering=numbering_of(index),
        packets=_packets(index),
        hidden=hidden_pictures(index),
        form_changes=index.form_changes,
        jumps=index.jumps,
        proven=index.proven,
    )
