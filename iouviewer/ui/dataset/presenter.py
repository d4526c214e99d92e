"""Shows the open dataset: its numbers in the workspace, and its sources in the top bar."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer.app.datasets.controller import DatasetController, KnownSource
from iouviewer.app.datasets.numbers import DatasetNumbers, Pooled, SourceFound
from iouviewer.app.editing.session import Session
from iouviewer.app.settings import Settings
from iouviewer.document.dataset import DatasetSource
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.dataset import FEW_SOURCES, RunFacts, ap_difference, find_deciding
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.frame_selection import VERIFIED
from iouviewer.jobs.judge import Judged
from iouviewer.ui.compare.intervals import axis_of
from iouviewer.ui.dataset.dataset_view import DatasetView
from iouviewer.ui.dataset.pooled_tables import class_rows, class_titles, model_rows
from iouviewer.ui.dataset.sources_table import PooledContent

_IDLE_MS = 400
"""Delay after the last change of a threshold before the numbers are computed."""
_UPDATE_MS = 150
"""Between two updates of the page while numbers arrive."""


class DatasetPresenter(QObject):
    """Keeps the page of the workspace current while it is shown.

    Signals:
        reported(str): a sentence for the status bar.

    Attributes:
        pooled: the last verdict on all included sources.
    """

    reported = Signal(str)

    def __init__(
        self, session: Session, controller: DatasetController, view: DatasetView, settings: Settings, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._controller, self._view, self._settings = session, controller, view, settings
        self.numbers = DatasetNumbers(self)
        self.pooled = Pooled(None)
        self._found: dict[int, SourceFound] = {}
        self._runs: dict[int, dict[str, RunFacts]] = {}
        self._variant = ""
        self._is_shown = self._is_stale = False
        self._timer = QTimer(self, singleShot=True, interval=_IDLE_MS)
        self._timer.timeout.connect(self.refresh)
        controller.listChanged.connect(self._on_list_changed)
        controller.changed.connect(self._update_soon)
        session.scoresChanged.connect(self._on_scores_changed)
        self._update_timer = QTimer(self, singleShot=True, interval=_UPDATE_MS)
        self._update_timer.timeout.connect(self.update)
        self.numbers.found.connect(self._on_sources_found)
        self.numbers.pooled.connect(self._on_pooled)
        self.numbers.progressed.connect(self._on_progressed)
        view.filterChanged.connect(view.model.filter)
        view.variantChosen.connect(self._on_variant_chosen)
        view.baselineChosen.connect(controller.choose_baseline)
        view.model.includeToggled.connect(lambda id, on: controller.include([id], on))

    # Requests

    def request(self) -> EvalRequest:
        """How sources are compared: the thresholds of the window, and the allowed drop and frames of Compare."""
        settings = self._session.scores.settings
        review = settings.review
        only_verified = self._settings.extra.get("compareFrames", "") == VERIFIED
        return EvalRequest(
            video=None,
            gt=None,
            baseline=self._controller.dataset.baseline or None,
            confidence=review.conf,
            iou_threshold=review.iou,
            convention=review.convention,
            class_agnostic=review.class_agnostic,
            frames=VERIFIED if only_verified else None,
            filter="" if settings.filter is None else settings.filter.filter.text,
            margins=self._settings.margins(),
        )

    def set_shown(self, is_shown: bool) -> None:
        """Whether the workspace is shown: only then scores are computed."""
        self._is_shown = is_shown
        if is_shown:
            self.refresh()

    def refresh(self) -> None:
        """Read the progress of all sources, and compute what is out of date while the workspace is shown."""
        self._timer.stop()
        if not len(self._controller.dataset):
            return
        if self._is_shown:
            try:
                self._controller.require_saved()
            except UserError as error:
                self.reported.emit(str(error))
        self._is_stale = self._is_shown
        self.numbers.refresh(self._controller.dataset, self.request() if self._is_shown else None)
        self.update()

    def _on_list_changed(self) -> None:
        known = {one.id for one in self._controller.dataset.sources}
        if self._controller.path is None:
            self._found, self._runs, self.pooled = {}, {}, Pooled(None)
        self._found = {id: one for id, one in self._found.items() if id in known}
        # Once for several changes that follow each other.
        self._timer.start(0)

    def _on_scores_changed(self) -> None:
        if self._is_shown and self._controller.path is not None:
            self._timer.start(_IDLE_MS)

    def _on_variant_chosen(self, name: str) -> None:
        self._variant = name
        self.update()

    # Answers

    def _on_sources_found(self, found: list[SourceFound]) -> None:
        known: dict[int, KnownSource] = {}
        for one in found:
            self._found[one.id] = one
            numbers = None
            if one.measured is not None:
                numbers, self._runs[one.id] = one.measured.numbers, dict(one.measured.runs)
            _project, _progress, before = known.get(one.id, ("", None, None))
            known[one.id] = (one.project, one.progress, numbers or before)
        self._controller.set_known(known)
        self._update_soon()

    def _update_soon(self) -> None:
        if not self._update_timer.isActive():
            self._update_timer.start()

    def _on_pooled(self, pooled: Pooled) -> None:
        self.pooled, self._is_stale = pooled, False
        self.update()

    def _on_progressed(self, share: float) -> None:
        self._view.show_progress(share if self._is_shown else None)

    # The page

    @property
    def variant(self) -> str:
        """The variant that is compared with the baseline; empty without one."""
        dataset = self._controller.dataset
        others = [name for name in dataset.variants() if name != dataset.baseline]
        return self._variant if self._variant in others else next(iter(others), dataset.baseline)

    def update(self) -> None:
        """Show everything again."""
        dataset, variant, view = self._controller.dataset, self.variant, self._view
        if not self._is_shown:
            return
        margin = self._settings.margin_points
        view.show_tags(dataset.tags)
        view.show_variants(dataset.variants(), dataset.baseline, variant)
        view.model.show(dataset, self._found, variant, margin)
        content = self._content(variant)
        delegate = view.sources.delegate
        shown = [one for one in map(view.model.difference_of, dataset.sources) if one is not None]
        delegate.axis = axis_of([*shown, *([content.difference] if content.difference else [])], margin)
        delegate.margin, delegate.is_stale = margin, self._is_stale
        view.pooled.show_content(content)
        view.sources.viewport().update()
        judged = self.judged(variant)
        view.deciding.show_deciding(None if judged is None or self._is_stale else find_deciding(dataset, judged))
        self._show_pooled_tables(variant)

    def judged(self, variant: str) -> Judged | None:
        """The verdict of a variant on all included sources."""
        result = self.pooled.result
        return None if result is None else next((one for one in result.judged if one.name == variant), None)

    def _content(self, variant: str) -> PooledContent:
        included = self._controller.dataset.included
        known = [one.progress for one in included if one.progress is not None]
        problems = [one.numbers.problems if one.numbers is not None else None for one in included]
        scores, judged = self.pooled.scores.get(variant), self.judged(variant)
        note, sentence = self._note(included), self.pooled.error
        if judged is not None:
            sentence = judged.sentence
        return PooledContent(
            len(included),
            sum(one.frames for one in known),
            sum(one.boxes for one in known),
            None if None in problems else sum(one for one in problems if one is not None),
            None if scores is None else scores.ap,
            None if judged is None else ap_difference(judged),
            None if judged is None else judged.outcome,
            note,
            sentence,
            self._is_stale,
        )

    def _note(self, included: tuple[DatasetSource, ...]) -> str:
        if self.pooled.error:
            return self.pooled.error
        if self._is_stale:
            return tr("Computing…")
        count = len(included)
        if self.pooled.result is not None and 1 < count < FEW_SOURCES:
            return tr_n("{count} source is few: a wide interval", "{count} sources are few: a wide interval", count)
        return ""

    def _show_pooled_tables(self, variant: str) -> None:
        dataset, view = self._controller.dataset, self._view
        titles = class_titles(dataset.baseline, variant)
        view.class_model.show(class_rows(self.pooled, dataset.baseline, variant), titles)
        runs: dict[str, list[RunFacts]] = {}
        for facts in self._runs.values():
            for name, one in facts.items():
                runs.setdefault(name, []).append(one)
        view.model_model.show(model_rows(dataset, self.pooled, runs))
        view.class_note.setText(
            self.pooled.error
            or tr("Classes of the included sources, matched by name. Rename, merge and order them in Box › Classes…")
        )

    def problems_of(self, source: DatasetSource) -> int | None:
        """Open problems of a source as known last; None where they were not counted."""
        return None if source.numbers is None else source.numbers.problems

    def keep_problems(self, count: int) -> None:
        """The window has counted the open problems of the current source."""
        current = self._controller.current
        if current is not None and current.numbers is not None and current.numbers.problems != count:
            numbers = replace(current.numbers, problems=count)
            self._controller.set_known({current.id: ("", None, numbers)})

    def close(self) -> None:
        """Stop the thread."""
        self._timer.stop()
        self._update_timer.stop()
        self.numbers.close()
