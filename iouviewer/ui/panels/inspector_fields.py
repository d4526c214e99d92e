"""Fields of the inspector: numbers with arithmetic, choices that can be typed, flags, and the scope of an edit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from iouviewer.app.editing.edit_scopes import CLASS, FLAGS, EditScopes
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.document.track_commands import Scope
from iouviewer.i18n import tr
from iouviewer.ui.fonts import text_width
from iouviewer.ui.tokens import SPACE

_PREFIX_WIDTH = 14
_PREFIX_MARGIN = 4
_ARITHMETIC = re.compile(r"(\+=?|-=|\*=?|/=?)\s*(-?\d+(?:[.,]\d+)?)")
_STEPS = {
    Qt.KeyboardModifier.NoModifier: 1.0,
    Qt.KeyboardModifier.ShiftModifier: 10.0,
    Qt.KeyboardModifier.AltModifier: 0.1,
}
_FORMAT_ERROR = tr("Type a number, +5, -=5, *1.1 or /2")


def parse_change(text: str) -> Callable[[float], float] | None:
    """What a typed text does to a number: ``5``, ``+5``, ``-=5``, ``*1.1``, ``/2``; None for anything else."""
    text = text.strip().replace("−", "-")
    found = _ARITHMETIC.fullmatch(text)
    if found is None:
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return None
        return lambda _value: number
    sign, by = found[1][0], float(found[2].replace(",", "."))
    if sign == "/" and by == 0:
        return None
    changes: dict[str, Callable[[float], float]] = {
        "+": lambda value: value + by,
        "-": lambda value: value - by,
        "*": lambda value: value * by,
        "/": lambda value: value / by,
    }
    return changes[sign]


def is_undo(event: QEvent) -> bool:
    """Whether a field is asked if it takes the key of undo or redo."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    return event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)


def set_error(field: QWidget, error: str) -> None:
    """Mark a field whose text was refused, with the reason as its tooltip; empty removes the mark."""
    if field.property("error") == bool(error):
        return
    field.setProperty("error", bool(error))
    field.setToolTip(error)
    field.style().unpolish(field)
    field.style().polish(field)


