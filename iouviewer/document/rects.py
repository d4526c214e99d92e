"""Moving the edges of rectangles: what a drag or a key does to a box, as pure functions. All units are pixels."""

from __future__ import annotations

from enum import Flag

from iouviewer.document.boxes import Rect

MIN_SIZE = 1.0
"""Least width and height that a gesture or a key leaves to a box, pixels."""


class Edges(Flag):
    """Edges of a rectangle; a corner is two of them."""

    NONE = 0
    LEFT = 1
    TOP = 2
    RIGHT = 4
    BOTTOM = 8
    ALL = 15


def dragged(rect: Rect, edges: Edges, dx: float, dy: float) -> Rect:
    """The rectangle with these edges moved by (dx, dy) pixels; all edges move it as a whole.

    An edge dragged over the opposite one turns the rectangle over instead of inside out; it keeps ``MIN_SIZE``.
    """
    x1, y1, x2, y2 = rect
    if edges & Edges.LEFT:
        x1 += dx
    if edges & Edges.RIGHT:
        x2 += dx
    if edges & Edges.TOP:
        y1 += dy
    if edges & Edges.BOTTOM:
        y2 += dy
    x1, x2 = _ordered(x1, x2, moves_first=bool(edges & Edges.LEFT))
    y1, y2 = _ordered(y1, y2, moves_first=bool(edges & Edges.TOP))
    return x1, y1, x2, y2


def _ordered(low: float, high: float, *, moves_first: bool) -> tuple[float, float]:
    if low > high:
        low, high, moves_first = high, low, not moves_first
    if high - low < MIN_SIZE:
        return (high - MIN_SIZE, high) if moves_first else (low, low + MIN_SIZE)
    return low, high


def spanned(x1: float, y1: float, x2: float, y2: float) -> Rect:
    """The rectangle between two corners in any order, at least ``MIN_SIZE`` wide and high."""
    left, top = min(x1, x2), min(y1, y2)
    return left, top, max(x1, x2, left + MIN_SIZE), max(y1, y2, top + MIN_SIZE)


def furthest_edge(rect: Rect, target: Rect) -> Edges:
    """The edge of ``rect`` that is furthest from the same edge of ``target``."""
    edges = (Edges.LEFT, Edges.TOP, Edges.RIGHT, Edges.BOTTOM)
    gaps = [abs(a - b) for a, b in zip(rect, target, strict=True)]
    return edges[gaps.index(max(gaps))]


def nearest_edge(rect: Rect, x: float, y: float, among: Edges = Edges.ALL) -> Edges:
    """The edge nearest to the point (x, y), pixels, out of ``among``."""
    x1, y1, x2, y2 = rect
    gaps = {Edges.LEFT: abs(x - x1), Edges.TOP: abs(y - y1), Edges.RIGHT: abs(x - x2), Edges.BOTTOM: abs(y - y2)}
    return min((edge for edge in gaps if edge & among), key=gaps.__getitem__)
