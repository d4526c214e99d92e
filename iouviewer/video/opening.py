"""Opening videos, folders of images, and single images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.video.container import (
    IndexMismatchError,
    ensure_file_exists,
    ensure_readable,
    find_uncertainties,
    open_container,
    read_stream_info,
    scan_packets,
    with_dropped_frames,
)
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.decoder import Decoder
from iouviewer.video.fingerprint import file_stamp
from iouviewer.video.fingerprint import fingerprint as fingerprint_of
from iouviewer.video.image_files import is_animated_image, is_image_file
from iouviewer.video.image_reader import ImageReader
from iouviewer.video.index import VideoIndex, build_index
from iouviewer.video.index_cache import delete_index, load_index, save_index
from iouviewer.video.reader import VideoReader
from iouviewer.video.reasons import ORDER_UNKNOWN
from iouviewer.video.stream_info import StreamInfo

_FIRST_PACKETS = 64
"""Number of packets to read when a file is opened without its index."""


def open_video(
    path: Path | str, *, index: bool = True, memory: int | None = None, resolve_order: bool = True
) -> VideoReader | ImageReader:
    """A reader of a video file, of a folder of images, or of one image.

    Args:
        index: scan all packets now, or load the cached index. Otherwise the reader knows only the first frames, its
            ``index.complete`` is False, and ``read_at`` shows frames by time; ``use_index`` completes it.
        memory: bytes that decoded frames may take; little by default, which is fastest for sequential reading.
        resolve_order: if the container does not store the frame order, decode the file once now.

    Raises UserError if nothing can be decoded.
    """
    path = Path(path)
    if path.is_dir() or _is_still_image(path):
        return ImageReader(path) if memory is None else ImageReader(path, memory=memory)
    ensure_file_exists(path)
    stamp = file_stamp(path)
    try:
        fingerprint = fingerprint_of(path)
    except PermissionError as error:
        raise UserError(tr("you have no permission to read this file"), path=path) from error
    found = load_index(fingerprint, path)
    container: Any = open_container(path, found.stream_info if found is not None else None)
    unread = None
    try:
        info = (found.stream_info if found is not None else None) or read_stream_info(container)
        if found is None:
            found, info = _scan(path, container, info, limit=None if index else _FIRST_PACKETS)
            save_index(found, fingerprint, path, stamp)
        elif found.frame_count:
            unread, container = container, None
    finally:
        if container is not None:
            container.close()
    if resolve_order and found.complete and ORDER_UNKNOWN in found.uncertainties and not found.numbers_final:
        try:
            found = run_decode_check(path, found) or found
        except IndexMismatchError:
            if unread is None:
                raise
            # The cached index does not belong to the file: scan the packets.
            unread.close()
            delete_index(fingerprint)
            return open_video(path, index=index, memory=memory, resolve_order=resolve_order)
        save_index(found, fingerprint, path, stamp)
    if not found.frame_count:
        raise _no_frames(path)
    return VideoReader(path, found, info, fingerprint=fingerprint, stamp=stamp, memory=memory, container=unread)


def _scan(path: Path, container: Any, info: StreamInfo, *, limit: int | None) -> tuple[VideoIndex, StreamInfo]:
    """The index from all packets, or an incomplete one from the first ``limit``, and the complete stream info."""
    packets = scan_packets(container, limit=limit)
    complete = limit is None or len(packets) < limit
    if complete:
        ensure_readable(path, packets)
        info = with_dropped_frames(path, info, packets)
    uncertainties = find_uncertainties(info, packets, path.stat().st_size, complete=complete)
    found = build_index(packets, info.time_base, uncertainties=uncertainties, complete=complete, stream_info=info)
    return replace(found, rotation=read_rotation(path, found)), info


def _is_still_image(path: Path) -> bool:
    """Whether a file is a still image; animations are videos, and UserError if FFmpeg cannot read them."""
    if not (is_image_file(path) and path.is_file() and path.stat().st_size):
        return False
    try:
        animated = is_animated_image(path)
    except OSError:
        return True  # reading it reports why that fails
    if animated and path.suffix.lower() == ".webp":
        message = tr("this WebP file is an animation, which FFmpeg cannot read")
        remedy = tr("Convert it to a video or a folder of images; otherwise only its first image can be read.")
        raise UserError(message, path=path, remedy=remedy)
    return not animated


def read_rotation(path: Path, index: VideoIndex) -> int:
    """Degrees clockwise by which frames are rotated for display: 0, 90, 180 or 270, from the first decoded frame."""
    if not len(index.packets):
        raise _no_frames(path)
    decoder = Decoder(path, threads=1)
    try:
        decoder.start_at(index, 0)
        first = decoder.next_frame()
    finally:
        decoder.close()
    if first is None:
        message = tr("no frame of this file can be decoded")
        raise UserError(message, path=path, remedy=tr("Copy or convert it again."))
    return int(round(-first.frame.rotation / 90) * 90) % 360


def _no_frames(path: Path) -> UserError:
    return UserError(tr("the file contains no frames"), path=path, remedy=tr("Copy or convert it again."))
