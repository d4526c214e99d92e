"""Loads a project, with its scores, outside the UI thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session import DEFERRED_SCORING_BOXES
from iouviewer.app.editing.session_values import InitialScores
from iouviewer.app.memory import release_freed_memory
from iouviewer.app.projects.recovery import LoadPlan, OpenedProject, open_or_recover
from iouviewer.app.settings import score_settings_from_json
from iouviewer.document.scores import Scores, ScoreSettings
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.background_check import DamagedProjectError
from iouviewer.project.partial_load import FrameBoxes

MAX_SYNCHRONOUS_BYTES = 1 << 20
"""Projects up to this size are loaded in the UI thread, which takes about twenty milliseconds."""

MIN_BYTES_IN_PARTS = 16 << 20
"""Projects from this size on are shown in parts: boxes first, then one variant after the other."""

_READ_SHARE = 0.7
"""Share of the loading time that reading takes; the rest is scoring."""


class LoadCancelledError(Exception):
    """Loading was cancelled."""


@dataclass(frozen=True, slots=True)
class LoadStep:
    """What is being loaded.

    Attributes:
        name: file name of the project.
        share: from 0 to 1, of the project, or of its boxes if its variants come one by one.
        variant: the variant that is being loaded, empty while boxes are.
        number: its number from 1.
        variant_count: variants that follow the boxes, 0 if everything comes at once.
    """

    name: str
    share: float
    variant: str = ""
    number: int = 0
    variant_count: int = 0

    @property
    def text(self) -> str:
        """What is being loaded, as a sentence for the window."""
        if self.variant:
            names = {"variant": self.variant, "number": self.number, "count": self.variant_count}
            return tr("Loading predictions of {variant}… {number} of {count}", **names)
        if self.variant_count:
            return tr("Loading boxes… {percent:.0f} %, then predictions", percent=100 * self.share)
        return tr("Opening {name}… {percent:.0f} %", name=self.name, percent=100 * self.share)


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project ready to be shown: its source's id and the variants with their scores.

    Attributes:
        is_partial: the variants follow, one by one.
    """

    opened: OpenedProject
    source: int
    scores: InitialScores
    is_partial: bool = False

    def with_variants(self, variants: Sequence[Variant]) -> LoadedProject:
        """The whole project; the scores of its variants are pending where they take long."""
        contents = self.opened.contents.with_variants(variants)
        scores = self.scores.scores
        scores.defer_above = DEFERRED_SCORING_BOXES
        for variant in contents.variants:
            scores.set_variant(variant.key, variant.predictions)
        opened = replace(self.opened, contents=contents)
        return replace(self, opened=opened, scores=InitialScores(scores, contents.variants, contents.baseline))


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

    opened = open_or_recover(path, LoadPlan(show), take_over=take_over)
    try:
        loaded = _without_variants(opened, settings)
        contents = opened.contents
        for number, variant in enumerate(contents.variants):
            progress(_READ_SHARE + (1 - _READ_SHARE) * number / len(contents.variants))
            loaded.scores.scores.set_variant(variant.key, variant.predictions)
        progress(1.0)
    except BaseException:
        opened.discard()
        raise
    return replace(loaded, scores=InitialScores(loaded.scores.scores, contents.variants, contents.baseline))


def begin_project(path: Path, settings: ScoreSettings, plan: LoadPlan, *, take_over: bool = False) -> LoadedProject:
    """As ``load_project``, without the variants where the plan says so.

    Raises:
        UserError: it cannot be opened.
    """
    opened = open_or_recover(path, plan, take_over=take_over)
    try:
        return replace(_without_variants(opened, settings), is_partial=bool(opened.contents.variant_names))
    except BaseException:
        opened.discard()
        raise


def _without_variants(opened: OpenedProject, settings: ScoreSettings) -> LoadedProject:
    contents = opened.contents
    if not contents.document.sources:
        contents.document.add_source(Source(0, "", "", 0, 0, 0))
    source = min(contents.document.sources)
    settings = score_settings_from_json(contents.settings.get("scores"), settings)
    scores = Scores(contents.document.ground_truth(source), settings)
    return LoadedProject(opened, source, InitialScores(scores, (), ""))


@dataclass(frozen=True, slots=True)
class _Request:
    number: int
    path: Path
    settings: ScoreSettings
    take_over: bool
    frame: int
    stop: threading.Event

    def require_wanted(self) -> None:
        """LoadCancelledError if it was cancelled."""
        if self.stop.is_set():
            raise LoadCancelledError


class _Completed:
    """The last part of a project has come."""


_Part = LoadStep | FrameBoxes | LoadedProject | Variant | _Completed | UserError


