"""The real window for tests: created, filled with a small video and closed again."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.app.notifier import Notifier
from iouviewer.app.settings import SettingsStore
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.dialogs.open_dialog import OpenDialog
from iouviewer.ui.main_window import MainWindow
from iouviewer.ui.start import fill_window
from iouviewer.ui.theme import ThemeManager
from tests.app.helpers import pixels_of
from tests.video.clip_builder import read_barcode

WIDTH, HEIGHT, FRAMES = 320, 240, 24

TIMEOUT = 30_000
"""Milliseconds after which a test fails that waits for the window."""


def write_video(path: Path, frames: int = FRAMES) -> Path:
    """A small real video: a bright square that moves over a grey background."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for frame in range(frames):
        image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        image[80:160, 60 + 2 * frame : 140 + 2 * frame] = 200
        writer.write(image)
    writer.release()
    return path


def square(frame: int, off: float = 0.0) -> tuple[float, float, float, float]:
    """The rectangle of the square on a frame, moved right by ``off`` pixels."""
    x = 60.0 + 2 * frame + off
    return x, 80.0, x + 80.0, 160.0


def write_boxes(path: Path, rects: dict[int, list[tuple[float, ...]]], *, scores: bool = False) -> Path:
    """A box CSV; with ``scores`` each rectangle has a fifth number."""
    lines = ["frameID,x1,y1,x2,y2" + (",score" if scores else "")]
    lines += [",".join(f"{value:g}" for value in (frame, *rect)) for frame, found in rects.items() for rect in found]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def small_case(folder: Path, *, variants: int = 1) -> OpenRequest:
    """Video, ground truth and predictions; each further variant is off by more pixels."""
    video = write_video(folder / "clip.avi")
    gt = write_boxes(folder / "gt.csv", {f: [square(f)] for f in range(FRAMES)})
    preds = []
    for number in range(variants):
        rects = {f: [(*square(f, 8.0 + 12 * number), 0.9)] for f in range(FRAMES)}
        path = write_boxes(folder / f"pred{number}.csv", rects, scores=True)
        preds.append((f"model{number}", path))
    return OpenRequest(video=video, gt=gt, preds=tuple(preds))


def loose_case(folder: Path) -> OpenRequest:
    """As ``small_case``, but two variants see the square nearly half a width further right on every frame."""
    case = small_case(folder)
    rects = {f: [(*square(f, 32.0), 0.9)] for f in range(FRAMES)}
    preds = tuple((name, write_boxes(folder / f"{name}.csv", rects, scores=True)) for name in ("one", "other"))
    return replace(case, preds=preds)


def answer_name() -> None:
    """Choose the login name as a person's name, as if the question had been answered at an earlier start."""
    store = SettingsStore()
    if not store.path.exists():
        store.settings.author = store.settings.author_name
        store.save()


@contextmanager
def opened_window(
    qtbot: QtBot, request: OpenRequest | None = None, *, is_first_start: bool = False
) -> Iterator[MainWindow]:
    """The filled window with the requested files loaded and the frame shown; closed afterwards.

    Without ``is_first_start``, the person has chosen a name before.
    """
    if not is_first_start:
        answer_name()
    gc.disable()  # as the program does: a collection in a worker thread would destroy Qt objects there
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme_manager = ThemeManager(app)
    window = MainWindow()
    request = request or OpenRequest()
    try:
        window.show()
        fill_window(window, theme_manager, Notifier(window), request)
        if request.video is not None:
            qtbot.waitUntil(lambda: len(window.session.variants) == len(request.preds), timeout=TIMEOUT)
            qtbot.waitUntil(lambda: request.gt is None or len(window.session.ground_truth) > 0, timeout=TIMEOUT)
            shown(qtbot, window)
        yield window
    finally:
        window.close()
        app.setStyleSheet("")
        window.deleteLater()
        theme_manager.deleteLater()
        # Now, while the Python objects of all widgets live; later, Qt would ask the overrides of some that are gone.
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def shown(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until the current frame and its boxes are on the canvas."""
    canvas = window.parts.views.canvas
    qtbot.waitUntil(lambda: canvas.shown_frame == window.session.current_frame, timeout=TIMEOUT)


def go_to(qtbot: QtBot, window: MainWindow, frame: int) -> str:
    """Go to a frame and wait until it is shown; returns its status on the canvas."""
    window.session.go_to(frame)
    shown(qtbot, window)
    return window.parts.views.canvas.status_text


def video_notes(window: MainWindow) -> str:
    """The notes on the video in the status bar."""
    button = window.findChild(QToolButton, "videoNotes")
    return button.text() if button.isVisible() else ""


def error_boxes(window: MainWindow) -> list[QMessageBox]:
    """The open message boxes about errors; there should be no more than one."""
    return [box for box in window.findChildren(QMessageBox, "errorMessage") if box.isVisible()]


def error_text(window: MainWindow) -> str:
    """What the open message box says; empty if there is none."""
    return "\n".join(box.text() for box in error_boxes(window))


def close_errors(window: MainWindow) -> None:
    """Close the open message box, as a person who has read it."""
    for box in error_boxes(window):
        box.close()


def open_sheet(window: MainWindow) -> OpenDialog:
    """The Open sheet that is shown; an earlier one may wait to be deleted."""
    [dialog] = [one for one in window.findChildren(OpenDialog) if one.isVisible()]
    return dialog


def warnings_of(dialog: OpenDialog) -> str:
    """The warnings below the files of the dialog, one a line; the other messages are muted."""
    labels = dialog.messages.findChildren(QLabel)
    return "\n".join(label.text() for label in labels if label.property("role") == "")


def lost_button(window: MainWindow) -> str:
    """The text of the button of the list of lost boxes, such as "Lost 14"."""
    return window.findChild(QToolButton, "changes.lost").text()


def barcode_on_canvas(window: MainWindow) -> int:
    """The number coded in the image on the canvas; -1 if the image is missing or reduced."""
    image = window.parts.views.canvas.shown_image()
    if image.width() < window.session.source.width:
        return -1
    return read_barcode(pixels_of(image)[..., :3])


def variant_value(window: MainWindow, column: str, variant: int | str = 0) -> float:
    """The raw number of a cell of the variants table, by the variant's row or name; NaN if it is undefined."""
    names = [each.name for each in window.session.variants]
    row = names.index(variant) if isinstance(variant, str) else variant
    model = window.findChild(QTableView, "variantsTable").model()
    found = model.index(row, model.column_index(column)).data(Qt.ItemDataRole.UserRole)
    return math.nan if found is None else float(found)


def timeline_value(window: MainWindow, frame: int) -> float:
    """The value of the first curve at a frame, as the plot draws it."""
    x, y = window.parts.views.timeline.plot.plotItem.curves[0].getData()
    return float(y[int(np.flatnonzero(x == frame)[0])])
