"""First lines of a file before it is exported; written to a temporary folder in a thread."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from iouviewer.errors import UserError
from iouviewer.ui.exports import BoxWriter, Export, ExportSource, GroundTruthWriter, Job, PredictionsWriter

LINES = 5
_LINE_LENGTH = 200
_FRAMES = 3
"""Number of frames with boxes that are written for the preview."""
_ANALYSED = frozenset({"exportJson", "exportHtml"})
"""Exports that take too long for a preview."""


def can_preview(export: Export) -> bool:
    """Whether the file is text that is quickly written."""
    has_lines = not export.suffixes or export.suffixes[0] in {".csv", ".txt", ".json", ".xml"}
    return has_lines and export.id not in _ANALYSED


def preview_job(export: Export, writer: BoxWriter | None, source: ExportSource, path: Path) -> Job:
    """The job that writes a file of a few frames; of all frames where it is no box file.

    Args:
        writer: of a box file; None for other exports.
    """
    if writer is None:
        return export.writer.prepare(source, path)
    frames = np.unique(writer.boxes(source).frames)[:_FRAMES]
    return writer.prepare(replace(source, frames=frames), path)


class PreviewReader(QObject):
    """Writes and reads previews, one at a time.

    Signals:
        finished(int, str): number of the request and the first lines; empty if nothing can be shown.
    """

    finished = Signal(int, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._latest = 0
        self._folder = Path(tempfile.mkdtemp(prefix="iouviewer-"))

    @property
    def latest(self) -> int:
        """Number of the latest request; the results of older ones are not wanted any more."""
        return self._latest

    def read(self, export: Export, writer: BoxWriter | None, source: ExportSource) -> None:
        """Request the first lines; a request that is still waiting is dropped."""
        self._latest += 1
        self._pool.clear()
        path = self._folder / f"preview{self._latest}{export.suffixes[0] if export.suffixes else ''}"
        try:
            job = preview_job(export, writer, source, path)
        except UserError:
            self.finished.emit(self._latest, "")
            return
        self._pool.start(_Preview(self._latest, job, path, self))

    def close(self) -> None:
        """Wait for the preview in progress and delete the files."""
        self._pool.clear()
        self._pool.waitForDone()
        shutil.rmtree(self._folder, ignore_errors=True)


class _Preview(QRunnable):
    def __init__(self, number: int, job: Job, path: Path, reader: PreviewReader) -> None:
        super().__init__()
        self._number, self._job, self._path, self._reader = number, job, path, reader

    def run(self) -> None:
        text = ""
        try:
            self._job()
            text = first_lines(self._path)
        except (UserError, OSError):
            # The export itself reports what is wrong.
            text = ""
        self._reader.finished.emit(self._number, text)


def first_lines(path: Path) -> str:
    """The first lines of a file, or of the first file of a folder with its name; long lines are cut."""
    lines: list[str] = []
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix != ".yaml")
        path = next((file for file in files if file.stat().st_size and file.stem != "classes"), path)
        if path.is_dir():
            return ""
        lines.append(f"{path.name}:")
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in islice(file, LINES):
            text = line.rstrip()
            lines.append(text if len(text) <= _LINE_LENGTH else text[:_LINE_LENGTH] + "…")
    return "\n".join(lines)


def box_writer(export: Export, variant: str) -> BoxWriter | None:
    """The writer of the boxes of a variant in a box format, of the ground truth for ``""``; None for other exports."""
    if not isinstance(export.writer, GroundTruthWriter):
        return None
    return PredictionsWriter(variant, export.writer.format) if variant else export.writer
