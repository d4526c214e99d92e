"""The letters of the current keyboard layout, asked from the X server through libX11."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterable

_CORE_KEYBOARD = 0x100
_UNICODE = 0x01000000
_DEAD = {0xFE50: "`", 0xFE51: "´", 0xFE52: "^", 0xFE53: "~", 0xFE57: "¨"}
_CODECS = {
    0x0: "latin-1",
    0x1: "iso8859-2",
    0x2: "iso8859-3",
    0x3: "iso8859-4",
    0x6: "koi8-u",
    0x7: "iso8859-7",
}
"""Code pages of the old key symbols by their high byte (X11/keysymdef.h)."""
_SIGMA = {0x7F2: "Σ", 0x7F3: "Σ"}
"""The two forms of small sigma, which the code page has in the other order."""


class _XkbState(ctypes.Structure):
    """``XkbStateRec`` of X11/extensions/XKBstr.h."""

    _fields_ = (
        ("group", ctypes.c_ubyte),
        ("locked_group", ctypes.c_ubyte),
        ("base_group", ctypes.c_ushort),
        ("latched_group", ctypes.c_ushort),
        ("mods", ctypes.c_ubyte),
        ("base_mods", ctypes.c_ubyte),
        ("latched_mods", ctypes.c_ubyte),
        ("locked_mods", ctypes.c_ubyte),
        ("compat_state", ctypes.c_ubyte),
        ("grab_mods", ctypes.c_ubyte),
        ("compat_grab_mods", ctypes.c_ubyte),
        ("lookup_mods", ctypes.c_ubyte),
        ("compat_lookup_mods", ctypes.c_ubyte),
        ("ptr_buttons", ctypes.c_ushort),
    )


def layout_letters(keycodes: Iterable[int]) -> dict[int, str]:
    """What keys type without modifiers in the current layout, in capitals, by keycode.

    Empty without libX11 or a server; a key whose symbol is not a character is left out.
    """
    name = ctypes.util.find_library("X11")
    if name is None:
        return {}
    x11 = ctypes.CDLL(name)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    x11.XkbGetState.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p]
    x11.XkbKeycodeToKeysym.argtypes = [ctypes.c_void_p, ctypes.c_ubyte, ctypes.c_uint, ctypes.c_uint]
    x11.XkbKeycodeToKeysym.restype = ctypes.c_ulong
    display = x11.XOpenDisplay(None)
    if not display:
        return {}
    state = _XkbState()
    x11.XkbGetState(display, _CORE_KEYBOARD, ctypes.byref(state))
    letters = {}
    for code in keycodes:
        letter = letter_of_keysym(int(x11.XkbKeycodeToKeysym(display, code, state.group, 0)))
        if letter:
            letters[code] = letter
    x11.XCloseDisplay(display)
    return letters


def letter_of_keysym(keysym: int) -> str:
    """The character of an X11 key symbol in capitals; empty if it is none."""
    if keysym in _DEAD:
        return _DEAD[keysym]
    if keysym in _SIGMA:
        return _SIGMA[keysym]
    if keysym & 0xFF000000 == _UNICODE:
        character = chr(keysym & 0xFFFFFF)
    else:
        codec = _CODECS.get(keysym >> 8)
        if codec is None:
            return ""
        try:
            character = bytes([keysym & 0xFF]).decode(codec)
        except UnicodeDecodeError:
            return ""
    if not character.isprintable() or character.isspace():
        return ""
    capital = character.upper()
    return capital if len(capital) == 1 else character
