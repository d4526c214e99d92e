"""Opening containers and demuxing: stream information, packets, and user messages for FFmpeg's errors."""

from __future__ import annotations

import errno
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.atomic import is_stream
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video import reasons
from iouviewer.video.fingerprint import FileStamp, file_stamp
from iouviewer.video.image_files import is_animated_image
from iouviewer.video.index import Packets, undecodable_leading
from iouviewer.video.seek_points import temporal_layers
from iouviewer.video.stream_info import StreamInfo
from iouviewer.video.timestamps import NO_PTS, Int64

_MAX_DEMUX_ERRORS = 50
"""Consecutive errors of the demuxer after which the rest of the file is skipped."""

_DEVICE_ERRORS = frozenset({errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ETIMEDOUT})
"""Errors of the disk or the network, not of the file's content."""

DISK_ERROR = tr("part of this file cannot be read from the disk")
CHECK_DISK = tr("Check the disk or the connection, then open the file again. Nothing was changed.")

_PROBE_WITHOUT_DECODING = {"skip_frame": "all"}
"""Options for the decoders that FFmpeg uses for probing only; frames are decoded by another decoder."""

_READ_TEST_BYTES = 4 << 20
"""Bytes read after the last packet to test whether the disk returns them."""

_TEXT_FORMATS = frozenset({"tty", "bin", "xbin", "adf", "idf"})
"""FFmpeg's demuxers that paint text as pictures (ANSI art); they take any text file."""
_REORDERING_CODECS = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vc1", "wmv3", "vvc"})
"""Codecs whose decode order differs from the display order."""


class FileChangedError(UserError):
    """The file on disk is no longer the one that was opened."""


class IndexMismatchError(UserError):
    """The file has not changed but returns other packets than its index has, so the index must be rebuilt.

    The index may come from another version of the demuxer, or from a disk that returned other data at the time.
    """


def ensure_file_exists(path: Path) -> None:
    """Raise UserError unless the path is a file that is not empty."""
    if not path.exists():
        raise UserError(tr("there is no such file"), path=path, remedy=tr("Check whether it was moved or renamed."))
    if path.is_dir():
        raise UserError(tr("this is a folder, not a video"), path=path)
    if is_stream(path):
        raise UserError(
            tr("this is a pipe or a device; a video is read at any place, which needs a file"),
            path=path,
            remedy=tr("Save it as a file first."),
        )
    if path.stat().st_size == 0:
        raise UserError(tr("the file is empty (0 bytes)"), path=path, remedy=tr("Copy it again."))


def ensure_file_unchanged(path: Path, stamp: FileStamp | None) -> None:
    """Raise FileChangedError if the file was replaced or written to since ``stamp`` was taken.

    A file that was moved away is not an error: what is open can still be read.
    """
    try:
        same = stamp is None or file_stamp(path) == stamp
    except OSError:
        return
    if not same:
        message = tr("the file has changed since it was opened")
        raise FileChangedError(message, path=path, remedy=tr("Open it again; its frame numbers may be different now."))


def open_container(
    path: Path,
    stream_info: StreamInfo | None = None,
    *,
    stamp: FileStamp | None = None,
    options: dict[str, str] | None = None,
) -> Any:
    """Open a file with a video stream as PyAV's input container; UserError says why it cannot be opened.

    Args:
        stream_info: what an earlier opening of the same file found. Probing then decodes nothing, which saves decoding
            a whole keyframe (0.16 s of 0.17 s at 4K); what it would have found is set instead.
        stamp: of the file when it was opened before.
        options: further options for the demuxer.
    """
    import av

    ensure_file_exists(path)
    ensure_file_unchanged(path, stamp)
    try:
        probing = _PROBE_WITHOUT_DECODING if stream_info is not None else {}
        # With much metadata before the pixels, FFmpeg would take an animation for a still image.
        container_format = "apng" if path.suffix.lower() in (".png", ".apng") and is_animated_image(path) else None
        container = av.open(str(path), format=container_format, options=probing | (options or {}))
    except PermissionError as error:
        raise UserError(tr("you have no permission to read this file"), path=path) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if _lacks_moov(path):
            message = tr("this MP4 file has no index (moov box): the copy or recording was interrupted")
            raise UserError(message, path=path, remedy=tr("Copy it again, or repair the recording.")) from error
        message = tr("no video can be read from this file")
        remedy = tr("Check that a media player can play it, or convert it to MP4.")
        raise UserError(message, path=path, remedy=remedy) from error
    if not _TEXT_FORMATS.isdisjoint(container.format.name.split(",")):
        container.close()
        raise UserError(tr("this is a text file, not a video"), path=path)
    if not select_video_stream(container):
        kinds = sorted({stream.type for stream in container.streams})
        container.close()
        message = tr("there is no video in this file")
        if kinds:
            message = tr("there is no video in this file (it contains {kinds})", kinds=", ".join(kinds))
        raise UserError(message, path=path)
    if stream_info is not None:
        select_video_stream(container).codec_context.reorder_depth = stream_info.reorder_depth
    return container


