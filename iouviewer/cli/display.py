"""Shows the window after checking for a display and Qt's system libraries; without them, Qt aborts the process."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from iouviewer.errors import UserError
from iouviewer.i18n import tr

if TYPE_CHECKING:
    from iouviewer.jobs.requests import OpenRequest

QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}
"""System libraries that PySide6 links to and no wheel contains -> Debian packages."""

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
"""Libraries that Qt's X11 plugin needs in addition; without them Qt calls abort()."""


def can_load_library(name: str) -> bool:
    """Whether the dynamic linker finds a library."""
    import ctypes

    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def display_error() -> UserError | None:
    """The reason why no window can be shown, with the remedy; None if it can. Only Linux is checked."""
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if not platform and not display and not wayland:
        return UserError(
            tr("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"),
            remedy=tr(
                "Start iouviewer in a desktop session or under xvfb-run; eval, predict and demo --headless need no "
                "display."
            ),
        )
    required = dict(QT_LIBRARIES)
    if platform.startswith("xcb") or (not platform and not wayland):
        required |= X_LIBRARIES
    missing = [name for name in required if not can_load_library(name)]
    if missing:
        return UserError(
            tr("Qt needs the system libraries {libraries}", libraries=", ".join(missing)),
            remedy=tr(
                "On Debian or Ubuntu: sudo apt-get install {packages}",
                packages=" ".join(required[name] for name in missing),
            ),
        )
    return None


def show_window(request: OpenRequest) -> int:
    """Show the window until it is closed; returns the exit status.

    Raises:
        UserError: there is no display, or Qt cannot be loaded.
    """
    error = display_error()
    if error is not None:
        raise error
    try:
        from iouviewer.ui.start import run_window
    except ImportError as failure:
        if ".so" not in str(failure) and "DLL" not in str(failure):
            raise
        raise UserError(
            tr("Qt cannot be loaded: {reason}", reason=failure), remedy=tr("Install the system library named here.")
        ) from failure
    return run_window(request)
