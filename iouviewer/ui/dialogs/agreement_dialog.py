"""Two ground truths side by side: how far they agree, what each score would be, and where they differ."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableWidget, QTableWidgetItem, QWidget

from iouviewer.app.editing.other_truth import OtherTruth, comparison_inputs
from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.background_task import BackgroundTask
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.truth_agreement import SCORES, DifferenceKind, TruthComparison, TruthDifference, adopt
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.tokens import SIZE, SPACE

_KINDS = {
    DifferenceKind.ONLY_HERE: tr("only here"),
    DifferenceKind.ONLY_THERE: tr("only there"),
    DifferenceKind.PLACE: tr("other place"),
    DifferenceKind.CLASS: tr("other class"),
}
_METRICS = {"avg_iou": tr("Avg IoU"), "pq": tr("PQ"), "ap": tr("AP")}
_ROW = SIZE["row_dense"]
_HEIGHT = 560
_MOST_ROWS = 5
"""Classes and variants that are shown without scrolling."""
_WAIT_MS = 300
"""Pause after an edit before both are compared again."""


class AgreementDialog(FramedDialog):
    """Stays open beside the canvas; a row goes to its frame, and its box can be adopted.

    Signals:
        layerRequested(): draw the other ground truth as a layer.
    """

    layerRequested = Signal()

    def __init__(self, parent: QWidget, session: Session, other: OtherTruth) -> None:
        super().__init__(parent, title=tr("Agreement with {name}", name=other.name), name="agreementDialog")
        self._session, self._other = session, other
        self._differences: tuple[TruthDifference, ...] = ()
        self.summary = QLabel(tr("Comparing…"))
        self.summary.setObjectName("agreementSummary")
        self.summary.setWordWrap(True)
        self.classes = _table("agreementClasses", (tr("Class"), tr("Here"), tr("There"), tr("F1"), tr("Mean IoU")))
        columns = [
            tr("{metric} {side}", metric=_METRICS[metric], side=side)
            for metric in SCORES
            for side in (tr("here"), tr("there"))
        ]
        self.scores = _table("agreementScores", (tr("Variant"), *columns))
        self.list = _table("agreementList", (tr("Frame"), tr("Object"), tr("Difference"), tr("IoU")))
        self.list.itemSelectionChanged.connect(self._go_to_current)
        self.floor = QLabel()
        self.floor.setObjectName("agreementFloor")
        self.floor.setWordWrap(True)
        self.body.setSpacing(SPACE["s"])
        for widget, stretch in (
            (self.summary, 0),
            (self.classes, 0),
            (self.scores, 0),
            (self.floor, 0),
            (self.list, 3),
        ):
            self.body.addWidget(widget, stretch)
        self.adopt_button = self.add_primary(tr("Adopt"))
        self.adopt_button.setObjectName("agreementAdopt")
        self.adopt_button.setEnabled(False)
        # Enter in a table never deletes a box.
        self.adopt_button.setDefault(False)
        self.adopt_button.setAutoDefault(False)
        self.adopt_button.clicked.connect(self._adopt_current)
        self.layer_button = self.add_secondary(tr("Show as layer"))
        self.layer_button.setToolTip(tr("Adds its boxes as a variant without confidence"))
        self.layer_button.clicked.connect(self.layerRequested)
        self.resize(SIZE["dialog_s"], _HEIGHT)
        # At the right, where it hides the lists and leaves most of the picture.
        corner, screen = parent.mapToGlobal(parent.rect().topRight()), parent.screen().availableGeometry()
        right, top = min(corner.x(), screen.right()), corner.y() + SIZE["top_bar"] + SIZE["view_bar"]
        self.move(max(screen.left(), right - self.width() - SPACE["s"]), max(screen.top(), top))
        self._task = BackgroundTask("agreement", self)
        self._task.finished.connect(self._on_task_finished)
        self._task.failed.connect(self._show_error)
        self._timer = QTimer(self, singleShot=True, interval=_WAIT_MS)
        self._timer.timeout.connect(self.compare)
        session.changed.connect(self._on_session_changed)
        session.sourceChanged.connect(self.close)
        self.finished.connect(self._end)
        self.compare()

    def _end(self) -> None:
        self._timer.stop()
        self._session.changed.disconnect(self._on_session_changed)
        self._session.sourceChanged.disconnect(self.close)
        self._task.close()

    # Comparing

    def compare(self) -> None:
        """Compare both as they are now; the tables follow."""
        try:
            inputs = comparison_inputs(self._session, self._other)
        except UserError as error:
            self._show_error(error)
            return
        self._task.start(lambda _report, _is_cancelled: inputs.compare())

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.COMMITTED and (change.frames or change.aspects & Aspect.CLASS_NAMES):
            self._timer.start()

    def _show_error(self, error: UserError) -> None:
        self.summary.setText(as_sentence(error))
        self._show_list(())

    def _on_task_finished(self, found: TruthComparison) -> None:
        total = found.agreement.total
        frames = tr_n("{count} frame", "{count:,} frames", found.frames)
        self.summary.setText(
            tr(
                "On {frames} labelled in both: {here:,} boxes here, {there:,} there; F1 {f1:.3f}, mean IoU {iou}, "
                "same class {same}.",
                frames=frames,
                here=total.first,
                there=total.second,
                f1=total.f1,
                iou=_number(found.agreement.mean_iou),
                same=_percent(found.agreement.same_class),
            )
        )
        name = self._session.document.class_name
        _fill(
            self.classes,
            [
                (
                    name(row.class_id if row.class_id is not None else -1),
                    f"{row.first:,}",
                    f"{row.second:,}",
                    _number(row.f1),
                    _number(row.mean_iou),
                )
                for row in found.agreement.by_class
            ],
        )
        _fill(
            self.scores,
            [
                (one.name, *(_number(side[metric]) for metric in SCORES for side in (one.own, one.other)))
                for one in found.scores
            ],
        )
        self.scores.setVisible(bool(found.scores))
        _fit(self.classes)
        _fit(self.scores)
        self.floor.setText(self._floor_text(found))
        self._show_list(found.differences)

    @staticmethod
    def _floor_text(found: TruthComparison) -> str:
        known = [(metric, value) for metric in SCORES if (value := found.noise_floor(metric)) is not None]
        if not known:
            return ""
        listed = ", ".join(f"{_METRICS[metric]} {value:.3f}" for metric, value in known)
        return tr("Noise floor (how much a variant's score changes with the ground truth): {floor}", floor=listed)

    # The list

    def _show_list(self, differences: Sequence[TruthDifference]) -> None:
        row = self.list.currentRow()
        self._differences = tuple(differences)
        with QSignalBlocker(self.list):
            _fill(self.list, [self._texts(one) for one in differences])
            self.list.clearSelection()
            if 0 <= row < len(differences):
                self.list.selectRow(row)
        self._update_button()

    def _texts(self, one: TruthDifference) -> tuple[str, ...]:
        document = self._session.document
        own = None if one.own is None else self._session.ground_truth.find(one.own)
        box = own or one.other
        name = document.object_name(box) if box is not None else ""
        if one.kind is DifferenceKind.CLASS and one.other is not None:
            name = tr("{object}, there {other}", object=name, other=document.class_name(one.other.class_id))
        return f"{one.frame:,}", name, _KINDS[one.kind], _number(one.iou)

    @property
    def _current(self) -> TruthDifference | None:
        row = self.list.currentRow()
        return self._differences[row] if 0 <= row < len(self._differences) and self.list.selectedItems() else None

    def _update_button(self) -> None:
        one = self._current
        self.adopt_button.setEnabled(one is not None)
        texts = {
            None: tr("Adopt"),
            DifferenceKind.ONLY_HERE: tr("Delete box"),
            DifferenceKind.ONLY_THERE: tr("Add box"),
            DifferenceKind.PLACE: tr("Adopt place"),
            DifferenceKind.CLASS: tr("Adopt class and place"),
        }
        self.adopt_button.setText(texts[None if one is None else one.kind])

    def _go_to_current(self) -> None:
        one = self._current
        self._update_button()
        if one is not None:
            self._session.go_to(one.frame)
            self._session.select([] if one.own is None else [one.own])

    def _adopt_current(self) -> None:
        one = self._current
        if one is None:
            return
        try:
            command = adopt(self._session.document, one, source=self._session.source.id)
            self._session.execute(command.edit, command.label, origin="agreement")
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))
            return
        self._session.select(command.select or ())
        # At once, so that nobody adopts it twice; the numbers follow.
        self._show_list([each for each in self._differences if each is not one])


def _table(name: str, titles: Sequence[str]) -> QTableWidget:
    table = QTableWidget(0, len(titles))
    table.setObjectName(name)
    table.setHorizontalHeaderLabels(list(titles))
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(_ROW)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setShowGrid(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    return table


def _fit(table: QTableWidget) -> None:
    """Make a table as high as its rows, up to a few, so that none is cut in two."""
    rows = min(max(table.rowCount(), 1), _MOST_ROWS)
    table.setFixedHeight(table.horizontalHeader().sizeHint().height() + rows * _ROW + 2)


def _fill(table: QTableWidget, rows: Sequence[Sequence[str]]) -> None:
    table.setRowCount(len(rows))
    for place, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(place, column, item)


def _number(value: float | None) -> str:
    return UNDEFINED if value is None or math.isnan(value) else f"{value:.3f}"


def _percent(value: float) -> str:
    return UNDEFINED if math.isnan(value) else tr("{percent:.1f} %", percent=100 * value)
