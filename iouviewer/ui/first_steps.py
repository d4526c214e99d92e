"""The sample opens on a frame with a bad edge, and says so at its handle until something was edited."""

from __future__ import annotations

import json

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QLabel

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box
from iouviewer.document.edits import Change, Phase
from iouviewer.errors import UserError
from iouviewer.resource_files import resource_path
from iouviewer.ui.canvas.view import CanvasView

TEXT = "drag this edge"


class FirstSteps(QObject):
    """Goes to the planted error and keeps a mark at the edge."""

    def __init__(self, session: Session, canvas: CanvasView) -> None:
        super().__init__(canvas)
        self._session, self._canvas = session, canvas
        self._frame, self._edge = -1, "right"
        self._box_id = -1
        self.mark = QLabel(TEXT, canvas.viewport())
        self.mark.setObjectName("firstStep")
        self.mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.mark.setStyleSheet(
            "background: #5aa9ff; color: #0d1c2b; border-radius: 4px; padding: 3px 8px; font-weight: 600"
        )
        self.mark.hide()
        session.changed.connect(self._on_session_changed)
        session.frameChanged.connect(self.place)
        canvas.viewMoved.connect(self.place)
        canvas.pictureShown.connect(self.place)

    def begin(self) -> None:
        """Go to the planted error; nothing where the sample does not name one, or it was mended already."""
        try:
            planted = json.loads(resource_path("sample/planted.json").read_text(encoding="utf-8"))["edge"]
        except (UserError, OSError, ValueError, KeyError):
            # The sample works without it; only the mark is missing.
            return
        x1, y1, x2, y2 = planted["planted"]
        found = self._find(int(planted["frame"]), (x1, y1, x2, y2))
        self._session.go_to(int(planted["frame"]))
        if found is None:
            return
        self._frame, self._edge, self._box_id = found.frame, planted["edge"], found.id
        self._session.select([found.id])
        self.place()

    def _find(self, frame: int, rect: tuple[float, float, float, float]) -> Box | None:
        for box in self._session.ground_truth.boxes(frame):
            if max(abs(a - b) for a, b in zip(box.rect, rect, strict=True)) < 0.5:
                return box
        return None

    def place(self, _what: object = None) -> None:
        """Put the mark at the edge, or hide it where the frame is another one."""
        box = self._session.ground_truth.find(self._box_id) if self._box_id >= 0 else None
        if box is None or self._session.current_frame != self._frame or self._canvas.shown_frame != self._frame:
            self.mark.hide()
            return
        x1, y1, x2, y2 = box.rect
        x = {"left": x1, "right": x2}.get(self._edge, (x1 + x2) / 2)
        y = {"top": y1, "bottom": y2}.get(self._edge, (y1 + y2) / 2)
        self.mark.adjustSize()
        at = self._canvas.from_picture(x, y)
        left = -self.mark.width() - 14 if self._edge == "left" else 14
        self.mark.move(at + QPoint(left, -self.mark.height() // 2))
        self.mark.show()

    def _on_session_changed(self, change: Change) -> None:
        if self._box_id >= 0 and self._box_id in change.box_ids:
            if change.phase is Phase.COMMITTED:
                self._box_id = -1
            if change.phase is Phase.LIVE and change.origin != "cancel":
                # The hand has found the edge; what counts now is the label at the cursor.
                self.mark.hide()
            else:
                self.place()
