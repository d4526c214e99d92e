"""The tour of the sample: four hints at the thing itself, each of which goes when its thing was done."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.settings import Settings
from iouviewer.document.boxes import Box
from iouviewer.document.edits import Change, Phase
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.resource_files import resource_path
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tokens import RADIUS, SPACE
from iouviewer.ui.workspaces import Workspace, Workspaces

CLOSED = "tourClosed"
"""Key of the setting: ``1`` once the tour was skipped or finished."""
_FOLLOW_MS = 200
"""How often a hint looks where its thing is: panels, lists and cards move for many reasons."""
_GRID = 12
"""Pixels between the places that are tried for a hint."""
_GAP = 14
_WIDTH = 250


@dataclass(frozen=True, slots=True)
class TourTargets:
    """The widgets that the hints point at, and what tells that their things were done.

    Attributes:
        export: the Export button.
        compare: the button of the workspace.
        key_of: the key of a command, empty for none.
    """

    workspaces: Workspaces
    export: QWidget
    compare: QWidget
    key_of: Callable[[str], str]


def place_hint(anchor: QRect, size: QSize, area: QRect, taken: Sequence[QRect]) -> QPoint:
    """The place nearest to the anchor where a hint covers nothing that is taken; where there is none, least of it.

    Args:
        anchor: what the hint points at; it is kept free too.
        area: where the hint may be.
    """
    right, bottom = max(area.right() - size.width(), area.left()), max(area.bottom() - size.height(), area.top())
    xs, ys = np.meshgrid(np.arange(area.left(), right + 1, _GRID), np.arange(area.top(), bottom + 1, _GRID))
    covered = np.zeros(xs.shape)
    for rect in (anchor, *taken):
        wide = np.minimum(xs + size.width(), rect.right() + 1) - np.maximum(xs, rect.left())
        high = np.minimum(ys + size.height(), rect.bottom() + 1) - np.maximum(ys, rect.top())
        covered += np.clip(wide, 0, None) * np.clip(high, 0, None)
    # From border to border; a little air between the hint and its thing.
    across = np.maximum(np.maximum(anchor.left() - xs - size.width(), xs - anchor.right()), 0)
    along = np.maximum(np.maximum(anchor.top() - ys - size.height(), ys - anchor.bottom()), 0)
    distance = np.abs(np.hypot(across, along) - _GAP)
    best = np.lexsort((distance.ravel(), covered.ravel()))[0]
    return QPoint(int(xs.ravel()[best]), int(ys.ravel()[best]))


class _Leader(QWidget):
    """A thin line from a hint to its thing, which the mouse does not feel."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._start, self._end = QPoint(), QPoint()

    def connect_points(self, start: QPoint, end: QPoint) -> None:
        """Draw the line between these points of the parent."""
        rect = QRect(start, end).normalized().adjusted(-5, -5, 5, 5)
        self.setGeometry(rect)
        self._start, self._end = start - rect.topLeft(), end - rect.topLeft()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colour = QColor(scheme_theme().colours.accent_fill)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 2))
        painter.drawLine(self._start, self._end)
        painter.setBrush(colour)
        painter.drawEllipse(self._end, 3, 3)
        painter.end()


