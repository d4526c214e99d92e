"""A decoder that can be started at any key frame and always knows which picture it gives."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iouviewer.errors import UserError
from iouviewer.video.container import demuxed, open_container, refuse_another_file, video_stream_of
from iouviewer.video.facts import StreamFacts
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.index import NO_TIME, VideoIndex
from iouviewer.video.parallel_decoder import Abreast, useful_count
from iouviewer.video.read_ahead import Ahead
from iouviewer.video.seek_points import shares_slices, slices_in, stands_alone

_LOST_PACKETS = 400
"""Packets after a seek that the index does not know; more, and the file is read from its beginning instead."""


class Superseded(Exception):  # noqa: N818 - not an error: somebody else's request came first
    """Decoding was given up because a newer request is waiting."""


@dataclass(slots=True)
class Decoded:
    """A picture as it left the decoder.

    Attributes:
        packet: ordinal of the packet it came from; -1 where the decoder lost track.
        repeat: 0 for the packet's first picture, 1 for its second.
        frame: PyAV's picture.
    """

    packet: int
    repeat: int
    frame: Any


@dataclass(slots=True)
class _Step:
    """What one packet did: its ordinal (None at the end of the file), the pictures that came out, the refusal.

    ``drifted``: it is not the packet that the index has there, and was not decoded; or the file ends before the index.
    """

    packet: int | None
    frames: list[Any]
    refusal: str | None = None
    drifted: bool = False
    pending: Future[_Step] | None = None
    """Decoded elsewhere: what came of it stands there."""


class Decoder:
    """One container with its decoder. Not thread-safe.

    ``threads``: 1 for a clean decode, 0 for as many as help.

    ``sliced``: with one thread, all cores share the slices of one picture. Damage is then neither concealed nor told.

    ``strict``: what is damaged ends decoding (``failed``) instead of being made up. Where several threads decode, a
    picture can leave without the mark that it was made up: FFmpeg copies it before the thread that sets it is done.

    ``ahead``: packets that ``advance`` may have decoded in the background when its caller comes back for the next
    picture; nothing else that is seen of the decoder changes.

    ``container``: the file, opened and not read yet, which the decoder takes over; opening takes 0.15 s at 4K.

    ``stamp``: the file that is to stand there whenever it is opened; UserError where another one does.

    Packets go into the decoder with their ordinal in place of their time stamp: FFmpeg hands it through to the picture,
    whatever the order. (PyAV's ``opaque`` would do the same, but frame threads wait for the interpreter's lock to free
    it while closing waits for them.)
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 0,
        sliced: bool = False,
        strict: bool = False,
        ahead: int = 4,
        container: Any = None,
        stamp: FileStamp | None = None,
    ) -> None:
        self._path = path
        self._stamp = stamp
        self._index: VideoIndex | None = None
        self._strict = strict
        self._sliced = sliced
        self._unread: Any = container
        self._steps = Ahead(self._step, depth=ahead)
        self._threads = threads
        self._container: Any = None
        self._stream: Any = None
        self._packets: Iterator[Any] = iter(())
        self._output: deque[Decoded] = deque()
        self._given: dict[int, int] = {}
        self._next = 0
        self._at_end = True
        self._passed: frozenset[int] = frozenset()
        self._passing = False
        self._abreast: Abreast[_Step] | None = None
        self._others: list[Any] = []
        self._stands_alone = False
        self.start = 0
        """Packet at which decoding was last begun."""
        self.fed = -1
        """Last packet that went into the decoder."""
        self.errors: list[tuple[int, str]] = []
        """(packet, message) of what the decoder refused since the last start."""
        self.failed = False
        """A strict decoder met damage; until the next start it gives nothing more."""
        self.slices = 1
        """Of the picture that ``only`` gave."""
        self.drifted = False
        """The file gave another packet than the index has, or none; until the next start nothing more comes."""

    def _open(self, facts: StreamFacts | None) -> None:
        unread, self._unread = self._unread, None
        self.close()
        self._passing = False
        self._container = unread or open_container(self._path, facts, stamp=self._stamp)
        self._stream = video_stream_of(self._container)
        context = self._stream.codec_context
        if self._threads == 1:
            context.thread_type = "SLICE" if self._sliced else "NONE"
            context.thread_count = (os.cpu_count() or 1) if self._sliced else 1
        else:
            context.thread_type = "AUTO"
            # One thread a core where a picture's slices are shared out; for whole pictures FFmpeg knows best (0).
            context.thread_count = (
                (os.cpu_count() or 1) if shares_slices(context.codec.canonical_name) else self._threads
            )
        self._stands_alone = self._threads != 1 and stands_alone(context.codec.canonical_name)
        if self._strict:
            context.options = context.options | {"err_detect": "explode"}
        discard_all = type(self._stream.discard)["all"]
        for other in self._container.streams:
            if other.index != self._stream.index:
                other.discard = discard_all

    def _spread_out(self) -> None:
        """Let several decoders share the work where one uses one thread only and every picture stands alone."""
        self._stands_alone = False
        context, facts = self._stream.codec_context, self._index.facts if self._index is not None else None
        if not context.is_open or context.thread_count != 1:
            return
        contexts = [context]
        for _ in range(useful_count() - 1):
            try:
                self._others.append(open_container(self._path, facts, stamp=self._stamp))
            except UserError:
                return  # moved away; what is open can still be read
            contexts.append(video_stream_of(self._others[-1]).codec_context)
            contexts[-1].thread_count, contexts[-1].options = 1, context.options
        self._abreast = Abreast(contexts, lambda free, raw: self._decode(raw.pts, raw, free))

    def start_at(self, index: VideoIndex, packet: int, *, passed: frozenset[int] = frozenset()) -> None:
        """Make ``packet`` the next one to be decoded, by a seek that is checked, or else by reading from the start.

        ``passed``: packets whose pictures nobody wants; they are decoded only where others are built upon them.
        """
        self._halt()
        refuse_another_file(self._path, self._stamp)
        fresh = self._container is None
        if fresh:
            self._open(index.facts)
        if (fresh and packet == 0) or not self._seek(index, packet):
            if not fresh or packet:
                self._open(index.facts)
            self._rewind(packet)
        self._output.clear()
        self._given.clear()
        self.errors = []
        self.failed = self.drifted = False
        self._index = index
        self._passed = passed
        self.start = packet
        self.fed = packet - 1
        self._at_end = False

    def _halt(self) -> None:
        self._steps.halt()
        if self._abreast is not None:
            self._abreast.wait()

    def _rewind(self, packet: int) -> None:
        """Read from the beginning of the file, which has just been opened."""
        self._packets = demuxed(self._container, self._stream)
        self._next = 0
        while self._next < packet:
            if next(self._packets, None) is None:
                break
            self._next += 1

    def _seek(self, index: VideoIndex, packet: int) -> bool:
        """Whether a seek found a place from which ``packet`` is the next; the packets before it are thrown away."""
        import av

        packets = index.packets
        stamps = [int(packets.pts[packet]), int(packets.dts[packet])]
        earlier = index.key_packets[index.key_packets < packet][-2:]
        stamps += [int(packets.dts[key]) for key in earlier[::-1]]
        for stamp in dict.fromkeys(stamps):
            if stamp == NO_TIME:
                continue
            try:
                self._container.seek(stamp, stream=self._stream, backward=True, any_frame=False)
            except (av.error.FFmpegError, OSError):
                continue
            if self._skip_to(index, packet):
                return True
        return False

    def _skip_to(self, index: VideoIndex, packet: int) -> bool:
        self._packets = demuxed(self._container, self._stream)
        found = -1
        for lost, raw in enumerate(self._packets):
            found = self._locate(index, raw, near=found + 1 if found >= 0 else packet)
            if found > packet or (lost > _LOST_PACKETS and found < 0):
                return False
            if found == packet:
                self._next = packet
                self._packets = _with_first(raw, self._packets)
                return True
        return False

    @staticmethod
    def _locate(index: VideoIndex, raw: Any, *, near: int) -> int:
        pts = NO_TIME if raw.pts is None else raw.pts
        return index.packets.locate(pts, -1 if raw.pos is None else raw.pos, raw.size, near=near)

    def advance(self, *, cancelled: Callable[[], bool] | None = None, more: bool = False) -> Decoded | None:
        """The next picture in the order the decoder gives them, None at the end.

        ``more``: the pictures after it will be wanted too, so decode them meanwhile. Raises Superseded where
        ``cancelled()`` says so between two packets; decoding can then go on.
        """
        while not self._output:
            if self._at_end:
                return None
            if cancelled is not None and cancelled():
                raise Superseded
            if more and self._stands_alone:
                self._spread_out()
            self._note(self._steps.take(go_on=more))
            if self._strict and self.errors:
                # After one refusal FFmpeg's threads refuse all that follows.
                self.failed = self._at_end = True
        return self._output.popleft()

    def _step(self) -> _Step:
        """Put one packet into the decoder. Called in either thread, and touches nothing but the packets' side."""
        raw = next(self._packets, None)
        if raw is None:
            if self._abreast is not None:
                self._abreast.wait()  # a context may not be emptied while it decodes
            last = self._decode(None, None)
            last.drifted = self._index is not None and self._index.complete and self._next < len(self._index.packets)
            return last
        packet = self._next
        if self._index is not None and not self._index.packets.agrees(packet, raw.pts, raw.size):
            return _Step(None, [], drifted=True)
        raw.pts = raw.dts = packet
        self._next += 1
        if (packet in self._passed) != self._passing:
            self._passing = not self._passing
            self._stream.codec_context.skip_frame = "NONREF" if self._passing else "DEFAULT"
        if self._abreast is not None:
            return _Step(packet, [], pending=self._abreast.begin(raw))
        return self._decode(packet, raw)

    def _note(self, step: _Step) -> None:
        if step.pending is not None:
            step = step.pending.result()
        if step.packet is None:
            self._at_end = True
            self.drifted = step.drifted
        else:
            self.fed = step.packet
        if step.refusal is not None:
            self.errors.append((self.fed, step.refusal))
        for frame in step.frames:
            packet = -1 if frame.pts is None else int(frame.pts)
            repeat = self._given.get(packet, 0)
            self._given[packet] = repeat + 1
            if len(self._given) > 512:
                self._given = {key: self._given[key] for key in list(self._given)[-256:]}
            self._output.append(Decoded(packet, repeat, frame))

    def only(self, index: VideoIndex, packet: int) -> Decoded | None:
        """The picture of a key frame alone, without waiting for the packets that usually push it out."""
        self.start_at(index, packet)
        raw = next(self._packets, None)
        if raw is None or not index.packets.agrees(packet, raw.pts, raw.size):
            return None
        context = self._stream.codec_context
        self.slices = slices_in(bytes(raw), bytes(context.extradata or b""), context.codec.canonical_name)
        raw.pts = raw.dts = packet
        self._note(self._decode(packet, raw))
        self._note(self._decode(None, None))
        return self._output.popleft() if self._output else None

    def near(self, stamp: int, facts: StreamFacts | None) -> Any:
        """The first picture that decodes after a seek to a time stamp, without an index; None where there is none."""
        import av

        self._halt()
        if self._container is None:
            self._open(facts)
        try:
            self._container.seek(stamp, stream=self._stream, backward=True, any_frame=False)
        except (av.error.FFmpegError, OSError):
            self._open(facts)
        self._packets = demuxed(self._container, self._stream)
        self._output.clear()
        for raw in self._packets:
            if raw.is_keyframe:
                self._note(self._decode(0, raw))
                self._note(self._decode(None, None))
                break
        self._at_end = True
        return self._output.popleft().frame if self._output else None

    def _decode(self, packet: int | None, raw: Any, context: Any = None) -> _Step:
        import av

        context = context or self._stream.codec_context
        try:
            return _Step(packet, context.decode(raw))
        except (av.error.FFmpegError, ValueError) as error:
            # Without FFmpeg's number, function and log: "Invalid data found when processing input".
            return _Step(packet, [], getattr(error, "strerror", None) or str(error))

    def close(self) -> None:
        """Give back the file and the decoder's memory."""
        self._steps.close()
        if self._abreast is not None:
            self._abreast.close()
            self._abreast = None
        for container in (self._container, self._unread, *self._others):
            if container is not None:
                container.close()
        self._container = self._unread = None
        self._others = []
        self._stream = None
        self._packets = iter(())
        self._output.clear()


def _with_first(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
