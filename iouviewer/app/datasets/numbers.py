"""Computes the numbers of a dataset in a thread: the progress of every source, then its scores, then all together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.jobs.background_task import BackgroundTask
from iouviewer.app.memory import release_freed_memory
from iouviewer.app.projects.locations import ProjectRegistry, project_at
from iouviewer.document.dataset import Dataset, DatasetSource, SourceProgress
from iouviewer.errors import UserError
from iouviewer.jobs.dataset import (
    ClassCounts,
    MeasuredSource,
    files_state,
    measure_source,
    pooled_classes,
    pooled_scores,
    state_of,
    unread_video,
)
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import GateResult, GateVideo, UnreadVideo, judge
from iouviewer.jobs.partials import PooledScores

MAX_KEPT_BOXES = 2_000_000
"""Boxes of sources that stay in memory for the next verdict; the others are read again when their turn comes."""


@dataclass(frozen=True, slots=True)
class SourceFound:
    """What was found about a source.

    Attributes:
        is_there: whether its video exists.
        project: path of its project, empty for none.
        progress: None where there is no project or it cannot be read.
        error: why it cannot be read, empty without a reason.
        measured: None while only the progress is known.
    """

    id: int
    is_there: bool
    project: str = ""
    progress: SourceProgress | None = None
    error: str = ""
    measured: MeasuredSource | None = None


@dataclass(frozen=True, slots=True)
class Pooled:
    """The verdict on all included sources.

    Attributes:
        result: None where ``error`` says why there is none.
        scores: of each variant on all of them.
        classes: boxes, tracks and problems by class name.
        request: how they were compared.
    """

    result: GateResult | None
    error: str = ""
    scores: Mapping[str, PooledScores] = field(default_factory=dict)
    classes: Mapping[str, ClassCounts] = field(default_factory=dict)
    request: EvalRequest | None = None


class DatasetNumbers(QObject):
    """Runs one computation at a time; a later request takes the place of the one before.

    Signals:
        found(list[SourceFound]): of some sources, those that were finished since the last time.
        pooled(Pooled): of all included sources; the last answer to a request that measures.
        progressed(float): share of the work that is done, 1.0 at the end.
    """

    found = Signal(object)
    pooled = Signal(object)
    progressed = Signal(float)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._task = BackgroundTask("dataset", self)
        self._task.progressed.connect(self._take)
        self._task.finished.connect(self._on_task_finished)
        self._task.failed.connect(self._on_task_failed)
        self._answers: deque[SourceFound | Pooled] = deque()
        self._kept: dict[int, MeasuredSource] = {}

    @property
    def is_running(self) -> bool:
        """Whether answers will follow."""
        return self._task.is_running

    def refresh(self, dataset: Dataset, request: EvalRequest | None) -> None:
        """Read the progress of all sources; with a request, measure those whose numbers are out of date, and all.

        Args:
            request: how to compare; None: only the progress.
        """
        answers: deque[SourceFound | Pooled] = deque()
        self._answers = answers
        self._kept = {id: one for id, one in self._kept.items() if dataset.find(id) is not None}
        work = _Work(dataset, request, dict(self._kept), answers.append)
        self._task.start(work.run)

    def close(self) -> None:
        """Stop and end the thread."""
        self._task.close()

    def _take(self, share: float) -> None:
        found: list[SourceFound] = []
        pooled: list[Pooled] = []
        while self._answers:
            answer = self._answers.popleft()
            if isinstance(answer, Pooled):
                pooled.append(answer)
                continue
            if answer.measured is not None:
                self._kept[answer.id] = answer.measured
            found.append(answer)
        if found:
            self.found.emit(found)
        for one in pooled:
            self.pooled.emit(one)
        self.progressed.emit(share)

    def _on_task_finished(self, _result: object) -> None:
        self._take(1.0)

    def _on_task_failed(self, error: UserError) -> None:
        self._answers.append(Pooled(None, str(error)))
        self._take(1.0)


@dataclass(frozen=True, slots=True)
class _Work:
    """One request, in the thread."""

    dataset: Dataset
    request: EvalRequest | None
    kept: dict[int, MeasuredSource]
    send: Callable[[SourceFound | Pooled], None]

    def run(self, report: Callable[[float], None], is_cancelled: Callable[[], bool]) -> object:
        """Read, measure and judge; the answers go to ``send``."""
        registry = ProjectRegistry()
        sources = []
        for one in self.dataset.sources:
            if is_cancelled():
                return None
            found = read_source(one, registry)
            self.send(found)
            sources.append(replace(one, project=found.project or one.project, progress=found.progress))
        if self.request is not None:
            self._measure(self.request, sources, report, is_cancelled)
        return True

    def _measure(
        self,
        request: EvalRequest,
        sources: list[DatasetSource],
        report: Callable[[float], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        names = self.dataset.names()
        measured: dict[int, MeasuredSource | UserError] = {}
        boxes = 0
        for number, one in enumerate(sources):
            report(number / (len(sources) + 1))
            if is_cancelled():
                return
            try:
                found = self._measured(one, names[one.id], request, is_kept=boxes < MAX_KEPT_BOXES)
                measured[one.id] = found
                boxes += found.box_count
            except UserError as error:
                measured[one.id] = error
                if one.project or one.truth_file:
                    self.send(SourceFound(one.id, Path(one.path).exists(), one.project, one.progress, str(error)))
        self.send(self._pool(sources, measured, request, is_cancelled))
        release_freed_memory()

    def _measured(self, source: DatasetSource, name: str, request: EvalRequest, *, is_kept: bool) -> MeasuredSource:
        state, kept = state_of(source, request), self.kept.get(source.id)
        if kept is None or not state or kept.numbers.state != state:
            kept = measure_source(source, name, request)
        elif kept.video is not None:
            kept = replace(kept, video=replace(kept.video, name=name))
        if not is_kept:
            kept = replace(kept, video=None)  # read again for the verdict on all sources
        progress = kept.progress or source.progress
        self.send(SourceFound(source.id, Path(source.path).exists(), source.project, progress, "", kept))
        return kept

    def _pool(
        self,
        sources: list[DatasetSource],
        measured: dict[int, MeasuredSource | UserError],
        request: EvalRequest,
        is_cancelled: Callable[[], bool],
    ) -> Pooled:
        names, included = self.dataset.names(), [one for one in sources if one.included]
        known = [measured[one.id] for one in included]
        found_all = [one for one in known if isinstance(one, MeasuredSource)]
        whole = len(found_all) == len(known)
        pooled = Pooled(
            None, "", pooled_scores(found_all) if whole else {}, pooled_classes(found_all) if whole else {}, request
        )
        videos: list[GateVideo | UnreadVideo] = []
        for one, found in zip(included, known, strict=True):
            if isinstance(found, UserError):
                return replace(pooled, error=str(found))
            if found.refused is not None:
                return replace(pooled, error=str(found.refused))
            try:
                unread = unread_video(one, names[one.id], request)
            except UserError as error:
                return replace(pooled, error=str(error))
            videos.append(unread if found.video is None else replace(found.video, request=request))
        if not videos:
            return pooled

        def stop(done: int, total: int, label: str = "") -> None:  # noqa: ARG001 - the names are part of the protocol
            if is_cancelled():
                raise InterruptedError

        try:
            return replace(pooled, result=judge(videos, request.margins, stop))
        except InterruptedError:
            return pooled  # nobody waits for it any more
        except UserError as error:
            return replace(pooled, error=str(error))


def read_source(source: DatasetSource, registry: ProjectRegistry) -> SourceFound:
    """The progress of one source from its project, which is not opened."""
    from iouviewer.project.progress import read_progress

    video = Path(source.path)
    project = project_at(video, registry, Path(source.project) if source.project else None)
    if project is None:
        progress = source.progress
        is_current = progress is not None and progress.state == files_state(source)
        return SourceFound(source.id, video.exists(), "", progress if is_current else None)
    try:
        return SourceFound(source.id, video.exists(), str(project), read_progress(project))
    except UserError as error:
        return SourceFound(source.id, video.exists(), str(project), None, str(error))
