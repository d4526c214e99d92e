"""Creates QActions, menus and the toolbar from the action table, and filters keys for text fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QTextEdit,
    QToolBar,
    QWidget,
)

from iouviewer.errors import UserError
from iouviewer.ui.action_table import ACTIONS, MENUS, TOOLBAR, Action, KeyScope
from iouviewer.ui.key_presets import Keys, keys_of
from iouviewer.ui.theme import Theme, icon


class ActionSet(QObject):
    """All commands of one window.

    Args:
        window: gets the actions whose keys work everywhere.
        groups: objects whose methods the table names as ``group.method``.

    Signals:
        failed(UserError): a command failed.
    """

    failed = Signal(object)

    def __init__(self, window: QWidget, groups: Mapping[str, object]) -> None:
        super().__init__(window)
        self._window = window
        self._actions: dict[str, QAction] = {}
        self._handlers: dict[str, Callable[..., object]] = {}
        self._texts: dict[str, str] = {}
        self.keys: Keys = {}
        for row in ACTIONS:
            group, method = row.handler.split(".")
            self._handlers[row.id] = partial(getattr(groups[group], method), *row.args)
            self._texts[row.id] = row.text
            self._actions[row.id] = self._create_action(row)
        self.set_keys(keys_of(""))

    def __getitem__(self, id: str) -> QAction:
        return self._actions[id]

    def _create_action(self, row: Action) -> QAction:
        action = QAction(row.text, self._window)
        action.setObjectName(f"action.{row.id}")
        action.setCheckable(row.checkable)
        works_everywhere = row.scope is KeyScope.WINDOW
        action.setShortcutContext(
            Qt.ShortcutContext.WindowShortcut if works_everywhere else Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        if row.checkable:
            action.toggled.connect(partial(self.run, row.id))
        elif row.held:
            action.triggered.connect(partial(self._on_held_triggered, row.id))
        else:
            action.triggered.connect(partial(self._on_triggered, row.id))
        if works_everywhere:
            self._window.addAction(action)
        return action

    def add_to_canvas(self, canvas: QWidget) -> None:
        """Add the actions whose keys work only on a canvas."""
        for row in ACTIONS:
            if row.scope is KeyScope.CANVAS:
                canvas.addAction(self._actions[row.id])

    def _on_triggered(self, id: str, _checked: bool = False) -> None:
        self.run(id)

    def _on_held_triggered(self, id: str, _checked: bool = False) -> None:
        # Run from a menu or the palette, without a key to hold, the command stays on until any key is released.
        self.run(id, True)

    def run(self, id: str, *state: object) -> None:
        """Run a command; errors are emitted through ``failed``."""
        try:
            self._handlers[id](*state)
        except UserError as error:
            self.failed.emit(error)

    # Texts and keys

    def text_of(self, id: str) -> str:
        """The current text of an action, without its key."""
        return self._texts[id]

    def set_text(self, id: str, text: str) -> None:
        """Change the text of an action; the tooltip follows."""
        if text != self._texts[id]:
            self._texts[id] = text
            self._update_text(id)

    def set_keys(self, keys: Keys) -> None:
        """Assign keys to all actions; tooltips and menus show the first one."""
        self.keys = dict(keys)
        for row in ACTIONS:
            if not row.held and not row.on_release:
                self._actions[row.id].setShortcuts([QKeySequence(text) for text in keys.get(row.id, ())])
            self._update_text(row.id)

    def _update_text(self, id: str) -> None:
        action, text, key = self._actions[id], self._texts[id], self.key_of(id)
        menu_text = text.replace("&", "&&")
        # Menus show the shortcut of a QAction by themselves; held keys are not shortcuts.
        has_shortcut = bool(action.shortcuts())
        action.setText(f"{menu_text}\t{key}" if key and not has_shortcut else menu_text)
        action.setToolTip(f"{text} ({key})" if key else text)
        action.setStatusTip("")

    def key_of(self, id: str) -> str:
        """The first key of an action in the notation of the system; empty if it has none."""
        keys = self.keys.get(id, ())
        return QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""

    def key_event_actions(self) -> dict[str, tuple[Action, ...]]:
        """Actions that react to key press and release instead of a shortcut, by key text."""
        found: dict[str, list[Action]] = {}
        for row in ACTIONS:
            if row.held or row.on_release:
                for key in self.keys.get(row.id, ()):
                    found.setdefault(key, []).append(row)
        return {key: tuple(rows) for key, rows in found.items()}

    # Appearance

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icons."""
        for row in ACTIONS:
            if row.icon:
                self._actions[row.id].setIcon(icon(row.icon, theme))

    def set_has_video(self, has_video: bool) -> None:
        """Enable the commands that need a video only while one is open."""
        for row in ACTIONS:
            self._actions[row.id].setEnabled(has_video or not row.needs_video)

    def fill_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Create the menus of the table; returned by their keys in ``MENUS``."""
        menus: dict[str, QMenu] = {}
        for row in ACTIONS:
            parent: QMenu | None = None
            parts = row.menu.split("/") if row.menu else []
            for depth in range(len(parts)):
                key = "/".join(parts[: depth + 1])
                if key not in menus:
                    menus[key] = bar.addMenu(MENUS[key]) if parent is None else parent.addMenu(MENUS[key])
                parent = menus[key]
            if parent is not None:
                parent.addAction(self._actions[row.id])
        return menus

    def fill_tool_bar(self, bar: QToolBar) -> None:
        """Add the actions of the toolbar."""
        for id in TOOLBAR:
            if id:
                bar.addAction(self._actions[id])
            else:
                bar.addSeparator()


def is_text_field(widget: QWidget | None) -> bool:
    """Whether letters typed into the widget are text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, QLineEdit | QTextEdit | QPlainTextEdit | QAbstractSpinBox)


