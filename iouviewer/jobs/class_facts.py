"""What a variant's classes have to do with those of the ground truth: what it knows, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from iouviewer.document.classes import OTHER_CLASSES
from iouviewer.document.predictions import PredictionSet
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Int

T = TypeVar("T")
_MAX_NAMED = 5
"""Names listed in a sentence; the rest is counted."""


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """Classes of one variant on one video.

    Attributes:
        left_out: class name -> number of predictions left out because the ground truth has no such class.
        own: ground-truth class ids in the variant's own class table, those without a prediction included.
        proposals: class that was left out -> class of the ground truth that it may mean.
    """

    left_out: Mapping[str, int] = field(default_factory=dict)
    own: frozenset[int] = frozenset()
    proposals: Mapping[str, str] = field(default_factory=dict)


def facts_of(predictions: PredictionSet, left_out: Mapping[str, int], own: frozenset[int] = frozenset()) -> ClassFacts:
    """Facts of a prediction set; every class that it predicts is its own."""
    class_ids = predictions.table.class_ids
    counts = np.bincount(class_ids[(class_ids > UNSPECIFIED_CLASS) & (class_ids < OTHER_CLASSES)])
    known = set(np.flatnonzero(counts).tolist())
    return ClassFacts(dict(left_out), own | known, predictions.class_proposals)


def all_left_out(predictions: PredictionSet, facts: ClassFacts) -> bool:
    """Whether there were predictions, and the ground truth has the class of none of them."""
    return 0 < sum(facts.left_out.values()) == len(predictions.stored_table)


def unmeant_classes(facts: Sequence[ClassFacts], unknown: Sequence[T], *, any_classless: bool) -> list[T]:
    """Classes of the ground truth that the variant cannot have meant to find, so that nothing follows from them.

    That is so where predictions of unknown classes were left out, and the variant's own class tables lack the class: it
    may have it under another name. A class in its table that it never predicts is missed.

    Args:
        facts: of the variant, by video.
        unknown: classes of the ground truth that counts which no class table of the variant has.
        any_classless: it has a box without a class; those match every class.
    """
    return list(unknown) if any(one.left_out for one in facts) and not any_classless else []


def missing_classes(facts: ClassFacts, table: BoxTable, truth_classes: Int) -> list[int]:
    """``unmeant_classes`` of one source.

    Args:
        table: the variant's predictions.
        truth_classes: (M,) int64, classes of the ground-truth boxes that count.
    """
    wanted = np.unique(truth_classes[truth_classes != UNSPECIFIED_CLASS]).tolist()
    any_classless = bool((table.class_ids == UNSPECIFIED_CLASS).any())
    return unmeant_classes([facts], [one for one in wanted if one not in facts.own], any_classless=any_classless)


def list_names(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _MAX_NAMED
    listed = ", ".join(names[:_MAX_NAMED])
    if more <= 0:
        return listed
    return tr_n("{names} and {count} more", "{names} and {count:,} more", more, names=listed)


def left_out_text(variant: str, facts: Sequence[ClassFacts], wanted: Sequence[str]) -> str:
    """That all predictions of a variant were left out, and which classes there are on both sides."""
    return tr(
        "all {count:,} predictions of {variant} were left out: they are of class {unknown}, the ground truth has "
        "{classes}",
        count=sum(sum(one.left_out.values()) for one in facts),
        variant=variant,
        unknown=left_out_names(facts),
        classes=list_names(wanted) or tr("none"),
    )


def left_out_names(facts: Sequence[ClassFacts]) -> str:
    """The classes of predictions that were left out."""
    return list_names(list(dict.fromkeys(name or tr("unknown") for one in facts for name in one.left_out)))


def class_remedy(facts: Sequence[ClassFacts], wanted: Sequence[str]) -> str:
    """How to count classes that were left out as those of the ground truth.

    Args:
        facts: of the variant, by video.
        wanted: class names of the ground truth that nothing was found of.
    """
    counts: dict[str, int] = {}
    proposals: dict[str, str] = {}
    for one in facts:
        proposals |= one.proposals
        for name, count in one.left_out.items():
            counts[name] = counts.get(name, 0) + count
    left_out = sorted(filter(None, counts), key=lambda name: (name not in proposals, -counts[name], name))
    if not left_out or not wanted:
        return tr("If it uses other class names, give --class-map A=B; --class-agnostic ignores classes")
    first = left_out[0]
    return tr(
        "If it uses other class names, give --class-map {a}={b}; --class-agnostic ignores classes",
        a=_quoted(first),
        b=_quoted(proposals.get(first, wanted[0])),
    )


def _quoted(name: str) -> str:
    """A class name as a word of a command line."""
    return name if name.replace("-", "").replace("_", "").isalnum() else f'"{name}"'
