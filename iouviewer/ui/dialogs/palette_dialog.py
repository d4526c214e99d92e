"""The command palette: a frameless field with sections of entries below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.key_hints import KeyHints
from iouviewer.ui.theme import coloured_icon, make_popup
from iouviewer.ui.tokens import ICON_SIZE, RADIUS, SIZE, SPACE

_WIDTH, _TOP = 620, 76
"""Logical pixels; the top is measured from that of the window."""
_ROWS_HEIGHT = 380
_ENTRY = Qt.ItemDataRole.UserRole
_KEY_HEIGHT = 17


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        title: what is done or where it goes.
        subtitle: explains it; for an unavailable command, the reason.
        key: the key, as the layout writes it.
        run: called when the entry is chosen; None for an unavailable command.
        action: id of the command whose key can be changed, empty for other entries.
        also: further words by which it is found.
        icon: a meaning of ``tokens.ICONS``, empty for none.
    """

    title: str
    subtitle: str = ""
    key: str = ""
    run: Callable[[], object] | None = field(default=None, compare=False)
    action: str = ""
    also: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its entries."""

    title: str
    entries: tuple[Entry, ...]


class _Rows(QStyledItemDelegate):
    """Paints headings and entries: icon, title, subtitle, key."""

    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        is_entry = isinstance(index.data(_ENTRY), Entry)
        return QSize(0, SIZE["row_comfortable"] if is_entry else SIZE["row_dense"] + SPACE["xs"])

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours, entry = scheme_theme().colours, index.data(_ENTRY)
        rect: QRect = option.rect.adjusted(SPACE["s"], 0, -SPACE["s"], 0)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.save()
        if not isinstance(entry, Entry):
            painter.setFont(font("caption"))
            painter.setPen(QColor(colours.text3))
            painter.drawText(rect.adjusted(0, SPACE["xs"], 0, 0), left, str(index.data()))
            painter.restore()
            return
        is_current = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_current:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent_fill))
            painter.drawRoundedRect(option.rect, RADIUS["control"], RADIUS["control"])
        strong = colours.on_accent_fill if is_current else colours.text if entry.run else colours.disabled
        weak = colours.on_accent_fill if is_current else colours.text2 if entry.run else colours.text3
        if entry.icon:
            top = rect.top() + (rect.height() - ICON_SIZE) // 2
            coloured_icon(entry.icon, weak).paint(painter, QRect(rect.left(), top, ICON_SIZE, ICON_SIZE))
        if entry.key:
            rect.setRight(self._paint_key(painter, rect, entry.key) - SPACE["s"])
        rect.setLeft(rect.left() + ICON_SIZE + SPACE["s"])
        body = font("body")
        metrics = QFontMetrics(body)
        painter.setFont(body)
        painter.setPen(QColor(strong))
        title = metrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, left, title)
        rect.setLeft(rect.left() + metrics.horizontalAdvance(title) + SPACE["s"])
        if entry.subtitle and rect.width() > 2 * SPACE["xl"]:
            painter.setPen(QColor(weak))
            painter.drawText(rect, left, metrics.elidedText(entry.subtitle, Qt.TextElideMode.ElideRight, rect.width()))
        painter.restore()

    @staticmethod
    def _paint_key(painter: QPainter, rect: QRect, key: str) -> int:
        """Paint a key-cap at the right end; returns its left edge."""
        colours, key_font = scheme_theme().colours, font("key")
        width = QFontMetrics(key_font).horizontalAdvance(key) + 2 * SPACE["xs"] + 2
        cap = QRect(rect.right() - width, rect.top() + (rect.height() - _KEY_HEIGHT) // 2, width, _KEY_HEIGHT)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.raised))
        painter.drawRoundedRect(cap, RADIUS["canvas_label"], RADIUS["canvas_label"])
        painter.setFont(key_font)
        painter.setPen(QColor(colours.text2))
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
        return cap.left()


class PaletteDialog(QDialog):
    """Field, sections of entries, and the keys of the palette.

    Args:
        find: the sections for what is typed.
        selection: what is selected, shown at the right of the field; empty for nothing.

    Attributes:
        chosen: the accepted entry.
        wants_key: the key of ``chosen`` is to be changed, not the command to be run.
    """

    def __init__(self, parent: QWidget, *, find: Callable[[str], Sequence[Section]], selection: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self.setWindowTitle(tr("Command palette"))
        make_popup(self)
        self._find = find
        self.chosen: Entry | None = None
        self.wants_key = False
        self.line = QLineEdit()
        self.line.setObjectName("paletteLine")
        self.line.setFont(font("title"))
        self.line.setPlaceholderText(tr("Type a command, a track, a class or a frame"))
        self.line.setAccessibleName(tr("Command palette"))
        self.list = QListWidget()
        self.list.setObjectName("paletteList")
        self.list.setAccessibleName(tr("Commands"))
        self.list.setItemDelegate(_Rows(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFixedHeight(_ROWS_HEIGHT)
        row = QHBoxLayout()
        row.addWidget(self.line, 1)
        if selection:
            chip = QLabel(selection)
            chip.setObjectName("paletteSelection")
            chip.setProperty("role", "key")
            row.addWidget(chip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["s"], SPACE["s"], SPACE["s"], SPACE["xs"])
        layout.setSpacing(SPACE["xs"])
        layout.addLayout(row)
        layout.addWidget(self.list)
        layout.addWidget(
            _hints(
                ("153", tr("frame")),
                ("0:15", tr("time")),
                ("#17", tr("track")),
                (">0.5", tr("confidence")),
                ("?", tr("help")),
            )
        )
        layout.addWidget(
            _hints(
                ("↑↓", tr("choose")), ("Enter", tr("run")), ("Ctrl+Enter", tr("change its key")), ("Esc", tr("close"))
            )
        )
        self.setFixedWidth(_WIDTH)
        self.move(parent.mapToGlobal(QPoint(max(0, (parent.width() - _WIDTH) // 2), _TOP)))
        self.line.textChanged.connect(self._show)
        self.list.itemClicked.connect(lambda _item: self._accept_current())
        self.line.installEventFilter(self)
        self._show("")

    def titles(self) -> list[str]:
        """Headings and titles from top to bottom."""
        return [self.list.item(row).text() for row in range(self.list.count())]

    def _show(self, text: str) -> None:
        self.list.clear()
        for section in self._find(text.strip()):
            if not section.entries:
                continue
            heading = QListWidgetItem(section.title)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(heading)
            for entry in section.entries:
                item = QListWidgetItem(entry.title)
                item.setData(_ENTRY, entry)
                item.setData(
                    Qt.ItemDataRole.AccessibleTextRole,
                    ", ".join(filter(None, (entry.title, entry.subtitle, entry.key))),
                )
                self.list.addItem(item)
        if self.list.count():
            self.list.setCurrentRow(1)
            self.list.scrollToTop()

    def _move(self, by: int) -> None:
        """Move to the next entry, past headings."""
        row = self.list.currentRow()
        rows = [i for i in range(self.list.count()) if isinstance(self.list.item(i).data(_ENTRY), Entry)]
        if not rows:
            return
        at = rows.index(row) if row in rows else 0
        target = rows[max(0, min(at + by, len(rows) - 1))] if abs(by) > 1 else rows[(at + by) % len(rows)]
        self.list.setCurrentRow(target)
        if target == rows[0]:
            self.list.scrollToTop()

    def _accept_current(self, *, wants_key: bool = False) -> None:
        item = self.list.currentItem()
        entry = item.data(_ENTRY) if item is not None else None
        if not isinstance(entry, Entry) or (entry.run is None and not wants_key) or (wants_key and not entry.action):
            return
        self.chosen, self.wants_key = entry, wants_key
        self.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = Qt.Key(event.key())
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            if key in steps:
                self._move(steps[key])
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._accept_current(wants_key=bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))
                return True
        return super().eventFilter(watched, event)


def _hints(*hints: tuple[str, str]) -> KeyHints:
    row = KeyHints()
    row.setObjectName("paletteHints")
    row.setFixedHeight(SIZE["status_bar"])
    row.set_hints(hints)
    return row
