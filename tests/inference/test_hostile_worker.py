"""The real queue with a real worker process that speaks the real protocol and misbehaves in one way after another."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QDeadlineTimer, QEventLoop
from PySide6.QtWidgets import QApplication

from iouviewer.app.jobs.inference_job import InferenceQueue, QueueState, Run
from iouviewer.cli import main
from iouviewer.inference import protocol, runner
from iouviewer.inference.message_checks import InvalidMessageError, MessageChecks
from iouviewer.inference.protocol import Detections, FailureKind, FrameDetections, ModelLoaded
from iouviewer.inference.runner import RunRequest
from tests.inference.helpers import INFO, detections, python_worker

FRAMES = 6
WORKER = """
import os, signal, struct, sys, time
import msgspec, numpy as np
from iouviewer.inference import protocol as p

inf, nan, out, inp = float("inf"), float("nan"), sys.stdout.buffer, sys.stdin.buffer
MODEL = dict(
    type="ModelLoaded", names=["car", "person"], imgsz=[64, 64], floor=0.001, nms="run", nms_iou=0.7, max_det=300,
    rectangular=True, device="cpu", task="detect", runtime="fake", precision="fp32", sha256="00", trusted=False,
    versions={}, hardware="none", threads=1,
)

def raw(data):
    out.write(data)
    out.flush()

def send(message, /, **changes):
    body = msgspec.msgpack.encode({**message, **changes} if isinstance(message, dict) else message)
    raw(struct.pack("<I", len(body)) + body)

def frame(number, boxes=((1, 2, 30, 40),), scores=None, classes=None, times=(1, 2, 1)):
    n = len(boxes)
    return p.Detections(
        number, np.array(boxes, np.float32).reshape(-1, 4), np.array(scores or [0.5] * n, np.float32),
        np.array(classes or [0] * n, np.int32), np.array(times, np.float32),
    )

def found(*frames, **changes):
    send({"type": "FrameDetections", **msgspec.structs.asdict(p.pack(list(frames)))}, **changes)

def progress(done=1, total=6, seconds=0.5):
    send({"type": "Progress", "done": done, "total": total, "seconds": seconds})

def finished(done=6, seconds=1.0, **changes):
    send({"type": "Finished", "done": done, "seconds": seconds}, **changes)

def fail(**changes):
    send({"type": "Failed", "kind": "memory", "message": "no"}, **changes)

send(p.Hello())
load = p.read_message(inp)
name = os.path.basename(load.weights)
if name == "good":
    send(MODEL)
    predict = p.read_message(inp)
    for number in predict.frames:
        found(frame(number))
    progress(6)
    finished()
    sys.exit()
code = CASES[name]
if not code.startswith("#early"):
    send(MODEL)
    predict = p.read_message(inp)
    found(frame(0), frame(1))
