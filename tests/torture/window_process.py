"""The real window in a process of its own, with a hand that edits at random and says what the window shows as saved.

``python -m tests.torture.window_process FILE --seed N --edits N``: opens a video or a project as ``iouviewer open``
does, makes random edits by key and mouse events and prints one JSON value a line:

- ``opened``: the window shows the file; the project it names (empty without one) and the digest of its content.
- ``changed``: an edit is on screen and may be saved already or not; the digest of the content.
- ``saved``: the status bar says *Saved*; the project it names, and the digest of the content.
- ``dialog``: a message came up; its text. It is answered with Esc.
- ``done``: all edits were made. The window then waits to be killed, or closes with ``--close``.
"""

from __future__ import annotations

import argparse
import faulthandler
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QPoint, QPointF, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMessageBox, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui import start
from iouviewer.ui.main_window import MainWindow
from tests.hands.hands import Hands

KEYS = (
    *("Right", "Shift+Down", "Alt+Up", "Ctrl+Right", "Ctrl+Up", "Shift+Left"),
    *("1", "2", "O", "J", "I", "K", "S", "Shift+S", "Shift+V", "Ctrl+D", "Ctrl+C", "Ctrl+V", "Tab", "Shift+Tab"),
    *("Y", "Alt+]", "Alt+[", "F", "X", "V", "N", "P", "G", "Ctrl+A", "Del", "Esc"),
    *("Ctrl+Z", "Ctrl+Z", "Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Shift+Z", "D", "D", "A", "Shift+D"),
)
"""Keys that edit, undo, or move to another frame."""

MAX_WAITS = 1000
"""Steps to wait for the last edit to be saved; where nothing can be written it never is."""

STEP_MS = 3
"""Milliseconds between two actions; the thread that saves works meanwhile."""


def content_digest(session: Session) -> str:
    """A digest of everything that is edited: boxes, states of frames, classes, decisions and notes."""
    document, truth = session.document, session.ground_truth
    digest = hashlib.sha256()
    for column in (*truth.columns(), truth.states(), truth.verification()):
        digest.update(repr((column.shape, str(column.dtype))).encode() + column.tobytes())
    rest = (document.class_names, sorted(document.decisions().items()), document.notes())
    digest.update(repr(rest).encode())
    return digest.hexdigest()[:16]


class _Waiting:
    """What ``Hands`` uses of pytest-qt: waiting while events are processed."""

    class TimeoutError(Exception):
        """The condition was never true."""

    def waitUntil(self, condition: Callable[[], object], timeout: int) -> None:
        """Process events until the condition holds."""
        end = time.monotonic() + timeout / 1000
        while not condition():
            if time.monotonic() > end:
                raise self.TimeoutError
            QCoreApplication.processEvents()


