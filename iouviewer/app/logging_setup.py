"""The log file and the hooks for errors: exceptions are logged and reported, crashes leave their stack in the log."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from iouviewer import __version__, folders
from iouviewer.app.notifier import Level, Notifier
from iouviewer.i18n import tr

LOG_BYTES = 1_000_000
LOG_FILES = 3

_log = logging.getLogger("iouviewer")

_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def log_path() -> Path:
    """The log file."""
    return folders.log_folder() / "iouviewer.log"


START_LINE = "window-process-{pid}-starts"
"""What the log says first of each window; the stack of a crash follows later."""


class _LogFile(logging.handlers.RotatingFileHandler):
    """The log file, into which the stack of all threads is written if native code crashes."""

    def __init__(self) -> None:
        super().__init__(log_path(), maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", delay=False)
        self._had_faulthandler = faulthandler.is_enabled()
        self._catch_crashes()

    def _catch_crashes(self) -> None:
        # The descriptor is kept open by the stream; a crash must not need to open anything.
        if self.stream is not None:
            faulthandler.enable(self.stream)

    def doRollover(self) -> None:
        """Begin a new file; crashes are written there from now on."""
        faulthandler.disable()
        super().doRollover()
        self._catch_crashes()

    def close(self) -> None:
        """Close the file; crashes are no longer written to it."""
        faulthandler.disable()
        if self._had_faulthandler and sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor
                faulthandler.enable(sys.stderr)
        super().close()


def start_log_file() -> logging.Handler | None:
    """Write the log to ``log_path()``, rotated at ``LOG_BYTES``; None if the folder cannot be written.

    Crashes of native code (segmentation fault, abort) leave the Python stack of every thread in it.
    """
    try:
        handler = _LogFile()
    except OSError as error:
        logging.getLogger(__name__).warning("cannot open the log file: %s", error)
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    # A full disk must not print tracebacks to the terminal for every line.
    logging.raiseExceptions = False
    _log.info("iouviewer %s %s", __version__, START_LINE.format(pid=os.getpid()))
    return handler


class _ExceptionReporter:
    """Logs every unhandled exception and notifies the user once for each kind and place."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._reported: set[tuple[type[BaseException], str, int]] = set()
        self._lock = threading.Lock()

    def handle(
        self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, thread: str
    ) -> None:
        _log.critical("unhandled exception in %s", thread, exc_info=(kind, error or kind(), trace))
        place = _innermost(trace)
        with self._lock:
            if (kind, *place) in self._reported:
                return
            self._reported.add((kind, *place))
        text = f"{kind.__name__}: {error}" if error is not None and str(error) else kind.__name__
        line = " ".join(text.split())[:200]
        self._notifier.show(
            tr(
                "An internal error occurred ({error}). Your edits are safe. Details are in {path}.",
                error=line,
                path=log_path(),
            ),
            Level.ERROR,
        )


def _innermost(trace: TracebackType | None) -> tuple[str, int]:
    """File and line in which an exception was raised."""
    place = ("", 0)
    while trace is not None:
        place = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return place


def start_log() -> Callable[[], None]:
    """Start the log file and redirect Qt's messages and crashes to it; returns a function to undo it.

    A fatal message of Qt ends the program: it is written first, then the stack follows.
    """
    handler = start_log_file()
    qInstallMessageHandler(_on_qt_message)

    def undo() -> None:
        qInstallMessageHandler(None)
        if handler is not None:
            _log.removeHandler(handler)
            handler.close()

    return undo


def install_hooks(notifier: Notifier) -> Callable[[], None]:
    """Log unhandled exceptions and report them to the user; returns a function to undo it."""
    reporter = _ExceptionReporter(notifier)
    before = sys.excepthook, threading.excepthook, sys.unraisablehook

    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            before[0](kind, error, trace)
        else:
            reporter.handle(kind, error, trace, "MainThread")

    def on_thread_exception(args: threading.ExceptHookArgs) -> None:
        if not issubclass(args.exc_type, SystemExit):
            thread = args.thread.name if args.thread is not None else "unknown"
            reporter.handle(args.exc_type, args.exc_value, args.exc_traceback, thread)

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        # Only logged: these come from the interpreter's clean-up and do not affect the user's work.
        _log.error("exception ignored in %r", args.object, exc_info=args.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = on_exception, on_thread_exception, on_unraisable

    def undo() -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before

    return undo


def install(notifier: Notifier) -> Callable[[], None]:
    """``start_log`` and ``install_hooks``; returns a function to undo both."""
    undos = [start_log(), install_hooks(notifier)]

    def undo() -> None:
        for part in reversed(undos):
            part()

    return undo


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    category = getattr(context, "category", None) or "default"
    logging.getLogger("iouviewer.qt").log(_QT_LEVELS.get(kind, logging.WARNING), "%s: %s", category, text)


@contextlib.contextmanager
def installed(notifier: Notifier) -> Iterator[None]:
    """``install`` as a context manager."""
    undo = install(notifier)
    try:
        yield
    finally:
        undo()
