"""The one place that opens a container: what stream it is, its packets, and what FFmpeg's errors mean to people."""

from __future__ import annotations

import errno
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.video.facts import StreamFacts
from iouviewer.video.fingerprint import FileStamp, stamp_of
from iouviewer.video.index import NO_TIME, ORDER_UNKNOWN, RESTARTS, Packets, leading_the_file
from iouviewer.video.picture_files import is_animation
from iouviewer.video.seek_points import temporal_layers

_MAX_DEMUX_ERRORS = 50
"""Errors of the demuxer in a row after which the rest of the file is given up."""

_DEVICE_ERRORS = frozenset({errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ETIMEDOUT})
"""Errors of the disk or the network, not of what stands in the file."""

NOT_READ = "the disk does not give all of this file"
LOOK_AT_THE_DISK = "Look at the disk or the connection, then open the file again; nothing has been changed."

_PROBE_WITHOUT_DECODING = {"skip_frame": "all"}
"""Options that reach the decoders which only probing uses; the one that shows pictures is another."""

_TRIED = 4 << 20
"""Bytes read after the last packet to see whether the disk gives them."""

REORDERING = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video", "vc1", "wmv3", "vvc"})
"""Codecs that store pictures in another order than they show them."""


class ChangedFileError(UserError):
    """The file is not what was opened any more."""


class IndexMismatchError(UserError):
    """The file has not changed, and gives other packets than its index says: the index is to be read anew.

    The index may be another version's of the library that reads packets, or of a disk that gave something else then.
    """


def refuse_what_is_no_file(path: Path) -> None:
    """UserError where there is nothing that a video could be read from."""
    if not path.exists():
        raise UserError("there is no such file", path=path, remedy="Was it moved or renamed?")
    if path.is_dir():
        raise UserError("this is a folder, not a video", path=path)
    if path.stat().st_size == 0:
        raise UserError("the file is empty (0 bytes)", path=path, remedy="Copy it again.")


def refuse_another_file(path: Path, stamp: FileStamp | None) -> None:
    """UserError where another file stands there now, or this one was written to since ``stamp`` was taken.

    One that was moved away is none: what is open can still be read.
    """
    try:
        same = stamp is None or stamp_of(path) == stamp
    except OSError:
        return
    if not same:
        message = "the file has changed since it was opened"
        remedy = "Open it again: other pictures may stand under these numbers now."
        raise ChangedFileError(message, path=path, remedy=remedy)


def open_container(
    path: Path,
    facts: StreamFacts | None = None,
    *,
    stamp: FileStamp | None = None,
    options: dict[str, str] | None = None,
) -> Any:
    """PyAV's input container of a file with a video stream; UserError says why there is none.

    ``stamp``: the file that this is to be, where it was opened before. ``options``: of the demuxer, besides ours.

    ``facts``: what an earlier opening of the same file told. Probing then decodes nothing, which saves a whole key
    frame's decoding (0.16 s of 0.17 s at 4K); what it would have found is put in its place.
    """
    import av

    refuse_what_is_no_file(path)
    refuse_another_file(path, stamp)
    try:
        probing = _PROBE_WITHOUT_DECODING if facts is not None else {}
        # Where much stands before its pixels, FFmpeg would take an animation for a picture.
        form = "apng" if path.suffix.lower() in (".png", ".apng") and is_animation(path) else None
        container = av.open(str(path), format=form, options=probing | (options or {}))
    except PermissionError as error:
        raise UserError("you have no permission to read this file", path=path) from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if _is_cut_mp4(path):
            message = "this MP4 file has no table of contents: copying or recording was broken off before its end"
            raise UserError(message, path=path, remedy="Copy it again, or repair the recording.") from error
        remedy = "Is it a video? Play it in a media player, or convert it to MP4."
        raise UserError("no video can be read from this file", path=path, remedy=remedy) from error
    if not video_stream_of(container):
        kinds = sorted({stream.type for stream in container.streams})
        container.close()
        found = f" (it holds {', '.join(kinds)})" if kinds else ""
        raise UserError(f"there is no video in this file{found}", path=path)
    if facts is not None:
        video_stream_of(container).codec_context.reorder_depth = facts.reorder_depth
    return container


def _is_cut_mp4(path: Path) -> bool:
    """Whether the file begins as MP4 or MOV and its boxes end without the one that tells what it holds."""
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


def video_stream_of(container: Any) -> Any:
    """The stream to show: the first that is not a cover picture, None where there is none."""
    import av

    for stream in container.streams.video:
        attached = av.stream.Disposition.attached_pic in stream.disposition
        if not attached and stream.codec_context is not None:
            return stream
    return None


def facts_of(container: Any) -> StreamFacts:
    """What the opened container says of its video stream."""
    stream = video_stream_of(container)
    context = stream.codec_context
    duration = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
    if duration is None and container.duration:
        duration = container.duration / 1_000_000
    return StreamFacts(
        size=(context.width, context.height),
        codec=context.codec.canonical_name,
        container=container.format.name,
        pixel_format=context.format.name if context.format is not None else "",
        time_base=Fraction(stream.time_base or Fraction(1, 1_000_000)),
        frames=int(stream.frames or 0),
        average_rate=float(stream.average_rate or 0),
        sample_aspect_ratio=Fraction(stream.sample_aspect_ratio or 1),
        duration=duration,
        picture_seconds=_picture_seconds(container, stream),
        reorder_depth=int(context.reorder_depth),
        temporal_layers=temporal_layers(bytes(context.extradata or b"")) if context.name == "hevc" else 0,
    )


