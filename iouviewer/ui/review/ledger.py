"""The ledger of a review: how many label errors it found, what that did to the scores, and every decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.decisions import Decision
from iouviewer.document.origins import LEAN_WARNING, lean
from iouviewer.document.review_ledger import LedgerCounts
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.fonts import font, tabular_font
from iouviewer.ui.panels.list_panel import DenseTable
from iouviewer.ui.tables.decisions_model import COLUMNS, SHOWN_NAMES, Column, DecisionsModel, Shown
from iouviewer.ui.tokens import SPACE

_METRICS = (("avg_iou", tr("Avg IoU")), ("pq", "PQ"), ("ap", "AP"))
_WIDTHS = {Column.DECISION: 78, Column.PROBLEM: 84, Column.FRAME: 46}
_UNCHANGED = 0.0005
"""A change below this is none."""
_REFRESH_MS = 100

Scores = dict[str, dict[str, float | None]]
"""Metrics by the key of a variant."""


def scores_now(session: Session) -> Scores:
    """The metrics of all variants that are computed."""
    found: Scores = {}
    for variant in session.variants:
        summary = session.scores.summary(variant.key)
        found[variant.key] = {name: getattr(summary, name) for name, _ in _METRICS}
    return found


def score_conditions(session: Session) -> list[Any]:
    """What two scores must have in common to be compared."""
    review = session.scores.settings.review
    left_out = sorted(session.scores.settings.left_out)
    rules = session.scores.settings.filter
    # Stored by projects from before there were filters, which had five.
    filtered = [rules.filter.scoring.text] if rules is not None and rules.filter.scoring else []
    return [review.iou, review.conf, str(review.convention), review.class_agnostic, left_out, *filtered]


class LedgerView(QWidget):
    """Counts, scores before and after, where boxes come from, and the list of decisions.

    Signals:
        activated(str, int, list[int]): go to the decided problem with this key, on this frame, about these boxes.
        reopenRequested(list[str]): take the decisions with these keys back.
        commandRequested(str): the action id of a button.

    Attributes:
        before: returns the scores from before the first decision with their conditions; empty if there are none.
    """

    activated = Signal(str, int, object)
    reopenRequested = Signal(object)
    commandRequested = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("reviewLedger")
        self._session = session
        self.before: Callable[[], Mapping[str, Any]] = dict
        self._decisions: dict[str, Decision] = {}
        self.headline, self.leaning = QLabel(), QLabel()
        self.headline.setObjectName("ledgerHeadline")
        self.leaning.setObjectName("ledgerLeaning")
        self.headline.setFont(font("strong"))
        for label in (self.headline, self.leaning):
            label.setWordWrap(True)
        self._scores = QGridLayout()
        self._scores.setHorizontalSpacing(SPACE["m"])
        self._scores.setVerticalSpacing(SPACE["xs"])
        self._scores_title = QLabel(tr("Scores before the first decision and now"))
        self._scores_title.setProperty("role", "caption")
        self.without = QCheckBox(tr("Score without accepted boxes"))
        self.without.setObjectName("ledgerWithout")
        self.without.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.without.clicked.connect(self._on_without_clicked)
        self.model = DecisionsModel(session)
        self.table = DenseTable("decisionsList", tr("Decisions"))
        self.table.setModel(self.model)
        self.shown = QComboBox()
        self.shown.setObjectName("decisionsShown")
        self.shown.setAccessibleName(tr("Decisions to list"))
        for shown, name in SHOWN_NAMES.items():
            self.shown.addItem(name, shown)
        self.reopen = QPushButton(tr("Reopen"))
        self.reopen.setObjectName("decisionsReopen")
        self.reopen.setToolTip(tr("Decide the selected problems again; a fix is taken back in the history"))
        self._lay_out()
        self._refresh = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self._show)
        self.shown.currentIndexChanged.connect(lambda: self.model.set_shown(Shown(self.shown.currentData())))
        self.reopen.clicked.connect(self._on_reopen_clicked)
        self.table.clicked.connect(self._on_table_clicked)
        self.table.rowEntered.connect(lambda: self._on_table_clicked(self.table.currentIndex()))
        self.table.selectionModel().selectionChanged.connect(self._on_selection_changed)
        session.scoresChanged.connect(self.refresh)
        session.changed.connect(self.refresh)
        session.variants.listChanged.connect(self.refresh)
        self._on_selection_changed()

    def _lay_out(self) -> None:
        header = self.table.horizontalHeader()
        for column, width in _WIDTHS.items():
            self.table.setColumnWidth(COLUMNS.index(column), width)
        header.setSectionResizeMode(COLUMNS.index(Column.OBJECT), QHeaderView.ResizeMode.Stretch)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE["m"], SPACE["xs"], SPACE["m"], SPACE["s"])
        top.setSpacing(SPACE["s"])
        top.addWidget(self.headline)
        top.addWidget(self._scores_title)
        top.addLayout(self._scores)
        top.addWidget(self.leaning)
        top.addWidget(self.without)
        bar = QHBoxLayout()
        bar.setSpacing(SPACE["s"])
        bar.addWidget(self.shown, 1)
        bar.addWidget(self.reopen)
        top.addLayout(bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)

    def show_decisions(self, decisions: dict[str, Decision]) -> None:
        """Show these decisions, by the keys of their problems."""
        self._decisions = decisions
        self.refresh()

    def list_only(self, shown: Shown) -> None:
        """List only some of the decisions."""
        self.shown.setCurrentIndex(self.shown.findData(shown))

    def refresh(self, _what: object = None) -> None:
        """Update the view soon, while it is seen."""
        if self.isVisible() and not self._refresh.isActive():
            self._refresh.start()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._show()

    def _show(self) -> None:
        self.headline.setText(LedgerCounts.of(self._decisions.values()).text)
        self.model.set_decisions(self._decisions)
        self._show_scores()
        self._show_leaning()

    # Scores

    def _show_scores(self) -> None:
        while (item := self._scores.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        stored = self.before()
        before: Scores = stored.get("scores", {}) if stored.get("conditions") == score_conditions(self._session) else {}
        rows = [variant for variant in self._session.variants if variant.key in before]
        self._scores_title.setVisible(bool(self._decisions) and bool(stored))
        if stored and not rows:
            self._scores_title.setText(tr("Scores before were measured with other thresholds or variants."))
            return
        self._scores_title.setText(tr("Scores before the first decision and now"))
        now = scores_now(self._session)
        for column, (_, title) in enumerate(_METRICS, start=1):
            self._add(title, 0, column, role="caption")
        for row, variant in enumerate(rows, start=1):
            self._add(variant.name, row, 0)
            for column, (name, _) in enumerate(_METRICS, start=1):
                self._add(_change_text(before[variant.key].get(name), now[variant.key][name]), row, column)

    def _add(self, text: str, row: int, column: int, role: str = "") -> None:
        label = QLabel(text)
        label.setFont(tabular_font(font("caption")))
        if role:
            label.setProperty("role", role)
        side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
        self._scores.addWidget(label, row, column, side | Qt.AlignmentFlag.AlignVCenter)

    # Where boxes come from

    def _show_leaning(self) -> None:
        session = self._session
        shares = lean(session.ground_truth.columns()[4], [variant.key for variant in session.variants])
        names = {variant.key: variant.name for variant in session.variants}
        found = {names[key]: share for key, share in shares.items() if share > 0}
        strong = [name for name, share in found.items() if share > LEAN_WARNING]
        parts = [tr("{share:.1f} % from {variant}", share=100 * share, variant=name) for name, share in found.items()]
        text = tr("Boxes accepted from variants: {list}.", list=", ".join(parts)) if parts else ""
        if strong:
            text += " " + tr("The ground truth leans to {variants}: its scores favour it.", variants=", ".join(strong))
        self.leaning.setProperty("role", "warning" if strong else "muted")
        self.leaning.style().polish(self.leaning)
        self.leaning.setText(text)
        self.leaning.setVisible(bool(text))
        is_left_out = bool(session.scores.settings.left_out)
        self.without.setVisible(bool(text) or is_left_out)
        self.without.setChecked(is_left_out)

    # Events

    def _chosen(self) -> list[str]:
        """Keys of the selected decisions that changed no box; the others are undone in the history."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedIndexes()})
        chosen = [self.model.row_at(row) for row in rows]
        return [row.key for row in chosen if not row.decision.is_error]

    def _on_without_clicked(self) -> None:
        self.commandRequested.emit("scoreWithoutAccepted")

    def _on_selection_changed(self) -> None:
        count = len(self._chosen())
        self.reopen.setEnabled(bool(count))
        self.reopen.setText(
            tr_n("Reopen {count} problem", "Reopen {count:,} problems", count) if count else tr("Reopen")
        )

    def _on_reopen_clicked(self) -> None:
        self.reopenRequested.emit(self._chosen())

    def _on_table_clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            row = self.model.row_at(index.row())
            self.activated.emit(row.key, row.frame, [box_id for box_id, _ in row.decision.boxes])


def _change_text(before: float | None, now: float | None) -> str:
    """``0.578 → 0.634``; one number where nothing has changed."""
    if now is None or before is None:
        return "–"
    return f"{now:.3f}" if abs(now - before) < _UNCHANGED else f"{before:.3f} → {now:.3f}"
