"""Colours are readable in both schemes and on the image, and ordered by lightness."""

from __future__ import annotations

import pytest

from iouviewer.ui import theme
from iouviewer.ui.palette import (
    DARK,
    LIGHT,
    contrast,
    luminance,
)

SCHEMES = [(DARK, theme.DARK.colours), (LIGHT, theme.LIGHT.colours)]


def test_contrast_follows_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("colours", "greys"), SCHEMES)
def test_bands_and_lines_are_readable_on_tables_and_panels(colours, greys):
    for background in (greys.base, greys.window):
        assert all(contrast(band, background) >= 4.5 for band in colours.bands)
        assert all(contrast(line, background) >= 3 for line in (colours.ground_truth, colours.baseline, colours.curve))


@pytest.mark.parametrize(("colours", "_greys"), SCHEMES)
def test_bands_are_lighter_for_higher_iou(colours, _greys):
    light = [luminance(band) for band in colours.bands]
    assert light == sorted(light) and len(set(light)) == 4
