"""The chip of the question that says at which confidence variants are judged: common to all, or each at its own."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QInputDialog, QToolButton

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.jobs.operating_points import COMMON, OperatingPoint, PointKind
from iouviewer.ui.theme import popup_menu
from iouviewer.ui.tokens import SIZE

_DEFAULTS = {PointKind.RECALL: 0.8, PointKind.PRECISION: 0.9, PointKind.FP_PER_FRAME: 0.5}
_TITLES = {
    PointKind.COMMON: tr("Common confidence"),
    PointKind.BEST_F1: tr("Best F1 of each"),
    PointKind.RECALL: tr("Fixed recall…"),
    PointKind.PRECISION: tr("Fixed precision…"),
    PointKind.FP_PER_FRAME: tr("Fixed false positives a frame…"),
}
_QUESTIONS = {
    PointKind.RECALL: tr("Recall at which each variant stands, 0 to 1"),
    PointKind.PRECISION: tr("Precision at which each variant stands, 0 to 1"),
    PointKind.FP_PER_FRAME: tr("False positives a frame at which each variant stands"),
}
_MOST_FALSE = 1000.0


class PointChip(QToolButton):
    """Shows and changes the operating point.

    Signals:
        pointChosen(OperatingPoint): the user chose another one.
    """

    pointChosen = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.point = COMMON
        self.setObjectName("questionPoint")
        self.setAccessibleName(tr("Operating point"))
        self.setToolTip(
            tr(
                "Where each variant stands for PQ and Avg IoU in verdicts and report. A common confidence also "
                "measures how variants are calibrated. An own threshold is chosen on one half of the frames and used "
                "on the other. Table and pictures stay at the confidence threshold."
            )
        )
        self.setProperty("chip", True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(SIZE["control"])
        menu = popup_menu("", self)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)
        session.scoresChanged.connect(self._show)
        self._show()

    def set_point(self, point: OperatingPoint) -> None:
        """Show this point."""
        self.point = point
        self._show()

    def _show(self) -> None:
        confidence = self._session.scores.settings.review.conf
        text = tr("confidence {value:.2f}", value=confidence) if self.point.is_common else self.point.text
        self.setText(text)

    def _fill(self) -> None:
        menu = self.menu()
        menu.clear()
        group = QActionGroup(menu)
        for kind, title in _TITLES.items():
            action = QAction(title, menu)
            action.setCheckable(True)
            action.setChecked(kind is self.point.kind)
            action.triggered.connect(lambda _on, kind=kind: self._choose(kind))
            group.addAction(action)
            menu.addAction(action)

    def _choose(self, kind: PointKind) -> None:
        value = 0.0
        if kind in _QUESTIONS:
            known = self.point.value if kind is self.point.kind else _DEFAULTS[kind]
            most = _MOST_FALSE if kind is PointKind.FP_PER_FRAME else 1.0
            value, is_accepted = QInputDialog.getDouble(
                self, tr("Operating point"), _QUESTIONS[kind], known, 0.01, most, 2
            )
            if not is_accepted:
                return
        with QSignalBlocker(self):
            self.set_point(OperatingPoint(kind, value))
        self.pointChosen.emit(self.point)
