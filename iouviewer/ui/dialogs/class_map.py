"""Which class of the ground truth each class of some predictions is: shown, proposed and changed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QWidget,
)

from iouviewer.document.class_join import LEFT_OUT, UNKNOWN, ClassJoin, join_classes
from iouviewer.document.classes import ClassTable, fold_name
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE

_ROW_HEIGHT, _MAX_ROWS = 34, 10
_COLUMNS = (tr("Class of the predictions"), tr("Boxes"), tr("Class of the ground truth"))


class ClassMapDialog(FramedDialog):
    """One row for each class of the predictions with a choice among those of the ground truth.

    Proposals are chosen already; nothing is applied before the dialog is accepted.

    Args:
        name: of the variant or file.
        predicted: class table of the predictions.
        counts: number of boxes by class of ``predicted``.
        class_map: what the user said before.
    """

    def __init__(
        self,
        parent: QWidget | None,
        name: str,
        predicted: ClassTable,
        counts: Mapping[int, int],
        truth: ClassTable,
        class_map: Mapping[str, str],
    ) -> None:
        super().__init__(parent, title=tr("Classes of {name}", name=name), name="classMapDialog")
        self._predicted, self._truth, self._before = predicted, truth, dict(class_map)
        used = [number for number, count in counts.items() if count]
        # What the rule joins by itself need not be part of the map.
        self._automatic = join_classes(predicted, truth, used=used)
        join = join_classes(predicted, truth, class_map, used=used)
        self._shown = used or list(range(len(predicted)))
        self.table = QTableWidget(len(self._shown), len(_COLUMNS))
        self.table.setObjectName("classMapTable")
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.verticalHeader().hide()
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setColumnWidth(1, 80)
        self.table.setColumnWidth(2, 220)
        self.choices: dict[int, QComboBox] = {}
        for position, number in enumerate(self._shown):
            self._fill_row(position, number, counts.get(number, 0), join)
        self.notes = QLabel("\n".join(filter(None, (join.problem, join.note))))
        self.notes.setWordWrap(True)
        self.notes.setVisible(bool(self.notes.text()))
        self.body.addWidget(self.notes)
        self.body.addWidget(self.table, 1)
        self.add_primary(tr("Use classes")).clicked.connect(self.accept)
        self.add_cancel()
        rows = min(len(self._shown), _MAX_ROWS)
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(self.table.horizontalHeader().sizeHint().height() + rows * _ROW_HEIGHT + 4)
        self.resize(SIZE["dialog_m"], self.sizeHint().height())

    def _fill_row(self, position: int, number: int, count: int, join: ClassJoin) -> None:
        choice = QComboBox()
        choice.addItem(tr("None (left out)"), UNKNOWN)
        proposal = join.proposals.get(number)
        said = any(self._predicted.find(name) == number for name in self._before)
        choice.setAccessibleName(tr("Class for {name}", name=self._predicted.names[number]))
        for place, name in enumerate(self._truth.names):
            text = tr("{name} (proposed)", name=name) if name == proposal and not said else name
            choice.addItem(text, place)
        chosen = join.targets[number]
        if chosen == UNKNOWN and proposal is not None and not said:
            chosen = self._truth.names.index(proposal)
        choice.setCurrentIndex(choice.findData(chosen))
        self.choices[number] = choice
        for column, text in enumerate((self._predicted.names[number], f"{count:,}")):
            label = QLabel(text)
            label.setContentsMargins(6, 0, 6, 0)
            self.table.setCellWidget(position, column, label)
        self.table.setCellWidget(position, 2, choice)
        self.table.setRowHeight(position, _ROW_HEIGHT)

    def class_map(self) -> dict[str, str]:
        """What differs from the rule: class of the predictions -> class of the ground truth, ``LEFT_OUT`` for none."""
        result = {}
        for number, choice in self.choices.items():
            target = int(choice.currentData())
            if target != self._automatic.targets[number]:
                result[self._predicted.names[number]] = LEFT_OUT if target == UNKNOWN else self._truth.names[target]
        return result


def class_map_text(join: ClassJoin, predicted: ClassTable, counts: Mapping[int, int], truth: ClassTable) -> str:
    """The state of a mapping in a few words, for a button: ``2 of 3 classes``, ``person → pedestrian``.

    A proposal that waits has a question mark: ``person → pedestrian?``.
    """
    used = [number for number, count in counts.items() if count]
    unknown = [number for number in used if join.targets[number] == UNKNOWN]
    proposed = [number for number in unknown if number in join.proposals]
    if proposed:
        return tr("{name} → {proposal}?", name=predicted.names[proposed[0]], proposal=join.proposals[proposed[0]])
    if unknown:
        return tr("{joined} of {count} classes", joined=len(used) - len(unknown), count=len(used))
    target = truth.names[join.targets[used[0]]] if len(used) == 1 and join.targets[used[0]] < len(truth) else ""
    if target and fold_name(target) != fold_name(predicted.names[used[0]]):
        return tr("{name} → {target}", name=predicted.names[used[0]], target=target)
    return tr_n("{count} class", "{count:,} classes", len(used))
