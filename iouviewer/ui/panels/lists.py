"""The table of variants."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.ui.panels.sections import Section, apply_dense_style
from iouviewer.ui.tables.variants_model import NAME_COLUMN, VariantsModel

_NARROW_WIDTHS = {"avg_iou": 70, "pq": 58, "ap": 72}
_NARROW_WIDTH = 60
_WIDTHS = {"ap": 80, "ap50": 80, "frames": 96, "delta": 80, "avg_iou": 76}
_WIDTH = 66


class VariantsPanel(Section):
    """The variants table; in the narrow side panel it shows few columns.

    Signals:
        removeRequested(str), baselineRequested(str), resumeRequested(str), classesRequested(str): of the variant with
            this key.
    """

    removeRequested = Signal(str)
    baselineRequested = Signal(str)
    resumeRequested = Signal(str)
    classesRequested = Signal(str)

    def __init__(self, session: Session) -> None:
        self.model = VariantsModel(session)
        self.table = _VariantsView(self)
        super().__init__(tr("Variants"), self.table)
        self._session = session
        self.table.setModel(self.model)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.set_narrow(True)

    def set_narrow(self, narrow: bool) -> None:
        """Show the columns of the side panel, or all of them."""
        shown = self.model.side_panel_column_ids if narrow else self.model.column_ids
        widths, default = (_NARROW_WIDTHS, _NARROW_WIDTH) if narrow else (_WIDTHS, _WIDTH)
        for position, column_id in enumerate(self.model.column_ids):
            self.table.setColumnHidden(position, column_id not in shown)
            if column_id != NAME_COLUMN:
                self.table.setColumnWidth(position, widths.get(column_id, default))

    def current_key(self) -> str:
        """Key of the selected variant, empty for none."""
        index = self.table.currentIndex()
        return self.model.key_at(index.row()) if index.isValid() else ""


class _VariantsView(QTableView):
    """The table with its context menu."""

    def __init__(self, panel: VariantsPanel) -> None:
        super().__init__()
        apply_dense_style(self, "variantsTable", tr("Variants and their scores"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self._panel = panel

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid():
            return
        key = self._panel.model.key_at(index.row())
        menu = QMenu(self)
        resume, baseline = QAction(tr("Resume run"), menu), QAction(tr("Set as baseline"), menu)
        remove, classes = QAction(tr("Remove from list"), menu), QAction(tr("Classes…"), menu)
        classes.setVisible(self._panel.model.has_classes(key))
        resume.setVisible(self._panel.model.is_resumable(key))
        menu.addActions([resume, baseline, classes, remove])
        position = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft()) if by_key else event.globalPos()
        chosen = menu.exec(position)
        if chosen is baseline:
            self._panel.baselineRequested.emit(key)
        elif chosen is remove:
            self._panel.removeRequested.emit(key)
        elif chosen is resume:
            self._panel.resumeRequested.emit(key)
        elif chosen is classes:
            self._panel.classesRequested.emit(key)
