"""How well the review finds wrong ground truth, beside other rankings, on label errors that are planted with seeds.

    python -m benchmarks review [--data ../shared/data] [--seeds 5] [--variants]

Missing 5 %, spurious 2 %, shifted 5 % (to an IoU of 0.4 to 0.75), doubled 1 %, wrong class 3 % (with several classes),
two swaps of track ids, one track cut short; half of them on one frame, half lasting 5 to 15 frames. Sequences: pets09
(frames 480 to 794, three models of the data folder; their predictions are made once and kept in the program's cache),
the bundled sample with its own planted errors repaired, and a generated sequence with a moving camera and simulated
detections. The constants of the review were chosen on pets09. Without the data folder pets09 is left out.

Printed for each ranking: average precision over all planted box errors, over the lasting ones, precision among the
first 20, 50, 100, 200, the share of right and of harmful fixes among the first 50, and seconds. A second hit on an
error counts as wrong. cleanlab takes minutes and ranks the first seed only. For the review also: share of proposed
boxes at IoU 0.8 and 0.9, class errors found after 500, ends of swaps, boxes that would be a second one on an object,
groups, and each goal with what was reached. ``--variants`` adds every subset of the variants.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import _review_rivals as rivals
from benchmarks._review_scoring import Score, judge
from benchmarks._review_worlds import MISSING, MODELS, SHIFTED, Damaged, World, moving_camera, pets, plant, sample
from iouviewer.document.problem_groups import group_problems
from iouviewer.document.problem_table import MIN_SCORE, ProblemTable
from iouviewer.metrics.review_evidence import ReviewInputs
from iouviewer.metrics.review_findings import Findings, ProblemKind
from iouviewer.metrics.review_scores import Evidence, find_errors

Ranking = Callable[[ReviewInputs], Findings]
NAN = float("nan")


@dataclass(frozen=True)
class Goal:
    """A figure of the review and the least value that it should reach."""

    name: str
    least: float
    value: Callable[[Score], float]


def _restored(kind: str) -> Callable[[Score], float]:
    return lambda score: score.restored.get(kind, NAN)


def _goals(ap: float, lasting: float, missing: float, shifted: float) -> list[Goal]:
    return [
        Goal("P@50", 0.95, lambda score: score.precision[50]),
        Goal("P@200", 0.85, lambda score: score.precision[200]),
        Goal("AP", ap, lambda score: score.ap),
        Goal("AP lasting", lasting, lambda score: score.lasting_ap),
        Goal("missing fixed at IoU 0.8", missing, _restored(MISSING)),
        Goal("shifted fixed at IoU 0.8", shifted, _restored(SHIFTED)),
    ]


GOALS = {
    "pets09": _goals(0.73, 0.60, 0.75, 0.60),
    "sample": [
        *_goals(0.79, 0.65, 0.85, 0.75),
        Goal("class errors after 500", 0.9, lambda score: score.class_recall),
    ],
}


def review_order(inputs: ReviewInputs) -> Findings:
    """The problems in the order of the review."""
    found = find_errors(Evidence.collect(inputs))
    found = found.select(found.scores >= MIN_SCORE)
    table = ProblemTable.of_findings(found, np.arange(len(inputs.truth)), inputs.truth.frame_count)
    order = np.lexsort((found.kinds, found.frames))
    return found.select(order[group_problems(table).by_score])


def _cleanlab() -> str:
    """Why cleanlab cannot be compared with; empty if it can."""
    try:
        import cleanlab.object_detection.rank  # noqa: F401
    except ImportError as error:
        return f"left out ({error}): pip install iouviewer[bench]"
    return ""


def compare(world: World, seeds: int) -> None:
    """Print the rankings of a sequence."""
    rankings: dict[str, Ranking] = {
        "order before": rivals.order_before,
        "cleanlab ObjectLab": rivals.object_lab,
        "FiftyOne's mistakenness": rivals.mistakenness,
        "review": review_order,
    }
    missing = _cleanlab()
    damaged = [plant(world, seed) for seed in range(seeds)]
    count = int((~world.boxes.ignored).sum())
    errors = round(np.mean([len(one.errors) for one in damaged]))
    print(
        f"\n{world.name}: {count:,} boxes, {len(world.predictions)} variants, {seeds} seeds, about {errors:,} errors\n"
    )
    print("| ranking | AP | lasting | P@20 | P@50 | P@100 | P@200 | right | harm | s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, ranking in rankings.items():
        if name.startswith("cleanlab") and missing:
            print(f"| {name} | {missing} |")
            continue
        scores, seconds = [], []
        for one in damaged[:1] if name.startswith("cleanlab") else damaged:
            start = time.perf_counter()
            found = ranking(world.inputs(one.boxes))
            seconds.append(time.perf_counter() - start)
            scores.append(judge(found, one, world.boxes))
        fixes = not name.startswith("cleanlab")
        cells = [f"{_mean(scores, lambda s: s.ap):.3f}", f"{_mean(scores, lambda s: s.lasting_ap):.3f}"]
        cells += [f"{np.mean([s.precision[at] for s in scores]):.2f}" for at in (20, 50, 100, 200)]
        cells += (
            [f"{_mean(scores, lambda s: s.right):.2f}", f"{_mean(scores, lambda s: s.harm):.2f}"] if fixes else ["", ""]
        )
        print(f"| {name} | {' | '.join(cells)} | {np.median(seconds):.2f} |", flush=True)
    _details(world, damaged, scores)


def _mean(scores: Sequence[Score], value: Callable[[Score], float]) -> float:
    found = [value(score) for score in scores]
    known = [one for one in found if not np.isnan(one)]
    return float(np.mean(known)) if known else NAN


def _details(world: World, damaged: Sequence[Damaged], scores: Sequence[Score]) -> None:
    print()
    for kind in (MISSING, SHIFTED):
        at = _mean(scores, _restored(kind)), _mean(scores, lambda score, kind=kind: score.restored_9.get(kind, NAN))
        print(f"{kind}: share of fixes at IoU 0.8 / 0.9 of the true box {at[0]:.2f} / {at[1]:.2f}")
    found, ends, false = 0, 0, 0
    purity, pieces = [], []
    for one in damaged:
        inputs = world.inputs(one.boxes)
        problems = review_order(inputs)
        swaps = problems.select(problems.kinds == ProblemKind.SWAP)
        tracks = one.boxes.tracks
        named = {
            (int(f), *sorted((int(tracks[a]), int(tracks[b]))))
            for f, a, b in zip(swaps.frames, swaps.rows, swaps.others, strict=True)
        }
        wanted = {(f, *sorted(pair)) for f, *pair in one.swap_ends}
        found, ends, false = found + len(named & wanted), ends + len(wanted), false + len(named - wanted)
        groups = _groups(problems, one)
        purity += _purity(groups)
        pieces += _pieces(groups, one)
    print(f"ends of swaps: {found} of {ends} found, {false} false alarms")
    print(f"boxes that would be a second one on a labelled object: {sum(score.doubles for score in scores)}")
    print(f"groups of more than 3 with a planted error: {100 * np.mean(purity):.0f} % of their problems are that error")
    print(f"groups that a lasting error is split over: {np.mean(pieces):.1f}")
    for goal in GOALS.get(world.name, ()):
        value = _mean(scores, goal.value)
        print(f"goal {goal.name} {goal.least:.2f}: {value:.3f} {'met' if value >= goal.least else 'NOT MET'}")


def _groups(problems: Findings, damaged: Damaged) -> list[list[int]]:
    """The planted runs of errors that the problems of each group are about, -1 for none."""
    problems = problems.select(np.lexsort((problems.kinds, problems.frames)))
    count = int(problems.frames.max(initial=0)) + 1
    grouped = group_problems(ProblemTable.of_findings(problems, np.arange(len(damaged.boxes.frames)), count))
    by_row = {error.row: error.run for error in damaged.errors if error.row >= 0}
    by_row |= {error.other: error.run for error in damaged.errors if error.other >= 0}
    absent = {(error.frame, error.track): error.run for error in damaged.errors if error.row < 0}
    columns = zip(problems.rows.tolist(), problems.frames.tolist(), problems.tracks.tolist(), strict=True)
    runs = [by_row.get(row, -1) if row >= 0 else absent.get((f, t), -1) for row, f, t in columns]
    return [[runs[row] for row in grouped.by_group[a:b]] for a, b in itertools.pairwise(grouped.starts.tolist())]


def _purity(groups: Sequence[Sequence[int]]) -> list[float]:
    """Of each group of more than 3 problems with a planted error, the largest share that is one error."""
    found = []
    for runs in groups:
        known = [run for run in runs if run >= 0]
        if len(runs) > 3 and known:
            found.append(max(known.count(run) for run in set(known)) / len(runs))
    return found


def _pieces(groups: Sequence[Sequence[int]], damaged: Damaged) -> list[int]:
    """For each lasting error that was found the number of groups that it is in."""
    counts = Counter(run for group in groups for run in set(group))
    lasting = {error.run for error in damaged.errors if error.lasting}
    return [counts[run] for run in lasting if counts[run]]


def every_subset(world: World, seeds: int) -> None:
    """Print AP with every subset of the variants."""
    damaged = [plant(world, seed) for seed in range(seeds)]
    names, ap = tuple(world.predictions), {}
    for count in range(len(names) + 1):
        for chosen in itertools.combinations(names, count):
            scores = [judge(review_order(world.inputs(one.boxes, chosen)), one, world.boxes) for one in damaged]
            ap[chosen] = _mean(scores, lambda score: score.ap)
            print(f"{world.name}: AP {ap[chosen]:.3f} with {', '.join(chosen) or 'no variant'}", flush=True)
    steps = [(ap[more] - ap[less], less, more) for more in ap for less in ap if set(less) < set(more)]
    worst = min((step for step in steps if len(step[2]) == len(step[1]) + 1 and step[1]), default=None)
    if worst is not None:
        added = (set(worst[2]) - set(worst[1])).pop()
        beside = ", ".join(worst[1])
        print(f"{world.name}: one more variant changes AP by {worst[0]:+.3f} at worst ({added} beside {beside})")


def main(argv: list[str]) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="benchmarks review", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--variants", action="store_true")
    options = parser.parse_args(argv)
    worlds: list[tuple[World, int]] = []
    if (options.data / "pets09").is_dir():
        worlds.append((pets(options.data), options.seeds))
        if options.variants:
            every_subset(pets(options.data, MODELS), options.seeds)
    else:
        print(f"pets09 is left out: {options.data} has no folder of that name")
    few = max(1, min(2, options.seeds))
    worlds += [(sample(), few), (moving_camera(), few)]
    for world, seeds in worlds:
        compare(world, seeds)
        if options.variants and world.name != "pets09":
            every_subset(world, seeds)
    return 0
