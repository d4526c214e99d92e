"""Files that are either wholly new or wholly old: written beside their place, flushed, then put there in one step."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from iouviewer.errors import UserError


def _user_error(path: Path, error: OSError) -> UserError:
    return UserError(
        f"could not be written: {error.strerror or error}",
        path=path,
        remedy="What stood there before is unchanged; free some space or choose another folder.",
    )


def _sync_folder(folder: Path) -> None:
    """Make a rename durable where the system can open folders (not on Windows)."""
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
    """Permissions that ``path`` has, or that a new file would get (a temporary file gets 0600)."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()


def _umask() -> int:
    umask = os.umask(0o022)
    os.umask(umask)
    return umask


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[BinaryIO]:
    """A binary file that becomes ``path`` when the block ends without an error.

    It is written in the same folder, flushed to the disk and moved over ``path`` by ``os.replace``. If the block or
    the disk fails, ``path`` is untouched and nothing is left beside it.

    Raises:
        UserError: no permission, disk full, folder missing; names ``path``.
    """
    path = Path(path)
    # A link stays a link: what it points to is replaced.
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
        # After the replace there is nothing left to remove.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """An empty folder that becomes ``path`` when the block ends without an error.

    ``path`` must not exist or be an empty folder: files of others are never replaced or mixed with new ones.

    Raises:
        UserError: ``path`` holds something already, no permission, disk full.
    """
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(
            "there is something at this place already", path=path, remedy="Choose a new or an empty folder."
        )
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