class HintBubble(QFrame):
    """One hint: its text, how many there are, and the ways on and out.

    Signals:
        passed(): go on to the next hint.
        closed(): end the tour for good.
    """

    passed = Signal()
    closed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("tourHint")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._leader = _Leader(window)
        self.text = QLabel()
        self.text.setObjectName("firstStep")
        self.text.setFont(font("strong"))
        self.text.setWordWrap(True)
        self._count = QLabel()
        self.next, self.close_button = QToolButton(), QToolButton()
        self.next.setObjectName("tourNext")
        self.close_button.setObjectName("tourClose")
        self.close_button.setText(tr("Skip tour"))
        self.next.clicked.connect(self.passed)
        self.close_button.clicked.connect(self.closed)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE["xs"])
        buttons.addWidget(self._count)
        buttons.addStretch(1)
        for button in (self.close_button, self.next):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            buttons.addWidget(button)
        self._layout = layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["s"], SPACE["s"])
        layout.setSpacing(SPACE["xs"])
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.setFixedWidth(_WIDTH)
        self.hide()
        self._leader.hide()

    def show_step(self, text: str, step: int, count: int) -> None:
        """Show the hint with this number, from 0."""
        colours = scheme_theme().colours
        self.setStyleSheet(
            f"#tourHint {{ background: {colours.accent_fill}; border-radius: {RADIUS['popup']}px; }}"
            f"#tourHint QLabel {{ color: {colours.on_accent_fill}; background: transparent; }}"
            f"#tourHint QToolButton {{ color: {colours.on_accent_fill}; background: transparent; padding: 2px 7px;"
            f" border: 1px solid {colours.on_accent_fill}; border-radius: {RADIUS['control']}px; }}"
            f"#tourHint QToolButton:focus {{ border-width: 2px; padding: 1px 6px; }}"
        )
        self.text.setText(text)
        self.setAccessibleName(text)
        self._count.setText(tr("{step} of {count}", step=step + 1, count=count))
        is_last = step == count - 1
        self.next.setText(tr("Finish") if is_last else tr("Next"))
        self.close_button.setVisible(not is_last)

    def point_at(self, anchor: QRect, area: QRect, taken: Sequence[QRect]) -> None:
        """Show the hint near the anchor, all in coordinates of the window."""
        size = QSize(_WIDTH, self._layout.heightForWidth(_WIDTH))
        self.setGeometry(QRect(place_hint(anchor, size, area, taken), size))
        target, own = anchor.center(), self.geometry()
        start = QPoint(min(max(target.x(), own.left()), own.right()), min(max(target.y(), own.top()), own.bottom()))
        end = QPoint(
            min(max(start.x(), anchor.left()), anchor.right()), min(max(start.y(), anchor.top()), anchor.bottom())
        )
        self._leader.connect_points(start, end)
        for widget in (self._leader, self):
            widget.show()
            widget.raise_()

    def leave(self) -> None:
        """Hide the hint and its line."""
        self.hide()
        self._leader.hide()


