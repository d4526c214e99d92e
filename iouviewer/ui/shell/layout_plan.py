"""Which parts of the window give way at which size; a pure function, so that the rules stand in one table."""

from __future__ import annotations

from dataclasses import dataclass

from iouviewer.ui.tokens import SIZE

NARROW, VERY_NARROW, WIDE = 1200, 1000, 1400
"""Widths of the window in logical pixels at which parts give way or grow."""
LOW, TALL = 680, 900
"""The same for heights."""


@dataclass(frozen=True, slots=True)
class LayoutPlan:
    """Sizes and forms of the parts; splitters that the user moved keep the user's sizes.

    Attributes:
        side: width of the side panel.
        timeline: height of the timeline without the transport row.
        inspector: height of the inspector.
        has_chip_counts: layer chips show the number of boxes on the frame.
        are_thresholds_folded: confidence and IoU stand in a popup behind one button.
        has_rail_words: tools show their words.
        has_find_field: the find field is a field, not an icon.
    """

    side: int
    timeline: int
    inspector: int
    has_chip_counts: bool
    are_thresholds_folded: bool
    has_rail_words: bool
    has_find_field: bool


def plan_layout(width: int, height: int) -> LayoutPlan:
    """The plan for a window of this size in logical pixels."""
    is_large = width >= WIDE and height >= TALL
    side = SIZE["side_panel_large"] if is_large else SIZE["side_panel"]
    timeline = SIZE["timeline_large"] if is_large else SIZE["timeline"]
    return LayoutPlan(
        side=SIZE["side_panel_min"] if width < NARROW else side,
        # The rows of problems, verified frames and tracks give way; the ruler and the IoU row stay.
        timeline=SIZE["timeline_folded"] if height < LOW else timeline,
        inspector=SIZE["inspector_folded"] if height < LOW else SIZE["inspector"],
        has_chip_counts=width >= NARROW,
        are_thresholds_folded=width < NARROW,
        has_rail_words=width >= VERY_NARROW,
        has_find_field=width >= VERY_NARROW,
    )
