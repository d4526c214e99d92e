"""Beside the grid: the focused problem in its surroundings, and what a decision does to all that are selected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.video.crops import CropLoader
from iouviewer.document.problem_texts import TOPIC_NAMES, apply_text, evidence_text, keep_text
from iouviewer.document.problems import Problem
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.fonts import font
from iouviewer.ui.review.crop_painter import CropLine, CropPainter, joined
from iouviewer.ui.tokens import SPACE

_SHAPE = 2 / 3
"""Height of the picture by its width."""
_OBJECT_SHARE = 0.22
_OWNER = "gridContext"


class _ContextPicture(QWidget):
    """A problem with much of what is around it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("gridContextPicture")
        self.setAccessibleName(tr("Surroundings of the focused problem"))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        self._session = session
        self.painter: CropPainter | None = None
        self._problem: Problem | None = None
        self._lines: Sequence[CropLine] = ()

    def show_problem(self, problem: Problem | None, lines: Sequence[CropLine]) -> None:
        """Show a problem with lines on top of the boxes of its frame."""
        self._problem, self._lines = problem, lines
        self.request()
        self.update()

    def _area(self, problem: Problem) -> tuple[int, int, int, int]:
        around = joined([problem.rect, *([problem.fix_rect] if problem.fix_rect else [])])
        assert self.painter is not None
        return self.painter.area_around(around, self.size(), _OBJECT_SHARE)

    def request(self) -> None:
        """Ask for the crop; for none while hidden."""
        if self.painter is None:
            return
        crops = []
        if self._problem is not None and self.isVisible():
            area, ratio = self._area(self._problem), self.devicePixelRatioF()
            crops = [self.painter.request_of(self._problem.frame, area, self.size(), ratio)]
        self.painter.crops.request(_OWNER, crops)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setFixedHeight(round(self.width() * _SHAPE))
        self.request()

    def sizeHint(self) -> QSize:
        return QSize(self.width(), round(self.width() * _SHAPE))

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.painter is None or self._problem is None:
            return
        painter = QPainter(self)
        area = self._area(self._problem)
        crop = self.painter.request_of(self._problem.frame, area, self.size(), self.devicePixelRatioF())
        lines = [*self.painter.frame_lines(self._problem.frame, area), *self._lines]
        self.painter.paint(painter, QRectF(self.rect()), crop, lines)


class GridContext(QFrame):
    """The focused problem, and the buttons that decide the selected ones.

    Signals:
        commandRequested(str): the action id of a button.
    """

    commandRequested = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("gridContext")
        self._session = session
        self.title, self.facts, self.evidence, self.consequence = QLabel(), QLabel(), QLabel(), QLabel()
        self.title.setObjectName("gridChosen")
        self.title.setFont(font("title"))
        self.facts.setProperty("role", "muted")
        self.consequence.setProperty("role", "muted")
        for label in (self.evidence, self.consequence, self.facts):
            label.setWordWrap(True)
        self.picture = _ContextPicture(session)
        self.apply, self.keep, self.unclear = QPushButton(), QPushButton(), QPushButton()
        for button, name, action in (
            (self.apply, "gridApply", "takeFix"),
            (self.keep, "gridKeep", "groundTruthIsRight"),
            (self.unclear, "gridUnclear", "unclear"),
        ):
            button.setObjectName(name)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._on_button_clicked, action))
        self.apply.setProperty("primary", True)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE["s"])
        buttons.addWidget(self.keep, 1)
        buttons.addWidget(self.unclear, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["s"])
        for widget in (self.title, self.picture, self.facts, self.evidence, self.consequence, self.apply):
            layout.addWidget(widget)
        layout.addLayout(buttons)

    def use_crops(self, crops: CropLoader) -> None:
        """Take the crops from here."""
        self.picture.painter = CropPainter(self._session, crops)
        crops.cropsReady.connect(self.picture.update)

    def _on_button_clicked(self, action: str, _checked: bool = False) -> None:
        self.commandRequested.emit(action)

    def show_problems(
        self,
        shown: Problem | None,
        chosen: Sequence[Problem],
        targets: Sequence[Problem],
        lines: Sequence[CropLine],
        keys: tuple[str, str, str],
    ) -> None:
        """Show a problem and what the buttons do.

        Args:
            chosen: the selected crops. targets: the problems that are decided, which may be several of a crop.
        """
        session = self._session
        names, baseline = session.document.class_names, session.variants.baseline
        self.title.setText(tr_n("{count} selected", "{count:,} selected", len(chosen)) if chosen else _heading(shown))
        self.picture.show_problem(shown, lines)
        self.facts.setText("" if shown is None else _facts(shown))
        variant = "" if baseline is None else baseline.name
        self.evidence.setText("" if shown is None else evidence_text(shown, names, variant))
        fixable = [problem for problem in targets if problem.has_fix]
        self.consequence.setVisible(len(targets) > 1)
        self.consequence.setText(_consequence(len(fixable), len(targets)))
        self.apply.setVisible(bool(fixable))
        texts = (
            _common({apply_text(problem, names) for problem in fixable}, tr("Apply fixes")),
            _common({keep_text(problem, names) for problem in targets}, tr("Keep boxes")),
            tr("Unclear"),
        )
        for button, text, key in zip((self.apply, self.keep, self.unclear), texts, keys, strict=True):
            button.setText(tr("{text}  {key}", text=text, key=key) if key else text)
            button.setEnabled(bool(targets))


def _heading(problem: Problem | None) -> str:
    return tr("No problem") if problem is None else TOPIC_NAMES[problem.topic]


def _facts(problem: Problem) -> str:
    """``frame 153 · 28 × 49 px``."""
    x1, y1, x2, y2 = problem.rect
    return tr("frame {frame:,} · {width:.0f} × {height:.0f} px", frame=problem.frame, width=x2 - x1, height=y2 - y1)


def _consequence(fixable: int, total: int) -> str:
    if fixable == total:
        return tr("If you apply: {count:,} fixes, one step of the history", count=fixable)
    return tr(
        "If you apply: {count:,} fixes, one step of the history; {rest:,} have none and stay",
        count=fixable,
        rest=total - fixable,
    )


def _common(texts: set[str], otherwise: str) -> str:
    """The text that all have, or another one."""
    return next(iter(texts)) if len(texts) == 1 else otherwise
