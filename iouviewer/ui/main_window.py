"""The main window, painted empty first and filled later. Nothing heavier than Qt is imported at module level."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QByteArray, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QPaintEvent
from PySide6.QtWidgets import QLabel, QMainWindow, QMenuBar, QStatusBar, QWidget

from iouviewer.ui import APP_NAME

if TYPE_CHECKING:
    from iouviewer.app.editing.session import Session

DESIGN_SIZE = QSize(1280, 720)
"""Size for which the window is designed, logical pixels."""


class WindowContent(Protocol):
    """The content of the window; implemented by ``window_parts.WindowParts``."""

    @property
    def session(self) -> Session: ...

    @property
    def central_widget(self) -> QWidget: ...

    @property
    def status_bar(self) -> QStatusBar: ...

    def create_top_bar(self, menus: QMenuBar) -> QWidget: ...

    def focus_canvas(self) -> None: ...

    def open_paths(self, paths: list[Path]) -> None: ...

    def close(self, geometry: bytes) -> None: ...


class _Placeholder(QLabel):
    """Shown until the content is loaded.

    Signals:
        painted(): painted for the first time.
    """

    painted = Signal()

    def __init__(self) -> None:
        super().__init__(APP_NAME)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setProperty("role", "muted")
        self._was_painted = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()


class MainWindow(QMainWindow):
    """The window without its content: top bar, central widget and status bar come from a ``WindowContent``.

    Signals:
        painted(): the empty window was painted, and the content can be loaded.
    """

    painted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("mainWindow")
        self.setAccessibleName(APP_NAME)
        self.setWindowTitle(APP_NAME)
        self.setAcceptDrops(True)
        # Without docks there is nothing to animate, and the layout makes an animation at each change of a text.
        self.setAnimated(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.resize(DESIGN_SIZE)
        self._content: WindowContent | None = None
        placeholder = _Placeholder()
        placeholder.painted.connect(self.painted, Qt.ConnectionType.QueuedConnection)
        self.setCentralWidget(placeholder)

    @property
    def parts(self) -> WindowContent:
        """The content; RuntimeError before ``fill``."""
        if self._content is None:
            raise RuntimeError("the window is not filled yet")
        return self._content

    @property
    def is_filled(self) -> bool:
        """Whether the content is there."""
        return self._content is not None

    @property
    def session(self) -> Session:
        """The session that the window shows; RuntimeError before ``fill``."""
        return self.parts.session

    def fill(self, content: WindowContent) -> None:
        """Show the content."""
        self._content = content
        self.setMenuWidget(content.create_top_bar(QMenuBar()))
        self.setCentralWidget(content.central_widget)
        self.setStatusBar(content.status_bar)
        content.focus_canvas()

    def restore(self, geometry: bytes) -> None:
        """Restore the size and position of the last session; by default, keep the design size."""
        if geometry:
            self.restoreGeometry(QByteArray(geometry))

    # Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event) and self._content is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = local_paths(event)
        if paths and self._content is not None:
            event.acceptProposedAction()
            self._content.open_paths(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Write pending changes and stop threads and the worker process first."""
        if self._content is not None:
            self._content.close(bytes(self.saveGeometry().data()))
        super().closeEvent(event)


def local_paths(event: QDropEvent) -> list[Path]:
    """The files and folders of a drag or drop that lie on this computer."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
