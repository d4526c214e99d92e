"""Colours are readable in both schemes and on the image, and ordered by lightness."""

from __future__ import annotations

import math

import pytest

from iouviewer.ui import theme
from iouviewer.ui.palette import (
    DARK,
    LIGHT,
    Band,
    band_of,
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


@pytest.mark.parametrize(
    ("iou", "band"),
    [
        (0.0, Band.POOR),
        (0.499, Band.POOR),
        (0.5, Band.ACCEPTABLE),
        (0.7, Band.EXCELLENT),
        (0.9, Band.PRECISE),
        (1.0, Band.PRECISE),
    ],
)
def test_each_band_starts_at_its_lower_limit(iou, band):
    assert band_of(iou) is band


def test_an_undefined_iou_has_no_band():
    assert band_of(math.nan) is None
