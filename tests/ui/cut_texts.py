"""The real window, its panels and dialogs; lists the texts that have less place than they need.

``python -m tests.ui.cut_texts FOLDER SCHEME [PICTURES]`` prints one line a text, and writes a picture of each place to
the folder ``PICTURES``. ``QT_SCALE_FACTOR`` is the UI scale: the window fills a screen of 1280 x 720 pixels at each of
them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenuBar,
    QTabBar,
    QTableView,
    QTabWidget,
    QToolButton,
    QWidget,
)
from pytestqt.qt_compat import qt_api
from pytestqt.qtbot import QtBot

from iouviewer.ui.main_window import MainWindow

SCREEN = (1280, 720)
SLACK = 1.5
"""Logical pixels that rounding may take."""


def needed(widget: QWidget, text: str) -> float:
    """Width of the longest line of a text without marks of mnemonics."""
    metrics = QFontMetricsF(widget.font())
    plain = text.replace("&&", "\0").replace("&", "").replace("\0", "&")
    return max((metrics.horizontalAdvance(line) for line in plain.split("\n")), default=0.0)


def is_rich(text: str) -> bool:
    return "<" in text and Qt.mightBeRichText(text)


def cut_label(label: QLabel) -> str:
    text = label.text()
    if not text or not label.contentsRect().isValid():
        return ""
    if label.wordWrap():
        short = label.heightForWidth(label.width()) - label.height()
        return text if short > SLACK + 1 else ""
    width = label.sizeHint().width() if is_rich(text) else needed(label, text)
    if width > label.contentsRect().width() + SLACK and not label.toolTip():
        return text
    # A text that was elided tells all of it in its tooltip.
    is_elided = text.endswith("…") and label.sizePolicy().horizontalPolicy().name == "Ignored"
    return text if is_elided and not label.toolTip() else ""


def cut_button(button: QAbstractButton) -> str:
    text, width = button.text(), button.width()
    if not text:
        return ""
    if isinstance(button, QToolButton):
        style = button.toolButtonStyle()
        if style is Qt.ToolButtonStyle.ToolButtonIconOnly and not button.icon().isNull():
            return ""
        if style is Qt.ToolButtonStyle.ToolButtonTextBesideIcon and not button.icon().isNull():
            width -= button.iconSize().width() + 4
    elif isinstance(button, QCheckBox):
        width -= 18
    elif not button.icon().isNull():
        width -= button.iconSize().width() + 4
    is_elidable = bool(button.property("elidable")) and bool(button.toolTip())
    return text if needed(button, text) > width + SLACK and not is_elidable else ""


def cut_field(field: QWidget) -> str:
    if isinstance(field, QComboBox):
        if field.isEditable():
            return ""
        text, width = field.currentText(), field.width() - 18 - 8
    elif isinstance(field, QAbstractSpinBox):
        text, width = field.text(), field.width() - 8
    elif isinstance(field, QLineEdit):
        if isinstance(field.parent(), QAbstractSpinBox | QComboBox) or field.text():
            return ""
        text, width = field.placeholderText(), field.width() - 8
    else:
        return ""
    return text if needed(field, text) > width + SLACK and not (field.toolTip() and text in field.toolTip()) else ""


def cut_tabs(bar: QTabBar) -> Iterator[str]:
    for place in range(bar.count()):
        text, rect = bar.tabText(place), bar.tabRect(place)
        if needed(bar, text) > rect.width() + SLACK or rect.right() > bar.width() + SLACK:
            yield text


def cut_cells(view: QAbstractItemView) -> Iterator[str]:
    """Cells without a tooltip that tells them in full, and titles of columns."""
    model = view.model()
    if model is None or not isinstance(view, QTableView):
        return
    header = view.horizontalHeader()
    for column in range(model.columnCount(QModelIndex())):
        if view.isColumnHidden(column):
            continue
        width = view.columnWidth(column)
        title = str(model.headerData(column, Qt.Orientation.Horizontal) or "")
        if title and header.isVisible() and needed(header, title) > width - 2 + SLACK:
            yield f"column {title}"
        is_beyond = header.sectionViewportPosition(column) + min(width, 8) > header.viewport().width()
        # At 1280 logical pixels no table scrolls sideways; in a smaller window it may.
        can_scroll = view.horizontalScrollBar().isVisible() and view.window().width() < SCREEN[0]
        if is_beyond and not can_scroll:
            yield f"column {title} outside"
        for row in range(min(model.rowCount(QModelIndex()), 40)):
            index = model.index(row, column)
            text = str(index.data() or "")
            if text and needed(view, text) > width - 2 + SLACK and not index.data(Qt.ItemDataRole.ToolTipRole):
                yield f"cell {text}"
                break


def scrolls(widget: QWidget) -> bool:
    """Whether the widget lies in something that scrolls."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QAbstractScrollArea):
            return True
        if parent.isWindow():
            return False
        parent = parent.parentWidget()
    return False


