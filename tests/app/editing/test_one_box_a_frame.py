"""No sequence of edits, undos, redos and imports gives a track two boxes on a frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iouviewer.app.editing.gesture import DrawGesture
from iouviewer.app.editing.import_boxes import build_replace_edit, prepare_ground_truth
from iouviewer.app.editing.session import Session
from iouviewer.document import commands, key_frames, propagated, track_commands, track_shapes, tracks
from iouviewer.document.boxes import NO_TRACK, Box
from iouviewer.document.commands import AcceptedPrediction, Command
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, SetTracks
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import Source
from iouviewer.document.track_commands import Scope
from iouviewer.errors import UserError

FRAMES = 8
RECT = (5.0, 5.0, 25.0, 45.0)


def session_of(*boxes: Box) -> Session:
    document = Document()
    document.add_source(Source(0, "clip", "", 640, 480, FRAMES))
    if boxes:
        document.apply(AddBoxes(boxes))
    session = Session()
    session.open_document(document)
    return session


def imported(frames: list[int], numbers: list[int]) -> ImportedBoxes:
    count = len(frames)
    boxes = np.array([RECT] * count, np.float64).reshape(-1, 4).T
    none = np.full(count, -1, np.int64)
    return ImportedBoxes(
        Path("gt.txt"),
        "mot",
        ImportKind.GROUND_TRUTH,
        np.array(frames, np.int64),
        boxes,
        none,
        (),
        None,
        np.array(numbers, np.int64),
        np.zeros(count, np.int64),
    )


def import_file(session: Session, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(st.integers(0, FRAMES - 1), st.integers(-1, 2)), max_size=8))
    file = imported([frame for frame, _ in rows], [track for _, track in rows])
    prepared = prepare_ground_truth(file, session.document, {}, session.source.id)
    session.execute(build_replace_edit(session.document, prepared, session.source.id), "Import", origin="import")


def draw(session: Session, data: st.DataObject) -> None:
    frame, track = data.draw(FRAME), data.draw(st.one_of(st.none(), TRACK))
    session.go_to(frame)
    continued = tracks.continued_track(session.ground_truth, track, frame)
    gesture = DrawGesture(session, 3.0, 3.0, -1, continues=continued)
    gesture.move(40.0, 60.0, is_new=data.draw(st.booleans()))
    gesture.release()


def _boxes(session: Session, data: st.DataObject) -> list[Box]:
    found = [box for frame in range(FRAMES) for box in session.ground_truth.boxes(frame)]
    return [data.draw(st.sampled_from(found)) for _ in range(data.draw(st.integers(1, 3)))] if found else []


def _ids(session: Session, data: st.DataObject) -> list[int]:
    return [box.id for box in _boxes(session, data)]


FRAME, TRACK, BOOL = st.integers(0, FRAMES - 1), st.integers(0, 6), st.booleans()
Build = Callable[[Session, st.DataObject], Command]


def _accept(session: Session, data: st.DataObject) -> Command:
    count = data.draw(st.integers(1, 3))
    return commands.accept(session.document, data.draw(FRAME), [AcceptedPrediction(RECT, -1)] * count)


def _propagate(session: Session, data: st.DataObject) -> Command:
    box = next(iter(_boxes(session, data)), None)
    frames = data.draw(st.lists(FRAME, max_size=3, unique=True))
    found = {} if box is None else {box.id: [(frame, RECT) for frame in frames if frame != box.frame]}
    return propagated.add_propagated(session.document, found)


def _merge(session: Session, data: st.DataObject) -> Command:
    merging = track_shapes.plan_merge(session.ground_truth, data.draw(TRACK), data.draw(st.lists(TRACK, max_size=3)))
    return track_shapes.merge(session.document, merging)


def _end(session: Session, data: st.DataObject) -> Command:
    return track_shapes.set_end(session.document, data.draw(TRACK), data.draw(FRAME), at_start=data.draw(BOOL))


BUILDERS: dict[str, Build] = {
    "paste": lambda s, d: commands.paste(s.document, _boxes(s, d), d.draw(FRAME)),
    "duplicate": lambda s, d: commands.duplicate(s.document, _ids(s, d), d.draw(FRAME), by=3.0),
    "previous": lambda s, d: commands.paste_previous_frame(s.document, d.draw(FRAME)),
    "copy on": lambda s, d: commands.propagate(s.document, _ids(s, d), d.draw(st.integers(1, 4))),
    "accept": _accept,
    "propagate": _propagate,
    "set track": lambda s, d: track_commands.set_track(
        s.document, _ids(s, d), d.draw(st.one_of(st.none(), TRACK)), d.draw(st.sampled_from(Scope))
    ),
    "merge": _merge,
    "split": lambda s, d: track_shapes.split(s.document, d.draw(TRACK), d.draw(FRAME)),
    "swap": lambda s, d: track_shapes.swap(s.document, d.draw(TRACK), d.draw(TRACK), d.draw(FRAME)),
    "end": _end,
    "fill": lambda s, d: track_shapes.fill_gaps(s.document, [d.draw(TRACK)]),
    "copy key": lambda s, d: key_frames.copy(s.document, d.draw(TRACK), d.draw(FRAME), d.draw(FRAME)),
    "move key": lambda s, d: key_frames.move(s.document, d.draw(TRACK), {d.draw(FRAME)}, d.draw(st.integers(-3, 3))),
    # What no command does, but an edit could.
    "by force": lambda s, d: Command(SetTracks(tuple((i, d.draw(TRACK)) for i in set(_ids(s, d)))), "Force"),
    "add by force": lambda s, d: Command(
        AddBoxes((Box(s.ground_truth.new_ids(1)[0], d.draw(FRAME), RECT, -1, d.draw(TRACK)),)), "Force"
    ),
}


def act(session: Session, data: st.DataObject) -> None:
    names = [*BUILDERS, "draw", "import", "undo", "redo", "preview"]
    name = data.draw(st.sampled_from(names))
    if name == "draw":
        draw(session, data)
    elif name == "import":
        import_file(session, data)
    elif name in ("undo", "redo"):
        for _ in range(2):  # the first press may only go to the frame
            getattr(session, name)()
    elif name == "preview":
        session.preview(BUILDERS["add by force"](session, data).edit)
        session.commit_preview("Preview")
    else:
        command = BUILDERS[name](session, data)
        session.execute(command.edit, command.label)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_sequence_of_edits_gives_a_track_two_boxes_on_a_frame(qapp: object, data: st.DataObject) -> None:
    session = session_of(*(Box(f + 1, f, RECT, track=1) for f in range(3)))
    for _ in range(data.draw(st.integers(1, 12))):
        try:
            act(session, data)
        except UserError:
            session.cancel_preview()
        for frame in range(FRAMES):
            found = [box.track for box in session.ground_truth.boxes(frame) if box.track != NO_TRACK]
            assert len(found) == len(set(found)), f"frame {frame} has the tracks {found}"


def test_a_double_is_refused_by_name_and_changes_nothing(qapp: object) -> None:
    session = session_of(*(Box(f + 1, f, RECT, track=1) for f in range(3)))
    double = AddBoxes((Box(session.ground_truth.new_ids(1)[0], 1, RECT, track=1),))
    with pytest.raises(UserError, match="frame 1: track 1 already has a box on this frame"):
        session.execute(double, "Add")
    assert len(session.ground_truth) == 3 and session.history.undo_step() is None


def test_a_file_with_a_track_twice_on_a_frame_is_read_with_a_new_track_and_says_so(qapp: object) -> None:
    session = session_of()
    file = imported([0, 0, 1, 2, 2], [3, 3, 3, 3, 3])
    prepared = prepare_ground_truth(file, session.document, {}, session.source.id)
    assert prepared.imported.track_ids.tolist() == [3, 4, 3, 3, 4]
    assert prepared.imported.notes == ("2 boxes got new tracks, because their frames had another box of their track",)
