"""The verdicts: one sentence a variant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from iouviewer.app.jobs.verdict_job import VariantVerdict
from iouviewer.document.variants import RunState, Variant
from iouviewer.ui.theme import tabular_font

WAITING = "Comparing with the baseline …"
HINT = "Add a second variant (File > Add predictions, or Run a model) to compare it with the baseline."


class VerdictPanel(QScrollArea):
    """Sentences in the order of the variants, grey while they are being computed anew; below them runs that failed.

    Signals:
        resumeRequested(str), removeRequested(str): of the failed run that fills the variant with this key.
    """

    resumeRequested = Signal(str)
    removeRequested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("verdicts")
        self.setAccessibleName("Verdicts: one sentence a variant")
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body = QWidget()
        self._layout = QVBoxLayout(self._body)
        self._layout.setContentsMargins(8, 4, 8, 4)
        self._layout.setSpacing(2)
        self.setWidget(self._body)
        self._labels: list[QLabel] = []
        self._judged: list[VariantVerdict] = []
        self._sentences: list[str] = []
        self._failed: list[Variant] = []
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.set_sentences([])

    def set_sentences(self, sentences: Sequence[str]) -> None:
        """Show these lines; without any, what to do next."""
        self._sentences = list(sentences)
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()  # at once: it is deleted only when a click in it has been dealt with
                widget.deleteLater()
        self._labels = []
        for text in sentences or ([] if self._failed else [HINT]):
            label = self._add(_emphasised(text) if sentences else text)
            if not sentences:
                label.setProperty("role", "muted")
            self._labels.append(label)
        for variant in self._failed:
            label = self._add(_told(variant))
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
            label.linkActivated.connect(self._on_link)
        self._fit()

    def _add(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setFont(tabular_font(self.font()))
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._layout.addWidget(label)
        # The style sheet's font comes with polishing; the height is asked for before that.
        label.ensurePolished()
        # Shown at once: layouts leave out widgets that wait to be shown, and the height would lag behind.
        label.setVisible(True)
        return label

    def show_failed(self, variants: Iterable[Variant]) -> None:
        """Tell of those among these whose run failed, and what can be done."""
        failed = [variant for variant in variants if variant.state is RunState.FAILED]
        if failed != self._failed:
            self._failed = failed
            self.set_sentences(self._sentences)

    def _on_link(self, link: str) -> None:
        verb, _, key = link.partition(":")
        (self.resumeRequested if verb == "resume" else self.removeRequested).emit(key)

    def _fit(self) -> None:
        """As high as the sentences at this width; while none was shown yet, at a width that a window has."""
        width = self.width() if self.isVisible() else max(self.width(), 1200)
        height = self._layout.heightForWidth(width)
        if height > 0 and height != self.height():
            self.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def set_verdicts(self, verdicts: Sequence[VariantVerdict], *, complete: bool = True) -> None:
        """Show these verdicts, current as of now; until all are there, the earlier ones of the others stay, grey."""
        fresh = {verdict.key for verdict in verdicts}
        older = [] if complete else [verdict for verdict in self._judged if verdict.key not in fresh]
        self._judged = [*verdicts, *older]
        sentences = [verdict.sentence for verdict in self._judged]
        self.set_sentences(sentences if complete or older else [*sentences, WAITING])
        self._body.setEnabled(True)
        for label in self._labels[len(verdicts) :]:
            label.setEnabled(complete)

    def set_outdated(self, outdated: bool, *, several: bool = True) -> None:
        """Grey until the next verdicts are there; ``several``: there is something to compare."""
        if outdated and not several:
            self._judged = []
        wanted = [WAITING] if several else []
        # Said at each move of a dragged box.
        if outdated and not self._judged and wanted != self._sentences:
            self.set_sentences(wanted)
        self._body.setEnabled(not outdated)


def _told(variant: Variant) -> str:
    done = int(variant.predictions.covered.sum())
    frames = f" after {done} frames" if done else ""
    why = f": {escape(variant.message.rstrip('.'))}" if variant.message else ""
    again = f'<a href="resume:{variant.key}">Go on with the run</a> · ' if variant.path else ""
    return (
        f"{escape(variant.name)}: <b>the run failed</b>{frames}{why}. {again}"
        f'<a href="remove:{variant.key}">Remove it</a>'
    )


def _emphasised(text: str) -> str:
    safe = escape(text)
    for word in ("PASS", "FAIL", "UNDECIDED"):
        safe = safe.replace(f": {word} ", f": <b>{word}</b> ", 1)
    return safe
