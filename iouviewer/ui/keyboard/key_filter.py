"""The one dispatcher of keys: decides whether a key is text, belongs to a focused control, or runs a command.

It watches the events of the window system (``QWindow``) before Qt looks for shortcuts. Where the layout has another
letter at a place than the command's key text names, it runs the command itself and hides the key from Qt; otherwise
the shortcuts of the ``QAction`` objects do. Single-key commands work everywhere but in text fields and where a focused
control needs the key.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QWindow
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenuBar,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from iouviewer.ui.action_table import Action, KeyScope
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.keyboard.key_text import key_text, logical_text, split_key

_Key = Qt.Key
_KINDS = frozenset(
    {
        QEvent.Type.ShortcutOverride,
        QEvent.Type.KeyPress,
        QEvent.Type.KeyRelease,
        QEvent.Type.MouseMove,
        QEvent.Type.WindowDeactivate,
        QEvent.Type.Show,
        QEvent.Type.WinIdChange,
    }
)
_LIST_KEYS = frozenset(
    {_Key.Key_Up, _Key.Key_Down, _Key.Key_Left, _Key.Key_Right, _Key.Key_Home, _Key.Key_End}
    | {_Key.Key_PageUp, _Key.Key_PageDown}
)
_COMBO_KEYS = frozenset({_Key.Key_Up, _Key.Key_Down, _Key.Key_Space})


def is_text_field(widget: QWidget | None) -> bool:
    """Whether letters typed into the widget are text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, QLineEdit | QTextEdit | QPlainTextEdit | QAbstractSpinBox)


def is_plain(event: QKeyEvent) -> bool:
    """Whether the key is pressed alone or with Shift."""
    return not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)


def keeps_key(widget: QWidget | None, event: QKeyEvent) -> bool:
    """Whether a focused control that is not a text field needs this key: lists move, buttons are pressed."""
    if not is_plain(event):
        return False
    if event.key() in getattr(widget, "own_keys", ()):
        return True
    if isinstance(widget, QAbstractItemView):
        return event.key() in _LIST_KEYS
    if isinstance(widget, QAbstractButton):
        return event.key() == _Key.Key_Space
    if isinstance(widget, QComboBox):
        return event.key() in _COMBO_KEYS
    return isinstance(widget, QMenuBar)


