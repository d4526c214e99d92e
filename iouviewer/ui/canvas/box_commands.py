"""Commands on boxes and tracks, as keys and menus call them: each is one step of the history or a status message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QPointF

from iouviewer.app.editing.edit_scopes import CLASS, FLAGS
from iouviewer.app.editing.gesture import ORIGIN
from iouviewer.app.editing.session import Session
from iouviewer.document import commands, frame_states, track_commands, track_shapes, tracks
from iouviewer.document.attributes import parse_attributes
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag, Edges, Rect, furthest_edge, move_edges, nearest_edge
from iouviewer.document.commands import AcceptedPrediction, Command
from iouviewer.document.frame_states import FrameWork, work_of
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.review import PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.accepting import AcceptTarget, accepted_prediction
from iouviewer.ui.canvas.frame_view_builder import VariantReview
from iouviewer.ui.canvas.hit import BoxRef, truth_ref

ACCEPTED_WITHOUT_CLASS = tr("Accepted without a class, like the other boxes")
_PASTE_OFFSET = 10.0
"""Offset of a copy on the same frame, right and down, pixels."""


class CommandContext(Protocol):
    """The part of the canvas that the commands use."""

    def pointer(self) -> QPointF | None:
        """Position of the mouse in image pixels; None while it is outside."""

    def hovered_box(self) -> int | None:
        """Id of the ground-truth box under the mouse, None without one."""

    def reviews(self, frame: int) -> list[VariantReview]:
        """Pairs of the shown variants on a frame, those of the baseline first."""

    def reveal(self, ref: BoxRef) -> None:
        """Scroll until this box of the shown frame is visible."""

    def set_drawn_class(self, class_id: int) -> bool:
        """Set the class of the box in progress; False if no box is being drawn."""


class BoxCommands:
    """Commands on the current frame and on the selected boxes and their tracks.

    A command that is not possible changes nothing; the status bar says why.
    """

    def __init__(self, session: Session, context: CommandContext) -> None:
        self._session = session
        self._context = context
        self._last_name = ""
        self._clipboard: tuple[Box, ...] = ()
        self._target = AcceptTarget(session)
        self.class_key: Callable[[], str] = lambda: "C"
        """Returns the key of “Change class…” for status messages; replaced by the window."""

    @property
    def _source(self) -> int:
        return self._session.source.id

    @property
    def _frame(self) -> int:
        return self._session.current_frame

    def _selected_ids(self) -> tuple[int, ...]:
        return tuple(sorted(self._session.selection.boxes))

    def _selected_boxes(self) -> list[Box]:
        return [box for box in map(self._session.ground_truth.find, self._selected_ids()) if box is not None]

    def _run(self, build: Callable[[], Command]) -> bool:
        """Build and execute a command; returns whether something changed. The status bar shows a UserError."""
        try:
            command = build()
            change = self._session.execute(command.edit, command.label, origin=ORIGIN, merge_key=command.merge_key)
        except UserError as error:
            self._session.statusMessage.emit(as_sentence(error))
            return False
        if change is not None and command.select is not None:
            self._session.select(command.select)
        return change is not None

    def _reviews(self) -> list[VariantReview]:
        return self._context.reviews(self._frame) if self._session.frame_count else []

    # Geometry

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected boxes by (dx, dy) pixels; quick repetitions are merged into one step."""
        document = self._session.document
        self._run(lambda: commands.nudge(document, self._selected_ids(), dx, dy, source=self._source))

    def resize(self, edge: Edges, dx: float, dy: float) -> None:
        """Move one edge of the selected box by (dx, dy) pixels; quick repetitions are merged into one step."""

        def build() -> Command:
            box = self._single_box()
            return commands.resize_edge(self._session.document, box.id, edge, dx, dy, source=self._source)

        self._run(build)

    def set_rects(self, rects: Mapping[int, Rect], *, is_move: bool) -> bool:
        """Give boxes new rectangles, by id; returns whether something changed."""
        document = self._session.document
        boxes = [box for box in map(self._session.ground_truth.find, rects) if box is not None]
        label = (commands.move_label if is_move else commands.resize_label)(document, boxes)
        return self._run(lambda: commands.set_rects(document, rects, label, source=self._source))

    def resize_nearest_edge(self, dx: float, dy: float) -> None:
        """Move the edge of the selected box that is nearest to the mouse and can move along (dx, dy), pixels."""

        def build() -> Command:
            box = self._single_box()
            among = Edges.LEFT | Edges.RIGHT if dx else Edges.TOP | Edges.BOTTOM
            edge = self._edge(box, among, default=Edges.RIGHT if dx else Edges.BOTTOM)
            return commands.resize_edge(self._session.document, box.id, edge, dx, dy, source=self._source)

        self._run(build)

    def snap_edge(self) -> None:
        """Snap an edge of the selected box to its prediction: the one nearest to the mouse, else the furthest off."""

        def build() -> Command:
            box = self._single_box()
            review = next((r for r in self._reviews() if box.id in r.partner_of), None)
            if review is None:
                raise UserError(
                    tr("this box is not paired with a prediction"),
                    frame=box.frame,
                    remedy=tr("Select a box with an IoU value."),
                )
            x1, y1, x2, y2 = review.variant.predictions.table.boxes[:, review.partner_of[box.id]].tolist()
            target = (x1, y1, x2, y2)
            edge = self._edge(box, Edges.ALL, default=furthest_edge(box.rect, target))
            return commands.snap_edge(self._session.document, box.id, edge, target, source=self._source)

        self._run(build)

    def _single_box(self) -> Box:
        boxes = self._selected_boxes()
        if len(boxes) != 1:
            raise UserError(tr("this needs one selected box"), remedy=tr("Click a ground-truth box first."))
        return boxes[0]

    def _edge(self, box: Box, among: Edges, *, default: Edges) -> Edges:
        point = self._context.pointer()
        return default if point is None else nearest_edge(box.rect, point.x(), point.y(), among)

    # Adding, removing, copying

    def delete_selected(self) -> None:
        """Delete the selected boxes; without a selection the box under the mouse."""
        document, selection = self._session.document, self._session.selection
        hovered = self._context.hovered_box()
        if selection.boxes or selection.prediction is not None or hovered is None:
            self._run(lambda: commands.delete(document, self._selected_ids(), source=self._source))
        else:
            self._run(lambda: commands.delete(document, [hovered], source=self._source))

    def copy(self) -> None:
        """Keep copies of the selected boxes for ``paste``."""
        boxes = tuple(self._selected_boxes())
        if boxes:
            self._clipboard = boxes
            self._session.statusMessage.emit(tr_n("Copied {count} box", "Copied {count:,} boxes", len(boxes)))

    @property
    def has_copied(self) -> bool:
        """Whether ``paste`` has boxes to add."""
        return bool(self._clipboard)

    def paste_at(self, x: float, y: float) -> None:
        """Add the copied boxes to this frame with their common centre at a point of the image."""
        document, frame, copied = self._session.document, self._frame, self._clipboard
        if copied:
            rects = [box.rect for box in copied]
            dx = x - (min(rect[0] for rect in rects) + max(rect[2] for rect in rects)) / 2
            dy = y - (min(rect[1] for rect in rects) + max(rect[3] for rect in rects)) / 2
            copied = tuple(replace(box, rect=move_edges(box.rect, Edges.ALL, dx, dy)) for box in copied)
        self._run(lambda: commands.paste(document, copied, frame, source=self._source))

    def paste(self) -> None:
        """Add the copied boxes to this frame, shifted if they come from it."""
        document, frame = self._session.document, self._frame
        by = _PASTE_OFFSET if any(box.frame == frame for box in self._clipboard) else 0.0
        self._run(lambda: commands.paste(document, self._clipboard, frame, by=by, source=self._source))

    def duplicate(self) -> None:
        """Add a shifted copy of the selected boxes."""

        document, frame = self._session.document, self._frame
        self._run(
            lambda: commands.duplicate(document, self._selected_ids(), frame, by=_PASTE_OFFSET, source=self._source)
        )

    def paste_previous_frame(self) -> None:
        """Copy the boxes of the previous frame."""
        document = self._session.document
        self._run(lambda: commands.paste_previous_frame(document, self._frame, source=self._source))

    def propagate(self, frames: int) -> None:
        """Copy the selected boxes to the next ``frames`` frames."""
        document = self._session.document
        self._run(lambda: commands.propagate(document, self._selected_ids(), frames, source=self._source))

    # Predictions

    def accept_prediction(self) -> None:
        """Accept the selected prediction, or the partners of the selected boxes, as ground truth."""
        self._accept(self._chosen_predictions)

    def accept_all_predictions(self) -> None:
        """Add a box for every prediction of the first variant that has no partner."""

        def find() -> list[AcceptedPrediction]:
            review = next(iter(self._reviews()), None)
            if review is None:
                return []
            rows = [row for row, state in review.state_of.items() if state is PairState.FALSE_POSITIVE]
            return [accepted_prediction(review, row) for row in rows]

        self._accept(find)

    def _accept(self, find: Callable[[], list[AcceptedPrediction]]) -> None:
        """Accept the predictions that ``find`` returns; a status message says if their classes were left out."""
        truth, frame = self._session.ground_truth, self._frame
        drops_classes = self._session.frame_count > 0 and commands.uses_no_classes(truth, frame)
        with_class: list[AcceptedPrediction] = []

        def build() -> Command:
            accepted = find()
            if len(accepted) == 1:
                accepted = [self._target.with_continued(accepted[0])]
            with_class.extend(one for one in accepted if one.partner is None and one.class_id != UNSPECIFIED_CLASS)
            return commands.accept(self._session.document, frame, accepted, source=self._source)

        if self._run(build) and drops_classes and with_class:
            self._session.statusMessage.emit(ACCEPTED_WITHOUT_CLASS)

    def describe_accept(self) -> str:
        """What accepting the selected prediction does: ``continues person 17``, ``new track 20``; empty if unknown."""
        try:
            [accepted] = self._chosen_predictions()
        except (UserError, ValueError):
            return ""
        return self._target.describe(accepted)

    def _chosen_predictions(self) -> list[AcceptedPrediction]:
        selected = self._session.selection.prediction
        for review in self._reviews():
            if selected is not None and review.variant.key == selected[0] and selected[1] in review.state_of:
                return [accepted_prediction(review, selected[1])]
            if selected is None:
                rows = [review.partner_of[i] for i in self._selected_ids() if i in review.partner_of]
                if rows:
                    return [accepted_prediction(review, row) for row in rows]
        raise UserError(
            tr("no prediction is selected"), remedy=tr("Click a prediction, or a box that is paired with one.")
        )

    # Selection

    def select_all(self) -> None:
        """Select all boxes of the frame that a click could select."""
        if self._session.frame_count:
            boxes, is_reachable = self._session.ground_truth.boxes(self._frame), self._session.view_state.is_reachable
            self._session.select(box.id for box in boxes if is_reachable(box))

    def next_box(self) -> None:
        """Select the next box of the frame."""
        self._step(1)

    def previous_box(self) -> None:
        """Select the previous box of the frame."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if not self._session.frame_count:
            return
        ids = [box.id for box in self._session.ground_truth.boxes(self._frame)]
        if not ids:
            return
        selected = [ids.index(i) for i in self._selected_ids() if i in ids]
        index = (selected[0] + by) % len(ids) if selected else (0 if by > 0 else -1)
        self._session.select([ids[index]])
        self._context.reveal(truth_ref(ids[index]))

    # Classes and flags

    def set_class(self, class_id: int) -> None:
        """Set the class of the box being drawn, else of the selected boxes; the next boxes get it too."""
        if self._context.set_drawn_class(class_id):
            self._last_name = self._session.document.class_name(class_id)
            return
        truth = self._session.ground_truth
        had_no_classes = self._session.frame_count > 0 and commands.uses_no_classes(truth, self._frame)
        name = self._last_name = self._session.document.class_name(class_id)
        ids = self._selected_ids()
        if not ids:
            self._session.statusMessage.emit(tr("New boxes get the class {name}", name=name))
            return
        document, scope = self._session.document, self._session.scopes[CLASS]
        done = self._run(lambda: track_commands.set_class(document, ids, class_id, scope, source=self._source))
        unclassified = len(truth.boxes(self._frame)) - len(ids)
        if done and had_no_classes and unclassified > 0:
            text = tr_n(
                "{count} box on this frame has no class; AP treats all as one class",
                "{count:,} boxes on this frame have no class; AP treats all as one class",
                unclassified,
            )
            self._session.statusMessage.emit(text)

    def set_class_by_digit(self, digit: int) -> None:
        """Set the class at this position of the list, 1 to 9."""
        number = self._session.document.classes.with_digit(digit)
        if number is not None:
            self.set_class(number)
            return
        key = self.class_key()
        self._session.statusMessage.emit(
            tr("Key {digit} has no class. Press {key} to choose or add one.", digit=digit, key=key)
            if key
            else tr("Key {digit} has no class. Choose or add one with “Change class…”.", digit=digit)
        )

    def add_class(self, name: str) -> None:
        """Append a class and give it to the selected boxes."""
        document = self._session.document
        if self._run(lambda: commands.add_class(document, name, source=self._source)):
            self.set_class(len(document.class_names) - 1)

    def class_of_new_boxes(self) -> int:
        """The class set last; before that the first one, or no class if the frame's boxes have none."""
        names = self._session.document.class_names
        count = len(names)
        if self._last_name and self._last_name in names:
            # By name: a class that was merged or deleted has left its number to another one.
            return names.index(self._last_name)
        is_unspecified = not count or commands.uses_no_classes(self._session.ground_truth, self._frame)
        return UNSPECIFIED_CLASS if is_unspecified else 0

    def toggle_flag(self, flag: BoxFlag) -> None:
        """Set a flag of the selected boxes, or clear it, in the scope of flags."""
        document, scope = self._session.document, self._session.scopes[FLAGS]
        ids = self._selected_ids()
        self._run(lambda: track_commands.toggle_flag(document, ids, flag, scope, source=self._source))

    def set_attributes(self, text: str) -> bool:
        """Give the selected boxes these attributes, ``name = value; …``, in the scope of flags; False if refused."""
        document, scope, ids = self._session.document, self._session.scopes[FLAGS], self._selected_ids()
        source = self._source
        return self._run(
            lambda: track_commands.set_attributes(document, ids, parse_attributes(text), scope, source=source)
        )

    def set_track(self, track: int | None) -> bool:
        """Set the track id of the selected boxes in the scope of the class; None for a new one; False if refused."""
        document, scope = self._session.document, self._session.scopes[CLASS]
        ids = self._selected_ids()
        return self._run(lambda: track_commands.set_track(document, ids, track, scope, source=self._source))

    # Frames

    def verify_and_next(self) -> None:
        """Mark the frame as verified and go to the next one of the walk; an excluded frame stays as it is."""
        self._verify(empty=False)

    def verify_empty(self) -> None:
        """Mark the frame as verified without boxes and go to the next one; not possible if it has boxes."""
        self._verify(empty=True)

    def _verify(self, *, empty: bool) -> None:
        session, frame = self._session, self._frame
        self._run(lambda: frame_states.verify(session.document, frame, empty=empty, source=self._source))
        if work_of(session.ground_truth, frame) not in (FrameWork.VERIFIED, FrameWork.VERIFIED_EMPTY):
            return
        following = session.view_state.walk.step(frame, 1)
        if following is None:
            session.statusMessage.emit(tr("This was the last frame of the walk"))
        else:
            session.go_to(following)

    def exclude_frame(self) -> None:
        """Leave the frame out of all scores, or count it again."""
        session, frame = self._session, self._frame
        is_excluded = work_of(session.ground_truth, frame) is FrameWork.EXCLUDED
        build = frame_states.include if is_excluded else frame_states.exclude
        self._run(lambda: build(session.document, [frame], source=self._source))

    # Tracks

    def next_key_frame(self) -> None:
        """Go to the next key frame of the selected track."""
        self._go_to_key_frame(tracks.next_key_frame)

    def previous_key_frame(self) -> None:
        """Go to the previous key frame of the selected track."""
        self._go_to_key_frame(tracks.previous_key_frame)

    def _selected_track(self) -> int | None:
        """The selected track; a status message says if there is none."""
        track = self._session.selection.track
        if track is None:
            track = next((box.track for box in self._selected_boxes() if box.track != NO_TRACK), None)
        if track is None:
            self._session.statusMessage.emit(tr("Select a box of a track first"))
        return track

    def _go_to_key_frame(self, find: Callable[..., int | None]) -> None:
        track = self._selected_track()
        if track is None:
            return
        frame = find(self._session.ground_truth, track, self._frame)
        if frame is None:
            self._session.statusMessage.emit(tr("Track {track} has no further key frame", track=track))
            return
        self._session.go_to(frame)
        self._session.select_track(track)

    def go_to_end_of_track(self, place: int) -> None:
        """Go to the first (0) or the last (-1) frame of the selected track."""
        track = self._selected_track()
        if track is not None:
            self._session.go_to(self._session.ground_truth.track(track)[place].frame)
            self._session.select_track(track)

    def set_end_of_track(self, at_start: bool) -> None:
        """Let the selected track begin, or end, at the current frame."""
        track = self._selected_track()
        if track is not None:
            document, frame = self._session.document, self._frame
            self._run(lambda: track_shapes.set_end(document, track, frame, at_start=at_start, source=self._source))

    def split_track(self) -> None:
        """Start a new track at the current frame."""
        track = self._selected_track()
        if track is not None:
            document, frame = self._session.document, self._frame
            self._run(lambda: track_shapes.split(document, track, frame, source=self._source))


def as_sentence(error: UserError) -> str:
    """What happened and the way out, for the status bar."""
    return error.sentence