class FirstSteps(QObject):
    """Leads through the sample: an edge to drag, a fix to apply, an interval to read, a table to export."""

    STEPS = 4

    def __init__(self, window: QWidget, session: Session, targets: TourTargets, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._session, self._targets, self._settings = window, session, targets, settings
        self._views = targets.workspaces.views
        self._canvas = self._views.canvas
        self._step = -1
        self._box: Box | None = None
        self._edge = "right"
        self._done_before = 0
        self._was_on_cards = self._is_dragged = False
        self.bubble = HintBubble(window)
        self.bubble.passed.connect(self._go_on)
        self.bubble.closed.connect(self.close)
        self._timer = QTimer(self)
        self._timer.setInterval(_FOLLOW_MS)
        self._timer.timeout.connect(self.update_position)
        session.changed.connect(self._on_session_changed)
        session.sourceChanged.connect(self._stop)
        self._canvas.viewMoved.connect(self.update_position)
        self._canvas.frameShown.connect(self.update_position)
        self._views.problems.model.countsChanged.connect(self._on_problems_counts_changed)
        self._views.verdicts.installEventFilter(self)

    # Steps

    def begin(self) -> None:
        """Go to the deliberate error of the sample; the hints follow unless the tour was closed."""
        box = self._find_planted()
        if box is not None:
            self._session.select([box.id])
        if self._settings.extra.get(CLOSED) == "1":
            return
        self._box = box
        self._start(0 if box is not None else 1)

    def close(self) -> None:
        """End the tour for good; Help > Getting started replays it."""
        self._settings.extra[CLOSED] = "1"
        self._stop()

    def reopen(self) -> None:
        """Show the hints again with the next sample."""
        self._settings.extra.pop(CLOSED, None)

    def _stop(self) -> None:
        self._step = -1
        self._timer.stop()
        self.bubble.leave()

    def _start(self, step: int) -> None:
        if step >= self.STEPS:
            self.close()
            return
        self._step, self._was_on_cards = step, False
        self._done_before = self._views.problems.model.problems.count_done()
        self._timer.start()
        self.update_position()

    def _go_on(self) -> None:
        if self._step >= 0:
            self._start(self._step + 1)

    def _find_planted(self) -> Box | None:
        """Go to the frame with the error; the box if it is not corrected yet."""
        try:
            planted = json.loads(resource_path("sample/planted.json").read_text(encoding="utf-8"))["edge"]
        except (UserError, OSError, ValueError, KeyError):
            # The hint is optional.
            return None
        frame, self._edge = int(planted["frame"]), planted["edge"]
        self._session.go_to(frame)
        for box in self._session.ground_truth.boxes(frame):
            if max(abs(a - b) for a, b in zip(box.rect, planted["planted"], strict=True)) < 0.5:
                return box
        return None

    # Done

    def _on_session_changed(self, change: Change) -> None:
        if self._step != 0 or self._box is None or self._box.id not in change.box_ids:
            return
        # While the user drags the edge, the caption at the cursor is enough.
        self._is_dragged = change.phase is Phase.LIVE and change.origin != "cancel"
        if change.phase is Phase.COMMITTED:
            self._go_on()
        else:
            self.update_position()

    def _on_problems_counts_changed(self) -> None:
        if self._step == 1 and self._views.problems.model.problems.count_done() > self._done_before:
            self._go_on()

    def on_exported(self) -> None:
        """A file was exported."""
        if self._step == self.STEPS - 1:
            self._go_on()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if self._step == 2 and event.type() == QEvent.Type.Enter:
            self._was_on_cards = True
        elif self._step == 2 and event.type() in (QEvent.Type.Leave, QEvent.Type.Hide) and self._was_on_cards:
            self._go_on()
        return False

    # Place

    def update_position(self, _what: object = None) -> None:
        """Put the hint beside its thing, or hide it while that is not on the screen."""
        found = self._target() if self._step >= 0 else None
        if found is None or self._is_dragged:
            self.bubble.leave()
            return
        anchor, text = found
        views, taken = self._views, self._boxes_on_screen()
        area = self._window.rect()
        if self._step == 0:
            area = self._of(self._canvas.viewport())
        elif self._step == 1:
            area = self._of(views.side_tabs)
            taken += [self._of(views.side_tabs.tabBar())]
            taken += [self._of(views.problems.card)] if views.problems.card.isVisible() else []
        self.bubble.show_step(text, self._step, self.STEPS)
        inset = SPACE["s"]
        self.bubble.point_at(anchor, area.adjusted(inset, inset, -inset, -inset), taken)

    def _target(self) -> tuple[QRect, str] | None:
        """What the current hint points at, in coordinates of the window, and its text."""
        views, targets = self._views, self._targets
        is_compare = targets.workspaces.current is Workspace.COMPARE
        if self._step == 0:
            edge = self._edge_on_screen()
            return None if edge is None else (edge, tr("Drag this edge and watch IoU and timeline"))
        if self._step == 1:
            if is_compare:
                return None
            apply, key = views.problems.card.apply, targets.key_of("takeFix")
            if apply.isVisible():
                return self._of(apply), tr("{key} applies it", key=key) if key else tr("This button applies it")
            text = tr("Problems are listed here. {key} goes to the next one", key=targets.key_of("nextProblem"))
            return self._of_tab(views.problems), text
        if self._step == 2:
            if not is_compare:
                return self._of(targets.compare), tr("Which variant is better? Open Compare")
            cards = views.verdicts.cards
            text = tr("Read the interval: right of the margin PASS, left of it FAIL, across it UNDECIDED")
            return self._of(cards[0] if cards else views.verdicts), text
        return self._of(targets.export), tr("Export the curve: IoU by frame (CSV)…")

    def _edge_on_screen(self) -> QRect | None:
        """The middle of the edge to drag."""
        box = self._session.ground_truth.find(self._box.id) if self._box is not None else None
        if box is None or self._session.current_frame != box.frame or self._canvas.shown_frame != box.frame:
            return None
        x1, y1, x2, y2 = box.rect
        x = {"left": x1, "right": x2}.get(self._edge, (x1 + x2) / 2)
        y = {"top": y1, "bottom": y2}.get(self._edge, (y1 + y2) / 2)
        centre = self._canvas.viewport().mapTo(self._window, self._canvas.from_image(x, y))
        return QRect(centre - QPoint(3, 3), QSize(7, 7))

    def _boxes_on_screen(self) -> list[QRect]:
        """The boxes on the canvas, in coordinates of the window."""
        canvas, session = self._canvas, self._session
        if not canvas.isVisible():
            return []
        frame = session.current_frame
        rects = [box.rect for box in session.ground_truth.boxes(frame)]
        for variant in session.variants:
            rects += [tuple(column) for column in variant.predictions.table.frame(frame).boxes.T.tolist()]
        inside = canvas.viewport().rect()
        found = [
            QRect(canvas.from_image(x1, y1), canvas.from_image(x2, y2)).adjusted(-2, -2, 2, 2).intersected(inside)
            for x1, y1, x2, y2 in rects
        ]
        offset = canvas.viewport().mapTo(self._window, QPoint())
        return [rect.translated(offset) for rect in found if not rect.isEmpty()]

    def _of(self, widget: QWidget) -> QRect:
        return QRect(widget.mapTo(self._window, QPoint()), widget.size())

    def _of_tab(self, page: QWidget) -> QRect:
        tabs = self._views.side_tabs
        rect = tabs.tabBar().tabRect(tabs.indexOf(page))
        return QRect(tabs.tabBar().mapTo(self._window, rect.topLeft()), rect.size())
