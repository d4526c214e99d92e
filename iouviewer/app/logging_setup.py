"""The log file and the hooks for unhandled exceptions, which are logged and reported while the program continues."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from iouviewer import folders
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


def start_log_file() -> logging.Handler | None:
    """Write the log to ``log_path()``, rotated at ``LOG_BYTES``; None if the folder cannot be written."""
    try:
        handler = logging.handlers.RotatingFileHandler(
            log_path(), maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", delay=False
        )
    except OSError as error:
        logging.getLogger(__name__).warning("cannot open the log file: %s", error)
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    # A full disk must not print tracebacks to the terminal for every line.
    logging.raiseExceptions = False
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


def install(notifier: Notifier) -> Callable[[], None]:
    """Start the log file and redirect unhandled exceptions and Qt's messages to it; returns a function to undo it."""
    handler = start_log_file()
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
    qInstallMessageHandler(_on_qt_message)

    def undo() -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before
        qInstallMessageHandler(None)
        if handler is not None:
            _log.removeHandler(handler)
            handler.close()

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
