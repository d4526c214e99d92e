"""A decoder that can start at any keyframe and always knows which frame it returns."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iouviewer.errors import UserError
from iouviewer.video.container import demux, ensure_file_unchanged, open_container, select_video_stream
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.index import VideoIndex
from iouviewer.video.parallel_decoder import ParallelDecoder, useful_decoder_count
from iouviewer.video.read_ahead import ReadAhead
from iouviewer.video.seek_points import count_slices, is_intra_only, uses_slice_threads
from iouviewer.video.stream_info import StreamInfo
from iouviewer.video.timestamps import NO_PTS

_MAX_UNKNOWN_PACKETS = 400
"""Unknown packets tolerated after a seek; beyond that, the file is read from its beginning instead."""


class SupersededError(Exception):
    """Decoding was cancelled because a newer request is waiting."""


@dataclass(slots=True)
class DecodedFrame:
    """A frame as returned by the decoder.

    Attributes:
        packet: ordinal of the packet it was decoded from; -1 if the decoder lost track.
        repeat: 0 for the packet's first frame, 1 for its second.
        frame: PyAV's frame.
    """

    packet: int
    repeat: int
    frame: Any


@dataclass(slots=True)
class _DecodeStep:
    """The effect of sending one packet to the decoder.

    Attributes:
        packet: its ordinal, None at the end of the file.
        frames: the frames that the decoder output.
        error: the decoder's message if it rejected the packet.
        index_mismatch: the packet differs from the one in the index and was not decoded, or the file ends before the
            index.
        pending: the step, if another decoder runs it in parallel.
    """

    packet: int | None
    frames: list[Any]
    error: str | None = None
    index_mismatch: bool = False
    pending: Future[_DecodeStep] | None = None


class Decoder:
    """One container with its decoder. Not thread-safe.

    Packets are sent to the decoder with their ordinal in place of their timestamp: FFmpeg passes it through to the
    frame, whatever the order. (PyAV's ``opaque`` would do the same, but frame threads wait for the interpreter's lock
    to free it while closing waits for them.)

    Args:
        threads: 1 for a clean decode, 0 for as many as help.
        slice_threads: with one thread, all cores share the slices of one frame. Damage is then neither concealed nor
            reported.
        strict: damage ends decoding (``failed``) instead of being concealed. With several threads, a frame can leave
            the decoder without its corrupt flag: FFmpeg copies the flag before the thread that sets it has finished.
        read_ahead: packets that ``next_frame`` may have decoded in the background when it is called for the next frame;
            nothing else about the decoder changes.
        container: the file, opened and not read yet, which the decoder takes over; opening takes 0.15 s at 4K.
        stamp: the file's expected stamp whenever it is opened; UserError if it is another file.
    """

    def __init__(
        self,
        path: Path,
        *,
        threads: int = 0,
        slice_threads: bool = False,
        strict: bool = False,
        read_ahead: int = 4,
        container: Any = None,
        stamp: FileStamp | None = None,
    ) -> None:
        self._path = path
        self._stamp = stamp
        self._index: VideoIndex | None = None
        self._strict = strict
        self._slice_threads = slice_threads
        self._unread: Any = container
        self._steps = ReadAhead(self._decode_next_packet, depth=read_ahead)
        self._threads = threads
        self._container: Any = None
        self._stream: Any = None
        self._packets: Iterator[Any] = iter(())
        self._output: deque[DecodedFrame] = deque()
        self._frame_counts: dict[int, int] = {}
        self._next_packet = 0
        self._at_end = True
        self._skippable: frozenset[int] = frozenset()
        self._is_skipping = False
        self._parallel: ParallelDecoder[_DecodeStep] | None = None
        self._other_containers: list[Any] = []
        self._can_run_parallel = False
        self.start_packet = 0
        """Packet at which decoding was last started."""
        self.last_packet = -1
        """Last packet that was sent to the decoder."""
        self.errors: list[tuple[int, str]] = []
        """(packet, message) of the packets rejected since the last start."""
        self.failed = False
        """A strict decoder met damage; it returns nothing more until the next start."""
        self.slices = 1
        """Slices of the frame that ``decode_keyframe`` returned."""
        self.index_mismatch = False
        """The file returned another packet than the index has, or none; nothing more follows until the next start."""

    @property
    def is_parallel(self) -> bool:
        """Whether several decoders share the work."""
        return self._parallel is not None

    def _open(self, stream_info: StreamInfo | None) -> None:
        unread, self._unread = self._unread, None
        self.close()
        self._is_skipping = False
        self._container = unread or open_container(self._path, stream_info, stamp=self._stamp)
        self._stream = select_video_stream(self._container)
        context = self._stream.codec_context
        if self._threads == 1:
            context.thread_type = "SLICE" if self._slice_threads else "NONE"
            context.thread_count = (os.cpu_count() or 1) if self._slice_threads else 1
        else:
            context.thread_type = "AUTO"
            # One thread per core for slices of a frame; for whole frames FFmpeg chooses best (0).
            context.thread_count = (
                (os.cpu_count() or 1) if uses_slice_threads(context.codec.canonical_name) else self._threads
            )
        self._can_run_parallel = self._threads != 1 and is_intra_only(context.codec.canonical_name)
        if self._strict:
            context.options = context.options | {"err_detect": "explode"}
        discard_all = type(self._stream.discard)["all"]
        for other in self._container.streams:
            if other.index != self._stream.index:
                other.discard = discard_all

    def _start_parallel(self) -> None:
        """Let several decoders share the work if one uses a single thread and every frame can be decoded alone."""
        self._can_run_parallel = False
        context = self._stream.codec_context
        info = self._index.stream_info if self._index is not None else None
        if not context.is_open or context.thread_count != 1:
            return
        contexts = [context]
        for _ in range(useful_decoder_count() - 1):
            try:
                self._other_containers.append(open_container(self._path, info, stamp=self._stamp))
            except UserError:
                return  # the file was moved away; the open one can still be read
            contexts.append(select_video_stream(self._other_containers[-1]).codec_context)
            contexts[-1].thread_count, contexts[-1].options = 1, context.options
        self._parallel = ParallelDecoder(contexts, lambda free, raw: self._decode(raw.pts, raw, free))

    def start_at(self, index: VideoIndex, packet: int, *, skippable: frozenset[int] = frozenset()) -> None:
        """Make ``packet`` the next one to decode, by a seek that is verified, or else by reading from the beginning.

        ``skippable``: packets whose frames are not needed; they are decoded only if other frames reference them.
        """
        self._stop()
        ensure_file_unchanged(self._path, self._stamp)
        is_new = self._container is None
        if is_new:
            self._open(index.stream_info)
        if (is_new and packet == 0) or not self._seek(index, packet):
            if not is_new or packet:
                self._open(index.stream_info)
            self._read_from_beginning(packet)
        self._output.clear()
        self._frame_counts.clear()
        self.errors = []
        self.failed = self.index_mismatch = False
        self._index = index
        self._skippable = skippable
        self.start_packet = packet
        self.last_packet = packet - 1
        self._at_end = False

    def _stop(self) -> None:
        self._steps.stop()
        if self._parallel is not None:
            self._parallel.wait()

    def _read_from_beginning(self, packet: int) -> None:
        """Skip the packets before ``packet`` in the file, which has just been opened."""
        self._packets = demux(self._container, self._stream)
        self._next_packet = 0
        while self._next_packet < packet:
            if next(self._packets, None) is None:
                break
            self._next_packet += 1

    def _seek(self, index: VideoIndex, packet: int) -> bool:
        """Whether a seek found a position from which ``packet`` is next; the packets before it are discarded."""
        import av

        packets = index.packets
        stamps = [int(packets.pts[packet]), int(packets.dts[packet])]
        earlier = index.keyframe_packets[index.keyframe_packets < packet][-2:]
        stamps += [int(packets.dts[key]) for key in earlier[::-1]]
        for stamp in dict.fromkeys(stamps):
            if stamp == NO_PTS:
                continue
            try:
                self._container.seek(stamp, stream=self._stream, backward=True, any_frame=False)
            except (av.error.FFmpegError, OSError):
                continue
            if self._skip_to(index, packet):
                return True
        return False

    def _skip_to(self, index: VideoIndex, packet: int) -> bool:
        self._packets = demux(self._container, self._stream)
        found = -1
        for skipped, raw in enumerate(self._packets):
            found = self._locate(index, raw, near=found + 1 if found >= 0 else packet)
            if found > packet or (skipped > _MAX_UNKNOWN_PACKETS and found < 0):
                return False
            if found == packet:
                self._next_packet = packet
                self._packets = _with_first(raw, self._packets)
                return True
        return False

    @staticmethod
    def _locate(index: VideoIndex, raw: Any, *, near: int) -> int:
        pts = NO_PTS if raw.pts is None else raw.pts
        return index.packets.locate(pts, -1 if raw.pos is None else raw.pos, raw.size, near=near)

    def next_frame(
        self, *, cancelled: Callable[[], bool] | None = None, read_ahead: bool = False
    ) -> DecodedFrame | None:
        """The next frame in the order of the decoder's output, None at the end.

        Raises SupersededError if ``cancelled()`` returns True between two packets; decoding can then continue.

        Args:
            read_ahead: the following frames will be needed too, so decode them meanwhile.
        """
        while not self._output:
            if self._at_end:
                return None
            if cancelled is not None and cancelled():
                raise SupersededError
            if read_ahead and self._can_run_parallel:
                self._start_parallel()
            self._apply(self._steps.take(ahead=read_ahead))
            if self._strict and self.errors:
                # After one error FFmpeg's threads reject everything that follows.
                self.failed = self._at_end = True
        return self._output.popleft()

    def _decode_next_packet(self) -> _DecodeStep:
        """Send one packet to the decoder. Called in either thread, so it changes only the state of the packets."""
        raw = next(self._packets, None)
        if raw is None:
            if self._parallel is not None:
                self._parallel.wait()  # a context must not be flushed while it decodes
            last = self._decode(None, None)
            last.index_mismatch = (
                self._index is not None and self._index.complete and self._next_packet < len(self._index.packets)
            )
            return last
        packet = self._next_packet
        if self._index is not None and not self._index.packets.matches(packet, raw.pts, raw.size):
            return _DecodeStep(None, [], index_mismatch=True)
        raw.pts = raw.dts = packet
        self._next_packet += 1
        if (packet in self._skippable) != self._is_skipping:
            self._is_skipping = not self._is_skipping
            self._stream.codec_context.skip_frame = "NONREF" if self._is_skipping else "DEFAULT"
        if self._parallel is not None:
            return _DecodeStep(packet, [], pending=self._parallel.submit(raw))
        return self._decode(packet, raw)

    def _apply(self, step: _DecodeStep) -> None:
        if step.pending is not None:
            step = step.pending.result()
        if step.packet is None:
            self._at_end = True
            self.index_mismatch = step.index_mismatch
        else:
            self.last_packet = step.packet
        if step.error is not None:
            self.errors.append((self.last_packet, step.error))
        for frame in step.frames:
            packet = -1 if frame.pts is None else int(frame.pts)
            repeat = self._frame_counts.get(packet, 0)
            self._frame_counts[packet] = repeat + 1
            if len(self._frame_counts) > 512:
                self._frame_counts = {key: self._frame_counts[key] for key in list(self._frame_counts)[-256:]}
            self._output.append(DecodedFrame(packet, repeat, frame))

    def decode_keyframe(self, index: VideoIndex, packet: int) -> DecodedFrame | None:
        """The frame of a keyframe packet alone, without waiting for the packets that usually flush it out."""
        self.start_at(index, packet)
        raw = next(self._packets, None)
        if raw is None or not index.packets.matches(packet, raw.pts, raw.size):
            return None
        context = self._stream.codec_context
        self.slices = count_slices(bytes(raw), bytes(context.extradata or b""), context.codec.canonical_name)
        raw.pts = raw.dts = packet
        self._apply(self._decode(packet, raw))
        self._apply(self._decode(None, None))
        return self._output.popleft() if self._output else None

    def decode_near(self, stamp: int, stream_info: StreamInfo | None) -> Any:
        """The first frame that decodes after a seek to a timestamp, without an index; None if there is none."""
        import av

        self._stop()
        if self._container is None:
            self._open(stream_info)
        try:
            self._container.seek(stamp, stream=self._stream, backward=True, any_frame=False)
        except (av.error.FFmpegError, OSError):
            self._open(stream_info)
        self._packets = demux(self._container, self._stream)
        self._output.clear()
        for raw in self._packets:
            if raw.is_keyframe:
                self._apply(self._decode(0, raw))
                self._apply(self._decode(None, None))
                break
        self._at_end = True
        return self._output.popleft().frame if self._output else None

    def _decode(self, packet: int | None, raw: Any, context: Any = None) -> _DecodeStep:
        import av

        context = context or self._stream.codec_context
        try:
            return _DecodeStep(packet, context.decode(raw))
        except (av.error.FFmpegError, ValueError) as error:
            # Without FFmpeg's number, function and log: "Invalid data found when processing input".
            return _DecodeStep(packet, [], getattr(error, "strerror", None) or str(error))

    def close(self) -> None:
        """Release the file and the decoder's memory."""
        self._steps.close()
        if self._parallel is not None:
            self._parallel.close()
            self._parallel = None
        for container in (self._container, self._unread, *self._other_containers):
            if container is not None:
                container.close()
        self._container = self._unread = None
        self._other_containers = []
        self._stream = None
        self._packets = iter(())
        self._output.clear()


def _with_first(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
