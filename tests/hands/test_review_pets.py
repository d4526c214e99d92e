"""A whole review by keys on real persons: card, whole objects, grid, ledger, undo, and all of it after a restart."""

from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtWidgets import QListView
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.hands import Hands
from tests.hands.test_review_decisions import ground_truth
from tests.ui.window import opened_window


def decided(hands: Hands) -> str:
    """The progress in words."""
    return next((text for text in hands.texts() if "decided" in text), "")


def ledger(hands: Hands) -> str:
    return next((text for text in hands.texts() if "label error" in text), "")


def test_a_review_of_real_persons_by_keys_alone(qtbot: QtBot, tmp_path: Path, shared_data: Path) -> None:
    case = tmp_path / "pets"
    shutil.copytree(shared_data / "pets09", case)
    for path in (case, *case.iterdir()):
        path.chmod(0o755)
    request = OpenRequest(video=case / "vtest.avi", gt=case / "gt.txt", preds=(("frcnn", case / "det_frcnn.txt"),))
    with opened_window(qtbot, request) as window:
        hands = Hands(qtbot, window)
        before = ground_truth(hands, tmp_path)
        hands.open_tab("Problems")
        hands.wait(lambda: hands.sees("reviewStart") and hands.button("Start review  N").isEnabled(), "the problems")
        for key in ("X", "F", "V"):
            hands.key("N") if not hands.sees("reviewCard") else None
            hands.wait(lambda: hands.sees("reviewCard") and hands.sees("filmStrip"), "a card")
            done = decided(hands)
            hands.key(key)
            hands.wait(lambda done=done: decided(hands) not in ("", done), f"the decision by {key}")
        hands.key("Ctrl+Z")
        hands.wait(lambda: hands.sees("reviewCard"), "the unclear one again")
        hands.key("V", "Shift+G")
        hands.wait(lambda: hands.sees("problemGrid"), "the grid")
        view = hands.named("problemGrid")
        assert isinstance(view, QListView)
        hands.wait(lambda: view.model().rowCount() > 20 and view.hasFocus(), "many crops")
        count = view.model().rowCount()
        hands.key("Home", "Space", "Shift+Right", "Shift+Right", "X")
        hands.wait(lambda: view.model().rowCount() == count - 3, "three crops are gone")
        hands.key("Escape", "Escape", "Escape")
        hands.click(hands.named("reviewLedgerButton"))
        hands.wait(lambda: ledger(hands), "the ledger")
        said = ledger(hands)
        after = ground_truth(hands, tmp_path)
        assert after != before
        hands.wait(lambda: any(text.startswith("Saved") for text in hands.texts()), "the saved project")
    with opened_window(qtbot, OpenRequest(video=case / "vtest.avi")) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: len(window.session.variants) == 1, "the project")
        hands.open_tab("Problems")
        hands.wait(lambda: hands.sees("reviewLedgerButton"), "the decisions")
        hands.click(hands.named("reviewLedgerButton"))
        hands.wait(lambda: ledger(hands) == said, "the same ledger after a restart")
        assert ground_truth(hands, tmp_path) == after
