"""Rows of the settings: a name, a control, a note. A control reads and shows one value; a change holds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.ui.tokens import SIZE, SPACE

NAME_WIDTH = 150
_FIELD_WIDTH = 150


@dataclass(frozen=True, slots=True)
class Control:
    """A widget with its value.

    Attributes:
        read, show: the value of the widget; ``show`` does not count as a change.
        connect: calls a function at each change by the user.
    """

    widget: QWidget
    read: Callable[[], Any]
    show: Callable[[Any], None]
    connect: Callable[[Callable[[], None]], None]


def _quietly(widget: QWidget, show: Callable[[Any], object]) -> Callable[[Any], None]:
    def run(value: Any) -> None:
        with QSignalBlocker(widget):
            show(value)

    return run


def fraction_control(name: str, *, step: float = 0.05) -> Control:
    """A number from 0 to 1 with two decimals."""
    box = QDoubleSpinBox()
    box.setRange(0.0, 1.0)
    box.setSingleStep(step)
    box.setDecimals(2)
    return _number_control(box, name)


def points_control(name: str) -> Control:
    """Points of AP or PQ."""
    box = QDoubleSpinBox()
    box.setRange(0.0, 100.0)
    box.setDecimals(1)
    box.setSuffix(tr(" points"))
    return _number_control(box, name)


def _number_control(box: QDoubleSpinBox, name: str) -> Control:
    _prepare(box, name)
    return Control(
        box,
        lambda: round(box.value(), 4),
        _quietly(box, box.setValue),
        lambda slot: _connect(box.valueChanged, slot),
    )


def integer_control(name: str, low: int, high: int, *, step: int, suffix: str) -> Control:
    """An integer with its unit."""
    box = QSpinBox()
    box.setRange(low, high)
    box.setSingleStep(step)
    box.setSuffix(suffix)
    box.setGroupSeparatorShown(True)
    _prepare(box, name)
    return Control(box, box.value, _quietly(box, box.setValue), lambda slot: _connect(box.valueChanged, slot))


def choice_control(name: str, texts: dict[str, str]) -> Control:
    """One of several values by their texts."""
    box = QComboBox()
    box.setObjectName(name)
    box.setFixedWidth(_FIELD_WIDTH)
    for key, text in texts.items():
        box.addItem(text, key)

    def show(value: str) -> None:
        box.setCurrentIndex(max(0, box.findData(value)))

    return Control(box, box.currentData, _quietly(box, show), lambda slot: _connect(box.currentIndexChanged, slot))


def switch_control(name: str, text: str) -> Control:
    """On or off."""
    box = QCheckBox(text)
    box.setObjectName(name)
    return Control(box, box.isChecked, _quietly(box, box.setChecked), lambda slot: _connect(box.toggled, slot))


def text_control(name: str, placeholder: str) -> Control:
    """A line of text; it holds when Enter is pressed or the field is left."""
    line = QLineEdit()
    line.setObjectName(name)
    line.setPlaceholderText(placeholder)
    line.setFixedWidth(2 * _FIELD_WIDTH)
    return Control(
        line,
        lambda: line.text().strip(),
        _quietly(line, line.setText),
        lambda slot: _connect(line.editingFinished, slot),
    )


def _prepare(box: QSpinBox | QDoubleSpinBox, name: str) -> None:
    box.setObjectName(name)
    box.setFixedWidth(_FIELD_WIDTH)
    # A number that is being typed holds when it is complete.
    box.setKeyboardTracking(False)


def _connect(signal: Any, slot: Callable[[], None]) -> None:
    signal.connect(lambda *_value: slot())


class SettingRow(QWidget):
    """A name, what is set, and a note below."""

    def __init__(self, name: str, content: QWidget, note: str = "", *, also: str = "") -> None:
        """``also``: further words by which the search finds the row."""
        super().__init__()
        self._words = " ".join((name, note, also, _text_of(content))).casefold()
        label = QLabel(name)
        label.setObjectName("settingName")
        label.setFixedWidth(NAME_WIDTH)
        label.setMinimumHeight(SIZE["control"])
        label.setWordWrap(True)
        label.setBuddy(content)
        if name:
            content.setAccessibleName(name)
        right = QVBoxLayout()
        right.setSpacing(SPACE["xs"])
        content.setMinimumHeight(SIZE["control"])
        line = QHBoxLayout()
        line.addWidget(content)
        line.addStretch(1)
        right.addLayout(line)
        if note:
            right.addWidget(note_label(note))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE["m"])
        layout.setSpacing(SPACE["m"])
        layout.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(right, 1)

    def matches(self, query: str) -> bool:
        """Whether the words of a query are all in the texts of the row."""
        return all(word in self._words for word in query.casefold().split())


def push_button(name: str, text: str, slot: Callable[[], object]) -> QPushButton:
    """A button that is pressed on purpose only, never by Enter in a field."""
    button = QPushButton(text)
    button.setObjectName(name)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _checked: slot())
    return button


def note_label(text: str) -> QLabel:
    """A weaker text that explains."""
    label = QLabel(text)
    label.setProperty("role", "caption")
    label.setWordWrap(True)
    return label


def _text_of(content: QWidget) -> str:
    if isinstance(content, QCheckBox):
        return content.text()
    if isinstance(content, QComboBox):
        return " ".join(content.itemText(row) for row in range(content.count()))
    return ""
