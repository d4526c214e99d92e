"""The documentation in a window beside the work: pages, full-text search, links between pages. No network is used."""

from __future__ import annotations

import posixpath
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QAction,
    QDesktopServices,
    QImage,
    QKeyEvent,
    QKeySequence,
    QTextBlock,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
)
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.resource_files import docs_folder
from iouviewer.ui.dialogs.frame import keep_inside
from iouviewer.ui.help.manual_pages import PAGES, START, Hit, Place, anchor_of, page_text, search
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import SPACE

_SIZE = QSize(900, 620)
_LIST_WIDTH = 240
"""Logical pixels."""
_PICTURE_WIDTH = 560
"""Logical pixels; the text beside the list is not narrower at the window's first size."""
_LINE_HEIGHT = 130.0
"""Percent."""
_SMOOTH = Qt.TransformationMode.SmoothTransformation
_PLACE = Qt.ItemDataRole.UserRole


class _SearchField(QLineEdit):
    """Enter opens the first hit; Qt would give the key to a command of the window that this one belongs to."""

    def event(self, event: QEvent) -> bool:
        is_override = event.type() == QEvent.Type.ShortcutOverride
        if is_override and isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            return True
        return super().event(event)


class _Page(QTextBrowser):
    """Markdown with the spacing of a page; pictures are as wide as the text."""

    def show_page(self, page: str) -> None:
        """Show a page of the documentation from its top."""
        self.setSearchPaths([str(docs_folder() / posixpath.dirname(page))])
        self.setMarkdown(page_text(page))
        cursor = QTextCursor(self.document())
        block = self.document().begin()
        while block.isValid():
            level = block.blockFormat().headingLevel()
            shape = QTextBlockFormat()
            if level:
                shape.setTopMargin(SPACE["l"] if level > 1 else 0)
                shape.setBottomMargin(SPACE["s"])
            elif block.textList() is not None or QTextCursor(block).currentTable() is not None:
                shape.setBottomMargin(2)
            else:
                shape.setBottomMargin(SPACE["m"])
            shape.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            cursor.setPosition(block.position())
            cursor.mergeBlockFormat(shape)
            table = cursor.currentTable()
            if table is not None:
                look = table.format()
                look.setCellPadding(SPACE["xs"])
                look.setBorder(0)
                look.setBottomMargin(SPACE["m"])
                table.setFormat(look)
            block = block.next()

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        found = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return found
        folder = Path(self.searchPaths()[0]) if self.searchPaths() else docs_folder()
        image = QImage(str(folder / QUrl(name).path()))
        return image if image.isNull() else image.scaledToWidth(_PICTURE_WIDTH, _SMOOTH)


