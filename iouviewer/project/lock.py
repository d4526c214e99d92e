"""The lock file beside a project: only one window can write, and others can tell which one.

The operating system holds the lock and releases it when its owner ends, even after a crash. The file's content names
the owner for error messages; on file systems without locks, it is the lock.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

import msgspec

from iouviewer.errors import UserError
from iouviewer.i18n import tr


class LockOwner(msgspec.Struct, frozen=True):
    """The process that holds a lock."""

    pid: int
    host: str


class ProjectLockedError(UserError):
    """Another window, possibly on another machine, has the project open, or ended without unlocking it.

    Attributes:
        owner: who wrote the lock, None if unknown.
        is_left: no program on this machine holds the lock, which names another machine: it was probably left by a
            program that is gone, or this machine had another name. Only the user can know.
    """

    def __init__(self, path: Path, owner: LockOwner | None, *, is_left: bool = False) -> None:
        if owner is not None and is_left:
            text = tr(
                "the project is locked by process {pid} on {host}, but no program here holds the lock",
                pid=owner.pid,
                host=owner.host,
            )
        elif owner is None:
            text = tr("the project is open in another window")
        elif owner.host == socket.gethostname():
            text = tr("the project is open in another window (process {pid})", pid=owner.pid)
        else:
            text = tr("the project is open in another window (process {pid} on {host})", pid=owner.pid, host=owner.host)
        super().__init__(text, path=path, remedy=tr("Close it there, or open a copy here."))
        self.owner = owner
        self.is_left = is_left


class LockFile:
    """The lock of one project file, held until ``release``."""

    def __init__(self, project: Path, *, take_over: bool = False) -> None:
        """Acquire the lock.

        Args:
            take_over: ignore an owner on another machine that no longer runs.

        Raises:
            ProjectLockedError: another process has it.
            OSError: the lock file cannot be created (no permission, read-only disk).
        """
        self.path = project.with_name(f"{project.name}.lock")
        self._descriptor = self._open(project, take_over)

    def _open(self, project: Path, take_over: bool) -> int:
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                owner = _read_owner(descriptor)
                held = try_system_lock(descriptor)
                if not _is_free(held, owner, take_over=take_over):
                    raise ProjectLockedError(project, owner, is_left=held is True)
                if self._is_current_file(descriptor):
                    os.ftruncate(descriptor, 0)
                    os.lseek(descriptor, 0, os.SEEK_SET)
                    os.write(descriptor, msgspec.json.encode(LockOwner(os.getpid(), socket.gethostname())))
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            # The previous owner deleted the file after it was opened and before it was locked here.
            os.close(descriptor)

    def _is_current_file(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        # Windows cannot delete an open file. Elsewhere it is deleted while still locked, so no other process can lock a
        # file that is about to be deleted.
        if sys.platform == "win32":
            os.close(descriptor)
        with contextlib.suppress(OSError):
            self.path.unlink()
        if sys.platform != "win32":
            os.close(descriptor)


def _is_free(held: bool | None, owner: LockOwner | None, *, take_over: bool) -> bool:
    """Whether a lock may be used whose system lock was acquired (``held``), refused or, None, not supported."""
    if held is False:
        return False
    if owner is None:
        return True
    if owner.host != socket.gethostname():
        # The system's lock was acquired, but it may not work across the network, so the user must decide.
        return take_over
    return held is True or owner.pid == os.getpid() or not is_alive(owner.pid)


def _read_owner(descriptor: int) -> LockOwner | None:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return msgspec.json.decode(os.read(descriptor, 4096), type=LockOwner)
    except (msgspec.MsgspecError, OSError):
        # The file is empty, being written, or locked against reading: the owner is unknown.
        return None


def try_system_lock(descriptor: int) -> bool | None:
    """Try to lock: True if acquired, False if another process has the lock, None if the file system has no locks."""
    if sys.platform == "win32":
        import msvcrt

        # Lock a byte far behind the text, so other processes can still read the owner.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_alive(pid: int) -> bool:
    """Whether a process runs on this machine (POSIX)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
