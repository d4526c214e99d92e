"""Models run from the window: reference scores, queue, cancelling, resuming, failure, and cleanup of processes."""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLineEdit, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer import folders
from iouviewer.app.jobs.inference_job import QueueState, Run
from iouviewer.document.variants import RunState
from iouviewer.inference import runner
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.dialogs.run_dialog import RunDialog
from iouviewer.ui.main_window import MainWindow
from tests.inference.helpers import needs_yolo, python_worker
from tests.ui.window import FRAMES, opened_window, shown, small_case, variant_value, write_video

WAIT = 60_000
END = (QueueState.FINISHED, QueueState.CANCELLED, QueueState.FAILED)

# A worker without torch: "slow" waits for a cancel after three frames, "crash" ends after two, others finish.
WORKER = """
import os, sys
from pathlib import Path
from iouviewer.inference import protocol as p
from tests.inference.helpers import INFO, detections
out, inp = sys.stdout.buffer, sys.stdin.buffer
say = lambda m: p.write_message(out, m)
say(p.Hello())
name = Path(p.read_message(inp).weights).stem
say(INFO)
predict = p.read_message(inp)
frames = list(range(24)) if predict.frames is None else predict.frames
for done, frame in enumerate(frames, 1):
    say(p.pack([detections(frame, 2)]))
    say(p.RunProgress(done=done, total=len(frames), seconds=0.01 * done))
    if name.startswith("crash") and done == 2:
        os._exit(3)
    if name.startswith("slow") and done == 3 and len(frames) == 24:
        if not isinstance(p.read_message(inp), p.Cancel):
            os._exit(0)
        say(p.Finished(done=done, seconds=1.0, cancelled=True))
        break
else:
    say(p.Finished(done=len(frames), seconds=1.0))
inp.read()
"""


def name_cell(window: MainWindow, name: str) -> str:
    model = window.findChild(QTableView, "variantsTable").model()
    row = [variant.name for variant in window.session.variants].index(name)
    return str(model.index(row, 0).data())


@pytest.fixture
def plain_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    command = python_worker(textwrap.dedent(WORKER))
    monkeypatch.setattr(runner, "worker_command", lambda: command)


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, plain_worker: None) -> Iterator[MainWindow]:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        yield window


def start(window: MainWindow, name: str) -> Run:
    return window.parts.runs.start(RunRequest(name, Path(f"/w/{name}.pt"), Path(window.session.source.path)))


def test_queued_runs_follow_one_another_and_a_failed_one_does_not_stop_them(window: MainWindow, qtbot: QtBot) -> None:
    messages: list[str] = []
    window.parts.notifier.shown.connect(lambda notification: messages.append(notification.text))
    runs = [start(window, name) for name in ("first", "crash", "third")]
    assert name_cell(window, "third").endswith("queued")
    qtbot.waitUntil(lambda: all(run.state in END for run in runs), timeout=WAIT)
    assert [run.state for run in runs] == [QueueState.FINISHED, QueueState.FAILED, QueueState.FINISHED]
    assert [int(window.session.variants.find(n).predictions.covered.sum()) for n in ("first", "third")] == [FRAMES] * 2
    failed = window.session.variants.find("crash")
    assert failed.predictions.covered.tolist() == [True] * 2 + [False] * (FRAMES - 2)
    assert not failed.predictions.complete
    assert name_cell(window, "crash").endswith("failed")
    assert len(messages) == 1
    assert "ended unexpectedly" in messages[0]
    assert variant_value(window, "frames", "crash") == 2.0