def _lacks_moov(path: Path) -> bool:
    """Whether the file starts as MP4 or MOV and ends without the ``moov`` box."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at, first = 0, True
        while at + 8 <= size:
            file.seek(at)
            length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
            if (first and kind != b"ftyp") or kind == b"moov":
                return False
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            if length < 8:
                break
            at, first = at + length, False
    return not first


def select_video_stream(container: Any) -> Any:
    """The first video stream that is not a cover image, None if there is none."""
    import av

    for stream in container.streams.video:
        attached = av.stream.Disposition.attached_pic in stream.disposition
        if not attached and stream.codec_context is not None:
            return stream
    return None


def read_stream_info(container: Any) -> StreamInfo:
    """What the opened container reports about its video stream."""
    stream = select_video_stream(container)
    context = stream.codec_context
    duration = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    if duration is None and container.duration:
        duration = container.duration / 1_000_000
    return StreamInfo(
        size=(context.width, context.height),
        codec=context.codec.canonical_name,
        container=container.format.name,
        pixel_format=context.format.name if context.format is not None else "",
        time_base=Fraction(stream.time_base or Fraction(1, 1_000_000)),
        frames=int(stream.frames or 0),
        average_rate=float(stream.average_rate or 0),
        sample_aspect_ratio=Fraction(stream.sample_aspect_ratio or 1),
        duration=duration,
        stream_duration=_stream_duration(container, stream),
        reorder_depth=int(context.reorder_depth),
        temporal_layers=temporal_layers(bytes(context.extradata or b"")) if context.name == "hevc" else 0,
    )


def _stream_duration(container: Any, stream: Any) -> float | None:
    """Seconds from the first frame to the end of the last, as announced for this stream alone.

    Audio may start earlier or end later than the video, so the duration of the whole file does not help.
    """
    base = stream.time_base
    if stream.duration and base:
        return float(stream.duration * base)
    # Matroska counts both of these from the start of the file, however late the stream starts.
    tag = next((value for name, value in stream.metadata.items() if name.upper().startswith("DURATION")), "")
    end = _parse_seconds(tag)
    if end is None and len(container.streams) == 1 and container.duration:
        end = container.duration / 1_000_000
    start = float(stream.start_time * base) if stream.start_time and base else 0.0
    return None if end is None or end <= start else end - max(start, 0.0)


def _parse_seconds(tag: str) -> float | None:
    """Seconds of "00:01:02.500000000"; None for anything else."""
    parts = tag.strip().split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def demux(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets to the end of the file, skipping errors of the demuxer while it makes progress.

    PyAV's empty flush packets are left out. Raises UserError if the disk does not respond.
    """
    import av

    failures = 0
    while failures < _MAX_DEMUX_ERRORS:
        try:
            for packet in container.demux(stream):
                if packet.size == 0 and packet.pts is None and packet.dts is None:
                    continue
                failures = 0
                yield packet
            return
        except IndexError:
            return  # PyAV at the end of a file in which a stream appeared midway
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if getattr(error, "errno", None) in _DEVICE_ERRORS:
                raise UserError(DISK_ERROR, remedy=CHECK_DISK) from error
            failures += 1


