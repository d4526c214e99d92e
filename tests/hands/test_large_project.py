"""A large project at the real window while it is loaded: picture and boxes first, then edits, then predictions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from iouviewer.app.projects import loading
from iouviewer.project import rows, variant_rows
from iouviewer.project.contents import ProjectContents
from iouviewer.project.schema import connect
from iouviewer.project.store import ProjectFile
from iouviewer.ui.tokens import CANVAS
from tests.document.builders import bits_of, state_of
from tests.hands.cases import PERSON, Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window

DRAWN = ((20.0, 20.0), (50.0, 45.0))


class SlowDisk:
    """Holds the thread that loads a project: before all boxes, and before each variant."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._boxes, self._variants = threading.Semaphore(0), threading.Semaphore(0)
        monkeypatch.setattr(loading, "MAX_SYNCHRONOUS_BYTES", -1)
        monkeypatch.setattr(loading, "MIN_BYTES_IN_PARTS", 0)
        self._hold(monkeypatch, rows, "read_document", self._boxes)
        self._hold(monkeypatch, variant_rows, "read_variant", self._variants)

    @staticmethod
    def _hold(monkeypatch: pytest.MonkeyPatch, module: object, name: str, gate: threading.Semaphore) -> None:
        read = getattr(module, name)

        def held(*args, **options):
            assert threading.current_thread().name != "project" or gate.acquire(timeout=60)
            return read(*args, **options)

        monkeypatch.setattr(module, name, held)

    def give_boxes(self) -> None:
        """Let all boxes through."""
        self._boxes.release(100)

    def give_variants(self, count: int) -> None:
        """Let so many variants through."""
        self._variants.release(count)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk(monkeypatch)
    yield disk
    disk.give_boxes()
    disk.give_variants(100)


def project_of(case: Case) -> Path:
    return case.video.with_name(f"{case.video.name}.iouv")


def read_whole(path: Path) -> ProjectContents:
    with closing(ProjectFile.open(path)) as project:
        return project.load()


@pytest.fixture
def whole(qtbot: QtBot, case: Case) -> ProjectContents:
    """The project of the case with two variants, made by a window that was closed."""
    with opened_window(qtbot, case.request()) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the import to be saved")
    return read_whole(project_of(case))


@contextmanager
def at_window(qtbot: QtBot, case: Case) -> Iterator[Hands]:
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        hands.drop(window, case.video)
        yield hands


def sees_box(hands: Hands) -> bool:
    """Whether the left edge of the person is drawn in the colour of the ground truth."""
    edge, drawn = hands.colour_at((PERSON[0], 70.0)), CANVAS.gt
    wanted = type(edge)(drawn)
    return all(abs(a - b) < 60 for a, b in zip(edge.getRgb()[:3], wanted.getRgb()[:3], strict=True))


def rows_of(hands: Hands) -> int:
    return len(hands.rows("boxesTable")) if hands.sees("boxesTable") else 0


def mark(hands: Hands) -> str:
    """What the status bar says of the project's safety."""
    return " ".join(hands.texts(hands.named("statusSafety").parentWidget())) if hands.sees("statusSafety") else ""


def draw_box(hands: Hands) -> None:
    hands.window.activateWindow()
    hands.wait(hands.window.isActiveWindow, "the active window")
    hands.key("W")
    hands.drag_picture(*DRAWN)
    hands.key("Esc")