def test_a_cancelled_run_keeps_its_frames_and_continues_with_the_others(window: MainWindow, qtbot: QtBot) -> None:
    slow, waiting = start(window, "slow"), start(window, "waiting")
    qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
    window.findChild(QToolButton, "cancelInferenceButton").click()
    qtbot.waitUntil(lambda: slow.state in END and waiting.state in END, timeout=WAIT)
    assert (slow.state, waiting.state) == (QueueState.CANCELLED, QueueState.FINISHED)
    variant = window.session.variants.find("slow")
    assert variant.state is RunState.CANCELLED
    assert variant.message == f"cancelled after 3 of {FRAMES} frames"
    assert name_cell(window, "slow").endswith("cancelled")
    model = window.findChild(QTableView, "variantsTable").model()
    row = [v.name for v in window.session.variants].index("slow")
    assert model.index(row, model.column_index("frames")).data() == f"3 / {FRAMES}"

    before = variant.predictions.table
    window.parts.runs.resume(variant.key)
    assert window.session.variants.find("slow").state is RunState.RUNNING
    qtbot.waitUntil(lambda: slow.state in END, timeout=WAIT)
    variant = window.session.variants.find("slow")
    assert variant.state is RunState.FINISHED
    assert variant.predictions.complete
    assert variant.predictions.covered.all()
    assert variant.message == ""
    rows = variant.predictions.table.boxes[:, : len(before)]
    assert rows.tobytes() == before.boxes.tobytes()


def test_a_run_cancelled_in_an_earlier_session_can_be_resumed(qtbot: QtBot, tmp_path: Path, plain_worker: None) -> None:
    request = small_case(tmp_path)
    with opened_window(qtbot, request) as window:
        frames = (*range(0, 12), *range(23, 11, -1))
        request_before = RunRequest(
            "slow", Path("/w/slow.pt"), Path(window.session.source.path), frames=frames, floor=0.05
        )
        slow = window.parts.runs.start(request_before)
        qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
        window.parts.runs.cancel()
        qtbot.waitUntil(lambda: slow.state is QueueState.CANCELLED, timeout=WAIT)
    with opened_window(qtbot, OpenRequest(video=request.video)) as window:
        qtbot.waitUntil(lambda: len(window.session.variants) == 2, timeout=WAIT)
        variant = window.session.variants.find("slow")
        assert variant.state is RunState.CANCELLED
        assert variant.predictions.covered.sum() == 3
        runs: list[Run] = []
        window.parts.queue.queued.connect(runs.append)
        window.parts.views.verdicts.resumeRequested.emit(variant.key)
        (run,) = runs
        assert run.request == request_before
        qtbot.waitUntil(lambda: run.state in END, timeout=WAIT)
        variant = window.session.variants.find("slow")
        assert variant.state is RunState.FINISHED
        assert variant.predictions.covered.all()
        assert variant.message == ""


def test_a_run_without_ground_truth_shows_boxes_and_no_scores(qtbot: QtBot, tmp_path: Path, plain_worker: None) -> None:
    with opened_window(qtbot, OpenRequest(video=write_video(tmp_path / "bare.avi"))) as window:
        run = start(window, "first")
        qtbot.waitUntil(lambda: run.state in END, timeout=WAIT)
        assert window.session.variants.find("first").predictions.covered.all()
        assert math.isnan(variant_value(window, "avg_iou", "first"))
        # The second box is below the confidence threshold.
        assert len(window.parts.views.canvas.frame_view.boxes) == 1


def test_removing_a_variant_cancels_its_run(window: MainWindow, qtbot: QtBot) -> None:
    slow, waiting = start(window, "slow"), start(window, "waiting")
    qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
    window.session.variants.remove(window.session.variants.find("waiting").key)
    qtbot.waitUntil(lambda: waiting.state is QueueState.CANCELLED, timeout=WAIT)
    window.session.variants.remove(window.session.variants.find("slow").key)
    qtbot.waitUntil(lambda: slow.state is QueueState.CANCELLED, timeout=WAIT)
    assert not window.parts.queue.busy