class KeyFilter(QObject):
    """Turns the keys of one window into commands.

    Signals:
        held(str, bool): the key of a held command was pressed or released.
        released(str): the key of an on-release command was released without a drag in between.
        unavailable(str): the key of a disabled command was pressed.
    """

    held = Signal(str, bool)
    released = Signal(str)
    unavailable = Signal(str)

    def __init__(self, window: QWidget, actions: ActionSet, canvas: QWidget) -> None:
        super().__init__(window)
        self._window, self._actions, self._canvas = window, actions, canvas
        self._handle: QWindow | None = None
        self._pressed: dict[int, tuple[Action, ...]] = {}
        self._pending: QKeyEvent | tuple[Action, ...] | None = None
        self._has_dragged = False
        self._has_alt_gr = False
        self.watch(window, canvas)
        self._watch_handle()

    def watch(self, *widgets: QWidget) -> None:
        """Filter keys that reach these widgets without the window system; keys that they ignore reach the window."""
        for widget in widgets:
            widget.installEventFilter(self)

    def _watch_handle(self) -> None:
        handle = self._window.windowHandle()
        if handle is not None and handle is not self._handle:
            self._handle = handle
            handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in _KINDS:
            return False
        if isinstance(event, QKeyEvent):
            if isinstance(watched, QWindow):
                return self._on_window_key(event)
            return self._on_widget_key(event)
        if kind == QEvent.Type.MouseMove and self._pressed:
            self._has_dragged = self._has_dragged or bool(QApplication.mouseButtons())
        elif kind == QEvent.Type.WindowDeactivate and watched is self._window:
            self._release_all()
            self._has_alt_gr = False
        elif kind in (QEvent.Type.Show, QEvent.Type.WinIdChange) and watched is self._window:
            self._watch_handle()
        return False

    # Keys from the window system

    def _on_window_key(self, event: QKeyEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.KeyRelease:
            if event.key() == _Key.Key_AltGr:
                self._has_alt_gr = False
            return self._on_release(event)
        if QApplication.activePopupWidget() is not None or QApplication.activeModalWidget() is not None:
            return False
        if kind == QEvent.Type.ShortcutOverride:
            return self._on_override(event)
        if event.key() == _Key.Key_AltGr:
            self._has_alt_gr = True
        elif not self._has_alt_gr:
            self._actions.letters.learn(event)
        pending, self._pending = self._pending, None
        if pending is None:
            return self._on_press(event)
        if isinstance(pending, QKeyEvent):
            focused = QApplication.focusWidget()
            return focused is not None and QApplication.sendEvent(focused, pending)
        self._run(pending, is_repeated=event.isAutoRepeat())
        return True

    def _on_override(self, event: QKeyEvent) -> bool:
        """Decide what the following key press does; True hides the key from Qt's shortcuts."""
        self._pending = None
        focused = QApplication.focusWidget()
        if is_text_field(focused) and is_plain(event):
            return False
        if keeps_key(focused, event):
            event.accept()
            return True
        text = self._text_of(event)
        rows = self._actions.rows_of(text)
        if text == logical_text(event):
            if not event.isAutoRepeat():
                self._report_unavailable(rows)
            return False
        event.accept()
        # The focused control may use the key itself, as text fields use Ctrl+C.
        # A text that differs from the layout's is a place, whose US letter is a Qt key of the same code.
        key, modifiers = ord(split_key(text)[1]), event.modifiers()
        override = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers)
        override.ignore()
        if focused is not None:
            QApplication.sendEvent(focused, override)
        if override.isAccepted():
            self._pending = QKeyEvent(QEvent.Type.KeyPress, key, modifiers)
        else:
            self._pending = tuple(row for row in rows if self._is_shortcut_here(row, focused)) or None
        return True

    def _is_shortcut_here(self, row: Action, focused: QWidget | None) -> bool:
        if row.held or row.on_release:
            return False
        return row.scope is KeyScope.WINDOW or (focused is not None and self._actions[row.id] in focused.actions())

    def _run(self, rows: tuple[Action, ...], *, is_repeated: bool) -> None:
        for row in rows:
            action = self._actions[row.id]
            if action.isEnabled() and not (is_repeated and row.checkable):
                action.trigger()
        if not is_repeated:
            self._report_unavailable(rows)

    def _report_unavailable(self, rows: tuple[Action, ...]) -> None:
        if rows and not any(self._actions[row.id].isEnabled() for row in rows):
            self.unavailable.emit(rows[0].id)

    def _text_of(self, event: QKeyEvent) -> str:
        return key_text(event, lambda text: bool(self._actions.rows_of(text)), has_alt_gr=self._has_alt_gr)

    # Keys at widgets

    def _on_widget_key(self, event: QKeyEvent) -> bool:
        kind = event.type()
        focused = QApplication.focusWidget()
        if kind == QEvent.Type.ShortcutOverride:
            if is_text_field(focused) and is_plain(event) and not _is_function_key(event.key()):
                event.accept()
                return True
            return False
        if kind == QEvent.Type.KeyPress:
            return self._on_press(event)
        return self._on_release(event)

    def _on_press(self, event: QKeyEvent) -> bool:
        """Press of a held or on-release command; True if it is one."""
        focused = QApplication.focusWidget()
        if is_text_field(focused) or keeps_key(focused, event):
            return False
        if _id_of(event) in self._pressed:
            return True
        if event.key() == _Key.Key_Space and self._canvas.hasFocus():
            # The canvas pans with Space, and itself signals a release without a drag.
            return False
        rows = self._actions.rows_of(self._text_of(event))
        rows = tuple(row for row in rows if (row.held or row.on_release) and self._actions[row.id].isEnabled())
        if not rows or event.isAutoRepeat():
            return False
        self._pressed[_id_of(event)] = rows
        self._has_dragged = False
        for row in rows:
            if row.held:
                self.held.emit(row.id, True)
        return True

    def _on_release(self, event: QKeyEvent) -> bool:
        if event.isAutoRepeat():
            return _id_of(event) in self._pressed
        rows = self._pressed.pop(_id_of(event), ())
        for row in rows:
            if row.held:
                self.held.emit(row.id, False)
            elif not self._has_dragged:
                self.released.emit(row.id)
        return bool(rows)

    def _release_all(self) -> None:
        for rows in self._pressed.values():
            for row in rows:
                if row.held:
                    self.held.emit(row.id, False)
        self._pressed.clear()


def _id_of(event: QKeyEvent) -> int:
    """Identifies a physical key from its press to its release, between which Shift may change the logical key."""
    return event.nativeScanCode() or -event.key()


def _is_function_key(key: int) -> bool:
    return _Key.Key_F1 <= key <= _Key.Key_F35