def is_outside(widget: QWidget) -> bool:
    """Whether a part of the widget lies outside its parents."""
    if scrolls(widget) or widget.isWindow():
        return False
    top = widget.window()
    rect = widget.rect().translated(widget.mapTo(top, QPoint()))
    parent = widget.parentWidget()
    while parent is not None and not parent.isWindow():
        inside = parent.rect().translated(parent.mapTo(top, QPoint()))
        if not inside.adjusted(-2, -2, 2, 2).contains(rect):
            return True
        parent = parent.parentWidget()
    return not top.rect().adjusted(-2, -2, 2, 2).contains(rect)


def cut_texts(top: QWidget) -> Iterator[str]:
    """A line for each visible text of a window that is cut."""
    for widget in [top, *top.findChildren(QWidget)]:
        if not widget.isVisible() or widget.width() <= 0 or widget.window() is not top:
            continue
        name = widget.objectName() or type(widget).__name__
        found: list[str] = []
        if isinstance(widget, QLabel):
            found.append(cut_label(widget))
        elif isinstance(widget, QAbstractButton):
            found.append(cut_button(widget))
        elif isinstance(widget, QTabBar):
            found += cut_tabs(widget)
        elif isinstance(widget, QAbstractItemView) and not isinstance(widget, QHeaderView):
            found += cut_cells(widget)
        else:
            found.append(cut_field(widget))
        is_text = isinstance(widget, QLabel | QAbstractButton | QComboBox | QAbstractSpinBox | QMenuBar)
        if is_text and is_outside(widget):
            found.append(f"outside: {getattr(widget, 'text', str)()}")
        for text in filter(None, found):
            yield f"{name}: {text!r} in {widget.width()} x {widget.height()}"


DIALOGS = (
    *("export", "commandPalette", "goToFrame", "classPicker", "propagate", "keySheet", "videoFacts"),
    *("adjustPicture", "settings", "restore", "reportProblem", "numbersHelp", "releaseNotes", "about"),
    *("classes", "excludeFrames"),
)
LONG = "measurements-of-the-north-entrance-2026-11-30-second-camera"
"""A name as users give them: texts with it must wrap or tell it in a tooltip."""


class Walk:
    """Goes through the window and collects what is cut, by place."""

    def __init__(
        self, qtbot: QtBot, window: QWidget, actions: Callable[[str], object], pictures: Path | None = None
    ) -> None:
        self._qtbot, self._window, self._action, self._pictures = qtbot, window, actions, pictures
        self.found: list[str] = []

    def look(self, place: str, top: QWidget | None = None) -> None:
        """Collect what is cut now."""
        for _ in range(3):  # sizes follow from one another
            QApplication.processEvents()
        self.found += [f"{place}: {line}" for line in cut_texts(top or self._window)]
        if self._pictures is not None:
            name = re.sub(r"[^\w.]+", "-", place).strip("-")
            (top or self._window).grab().save(str(self._pictures / f"{name}.png"))

    def tabs(self, place: str) -> None:
        """Look at all side tabs."""
        [bar] = self._window.findChildren(QTabBar, "sideTabsBar")
        for tab in range(bar.count()):
            bar.setCurrentIndex(tab)
            self.look(f"{place}, tab {bar.tabText(tab).rstrip('0123456789, ')}")
        bar.setCurrentIndex(0)

    def dialog(self, id: str, opens: Callable[[], object] | None = None, until: tuple[str, str] = ("", "")) -> None:
        """Open a dialog by its action, or otherwise, and look at it section by section, then close it.

        Args:
            until: the object name of a label, and how its text begins once the dialog is complete.
        """
        timer = QTimer()

        def read() -> None:
            popup = QApplication.activeModalWidget() or QApplication.activePopupWidget()
            if popup is None:
                others = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not self._window]
                popup = others[0] if others else None
            awaited = popup.findChild(QLabel, until[0]) if popup is not None and until[0] else None
            if popup is None or (awaited is not None and not awaited.text().startswith(until[1])):
                return
            timer.stop()
            sections = popup.findChild(QListWidget, "settingsSections")
            for row in range(sections.count() if sections is not None else 1):
                if sections is not None:
                    sections.setCurrentRow(row)
                self.look(f"{id} {row}", popup)
            if popup.width() > self._window.width() or popup.height() > self._window.height():
                self.found.append(f"{id}: larger than the window: {popup.width()} x {popup.height()}")
            popup.close()

        timer.timeout.connect(read)
        timer.start(50)
        (opens or self._action(id).trigger)()  # type: ignore[attr-defined]  # an action of the window
        self._qtbot.waitUntil(lambda: not timer.isActive(), timeout=30_000)
        QApplication.processEvents()


