"""The class picker: a small popup at the box with a field, the classes that match, and the scope of the change."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.edit_scopes import EditScopes
from iouviewer.document.classes import ClassTable
from iouviewer.i18n import tr
from iouviewer.ui.canvas.box_look import class_colour
from iouviewer.ui.dialogs.search_dialog import Choice, filter_choices
from iouviewer.ui.fonts import font
from iouviewer.ui.keyboard.positions import place_of
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.inspector_fields import ScopeControl
from iouviewer.ui.theme import make_popup
from iouviewer.ui.tokens import RADIUS, SIZE, SPACE

_MAX_ROWS = 10
_SWATCH = 10
_DIGITS = "123456789"
CREATE = "create"
"""Key of the line that creates a class."""


@dataclass(frozen=True, slots=True)
class PickedClass:
    """The answer; ``number`` is None for a class that is to be created."""

    name: str
    number: int | None


class _Rows(QStyledItemDelegate):
    """Paints swatch, name and digit."""

    def __init__(self, classes: ClassTable, parent: QObject) -> None:
        super().__init__(parent)
        self._classes = classes

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, SIZE["row_dense"] + SPACE["xs"])

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours, choice = scheme_theme().colours, index.data(Qt.ItemDataRole.UserRole)
        rect = option.rect.adjusted(SPACE["s"], 0, -SPACE["s"], 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        is_current = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_current:
            painter.setBrush(QColor(colours.accent_fill))
            painter.drawRoundedRect(option.rect, RADIUS["control"], RADIUS["control"])
        if choice.key != CREATE:
            painter.setBrush(QColor(class_colour(int(choice.key), self._classes)))
            top = rect.top() + (rect.height() - _SWATCH) // 2
            painter.drawRoundedRect(QRect(rect.left(), top, _SWATCH, _SWATCH), 2, 2)
        rect.setLeft(rect.left() + _SWATCH + SPACE["s"])
        if choice.detail:
            painter.setFont(font("key"))
            painter.setPen(QColor(colours.on_accent_fill if is_current else colours.text2))
            painter.drawText(rect, Qt.AlignmentFlag.AlignRight | middle, choice.detail)
            rect.setRight(rect.right() - SPACE["l"])
        painter.setFont(option.font)
        painter.setPen(QColor(colours.on_accent_fill if is_current else colours.text))
        text = QFontMetrics(option.font).elidedText(choice.text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | middle, text)
        painter.restore()


class ClassPicker(QDialog):
    """Enter takes the marked class, a digit the class with this digit, Esc closes and changes nothing.

    A name that no class has is created after a confirmation in the popup itself.

    Args:
        classes: the classes, listed in their own order.
        title: what gets the class, for example ``Class of person 17``.
        current: id of the class that is marked at first, None for none.
        scopes: offers the scope of the class, None where it does not matter.
        can_create: whether a new class may be created.

    Attributes:
        picked: the answer, None without one.
    """

    def __init__(
        self,
        parent: QWidget | None,
        classes: ClassTable,
        *,
        title: str,
        current: int | None = None,
        scopes: EditScopes | None = None,
        can_create: bool = True,
    ) -> None:
        # A popup: a click beside it closes it, and a box in progress on the canvas is not cancelled.
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("classPicker")
        self.setWindowTitle(tr("Change class"))
        make_popup(self)
        shown = classes.shown
        self._choices = tuple(
            Choice(str(number), classes.names[number], _DIGITS[place] if place < len(_DIGITS) else "")
            for place, number in enumerate(shown)
        )
        self._can_create = can_create
        self.picked: PickedClass | None = None
        head = QLabel(title)
        head.setObjectName("classPickerTitle")
        head.setProperty("role", "caption")
        width = SIZE["class_picker"] - 2 * SPACE["s"]
        head.setText(head.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, width))
        head.setToolTip(title)
        self.line = QLineEdit()
        self.line.setObjectName("classPickerLine")
        hint = tr("Type a class or a new name") if can_create else tr("Type a class")
        if not shown:
            hint = tr("Name of the first class")
        self.line.setPlaceholderText(hint)
        self.line.setAccessibleName(title)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        self.list.setObjectName("classPickerList")
        self.list.setAccessibleName(tr("Classes"))
        self.list.setItemDelegate(_Rows(classes, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._question, self.create_button = QLabel(), QPushButton()
        self._pages = QStackedWidget()
        self._pages.addWidget(self._choice_page(scopes))
        self._pages.addWidget(self._confirmation_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["s"])
        layout.setSpacing(SPACE["xs"])
        layout.addWidget(head)
        layout.addWidget(self._pages)
        self.setFixedWidth(SIZE["class_picker"])
        self.line.textChanged.connect(self._show_matches)
        self.list.itemClicked.connect(lambda _item: self._take_current())
        self._show_matches("")
        if current in shown:
            self.list.setCurrentRow(shown.index(current))

    def _choice_page(self, scopes: EditScopes | None) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["xs"])
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        if scopes is not None:
            layout.addWidget(ScopeControl(scopes, name="classPicker.scope", has_flags=False))
        layout.addStretch(1)
        return page

    def _confirmation_page(self) -> QWidget:
        self._question.setObjectName("classPickerQuestion")
        self._question.setWordWrap(True)
        self.create_button.setObjectName("classPickerCreate")
        self.create_button.setDefault(True)
        self.create_button.clicked.connect(self._create)
        back = QPushButton(tr("Back"))
        back.setAutoDefault(False)
        back.clicked.connect(self._go_back)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(back)
        buttons.addWidget(self.create_button)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._question)
        layout.addStretch(1)
        layout.addLayout(buttons)
        return page

    # The list

    def _show_matches(self, query: str) -> None:
        self.list.clear()
        name = query.strip()
        choices = filter_choices(query, self._choices)
        is_known = any(choice.text.casefold() == name.casefold() for choice in self._choices)
        if self._can_create and name and not is_known:
            choices.append(Choice(CREATE, tr("Create “{name}”", name=name)))
        for choice in choices:
            item = QListWidgetItem(choice.text)
            item.setData(Qt.ItemDataRole.UserRole, choice)
            item.setToolTip(choice.text)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        # The height is that of all classes: it stays while one types.
        rows = min(len(self._choices) + self._can_create, _MAX_ROWS)
        self.list.setVisible(bool(self._choices) or bool(choices))
        self.list.setFixedHeight(rows * (SIZE["row_dense"] + SPACE["xs"]))

    def _take_current(self) -> None:
        if self.list.currentRow() < 0:
            return
        choice = self.list.currentItem().data(Qt.ItemDataRole.UserRole)
        if choice.key == CREATE:
            self._confirm(self.line.text().strip())
        else:
            self._take(choice)

    def _take(self, choice: Choice) -> None:
        self.picked = PickedClass(choice.text, int(choice.key))
        self.accept()

    # The confirmation

    @property
    def is_confirming(self) -> bool:
        """Whether the popup asks if the class is to be created."""
        return self._pages.currentIndex() == 1

    def _confirm(self, name: str) -> None:
        place = len(self._choices) + 1
        text = (
            tr("Create the class “{name}”? Its key is {digit}.", name=name, digit=place)
            if place <= len(_DIGITS)
            else tr("Create the class “{name}”?", name=name)
        )
        self._question.setText(text)
        self.create_button.setText(tr("Create class"))
        self._pages.setCurrentIndex(1)
        self.create_button.setFocus()

    def _create(self) -> None:
        self.picked = PickedClass(self.line.text().strip(), None)
        self.accept()

    def _go_back(self) -> None:
        self._pages.setCurrentIndex(0)
        self.line.setFocus()

    def reject(self) -> None:
        """Close; from the confirmation, return to the list."""
        if self.is_confirming and self.isVisible():
            self._go_back()
        else:
            super().reject()

    # Keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            step = steps.get(Qt.Key(event.key()))
            if step is not None:
                self.list.setCurrentRow(max(0, min(self.list.currentRow() + step, self.list.count() - 1)))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                # Consumed here, so that it does not press the button of the confirmation as well.
                self._take_current()
                return True
            digit = self._digit_of(event)
            if digit:
                self._take(self._choices[digit - 1])
                return True
        return super().eventFilter(watched, event)

    def _digit_of(self, event: QKeyEvent) -> int:
        """The class that a key in the empty field means, from 1, by the place of the key; 0 for none."""
        allowed = Qt.KeyboardModifier.KeypadModifier
        if self.line.text() or event.modifiers() & ~allowed:
            return 0
        text = place_of(event) or event.text()
        digit = _DIGITS.find(text) + 1 if text else 0
        return digit if digit <= len(self._choices) else 0


def pick_class(
    parent: QWidget,
    classes: ClassTable,
    *,
    title: str,
    anchor: QRect | None = None,
    current: int | None = None,
    scopes: EditScopes | None = None,
    can_create: bool = True,
) -> PickedClass | None:
    """Show the picker and wait for the answer.

    Args:
        anchor: the box on the screen, which the popup does not cover; None: near the top of the window.
    """
    picker = ClassPicker(parent, classes, title=title, current=current, scopes=scopes, can_create=can_create)
    picker.adjustSize()
    if anchor is None:
        picker.move(parent.mapToGlobal(QPoint((parent.width() - picker.width()) // 2, 2 * SIZE["top_bar"])))
    else:
        picker.move(place_beside(anchor, picker.size(), _available(parent)))
    picker.line.setFocus()
    picker.exec()
    picker.deleteLater()
    return picker.picked


def place_beside(anchor: QRect, size: QSize, inside: QRect) -> QPoint:
    """Where a popup of this size lies right of a rectangle, else left of it, else over it, and inside another one."""
    gap = SPACE["s"]
    right, left = anchor.right() + gap, anchor.left() - gap - size.width()
    fitting = [x for x in (right, left) if inside.left() <= x and x + size.width() <= inside.right()]
    x = fitting[0] if fitting else anchor.center().x() - size.width() // 2
    x = max(inside.left(), min(x, inside.right() - size.width()))
    y = max(inside.top(), min(anchor.top(), inside.bottom() - size.height()))
    return QPoint(x, y)


def _available(parent: QWidget) -> QRect:
    """The part of the window that is on its screen."""
    window = parent.window()
    shown = QRect(window.mapToGlobal(QPoint()), window.size())
    screen = window.screen() or QGuiApplication.primaryScreen()
    return shown.intersected(screen.availableGeometry()) if screen is not None else shown
