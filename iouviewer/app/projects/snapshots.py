"""Named copies of the project, made in a thread of their own."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Signal

from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile


class Snapshots(QObject):
    """Makes copies one after another or side by side.

    Signals, emitted in the thread of this object:
        made(str): path of the copy.
        failed(UserError): there is none.
    """

    made = Signal(str)
    failed = Signal(object)
    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: list[threading.Thread] = []
        self._ended.connect(self._on_copy_ended)

    def make(self, project: ProjectFile, name: str) -> None:
        """Begin a copy under this name; ``made`` or ``failed`` follows."""
        thread = threading.Thread(target=self._copy, args=(project, name), name="snapshot")
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def wait(self) -> None:
        """Wait for the copies that were begun."""
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _copy(self, project: ProjectFile, name: str) -> None:
        try:
            self._ended.emit(str(project.snapshot(name)))
        except UserError as error:
            self._ended.emit(error)

    def _on_copy_ended(self, result: str | UserError) -> None:
        if isinstance(result, UserError):
            self.failed.emit(result)
        else:
            self.made.emit(result)
