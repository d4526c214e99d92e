"""The index of a file that is too large to wait for: usable while it grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np

from iouviewer.video.container import check_readable, doubts_of, facts_of, open_container, scan_packets
from iouviewer.video.edit_list import with_left_out
from iouviewer.video.facts import StreamFacts
from iouviewer.video.fingerprint import FileStamp, stamp_of
from iouviewer.video.index import Packets, VideoIndex, index_of_packets
from iouviewer.video.index_cache import save_index


def complete_index(
    path: Path,
    fingerprint: str,
    *,
    rotation: int = 0,
    facts: StreamFacts | None = None,
    stamp: FileStamp | None = None,
    grown: Callable[[VideoIndex, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> VideoIndex | None:
    """Read all packets and keep the index in the cache folder; None where it was cancelled.

    ``rotation`` is what the first picture told, ``facts`` what opening the file told, ``stamp`` the file's from
    before that. ``grown(index, share of the file read)`` is called now and then with what is known so far: numbers in
    a growing index are final unless the index has doubts.
    """
    stamp = stamp or stamp_of(path)
    size = max(1, stamp.size)

    def index_so_far(packets: Packets, *, complete: bool) -> VideoIndex:
        doubts = doubts_of(known, packets, size, complete=complete)
        base = known.time_base
        return index_of_packets(packets, base, doubts=doubts, complete=complete, rotation=rotation, facts=known)

    container = open_container(path, facts)
    try:
        known = facts or facts_of(container)

        def progress(position: int, packets: Packets | None) -> None:
            if packets is not None and grown is not None:
                grown(index_so_far(settled_part(packets), complete=False), position / size)

        packets = scan_packets(container, progress=progress, cancelled=cancelled)
    finally:
        container.close()
    if cancelled is not None and cancelled():
        return None
    check_readable(path, packets)
    known = with_left_out(path, known, packets)
    index = index_so_far(packets, complete=True)
    save_index(index, fingerprint, path, stamp)
    return index


def goes_on_from(index: VideoIndex, earlier: VideoIndex) -> bool:
    """Whether an index tells of the packets of an earlier one, and of more only where that was not complete.

    Else one of them is not the file's: equal numbers may then stand for other pictures.
    """
    new, old = index.packets, earlier.packets
    known = None if earlier.complete else len(old)
    return np.array_equal(new.pts[:known], old.pts) and np.array_equal(new.size[:known], old.size)


def settled_part(packets: Packets) -> Packets:
    """The packets before the last key frame: what comes later can no longer be shown between them."""
    keys = np.flatnonzero(packets.key)
    end = int(keys[-1]) if len(keys) > 1 else len(packets)
    return Packets(**{column.name: getattr(packets, column.name)[:end] for column in fields(Packets)})
