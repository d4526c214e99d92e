"""Pictures that the edit list of an MP4 or MOV hides; FFmpeg leaves out whole groups of them, as if there were none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.video.container import open_container, video_stream_of
from iouviewer.video.facts import StreamFacts
from iouviewer.video.index import Packets, VideoIndex


def with_left_out(path: Path, facts: StreamFacts, packets: Packets) -> StreamFacts:
    """The facts with the pictures that the edit list hides and of which FFmpeg gives no packet; ``packets`` are all.

    The file is opened twice more, and only where its header announces more pictures than there are packets.
    """
    if "mov" not in facts.container or facts.frames <= len(packets):
        return facts
    try:
        shown = _entries(path, facts)
        whole = _entries(path, facts, ignore_editlist="1")
    except UserError:
        return facts
    size = path.stat().st_size
    is_whole = len(whole) == facts.frames and bool((whole.sum(axis=1) <= size).all())
    # Where fewer packets came than the table of contents has shown ones the file is not whole, edit list or not.
    return replace(facts, left_out=len(whole) - len(shown)) if is_whole and len(shown) == len(packets) else facts


def _entries(path: Path, facts: StreamFacts, **options: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(N, 2) int64: where each picture stands in the file and its bytes, as the table of contents has it."""
    container = open_container(path, facts, options=options)
    try:
        # Older versions of PyAV do not tell.
        found = getattr(video_stream_of(container), "index_entries", ())
        return np.array([(entry.pos, entry.size) for entry in found], np.int64).reshape(-1, 2)
    finally:
        container.close()


def hidden_pictures(index: VideoIndex) -> int:
    """How many pictures the edit list hides, whether or not there are packets of them."""
    return int(np.count_nonzero(index.packets.discard)) + (index.facts.left_out if index.facts is not None else 0)
