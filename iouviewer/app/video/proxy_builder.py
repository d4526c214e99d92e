"""Small copies of the pictures around the place where the user scrubs, made in the background."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iouviewer.app.video.video_info import VideoInfo
from iouviewer.errors import UserError
from iouviewer.video.container import IndexMismatchError, refuse_another_file
from iouviewer.video.images import ImageReader
from iouviewer.video.index import VideoIndex
from iouviewer.video.opening import open_video
from iouviewer.video.proxy import LONG_SIDE, Proxy, clear_proxies, proxies_size
from iouviewer.video.reader import VideoReader

_REACH = 3000
"""Pictures to either side of the last visited one that are to be covered."""

_SHORTEST_GROUP = 12
"""Pictures between key frames from which on small copies pay."""

_TELL_EVERY = 25
"""Small copies after which their state is told."""

_MEMORY = 48 << 20
"""Bytes that the pictures which copies are made of may take."""


@dataclass(frozen=True, slots=True)
class ProxyState:
    """What there is of the small copies of the open video.

    Attributes:
        pictures: copies there are. wanted: copies there are to be around the last visited place.
        size: bytes that the copies of all videos take; limit: bytes they may take, 0: switched off.
        at_work: more are being made. full: no more are made, for the limit is reached.
    """

    pictures: int
    wanted: int
    size: int
    limit: int
    at_work: bool
    full: bool


class SmallCopies:
    """Makes the small copies of one video. Owned by one thread.

    ``opened(proxy)`` is called with where they are kept, ``told(state)`` when there is news of them.
    """

    def __init__(self, info: VideoInfo, *, opened: Callable[[Proxy], None], told: Callable[[ProxyState], None]) -> None:
        self._info = info
        self._opened, self._told = opened, told
        self._proxy: Proxy | None = None
        self._reader: VideoReader | ImageReader | None = None
        self._at_work = False

    def rest(self) -> None:
        """Nothing to copy for now: give the decoder's memory back."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def close(self) -> None:
        """Give all back; what was made stays in the cache folder."""
        self.rest()
        if self._proxy is not None:
            self._proxy.close()
            self._proxy = None

    def delete_all(self, limit: int) -> None:
        """Delete those of all videos."""
        if self._proxy is not None:
            self._proxy.close()
            self._proxy = None
        clear_proxies()
        self._told(ProxyState(0, 0, proxies_size(), limit, at_work=False, full=False))

    def build(
        self,
        index: VideoIndex,
        place: int,
        limit: int,
        *,
        interrupted: Callable[[], bool],
        elsewhere: Callable[[], bool],
    ) -> None:
        """Cover the surroundings of a frame, the nearest group first.

        OSError where they cannot be kept, IndexMismatchError where the index is not the file's.
        ``interrupted()``: stop for now. ``elsewhere()``: another place is wanted meanwhile, and is built next.
        """
        proxy = self._open(index, limit)
        groups = groups_around(index, place, reach=_REACH)
        groups = [(first, end) for first, end in groups if end - first >= _SHORTEST_GROUP]
        wanted = sum(end - first for first, end in groups)
        self._at_work = False
        try:
            for first, end in groups:
                if not self._cover(proxy, range(first, end), wanted, interrupted):
                    break
        except IndexMismatchError:
            self.rest()
            self._tell(proxy, wanted, at_work=False)
            raise
        if not elsewhere():
            self._tell(proxy, wanted, at_work=False)

    def _open(self, index: VideoIndex, limit: int) -> Proxy:
        if self._proxy is None or self._proxy.digest != index.digest:
            if self._proxy is not None:
                self._proxy.close()
            self._proxy = Proxy(self._info.fingerprint, index.digest, stamp=self._info.stamp, limit=limit)
            self._opened(self._proxy)
            self.rest()
        self._proxy.limit = limit
        return self._proxy

    def _tell(self, proxy: Proxy, wanted: int, *, at_work: bool) -> None:
        self._told(ProxyState(len(proxy), wanted, proxies_size(), proxy.limit, at_work, proxy.full))

    def _cover(self, proxy: Proxy, frames: range, wanted: int, interrupted: Callable[[], bool]) -> bool:
        """Whether to go on with the next group."""
        for frame in frames:
            if frame in proxy:
                continue
            if interrupted() or proxy.full:
                return False
            if not self._at_work:
                self._at_work = True
                self._tell(proxy, wanted, at_work=True)
            if self._reader is None:
                refuse_another_file(self._info.path, self._info.stamp)
                self._reader = open_video(self._info.path, memory=_MEMORY, decode_order=False)
            if self._reader.index_digest != proxy.digest:
                self.rest()
                return False  # the kept index is not the one that the numbers are of
            try:
                shown = self._reader.read_display(frame, (LONG_SIDE, LONG_SIDE), with_check=True)
            except IndexMismatchError:
                raise
            except UserError:
                continue  # told when the picture itself is asked for
            if not shown.exact or shown.check is None:
                continue  # a copy is told as the picture itself
            proxy.add(frame, shown.pixels, check=shown.check)
            if len(proxy) % _TELL_EVERY == 0:
                self._tell(proxy, wanted, at_work=True)
        return True


def groups_around(index: VideoIndex, frame: int, *, reach: int) -> list[tuple[int, int]]:
    """(first, end) of the groups between key frames within ``reach`` pictures, the nearest to ``frame`` first."""
    frame = min(max(frame, 0), index.frame_count - 1)
    first, end = index.group_of(frame)
    groups = [(first, end)]
    before, after = first, end
    while (before > max(0, frame - reach)) or (after < min(index.frame_count, frame + reach)):
        if after < min(index.frame_count, frame + reach):
            groups.append(index.group_of(after))
            after = groups[-1][1]
        if before > max(0, frame - reach):
            groups.append(index.group_of(before - 1))
            before = groups[-1][0]
    return groups
