"""The head of the tab of problems: how much is decided, how long the rest takes, and the buttons of other views."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.document.review_pace import ReviewPace
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tables.problems_model import ProblemsModel
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import SPACE


class ReviewProgress(QWidget):
    """Start button, progress in words and as a bar, and the buttons of grid and ledger.

    Signals:
        commandRequested(str): the action id of a button.
    """

    commandRequested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.start = QPushButton()
        self.start.setObjectName("reviewStart")
        self.start.setProperty("primary", True)
        self.start.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.start.clicked.connect(lambda: self.commandRequested.emit("nextProblem"))
        self.summary = QLabel()
        self.summary.setProperty("role", "title")
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.grid = self._make_button("reviewGrid", tr("Grid"), "problemGrid")
        self.ledger = self._make_button("reviewLedgerButton", tr("Ledger"), "reviewLedger")
        self.bar = QProgressBar()
        self.bar.setObjectName("reviewProgress")
        self.bar.setAccessibleName(tr("Problems decided"))
        self.bar.setTextVisible(False)
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(policy)
        views = self._views = QHBoxLayout()
        views.setSpacing(SPACE["xs"])
        views.addWidget(self.bar, 1)
        views.addWidget(self.grid)
        views.addWidget(self.ledger)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["xs"])
        layout.setSpacing(SPACE["xs"])
        layout.addWidget(self.start)
        layout.addWidget(self.summary)
        layout.addLayout(views)
        self.update_icons()

    def add_order(self, order: QWidget) -> None:
        """Place the choice of the list's order beside the bar."""
        self._views.insertWidget(1, order)

    def _make_button(self, name: str, text: str, action: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setText(text)
        button.setCheckable(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(partial(self._on_button_clicked, button, action))
        return button

    def _on_button_clicked(self, button: QToolButton, action: str, _checked: bool = False) -> None:
        button.setChecked(not button.isChecked())  # the command decides whether it is on
        self.commandRequested.emit(action)

    def set_grid_key(self, key: str) -> None:
        """Show the key of the grid."""
        self.grid.setToolTip(tr("Grid of all problems ({key})", key=key) if key else tr("Grid of all problems"))
        self.ledger.setToolTip(tr("What was decided, and what it did to the scores"))

    def update_icons(self) -> None:
        """Draw the icons in the colours of the current theme."""
        self.start.setIcon(coloured_icon("play", scheme_theme().colours.on_accent_fill))
        self.grid.setIcon(coloured_icon("gallery", scheme_theme().colours.text2))
        self.ledger.setIcon(coloured_icon("report", scheme_theme().colours.text2))

    def show_progress(self, model: ProblemsModel, pace: ReviewPace, *, is_possible: bool) -> None:
        """Show how far the review is; nothing where there is nothing to compare."""
        done = model.problems.count_done()
        total = done + model.count_left()
        text = progress_text(model, pace) if is_possible else ""
        self.summary.setText(text)
        self.summary.setToolTip(text)
        self.summary.setVisible(bool(text))
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        self.bar.setVisible(bool(total))
        self.grid.setVisible(bool(model.count))
        self.ledger.setVisible(bool(model.problems.count_decisions()))


def progress_text(model: ProblemsModel, pace: ReviewPace) -> str:
    """``37 of 212 decided · about 4 min left``."""
    done, left = model.problems.count_done(), model.count_left()
    total = done + left
    weak = model.count - left if not model.problems.filter.verdicts else 0
    if not total:
        if not model.complete:
            return search_text(model)
        return (
            tr_n("{count} hint of one variant", "{count:,} hints of one variant", weak) if weak else tr("No problems")
        )
    if not done:
        text = tr_n("{count} problem", "{count:,} problems", total)
    elif done == total and weak:
        text = tr_n(
            "{done:,} decided · {count} hint of one variant left",
            "{done:,} decided · {count:,} hints of one variant left",
            weak,
            done=done,
        )
    elif done == total:
        text = tr_n("{count} problem decided", "All {count:,} problems decided", total)
    else:
        text = tr("{done:,} of {total:,} decided", done=done, total=total)
        seconds = pace.seconds_left(left)
        if seconds is not None:
            text = tr("{progress} · {time} left", progress=text, time=_time_text(seconds))
    return text if model.complete else tr("{progress} · updating…", progress=text)


def search_text(model: ProblemsModel) -> str:
    """That problems are being found, and how much of the video is done."""
    if not model.share:
        return tr("Finding problems…")
    return tr("Finding problems… {percent:.0f} %", percent=100 * model.share)


def _time_text(seconds: float) -> str:
    """A time as an estimate: ``about 4 min``."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return tr("less than 1 min")
    if minutes < 100:
        return tr("about {count:,} min", count=minutes)
    return tr("about {count:,} h", count=round(minutes / 60))
