"""Loads a project, with its scores, outside the UI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session_values import InitialScores
from iouviewer.app.projects.recovery import OpenedProject, open_or_recover
from iouviewer.app.settings import score_settings_from_json
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.sources import Source
from iouviewer.errors import UserError

MAX_SYNCHRONOUS_BYTES = 1 << 20
"""Projects up to this size are loaded in the UI thread, which takes about twenty milliseconds."""

_READ_SHARE = 0.7
"""Share of the loading time that reading takes; the rest is scoring."""


class LoadCancelledError(Exception):
    """Loading was cancelled."""


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project ready to be shown: its source's id and the variants with their scores."""

    opened: OpenedProject
    source: int
    scores: InitialScores


def load_project(
    path: Path, settings: ScoreSettings, progress: Callable[[float], None], *, take_over: bool = False
) -> LoadedProject:
    """Open a project in any state and score its variants.

    Args:
        settings: score settings if the project stores none.
        progress: called with a share from 0 to 1; an exception it raises ends the loading and closes the project.
        take_over: as in ``open_or_recover``.

    Raises:
        UserError: it cannot be opened.
    """

    def show(done: int, total: int) -> None:
        progress(_READ_SHARE * done / total if total else 0.0)

    opened = open_or_recover(path, show, take_over=take_over)
    try:
        contents = opened.contents
        document = contents.document
        if not document.sources:
            document.add_source(Source(0, "", "", 0, 0, 0))
        source = min(document.sources)
        settings = score_settings_from_json(contents.settings.get("scores"), settings)
        scores = Scores(document.ground_truth(source), settings)
        for number, variant in enumerate(contents.variants):
            progress(_READ_SHARE + (1 - _READ_SHARE) * number / len(contents.variants))
            scores.set_variant(variant.key, variant.predictions)
        progress(1.0)
    except BaseException:
        opened.discard()
        raise
    return LoadedProject(opened, source, InitialScores(scores, contents.variants, contents.baseline))


class ProjectLoader(QObject):
    """Loads one project at a time; the latest request wins. Used from the UI thread.

    Signals, in the UI thread:
        progress(str, float): file name and a share from 0 to 1; not emitted for small projects.
        loaded(LoadedProject): the receiver owns the open file.
        failed(UserError): the project cannot be opened.
    """

    progress = Signal(str, float)
    loaded = Signal(object)
    failed = Signal(object)
    _advanced = Signal(int, float)
    _finished = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._name = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._results: dict[int, LoadedProject | UserError] = {}
        self._last_share = 0.0
        self._advanced.connect(self._on_advanced)
        self._finished.connect(self._on_finished)

    @property
    def busy(self) -> bool:
        """Whether a project is being loaded."""
        return bool(self._name)

    def load(self, path: Path, settings: ScoreSettings, *, take_over: bool = False) -> None:
        """Load a project; ``loaded`` or ``failed`` follows, for small files before this method returns."""
        self.cancel()
        if _size_of(path) <= MAX_SYNCHRONOUS_BYTES:
            try:
                loaded = load_project(path, settings, lambda _share: None, take_over=take_over)
            except UserError as error:
                self.failed.emit(error)
                return
            self.loaded.emit(loaded)
            return
        self._name, self._last_share = path.name, 0.0
        self._stop = threading.Event()
        work = (self._number, path, settings, self._stop, self._thread, take_over)
        self._thread = threading.Thread(target=self._run, args=work, name="project")
        self.progress.emit(self._name, 0.0)
        self._thread.start()

    def cancel(self) -> None:
        """Stop loading and close the file."""
        with self._lock:
            self._stop.set()
            self._number += 1
            unused = list(self._results.values())
            self._results.clear()
        self._name = ""
        for result in unused:
            _discard(result)

    def wait(self) -> None:
        """Wait until the thread has ended; its result may still be in the event loop."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Stop loading and wait for the thread, which checks every few thousand rows and after every variant."""
        self.cancel()
        self.wait()
        self._thread = None

    def _run(
        self,
        number: int,
        path: Path,
        settings: ScoreSettings,
        stop: threading.Event,
        before: threading.Thread | None,
        take_over: bool,
    ) -> None:
        if before is not None:
            # The previous result may hold the same file, which is locked until it is closed.
            before.join()

        def advance(share: float) -> None:
            if stop.is_set():
                raise LoadCancelledError
            self._advanced.emit(number, share)

        result: LoadedProject | UserError
        try:
            result = load_project(path, settings, advance, take_over=take_over)
        except LoadCancelledError:
            return
        except UserError as error:
            result = error
        with self._lock:
            is_current = not stop.is_set()
            if is_current:
                self._results[number] = result
        if is_current:
            self._finished.emit(number)
        else:
            _discard(result)

    def _on_advanced(self, number: int, share: float) -> None:
        if number == self._number and share >= self._last_share + 0.01:
            self._last_share = share
            self.progress.emit(self._name, share)

    def _on_finished(self, number: int) -> None:
        with self._lock:
            result = self._results.pop(number, None)
        if result is None:
            return
        self._name = ""
        if isinstance(result, LoadedProject):
            self.loaded.emit(result)
        else:
            self.failed.emit(result)


def _discard(result: LoadedProject | UserError) -> None:
    if isinstance(result, LoadedProject):
        result.opened.discard()


def _size_of(path: Path) -> int:
    """Bytes of a project file and its write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    return sum(file.stat().st_size for file in (path, log) if file.is_file())
