"""The numbers by which platforms report the places of a keyboard."""

from __future__ import annotations

from iouviewer.ui.keyboard.positions import place_of_code


def place_with(code: int, platform: str = "xcb") -> str | None:
    """The place that a platform reports by this number."""
    scan, virtual = (1, code) if platform == "cocoa" else (code, 0)
    return place_of_code(scan, virtual, platform)


def scan_code(place: str) -> int:
    """The number by which X11 reports a place."""
    return next(code for code in range(128) if place_with(code) == place)
