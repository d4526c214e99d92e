"""The log file, and what happens to exceptions that nobody caught: logged, told once, and the program goes on."""

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
    """Write the log to ``log_path()``, renewed at a megabyte; None where that folder cannot be written."""
    try:
        handler = logging.handlers.RotatingFileHandler(
            log_path(), maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", delay=False
        )
    except OSError as error:
        logging.getLogger(__name__).warning("there is no log file: %s", error)
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    # A full disk must not print tracebacks to the terminal for every line.
    logging.raiseExceptions = False
    return handler


class _Teller:
    """Logs every unhandled exception and tells each kind once."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._told: set[tuple[type[BaseException], str, int]] = set()
        self._lock = threading.Lock()

    def handle(
        self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None, where: str
    ) -> None:
        _log.critical("unhandled exception in %s", where, exc_info=(kind, error or kind(), trace))
        place = _innermost(trace)
        with self._lock:
            if (kind, *place) in self._told:
                return
            self._told.add((kind, *place))
        text = f"{kind.__name__}: {error}" if error is not None and str(error) else kind.__name__
        line = " ".join(text.split())[:200]
        self._notifier.show(
            f"Something went wrong inside the program ({line}). Your edits are safe; details are in {log_path()}.",
            Level.ERROR,
        )


def _innermost(trace: TracebackType | None) -> tuple[str, int]:
    place = ("", 0)
    while trace is not None:
        place = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return place


def install(notifier: Notifier) -> Callable[[], None]:
    """Start the log file and send unhandled exceptions and Qt's messages there; what is returned undoes it."""
    handler = start_log_file()
    teller = _Teller(notifier)
    before = sys.excepthook, threading.excepthook, sys.unraisablehook

    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            before[0](kind, error, trace)
        else:
            teller.handle(kind, error, trace, "the main thread")

    def on_thread_exception(args: threading.ExceptHookArgs) -> None:
        if not issubclass(args.exc_type, SystemExit):
            thread = args.thread.name if args.thread is not None else "a thread"
            teller.handle(args.exc_type, args.exc_value, args.exc_traceback, thread)

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        # Told to nobody: the interpreter was cleaning up and nothing of the user's hangs on it.
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
    """``install`` for the length of a block."""
    undo = install(notifier)
    try:
        yield
    finally:
        undo()
