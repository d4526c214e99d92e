"""The filters of the list of problems: kind, class, order, others in rows that open, and a chip for each that is on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.document.decisions import Verdict
from iouviewer.document.problem_list import ProblemFilter, ProblemOrder
from iouviewer.document.problem_texts import TOPIC_NAMES
from iouviewer.document.problems import ProblemKind
from iouviewer.i18n import tr
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import SPACE

TYPING_DELAY_MS = 150
"""Delay after the last key before the list is filtered by the typed text."""
_MIN_SCORES = (0.0, 0.25, 0.5, 0.75, 0.9)
_MIN_CONFIDENCES = (0.0, 0.25, 0.5, 0.75, 0.9)
_ORDERS = {
    ProblemOrder.WORST: tr("Worst first"),
    ProblemOrder.FRAME: tr("By frame"),
    ProblemOrder.TRACK: tr("By track"),
    ProblemOrder.ALIKE: tr("Look-alikes"),
}
_STATES: dict[str, tuple[str, frozenset[Verdict]]] = {
    "open": (tr("Undecided"), frozenset()),
    "decided": (tr("Decided"), frozenset(Verdict)),
    "unclear": (tr("Unclear"), frozenset({Verdict.UNCLEAR})),
    "kept": (tr("Kept"), frozenset({Verdict.RIGHT})),
}
_SIZES = {"small": tr("Small, under 32²"), "medium": tr("Medium, under 96²"), "large": tr("Large")}
_CHIPS_A_ROW = 3


class ProblemFilterBar(QWidget):
    """Filters and order of the list; the panel places ``order``.

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
        self.more.setToolTip(tr("Filter by state, variant, confidence, size, likelihood and text, and group"))
        self.more.setCheckable(True)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._make_details()
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
        self.set_variants(())
        for box in (self.kind, self.class_, *self._boxes.values()):
            box.currentIndexChanged.connect(self._emit_changed)
        self.class_.activated.connect(self._on_class_chosen)
        self.order.currentIndexChanged.connect(self._on_order_changed)
        self.text.textChanged.connect(self._typing.start)
        self.text.returnPressed.connect(self._on_text_return_pressed)
        self.group.toggled.connect(self._on_group_toggled)
        self.more.toggled.connect(self._on_more_toggled)

    def _make_details(self) -> None:
        """The choices in the rows that open, by their names in ``state``."""
        self.state_ = _chip("problemState", tr("State of the problems"))
        for name, (text, _) in _STATES.items():
            self.state_.addItem(text, name)
        self.variant = _chip("problemVariant", tr("Variant that agrees"))
        self.confidence = _chip("problemConfidence", tr("Minimum confidence of the variants that see it"))
        self.size_ = _chip("problemSize", tr("Size of the box"))
        self.size_.addItem(tr("Any size"), "")
        for name, text in _SIZES.items():
            self.size_.addItem(text, name)
        self.severity = _chip("problemLeast", tr("How likely the ground truth is wrong, at least"))
        for box, values, any_text in (
            (self.confidence, _MIN_CONFIDENCES, tr("Any confidence")),
            (self.severity, _MIN_SCORES, tr("Any likelihood")),
        ):
            for value in values:
                box.addItem(f"≥ {value:g}" if value else any_text, value)
        self._boxes = {
            "state": self.state_,
            "variant": self.variant,
            "confidence": self.confidence,
            "size": self.size_,
            "score": self.severity,
        }

    def _lay_out(self) -> None:
        chips = QHBoxLayout()
        chips.setSpacing(SPACE["s"])
        for chip in (self.kind, self.class_):
            chips.addWidget(chip, 1)
        chips.addWidget(self.more)
        self._details = QWidget()
        details = QGridLayout(self._details)
        details.setContentsMargins(0, 0, 0, 0)
        details.setSpacing(SPACE["s"])
        for place, box in enumerate(self._boxes.values()):
            details.addWidget(box, place // 2, place % 2)
        details.addWidget(self.group, 2, 1)
        details.addWidget(self.text, 3, 0, 1, 2)
        self._details.hide()
        self._active = QWidget()
        self._active.setObjectName("problemActiveFilters")
        self._active_layout = QGridLayout(self._active)
        self._active_layout.setContentsMargins(0, 0, 0, 0)
        self._active_layout.setSpacing(SPACE["xs"])
        self._active_layout.setColumnStretch(_CHIPS_A_ROW, 1)
        self._active.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["xs"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addLayout(chips)
        layout.addWidget(self._details)
        layout.addWidget(self._active)
        self.update_icon()

    def update_icon(self) -> None:
        """Draw the icon in the colours of the current theme."""
        self.more.setIcon(coloured_icon("filter", scheme_theme().colours.text2))

    @property
    def filter(self) -> ProblemFilter:
        """The chosen filter."""
        topic, class_id, variant = self.kind.currentData(), self.class_.currentData(), self.variant.currentIndex()
        return ProblemFilter(
            topics=frozenset() if topic is None else frozenset({ProblemKind(topic)}),
            min_score=float(self.severity.currentData()),
            text=self.text.text(),
            class_ids=frozenset() if class_id is None else frozenset({int(class_id)}),
            verdicts=_STATES[str(self.state_.currentData())][1],
            variants=frozenset({variant - 1}) if variant > 0 else frozenset(),
            min_confidence=float(self.confidence.currentData()),
            sizes=frozenset({str(self.size_.currentData())} - {""}),
        )

    def state(self) -> dict[str, object]:
        """The filters and the order for the settings; empty where all are the usual ones."""
        chosen = {
            "kind": self.kind.currentData(),
            "class": self.class_.currentText() if self.class_.currentIndex() > 0 else None,
            "order": None if self.order.currentIndex() <= 0 else self.order.currentData(),
            "text": self.text.text() or None,
            "grouped": None if self.group.isChecked() else False,
        }
        for name, box in self._boxes.items():
            chosen[name] = box.currentData() if box.currentIndex() > 0 else None
        return {name: value for name, value in chosen.items() if value is not None}

    def restore_state(self, state: Mapping[str, object]) -> None:
        """Choose what ``state`` returned; what is not offered any more is left out."""
        self._class_wanted = str(state.get("class", ""))
        for box, value in (
            (self.kind, state.get("kind")),
            (self.order, state.get("order")),
            *((box, state.get(name)) for name, box in self._boxes.items()),
        ):
            box.setCurrentIndex(next((i for i in range(box.count()) if box.itemData(i) == value), 0))
        self.class_.setCurrentIndex(max(0, self.class_.findText(self._class_wanted)))
        self.text.setText(str(state.get("text", "")))
        self.group.setChecked(state.get("grouped") is not False)
        self._emit_changed()

    def set_variants(self, names: tuple[str, ...]) -> None:
        """Offer these variants, the baseline first; the choice is hidden while there is only one."""
        if names == tuple(self.variant.itemText(place) for place in range(1, self.variant.count())):
            return
        chosen = self.variant.currentData()
        with QSignalBlocker(self.variant):
            self.variant.clear()
            self.variant.addItem(tr("Any variant"))
            for name in names:
                self.variant.addItem(name, name)
            self.variant.setCurrentIndex(max(0, self.variant.findData(chosen)) if chosen else 0)
        self.variant.setVisible(len(names) > 1)
        if self.variant.currentData() != chosen:
            self._emit_changed()

    def clear(self) -> None:
        """Show all undecided problems."""
        for box in (self.kind, self.class_, *self._boxes.values()):
            box.setCurrentIndex(0)
        self.text.clear()
        self._emit_changed()

    def _show_active(self) -> None:
        """A chip with a cross for each filter that is on."""
        while (item := self._active_layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        boxes = [box for box in (self.kind, self.class_, *self._boxes.values()) if box.currentIndex() > 0]
        chips: list[tuple[str, Callable[[], object]]] = [
            (_chip_text(box), partial(box.setCurrentIndex, 0)) for box in boxes
        ]
        if self.text.text():
            chips.append((tr("“{text}”", text=self.text.text()), self._on_text_dropped))
        for place, (text, drop) in enumerate(chips):
            chip = QToolButton()
            chip.setProperty("segment", True)
            chip.setText(tr("{filter} ×", filter=text))
            chip.setAccessibleName(tr("Remove filter {filter}", filter=text))
            chip.setToolTip(chip.accessibleName())
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.clicked.connect(partial(_call, drop))
            self._active_layout.addWidget(chip, place // _CHIPS_A_ROW, place % _CHIPS_A_ROW)
        self._active.setVisible(bool(chips))

    def _on_text_dropped(self) -> None:
        self.text.clear()
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

    def show_counts(self, counts: dict[ProblemKind, int]) -> None:
        """Show the number of open problems beside each kind."""
        for place in range(1, self.kind.count()):
            topic = ProblemKind(self.kind.itemData(place))
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
        self._show_active()
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
        # What is on stays seen as a chip.
        self._details.setVisible(shown)

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


def _chip_text(box: QComboBox) -> str:
    """The choice; a number with what it limits."""
    text = box.currentText()
    if not text.startswith("≥"):
        return text.split("  ")[0]
    name = tr("confidence") if box.objectName() == "problemConfidence" else tr("likelihood")
    return tr("{name} {limit}", name=name, limit=text)


def _call(deed: Callable[[], object], _checked: bool = False) -> None:
    deed()


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
