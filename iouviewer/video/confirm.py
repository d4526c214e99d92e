"""What a clean single-threaded decode gives: the true number, order and content of a video's pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from iouviewer.video.colour import check_sum
from iouviewer.video.decoder import Decoder
from iouviewer.video.index import NO_TIME, ORDER_UNKNOWN, Damage, VideoIndex


def confirm_index(
    path: Path,
    index: VideoIndex,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> VideoIndex | None:
    """The index with pictures, order and checksums as one decoder thread gives them; None where it was cancelled.

    ``progress(packets decoded, packets)`` is called for every picture.
    """
    decoder = Decoder(path, threads=1)
    rows: list[tuple[int, int, int, int]] = []
    corrupt: list[int] = []
    try:
        decoder.start_at(index, 0)
        while (decoded := decoder.advance()) is not None:
            if cancelled is not None and cancelled():
                return None
            frame = decoded.frame
            if frame.is_corrupt:
                corrupt.append(len(rows))
            rows.append((decoded.packet, decoded.repeat, _stamp(index, decoded.packet), check_sum(frame)))
            if progress is not None:
                progress(decoder.fed, len(index.packets))
        return _confirmed(index, rows, corrupt, decoder.errors)
    finally:
        decoder.close()


def _stamp(index: VideoIndex, packet: int) -> int:
    if not 0 <= packet < len(index.packets):
        return NO_TIME
    pts = int(index.packets.pts[packet])
    return int(index.packets.dts[packet]) if pts == NO_TIME else pts


def _confirmed(
    index: VideoIndex, rows: list[tuple[int, int, int, int]], corrupt: list[int], errors: list[tuple[int, str]]
) -> VideoIndex:
    table = np.array([row for row in rows if row[0] >= 0], dtype=np.int64).reshape(-1, 4)
    pictures, repeats, pts, checks = (np.ascontiguousarray(column) for column in table.T)
    if ORDER_UNKNOWN in index.doubts:
        # The stamps count packets, not pictures: the i-th picture is shown at the i-th stamp.
        pts = np.sort(pts)
    missing = np.flatnonzero(~index.packets.discard & (index.packets.size > 0))
    missing = missing[~np.isin(missing, pictures)]
    damage = [Damage(frame, "the decoder had to make up parts of this picture") for frame in corrupt]
    refused = dict(errors)
    for packet in missing.tolist():
        before = np.flatnonzero(pictures < packet)
        at = int(before[-1]) if len(before) else None
        reason = refused.get(packet)
        if reason is not None:
            damage.append(Damage(at, f"a picture after this one cannot be decoded ({reason})"))
    bad = {packet for packet, _ in errors}
    for packet in sorted(bad & set(pictures.tolist())):
        damage.append(Damage(int(np.flatnonzero(pictures == packet)[0]), f"parts are damaged ({refused[packet]})"))
    return replace(
        index,
        pictures=pictures,
        repeats=repeats,
        picture_pts=pts,
        checks=checks.astype(np.uint32),
        confirmed=True,
        damage=tuple(damage),
    )
