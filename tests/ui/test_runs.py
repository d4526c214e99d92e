"""Runs in the window: results as they come, progress, cancel, failure, trust."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QProgressBar, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.app.jobs.inference_job import InferenceQueue, Run, RunState
from iouviewer.document.variants import RunState as VariantState
from iouviewer.inference.protocol import Detections, Failed, FailureKind, ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.ui.dialogs.trust import TrustDialog
from iouviewer.ui.main_window import MainWindow
from tests.ui.window import FRAMES, opened_window, small_case, square

LOADED = ModelLoaded(
    names=["thing", "person"],
    imgsz=(640, 640),
    task="detect",
    runtime="pytorch",
    precision="fp32",
    sha256="ab" * 32,
    trusted=False,
    versions={},
    hardware="a processor",
    threads=2,
)


def detections(frame: int, off: float = 0.0) -> Detections:
    return Detections(
        frame,
        np.array([square(frame, off)], np.float32),
        np.array([0.8], np.float32),
        np.array([1], np.int32),
        np.array([1.0, 8.0, 1.0], np.float32),
    )


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window whose queue starts runs but no process: the test says what the worker says."""

    def begin(queue: InferenceQueue) -> None:
        if queue._current is None and queue._waiting:
            queue._current = queue._waiting.pop(0)
            queue._current.state = RunState.RUNNING
            queue.started.emit(queue._current)

    monkeypatch.setattr(InferenceQueue, "_start_next", begin)
    with opened_window(qtbot, small_case(tmp_path)) as window:
        yield window


def start(window: MainWindow, name: str = "net") -> Run:
    return window.workbench.runs.start(RunRequest(name, Path("/w/net.pt"), Path(window.session.source.path)))


def test_results_appear_as_they_come_and_numbers_rest_on_covered_frames(window: MainWindow) -> None:
    queue, session = window.workbench.queue, window.session
    run = start(window)
    variant = session.variants.find("net")
    assert variant.state is VariantState.RUNNING
    assert len(variant.predictions.table) == 0
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(0), detections(1)])
    assert session.frame_iou("net", 0) == 1.0
    assert np.isnan(session.frame_iou("net", 2))
    assert session.scores.summary(variant.key).frames == 2
    assert not session.scores.summary(variant.key).complete


def test_progress_shows_rate_and_time_left_and_goes_with_the_run(window: MainWindow, qtbot: QtBot) -> None:
    queue = window.workbench.queue
    run = start(window)
    bar = window.findChild(QProgressBar, "inferenceProgressBar")
    queue.progress.emit(run, 6, FRAMES, 12.0, 75.0)
    assert (bar.value(), bar.maximum()) == (6, FRAMES)
    assert bar.isVisible()
    text = window.workbench.status.run.text()
    assert "25 %" in text
    assert "12.0 /s" in text
    assert "1:15 left" in text
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(f) for f in range(FRAMES)])
    queue._current = None
    run.state = RunState.FINISHED
    queue.finished.emit(run)
    assert not bar.isVisible()
    variant = window.session.variants.find("net")
    assert variant.state is VariantState.FINISHED
    assert variant.predictions.complete
    assert variant.fps == pytest.approx(100.0)
    assert variant.predictions.protocol["runtime"] == "pytorch"


def test_the_cancel_button_stops_the_run_in_work_and_keeps_what_was_found(window: MainWindow) -> None:
    queue, session = window.workbench.queue, window.session
    run = start(window)
    second = start(window, "second")
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(0)])
    run.done.add(0)
    window.findChild(QToolButton, "cancelInferenceButton").click()
    assert run.stop.is_set()
    assert not second.stop.is_set()
    queue._current = None
    run.state = RunState.CANCELLED
    queue.cancelled.emit(run)
    variant = session.variants.find("net")
    assert variant.state is VariantState.CANCELLED
    assert "1 of 24" in variant.message
    assert session.frame_iou("net", 0) == 1.0


def test_a_failure_is_told_in_one_sentence_and_seen_in_the_table(window: MainWindow) -> None:
    told: list[str] = []
    window.workbench.notifier.shown.connect(lambda notice: told.append(notice.text))
    run = start(window)
    failure = Failed(kind=FailureKind.MISSING_PACKAGE, message="onnxruntime is missing", remedy="Install onnxruntime.")
    run.failure, run.state, window.workbench.queue._current = failure, RunState.FAILED, None
    window.workbench.queue.failed.emit(run, failure)
    assert told == ["onnxruntime is missing. Install onnxruntime."]
    assert window.session.variants.find("net").state is VariantState.FAILED


@pytest.mark.parametrize("yes", [True, False])
def test_trust_is_asked_for_and_only_yes_goes_on(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, yes: bool
) -> None:
    resumed: list[Run] = []
    monkeypatch.setattr(TrustDialog, "exec", lambda _dialog: int(yes))
    monkeypatch.setattr(InferenceQueue, "trust", lambda _queue, run: resumed.append(run))
    run = start(window)
    window.workbench.queue._current = None
    window.workbench.queue.needsTrust.emit(run, "/w/net.pt", "ab" * 32, "It holds code.")
    assert resumed == ([run] if yes else [])
    if not yes:
        assert window.session.variants.find("net").message == "not trusted"


@pytest.mark.slow
def test_the_sample_weights_run_in_the_window_and_fill_the_table(
    qtbot: QtBot, tmp_path: Path, repository: Path
) -> None:
    pytest.importorskip("ultralytics")
    weights = repository / "resources" / "sample" / "weights" / "baseline.pt"
    if not weights.exists():
        pytest.skip("the sample has no weights")
    with opened_window(qtbot, small_case(tmp_path)) as window:
        request = RunRequest("real", weights, Path(window.session.source.path), frames=(0, 1, 2))
        run = window.workbench.runs.start(request)
        qtbot.waitUntil(lambda: run.state in (RunState.FINISHED, RunState.FAILED), timeout=120_000)
        assert run.state is RunState.FINISHED, run.failure
        variant = window.session.variants.find("real")
        assert variant.predictions.covered.tolist() == [True] * 3 + [False] * (FRAMES - 3)
        assert variant.details["runtime"] == "pytorch"
        assert variant.predictions.complete
