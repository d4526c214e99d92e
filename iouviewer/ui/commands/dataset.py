"""Commands on the sources of a dataset: open, add, switch, arrange, review over all, and one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QWidget

from iouviewer.app.datasets.controller import DatasetController, new_dataset_path
from iouviewer.app.editing.session import Session
from iouviewer.app.settings import Settings
from iouviewer.document.dataset import DatasetSource
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.dataset import is_dataset
from iouviewer.jobs.dataset_report import write_dataset_report
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.dataset.dataset_view import DatasetView
from iouviewer.ui.dataset.found_sources import FoundSources, find_sources, has_parts
from iouviewer.ui.dataset.presenter import DatasetPresenter
from iouviewer.ui.dialogs.dataset_sheet import Choice, DatasetSheet
from iouviewer.ui.dialogs.input_dialogs import confirm
from iouviewer.ui.tables.problems_model import ProblemsModel
from iouviewer.ui.theme import popup_menu

_MENU = ("openSource", "compareSource", "", "includeSource", "sourceTags", "", "sourceUp", "sourceDown", "removeSource")
"""Commands of a source's context menu; an empty id is a line."""
_REPORT_FILTER = tr("Report (*.html);;Markdown (*.md);;JUnit XML (*.xml);;Text (*.txt)")
_POLL_MS = 30
_MOST_IN_MENU = 30
"""Sources in the menu of the switcher; more are in the Dataset workspace and the palette."""


