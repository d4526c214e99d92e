"""Named lists of frames, which a project stores and scores can stand on.

A list that was chosen by looking at results is *targeted*: its scores describe those frames and not the video. Its
label begins with ``@``, which every report repeats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from iouviewer.document.frame_ranges import frames_to_ranges, ranges_to_frames
from iouviewer.document.renumbering import FrameMapping
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Int

SETTING = "frame_lists"
"""Key among the settings of a project."""
TARGETED = "@"
_RESERVED = frozenset(("verified", "all"))
_FORBIDDEN = frozenset("@:/,\n")


@dataclass(frozen=True, slots=True)
class FrameList:
    """A named list.

    Attributes:
        text: the selection that it was made from, as typed.
        frames: ascending, each once.
        is_targeted: it was chosen by looking at predictions or scores.
        source: id of the source whose frames they are.
    """

    name: str
    text: str
    frames: tuple[int, ...]
    is_targeted: bool = False
    source: int = 0

    @property
    def label(self) -> str:
        """The name as selections and reports state it."""
        return f"{TARGETED}{self.name}" if self.is_targeted else self.name


def check_name(name: str) -> str:
    """The name of a list without blanks around it; UserError for one that could be taken for a selection."""
    name = name.strip()
    if not name or name.casefold() in _RESERVED or _FORBIDDEN.intersection(name):
        raise UserError(
            tr("{name!r} cannot be the name of a list", name=name), remedy=tr("Choose a name without @ : / and commas.")
        )
    return name


class FrameLists:
    """The lists of a document, by source and name; a later one replaces one of the same name."""

    def __init__(self, lists: Iterable[FrameList] = ()) -> None:
        self._lists = {(one.source, one.name): one for one in lists}

    def of(self, source: int) -> tuple[FrameList, ...]:
        """The lists of a source in the order in which they were made."""
        return tuple(one for one in self._lists.values() if one.source == source)

    def by_label(self, source: int) -> dict[str, Int]:
        """The frames of a source's lists, (n,) int64 each, by label; for ``jobs.frame_selection.parse_frames``."""
        return {one.label: np.array(one.frames, np.int64) for one in self.of(source)}

    def put(self, one: FrameList) -> None:
        """Add a list, or replace one."""
        self._lists[one.source, one.name] = one

    def remove(self, source: int, name: str) -> None:
        """Remove a list; KeyError where there is none."""
        del self._lists[source, name]

    def renumber(self, mapping: FrameMapping, source: int) -> None:
        """Follow frames that got other numbers; frames that are gone leave the lists."""
        for key, one in list(self._lists.items()):
            if one.source == source:
                inside = [frame for frame in one.frames if frame < len(mapping.new)]
                new = sorted(int(mapping.new[frame]) for frame in inside if mapping.new[frame] >= 0)
                self._lists[key] = FrameList(one.name, one.text, tuple(new), one.is_targeted, source)

    def to_json(self) -> list[dict[str, Any]]:
        """The lists as a project stores them."""
        return [
            {
                "name": one.name,
                "text": one.text,
                "frames": frames_to_ranges(one.frames),
                "targeted": one.is_targeted,
                "source": one.source,
            }
            for one in self._lists.values()
        ]

    @classmethod
    def from_json(cls, value: object) -> FrameLists:
        """The lists of a project's JSON value; entries that are not lists are left out."""
        found = []
        for entry in value if isinstance(value, list) else ():
            if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
                continue
            try:
                frames = ranges_to_frames(entry.get("frames", ()))
            except ValueError:
                continue
            source = entry.get("source", 0)
            found.append(
                FrameList(
                    entry["name"],
                    str(entry.get("text", "")),
                    tuple(np.unique(frames).tolist()),
                    entry.get("targeted") is True,
                    source if isinstance(source, int) else 0,
                )
            )
        return cls(found)
