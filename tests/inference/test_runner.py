"""The program's side of the protocol, with fake workers that need no torch."""

from __future__ import annotations

import itertools
import textwrap
from pathlib import Path

import pytest

from iouviewer.inference.protocol import Failed, FailureKind, Finished, FrameDetections, ModelLoaded
from iouviewer.inference.runner import RunRequest, WorkerProcess, run_in_process, worker_command
from tests.inference.helpers import is_gone, python_worker

REQUEST = RunRequest("a", Path("weights.pt"), Path("clip.mp4"))

PRELUDE = """
import os, sys, threading
from iouviewer.inference import protocol as p
from tests.inference.helpers import INFO, detections
out, inp = sys.stdout.buffer, sys.stdin.buffer
send = lambda m: p.write_message(out, m)
send(p.Hello())
load = p.read_message(inp)
"""
LOADED = PRELUDE + "send(INFO)\npredict = p.read_message(inp)\n"


def worker(code: str, prelude: str = LOADED) -> list[str]:
    return python_worker(prelude + textwrap.dedent(code))


def run(command, **options):
    return list(run_in_process(REQUEST, command=command, trusted=[], **options))


def test_a_run_yields_the_messages_of_the_worker_until_finished():
    messages = run(
        worker("""
        assert load.weights.startswith("/") and predict.video.startswith("/"), (load, predict)
        send(p.pack([detections(0, 2)]))
        send(p.RunProgress(done=1, total=1, seconds=0.5))
        send(p.Finished(done=1, seconds=0.5))
        """)
    )
    assert [type(m).__name__ for m in messages] == ["ModelLoaded", "FrameDetections", "RunProgress", "Finished"]


def test_a_resumed_run_skips_finished_frames():
    assert RunRequest("a", Path("w"), Path("v")).remaining({0, 2}, 5).frames == (1, 3, 4)
    assert RunRequest("a", Path("w"), Path("v"), frames=(4, 1, 0)).remaining({1}, 5).frames == (4, 0)
    assert RunRequest("a", Path("w"), Path("v")).remaining(set(), 0).frames == ()


def test_a_crashed_worker_is_an_error_with_its_last_log_line():
    messages = run(worker("sys.stderr.write('first\\nout of luck\\n'); sys.stderr.flush(); os._exit(7)"))
    assert isinstance(messages[-1], Failed)
    assert messages[-1].kind == FailureKind.CRASHED
    assert "exit status 7" in messages[-1].message and messages[-1].message.endswith("out of luck")
    assert messages[-1].detail == "first\nout of luck"


def test_an_unhandled_exception_in_the_worker_is_one_line():
    messages = run(worker("raise RuntimeError('no such kernel')"))
    assert "\n" not in str(messages[-1])
    assert "RuntimeError: no such kernel" in messages[-1].message


def test_invalid_data_from_the_worker_is_an_error():
    messages = run(python_worker("print('Welcome to the machine')"))
    assert [m.kind for m in messages] == [FailureKind.PROTOCOL]


def test_another_protocol_version_is_refused():
    messages = run(worker("", prelude="import sys\nfrom iouviewer.inference import protocol as p\n"
                          "p.write_message(sys.stdout.buffer, p.Hello(version=99))\nsys.stdin.read()"))  # fmt: skip
    assert [m.kind for m in messages] == [FailureKind.PROTOCOL]
    assert "version 99" in messages[0].message


def test_a_missing_command_is_an_error():
    assert [m.kind for m in run(["/nowhere/worker"])] == [FailureKind.CRASHED]


def test_a_worker_that_ignores_cancel_is_killed_and_its_results_are_kept():
    code = """
    send(p.pack([detections(0, 2)]))
    send(p.RunProgress(done=1, total=9, seconds=0.5))
    threading.Event().wait()
    """
    calls = itertools.count()
    messages = []
    for message in run_in_process(
        REQUEST,
        command=worker(code),
        trusted=[],
        cancel_timeout=0.2,
        cancelled=lambda: len(messages) >= 3 and next(calls) >= 0,
    ):
        messages.append(message)
    assert [type(m) for m in messages][1:] != []
    assert isinstance(messages[1], FrameDetections)
    assert messages[-1] == Finished(done=1, seconds=0.5, cancelled=True)


def test_a_cancel_while_the_model_loads_ends_immediately():
    messages = []
    command = worker("threading.Event().wait()", prelude=PRELUDE)
    for message in run_in_process(REQUEST, command=command, trusted=[], cancel_timeout=60, cancelled=lambda: True):
        messages.append(message)
    assert messages == [Finished(done=0, seconds=0.0, cancelled=True)]


def test_a_worker_that_obeys_cancel_is_not_killed():
    code = """
    assert isinstance(p.read_message(inp), p.Cancel)
    send(p.pack([detections(frame, 1) for frame in range(3)]))
    send(p.Finished(done=3, seconds=1.0, cancelled=True))
    """
    messages = []
    for message in run_in_process(REQUEST, command=worker(code), trusted=[], cancelled=lambda: bool(messages)):
        messages.append(message)
    assert messages[-1].done == 3


def test_closing_the_iterator_ends_the_process(monkeypatch):
    started = []
    real = WorkerProcess.__init__

    def remember(self, command):
        real(self, command)
        started.append(self.pid)

    monkeypatch.setattr(WorkerProcess, "__init__", remember)
    iterator = run_in_process(REQUEST, command=worker("threading.Event().wait()"), trusted=[])
    assert isinstance(next(iterator), ModelLoaded)
    iterator.close()
    assert is_gone(started[0])


def test_trusted_hashes_come_from_the_trust_store():
    from iouviewer.inference.trust import TrustStore

    TrustStore().trust("ab" * 32, "m.pt")
    command = worker("send(p.Failed(kind='crashed', message=','.join(load.trusted)))", prelude=PRELUDE)
    assert [m.message for m in run_in_process(REQUEST, command=command)] == ["ab" * 32]


def test_a_frozen_program_is_its_own_worker(monkeypatch):
    import sys

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/iouviewer")
    assert worker_command() == ["/opt/iouviewer", "worker"]


@pytest.mark.parametrize("line", ["x" * 5000, "\xff\xfe", ""])
def test_any_log_line_is_accepted(line):
    messages = run(
        worker(f"sys.stderr.buffer.write({line.encode('latin-1')!r} + b'\\n'); send(p.Finished(done=0, seconds=0))")
    )
    assert isinstance(messages[-1], Finished)
