"""The main window: a frame that is painted at once and filled afterwards. Imports nothing but Qt at module level."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QLabel, QMainWindow, QToolBar, QWidget

if TYPE_CHECKING:
    from iouviewer.app.editing.session import Session
    from iouviewer.ui.window_parts import Workbench

SIZE = QSize(1280, 720)
"""Logical pixels the window is designed for."""


class _Curtain(QLabel):
    """What is seen until the panels are there.

    Signals:
        painted(): it was painted for the first time.
    """

    painted = Signal()

    def __init__(self) -> None:
        super().__init__("iouviewer")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setProperty("role", "muted")
        self._told = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._told:
            self._told = True
            self.painted.emit()


class MainWindow(QMainWindow):
    """Frame of the program: menus, tool bar, workspaces and status bar come from the workbench.

    Signals:
        painted(): the empty window was painted; time to load the rest.
    """

    painted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setAccessibleName("iouviewer")
        self.setWindowTitle("iouviewer")
        self.setAcceptDrops(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.resize(SIZE)
        self._workbench: Workbench | None = None
        curtain = _Curtain()
        curtain.painted.connect(self.painted, Qt.ConnectionType.QueuedConnection)
        self.setCentralWidget(curtain)

    @property
    def workbench(self) -> Workbench:
        """All parts of the window; RuntimeError before it is filled."""
        if self._workbench is None:
            raise RuntimeError("the window is not filled yet")
        return self._workbench

    @property
    def is_filled(self) -> bool:
        """Whether the panels are there."""
        return self._workbench is not None

    @property
    def session(self) -> Session:
        """The session that the window shows; RuntimeError before it is filled."""
        return self.workbench.session

    def fill(self, workbench: Workbench) -> None:
        """Put the panels in their places."""
        self._workbench = workbench
        workbench.fill_menus(self.menuBar())
        bar = QToolBar("Tools")
        bar.setObjectName("toolBar")
        bar.setMovable(False)
        bar.setIconSize(QSize(18, 18))
        workbench.fill_tool_bar(bar)
        self.addToolBar(bar)
        self.setCentralWidget(workbench.workspaces)
        self.setStatusBar(workbench.status)
        workbench.parts.canvas.setFocus()

    def show_title(self, name: str) -> None:
        """The video's name in the title bar."""
        self.setWindowTitle(f"{name} – iouviewer" if name else "iouviewer")

    def restore(self, geometry: bytes) -> None:
        """Size and place of the last time; the first time the designed size."""
        if geometry:
            self.restoreGeometry(QByteArray(geometry))

    # Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _paths(event) and self._workbench is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _paths(event)
        if paths and self._workbench is not None:
            event.acceptProposedAction()
            self._workbench.files.open_paths(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Write what waits, end threads and worker, then go."""
        if self._workbench is not None:
            self._workbench.close(bytes(self.saveGeometry().data()))
        super().closeEvent(event)


def _paths(event: QDropEvent) -> Sequence[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def spacer() -> QWidget:
    """What pushes the rest of a tool bar to its right end."""
    from PySide6.QtWidgets import QSizePolicy

    widget = QWidget()
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return widget
