"""What a person reads of boxes and the selection, and how one gets to a frame; shared by the tests of the canvas."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtWidgets import QLabel, QLineEdit, QSpinBox

from tests.hands.hands import Hands, Point

Rect = tuple[float, float, float, float]


def exported(hands: Hands, folder: Path) -> list[dict[str, str]]:
    """The ground truth as the menu exports it, frame by frame."""
    target = folder / "truth.csv"
    target.unlink(missing_ok=True)
    with hands.in_dialog(hands.save_as(target)):
        hands.menu("File", "Export as", "Ground truth as CSV…")
    hands.wait(target.exists, "the exported ground truth")
    with target.open(newline="") as file:
        return list(csv.DictReader(file))


def boxes_on(hands: Hands, folder: Path, frame: int) -> dict[str, Rect]:
    """The exported boxes of a frame by track id."""
    rows = [row for row in exported(hands, folder) if int(row["frameID"]) == frame]
    found = {row["id"]: (float(row["x1"]), float(row["y1"]), float(row["x2"]), float(row["y2"])) for row in rows}
    assert len(found) == len(rows), "two boxes of one track are on the frame"
    return found


def title(hands: Hands) -> str:
    """The name of what is selected, as the inspector says it; empty for nothing."""
    labels = [label for label in hands.window.findChildren(QLabel, "inspector.title") if label.isVisible()]
    return labels[0].text() if labels else ""


def message(hands: Hands) -> str:
    """The message in the status bar."""
    label = hands.named("statusMessage")
    assert isinstance(label, QLabel)
    return label.text()


def current_frame(hands: Hands) -> int:
    """The number in the frame field."""
    box = hands.named("frameSpinBox")
    assert isinstance(box, QSpinBox)
    return box.value()


def go_to(hands: Hands, frame: int) -> None:
    """Type a frame number into the frame field."""
    box = hands.named("frameSpinBox")
    field = box.findChild(QLineEdit)
    assert field is not None
    hands.click(field)
    hands.key("Ctrl+A")
    hands.type(str(frame))
    hands.key("Return")
    hands.wait(lambda: current_frame(hands) == frame, f"frame {frame}")


def centre(rect: Rect) -> Point:
    """The middle of a box."""
    return (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2


def near(one: Rect, other: Rect, pixels: float = 1.5) -> bool:
    """Whether two boxes are equal up to the pixels of the screen."""
    return all(abs(a - b) <= pixels for a, b in zip(one, other, strict=True))
