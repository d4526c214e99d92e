"""Finds damaged packets of codecs whose decoders pass over damage in silence: HEVC and VP9.

Both codecs store their data as one arithmetic code per slice or tile. Any bytes decode to some picture, so FFmpeg's
decoders turn damage into a picture that looks wrong, without an error, a flag or a line in the log. What damage breaks
is the place where the code ends:

- VP9: the decoder of libvpx compares that place with the size of the tile and refuses the frame.
- HEVC: nothing compares it, so it is tested from outside. Each packet is decoded alone, with grey references (its
  syntax can be parsed without them). Bytes appended behind the slice must not change the picture: they do if the
  decoder ran past the end. Other values for the last bytes of the slice must change it: they do not if the decoder had
  finished before. Grey references hide other motion, so a slice that fails this is decoded once more with its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from iouviewer.video.checksum import frame_checksum
from iouviewer.video.container import demux, open_container, select_video_stream
from iouviewer.video.index import VideoIndex

COST = {"hevc": 5, "vp9": 2}
"""Time of the decode check with this one / without it, by codec, rounded; ``docs/benchmarks.md``."""

_NOISE_BYTES = 64
"""Bytes appended to a slice: more than the decoder reads ahead."""

_END_BYTES = 8
"""Bytes at the end of a slice that are replaced. In sound slices of all kinds at most four were without effect."""

_ENDINGS = (0xFF, 1, None, None)
"""What they are replaced by (None: random bytes), one after the other until the picture changes.

High bytes make an arithmetic decoder take the improbable decisions, low ones the probable ones: where the data has
little to say (everything stands still), random bytes often say the same.
"""

_CONFIRMATIONS = 2
"""Times that the endings are tried with the references of the picture."""

_MAX_KEPT_BYTES = 32 << 20
"""Packets of a GOP that are kept to decode the references again; the packets of a longer one are not confirmed."""

_MIN_SLICE_BYTES = 24
"""Shorter slices are not tested for unused bytes: most of them is the header."""

_SLICE_TYPES = range(32)
_KEYFRAME_TYPES = range(16, 24)
_PARAMETER_TYPES = (32, 33, 34)
_LEADING_TYPES = {8: 0, 9: 1}
"""NAL types of leading pictures, which are dropped without their keyframe, and of others with the same syntax."""


class PacketCheck(Protocol):
    """Checks the packets of one stream, in their order."""

    def is_damaged(self, packet: bytes) -> bool:
        """Whether this packet is damaged."""


class PayloadCheck:
    """Checks all packets of a file, one per call. Owned by one thread.

    Attributes:
        damaged: ordinals of the damaged packets found so far.
        is_needed: the codec has such a check.
        done: all packets were checked, or no check is needed.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self._path, self._index = path, index
        self.damaged: list[int] = []
        self._next = 0
        self._container: Any = None
        self._packets: Iterator[Any] = iter(())
        self._check: PacketCheck | None = None
        codec = index.stream_info.codec if index.stream_info is not None else ""
        self.is_needed = codec in _CHECKS
        self.done = not self.is_needed

    def advance(self) -> None:
        """Check the next packet."""
        if self.done:
            return
        if self._container is None:
            self._open()
        raw = next(self._packets, None)
        if raw is None or self._check is None or not self._index.packets.matches(self._next, raw.pts, raw.size):
            # Packets that differ from the index are reported by the decode, which reads them too.
            self.close()
            return
        if self._check.is_damaged(bytes(raw)):
            self.damaged.append(self._next)
        self._next += 1

    def _open(self) -> None:
        info = self._index.stream_info
        self._container = open_container(self._path, info)
        stream = select_video_stream(self._container)
        self._packets = demux(self._container, stream)
        extradata = bytes(stream.codec_context.extradata or b"")
        self._check = _CHECKS[info.codec](extradata) if info is not None else None

    def close(self) -> None:
        """Release the file; nothing more is checked."""
        self.done = True
        if self._container is not None:
            self._packets = iter(())
            self._container.close()
            self._container = None


class Vp9Check:
    """Decodes with libvpx, which refuses frames whose data does not end where it should."""

    def __init__(self, _extradata: bytes) -> None:
        import av

        try:
            self._context: Any = av.CodecContext.create("libvpx-vp9", "r")
        except (av.error.FFmpegError, ValueError):
            self._context = None  # a build without libvpx finds less

    def is_damaged(self, packet: bytes) -> bool:
        """Whether libvpx refuses the packet; it then refuses the others of the group too."""
        import av

        if self._context is None:
            return False
        try:
            self._context.decode(av.Packet(packet))
        except (av.error.FFmpegError, ValueError):
            return True
        return False


