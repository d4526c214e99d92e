"""The card that asks about the current problem, and the foot that names the last decision and undoes it."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.edits import Batch, Edit, SetDecisions
from iouviewer.document.problem_texts import TOPIC_NAMES, apply_text, consequence_text, evidence_text, keep_text
from iouviewer.document.problems import Problem
from iouviewer.document.steps import Step
from iouviewer.document.tracks import new_tracks
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.tables.problems_model import TOPIC_GLYPHS
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import ICON_SIZE, SPACE


class ReviewCard(QFrame):
    """What the current problem is, what speaks for it, and the buttons that decide it.

    Signals:
        commandRequested(str): the action id of a button.
    """

    commandRequested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("reviewCard")
        self.icon, self.title, self.frame = QLabel(), QLabel(), QLabel()
        self.text, self.consequence = QLabel(), QLabel()
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
            button.clicked.connect(lambda _checked=False, action=action: self.commandRequested.emit(action))
        self.apply.setProperty("primary", True)
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
        layout.addWidget(self.text)
        layout.addWidget(self.consequence)
        layout.addWidget(self.apply)
        layout.addLayout(buttons)

    def show_problem(self, problem: Problem, session: Session, keys: tuple[str, str, str]) -> None:
        """Show a problem; ``keys`` are those of apply, keep and unclear."""
        names, baseline = session.document.class_names, session.variants.baseline
        glyph = TOPIC_GLYPHS[problem.topic]
        colour = str(getattr(scheme_theme().colours, glyph.colour))
        self.icon.setPixmap(coloured_icon(glyph.name, colour).pixmap(ICON_SIZE, ICON_SIZE))
        self.title.setText(TOPIC_NAMES[problem.topic])
        self.frame.setText(tr("frame {frame:,}", frame=problem.frame))
        self.text.setText(evidence_text(problem, names, "" if baseline is None else baseline.name))
        track = next(iter(new_tracks(session.ground_truth, 1)), NO_TRACK)
        consequence = consequence_text(problem, names, track)
        self.consequence.setText(tr("If you apply: {consequence}", consequence=consequence))
        self.consequence.setVisible(bool(consequence))
        texts = (apply_text(problem, names), keep_text(problem, names), tr("Unclear"))
        for button, text, key in zip((self.apply, self.keep, self.unclear), texts, keys, strict=True):
            button.setText(tr("{text}  {key}", text=text, key=key) if key else text)
        self.apply.setVisible(problem.has_fix)


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

    def _show_last(self) -> None:
        step = self._session.history.undo_step()
        self._key = "" if step is None else next(_decided_keys(step.edit), "")
        self.setVisible(bool(self._key))
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
