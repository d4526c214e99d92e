"""Rows of fixed size that are appended and read in runs, in memory or in a temporary file without a name."""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from iouviewer.i18n import tr

Records = NDArray[Any]
"""(N,) structured array."""


class RowFile:
    """Rows of one structured type.

    A file is read with explicit reads and not mapped, so the memory of the process stays that of one run.
    """

    def __init__(self, dtype: np.dtype[Any], rows: Records | None = None) -> None:
        """Start empty, or with ``rows``."""
        self.dtype = dtype
        self._parts: list[Records] = [] if rows is None else [rows]
        self._length = 0 if rows is None else len(rows)
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self._length

    @property
    def is_spilled(self) -> bool:
        """Whether the rows lie in a file."""
        return self._file is not None

    def append(self, rows: Records) -> None:
        """Add rows at the end."""
        self._length += len(rows)
        if self._file is None:
            self._parts.append(rows)
        else:
            self._file.write(rows.tobytes())

    def spill(self) -> None:
        """Move the rows to a temporary file; later ones go there too."""
        if self._file is not None:
            return
        self._file = tempfile.TemporaryFile(prefix="iouviewer-pool-")  # noqa: SIM115 - it lives as long as the rows
        weakref.finalize(self, self._file.close)
        for part in self._parts:
            self._file.write(part.tobytes())
        self._parts = []

    def read(self, first: int, last: int) -> Records:
        """The rows ``first`` to ``last``."""
        if self._file is None:
            if len(self._parts) != 1:
                self._parts = [np.concatenate(self._parts) if self._parts else np.zeros(0, self.dtype)]
            return self._parts[0][first:last]
        self._file.flush()
        size, wanted = self.dtype.itemsize, (last - first) * self.dtype.itemsize
        self._file.seek(first * size)
        found = np.frombuffer(self._file.read(wanted), self.dtype)
        self._file.seek(0, os.SEEK_END)
        if len(found) != last - first:
            raise OSError(tr("a temporary file is shorter than what was written to it"))
        return found
