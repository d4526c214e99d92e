"""The first minute on the bundled sample."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from tests.hands.hands import Hands

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


def test_the_sample_leads_from_the_marked_edge_to_an_applied_fix(empty: Hands) -> None:
    hands = empty
    hands.menu("File", "Open sample")
    hands.wait(lambda: hint(hands) == "drag this edge", "the hint at the edge")
    hands.wait(lambda: hands.reads("/ 499"), "the number of the last frame")
    hands.wait(lambda: hands.named("frameSpinBox").value() == 189, "the frame with the error")  # type: ignore[attr-defined]
    hands.wait(lambda: "PQ –" not in " ".join(hands.texts()), "the scores")
    before = numbers(hands)

    hands.press_picture(EDGE)
    hands.move_picture((TRUE_X, EDGE[1]))
    assert not hint(hands)
    during = numbers(hands)
    assert during[0] > before[0]
    hands.release()
    assert numbers(hands) == during
    hands.key("Ctrl+Z")
    assert numbers(hands) == before
    assert not hint(hands)

    hands.open_tab("Problems")
    hands.wait(lambda: hands.rows("problemsList"), "the problems")
    hands.key("N")
    hands.wait(lambda: hands.named("frameSpinBox").value() != 189, "the worst problem")  # type: ignore[attr-defined]
    hands.key("Return")
    hands.wait(lambda: hands.reads("1 of "), "the decision")
