"""Whether decoding can begin where the container says that it can."""

from __future__ import annotations

from functools import cache
from typing import Any

from iouviewer.video.index import VideoIndex

_WITHHELD = frozenset({"h264", "hevc", "vvc", "vp8", "vp9", "av1"})
"""Codecs whose decoders give no picture before one that stands alone, and which may begin within (intra refresh)."""

_UNKNOWN = 0
_BUILT_UPON_OTHERS = frozenset({2, 3, 4, 6})
"""FFmpeg's AVPictureType: P, B, S (MPEG-4's sprites) and SP. PyAV gives plain numbers for some of them."""

_FRAME_THREADS, _SLICE_THREADS = 1 << 12, 1 << 13
"""FFmpeg's AV_CODEC_CAP_FRAME_THREADS and AV_CODEC_CAP_SLICE_THREADS."""

_SLICES = frozenset({1, 5})
"""H.264's types of units that hold a slice."""

_VIDEO_PARAMETERS = b"\x00\x00\x01\x40\x01"
"""A start code and the header of H.265's video parameter set."""


def is_no_start(frame: Any, index: VideoIndex, codec: str) -> bool:
    """Whether PyAV's picture of a packet that the container calls a key frame is built upon others after all.

    A container without a list of key frames calls every picture one; so do some writers of AVI.
    """
    if codec in _WITHHELD or frame.key_frame:
        return False
    kind = int(frame.pict_type)
    if kind in _BUILT_UPON_OTHERS:
        return True
    # Some decoders say nothing of their pictures.
    return kind == _UNKNOWN and bool(index.packets.key.all()) and not stands_alone(codec)


def lacks_references(index: VideoIndex, codec: str) -> bool:
    """Whether a strict decoder would take the first pictures after a seek for damaged: H.264 in open groups.

    Such files are read by one thread until they are proven: of several that are not strict, damage can go untold.
    """
    return codec == "h264" and index.has_open_groups


def temporal_layers(header: bytes) -> int:
    """Temporal layers that the header of an HEVC stream announces (ISO/IEC 14496-15's ``hvcC``, or H.265's parameter
    sets with start codes); 0 where it does not tell."""
    if len(header) > 22 and header[0] == 1:
        return header[21] >> 3 & 7
    at = header.find(_VIDEO_PARAMETERS)
    return (header[at + 6] >> 1 & 7) + 1 if at >= 0 and at + 6 < len(header) else 0


def slices_in(packet: bytes, header: bytes, codec: str) -> int:
    """Parts of a picture that several threads can decode at once: slices of H.264, 1 in other codecs.

    ``header``: the stream's, ISO/IEC 14496-15's ``avcC`` where lengths stand before the units of a packet, or H.264's
    parameter sets where start codes do.
    """
    if codec != "h264":
        return 1
    slices = 0
    if len(header) > 4 and header[0] == 1:
        each, at = (header[4] & 3) + 1, 0
        while at + each < len(packet):
            slices += packet[at + each] & 31 in _SLICES
            at += each + int.from_bytes(packet[at : at + each], "big")
    else:
        units = packet.split(b"\x00\x00\x01")[1:]
        slices = sum(bool(unit) and unit[0] & 31 in _SLICES for unit in units)
    return max(1, slices)


def stands_alone(codec: str) -> bool:
    """Whether every picture of this codec can be decoded by itself."""
    import av

    try:
        return bool(av.Codec(codec, "r").intra_only)
    except (av.error.FFmpegError, ValueError):
        return False


@cache
def shares_slices(codec: str) -> bool:
    """Whether a decoder shares out the slices of one picture among its threads, never whole pictures (MPEG-2).

    ``codec`` is FFmpeg's name of it.
    """
    import av

    try:
        capabilities = av.Codec(codec, "r").capabilities
    except (av.error.FFmpegError, ValueError):
        return False
    return bool(capabilities & _SLICE_THREADS) and not capabilities & _FRAME_THREADS
