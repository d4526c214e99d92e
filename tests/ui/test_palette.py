"""Colours: legible on both schemes and on the picture, and ordered for every eye."""

from __future__ import annotations

import math

import pytest

from iouviewer.document.variants import look_for
from iouviewer.ui import theme
from iouviewer.ui.palette import DARK, LIGHT, PLATE, Band, band_colour, band_of, contrast, luminance, on_picture

SCHEMES = [(DARK, theme.DARK), (LIGHT, theme.LIGHT)]


def test_contrast_of_black_and_white_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("colours", "greys"), SCHEMES)
def test_bands_and_lines_are_legible_on_tables_and_panels(colours, greys):
    for ground in (greys.base, greys.window):
        assert all(contrast(band, ground) >= 4.5 for band in colours.bands)
        assert all(contrast(line, ground) >= 3 for line in (colours.ground_truth, colours.baseline, colours.curve))


@pytest.mark.parametrize(("colours", "_greys"), SCHEMES)
def test_bands_grow_lighter_with_the_iou(colours, _greys):
    light = [luminance(band) for band in colours.bands]
    assert light == sorted(light) and len(set(light)) == 4


@pytest.mark.parametrize("position", range(8))
def test_every_variant_stands_out_on_the_picture(position):
    assert contrast(on_picture(look_for(position)[0]), PLATE) >= 6


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
def test_bands_begin_at_their_floor(iou, band):
    assert band_of(iou) is band


def test_an_undefined_iou_is_of_no_band(qapp):
    assert band_of(math.nan) is None
    assert band_colour(math.nan) in (theme.DARK.muted, theme.LIGHT.muted)