class DatasetCommands(QObject):
    """Group ``dataset``.

    Signals:
        failed(UserError): something could not be done.
        openRequested(DatasetSource): show this source.
        videoRequested(list[Path]): open these as a single video.

    Attributes:
        actions, show_correct, show_compare: set by the window.
    """

    failed = Signal(object)
    openRequested = Signal(object)
    videoRequested = Signal(object)

    actions: ActionSet
    show_correct: Callable[[], None]
    show_compare: Callable[[], None]

    def __init__(
        self,
        window: QWidget,
        session: Session,
        controller: DatasetController,
        presenter: DatasetPresenter,
        view: DatasetView,
        problems: ProblemsModel,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._controller = window, session, controller
        self._presenter, self._view, self._problems, self._settings = presenter, view, problems, settings
        self._by = 0
        self._tried: set[int] = set()
        self._waits_for_problems = False
        self._thresholds = session.scores.settings
        # Polled: a search is scheduled some time after its source is shown.
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._on_poll_timeout)
        controller.sourceRequested.connect(self._on_source_requested)
        controller.opened.connect(self._on_opened)
        controller.saveFailed.connect(self.failed)
        table = view.sources
        table.opened.connect(self.open_source)
        table.includePressed.connect(self.toggle_included)
        table.tagsPressed.connect(self.edit_tags)
        table.removePressed.connect(self.remove)
        table.movePressed.connect(self.move)
        table.menuWanted.connect(self._show_menu)
        view.deciding.reviewRequested.connect(self.review_source)
        view.deciding.compareRequested.connect(self.compare_source)

    # Opening

    def offer(self, paths: Sequence[Path]) -> bool:
        """Open a dataset among the paths, or ask about several sources.

        Returns:
            False for a single video and its files, and for one folder of a data set, whose parts are shown first.
        """
        path = paths[0] if len(paths) == 1 else None
        if path is not None and not is_dataset(path) and (path.is_file() or has_parts(path)):
            return False
        return self.ask(paths)

    def ask(self, paths: Sequence[Path]) -> bool:
        """Open a dataset among the paths, or ask about their sources; False with fewer than two of them."""
        found = find_sources(path.absolute() for path in paths)
        if found.datasets:
            self._try(partial(self._controller.open, found.datasets[0]))
            return True
        if len(found.sources) < 2:
            return False
        self._ask(found)
        return True

    def _on_opened(self, path: str) -> None:
        self._settings.add_recent(path)

    def _ask(self, found: FoundSources) -> None:
        try:
            proposed = new_dataset_path(found.sources)
        except UserError as error:
            self.failed.emit(error)
            return
        sheet = DatasetSheet(self._window, found, proposed, open_name=self._controller.name)
        sheet.accepted.connect(partial(self._on_sheet_accepted, sheet))
        sheet.finished.connect(sheet.deleteLater)
        sheet.open()

    def _on_sheet_accepted(self, sheet: DatasetSheet) -> None:
        sources = sheet.sources()
        if sheet.choice is Choice.ONE:
            self.videoRequested.emit([Path(sources[0].project or sources[0].path)])
        elif sheet.choice is Choice.ADD:
            self._report_added(self._controller.add(sources))
        else:
            self._try(partial(self._controller.create, sheet.path(), sources))

    def _report_added(self, count: int) -> None:
        text = tr_n("{count} source added", "{count:,} sources added", count)
        self._session.statusMessage.emit(text if count else tr("All of them are listed already"))

    def _try(self, run: Callable[[], object]) -> bool:
        try:
            run()
        except UserError as error:
            self.failed.emit(error)
            return False
        return True

    def add_files(self) -> None:
        """Choose videos, lists, projects or data sets to add."""
        paths, _ = QFileDialog.getOpenFileNames(self._window, tr("Add sources"), self._settings.folder("video"))
        self._add([Path(path) for path in paths])

    def add_folder(self) -> None:
        """Choose a folder of videos or images to add."""
        path = QFileDialog.getExistingDirectory(self._window, tr("Add folder"), self._settings.folder("video"))
        self._add([Path(path)] if path else [])

    def _add(self, paths: Sequence[Path]) -> None:
        if not paths:
            return
        self._settings.remember_folder("video", paths[0])
        found = find_sources(path.absolute() for path in paths)
        if not found.sources:
            reason = found.left_out[0][1] if found.left_out else tr("no video or image was found")
            self.failed.emit(UserError(reason, path=paths[0]))
            return
        if self._controller.path is None:
            # The video that is open is the first source of a new dataset.
            shown = DatasetSource(-1, self._session.source.path) if self._session.source.path else None
            first = [] if shown is None or any(one.path == shown.path for one in found.sources) else [shown]
            found = FoundSources((*first, *found.sources), found.left_out)
            self._ask(found)
        elif len(found.sources) == 1 and not found.left_out:
            self._report_added(self._controller.add(found.sources))
        else:
            self._ask(found)

    def close_dataset(self) -> None:
        """Leave the dataset; the video stays open."""
        name = self._controller.name
        self._controller.close()
        if name:
            self._session.statusMessage.emit(tr("Left the dataset {name}. It is among the recent files", name=name))

    # Switching

    def step(self, by: int) -> None:
        """Show the next (1) or previous (-1) source in the same workspace."""
        self._by = 0
        if not self._controller.step(by):
            self._session.statusMessage.emit(tr("No other source is there"))

    def show_source(self, id: int) -> None:
        """Show a source in the same workspace."""
        self._by = 0
        self._try(partial(self._controller.show, id))

    def _on_source_requested(self, source: DatasetSource) -> None:
        self._thresholds = self._session.scores.settings
        if self._problems.complete:
            self._presenter.keep_problems(sum(self._problems.problems.count_open().values()))
        self.openRequested.emit(source)

    def on_shown(self) -> None:
        """A source is shown, and the files that came with it are in its project: go on as before."""
        current = self._controller.current
        if current is None:
            return
        self._controller.files_imported()
        self._keep_thresholds()
        self._presenter.refresh()
        row = self._view.model.row_of(current.id)
        if row >= 0:
            self._view.sources.selectRow(row)
        if self._by:
            self._poll.start()

    def _keep_thresholds(self) -> None:
        """Thresholds belong to the work on all sources; what a project counts as a pixel's edge stays its own."""
        settings, kept = self._session.scores.settings, self._thresholds
        review = replace(
            settings.review,
            conf=kept.review.conf,
            iou=kept.review.iou,
            class_agnostic=kept.review.class_agnostic,
        )
        changed = replace(settings, review=review, target=kept.target)
        if (changed.review, changed.target) != (settings.review, settings.target):
            self._session.set_score_settings(changed)

    # Reviewing over all sources

    def cross(self, by: int) -> bool:
        """Go on with the problems of the next (1) or previous (-1) source that has any; False if there is none."""
        current = self._controller.current
        if current is None or not self._controller.has_several:
            return False
        if not self._by:
            self._tried = set()
        self._tried.add(current.id)

        def has_problems(source: DatasetSource) -> bool:
            return source.id not in self._tried and self._presenter.problems_of(source) != 0

        self._by = by
        try:
            if self._controller.step(by, has_problems):
                return True
        except UserError as error:
            self.failed.emit(error)
        self._by = 0
        self._session.statusMessage.emit(tr("No other source has open problems"))
        return False

    def review_source(self, id: int) -> None:
        """Show a source in Correct at its first problem."""
        self.show_correct()
        self._by, self._tried = 1, {one.id for one in self._controller.dataset.sources}
        if id == self._controller.dataset.current:
            self._poll.start()
        elif not self._try(partial(self._controller.show, id)):
            self._by = 0

    def _on_poll_timeout(self) -> None:
        if not self._problems.complete:
            return
        self._poll.stop()
        by, self._by = self._by, 0
        if by and self._problems.count:
            self.actions["nextProblem" if by > 0 else "previousProblem"].trigger()
        elif by:
            self._by = by
            self.cross(by)

    # The selected sources

    def _selected(self) -> list[int]:
        return self._view.sources.selected_ids()

    def open_source(self) -> None:
        """Show the selected source in Correct at its first problem."""
        ids = self._selected()
        if ids:
            self.review_source(ids[0])

    def compare_selected(self) -> None:
        """Show the selected source in Compare."""
        ids = self._selected()
        if ids:
            self.compare_source(ids[0])

    def compare_source(self, id: int) -> None:
        """Show a source in Compare."""
        if self._try(partial(self._controller.show, id)):
            self.show_compare()

    def toggle_included(self) -> None:
        """Count the selected sources in the numbers of all, or leave them out."""
        ids = self._selected()
        chosen = [one for one in map(self._controller.dataset.find, ids) if one is not None]
        self._controller.include(ids, not all(one.included for one in chosen))

    def edit_tags(self) -> None:
        """Ask for the tags of the selected sources."""
        ids = self._selected()
        first = self._controller.dataset.find(ids[0]) if ids else None
        if first is None:
            return
        name = self._controller.dataset.names()[first.id]
        title = name if len(ids) == 1 else tr_n("{count} source", "{count:,} sources", len(ids))
        text, is_accepted = QInputDialog.getText(
            self._window,
            tr("Tags of {name}", name=title),
            tr("Tags, separated by commas"),
            text=", ".join(first.tags),
        )
        if is_accepted:
            self._try(partial(self._controller.set_tags, ids, text.split(",")))

    def move(self, by: int) -> None:
        """Move the selected source up (-1) or down (1)."""
        ids = self._selected()
        if self._view.model.is_sorted:
            text = tr("The sources are sorted by a column. Click its title until the arrow is gone, then arrange them")
            self._session.statusMessage.emit(text)
        elif ids:
            self._controller.move(ids[0], by)

    def remove(self) -> None:
        """Remove the selected sources from the dataset, after a question."""
        ids = self._selected()
        if not ids:
            return
        names = self._controller.dataset.names()
        title = tr("Remove {name} from the dataset?", name=names[ids[0]])
        if len(ids) > 1:
            title = tr_n("Remove {count} source?", "Remove {count:,} sources?", len(ids))
        text = tr("Its video, project and boxes stay where they are. Only the list forgets it, with its tags.")
        if confirm(self._window, title=title, text=text, button=tr("Remove")):
            self._controller.remove(ids)

    def _show_menu(self, place: QPoint) -> None:
        menu = popup_menu("", self._view.sources)
        for id in _MENU:
            if id:
                menu.addAction(self.actions[id])
            else:
                menu.addSeparator()
        menu.exec(place)
        menu.deleteLater()

    # Lists of sources elsewhere

    def fill_switcher(self, menu: QMenu) -> None:
        """Put the sources at the top of a menu, each with what is left to do."""
        for action in menu.actions():
            if action.property("source") is not None:
                menu.removeAction(action)
                action.deleteLater()
        dataset = self._controller.dataset
        first = menu.actions()[0] if menu.actions() else None
        if first is None or not self._controller.has_several:
            return
        added = []
        for one in dataset.sources[:_MOST_IN_MENU]:
            action = menu.addAction(self.title_of(one).replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(one.id == dataset.current)
            action.triggered.connect(partial(self._on_switch_triggered, one.id))
            added.append(action)
        if len(dataset) > _MOST_IN_MENU:
            action = menu.addAction(tr("All {count:,} sources…", count=len(dataset)))
            action.triggered.connect(self.actions["dataset"].trigger)
            added.append(action)
        added.append(menu.addSeparator())
        for action in added:
            action.setProperty("source", True)
            menu.removeAction(action)
            menu.insertAction(first, action)

    def _on_switch_triggered(self, id: int, _checked: bool = False) -> None:
        self.show_source(id)

    def title_of(self, source: DatasetSource) -> str:
        """Name of a source and what is left to do there: ``vtest.avi · 212 problems · 17 % verified``."""
        return " · ".join(filter(None, (self._controller.dataset.names()[source.id], self.facts_of(source))))

    def facts_of(self, source: DatasetSource) -> str:
        """What is left to do on a source."""
        parts = []
        problems, progress = self._presenter.problems_of(source), source.progress
        if problems:
            parts.append(tr_n("{count} problem", "{count:,} problems", problems))
        if progress is not None and progress.frames:
            parts.append(tr("{share:d} % verified", share=100 * progress.verified // progress.frames))
        return " · ".join(parts)

    def sources(self) -> tuple[DatasetSource, ...]:
        """The sources, for the palette; none without a dataset of several."""
        return self._controller.dataset.sources if self._controller.has_several else ()

    # The report

    def report(self) -> None:
        """Write one report on all included sources."""
        pooled = self._presenter.pooled
        result, request = pooled.result, pooled.request
        if result is None or request is None:
            reason = pooled.error or tr("the numbers are still being computed")
            self.failed.emit(UserError(reason, remedy=tr("Open the Dataset workspace and wait for its verdict.")))
            return
        dataset, name = self._controller.dataset, self._controller.name
        place = self._controller.path
        folder = Path(self._settings.folder("export") or (place.parent if place is not None else ""))
        path, _ = QFileDialog.getSaveFileName(
            self._window, tr("Report on all sources"), str(folder / f"{name}-report.html"), _REPORT_FILTER
        )
        if not path:
            return
        self._settings.remember_folder("export", path)
        if self._try(partial(write_dataset_report, Path(path), dataset, name, result, pooled.scores, request)):
            self._session.statusMessage.emit(tr("Exported {name}", name=Path(path).name))

    def close(self) -> None:
        """Stop what runs, and write the dataset."""
        self._poll.stop()
        self._presenter.close()
        self._controller.finish()
