"""The pages of the documentation inside the program: which there are, what is written where, and full-text search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from iouviewer.i18n import tr
from iouviewer.resource_files import docs_folder

PAGES: dict[str, str] = {
    "guide/annotator.md": tr("Annotators"),
    "guide/engineer.md": tr("Model engineers"),
    "several-people.md": tr("Several annotators"),
    "batch.md": tr("Many videos and models"),
    "device.md": tr("A model on its device"),
    "review.md": tr("Finding wrong ground truth"),
    "metrics.md": tr("Definitions"),
    "statistics.md": tr("Verdicts and intervals"),
    "formats.md": tr("Formats"),
    "recipes.md": tr("Recipes"),
    "api.md": tr("Python"),
    "glossary.md": tr("Glossary"),
}
"""File below ``docs/`` -> its name in the list, in the order of the site."""


class Place(NamedTuple):
    """A heading on a page, by its anchor on the site; an empty anchor is the top of the page."""

    page: str
    anchor: str = ""


START = Place("guide/annotator.md")

PLACE_OF_WIDGET: dict[str, Place] = {
    "canvas": Place("guide/annotator.md", "correct-a-box"),
    "otherCanvas": Place("guide/engineer.md", "see-why"),
    "boxesTable": Place("metrics.md", "association"),
    "tracksTable": Place("guide/annotator.md", "tracks"),
    "timeline": Place("metrics.md", "iou-and-its-family"),
    "variantsTable": Place("metrics.md", "coco-evaluation"),
    "verdicts": Place("statistics.md"),
    "problemsList": Place("review.md"),
    "confidenceSlider": Place("metrics.md", "association"),
    "iouThresholdSpinBox": Place("metrics.md", "association"),
    "conventionComboBox": Place("metrics.md", "boxes-pixels-frames"),
    "compareTabs": Place("guide/engineer.md", "see-why"),
    "firstRun": Place("guide/annotator.md", "open"),
}
"""Where a widget is explained, by its object name."""

_ASSOCIATION, _FRAMES = Place("metrics.md", "association"), Place("metrics.md", "which-frames-count")
_COCO, _VERDICTS = Place("metrics.md", "coco-evaluation"), Place("metrics.md", "variants-and-verdicts")
PLACE_OF_TERM: dict[str, Place] = {
    **dict.fromkeys(("frameIou", "avg_iou", "pq", "precision", "recall", "f1", "matched", "missed"), _ASSOCIATION),
    **dict.fromkeys(("extra", "confidence", "ignored", "tp", "fp", "fn"), _ASSOCIATION),
    **dict.fromkeys(("ap", "ap50", "ap75", "ar100", "floor"), _COCO),
    **dict.fromkeys(("point", "margin", "delta", "delta_pq", "delta_avg_iou"), _VERDICTS),
    "verdict": Place("statistics.md"),
    **dict.fromkeys(("frames", "verified"), _FRAMES),
    "edges": Place("metrics.md", "boxes-pixels-frames"),
    **dict.fromkeys(("fps", "size_mb"), Place("statistics.md", "speed")),
}
"""Where a number is defined, by the key of its term or column."""


@dataclass(frozen=True, slots=True)
class Section:
    """The text below one heading.

    Attributes:
        heading: as it is read; the page's name above its first heading.
        text: as it is read, on one line.
    """

    place: Place
    heading: str
    text: str


@cache
def page_text(page: str) -> str:
    """The Markdown of a page as the program shows it."""
    text = (docs_folder() / page).read_text(encoding="utf-8")
    # The site has a picture for each scheme; the program shows the one for light paper.
    return re.sub(r"^!\[.*#only-dark\)\n", "", text, flags=re.MULTILINE).replace("#only-light)", ")")


@cache
def sections() -> tuple[Section, ...]:
    """All sections of all pages that are installed, in order."""
    return tuple(section for page in PAGES if (docs_folder() / page).is_file() for section in _sections_of(page))


def _sections_of(page: str) -> Iterator[Section]:
    heading, lines, is_code = "", list[str](), False
    for line in page_text(page).splitlines():
        is_code ^= line.startswith("```")
        found = None if is_code else re.match(r"#{1,6} (.+)", line)
        if found is None:
            lines.append(line)
            continue
        if lines or heading:
            yield _section(page, heading, lines)
        heading, lines = as_heading(found[1]), []
    yield _section(page, heading, lines)


def _section(page: str, heading: str, lines: Sequence[str]) -> Section:
    return Section(Place(page, anchor_of(heading)), heading or PAGES[page], _as_read(lines))


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as the site makes them."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def as_heading(text: str) -> str:
    """A heading as it is shown, without marks."""
    return re.sub(r"[`*]", "", text).strip()


def _as_read(lines: Sequence[str]) -> str:
    text = " ".join(line for line in lines if not re.match(r"^(\||\s)*(-+[\s|:]*)+$|^```", line))
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"[`*|]", " ", text).split())


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that has all searched words.

    Attributes:
        excerpt: the text around the first word.
    """

    place: Place
    heading: str
    excerpt: str


def search(words: str, limit: int = 40) -> list[Hit]:
    """Sections that contain all words, those with the words in their heading first.

    Args:
        words: parts of words, separated by spaces; upper and lower case are the same.
        limit: most hits that are returned.
    """
    wanted = words.casefold().split()
    ranked: list[tuple[int, int, Hit]] = []
    for number, section in enumerate(sections() if wanted else ()):
        heading, text = section.heading.casefold(), section.text.casefold()
        if not all(word in heading or word in text for word in wanted):
            continue
        missed = sum(word not in heading for word in wanted)
        ranked.append((missed, number, Hit(section.place, section.heading, _excerpt(section.text, wanted))))
    return [hit for _, _, hit in sorted(ranked, key=lambda one: one[:2])[:limit]]


def _excerpt(text: str, wanted: Sequence[str], width: int = 90) -> str:
    found = [at for word in wanted if (at := text.casefold().find(word)) >= 0]
    start = max(0, min(found, default=0) - 8)
    start = text.rfind(" ", 0, start) + 1 if start else 0
    part = text[start : start + width]
    return ("… " if start else "") + part + (" …" if start + width < len(text) else "")
