"""Does one task, in whatever process an engine calls it: runs the model and writes the result."""

from __future__ import annotations

import os
import platform
import queue
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.protocol import Failed, FailureKind, Finished, FrameDetections, ModelLoaded
from iouviewer.inference.runner import RunMessage, RunRequest, run_in_process
from iouviewer.jobs.batch.manifest import checked_file
from iouviewer.jobs.batch.outputs import Attempt, OutputFolder, TaskResult
from iouviewer.jobs.batch.tasks import BatchTask, runtime_name
from iouviewer.jobs.run_facts import fps_half_iqr, frames_per_second, times_of

REFUSED, LOST = "refused", "lost"
"""Kinds of attempts beside those of ``FailureKind``: a node that cannot do the task, and a process that ended."""
_LOG_LINES = 20


class Job(msgspec.Struct, frozen=True):
    """A task and where its result goes."""

    out: str
    task: BatchTask


class Answer(msgspec.Struct, frozen=True):
    """What became of a task; without an attempt it is done."""

    key: str
    failed: Attempt | None = None


def do_task(out: Path, task: BatchTask) -> Answer:
    """Do a task unless it is done already; an error becomes the answer's attempt."""
    outputs = OutputFolder(out)
    if outputs.is_done(task.key):
        return Answer(task.key)
    try:
        if runtime_name() != task.runtime:
            raise UserError(
                tr("this machine has {found}, the batch {wanted}", found=runtime_name(), wanted=task.runtime),
                remedy=tr("Install the same versions on all machines."),
            )
        video = checked_file(task.video, task.video_sha256)
        weights = checked_file(task.weights, task.weights_sha256)
        found = run_frames(video, task.variant, weights, task)
        if isinstance(found, Failed):
            return Answer(task.key, _attempt(str(found.kind), str(found), found.detail))
        result, measured = found
        outputs.write_result(task, result, measured)
    except UserError as error:
        return Answer(task.key, _attempt(REFUSED, str(error)))
    return Answer(task.key)


def _attempt(kind: str, words: str, log: str = "") -> Attempt:
    return Attempt(kind, words, "\n".join(log.splitlines()[-_LOG_LINES:]), platform.node())


def run_frames(video: Path, name: str, weights: Path, task: BatchTask) -> tuple[TaskResult, dict[str, Any]] | Failed:
    """Run the model on the frames of a task; the result and its measurements, or why it failed."""
    settings = task.settings
    request = RunRequest(
        name=name,
        weights=weights,
        video=video,
        frames=tuple(range(task.first, task.last)),
        floor=settings.floor,
        nms_iou=settings.nms_iou,
        max_det=settings.max_det,
        imgsz=settings.imgsz,
        device=settings.device,
    )
    model: ModelLoaded | None = None
    finished: Finished | None = None
    found = []
    started = time.time()
    messages = cast("Generator[RunMessage]", run_in_process(request))
    try:
        for message in messages:
            if isinstance(message, Failed):
                return message
            if isinstance(message, ModelLoaded):
                model = message
            elif isinstance(message, FrameDetections):
                found += message.unpack()
            elif isinstance(message, Finished):
                finished = message
    finally:
        messages.close()
    if model is None or finished is None:
        return Failed(kind=FailureKind.PROTOCOL, message=tr("the model said nothing"))
    missing = task.frames - len(found) - len(finished.unreadable)
    if missing:
        return Failed(kind=FailureKind.PROTOCOL, message=tr("{count} frames have no answer", count=missing))
    times = times_of(found)
    measured = {
        "node": platform.node(),
        "device": model.device,
        "hardware": model.hardware,
        "threads": model.threads,
        "versions": dict(model.versions),
        "started": started,
        "seconds": finished.seconds,
        "fps": frames_per_second(times),
        "fps_half_iqr": fps_half_iqr(times),
        "frames": len(found),
    }
    return TaskResult.of(model, found, finished), measured


def do_line(line: str) -> str:
    """A ``Job`` as JSON to an ``Answer`` as JSON: what engines send, so no object of the program is pickled."""
    job = msgspec.json.decode(line, type=Job)
    return msgspec.json.encode(do_task(Path(job.out), job.task)).decode()


def serve(stream: IO[str], answers: IO[str]) -> int:
    """Do the jobs that come as lines; end at once, with the model's process, when the other side is gone."""
    lines: queue.Queue[str] = queue.Queue()
    busy = threading.Event()

    def listen() -> None:
        for line in stream:
            busy.set()
            lines.put(line)
        if busy.is_set():
            os._exit(1)  # the driver is gone: nobody waits for this task
        lines.put("")

    threading.Thread(target=listen, daemon=True).start()
    while line := lines.get():
        answer = do_line(line)
        busy.clear()
        answers.write(answer + "\n")
        answers.flush()
    return 0


def main() -> int:
    """``python -m iouviewer.jobs.batch.work``: serve on standard input and output, which nothing else may use."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return serve(sys.stdin, answers)


if __name__ == "__main__":
    sys.exit(main())