def _picture_seconds(container: Any, stream: Any) -> float | None:
    """Seconds from the first picture to the end of the last that are announced for this stream and no other.

    Sound may go on when the pictures have ended, or begin before them: the length of the whole file tells nothing.
    """
    base = stream.time_base
    if stream.duration and base:
        return float(stream.duration * base)
    # Matroska counts both of these from its own beginning, however late the stream begins.
    tag = next((value for name, value in stream.metadata.items() if name.upper().startswith("DURATION")), "")
    end = _seconds_in(tag)
    if end is None and len(container.streams) == 1 and container.duration:
        end = container.duration / 1_000_000
    start = float(stream.start_time * base) if stream.start_time and base else 0.0
    return None if end is None or end <= start else end - max(start, 0.0)


def _seconds_in(tag: str) -> float | None:
    """Seconds of "00:01:02.500000000"; None for anything else."""
    parts = tag.strip().split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds


def demuxed(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets to the end of the file; errors of the demuxer are passed over while it makes progress.

    The empty packets by which PyAV ends a stream are left out. Raises UserError where the disk does not answer.
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
                raise UserError(NOT_READ, remedy=LOOK_AT_THE_DISK) from error
            failures += 1


def scan_packets(
    container: Any,
    *,
    limit: int | None = None,
    progress: Callable[[int, Packets | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Packets:
    """All packets of the video stream, or the first ``limit``; nothing is decoded.

    ``progress(bytes read, None)`` is called every 1,000 packets, with the packets so far about every 20,000.
    """
    stream = video_stream_of(container)
    # Plain numbers one after the other: a row as a Python tuple would take four times the memory.
    columns = array("q")
    position = -1
    for count, packet in enumerate(demuxed(container, stream), start=1):
        position = -1 if packet.pos is None else packet.pos
        columns.extend(
            (
                NO_TIME if packet.pts is None else packet.pts,
                NO_TIME if packet.dts is None else packet.dts,
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
            progress(position, packets_of(columns) if count % 20_000 == 0 else None)
    return packets_of(columns)


def packets_of(rows: array[int]) -> Packets:
    """Columns of pts, dts, pos, size, key, discard, corrupt, which ``rows`` has one packet after the other."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    pts, dts, pos, size, key, discard, corrupt = (np.ascontiguousarray(column) for column in table.T)
    return Packets(pts, dts, pos, size, key.astype(np.bool_), discard.astype(np.bool_), corrupt.astype(np.bool_))


def doubts_of(facts: StreamFacts, packets: Packets, file_size: int, *, complete: bool = True) -> tuple[str, ...]:
    """Reasons why packets and pictures may differ in number or order; ``complete``: these are all packets."""
    doubts: list[str] = []
    if order_unknown(facts, packets):
        doubts.append(ORDER_UNKNOWN)
    if bool(packets.segments.any()):
        doubts.append(RESTARTS)
    if "mpegts" in facts.container or facts.container in {"mpeg", "mpegvideo"}:
        doubts.append("MPEG streams may begin or end within a picture")
    if facts.codec in {"vp9", "vp8", "av1"}:
        doubts.append(f"{facts.codec} packets may hold hidden pictures")
    if facts.codec == "mpeg4" and "avi" in facts.container:
        doubts.append("MPEG-4 in AVI may pack two pictures into one packet")
    if bool(packets.corrupt.any()):
        doubts.append("the container marks packets as damaged")
    shown = int(np.count_nonzero(~packets.discard))
    if complete and facts.frames and facts.frames not in {len(packets), len(packets) + facts.left_out, shown}:
        doubts.append(f"the container announces {facts.frames} pictures and has packets for {len(packets)}")
    if len(packets) and int(packets.pos[-1]) >= 0 and int(packets.pos[-1] + packets.size[-1]) > file_size:
        doubts.append("the file ends within its last packet")
    if bool(leading_the_file(packets).any()):
        doubts.append("the file begins within an open group")
    if bool((packets.size == 0).any()):
        doubts.append("some packets are empty")
    if len(packets) and not packets.key[0]:
        doubts.append("the file does not begin with a key frame")
    return tuple(doubts)


def order_unknown(facts: StreamFacts, packets: Packets) -> bool:
    """Whether the time stamps do not tell the order in which the pictures are shown."""
    if facts.codec not in REORDERING:
        return False
    if bool((packets.pts == NO_TIME).any()):
        return True
    # AVI and raw streams store no presentation times; FFmpeg then counts packets.
    return "avi" in facts.container or facts.container in {"h264", "hevc", "m4v", "mpegvideo"}


def check_readable(path: Path, packets: Packets) -> None:
    """Raise UserError where the disk gives nothing after the last packet: FFmpeg takes that for the end of the file."""
    end = int(packets.pos[-1] + packets.size[-1]) if len(packets) and packets.pos[-1] >= 0 else 0
    try:
        with path.open("rb") as file:
            file.seek(min(end, max(0, path.stat().st_size - _TRIED)))
            file.read(_TRIED)
    except OSError as error:
        raise UserError(NOT_READ, path=path, remedy=LOOK_AT_THE_DISK) from error
