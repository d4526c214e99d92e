"""A window beside the work that shows a text: what the numbers mean, release notes."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import keep_inside
from iouviewer.ui.help.manual_pages import PLACE_OF_TERM
from iouviewer.ui.help.terms import all_terms
from iouviewer.ui.tokens import SPACE

_SIZE = (420, 520)
"""Logical pixels."""


class TextPanel(QDialog):
    """A text that can be read while one works."""

    def __init__(self, parent: QWidget, name: str, title: str) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self.text = QTextBrowser()
        self.text.setObjectName(f"{name}Text")
        self.text.setAccessibleName(title)
        self.text.setOpenExternalLinks(True)
        self.text.document().setDocumentMargin(SPACE["m"])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self.resize(*_SIZE)

    def present(self) -> None:
        """Show the panel and give it the keyboard."""
        keep_inside(self)
        self.show()
        self.raise_()
        self.activateWindow()
        self.text.setFocus()


class NumbersPanel(TextPanel):
    """The terms with their definitions.

    Signals:
        keysRequested(): K was pressed.
        placeRequested(Place): where a term is defined in full.
    """

    keysRequested = Signal()
    placeRequested = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "numbersHelp", tr("What the numbers mean"))
        parts = [
            f'<p><a name="{key}"></a><b>{escape(term)}</b><br>{escape(definition)} '
            f'<a href="term:{key}">{escape(tr("Full definition"))}</a></p>'
            for key, term, definition in all_terms()
        ]
        self.text.setHtml("".join(parts))
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(lambda url: self.placeRequested.emit(PLACE_OF_TERM[url.path()]))
        keys = QAction(tr("Keys"), self)
        keys.setShortcut(QKeySequence(Qt.Key.Key_K))
        keys.triggered.connect(self.keysRequested)
        self.addAction(keys)

    def show_term(self, key: str) -> None:
        """Scroll to a term; empty for the top."""
        self.present()
        self.text.scrollToAnchor(key or all_terms()[0][0])
