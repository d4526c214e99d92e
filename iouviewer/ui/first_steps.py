"""A hint on the sample that points at a deliberate ground-truth error until that box is edited."""

from __future__ import annotations

import json

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QLabel

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import Box
from iouviewer.document.edits import Change, Phase
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.resource_files import resource_path
from iouviewer.ui.canvas.view import CanvasView

HINT_TEXT = tr("drag this edge")


class FirstSteps(QObject):
    """Goes to the deliberate error and shows a hint at the edge to drag."""

    def __init__(self, session: Session, canvas: CanvasView) -> None:
        super().__init__(canvas)
        self._session, self._canvas = session, canvas
        self._frame, self._edge = -1, "right"
        self._box_id = -1
        self.hint = QLabel(HINT_TEXT, canvas.viewport())
        self.hint.setObjectName("firstStep")
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hint.setStyleSheet(
            "background: #5aa9ff; color: #0d1c2b; border-radius: 4px; padding: 3px 8px; font-weight: 600"
        )
        self.hint.hide()
        session.changed.connect(self._on_session_changed)
        session.frameChanged.connect(self.update_position)
        canvas.viewMoved.connect(self.update_position)
        canvas.frameShown.connect(self.update_position)

    def begin(self) -> None:
        """Go to the error; no hint if the sample has none or it is already corrected."""
        try:
            planted = json.loads(resource_path("sample/planted.json").read_text(encoding="utf-8"))["edge"]
        except (UserError, OSError, ValueError, KeyError):
            # The hint is optional.
            return
        x1, y1, x2, y2 = planted["planted"]
        box = self._find(int(planted["frame"]), (x1, y1, x2, y2))
        self._session.go_to(int(planted["frame"]))
        if box is None:
            return
        self._frame, self._edge, self._box_id = box.frame, planted["edge"], box.id
        self._session.select([box.id])
        self.update_position()

    def _find(self, frame: int, rect: tuple[float, float, float, float]) -> Box | None:
        for box in self._session.ground_truth.boxes(frame):
            if max(abs(a - b) for a, b in zip(box.rect, rect, strict=True)) < 0.5:
                return box
        return None

    def update_position(self, _what: object = None) -> None:
        """Move the hint to the edge, or hide it on other frames."""
        box = self._session.ground_truth.find(self._box_id) if self._box_id >= 0 else None
        if box is None or self._session.current_frame != self._frame or self._canvas.shown_frame != self._frame:
            self.hint.hide()
            return
        x1, y1, x2, y2 = box.rect
        x = {"left": x1, "right": x2}.get(self._edge, (x1 + x2) / 2)
        y = {"top": y1, "bottom": y2}.get(self._edge, (y1 + y2) / 2)
        self.hint.adjustSize()
        edge = self._canvas.from_image(x, y)
        left = -self.hint.width() - 14 if self._edge == "left" else 14
        self.hint.move(edge + QPoint(left, -self.hint.height() // 2))
        self.hint.show()

    def _on_session_changed(self, change: Change) -> None:
        if self._box_id >= 0 and self._box_id in change.box_ids:
            if change.phase is Phase.COMMITTED:
                self._box_id = -1
            if change.phase is Phase.LIVE and change.origin != "cancel":
                # The user drags the edge and sees the caption at the cursor instead.
                self.hint.hide()
            else:
                self.update_position()