def more_dialogs(walk: Walk, window: MainWindow, folder: Path) -> None:
    """Dialogs that need more than their action: Open, Run, Trust and Merge, with long names."""
    from iouviewer.document.boxes import Box
    from iouviewer.document.merging import BoxDifference, DifferenceKind, Merge
    from iouviewer.ui.dialogs.merge_dialog import MergeDialog
    from iouviewer.ui.dialogs.trust_dialog import TrustDialog

    files = window.parts.files  # type: ignore[attr-defined]  # a part of the real window
    mot = folder / f"{LONG}.txt"
    mot.write_text("".join(f"{frame + 1},{frame},10,10,30,40,1\n" for frame in range(40)))
    refused = folder / f"{LONG}-found.csv"
    refused.write_text("frameID,x1,y1,x2,y2,class,score\n1,10,10,50,50,walking person,0.9\n2,60,60,20,80,car,0.5\n")
    walk.dialog("open", lambda: files.open_paths([mot, refused]), until=("openPreviewText", "1 box"))
    weights = folder / f"{LONG}.pt"
    weights.write_bytes(b"weights")
    walk.dialog("run", lambda: window.parts.runs.configure_runs([(LONG, weights)]), until=("runFacts0", "detect"))  # type: ignore[attr-defined]
    reason = "it is a TorchScript program, which is run when it is loaded"
    trust = TrustDialog(window, path=weights, digest="0123456789abcdef" * 4, reason=reason)
    walk.dialog("trust", trust.open)
    session = window.session
    first = session.ground_truth.boxes(0)[0]
    moved = Box(first.id, first.frame, (first.rect[0] + 5, *first.rect[1:]), first.class_id, first.track, first.flags)
    boxes = (
        BoxDifference(DifferenceKind.CHANGED, moved, first, True),
        BoxDifference(DifferenceKind.DELETED, None, first, False),
        BoxDifference(DifferenceKind.ADDED, moved, None, False),
    )
    merge = Merge((), boxes, (), (), (), frozenset())
    walk.dialog("merge", MergeDialog(window, merge, (), session.document, f"{LONG}.iouv").open)


def agreement(walk: Walk, window: MainWindow, folder: Path) -> None:
    """Two ground truths side by side."""
    from iouviewer.app.editing.other_truth import read_other_truth
    from iouviewer.ui.dialogs.agreement_dialog import AgreementDialog
    from tests.hands.test_agreement import other_truth

    other = read_other_truth(other_truth(folder / f"{LONG}.csv"), window.session.source)
    dialog = AgreementDialog(window, window.session, other)
    walk.dialog("agreement", dialog.show, until=("agreementSummary", "On "))


def review(walk: Walk, window: MainWindow, qtbot: QtBot) -> None:
    """The card of a problem, what is decided, and the grid."""
    actions = window.parts.actions  # type: ignore[attr-defined]  # a part of the real window
    actions["nextProblem"].trigger()
    qtbot.waitUntil(lambda: window.findChild(QWidget, "reviewCard").isVisible(), timeout=30_000)
    walk.look("review")
    actions["problemGrid"].trigger()
    qtbot.waitUntil(lambda: window.findChild(QWidget, "gridPage").isVisible(), timeout=30_000)
    qtbot.wait(500)
    walk.look("grid")
    actions["problemGrid"].trigger()
    actions["unclear"].trigger()
    actions["cancel"].trigger()
    problems = window.parts.views.problems  # type: ignore[attr-defined]
    problems.show_ledger(shown=True)
    walk.look("ledger")
    problems.show_ledger(shown=False)


