"""Indexes in the cache folder that do not match their unchanged file."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from iouviewer.video import open_video
from iouviewer.video.fingerprint import file_stamp, fingerprint
from iouviewer.video.index import Packets, build_index
from iouviewer.video.index_cache import save_index


def other_sizes(packets):
    """From packet 31 on, packets have other sizes."""
    return replace(packets, size=packets.size + (np.arange(len(packets)) >= 31))


def one_less(packets):
    """Packet 31 is missing, so that all frames after it have other numbers."""
    keep = np.arange(len(packets)) != 31
    return Packets(**{column.name: getattr(packets, column.name)[keep] for column in fields(Packets)})


def some_more(packets):
    """The index has more packets than the file."""
    columns = {column.name: getattr(packets, column.name) for column in fields(Packets)}
    more = {name: np.concatenate([column, column[-9:]]) for name, column in columns.items()}
    step = packets.pts[1:].max() // (len(packets) - 1)
    for name in ("pts", "dts"):
        more[name][-9:] += 9 * step
    return Packets(**more)


def keep_stale_index(path, change):
    """Store an index in the cache folder that does not match the unchanged file."""
    reader = open_video(path, resolve_order=False)
    index = reader.index
    reader.close()
    stale = build_index(
        change(index.packets), index.time_base, stream_info=index.stream_info, uncertainties=index.uncertainties
    )
    save_index(stale, fingerprint(path), path, file_stamp(path))
    return stale
