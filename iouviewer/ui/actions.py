"""Makes QActions, menus and the tool bar from the table of actions, and guards the keys of text fields."""

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
from iouviewer.ui.action_table import ACTIONS, TOOLBAR, Action, Where
from iouviewer.ui.icons import icon
from iouviewer.ui.key_presets import Keys, keys_of
from iouviewer.ui.theme import Theme

_WITHOUT_VIDEO = (
    "open",
    "quit",
    "settings",
    "commandPalette",
    "correct",
    "compare",
    "nextPanel",
    "confidence",
    "cancel",
)


class ActionSet(QObject):
    """All commands of one window.

    Args:
        window: gets the actions whose keys work everywhere.
        groups: objects whose methods the table names as ``group.method``.

    Signals:
        failed(UserError): a command could not be done.
    """

    failed = Signal(object)

    def __init__(self, window: QWidget, groups: Mapping[str, object]) -> None:
        super().__init__(window)
        self._window = window
        self._actions: dict[str, QAction] = {}
        self._handlers: dict[str, Callable[..., object]] = {}
        self.keys: Keys = {}
        for row in ACTIONS:
            group, method = row.handler.split(".")
            self._handlers[row.id] = partial(getattr(groups[group], method), *row.args)
            self._actions[row.id] = self._make(row)
        self.set_keys(keys_of(""))

    def __getitem__(self, id: str) -> QAction:
        return self._actions[id]

    def _make(self, row: Action) -> QAction:
        action = QAction(row.text, self._window)
        action.setObjectName(f"action.{row.id}")
        action.setCheckable(row.checkable)
        whole = row.where is Where.WINDOW
        action.setShortcutContext(
            Qt.ShortcutContext.WindowShortcut if whole else Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        if row.checkable:
            action.toggled.connect(partial(self.run, row.id))
        elif row.held:
            action.triggered.connect(partial(self._tap, row.id))
        else:
            action.triggered.connect(partial(self._on_triggered, row.id))
        if whole:
            self._window.addAction(action)
        return action

    def add_to_canvas(self, canvas: QWidget) -> None:
        """Keys that work only there."""
        for row in ACTIONS:
            if row.where is Where.CANVAS:
                canvas.addAction(self._actions[row.id])

    def _on_triggered(self, id: str, checked: bool = False) -> None:  # noqa: ARG002 - Qt's signal carries it
        self.run(id)

    def _tap(self, id: str, checked: bool = False) -> None:  # noqa: ARG002
        # From a menu or the palette a held command cannot be held: it is switched on until any key is let go.
        self.run(id, True)

    def run(self, id: str, *state: object) -> None:
        """Do a command; what goes wrong is told through ``failed``."""
        try:
            self._handlers[id](*state)
        except UserError as error:
            self.failed.emit(error)

    # Keys

    def set_keys(self, keys: Keys) -> None:
        """Give every action these keys; tooltips and menus show the first."""
        self.keys = dict(keys)
        for row in ACTIONS:
            action, texts = self._actions[row.id], keys.get(row.id, ())
            sequences = [QKeySequence(text) for text in texts]
            shown = sequences[0].toString(QKeySequence.SequenceFormat.NativeText) if sequences else ""
            if not row.held and not row.on_release:
                action.setShortcuts(sequences)
            action.setText(f"{row.text}\t{shown}" if shown and (row.held or row.on_release) else row.text)
            action.setToolTip(f"{row.text} ({shown})" if shown else row.text)
            action.setStatusTip("")

    def key_of(self, id: str) -> str:
        """The first key of an action as this system writes it; empty if it has none."""
        keys = self.keys.get(id, ())
        return QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""

    def loose_keys(self) -> dict[str, tuple[Action, ...]]:
        """Actions that act on key down and up, by key text."""
        found: dict[str, list[Action]] = {}
        for row in ACTIONS:
            if row.held or row.on_release:
                for key in self.keys.get(row.id, ()):
                    found.setdefault(key, []).append(row)
        return {key: tuple(rows) for key, rows in found.items()}

    # Looks

    def set_theme(self, theme: Theme) -> None:
        """Icons in the colours of the theme."""
        for row in ACTIONS:
            if row.icon:
                self._actions[row.id].setIcon(icon(row.icon, theme))

    def set_has_video(self, there: bool) -> None:
        """Commands that need a video can be used only with one."""
        for id, action in self._actions.items():
            action.setEnabled(there or id.startswith(_WITHOUT_VIDEO))

    def fill_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """The menus of the table; returned by title."""
        menus: dict[str, QMenu] = {}
        for row in ACTIONS:
            if not row.menu:
                continue
            path = ""
            menu: QMenu | None = None
            for part in row.menu.split("/"):
                path = f"{path}/{part}".lstrip("/")
                if path not in menus:
                    menus[path] = bar.addMenu(part) if menu is None else menu.addMenu(part)
                menu = menus[path]
            if menu is not None:
                menu.addAction(self._actions[row.id])
        return menus

    def fill_tool_bar(self, bar: QToolBar) -> None:
        """The tool bar of the table."""
        for id in TOOLBAR:
            if id:
                bar.addAction(self._actions[id])
            else:
                bar.addSeparator()


def is_text_field(widget: QWidget | None) -> bool:
    """Whether letters typed there are text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    return isinstance(widget, QLineEdit | QTextEdit | QPlainTextEdit | QAbstractSpinBox)


class KeyGuard(QObject):
    """Keeps plain keys in text fields, and turns keys that act on release or while held into commands.

    Signals:
        held(str, bool): the key of a held command went down or up.
        released(str): the key of a command on release was let go without a drag in between.
    """

    held = Signal(str, bool)
    released = Signal(str)

    def __init__(self, window: QWidget, actions: ActionSet, canvas: QWidget) -> None:
        super().__init__(window)
        self._window, self._actions, self._canvas = window, actions, canvas
        self._down: dict[int, tuple[Action, ...]] = {}
        self._forgotten = False
        self.watch(window, canvas)

    def watch(self, *widgets: QWidget) -> None:
        """Look at the keys of these widgets first; keys that a widget ignores come to the window anyway."""
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        focused = QApplication.focusWidget()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and is_text_field(focused):
            plain = event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            if plain == Qt.KeyboardModifier.NoModifier and not _is_function_key(event.key()):
                event.accept()
                return True
        if kind == QEvent.Type.MouseMove and self._down:
            self._forgotten = self._forgotten or bool(QApplication.mouseButtons())
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return not is_text_field(focused) and self._on_press(event)
        if kind == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
            return self._on_release(event)
        if kind == QEvent.Type.WindowDeactivate and watched is self._window:
            self._let_go()
        return False

    def _on_press(self, event: QKeyEvent) -> bool:
        if event.key() in self._down:
            return True
        text = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.PortableText)
        rows = self._actions.loose_keys().get(text, ())
        rows = tuple(row for row in rows if self._actions[row.id].isEnabled())
        if event.key() == Qt.Key.Key_Space and self._canvas.hasFocus():
            # The canvas pans with Space and tells when it was let go without a drag.
            return False
        if not rows or event.isAutoRepeat():
            return False
        self._down[event.key()] = rows
        self._forgotten = False
        for row in rows:
            if row.held:
                self.held.emit(row.id, True)
        return True

    def _on_release(self, event: QKeyEvent) -> bool:
        if event.isAutoRepeat():
            return event.key() in self._down
        rows = self._down.pop(event.key(), ())
        for row in rows:
            if row.held:
                self.held.emit(row.id, False)
            elif not self._forgotten:
                self.released.emit(row.id)
        return bool(rows)

    def _let_go(self) -> None:
        for rows in self._down.values():
            for row in rows:
                if row.held:
                    self.held.emit(row.id, False)
        self._down.clear()


def _is_function_key(key: int) -> bool:
    return Qt.Key.Key_F1 <= key <= Qt.Key.Key_F35
