"""Decisions about problems: what a person said, who and when, and which boxes it was said about.

A decision is stored as text under the key of its problem. It holds until one of its boxes changes; then the problem is
open again, and when the box returns to what it was, so does the decision.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from iouviewer.document.boxes import NO_TRACK, Box, Rect
from iouviewer.document.problems import FIXED, RIGHT, UNCLEAR, Problem
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS


class Verdict(StrEnum):
    """What was decided; the values are stored."""

    RIGHT = RIGHT
    UNCLEAR = UNCLEAR
    FIXED = FIXED
    CORRECTED = "corrected"
    """The problem was gone after its box had been corrected by hand."""


VERDICT_NAMES = {
    Verdict.RIGHT: tr("kept"),
    Verdict.UNCLEAR: tr("unclear"),
    Verdict.FIXED: tr("fix applied"),
    Verdict.CORRECTED: tr("corrected by hand"),
}
ERRORS = frozenset({Verdict.FIXED, Verdict.CORRECTED})
"""Verdicts that say that the ground truth was wrong."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Attributes:
        author: empty if unknown. at: seconds since the epoch, 0 if unknown.
        boxes: (box id, ``box_state``) of the boxes that it is about, as they were right after it.
        topic: name of the problem's topic, empty if unknown.
        rect: of the problem, None if unknown.
        class_id, track: of the problem.
    """

    verdict: Verdict
    author: str = ""
    at: float = 0.0
    boxes: tuple[tuple[int, str], ...] = ()
    topic: str = ""
    rect: Rect | None = None
    class_id: int = UNSPECIFIED_CLASS
    track: int = NO_TRACK

    @property
    def is_error(self) -> bool:
        """Whether it says that the ground truth was wrong."""
        return self.verdict in ERRORS

    def encode(self) -> str:
        """The decision as stored text; floats keep their bits."""
        values: dict[str, object] = {"v": self.verdict.value, "by": self.author, "at": self.at}
        values |= {"boxes": [list(pair) for pair in self.boxes], "topic": self.topic}
        values |= {"rect": self.rect, "class": self.class_id, "track": self.track}
        return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def decode_decision(text: str) -> Decision | None:
    """The decision in a stored text; a bare verdict, as earlier versions wrote it, has no author. None: unknown."""
    with suppress(ValueError):
        return Decision(Verdict(text))
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        values = json.loads(text)
        rect = values.get("rect")
        x1, y1, x2, y2 = (float(value) for value in rect) if rect else (0.0, 0.0, 0.0, 0.0)
        return Decision(
            Verdict(values["v"]),
            str(values.get("by", "")),
            float(values.get("at", 0.0)),
            tuple((int(box_id), str(state)) for box_id, state in values.get("boxes", ())),
            str(values.get("topic", "")),
            (x1, y1, x2, y2) if rect else None,
            int(values.get("class", UNSPECIFIED_CLASS)),
            int(values.get("track", NO_TRACK)),
        )
    return None


def box_state(box: Box | None) -> str:
    """What a decision remembers of a box: rectangle, class and track; empty where there is no box."""
    if box is None:
        return ""
    values = (*(float(value).hex() for value in box.rect), box.class_id, box.track)
    return blake2b(repr(values).encode(), digest_size=6).hexdigest()


def make_decision(
    problem: Problem,
    verdict: Verdict,
    find_box: Callable[[int], Box | None],
    *,
    author: str = "",
    at: float = 0.0,
    boxes: Sequence[int] = (),
) -> Decision:
    """A decision about a problem and the boxes as they are now.

    Args:
        boxes: ids of further boxes that it is about, for example the one that a fix added.
    """
    ids = dict.fromkeys((*(() if problem.box_id is None else (problem.box_id,)), *boxes))
    states = tuple((box_id, box_state(find_box(box_id))) for box_id in ids)
    return Decision(verdict, author, at, states, problem.topic.name, problem.rect, problem.class_id, problem.track)


class HeldDecisions:
    """The decisions of a source that hold: none of their boxes has changed since. Keeps what it has decoded."""

    def __init__(self, find_box: Callable[[int], Box | None]) -> None:
        self._find_box = find_box
        self._texts: dict[str, str] = {}
        self._decisions: dict[str, Decision] = {}
        self._keys_of_box: dict[int, set[str]] = {}
        self._outdated: set[str] = set()

    def update(self, texts: Mapping[str, str], changed_boxes: Iterable[int] | None = None) -> dict[str, Decision]:
        """The decisions that hold, by key.

        Args:
            texts: all stored decisions.
            changed_boxes: ids of boxes that may have changed since the last call; None: any.
        """
        for key in [key for key, text in self._texts.items() if texts.get(key) != text]:
            self._forget(key)
        new = [key for key, text in texts.items() if text and key not in self._texts]
        for key in new:
            self._take(key, texts[key])
        checked = set(self._decisions) if changed_boxes is None else self._keys_of(changed_boxes) | set(new)
        for key in checked & self._decisions.keys():
            self._check(key)
        return {key: one for key, one in self._decisions.items() if key not in self._outdated}

    def _keys_of(self, box_ids: Iterable[int]) -> set[str]:
        return {key for box_id in box_ids for key in self._keys_of_box.get(box_id, ())}

    def _forget(self, key: str) -> None:
        self._texts.pop(key, None)
        self._outdated.discard(key)
        decision = self._decisions.pop(key, None)
        for box_id, _ in () if decision is None else decision.boxes:
            self._keys_of_box.get(box_id, set()).discard(key)

    def _take(self, key: str, text: str) -> None:
        self._texts[key] = text
        decision = decode_decision(text)
        if decision is None:
            return
        self._decisions[key] = decision
        for box_id, _ in decision.boxes:
            self._keys_of_box.setdefault(box_id, set()).add(key)

    def _check(self, key: str) -> None:
        boxes = self._decisions[key].boxes
        if all(box_state(self._find_box(box_id)) == state for box_id, state in boxes):
            self._outdated.discard(key)
        else:
            self._outdated.add(key)
