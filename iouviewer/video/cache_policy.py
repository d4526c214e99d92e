"""Which pictures are worth memory on the way to one, and which to decode next while nobody asks."""

from __future__ import annotations

import numpy as np

from iouviewer.video.facts import StreamFacts
from iouviewer.video.frame_cache import NEAR, Ring
from iouviewer.video.index import VideoIndex

FEWEST_SCALE = 0.25

_WORTHWHILE = 0.3
"""Share of the budget that is to be free before a group is decoded for travel backwards."""

_CLOSE = 36
"""Pictures before one that was jumped to that are decoded too, where memory has room: a second of playing backwards, in
which the rest of a group of 250 at 1080p can be decoded."""

_STRIDE = 64
"""Steps of less than this are travel; more is a jump."""


_B_PICTURES_STAND_ALONE = frozenset({"mpeg4", "mpeg2video", "mpeg1video"})
"""Codecs in which nothing is built upon B pictures. H.264 says of each picture whether something is; HEVC says it
within a temporal layer, so only streams of one layer will do."""


class Travel:
    """Where the user goes, and what of the way is kept: at what size, and from which picture on."""

    def __init__(self, ring: Ring, facts: StreamFacts) -> None:
        self._ring = ring
        self._size = facts.picture_bytes
        self._codec, self._container = facts.codec, facts.container
        self._marks_what_others_need = facts.codec == "h264" or (facts.codec == "hevc" and facts.temporal_layers == 1)
        self.in_a_row = 0
        """Steps of one picture forwards, up to now."""
        self._keep_from = 0
        self._scale = 1.0
        self._near = NEAR
        self._no_room: set[int] = set()
        self._unreached: set[int] = set()

    def move_to(self, frame: int) -> None:
        """The user is here now."""
        step = frame - self._ring.centre
        self.in_a_row = self.in_a_row + 1 if step == 1 else 0
        if step:
            self._no_room.clear()
            self._ring.direction = -1 if -_STRIDE < step < 0 else 1
        self._ring.centre = frame

    def keeps(self, number: int, wanted: int) -> bool:
        """Whether a picture on the way to ``wanted`` is kept."""
        return number >= self._keep_from or number == wanted

    def scale_of(self, number: int) -> float:
        """Scale at which a picture is kept."""
        return self._scale if abs(number - self._ring.centre) > self._near else 1.0

    def passed(self, index: VideoIndex, start: int, frame: int) -> frozenset[int]:
        """Packets from ``start`` on whose pictures lie far before ``frame``: of those only what others need is decoded.

        Empty for codecs where a picture that others need is not told from one that they do not, and backwards, where
        all pictures are wanted soon.
        """
        packed = self._container == "avi" or bool(index.repeats.any())
        sure = self._marks_what_others_need or (self._codec in _B_PICTURES_STAND_ALONE and not packed)
        if not sure or self._ring.direction < 0:
            return frozenset()
        way = np.arange(start, index.packet_of(frame))
        shown = index.frame_of_packet[way]
        close = max(NEAR, min(_CLOSE, int(_WORTHWHILE * self._ring.budget / self._size)))
        return frozenset(way[(shown >= 0) & (shown < frame - close)].tolist())

    def plan(self, index: VideoIndex, frame: int, *, patient: bool = False) -> bool:
        """Choose what of the way to ``frame`` is kept, and how large, so that it fits besides what is still ahead.

        False, with nothing chosen, where it is better to wait until more of that has been shown (``patient``).
        """
        ring, size = self._ring, self._size
        if ring.direction > 0:
            self._keep_from, self._scale = 0, 1.0
            return True
        first, end = index.group_of(frame)
        near = min(NEAR, int(0.25 * ring.budget / size))
        budget = 0.9 * ring.budget - near * size
        # Of this size two groups fit, so that the next one can be decoded while this one is shown.
        usual = float(np.clip(np.sqrt(budget / (2 * (end - first) * size)), FEWEST_SCALE, 1.0))
        whole = (frame - first + 1) * size
        room = max(0.0, budget - ring.bytes_between(frame + 1, ring.centre))
        if patient and room < min(whole * usual**2, _WORTHWHILE * ring.budget):
            return False
        self._near = near
        self._scale = float(np.clip(np.sqrt(room / whole), FEWEST_SCALE, usual))
        self._keep_from = max(first, frame - near - int(room / (size * self._scale**2)))
        if self._scale < 1.0:
            self._make_room(frame, near)
        return True

    def _make_room(self, frame: int, near: int) -> None:
        """Drop the full pictures that smaller ones are about to take the place of, and those left behind."""
        ring = self._ring
        for number in ring.frames():
            held = ring.get(number)
            decoded_anew = number <= min(frame, ring.centre - near) and held is not None and held.scale == 1.0
            if decoded_anew or number > ring.centre + near:
                ring.drop(number)

    def missing(self, index: VideoIndex, ahead: int) -> int | None:
        """The next picture in the direction of travel that memory has room for and does not hold."""
        ring, size = self._ring, self._size
        if ring.direction > 0:
            reach = min(ahead, int(0.6 * ring.budget / size))
            span = range(ring.centre + 1, min(ring.centre + reach + 1, index.frame_count))
        else:
            first, _ = index.group_of(ring.centre)
            first, _ = index.group_of(max(first - 1, 0))
            reach = int(0.6 * ring.budget / (size * FEWEST_SCALE**2))
            span = range(ring.centre - 1, max(first, ring.centre - reach) - 1, -1)
        given_up = self._unreached | self._no_room
        return next((frame for frame in span if frame not in ring and frame not in given_up), None)

    def give_up(self, frame: int) -> None:
        """This picture does not come out: fetch others."""
        self._unreached.add(frame)

    def tell_no_room(self, frame: int) -> None:
        """This picture found no place in memory where the user is now."""
        self._no_room.add(frame)

    def forget_refusals(self) -> None:
        """A better index is there: what did not come out may do now."""
        self._unreached.clear()
