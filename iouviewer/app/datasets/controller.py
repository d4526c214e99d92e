"""The open dataset: its file, which of its sources is shown, and what is known of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.document.dataset import Dataset, DatasetSource, SourceNumbers, SourceProgress
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.dataset_file import SUFFIX, DatasetFile

KnownSource = tuple[str, SourceProgress | None, SourceNumbers | None]
"""Path of its project, its progress and its numbers; empty and None where they are not known."""
SAVE_MS = 1000
"""Delay after which new numbers are written; changes that a person makes are written at once."""


class DatasetController(QObject):
    """Keeps the open dataset in its file. Used from the UI thread.

    The boxes of a source stay in its own project, which ``ProjectController`` opens and saves as for a single video.

    Signals:
        changed(): the sources, or something that is known of them, are other ones; also when a dataset is opened.
        listChanged(): a person changed the list, what counts, or the baseline; also when a dataset is opened.
        opened(str): path of the dataset that was opened or created.
        sourceRequested(DatasetSource): open this source.
        saveFailed(UserError): the file could not be written; the dataset is unchanged on disk.
    """

    changed = Signal()
    listChanged = Signal()
    opened = Signal(str)
    sourceRequested = Signal(object)
    saveFailed = Signal(object)

    def __init__(self, session: Session, projects: ProjectController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.dataset = Dataset()
        self._session, self._projects = session, projects
        self._file: DatasetFile | None = None
        self._timer = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._timer.timeout.connect(self.save)
        projects.ready.connect(self._on_video_shown)
        projects.projectOpened.connect(self._on_project_opened)

    # State

    @property
    def path(self) -> Path | None:
        """The file, None while no dataset is open."""
        return None if self._file is None else self._file.path

    @property
    def name(self) -> str:
        """Name of the file without its suffix; empty while no dataset is open."""
        return "" if self._file is None else self._file.path.stem

    @property
    def has_several(self) -> bool:
        """Whether there is more than one source, so that there is something to show besides the video."""
        return len(self.dataset) > 1

    @property
    def current(self) -> DatasetSource | None:
        """The source that the window shows; None if it shows something else."""
        return self.dataset.find(self.dataset.current) if self._file is not None else None

    # Opening

    def open(self, path: Path) -> None:
        """Open a dataset and show the source shown last; ``sourceRequested`` follows unless it has none.

        Raises:
            UserError: the file cannot be read; what was open stays open.
        """
        file = DatasetFile(path)
        dataset = file.read()
        self.close()
        self._file, self.dataset = file, dataset
        self.opened.emit(str(file.path))
        self._announce()
        start = dataset.find(dataset.current) or next(iter(dataset.sources), None)
        if start is not None:
            self.show(start.id)

    def create(self, path: Path, sources: Iterable[DatasetSource]) -> None:
        """Create a dataset of these sources and show the first one.

        Raises:
            UserError: the file exists or cannot be written; what was open stays open.
        """
        file, dataset = DatasetFile(path), Dataset().with_added(sources)
        file.write(dataset)
        self.close()
        self._file, self.dataset = file, dataset
        self.opened.emit(str(file.path))
        self._announce()
        if dataset.sources:
            self.show(dataset.sources[0].id)

    def close(self) -> None:
        """Write what is not written yet and leave the dataset; the video stays open."""
        if self._file is None:
            return
        self.finish()
        self._file, self.dataset = None, Dataset()
        self._announce()

    def finish(self) -> None:
        """Write what is not written yet, because the window closes."""
        self._remember_frame()
        self.save()

    # Sources

    def require_saved(self) -> None:
        """Write what is edited in the source that is shown; UserError if it cannot be written."""
        if self.current is not None:
            self._projects.require_saved()

    def show(self, id: int) -> None:
        """Show a source: what is edited in the one before it is saved first.

        Raises:
            UserError: that cannot be saved, so the source before it stays; or the source is absent.
        """
        source = self.dataset.find(id)
        if source is None:
            return
        if not Path(source.path).exists():
            raise UserError(
                tr("{name} is not there", name=self.dataset.names()[id]),
                path=source.path,
                remedy=tr("Its numbers stay. Move it back, or remove it from the dataset and add it again."),
            )
        if id != self.dataset.current:
            self._projects.require_saved()
            self._remember_frame()
        self.sourceRequested.emit(source)

    def step(self, by: int, passes: Callable[[DatasetSource], bool] = lambda _source: True) -> bool:
        """Show the next (1) or previous (-1) source that passes and is there, beyond an end from the other one.

        Returns:
            Whether there was one.

        Raises:
            UserError: as ``show``.
        """
        sources, count = self.dataset.sources, len(self.dataset)
        start = self.dataset.position(self.dataset.current)
        for number in range(1, count):
            one = sources[(start + by * number) % count]
            if passes(one) and Path(one.path).exists():
                self.show(one.id)
                return True
        return False

    def add(self, sources: Iterable[DatasetSource]) -> int:
        """Add sources at the end; the number of those that were not listed yet."""
        before = len(self.dataset)
        self._change(self.dataset.with_added(sources))
        return len(self.dataset) - before

    def remove(self, ids: Collection[int]) -> None:
        """Remove sources from the list. Their videos and projects stay."""
        self._change(self.dataset.without(ids))

    def move(self, id: int, by: int) -> None:
        """Move a source so many places down."""
        self._change(self.dataset.moved(id, by))

    def set_tags(self, ids: Collection[int], tags: Iterable[str]) -> None:
        """Give sources these tags in place of theirs; UserError for a tag with a comma."""
        self._change(self.dataset.with_tags(ids, tags))

    def include(self, ids: Collection[int], included: bool) -> None:
        """Count sources in the numbers of all together, or leave them out."""
        dataset = self.dataset
        for id in ids:
            dataset = dataset.changed(id, lambda one: replace(one, included=included))
        self._change(dataset)

    def choose_baseline(self, name: str) -> None:
        """Compare with this variant on all sources."""
        self._change(replace(self.dataset, chosen_baseline=name))

    def set_known(self, known: Mapping[int, KnownSource]) -> None:
        """Keep what was found about sources, by id; what is unknown now stays as it was known last."""

        def change(one: DatasetSource) -> DatasetSource:
            project, progress, numbers = known.get(one.id, ("", None, None))
            return replace(
                one,
                project=project or one.project,
                progress=progress or one.progress,
                numbers=numbers or one.numbers,
            )

        dataset = replace(self.dataset, sources=tuple(map(change, self.dataset.sources)))
        if dataset != self.dataset:
            self.dataset = dataset
            self._timer.start()
            self.changed.emit()

    def files_imported(self) -> None:
        """The files that came with the current source are in its project now."""
        current = self.current
        if current is not None and (current.truth_file or current.prediction_files):
            self._change(self.dataset.changed(current.id, lambda one: replace(one, truth_file="", prediction_files=())))

    # Saving

    def _change(self, dataset: Dataset) -> None:
        if dataset != self.dataset:
            self.dataset = dataset
            self.save()
            self._announce()

    def _announce(self) -> None:
        self.changed.emit()
        self.listChanged.emit()

    def save(self) -> None:
        """Write the file now; ``saveFailed`` says why it could not be written."""
        self._timer.stop()
        if self._file is None:
            return
        try:
            self._file.write(self.dataset)
        except UserError as error:
            self.saveFailed.emit(error)

    def _remember_frame(self) -> None:
        current, session = self.current, self._session
        if current is not None and session.frame_count and session.source.path == current.path:
            frame = session.current_frame
            self.dataset = self.dataset.changed(current.id, lambda one: replace(one, last_frame=frame))

    # What the window opens

    def _on_video_shown(self) -> None:
        """A video is shown with its project; before that, its project may still name another place of it."""
        path = self._session.source.path
        if self._file is None or not self._session.frame_count or not path:
            return
        source = self.dataset.at(path)
        if source is None:
            # Another video was opened: the dataset is left, and is found again among the recent files.
            self.close()
            return
        project = str(self._projects.path or source.project)
        dataset = replace(self.dataset, current=source.id)
        dataset = dataset.changed(source.id, lambda one: replace(one, project=project))
        if dataset != self.dataset:
            self.dataset = dataset
            self._timer.start()
            self.changed.emit()

    def _on_project_opened(self, path: str) -> None:
        current = self.current
        if current is not None and self._session.source.path == current.path and current.project != path:
            self.dataset = self.dataset.changed(current.id, lambda one: replace(one, project=path))
            self._timer.start()


def new_dataset_path(sources: Iterable[DatasetSource]) -> Path:
    """An unused path for a dataset of these sources: in the folder that they share, named after it.

    Where that folder cannot be written or is the whole disk, in the user's data folder.
    """
    parents = [Path(one.path).parent for one in sources]
    shared = parents[0]
    while not all(parent.is_relative_to(shared) for parent in parents):
        shared = shared.parent
    own = folders.data_folder() / "datasets"
    places = [own] if shared == Path(shared.anchor) else [shared, own]
    for folder in places:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if not os.access(folder, os.W_OK):
            continue
        name = shared.name or tr("dataset")
        for number in range(1, 1000):
            path = folder / f"{name}{f' {number}' if number > 1 else ''}{SUFFIX}"
            if not path.exists():
                return path
    raise UserError(tr("no folder for the dataset can be written"), path=shared)
