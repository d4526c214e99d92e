"""Video properties by keys: facts at the left, what is uncertain at the right, and all of it copied as text."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QDialog, QLabel

from tests.hands.cases import Case
from tests.hands.hands import Hands


def opened(hands: Hands) -> QDialog:
    """The dialog, which is not modal."""
    hands.key("Alt+Return")
    hands.wait(lambda: hands.sees("videoFacts"), "the properties")
    dialog = hands.named("videoFacts")
    assert isinstance(dialog, QDialog)
    return dialog


def facts(dialog: QDialog) -> dict[str, str]:
    """Names and values as they are read."""
    labels = [label for label in dialog.findChildren(QLabel) if label.isVisible()]
    named = {label.accessibleName(): label.text().replace("\u200b", "") for label in labels}
    return {name: text for name, text in named.items() if name}


def test_the_facts_of_the_video_are_shown_and_copied(person: Hands, case: Case) -> None:
    hands = person
    dialog = opened(hands)
    hands.wait(lambda: facts(dialog).get("Frame accuracy", "").startswith("Checked"), "the checked frames")
    seen = facts(dialog)
    assert seen["File"] == str(case.video)
    assert seen["Frames"] == "24, 320 × 240 pixels"
    assert seen["Frame rate"] == "10.000 frames/s"
    assert seen["Codec"].startswith("mjpeg")
    assert len(seen["Fingerprint"]) >= 32
    assert {"What is uncertain", "Nothing: each frame is shown under its own number."} <= set(hands.texts(dialog))
    [path] = [one for one in dialog.findChildren(QLabel) if one.accessibleName() == "File"]
    assert path.font().families()[0] == "JetBrains Mono"
    hands.click(hands.button("Copy", dialog))
    assert hands.button("Copied", dialog)
    copied = QApplication.clipboard().text().splitlines()
    assert copied[:2] == [f"File: {case.video}", "Frames: 24, 320 × 240 pixels"]
    assert f"Fingerprint: {seen['Fingerprint']}" in copied
    hands.key("Esc")
    hands.wait(lambda: not hands.sees("videoFacts"), "the closed dialog")
