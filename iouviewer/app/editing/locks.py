"""The one rule of locking: no edit by mouse or keys changes a locked box; it is refused in one sentence.

Edits of the whole document (imports, merged copies, restored states, the class table) ask before they change anything
and pass by locks; undo and redo bring back what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iouviewer.app.editing.session_values import RESTORE
from iouviewer.app.editing.view_state import GROUND_TRUTH, ViewState
from iouviewer.document.boxes import Box
from iouviewer.document.class_commands import CLASSES
from iouviewer.document.edits import AddBoxes, Batch, Edit, RemoveBoxes, SetClasses, SetFlags, SetRects, SetTracks
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.errors import UserError
from iouviewer.i18n import tr

PASSING = frozenset((RESTORE, CLASSES, "import", "merge", "scale"))
"""Origins of edits of the whole document."""


def check_locks(truth: GroundTruth, edit: Edit, state: ViewState, origin: str = "") -> None:
    """UserError if the edit adds, changes or removes a locked box."""
    if state.has_locks and origin not in PASSING:
        _refuse(_tracks(truth, edit), state)


def find_refusal(truth: GroundTruth, edit: Edit, state: ViewState) -> str:
    """Why ``check_locks`` refuses an edit, one sentence; empty if it does not."""
    try:
        check_locks(truth, edit, state)
    except UserError as error:
        return error.sentence
    return ""


def check_boxes(boxes: Iterable[Box], state: ViewState) -> None:
    """UserError if one of these boxes is locked: for commands that take a while before they make an edit."""
    _refuse((box.track for box in boxes), state)


def _refuse(tracks: Iterable[int], state: ViewState) -> None:
    is_all_locked = GROUND_TRUTH in state.locked_layers
    locked = next((track for track in tracks if is_all_locked or track in state.locked_tracks), None)
    if locked is not None and is_all_locked:
        remedy = tr("Right-click its layer and choose Lock to unlock it.")
        raise UserError(tr("the ground truth is locked"), remedy=remedy)
    if locked is not None:
        remedy = tr("Unlock it with Track > Lock or unlock track.")
        raise UserError(tr("track {track} is locked", track=locked), remedy=remedy)


def _tracks(truth: GroundTruth, edit: Edit) -> Iterator[int]:
    """The tracks of the boxes that an edit concerns, before and after it."""
    match edit:
        case Batch():
            for one in edit.edits:
                yield from _tracks(truth, one)
        case AddBoxes():
            yield from (box.track for box in edit.boxes)
        case RemoveBoxes():
            yield from _tracks_of(truth, edit.ids)
        case SetRects():
            yield from _tracks_of(truth, (box_id for box_id, _ in edit.rects))
        case SetClasses():
            yield from _tracks_of(truth, (box_id for box_id, _ in edit.classes))
        case SetFlags():
            yield from _tracks_of(truth, (box_id for box_id, _ in edit.flags))
        case SetTracks():
            yield from _tracks_of(truth, (box_id for box_id, _ in edit.tracks))
            yield from (track for _, track in edit.tracks)
        case _:
            return


def _tracks_of(truth: GroundTruth, ids: Iterable[int]) -> Iterator[int]:
    found: Iterable[Box | None] = map(truth.find, ids)
    yield from (box.track for box in found if box is not None)
