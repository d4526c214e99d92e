"""What MOT16, MOT17, MOT20 and VisDrone do with boxes that are not objects of the evaluated classes.

MOT16 to MOT20 evaluate pedestrians. A prediction on a distractor (person on vehicle, static person, distractor,
reflection; in MOT20 also non motorized vehicles) is no false positive, whatever its class; all other classes (cars,
occluders, ...) neither count nor excuse a prediction (Milan 2016, section 4.1; TrackEval, ``mot_challenge_2d_box``).

VisDrone has ignored regions (category 0) and leaves category 11 (others) out; boxes of which at least half lies in an
ignored region do not count (VisDrone2018 toolkits).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.document.class_lists import MOT17_CLASSES, VISDRONE_CLASSES
from iouviewer.metrics.review import shares_of_prediction
from iouviewer.metrics.table import Bool, Convention, Float, Int

BENCHMARKS = ("MOT16", "MOT17", "MOT20")
PEDESTRIAN = 1
DISTRACTORS = frozenset({2, 7, 8, 12})
NON_MOTORIZED = 6
"""A distractor in MOT20 only."""
TELLING = frozenset(range(7, 13))
"""Classes that other data sets do not have with flag 0 beside a class 1 with flag 1."""
VISDRONE_COLUMNS = 10
OTHERS = len(VISDRONE_CLASSES)
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark that ground truth belongs to.

    Attributes:
        name: for example MOT17; MOT16/17 where only the classes and flags tell.
        numbers: the benchmark's class number of each number in the file; None: they are the same.
    """

    name: str
    numbers: Mapping[int, int] | None = None

    def class_numbers(self, found: Int) -> Int:
        """(N,) int64, the benchmark's class numbers of a file's; -1 for others."""
        if self.numbers is None:
            return found
        result = np.full(len(found), -1, np.int64)
        for own, number in self.numbers.items():
            result[found == own] = number
        return result


def find_benchmark(values: Float, sequence: str, path: Path, names: Mapping[int, str] | None) -> Benchmark | None:
    """The MOT benchmark of ground truth: by the sequence's name, its folders, its class names, or classes and flags.

    Args:
        values: (N, columns), all rows of the file.
        names: class names by number where a labels file gives them.
    """
    if values.shape[1] != 9 or not len(values):
        return None
    for name in (sequence, path.stem, *(folder.name for folder in list(path.parents)[:3])):
        if name.upper().startswith(BENCHMARKS):
            return Benchmark(name.upper()[:5])
    if names is not None:
        known = {name: number for number, name in enumerate(MOT17_CLASSES, 1)}
        numbers = {own: known[name.casefold()] for own, name in names.items() if name.casefold() in known}
        is_known = len(numbers) == len(names) and not TELLING.isdisjoint(numbers.values())
        return Benchmark("MOT16/17", numbers) if is_known else None
    flags, classes = values[:, 6], values[:, 7]
    counted = classes[flags == 1]
    others = set(classes[flags == 0].tolist()) - {PEDESTRIAN}
    if len(counted) and (counted == PEDESTRIAN).all() and others <= set(range(1, 14)) and others & TELLING:
        return Benchmark("MOT16/17")
    return None


def mot_flags(benchmark: Benchmark, numbers: Int, flags: Int) -> Int:
    """The flags with what the benchmark does with each class; pedestrians keep theirs.

    Args:
        numbers: (N,) class numbers of the file.
    """
    numbers = benchmark.class_numbers(numbers)
    distractors = DISTRACTORS | ({NON_MOTORIZED} if benchmark.name == "MOT20" else set())
    is_distractor = np.isin(numbers, list(distractors))
    is_other = (numbers != PEDESTRIAN) & ~is_distractor & (numbers > 0)
    result = flags.copy()
    result[is_distractor] |= int(BoxFlag.IGNORED | BoxFlag.DISTRACTOR)
    result[is_other] |= int(BoxFlag.IGNORED | BoxFlag.NEUTRAL)
    return result


def is_visdrone(values: Float) -> bool:
    """Whether columns 8 to 10 are VisDrone's category, truncation and occlusion; MOT15 has world coordinates there."""
    if values.shape[1] != VISDRONE_COLUMNS or not len(values):
        return False
    category, truncation, occlusion = values[:, 7], values[:, 8], values[:, 9]
    if not (np.isin(category, range(12)).all() and (category > 0).any()):
        return False
    if (category == truncation).all() and (category == occlusion).all():
        return False
    is_result = bool((truncation == -1).all() and (occlusion == -1).all())
    return is_result or bool(np.isin(truncation, (0, 1)).all() and np.isin(occlusion, (0, 1, 2)).all())


def visdrone_flags(values: Float, boxes: Float) -> Int:
    """(N,) int64 of BoxFlag for ground truth.

    Args:
        boxes: (4, N) x1, y1, x2, y2.
    """
    score, category, truncation, occlusion = values[:, 6:10].T
    flags = np.zeros(len(values), np.int64)
    region = category == 0
    flags[(score == 0) | region] |= int(BoxFlag.IGNORED)
    flags[category == OTHERS] |= int(BoxFlag.IGNORED | BoxFlag.NEUTRAL)
    flags[truncation == 1] |= int(BoxFlag.TRUNCATED)
    flags[occlusion >= 1] |= int(BoxFlag.OCCLUDED)
    flags[_lie_in_regions(values[:, 0], boxes, region)] |= int(BoxFlag.IGNORED)
    return flags


def _lie_in_regions(frames: Float, boxes: Float, region: Bool) -> Bool:
    """(N,) bool: boxes of which at least half lies in one ignored region of their frame."""
    inside = np.zeros(len(frames), np.bool_)
    for frame in np.unique(frames[region]):
        here = frames == frame
        regions, others = np.flatnonzero(here & region), np.flatnonzero(here & ~region)
        if len(others):
            share = shares_of_prediction(boxes[:, regions], boxes[:, others], Convention.CONTINUOUS)
            inside[others[(share >= HALF).any(axis=0)]] = True
    return inside