def test_opening_another_video_cancels_the_runs_of_the_previous_one(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    slow, waiting = start(window, "slow"), start(window, "waiting")
    qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
    other = write_video(tmp_path / "other.avi", 10)
    window.parts.open_request(OpenRequest(video=other))
    qtbot.waitUntil(lambda: window.session.source.path == str(other), timeout=WAIT)
    qtbot.waitUntil(lambda: slow.state in END and waiting.state in END, timeout=WAIT)
    assert (slow.state, waiting.state) == (QueueState.CANCELLED, QueueState.CANCELLED)
    assert len(window.session.variants) == 0
    assert window.parts.status.run.isHidden()
    shown(qtbot, window)
    # The queue accepts runs on the new video at once.
    run = window.parts.runs.start(RunRequest("new", Path("/w/new.pt"), other, frames=tuple(range(10))))
    qtbot.waitUntil(lambda: run.state in END, timeout=WAIT)
    assert window.session.variants.find("new").predictions.covered.all()


def test_closing_the_window_during_a_run_leaves_no_process(qtbot: QtBot, tmp_path: Path, plain_worker: None) -> None:
    with opened_window(qtbot, small_case(tmp_path)) as window:
        before = {child.pid for child in psutil.Process().children(recursive=True)}
        slow = start(window, "slow")
        start(window, "waiting")
        qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
        workers = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
        assert workers
        window.close()
        gone, alive = psutil.wait_procs(workers, timeout=2.0)
        assert alive == []
        assert len(gone) == len(workers)
        QApplication.processEvents()  # the last signals of the run reach a closed window
        assert [path.name for path in (folders.data_folder() / "projects").glob("*")] == [], (
            "no other project was created"
        )


@needs_yolo
@pytest.mark.slow
def test_closing_the_window_while_torch_predicts_leaves_no_process(
    qtbot: QtBot, tmp_path: Path, repository: Path
) -> None:
    weights = repository / "resources" / "sample" / "weights" / "small.pt"
    with opened_window(qtbot, small_case(tmp_path)) as window:
        run = window.parts.runs.start(RunRequest("small", weights, Path(window.session.source.path)))
        qtbot.waitUntil(lambda: len(run.done) > 0, timeout=WAIT)
        workers = psutil.Process().children(recursive=True)
        window.close()
        assert psutil.wait_procs(workers, timeout=2.0)[1] == []


@needs_yolo
@pytest.mark.slow
def test_a_run_of_the_reference_model_reproduces_its_scores(qtbot: QtBot, tmp_path: Path, shared_data: Path) -> None:
    folder = shared_data / "pets09"
    video = Path(shutil.copy(folder / "vtest.avi", tmp_path / "vtest.avi"))
    request = OpenRequest(video=video, gt=folder / "gt.txt", preds=(("frcnn", folder / "det_frcnn.txt"),))
    with opened_window(qtbot, request) as window:
        estimates = []

        def answer() -> None:
            dialog = QApplication.activeModalWidget()
            assert isinstance(dialog, RunDialog)
            dialog.frames.setCurrentIndex(dialog.frames.count() - 1)
            dialog.findChild(QLineEdit, "runRange").setText("480:795")
            dialog.floor.setValue(0.01)
            estimates.append(dialog.estimate.text())
            dialog.run_button.click()

        runs: list[Run] = []
        window.parts.queue.queued.connect(runs.append)
        QTimer.singleShot(0, answer)
        window.parts.runs.configure_runs([("yolo11n", shared_data / "models" / "yolo11n-pets.pt")])
        assert estimates[0].startswith("315 frames")
        (run,) = runs
        qtbot.waitUntil(lambda: run.state in END, timeout=240_000)
        assert run.state is QueueState.FINISHED, run.failure
        qtbot.waitUntil(lambda: not math.isnan(variant_value(window, "ap", "yolo11n")), timeout=WAIT)
        assert variant_value(window, "frames", "yolo11n") == 315.0
        assert variant_value(window, "avg_iou", "yolo11n") == pytest.approx(0.621, abs=0.01)
        assert variant_value(window, "ap", "yolo11n") == pytest.approx(0.407, abs=0.01)
        assert variant_value(window, "fps", "yolo11n") > 1.0
        # The incremental scores equal a new evaluation.
        scores, key = window.session.scores, window.session.variants.find("yolo11n").key
        summary = scores.summary(key)
        scores.set_variant(key, window.session.variants[key].predictions)
        assert scores.summary(key) == summary
