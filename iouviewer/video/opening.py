"""Opening whatever has pictures in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from iouviewer.errors import UserError
from iouviewer.video.container import (
    IndexMismatchError,
    check_readable,
    doubts_of,
    facts_of,
    open_container,
    refuse_what_is_no_file,
    scan_packets,
)
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.decoder import Decoder
from iouviewer.video.edit_list import with_left_out
from iouviewer.video.fingerprint import fingerprint as fingerprint_of
from iouviewer.video.fingerprint import stamp_of
from iouviewer.video.images import ImageReader
from iouviewer.video.index import ORDER_UNKNOWN, VideoIndex, index_of_packets
from iouviewer.video.index_cache import forget_index, load_index, save_index
from iouviewer.video.picture_files import is_animation, is_picture
from iouviewer.video.reader import VideoReader

_FIRST_PACKETS = 64
"""Packets read of a file that is opened without its index."""


def open_video(
    path: Path | str, *, index: bool = True, memory: int | None = None, decode_order: bool = True
) -> VideoReader | ImageReader:
    """A reader of a video file, of a folder of pictures, or of one picture.

    Args:
        index: read all packets now, or take the kept index. Without it the reader knows the first pictures only, its
            ``index.complete`` is False, and ``read_at`` shows pictures by time; ``use_index`` completes it.
        memory: bytes that decoded pictures may take; by default little, which is fastest for reading in sequence.
        decode_order: where the container does not tell the order of the pictures, decode the file once now.

    Raises UserError where no picture can be had.
    """
    path = Path(path)
    if path.is_dir() or _is_one_picture(path):
        return ImageReader(path) if memory is None else ImageReader(path, memory=memory)
    refuse_what_is_no_file(path)
    stamp = stamp_of(path)
    try:
        fingerprint = fingerprint_of(path)
    except PermissionError as error:
        raise UserError("you have no permission to read this file", path=path) from error
    found = load_index(fingerprint, path)
    container: Any = open_container(path, found.facts if found is not None else None)
    unread = None
    try:
        facts = (found.facts if found is not None else None) or facts_of(container)
        if found is None:
            packets = scan_packets(container, limit=None if index else _FIRST_PACKETS)
            complete = index or len(packets) < _FIRST_PACKETS
            if complete:
                check_readable(path, packets)
                facts = with_left_out(path, facts, packets)
            doubts = doubts_of(facts, packets, path.stat().st_size, complete=complete)
            found = index_of_packets(packets, facts.time_base, doubts=doubts, complete=complete, facts=facts)
            found = replace(found, rotation=rotation_of(path, found))
            save_index(found, fingerprint, path, stamp)
        elif found.frame_count:
            unread, container = container, None
    finally:
        if container is not None:
            container.close()
    if decode_order and found.complete and ORDER_UNKNOWN in found.doubts and not found.confirmed:
        try:
            found = confirm_index(path, found) or found
        except IndexMismatchError:
            if unread is None:
                raise
            # The kept index was not the file's; without it the packets are read.
            unread.close()
            forget_index(fingerprint)
            return open_video(path, index=index, memory=memory, decode_order=decode_order)
        save_index(found, fingerprint, path, stamp)
    if not found.frame_count:
        raise UserError("the file holds no picture", path=path, remedy="Copy or convert it again.")
    return VideoReader(path, found, facts, fingerprint=fingerprint, stamp=stamp, memory=memory, container=unread)


def _is_one_picture(path: Path) -> bool:
    """Whether a file is a picture; animations are videos, and UserError where nobody can read them."""
    if not (is_picture(path) and path.is_file() and path.stat().st_size):
        return False
    try:
        animated = is_animation(path)
    except OSError:
        return True  # whoever reads it tells why that fails
    if animated and path.suffix.lower() == ".webp":
        remedy = "Make a video of it, or a folder of pictures; only its first picture could be read."
        raise UserError("this WebP is an animation, which FFmpeg cannot read", path=path, remedy=remedy)
    return not animated


def rotation_of(path: Path, index: VideoIndex) -> int:
    """Degrees clockwise by which pictures are turned for showing: 0, 90, 180 or 270, from the first that decodes."""
    if not len(index.packets):
        raise UserError("the file holds no picture", path=path, remedy="Copy or convert it again.")
    decoder = Decoder(path, threads=1)
    try:
        decoder.start_at(index, 0)
        first = decoder.advance()
    finally:
        decoder.close()
    if first is None:
        raise UserError("not one picture of this file can be decoded", path=path, remedy="Copy or convert it again.")
    return int(round(-first.frame.rotation / 90) * 90) % 360
