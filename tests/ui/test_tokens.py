"""The colours of the tokens: contrast by WCAG 2.2, and distances for colour-blind eyes by Machado et al. (2009).

The formulas stand here a second time on purpose: the test does not trust the program's own.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtGui import QFontInfo, QFontMetricsF

from iouviewer.ui.fonts import font
from iouviewer.ui.theme import DARK, LIGHT, palette_of, style_sheet, theme_of
from iouviewer.ui.tokens import CANVAS, SIZE, TYPE, VARIANT_SLOTS, Colours, colours, dash

SCHEMES = {"dark": colours(True), "light": colours(False)}

# Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency (2009), severity
# 1.0; applied to linear RGB.
MACHADO = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour: str) -> np.ndarray:
    """(3,) linear RGB, 0..1, of ``#rrggbb``."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    low, high = sorted(float(linear(c) @ (0.2126, 0.7152, 0.0722)) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def over(colour: str, alpha_colour: str) -> str:
    """``#rrggbbaa`` drawn over ``#rrggbb``."""
    alpha = int(alpha_colour[7:9], 16) / 255
    mixed = [
        round(alpha * int(alpha_colour[i : i + 2], 16) + (1 - alpha) * int(colour[i : i + 2], 16)) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def lab(colour: str, vision: str) -> np.ndarray:
    """(3,) CIE Lab, D65, of a colour as this eye sees it."""
    seen = np.clip(MACHADO[vision] @ linear(colour), 0, 1)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = to_xyz @ seen / (0.95047, 1.0, 1.08883)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, vision: str) -> float:
    """Euclidean Lab distance (CIE 1976)."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


PAIRS = (
    *(("text", ground, 7.0) for ground in ("base", "window", "raised", "popup", "selected", "hover")),
    *(("text2", ground, 4.5) for ground in ("base", "window", "raised", "popup", "selected")),
    *(("text3", ground, 4.5) for ground in ("base", "window", "raised", "popup")),
    ("on_accent_fill", "accent_fill", 4.5),
    *(("accent", ground, 4.5) for ground in ("base", "window", "popup")),
    *(("outline", ground, 3.0) for ground in ("base", "window", "popup")),
    *(("focus", ground, 3.0) for ground in ("base", "window", "popup")),
    *((word, ground, 4.5) for word in ("good", "bad", "warn") for ground in ("window", f"{word}_bg")),
)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("name", "ground", "needed"), PAIRS)
def test_words_and_edges_stand_out(scheme: str, name: str, ground: str, needed: float) -> None:
    values = SCHEMES[scheme]
    assert contrast(getattr(values, name), getattr(values, ground)) >= needed


@pytest.mark.parametrize(
    ("scheme", "name", "ground", "ratio"),
    [
        ("dark", "text", "base", 15.17),
        ("dark", "text3", "raised", 4.85),
        ("dark", "outline", "popup", 3.28),
        ("light", "text2", "selected", 7.43),
        ("light", "bad", "bad_bg", 5.93),
    ],
)
def test_the_ratios_are_those_of_the_design(scheme: str, name: str, ground: str, ratio: float) -> None:
    values = SCHEMES[scheme]
    assert contrast(getattr(values, name), getattr(values, ground)) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("values", SCHEMES.values(), ids=SCHEMES)
def test_curves_stand_out_on_plots(values: Colours) -> None:
    assert all(contrast(colour, values.base) >= 4.5 for colour in (values.series_gt, *values.series))


@pytest.mark.parametrize("name", ["gt", "selected", "ignored", "fix", *VARIANT_SLOTS])
def test_lines_on_the_image_stand_out_on_their_halo(name: str) -> None:
    colour = CANVAS.v[int(name[1:]) - 1] if name in VARIANT_SLOTS else getattr(CANVAS, name)
    assert contrast(colour, over("#000000", CANVAS.halo)) >= 7.3


CLOSEST = {
    "normal": {("v2", "v5"): 35.1, ("v2", "v4"): 36.0, ("gt", "v6"): 46.0},
    "protan": {("v2", "v5"): 15.0, ("gt", "v3"): 19.1, ("v3", "v6"): 23.9},
    "deutan": {("v3", "v6"): 10.7, ("v2", "v5"): 11.5, ("v1", "v6"): 13.4},
    "tritan": {("v2", "v3"): 13.2, ("gt", "v1"): 14.6, ("v5", "v6"): 22.3},
}


@pytest.mark.parametrize("vision", MACHADO)
def test_the_closest_boxes_are_as_far_apart_as_designed(vision: str) -> None:
    names = {"gt": CANVAS.gt} | {f"v{i}": colour for i, colour in enumerate(CANVAS.v, 1)}
    found = {(a, b): distance(names[a], names[b], vision) for a, b in combinations(names, 2)}
    closest = sorted(found, key=lambda pair: found[pair])[:3]
    assert {pair: round(found[pair], 1) for pair in closest} == pytest.approx(CLOSEST[vision], abs=0.15)


def test_variants_that_look_alike_to_some_eyes_differ_in_their_dash() -> None:
    dashes = [dash(slot) for slot in ("gt", *VARIANT_SLOTS)]
    assert dashes[0] == () and len(set(dashes)) == len(dashes)


def test_the_first_four_variants_are_told_apart_by_every_eye() -> None:
    first = [CANVAS.v[int(slot[1:]) - 1] for slot in VARIANT_SLOTS[:4]]
    for vision in MACHADO:
        assert min(distance(a, b, vision) for a, b in combinations(first, 2)) >= 13


@pytest.mark.parametrize("values", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("vision", MACHADO)
def test_verdicts_differ_for_every_eye(values: Colours, vision: str) -> None:
    words = (values.good, values.bad, values.warn)
    assert min(distance(a, b, vision) for a, b in combinations(words, 2)) >= 15.6


@pytest.mark.parametrize("dark", [True, False])
def test_high_contrast_draws_edges_like_text(dark: bool) -> None:
    theme = theme_of(dark=dark, high_contrast=True)
    assert theme.colours.outline == theme.colours.text == theme.colours.text3
    assert contrast(theme.colours.line, theme.colours.window) >= 7
    assert theme != theme_of(dark=dark)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_style_sheet_uses_known_tokens_only(qapp, theme) -> None:
    sheet = style_sheet(theme)
    assert "$" not in sheet and theme.edge in sheet
    assert palette_of(theme).window().color().name() == theme.colours.window
    assert contrast(theme.edge, theme.colours.window) > 1.5, "popups have a visible edge"


def test_inter_is_bundled_with_tabular_figures(qapp) -> None:
    for role in (*TYPE, "mono"):
        if role == "code":
            continue
        found = font(role)
        assert found.families()[0] == ("JetBrains Mono" if role == "mono" else "Inter Variable")
        assert QFontInfo(found).family() == found.families()[0], role
    metrics = QFontMetricsF(font("body"))
    assert len({round(metrics.horizontalAdvance(digit), 3) for digit in "0123456789"}) == 1
    assert metrics.inFontUcs4(ord("≥")) and metrics.inFontUcs4(ord("я")) and metrics.inFontUcs4(ord("→"))


def test_targets_are_large_enough() -> None:
    assert SIZE["row_dense"] >= 22 and SIZE["control"] >= 22 and SIZE["handle_hit"] >= 15
