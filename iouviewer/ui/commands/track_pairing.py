"""Merging and swapping tracks: choose the other track by a click, see what would happen, answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QCursor

from iouviewer.app.editing.session import Session
from iouviewer.document import track_shapes
from iouviewer.document.commands import Command
from iouviewer.document.document import Document
from iouviewer.document.edits import Change, Phase
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.panels.track_question import TrackQuestion
from iouviewer.ui.timeline.lane_painter import SwapPreview
from iouviewer.ui.timeline.view import TimelineView


@dataclass(frozen=True, slots=True)
class _Swap:
    """Two tracks that exchange their ids from a frame on, or within ``loop``, where there is one and it is chosen."""

    one: int
    other: int
    frame: int
    loop: tuple[int, int] | None
    is_in_loop: bool = False

    @property
    def range(self) -> tuple[int, int | None]:
        """First and last frame; None for the end of the tracks."""
        return self.loop if self.is_in_loop and self.loop is not None else (self.frame, None)


class TrackPairing(QObject):
    """One question at a time. While the other track is to be chosen, the next track that becomes selected is it.

    Args:
        run: executes the command that is built, and says what was done.
        loop: the loop range of the playback.
        leave: gives the keyboard back to the canvas.
    """

    def __init__(
        self,
        session: Session,
        timeline: TimelineView,
        question: TrackQuestion,
        *,
        run: Callable[[Callable[[Document, int], Command]], bool],
        loop: Callable[[], tuple[int, int] | None],
        leave: Callable[[], None],
    ) -> None:
        super().__init__(question)
        self._session, self._timeline, self._question = session, timeline, question
        self._run, self._loop, self._leave = run, loop, leave
        self._chosen: Callable[[int], None] | None = None
        self._first: int | None = None
        self._merging: track_shapes.Merging | None = None
        self._swap: _Swap | None = None
        question.accepted.connect(self._on_accepted)
        question.toggled.connect(self._on_toggled)
        question.cancelled.connect(self.cancel)
        session.selectionChanged.connect(self._on_selection_changed)
        session.sourceChanged.connect(self.cancel)
        session.changed.connect(self._on_session_changed)

    @property
    def is_active(self) -> bool:
        """Whether a track is to be chosen, or a question waits for its answer."""
        return self._chosen is not None or self._merging is not None or self._swap is not None

    def cancel(self) -> bool:
        """Do nothing; returns whether there was something to cancel."""
        if not self.is_active:
            return False
        self._end()
        self._leave()
        return True

    def _end(self) -> None:
        self._chosen = self._first = self._merging = self._swap = None
        self._show_swap(None)
        self._question.hide()

    def _on_session_changed(self, change: Change) -> None:
        # The question was about another state of the tracks.
        if change.phase is not Phase.LIVE and change.box_ids and self.is_active:
            self._end()

    # Choosing the other track

    def choose_merge(self, first: int) -> None:
        """Let a click choose the track that becomes part of this one."""
        self._choose(first, lambda other: self.ask_merge(first, [other]))
        name = self._name(first)
        self._wait(
            tr(
                "Merge into {track}: click the other track on the picture, its lane or in the list. Esc cancels.",
                track=name,
            )
        )

    def choose_swap(self, first: int) -> None:
        """Let a click choose the track that exchanges its id with this one."""
        self._choose(first, lambda other: self.ask_swap(first, other))
        name = self._name(first)
        self._wait(
            tr(
                "Swap {track} with: click the other track on the picture, its lane or in the list. Esc cancels.",
                track=name,
            )
        )

    def _choose(self, first: int, chosen: Callable[[int], None]) -> None:
        self._end()
        self._first, self._chosen = first, chosen

    def _wait(self, text: str) -> None:
        self._question.show_text(text, QCursor.pos())
        self._leave()

    def _on_selection_changed(self) -> None:
        track, chosen = self._session.selection.track, self._chosen
        if chosen is None or track is None or track == self._first:
            return
        self._chosen = None
        chosen(track)

    # Questions

    def ask_merge(self, winner: int, losers: Sequence[int], place: QPoint | None = None) -> None:
        """Ask whether tracks become part of another one."""
        try:
            merging = track_shapes.plan_merge(self._session.ground_truth, winner, losers)
        except UserError as error:
            self._end()
            self._session.statusMessage.emit(as_sentence(error))
            return
        self._end()
        self._merging = merging
        self._ask(place)

    def ask_swap(self, one: int, other: int) -> None:
        """Ask whether two tracks exchange their ids from the current frame on."""
        self._end()
        self._swap = _Swap(one, other, self._session.current_frame, self._loop())
        self._ask(None)

    def _ask(self, place: QPoint | None) -> None:
        place = QCursor.pos() if place is None else place
        source = self._session.source.id
        if self._merging is not None:
            text = track_shapes.merge_question(self._session.document, self._merging, source=source)
            other = self._merging.losers[0]
            toggle = tr("{track} wins", track=other) if len(self._merging.losers) == 1 else tr("Another wins")
            self._question.ask(text, place, accept=tr("Merge"), toggle=toggle)
        elif self._swap is not None:
            swap, (first, last) = self._swap, self._swap.range
            self._show_swap(SwapPreview(swap.one, swap.other, first, last))
            toggle = ""
            if swap.loop is not None:
                toggle = (
                    tr("From frame {frame:,} on", frame=swap.frame)
                    if swap.is_in_loop
                    else tr("Only in the loop {first:,}–{last:,}", first=swap.loop[0], last=swap.loop[1])
                )
            if last is None:
                text = tr(
                    "Swap {one} and {other} from frame {first:,} on?", one=swap.one, other=swap.other, first=first
                )
            else:
                text = tr(
                    "Swap {one} and {other} in the frames {first:,}–{last:,}?",
                    one=swap.one,
                    other=swap.other,
                    first=first,
                    last=last,
                )
            self._question.ask(text, place, accept=tr("Swap"), toggle=toggle)

    def _show_swap(self, swap: SwapPreview | None) -> None:
        self._timeline.lanes.show_swap(swap)
        self._timeline.lane_row.show_swap(swap)

    def _on_toggled(self) -> None:
        place = self._question.mapToGlobal(QPoint())
        if self._merging is not None:
            first, *others = self._merging.losers
            self.ask_merge(first, [*others, self._merging.winner], place)
        elif self._swap is not None:
            swap = self._swap
            self._swap = _Swap(swap.one, swap.other, swap.frame, swap.loop, not swap.is_in_loop)
            self._ask(place)

    def _on_accepted(self) -> None:
        merging, swap = self._merging, self._swap
        self._end()
        self._leave()
        if merging is not None:
            self.merge(merging)
        elif swap is not None:
            first, last = swap.range
            self._run(
                lambda document, source: track_shapes.swap(document, swap.one, swap.other, first, last, source=source)
            )

    def merge(self, merging: track_shapes.Merging) -> None:
        """Merge without another question, and select the track."""
        if self._run(lambda document, source: track_shapes.merge(document, merging, source=source)):
            self._session.select_track(merging.winner)

    def _name(self, track: int) -> str:
        truth = self._session.ground_truth
        return self._session.document.object_name(truth.track(track)[0]) if truth.has_track(track) else str(track)
