"""The Keys page of the settings: a preset, the user's changes to it, and conflicts between commands."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.ui.action_table import ACTIONS
from iouviewer.ui.key_presets import PRESETS, conflicts, keys_of
from iouviewer.ui.palette import scheme_theme


class KeyEditor(QWidget):
    """Preset, table of commands with their keys, and an editor for the selected command.

    Args:
        preset: name of a preset; unknown names select the first one.
        changes: key texts by action id; several keys are separated by spaces.
    """

    def __init__(self, preset: str, changes: dict[str, str]) -> None:
        super().__init__()
        self.changes = dict(changes)
        self.preset_box = QComboBox()
        self.preset_box.setObjectName("keyPresetComboBox")
        self.preset_box.addItems(list(PRESETS))
        self.preset_box.setCurrentText(preset if preset in PRESETS else next(iter(PRESETS)))
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Find command"))
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
        self.editor = QKeySequenceEdit()
        self.editor.setMaximumSequenceLength(1)
        self.editor.setClearButtonEnabled(True)
        set_button, reset_button = QPushButton(tr("Set")), QPushButton(tr("Reset"))
        for button in (set_button, reset_button):
            button.setAutoDefault(False)
        self.warning = QLabel()
        self.warning.setObjectName("keyConflicts")
        self.warning.setProperty("role", "warning")
        self.warning.setWordWrap(True)
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(QLabel(tr("Preset")))
        top.addWidget(self.preset_box)
        top.addWidget(self.search, 1)
        bottom.addWidget(QLabel(tr("New key")))
        bottom.addWidget(self.editor, 1)
        bottom.addWidget(set_button)
        bottom.addWidget(reset_button)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.warning)
        layout.addLayout(bottom)
        self.preset_box.currentTextChanged.connect(self._update_table)
        self.search.textChanged.connect(self._filter)
        set_button.clicked.connect(self._on_set_clicked)
        reset_button.clicked.connect(self._on_reset_clicked)
        self._update_table()

    @property
    def preset(self) -> str:
        """Name of the chosen preset."""
        return self.preset_box.currentText()

    def keys(self) -> dict[str, tuple[str, ...]]:
        """Keys of all actions as the table shows them."""
        return keys_of(self.preset, {id: tuple(text.split()) for id, text in self.changes.items()})

    def set_key(self, id: str, text: str) -> None:
        """Assign keys to an action; several are separated by spaces."""
        self.changes[id] = text
        self._update_table()

    def _update_table(self) -> None:
        keys = self.keys()
        conflicting = conflicts(keys)
        theme = scheme_theme()
        for row, action in enumerate(ACTIONS):
            action_keys = keys[action.id]
            key_text = ", ".join(
                QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in action_keys
            )
            name = QTableWidgetItem(action.name)
            name.setData(Qt.ItemDataRole.UserRole, action.id)
            cell = QTableWidgetItem(key_text)
            if any(key.casefold() in conflicting for key in action_keys):
                cell.setForeground(QColor(theme.colours.warn))
                cell.setText(tr("{keys}  (conflict)", keys=key_text))
            elif action.id in self.changes:
                cell.setForeground(QColor(theme.colours.accent))
            self.table.setItem(row, 0, name)
            self.table.setItem(row, 1, cell)
        lines = [
            tr("{key}: {commands}", key=key.title(), commands=", ".join(action.name for action in actions))
            for key, actions in conflicting.items()
        ]
        self.warning.setText(tr("Conflicts: {list}", list="; ".join(lines)) if lines else "")
        self.warning.setVisible(bool(lines))
        self._filter(self.search.text())

    def _filter(self, query: str) -> None:
        for row, action in enumerate(ACTIONS):
            self.table.setRowHidden(row, query.casefold() not in action.text.casefold())

    def _selected_id(self) -> str | None:
        row = self.table.currentRow()
        return ACTIONS[row].id if row >= 0 else None

    def _on_set_clicked(self) -> None:
        id = self._selected_id()
        if id is not None:
            self.set_key(id, self.editor.keySequence().toString(QKeySequence.SequenceFormat.PortableText))

    def _on_reset_clicked(self) -> None:
        id = self._selected_id()
        if id is not None and self.changes.pop(id, None) is not None:
            self._update_table()
