"""The real window in a made-up language; lists the texts that were not translated.

``python -m tests.ui.pseudo_locale FOLDER`` prints one line a text.

Every translation is the English text between ⟦ and ⟧; a text on the screen without these was never translated.
"""

from __future__ import annotations

import gettext
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)
from pytestqt.qt_compat import qt_api
from pytestqt.qtbot import QtBot

from iouviewer import i18n


class Pseudo(gettext.NullTranslations):
    """A catalogue that marks each text."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧" if message else message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


DATA = re.compile(r"clip|model\d|\.iouv|\.avi|\.csv|^/|iouviewer")
"""Names of files and variants, and the program's own name, are not translated."""

KEYS = re.compile(
    r"\b(?:(?:Ctrl|Alt|Shift|Meta)[+ ])+\S+|\b(?:Del|Esc|Tab|Home|End|Return|Enter|Space|Left|Right|Up|Down|F\d+)\b"
)
"""Keys are named by Qt."""

QT_NAMES = re.compile(r"qt_|Scroll(Left|Right)Button$")
"""Widgets whose texts Qt translates itself, as it does those of its button boxes."""

SENTENCE_PART = "questionPart"
PRESETS = frozenset({"CVAT", "X-AnyLabeling", "labelImg", "labelme"})
WORD = re.compile(r"[A-Za-z]{2,}")
UNITS = frozenset({"px", "MB", "GB", "fps", "IoU", "AP", "PQ", "GIoU", "DIoU", "CIoU", "Avg", "conf"})


def texts_of(widget: QWidget) -> Iterator[tuple[str, str]]:
    """(kind, text) of everything a widget shows or says."""
    yield "tooltip", widget.toolTip()
    yield "accessible name", widget.accessibleName()
    yield "accessible description", widget.accessibleDescription()
    if isinstance(widget, QLabel | QAbstractButton):
        yield "text", widget.text()
    if isinstance(widget, QGroupBox | QMenu):
        yield "title", widget.title()
    if isinstance(widget, QLineEdit):
        yield "placeholder", widget.placeholderText()
    if isinstance(widget, QComboBox):
        for row in range(widget.count()):
            yield "entry", widget.itemText(row)
    if isinstance(widget, QDialog):
        yield "window title", widget.windowTitle()
    for action in widget.actions():
        yield from ((f"action {action.objectName()}", text) for text in (action.text(), action.toolTip()))
    if isinstance(widget, QAbstractItemView) and widget.model() is not None:
        model = widget.model()
        columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())
        for column in range(columns):
            for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                yield "header", str(model.headerData(column, Qt.Orientation.Horizontal, role) or "")
                for row in range(min(model.rowCount(QModelIndex()), 60)):
                    yield "cell", str(model.index(row, column).data(role) or "")


def untranslated(top: QWidget) -> Iterator[str]:
    """A line for each text of a window that carries no mark."""
    # One sentence with chips in its gaps: its marks are in the first and the last part.
    parts = [label.text() for label in top.findChildren(QLabel, SENTENCE_PART)]
    if parts and not parts[0].startswith("⟦"):
        yield f"{SENTENCE_PART}: {parts}"
    for widget in [top, *top.findChildren(QWidget)]:
        if widget.objectName() == SENTENCE_PART:
            continue
        for kind, text in texts_of(widget):
            rest = re.sub(r"<[^>]*>|&[a-z]+;", " ", text)
            rest = re.sub(r"⟦.*⟧", " ", rest.replace("&", ""), flags=re.DOTALL)
            rest = KEYS.sub(" ", rest)
            left = [word for word in WORD.findall(rest) if word not in UNITS]
            own = (
                isinstance(widget.parent(), QDialogButtonBox) or QT_NAMES.match(widget.objectName()) or text in PRESETS
            )
            if left and not own and not DATA.search(text):
                yield f"{widget.objectName() or type(widget).__name__}: {kind}: {text!r}"


DIALOGS = ("action.settings", "action.runModel", "action.commandPalette", "action.goToFrame", "action.export")


def main(folder: str) -> None:
    """Open the window on a small case, walk through its workspaces and dialogs, print what is left."""
    qt_api.set_qt_api("pyside6")
    # Before any module is imported whose texts are translated at import.
    i18n.catalogue = Pseudo
    from tests.ui.window import opened_window, small_case

    app = QApplication([])
    found: set[str] = set()

    class Request:
        node = None

    qtbot = QtBot(Request())
    with opened_window(qtbot, small_case(Path(folder), variants=2)) as window:
        found |= set(untranslated(window))
        verdicts: list[object] = []
        window.parts.verdicts.ready.connect(verdicts.append)
        _action(window, "action.compare").trigger()
        qtbot.waitUntil(lambda: bool(verdicts), timeout=30_000)
        found |= set(untranslated(window))
        _action(window, "action.correct").trigger()
        app.processEvents()
        found |= set(untranslated(window))
        for id in DIALOGS:
            found |= set(_texts_of_dialog(qtbot, _action(window, id)))
    for line in sorted(found):
        sys.stdout.write(line + "\n")


def _action(window: QWidget, id: str) -> QAction:
    action = window.findChild(QAction, id)
    assert action is not None, id
    return action


def _texts_of_dialog(qtbot: QtBot, action: QAction) -> list[str]:
    """Run an action; untranslated texts of the dialog or popup that it opens, which is closed again."""
    lines: list[str] = []
    timer = QTimer()

    def read() -> None:
        dialog = QApplication.activeModalWidget() or QApplication.activePopupWidget()
        if dialog is None:
            return
        timer.stop()
        # Qt translates the texts of its own dialogs.
        lines.extend([] if type(dialog).__name__ == "QFileDialog" else untranslated(dialog))
        dialog.close()

    timer.timeout.connect(read)
    timer.start(50)
    action.trigger()
    qtbot.waitUntil(lambda: not timer.isActive(), timeout=30_000)
    return lines


if __name__ == "__main__":
    main(sys.argv[1])
