"""Model runs in the window: results, progress, cancelling, failure, trust."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.app.jobs.inference_job import InferenceQueue, QueueState, Run
from iouviewer.document.variants import RunState
from iouviewer.inference.protocol import Detections, Failed, FailureKind, ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.ui.dialogs.trust_dialog import TrustDialog
from iouviewer.ui.main_window import MainWindow
from tests.ui.window import FRAMES, opened_window, small_case, square

LOADED = ModelLoaded(
    names=["thing", "person"],
    imgsz=(640, 640),
    floor=0.001,
    nms="run",
    nms_iou=0.7,
    max_det=300,
    rectangular=True,
    device="cpu",
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


class ManualQueue(InferenceQueue):
    """Starts the first run without a worker; the test emits the signals of the worker and ends the run."""

    active: Run | None = None

    @property
    def current(self) -> Run | None:
        return self.active

    def enqueue(self, request: RunRequest, frame_count: int, done: set[int] | None = None) -> Run:
        run = Run(1, request, frame_count, done=set(done or ()))
        if self.active is None:
            self.active, run.state = run, QueueState.RUNNING
            self.started.emit(run)
        return run

    def end(self, state: QueueState) -> None:
        self.active.state, self.active = state, None


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window with a ``ManualQueue``."""
    monkeypatch.setattr("iouviewer.ui.window_parts.InferenceQueue", ManualQueue)
    with opened_window(qtbot, small_case(tmp_path)) as window:
        yield window


def start(window: MainWindow, name: str = "net") -> Run:
    return window.parts.runs.start(RunRequest(name, Path("/w/net.pt"), Path(window.session.source.path)))


def test_results_appear_at_once_and_scores_use_covered_frames_only(window: MainWindow) -> None:
    queue, session = window.parts.queue, window.session
    run = start(window)
    variant = session.variants.find("net")
    assert variant.state is RunState.RUNNING
    assert len(variant.predictions.table) == 0
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(0), detections(1)])
    assert session.frame_iou("net", 0) == session.frame_iou("net", 1) == 1.0
    assert np.isnan(session.frame_iou("net", 2))
    assert session.scores.summary(variant.key).frames == 2
    assert not session.scores.summary(variant.key).complete


def test_progress_shows_rate_and_remaining_time_until_the_run_ends(window: MainWindow, qtbot: QtBot) -> None:
    queue = window.parts.queue
    run = start(window)
    bar = window.findChild(QProgressBar, "inferenceProgressBar")
    queue.progress.emit(run, 6, FRAMES, 12.0, 75.0)
    assert (bar.value(), bar.maximum()) == (6, FRAMES)
    assert bar.isVisible()
    text = window.parts.status.run.text()
    assert "25 %" in text
    assert "12.0 frames/s" in text
    assert "1:15 left" in text
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(f) for f in range(FRAMES)])
    queue.end(QueueState.FINISHED)
    queue.finished.emit(run)
    assert not bar.isVisible()
    variant = window.session.variants.find("net")
    assert variant.state is RunState.FINISHED
    assert variant.predictions.complete
    assert variant.fps == pytest.approx(100.0)
    assert variant.predictions.protocol["runtime"] == "pytorch"


def test_a_run_stores_what_the_model_really_did(window: MainWindow) -> None:
    queue, session = window.parts.queue, window.session
    run = start(window)
    baked = {"floor": None, "nms": "model", "nms_iou": None, "max_det": 77, "rectangular": False}
    queue.modelLoaded.emit(run, msgspec.structs.replace(LOADED, imgsz=(256, 320), **baked))
    queue.detections.emit(run, [detections(0), detections(1)])
    predictions = session.variants.find("net").predictions
    # The model does not state its confidence threshold: the lowest score is the floor.
    assert (predictions.score_floor, predictions.max_detections) == (pytest.approx(0.8), 77)
    assert predictions.classes.names == ("thing", "person")
    run.inputs = [(256, 320)]
    queue.end(QueueState.FINISHED)
    queue.finished.emit(run)
    variant = session.variants.find("net")
    protocol = variant.predictions.protocol
    assert (protocol["floor"], protocol["nms"], protocol["max_det"]) == (None, "model", 77)
    assert (protocol["inputs"], protocol["device"]) == ([[256, 320]], "cpu")
    assert protocol["video"] == Path(session.source.path).name
    assert protocol["fingerprint"] == session.source.fingerprint
    assert any("does not state the confidence threshold" in note for note in variant.predictions.notes)
    model = window.parts.views.variants.model
    row = [one.key for one in session.variants].index(variant.key)
    assert "Note: NMS is part of the model" in model.data(model.index(row, 0), Qt.ItemDataRole.ToolTipRole)


def test_the_cancel_button_stops_the_current_run_and_keeps_its_results(window: MainWindow) -> None:
    queue, session = window.parts.queue, window.session
    run = start(window)
    second = start(window, "second")
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(0)])
    run.done.add(0)
    window.findChild(QToolButton, "cancelInferenceButton").click()
    assert run.stop.is_set()
    assert not second.stop.is_set()
    queue.end(QueueState.CANCELLED)
    queue.cancelled.emit(run)
    variant = session.variants.find("net")
    assert variant.state is RunState.CANCELLED
    assert "1 of 24" in variant.message
    assert session.frame_iou("net", 0) == 1.0


def test_a_failure_is_reported_once_and_shown_in_the_table(window: MainWindow) -> None:
    messages: list[str] = []
    window.parts.notifier.shown.connect(lambda notification: messages.append(notification.text))
    run = start(window)
    failure = Failed(kind=FailureKind.MISSING_PACKAGE, message="onnxruntime is missing", remedy="Install onnxruntime.")
    run.failure = failure
    window.parts.queue.end(QueueState.FAILED)
    window.parts.queue.failed.emit(run, failure)
    assert messages == ["onnxruntime is missing. Install onnxruntime."]
    assert window.session.variants.find("net").state is RunState.FAILED


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_run_continues_only_after_the_user_trusts_the_file(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, is_trusted: bool
) -> None:
    resumed: list[Run] = []
    monkeypatch.setattr(TrustDialog, "exec", lambda _dialog: int(is_trusted))
    monkeypatch.setattr(InferenceQueue, "trust", lambda _queue, run: resumed.append(run))
    run = start(window)
    window.parts.queue.end(QueueState.NEEDS_TRUST)
    window.parts.queue.needsTrust.emit(run, "/w/net.pt", "ab" * 32, "It holds code.")
    assert resumed == ([run] if is_trusted else [])
    if not is_trusted:
        assert window.session.variants.find("net").message == "not trusted"


@pytest.mark.slow
def test_the_sample_weights_run_in_the_window(qtbot: QtBot, tmp_path: Path, repository: Path) -> None:
    pytest.importorskip("ultralytics")
    weights = repository / "resources" / "sample" / "weights" / "baseline.pt"
    if not weights.exists():
        pytest.skip("the sample has no weights")
    with opened_window(qtbot, small_case(tmp_path)) as window:
        request = RunRequest("real", weights, Path(window.session.source.path), frames=(0, 1, 2))
        run = window.parts.runs.start(request)
        qtbot.waitUntil(lambda: run.state in (QueueState.FINISHED, QueueState.FAILED), timeout=120_000)
        assert run.state is QueueState.FINISHED, run.failure
        variant = window.session.variants.find("real")
        assert variant.predictions.covered.tolist() == [True] * 3 + [False] * (FRAMES - 3)
        assert variant.details["runtime"] == "pytorch"
        assert variant.predictions.complete
