"""Report a problem: shows the whole report before anything is saved; nothing is sent."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPlainTextEdit, QWidget

from iouviewer.app.problem_report import gather_facts, report_text, write_report
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import FramedDialog, field_label
from iouviewer.ui.fonts import font
from iouviewer.ui.tokens import SPACE

_SIZE = (720, 560)
"""Logical pixels."""
_WORDS_HEIGHT = 76
"""Logical pixels of the field for the user's own words."""


class ReportDialog(FramedDialog):
    """The report as text, to look at, copy or save.

    Signals:
        saved(str): the path where it was saved; the dialog closes.
    """

    saved = Signal(str)

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent, title=tr("Report a problem"), name="reportDialog")
        note = QLabel(
            tr(
                "This is everything that the report holds: no picture, no box, and of each path only the last part. "
                "Nothing is sent. Save it, look at it, and send it yourself."
            )
        )
        note.setWordWrap(True)
        self.words = QPlainTextEdit()
        self.words.setObjectName("reportWords")
        self.words.setTabChangesFocus(True)
        self.words.setFixedHeight(_WORDS_HEIGHT)
        self.text = QPlainTextEdit()
        self.text.setObjectName("reportText")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setFont(font("mono"))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.body.setSpacing(SPACE["s"])
        self.body.addWidget(note)
        self.body.addWidget(field_label(tr("What did you do, and what happened?"), self.words))
        self.body.addWidget(self.words)
        self.body.addWidget(field_label(tr("The report"), self.text))
        self.body.addWidget(self.text, 1)
        self.failed = QLabel()
        self.failed.setObjectName("reportFailed")
        self.failed.setWordWrap(True)
        self.failed.setProperty("role", "warning")
        self.failed.hide()
        self.body.addWidget(self.failed)
        self.add_primary(tr("Save report…")).clicked.connect(self._on_save_clicked)
        self.add_secondary(tr("Copy text")).clicked.connect(self._on_copy_clicked)
        self.add_cancel()
        self._facts = gather_facts()
        self.words.textChanged.connect(self._show_text)
        self._show_text()
        self.words.setFocus()
        self.resize(*_SIZE)

    def _show_text(self) -> None:
        self.text.setPlainText(report_text(self.words.toPlainText(), self._facts))

    def _on_copy_clicked(self) -> None:
        QApplication.clipboard().setText(self.text.toPlainText())

    def _on_save_clicked(self) -> None:
        proposed = str(Path.home() / "iouviewer-report.txt")
        chosen, _ = QFileDialog.getSaveFileName(self, tr("Save report"), proposed, tr("Text (*.txt)"))
        if not chosen:
            return
        path = Path(chosen)
        path = path if path.suffix else path.with_suffix(".txt")
        try:
            write_report(path, self.text.toPlainText())
        except UserError as error:
            self.failed.setText(str(error))
            self.failed.show()
            return
        self.saved.emit(str(path))
        self.accept()
