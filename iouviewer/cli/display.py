"""Whether a window can be shown here, asked before Qt would abort the process."""

from __future__ import annotations

import ctypes
import os
import sys

from iouviewer.errors import UserError

QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}
"""Libraries that PySide6 is linked with and no wheel brings, with Debian's packages."""

X_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""What Qt's X11 plugin needs on top; without them Qt ends the process by abort()."""


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def why_no_window() -> UserError | None:
    """The reason why no window can be shown, with its remedy, or None if one can (only Linux knows reasons)."""
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if not platform and not display and not wayland:
        return UserError(
            "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)",
            remedy="Start it in a desktop session or under xvfb-run; eval, predict and demo --headless need none",
        )
    wanted = dict(QT_LIBRARIES)
    if platform.startswith("xcb") or (not platform and not wayland):
        wanted |= X_LIBRARIES
    missing = [name for name in wanted if not _loads(name)]
    if missing:
        return UserError(
            f"Qt needs the system libraries {', '.join(missing)}",
            remedy=f"On Debian or Ubuntu: sudo apt-get install {' '.join(wanted[name] for name in missing)}",
        )
    return None
