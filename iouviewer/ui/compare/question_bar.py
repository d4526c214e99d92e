"""The question of Compare: its three chips are the whole configuration of the verdicts."""

from __future__ import annotations

import re

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QInputDialog, QLabel, QMenu, QPushButton, QToolButton, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import FrameState
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.judge import Judged, Verdict, describe_choice
from iouviewer.ui.compare.frame_menu import FrameMenu
from iouviewer.ui.compare.point_chip import PointChip
from iouviewer.ui.panels.filter_chip import FilterChip
from iouviewer.ui.theme import Theme, icon, make_popup, popup_menu
from iouviewer.ui.tokens import SIZE, SPACE
from iouviewer.ui.variant_look import dash_icon, panel_colour

BAR_HEIGHT = 36
_DROPS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)
_MOST_DROP = 100.0
_MARKS = {"baseline": "\x01", "drop": "\x02", "frames": "\x03", "point": "\x04"}
_EXPLANATION_WIDTH = 460
_DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


class QuestionBar(QWidget):
    """ "Which may replace yolo11n if AP and PQ may drop at most 1.0 point on 315 common frames", and the method.

    Signals:
        baselineChosen(str): key of a variant.
        marginChosen(float): allowed drop in points.
        verifiedOnlyChosen(bool): count verified frames only, or all common frames.
        reportRequested(): write the report.
    """

    baselineChosen = Signal(str)
    marginChosen = Signal(float)
    verifiedOnlyChosen = Signal(bool)
    reportRequested = Signal()

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("questionBar")
        self.setFixedHeight(BAR_HEIGHT)
        self._session, self._theme = session, theme
        self._margin, self._verified_only, self._verified_count = 1.0, False, 0
        self._verdict: Verdict | None = None
        self._choice = ""
        self._words: list[tuple[QLabel, str, str]] = []
        self._frame_menu = FrameMenu(self, session)
        self._frame_menu.verifiedOnlyChosen.connect(self.verifiedOnlyChosen)
        self.baseline = _chip("questionBaseline", tr("Baseline: the variant to replace"))
        self.drop = _chip("questionDrop", tr("Allowed drop of AP and PQ"))
        self.frames = _chip("questionFrames", tr("Frames that count"))
        for chip, fill in (
            (self.baseline, self._fill_baselines),
            (self.drop, self._fill_drops),
            (self.frames, self._fill_frames),
        ):
            menu = popup_menu("", chip)
            menu.aboutToShow.connect(fill)
            chip.setMenu(menu)
        self.point = PointChip(session)
        self.filter_chip = FilterChip(session)
        session.scoresChanged.connect(self._on_scores_changed)
        self.method = QLabel()
        self.method.setObjectName("questionMethod")
        self.method.setProperty("role", "muted")
        self.explain = QToolButton()
        self.explain.setObjectName("questionExplain")
        self.explain.setAccessibleName(tr("What a verdict means"))
        self.explain.setToolTip(tr("What a verdict means"))
        self.explain.clicked.connect(self._on_explain_clicked)
        self.report = QPushButton(tr("Report…"))
        self.report.setObjectName("compareReport")
        self.report.setToolTip(tr("Write the report of all variants as one HTML file"))
        self.report.clicked.connect(self.reportRequested)
        self._lay_out()
        self.set_theme(theme)
        self.update_question()

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], 0, SPACE["m"], 0)
        layout.setSpacing(SPACE["s"])
        chips = {"\x01": self.baseline, "\x02": self.drop, "\x03": self.frames, "\x04": self.point}
        question = tr(
            "Which may replace {baseline} if AP and PQ may drop at most {drop} on {frames} at {point}", **_MARKS
        )
        # In a narrow window; a translation with other parts is left as it is.
        short = tr("Replace {baseline} if the drop is ≤ {drop} on {frames} at {point}", **_MARKS)
        words, short_words = (re.split(f"([{''.join(chips)}])", text) for text in (question, short))
        if words[1::2] != short_words[1::2]:
            short_words = words
        for long, narrow in zip(words, short_words, strict=True):
            if long in chips:
                layout.addWidget(chips[long])
            elif long.strip():
                label = QLabel(long.strip())
                label.setObjectName("questionPart")
                label.setProperty("role", "muted")
                layout.addWidget(label)
                self._words.append((label, long.strip(), narrow.strip()))
        layout.addWidget(self.filter_chip)
        layout.addStretch(1)
        for widget in (self.method, self.explain, self.report):
            layout.addWidget(widget)

    # Contents

    def set_margin(self, margin: float) -> None:
        """Show this allowed drop, in points."""
        self._margin = margin
        self.update_question()

    def set_verified_only(self, verified_only: bool, count: int) -> None:
        """Show whether verified frames only count, and how many there are."""
        self._verified_only, self._verified_count = verified_only, count
        self.update_question()

    def show_method(self, verdicts: list[Judged]) -> None:
        """Show the method of these verdicts."""
        compared = [one.compared for one in verdicts if one.compared is not None]
        self._verdict = compared[0].verdict if compared else None
        self._choice = describe_choice(verdicts)
        self.update_question()

    def update_question(self) -> None:
        """Write the chips and the method again."""
        baseline = self._session.variants.baseline
        self.baseline.setText("" if baseline is None else baseline.name)
        self.baseline.setVisible(baseline is not None)
        self.drop.setText(drop_text(self._margin))
        self.frames.setText(self._frames_text())
        self.method.setText("" if self._verdict is None else self._method_text(self._verdict))
        self._fit_method()

    def _common_counts(self) -> list[int]:
        """How many labelled frames the baseline and each other variant cover together."""
        session = self._session
        baseline = session.variants.baseline
        counted = session.ground_truth.states() == FrameState.LABELLED
        settings = session.scores.settings
        chosen = settings.selected(len(counted))
        if chosen is not None:
            counted = counted & chosen
        if (calibrated := session.scores.calibrated) is not None:
            counted = counted & ~calibrated
        others = [v for v in session.variants if baseline is not None and v.key != baseline.key]
        if baseline is None or not others:
            return [int(counted.sum())]
        return [int((counted & baseline.predictions.covered & v.predictions.covered).sum()) for v in others]

    def _frames_text(self) -> str:
        low, high = min(counts := self._common_counts()), max(counts)
        if label := self._frame_menu.label:
            numbers = f"{low:,}" if low == high else tr("{low:,}–{high:,}", low=low, high=high)
            return tr("{numbers} frames of {name}", numbers=numbers, name=label)
        if low != high and self._verified_only:
            return tr("{low:,}–{high:,} verified frames", low=low, high=high)
        if low != high:
            return tr("{low:,}–{high:,} common frames", low=low, high=high)
        if self._verified_only:
            return tr_n("{count} verified frame", "{count:,} verified frames", low)
        return tr_n("{count} common frame", "{count:,} common frames", low)

    @staticmethod
    def _method_text(verdict: Verdict) -> str:
        """What the interval is made from."""
        if len(verdict.videos) > 1:
            return tr("Paired, from differences between videos")
        if verdict.videos[0].single_images:
            return tr("Paired, from independent images")
        if verdict.effective_frames is None:
            return tr("Paired, the same difference on all frames")
        return tr("Paired, about {count:,} independent frames", count=round(verdict.effective_frames))

    def _on_scores_changed(self) -> None:
        self.filter_chip.refresh()
        self._fit_method()

    def _fit_method(self) -> None:
        """Leave the method out where the question needs the width, which the explanation still says; then words."""
        for place in (1, 2):
            for each in self._words:
                label, text = each[0], str(each[place])
                if label.text() != text:
                    label.setText(text)
            self.method.setVisible(place == 1 and bool(self.method.text()) and self._needed(with_method=True) <= 0)
            if self._needed(with_method=False) <= 0:
                return

    def _needed(self, *, with_method: bool) -> int:
        """How many logical pixels are missing."""
        shown = [
            each
            for each in self.findChildren(QWidget, options=_DIRECT)
            if (with_method if each is self.method else not each.isHidden())
        ]
        needed = sum(each.sizeHint().width() + SPACE["s"] for each in shown)
        return needed + 2 * SPACE["m"] - self.width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_method()

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self.baseline.setIcon(icon("baseline", theme))
        self.explain.setIcon(icon("info", theme))
        self.report.setIcon(icon("report", theme))

    # Menus

    def _fill_baselines(self) -> None:
        menu, baseline = self.baseline.menu(), self._session.variants.baseline
        group = _cleared(menu)
        for variant in self._session.variants:
            action = QAction(variant.name.replace("&", "&&"), menu)
            action.setIcon(dash_icon(variant.colour, panel_colour(variant.colour, self._theme.colours)))
            _add_choice(menu, group, action, chosen=baseline is not None and variant.key == baseline.key)
            action.triggered.connect(lambda _on, key=variant.key: self.baselineChosen.emit(key))

    def _fill_drops(self) -> None:
        menu = self.drop.menu()
        group = _cleared(menu)
        for drop in sorted({*_DROPS, self._margin}):
            action = QAction(drop_text(drop), menu)
            _add_choice(menu, group, action, chosen=drop == self._margin)
            action.triggered.connect(lambda _on, drop=drop: self.marginChosen.emit(drop))
        menu.addSeparator()
        menu.addAction(tr("Other…")).triggered.connect(self._on_other_drop_triggered)

    def _fill_frames(self) -> None:
        menu = self.frames.menu()
        group = _cleared(menu)
        self._frame_menu.fill(menu, group, verified_only=self._verified_only, verified_count=self._verified_count)

    def _on_other_drop_triggered(self) -> None:
        drop, accepted = QInputDialog.getDouble(
            self.window(), tr("Allowed drop"), tr("Points that AP and PQ may drop"), self._margin, 0.0, _MOST_DROP, 1
        )
        if accepted:
            self.marginChosen.emit(drop)

    def _on_explain_clicked(self) -> None:
        popup = QFrame(self, Qt.WindowType.Popup)
        popup.setObjectName("statisticsExplanation")
        popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        make_popup(popup)
        text = QLabel(self._explanation())
        text.setWordWrap(True)
        text.setFixedWidth(_EXPLANATION_WIDTH)
        text.setAccessibleName(tr("What a verdict means"))
        layout = QHBoxLayout(popup)
        layout.setContentsMargins(SPACE["l"], SPACE["m"], SPACE["l"], SPACE["m"])
        layout.addWidget(text)
        popup.adjustSize()
        below = self.explain.mapToGlobal(QPoint(self.explain.width(), self.explain.height() + 4))
        popup.move(below - QPoint(popup.width(), 0))
        popup.show()

    def _explanation(self) -> str:
        drop = drop_text(self._margin)
        parts = [
            tr(
                "A verdict compares a variant with the baseline on the labelled frames that both cover, at their "
                "common score floor and maximum of detections. 1 point is 0.01."
            ),
            tr(
                "The interval contains the true difference in about 95 of 100 cases. It is made from the difference of "
                "both variants on each frame, and is wider the more neighbouring frames are alike."
            ),
            tr("<b>PASS</b>: the whole interval of AP and of PQ lies above a drop of {drop}.", drop=drop),
            tr(
                "<b>FAIL</b>: the whole interval of one of them lies below it, also after a correction for the choice "
                "among several metrics (Holm)."
            ),
            tr(
                "<b>UNDECIDED</b>: neither, or the frames are too few or too much alike for an interval. “No "
                "difference found” is never a pass."
            ),
            tr("<b>CANNOT JUDGE</b>: something needed is missing, and the card says what."),
        ]
        if self._verdict is not None:
            parts.append(tr("Here: {method}.", method=self._method_text(self._verdict)))
        if self._choice:
            parts.append(self._choice)
        return "".join(f"<p>{part}</p>" for part in parts)


def drop_text(points: float) -> str:
    """An allowed drop in words."""
    return tr("{drop:.1f} point", drop=points) if points == 1.0 else tr("{drop:.1f} points", drop=points)


def _chip(name: str, tooltip: str) -> QToolButton:
    chip = QToolButton()
    chip.setObjectName(name)
    chip.setProperty("chip", True)
    chip.setAccessibleName(tooltip)
    chip.setToolTip(tooltip)
    chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    chip.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    chip.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    chip.setFixedHeight(SIZE["control"])
    return chip


def _cleared(menu: QMenu) -> QActionGroup:
    menu.clear()
    return QActionGroup(menu)


def _add_choice(menu: QMenu, group: QActionGroup, action: QAction, *, chosen: bool) -> None:
    action.setCheckable(True)
    action.setChecked(chosen)
    group.addAction(action)
    menu.addAction(action)
