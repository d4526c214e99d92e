"""Reads a project file in parts, so that its boxes are there before its predictions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from iouviewer.document.boxes import Box
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.project import frame_blocks, rows
from iouviewer.project.background_check import BackgroundCheck, damaged_error
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.contents import ContentsReader, ProjectContents
from iouviewer.project.rows import ProgressCallback, no_progress
from iouviewer.project.schema import connect


@dataclass(frozen=True, slots=True)
class FrameBoxes:
    """The boxes of one frame, verified, before the others are read.

    Attributes:
        class_names: by class id.
    """

    source: Source
    frame: int
    boxes: tuple[Box, ...]
    class_names: tuple[str, ...]


class PartialLoad:
    """One reading of an open file, of the state that it had at the beginning. Used from one thread at a time.

    Attributes:
        contents: everything but the history and the variants, after ``read_document``.
    """

    contents: ProjectContents

    def __init__(self, path: Path, check: BackgroundCheck | None, on_read: Callable[[Sequence[Variant]], None]) -> None:
        """Begin to read.

        Args:
            check: begins after ``finish``; None for a file that is new.
            on_read: called with all variants before the check.

        Raises:
            DamagedProjectError: the file cannot be read.
        """
        self._path, self._check, self._on_read = path, check, on_read
        self._connection: sqlite3.Connection | None = None
        self._reader: ContentsReader | None = None
        self._found: list[Variant] = []
        if check is not None:
            check.begin_reading()
        try:
            self._connection = connect(path)
            self._connection.execute("BEGIN")
        except sqlite3.DatabaseError as error:
            self.close()
            raise damaged_error(path, error) from error

    def __enter__(self) -> PartialLoad:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read_frame(self, frame: int) -> FrameBoxes | None:
        """The boxes of one frame of the first source; None where they are not as they were saved, or there are none."""
        assert self._connection is not None
        with contextlib.suppress(DamagedRowsError, sqlite3.DatabaseError):
            for source, _relative, _next in rows.read_sources(self._connection)[:1]:
                if not 0 <= frame < source.frame_count:
                    return None
                columns = rows.read_frame(self._connection, source.id, frame)
                if not frame_blocks.has_boxes(self._connection, source.id, frame, rows.crcs_of(source.id, columns)):
                    return None
                names = rows.read_classes(self._connection).names
                return FrameBoxes(source, frame, rows.boxes_of(columns), names)
        return None

    def read_document(self, progress: ProgressCallback = no_progress, *, verify: bool = False) -> ProjectContents:
        """Read everything but the history and the variants; ``progress(boxes read, boxes)`` is called repeatedly.

        Args:
            verify: verify the predictions as well, without reading them.

        Raises:
            DamagedProjectError: rows cannot be read or have invalid values.
        """
        assert self._connection is not None
        try:
            self._reader = ContentsReader(self._connection, progress)
            if verify:
                self._reader.verify_predictions()
        except (sqlite3.DatabaseError, DamagedRowsError) as error:
            raise damaged_error(self._path, error) from error
        self.contents = self._reader.contents
        return self.contents

    def read_variants(self) -> Iterator[Variant]:
        """The variants, the baseline first.

        Raises:
            DamagedProjectError: one cannot be read.
        """
        assert self._reader is not None
        try:
            for variant in self._reader.read_variants():
                self._found.append(variant)
                yield variant
        except (sqlite3.DatabaseError, DamagedRowsError) as error:
            raise damaged_error(self._path, error) from error

    def finish(self) -> None:
        """Everything was read: the check of the file begins."""
        self._on_read(self._found)
        self._end(is_complete=True)

    def fail(self, error: Exception) -> None:
        """What was read is not what is in the file: nothing is ever written to it."""
        if self._check is not None:
            self._check.fail(error)
        self.close()

    def close(self) -> None:
        """End the reading; a second call does nothing."""
        self._end(is_complete=False)

    def _end(self, *, is_complete: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        check, self._check = self._check, None
        if check is not None:
            check.end_reading(is_complete=is_complete)
