"""The program's side against workers that misbehave; none of them needs torch."""

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
say = lambda m: p.write_message(out, m)
say(p.Hello())
load = p.read_message(inp)
"""
LOADED = PRELUDE + "say(INFO)\npredict = p.read_message(inp)\n"


def worker(code: str, prelude: str = LOADED) -> list[str]:
    return python_worker(prelude + textwrap.dedent(code))


def run(command, **options):
    return list(run_in_process(REQUEST, command=command, trusted=[], **options))


def test_a_run_passes_on_what_the_worker_says_until_it_is_finished():
    said = run(
        worker("""
        assert load.weights.startswith("/") and predict.video.startswith("/"), (load, predict)
        say(p.pack([detections(0, 2)]))
        say(p.Progress(done=1, total=1, seconds=0.5))
        say(p.Finished(done=1, seconds=0.5))
        """)
    )
    assert [type(m).__name__ for m in said] == ["ModelLoaded", "FrameDetections", "Progress", "Finished"]


def test_frames_that_are_done_are_left_out_when_a_run_goes_on():
    assert RunRequest("a", Path("w"), Path("v")).without({0, 2}, 5).frames == (1, 3, 4)
    assert RunRequest("a", Path("w"), Path("v"), frames=(4, 1, 0)).without({1}, 5).frames == (4, 0)
    assert RunRequest("a", Path("w"), Path("v")).without(set(), 0).frames == ()


def test_a_worker_that_dies_is_a_failure_with_its_last_words():
    said = run(worker("sys.stderr.write('first\\nout of luck\\n'); sys.stderr.flush(); os._exit(7)"))
    assert isinstance(said[-1], Failed)
    assert said[-1].kind == FailureKind.CRASHED
    assert "exit status 7" in said[-1].message and said[-1].message.endswith("out of luck")
    assert said[-1].detail == "first\nout of luck"


def test_an_unhandled_error_in_the_worker_is_told_in_one_line():
    said = run(worker("raise RuntimeError('no such kernel')"))
    assert "\n" not in str(said[-1])
    assert "RuntimeError: no such kernel" in said[-1].message


def test_garbage_from_the_worker_is_a_failure():
    said = run(python_worker("print('Welcome to the machine')"))
    assert [m.kind for m in said] == [FailureKind.PROTOCOL]


def test_another_version_of_the_protocol_is_refused():
    said = run(worker("", prelude="import sys\nfrom iouviewer.inference import protocol as p\n"
                          "p.write_message(sys.stdout.buffer, p.Hello(version=99))\nsys.stdin.read()"))  # fmt: skip
    assert [m.kind for m in said] == [FailureKind.PROTOCOL]
    assert "version 99" in said[0].message


def test_a_command_that_does_not_exist_is_a_failure():
    assert [m.kind for m in run(["/nowhere/worker"])] == [FailureKind.CRASHED]


def test_a_worker_that_does_not_stop_when_it_is_asked_is_killed_and_keeps_what_it_found():
    code = """
    say(p.pack([detections(0, 2)]))
    say(p.Progress(done=1, total=9, seconds=0.5))
    threading.Event().wait()
    """
    asked = itertools.count()
    said = []
    for message in run_in_process(
        REQUEST, command=worker(code), trusted=[], grace=0.2, cancelled=lambda: len(said) >= 3 and next(asked) >= 0
    ):
        said.append(message)
    assert [type(m) for m in said][1:] != []
    assert isinstance(said[1], FrameDetections)
    assert said[-1] == Finished(done=1, seconds=0.5, cancelled=True)


def test_a_cancel_while_the_model_loads_ends_at_once():
    said = []
    command = worker("threading.Event().wait()", prelude=PRELUDE)
    for message in run_in_process(REQUEST, command=command, trusted=[], grace=60, cancelled=lambda: True):
        said.append(message)
    assert said == [Finished(done=0, seconds=0.0, cancelled=True)]


def test_a_worker_that_is_asked_to_stop_and_does_is_not_killed():
    code = """
    assert isinstance(p.read_message(inp), p.Cancel)
    say(p.Finished(done=3, seconds=1.0, cancelled=True))
    """
    said = []
    for message in run_in_process(REQUEST, command=worker(code), trusted=[], cancelled=lambda: bool(said)):
        said.append(message)
    assert said[-1].done == 3


def test_a_reader_that_loses_interest_leaves_no_process_behind(monkeypatch):
    started = []
    real = WorkerProcess.__init__

    def remember(self, command):
        real(self, command)
        started.append(self.pid)

    monkeypatch.setattr(WorkerProcess, "__init__", remember)
    messages = run_in_process(REQUEST, command=worker("threading.Event().wait()"), trusted=[])
    assert isinstance(next(messages), ModelLoaded)
    messages.close()
    assert is_gone(started[0])


def test_trusted_contents_come_from_the_users_list():
    from iouviewer.inference.trust import TrustStore

    TrustStore().trust("ab" * 32, "m.pt")
    command = worker("say(p.Failed(kind='crashed', message=','.join(load.trusted)))", prelude=PRELUDE)
    assert [m.message for m in run_in_process(REQUEST, command=command)] == ["ab" * 32]


def test_the_worker_is_the_program_itself_when_it_is_frozen(monkeypatch):
    import sys

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/iouviewer")
    assert worker_command() == ["/opt/iouviewer", "worker"]


@pytest.mark.parametrize("line", ["x" * 5000, "\xff\xfe", ""])
def test_any_log_is_bearable(line):
    said = run(
        worker(f"sys.stderr.buffer.write({line.encode('latin-1')!r} + b'\\n'); say(p.Finished(done=0, seconds=0))")
    )
    assert isinstance(said[-1], Finished)
