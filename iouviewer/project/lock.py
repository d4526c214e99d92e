"""The lock file beside a project: one window writes, a second one is told who does.

The operating system holds the lock and lets go when its owner dies, however it dies; what stands in the file is for
people, and decides where a file system knows no locks.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path

import msgspec

from iouviewer.errors import UserError


class Owner(msgspec.Struct, frozen=True):
    """Who holds a lock."""

    pid: int
    host: str


class ProjectLockedError(UserError):
    """Another window, perhaps on another machine, has the project open."""

    def __init__(self, path: Path, owner: Owner | None) -> None:
        who = "another window"
        if owner is not None:
            who += f" (process {owner.pid}" + ("" if owner.host == socket.gethostname() else f" on {owner.host}") + ")"
        super().__init__(
            f"the project is open in {who}",
            path=path,
            remedy="Close it there, or look at a copy here.",
        )
        self.owner = owner


class LockFile:
    """The lock of one project file; ``release`` gives it back."""

    def __init__(self, project: Path, *, take_over: bool = False) -> None:
        """Take the lock.

        Args:
            take_over: ignore an owner on another machine that can no longer be asked.

        Raises:
            ProjectLockedError: somebody else has it.
            OSError: the lock file cannot be made (no permission, read-only disk).
        """
        self.path = project.with_name(f"{project.name}.lock")
        self._descriptor = self._open(project, take_over)

    def _open(self, project: Path, take_over: bool) -> int:
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                owner = _read_owner(descriptor)
                if not self._is_free(descriptor, owner, take_over):
                    raise ProjectLockedError(project, owner)
                if self._is_at_its_place(descriptor):
                    os.ftruncate(descriptor, 0)
                    os.lseek(descriptor, 0, os.SEEK_SET)
                    os.write(descriptor, msgspec.json.encode(Owner(os.getpid(), socket.gethostname())))
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            # The last owner took the file away between our opening and locking it.
            os.close(descriptor)

    def _is_free(self, descriptor: int, owner: Owner | None, take_over: bool) -> bool:
        held = _try_system_lock(descriptor)
        if held is False:
            return False
        if owner is None or take_over:
            return True
        if owner.host != socket.gethostname():
            # We have the system's lock, but it may not reach across the network; only a person knows.
            return False
        return held is True or owner.pid == os.getpid() or not is_alive(owner.pid)

    def _is_at_its_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Give the lock back; a second call does nothing."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        # Windows deletes no open file; elsewhere it goes while we still hold it, so that nobody locks a ghost.
        if sys.platform == "win32":
            os.close(descriptor)
        with contextlib.suppress(OSError):
            self.path.unlink()
        if sys.platform != "win32":
            os.close(descriptor)


def _read_owner(descriptor: int) -> Owner | None:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        return msgspec.json.decode(os.read(descriptor, 4096), type=Owner)
    except (msgspec.MsgspecError, OSError):
        # Empty, or being written, or locked against reading: the owner is not known.
        return None


def _try_system_lock(descriptor: int) -> bool | None:
    """True: we have it; False: somebody has it; None: this file system knows no locks."""
    if sys.platform == "win32":
        import msvcrt

        # A byte far behind the text, so that others can read who the owner is.
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
    """Whether a process of this machine runs (POSIX)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
