"""Twenty edits of all kinds, made through the session.

``python -m tests.app.projects.editing_process VIDEO UNDOS`` saves them in a project, prints "saved" and waits to be
killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetDecisions,
    SetFlags,
    SetFrames,
    SetRects,
    SetTracks,
)
from tests.app.builders import video_info

RECT = (100.125, 100.0 + 1 / 3, 150.0, 160.0)


def _drag(session: Session, box_id: int, to: tuple[float, float, float, float]) -> None:
    """A gesture: many previews, one step."""
    box = session.ground_truth.find(box_id)
    assert box is not None
    session.go_to(box.frame)
    for share in (0.25, 0.5, 1.0):
        rect = tuple(a + (b - a) * share for a, b in zip(box.rect, to, strict=True))
        session.preview(SetRects(((box_id, rect),)), origin="drag")
    session.commit_preview(f"Resize box {box_id}")


def _nudge(session: Session, box_id: int) -> None:
    """Three nudges, one step."""
    for _ in range(3):
        box = session.ground_truth.find(box_id)
        assert box is not None
        x1, y1, x2, y2 = box.rect
        session.execute(SetRects(((box_id, (x1 + 0.1, y1, x2 + 0.1, y2)),)), "Nudge", merge_key=f"nudge {box_id}")


def twenty_steps(session: Session) -> None:
    """Twenty steps of the history; the first adds the boxes that the others change."""
    first = [(1, 0, 0.1), (2, 0, 1 / 3), (3, 1, 5.5), (4, 3, 7.25)]
    boxes = tuple(Box(i, f, (x, 10.0, x + 20, 40.0), track=i, flags=0) for i, f, x in first)
    edits: list[tuple[str, Edit] | tuple[int, tuple[float, float, float, float]] | int] = [
        ("First boxes", Batch((SetClassNames(("person", "car")), AddBoxes(boxes)))),
        (1, (0.2, 1.0, 6.0, 8.0)),
        ("Add box 5", AddBoxes((Box(5, 2, RECT, 0, 3),))),
        ("Class of box 2", SetClasses(((2, 0),))),
        ("New class", SetClassNames(("person", "car", "bus"))),
        ("Class of box 5", SetClasses(((5, 2),))),
        ("Delete box 3", RemoveBoxes((3,))),
        ("Flags", SetFlags(((4, int(BoxFlag.OCCLUDED | BoxFlag.KEY_FRAME)),))),
        ("Track", SetTracks(((4, 9),))),
        ("Exclude frame 6", SetFrames((FrameMark(6, FrameState.EXCLUDED, False),))),
        ("Verify frame 0", SetFrames((FrameMark(0, FrameState.LABELLED, True),))),
        ("Decide", SetDecisions((("miss:3:4", "truth is right"),))),
        4,
        ("Two boxes", AddBoxes((Box(6, 7, RECT, 1), Box(7, 7, RECT, 1)))),
        ("Delete two", RemoveBoxes((6, 1))),
        ("Batch", Batch((AddBoxes((Box(8, 4, RECT),)), SetTracks(((8, 4),)), SetClasses(((8, 1),))))),
        ("Rename", SetClassNames(("human", "car", "bus"))),
        (7, (1.0, 2.0, 3.0, 4.0)),
        ("Forget decision", SetDecisions((("miss:3:4", ""), ("fp:1:2", "unclear")))),
        ("Delete box 8", RemoveBoxes((8,))),
    ]
    for edit in edits:
        if isinstance(edit, int):
            _nudge(session, edit)
        elif isinstance(edit[0], int):
            _drag(session, edit[0], edit[1])
        else:
            assert session.execute(edit[1], edit[0]) is not None, edit


def undo_steps(session: Session, steps: int) -> None:
    """Undo as the key does: if a step is on another frame, the first press only goes there."""
    for _ in range(steps):
        before = session.history.cursor
        session.undo()
        if session.history.cursor == before:
            session.undo()
        assert session.history.cursor == before - 1


def redo_all(session: Session) -> list[str]:
    """Redo all steps; returns their labels."""
    labels = []
    while (step := session.history.redo_step()) is not None:
        labels.append(step.label)
        before = session.history.cursor
        session.redo()
        if session.history.cursor == before:
            session.redo()
    return labels


def main(video: Path, undos: int) -> int:
    """Edit, and print "saved" as soon as the window would show it."""
    from PySide6.QtCore import QCoreApplication

    from iouviewer.app.projects.controller import ProjectController
    from iouviewer.app.settings import Settings

    app = QCoreApplication([])
    session = Session()
    controller = ProjectController(session, Settings())
    controller.open_video_source(video_info(video))
    twenty_steps(session)
    undo_steps(session, undos)
    requested = session.save_state.requested

    def report(state) -> None:
        if state.is_saved and state.requested == requested:
            print("saved", flush=True)

    session.saveStateChanged.connect(report)
    report(session.save_state)
    return app.exec()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
