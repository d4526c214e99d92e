"""Texts of commands that depend on the state: the step to undo, class names, variant names, play or pause."""

from __future__ import annotations

from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.app.video.playback import Playback
from iouviewer.document.edits import Aspect, Change, FrameState
from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet

_DIGITS = range(1, 10)


class ActionTexts(QObject):
    """Keeps the texts of an action set current."""

    def __init__(self, session: Session, playback: Playback, actions: ActionSet) -> None:
        super().__init__(actions)
        self._session, self._actions = session, actions
        session.sourceChanged.connect(self._update_all)
        session.historyChanged.connect(self._update_steps)
        session.frameChanged.connect(self._update_frame)
        session.changed.connect(self._on_session_changed)
        session.variants.listChanged.connect(self._update_variants)
        session.variants.variantChanged.connect(self._update_variants)
        playback.playingChanged.connect(self._on_playing_changed)
        self._on_playing_changed(playback.playing)
        self._update_all()

    def _update_all(self) -> None:
        self._update_steps()
        self._update_frame()
        self._update_classes()
        self._update_variants()

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.CLASS_NAMES:
            self._update_classes()
        if change.aspects & Aspect.FRAME_STATE:
            self._update_frame()

    def _update_frame(self, _frame: int = 0) -> None:
        session, frame = self._session, self._session.current_frame
        is_excluded = session.frame_count > 0 and session.ground_truth.state(frame) is FrameState.EXCLUDED
        self._actions.set_text("excludeFrame", tr("Include frame") if is_excluded else tr("Exclude frame"))

    def _update_steps(self) -> None:
        """Both commands stay enabled; without a step they show a message."""
        undo, redo = self._session.history.undo_step(), self._session.history.redo_step()
        self._actions.set_text("undo", tr("Undo") if undo is None else tr("Undo {step}", step=undo.label))
        self._actions.set_text("redo", tr("Redo") if redo is None else tr("Redo {step}", step=redo.label))

    def _update_classes(self) -> None:
        classes = self._session.document.classes
        for digit in _DIGITS:
            number = classes.with_digit(digit)
            text = tr("Class {digit}", digit=digit) if number is None else classes.names[number]
            self._actions.set_text(f"class{digit}", text)

    def _update_variants(self, _key: str = "") -> None:
        names = [variant.name for variant in self._session.variants]
        for number in _DIGITS:
            if number <= len(names):
                text = tr("Show {variant}", variant=names[number - 1])
            else:
                text = tr("Show variant {number}", number=number)
            self._actions.set_text(f"showVariant{number}", text)

    def _on_playing_changed(self, playing: bool) -> None:
        self._actions.set_text("playPause", tr("Pause") if playing else tr("Play"))
