"""Copies what a pipe or a device gives, with limits on the time and the bytes that it may take."""

from __future__ import annotations

import os
import select
import stat
from pathlib import Path
from typing import BinaryIO

from iouviewer.errors import UserError
from iouviewer.i18n import tr

WAIT_SECONDS = 10.0
"""Longest wait for somebody who opens the other end of a pipe; reading would wait for ever."""
MAX_STREAM_BYTES = 4 << 30
CHUNK = 1 << 20


def copy_stream(path: Path, target: BinaryIO) -> None:
    """Copy a pipe, a device or a descriptor until its end.

    Raises:
        UserError: nobody writes to it within ``WAIT_SECONDS``, or more than 4 GiB come. OSError as it is raised.
    """
    can_wait = os.name == "posix"
    descriptor = os.open(path, os.O_RDONLY | (getattr(os, "O_NONBLOCK", 0) if can_wait else 0))
    total = 0
    try:
        waits = can_wait and not stat.S_ISREG(os.fstat(descriptor).st_mode)
        while True:
            is_ready = not waits or bool(select.select([descriptor], [], [], WAIT_SECONDS)[0])
            try:
                chunk = os.read(descriptor, CHUNK)
            except BlockingIOError:  # somebody has it open and takes their time
                continue
            if not chunk and not is_ready:
                raise UserError(
                    tr("nobody writes to the pipe"), path=path, remedy=tr("Start the command that writes to it.")
                )
            if not chunk:
                return
            total += len(chunk)
            if total > MAX_STREAM_BYTES:
                raise UserError(tr("the stream has more than 4 GiB"), path=path)
            target.write(chunk)
    finally:
        os.close(descriptor)
