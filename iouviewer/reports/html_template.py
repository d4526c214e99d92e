"""Markup and style sheet of the HTML report, without user-visible text, so the text checks skip this module."""

from __future__ import annotations

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
