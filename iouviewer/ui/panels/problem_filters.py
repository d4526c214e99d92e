"""The filters of the list of problems: kind, class and order as chips, severity and text in a row that opens."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from iouviewer.document.problem_list import ProblemFilter, ProblemOrder
from iouviewer.document.problem_texts import TOPIC_NAMES
from iouviewer.document.problems import ProblemTopic
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import SPACE

TYPING_DELAY_MS = 150
"""Delay after the last key before the list is filtered by the typed text."""
_MIN_SEVERITIES = (0.0, 0.25, 0.5, 0.75)
_ANY_SEVERITY = tr("Any severity")
_ORDERS = {ProblemOrder.WORST: tr("Worst first"), ProblemOrder.FRAME: tr("By frame")}


class ProblemFilterBar(QWidget):
    """Filters and order of the list.

    Signals:
        changed(ProblemFilter): another filter.
        orderChanged(ProblemOrder): another order.
        groupedChanged(bool): grouped or not.
        stateChanged(): ``state`` returns something else.
        dismissed(): the keyboard focus should move to the list.
    """

    changed = Signal(object)
    orderChanged = Signal(object)
    groupedChanged = Signal(bool)
    stateChanged = Signal()
    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind = _chip("problemKind", tr("Kind of problem"))
        self.kind.addItem(tr("All kinds"))
        for topic, name in TOPIC_NAMES.items():
            self.kind.addItem(name, topic)
        self.class_ = _chip("problemClass", tr("Class of the problem's box"))
        self.order = _chip("problemOrder", tr("Order of the list"))
        for order, text in _ORDERS.items():
            self.order.addItem(text, order)
        self.more = QToolButton()
        self.more.setObjectName("problemMore")
        self.more.setAccessibleName(tr("More filters"))
        self.more.setToolTip(tr("Filter by text and severity, and group"))
        self.more.setCheckable(True)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.severity = self._make_severity()
        self.text = _make_text_field()
        self.group = QToolButton()
        self.group.setObjectName("problemGroups")
        self.group.setText(tr("Group"))
        self.group.setCheckable(True)
        self.group.setChecked(True)
        self.group.setToolTip(tr("Group problems of one track, or at one place on consecutive frames"))
        self.group.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._lay_out()
        self._typing = QTimer(self, singleShot=True, interval=TYPING_DELAY_MS)
        self._typing.timeout.connect(self._emit_changed)
        self._class_names: tuple[str, ...] | None = None
        # The class of restored filters, which may come before the classes of the document.
        self._class_wanted = ""
        self.set_classes(())
        for box in (self.kind, self.class_, self.severity):
            box.currentIndexChanged.connect(self._emit_changed)
        self.class_.activated.connect(self._on_class_chosen)
        self.order.currentIndexChanged.connect(self._on_order_changed)
        self.text.textChanged.connect(self._typing.start)
        self.text.returnPressed.connect(self._on_text_return_pressed)
        self.group.toggled.connect(self._on_group_toggled)
        self.more.toggled.connect(self._on_more_toggled)

    def _make_severity(self) -> QComboBox:
        box = QComboBox()
        box.setObjectName("problemLeast")
        box.setAccessibleName(tr("Minimum severity"))
        box.setToolTip(
            tr(
                "Minimum severity, from 0 to 1 within a kind: 1 − IoU of a loose box; the confidence of an extra "
                "prediction, of a wrong class and where all variants agree; the size of a missed box (1 from 0.1 "
                "megapixels)"
            )
        )
        for value in _MIN_SEVERITIES:
            box.addItem(f"≥ {value:g}" if value else _ANY_SEVERITY, value)
        return box

    def _lay_out(self) -> None:
        chips = QHBoxLayout()
        chips.setSpacing(SPACE["s"])
        for chip in (self.kind, self.class_, self.order):
            chips.addWidget(chip)
        chips.addStretch(1)
        chips.addWidget(self.more)
        self._details = QWidget()
        details = QHBoxLayout(self._details)
        details.setContentsMargins(0, 0, 0, 0)
        details.setSpacing(SPACE["s"])
        details.addWidget(self.text, 1)
        details.addWidget(self.severity)
        details.addWidget(self.group)
        self._details.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["xs"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addLayout(chips)
        layout.addWidget(self._details)
        self.update_icon()

    def update_icon(self) -> None:
        """Draw the icon in the colours of the current theme."""
        self.more.setIcon(coloured_icon("filter", scheme_theme().colours.text2))

    @property
    def filter(self) -> ProblemFilter:
        """The chosen filter."""
        topic, class_id = self.kind.currentData(), self.class_.currentData()
        return ProblemFilter(
            frozenset() if topic is None else frozenset({ProblemTopic(topic)}),
            float(self.severity.currentData()),
            self.text.text(),
            frozenset() if class_id is None else frozenset({int(class_id)}),
        )

    def state(self) -> dict[str, object]:
        """The filters and the order for the settings; empty where all are the usual ones."""
        chosen = {
            "kind": self.kind.currentData(),
            "class": self.class_.currentText() if self.class_.currentIndex() > 0 else None,
            "order": None if self.order.currentIndex() <= 0 else self.order.currentData(),
            "severity": self.severity.currentData() or None,
            "text": self.text.text() or None,
            "grouped": None if self.group.isChecked() else False,
        }
        return {name: value for name, value in chosen.items() if value is not None}

    def restore_state(self, state: Mapping[str, object]) -> None:
        """Choose what ``state`` returned; what is not offered any more is left out."""
        self._class_wanted = str(state.get("class", ""))
        self.more.setChecked(bool({"severity", "text", "grouped"} & state.keys()))
        for box, value in (
            (self.kind, state.get("kind")),
            (self.severity, state.get("severity", 0.0)),
            (self.order, state.get("order")),
        ):
            box.setCurrentIndex(next((i for i in range(box.count()) if box.itemData(i) == value), 0))
        self.class_.setCurrentIndex(max(0, self.class_.findText(self._class_wanted)))
        self.text.setText(str(state.get("text", "")))
        self.group.setChecked(state.get("grouped") is not False)
        self._emit_changed()

    def set_classes(self, names: tuple[str, ...]) -> None:
        """Offer these classes; the chip is hidden while there is only one."""
        if names == self._class_names:
            return
        self._class_names = names
        chosen, wanted = self.class_.currentData(), self._class_wanted
        with QSignalBlocker(self.class_):
            self.class_.clear()
            self.class_.addItem(tr("Any class"))
            for number, name in enumerate(names):
                self.class_.addItem(name, number)
            self.class_.addItem(tr("no class"), UNSPECIFIED_CLASS)
            place = (
                self.class_.findText(wanted) if wanted else self.class_.findData(chosen) if chosen is not None else 0
            )
            self.class_.setCurrentIndex(max(0, place))
        _show_choice(self.class_)
        self.class_.setVisible(len(names) > 1)
        if self.class_.currentData() != chosen:
            self._emit_changed()

    def show_counts(self, counts: dict[ProblemTopic, int]) -> None:
        """Show the number of open problems beside each kind."""
        for place in range(1, self.kind.count()):
            topic = ProblemTopic(self.kind.itemData(place))
            text = f"{TOPIC_NAMES[topic]}  {counts[topic]:,}"
            if text != self.kind.itemText(place):
                self.kind.setItemText(place, text)

    def focus_text(self) -> None:
        """Type into the filter."""
        self.more.setChecked(True)
        self.text.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.text.selectAll()

    def _emit_changed(self) -> None:
        self._typing.stop()
        self.changed.emit(self.filter)
        self.stateChanged.emit()

    def _on_class_chosen(self) -> None:
        self._class_wanted = ""

    def _on_group_toggled(self, grouped: bool) -> None:
        self.groupedChanged.emit(grouped)
        self.stateChanged.emit()

    def _on_order_changed(self) -> None:
        self.group.setEnabled(self.order.currentData() == ProblemOrder.WORST)
        self.orderChanged.emit(ProblemOrder(self.order.currentData()))
        self.stateChanged.emit()

    def _on_more_toggled(self, shown: bool) -> None:
        self._details.setVisible(shown)
        if not shown:
            # A filter that is not seen must not hide problems.
            self.text.clear()
            self.severity.setCurrentIndex(0)
            self._emit_changed()

    def _on_text_return_pressed(self) -> None:
        self._emit_changed()
        self.dismissed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text.hasFocus():
            self.text.clear()
            self._on_text_return_pressed()
            return
        super().keyPressEvent(event)


def _chip(name: str, accessible_name: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    box.setAccessibleName(accessible_name)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(7)
    # In a narrow panel the text is cut; the tooltip tells it.
    box.currentTextChanged.connect(lambda _text: _show_choice(box))
    return box


def _show_choice(box: QComboBox) -> None:
    box.setToolTip(tr("{name}: {choice}", name=box.accessibleName(), choice=box.currentText()))


def _make_text_field() -> QLineEdit:
    field = QLineEdit()
    field.setObjectName("problemText")
    field.setAccessibleName(tr("Filter problems by text"))
    field.setPlaceholderText(tr("Filter"))
    field.setToolTip(
        tr(
            "Part of the name of a class or kind; a number for a frame, box or track; 100-200 for frames. Enter goes "
            "to the list, Esc clears the filter."
        )
    )
    field.setClearButtonEnabled(True)
    field.setMinimumWidth(56)
    field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return field
