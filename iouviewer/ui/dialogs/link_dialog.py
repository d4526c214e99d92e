"""Asks how boxes are linked into tracks, and how predictions become ground truth; both count first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.ui.dialogs.plan_dialog import PlanDialog
from iouviewer.ui.tokens import SPACE

_LISTED_CLASSES = 5
"""Classes that are seen without scrolling."""


def _check_box(text: str, name: str, *, is_on: bool) -> QCheckBox:
    box = QCheckBox(text)
    box.setObjectName(name)
    box.setChecked(is_on)
    return box


class LinkDialog(PlanDialog):
    """Links boxes without a track."""

    def __init__(self, parent: QWidget | None, *, can_read: bool) -> None:
        super().__init__(parent, title=tr("Link boxes into tracks"), name="linkDialog", primary=tr("Link"))
        self._looks = _check_box(tr("Compare what boxes look like (reads the video once)"), "linkLooks", is_on=can_read)
        self._looks.setEnabled(can_read)
        self._looks.toggled.connect(self.update_plan)
        self.form.addRow(self._looks)

    @property
    def uses_looks(self) -> bool:
        """Whether looks are compared."""
        return self._looks.isChecked()


@dataclass(frozen=True, slots=True)
class StartChoice:
    """The answers of ``StartDialog``.

    Attributes:
        variant: key.
        classes: class ids that are taken; None: all.
        tolerance: of the key frames, pixels; None to keep all boxes.
    """

    variant: str
    min_score: float
    classes: frozenset[int] | None
    links: bool
    tolerance: float | None


class StartDialog(PlanDialog):
    """Variant, confidence, classes, tracks, key frames.

    Args:
        variants: key and name of each.
        classes_of: number of predictions by class id and name, of a variant at or above a confidence.
    """

    def __init__(
        self,
        parent: QWidget | None,
        *,
        variants: Sequence[tuple[str, str]],
        chosen: str,
        min_score: float,
        classes_of: Callable[[str, float], Mapping[tuple[int, str], int]],
    ) -> None:
        super().__init__(parent, title=tr("Start from predictions"), name="startDialog", primary=tr("Start"))
        self._classes_of = classes_of
        self._variant = QComboBox()
        self._variant.setObjectName("startVariant")
        for key, name in variants:
            self._variant.addItem(name, key)
        self._variant.setCurrentIndex(max(0, self._variant.findData(chosen)))
        self._score = QDoubleSpinBox()
        self._score.setObjectName("startConfidence")
        self._score.setRange(0.0, 1.0)
        self._score.setSingleStep(0.05)
        self._score.setValue(min_score)
        self._classes = QListWidget()
        self._classes.setObjectName("startClasses")
        self._classes.setAccessibleName(tr("Classes"))
        self._class_title = QLabel(tr("Classes"))
        self._links = _check_box(tr("Link boxes into tracks and leave out the others"), "startLinks", is_on=True)
        text = tr("Keep key frames only; boxes between them are off by at most")
        self._thins = _check_box(text, "startThins", is_on=True)
        self._tolerance = QDoubleSpinBox()
        self._tolerance.setObjectName("startTolerance")
        self._tolerance.setRange(0.0, 50.0)
        self._tolerance.setDecimals(1)
        self._tolerance.setValue(2.0)
        self._tolerance.setSuffix(tr(" px"))
        self.form.addRow(tr("Predictions of"), self._variant)
        self.form.addRow(tr("Confidence ≥"), self._score)
        self.form.addRow(self._class_title, self._classes)
        self.form.addRow(self._links)
        self.form.addRow(self._row(self._thins, self._tolerance))
        self._show_classes()
        self._variant.currentIndexChanged.connect(self._on_predictions_changed)
        self._score.valueChanged.connect(self._on_predictions_changed)
        self._classes.itemChanged.connect(self.update_plan)
        self._links.toggled.connect(self._on_links_toggled)
        self._thins.toggled.connect(self._on_thins_toggled)
        self._tolerance.valueChanged.connect(self.update_plan)

    @staticmethod
    def _row(*widgets: QWidget) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["s"])
        for widget in widgets:
            layout.addWidget(widget)
        layout.addStretch(1)
        return row

    @property
    def choice(self) -> StartChoice:
        """The answers as they are now."""
        items = [self._classes.item(row) for row in range(self._classes.count())]
        taken = frozenset(
            item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() is Qt.CheckState.Checked
        )
        is_thinned = self._links.isChecked() and self._thins.isChecked()
        return StartChoice(
            self._variant.currentData(),
            self._score.value(),
            None if len(taken) == len(items) else taken,
            self._links.isChecked(),
            self._tolerance.value() if is_thinned else None,
        )

    def _show_classes(self) -> None:
        """List the classes of the variant; those that were unchecked stay so."""
        left = {
            self._classes.item(row).data(Qt.ItemDataRole.UserRole)
            for row in range(self._classes.count())
            if self._classes.item(row).checkState() is Qt.CheckState.Unchecked
        }
        counts = self._classes_of(self._variant.currentData(), self._score.value())
        with QSignalBlocker(self._classes):
            self._classes.clear()
            for (class_id, name), count in counts.items():
                item = QListWidgetItem(tr("{class_name}  {count:,}", class_name=name, count=count))
                item.setData(Qt.ItemDataRole.UserRole, class_id)
                item.setFlags(
                    Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable
                )
                item.setCheckState(Qt.CheckState.Unchecked if class_id in left else Qt.CheckState.Checked)
                self._classes.addItem(item)
        has_several = self._classes.count() > 1
        self._classes.setVisible(has_several)
        self._class_title.setVisible(has_several)
        shown = min(self._classes.count(), _LISTED_CLASSES)
        self._classes.setFixedHeight(shown * (self._classes.sizeHintForRow(0) + 2) + 4 if shown else 0)

    def _on_predictions_changed(self, _value: object) -> None:
        self._show_classes()
        self.update_plan()

    def _on_links_toggled(self, is_on: bool) -> None:
        self._thins.setEnabled(is_on)
        self._tolerance.setEnabled(is_on and self._thins.isChecked())
        self.update_plan()

    def _on_thins_toggled(self, is_on: bool) -> None:
        self._tolerance.setEnabled(is_on)
        self.update_plan()
