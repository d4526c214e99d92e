"""Properties of codecs and keyframes that determine where decoding can start and how it can run in parallel."""

from __future__ import annotations

from functools import cache
from typing import Any

from iouviewer.video.index import VideoIndex

_SKIPS_TO_KEYFRAME = frozenset({"h264", "hevc", "vvc", "vp8", "vp9", "av1"})
"""Codecs whose decoders output nothing before a frame that is decodable alone, and can start within a GOP (intra
refresh)."""

_UNKNOWN = 0
_INTER_PICTURE_TYPES = frozenset({2, 3, 4, 6})
"""FFmpeg's AVPictureType: P, B, S (MPEG-4's sprites) and SP. PyAV returns plain integers for some of them."""

_FRAME_THREADS, _SLICE_THREADS = 1 << 12, 1 << 13
"""FFmpeg's AV_CODEC_CAP_FRAME_THREADS and AV_CODEC_CAP_SLICE_THREADS."""

_SLICE_UNITS = frozenset({1, 5})
"""H.264 types of NAL units that contain a slice."""

_VIDEO_PARAMETERS = b"\x00\x00\x01\x40\x01"
"""A start code and the header of H.265's video parameter set."""


def is_false_keyframe(frame: Any, index: VideoIndex, codec: str) -> bool:
    """Whether PyAV's frame from a packet that the container marks as a keyframe references other frames after all.

    A container without a list of keyframes marks every frame as one; so do some writers of AVI.
    """
    if codec in _SKIPS_TO_KEYFRAME or frame.key_frame:
        return False
    kind = int(frame.pict_type)
    if kind in _INTER_PICTURE_TYPES:
        return True
    # Some decoders do not report the type of their frames.
    return kind == _UNKNOWN and bool(index.packets.key.all()) and not is_intra_only(codec)


def lacks_references(index: VideoIndex, codec: str) -> bool:
    """Whether a strict decoder would take the first frames after a seek for damaged: H.264 with open GOPs.

    Such files are decoded by one thread until the decode check: with several non-strict threads, damage can go
    unreported.
    """
    return codec == "h264" and index.has_open_gops


def temporal_layers(header: bytes) -> int:
    """Temporal layers announced by the header of an HEVC stream, 0 if it announces none.

    Sources: ISO/IEC 14496-15 (``hvcC``), H.265 (parameter sets with start codes).
    """
    if len(header) > 22 and header[0] == 1:
        return header[21] >> 3 & 7
    at = header.find(_VIDEO_PARAMETERS)
    return (header[at + 6] >> 1 & 7) + 1 if at >= 0 and at + 6 < len(header) else 0


def count_slices(packet: bytes, header: bytes, codec: str) -> int:
    """Parts of a frame that several threads can decode in parallel: slices in H.264, 1 in other codecs.

    Args:
        header: the stream's: ISO/IEC 14496-15's ``avcC`` if the units of a packet have length prefixes, or H.264's
            parameter sets if they have start codes.
    """
    if codec != "h264":
        return 1
    slices = 0
    if len(header) > 4 and header[0] == 1:
        prefix, at = (header[4] & 3) + 1, 0
        while at + prefix < len(packet):
            slices += packet[at + prefix] & 31 in _SLICE_UNITS
            at += prefix + int.from_bytes(packet[at : at + prefix], "big")
    else:
        units = packet.split(b"\x00\x00\x01")[1:]
        slices = sum(bool(unit) and unit[0] & 31 in _SLICE_UNITS for unit in units)
    return max(1, slices)


def is_intra_only(codec: str) -> bool:
    """Whether every frame of this codec can be decoded alone."""
    import av

    try:
        return bool(av.Codec(codec, "r").intra_only)
    except (av.error.FFmpegError, ValueError):
        return False


@cache
def uses_slice_threads(codec: str) -> bool:
    """Whether a decoder's threads share the slices of one frame and never decode whole frames each (MPEG-2).

    ``codec`` is FFmpeg's name for it.
    """
    import av

    try:
        capabilities = av.Codec(codec, "r").capabilities
    except (av.error.FFmpegError, ValueError):
        return False
    return bool(capabilities & _SLICE_THREADS) and not capabilities & _FRAME_THREADS
