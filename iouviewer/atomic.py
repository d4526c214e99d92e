"""Atomic writes: a file or folder is written beside its destination, flushed to disk, then moved into place."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from iouviewer.errors import UserError
from iouviewer.i18n import tr


def _user_error(path: Path, error: OSError) -> UserError:
    return UserError(
        tr("could not be written: {reason}", reason=error.strerror or error),
        path=path,
        remedy=tr("Existing content is unchanged. Free some space or choose another folder."),
    )


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable. Windows cannot open folders, so nothing happens there."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems cannot sync a folder; the file itself is already safe.
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mode_of_new_file(path: Path) -> int:
    """Permissions of ``path``, or those of a new file if it does not exist (``mkstemp`` gives 0600)."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()


def _umask() -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe, a device or a descriptor of the process (``/dev/stdout``, ``<(command)``).

    It can be read once and is never replaced by a file.
    """
    if os.path.abspath(path).startswith(("/dev/", "/proc/self/fd/")):  # noqa: PTH100 - resolve would follow the link
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode)


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[BinaryIO]:
    """Open a binary file that becomes ``path`` when the block ends without an error.

    It is written in the same folder, flushed to disk and moved to ``path`` by ``os.replace``. If the block raises or
    writing fails, ``path`` is unchanged and no temporary file remains. A pipe or device is written directly.

    Raises:
        UserError: no permission, disk full, missing folder; its ``path`` is set.
    """
    path = Path(path)
    if is_stream(path):
        with _stream(path) as file:
            yield file
        return
    # Replace the target of a link, not the link.
    target = path.resolve() if path.is_symlink() else path
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise _user_error(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.name == "posix":
            temporary.chmod(_mode_of_new_file(target))
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise _user_error(path, error) from error
    finally:
        # Only a failed write leaves a file to remove.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _descriptor(path: Path) -> int | None:
    """The descriptor that a path such as ``/dev/stdout`` or ``/dev/fd/5`` names."""
    named = {"stdin": 0, "stdout": 1, "stderr": 2}
    text = str(path)
    if text.startswith(("/dev/fd/", "/proc/self/fd/")) and path.name.isdecimal():
        return int(path.name)
    return named.get(path.name) if path.parent == Path("/dev") else None


@contextlib.contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    descriptor = _descriptor(path)
    try:
        # Opened by its name, a redirected standard output would begin again at its start.
        with path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb") as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _user_error(path, error) from error


def write_file(path: Path | str, data: bytes) -> None:
    """Write ``data`` with ``atomic_write``."""
    with atomic_write(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Create an empty folder that becomes ``path`` when the block ends without an error.

    ``path`` must not exist or be an empty folder: existing files are never replaced or mixed with new ones.

    Raises:
        UserError: ``path`` is not empty, no permission, disk full.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(tr("the destination already exists"), path=path, remedy=tr("Choose a new or an empty folder."))
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise _user_error(path, error) from error
    try:
        yield temporary
        if hasattr(os, "sync"):
            os.sync()
        if os.name == "posix":
            temporary.chmod(0o777 & ~_umask())
        elif path.exists():
            path.rmdir()
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _user_error(path, error) from error
    finally:
        if temporary.exists():
            shutil.rmtree(temporary, ignore_errors=True)
