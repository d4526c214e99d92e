"""May a variant ship? The verdicts of all variants against the baseline, closed to everything that cannot be judged."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer.errors import UserError
from iouviewer.jobs.compare import ComparedVariant, Comparison, Pool, common_frames, compare_pooled, compared_sentence
from iouviewer.jobs.evaluate import EvalRequest, ReadVideo, read_video, warnings
from iouviewer.jobs.progress import ProgressCallback, no_progress
from iouviewer.jobs.report import read_document
from iouviewer.metrics.coco import counts_as_one_class
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Int
from iouviewer.metrics.verdict import Outcome
from iouviewer.reports.gate_reports import CANNOT_JUDGE, Judgement, VideoRow

if TYPE_CHECKING:
    from iouviewer.project.contents import ProjectContents
    from iouviewer.project.store import ProjectFile

PASSED, CANNOT, FAILED, UNDECIDED = 0, 2, 3, 4
"""Exit status of the gate."""


@dataclass(frozen=True)
class GateVideo:
    """One video of a gate: what was read of it, and how it is to be compared.

    Attributes:
        name: for people, unique among the videos of a gate.
        request: its ``baseline`` is None where nobody named one.
    """

    name: str
    request: EvalRequest
    read: ReadVideo


@dataclass(frozen=True)
class GateResult:
    """All judgements and what they come to.

    Attributes:
        status: PASSED, FAILED, UNDECIDED or CANNOT: the worst judgement decides, and CANNOT is worse than all.
        notes: what has to be known of the numbers: what was left out, what has no scores or classes.
    """

    judgements: tuple[Judgement, ...]
    status: int
    notes: tuple[str, ...]


def gate_project(path: Path, request: EvalRequest) -> GateVideo:
    """Ground truth and variants that a project file holds; the file itself is only read, from a backup copy.

    Raises:
        UserError: a file that is no project, no ground truth or no variants in it, another baseline.
    """
    from iouviewer.project.store import ProjectFile

    with tempfile.TemporaryDirectory(prefix="iouviewer-gate-") as folder:
        try:
            contents = _contents(ProjectFile.copy_of(path, Path(folder) / "copy.iouv"))
        except UserError as error:
            if error.path is not None and error.path.is_relative_to(folder):
                error.path = path  # the copy is nothing to the reader
            raise
    if not contents.variants:
        raise UserError("the project holds no variants", path=path)
    source = min(contents.document.sources)
    settled, read = read_document(
        contents.document, contents.variants, baseline=contents.baseline, request=request, source=source
    )
    return GateVideo(path.name, settled, read)


def _contents(project: ProjectFile) -> ProjectContents:
    try:
        return project.load()
    finally:
        project.close()


def gate_files(name: str, request: EvalRequest, progress: ProgressCallback = no_progress) -> GateVideo:
    """Ground truth and variants in files; UserError as ``read_video``."""
    return GateVideo(name, request, read_video(request, progress))


def judge(
    videos: Sequence[GateVideo], margins: Mapping[str, float], progress: ProgressCallback = no_progress
) -> GateResult:
    """Judge every variant but the baseline on all videos together; variants are the same by name.

    What is missing in one video, has no common frame there, or leaves a metric undefined, cannot be judged.

    Raises:
        UserError: a baseline that a video lacks or that the videos disagree about; nothing to judge but the baseline.
    """
    baseline = _baseline(videos)
    pool = _pool(videos, baseline, margins)
    names = list(dict.fromkeys(name for video in pool.videos for name in video.variants if name != baseline))
    if not names:
        raise UserError("there is nothing to judge but the baseline", remedy="Give a second --pred NAME=FILE")
    judgements = []
    for number, name in enumerate(names):
        progress(number, len(names), f"judging {name}")
        judgement = _judgement(name, pool, [video.name for video in videos])
        lost = [] if any(video.request.read.class_map for video in videos) else _lost_classes(name, pool)
        if lost and judgement.outcome != CANNOT_JUDGE:
            known = list(dict.fromkeys(text.casefold() for video in videos for text in video.read.truth.class_names))
            judgement = _unlike(name, baseline, [known[number] for number in lost])
        judgements.append(judgement)
    return GateResult(tuple(judgements), _status(judgements), tuple(_notes(videos, pool)))


def _status(judgements: Sequence[Judgement]) -> int:
    outcomes = {judgement.outcome for judgement in judgements}
    if CANNOT_JUDGE in outcomes:
        return CANNOT
    if str(Outcome.FAIL) in outcomes:
        return FAILED
    # Fails closed: only a PASS of all passes.
    return PASSED if outcomes == {str(Outcome.PASS)} else UNDECIDED


def _baseline(videos: Sequence[GateVideo]) -> str:
    """The baseline's name: the one named, else the first video's first variant; every video must have it."""
    named = list(dict.fromkeys(video.request.baseline for video in videos if video.request.baseline is not None))
    if len(named) > 1:
        raise UserError(f"the videos have different baselines: {', '.join(named)}", remedy="Give --baseline NAME")
    baseline = named[0] if named else videos[0].read.variants[0].name
    for video in videos:
        names = [variant.name for variant in video.read.variants]
        if baseline not in names:
            where = f" in {video.name}" if len(videos) > 1 else ""
            raise UserError(
                f"the baseline {baseline!r} is no variant{where}", remedy=f"Variants are {', '.join(names)}"
            )
    return baseline


def _pool(videos: Sequence[GateVideo], baseline: str, margins: Mapping[str, float]) -> Pool:
    """All videos with class ids that mean the same in all of them; names without regard to case."""
    known: dict[str, int] = {}
    found = []
    for video in videos:
        read, request = video.read, video.request
        numbers = [known.setdefault(name.casefold(), len(known)) for name in read.truth.class_names]
        joined = np.array([*numbers, UNSPECIFIED_CLASS], np.int64)  # the last stands for -1
        variants = {
            variant.name: replace(variant.predictions, table=_renumbered(variant.predictions.table, joined))
            for variant in read.variants
        }
        found.append(
            Comparison(
                _renumbered(read.truth.table, joined),
                read.labelled,
                variants,
                baseline,
                request.settings.review,
                read.facts.fps,
                margins,
                read.facts.image_names is not None,
            )
        )
    return Pool(tuple(found))


def _renumbered(table: BoxTable, numbers: Int) -> BoxTable:
    return replace(table, class_ids=numbers[table.class_ids])


def _judgement(name: str, pool: Pool, videos: Sequence[str]) -> Judgement:
    baseline = pool.videos[0].baseline
    several = len(videos) > 1

    def cannot(why: str, places: Iterable[str] = ()) -> Judgement:
        where = f" in {', '.join(places)}" if several and places else ""
        return Judgement(name, CANNOT_JUDGE, f"{name}: cannot be judged against {baseline}: {why}{where}")

    missing = [place for place, video in zip(videos, pool.videos, strict=True) if name not in video.variants]
    if missing:
        return cannot("it is missing", missing)
    apart = [place for place, one in zip(videos, pool.videos, strict=True) if not common_frames(one, name).any()]
    if apart:
        return cannot("no labelled frame that both cover", apart)
    compared = compare_pooled(pool, name)
    if compared is None:
        raise AssertionError("common frames were looked for")
    if not compared.truths:
        return cannot("no ground-truth box on the labelled frames that both cover")
    if not compared.baseline_predictions:
        cut = f" at confidence {compared.floor:.3g} and more" if any(compared.conditions.cut) else ""
        return cannot(f"{baseline} has no predictions there{cut}, so there is nothing to lose")
    margins = pool.videos[0].margins
    undefined = [d.metric for d in compared.verdict.differences if d.metric in margins and math.isnan(d.points)]
    if undefined:
        silent = [
            place
            for place, video in zip(videos, pool.videos, strict=True)
            if not (video.variants[name].has_scores and video.variants[baseline].has_scores)
        ]
        return cannot(f"{', '.join(undefined)} undefined{', without scores' if silent else ''}", silent)
    rows = _rows(compared, videos) if several else ()
    text = compared_sentence(name, baseline, compared)
    return Judgement(name, str(compared.verdict.outcome), text, rows)


def _lost_classes(name: str, pool: Pool) -> list[int]:
    """Classes that the variant predicts and the baseline never does, where boxes of the baseline were left out.

    A baseline whose classes go by other names finds nothing of them, and any variant would pass.
    """
    baseline = pool.videos[0].baseline
    if not any(video.variants[baseline].left_out for video in pool.videos):
        return []
    theirs, mine = (
        np.concatenate([video.variants[one].table.class_ids for video in pool.videos]) for one in (baseline, name)
    )
    if UNSPECIFIED_CLASS in theirs:
        return []
    truths = np.concatenate([video.truth.class_ids[~video.truth.ignored] for video in pool.videos])
    found: list[int] = np.setdiff1d(np.intersect1d(mine[mine >= 0], truths), theirs).tolist()
    return found


def _unlike(name: str, baseline: str, classes: Sequence[str]) -> Judgement:
    text = (
        f"{name}: cannot be judged against {baseline}: {baseline} has boxes of classes that the ground truth does not "
        f"know, and none of class {', '.join(classes)}; if they go by another name, give --class-map A=B"
    )
    return Judgement(name, CANNOT_JUDGE, text)


def _rows(compared: ComparedVariant, names: Sequence[str]) -> tuple[VideoRow, ...]:
    verdict = compared.verdict
    return tuple(
        VideoRow(name, video.frames, {key: None if math.isnan(value) else value for key, value in points.items()})
        for name, video, points in zip(names, verdict.videos, verdict.by_video, strict=True)
    )


def _notes(videos: Sequence[GateVideo], pool: Pool) -> list[str]:
    several = len(videos) > 1
    notes = [
        (f"{video.name}: " if several else "") + text
        for video in videos
        for text in warnings(video.request, video.read.truth, video.read.variants)
    ]
    classes = {frozenset(name.casefold() for name in video.read.truth.class_names) for video in videos}
    if len(classes) > 1:
        texts = (f"{v.name}: {', '.join(v.read.truth.class_names) or 'none'}" for v in videos)
        notes.append(f"the videos' ground truth has different classes ({'; '.join(texts)})")
        tables = ((one.truth, sets.table, one.labelled) for one in pool.videos for sets in one.variants.values())
        if any(counts_as_one_class(*three) for three in tables):
            notes.append("some boxes carry no class, so AP takes all boxes of all videos as of one class")
    return notes
