"""Markup and style sheet of the HTML report, without user-visible text, so the text checks skip this module."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; }
.plot { background: #fff; } .plot svg { width: 100%; height: auto; }
.curves { max-width: 45rem; }
.note { opacity: .75; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .8rem; } figure { margin: 0; max-width: 100%; }
.pictures img { max-width: 100%; height: auto; display: block; } figcaption { font-size: .85rem; opacity: .75; }
.wrap { white-space: normal; overflow-wrap: anywhere; }
"""


def page(title: str, body: str) -> str:
    """A whole document; both arguments are HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def svg_block(svg: str, *, is_narrow: bool = False) -> str:
    """An SVG file inside the document, without its XML declaration."""
    classes = "plot curves" if is_narrow else "plot"
    return f'<div class="{classes}">{svg[svg.index("<svg") :]}</div>\n'


def table_cell(tag: str, text: str, *, is_text: bool, wraps: bool = False) -> str:
    """A cell of a table; ``text`` is HTML. ``wraps``: a long one has several lines."""
    style = ' class="text wrap"' if wraps else " class=text" if is_text else ""
    return f"<{tag}{style}>{text}</{tag}>"


def pictures_block(heading: str, figures: Sequence[tuple[str, str]]) -> str:
    """Pictures below a heading: caption and JPEG as base64 of each; heading and captions are HTML."""
    parts = [
        f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>\n"
        for caption, data in figures
    ]
    return f'<h3>{heading}</h3>\n<div class="pictures">\n{"".join(parts)}</div>\n'


def forest_text(name: str, points: str, low: str, high: str) -> str:
    """One line of a forest plot in words."""
    return f"{name}: {points} ({low} … {high})"


ForestLine = tuple[str, float, float | None, float | None, str]
"""Name, difference, ends of its interval (None without one), and outcome."""
_COLOURS = {"PASS": "#00724f", "FAIL": "#b3093c", "UNDECIDED": "#7a5200"}


def forest_svg(lines: Sequence[ForestLine], margin: float, label: str, *, is_pooled: bool = True) -> str:
    """A forest plot in points: a row for each line.

    Args:
        is_pooled: the last line is all together, drawn as a diamond below a rule.
        margin: allowed drop in points; the side beyond it is shaded.
        label: the plot in words, HTML.
    """
    values = [value for line in lines for value in line[1:4] if value is not None]
    low, high = min([*values, -1.5 * margin, -0.5]), max([*values, 0.5])
    width, left, row = 860, 260, 26
    height = row * len(lines) + 34
    span = (high - low) * 1.1
    start = low - span * 0.045

    def x(points: float) -> float:
        return left + (points - start) / span * (width - left - 20)

    bottom = row * len(lines) + 4
    parts = [
        f'<rect x="{left}" y="0" width="{x(-margin) - left:.1f}" height="{bottom}" fill="#b3093c" opacity=".08"/>',
        f'<line x1="{x(-margin):.1f}" x2="{x(-margin):.1f}" y1="0" y2="{bottom}" stroke="#b3093c" '
        'stroke-dasharray="4 3"/>',
        f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{bottom}" stroke="#777"/>',
        f'<text x="{x(-margin):.1f}" y="{bottom + 18}" text-anchor="middle">{-margin:+.1f}</text>',
        f'<text x="{x(0):.1f}" y="{bottom + 18}" text-anchor="middle">0</text>',
    ]
    for number, (name, points, below, above, outcome) in enumerate(lines):
        y, colour = row * number + row / 2, _COLOURS.get(outcome, "#555")
        is_last = is_pooled and number == len(lines) - 1
        weight = ' font-weight="bold"' if is_last else ""
        parts.append(f'<text x="4" y="{y + 4:.1f}"{weight}>{escape(name)}</text>')
        if is_last:
            parts.append(f'<line x1="0" x2="{width}" y1="{row * number}" y2="{row * number}" stroke="#999"/>')
        if below is not None and above is not None:
            parts.append(
                f'<line x1="{x(below):.1f}" x2="{x(above):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>'
            )
        at = x(points)
        if is_last:
            shape = f"{at - 7:.1f},{y} {at:.1f},{y - 7} {at + 7:.1f},{y} {at:.1f},{y + 7}"
            parts.append(f'<polygon points="{shape}" fill="{colour}"/>')
        else:
            parts.append(f'<circle cx="{at:.1f}" cy="{y}" r="4.5" fill="{colour}"/>')
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}" xmlns="http://www.w3.org/2000/svg" '
        f'font-size="13" font-family="system-ui, sans-serif" fill="#111">{"".join(parts)}</svg>'
    )