def scan_packets(
    container: Any,
    *,
    limit: int | None = None,
    progress: Callable[[int, Packets | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Packets:
    """All packets of the video stream, or the first ``limit``, without decoding.

    ``progress(bytes read, None)`` is called every 1,000 packets, with the packets so far about every 20,000.
    """
    stream = select_video_stream(container)
    # A flat array of integers: Python tuples would take four times the memory.
    columns = array("q")
    position = -1
    for count, packet in enumerate(demux(container, stream), start=1):
        position = -1 if packet.pos is None else packet.pos
        columns.extend(
            (
                NO_PTS if packet.pts is None else packet.pts,
                NO_PTS if packet.dts is None else packet.dts,
                position,
                packet.size,
                packet.is_keyframe,
                packet.is_discard,
                packet.is_corrupt,
            )
        )
        if count == limit:
            break
        if count % 16 == 0 and cancelled is not None and cancelled():
            break
        if count % 1000 == 0 and progress is not None:
            progress(position, packets_from_rows(columns) if count % 20_000 == 0 else None)
    return packets_from_rows(columns)


def packets_from_rows(rows: array[int]) -> Packets:
    """Packets from flat rows of pts, dts, pos, size, key, discard and corrupt."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    pts, dts, pos, size, key, discard, corrupt = (np.ascontiguousarray(column) for column in table.T)
    return Packets(pts, dts, pos, size, key.astype(np.bool_), discard.astype(np.bool_), corrupt.astype(np.bool_))


def find_uncertainties(info: StreamInfo, packets: Packets, file_size: int, *, complete: bool = True) -> tuple[str, ...]:
    """Reasons (``reasons``) why packets and frames may differ in number or order.

    Args:
        complete: these are all packets of the file.
    """
    found: list[str] = []
    if has_unknown_order(info, packets):
        found.append(reasons.ORDER_UNKNOWN)
    if bool(packets.segments.any()):
        found.append(reasons.TIMESTAMPS_RESTART)
    if "mpegts" in info.container or info.container in {"mpeg", "mpegvideo"}:
        found.append(reasons.PARTIAL_FRAMES)
    if info.codec in {"vp9", "vp8", "av1"}:
        found.append(reasons.HIDDEN_FRAMES.format(codec=info.codec))
    if info.codec == "mpeg4" and "avi" in info.container:
        found.append(reasons.PACKED_FRAMES)
    if bool(packets.corrupt.any()):
        found.append(reasons.CORRUPT_PACKETS)
    displayed = int(np.count_nonzero(~packets.discard))
    if complete and info.frames and info.frames not in {len(packets), len(packets) + info.dropped_frames, displayed}:
        found.append(reasons.FRAME_COUNT_DIFFERS.format(announced=info.frames, packets=len(packets)))
    if len(packets) and int(packets.pos[-1]) >= 0 and int(packets.pos[-1] + packets.size[-1]) > file_size:
        found.append(reasons.LAST_PACKET_TRUNCATED)
    if bool(undecodable_leading(packets).any()):
        found.append(reasons.STARTS_IN_OPEN_GOP)
    if bool((packets.size == 0).any()):
        found.append(reasons.EMPTY_PACKETS)
    if len(packets) and not packets.key[0]:
        found.append(reasons.STARTS_WITHOUT_KEYFRAME)
    return tuple(found)


def has_unknown_order(info: StreamInfo, packets: Packets) -> bool:
    """Whether the timestamps do not determine the display order of the frames."""
    if info.codec not in _REORDERING_CODECS:
        return False
    if bool((packets.pts == NO_PTS).any()):
        return True
    # AVI and raw streams store no PTS; FFmpeg then counts packets.
    return "avi" in info.container or info.container in {"h264", "hevc", "m4v", "mpegvideo"}


def ensure_readable(path: Path, packets: Packets) -> None:
    """Raise UserError if the disk returns nothing after the last packet, which FFmpeg takes for the end of the file."""
    end = int(packets.pos[-1] + packets.size[-1]) if len(packets) and packets.pos[-1] >= 0 else 0
    try:
        with path.open("rb") as file:
            file.seek(min(end, max(0, path.stat().st_size - _READ_TEST_BYTES)))
            file.read(_READ_TEST_BYTES)
    except OSError as error:
        raise UserError(DISK_ERROR, path=path, remedy=CHECK_DISK) from error


def with_dropped_frames(path: Path, info: StreamInfo, packets: Packets) -> StreamInfo:
    """The stream info with the frames that the edit list of an MP4 or MOV hides and FFmpeg drops entirely.

    FFmpeg drops whole GOPs that an edit list hides, as if they did not exist. The file is opened twice more, and only
    if its header announces more frames than there are packets.

    Args:
        packets: all packets of the file.
    """
    if "mov" not in info.container or info.frames <= len(packets):
        return info
    try:
        displayed = _index_entries(path, info)
        all_entries = _index_entries(path, info, ignore_editlist="1")
    except UserError:
        return info
    size = path.stat().st_size
    is_whole = len(all_entries) == info.frames and bool((all_entries.sum(axis=1) <= size).all())
    # With fewer packets than displayed entries in the container's index the file is truncated, edit list or not.
    if is_whole and len(displayed) == len(packets):
        return replace(info, dropped_frames=len(all_entries) - len(displayed))
    return info


def _index_entries(path: Path, info: StreamInfo, **options: str) -> Int64:
    """(N, 2) int64: position and bytes of each frame according to the container's own index."""
    container = open_container(path, info, options=options)
    try:
        # Older versions of PyAV lack the attribute.
        found = getattr(select_video_stream(container), "index_entries", ())
        return np.array([(entry.pos, entry.size) for entry in found], np.int64).reshape(-1, 2)
    finally:
        container.close()