def compare(walk: Walk, window: MainWindow, qtbot: QtBot) -> None:
    """The cards and all tabs beside the pictures."""
    window.parts.actions["compare"].trigger()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: window.findChild(QWidget, "verdictCard.other") is not None, timeout=30_000)
    walk.look("Compare")
    tabs = window.findChild(QTabWidget, "compareTabs")
    for tab in range(tabs.count()):
        tabs.setCurrentIndex(tab)
        qtbot.wait(300)
        walk.look(f"Compare, tab {tabs.tabText(tab).rstrip('0123456789, ')}")


def notices(walk: Walk, window: MainWindow) -> None:
    """Every answer that a notice can have, beside long sentences."""
    from iouviewer.app.projects.safety import Choice, Notice
    from iouviewer.app.projects.safety_notices import author_notice, package_notice

    posted = window.parts.controller.safety.notices  # type: ignore[attr-defined]
    for notice in (package_notice(LONG, LONG), author_notice(LONG), author_notice("")):
        posted.post(notice)
        walk.look(f"notice {notice.key}")
        posted.withdraw(notice.key)
    text = f"{LONG}.iouv was changed by another program while you worked. Your changes since then are in a copy."
    answers = list(Choice)
    for start in range(0, len(answers), 3):
        posted.post(Notice(f"walk:{start}", text, tuple(answers[start : start + 3]), mark="changed elsewhere"))
    walk.look("notices")
    for start in range(0, len(answers), 3):
        posted.withdraw(f"walk:{start}")


def main(folder: str, scheme: str, pictures: str = "") -> None:
    """Walk through Correct, Compare and the dialogs; print what is cut."""
    qt_api.set_qt_api("pyside6")
    from iouviewer import folders
    from iouviewer.inference import runner
    from iouviewer.jobs.requests import OpenRequest
    from iouviewer.ui.dialogs.input_dialogs import ask_name
    from tests.hands.cases import write_case
    from tests.hands.model_worker import WORKER
    from tests.inference.helpers import python_worker
    from tests.ui.window import FRAMES, opened_window, small_case

    shots = Path(pictures) if pictures else None
    if shots is not None:
        shots.mkdir(parents=True, exist_ok=True)
    settings = folders.config_folder() / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f'{{"scheme": "{scheme}"}}')
    runner.worker_command = lambda: python_worker(WORKER)
    scale = float(os.environ.get("QT_SCALE_FACTOR", "1"))
    app = QApplication([])

    class Request:
        node = None

    qtbot = QtBot(Request())
    size = tuple(round(side / scale) for side in SCREEN)
    with opened_window(qtbot) as window:
        window.resize(*size)
        walk = Walk(qtbot, window, window.parts.actions.__getitem__, shots)
        walk.look("first run")
        walk.dialog("askName", lambda: ask_name(window, LONG))
        found = walk.found
    with opened_window(qtbot, write_case(Path(folder)).request()) as window:
        window.resize(*size)
        app.processEvents()
        if (window.width(), window.height()) != size:
            found.append(f"the window is {window.width()} x {window.height()} on a screen of {size}")
        walk = Walk(qtbot, window, window.parts.actions.__getitem__, shots)
        walk.look("Correct")
        walk.tabs("Correct")
        window.session.select([1])
        walk.look("a selected box")
        for id in DIALOGS:
            walk.dialog(id)
        more_dialogs(walk, window, Path(folder))
        notices(walk, window)
        agreement(walk, window, Path(folder))
        review(walk, window, qtbot)
        compare(walk, window, qtbot)
        found += walk.found
    for id, parts in (("linkTracks", ("video", "gt")), ("startFromPredictions", ("video", "preds"))):
        place = Path(folder) / id
        place.mkdir()
        request = small_case(place)
        chosen = OpenRequest(**{part: getattr(request, part) for part in parts})
        with opened_window(qtbot, chosen) as window:
            window.resize(*size)
            walk = Walk(qtbot, window, window.parts.actions.__getitem__, shots)
            qtbot.waitUntil(lambda window=window: bool(window.parts.loader.info.index_digest), timeout=30_000)
            walk.dialog(id, until=("planOutcome", f"{FRAMES} boxes"))
            found += walk.found
    for line in dict.fromkeys(found):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
