"""Twenty edits of all kinds, made through the session.

``python -m tests.app.projects.editing_process VIDEO UNDOS`` saves them in a project, prints "saved" and waits to be
killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    SetClassNames,
    SetRects,
)
from tests.app.builders import video_info
from tests.document.builders import twenty_edits


def _drag(session: Session, edit: SetRects, label: str) -> None:
    """A gesture: many previews, one step."""
    starts = {box_id: session.ground_truth.find(box_id) for box_id, _ in edit.rects}
    session.go_to(min(box.frame for box in starts.values()))
    for share in (0.25, 0.5, 1.0):
        rects = tuple(
            (box_id, tuple(a + (b - a) * share for a, b in zip(starts[box_id].rect, to, strict=True)))
            for box_id, to in edit.rects
        )
        session.preview(SetRects(rects), origin="drag")
    session.commit_preview(label)


def _nudge(session: Session, box_id: int) -> None:
    """Three nudges, one step."""
    for _ in range(3):
        box = session.ground_truth.find(box_id)
        assert box is not None
        x1, y1, x2, y2 = box.rect
        session.execute(SetRects(((box_id, (x1 + 0.1, y1, x2 + 0.1, y2)),)), "Nudge", merge_key=f"nudge {box_id}")


def twenty_steps(session: Session) -> None:
    """Twenty steps of the history; the first adds the boxes that the others change, some of them by gestures."""
    first = [(1, 0, 0.1, 0), (2, 0, 1 / 3, 1), (3, 1, 5.5, 0), (4, 3, 7.25, -1)]
    boxes = tuple(Box(i, f, (x, 10.0, x + 20, 40.0), class_id, i) for i, f, x, class_id in first)
    session.execute(Batch((SetClassNames(("person", "car")), AddBoxes(boxes))), "First boxes")
    for label, edit in twenty_edits():
        if label == "Unlabel frame 5":
            continue  # no frame is labelled yet
        if label == "Move box 5":
            _nudge(session, 4)
        elif isinstance(edit, SetRects):
            _drag(session, edit, label)
        else:
            assert session.execute(edit, label) is not None, label


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
