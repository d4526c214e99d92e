"""The Keys page of the settings: a preset and the user's changes to it. A key that belongs to a command is refused."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.ui.action_table import ACTIONS, Action
from iouviewer.ui.key_presets import PRESETS, Keys, conflicts, keys_of
from iouviewer.ui.keyboard.key_capture import KeyCapture
from iouviewer.ui.keyboard.key_text import shown_key
from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.palette import scheme_theme

MIRRORED = "mouseInLeftHand"
"""Key of the setting for mirrored keys: ``1`` or nothing."""


class KeyEditor(QWidget):
    """Preset, table of commands with their keys, and an editor for the selected command.

    Args:
        preset: name of a preset; unknown names select the first one.
        changes: key texts by action id; several keys are separated by spaces.
        is_mirrored: places are flipped for the mouse in the left hand.
        letters: what is printed on the keys; asked from the system by default.

    Attributes:
        tab_order: the widgets that take the keyboard, in order.

    Signals:
        changed(): preset, mirror or a key changed.
    """

    changed = Signal()

    def __init__(
        self,
        preset: str,
        changes: dict[str, str],
        *,
        is_mirrored: bool = False,
        letters: KeyLetters | None = None,
    ) -> None:
        super().__init__()
        self._letters = letters or KeyLetters()
        self.changes = dict(changes)
        self.preset_box = QComboBox()
        self.preset_box.setObjectName("keyPresetComboBox")
        self.preset_box.addItems(list(PRESETS))
        self.preset_box.setAccessibleName(tr("Preset"))
        self.preset_box.setCurrentText(preset if preset in PRESETS else next(iter(PRESETS)))
        self.mirror = QCheckBox(tr("Mouse in left hand"))
        self.mirror.setObjectName("keyMirror")
        self.mirror.setToolTip(tr("Keys are mirrored for the right hand"))
        self.mirror.setChecked(is_mirrored)
        self.search = QLineEdit()
        self.search.setObjectName("keySearch")
        self.search.setPlaceholderText(tr("Find command"))
        self.search.setAccessibleName(tr("Find command"))
        self._create_table()
        self.editor = KeyCapture(self._letters)
        self.editor.setObjectName("keyCapture")
        self.editor.setAccessibleName(tr("New key"))
        self._set, self._reset = QPushButton(tr("Set")), QPushButton(tr("Reset"))
        for button in (self._set, self._reset):
            button.setAutoDefault(False)
        self.warning = QLabel()
        self.warning.setObjectName("keyConflicts")
        self.warning.setProperty("role", "warning")
        self.warning.setWordWrap(True)
        self._lay_out()
        self.preset_box.currentTextChanged.connect(self._on_changed)
        self.mirror.toggled.connect(self._on_changed)
        self.editor.captured.connect(self._show_owner)
        self.table.itemSelectionChanged.connect(self._on_selection_changed)
        self.search.textChanged.connect(self._filter)
        self._set.clicked.connect(self._on_set_clicked)
        self._reset.clicked.connect(self._on_reset_clicked)
        self._update_table()

    def _create_table(self) -> None:
        self.table = QTableWidget(len(ACTIONS), 2)
        self.table.setObjectName("keysTable")
        self.table.setHorizontalHeaderLabels([tr("Command"), tr("Keys")])
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(1, 200)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.table.horizontalHeader().setDefaultAlignment(left)
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)

    def _lay_out(self) -> None:
        top, bottom = QHBoxLayout(), QHBoxLayout()
        self._top = top
        top.addWidget(QLabel(tr("Preset")))
        top.addWidget(self.preset_box)
        top.addWidget(self.mirror)
        top.addWidget(self.search, 1)
        bottom.addWidget(QLabel(tr("New key")))
        bottom.addWidget(self.editor, 1)
        bottom.addWidget(self._set)
        bottom.addWidget(self._reset)
        self.tab_order = (self.preset_box, self.mirror, self.search, self.table, self.editor, self._set, self._reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.warning)
        layout.addLayout(bottom)

    @property
    def preset(self) -> str:
        """Name of the chosen preset."""
        return self.preset_box.currentText()

    @property
    def is_mirrored(self) -> bool:
        """Whether places are flipped for the mouse in the left hand."""
        return self.mirror.isChecked()

    def add_button(self, button: QPushButton) -> None:
        """Show a button beside the search."""
        self._top.addWidget(button)

    def show_matching(self, query: str) -> bool:
        """Show the commands whose names match; returns whether there are any."""
        self.search.setText(query if self._count(query) else "")
        return self._count(query) > 0

    def reset(self) -> None:
        """Use the first preset without changes."""
        self.changes.clear()
        self.mirror.setChecked(False)
        self.preset_box.setCurrentIndex(0)
        self._on_changed()

    def keys(self) -> Keys:
        """Keys of all actions as the table shows them."""
        changes = {id: tuple(text.split()) for id, text in self.changes.items()}
        return keys_of(self.preset, changes, is_mirrored=self.is_mirrored)

    def owner_of(self, key: str, *, other_than: str) -> Action | None:
        """The command that has a key already."""
        keys = self.keys()
        return next(
            (row for row in ACTIONS if row.id != other_than and key.casefold() in map(str.casefold, keys[row.id])), None
        )

    def set_key(self, id: str, text: str) -> bool:
        """Assign keys to an action; several are separated by spaces. False if one belongs to another command."""
        for key in text.split():
            owner = self.owner_of(key, other_than=id)
            if owner is not None:
                self._refuse(key, owner)
                return False
        self.changes[id] = text
        self._on_changed()
        return True

    def select(self, id: str) -> None:
        """Select a command and wait for its key."""
        self.search.clear()
        self.table.selectRow(next(row for row, action in enumerate(ACTIONS) if action.id == id))
        self.table.scrollTo(self.table.currentIndex())
        self.editor.setFocus()

    def _refuse(self, key: str, owner: Action) -> None:
        text = tr(
            "{key} belongs to “{command}”. Give that another key first.", key=self._shown(key), command=owner.name
        )
        self.warning.setText(text)
        self.warning.show()

    def _show_owner(self, key: str) -> None:
        """Say at once whom a key that is pressed belongs to."""
        owner = self.owner_of(key, other_than=self._selected_id() or "")
        if owner is not None:
            self._refuse(key, owner)
        else:
            self._show_conflicts()

    def _shown(self, key: str) -> str:
        return shown_key(key, self._letters)

    def _on_changed(self) -> None:
        self._update_table()
        self.changed.emit()

    def _on_selection_changed(self) -> None:
        id = self._selected_id()
        keys = self.keys()[id] if id is not None else ()
        self.editor.set_key(keys[0] if keys else "")
        self._show_conflicts()

    def _update_table(self) -> None:
        keys = self.keys()
        conflicting = conflicts(keys)
        theme = scheme_theme()
        for row, action in enumerate(ACTIONS):
            key_text = ", ".join(map(self._shown, keys[action.id]))
            name = QTableWidgetItem(action.name)
            name.setData(Qt.ItemDataRole.UserRole, action.id)
            cell = QTableWidgetItem(key_text)
            if any(key.casefold() in conflicting for key in keys[action.id]):
                cell.setForeground(QColor(theme.colours.warn))
                cell.setText(tr("{keys}  (conflict)", keys=key_text))
            elif action.id in self.changes:
                cell.setForeground(QColor(theme.colours.accent))
            self.table.setItem(row, 0, name)
            self.table.setItem(row, 1, cell)
        self._show_conflicts()
        self._filter(self.search.text())

    def _show_conflicts(self) -> None:
        """Conflicts can come from settings of an earlier version, or from another preset under own changes."""
        lines = [
            tr("{key}: {commands}", key=key.title(), commands=", ".join(action.name for action in actions))
            for key, actions in conflicts(self.keys()).items()
        ]
        self.warning.setText(tr("Conflicts: {list}", list="; ".join(lines)) if lines else "")
        self.warning.setVisible(bool(lines))

    def _count(self, query: str) -> int:
        return sum(query.casefold().strip() in action.text.casefold() for action in ACTIONS)

    def _filter(self, query: str) -> None:
        for row, action in enumerate(ACTIONS):
            self.table.setRowHidden(row, query.casefold().strip() not in action.text.casefold())

    def _selected_id(self) -> str | None:
        row = self.table.currentRow()
        return ACTIONS[row].id if row >= 0 else None

    def _on_set_clicked(self) -> None:
        id = self._selected_id()
        if id is not None:
            self.set_key(id, self.editor.key)

    def _on_reset_clicked(self) -> None:
        id = self._selected_id()
        if id is not None and self.changes.pop(id, None) is not None:
            self._on_changed()
            self._on_selection_changed()
