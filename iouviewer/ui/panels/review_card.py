"""The card that asks about the current problem, and the foot that names the last decision and undoes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.decisions import Decision, decode_decision
from iouviewer.document.edits import Batch, Edit, SetDecisions
from iouviewer.document.problem_texts import TOPIC_NAMES, apply_text, consequence_text, evidence_text, keep_text
from iouviewer.document.problems import Problem
from iouviewer.document.review_ledger import LedgerCounts
from iouviewer.document.steps import Step
from iouviewer.document.tracks import new_tracks
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.dialogs.frame import separator
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.review.crop_painter import joined
from iouviewer.ui.review.film_strip import FilmStrip, fix_lines
from iouviewer.ui.tables.problems_model import TOPIC_GLYPHS
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import ICON_SIZE, SPACE


class ReviewCard(QFrame):
    """What the current problem is, what speaks for it, and the buttons that decide it.

    Signals:
        commandRequested(str): the action id of a button; with Shift, or without the check mark, that of one frame only.
        scopeChanged(): one frame or all of the object.
    """

    commandRequested = Signal(str)
    scopeChanged = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("reviewCard")
        self._session = session
        self.icon, self.title, self.frame = QLabel(), QLabel(), QLabel()
        self.text, self.consequence = QLabel(), QLabel()
        self.next, self.counts = QLabel(tr("Next")), QLabel()
        for label in (self.next, self.counts):
            label.setProperty("role", "caption")
        self.counts.setObjectName("reviewCounts")
        self.counts.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.counts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.strip = FilmStrip(session)
        self.title.setFont(font("title"))
        self.frame.setProperty("role", "muted")
        for label, name in ((self.text, "reviewEvidence"), (self.consequence, "reviewConsequence")):
            label.setObjectName(name)
            label.setWordWrap(True)
        self.consequence.setProperty("role", "muted")
        self.apply, self.keep, self.unclear = QPushButton(), QPushButton(), QPushButton()
        for button, name, action in (
            (self.apply, "reviewApply", "takeFix"),
            (self.keep, "reviewKeep", "groundTruthIsRight"),
            (self.unclear, "reviewUnclear", "unclear"),
        ):
            button.setObjectName(name)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(partial(self._on_button_clicked, action))
        self.apply.setProperty("primary", True)
        self.whole = QCheckBox()
        self.whole.setObjectName("reviewWholeObject")
        self.whole.setChecked(True)
        self.whole.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.whole.toggled.connect(self.scopeChanged)
        self._lay_out()

    def _lay_out(self) -> None:
        heading = QHBoxLayout()
        heading.setSpacing(SPACE["s"])
        heading.addWidget(self.icon)
        heading.addWidget(self.title, 1)
        heading.addWidget(self.frame)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE["s"])
        buttons.addWidget(self.keep, 1)
        buttons.addWidget(self.unclear, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["s"])
        layout.addLayout(heading)
        for widget in (self.text, self.strip, self.consequence, self.apply):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        layout.addWidget(self.whole)
        following = QHBoxLayout()
        following.setContentsMargins(0, SPACE["xs"], 0, 0)
        following.addWidget(self.next)
        following.addWidget(self.counts, 1)
        layout.addWidget(separator())
        layout.addLayout(following)

    def _on_button_clicked(self, action: str, _checked: bool = False) -> None:
        with_shift = QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier
        self.commandRequested.emit(f"{action}Here" if with_shift else action)

    def show_problem(self, problem: Problem, alike: Sequence[Problem], keys: tuple[str, str, str]) -> None:
        """Show a problem.

        Args:
            alike: all open problems of its object, with itself.
            keys: those of apply, keep and unclear.
        """
        session = self._session
        names, baseline = session.document.class_names, session.variants.baseline
        glyph = TOPIC_GLYPHS[problem.topic]
        colour = str(getattr(scheme_theme().colours, glyph.colour))
        self.icon.setPixmap(coloured_icon(glyph.name, colour).pixmap(ICON_SIZE, ICON_SIZE))
        self.title.setText(TOPIC_NAMES[problem.topic])
        count = len(alike)
        self.frame.setText(_frames_text([one.frame for one in alike] if count > 1 else [problem.frame]))
        self.text.setText(evidence_text(problem, names, "" if baseline is None else baseline.name))
        self.whole.setVisible(count > 1)
        self.whole.setText(tr_n("Decide for this frame", "Decide for all {count:,} frames of this object", count))
        self.whole.setToolTip(tr("Shift with a key or a button decides only this frame"))
        self._show_consequence(problem, count if self.whole.isChecked() else 1)
        texts = (apply_text(problem, names), keep_text(problem, names), tr("Unclear"))
        for button, text, key in zip((self.apply, self.keep, self.unclear), texts, keys, strict=True):
            button.setText(tr("{text}  {key}", text=text, key=key) if key else text)
        self.apply.setVisible(problem.has_fix)
        self._show_counts()
        fix = None if problem.deletes_box else problem.fix_rect
        self.strip.show_place(problem.frame, joined([problem.rect, *([fix] if fix else [])]), fix_lines(fix))

    def _show_counts(self) -> None:
        """What was decided so far, above the list of what comes next."""
        stored = self._session.document.decisions(self._session.source.id).values()
        counts = LedgerCounts.of(decision for text in stored if (decision := _decoded(text)) is not None)
        parts = [
            tr_n("{count} label error", "{count:,} label errors", counts.errors) if counts.errors else "",
            tr("{count:,} kept", count=counts.kept) if counts.kept else "",
            tr("{count:,} unclear", count=counts.unclear) if counts.unclear else "",
        ]
        self.counts.setText(" · ".join(filter(None, parts)))
        self.counts.setToolTip(counts.text if counts.total else "")

    def _show_consequence(self, problem: Problem, count: int) -> None:
        names = self._session.document.class_names
        track = next(iter(new_tracks(self._session.ground_truth, 1)), NO_TRACK)
        other = None if problem.other_id is None else self._session.ground_truth.find(problem.other_id)
        other_name = "" if other is None else self._session.document.object_name(other)
        consequence = consequence_text(problem, names, track, count=count, other=other_name)
        self.consequence.setText(tr("If you apply: {consequence}", consequence=consequence))
        self.consequence.setVisible(problem.has_fix)


@lru_cache(maxsize=100_000)
def _decoded(text: str) -> Decision | None:
    # All decisions are counted for each problem that is shown.
    return decode_decision(text)


def _frames_text(frames: Sequence[int]) -> str:
    """``frame 153``, ``4 frames, 153–156``."""
    first, last = min(frames), max(frames)
    if len(frames) == 1:
        return tr("frame {frame:,}", frame=first)
    return tr("{count:,} frames, {first:,}–{last:,}", count=len(frames), first=first, last=last)


class ReviewFoot(QFrame):
    """The last decision, while it is the last step; its button undoes it.

    Signals:
        undoRequested(str): undo the decision; the key of its first problem.
    """

    undoRequested = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("reviewFoot")
        self._session = session
        self._key = ""
        self._is_blind = False
        self.text = QLabel()
        self.text.setObjectName("reviewLast")
        self.text.setProperty("role", "muted")
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.undo = QToolButton()
        self.undo.setObjectName("reviewUndo")
        self.undo.setText(tr("Undo"))
        self.undo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.undo.clicked.connect(lambda: self.undoRequested.emit(self._key))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["xs"], SPACE["m"], SPACE["xs"])
        layout.addWidget(self.text, 1)
        layout.addWidget(self.undo)
        session.historyChanged.connect(self._show_last)
        self._show_last()

    @property
    def key(self) -> str:
        """The key of the first problem of the last decision; empty if the last step is another one."""
        return self._key

    def set_blind(self, is_blind: bool) -> None:
        """Hide the foot while problems are hidden."""
        self._is_blind = is_blind
        self._show_last()

    def _show_last(self) -> None:
        step = self._session.history.undo_step()
        self._key = "" if step is None else next(_decided_keys(step.edit), "")
        self.setVisible(bool(self._key) and not self._is_blind)
        if step is not None and self._key:
            self.text.setText(_last_text(step))
            self.text.setToolTip(_last_text(step))


def _last_text(step: Step) -> str:
    # A fix is named like an edit; other decisions name their frame.
    if not isinstance(step.edit, Batch):
        return step.label
    return tr("{step} · frame {frame:,}", step=step.label, frame=step.frame)


def _decided_keys(edit: Edit) -> Iterator[str]:
    """The keys of the problems that a step decides."""
    if isinstance(edit, Batch):
        for part in edit.edits:
            yield from _decided_keys(part)
    elif isinstance(edit, SetDecisions):
        yield from (key for key, decision in edit.decisions if decision)