class Manual(QDialog):
    """Pages at the left, what is written at the right.

    Signals:
        keysRequested(): K was pressed.
    """

    keysRequested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setObjectName("manual")
        self.setWindowTitle(tr("iouviewer help"))
        self._place = START
        self._before: list[Place] = []
        self.field = _SearchField()
        self.field.setObjectName("manualSearch")
        self.field.setAccessibleName(tr("Search the help"))
        self.field.setPlaceholderText(tr("Search"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._on_search_changed)
        self.field.returnPressed.connect(self._on_return_pressed)
        self.list = QListWidget()
        self.list.setObjectName("manualPages")
        self.list.setAccessibleName(tr("Pages"))
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSpacing(2)
        self.list.itemActivated.connect(self._on_item_chosen)
        self.list.itemClicked.connect(self._on_item_chosen)
        self.text = _Page()
        self.text.setObjectName("manualText")
        self.text.setAccessibleName(tr("Page"))
        self.text.setOpenLinks(False)
        self.text.document().setDocumentMargin(SPACE["l"])
        self.text.anchorClicked.connect(self._on_link_clicked)
        self.back = QToolButton()
        self.back.setObjectName("manualBack")
        self.back.setText(tr("Back"))
        self.back.setToolTip(tr("Back (Alt+Left)"))
        self.back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.back.clicked.connect(self.go_back)
        self._lay_out()
        self._add_key(QKeySequence(Qt.Key.Key_K), self.keysRequested.emit, of_text=True)
        self._add_key(QKeySequence(QKeySequence.StandardKey.Find), self._focus_search)
        self._add_key(QKeySequence(Qt.Modifier.ALT | Qt.Key.Key_Left), self.go_back)
        self._show_list("")
        self._show_back()

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(SPACE["s"], SPACE["s"], SPACE["s"], SPACE["s"])
        column.setSpacing(SPACE["s"])
        row = QHBoxLayout()
        row.addWidget(self.field, 1)
        row.addWidget(self.back)
        column.addLayout(row)
        column.addWidget(self.list, 1)
        parts = QSplitter()
        parts.setChildrenCollapsible(False)
        parts.addWidget(left)
        parts.addWidget(self.text)
        parts.setStretchFactor(1, 1)
        parts.setSizes([_LIST_WIDTH, _SIZE.width() - _LIST_WIDTH])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(parts)
        self.resize(_SIZE)

    def _add_key(self, keys: QKeySequence, slot: object, *, of_text: bool = False) -> None:
        """A key of the window, or only of the text, where letters are not typed."""
        action = QAction(self)
        action.setShortcut(keys)
        owner: QWidget = self.text if of_text else self
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut if of_text else Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(slot)
        owner.addAction(action)

    def present(self, place: Place) -> None:
        """Show the window at a place and give it the keyboard."""
        keep_inside(self)
        self.show()
        self.raise_()
        self.activateWindow()
        self.field.clear()
        self._open(place)
        self.text.setFocus()

    def _open(self, place: Place, *, is_back: bool = False) -> None:
        if not is_back and self.text.document().characterCount() > 1 and place != self._place:
            self._before.append(self._place)
        if place.page != self._place.page or self.text.document().characterCount() <= 1:
            self.text.show_page(place.page)
        self._place = place
        self._scroll_to(place.anchor)
        self._mark_page()
        self._show_back()

    def _scroll_to(self, anchor: str) -> None:
        block = self._find(anchor)
        top = self.text.document().documentLayout().blockBoundingRect(block).top() if anchor else 0
        self.text.setTextCursor(QTextCursor(block))
        self.text.verticalScrollBar().setValue(max(0, int(top) - SPACE["s"]))

    def _find(self, anchor: str) -> QTextBlock:
        block = self.text.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and anchor_of(block.text()) == anchor:
                return block
            block = block.next()
        return self.text.document().begin()

    def go_back(self) -> None:
        """Show the place before."""
        if self._before:
            self._open(self._before.pop(), is_back=True)

    def _show_back(self) -> None:
        self.back.setEnabled(bool(self._before))
        self.back.setIcon(coloured_icon("caret-left", scheme_theme().colours.text2))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_back()

    # Pages and search

    def _on_search_changed(self, text: str) -> None:
        self._show_list(text.strip())

    def _show_list(self, words: str) -> None:
        self.list.clear()
        if not words:
            for page, name in PAGES.items():
                if (docs_folder() / page).is_file():
                    self._add_row(name, Place(page))
            self._mark_page()
            return
        hits = search(words)
        for hit in hits:
            self._add_row(_hit_text(hit), hit.place)
        if not hits:
            row = QListWidgetItem(tr("Nothing has “{words}”", words=words))
            row.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(row)

    def _add_row(self, text: str, place: Place) -> None:
        row = QListWidgetItem(text)
        row.setData(_PLACE, place)
        row.setToolTip(text)
        self.list.addItem(row)

    def _mark_page(self) -> None:
        if self.field.text().strip():
            return
        for number in range(self.list.count()):
            place = self.list.item(number).data(_PLACE)
            if place is not None and place[0] == self._place.page:
                self.list.setCurrentRow(number)

    def _on_item_chosen(self, item: QListWidgetItem) -> None:
        place = item.data(_PLACE)
        if place is not None:
            self._open(Place(*place))

    def _on_return_pressed(self) -> None:
        """Open the first hit."""
        first = self.list.item(0)
        if self.field.text().strip() and first is not None and first.data(_PLACE) is not None:
            self.list.setCurrentRow(0)
            self._on_item_chosen(first)
            self.text.setFocus()

    def _focus_search(self) -> None:
        self.field.setFocus()
        self.field.selectAll()

    def _on_link_clicked(self, url: QUrl) -> None:
        target = url.toString()
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
            return
        file, _, anchor = target.partition("#")
        folder = posixpath.dirname(self._place.page)
        page = posixpath.normpath(posixpath.join(folder, file)) if file else self._place.page
        if page not in PAGES:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(docs_folder() / page)))
            return
        self._open(Place(page, anchor))


def _hit_text(hit: Hit) -> str:
    return f"{hit.heading}\n{PAGES[hit.place.page]}: {hit.excerpt}"