exec(code)
"""


@dataclass(frozen=True)
class Case:
    """What a worker does after two good frames (or, from ``#early`` on, in place of describing its model).

    Attributes:
        reason: part of the reason that the user reads.
        done: frames that stay.
    """

    code: str
    reason: str
    done: frozenset[int] = frozenset({0, 1})
    kind: FailureKind = FailureKind.PROTOCOL


EARLY: frozenset[int] = frozenset()
OUTPUT = FailureKind.INVALID_OUTPUT
CASES = {
    # Numbers that are not numbers.
    "nan box": Case(
        "found(frame(2, [(nan, 2, 30, 40)]))", "frame 2 has a box whose corners are not numbers", kind=OUTPUT
    ),
    "infinite box": Case("found(frame(2, [(1, 2, inf, 40)]))", "corners are not numbers", kind=OUTPUT),
    "huge box": Case("found(frame(2, [(1, 2, 3e30, 40)]))", "far outside of any picture", kind=OUTPUT),
    "nan score": Case("found(frame(2, scores=[nan]))", "frame 2 has a score that is not a number", kind=OUTPUT),
    "infinite score": Case("found(frame(2, scores=[inf]))", "score that is not a number", kind=OUTPUT),
    "score over one": Case("found(frame(2, scores=[42.0]))", "a score of 42, which is not between", kind=OUTPUT),
    "score below zero": Case("found(frame(2, scores=[-0.5]))", "a score of -0.5", kind=OUTPUT),
    "nan time": Case("found(frame(2, times=(nan, 1, 1)))", "a time that cannot be"),
    "good frames of a bad message": Case(
        "found(frame(2), frame(3, scores=[nan]), frame(4))",
        "frame 3 has a score that is not a number",
        frozenset({0, 1, 2, 4}),
        OUTPUT,
    ),
    # Classes and frames out of range.
    "class too high": Case("found(frame(2, classes=[7]))", "class number 7, but the model names 2", kind=OUTPUT),
    "class below zero": Case("found(frame(2, classes=[-3]))", "class number -3", kind=OUTPUT),
    "frame outside": Case("found(frame(6))", "frame 6 was not asked for"),
    "frame below zero": Case("found(frame(-1))", "frame -1 was not asked for"),
    "frame beyond all numbers": Case("found(frame(2**63))", "was not asked for"),
    "frame twice": Case("found(frame(2)); found(frame(2))", "frame 2 came twice", frozenset({0, 1, 2})),
    "numbering changes": Case("found(frame(2), numbering='other')", "the numbering of the frames changed"),
    # Lengths that contradict: an error in the thread of the queue stops it until the next start.
    "too few boxes": Case("found(frame(2), counts=[2])", "contradict each other"),
    "half a box": Case("found(frame(2), boxes=b'1234567')", "contradict each other"),
    "more frames than counts": Case("found(frame(2), frames=[2, 3])", "contradict each other"),
    "no times": Case("found(frame(2), times=b'')", "contradict each other"),
    "negative count": Case("found(frame(2), frame(3), counts=[3, -1])", "a negative number of boxes"),
    "huge count": Case("found(frame(2), counts=[2**62])", "contradict each other"),
    "more boxes than the model has": Case(
        "found(frame(2, [(1, 2, 3, 4)] * 301))", "frame 2 has 301 boxes where the model returns at most 300"
    ),
    # Wrong types, wrong order, truncated.
    "text for a number": Case("found(frame(2), counts=['many'])", "not a message of protocol version 4"),
    "unknown message": Case("send({'type': 'Surprise'})", "not a message of protocol version 4"),
    "a list": Case("raw(struct.pack('<I', 4) + bytes([0x93, 1, 2, 3]))", "not a message of protocol version 4"),
    "text": Case("raw(b'Traceback (most recent call last)')", "is not a message length"),
    "a length of 4 GB": Case("raw(b'\\xff' * 8)", "is not a message length"),
    "cut within a message": Case("raw(struct.pack('<I', 100) + b'ab')", "exit status 0", kind=FailureKind.CRASHED),
    "cut within a length": Case("raw(b'ab'); os._exit(5)", "exit status 5", kind=FailureKind.CRASHED),
    "a command": Case("send(p.Cancel())", "a command instead of a reply"),
    "a second greeting": Case("send(p.Hello())", "it started twice"),
    "a second model": Case("send(MODEL)", "loaded twice"),
    "another version": Case("#early\nsend(p.Hello(version=2))", "it started twice", EARLY),
    "results before the model": Case("#early\nfound(frame(0))", "before the model was loaded", EARLY),
    "the end before the model": Case("#early\nfinished(0)", "before the model was loaded", EARLY),
    # Models that cannot be.
    "input of no pixels": Case("#early\nsend(MODEL, imgsz=[0, -4])", "input size of 0 × -4", EARLY),
    "nan floor": Case("#early\nsend(MODEL, floor=nan)", "minimum confidence of nan", EARLY),
    "unknown NMS": Case("#early\nsend(MODEL, nms='maybe')", "unknown kind of NMS, 'maybe'", EARLY),
    "NMS IoU over one": Case("#early\nsend(MODEL, nms_iou=7.0)", "NMS IoU of 7", EARLY),
    "more boxes than asked": Case("#early\nsend(MODEL, max_det=2**40)", "where 300 were asked for", EARLY),
    "a book for a class name": Case("#early\nsend(MODEL, names=['x' * 100000])", "more than 500 characters", EARLY),
    # Progress and end: what the worker calls finished is not finished, even with no frame at all.
    "nan progress": Case("progress(seconds=nan)", "after nan s"),
    "more done than there are": Case("progress(done=9)", "9 of 6 frames"),
    "another number of frames": Case("progress(total=2**62)", "where 6 were asked for"),
    "finished with nothing else": Case("finished(2)", "it finished, but 4 frames of 6 are missing"),
    "finished with more than it sent": Case("finished(6)", "it finished with 6 frames after 1 s, but sent 2"),
    "finished after endless time": Case("finished(2, seconds=inf)", "after inf s"),
    "skipped frames outside": Case("finished(2, unreadable=[2, 3, 4, 99])", "skipped frames that were not asked for"),
    "skipped frames that it sent": Case("finished(2, unreadable=[1, 2, 3, 4, 5])", "contradict those that it sent"),
    "cancelled by nobody": Case("finished(2, cancelled=True)", "nobody cancelled it"),
    "nothing can be decoded": Case(
        "#early\nsend(MODEL); p.read_message(inp); finished(0, unreadable=[0, 1, 2, 3, 4, 5])",
        "none of the 6 frames can be decoded",
        frozenset(range(6)),
        FailureKind.VIDEO,
    ),
    "an empty run": Case("#early\nsend(MODEL); p.read_message(inp); finished(0)", "6 frames of 6 are missing", EARLY),
    # Failures: hints that fit.
    "trust without a file": Case("#early\nfail(kind='needs_trust', sha256='ab')", "it asks for trust without", EARLY),
    "trust after loading": Case("fail(kind='needs_trust', sha256='ab' * 32)", "it asks for trust without"),
    "an unknown failure": Case("fail(kind='boredom')", "not a message of protocol version 4"),
    "a failure in many lines": Case(
        "fail(message='first\\n\\x1b[31msecond ' + 'x' * 9999)", "first [31msecond xxx", kind=FailureKind.MEMORY
    ),
    "a failure without words": Case("fail(message='')", "failed without saying why", kind=FailureKind.MEMORY),
    "killed": Case(
        "os.kill(os.getpid(), signal.SIGKILL)", "ended the inference process (SIGKILL)", kind=FailureKind.CRASHED
    ),
    "crashed in a library": Case(
        "os.kill(os.getpid(), signal.SIGSEGV)", "crashed in a library (SIGSEGV)", kind=FailureKind.CRASHED
    ),
    "memory ran out": Case(
        "raise MemoryError('cannot allocate 4 GB')", "the inference process ran out of memory", kind=FailureKind.MEMORY
    ),
    "no package": Case(
        "import a_package_that_nobody_has",
        "the package a_package_that_nobody_has is not installed",
        kind=FailureKind.MISSING_PACKAGE,
    ),
}  # fmt: skip
REMEDIES = {
    "nan box": "export it again in full precision",
    "class too high": "choose a detection model",
    "killed": "Choose a smaller image size",
    "memory ran out": "Choose a smaller image size",
    "crashed in a library": "Update the library",
    "no package": "pip install a_package_that_nobody_has",
    "nothing can be decoded": "Check the video",
}


def command() -> list[str]:
    codes = {name: case.code for name, case in CASES.items()}
    return python_worker(f"CASES = {codes!r}\n{WORKER}")


@dataclass
class Outcome:
    """What the queue made of all cases, each followed by the next, and of a good run at the end."""

    runs: dict[str, Run]
    found: dict[int, list[Detections]]
    good: Run


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All cases through one queue: a case that stops it leaves those after it in the queue."""
    patch = pytest.MonkeyPatch()
    patch.setenv("IOUVIEWER_HOME", str(tmp_path_factory.mktemp("home")))
    application = QApplication.instance() or QApplication([])
    queue = InferenceQueue(command=command())
    found: dict[int, list[Detections]] = {}
    queue.detections.connect(lambda run, some: found.setdefault(run.id, []).extend(some))
    video = Path("/clip.mp4")
    runs = {name: queue.enqueue(RunRequest(name, Path("/w") / name, video), FRAMES) for name in CASES}
    good = queue.enqueue(RunRequest("good", Path("/w/good"), video), FRAMES)
    end = QDeadlineTimer(200_000)
    while queue.busy and not end.hasExpired():
        application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 100)
    queue.close()
    patch.undo()
    return Outcome(runs, found, good)


