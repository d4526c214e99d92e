"""Why a worker process ended, as far as its exit status and the end of its log say, and what the user can do."""

from __future__ import annotations

import re
import signal

from iouviewer.i18n import tr
from iouviewer.inference.message_checks import FRAMES_KEPT, one_line
from iouviewer.inference.protocol import Failed, FailureKind

OUT_OF_MEMORY = re.compile(
    r"out of memory|not enough memory|can'?t allocate memory|cannot allocate|failed to allocate|bad[_ ]alloc|"
    r"^MemoryError|std::bad_array_new_length",
    re.IGNORECASE | re.MULTILINE,
)
"""What libraries write when memory runs out."""
_NO_MODULE = re.compile(r"^ModuleNotFoundError: No module named '([\w.]+)'", re.MULTILINE)
_SHELL_SIGNAL = 128
"""A shell, also one behind ``ssh``, returns this plus the signal that ended a program."""
_WINDOWS_CRASHES = {
    0xC0000005: tr("access violation"),
    0xC000001D: tr("illegal instruction"),
    0xC0000409: tr("stack overrun"),
}
_WINDOWS_NO_MEMORY = 0xC0000017
LESS_MEMORY = tr("Choose a smaller image size or close other programs.")


def explain_end(status: int, log: str) -> Failed:
    """The failure of a run whose process ended before its last message.

    Args:
        status: as of ``Popen.returncode``.
        log: the last lines of its standard error.
    """
    kind, message, remedy = _reason(status, log)
    return Failed(kind=kind, message=message, remedy=" ".join((remedy, FRAMES_KEPT)), detail=log)


def _reason(status: int, log: str) -> tuple[FailureKind, str, str]:
    last_line = one_line(log.rpartition("\n")[2])
    if OUT_OF_MEMORY.search(log) or status & 0xFFFFFFFF == _WINDOWS_NO_MEMORY:
        message = tr("the inference process ran out of memory")
        return FailureKind.MEMORY, f"{message}: {last_line}" if last_line else message, LESS_MEMORY
    missing = _NO_MODULE.search(log)
    if missing is not None and status > 0:
        package = missing[1].partition(".")[0]
        return (
            FailureKind.MISSING_PACKAGE,
            tr("the package {package} is not installed where the model runs", package=package),
            tr("Install it there with: pip install {requirement}", requirement=package),
        )
    number = _signal_of(status)
    if number == signal.Signals.SIGTERM or _name_of(number) == "SIGKILL":
        return (
            FailureKind.CRASHED,
            tr("the system or another program ended the inference process ({signal})", signal=_name_of(number)),
            tr("Systems do this when memory runs out.") + " " + LESS_MEMORY,
        )
    crash = _name_of(number) or _WINDOWS_CRASHES.get(status & 0xFFFFFFFF, "")
    if crash:
        return (
            FailureKind.CRASHED,
            tr("the inference process crashed in a library ({signal})", signal=crash),
            tr("Update the library that runs the model, or export the model for another one."),
        )
    if last_line:
        reason = tr(
            "the inference process ended unexpectedly (exit status {status}): {line}", status=status, line=last_line
        )
    else:
        reason = tr("the inference process ended unexpectedly (exit status {status})", status=status)
    return FailureKind.CRASHED, reason, tr("See the log for details.")


def _signal_of(status: int) -> int:
    """The signal that ended a process, 0 if none did."""
    if status < 0:
        return -status
    return status - _SHELL_SIGNAL if _SHELL_SIGNAL < status < _SHELL_SIGNAL + 32 else 0


def _name_of(number: int) -> str:
    """The name of a signal of this system; empty if there is none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
