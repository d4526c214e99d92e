"""Places of the main block of a keyboard, named by what a US keyboard has printed there.

A command bound to ``D`` belongs to the place of the US letter D, whatever letter the layout has there. The number by
which a platform reports a place does not depend on the layout:

- Windows: scan codes of set 1.
- X11 and Wayland: Linux key codes, which are equal to those of set 1 in the main block, plus 8.
- macOS: virtual key codes (``kVK_ANSI_A`` ... of Carbon's ``HIToolbox/Events.h``), as the native virtual key.
"""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication, QKeyEvent

ROWS: tuple[str, ...] = ("`1234567890-=", "QWERTYUIOP[]\\", "ASDFGHJKL;'", "ZXCVBNM,./")
"""Places from top to bottom and left to right."""
FIRST_CODES = (2, 16, 30, 44)
"""Code of set 1 of the key after the row's left margin: 1, Q, A and Z."""
X11_OFFSET = 8
_LEFT, _RIGHT = "QWERTASDFGZXCVB12345", "POIUY;LKJH/.,MN09876"
MIRROR: dict[str, str] = dict(zip(_LEFT + _RIGHT, _RIGHT + _LEFT, strict=True))
"""Places exchanged for the left hand (mouse in the left hand): flipped about the gap of the rows."""


def _set_1() -> dict[int, str]:
    codes = {41: "`", 43: "\\"}
    for row, first in zip(ROWS, FIRST_CODES, strict=True):
        keys = row.strip("`\\")
        codes |= {first + i: key for i, key in enumerate(keys)}
    return codes


SET_1: dict[int, str] = _set_1()
"""Places by scan code of set 1."""
_MAC_CODES = (*range(10), *range(11, 36), *range(37, 48), 50)
_MAC: dict[int, str] = dict(zip(_MAC_CODES, "ASDFHGZXCVBQWERYT123465=97-80]OU[IPLJ'K;\\,/NM.`", strict=True))
PLACES: frozenset[str] = frozenset(SET_1.values())


def place_of_code(scan: int, virtual: int, platform: str) -> str | None:
    """The place with a native code.

    Args:
        scan, virtual: native scan code and native virtual key of a key event; both 0 for an event without a keyboard.
        platform: Qt's name of the platform.

    Returns:
        The place; None for keys outside the main block and for events made by programs.
    """
    if platform == "cocoa":
        return _MAC.get(virtual) if scan or virtual else None
    return SET_1.get(scan if platform == "windows" else scan - X11_OFFSET)


def place_of(event: QKeyEvent) -> str | None:
    """The place of the key of an event; None where the event names none."""
    return place_of_code(event.nativeScanCode(), event.nativeVirtualKey(), QGuiApplication.platformName())
