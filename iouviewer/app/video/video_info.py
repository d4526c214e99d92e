"""Properties of the open video as value types."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.numbering import Numbering
from iouviewer.document.sources import ImageTable
from iouviewer.video.fingerprint import FileStamp, LegacyFingerprint
from iouviewer.video.image_reader import ImageReader
from iouviewer.video.index import Damage, VideoIndex
from iouviewer.video.reader import VideoReader
from iouviewer.video.reasons import ORDER_UNKNOWN
from iouviewer.video.stream_info import FormatChange
from iouviewer.video.timestamps import TimestampJump


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Properties of the open video, as far as known.

    Attributes:
        size: (width, height) after rotation.
        frame_count: known frames; grows while ``complete`` is False.
        fps: average rate, 0.0 without a time base.
        rotation: degrees clockwise that were applied.
        numbers_final: frame numbers are those of a complete decode; ``uncertainties`` says why not.
        complete: the whole file is indexed.
        sample_aspect_ratio: width / height of a pixel.
        damage: frames that cannot be displayed as intended, as far as known.
        keyframes: (K,) int64, numbers of the keyframes, empty for images.
        times: (F,) float64, seconds from the first frame, empty without a time base.
        numbering: identifies the frame behind each number, None for images.
        codec, pixel_format: FFmpeg's names, empty for images.
        header_frame_count: frames according to the container's header, 0 if it does not say.
        header_duration: seconds according to the header, including sound, None if it does not say.
        header_video_duration: the same for the video alone, from its first frame to the end of the last.
        packets: packets of the video stream, including those that an edit list removes; 0 for images.
        coded_size: (width, height) in which all frames are displayed, before rotation; (0, 0) for images.
        format_changes: where the size or pixel format of frames changes in the file, as far as known.
        jumps: where timestamps restart or jump; ``times`` continue there.
        interlaced: at least one displayed frame combines two fields.
        checked_by_decode: the whole file was decoded once; displayed frames are compared with that decode.
        stamp: the file as it was before it was opened, None for images.
        legacy_fingerprint: the fingerprint that earlier versions gave an image folder, None for all else.
        changed: the file was replaced or written to after it was opened.
        hidden_frames: frames that an edit list hides.
        images: names and sizes of the images of an image set, empty for a video.
    """

    path: Path
    size: tuple[int, int]
    frame_count: int
    fps: float
    fingerprint: str
    index_digest: str
    rotation: int
    numbers_final: bool
    complete: bool
    sample_aspect_ratio: float
    uncertainties: tuple[str, ...]
    damage: tuple[Damage, ...]
    keyframes: NDArray[np.int64]
    times: NDArray[np.float64]
    numbering: Numbering | None = None
    codec: str = ""
    pixel_format: str = ""
    header_frame_count: int = 0
    header_duration: float | None = None
    header_video_duration: float | None = None
    packets: int = 0
    coded_size: tuple[int, int] = (0, 0)
    format_changes: tuple[FormatChange, ...] = ()
    jumps: tuple[TimestampJump, ...] = ()
    interlaced: bool = False
    checked_by_decode: bool = False
    stamp: FileStamp | None = None
    legacy_fingerprint: LegacyFingerprint | None = None
    changed: bool = False
    hidden_frames: int = 0
    images: ImageTable = field(default_factory=ImageTable)

    @property
    def is_image_source(self) -> bool:
        """Whether it is an image folder or a single image rather than a video."""
        return not self.codec


class DecodeCheckPause(Enum):
    """Why the decode check of a video is paused."""

    NOT_PAUSED = auto()
    FOR_PROXY = auto()
    FOR_MODEL = auto()


@dataclass(frozen=True, slots=True)
class NumbersConfirmed:
    """The frame numbers are final, or the file was indexed again because its index did not match.

    Attributes:
        info: the video with the new numbers.
        changed: whether any number differs from before.
        renumbering: (frames before,) int64, the new number of each frame, -1 for frames that do not exist.
    """

    info: VideoInfo
    changed: bool
    renumbering: NDArray[np.int64]


def numbering_of(index: VideoIndex) -> Numbering:
    """The numbering of an index."""
    order_known = index.numbers_final or ORDER_UNKNOWN not in index.uncertainties
    return Numbering(
        index.digest,
        index.frame_pts,
        index.occurrences,
        index.frame_packets,
        index.repeats,
        index.frame_count,
        index.complete,
        order_known,
    )


def _packet_count(index: VideoIndex) -> int:
    return len(index.packets) + (index.stream_info.dropped_frames if index.stream_info is not None else 0)


def info_of(reader: VideoReader | ImageReader) -> VideoInfo:
    """The properties of an open reader."""
    index = reader.index if isinstance(reader, VideoReader) else None
    stream = reader.stream_info if isinstance(reader, VideoReader) else None
    return VideoInfo(
        path=reader.path,
        size=reader.size,
        frame_count=reader.frame_count,
        fps=reader.fps,
        fingerprint=reader.fingerprint,
        index_digest=reader.index_digest,
        rotation=reader.rotation,
        numbers_final=reader.numbers_final,
        complete=index is None or index.complete,
        sample_aspect_ratio=float(reader.sample_aspect_ratio),
        uncertainties=index.uncertainties if index is not None and not index.numbers_final else (),
        damage=reader.damage,
        keyframes=index.keyframes if index is not None else np.empty(0, np.int64),
        times=index.times if index is not None else np.empty(0),
        numbering=numbering_of(index) if index is not None else None,
        codec=stream.codec if stream is not None else "",
        pixel_format=stream.pixel_format if stream is not None else "",
        header_frame_count=stream.frames if stream is not None else 0,
        header_duration=stream.duration if stream is not None else None,
        header_video_duration=stream.stream_duration if stream is not None else None,
        packets=_packet_count(index) if index is not None else 0,
        hidden_frames=index.hidden_frames if index is not None else 0,
        coded_size=stream.size if stream is not None else (0, 0),
        format_changes=index.format_changes if index is not None else (),
        jumps=index.jumps if index is not None else (),
        checked_by_decode=index is None or index.checked_by_decode,
        stamp=reader.stamp if isinstance(reader, VideoReader) else None,
        legacy_fingerprint=reader.legacy_fingerprint if isinstance(reader, ImageReader) else None,
        images=reader.images if isinstance(reader, ImageReader) else ImageTable(),
    )


def info_with(info: VideoInfo, index: VideoIndex) -> VideoInfo:
    """The same video with an updated index."""
    times = index.times
    fps = (len(times) - 1) / float(times[-1]) if len(times) > 1 and times[-1] > 0 else info.fps
    return replace(
        info,
        frame_count=index.frame_count,
        fps=info.fps if abs(fps - info.fps) < 1e-3 * info.fps else fps,
        index_digest=index.digest,
        numbers_final=index.numbers_final,
        complete=index.complete,
        uncertainties=() if index.numbers_final else index.uncertainties,
        damage=index.damage,
        keyframes=index.keyframes,
        times=times,
        numbering=numbering_of(index),
        packets=_packet_count(index),
        hidden_frames=index.hidden_frames,
        format_changes=index.format_changes,
        jumps=index.jumps,
        checked_by_decode=index.checked_by_decode,
    )
