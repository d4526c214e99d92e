"""Which variants a copy of a project has and the project lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iouviewer.document.predictions import PredictionSet
from iouviewer.document.variants import Variant


@dataclass(frozen=True, slots=True)
class VariantDifference:
    """A variant that only the copy has, or that has other predictions there.

    Attributes:
        is_changed: the project has the variant too, with other predictions; both are kept if it is taken.
    """

    variant: Variant
    is_changed: bool


def find_variant_differences(
    base: Iterable[Variant], copy: Iterable[Variant], project: Iterable[Variant]
) -> tuple[VariantDifference, ...]:
    """The variants of a copy with predictions that neither ``base``, its project as it was copied, nor the project has.

    Names and colours are left as the project has them.
    """
    before = {variant.key: variant.predictions for variant in base}
    present = {variant.key: variant.predictions for variant in project}
    found = []
    for variant in copy:
        known = [before[variant.key]] if variant.key in before else []
        if any(_has_same_boxes(variant.predictions, one) for one in (*known, *present.values())):
            continue  # also where both imported the same file
        found.append(VariantDifference(variant, variant.key in present))
    return tuple(found)


def _has_same_boxes(one: PredictionSet, other: PredictionSet) -> bool:
    """Whether two sets have the same boxes, in the classes of their files, for the same frames."""
    if one is other:
        return True
    if one.has_scores != other.has_scores or one.frame_count != other.frame_count:
        return False
    first, second = one.stored_table, other.stored_table
    pairs = [
        (one.covered, other.covered),
        (first.offsets, second.offsets),
        (first.boxes, second.boxes),
        (first.class_ids, second.class_ids),
        (first.scores, second.scores),
    ]
    return all(np.array_equal(a, b) for a, b in pairs)
