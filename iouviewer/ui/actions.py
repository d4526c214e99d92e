"""Creates QActions and menus from the action table; keeps their texts, keys and availability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from iouviewer.errors import UserError
from iouviewer.ui.action_table import ACTIONS, FIRST_OF_GROUP, MENUS, REASONS, Action, KeyScope, Need
from iouviewer.ui.key_presets import Keys, keys_of
from iouviewer.ui.keyboard.key_text import shown_key
from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.theme import Theme, icon, popup_menu

_PORTABLE = QKeySequence.SequenceFormat.PortableText


class ActionSet(QObject):
    """All commands of one window.

    Args:
        window: gets the actions whose keys work everywhere.
        groups: objects whose methods the table names as ``group.method``.
        letters: what is printed on the keys; asked from the system by default.

    Signals:
        failed(UserError): a command failed.
        ran(str): a command was run.
        textsChanged(): texts, keys or the letters of the layout changed; tooltips made of them are out of date.
    """

    failed = Signal(object)
    ran = Signal(str)
    textsChanged = Signal()

    def __init__(self, window: QWidget, groups: Mapping[str, object], letters: KeyLetters | None = None) -> None:
        super().__init__(window)
        self.letters = letters or KeyLetters()
        self._window = window
        self._actions: dict[str, QAction] = {}
        self._handlers: dict[str, Callable[..., object]] = {}
        self._texts: dict[str, str] = {}
        self._rows = {row.id: row for row in ACTIONS}
        self._rows_of_key: dict[str, tuple[Action, ...]] = {}
        self._met: frozenset[Need] = frozenset()
        self.keys: Keys = {}
        for row in ACTIONS:
            group, method = row.handler.split(".")
            self._handlers[row.id] = partial(getattr(groups[group], method), *row.args)
            self._texts[row.id] = row.text
            self._actions[row.id] = self._create_action(row)
        self.set_keys(keys_of(""))
        self.set_met(frozenset())
        self.letters.changed.connect(self._update_texts)

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
        self.ran.emit(id)

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
        rows_of_key: dict[str, list[Action]] = {}
        for row in ACTIONS:
            if not row.held and not row.on_release:
                self._actions[row.id].setShortcuts([QKeySequence(text) for text in keys.get(row.id, ())])
            for text in keys.get(row.id, ()):
                rows_of_key.setdefault(QKeySequence(text).toString(_PORTABLE), []).append(row)
        self._rows_of_key = {text: tuple(rows) for text, rows in rows_of_key.items()}
        self._update_texts()

    def _update_texts(self) -> None:
        for id in self._actions:
            self._update_text(id)
        self.textsChanged.emit()

    def _update_text(self, id: str) -> None:
        action, text, key = self._actions[id], self._texts[id], self.key_of(id)
        menu_text = text.replace("&", "&&")
        # Menus show the shortcut of a QAction by themselves, with the letter of a US keyboard.
        shown_by_menu = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setText(f"{menu_text}\t{key}" if key and key != shown_by_menu else menu_text)
        reason = self.reason_of(id)
        tip = f"{text} ({key})" if key else text
        action.setToolTip(f"{tip}\n{reason[:1].upper()}{reason[1:]}" if reason else tip)
        action.setStatusTip("")

    def key_of(self, id: str) -> str:
        """The first key of an action as the layout and the system write it; empty if it has none."""
        keys = self.keys.get(id, ())
        return shown_key(keys[0], self.letters) if keys else ""

    def rows_of(self, key: str) -> tuple[Action, ...]:
        """Commands with a key, in Qt's portable text."""
        return self._rows_of_key.get(key, ())

    # Availability

    def set_met(self, met: frozenset[Need]) -> None:
        """Enable the commands whose needs are met; the tooltips of the others say what is missing."""
        changed = self._met ^ met
        is_first = not self._met and not met
        if not changed and not is_first:
            return
        self._met = met
        for row in ACTIONS:
            if is_first or not changed.isdisjoint(row.needs):
                self._actions[row.id].setEnabled(met.issuperset(row.needs))
                self._update_text(row.id)

    def reason_of(self, id: str) -> str:
        """Why a command is not available, as ``needs a selected box``; empty if it is."""
        missing = next((need for need in self._rows[id].needs if need not in self._met), None)
        return REASONS[missing] if missing is not None else ""

    # Appearance

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icons."""
        for row in ACTIONS:
            if row.icon:
                self._actions[row.id].setIcon(icon(row.icon, theme))

    def fill_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Create the menus of the table; returned by their keys in ``MENUS``."""
        menus = {key: popup_menu(title, bar) for key, title in MENUS.items() if "/" not in key}
        for menu in menus.values():
            bar.addMenu(menu)
        for row in ACTIONS:
            parent: QMenu | None = None
            parts = row.menu.split("/") if row.menu else []
            if row.id in FIRST_OF_GROUP:
                menus[parts[0]].addSeparator()
            for depth in range(len(parts)):
                key = "/".join(parts[: depth + 1])
                if key not in menus and parent is not None:
                    menus[key] = popup_menu(MENUS[key], parent)
                    parent.addMenu(menus[key])
                parent = menus[key]
            if parent is not None:
                parent.addAction(self._actions[row.id])
        return menus
