"""The tab of Compare with measured speeds: a row for each fact, a column for each variant, and how to measure them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.bench import DEFAULT_FRAMES, DEFAULT_ROUNDS, MIN_ROUNDS
from iouviewer.jobs.speed_table import SpeedFact, speed_facts
from iouviewer.jobs.speeds import Speed, speed_notes, with_ratios
from iouviewer.ui.fonts import font
from iouviewer.ui.panels.sections import apply_dense_style, paint_empty_text
from iouviewer.ui.tables.common import ROOT, Index, cell_alignment
from iouviewer.ui.tokens import SPACE

_EMPTY = tr(
    "Measure speed runs the models of the variants in alternating rounds on the same frames, so that a busy or hot "
    "machine slows all of them alike. Import takes the speed.json of another machine."
)
_FACT_WIDTH = 128
_NOTE_LINES = 3
"""Lines of the notes that are shown; the others scroll, so that they leave room for the table."""
_MAX_ROUNDS, _MAX_FRAMES = 100, 10_000


class SpeedModel(QAbstractTableModel):
    """Facts in rows, variants in columns; the first column is the name of the fact."""

    def __init__(self) -> None:
        super().__init__()
        self._names: tuple[str, ...] = ()
        self._facts: tuple[SpeedFact, ...] = ()

    def show_speeds(self, speeds: dict[str, Speed]) -> None:
        """Replace the content by these speeds with ratios, by name."""
        self.beginResetModel()
        self._names, self._facts = tuple(speeds), speed_facts(speeds.values())
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._facts)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else 1 + len(self._names)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        text = self._names[section - 1] if section else ""
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return text
        return cell_alignment(is_text=section == 0) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        fact, column = self._facts[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return cell_alignment(is_text=column == 0)
        text = fact.cells[column - 1] if column else fact.title
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{fact.title}: {text}\n{fact.definition}" if column else fact.definition
        if role == Qt.ItemDataRole.FontRole:
            return font("strong" if fact.is_main and column else "body")
        return None


class _Table(QTableView):
    """A dense table that says how speeds come into it."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.model().rowCount():
            paint_empty_text(self, _EMPTY)


class SpeedPage(QWidget):
    """Speeds of all variants that have one, and the measurement.

    Signals:
        measureRequested(int, int): rounds, and frames of a round.
        cancelRequested(): stop the measurement.
        importRequested(): choose a speed.json.
    """

    measureRequested = Signal(int, int)
    cancelRequested = Signal()
    importRequested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.model = SpeedModel()
        self.table = _Table()
        apply_dense_style(self.table, "speedTable", tr("Measured speeds: a row for each fact, a column for a variant"))
        self.table.setModel(self.model)
        self.table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.notes = QLabel()
        self.notes.setObjectName("speedNotes")
        self.notes.setWordWrap(True)
        self.notes.setProperty("role", "muted")
        self.notes.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        self._notes_area = QScrollArea()
        self._notes_area.setWidget(self.notes)
        self._notes_area.setWidgetResizable(True)
        self._notes_area.setFrameShape(QFrame.Shape.NoFrame)
        self._notes_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._notes_area.setFixedHeight(_NOTE_LINES * self.notes.fontMetrics().lineSpacing() + 2 * SPACE["xs"])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._create_controls())
        layout.addWidget(self.table, 1)
        layout.addWidget(self._notes_area)
        session.variants.listChanged.connect(self.refresh)
        session.variants.variantChanged.connect(self.refresh)
        self.show_progress(None)
        self.refresh()

    def _create_controls(self) -> QHBoxLayout:
        self.button = QPushButton(tr("Measure speed"))
        self.button.setObjectName("measureSpeed")
        self.button.clicked.connect(self._on_button_clicked)
        self.rounds = _number_field("speedRounds", tr("Rounds"), MIN_ROUNDS, _MAX_ROUNDS, DEFAULT_ROUNDS)
        self.frames = _number_field("speedFrames", tr("Frames of a round"), 1, _MAX_FRAMES, DEFAULT_FRAMES)
        self.import_button = QPushButton(tr("Import…"))
        self.import_button.setObjectName("importSpeeds")
        self.import_button.setToolTip(tr("Import the speed.json of another machine"))
        self.import_button.clicked.connect(self.importRequested)
        self.progress = QProgressBar()
        self.progress.setObjectName("speedProgress")
        self.progress.setAccessibleName(tr("Progress of the measurement"))
        self._settings = (self.rounds, QLabel(tr("rounds of")), self.frames, QLabel(tr("frames")), self.import_button)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        row.setSpacing(SPACE["xs"])
        row.addWidget(self.button)
        for widget in self._settings:
            row.addWidget(widget)
            if widget is self._settings[3]:
                row.addStretch(1)
        row.addWidget(self.progress, 1)
        return row

    def _on_button_clicked(self) -> None:
        if self.progress.isVisibleTo(self):
            self.cancelRequested.emit()
        else:
            self.measureRequested.emit(self.rounds.value(), self.frames.value())

    def show_progress(self, share: float | None, label: str = "") -> None:
        """Show how much of a measurement is done, 0 to 1; None: none is running."""
        is_running = share is not None
        self.button.setText(tr("Cancel") if is_running else tr("Measure speed"))
        for widget in self._settings:
            widget.setVisible(not is_running)
        self.progress.setVisible(is_running)
        if share is not None:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * share))
            self.progress.setFormat(label)

    def refresh(self, _key: str = "") -> None:
        """Show the speeds that the variants have, with their ratios to the baseline's."""
        baseline = self._session.variants.baseline
        found = {variant.name: variant.speed for variant in self._session.variants if variant.speed is not None}
        speeds = with_ratios(found, "" if baseline is None else baseline.name)
        if baseline is not None and baseline.name in speeds:
            speeds = {baseline.name: speeds[baseline.name], **speeds}
        self.model.show_speeds(dict(speeds))
        notes = speed_notes(speeds)
        self.notes.setText("\n".join(notes))
        self.notes.setToolTip("\n".join(notes))
        self._notes_area.setVisible(bool(notes))
        header = self.table.horizontalHeader()
        for column in range(self.model.columnCount()):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        if self.model.columnCount():
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(0, _FACT_WIDTH)

    def focus_widgets(self) -> Sequence[QWidget]:
        """What the keyboard reaches, in order."""
        return (self.button, self.rounds, self.frames, self.import_button, self.table)


def _number_field(name: str, text: str, low: int, high: int, value: int) -> QSpinBox:
    box = QSpinBox()
    box.setObjectName(name)
    box.setAccessibleName(text)
    box.setToolTip(text)
    box.setRange(low, high)
    box.setValue(value)
    return box
