"""Engines: who does the tasks. Each yields an answer for every job, in any order; a lost process is an answer too."""

from __future__ import annotations

import collections
import contextlib
import ipaddress
import os
import platform
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

import msgspec

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.environment import worker_environment
from iouviewer.jobs.batch.outputs import Attempt
from iouviewer.jobs.batch.tasks import BatchTask
from iouviewer.jobs.batch.work import LOST, Answer, Job, do_line, do_task

NextTask = Callable[[], BatchTask | None]
"""The next task; None while there is none. An answer may bring one back, to be tried again."""
_LOG_LINES = 20


class Engine(Protocol):
    """Does tasks."""

    def run(self, out: Path, take: NextTask) -> Iterator[Answer]:
        """Do tasks until ``take`` has none and every answer was taken."""


class InThisProcess:
    """One after the other, without any engine: a plain loop, for one share of a batch on a machine of a cluster."""

    def run(self, out: Path, take: NextTask) -> Iterator[Answer]:
        """Do tasks until ``take`` has none and every answer was taken."""
        while (task := take()) is not None:
            yield do_task(out, task)


@dataclass(frozen=True, slots=True)
class Processes:
    """So many processes on this machine; each does one task at a time, and ends with this process."""

    count: int

    def run(self, out: Path, take: NextTask) -> Iterator[Answer]:
        """Do tasks until ``take`` has none and every answer was taken."""
        answers: queue.Queue[tuple[_Child, Answer]] = queue.Queue()
        with contextlib.ExitStack() as stack:
            idle: list[_Child] = []
            busy = 0
            while True:
                while (idle or busy < self.count) and (task := take()) is not None:
                    child = idle.pop() if idle else stack.enter_context(_Child(answers))
                    child.send(out, task)
                    busy += 1
                if not busy:
                    return
                child, answer = answers.get()
                busy -= 1
                if child.is_alive:
                    idle.append(child)
                yield answer


class _Child:
    """A process that serves jobs (``work.serve``), and the thread that hears it."""

    def __init__(self, answers: queue.Queue[tuple[_Child, Answer]]) -> None:
        self._answers = answers
        self._key = ""
        self._lock = threading.Lock()
        self.is_alive = True
        self._log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "iouviewer.jobs.batch.work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=worker_environment(),
        )
        self._threads = [
            threading.Thread(target=self._hear_log, daemon=True),
            threading.Thread(target=self._hear, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_alive = False
        for stream in (self._process.stdin,):
            with contextlib.suppress(OSError):
                _known(stream).close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(timeout=10)
        for stream in (self._process.stdout, self._process.stderr):
            _known(stream).close()

    def send(self, out: Path, task: BatchTask) -> None:
        """Give it a job; if the process is gone, that is the answer."""
        self._key = task.key
        try:
            stdin = _known(self._process.stdin)
            stdin.write(msgspec.json.encode(Job(str(out), task)).decode() + "\n")
            stdin.flush()
        except OSError:
            self._process.wait()
            self._lose()

    def _hear(self) -> None:
        for line in _known(self._process.stdout):
            self._key = ""
            self._answers.put((self, msgspec.json.decode(line, type=Answer)))
        self._process.wait()
        self._lose()

    def _hear_log(self) -> None:
        for line in _known(self._process.stderr):
            self._log.append(line.rstrip())

    def _lose(self) -> None:
        with self._lock:  # both threads may notice that it is gone
            key, self._key = self._key, ""
        self.is_alive = False
        if key:
            words = tr("the process ended with status {status}", status=self._process.returncode)
            self._answers.put((self, Answer(key, Attempt(LOST, words, "\n".join(self._log), platform.node()))))


def _known(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of a TLS connection to a scheduler: certificate of the authority, own certificate and key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class DaskCluster:
    """The workers of a Dask scheduler, or ``count`` of an own one on this machine, which only this machine can reach.

    Attributes:
        scheduler: address; empty: an own one.
        tls: needed for a scheduler on another machine.
    """

    scheduler: str = ""
    count: int = 1
    tls: TlsFiles | None = None

    def __post_init__(self) -> None:
        if (
            self.scheduler
            and not is_loopback(self.scheduler)
            and (self.tls is None or not self.scheduler.startswith("tls://"))
        ):
            raise UserError(
                tr("the scheduler {address} is on another machine and needs TLS", address=self.scheduler),
                remedy=tr("Give tls://HOST:PORT with --tls-ca, --tls-cert and --tls-key."),
            )

    def run(self, out: Path, take: NextTask) -> Iterator[Answer]:
        """Do tasks until ``take`` has none and every answer was taken."""
        distributed = _distributed()
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(self._client(distributed, stack))
            results = distributed.as_completed()
            waiting: dict[Any, str] = {}
            number = 0
            while True:
                while len(waiting) < _MOST_WAITING and (task := take()) is not None:
                    number += 1
                    line = msgspec.json.encode(Job(str(out), task)).decode()
                    name = f"{task.key[:16]}-{os.getpid()}-{number}"
                    future = client.submit(do_line, line, key=name, pure=False)
                    waiting[future] = task.key
                    results.add(future)
                if not waiting:
                    return
                future = next(results)
                key = waiting.pop(future)
                answer = self._answer(future, key)
                future.release()  # the scheduler forgets it, so a lost worker repeats nothing that is done
                yield answer

    @staticmethod
    def _answer(future: Any, key: str) -> Answer:
        if future.status == "finished":
            return msgspec.json.decode(future.result(), type=Answer)
        words = tr("the worker was lost: {reason}", reason=future.exception() or future.status)
        return Answer(key, Attempt(LOST, words.splitlines()[0]))

    def _client(self, distributed: Any, stack: contextlib.ExitStack) -> Any:
        if not self.scheduler:
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=self.count, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
                )
            )
            return distributed.Client(cluster)
        security = None
        if self.tls is not None:
            security = distributed.Security(
                tls_ca_file=str(self.tls.authority),
                tls_client_cert=str(self.tls.certificate),
                tls_client_key=str(self.tls.key),
                require_encryption=True,
            )
        return distributed.Client(self.scheduler, security=security)


_MOST_WAITING = 10_000
"""Jobs that a scheduler holds at a time."""


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise UserError(
            tr("the engine dask needs the extra batch"), remedy=tr("pip install 'iouviewer[batch]'")
        ) from error
    return distributed


def is_loopback(address: str) -> bool:
    """Whether an address can only be reached from this machine."""
    host = urlsplit(address if "://" in address else f"tcp://{address}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