class HevcCheck:
    """Tests where the arithmetic code of each slice ends."""

    def __init__(self, extradata: bytes) -> None:
        self._extradata = extradata
        # hvcC holds the size of the length before each NAL unit; other streams have start codes.
        is_hvcc = len(extradata) > 22 and extradata[0] == 1
        self._length_bytes = (extradata[21] & 3) + 1 if is_hvcc else 0
        self._random = random.Random(0)
        self._parameters: list[bytes] = []
        self._groups: list[list[bytes]] = [[], []]

    def _new_context(self) -> Any:
        import av
        from av.codec.context import Flags, Flags2

        context = av.CodecContext.create("hevc", "r")
        context.extradata = self._extradata
        context.thread_count, context.thread_type = 1, "NONE"
        context.flags |= Flags.output_corrupt  # pictures whose references are missing
        context.flags2 |= Flags2.show_all
        return context

    def is_damaged(self, packet: bytes) -> bool:
        """Whether a slice of the packet ends at another place than its data."""
        units = self._split(packet)
        if units is None:
            return True
        if any(_kind(unit) in _KEYFRAME_TYPES for unit in units):
            self._groups = [self._groups[1], []]
        self._groups[1].append(packet)
        slices = [i for i, unit in enumerate(units) if _is_slice(unit)]
        self._parameters = [unit for unit in units if _kind(unit) in _PARAMETER_TYPES] or self._parameters
        if not slices:
            return False
        longer = list(units)
        for at in slices:
            longer[at] = units[at] + bytes(self._random.choices(range(1, 256), k=_NOISE_BYTES))
        picture = self._decode(units)
        if not picture or None in picture:
            return False  # nothing is shown, or the decoder itself reports damage
        return self._decode(longer) != picture or self._ends_early(units, slices, picture)

    def _ends_early(self, units: list[bytes], slices: list[int], picture: list[int | None]) -> bool:
        for at in slices:
            if len(units[at]) < _MIN_SLICE_BYTES:
                continue
            changed = ([*units[:at], end, *units[at + 1 :]] for end in self._with_other_ends(units[at]))
            if all(self._decode(one) == picture for one in changed) and self._is_end_unused(at):
                return True
        return False

    def _is_end_unused(self, at: int) -> bool:
        """Whether other ends of a slice do not change the picture when it is decoded with its references either."""
        last = self._split(self._groups[1][-1], keeps_types=True) or []
        is_leading = any(_kind(unit) in _LEADING_TYPES for unit in last)
        earlier = [*(self._groups[0] if is_leading else ()), *self._groups[1][:-1]]
        if sum(map(len, earlier)) > _MAX_KEPT_BYTES:
            return False
        picture = self._decode_after(earlier, last)
        return picture is not None and all(
            self._decode_after(earlier, [*last[:at], end, *last[at + 1 :]]) == picture
            for _ in range(_CONFIRMATIONS)
            for end in self._with_other_ends(last[at])
        )

    def _decode_after(self, earlier: list[bytes], units: list[bytes]) -> int | None:
        """Checksum of the picture that a packet with these NAL units gives after other packets; None for an error."""
        import av

        context, last = self._new_context(), len(earlier)
        for at, data in enumerate([*earlier, self._join(units), None]):
            packet = None if data is None else av.Packet(data)
            if packet is not None:
                packet.pts = packet.dts = at
            try:
                for frame in context.decode(packet):
                    if frame.pts == last:
                        return frame_checksum(frame)
            except (av.error.FFmpegError, ValueError):
                if at >= last:
                    return None
        return None

    def _with_other_ends(self, unit: bytes) -> Iterator[bytes]:
        """The slice with other last bytes, none of them zero, as zeros could form a start code."""
        for value in _ENDINGS:
            values = range(1, 256) if value is None else [value]
            yield unit[:-_END_BYTES] + bytes(self._random.choices(values, k=_END_BYTES))

    def _decode(self, units: list[bytes]) -> list[int | None]:
        """Checksums of the pictures that a packet with these NAL units gives alone; None at its end for an error.

        The decoder is a new one: a used one has other pictures in its memory, which show where something is missing.
        """
        import av

        found: list[int | None] = []
        context = self._new_context()
        try:
            for packet in (av.Packet(self._join([*self._parameters, *units])), None):
                found += [frame_checksum(frame) for frame in context.decode(packet)]
        except (av.error.FFmpegError, ValueError):
            found.append(None)
        return found

    def _split(self, packet: bytes, *, keeps_types: bool = False) -> list[bytes] | None:
        """The NAL units, ends without padding; None if their lengths do not add up.

        Leading pictures become others, unless ``keeps_types``.
        """
        units = _split_start_codes(packet) if not self._length_bytes else self._split_lengths(packet)
        if units is None:
            return None
        whole = [_strip_padding(unit) for unit in units if len(unit) > 2]
        return whole if keeps_types else [_as_trailing(unit) for unit in whole]

    def _split_lengths(self, packet: bytes) -> list[bytes] | None:
        units, at = [], 0
        while at < len(packet):
            start = at + self._length_bytes
            end = start + int.from_bytes(packet[at:start], "big")
            if end > len(packet) or start > len(packet):
                return None
            units.append(packet[start:end])
            at = end
        return units

    def _join(self, units: list[bytes]) -> bytes:
        if not self._length_bytes:
            return b"".join(b"\0\0\0\1" + unit for unit in units)
        return b"".join(len(unit).to_bytes(self._length_bytes, "big") + unit for unit in units)


def _split_start_codes(packet: bytes) -> list[bytes]:
    units = packet.split(b"\0\0\1")[1:]
    # A fourth byte of a start code ends the unit before it; units never end with a zero.
    return [unit.rstrip(b"\0") for unit in units]


def _strip_padding(unit: bytes) -> bytes:
    """The unit without the zero words that may follow the data of a slice."""
    while unit.endswith((b"\0\0\3", b"\0")):
        unit = unit[:-3] if unit.endswith(b"\0\0\3") else unit[:-1]
    return unit


def _is_slice(unit: bytes) -> bool:
    """Whether a NAL unit is a slice of the base layer, the only one that is decoded."""
    is_base = not unit[0] & 1 and not unit[1] >> 3
    return is_base and _kind(unit) in _SLICE_TYPES


def _kind(unit: bytes) -> int:
    """The type of a NAL unit."""
    return (unit[0] >> 1) & 0x3F


def _as_trailing(unit: bytes) -> bytes:
    """A leading picture as one that is not dropped, any other unit as it is."""
    kind = _kind(unit)
    return bytes([unit[0] & 0x81 | _LEADING_TYPES[kind] << 1]) + unit[1:] if kind in _LEADING_TYPES else unit


_CHECKS: dict[str, Callable[[bytes], PacketCheck]] = {"hevc": HevcCheck, "vp9": Vp9Check}