class NumberField(QLineEdit):
    """A number in pixels with one decimal; Up and Down change it by 1, with Shift 10, with Alt 0.1.

    Signals:
        changed(Callable[[float], float]): a text was entered; apply it to the value of each box.
        stepped(float): an arrow key, pixels.
        refused(str): a text that is neither a number nor arithmetic; says what is accepted.
    """

    changed = Signal(object)
    stepped = Signal(float)
    refused = Signal(str)

    def __init__(self, name: str, letter: str, accessible_name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible_name)
        self.setProperty("quiet", True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        # The style sheet's padding leaves little space for four figures.
        self.setTextMargins(_PREFIX_MARGIN, 0, -_PREFIX_MARGIN, 0)
        self._shown = ""
        self._tip = tr(
            "{name}: Up and Down ±1 px, with Shift 10, with Alt 0.1; +5 adds, *1.1 multiplies", name=accessible_name
        )
        self.setToolTip(self._tip)
        self._prefix = QLabel(letter, self)
        self._prefix.setProperty("role", "caption")
        self._prefix.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.editingFinished.connect(self._on_editing_finished)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._prefix.setGeometry(SPACE["xs"] + 2, 0, _PREFIX_WIDTH, self.height())

    def show_value(self, value: float | None) -> None:
        """Show a number, or a dash where the boxes differ; a text that is being typed stays."""
        text = UNDEFINED if value is None else f"{value:.1f}".replace("-0.0", "0.0")
        if self.hasFocus() and self.isModified():
            self._shown = text
            return
        if text != self._shown or text != self.text():
            self._shown = text
            self.setText(text)
            set_error(self, "")
            self.setToolTip(self._tip)

    def restore(self) -> None:
        """Forget what was typed."""
        self.setText(self._shown)
        set_error(self, "")
        self.setToolTip(self._tip)

    def _on_editing_finished(self) -> None:
        # Only a text that was typed is entered, so that a number keeps the decimals that are not shown.
        if not self.isModified() or self.text() == self._shown:
            self.setModified(False)
            return
        change = parse_change(self.text())
        if change is None:
            set_error(self, _FORMAT_ERROR)
            self.refused.emit(_FORMAT_ERROR)
            return
        self.setModified(False)
        self.changed.emit(change)
        if self.hasFocus():
            self.selectAll()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.selectAll()

    def event(self, event: QEvent) -> bool:
        # Undo and redo are of the document unless something is being typed.
        if is_undo(event) and not self.isModified():
            event.ignore()
            return False
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and modifiers in _STEPS and not self.isReadOnly():
            self._on_editing_finished()
            by = _STEPS[modifiers]
            self.stepped.emit(by if event.key() == Qt.Key.Key_Up else -by)
            return
        if event.key() == Qt.Key.Key_Escape:
            self.restore()
        super().keyPressEvent(event)


class ChoiceField(QComboBox):
    """A choice that can be typed: an entry of the list, or any other text.

    Signals:
        chosen(str): a text was entered or an entry chosen.
    """

    chosen = Signal(str)

    def __init__(self, name: str, accessible_name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(accessible_name)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(1)
        self.setMaxVisibleItems(12)
        self._shown = ""
        self._fill: Callable[[], Sequence[str]] = tuple
        completer = QCompleter(self.model(), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.setCompleter(completer)
        self._popup = completer.popup()
        edit = self.lineEdit()
        assert edit is not None
        edit.setObjectName(f"{name}.edit")
        edit.setAccessibleName(accessible_name)
        edit.returnPressed.connect(self._on_return_pressed)
        self.activated.connect(self._on_activated)
        # A label inside a combo box itself would not get the style sheet.
        self._key = QLabel(edit)
        self._key.setProperty("role", "key")
        self._key.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._key.hide()

    @property
    def edit(self) -> QLineEdit:
        """The text field."""
        edit = self.lineEdit()
        assert edit is not None
        return edit

    def set_entries(self, entries: Callable[[], Sequence[str]]) -> None:
        """Set the function that lists the entries; called when the field gets the focus or is opened."""
        self._fill = entries

    def set_key(self, key: str) -> None:
        """Show the key that leads to the field."""
        self._key.setText(key)
        self._place_key()

    def show_text(self, text: str) -> None:
        """Show a text; one that is being typed stays."""
        if self.hasFocus() and self.edit.isModified():
            self._shown = text
            return
        if text != self._shown or text != self.currentText():
            self._shown = text
            self.restore()

    def restore(self) -> None:
        """Forget what was typed."""
        with QSignalBlocker(self):
            self.setCurrentIndex(self.findText(self._shown, Qt.MatchFlag.MatchExactly))
            self.setEditText(self._shown)
        self.edit.setModified(False)
        set_error(self, "")

    def update_entries(self) -> None:
        """List the present entries; the text stays."""
        entries, text = list(self._fill()), self.currentText()
        if entries != [self.itemText(i) for i in range(self.count())]:
            with QSignalBlocker(self):
                self.clear()
                self.addItems(entries)
                self.setCurrentIndex(self.findText(text, Qt.MatchFlag.MatchExactly))
                self.setEditText(text)

    def showPopup(self) -> None:
        self.update_entries()
        super().showPopup()

    def _on_return_pressed(self) -> None:
        self._choose(self.currentText())

    def _on_activated(self, index: int) -> None:
        self._choose(self.itemText(index))

    def _choose(self, text: str) -> None:
        if self._popup is not None:
            self._popup.hide()
        self.edit.setModified(False)
        if text.strip() != self._shown:
            self.chosen.emit(text.strip())

    # The combo box has the focus, not its text field.

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update_entries()
        super().focusInEvent(event)
        self._place_key()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A text that was not entered goes with the focus."""
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.restore()
        super().focusOutEvent(event)
        self._place_key()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.restore()
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Undo and redo are of the document unless something is being typed.
        if is_undo(event) and not self.edit.isModified():
            event.ignore()
            return False
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_key()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange:
            self._place_key()

    def _place_key(self) -> None:
        size = self._key.sizeHint()
        fits = self.width() > size.width() + 62
        self._key.setVisible(bool(self._key.text()) and fits and self.isEnabled() and not self.hasFocus())
        left, top = self.edit.width() - size.width(), (self.edit.height() - size.height()) // 2
        self._key.setGeometry(left, top, size.width(), size.height())


class FlagButton(QToolButton):
    """A flag of boxes: on, off, or different ones; the letter is its key."""

    def __init__(self, name: str, text: str, tip: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setProperty("flag", True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._text, self._tip, self._key = text, tip, ""
        self._is_mixed = False
        self._show()

    def set_key(self, key: str) -> None:
        """Show the key of the command."""
        self._key = key
        self._show()

    def show_state(self, values: set[bool]) -> None:
        """Show the flag of the boxes; a dash where they differ."""
        self.setChecked(values == {True})
        self._is_mixed = len(values) > 1
        self._show()

    def set_effect(self, effect: str) -> None:
        """Say in the tooltip what a click changes."""
        self.setToolTip(f"{self._tip}. {effect}" if effect else self._tip)

    def nextCheckState(self) -> None:
        """The state follows the boxes, not the click."""

    def _show(self) -> None:
        self.setText(f"{self._text} {UNDEFINED if self._is_mixed else self._key}".rstrip())


_SCOPE_TEXTS = {
    Scope.FRAME: tr("This frame"),
    Scope.FROM_HERE: tr("From here"),
    Scope.TRACK: tr("Whole track"),
}
_SHORT_SCOPE_TEXTS = {Scope.FRAME: tr("Frame"), Scope.FROM_HERE: tr("From here"), Scope.TRACK: tr("Track")}
"""Where the full texts have no place."""
_GROUP_TEXTS = {CLASS: tr("Class ▸"), FLAGS: tr("Flags ▸")}


class ScopeControl(QWidget):
    """Which boxes of the track an edit changes: one choice for class and track, one for flags, one of them shown.

    Args:
        name: beginning of the object names.
        has_flags: the choice for flags can be shown.
    """

    def __init__(self, scopes: EditScopes, *, name: str = "inspector.scope", has_flags: bool = True) -> None:
        super().__init__()
        self._scopes, self._group = scopes, CLASS
        self._effects: dict[str, dict[Scope, str]] = {}
        self._names = QToolButton()
        self._names.setObjectName(f"{name}.group")
        self._names.setProperty("flag", True)
        self._names.clicked.connect(self._on_names_clicked)
        self._names.setFixedWidth(max(text_width("caption", text) for text in _GROUP_TEXTS.values()) + 2 * SPACE["s"])
        layout = self._layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["xs"])
        layout.addWidget(self._names)
        self._names.setVisible(has_flags)
        self._buttons = QButtonGroup(self)
        self._of: dict[Scope, QToolButton] = {}
        for scope, text in _SCOPE_TEXTS.items():
            button = QToolButton()
            button.setObjectName(f"{name}.{scope.value}")
            button.setText(text)
            button.setCheckable(True)
            button.setProperty("flag", True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self._buttons.addButton(button)
            self._of[scope] = button
            layout.addWidget(button, text_width("caption", text))
            button.setAccessibleName(text)
        self._buttons.buttonClicked.connect(self._on_button_clicked)
        scopes.changed.connect(self._show)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        names = self._names.width() if not self._names.isHidden() else 0
        margins = len(_SCOPE_TEXTS) * (SPACE["xs"] + SPACE["m"])
        needed = sum(text_width("caption", text) for text in _SCOPE_TEXTS.values()) + margins
        texts = _SCOPE_TEXTS if names + needed <= self.width() else _SHORT_SCOPE_TEXTS
        for place, (scope, button) in enumerate(self._of.items(), 1):
            button.setText(texts[scope])
            self._layout.setStretch(place, text_width("caption", texts[scope]))

    def show_group(self, group: str) -> None:
        """Show the scope of these fields."""
        if group != self._group:
            self._group = group
            self._show()

    def set_effects(self, effects: dict[str, dict[Scope, str]]) -> None:
        """Say in the tooltips which boxes each scope means, by group of fields."""
        self._effects = effects
        self._show()

    def _show(self) -> None:
        self._of[self._scopes[self._group]].setChecked(True)
        self._names.setText(_GROUP_TEXTS[self._group])
        if self._group == CLASS:
            self._names.setToolTip(tr("Class and track change in this scope. Click for the scope of flags."))
        else:
            self._names.setToolTip(
                tr("Flags change in this scope, until the next key frame. Click for that of the class.")
            )
        for scope, button in self._of.items():
            button.setToolTip(self._effects.get(self._group, {}).get(scope, ""))

    def _on_names_clicked(self) -> None:
        self.show_group(FLAGS if self._group == CLASS else CLASS)

    def _on_button_clicked(self, button: QToolButton) -> None:
        chosen = next(scope for scope, each in self._of.items() if each is button)
        self._scopes.set(self._group, chosen)
