"""Frames 150 to 169 of a real video, corrected by mouse and keys alone; counts what a correction costs.

An action is a click, a double click, a drag, a key with its modifiers, or a text typed without a pause.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDialog, QWidget
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.boxes_by_hand import Rect, boxes_on, centre, current_frame, exported, near, title
from tests.hands.hands import NO_MODIFIER, Hands, Point
from tests.hands.test_clicks import go_to_drawn, rects_of
from tests.ui.window import opened_window

FIRST, LAST = 150, 169


class CountingHands(Hands):
    """A person whose actions are counted by the kind of correction."""

    def __init__(self, qtbot: QtBot, window: QWidget) -> None:
        super().__init__(qtbot, window)
        self.actions: dict[str, list[int]] = defaultdict(list)
        self._count = 0

    @contextmanager
    def correction(self, kind: str) -> Iterator[None]:
        """One correction of a kind."""
        self._count = 0
        yield
        self.actions[kind].append(self._count)

    def key(self, *keys: str) -> None:
        self._count += len(keys)
        super().key(*keys)

    def type(self, text: str) -> None:
        self._count += 1
        super().type(text)

    def click_picture(self, point: Point, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        self._count += 1
        super().click_picture(point, modifiers)

    def drag_picture(self, start: Point, end: Point, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        self._count += 1
        super().drag_picture(start, end, modifiers)

    def double_click(self, target: QPoint) -> None:
        self._count += 1
        super().double_click(target)

    def most(self, kind: str) -> int:
        """The most actions that a correction of this kind took."""
        return max(self.actions[kind])


@pytest.fixture
def pets(qtbot: QtBot, shared_data: Path, tmp_path: Path) -> Iterator[CountingHands]:
    folder = shared_data / "pets09"
    video = Path(shutil.copy(folder / "vtest.avi", tmp_path / "vtest.avi"))
    request = OpenRequest(video=video, gt=folder / "gt.txt", preds=(("frcnn", folder / "det_frcnn.txt"),))
    with opened_window(qtbot, request) as window:
        window.resize(1280, 720)
        yield CountingHands(qtbot, window)


def detections(path: Path, frame: int) -> list[tuple[Rect, float]]:
    """Predictions of a frame and their scores."""
    found = []
    for line in path.read_text().splitlines():
        number, _, x, y, w, h, score = (float(value) for value in line.split(",")[:7])
        if int(number) - 1 == frame:
            found.append(((x, y, x + w, y + h), score))
    return found


def overlap(one: Rect, other: Rect) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def free_of(rect: Rect, others: list[Rect], margin: float = 12.0) -> bool:
    """Whether a box and its surroundings overlap no other box."""
    wide = (rect[0] - margin, rect[1] - margin, rect[2] + margin, rect[3] + margin)
    return all(overlap(wide, other) == 0.0 for other in others)


def verify_and_go_on(hands: CountingHands) -> None:
    frame = current_frame(hands)
    with hands.correction("verified and next"):
        hands.key("S")
    hands.wait(lambda: current_frame(hands) == frame + 1, f"frame {frame + 1}")


def test_twenty_frames_are_corrected_exported_and_read_back(
    pets: CountingHands, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hands, files = pets, shared_data / "pets09"
    expected: dict[int, dict[str, Rect]] = {f: rects_of(files / "gt.txt", f) for f in range(FIRST, LAST + 1)}
    go_to_drawn(hands, FIRST, expected[FIRST])

    # A loose edge: dragged at once, without a selection.
    truth = expected[FIRST]
    track, rect = next((t, r) for t, r in truth.items() if free_of(r, [o for k, o in truth.items() if k != t]))
    x2, middle = rect[2], (rect[1] + rect[3]) / 2
    with hands.correction("moved edge"):
        hands.drag_picture((x2, middle), (x2 + 9, middle))
    assert title(hands).endswith(track)
    truth[track] = (rect[0], rect[1], x2 + 9, rect[3])

    # A flag, a note, and a move that is taken back.
    with hands.correction("flag of the selected box"):
        hands.key("J")
    with hands.correction("note on the selected box"):
        hands.key("Ctrl+M")
        hands.wait(lambda: hands.named("noteEditor").hasFocus(), "the editor of notes")
        hands.type("behind the post")
        hands.key("Ctrl+Return")
    with hands.correction("move and undo"):
        hands.drag_picture(centre(truth[track]), (centre(truth[track])[0] + 30, centre(truth[track])[1] + 20))
        hands.key("Ctrl+Z")
    verify_and_go_on(hands)

    # A new box, with the last class; then one with another class.
    empty: Rect = (60.0, 380.0, 95.0, 460.0)
    with hands.correction("new box, last class"):
        hands.drag_picture(empty[:2], empty[2:], Qt.KeyboardModifier.ControlModifier)
    hands.wait(lambda: title(hands) != "", "the new box")
    numbers = {int(t) for t in boxes_on(hands, tmp_path, FIRST + 1)} - {int(t) for t in expected[FIRST + 1]}
    assert len(numbers) == 1
    first_new = str(numbers.pop())
    expected[FIRST + 1][first_new] = empty
    verify_and_go_on(hands)

    # The false box that somebody drew: it lies under the mouse, and Del takes it.
    with hands.correction("new box, last class"):
        hands.drag_picture(empty[:2], empty[2:], Qt.KeyboardModifier.ControlModifier)
    hands.wait(lambda: title(hands) != "", "the new box")
    hands.key("Escape", "Escape")
    hands.wait(lambda: title(hands) == "", "no selection")
    hands.move_picture(centre(empty))
    with hands.correction("deleted false box"):
        hands.key("Del")
    assert set(boxes_on(hands, tmp_path, FIRST + 2)) == set(expected[FIRST + 2])
    verify_and_go_on(hands)

    # A person whom the model found and nobody labelled.
    frame = FIRST + 3
    others = list(expected[frame].values())
    found = [r for r, score in detections(files / "det_frcnn.txt", frame) if score > 0.5 and free_of(r, others, 0.0)]
    person = found[0]
    hands.wait(lambda: current_frame(hands) == frame, "the frame")
    with hands.correction("accepted prediction"):
        hands.double_click(hands.on_canvas((person[0], (person[1] + person[3]) / 2)))
    hands.wait(lambda: len(boxes_on(hands, tmp_path, frame)) == len(others) + 1, "the accepted box")
    accepted = boxes_on(hands, tmp_path, frame)
    (number,) = set(accepted) - set(expected[frame])
    assert near(accepted[number], person)
    expected[frame][number] = accepted[number]
    verify_and_go_on(hands)

    while current_frame(hands) < LAST:
        verify_and_go_on(hands)
    with hands.correction("verified and next"):
        hands.key("S")
    assert hands.reads("20 of 795 frames verified")

    # A fix of the review, taken and the next one shown by one key; it is undone, for it is no part of the comparison.
    hands.open_tab("Problems")
    hands.wait(lambda: hands.reads(" decided"), "the problems")
    hands.key("N")
    hands.wait(lambda: hands.sees("reviewCard"), "the proposed fix")
    shown, before = hands.texts(hands.named("reviewCard")), exported(hands, tmp_path)
    with hands.correction("accepted fix and next"):
        hands.key("F")
    hands.wait(lambda: hands.sees("reviewCard") and hands.texts(hands.named("reviewCard")) != shown, "the next problem")
    assert exported(hands, tmp_path) != before
    hands.key("Escape", "Ctrl+Z")
    if exported(hands, tmp_path) != before:  # the first press went to the frame of the step
        hands.key("Ctrl+Z")
    assert exported(hands, tmp_path) == before

    # What was corrected is in the export, and the file reads back as the same boxes.
    target = tmp_path / "corrected" / "gt.txt"
    target.parent.mkdir()
    with hands.in_dialog(hands.save_as(target)):
        hands.menu("File", "Export as", "Ground truth as MOTChallenge…")
    hands.wait(target.exists, "the exported file")
    mine = exported(hands, tmp_path)
    for frame, boxes in expected.items():
        written = {
            r["id"]: tuple(float(r[k]) for k in ("x1", "y1", "x2", "y2")) for r in mine if r["frameID"] == str(frame)
        }
        assert set(written) == set(boxes)
        assert all(near(written[t], boxes[t], 2.0) for t in boxes), frame  # type: ignore[arg-type]

    def replace(dialog: QDialog) -> None:
        hands.click(hands.button("Replace ground truth", dialog))

    with hands.in_dialog(hands.open_path(target), replace):
        hands.menu("File", "Import ground truth…")
    hands.wait(lambda: "Import gt.txt" in " ".join(hands.rows("historyList")[0]) if hands.sees("historyList") else True)
    assert exported(hands, tmp_path) == mine

    counts = Counter({kind: max(numbers) for kind, numbers in hands.actions.items()})
    with capsys.disabled():
        print("\nactions by kind:", ", ".join(f"{kind} {count}" for kind, count in counts.items()))
    assert hands.most("moved edge") == hands.most("accepted prediction") == hands.most("deleted false box") == 1
    assert hands.most("verified and next") == hands.most("accepted fix and next") == 1
    assert hands.most("new box, last class") == 1