def test_boxes_come_with_the_picture_then_edits_then_predictions_and_nothing_is_lost(
    qtbot: QtBot, case: Case, whole: ProjectContents, disk: SlowDisk
) -> None:
    with at_window(qtbot, case) as hands:
        hands.wait(lambda: sees_box(hands), "the boxes of the first frame")
        hands.wait(lambda: hands.reads("Loading boxes…"), "what is being loaded")
        # Nothing is counted, and nothing can be edited.
        assert rows_of(hands) == 0 and not hands.reads("/ 23") and not hands.reads("No predictions")
        draw_box(hands)
        hands.drag_picture((PERSON[0] + 20, 70.0), (PERSON[0] - 40, 70.0))
        assert rows_of(hands) == 0 and sees_box(hands)
        disk.give_boxes()
        hands.wait(lambda: rows_of(hands) == 2, "all boxes of the frame")
        hands.wait(lambda: "Loading predictions, 1 of 2" in mark(hands), "what is still loading")
        assert hands.reads("Loading predictions…") and sees_box(hands)
        draw_box(hands)
        hands.wait(lambda: rows_of(hands) == 3, "the box that was drawn")
        assert hands.reads("/ 23") and not hands.reads("Saved")
        disk.give_variants(1)
        hands.wait(lambda: "Loading predictions, 2 of 2" in mark(hands), "what is still loading")
        hands.key("Ctrl+Z")
        hands.wait(lambda: rows_of(hands) == 2, "the undone box")
        hands.key("Ctrl+Y")
        hands.wait(lambda: rows_of(hands) == 3, "the box again")
        disk.give_variants(1)
        hands.wait(lambda: not mark(hands), "the end of loading")
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the edit to be saved")
        hands.wait(lambda: hands.reads("All predictions are loaded"), "that all is there")
    after = read_whole(project_of(case))
    assert len(after.document.ground_truth()) == len(whole.document.ground_truth()) + 1
    assert variants_of(after) == variants_of(whole)


def variants_of(contents: ProjectContents) -> object:
    return [(one.key, one.name, one.colour, bits_of(one.predictions)) for one in contents.variants]


def test_closing_the_window_while_predictions_are_loaded_keeps_the_edit(
    qtbot: QtBot, case: Case, whole: ProjectContents, disk: SlowDisk
) -> None:
    with at_window(qtbot, case) as hands:
        disk.give_boxes()
        hands.wait(lambda: rows_of(hands) == 2, "all boxes of the frame")
        draw_box(hands)
        hands.wait(lambda: rows_of(hands) == 3, "the box that was drawn")
        # Closing waits for the variant that is being read, and reads no other one.
        threading.Timer(0.2, disk.give_variants, (1,)).start()
    after = read_whole(project_of(case))
    assert len(after.document.ground_truth()) == len(whole.document.ground_truth()) + 1
    assert variants_of(after) == variants_of(whole)


def has_number(text: str) -> bool:
    return any(map(str.isdigit, text)) and "Opening" not in text


def test_a_project_shown_in_parts_is_the_one_that_is_shown_at_once(
    qtbot: QtBot, case: Case, whole: ProjectContents, disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> list[object]:
        with at_window(qtbot, case) as hands:
            hands.wait(lambda: rows_of(hands) == 2, "all boxes of the frame")
            hands.wait(lambda: hands.reads("0.909"), "the frame's IoU")
            hands.wait(lambda: sees_box(hands) and hands.reads("Fit"), "the picture, as large as it fits")
            hands.wait(lambda: not mark(hands), "the end of loading and of the check")
            return [hands.rows("boxesTable"), sorted(text for text in hands.texts() if has_number(text))]

    disk.give_boxes()
    disk.give_variants(2)
    in_parts = shown()
    monkeypatch.setattr(loading, "MIN_BYTES_IN_PARTS", 1 << 40)
    disk.give_variants(2)
    at_once = shown()
    assert in_parts == at_once


def test_damage_of_predictions_is_told_before_anything_can_be_edited(
    qtbot: QtBot, case: Case, whole: ProjectContents, disk: SlowDisk
) -> None:
    with closing(connect(project_of(case))) as connection:
        connection.execute("UPDATE prediction_chunks SET data = zeroblob(40) WHERE number = 0")
    disk.give_boxes()
    with at_window(qtbot, case) as hands:
        disk.give_variants(10)
        hands.wait(lambda: any("was damaged and is kept as" in text for text in hands.texts()), "the damage")
        hands.wait(lambda: rows_of(hands) == 2, "all boxes of the frame")
    assert state_of(read_whole(project_of(case)).document) == state_of(whole.document)
