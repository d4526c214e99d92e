"""Detections of a run are assigned to the right frames even if the video is re-indexed during the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.inference_job import InferenceQueue, QueueState, Run
from iouviewer.app.settings import Settings
from iouviewer.document.document import Document
from iouviewer.document.renumbering import map_frames
from iouviewer.document.sources import Source
from iouviewer.document.variants import RunState
from iouviewer.errors import UserError
from iouviewer.inference.protocol import Detections
from iouviewer.inference.runner import RunRequest
from iouviewer.ui.commands.runs import RunCommands
from iouviewer.ui.panels.status_bar import StatusBar
from tests.document.builders import simple_numbering

FRAMES = 6


BEFORE, AFTER = simple_numbering([0, 1, 2, 3, 4, 5], "before"), simple_numbering([1, 2, 3, 4, 5, 6], "after")


class QuietQueue(InferenceQueue):
    """Takes runs and starts no worker."""

    def enqueue(self, request: RunRequest, frame_count: int, done: set[int] | None = None) -> Run:
        return Run(1, request, frame_count)


class FakeRun:
    """A run whose detections the test emits."""

    def __init__(self, qtbot) -> None:
        self.session = Session()
        document = Document()
        document.add_source(Source(0, "clip.ts", "/clip.ts", 640, 480, FRAMES, 25.0, "f", "before"))
        document.set_numbering(BEFORE)
        self.session.open_document(document)
        self.window, self.status = QWidget(), StatusBar(self.session)
        qtbot.addWidget(self.window)
        qtbot.addWidget(self.status)
        self.queue = QuietQueue()
        self.commands = RunCommands(self.window, self.session, self.queue, Settings(), self.status)
        self.run = self.commands.start(RunRequest("model", Path("model.pt"), Path("/clip.ts")))

    def find(self, frame: int, left: float, digest: str) -> None:
        box = np.array([[left, 1.0, left + 10, 20.0]], np.float32)
        detections = Detections(
            frame, box, np.ones(1, np.float32), np.zeros(1, np.int32), np.ones(3, np.float32), True, digest
        )
        self.queue.detections.emit(self.run, [detections])

    def reindex(self) -> None:
        mapping = map_frames(0, BEFORE, AFTER, lambda: np.ones(FRAMES, np.bool_))
        self.session.renumber(
            mapping, replace(self.session.source, frame_count=mapping.frame_count, index_digest="after")
        )

    @property
    def lefts(self) -> dict[int, float]:
        (variant,) = self.session.variants
        table = variant.predictions.table
        return dict(zip(table.frame_of_row().tolist(), table.boxes[0].tolist(), strict=True))


@pytest.fixture
def running(qtbot) -> FakeRun:
    return FakeRun(qtbot)


def test_detections_with_old_numbers_move_to_the_new_ones(running: FakeRun):
    running.find(2, 102, "before")
    running.reindex()
    running.find(4, 104, "before")
    assert running.lefts == {1: 102.0, 3: 104.0}


def test_detections_with_new_numbers_wait_for_the_new_index(running: FakeRun):
    running.find(5, 106, "after")
    running.find(1, 101, "before")
    assert running.lefts == {1: 101.0}
    running.reindex()
    assert running.lefts == {0: 101.0, 5: 106.0}
    (variant,) = running.session.variants
    assert np.flatnonzero(variant.predictions.covered).tolist() == [0, 5]


def test_detections_without_a_numbering_are_used_as_they_are(running: FakeRun):
    running.find(3, 103, "")
    assert running.lefts == {3: 103.0}


def test_a_run_whose_frames_nobody_can_number_is_not_called_finished(running: FakeRun):
    failures: list[UserError] = []
    running.commands.failed.connect(failures.append)
    running.find(1, 101, "after")
    running.run.state = QueueState.FINISHED
    running.queue.finished.emit(running.run)
    (variant,) = running.session.variants
    assert variant.state is RunState.FAILED
    assert "1 frame was numbered by another index of the video" in variant.message
    assert len(failures) == 1
    # The new index of the video was on its way.
    running.reindex()
    (variant,) = running.session.variants
    assert variant.state is RunState.FINISHED and running.lefts == {1: 101.0}
