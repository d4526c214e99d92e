"""Reads a copy and the state in which it was made, to merge its work into the open project."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.app.projects.recovery import base_of_copy
from iouviewer.document.document import Document
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.contents import ProjectContents, read_contents
from iouviewer.project.schema import connect


@dataclass(frozen=True, slots=True)
class CopyContents:
    """The documents and variants of a copy: as it is, and ``base`` as it was when it was made."""

    path: Path
    base: Document
    copy: Document
    base_variants: tuple[Variant, ...]
    copy_variants: tuple[Variant, ...]


def read_copy_contents(copy: Path) -> CopyContents:
    """Read a copy with its base; neither is changed.

    Raises:
        UserError: one of them is missing or damaged.
    """
    base = base_of_copy(copy)
    if not base.is_file():
        raise UserError(
            tr("the state in which the copy was made is missing"), path=base, remedy=tr("Open the copy instead.")
        )
    found: list[ProjectContents] = []
    for path in (base, copy):
        try:
            with closing(connect(path, mode="ro")) as connection:
                found.append(read_contents(connection))
        except (sqlite3.Error, DamagedRowsError) as error:
            raise UserError(tr("the copy cannot be read: {reason}", reason=error), path=path) from error
    if not all(contents.document.sources for contents in found):
        raise UserError(tr("the copy has no video"), path=copy)
    before, after = found
    return CopyContents(copy, before.document, after.document, before.variants, after.variants)


class CopyReader(QObject):
    """Reads one copy at a time in a thread.

    Signals:
        read(CopyContents), failed(UserError): the answer, in the thread of this object.
    """

    read = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None

    def start(self, copy: Path) -> None:
        """Begin to read; nothing happens while another one is being read."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(copy,), name="copy")
            self._thread.start()

    def wait(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, copy: Path) -> None:
        try:
            contents = read_copy_contents(copy)
        except UserError as error:
            self.failed.emit(error)
            return
        self.read.emit(contents)
