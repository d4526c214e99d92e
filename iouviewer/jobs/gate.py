"""Verdicts of all variants against the baseline, for CI. Fails closed: a variant that cannot be judged never passes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer.document.classes import OTHER_CLASSES
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.compare import Pool, build_comparison
from iouviewer.jobs.document_results import read_document
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.evaluate import EvalRequest, find_warnings, read_inputs
from iouviewer.jobs.judge import Judged, Names, describe_choice, judge_all, worst_outcome
from iouviewer.jobs.notes import refuse_notes, with_prefix
from iouviewer.jobs.requests import ProgressCallback, no_progress
from iouviewer.metrics.coco import counts_as_one_class
from iouviewer.metrics.table import UNSPECIFIED_CLASS, BoxTable, Int
from iouviewer.metrics.verdict import Outcome
from iouviewer.reports.gate_reports import Judgement

if TYPE_CHECKING:
    from iouviewer.project.contents import ProjectContents
    from iouviewer.project.store import ProjectFile


class GateStatus(IntEnum):
    """Exit statuses of the gate, named as the outcomes."""

    PASS = 0
    CANNOT_JUDGE = 2
    FAIL = 3
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
        status: that of the worst judgement, from best to worst PASS, UNDECIDED, FAIL, CANNOT_JUDGE.
        notes: limits of the metrics: skipped rows, dropped predictions, missing scores or classes.
        judged: the judgements with their comparisons, in the same order.
    """

    title: str

    judgements: tuple[Judgement, ...]
    status: GateStatus
    notes: tuple[str, ...]
    judged: tuple[Judged, ...] = ()

    @property
    def refused(self) -> list[Judgement]:
        """The variants that cannot be judged."""
        return [one for one in self.judgements if one.outcome is Outcome.CANNOT_JUDGE]


def gate_project(path: Path, request: EvalRequest) -> GateVideo:
    """Ground truth and variants of a project file. The file is not changed: a temporary copy is opened.

    Raises:
        UserError: the file is not a project, it has no ground truth or no variants, the baseline is unknown.
    """
    return gate_contents(path, read_copy(path), request)


def read_copy(path: Path) -> ProjectContents:
    """The contents of a project, which another window may have open, from a temporary copy.

    Raises:
        UserError: the file is not a project or cannot be read.
    """
    from iouviewer.project.store import ProjectFile

    with tempfile.TemporaryDirectory(prefix="iouviewer-gate-") as folder:
        try:
            return _contents(ProjectFile.open_copy(path, Path(folder) / "copy.iouv"))
        except UserError as error:
            if error.path is not None and error.path.is_relative_to(folder):
                error.path = path  # name the project, not the temporary copy
            raise


def gate_contents(path: Path, contents: ProjectContents, request: EvalRequest) -> GateVideo:
    """Ground truth and variants of a project that was read; errors as ``gate_project``."""
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

    A variant cannot be judged if a video lacks it, and in the cases of ``jobs.judge``.

    Raises:
        UserError: a video lacks the baseline, the videos have different baselines, there is no other variant.
    """
    baseline = _baseline(videos)
    pool, classes = _pool(videos, baseline, margins)
    names = list(dict.fromkeys(name for video in pool.videos for name in video.variants if name != baseline))
    if not names:
        raise UserError(tr("there is no variant besides the baseline"), remedy=tr("Give a second --pred NAME=FILE"))
    titles = [video.name for video in videos]
    labels = Names({name: name for name in (baseline, *names)}, titles, classes)
    judged = judge_all(pool, labels, progress=progress)
    judgements = tuple(one.judgement for one in judged)
    title = videos[0].name if len(videos) == 1 else tr_n("{count} video", "{count:,} videos", len(videos))
    notes = tuple(_notes(videos, pool))
    if any(video.request.read.strict for video in videos):
        refuse_notes(notes)
    choice = describe_choice(judged)
    notes += (choice,) if choice else ()
    status = GateStatus[worst_outcome(one.outcome for one in judgements)]
    return GateResult(tr("iouviewer gate: {title}", title=title), judgements, status, notes, tuple(judged))


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


def _pool(videos: Sequence[GateVideo], baseline: str, margins: Mapping[str, float]) -> tuple[Pool, list[str]]:
    """All videos with common class ids, and the classes' names, matched without regard to case."""
    known: dict[str, int] = {}
    names: dict[str, str] = {}
    found = []
    for video in videos:
        inputs, request = video.inputs, video.request
        ids = [known.setdefault(name.casefold(), len(known)) for name in inputs.truth.class_names]
        names = {name.casefold(): name for name in inputs.truth.class_names} | names
        common_ids = np.array([*ids, UNSPECIFIED_CLASS], np.int64)  # index -1 maps to UNSPECIFIED_CLASS
        own = build_comparison(inputs, baseline, request.settings, margins)
        found.append(
            replace(
                own,
                truth=_renumbered(own.truth, common_ids),
                variants={
                    name: replace(one, table=_renumbered(one.table, common_ids)) for name, one in own.variants.items()
                },
                class_facts={name: facts.renumbered(common_ids) for name, facts in own.class_facts.items()},
            )
        )
    return Pool(tuple(found)), [names[name] for name in known]


def _renumbered(table: BoxTable, ids: Int) -> BoxTable:
    own = table.class_ids < OTHER_CLASSES
    return replace(
        table, class_ids=np.where(own, ids[np.where(own, table.class_ids, UNSPECIFIED_CLASS)], table.class_ids)
    )


def _notes(videos: Sequence[GateVideo], pool: Pool) -> list[str]:
    several = len(videos) > 1
    notes = [
        with_prefix(video.name, text) if several else text
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
