"""Chooses, of rows that were found in a damaged file, those that add up to the sums that were stored."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from iouviewer.project import checked
from iouviewer.project.checked import Row
from iouviewer.project.damaged_file import FoundRows, sum_of

_MAX_TRIES = 5000
"""Number of sets of rows to try for a frame until their checksums add up."""


def complete_rows(table: str, found: FoundRows) -> list[Row] | None:
    """All rows of a table, if those on its pages add up to them."""
    if found.sum is None:
        return None
    missing = found.sum[0] - len(found.rows)
    spare = list(found.more)
    if missing <= 0 or len(spare) < missing:
        return None
    for tried, chosen in enumerate(itertools.combinations(spare, missing)):
        rows_found = [*found.rows.values(), *chosen]
        if sum_of(table, rows_found) == found.sum:
            return rows_found
        if tried > _MAX_TRIES:
            break
    return None


def by_frame(boxes: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for box in boxes:
        found[box[2]].append(box)
    return found


def count_and_total(boxes: Sequence[Row]) -> tuple[int, int]:
    crcs = checked.row_crcs("boxes", boxes)
    return len(crcs), sum(crcs)


def sums_by_frame(boxes: Sequence[Row]) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for box, crc in zip(boxes, checked.row_crcs("boxes", boxes), strict=True):
        count, total = found.get(box[2], (0, 0))
        found[box[2]] = count + 1, total + crc
    return found


def is_sum(facts: Any, count: int, total: int) -> bool:
    return int(facts["count"]) == count and int(facts["total"]) == total


def find_set(found: Sequence[Row], spare: Sequence[Row], facts: Any) -> list[Row] | None:
    """The boxes of a frame, of those that were found and those on the pages, that add up to what it should hold."""
    pool = list(dict.fromkeys((*found, *spare)))
    crcs = dict(zip(pool, checked.row_crcs("boxes", pool), strict=True))
    count, total = int(facts["count"]), int(facts["total"])
    if len(pool) < count:
        return None
    for tried, chosen in enumerate(itertools.combinations(pool, count)):
        if sum(crcs[box] for box in chosen) == total:
            return list(chosen)
        if tried > _MAX_TRIES:
            break
    return None
