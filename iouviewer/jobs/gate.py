"""Verdicts of all variants against the baseline, for CI. Fails closed: a variant that cannot be judged never passes."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.compare import ComparedVariant, Comparison, Pool, common_frames, compare_pooled, verdict_sentence
from iouviewer.jobs.document_results import read_document
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.evaluate import EvalRequest, find_warnings, read_inputs
from iouviewer.jobs.requests import ProgressCallback, no_progress
from iouviewer.metrics.coco import counts_as_one_class
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Int
from iouviewer.metrics.verdict import Outcome
from iouviewer.reports.gate_reports import CANNOT_JUDGE, Judgement, VideoRow

if TYPE_CHECKING:
    from iouviewer.project.contents import ProjectContents
    from iouviewer.project.store import ProjectFile


class GateStatus(IntEnum):
    """Exit statuses of the gate."""

    PASSED = 0
    CANNOT_JUDGE = 2
    FAILED = 3
    UNDECIDED = 4


@dataclass(frozen=True)
class GateVideo:
    """One video of a gate.

    Attributes:
        name: name for display, unique among the videos of a gate.
        request: how to compare; its ``baseline`` is None if the user named none.
    """

    name: str
    request: EvalRequest
    inputs: EvalInputs


@dataclass(frozen=True)
class GateResult:
    """All judgements and their overall status.

    Attributes:
        title: title of the reports.
        status: that of the worst judgement, from best to worst PASSED, UNDECIDED, FAILED, CANNOT_JUDGE.
        notes: limits of the metrics: skipped rows, dropped predictions, missing scores or classes.
    """

    title: str

    judgements: tuple[Judgement, ...]
    status: GateStatus
    notes: tuple[str, ...]


def gate_project(path: Path, request: EvalRequest) -> GateVideo:
    """Ground truth and variants of a project file. The file is not changed: a temporary copy is opened.

    Raises:
        UserError: the file is not a project, it has no ground truth or no variants, the baseline is unknown.
    """
    from iouviewer.project.store import ProjectFile

    with tempfile.TemporaryDirectory(prefix="iouviewer-gate-") as folder:
        try:
            contents = _contents(ProjectFile.open_copy(path, Path(folder) / "copy.iouv"))
        except UserError as error:
            if error.path is not None and error.path.is_relative_to(folder):
                error.path = path  # name the project, not the temporary copy
            raise
    if not contents.variants:
        raise UserError(tr("the project has no variants"), path=path)
    source = min(contents.document.sources)
    resolved, inputs = read_document(
        contents.document, contents.variants, baseline=contents.baseline, request=request, source=source
    )
    return GateVideo(path.name, resolved, inputs)


def _contents(project: ProjectFile) -> ProjectContents:
    try:
        return project.load()
    finally:
        project.close()


def gate_files(name: str, request: EvalRequest, progress: ProgressCallback = no_progress) -> GateVideo:
    """Ground truth and variants from files; raises the errors of ``read_inputs``."""
    return GateVideo(name, request, read_inputs(request, progress))


def judge(
    videos: Sequence[GateVideo], margins: Mapping[str, float], progress: ProgressCallback = no_progress
) -> GateResult:
    """Judge every variant but the baseline on all videos together; variants are matched by name.

    A variant cannot be judged if a video lacks it, has no common frame, or leaves a metric undefined.

    Raises:
        UserError: a video lacks the baseline, the videos have different baselines, there is no other variant.
    """
    baseline = _baseline(videos)
    pool = _pool(videos, baseline, margins)
    names = list(dict.fromkeys(name for video in pool.videos for name in video.variants if name != baseline))
    if not names:
        raise UserError(tr("there is no variant besides the baseline"), remedy=tr("Give a second --pred NAME=FILE."))
    judgements = []
    for number, name in enumerate(names):
        progress(number, len(names), tr("judging {variant}", variant=name))
        judgement = _judgement(name, pool, [video.name for video in videos])
        missing = [] if any(video.request.read.class_map for video in videos) else _missing_classes(name, pool)
        if missing and judgement.outcome != CANNOT_JUDGE:
            known = list(dict.fromkeys(text.casefold() for video in videos for text in video.inputs.truth.class_names))
            judgement = _different_classes(name, baseline, [known[class_id] for class_id in missing])
        judgements.append(judgement)
    title = videos[0].name if len(videos) == 1 else tr_n("{count} video", "{count:,} videos", len(videos))
    return GateResult(
        tr("iouviewer gate: {title}", title=title), tuple(judgements), _status(judgements), tuple(_notes(videos, pool))
    )


def _status(judgements: Sequence[Judgement]) -> GateStatus:
    outcomes = {judgement.outcome for judgement in judgements}
    if CANNOT_JUDGE in outcomes:
        return GateStatus.CANNOT_JUDGE
    if str(Outcome.FAIL) in outcomes:
        return GateStatus.FAILED
    # Fail closed: the gate passes only if every outcome is PASS.
    return GateStatus.PASSED if outcomes == {str(Outcome.PASS)} else GateStatus.UNDECIDED


def _baseline(videos: Sequence[GateVideo]) -> str:
    """The baseline's name: the one given, otherwise the first video's first variant; every video must have it."""
    named = list(dict.fromkeys(video.request.baseline for video in videos if video.request.baseline is not None))
    if len(named) > 1:
        raise UserError(
            tr("the videos have different baselines: {names}", names=", ".join(named)),
            remedy=tr("Give --baseline NAME."),
        )
    baseline = named[0] if named else videos[0].inputs.variants[0].name
    for video in videos:
        names = [variant.name for variant in video.inputs.variants]
        if baseline not in names:
            message = tr("the baseline {name!r} is not a variant", name=baseline)
            if len(videos) > 1:
                message = tr("the baseline {name!r} is not a variant in {video}", name=baseline, video=video.name)
            raise UserError(message, remedy=tr("Variants: {names}.", names=", ".join(names)))
    return baseline


def _pool(videos: Sequence[GateVideo], baseline: str, margins: Mapping[str, float]) -> Pool:
    """All videos with common class ids; class names are matched without regard to case."""
    known: dict[str, int] = {}
    found = []
    for video in videos:
        inputs, request = video.inputs, video.request
        ids = [known.setdefault(name.casefold(), len(known)) for name in inputs.truth.class_names]
        common_ids = np.array([*ids, UNSPECIFIED_CLASS], np.int64)  # index -1 maps to UNSPECIFIED_CLASS
        variants = {
            variant.name: replace(variant.predictions, table=_renumbered(variant.predictions.table, common_ids))
            for variant in inputs.variants
        }
        found.append(
            Comparison(
                _renumbered(inputs.truth.table, common_ids),
                inputs.labelled,
                variants,
                baseline,
                request.settings,
                inputs.source.fps,
                margins,
                inputs.single_images,
            )
        )
    return Pool(tuple(found))


def _renumbered(table: BoxTable, ids: Int) -> BoxTable:
    return replace(table, class_ids=ids[table.class_ids])


def _judgement(name: str, pool: Pool, videos: Sequence[str]) -> Judgement:
    baseline = pool.videos[0].baseline
    several = len(videos) > 1

    def cannot_judge(reason: str, places: Iterable[str] = ()) -> Judgement:
        values = {"variant": name, "baseline": baseline, "reason": reason}
        if several and places:
            text = tr(
                "{variant}: cannot be judged against {baseline}: {reason} in {videos}",
                **values,
                videos=", ".join(places),
            )
        else:
            text = tr("{variant}: cannot be judged against {baseline}: {reason}", **values)
        return Judgement(name, CANNOT_JUDGE, text)

    missing = [place for place, video in zip(videos, pool.videos, strict=True) if name not in video.variants]
    if missing:
        return cannot_judge(tr("the variant is missing"), missing)
    apart = [place for place, one in zip(videos, pool.videos, strict=True) if not common_frames(one, name).any()]
    if apart:
        return cannot_judge(tr("no labelled frame that both cover"), apart)
    compared = compare_pooled(pool, name)
    if compared is None:
        raise AssertionError("common frames were checked above")
    if not compared.truths:
        return cannot_judge(tr("no ground-truth box on the labelled frames that both cover"))
    if not compared.baseline_predictions:
        reason = tr("{baseline} has no predictions on the common frames", baseline=baseline)
        if any(compared.conditions.cut):
            reason = tr(
                "{baseline} has no predictions on the common frames at confidence ≥ {floor:.3g}",
                baseline=baseline,
                floor=compared.floor,
            )
        return cannot_judge(reason)
    margins = pool.videos[0].margins
    undefined = [d.metric for d in compared.verdict.differences if d.metric in margins and math.isnan(d.points)]
    if undefined:
        metrics = ", ".join(undefined)
        without_scores = [
            place
            for place, video in zip(videos, pool.videos, strict=True)
            if not (video.variants[name].has_scores and video.variants[baseline].has_scores)
        ]
        if without_scores:
            return cannot_judge(tr("{metrics} undefined without scores", metrics=metrics), without_scores)
        return cannot_judge(tr("{metrics} undefined", metrics=metrics))
    rows = _rows(compared, videos) if several else ()
    text = verdict_sentence(name, baseline, compared)
    return Judgement(name, str(compared.verdict.outcome), text, rows)


def _missing_classes(name: str, pool: Pool) -> list[int]:
    """Classes that the variant predicts and the baseline never does, if predictions of the baseline were dropped.

    A baseline with other class names has no matches in these classes, so any variant would pass.
    """
    baseline = pool.videos[0].baseline
    if not any(video.variants[baseline].unmapped_count for video in pool.videos):
        return []
    baseline_classes, variant_classes = (
        np.concatenate([video.variants[key].table.class_ids for video in pool.videos]) for key in (baseline, name)
    )
    if UNSPECIFIED_CLASS in baseline_classes:
        return []
    truth_classes = np.concatenate([video.truth.class_ids[~video.truth.ignored] for video in pool.videos])
    predicted = np.intersect1d(variant_classes[variant_classes >= 0], truth_classes)
    missing: list[int] = np.setdiff1d(predicted, baseline_classes).tolist()
    return missing


def _different_classes(name: str, baseline: str, classes: Sequence[str]) -> Judgement:
    text = tr(
        "{variant}: cannot be judged against {baseline}: {baseline} predicts classes that the ground truth lacks, and "
        "none of class {classes}. If it uses other class names, give --class-map A=B.",
        variant=name,
        baseline=baseline,
        classes=", ".join(classes),
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
        tr("{video}: {note}", video=video.name, note=text) if several else text
        for video in videos
        for text in find_warnings(video.request, video.inputs.truth, video.inputs.variants)
    ]
    class_sets = {frozenset(name.casefold() for name in video.inputs.truth.class_names) for video in videos}
    if len(class_sets) > 1:
        lists = [
            tr("{video}: {classes}", video=v.name, classes=", ".join(v.inputs.truth.class_names) or tr("none"))
            for v in videos
        ]
        notes.append(tr("the ground truth of the videos has different classes ({lists})", lists="; ".join(lists)))
        inputs = (
            (video.truth, predictions.table, video.labelled)
            for video in pool.videos
            for predictions in video.variants.values()
        )
        if any(counts_as_one_class(*arguments) for arguments in inputs):
            notes.append(tr("some boxes have no class, so AP treats all boxes of all videos as one class"))
    return notes
