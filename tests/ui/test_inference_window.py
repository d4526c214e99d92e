"""Models run from the window: reference scores, queue, cancel, resume, failure, and nothing left when it closes."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLineEdit, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer import folders
from iouviewer.app.jobs.inference_job import Run, RunState
from iouviewer.document.variants import RunState as VariantState
from iouviewer.inference import runner
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.open_request import OpenRequest
from iouviewer.ui.dialogs.run_dialog import RunDialog
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.tables.variants_model import COLUMNS, Column
from tests.inference.helpers import needs_yolo, python_worker
from tests.ui.window import FRAMES, opened_window, shown, small_case, write_video

WAIT = 60_000
END = (RunState.FINISHED, RunState.CANCELLED, RunState.FAILED)

# A worker without torch: "slow" answers a frame and waits for a cancel, "crash" ends in the middle, others do all.
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
    say(p.Progress(done=done, total=len(frames), seconds=0.01 * done))
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


def cell(window: MainWindow, name: str, column: Column) -> float | None:
    model = window.findChild(QTableView, "variantsTable").model()
    row = [variant.name for variant in window.session.variants].index(name)
    value = model.index(row, COLUMNS.index(column)).data(Qt.ItemDataRole.UserRole)
    return None if value is None else float(value)


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
    return window.workbench.runs.start(RunRequest(name, Path(f"/w/{name}.pt"), Path(window.session.source.path)))


def test_queued_runs_follow_one_another_and_a_failed_one_hurts_none(window: MainWindow, qtbot: QtBot) -> None:
    told: list[str] = []
    window.workbench.notifier.shown.connect(lambda notice: told.append(notice.text))
    runs = [start(window, name) for name in ("first", "crash", "third")]
    assert name_cell(window, "third").endswith("queued")
    qtbot.waitUntil(lambda: all(run.state in END for run in runs), timeout=WAIT)
    assert [run.state for run in runs] == [RunState.FINISHED, RunState.FAILED, RunState.FINISHED]
    assert [int(window.session.variants.find(n).predictions.covered.sum()) for n in ("first", "third")] == [FRAMES] * 2
    failed = window.session.variants.find("crash")
    assert failed.predictions.covered.tolist() == [True] * 2 + [False] * (FRAMES - 2)
    assert not failed.predictions.complete
    assert name_cell(window, "crash").endswith("failed")
    assert len(told) == 1
    assert "stopped by itself" in told[0]
    assert cell(window, "crash", Column.FRAMES) == 2.0


def test_a_run_cancelled_in_the_middle_keeps_its_frames_says_so_and_goes_on_with_the_rest(
    window: MainWindow, qtbot: QtBot
) -> None:
    slow, waiting = start(window, "slow"), start(window, "waiting")
    qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
    window.findChild(QToolButton, "cancelInferenceButton").click()
    qtbot.waitUntil(lambda: slow.state in END and waiting.state in END, timeout=WAIT)
    assert (slow.state, waiting.state) == (RunState.CANCELLED, RunState.FINISHED)
    variant = window.session.variants.find("slow")
    assert variant.state is VariantState.CANCELLED
    assert variant.message == f"cancelled after 3 of {FRAMES} frames"
    assert name_cell(window, "slow").endswith("cancelled")
    model = window.findChild(QTableView, "variantsTable").model()
    row = [v.name for v in window.session.variants].index("slow")
    assert model.index(row, COLUMNS.index(Column.FRAMES)).data() == f"3 / {FRAMES}"

    before = variant.predictions.table
    window.workbench.runs.resume(variant.key)
    assert window.session.variants.find("slow").state is VariantState.RUNNING
    qtbot.waitUntil(lambda: slow.state in END, timeout=WAIT)
    variant = window.session.variants.find("slow")
    assert variant.state is VariantState.FINISHED
    assert variant.predictions.complete
    assert variant.predictions.covered.all()
    assert variant.message == ""
    rows = variant.predictions.table.boxes[:, : len(before)]
    assert rows.tobytes() == before.boxes.tobytes()


def test_a_run_that_was_cancelled_before_the_program_ended_goes_on_after_it_starts_again(
    qtbot: QtBot, tmp_path: Path, plain_worker: None
) -> None:
    request = small_case(tmp_path)
    with opened_window(qtbot, request) as window:
        chosen = (*range(0, 12), *range(23, 11, -1))
        asked = RunRequest("slow", Path("/w/slow.pt"), Path(window.session.source.path), frames=chosen, floor=0.05)
        slow = window.workbench.runs.start(asked)
        qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
        window.workbench.runs.cancel()
        qtbot.waitUntil(lambda: slow.state is RunState.CANCELLED, timeout=WAIT)
    with opened_window(qtbot, OpenRequest(video=request.video)) as window:
        qtbot.waitUntil(lambda: len(window.session.variants) == 2, timeout=WAIT)
        variant = window.session.variants.find("slow")
        assert variant.state is VariantState.CANCELLED
        assert variant.predictions.covered.sum() == 3
        runs: list[Run] = []
        window.workbench.queue.queued.connect(runs.append)
        window.workbench.parts.variants.resumeRequested.emit(variant.key)
        (run,) = runs
        assert run.request == asked
        qtbot.waitUntil(lambda: run.state in END, timeout=WAIT)
        variant = window.session.variants.find("slow")
        assert variant.state is VariantState.FINISHED
        assert variant.predictions.covered.all()
        assert variant.message == ""


def test_a_run_on_a_video_without_ground_truth_shows_its_boxes_and_no_scores(
    qtbot: QtBot, tmp_path: Path, plain_worker: None
) -> None:
    with opened_window(qtbot, OpenRequest(video=write_video(tmp_path / "bare.avi"))) as window:
        run = start(window, "first")
        qtbot.waitUntil(lambda: run.state in END, timeout=WAIT)
        assert window.session.variants.find("first").predictions.covered.all()
        assert cell(window, "first", Column.AVG_IOU) is None
        # The second box lies below the confidence that is shown.
        assert len(window.workbench.parts.canvas.frame_view.boxes) == 1


def test_a_waiting_run_can_be_taken_off_with_its_variant(window: MainWindow, qtbot: QtBot) -> None:
    slow, waiting = start(window, "slow"), start(window, "waiting")
    qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
    window.session.variants.remove(window.session.variants.find("waiting").key)
    qtbot.waitUntil(lambda: waiting.state is RunState.CANCELLED, timeout=WAIT)
    window.session.variants.remove(window.session.variants.find("slow").key)
    qtbot.waitUntil(lambda: slow.state is RunState.CANCELLED, timeout=WAIT)
    assert not window.workbench.queue.busy


def test_another_video_ends_the_runs_of_the_one_before_and_takes_none_of_their_results(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    slow, waiting = start(window, "slow"), start(window, "waiting")
    qtbot.waitUntil(lambda: len(slow.done) > 0, timeout=WAIT)
    other = write_video(tmp_path / "other.avi", 10)
    window.workbench.open_request(OpenRequest(video=other))
    qtbot.waitUntil(lambda: window.session.source.path == str(other), timeout=WAIT)
    qtbot.waitUntil(lambda: slow.state in END and waiting.state in END, timeout=WAIT)
    assert (slow.state, waiting.state) == (RunState.CANCELLED, RunState.CANCELLED)
    assert len(window.session.variants) == 0
    assert window.workbench.status.run.isHidden()
    shown(qtbot, window)
    # The queue serves the new video at once.
    run = window.workbench.runs.start(RunRequest("new", Path("/w/new.pt"), other, frames=tuple(range(10))))
    qtbot.waitUntil(lambda: run.state in END, timeout=WAIT)
    assert window.session.variants.find("new").predictions.covered.all()


def test_closing_the_window_in_a_run_leaves_no_process(qtbot: QtBot, tmp_path: Path, plain_worker: None) -> None:
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
        QApplication.processEvents()  # what the run said last comes to a closed window
        assert [path.name for path in (folders.data_folder() / "projects").glob("*")] == [], "no other file was begun"


@needs_yolo
@pytest.mark.slow
def test_closing_the_window_while_torch_predicts_leaves_no_process(
    qtbot: QtBot, tmp_path: Path, repository: Path
) -> None:
    weights = repository / "resources" / "sample" / "weights" / "small.pt"
    with opened_window(qtbot, small_case(tmp_path)) as window:
        run = window.workbench.runs.start(RunRequest("small", weights, Path(window.session.source.path)))
        qtbot.waitUntil(lambda: len(run.done) > 0, timeout=WAIT)
        workers = psutil.Process().children(recursive=True)
        window.close()
        assert psutil.wait_procs(workers, timeout=2.0)[1] == []


@needs_yolo
@pytest.mark.slow
def test_the_reference_model_run_from_the_dialog_has_its_published_scores_in_the_table(
    qtbot: QtBot, tmp_path: Path, shared_data: Path
) -> None:
    folder = shared_data / "pets09"
    video = Path(shutil.copy(folder / "vtest.avi", tmp_path / "vtest.avi"))
    request = OpenRequest(video=video, gt=folder / "gt.txt", preds=(("frcnn", folder / "det_frcnn.txt"),))
    with opened_window(qtbot, request) as window:
        answered = []

        def answer() -> None:
            dialog = QApplication.activeModalWidget()
            assert isinstance(dialog, RunDialog)
            dialog.findChild(QLineEdit, "runFrames").setText("480:795")
            dialog.floor.setValue(0.01)
            answered.append(dialog.says.text())
            dialog.run_button.click()

        runs: list[Run] = []
        window.workbench.queue.queued.connect(runs.append)
        QTimer.singleShot(0, answer)
        window.workbench.runs.ask([("yolo11n", shared_data / "models" / "yolo11n-pets.pt")])
        assert answered[0].startswith("315 frames")
        (run,) = runs
        qtbot.waitUntil(lambda: run.state in END, timeout=240_000)
        assert run.state is RunState.FINISHED, run.failure
        qtbot.waitUntil(lambda: cell(window, "yolo11n", Column.AP) is not None, timeout=WAIT)
        assert cell(window, "yolo11n", Column.FRAMES) == 315.0
        assert cell(window, "yolo11n", Column.AVG_IOU) == pytest.approx(0.621, abs=0.01)
        assert cell(window, "yolo11n", Column.AP) == pytest.approx(0.407, abs=0.01)
        assert cell(window, "yolo11n", Column.FPS) > 1.0
        # What the background computed is what an evaluation from the start gives.
        scores, key = window.session.scores, window.session.variants.find("yolo11n").key
        summary = scores.summary(key)
        scores.set_variant(key, window.session.variants[key].predictions)
        assert scores.summary(key) == summary
