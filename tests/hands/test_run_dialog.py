"""The run dialog by mouse and keys, with a worker process that needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QLineEdit

from tests.hands.hands import Hands
from tests.hands.test_dialogs import part
from tests.hands.test_review import message
from tests.ui.window import FRAMES


def open_run_dialog(hands: Hands, path: Path, step: Callable[[QDialog], None]) -> None:
    """Ctrl+R, the path of the weights in the file dialog, and the step in the run dialog."""

    def choose(_dialog: QDialog) -> None:
        hands.type(str(path))
        hands.key("Return")

    with hands.in_dialog(choose, step):
        hands.key("Ctrl+R")


def text(dialog: QDialog, name: str) -> str:
    label = dialog.findChild(QLabel, name)
    assert label is not None
    return label.text()


def workers() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if one.is_running()]


def test_a_model_is_tried_its_class_is_mapped_and_it_runs_on_a_range(
    person: Hands, weights: Callable[[str], Path]
) -> None:
    hands = person
    seen: dict[str, object] = {}

    def run(dialog: QDialog) -> None:
        hands.wait(lambda: text(dialog, "runFacts0").startswith("detect"), "the facts of the model")
        seen["facts"] = text(dialog, "runFacts0")
        hands.wait(lambda: text(dialog, "runEstimate") == f"{FRAMES} s, 0.0 MB, {FRAMES} frames", "the estimate")
        classes = hands.button("human → person?", dialog)
        seen["accessible"] = classes.accessibleName()
        hands.click(hands.button("Use human → person", dialog))
        hands.wait(lambda: classes.text() == "2 classes", "the class to be mapped")
        seen["texts"] = hands.texts(dialog)
        hands.choose(part(dialog, QComboBox, "runFrames"), "Range")
        hands.click(part(dialog, QLineEdit, "runRange"))
        hands.key("Ctrl+A")
        hands.type("4:10")
        hands.wait(lambda: text(dialog, "runEstimate") == "6 s, 0.0 MB, 6 frames", "the estimate of the range")
        hands.click(part(dialog, QLineEdit, "runName0"))
        hands.key("Ctrl+A")
        hands.type("mine")
        hands.click(hands.button("Run on 6 frames", dialog))

    open_run_dialog(hands, weights("net.pt"), run)
    assert seen["facts"] == "detect · 2 classes: human, car · 320 × 320 px · pytorch fp32 · cpu"
    assert seen["accessible"] == "Classes of net.pt: human → person?"
    wording = ["Image size", "Min confidence", "NMS IoU", "Max detections", "Device", "Frames"]
    assert [one for one in wording if one not in seen["texts"]] == []  # type: ignore[operator]  # a list of texts
    hands.wait(lambda: message(hands) == "mine: 6 frames done", "the end of the run")
    hands.key("F3")
    hands.wait(lambda: any("mine" in row for row in hands.rows("variantsTable")), "the variant")
    place = next(k for k, row in enumerate(hands.rows("variantsTable")) if "mine" in row)
    # Without the mapping, the boxes of class human are left out, and the recall is at most a half.
    hands.wait(lambda: hands.cell("variantsTable", place, "Recall") == "1.000", "both classes to be found")


def test_a_model_with_its_own_nms_and_size_says_so_before_it_runs(
    person: Hands, weights: Callable[[str], Path]
) -> None:
    hands = person
    seen: list[str] = []

    def look(dialog: QDialog) -> None:
        hands.wait(lambda: "Trying" not in text(dialog, "runEstimate"), "the end of the trial")
        seen.extend(hands.texts(dialog))
        hands.key("Escape")

    open_run_dialog(hands, weights("own.onnx"), look)
    facts = (
        "detect · 2 classes: human, car · 256 × 192 px fixed · own NMS (IoU 0.55, confidence 0.3) · onnxruntime fp32"
    )
    assert f"{facts} · cpu" in seen
    assert "own.onnx: the model applies its own confidence threshold 0.3, so AP is a lower bound." in seen
    assert "own.onnx: the model returns at most 20 boxes per frame, not 300." in seen
    hands.wait(lambda: not workers(), "the worker to end with the dialog")


def test_every_control_is_reached_by_tab_and_a_changed_size_is_measured_again(
    person: Hands, weights: Callable[[str], Path]
) -> None:
    hands = person
    reached: list[str] = []

    def walk(dialog: QDialog) -> None:
        hands.wait(lambda: "Trying" not in text(dialog, "runEstimate"), "the end of the trial")
        reached.append(focus_name())
        hands.key("Tab")
        reached.append(focus_name())
        hands.type("640")
        hands.wait(
            lambda: text(dialog, "runEstimate").startswith("48 s") and "640 × 640" in text(dialog, "runFacts0"),
            "the estimate at the new size",
        )
        for _ in range(10):
            hands.key("Tab")
            reached.append(focus_name())
        hands.key("Escape")

    open_run_dialog(hands, weights("net.pt"), walk)
    fields = ["runFrames", "runImgsz", "runDevice", "runFloor", "runNms", "runMaxDet"]
    assert reached[: len(fields)] == fields
    assert {"Use human → person", "Cancel", f"Run on {FRAMES} frames", "runClasses0", "runName0"} <= set(reached)


def focus_name() -> str:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget.objectName() if widget.objectName().startswith("run") else str(widget.property("text"))


@pytest.mark.parametrize(
    ("name", "sentence", "can_run"),
    [
        ("damaged.pt", "the file is not a PyTorch model", False),
        ("code.torchscript", "code.torchscript can run code, so it is tried only after you allow it in the run.", True),
    ],
)
def test_a_model_that_cannot_be_tried_says_why(
    person: Hands, weights: Callable[[str], Path], name: str, sentence: str, can_run: bool
) -> None:
    hands = person

    def look(dialog: QDialog) -> None:
        hands.wait(lambda: any(sentence in one for one in hands.texts(dialog)), "the reason")
        assert text(dialog, "runEstimate").startswith(f"{FRAMES} frames, at most ")
        assert hands.button(f"Run on {FRAMES} frames", dialog).isEnabled() is can_run
        hands.key("Escape")

    open_run_dialog(hands, weights(name), look)


def test_a_file_that_can_run_code_runs_only_after_a_deliberate_click(
    person: Hands, weights: Callable[[str], Path]
) -> None:
    hands, path = person, weights("code.torchscript")

    def choose(_dialog: QDialog) -> None:
        hands.type(str(path))
        hands.key("Return")

    def run(dialog: QDialog) -> None:
        hands.click(hands.button(f"Run on {FRAMES} frames", dialog))

    def refuse(dialog: QDialog) -> None:
        assert any("code.torchscript</b> can run any code" in one for one in hands.texts(dialog))
        hands.key("Return")

    def allow(dialog: QDialog) -> None:
        hands.click(hands.button("Run anyway", dialog))

    with hands.in_dialog(choose, run, refuse):
        hands.key("Ctrl+R")
    hands.key("F3")
    hands.wait(lambda: any("code  failed" in row for row in hands.rows("variantsTable")), "the run to be refused")
    with hands.in_dialog(choose, run, allow):
        hands.key("Ctrl+R")
    hands.wait(lambda: message(hands).endswith(f"{FRAMES} frames done"), "the end of the run")


def test_verified_frames_are_offered_and_a_wrong_range_is_refused(
    person: Hands, weights: Callable[[str], Path]
) -> None:
    hands = person
    hands.key("S", "S")
    hands.wait(lambda: hands.frame == 2, "the third frame")

    def run(dialog: QDialog) -> None:
        frames = part(dialog, QComboBox, "runFrames")
        hands.choose(frames, "Range")
        hands.click(part(dialog, QLineEdit, "runRange"))
        hands.key("Ctrl+A")
        hands.type("20:99")
        hands.wait(lambda: any(f"there are {FRAMES} frames" in one for one in hands.texts(dialog)), "the reason")
        assert not hands.button("Run", dialog).isEnabled()
        hands.choose(frames, "Verified 2")
        hands.click(hands.button("Run on 2 frames", dialog))

    open_run_dialog(hands, weights("net.pt"), run)
    hands.wait(lambda: message(hands) == "net: 2 frames done", "the end of the run")
