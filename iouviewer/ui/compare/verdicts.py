"""The verdicts: one sentence per variant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from iouviewer.document.variants import RunState, Variant
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.judge import Judged
from iouviewer.ui.theme import tabular_font

COMPARING_TEXT = tr("Comparing with the baseline…")
NO_VARIANTS_TEXT = tr("Add a second variant to compare: File > Add predictions… or Run model…")


class VerdictPanel(QScrollArea):
    """Sentences in the order of the variants, grey while they are recomputed, and failed runs below them.

    Signals:
        resumeRequested(str), removeRequested(str): of the failed run of the variant with this key.
    """

    resumeRequested = Signal(str)
    removeRequested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("verdicts")
        self.setAccessibleName(tr("Verdicts: one sentence per variant"))
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body = QWidget()
        self._layout = QVBoxLayout(self._body)
        self._layout.setContentsMargins(8, 4, 8, 4)
        self._layout.setSpacing(2)
        self.setWidget(self._body)
        self._labels: list[QLabel] = []
        self._verdicts: list[Judged] = []
        self._sentences: list[str] = []
        self._failed: list[Variant] = []
        self.set_sentences([])

    @property
    def labels(self) -> tuple[QLabel, ...]:
        """The labels of the sentences."""
        return tuple(self._labels)

    @property
    def failed(self) -> tuple[Variant, ...]:
        """Variants whose run failed."""
        return tuple(self._failed)

    def set_sentences(self, sentences: Sequence[str]) -> None:
        """Show these lines; without any, show what to do next."""
        self._sentences = list(sentences)
        while (item := self._layout.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()  # hidden at once, because Qt deletes it only later
                widget.deleteLater()
        self._labels = []
        for text in sentences or ([] if self._failed else [NO_VARIANTS_TEXT]):
            label = self._add_label(_emphasise_outcome(text) if sentences else text)
            if not sentences:
                label.setProperty("role", "muted")
            self._labels.append(label)
        for variant in self._failed:
            label = self._add_label(_failed_run_text(variant))
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
            label.linkActivated.connect(self.activate_link)
        self._fit_height()

    def _add_label(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setFont(tabular_font(self.font()))
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._layout.addWidget(label)
        # Polishing applies the font of the style sheet, which the height depends on.
        label.ensurePolished()
        # Shown at once: layouts ignore invisible widgets, which would make the height wrong.
        label.setVisible(True)
        return label

    def show_failed_runs(self, variants: Iterable[Variant]) -> None:
        """Show which of these variants have a failed run, with the available actions."""
        failed = [variant for variant in variants if variant.state is RunState.FAILED]
        if failed != self._failed:
            self._failed = failed
            self.set_sentences(self._sentences)

    def activate_link(self, link: str) -> None:
        """Request the action of a link in the text of a failed run: ``resume:KEY`` or ``remove:KEY``."""
        verb, _, key = link.partition(":")
        (self.resumeRequested if verb == "resume" else self.removeRequested).emit(key)

    def _fit_height(self) -> None:
        """Fit the height to the sentences at the current width; before the first show, at a typical width."""
        width = self.width() if self.isVisible() else max(self.width(), 1200)
        height = self._layout.heightForWidth(width)
        if height > 0 and height != self.height():
            self.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_height()

    def set_verdicts(self, verdicts: Sequence[Judged], *, complete: bool = True) -> None:
        """Show these current verdicts; until they are complete, older verdicts of other variants stay, in grey."""
        current = {verdict.key for verdict in verdicts}
        older = [] if complete else [verdict for verdict in self._verdicts if verdict.key not in current]
        self._verdicts = [*verdicts, *older]
        sentences = [_sentence_text(verdict) for verdict in self._verdicts]
        self.set_sentences(sentences if complete or older else [*sentences, COMPARING_TEXT])
        for label, verdict in zip(self._labels, self._verdicts, strict=False):
            label.setToolTip(verdict.judgement.run_note)
            label.setAccessibleDescription(verdict.judgement.run_note)
        self._body.setEnabled(True)
        for label in self._labels[len(verdicts) :]:
            label.setEnabled(complete)

    def set_outdated(self, outdated: bool, *, several: bool = True) -> None:
        """Grey out the sentences until the next verdicts are ready.

        Args:
            several: whether there is more than one variant, and so something to compare.
        """
        if outdated and not several:
            self._verdicts = []
        sentences = [COMPARING_TEXT] if several else []
        # Called on each move of a dragged box.
        if outdated and not self._verdicts and sentences != self._sentences:
            self.set_sentences(sentences)
        self._body.setEnabled(not outdated)


def _sentence_text(verdict: Judged) -> str:
    """The sentence; where the runs differ it says so, and the tool tip says how."""
    if not verdict.judgement.run_note:
        return verdict.sentence
    return tr("{sentence} Run differently (see tool tip).", sentence=verdict.sentence)


def _failed_run_text(variant: Variant) -> str:
    """HTML with the reason of a failed run and links to the available actions."""
    frames = int(variant.predictions.covered.sum())
    name, reason = escape(variant.name), escape(variant.message.rstrip("."))
    if frames and reason:
        text = tr_n(
            "{name}: <b>the run failed</b> after {count} frame: {reason}.",
            "{name}: <b>the run failed</b> after {count:,} frames: {reason}.",
            frames,
            name=name,
            reason=reason,
        )
    elif frames:
        text = tr_n(
            "{name}: <b>the run failed</b> after {count} frame.",
            "{name}: <b>the run failed</b> after {count:,} frames.",
            frames,
            name=name,
        )
    elif reason:
        text = tr("{name}: <b>the run failed</b>: {reason}.", name=name, reason=reason)
    else:
        text = tr("{name}: <b>the run failed</b>.", name=name)
    links = [_link("resume", variant.key, tr("Resume run"))] if variant.path else []
    links.append(_link("remove", variant.key, tr("Remove")))
    return f"{text} {' · '.join(links)}"


def _link(verb: str, key: str, text: str) -> str:
    target = f"{verb}:{key}"
    return f'<a href="{target}">{text}</a>'


def _emphasise_outcome(text: str) -> str:
    safe = escape(text)
    for word in ("PASS", "FAIL", "UNDECIDED"):
        safe = safe.replace(f": {word} ", f": <b>{word}</b> ", 1)
    words = escape(tr("cannot be judged"))
    return safe.replace(f": {words} ", f": <b>{words}</b> ", 1)
