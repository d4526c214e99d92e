"""Loading a project, with its scores, away from the UI thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session_values import Scored
from iouviewer.app.projects.recovery import Opened, open_whatever_state
from iouviewer.app.projects.score_settings_json import scores_from_json
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.sources import Source
from iouviewer.errors import UserError

LOAD_AT_ONCE = 512 << 10
"""Bytes of a project up to which it is loaded at once: some ten milliseconds, less than a window takes to answer."""

_READING = 0.7
"""Share of the time that reading takes; the rest is scoring."""


class SupersededError(Exception):
    """What is being loaded is no longer wanted."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project ready to be shown: its source's id and the variants with their scores."""

    opened: Opened
    source: int
    scored: Scored


def load_project(path: Path, settings: ScoreSettings, progress: Callable[[float], None]) -> Loaded:
    """Open a project in whatever state it is, and score its variants.

    Args:
        settings: where the project has none of its own.
        progress: called with a share from 0 to 1; what it raises ends the loading and closes the project.

    Raises:
        UserError: it cannot be opened.
    """
    opened = open_whatever_state(path, lambda done, total: progress(_READING * done / total if total else 0.0))
    try:
        contents = opened.contents
        document = contents.document
        if not document.sources:
            document.add_source(Source(0, "", "", 0, 0, 0))
        source = min(document.sources)
        scores = Scores(document.ground_truth(source), scores_from_json(contents.settings.get("scores"), settings))
        for number, variant in enumerate(contents.variants):
            progress(_READING + (1 - _READING) * number / len(contents.variants))
            scores.set_variant(variant.key, variant.predictions)
        progress(1.0)
    except BaseException:
        opened.close_unused()
        raise
    return Loaded(opened, source, Scored(scores, contents.variants, contents.baseline))


class ProjectLoader(QObject):
    """Loads one project at a time; the latest request wins. Used from the UI thread.

    Signals, in the UI thread:
        progress(str, float): the file's name, and a share from 0 to 1. Not for small projects.
        loaded(Loaded): whoever receives it owns the open file.
        failed(UserError): it cannot be opened.
    """

    progress = Signal(str, float)
    loaded = Signal(object)
    failed = Signal(object)
    _advanced = Signal(int, float)
    _ended = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._name = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._results: dict[int, Loaded | UserError] = {}
        self._told = 0.0
        self._advanced.connect(self._on_advanced)
        self._ended.connect(self._on_ended)

    @property
    def busy(self) -> bool:
        """Whether a project is being loaded."""
        return bool(self._name)

    def load(self, path: Path, settings: ScoreSettings) -> None:
        """Load a project; ``loaded`` or ``failed`` follows, before this returns where the file is small."""
        self.cancel()
        if _size_of(path) <= LOAD_AT_ONCE:
            try:
                loaded = load_project(path, settings, lambda _share: None)
            except UserError as error:
                self.failed.emit(error)
                return
            self.loaded.emit(loaded)
            return
        self._name, self._told = path.name, 0.0
        self._stop = threading.Event()
        work = (self._number, path, settings, self._stop, self._thread)
        self._thread = threading.Thread(target=self._run, args=work, name="project")
        self.progress.emit(self._name, 0.0)
        self._thread.start()

    def cancel(self) -> None:
        """What is being loaded is no longer wanted; its file is closed."""
        with self._lock:
            self._stop.set()
            self._number += 1
            unwanted = list(self._results.values())
            self._results.clear()
        self._name = ""
        for result in unwanted:
            _close(result)

    def close(self) -> None:
        """End the loading and wait for its thread, which looks up after every few thousand rows and every variant."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(
        self, number: int, path: Path, settings: ScoreSettings, stop: threading.Event, before: threading.Thread | None
    ) -> None:
        if before is not None:
            # Its file may be the same one, and is locked until it is closed.
            before.join()

        def advanced(share: float) -> None:
            if stop.is_set():
                raise SupersededError
            self._advanced.emit(number, share)

        result: Loaded | UserError
        try:
            result = load_project(path, settings, advanced)
        except SupersededError:
            return
        except UserError as error:
            result = error
        with self._lock:
            wanted = not stop.is_set()
            if wanted:
                self._results[number] = result
        if wanted:
            self._ended.emit(number)
        else:
            _close(result)

    def _on_advanced(self, number: int, share: float) -> None:
        if number == self._number and share >= self._told + 0.01:
            self._told = share
            self.progress.emit(self._name, share)

    def _on_ended(self, number: int) -> None:
        with self._lock:
            result = self._results.pop(number, None)
        if result is None:
            return
        self._name = ""
        if isinstance(result, Loaded):
            self.loaded.emit(result)
        else:
            self.failed.emit(result)


def _close(result: Loaded | UserError) -> None:
    if isinstance(result, Loaded):
        result.opened.close_unused()


def _size_of(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return sum(file.stat().st_size for file in (path, log) if file.is_file())
