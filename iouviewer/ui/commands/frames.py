"""Commands that step through frames, play, walk through a part of the frames, and exclude frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.frame_walk import FrameList, WalkKind
from iouviewer.app.editing.gesture import ORIGIN
from iouviewer.app.editing.session import Session
from iouviewer.app.video.playback import Playback
from iouviewer.document import frame_states
from iouviewer.document.frame_states import FrameWork, empty_frames, frames_with
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Bool
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.dialogs.exclude_dialog import ExcludeDialog, FrameChoice
from iouviewer.ui.tables.problems_model import ProblemsModel


class FrameCommands:
    """Group ``frames``.

    Args:
        problems: the list whose shown problems a walk goes through.
        selected_frames: returns first and last frame of what is selected on the lanes, else of the loop.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        playback: Playback,
        problems: ProblemsModel,
        selected_frames: Callable[[], tuple[int, int] | None],
    ) -> None:
        self._window, self._session, self._playback = window, session, playback
        self._selected_frames = selected_frames
        self._walk = session.view_state.walk
        self._problem_list = FrameList(tr("Problems"), problems.shown_frames)
        self._problems = problems
        self._last_walk = WalkKind.NOT_VERIFIED

    def step(self, by: int) -> None:
        """Go forward (positive) or back by frames of the walk; pauses playback."""
        self._playback.pause()
        frame = self._walk.step(self._session.current_frame, by)
        if frame is not None:
            self._session.go_to(frame)
        elif by > 0:
            self._session.statusMessage.emit(tr("{walk}: no frame after this one", walk=self._walk.name))
        else:
            self._session.statusMessage.emit(tr("{walk}: no frame before this one", walk=self._walk.name))

    def first(self) -> None:
        """Go to the first frame."""
        self._go(0)

    def last(self) -> None:
        """Go to the last frame."""
        self._go(self._session.frame_count - 1)

    def _go(self, frame: int) -> None:
        self._playback.pause()
        self._session.go_to(frame)

    def play_or_pause(self) -> None:
        """Play from the current frame, or pause."""
        self._playback.toggle()

    # Frames by what has been done with them

    def next_unverified(self) -> None:
        """Go to the next frame that nobody has verified; after the last one, to the first."""
        truth = self._session.ground_truth
        self._go_to_next(frames_with(truth, FrameWork.NOT_VERIFIED), tr("Every frame is verified"))

    def next_changed(self) -> None:
        """Go to the next frame that changed after it was verified."""
        truth = self._session.ground_truth
        self._go_to_next(frames_with(truth, FrameWork.CHANGED), tr("No frame changed since it was verified"))

    def next_empty(self) -> None:
        """Go to the next frame without boxes that is not verified as empty."""
        truth = self._session.ground_truth
        done = frames_with(truth, FrameWork.VERIFIED_EMPTY) | frames_with(truth, FrameWork.EXCLUDED)
        self._go_to_next(empty_frames(truth) & ~done, tr("No frame without boxes is left to verify"))

    def _go_to_next(self, chosen: Bool, none_left: str) -> None:
        frame = self._session.current_frame
        found = np.flatnonzero(chosen)
        found = found[found != frame]
        if not len(found):
            self._session.statusMessage.emit(none_left)
            return
        later = found[found > frame]
        self._go(int(later[0] if len(later) else found[0]))
        if not len(later):
            text = tr("None after frame {frame:,}; continued from the start", frame=frame)
            self._session.statusMessage.emit(text)

    # Excluded frames

    def exclude_several(self) -> None:
        """Ask which frames are left out of all scores, or counted again; one step."""
        session, frame = self._session, self._session.current_frame
        self._playback.pause()
        selected = self._selected_frames()
        excluded = frames_with(session.ground_truth, FrameWork.EXCLUDED)
        dialog = ExcludeDialog(
            self._window,
            list(self._choices()),
            excluded,
            selected or (frame, frame),
            starts_with_range=selected is not None,
        )
        is_accepted = dialog.exec()
        frames, build = dialog.frames, frame_states.exclude if dialog.is_exclusion else frame_states.include
        dialog.deleteLater()
        if not is_accepted:
            return
        try:
            command = build(session.document, frames.tolist(), source=session.source.id)
            session.execute(command.edit, command.label, origin=ORIGIN)
        except UserError as error:
            session.statusMessage.emit(as_sentence(error))
            return
        session.statusMessage.emit(command.label)

    def _choices(self) -> Iterator[FrameChoice]:
        """The frames that can be chosen together, by what is shown and selected now."""
        session, frame, count = self._session, self._session.current_frame, self._session.frame_count
        yield FrameChoice(tr("This frame, {frame:,}", frame=frame), np.array([frame]))
        yield FrameChoice(tr("From here to the end"), np.arange(frame, count))
        yield FrameChoice(tr("From the start to here"), np.arange(frame + 1))
        if self._walk.is_active:
            name = tr("Frames of the walk: {walk}", walk=self._walk.name)
            yield FrameChoice(name, np.flatnonzero(self._walk.members()))
        track = session.selection.track
        if track is not None:
            frames = np.unique(session.ground_truth.track_columns(track)[0])
            yield FrameChoice(tr("Frames of track {track}", track=track), frames)

    # Walks

    def start_walk(self, kind: str) -> None:
        """Let the keys for frames go through the frames of this kind only."""
        chosen = WalkKind(kind)
        if chosen is WalkKind.LIST:
            if not self._problems.complete and not self._problems.shown_frames().size:
                self._session.statusMessage.emit(tr("Finding problems…"))
                return
            self._walk.start_list(self._problem_list)
        else:
            self._walk.start(chosen)
        self._report_walk()

    def toggle_walk(self) -> None:
        """Leave the walk, or begin the last one again."""
        if self._walk.is_active:
            self._last_walk = self._walk.kind
            self._walk.leave()
            self._session.statusMessage.emit(tr("Walking through all frames"))
        else:
            self.start_walk(self._last_walk)

    def _report_walk(self) -> None:
        if self._walk.is_active and not self._walk.members().any():
            name = self._walk.name
            self._walk.leave()
            self._session.statusMessage.emit(tr("{walk}: there is no such frame", walk=name))
