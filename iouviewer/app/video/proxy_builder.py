"""Builds the proxy (on screen: scrub cache): reduced copies of the frames around the place where the user scrubs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from iouviewer.app.video.video_info import VideoInfo
from iouviewer.errors import UserError
from iouviewer.video.container import IndexMismatchError, ensure_file_unchanged
from iouviewer.video.conversion import PROXY_LONG_SIDE
from iouviewer.video.image_reader import ImageReader
from iouviewer.video.index import VideoIndex
from iouviewer.video.opening import open_video
from iouviewer.video.proxy import Proxy, clear_proxies, proxies_size
from iouviewer.video.reader import VideoReader

_REACH = 3000
"""Frames on each side of the last scrubbed frame that the proxy should cover."""

_SHORTEST_GOP = 12
"""GOPs with fewer frames are decoded fast enough without a proxy."""

_REPORT_INTERVAL = 25
"""Frames between two reports of the proxy's state."""

_MEMORY = 48 << 20
"""Bytes for decoded frames while building."""


@dataclass(frozen=True, slots=True)
class ProxyState:
    """State of the open video's proxy.

    Attributes:
        frames: frames in the proxy.
        target: frames that it should have around the last scrubbed frame.
        size: bytes of the proxies of all videos.
        limit: bytes that they may take; 0: switched off.
        is_building: more frames are being added.
        is_full: no more frames are added, because the limit is reached.
    """

    frames: int
    target: int
    size: int
    limit: int
    is_building: bool
    is_full: bool


class ProxyBuilder:
    """Builds the proxy of one video. Owned by one thread.

    ``on_opened(proxy)`` is called with a new proxy file, ``on_state(state)`` when its state changes.
    """

    def __init__(
        self, info: VideoInfo, *, on_opened: Callable[[Proxy], None], on_state: Callable[[ProxyState], None]
    ) -> None:
        self._info = info
        self._on_opened, self._on_state = on_opened, on_state
        self._proxy: Proxy | None = None
        self._reader: VideoReader | ImageReader | None = None
        self._building = False

    def release_decoder(self) -> None:
        """Free the decoder's memory while there is nothing to build."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def close(self) -> None:
        """Free everything; the proxy stays in the cache folder."""
        self.release_decoder()
        if self._proxy is not None:
            self._proxy.close()
            self._proxy = None

    def delete_all(self, limit: int) -> None:
        """Delete the proxies of all videos."""
        if self._proxy is not None:
            self._proxy.close()
            self._proxy = None
        clear_proxies()
        self._on_state(ProxyState(0, 0, proxies_size(), limit, is_building=False, is_full=False))

    def build(
        self,
        index: VideoIndex,
        frame: int,
        limit: int,
        *,
        interrupted: Callable[[], bool],
        moved: Callable[[], bool],
    ) -> None:
        """Cover the frames around ``frame``, the nearest GOP first.

        Args:
            interrupted: returns whether to stop for now.
            moved: returns whether the user scrubs elsewhere; the proxy is built there next.

        Raises:
            OSError: the proxy cannot be written.
            IndexMismatchError: the file has other packets than its index.
        """
        proxy = self._open(index, limit)
        gops = gops_around(index, frame, reach=_REACH)
        gops = [(first, end) for first, end in gops if end - first >= _SHORTEST_GOP]
        target = sum(end - first for first, end in gops)
        self._building = False
        try:
            for first, end in gops:
                if not self._cover(proxy, range(first, end), target, interrupted):
                    break
        except IndexMismatchError:
            self.release_decoder()
            self._report(proxy, target, is_building=False)
            raise
        if not moved():
            self._report(proxy, target, is_building=False)

    def _open(self, index: VideoIndex, limit: int) -> Proxy:
        if self._proxy is None or self._proxy.digest != index.digest:
            if self._proxy is not None:
                self._proxy.close()
            self._proxy = Proxy(self._info.fingerprint, index.digest, stamp=self._info.stamp, limit=limit)
            self._on_opened(self._proxy)
            self.release_decoder()
        self._proxy.limit = limit
        return self._proxy

    def _report(self, proxy: Proxy, target: int, *, is_building: bool) -> None:
        self._on_state(ProxyState(len(proxy), target, proxies_size(), proxy.limit, is_building, proxy.is_full))

    def _cover(self, proxy: Proxy, frames: range, target: int, interrupted: Callable[[], bool]) -> bool:
        """Add these frames; returns whether to continue with the next GOP."""
        for frame in frames:
            if frame in proxy:
                continue
            if interrupted() or proxy.is_full:
                return False
            if not self._building:
                self._building = True
                self._report(proxy, target, is_building=True)
            if self._reader is None:
                ensure_file_unchanged(self._info.path, self._info.stamp)
                self._reader = open_video(self._info.path, memory=_MEMORY, resolve_order=False)
            if self._reader.index_digest != proxy.digest:
                self.release_decoder()
                return False  # the cached index is not the one that numbers the proxy's frames
            try:
                shown = self._reader.read_display(frame, (PROXY_LONG_SIDE, PROXY_LONG_SIDE), with_checksum=True)
            except IndexMismatchError:
                raise
            except UserError:
                continue  # reported when the frame itself is requested
            if not shown.exact or shown.checksum is None:
                continue  # frames of the proxy count as exact
            proxy.add(frame, shown.pixels, checksum=shown.checksum)
            if len(proxy) % _REPORT_INTERVAL == 0:
                self._report(proxy, target, is_building=True)
        return True


def gops_around(index: VideoIndex, frame: int, *, reach: int) -> list[tuple[int, int]]:
    """(first, end) of the GOPs within ``reach`` frames of ``frame``, the nearest first."""
    frame = min(max(frame, 0), index.frame_count - 1)
    first, end = index.gop_of(frame)
    gops = [(first, end)]
    before, after = first, end
    while (before > max(0, frame - reach)) or (after < min(index.frame_count, frame + reach)):
        if after < min(index.frame_count, frame + reach):
            gops.append(index.gop_of(after))
            after = gops[-1][1]
        if before > max(0, frame - reach):
            gops.append(index.gop_of(before - 1))
            before = gops[-1][0]
    return gops
