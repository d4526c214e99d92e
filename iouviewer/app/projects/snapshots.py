"""Named copies of the project, created in threads of their own."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Signal

from iouviewer.errors import UserError
from iouviewer.project.store import ProjectFile


class Snapshots(QObject):
    """Creates copies of a project; several may run in parallel.

    Signals, emitted in the thread of this object:
        created(str): path of the copy.
        failed(UserError): no copy was created.
    """

    created = Signal(str)
    failed = Signal(object)
    _finished = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._threads: list[threading.Thread] = []
        self._finished.connect(self._on_copy_finished)

    def create(self, project: ProjectFile, name: str) -> None:
        """Start a copy under this name; ``created`` or ``failed`` follows."""
        thread = threading.Thread(target=self._copy, args=(project, name), name="snapshot")
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def wait(self) -> None:
        """Wait for all copies that were started."""
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _copy(self, project: ProjectFile, name: str) -> None:
        try:
            self._finished.emit(str(project.snapshot(name)))
        except UserError as error:
            self._finished.emit(error)

    def _on_copy_finished(self, result: str | UserError) -> None:
        if isinstance(result, UserError):
            self.failed.emit(result)
        else:
            self.created.emit(result)
