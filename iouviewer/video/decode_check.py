"""What a clean single-threaded decode gives: the true number, order and content of a video's pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.video.checksum import check_sum
from iouviewer.video.container import LOOK_AT_THE_DISK, IndexMismatchError
from iouviewer.video.decoder import Decoder
from iouviewer.video.facts import FormChange
from iouviewer.video.index import FALSE_KEYS, NO_TIME, ORDER_UNKNOWN, Damage, VideoIndex
from iouviewer.video.seek_points import is_no_start


class Confirmation:
    """A clean decode of a whole file, a picture at a time, so that it can wait while something else is wanted.

    Owned by one thread. ``close`` it when it is done or no longer wanted.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self.index = index
        """The index that is confirmed; one with the same packets may take its place while the decode goes on."""
        self._path = path
        self._decoder = Decoder(path, threads=1)
        self._false_keys = False
        self._keys = [0]
        self._rows: list[tuple[int, int, int, int]] = []
        self._corrupt: list[int] = []
        self._forms: list[FormChange] = []
        self._untraced = 0
        self._form: tuple[tuple[int, int], str] | None = None
        self._started = False
        self.done = False

    @property
    def packets(self) -> int:
        """Packets decoded so far."""
        return self._decoder.fed + 1

    def advance(self) -> bool:
        """Decode one picture more; False when there is none, and the ``result`` can be had."""
        if not self._started:
            self._decoder.start_at(self.index, 0)
            self._started = True
        decoded = None if self.done else self._decoder.advance()
        if decoded is None:
            self.done = True
            return False
        frame = decoded.frame
        codec = self.index.facts.codec if self.index.facts is not None else ""
        if decoded.packet and codec and is_no_start(frame, self.index, codec):
            self._false_keys = True
        elif frame.key_frame and decoded.packet >= 0:
            self._keys.append(decoded.packet)
        if frame.is_corrupt:
            self._corrupt.append(len(self._rows))
        self._note_form(frame)
        self._untraced += decoded.packet < 0
        stamp = _stamp(self.index, decoded.packet)
        self._rows.append((decoded.packet, decoded.repeat, stamp, check_sum(frame)))
        return True

    def _note_form(self, frame: Any) -> None:
        """Keep where the size or the pixel format changes: a decoder takes that as it comes, and says nothing."""
        size, pixel_format = (int(frame.width), int(frame.height)), str(frame.format.name)
        if self._form is None:
            # Everything is shown in the size that opening the file told.
            told = self.index.facts.size if self.index.facts is not None else size
            self._form = told, pixel_format
        if (size, pixel_format) != self._form:
            self._form = size, pixel_format
            self._forms.append(FormChange(len(self._rows) - self._untraced, size, pixel_format))

    def result(self) -> VideoIndex:
        """The index with pictures, order and checksums as the decode gave them; ValueError before it is done.

        Raises UserError where the file did not give all packets of the index, and IndexMismatchError where it gave
        others: a disk that fails is no proof.
        """
        if not self.done:
            raise ValueError("the file has not been decoded to its end")
        read, known = self.packets, len(self.index.packets)
        if read < known or self._decoder.drifted:
            what = f"only {read:,} of {known:,} packets could be read a second time"
            kind = IndexMismatchError if self._decoder.drifted else UserError
            raise kind(what, path=self._path, remedy=LOOK_AT_THE_DISK)
        index = self.index
        if FALSE_KEYS in index.doubts or self._false_keys:
            # What the container flags is not to be believed; the decoder has told of each picture.
            key = np.zeros(known, np.bool_)
            key[[packet for packet in self._keys if packet < known]] = True
            index = replace(index, packets=replace(index.packets, key=key))
        confirmed = _confirmed(index, self._rows, self._corrupt, self._decoder.errors)
        return replace(confirmed, form_changes=tuple(self._forms))

    def close(self) -> None:
        """Give back the file."""
        self._decoder.close()


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
    confirmation = Confirmation(path, index)
    try:
        while confirmation.advance():
            if cancelled is not None and cancelled():
                return None
            if progress is not None:
                progress(confirmation.packets, len(index.packets))
        return confirmation.result()
    finally:
        confirmation.close()


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
        pts = pts[np.lexsort((pts, index.packets.segments[pictures]))]
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
