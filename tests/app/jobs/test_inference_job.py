"""The inference queue with workers that are plain scripts without torch."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QThread, Slot

from iouviewer.app.jobs.inference_job import InferenceQueue, QueueState
from iouviewer.inference.protocol import FailureKind
from iouviewer.inference.runner import RunRequest
from iouviewer.inference.trust import TrustStore
from iouviewer.resource_files import resource_path
from tests.inference.helpers import needs_yolo, python_worker

WAIT = 30_000
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
LOADED = (
    PRELUDE
    + "say(INFO)\npredict = p.read_message(inp)\n"
    + "frames = list(range(4)) if predict.frames is None else predict.frames\n"
)
GOOD = """
for done, frame in enumerate(frames, 1):
    say(p.pack([detections(frame, 2)]))
    say(p.RunProgress(done=done, total=len(frames), seconds=0.5 * done))
say(p.Finished(done=len(frames), seconds=2.0))
"""
HALF = """
say(p.pack([detections(frames[0], 2), detections(frames[1], 2)]))
say(p.RunProgress(done=2, total=len(frames), seconds=1.0))
"""
STUCK = HALF + "assert isinstance(p.read_message(inp), p.Cancel)\nsay(p.Finished(done=2, seconds=1, cancelled=True))\n"


class QueueRecorder(QObject):
    """Records everything that a queue emits, and in which thread."""

    def __init__(self, queue: InferenceQueue) -> None:
        super().__init__()
        self.emitted: list[tuple] = []
        self.threads: set[bool] = set()
        self.found: dict[int, list[int]] = {}
        queue.started.connect(self._on_started)
        queue.modelLoaded.connect(self._on_model_loaded)
        queue.detections.connect(self._on_detections)
        queue.progress.connect(self._on_progress)
        queue.finished.connect(self._on_finished)
        queue.cancelled.connect(self._on_cancelled)
        queue.failed.connect(self._on_failed)
        queue.needsTrust.connect(self._on_needs_trust)

    def _note(self, *what) -> None:
        self.threads.add(QThread.currentThread() is self.thread())
        self.emitted.append(what)

    @Slot(object)
    def _on_started(self, run) -> None:
        self._note("started", run.id)

    @Slot(object, object)
    def _on_model_loaded(self, run, model) -> None:
        self._note("loaded", run.id, model.names)

    @Slot(object, object)
    def _on_detections(self, run, found) -> None:
        self._note("detections", run.id)
        self.found.setdefault(run.id, []).extend(d.frame for d in found)

    @Slot(object, int, int, float, float)
    def _on_progress(self, run, done, total, rate, left) -> None:
        self._note("progress", run.id, done, total, rate, left)

    @Slot(object)
    def _on_finished(self, run) -> None:
        self._note("finished", run.id)

    @Slot(object)
    def _on_cancelled(self, run) -> None:
        self._note("cancelled", run.id)

    @Slot(object, object)
    def _on_failed(self, run, failure) -> None:
        self._note("failed", run.id, failure.kind)

    @Slot(object, str, str, str)
    def _on_needs_trust(self, run, path, sha256, reason) -> None:
        self._note("needs trust", path, sha256, reason)

    def names(self) -> list[str]:
        return [what[0] for what in self.emitted]


@pytest.fixture
def queue_of(qtbot):
    queues = []

    def make(code: str, prelude: str = LOADED) -> tuple[InferenceQueue, QueueRecorder]:
        queue = InferenceQueue(command=python_worker(prelude + textwrap.dedent(code)))
        queues.append(queue)
        return queue, QueueRecorder(queue)

    yield make
    for queue in queues:
        queue.close()


def test_a_run_of_no_frames_finishes_without_detections(qtbot, queue_of):
    queue, recorder = queue_of(GOOD)
    run = queue.enqueue(RunRequest("a", Path("w"), Path("v"), frames=()), 4)
    qtbot.waitUntil(lambda: run.state is QueueState.FINISHED, timeout=WAIT)
    assert recorder.found == {}
    assert run.complete


def test_a_run_reports_model_progress_and_end_in_the_ui_thread(qtbot, queue_of):
    queue, recorder = queue_of(GOOD)
    run = queue.enqueue(REQUEST, 4)
    assert run.state is QueueState.RUNNING and queue.current is run
    qtbot.waitUntil(lambda: run.state is QueueState.FINISHED, timeout=WAIT)
    assert recorder.threads == {True}
    assert recorder.names()[:2] == ["started", "loaded"]
    assert recorder.names()[-1] == "finished"
    assert recorder.found == {1: [0, 1, 2, 3]}
    assert [w for w in recorder.emitted if w[0] == "progress"][-1][2:] == (4, 4, 2.0, 0.0)
    assert run.complete and run.model is not None and not queue.busy


def test_a_thousand_messages_reach_the_ui_in_few_batches(qtbot, queue_of):
    queue, recorder = queue_of("frames = range(1000)\n" + GOOD)
    run = queue.enqueue(REQUEST, 1000)
    qtbot.waitUntil(lambda: run.state is QueueState.FINISHED, timeout=WAIT)
    assert recorder.found[1] == list(range(1000))
    assert recorder.names().count("detections") < 500


def test_runs_execute_in_the_order_of_the_queue(qtbot, queue_of):
    queue, recorder = queue_of(GOOD)
    runs = [queue.enqueue(REQUEST, 4) for _ in range(3)]
    assert [r.state for r in runs] == [QueueState.RUNNING, QueueState.QUEUED, QueueState.QUEUED]
    qtbot.waitUntil(lambda: not queue.busy, timeout=WAIT)
    ends = [w for w in recorder.emitted if w[0] in {"started", "finished"}]
    assert ends == [(what, k) for k in (1, 2, 3) for what in ("started", "finished")]


def test_a_cancelled_run_keeps_its_frames_and_resumes_with_the_others(qtbot, queue_of):
    queue, recorder = queue_of("exec(GOOD if predict.frames is not None and len(predict.frames) == 2 else STUCK)",
                              LOADED + f"GOOD = {GOOD!r}\nSTUCK = {STUCK!r}\n")  # fmt: skip
    run = queue.enqueue(REQUEST, 4)
    qtbot.waitUntil(lambda: 1 in recorder.found, timeout=WAIT)
    queue.cancel(run)
    qtbot.waitUntil(lambda: run.state is QueueState.CANCELLED, timeout=WAIT)
    assert (run.done, run.complete) == ({0, 1}, False)
    queue.resume(run)
    qtbot.waitUntil(lambda: run.state is QueueState.FINISHED, timeout=WAIT)
    assert recorder.found == {1: [0, 1, 2, 3]}
    assert run.complete
    assert [w[2:4] for w in recorder.emitted if w[0] == "progress"][-1] == (4, 4)
    queue.resume(run)
    assert run.state is QueueState.FINISHED


def test_a_run_from_an_earlier_session_resumes_where_it_stopped(qtbot, queue_of):
    queue, recorder = queue_of(GOOD)
    run = queue.enqueue(REQUEST, 4, done={0, 3})
    qtbot.waitUntil(lambda: run.state is QueueState.FINISHED, timeout=WAIT)
    assert recorder.found == {1: [1, 2]}


def test_a_waiting_run_is_cancelled_at_once(qtbot, queue_of):
    queue, recorder = queue_of(GOOD)
    first, second = queue.enqueue(REQUEST, 4), queue.enqueue(REQUEST, 4)
    queue.cancel(second)
    assert second.state is QueueState.CANCELLED
    qtbot.waitUntil(lambda: first.state is QueueState.FINISHED, timeout=WAIT)
    assert ("started", 2) not in recorder.emitted


def test_a_failed_run_reports_the_reason_keeps_its_frames_and_starts_the_next_run(qtbot, queue_of):
    queue, recorder = queue_of(HALF + "os._exit(3)")
    run, other = queue.enqueue(REQUEST, 4), queue.enqueue(REQUEST, 4)
    qtbot.waitUntil(lambda: other.state is QueueState.FAILED, timeout=WAIT)
    assert run.state is QueueState.FAILED
    assert ("failed", 1, FailureKind.CRASHED) in recorder.emitted
    assert run.done == {0, 1}
    assert "exit status 3" in run.failure.message


def test_an_untrusted_model_asks_for_trust_and_continues_once_it_is_trusted(qtbot, queue_of):
    code = f"""
    if "ab" * 32 not in load.trusted:
        say(p.Failed(kind="needs_trust", message="runs code", path="/w.pt", sha256="ab" * 32))
        sys.exit()
    say(INFO)
    predict = p.read_message(inp)
    frames = [0]
    exec({GOOD!r})
    """
    queue, recorder = queue_of(code, PRELUDE)
    run = queue.enqueue(REQUEST, 1)
    qtbot.waitUntil(lambda: run.state is QueueState.NEEDS_TRUST, timeout=WAIT)
    assert recorder.emitted[-1] == ("needs trust", "/w.pt", "ab" * 32, "runs code")
    queue.trust(run)
    qtbot.waitUntil(lambda: run.state is QueueState.FINISHED, timeout=WAIT)
    assert TrustStore().hashes() == ["ab" * 32]


def test_a_run_is_complete_although_some_frames_cannot_be_decoded(qtbot, queue_of):
    queue, _ = queue_of(HALF + "say(p.Finished(done=2, seconds=1, unreadable=[2, 3]))")
    run = queue.enqueue(REQUEST, 4)
    qtbot.waitUntil(lambda: run.state is QueueState.FINISHED, timeout=WAIT)
    assert run.complete


def test_closing_stops_a_run_that_never_ends_and_leaves_no_thread(qtbot, queue_of):
    queue, recorder = queue_of(HALF + "threading.Event().wait()")
    queue.enqueue(REQUEST, 4)
    waiting = queue.enqueue(REQUEST, 4)
    qtbot.waitUntil(lambda: 1 in recorder.found, timeout=WAIT)
    queue.close()
    assert waiting.state is QueueState.CANCELLED
    assert queue.findChildren(QThread) == [] or all(t.isFinished() for t in queue.findChildren(QThread))


@needs_yolo
def test_the_real_worker_fills_the_queue_with_real_detections(qtbot):
    clip = resource_path("sample/clip.mp4")
    queue = InferenceQueue()
    recorder = QueueRecorder(queue)
    weights = clip.parent / "weights" / "small.pt"
    run = queue.enqueue(RunRequest("small", weights, clip, frames=(3, 1), floor=0.25), 500)
    qtbot.waitUntil(lambda: run.state in {QueueState.FINISHED, QueueState.FAILED}, timeout=120_000)
    queue.close()
    assert run.failure is None
    assert recorder.found == {1: [3, 1]}
    assert run.model.names == ["car", "truck", "person"]
