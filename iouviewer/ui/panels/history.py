"""The tab of the history: a click on a step undoes or redoes everything up to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from html import escape
from xml.etree import ElementTree

from PySide6.QtCore import QBuffer, QEvent, QIODevice, QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication, QHelpEvent, QHideEvent, QImage, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolTip

from iouviewer.app.editing.session import Session
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.panels.list_panel import DenseTable, EmptyHint, ListPanel
from iouviewer.ui.tables.history_delegate import TIME_WIDTH, HistoryDelegate
from iouviewer.ui.tables.history_model import HistoryModel, HistoryRow, RowKind
from iouviewer.ui.tokens import SPACE

THUMBNAIL = QSize(40, 30)
"""Size of the image of a step's frame in its tooltip, logical pixels."""
MAX_THUMBNAILS = 2000
SLOW_STEPS = 200
"""Number of steps from which a jump shows the wait cursor."""


class Thumbnails:
    """Small images of frames that were on the screen when they were edited; nothing is decoded for them.

    Attributes:
        source: returns the frame on the screen and its image.
    """

    def __init__(self) -> None:
        self.source: Callable[[], tuple[int, QImage]] = lambda: (-1, QImage())
        self._images: OrderedDict[int, QImage] = OrderedDict()

    def take(self) -> None:
        """Keep the frame on the screen."""
        frame, image = self.source()
        if frame < 0 or image.isNull() or frame in self._images:
            return
        ratio = Qt.AspectRatioMode.KeepAspectRatio
        self._images[frame] = image.scaled(THUMBNAIL * 2, ratio, Qt.TransformationMode.SmoothTransformation)
        if len(self._images) > MAX_THUMBNAILS:
            self._images.popitem(last=False)

    def clear(self) -> None:
        """Forget all images: another source was opened."""
        self._images.clear()

    def html(self, frame: int) -> str:
        """The image as an HTML element, empty where the frame is not known."""
        image = self._images.get(frame)
        if image is None:
            return ""
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs lack QIODevice with a format
        data = bytes(buffer.data().toBase64().data()).decode()
        size = image.size().scaled(THUMBNAIL, Qt.AspectRatioMode.KeepAspectRatio)
        values = {"src": f"data:image/png;base64,{data}", "width": str(size.width()), "height": str(size.height())}
        return ElementTree.tostring(ElementTree.Element("img", values), encoding="unicode")


class _HistoryView(DenseTable):
    """The list of steps."""

    def __init__(self, tooltip_of: Callable[[HistoryRow], str]) -> None:
        super().__init__("historyList", tr("History"))
        self._tooltip_of = tooltip_of
        self.setSelectionMode(DenseTable.SelectionMode.SingleSelection)
        self.setItemDelegate(HistoryDelegate(self))
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index, model = self.indexAt(event.pos()), self.model()
            if index.isValid() and isinstance(model, HistoryModel):
                text = self._tooltip_of(model.row_at(index.row()))
                QToolTip.showText(event.globalPos(), text, self.viewport(), self.visualRect(index))
                return True
        return bool(super().viewportEvent(event))


class HistoryPanel(ListPanel):
    """The steps of the session, also of earlier sessions of the project."""

    def __init__(self, session: Session) -> None:
        self.model = HistoryModel(session)
        self.thumbnails = Thumbnails()
        view = _HistoryView(self._tooltip)
        hint = EmptyHint("history")
        super().__init__(view, hint, filter_name="historyFilter", placeholder=tr("Filter, e.g. person 17"))
        self._session = session
        self._add_titles()
        view.setModel(self.model)
        view.clicked.connect(self._on_view_clicked)
        view.rowEntered.connect(self._on_row_entered)
        view.menuWanted.connect(self._on_menu_wanted)
        self.filter_field.textChanged.connect(self.model.set_filter)
        for signal in (self.model.modelReset, self.model.rowsInserted):
            signal.connect(self._show_rows)
        session.historyChanged.connect(self.thumbnails.take)
        session.sourceChanged.connect(self.thumbnails.clear)
        self._show_rows()

    def _add_titles(self) -> None:
        """Titles of the columns, which the one column of the list paints."""
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["m"], 0, SPACE["m"], SPACE["xs"])
        row.setSpacing(0)
        self._titles = [QLabel(text) for text in (tr("Time"), tr("Step"), tr("Frame"))]
        self._titles[0].setFixedWidth(TIME_WIDTH)
        for place, label in enumerate(self._titles):
            label.setProperty("role", "caption")
            row.addWidget(label, int(place == 1))
        self.column.insertLayout(1, row)

    def _tooltip(self, row: HistoryRow) -> str:
        if row.kind is not RowKind.STEP:
            return ""
        done = row.position <= self._session.history.cursor
        text = tr("Click: go back to this step") if done else tr("Click: redo up to this step")
        image = self.thumbnails.html(row.frame)
        about = tr("{step}, frame {frame:,}", step=escape(row.text), frame=row.frame)
        return f"<p style='white-space:pre'>{image} {about}<br>{text}</p>" if image else f"<p>{about}<br>{text}</p>"

    def _show_rows(self) -> None:
        rows = self.model.rowCount()
        self.show_parts(table=bool(rows), hint=not rows)
        for label in self._titles:
            label.setVisible(bool(rows))
        if self.model.is_filtered:
            text = tr("No step matches the filter.") if self.model.is_complete else tr("Searching the history…")
            self.hint.show_hint(text)
        else:
            self.hint.show_hint(tr("No edits yet."), tr("Edits appear here, also after a restart."))
        self.table.select_rows([])
        row = self.model.row_of(self._session.history.cursor)
        if row >= 0:
            self.table.select_rows([row])

    # Events

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.model.set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.model.set_active(False)

    def _on_view_clicked(self, index: QModelIndex) -> None:
        self.go_to(self.model.row_at(index.row()))

    def _on_row_entered(self) -> None:
        row = self.table.currentIndex().row()
        if row >= 0:
            self.go_to(self.model.row_at(row))

    def go_to(self, row: HistoryRow) -> None:
        """Undo or redo until this step is the last one that is done."""
        if row.position < 0:
            return
        cursor = self._session.history.cursor
        if row.position == cursor:
            if row.frame >= 0:
                self._session.go_to(row.frame)
            return
        is_slow = abs(row.position - cursor) >= SLOW_STEPS
        if is_slow:
            QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            self._session.go_to_step(row.position)
        except UserError as error:
            self._session.statusMessage.emit(str(error))
        finally:
            if is_slow:
                QGuiApplication.restoreOverrideCursor()

    def _on_menu_wanted(self, index: QModelIndex, position: QPoint) -> None:
        row = self.model.row_at(index.row())
        if row.position >= 0:
            self.menuRequested.emit("step", row, position)