class KeyFilter(QObject):
    """Leaves plain keys to text fields, and turns key press and release into commands that have no shortcut.

    Signals:
        held(str, bool): the key of a held command was pressed or released.
        released(str): the key of an on-release command was released without a drag in between.
    """

    held = Signal(str, bool)
    released = Signal(str)

    def __init__(self, window: QWidget, actions: ActionSet, canvas: QWidget) -> None:
        super().__init__(window)
        self._window, self._actions, self._canvas = window, actions, canvas
        self._pressed: dict[int, tuple[Action, ...]] = {}
        self._has_dragged = False
        self.watch(window, canvas)

    def watch(self, *widgets: QWidget) -> None:
        """Filter the keys of these widgets too; keys that a widget ignores reach the window anyway."""
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        focused = QApplication.focusWidget()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and is_text_field(focused):
            modifiers = event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            if modifiers == Qt.KeyboardModifier.NoModifier and not _is_function_key(event.key()):
                event.accept()
                return True
        if kind == QEvent.Type.MouseMove and self._pressed:
            self._has_dragged = self._has_dragged or bool(QApplication.mouseButtons())
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return not is_text_field(focused) and self._on_press(event)
        if kind == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
            return self._on_release(event)
        if kind == QEvent.Type.WindowDeactivate and watched is self._window:
            self._release_all()
        return False

    def _on_press(self, event: QKeyEvent) -> bool:
        if event.key() in self._pressed:
            return True
        text = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
        rows = self._actions.key_event_actions().get(text, ())
        rows = tuple(row for row in rows if self._actions[row.id].isEnabled())
        if event.key() == Qt.Key.Key_Space and self._canvas.hasFocus():
            # The canvas pans with Space, and itself signals a release without a drag.
            return False
        if not rows or event.isAutoRepeat():
            return False
        self._pressed[event.key()] = rows
        self._has_dragged = False
        for row in rows:
            if row.held:
                self.held.emit(row.id, True)
        return True

    def _on_release(self, event: QKeyEvent) -> bool:
        if event.isAutoRepeat():
            return event.key() in self._pressed
        rows = self._pressed.pop(event.key(), ())
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


def _is_function_key(key: int) -> bool:
    return Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35
