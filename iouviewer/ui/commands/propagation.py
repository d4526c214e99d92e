"""Propagates the selected boxes by following the objects in the picture, and fills gaps of tracks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.gesture import ORIGIN
from iouviewer.app.editing.locks import check_boxes
from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.propagation_job import PropagationJob
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document import commands, propagated, tracks
from iouviewer.document.boxes import NO_TRACK, Box, Rect
from iouviewer.document.edits import FrameState
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.propagation import Guidance, PropagationRequest, PropagationResult, StartBox, find_bias
from iouviewer.propagation.carry import StopReason
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.propagate_dialog import Method, PropagateDialog, PropagationChoice

_REASONS: Mapping[StopReason, str] = {
    StopReason.LOST: tr("the object is hidden or lost"),
    StopReason.LEFT: tr("the object left the picture"),
    StopReason.SCENE_CUT: tr("a scene cut"),
}


class PropagationCommands(QObject):
    """Group ``propagation``. One propagation runs at a time; Esc stops it and keeps what was found."""

    def __init__(
        self, window: QWidget, session: Session, canvas: CanvasView, info: Callable[[], VideoInfo | None]
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._canvas, self._info = window, session, canvas, info
        self._choice = PropagationChoice()
        self._frame = -1
        self._guided_by = ""
        self._job = PropagationJob(self)
        self._job.moved.connect(self._on_job_moved)
        self._job.finished.connect(self._on_job_finished)
        self._job.failed.connect(self._on_job_failed)
        session.sourceChanged.connect(self._discard)
        session.frameChanged.connect(self._on_session_frame_changed)

    def close(self) -> None:
        """Stop, add nothing, and end the thread."""
        self._job.close()

    # Commands

    def choose(self) -> None:
        """Ask how, and propagate the selected boxes."""
        self._report_errors(self._choose)

    def _choose(self) -> None:
        session, boxes = self._session, self._boxes()
        after, before = session.frame_count - 1 - session.current_frame, session.current_frame
        check_boxes(boxes, session.view_state)
        if not boxes or not (after or before):
            self._canvas.commands.propagate(1)  # says what is missing
            return
        guide = self._guide()
        dialog = PropagateDialog(
            self._window,
            boxes=session.document.objects_name(boxes),
            choice=self._choice,
            rooms=(after, before),
            guide=guide.name if guide is not None else "",
            describe=self._describe,
        )
        if not dialog.exec():
            return
        self._choice = dialog.choice
        if self._choice.method is Method.COPY:
            self._canvas.commands.propagate(self._choice.frames)
        else:
            self._report_errors(lambda: self._start(self._boxes(), self._choice))

    def fill_by_following(self) -> None:
        """Fill the frames between the key boxes around this frame by following the object in the picture."""
        self._report_errors(self._fill_by_following)

    def fill_straight(self) -> None:
        """Fill the frames between the key boxes around this frame on a straight line."""

        def fill() -> None:
            first, last = self._span()
            source = self._session.source.id
            edits = tracks.interpolate(self._session.ground_truth, first, last, source=source)
            if not edits:
                raise UserError(tr("there is nothing to interpolate"), frame=self._session.current_frame)
            label = tr("Interpolate {boxes}", boxes=self._session.document.objects_name([first]))
            self._execute(commands.Command(commands.combine_edits(edits, source), label))

        self._report_errors(fill)

    def stop(self) -> bool:
        """Stop and keep what was found; returns whether boxes were being propagated."""
        if not self._job.is_running:
            return False
        self._job.stop()
        return True

    # Running

    def _fill_by_following(self) -> None:
        first, last = self._span()
        check_boxes((first, last), self._session.view_state)
        self._run(first.frame, (StartBox(first.id, first.rect, last.frame, last.rect),), 1, is_guided=True)

    def _start(self, boxes: list[Box], choice: PropagationChoice) -> None:
        starts = []
        for box in boxes:
            span = self._find_span(box, choice)
            if span is not None:
                target = span.target.rect if span.target is not None else None
                starts.append(StartBox(box.id, box.rect, span.last_frame, target))
        if not starts:
            raise UserError(
                tr("the next frame already has a box of the track"),
                frame=self._session.current_frame,
                remedy=tr("Go to the last box before a gap."),
            )
        self._run(boxes[0].frame, tuple(starts), choice.step, is_guided=choice.is_guided)

    def _run(self, frame: int, starts: tuple[StartBox, ...], step: int, *, is_guided: bool) -> None:
        info = self._info()
        if self._session.read_only:
            raise UserError(self._session.read_only)
        if info is None or self._job.is_running:
            raise UserError(tr("boxes are being propagated already"), remedy=tr("Esc stops it."))
        guide = self._guide() if is_guided else None
        guidance = self._guidance(guide)
        self._guided_by = "" if guide is None else guide.key
        self._frame = self._session.current_frame
        request = PropagationRequest(info.path, info.index_digest, frame, starts, step, guidance)
        self._job.start(request)
        self._session.statusMessage.emit(tr("Propagating… Esc stops."))

    def _find_span(self, box: Box, choice: PropagationChoice) -> propagated.Span | None:
        return propagated.find_span(self._session.ground_truth, box, step=choice.step, frames=choice.frames)

    def _describe(self, choice: PropagationChoice) -> tuple[str, bool]:
        """Where a choice leads, and whether there is a frame to propagate to."""
        boxes = self._boxes()
        if choice.method is Method.COPY:
            last = min(self._session.current_frame + choice.frames, self._session.frame_count - 1)
            text = tr("To frame {frame:,}; frames where the track has a box stay as they are.", frame=last)
            return text, last > self._session.current_frame
        spans = [self._find_span(box, choice) for box in boxes]
        found = [span for span in spans if span is not None]
        if not found:
            return tr("The next frame already has a box of the track."), False
        if len(boxes) == 1 and found[0].target is not None:
            text = tr("Up to the track's box on frame {frame:,}, followed from both ends.", frame=found[0].last_frame)
            return text, True
        text = tr(
            "To frame {frame:,}, or until the object is lost or leaves the picture.",
            frame=max((span.last_frame for span in found), key=lambda f: abs(f - self._session.current_frame)),
        )
        return text, True

    def _guide(self) -> Variant | None:
        """The variant whose predictions can guide the passes: the baseline, if it has some."""
        baseline = self._session.variants.baseline
        return baseline if baseline is not None and len(baseline.predictions.table) else None

    def _guidance(self, guide: Variant | None) -> Guidance | None:
        if guide is None:
            return None
        truth, min_score = self._session.ground_truth, self._session.scores.settings.review.conf
        labelled = np.flatnonzero(truth.states() == FrameState.LABELLED).tolist()
        table = guide.predictions.table
        return Guidance(table, min_score, find_bias(truth.table(), labelled, table, min_score))

    def _boxes(self) -> list[Box]:
        """The selected boxes of the frame."""
        found = map(self._session.ground_truth.find, sorted(self._session.selection.boxes))
        return [box for box in found if box is not None]

    def _span(self) -> tuple[Box, Box]:
        """The key boxes of the selected track before and after this frame, or from this one to the next."""
        truth, track, frame = self._session.ground_truth, self._session.selection.track, self._session.current_frame
        if track is None or track == NO_TRACK:
            raise UserError(tr("no track is selected"), remedy=tr("Select a box of the track first."))
        keys = [box for box in truth.track(track) if tracks.is_key(box)]
        before = [box for box in keys if box.frame <= frame]
        after = [box for box in keys if box.frame > frame]
        if not before or not after:
            raise UserError(
                tr("track {track} has no boxes on both sides of this frame", track=track),
                frame=frame,
                remedy=tr("Draw the box at the other end first."),
            )
        if after[0].frame - before[-1].frame < 2:
            raise UserError(tr("track {track} has no gap here", track=track), frame=frame)
        return before[-1], after[0]

    # Results

    def _on_job_moved(self, frame: int, boxes: Mapping[int, Rect]) -> None:
        session = self._session
        # The picture follows until the person goes elsewhere.
        if session.current_frame == self._frame:
            self._frame = frame
            session.go_to(frame)
        self._canvas.ghosts.show_rects(boxes.values() if session.current_frame == frame else ())

    def _on_session_frame_changed(self, frame: int) -> None:
        if frame != self._frame:
            self._canvas.ghosts.show_rects(())

    def _on_job_finished(self, result: PropagationResult) -> None:
        self._canvas.ghosts.show_rects(())
        self._report_errors(lambda: self._add(result))

    def _add(self, result: PropagationResult) -> None:
        session = self._session
        found = {box_id: [(box.frame, box.rect) for box in boxes] for box_id, boxes in result.boxes.items()}
        reasons = [_REASONS[reason] for reason in dict.fromkeys(result.reasons.values()) if reason in _REASONS]
        is_cancelled = StopReason.CANCELLED in result.reasons.values()
        if not any(found.values()) and is_cancelled:
            session.statusMessage.emit(tr("Stopped; no box was propagated."))
            return
        if not any(found.values()):
            raise UserError(
                tr("no box was propagated: {reason}", reason=", ".join(reasons) or tr("nothing was found")),
                frame=session.current_frame,
            )
        command = propagated.add_propagated(
            session.document, found, guided_by=self._guided_by, source=session.source.id
        )
        self._execute(command)
        doubtful = sorted({box.frame for boxes in result.boxes.values() for box in boxes if box.disagrees})
        text = command.label + "."
        if is_cancelled:
            text += " " + tr("Stopped.")
        if reasons:
            text += " " + tr("Stopped: {reason}.", reason=", ".join(reasons))
        if doubtful:
            text += " " + tr_n(
                "Check {count} frame from {first:,} on.",
                "Check {count:,} frames from {first:,} on.",
                len(doubtful),
                first=doubtful[0],
            )
        session.statusMessage.emit(text)

    def _execute(self, command: commands.Command) -> None:
        self._session.execute(command.edit, command.label, origin=ORIGIN)
        self._session.statusMessage.emit(command.label)

    def _on_job_failed(self, error: UserError) -> None:
        self._canvas.ghosts.show_rects(())
        self._session.statusMessage.emit(as_sentence(error))

    def _discard(self) -> None:
        self._job.discard()
        self._canvas.ghosts.show_rects(())

    def _report_errors(self, run: Callable[[], None]) -> None:
        try:
            run()
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))
