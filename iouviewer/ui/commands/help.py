"""Commands of the Help menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.problem_report import versions_text
from iouviewer.i18n import tr
from iouviewer.resource_files import changelog_path
from iouviewer.ui import APP_NAME
from iouviewer.ui.help.manual import Manual
from iouviewer.ui.help.manual_pages import PLACE_OF_WIDGET, START, Place
from iouviewer.ui.help.report_dialog import ReportDialog
from iouviewer.ui.help.text_panel import NumbersPanel, TextPanel


class HelpCommands:
    """Group ``help``.

    Args:
        open_sample: opens the sample, which begins with its first steps.
        show_keys: shows the key sheet.
    """

    def __init__(
        self, window: QWidget, session: Session, *, open_sample: Callable[[], None], show_keys: Callable[[], None]
    ) -> None:
        self._window, self._session = window, session
        self._open_sample, self._show_keys = open_sample, show_keys
        self._numbers: NumbersPanel | None = None
        self._manual: Manual | None = None
        self._notes: TextPanel | None = None

    def getting_started(self) -> None:
        """Open the sample and show its first steps."""
        self._open_sample()

    def keys(self) -> None:
        """Show the key sheet."""
        self._show_keys()

    def numbers(self) -> None:
        """Explain the numbers in short; each term leads to its definition."""
        if self._numbers is None:
            self._numbers = NumbersPanel(self._window)
            self._numbers.keysRequested.connect(self._show_keys)
            self._numbers.placeRequested.connect(self._open_manual)
        self._numbers.show_term("")

    def manual(self) -> None:
        """Show the documentation."""
        self._open_manual(START)

    def for_focus(self) -> None:
        """Show the page that explains what has the keyboard focus; K there shows the keys."""
        widget = QApplication.focusWidget()
        while widget is not None and widget.objectName() not in PLACE_OF_WIDGET:
            widget = widget.parentWidget()
        self._open_manual(PLACE_OF_WIDGET[widget.objectName()] if widget is not None else START)

    def _open_manual(self, place: Place) -> None:
        if self._manual is None:
            self._manual = Manual(self._window)
            self._manual.keysRequested.connect(self._show_keys)
        self._manual.present(place)

    def release_notes(self) -> None:
        """Show what changed from version to version."""
        if self._notes is None:
            self._notes = TextPanel(self._window, "releaseNotes", tr("Release notes"))
            self._notes.text.setMarkdown(changelog_path().read_text(encoding="utf-8"))
        self._notes.present()

    def report_problem(self) -> None:
        """Show versions, settings and log as one text, to save or copy; nothing is sent."""
        dialog = ReportDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.saved.connect(self._on_report_saved)
        dialog.open()

    def _on_report_saved(self, path: str) -> None:
        self._session.statusMessage.emit(tr("Saved {path}. Nothing was sent", path=path))

    def open_log_folder(self) -> None:
        """Open the folder of the log in the file manager."""
        folder = folders.log_folder()
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._session.statusMessage.emit(tr("The log is in {folder}", folder=folder))

    def about(self) -> None:
        """Show version and licence."""
        first, *others = versions_text().splitlines()
        box = QMessageBox(self._window)
        box.setObjectName("about")
        box.setWindowTitle(tr("About {name}", name=APP_NAME))
        box.setText(first)
        licences = tr("Apache License 2.0. Inter, JetBrains Mono: SIL Open Font License. Icons: Phosphor, MIT.")
        box.setInformativeText("\n".join([licences, "", *others]))
        box.exec()
