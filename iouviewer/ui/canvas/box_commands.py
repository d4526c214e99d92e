"""Commands on boxes and tracks, to be bound to keys: each is one step of the history, or a sentence why not."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF

from iouviewer.app.editing.gesture import ORIGIN
from iouviewer.app.editing.session import Session
from iouviewer.document import commands, rects, tracks
from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.commands import Accepted, Command
from iouviewer.document.rects import Edges
from iouviewer.errors import UserError
from iouviewer.metrics.review import PairState
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.canvas.hit import Ref
from iouviewer.ui.canvas.review_view import Reviewed, ReviewView

WITHOUT_CLASS = "Taken without a class, as the other boxes are"
_PASTE_OFFSET = 10.0
"""How far a copy on the same frame is shifted, pixels."""


class SessionCommands:
    """What all commands share: the session, and one place where refusals are told."""

    session: Session
    review_view: ReviewView
    last_class: int

    @property
    def source(self) -> int:
        return self.session.source.id

    @property
    def frame(self) -> int:
        """The frame that commands work on."""
        return self.session.current_frame

    def pointer(self) -> QPointF | None:
        """Where the mouse is, picture pixels; None while it is elsewhere."""
        return None

    def selected_ids(self) -> tuple[int, ...]:
        """Selected ground-truth boxes."""
        return tuple(sorted(self.session.selection.boxes))

    def run(self, build: Callable[[], Command]) -> bool:
        """Build and execute a command; where that is refused, say why in the status bar. Whether something changed."""
        try:
            command = build()
            change = self.session.execute(command.edit, command.label, origin=ORIGIN, merge_key=command.merge_key)
        except UserError as error:
            self.session.told.emit(_sentence(error))
            return False
        if change is not None and command.select is not None:
            self.session.select(command.select)
        return change is not None

    def reviews(self) -> list[Reviewed]:
        """Associations on the current frame, the first variant first."""
        return self.review_view.reviews(self.frame) if self.session.frame_count else []


def _sentence(error: UserError) -> str:
    text = f"{error.message}. {error.remedy}" if error.remedy else f"{error.message}."
    return text[:1].upper() + text[1:]


class BoxCommands(SessionCommands):
    """Commands on the selected boxes and on the current frame."""

    _clipboard: tuple[Box, ...] = ()
    class_key: Callable[[], str] = staticmethod(lambda: "C")
    """The key that chooses a class, for hints; the window knows it better."""

    # Geometry

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected boxes by (dx, dy) pixels; a burst is one step."""
        self.run(lambda: commands.nudge(self.session.ground_truth, self.selected_ids(), dx, dy, source=self.source))

    def resize_nearest_edge(self, dx: float, dy: float) -> None:
        """Move the edge of the selected box that is nearest to the mouse and can move along (dx, dy), pixels."""

        def build() -> Command:
            box = self._only()
            among = Edges.LEFT | Edges.RIGHT if dx else Edges.TOP | Edges.BOTTOM
            edge = self._edge(box, among, default=Edges.RIGHT if dx else Edges.BOTTOM)
            return commands.resize_edge(self.session.ground_truth, box.id, edge, dx, dy, source=self.source)

        self.run(build)

    def snap_edge(self) -> None:
        """Put the edge nearest to the mouse (else the one furthest off) on its prediction's edge."""

        def build() -> Command:
            box = self._only()
            review = next((r for r in self.reviews() if box.id in r.partner_of), None)
            if review is None:
                raise UserError(f"box {box.id} has no prediction to snap to", frame=box.frame)
            x1, y1, x2, y2 = review.variant.predictions.table.boxes[:, review.partner_of[box.id]].tolist()
            target = (x1, y1, x2, y2)
            edge = self._edge(box, Edges.ALL, default=rects.furthest_edge(box.rect, target))
            return commands.snap_edge(self.session.ground_truth, box.id, edge, target, source=self.source)

        self.run(build)

    def _only(self) -> Box:
        boxes = [box for box in map(self.session.ground_truth.find, self.selected_ids()) if box is not None]
        if len(boxes) != 1:
            raise UserError("this needs one selected box", remedy="Click a ground-truth box first.")
        return boxes[0]

    def _edge(self, box: Box, among: Edges, *, default: Edges) -> Edges:
        point = self.pointer()
        return default if point is None else rects.nearest_edge(box.rect, point.x(), point.y(), among)

    # Adding, removing, copying

    def delete_selected(self) -> None:
        """Delete the selected boxes."""
        self.run(lambda: commands.delete(self.session.ground_truth, self.selected_ids(), source=self.source))

    def copy(self) -> None:
        """Keep the selected boxes for paste."""
        found = (self.session.ground_truth.find(box_id) for box_id in self.selected_ids())
        boxes = tuple(box for box in found if box is not None)
        if boxes:
            self._clipboard = boxes
            self.session.told.emit(f"Copied {commands.count_of(len(boxes))}")

    def paste(self) -> None:
        """Copies of the kept boxes on this frame; shifted where they stand already."""
        by = _PASTE_OFFSET if any(box.frame == self.frame for box in self._clipboard) else 0.0
        self.run(
            lambda: commands.paste(self.session.ground_truth, self._clipboard, self.frame, by=by, source=self.source)
        )

    def duplicate(self) -> None:
        """A shifted copy of the selected boxes."""

        def build() -> Command:
            boxes = [box for box in map(self.session.ground_truth.find, self.selected_ids()) if box is not None]
            if not boxes:
                raise UserError("no box is selected", remedy="Click a ground-truth box first.")
            return commands.paste(
                self.session.ground_truth, boxes, self.frame, by=_PASTE_OFFSET, verb="Duplicate", source=self.source
            )

        self.run(build)

    def paste_previous_frame(self) -> None:
        """Take the boxes of the previous frame."""
        self.run(lambda: commands.paste_previous_frame(self.session.ground_truth, self.frame, source=self.source))

    def propagate(self, frames: int) -> None:
        """Copy the selected boxes to the next frames."""
        self.run(lambda: commands.propagate(self.session.ground_truth, self.selected_ids(), frames, source=self.source))

    # Predictions

    def accept_prediction(self) -> None:
        """Take the selected prediction, or the selected box's, as ground truth."""
        self._accept(self._accepted)

    def _accept(self, found: Callable[[], list[Accepted]]) -> None:
        """Take what is found; where classes were left out for it, say so."""
        bare = self.session.frame_count > 0 and commands.without_classes(self.session.ground_truth, self.frame)
        named: list[Accepted] = []

        def build() -> Command:
            accepted = found()
            named.extend(one for one in accepted if one.partner is None and one.class_id != UNSPECIFIED_CLASS)
            return commands.accept(self.session.ground_truth, self.frame, accepted, source=self.source)

        if self.run(build) and bare and named:
            self.session.told.emit(WITHOUT_CLASS)

    def _accepted(self) -> list[Accepted]:
        chosen = self.session.selection.prediction
        for review in self.reviews():
            if chosen is not None and review.variant.key == chosen[0] and chosen[1] in review.state_of:
                return [self._as_accepted(review, chosen[1])]
            if chosen is None:
                rows = [review.partner_of[i] for i in self.selected_ids() if i in review.partner_of]
                if rows:
                    return [self._as_accepted(review, row) for row in rows]
        raise UserError("no prediction is selected", remedy="Click a prediction, or a box that is paired with one.")

    def _as_accepted(self, review: Reviewed, row: int) -> Accepted:
        table = review.variant.predictions.table
        x1, y1, x2, y2 = table.boxes[:, row].tolist()
        return Accepted((x1, y1, x2, y2), int(table.class_ids[row]), review.owner_of.get(row))

    def accept_all_predictions(self) -> None:
        """Every prediction of the first variant that has no partner becomes a box."""

        def found() -> list[Accepted]:
            review = next(iter(self.reviews()), None)
            rows = [] if review is None else [r for r, s in review.state_of.items() if s is PairState.FALSE_POSITIVE]
            return [self._as_accepted(review, row) for row in rows if review is not None]

        self._accept(found)

    # Selection

    def select_all(self) -> None:
        """Select all boxes of the frame."""
        if self.session.frame_count:
            self.session.select(box.id for box in self.session.ground_truth.boxes(self.frame))

    def next_box(self) -> None:
        """Select the next box of the frame."""
        self._step(1)

    def previous_box(self) -> None:
        """Select the box before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if not self.session.frame_count:
            return
        ids = [box.id for box in self.session.ground_truth.boxes(self.frame)]
        if not ids:
            return
        here = [ids.index(i) for i in self.selected_ids() if i in ids]
        place = (here[0] + by) % len(ids) if here else (0 if by > 0 else -1)
        self.session.select([ids[place]])
        self.reveal(Ref("", ids[place]))

    def reveal(self, ref: Ref) -> None:
        """Bring a box into sight; the canvas overrides it."""

    # Classes, flags, frames

    def set_class(self, class_id: int) -> None:
        """Give the selected boxes a class; the next boxes get it too."""
        truth = self.session.ground_truth
        first = self.session.frame_count > 0 and commands.without_classes(truth, self.frame)
        self.last_class = class_id
        name = self.session.document.class_name(class_id)
        if self.session.selection.boxes:
            done = self.run(lambda: commands.set_class(truth, self.selected_ids(), class_id, name, source=self.source))
            if done and first and len(truth.boxes(self.frame)) > len(self.session.selection.boxes):
                self.session.told.emit("Boxes without a class are left: until the last has one, AP counts one class")
        else:
            self.session.told.emit(f"New boxes are {name}")

    def set_class_by_digit(self, digit: int) -> None:
        """Class 1..9 in the order of the list."""
        if digit <= len(self.session.document.class_names):
            self.set_class(digit - 1)
        else:
            key = self.class_key()
            how = f"{key} makes or chooses one" if key else "the command “Set the class” makes or chooses one"
            self.session.told.emit(f"There is no class {digit}: {how}")

    def add_class(self, name: str) -> None:
        """Append a class and give it to the selected boxes."""
        names = self.session.document.class_names
        if self.run(lambda: commands.add_class(names, name, source=self.source)):
            self.set_class(len(names))

    def class_of_new_boxes(self) -> int:
        """The class used last; at the beginning the first one, none where there are none or boxes are without."""
        count = len(self.session.document.class_names)
        if 0 <= self.last_class < count:
            return self.last_class
        bare = not count or commands.without_classes(self.session.ground_truth, self.frame)
        return UNSPECIFIED_CLASS if bare else 0

    def toggle_flag(self, flag: BoxFlag) -> None:
        """Set or clear a flag of the selected boxes."""
        self.run(lambda: commands.toggle_flag(self.session.ground_truth, self.selected_ids(), flag, source=self.source))

    def verify_and_next(self) -> None:
        """Mark the frame as verified and go to the next one."""
        self.run(lambda: commands.verify(self.session.ground_truth, self.frame, source=self.source))
        self.session.go_to(self.frame + 1)

    def verify_empty(self) -> None:
        """Mark the frame as verified without boxes and go on; refused where it has some."""
        truth, frame = self.session.ground_truth, self.frame
        self.run(lambda: commands.verify(truth, frame, empty=True, source=self.source))
        if truth.is_verified(frame) and not truth.boxes(frame):
            self.session.go_to(frame + 1)


class TrackCommands(SessionCommands):
    """Commands on the tracks of the selected boxes."""

    def next_key_frame(self) -> None:
        """Go to the next key frame of the selected track."""
        self._go(tracks.next_key_frame)

    def previous_key_frame(self) -> None:
        """Go to the key frame before."""
        self._go(tracks.previous_key_frame)

    def _go(self, find: Callable[..., int | None]) -> None:
        truth = self.session.ground_truth
        boxes = [box for box in map(truth.find, self.selected_ids()) if box is not None and box.track != NO_TRACK]
        if not boxes:
            self.session.told.emit("Select a box of a track first")
            return
        frame = find(truth, boxes[0].track, self.frame)
        if frame is None:
            self.session.told.emit(f"Track {boxes[0].track} has no further key frame in this direction")
            return
        self.session.go_to(frame)
        self.session.select(box.id for box in truth.boxes(frame) if box.track == boxes[0].track)

    def interpolate(self) -> None:
        """Fill the gaps of the selected tracks up to their neighbouring key frames."""
        self.run(lambda: commands.interpolate(self.session.ground_truth, self.selected_ids(), source=self.source))

    def merge_tracks(self) -> None:
        """Make the tracks of the selected boxes one."""
        self.run(lambda: commands.merge_tracks(self.session.ground_truth, self.selected_ids(), source=self.source))

    def split_track(self) -> None:
        """Start a new track at the selected box."""
        ids = self.selected_ids()[:1] or (0,)
        self.run(lambda: commands.split_track(self.session.ground_truth, ids[0], source=self.source))

    def swap_tracks(self) -> None:
        """Exchange the tracks of two selected boxes from here on."""
        self.run(lambda: commands.swap_tracks(self.session.ground_truth, self.selected_ids(), source=self.source))