def test_the_queue_reaches_the_last_run_whatever_came_before(outcome: Outcome) -> None:
    assert outcome.good.state is QueueState.FINISHED
    assert outcome.good.done == set(range(FRAMES))


@pytest.mark.parametrize("name", CASES)
def test_a_misbehaving_worker_fails_its_run_with_a_reason_and_keeps_the_good_frames(
    outcome: Outcome, name: str
) -> None:
    case, run = CASES[name], outcome.runs[name]
    assert run.state is QueueState.FAILED, run
    assert run.failure is not None
    text = str(run.failure)
    assert case.reason in text
    assert run.failure.kind is case.kind
    assert "\n" not in text and len(text) < 1300
    assert REMEDIES.get(name, "") in text
    found = outcome.found.get(run.id, [])
    assert run.done - run.unreadable == {d.frame for d in found}
    assert run.done == case.done
    for one in found:
        assert np.isfinite(one.boxes).all() and ((one.scores >= 0) & (one.scores <= 1)).all()
        assert one.classes.min() >= 0 and one.classes.max() < 2


def test_predict_runs_the_models_after_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f"{number:06d}.png"), np.full((48, 64, 3), 10 * number, np.uint8))
    monkeypatch.setattr(runner, "worker_command", command)
    names = {"a": "nan box", "b": "killed", "c": "input of no pixels", "d": "good"}
    models = []
    for name, weights in names.items():
        (tmp_path / weights).touch()
        models += ["--model", f"{name}={tmp_path / weights}"]
    assert main(["predict", str(folder), *models, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("d: 6 predictions on 6 frames")
    errors = [line for line in said.err.splitlines() if line.startswith("iouviewer: ")]
    assert [line.split(": ")[1] for line in errors] == ["a", "b", "c"]
    assert "corners are not numbers" in errors[0] and "Predictions of 2 frames are in" in errors[0]
    assert "SIGKILL" in errors[1] and "input size of 0" in errors[2]
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.json")) == ["a", "b", "d"]


VALUES = st.one_of(st.integers(-3, 8), st.sampled_from([2**31, 2**63 - 1, -(2**40)]))
FLOATS = st.floats(width=32)


@given(
    frames=st.lists(VALUES, max_size=4),
    counts=st.lists(VALUES, max_size=4),
    boxes=st.lists(FLOATS, max_size=16),
    scores=st.lists(FLOATS, max_size=4),
    classes=st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 1), max_size=4),
    times=st.lists(FLOATS, max_size=12),
)
def test_what_passes_is_in_range_and_what_does_not_has_a_reason(frames, counts, boxes, scores, classes, times) -> None:
    message = FrameDetections(
        frames=frames,
        counts=counts,
        boxes=np.array(boxes, "<f4").tobytes(),
        scores=np.array(scores, "<f4").tobytes(),
        classes=np.array(classes, "<i4").tobytes(),
        times=np.array(times, "<f4").tobytes(),
        warm=[True] * len(frames),
    )
    checks = MessageChecks(tuple(range(FRAMES)), 300)
    checks.check(INFO)
    try:
        checks.check(message)
        passed = message.unpack()
    except InvalidMessageError as error:
        assert error.reason and "\n" not in error.reason
        passed = error.good.unpack() if error.good is not None else []
    assert len({one.frame for one in passed}) == len(passed)
    for one in passed:
        assert 0 <= one.frame < FRAMES
        assert np.isfinite(one.boxes).all() and np.isfinite(one.times).all()
        assert ((one.scores >= 0) & (one.scores <= 1.001)).all()
        assert ((one.classes >= 0) & (one.classes < len(INFO.names))).all()
        assert len(one.boxes) == len(one.scores) == len(one.classes) <= 300


def test_good_messages_pass() -> None:
    checks = MessageChecks((4, 1), 300)
    stream = io.BytesIO()
    good = [INFO, protocol.pack([detections(4, 9)]), protocol.pack([]), protocol.pack([detections(1, 0)])]
    good += [protocol.RunProgress(done=2, total=2, seconds=0.0), protocol.Finished(done=2, seconds=0.1)]
    for message in good:
        protocol.write_message(stream, message)
    stream.seek(0)
    for _ in good:
        message = protocol.read_message(stream)
        assert isinstance(message, ModelLoaded | protocol.RunProgress | FrameDetections | protocol.Finished)
        checks.check(message)


def test_an_installed_program_names_the_way_to_run_models(monkeypatch):
    from iouviewer.inference import ultralytics_adapter

    monkeypatch.setattr(ultralytics_adapter.sys, "frozen", True, raising=False)
    said = str(ultralytics_adapter.missing_package("torch", '"iouviewer[yolo]"'))
    assert "comes without torch" in said and 'pip install "iouviewer[yolo]"' in said
