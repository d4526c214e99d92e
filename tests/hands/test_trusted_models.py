"""Trust in a model file by mouse and keys: it is listed with its path and date, taken back, and held without a disk."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QDialog

from iouviewer import folders
from tests.hands.hands import Hands
from tests.hands.test_review import message
from tests.hands.test_safe_opening import LINUX, allowed
from tests.hands.test_settings import open_section
from tests.ui.window import FRAMES

DIGEST = "ab" * 32
"""What the worker says of code.torchscript."""


def run_model(hands: Hands, path: Path, *more: Callable[[QDialog], None]) -> None:
    """Run the model on the whole video; further steps are for the dialogs that follow."""

    def choose(_dialog: QDialog) -> None:
        hands.type(str(path))
        hands.key("Return")

    def run(dialog: QDialog) -> None:
        hands.click(hands.button(f"Run on {FRAMES} frames", dialog))

    with hands.in_dialog(choose, run, *more):
        hands.key("Ctrl+R")


def finish(hands: Hands) -> None:
    hands.wait(lambda: message(hands).endswith(f"{FRAMES} frames done"), "the end of the run")
    hands.key("Esc")


@contextmanager
def models_of_settings(hands: Hands, look: Callable[[QDialog], None]) -> Iterator[None]:
    def steps(dialog: QDialog) -> None:
        open_section(hands, dialog, "Models")
        look(dialog)
        hands.key("Esc")

    with hands.in_dialog(steps):
        hands.key("Ctrl+,")
    yield


def test_trust_is_listed_and_revoked_and_then_asked_again(person: Hands, weights: Callable[[str], Path]) -> None:
    hands, path = person, weights("code.torchscript")
    asked: list[str] = []

    def allow(dialog: QDialog) -> None:
        asked.extend(hands.texts(dialog))
        hands.click(hands.button("Run anyway", dialog))

    def revoke(dialog: QDialog) -> None:
        read = " ".join(hands.texts(dialog))
        assert str(path) in read and time.strftime("trusted since %Y-%m-%d") in read and DIGEST[:16] in read
        hands.click(hands.button(f"Revoke trust in {path}", dialog))
        hands.wait(lambda: "No model file may run code." in hands.texts(dialog), "the empty list")

    run_model(hands, path, allow)
    finish(hands)
    run_model(hands, path)
    finish(hands)
    with models_of_settings(hands, revoke):
        assert json.loads((folders.config_folder() / "trusted_models.json").read_text()) == {}
    asked.clear()
    run_model(hands, path, allow)
    finish(hands)
    assert any("can run any code" in text for text in asked), "it was asked again"


@LINUX
def test_without_a_disk_to_write_on_trust_holds_until_the_end_and_that_is_said(
    person: Hands, weights: Callable[[str], Path]
) -> None:
    hands, path = person, weights("code.torchscript")
    stored = folders.config_folder() / "trusted_models.json"
    stored.write_text("{}")
    allowed("chattr", "+i", str(stored))
    read: list[str] = []

    def allow(dialog: QDialog) -> None:
        hands.click(hands.button("Run anyway", dialog))

    def error(dialog: QDialog) -> None:
        read.extend(hands.texts(dialog))
        hands.key("Return")

    def look(dialog: QDialog) -> None:
        assert any("until the program ends" in text for text in hands.texts(dialog))
        hands.click(hands.button(f"Revoke trust in {path}", dialog))
        hands.wait(lambda: "No model file may run code." in hands.texts(dialog), "the empty list")

    try:
        run_model(hands, path, allow, error)
        finish(hands)
        assert "code.torchscript is trusted until the program ends." in " ".join(read)
        run_model(hands, path)  # not asked again
        finish(hands)
        with models_of_settings(hands, look):
            assert QApplication.activeModalWidget() is None
    finally:
        subprocess.run(["chattr", "-i", str(stored)], check=False)
    assert stored.read_text() == "{}"


@LINUX
def test_a_revocation_that_cannot_be_written_is_not_claimed(person: Hands) -> None:
    hands = person
    stored = folders.config_folder() / "trusted_models.json"
    stored.write_text(json.dumps({DIGEST: "/models/by an earlier version.pt"}))
    allowed("chattr", "+i", str(stored))

    def look(dialog: QDialog) -> None:
        hands.click(hands.button("Revoke trust in /models/by an earlier version.pt", dialog))
        hands.wait(lambda: any("It is still trusted" in text for text in hands.texts(dialog)), "that it failed")
        assert "/models/by an earlier version.pt" in hands.texts(dialog)

    try:
        with models_of_settings(hands, look):
            pass
    finally:
        subprocess.run(["chattr", "-i", str(stored)], check=False)


@pytest.fixture(autouse=True)
def no_trust_left() -> Iterator[None]:
    """Trust that is held in this process ends with the test."""
    yield
    from iouviewer.inference.trust import TrustStore

    for sha256 in TrustStore().hashes():
        TrustStore().revoke(sha256)
