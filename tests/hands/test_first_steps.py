"""The first minute: the page without a video, and the tour of the bundled sample."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QTabBar
from pytestqt.qtbot import QtBot

from iouviewer.resource_files import resource_path
from tests.hands.cases import Case
from tests.hands.hands import Hands
from tests.ui.window import opened_window

EDGE = (433.49, 114.34)
"""The middle of the edge that the sample asks to drag, and where it belongs."""
TRUE_X = 389.97


def hint(hands: Hands) -> str:
    found = hands.window.findChild(QLabel, "firstStep")
    return found.text() if found is not None and found.isVisible() else ""


def numbers(hands: Hands) -> tuple[float, float, float]:
    """Frame IoU, Avg IoU and PQ as the line below the canvas shows them."""
    [line] = [text for text in hands.texts() if text.startswith("Frame ") and "PQ" in text]
    parts = [part.split() for part in line.split("·")[:3]]
    return float(parts[0][-1]), float(parts[1][-1]), float(parts[2][-1])


def wait_for_sample(hands: Hands) -> None:
    """Wait for the frame with the error and the scores of the sample."""
    hands.wait(lambda: hands.reads("/ 499"), "the number of the last frame")
    hands.wait(lambda: hands.frame == 189, "the frame with the error")
    hands.wait(lambda: "PQ –" not in " ".join(hands.texts()), "the scores")


def wait_for_page(hands: Hands) -> None:
    """Wait for the page that the window shows without a video, which has the keyboard."""
    hands.wait(lambda: hands.sees("firstRun.sample"), "the first-run page")
    hands.wait(lambda: hands.named("firstRun.sample").hasFocus(), "the focus on the sample")


def hint_rect(hands: Hands) -> QRect:
    """Where the hint is on the screen."""
    bubble = hands.named("tourHint")
    return QRect(bubble.mapToGlobal(QPoint()), bubble.size())


def boxes_on_screen(hands: Hands) -> list[QRect]:
    """All boxes of the frame on the screen, as assistive technology reads them."""
    canvas = QAccessible.queryAccessibleInterface(hands.canvas)
    assert canvas is not None
    return [canvas.child(number).rect() for number in range(canvas.childCount())]


def test_the_tour_leads_from_an_edge_over_a_fix_and_an_interval_to_the_export(empty: Hands, tmp_path: Path) -> None:
    hands = empty
    wait_for_page(hands)
    hands.key("Return")  # the sample has the focus
    wait_for_sample(hands)
    hands.wait(lambda: hint(hands) == "Drag this edge and watch IoU and timeline", "the first hint")
    rects = boxes_on_screen(hands)
    assert len(rects) > 10
    assert not any(hint_rect(hands).intersects(rect) for rect in rects)
    before = numbers(hands)

    hands.press_picture(EDGE)
    hands.move_picture((TRUE_X, EDGE[1]))
    assert not hint(hands)
    hands.wait(lambda: numbers(hands)[0] > before[0], "a better frame")
    hands.release()
    assert "Problems are listed here" in hint(hands)
    hands.key("Ctrl+Z")
    hands.wait(lambda: numbers(hands) == before, "the numbers as they were")

    hands.open_tab("Problems")
    hands.wait(lambda: hands.rows("problemsList"), "the problems")
    hands.key("N")
    hands.wait(lambda: hands.frame != 189, "the worst problem")
    hands.wait(lambda: hint(hands) == "F applies it", "the second hint")
    hands.key("F")
    hands.wait(lambda: hands.reads("1 of "), "the decision")
    hands.wait(lambda: "Open Compare" in hint(hands), "the third hint")
    hands.click(hands.named("workspace.compare"))
    hands.wait(lambda: hint(hands).startswith("Read the interval"), "the hint at the interval")
    cards = hands.named("verdicts")
    hands.move(cards.mapToGlobal(QPoint(20, cards.height() // 2)))
    hands.move(hands.canvas.mapToGlobal(QPoint(40, 40)))
    hands.wait(lambda: "IoU by frame (CSV)" in hint(hands), "the last hint")
    out = tmp_path / "iou.csv"
    with hands.in_dialog(hands.save_as(out)):
        hands.popup(lambda: hands.click(hands.named("exportButton")), "IoU by frame (CSV)…")
    hands.wait(lambda: not hint(hands), "the end of the tour")
    hands.wait(out.exists, "the exported file")
    assert out.read_text().startswith("frameID,iou")


def test_a_skipped_tour_stays_away_until_help_replays_it(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        wait_for_page(hands)
        hands.click(hands.button("Try the sample (60 seconds)"))
        wait_for_sample(hands)
        hands.wait(lambda: hint(hands), "the first hint")
        hands.click(hands.button("Skip tour"))
        assert not hint(hands)
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        wait_for_page(hands)
        hands.menu("File", "Open sample")
        wait_for_sample(hands)
        hands.wait(lambda: hands.reads("Saved, sample.iouv") or hands.reads("No changes"), "the sample")
        assert not hint(hands)
        hands.menu("Help", "Getting started")
        hands.wait(lambda: hint(hands).startswith("Drag this edge"), "the first hint again")


def test_each_hint_can_be_passed_by_mouse(empty: Hands) -> None:
    hands = empty
    hands.menu("File", "Open sample")
    wait_for_sample(hands)
    hands.wait(lambda: hint(hands).startswith("Drag"), "the first hint")
    hands.click(hands.button("Next"))
    assert hint(hands).startswith("Problems are listed here")
    hands.click(hands.button("Next"))
    assert "Open Compare" in hint(hands)
    hands.click(hands.button("Next"))
    assert "IoU by frame (CSV)" in hint(hands)
    hands.click(hands.button("Finish"))
    assert not hint(hands)


def test_the_page_opens_files_by_key_by_drop_and_from_the_recent_list(qtbot: QtBot, case: Case) -> None:
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        wait_for_page(hands)
        assert not any(bar.isVisible() for bar in window.findChildren(QTabBar))
        assert not hands.named("workspace.compare").isEnabled()
        with hands.in_dialog(hands.open_path(case.video)):
            hands.key("Down", "Return")
        hands.wait(lambda: hands.reads("/ 23"), "the video")
        assert not hands.sees("firstRun")
        hands.key("Shift+S")
        hands.key("S")
        hands.wait(lambda: hands.reads("2 of 24 frames verified"), "the verified frames")
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        wait_for_page(hands)
        recent = hands.named("firstRun.recent")
        assert recent.accessibleName() == "clip.avi"
        assert "8 % verified" in recent.accessibleDescription()
        hands.click(recent)
        hands.wait(lambda: hands.reads("/ 23"), "the video again")
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        wait_for_page(hands)
        hands.drop(hands.named("firstRun"), case.video)
        hands.wait(lambda: hands.reads("/ 23"), "the dropped video")


def test_the_key_preset_is_chosen_on_the_page(empty: Hands) -> None:
    hands = empty
    assert hands.named("firstRun.video").accessibleDescription().endswith("Ctrl+O")
    hands.click(hands.button("Keys like CVAT"))
    assert hands.named("firstRun.keys.CVAT").isChecked()  # type: ignore[attr-defined]
    hands.menu("File", "Open sample")
    wait_for_sample(hands)
    hands.key("F")  # CVAT's next frame
    hands.wait(lambda: hands.frame == 190, "the next frame")


def test_exports_of_the_sample_are_not_proposed_inside_the_program(empty: Hands) -> None:
    hands = empty
    wait_for_page(hands)
    hands.key("Return")
    wait_for_sample(hands)
    paths: list[Path] = []

    def look(dialog: QDialog) -> None:
        field = dialog.findChild(QLineEdit, "exportPath")
        paths.append(Path(field.text()))
        hands.key("Esc")

    with hands.in_dialog(look):
        hands.key("Ctrl+E")
    assert paths[0].name == "iou_video_scores.csv"
    assert not paths[0].is_relative_to(resource_path("sample"))