class ProjectLoader(QObject):
    """Loads one project at a time; the latest request wins. Used from the UI thread.

    Signals, in the UI thread:
        progress(LoadStep): not emitted for small projects.
        frameRead(FrameBoxes): boxes of the frame that is shown first; only for large projects.
        loaded(LoadedProject): the receiver owns the open file.
        variantLoaded(Variant): a further part of a project that came without variants.
        completed(): all parts have come.
        failed(UserError): the project cannot be opened.
    """

    progress = Signal(object)
    frameRead = Signal(object)
    loaded = Signal(object)
    variantLoaded = Signal(object)
    completed = Signal()
    failed = Signal(object)
    _arrived = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._name = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._parts: deque[_Part] = deque()
        self._last_share = 0.0
        self._arrived.connect(self._on_arrived)

    @property
    def busy(self) -> bool:
        """Whether a project is being loaded; False as soon as it can be shown, perhaps without its variants."""
        return bool(self._name)

    def load(self, path: Path, settings: ScoreSettings, *, take_over: bool = False, frame: int = 0) -> None:
        """Load a project; ``loaded`` or ``failed`` follows, for small files before this method returns.

        Args:
            frame: the frame that is shown first.
        """
        self.cancel()
        size = _size_of(path)
        if size <= MAX_SYNCHRONOUS_BYTES:
            try:
                loaded = load_project(path, settings, lambda _share: None, take_over=take_over)
            except UserError as error:
                self.failed.emit(error)
                return
            self.loaded.emit(loaded)
            return
        self._name, self._last_share = path.name, 0.0
        self._stop = threading.Event()
        request = _Request(self._number, path, settings, take_over, frame, self._stop)
        work = self._load_in_parts if size >= MIN_BYTES_IN_PARTS else self._load_at_once
        self._thread = threading.Thread(target=self._run, args=(request, work, self._thread), name="project")
        self.progress.emit(LoadStep(self._name, 0.0, variant_count=int(work == self._load_in_parts)))
        self._thread.start()

    def cancel(self) -> None:
        """Stop loading; a file that was not handed over is closed."""
        with self._lock:
            self._stop.set()
            self._number += 1
            unused = list(self._parts)
            self._parts.clear()
        self._name = ""
        for part in unused:
            if isinstance(part, LoadedProject):
                part.opened.discard()

    def wait(self) -> None:
        """Wait until the thread has ended; its result may still be in the event loop."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Stop loading and wait for the thread, which checks every few thousand rows and after every variant."""
        self.cancel()
        self.wait()
        self._thread = None

    # In the thread

    def _run(self, request: _Request, work: Callable[[_Request], None], before: threading.Thread | None) -> None:
        if before is not None:
            # The previous result may hold the same file, which is locked until it is closed.
            before.join()
        try:
            work(request)
        except LoadCancelledError:
            return
        except UserError as error:
            with suppress(LoadCancelledError):
                self._send(request, error)

    def _send(self, request: _Request, part: _Part) -> None:
        """Hand a part over to the UI thread; LoadCancelledError if nobody wants it."""
        with self._lock:
            request.require_wanted()
            self._parts.append(part)
        self._arrived.emit(request.number)

    def _load_at_once(self, request: _Request) -> None:
        def advance(share: float) -> None:
            self._send(request, LoadStep(request.path.name, share))

        loaded = load_project(request.path, request.settings, advance, take_over=request.take_over)
        try:
            self._send(request, loaded)
        except LoadCancelledError:
            loaded.opened.discard()
            raise

    def _load_in_parts(self, request: _Request) -> None:
        name = request.path.name

        def advance(done: int, total: int) -> None:
            self._send(request, LoadStep(name, done / total if total else 0.0, variant_count=1))

        plan = LoadPlan(advance, in_parts=True, frame=request.frame, show=lambda boxes: self._send(request, boxes))
        loaded = begin_project(request.path, request.settings, plan, take_over=request.take_over)
        rest = loaded.opened.rest
        assert rest is not None
        try:
            self._send(request, loaded)
        except LoadCancelledError:
            loaded.opened.discard()
            raise
        # From here on the file belongs to the receiver.
        with rest:
            contents, found = rest.contents, rest.read_variants()
            count = len(contents.variant_names)
            try:
                for number, key in enumerate(contents.reading_order, start=1):
                    title = contents.variant_names[key]
                    self._send(request, LoadStep(name, (number - 1) / count, title, number, count))
                    self._send(request, next(found))
            except DamagedProjectError as error:
                self._send(request, _Completed())
                rest.fail(error)
                return
            self._send(request, _Completed())
            rest.finish()
        release_freed_memory()

    # In the UI thread

    def _on_arrived(self, number: int) -> None:
        with self._lock:
            if number != self._number or not self._parts:
                return
            part = self._parts.popleft()
        if isinstance(part, LoadStep):
            self._show_progress(part)
        elif isinstance(part, FrameBoxes):
            self.frameRead.emit(part)
        elif isinstance(part, LoadedProject):
            self._name = ""
            self.loaded.emit(part)
        elif isinstance(part, UserError):
            self._name = ""
            self.failed.emit(part)
        elif isinstance(part, Variant):
            self.variantLoaded.emit(part)
        else:
            self.completed.emit()

    def _show_progress(self, step: LoadStep) -> None:
        if step.variant or step.share >= self._last_share + 0.01:
            self._last_share = step.share
            self.progress.emit(step)


def _size_of(path: Path) -> int:
    """Bytes of a project file and its write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    return sum(file.stat().st_size for file in (path, log) if file.is_file())
