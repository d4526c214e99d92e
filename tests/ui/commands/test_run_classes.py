"""A run in the window stores every box as it came; its classes are joined, shown and changed without running again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes, Batch, FrameMark, FrameState, SetClassNames, SetFrames
from iouviewer.inference.protocol import Detections
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.requests import OpenRequest
from iouviewer.project.store import ProjectFile
from iouviewer.ui.dialogs.class_map import ClassMapDialog
from iouviewer.ui.main_window import MainWindow
from tests.ui.commands.test_runs import LOADED, ManualQueue, detections, start
from tests.ui.window import FRAMES, opened_window, square, write_video


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window whose ground truth is of class ``pedestrian``; the queue is a ``ManualQueue``."""
    monkeypatch.setattr("iouviewer.ui.window_parts.InferenceQueue", ManualQueue)
    with opened_window(qtbot, OpenRequest(video=write_video(tmp_path / "clip.avi"))) as window:
        boxes = AddBoxes(tuple(Box(frame + 1, frame, square(frame), 0) for frame in range(FRAMES)))
        marks = SetFrames(tuple(FrameMark(frame, FrameState.LABELLED, False) for frame in range(FRAMES)))
        window.session.execute(Batch((SetClassNames(("pedestrian",)), boxes, marks)), "Boxes")
        yield window


def without_area(frame: int) -> Detections:
    x1, y1, _, y2 = square(frame)
    return Detections(
        frame,
        np.array([square(frame), (x1, y1, x1, y2)], np.float32),
        np.array([0.8, 0.1], np.float32),
        np.array([1, 1], np.int32),
        np.array([1.0, 8.0, 1.0], np.float32),
    )


def test_a_run_of_other_class_names_keeps_its_boxes_and_takes_a_mapping_later(window: MainWindow) -> None:
    queue, session = window.parts.queue, window.session
    run = start(window)
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(0), without_area(1)])
    variant = session.variants.find("net")
    assert session.document.class_names == ("pedestrian",)
    assert (len(variant.predictions.table), len(variant.predictions.stored_table)) == (0, 3)
    assert variant.predictions.left_out == {"person": 3}
    assert variant.predictions.class_proposals == {"person": "pedestrian"}

    def accept() -> None:
        asked = QApplication.activeModalWidget()
        assert isinstance(asked, ClassMapDialog)
        asked.accept()

    QTimer.singleShot(0, accept)
    window.parts.runs.choose_classes(variant.key)
    assert session.frame_iou("net", 0) == 1.0
    queue.detections.emit(run, [detections(2)])
    found = session.variants.find("net").predictions
    assert (len(found.table), found.class_map) == (4, {"person": "pedestrian"})
    assert session.frame_iou("net", 2) == 1.0


def test_a_mapping_of_the_run_dialog_holds_from_the_first_frame(window: MainWindow) -> None:
    queue, session = window.parts.queue, window.session
    request = RunRequest("net", Path("/w/net.pt"), Path(session.source.path))
    run = window.parts.runs.start(request, {"person": "pedestrian"})
    queue.modelLoaded.emit(run, LOADED)
    queue.detections.emit(run, [detections(0)])
    assert session.frame_iou("net", 0) == 1.0
    path = Path(session.save_state.project_path)
    window.close()
    project = ProjectFile.open(path)
    stored = next(variant for variant in project.load().variants if variant.name == "net")
    project.close()
    assert stored.predictions.class_map == {"person": "pedestrian"}
    assert stored.predictions.classes.names == ("thing", "person")
    assert stored.predictions.stored_table.class_ids.tolist() == [1]
    assert stored.predictions.table.class_ids.tolist() == [0]
