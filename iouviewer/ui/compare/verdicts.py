"""The head of Compare: the question, and one verdict card for each variant."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_edits import set_baseline
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.jobs.judge import Judged
from iouviewer.ui.compare.intervals import IntervalAxis, axis_of
from iouviewer.ui.compare.question_bar import QuestionBar
from iouviewer.ui.compare.verdict_card import CARD_HEIGHT, CARD_MAX_WIDTH, CARD_MIN_WIDTH, CardContent, VerdictCard
from iouviewer.ui.theme import Theme, is_motion_reduced
from iouviewer.ui.tokens import SIZE, SPACE

CARDS_IN_SIGHT = 4
"""More cards than this scroll."""
_SPIN_MS = 100


class _CardRow(QScrollArea):
    """Cards side by side: up to four share the width, more scroll."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("verdicts")
        self.setAccessibleName(tr("Verdicts: one card for each variant"))
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body = body = QWidget()
        self.row = QHBoxLayout(body)
        self.row.setContentsMargins(SPACE["m"], 0, SPACE["m"], 0)
        self.row.setSpacing(SPACE["s"])
        self.setWidget(body)
        self.cards: list[VerdictCard] = []

    def fit(self) -> None:
        """Give the cards their width, and the row its height."""
        shown = min(max(len(self.cards), 1), CARDS_IN_SIGHT)
        inside = self.width() - 2 * SPACE["m"] - (shown - 1) * SPACE["s"]
        width = min(max(CARD_MIN_WIDTH, inside // shown), CARD_MAX_WIDTH)
        for card in self.cards:
            card.setFixedWidth(width)
        count = len(self.cards)
        content = count * width + max(0, count - 1) * SPACE["s"] + 2 * SPACE["m"]
        self._body.resize(content, CARD_HEIGHT)
        self.setFixedHeight(CARD_HEIGHT + (SIZE["scrollbar"] if content > self.width() else 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        place = next((i for i, card in enumerate(self.cards) if card.hasFocus()), -1)
        if not step or place < 0:
            event.ignore()
            return
        card = self.cards[(place + step) % len(self.cards)]
        card.setFocus(Qt.FocusReason.TabFocusReason)
        self.ensureWidgetVisible(card)


class VerdictPanel(QWidget):
    """Question and cards; without a second variant it says how to add one.

    Signals:
        pairChosen(str), resumeRequested(str), removeRequested(str): of the variant with this key.
        menuRequested(str, object, QPoint): ``variant``, its key, and a point of the screen.
        addRequested(), runRequested(): add predictions, run a model.
    """

    pairChosen = Signal(str)
    resumeRequested = Signal(str)
    removeRequested = Signal(str)
    menuRequested = Signal(str, object, object)
    addRequested = Signal()
    runRequested = Signal()

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("compareHead")
        self._session, self._theme = session, theme
        self._verdicts: dict[str, Judged] = {}
        self._fresh: set[str] = set()
        self._is_outdated, self._complete, self._compared, self._margin = True, False, "", 1.0
        self.question = QuestionBar(session, theme)
        self._row = _CardRow()
        self._empty = self._create_empty()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE["s"])
        layout.setSpacing(0)
        for widget in (self.question, self._row, self._empty):
            layout.addWidget(widget)
        self._spinner = QTimer(self)
        self._spinner.setInterval(_SPIN_MS)
        self._spinner.timeout.connect(self._on_spinner_timeout)
        self.question.baselineChosen.connect(partial(set_baseline, session))
        session.variants.listChanged.connect(self._on_list_changed)
        session.variants.variantChanged.connect(self._show)
        session.sourceChanged.connect(self._on_list_changed)
        self._show()

    def _create_empty(self) -> QWidget:
        empty = QWidget()
        empty.setObjectName("compareEmpty")
        text = QLabel(tr("Add a second variant to compare:"))
        text.setProperty("role", "muted")
        row = QHBoxLayout(empty)
        row.setContentsMargins(SPACE["m"], SPACE["m"], SPACE["m"], SPACE["m"])
        row.setSpacing(SPACE["s"])
        row.addWidget(text)
        for name, label, signal in (
            ("compareAddPredictions", tr("Add predictions…"), self.addRequested),
            ("compareRunModel", tr("Run model…"), self.runRequested),
        ):
            button = QPushButton(label)
            button.setObjectName(name)
            button.clicked.connect(signal)
            row.addWidget(button)
        row.addStretch(1)
        return empty

    def focus_widgets(self) -> list[QWidget]:
        """What takes the keyboard focus, in order."""
        question = self.question
        chips: list[QWidget] = [question.baseline, question.drop, question.frames, question.explain, question.report]
        empty: list[QWidget] = [*self._empty.findChildren(QPushButton)]
        return [*chips, *self._row.cards, *empty]

    # Contents

    @property
    def cards(self) -> tuple[VerdictCard, ...]:
        """The cards in the order of the variants."""
        return tuple(self._row.cards)

    @property
    def axis(self) -> IntervalAxis:
        """The axis of all cards and rows."""
        compared = [judged.compared for judged in self._verdicts.values() if judged.compared is not None]
        differences = [one for each in compared for one in each.verdict.differences if one.metric in ("ap", "pq")]
        return axis_of(differences, self._margin)

    def set_margin(self, margin: float) -> None:
        """Show this allowed drop, in points."""
        self._margin = margin
        self.question.set_margin(margin)
        self._show()

    def set_compared(self, key: str) -> None:
        """Mark the card of the compared variant."""
        self._compared = key
        self._show()

    def set_verdicts(self, verdicts: Sequence[Judged], *, complete: bool = True) -> None:
        """Show these current verdicts; until they are complete, older verdicts of other variants stay, dimmed."""
        fresh = {judged.key: judged for judged in verdicts}
        self._verdicts = fresh if complete else {**self._verdicts, **fresh}
        self._fresh = set(fresh)
        self._is_outdated, self._complete = False, complete
        self.question.show_method(list(verdicts))
        self._show()

    def set_outdated(self) -> None:
        """Dim the cards until the next verdicts are ready; called on each move of a dragged box."""
        if not self._is_outdated:
            self._is_outdated = True
            self._show()

    def _on_list_changed(self) -> None:
        self._is_outdated = True
        known = {variant.key for variant in self._session.variants}
        self._verdicts = {key: judged for key, judged in self._verdicts.items() if key in known}
        self.question.update_question()
        self._show()

    def _judged_variants(self) -> list[Variant]:
        baseline = self._session.variants.baseline
        return [one for one in self._session.variants if baseline is not None and one.key != baseline.key]

    def _show(self, _key: str = "") -> None:
        variants = self._judged_variants()
        self._empty.setVisible(not variants)
        self._row.setVisible(bool(variants))
        self.question.setVisible(bool(variants))
        axis = self.axis
        contents = [self._content(variant, axis) for variant in variants]
        cards = self._row.cards
        while len(cards) > len(contents):
            card = cards.pop()
            self._row.row.removeWidget(card)
            card.hide()  # hidden at once, because Qt deletes it only later
            card.deleteLater()
        for card, content in zip(cards, contents, strict=False):
            card.show_content(content)
        for content in contents[len(cards) :]:
            self._add_card(content)
        self._row.fit()
        waits = any(one.is_stale or (one.judged is None and not one.has_failed) for one in contents)
        if waits and not is_motion_reduced():
            self._spinner.start()
        else:
            self._spinner.stop()

    def _content(self, variant: Variant, axis: IntervalAxis) -> CardContent:
        judged = self._verdicts.get(variant.key)
        is_stale = judged is not None and (self._is_outdated or not (self._complete or variant.key in self._fresh))
        is_selected = variant.key == self._compared
        return CardContent(variant, judged, axis, self._margin, is_stale=is_stale, is_selected=is_selected)

    def _add_card(self, content: CardContent) -> None:
        card = VerdictCard(content, self._theme)
        card.chosen.connect(self.pairChosen)
        card.resumeRequested.connect(self.resumeRequested)
        card.removeRequested.connect(self.removeRequested)
        card.menuRequested.connect(self.menuRequested)
        self._row.row.addWidget(card)
        self._row.cards.append(card)

    def _on_spinner_timeout(self) -> None:
        # While a box is dragged only the box and its numbers are repainted.
        if QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton:
            for card in self._row.cards:
                card.turn()

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self.question.set_theme(theme)
        for card in self._row.cards:
            card.set_theme(theme)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self._row.fit()
