"""One window writes; the lock of a dead process does not block others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from iouviewer.project import lock
from iouviewer.project.lock import LockFile, LockOwner, ProjectLockedError

HOLDER = """
import sys
from pathlib import Path
from iouviewer.project.lock import LockFile
held = LockFile(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "clip.mp4.iouv"


def write_owner(project: Path, pid: int, host: str) -> None:
    project.with_name(f"{project.name}.lock").write_bytes(msgspec.json.encode(LockOwner(pid, host)))


def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_the_error_names_the_other_process_whose_death_releases_the_lock(project: Path, repository: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(project)],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ProjectLockedError, match=f"process {process.pid}") as caught:
            LockFile(project)
        assert caught.value.owner == LockOwner(process.pid, socket.gethostname())
        process.kill()
    LockFile(project).release()
    assert not project.with_name(f"{project.name}.lock").exists()


def test_a_second_window_of_the_same_process_is_refused(project: Path):
    first = LockFile(project)
    with pytest.raises(ProjectLockedError):
        LockFile(project)
    first.release()
    first.release()
    LockFile(project).release()


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "x"}', b"\xff\xfe"])
def test_an_unreadable_lock_file_without_an_owner_is_taken_over(project: Path, content: bytes):
    path = project.with_name(f"{project.name}.lock")
    path.write_bytes(content)
    taken = LockFile(project)
    assert msgspec.json.decode(path.read_bytes())["pid"] == os.getpid()
    taken.release()
    assert not path.exists()


def test_the_lock_of_another_machine_holds_until_the_user_overrides_it(project: Path):
    write_owner(project, 1, "another-machine")
    with pytest.raises(ProjectLockedError, match="another-machine"):
        LockFile(project)
    LockFile(project, take_over=True).release()


@pytest.mark.skipif(os.name != "posix", reason="checks for a process the POSIX way")
def test_without_file_locks_the_owning_process_decides(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "try_system_lock", lambda _descriptor: None)
    write_owner(project, os.getppid(), socket.gethostname())
    with pytest.raises(ProjectLockedError):
        LockFile(project)
    write_owner(project, dead_pid(), socket.gethostname())
    LockFile(project).release()


def test_a_lock_file_that_was_deleted_meanwhile_is_created_again(project: Path, monkeypatch: pytest.MonkeyPatch):
    real, calls = lock.try_system_lock, []

    def lock_after_removal(descriptor: int) -> bool | None:
        calls.append(descriptor)
        if len(calls) == 1:
            project.with_name(f"{project.name}.lock").unlink()
        return real(descriptor)

    monkeypatch.setattr(lock, "try_system_lock", lock_after_removal)
    held = LockFile(project)
    assert len(calls) == 2
    with pytest.raises(ProjectLockedError):
        LockFile(project)
    held.release()
