"""A record on disk of each running window. One that is left behind tells the next start of a crash or a power cut."""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.editing.session_values import SaveState
from iouviewer.app.logging_setup import START_LINE, log_path
from iouviewer.errors import UserError
from iouviewer.path_texts import encode_legible
from iouviewer.project.lock import try_system_lock

_FATAL = re.compile(r"^Fatal Python error: (.+)$|^Windows fatal exception: (.+)$", re.MULTILINE)
_LOG_TAIL = 4_000_000
"""Bytes of the log in which the stack of a crash is looked for: more than all its files."""


class SavedWork(msgspec.Struct, frozen=True):
    """What the window last showed as saved.

    Attributes:
        project: path of the project file.
        steps_before: steps of its history when the window opened it.
        steps: steps of its history that are done and saved.
        last: label of the last of them; empty without one.
        pending: an edit, undo or redo was being saved; the file holds either state.
    """

    project: str
    steps_before: int
    steps: int
    last: str = ""
    pending: bool = False


class Record(msgspec.Struct, frozen=True):
    """Contents of a record.

    Attributes:
        pid: the process.
        started: seconds since the epoch.
        work: None until a project was open.
    """

    pid: int
    started: float
    work: SavedWork | None = None


class EndedRun(msgspec.Struct, frozen=True):
    """A window that ended without closing.

    Attributes:
        file: its record.
        crash: what the log says of the crash ("Segmentation fault"); empty if the process was killed or lost power.
    """

    file: Path
    record: Record
    crash: str = ""


def records_folder() -> Path:
    """Folder of the records."""
    return folders.data_folder() / "running"


class RunRecord(QObject):
    """Keeps the record of this window. Without a folder that can be written there is none.

    Each state of saving rewrites the record's few bytes in place, without waiting for the disk: the kernel keeps them
    when the process dies.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._record = Record(os.getpid(), time.time())
        self._path = Path()
        self._descriptor = -1
        with contextlib.suppress(OSError):
            self._path = records_folder() / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.json"
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try_system_lock(self._descriptor)
        self._write()
        session.saveStateChanged.connect(self._on_save_state_changed)

    def _on_save_state_changed(self, state: SaveState) -> None:
        if not state.project_path:
            self._note(None)
            return
        if not state.is_saved:
            if self._record.work is not None:
                self._note(msgspec.structs.replace(self._record.work, pending=True))
            return
        cursor, last = self._session.history.cursor, ""
        with contextlib.suppress(UserError):  # a step that cannot be read; undo reports it
            step = self._session.history.undo_step()
            last = step.label if step is not None else ""
        known = self._record.work
        before = known.steps_before if known is not None and known.project == state.project_path else cursor
        if known is None and state.saved:
            before = 0  # created in this window
        self._note(SavedWork(state.project_path, min(before, cursor), cursor, last))

    def _note(self, work: SavedWork | None) -> None:
        if work != self._record.work:
            self._record = msgspec.structs.replace(self._record, work=work)
            self._write()

    def _write(self) -> None:
        if self._descriptor < 0:
            return
        data = encode_legible(self._record, msgspec.json.encode, msgspec.to_builtins)
        with contextlib.suppress(OSError):  # a full disk: the record stays as it was
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, data + b" " * 64)
            os.ftruncate(self._descriptor, len(data) + 64)

    def close(self) -> None:
        """The window closes in an orderly way: nothing is left behind."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)
        with contextlib.suppress(OSError):
            self._path.unlink()


def find_ended_runs() -> list[EndedRun]:
    """The windows that ended without closing and were not answered for yet, the last one first."""
    found = []
    with contextlib.suppress(OSError):
        for path in records_folder().glob("*.json"):
            record = _read_if_ended(path)
            if record is not None:
                found.append(EndedRun(path, record, _find_crash(record.pid)))
    return sorted(found, key=lambda run: run.record.started, reverse=True)


def forget(runs: Iterable[EndedRun]) -> None:
    """Delete the records: the user has read what they say."""
    for run in runs:
        with contextlib.suppress(OSError):
            run.file.unlink()


def _read_if_ended(path: Path) -> Record | None:
    """The record if its process has ended; None while it runs. A record that cannot be read says nothing: deleted."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        if try_system_lock(descriptor) is False:
            return None
        return msgspec.json.decode(os.read(descriptor, 1 << 16), type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(descriptor)


def _find_crash(pid: int) -> str:
    """What the log says of a crash of this process; empty if nothing."""
    mark = START_LINE.format(pid=pid)
    text = ""
    for number in (2, 1, 0):
        path = log_path()
        path = path.with_name(f"{path.name}.{number}") if number else path
        with contextlib.suppress(OSError):
            text += path.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace")
    _, found, after = text.rpartition(mark)
    match = _FATAL.search(after) if found else None
    return "" if match is None else (match[1] or match[2]).strip()
