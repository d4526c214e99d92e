"""The reasons an index stores for uncertain frame numbers and damaged frames, and the text shown for each.

The index cache stores the English sentences below as values. They never change and are never translated; ``describe``
returns the text to show.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from functools import lru_cache

from iouviewer.i18n import tr

ORDER_UNKNOWN = "the container stores no presentation times, so only decoding tells the order of the pictures"
TIMESTAMPS_RESTART = "the time stamps start anew within the file, as in recordings that were joined"
FALSE_KEYFRAMES = "the container calls pictures key frames that are none"
PARTIAL_FRAMES = "MPEG streams may begin or end within a picture"
HIDDEN_FRAMES = "{codec} packets may hold hidden pictures"
PACKED_FRAMES = "MPEG-4 in AVI may pack two pictures into one packet"
CORRUPT_PACKETS = "the container marks packets as damaged"
FRAME_COUNT_DIFFERS = "the container announces {announced} pictures and has packets for {packets}"
LAST_PACKET_TRUNCATED = "the file ends within its last packet"
STARTS_IN_OPEN_GOP = "the file begins within an open group"
EMPTY_PACKETS = "some packets are empty"
STARTS_WITHOUT_KEYFRAME = "the file does not begin with a key frame"
DAMAGE_FOUND = "damage was found while reading"

ERRORS_CONCEALED = "the decoder had to make up parts of this picture"
PARTLY_DAMAGED = "parts are damaged ({detail})"
NEXT_UNDECODABLE = "a picture after this one cannot be decoded ({detail})"
DATA_DAMAGED = "the data of this picture is damaged, which its decoder does not report"
REFERENCE_DAMAGED = "a picture that this one may be made from is damaged"
UNDECODABLE_BECAUSE = "this picture cannot be decoded ({detail})"
UNDECODABLE = "this picture cannot be decoded"

_DESCRIPTIONS: dict[str, Callable[..., str]] = {
    ORDER_UNKNOWN: lambda: tr("the container stores no presentation timestamps; only decoding finds the frame order"),
    TIMESTAMPS_RESTART: lambda: tr("the timestamps restart within the file, as in concatenated recordings"),
    FALSE_KEYFRAMES: lambda: tr("the container marks frames as keyframes that are not"),
    PARTIAL_FRAMES: lambda: tr("MPEG streams may start or end within a frame"),
    HIDDEN_FRAMES: lambda codec: tr("{codec} packets may contain hidden frames", codec=codec),
    PACKED_FRAMES: lambda: tr("MPEG-4 in AVI may pack two frames into one packet"),
    CORRUPT_PACKETS: lambda: tr("the container marks packets as damaged"),
    FRAME_COUNT_DIFFERS: lambda announced, packets: tr(
        "the container announces {announced:,} frames and has packets for {packets:,}",
        announced=int(announced),
        packets=int(packets),
    ),
    LAST_PACKET_TRUNCATED: lambda: tr("the file ends within its last packet"),
    STARTS_IN_OPEN_GOP: lambda: tr("the file starts within an open GOP"),
    EMPTY_PACKETS: lambda: tr("some packets are empty"),
    STARTS_WITHOUT_KEYFRAME: lambda: tr("the file does not start with a keyframe"),
    DAMAGE_FOUND: lambda: tr("decoding found damage"),
    ERRORS_CONCEALED: lambda: tr("the decoder filled in parts of this frame"),
    PARTLY_DAMAGED: lambda detail: tr("parts of this frame are damaged ({detail})", detail=detail),
    NEXT_UNDECODABLE: lambda detail: tr("a frame after this one cannot be decoded ({detail})", detail=detail),
    DATA_DAMAGED: lambda: tr("the data of this frame is damaged, which its decoder does not report"),
    REFERENCE_DAMAGED: lambda: tr("an earlier frame, which this one may depend on, is damaged"),
    UNDECODABLE_BECAUSE: lambda detail: tr("this frame cannot be decoded ({detail})", detail=detail),
    UNDECODABLE: lambda: tr("this frame cannot be decoded"),
}


def _pattern(template: str) -> re.Pattern[str]:
    """Matches the template with any values, which become named groups."""
    parts = string.Formatter().parse(template)
    return re.compile(
        "".join(re.escape(text) + (f"(?P<{name}>.*)" if name else "") for text, name, _, _ in parts), re.DOTALL
    )


_PATTERNS = [(_pattern(template), description) for template, description in _DESCRIPTIONS.items()]


@lru_cache(maxsize=256)
def describe(reason: str) -> str:
    """The text to show for a stored reason; a reason that is unknown here is returned unchanged."""
    for pattern, description in _PATTERNS:
        match = pattern.fullmatch(reason)
        if match is not None:
            return description(**match.groupdict())
    return reason
