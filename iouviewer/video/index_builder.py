"""Builds the index of a large file incrementally; the part built so far is usable at any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np

from iouviewer.video.container import (
    ensure_readable,
    find_uncertainties,
    open_container,
    read_stream_info,
    scan_packets,
    with_dropped_frames,
)
from iouviewer.video.fingerprint import FileStamp, file_stamp
from iouviewer.video.index import Packets, VideoIndex, build_index
from iouviewer.video.index_cache import save_index
from iouviewer.video.stream_info import StreamInfo


def build_complete_index(
    path: Path,
    fingerprint: str,
    *,
    rotation: int = 0,
    stream_info: StreamInfo | None = None,
    stamp: FileStamp | None = None,
    on_progress: Callable[[VideoIndex, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> VideoIndex | None:
    """Read all packets and store the index in the cache folder; None if it was cancelled.

    Args:
        rotation: as found by decoding the first frame.
        stream_info: as found by opening the file.
        stamp: the file's stamp from before it was opened.
        on_progress: called from time to time with the index so far and the share of the file read. The frame numbers
            of an incomplete index are final unless the index has uncertainties.
    """
    stamp = stamp or file_stamp(path)
    size = max(1, stamp.size)

    def index_so_far(packets: Packets, *, complete: bool) -> VideoIndex:
        return build_index(
            packets,
            info.time_base,
            uncertainties=find_uncertainties(info, packets, size, complete=complete),
            complete=complete,
            rotation=rotation,
            stream_info=info,
        )

    container = open_container(path, stream_info)
    try:
        info = stream_info or read_stream_info(container)

        def progress(position: int, packets: Packets | None) -> None:
            if packets is not None and on_progress is not None:
                on_progress(index_so_far(final_packets(packets), complete=False), position / size)

        packets = scan_packets(container, progress=progress, cancelled=cancelled)
    finally:
        container.close()
    if cancelled is not None and cancelled():
        return None
    ensure_readable(path, packets)
    info = with_dropped_frames(path, info, packets)
    index = index_so_far(packets, complete=True)
    save_index(index, fingerprint, path, stamp)
    return index


def has_packets_of(index: VideoIndex, earlier: VideoIndex) -> bool:
    """Whether an index has the packets of an earlier one, and more of them only if that one was incomplete.

    Otherwise one of the two does not belong to the file, and equal numbers may denote different frames.
    """
    new, old = index.packets, earlier.packets
    known = None if earlier.complete else len(old)
    return np.array_equal(new.pts[:known], old.pts) and np.array_equal(new.size[:known], old.size)


def final_packets(packets: Packets) -> Packets:
    """The packets before the last keyframe: no later packet can be displayed between them."""
    keys = np.flatnonzero(packets.key)
    end = int(keys[-1]) if len(keys) > 1 else len(packets)
    return Packets(**{column.name: getattr(packets, column.name)[:end] for column in fields(Packets)})
