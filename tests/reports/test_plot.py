"""The plot of IoU by frame."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.reports.plot import MAX_POINTS, downsample, iou_figure, plot_bytes
from iouviewer.reports.plot_description import BANDS, MEAN_BLUE, ORANGE
from tests.reports.builders import series

ARTICLE = [0.752642, 0.871935, 0.752642, 0.871935]


def drawn(figure: Any) -> tuple[Any, dict[str, Any]]:
    axes = figure.axes[0]
    return axes, {line.get_label(): line for line in axes.get_lines()}


def test_one_variant_is_an_orange_line_with_dots_and_a_dashed_blue_mean() -> None:
    axes, lines = drawn(iou_figure(np.arange(4), [series("pred", ARTICLE)], title="clip"))
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("Frame ID", "IoU Score", "clip")
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["Target = 0.75", "IoU", "Average IoU = 0.81"]
    iou, mean = lines["IoU"], lines["Average IoU = 0.81"]
    assert (iou.get_color(), iou.get_marker(), iou.get_ydata().tolist()) == (ORANGE, "o", ARTICLE)
    assert (mean.get_color(), mean.get_linestyle()) == (MEAN_BLUE, "--")
    assert mean.get_ydata()[0] == pytest.approx(np.mean(ARTICLE))
    assert any(line.get_visible() for line in axes.get_xgridlines())


def test_several_variants_differ_in_colour_and_dash_and_name_their_averages() -> None:
    _, lines = drawn(iou_figure(np.arange(2), [series("a", [0.5, 0.7]), series("b", [0.2, np.nan])], title=""))
    a, b = lines["a: Average IoU = 0.60"], lines["b: Average IoU = 0.20"]
    assert a.get_color() != b.get_color()
    assert a.get_linestyle() != b.get_linestyle()
    assert "Average IoU = 0.60 (a)" in lines


def test_without_any_defined_value_there_is_no_mean_line() -> None:
    _, lines = drawn(iou_figure(np.arange(2), [series("a", [np.nan, np.nan])], title=""))
    assert not any("Average" in label for label in lines)
    assert plot_bytes("x.png", np.zeros(0, np.int64), [series("a", [])], title="").startswith(b"\x89PNG")


def test_bands_cover_all_ious_without_a_gap() -> None:
    assert [band.low for band in BANDS] == [*(band.high for band in BANDS[1:]), 0.0]
    assert BANDS[0].high == 1.0


def test_png_contains_the_orange_line() -> None:
    data = plot_bytes("p.PNG", np.arange(4), [series("pred", ARTICLE)], title="clip")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    orange = np.abs(picture.astype(int) - [0x2B, 0x8E, 0xF2]).max(axis=2) < 8
    assert picture.shape == (600, 1200, 3)
    assert orange.sum() > 500


@pytest.mark.parametrize("name", ["p.png", "p.svg"])
def test_the_same_numbers_give_the_same_bytes(name: str) -> None:
    first, second = (plot_bytes(name, np.arange(4), [series("p", ARTICLE)], title="clip") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["p.pdf", "p", "p.jpg"])
def test_another_extension_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"\.png or \.svg"):
        plot_bytes(name, np.arange(4), [series("p", ARTICLE)], title="")


def test_a_long_video_keeps_its_lowest_and_highest_values_and_its_gaps() -> None:
    values = np.full(100_000, 0.8)
    values[54_321], values[70_000] = 0.01, 0.99
    values[20_000:20_400] = np.nan
    frames, kept = downsample(np.arange(100_000), values)
    assert len(kept) <= MAX_POINTS == 6000
    assert {54_321, 70_000} <= set(frames.tolist())
    assert np.isnan(kept).any()
    assert np.all(np.diff(frames) > 0)


def test_drawing_needs_neither_a_display_nor_pyplot() -> None:
    code = (
        "import sys, numpy as np\n"
        "from iouviewer.reports.plot import plot_bytes\n"
        "from iouviewer.reports.series import FrameSeries\n"
        "z = np.zeros(2, np.int64)\n"
        "plot_bytes('p.png', np.arange(2), [FrameSeries('a', np.ones(2), z == 0, z, z, z, z)], title='')\n"
        "print(sorted(name for name in sys.modules if name.startswith(('matplotlib.pyplot', 'PySide6'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
