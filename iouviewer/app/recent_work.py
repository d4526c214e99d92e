"""How far the work on recent files has come, kept in the settings for the first-run page."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import astuple, dataclass

from iouviewer.app.settings import Settings

_KEY = "recentWork"
"""Key of the setting: JSON, the four numbers of a ``WorkDone`` by path."""


@dataclass(frozen=True, slots=True)
class WorkDone:
    """The state of one file when it was last closed.

    Attributes:
        verified: number of verified frames, of ``frames``.
        decided: number of decided problems, of ``problems``; 0 of 0 where they were not searched.
    """

    verified: int
    frames: int
    decided: int = 0
    problems: int = 0


def remember_work(settings: Settings, path: str, work: WorkDone) -> None:
    """Keep the state of a file; those of files that are no longer recent are dropped."""
    known = _stored(settings, settings.recent)
    known[path] = list(astuple(work))
    settings.extra[_KEY] = json.dumps({one: numbers for one, numbers in known.items() if one in settings.recent})


def work_done(settings: Settings, path: str) -> WorkDone | None:
    """The state of a file, None where it is not known."""
    numbers = _stored(settings, (path,)).get(path)
    return None if numbers is None else WorkDone(*numbers)


def _stored(settings: Settings, paths: Collection[str]) -> dict[str, list[int]]:
    """Stored numbers of these files; a damaged setting counts as empty."""
    with suppress(ValueError, AttributeError):
        stored = json.loads(settings.extra.get(_KEY, "{}"))
        return {path: numbers for path, numbers in stored.items() if path in paths and _are_counts(numbers)}
    return {}


def _are_counts(numbers: object) -> bool:
    return isinstance(numbers, list) and len(numbers) == 4 and all(type(n) is int and n >= 0 for n in numbers)