class Hand:
    """Edits at random, and reports what the window shows."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._random = random.Random(options.seed)
        self._window: MainWindow | None = None
        self._hands: Hands | None = None
        self._left = options.edits
        self._digest, self._saved = "", ("", "")
        self._waited = 0
        self._answered: list[QWidget] = []
        self._is_acting = False
        self._timer = QTimer()
        self._timer.setInterval(options.every)
        self._timer.timeout.connect(self._on_timeout)

    def begin(self, window: MainWindow) -> None:
        """The window has its content and opens the file."""
        self._window = window
        window.parts.controller.ready.connect(self._on_ready)
        self._timer.start()

    def _on_ready(self) -> None:
        QTimer.singleShot(0, self._report_opened)

    def _report_opened(self) -> None:
        if self._hands is not None:
            return
        assert self._window is not None
        self._digest = content_digest(self._window.session)
        status, project = self._status()
        say("opened", path=project, digest=self._digest, status=status)
        self._hands = Hands(_Waiting(), self._window)  # type: ignore[arg-type]  # duck-typed

    def _status(self) -> tuple[str, str]:
        """What the status bar says about saving, and the project file that it names."""
        assert self._window is not None
        label = self._window.findChild(QLabel, "statusSaved")
        assert label is not None
        text = label.text()
        return text, label.toolTip() if Path(label.toolTip()).is_absolute() else ""

    def _on_timeout(self) -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            self._answer(dialog)
            return
        popup = QApplication.activePopupWidget()
        if popup is not None:
            popup.close()
            return
        if self._hands is None or self._is_acting:
            return
        self._is_acting = True
        try:
            self._report()
            if self._left > 0:
                self._left -= 1
                self._act(self._hands)
                self._report()
            elif self._left == 0:
                self._end()
        finally:
            self._is_acting = False

    def _end(self) -> None:
        self._waited += 1
        if not self._status()[0].startswith("Saved") and self._waited < MAX_WAITS and not self._options.close:
            return  # until all is saved
        self._left = -1
        say("done")
        if self._options.close and self._window is not None:
            self._window.close()

    def _answer(self, dialog: QWidget) -> None:
        if dialog in self._answered:
            return
        self._answered.append(dialog)
        text = dialog.windowTitle()
        if isinstance(dialog, QMessageBox):
            text = f"{dialog.text()} {dialog.informativeText()}"
        say("dialog", name=dialog.objectName(), text=" ".join(text.split()))
        if isinstance(dialog, QDialog):
            dialog.reject()
        else:
            dialog.close()
        self._answered.remove(dialog)

    def _report(self) -> None:
        assert self._window is not None
        digest = content_digest(self._window.session)
        if digest != self._digest:
            self._digest = digest
            say("changed", digest=digest)
        status, project = self._status()
        if status.startswith("Saved") and project and (digest, project) != self._saved:
            self._saved = (digest, project)
            say("saved", path=project, digest=digest)

    # Edits

    def _act(self, hands: Hands) -> None:
        action = self._random.choice((self._press_key, self._press_key, self._drag, self._draw, self._click))
        try:
            action(hands)
        except AssertionError:
            hands.key("Esc")  # a place that is not on the canvas now

    def _press_key(self, hands: Hands) -> None:
        hands.key(self._random.choice(KEYS))

    def _click(self, hands: Hands) -> None:
        hands.click(self._place(hands))

    def _drag(self, hands: Hands) -> None:
        start = self._place(hands)
        end = start + QPoint(self._random.randint(-40, 40), self._random.randint(-40, 40))
        hands.press(start)
        hands.move((start + end) / 2)
        hands.move(end)
        hands.release()

    def _draw(self, hands: Hands) -> None:
        hands.key("W")
        self._drag(hands)
        hands.key("Esc")

    def _place(self, hands: Hands) -> QPoint:
        """On or near a box of the frame, else anywhere on the canvas."""
        canvas = hands.canvas
        session = self._window.session if self._window is not None else None
        boxes = session.ground_truth.boxes(session.current_frame) if session is not None else ()
        area = canvas.viewport().rect().adjusted(8, 8, -8, -8)
        if boxes and self._random.random() < 0.8:
            left, top, right, bottom = self._random.choice(boxes).rect
            at = QPointF(self._random.choice((left, (left + right) / 2, right)), (top + bottom) / 2)
            inside = canvas.mapFromScene(at)
            if area.contains(inside):
                return canvas.viewport().mapToGlobal(inside)
        x, y = self._random.randint(area.left(), area.right()), self._random.randint(area.top(), area.bottom())
        return canvas.viewport().mapToGlobal(QPoint(x, y))


def say(event: str, **values: Any) -> None:
    """Print one line for the driver."""
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the window until it closes or is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--gt", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--edits", type=int, default=0)
    parser.add_argument("--close", action="store_true")
    parser.add_argument("--every", type=int, default=STEP_MS, help="milliseconds between two actions")
    options = parser.parse_args()
    faulthandler.enable()
    app = QApplication(["iouviewer"])
    hand = Hand(options)
    fill = start.fill_window

    def fill_and_begin(window: MainWindow, *others: Any) -> None:
        try:
            fill(window, *others)
        except BaseException as error:  # noqa: BLE001 - the window cannot go on; the driver reports it
            say("failed", error=repr(error))
            os._exit(3)
        hand.begin(window)

    start.fill_window = fill_and_begin
    is_project = options.file.suffix == ".iouv"
    request = OpenRequest(video=None, project=options.file) if is_project else OpenRequest(video=options.file)
    if options.gt is not None:
        request = OpenRequest(video=options.file, gt=options.gt)
    status = start.run_window(request)
    del app
    return status


if __name__ == "__main__":
    sys.exit(main())
