"""Verdicts of all variants against the baseline, for CI. Fails closed: a variant that cannot be judged never passes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.compare import Comparison, Pool, build_comparison
from iouviewer.jobs.document_results import read_document
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.evaluate import EvalRequest, find_warnings, read_inputs
from iouviewer.jobs.judge import Judged, Names, describe_choice, judge_all, worst_outcome
from iouviewer.jobs.notes import refuse_notes, with_prefix
from iouviewer.jobs.operating_points import ChosenPoint, at_point
from iouviewer.jobs.requests import ProgressCallback, no_progress
from iouviewer.jobs.source_facts import PartialStore, StoredFacts, store_facts
from iouviewer.metrics.coco import counts_as_one_class
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
class UnreadVideo:
    """One video of a gate that is read when its turn comes.

    Attributes:
        name: as of ``GateVideo``.
        request: how to compare, as far as it is known before; only ``read.strict`` of it is used.
        read: reads it; raises UserError. Called again in the rare case that all videos together need another rule for
            boxes without a class.
    """

    name: str
    request: EvalRequest
    read: Callable[[], GateVideo]


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
    videos: Sequence[GateVideo | UnreadVideo],
    margins: Mapping[str, float],
    progress: ProgressCallback = no_progress,
) -> GateResult:
    """Judge every variant but the baseline on all videos together; variants are matched by name, classes by name.

    One video is read and scored at a time; of those not in memory already nothing but sorted scores and sums stays, so
    any number of videos takes little memory. A variant cannot be judged if a video lacks it, and in the cases of
    ``jobs.judge``.

    Raises:
        UserError: a video cannot be read or lacks the baseline, the videos have different baselines, there is no other
            variant.
    """
    with PartialStore() as store:
        reading = _Reading(videos, margins, store)
        for number, video in enumerate(videos):
            progress(number, len(videos), tr("scoring {video}", video=video.name))
            reading.add(video)
        return _judge_read(reading, progress)


def _judge_read(reading: _Reading, progress: ProgressCallback) -> GateResult:
    baseline, videos = reading.baseline, reading.videos
    names = list(dict.fromkeys(name for source in reading.sources for name in source.runs if name != baseline))
    if not names:
        raise UserError(tr("there is no variant besides the baseline"), remedy=tr("Give a second --pred NAME=FILE"))
    titles = [video.name for video in videos]
    point = videos[0].request.point
    text = (
        "" if point.is_common else tr("at each one's {point}, chosen on the other half of each video", point=point.text)
    )
    alone = reading.point if len(videos) == 1 else None
    labels = Names({name: name for name in (baseline, *names)}, titles, alone, text)
    judged = judge_all(Pool(reading.sources), labels, progress=progress)
    judgements = tuple(one.judgement for one in judged)
    title = videos[0].name if len(videos) == 1 else tr_n("{count} video", "{count:,} videos", len(videos))
    notes = tuple(reading.all_notes())
    if any(video.request.read.strict for video in videos):
        refuse_notes(notes)
    choice = describe_choice(judged)
    notes += (choice,) if choice else ()
    status = GateStatus[worst_outcome(one.outcome for one in judgements)]
    return GateResult(tr("iouviewer gate: {title}", title=title), judgements, status, notes, tuple(judged))


class _Reading:
    """The videos of a gate, scored one after the other, and the notes on them."""

    def __init__(
        self, videos: Sequence[GateVideo | UnreadVideo], margins: Mapping[str, float], store: PartialStore
    ) -> None:
        self.videos, self.baseline = videos, ""
        self.sources: list[StoredFacts] = []
        self._margins, self._store = margins, store
        self._notes: list[str] = []
        self._classes: list[tuple[str, tuple[str, ...]]] = []
        self._is_classless = False
        self._named: str | None = None
        self.point: ChosenPoint | None = None

    def add(self, video: GateVideo | UnreadVideo) -> None:
        """Read, check and score one video."""
        read = video if isinstance(video, GateVideo) else replace(video.read(), name=video.name)
        inputs, request = read.inputs, read.request
        baseline = self._check_baseline(read)
        inputs = at_point(inputs, request.point, request.settings)
        comparison = build_comparison(inputs, baseline, request.settings, self._margins)
        self.point = inputs.point
        self.sources.append(store_facts(comparison, self._store, self._reader(video, baseline)))
        several = len(self.videos) > 1
        texts = find_warnings(request, inputs.truth, inputs.variants)
        self._notes += [with_prefix(video.name, text) if several else text for text in texts]
        self._classes.append((video.name, inputs.truth.class_names))
        self._is_classless |= any(
            counts_as_one_class(comparison.truth, predictions.table, comparison.labelled)
            for predictions in comparison.variants.values()
        )

    def _reader(self, video: GateVideo | UnreadVideo, baseline: str) -> Callable[[], Comparison]:
        """Reads a video once more; holds nothing of one that is not in memory already."""

        def again() -> Comparison:
            read = video if isinstance(video, GateVideo) else video.read()
            inputs = at_point(read.inputs, read.request.point, read.request.settings)
            return build_comparison(inputs, baseline, read.request.settings, self._margins)

        return again

    def _check_baseline(self, video: GateVideo) -> str:
        """The baseline's name: the one given, otherwise the first video's first variant; every video must have it."""
        names = [variant.name for variant in video.inputs.variants]
        named = video.request.baseline
        if named is not None and self._named is not None and named != self._named:
            raise UserError(
                tr("the videos have different baselines: {names}", names=", ".join((self._named, named))),
                remedy=tr("Give --baseline NAME."),
            )
        self._named = self._named or named
        if not self.baseline:
            self.baseline = self._named or names[0]
        if self.baseline not in names:
            message = tr("the baseline {name!r} is not a variant", name=self.baseline)
            if len(self.videos) > 1:
                message = tr("the baseline {name!r} is not a variant in {video}", name=self.baseline, video=video.name)
            raise UserError(message, remedy=tr("Variants: {names}.", names=", ".join(names)))
        return self.baseline

    def all_notes(self) -> list[str]:
        """What limits the metrics, and where the classes of the videos differ."""
        if len({frozenset(name.casefold() for name in classes) for _, classes in self._classes}) < 2:
            return self._notes
        lists = [
            tr("{video}: {classes}", video=name, classes=", ".join(classes) or tr("none"))
            for name, classes in self._classes
        ]
        notes = [
            *self._notes,
            tr("the ground truth of the videos has different classes ({lists})", lists="; ".join(lists)),
        ]
        if self._is_classless:
            notes.append(tr("some boxes have no class, so AP treats all boxes of all videos as one class"))
        return notes
