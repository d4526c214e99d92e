"""The chip beside the frame field that shows through which frames the keys walk; a click leaves the walk."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QToolButton

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Change, Phase
from iouviewer.i18n import tr


class WalkChip(QToolButton):
    """``Not verified 12 of 43 ×``; hidden while the keys go through all frames."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setObjectName("walkChip")
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._session, self._walk = session, session.view_state.walk
        self.key = ""
        """The key that leaves the walk, for the tooltip; set by the window."""
        # Several signals of one step cause one count of the frames.
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.refresh)
        self.clicked.connect(self._walk.leave)
        self._walk.walkChanged.connect(self._timer.start)
        session.frameChanged.connect(self._timer.start)
        session.sourceChanged.connect(self._timer.start)
        session.scoresChanged.connect(self._timer.start)
        session.changed.connect(self._on_session_changed)
        self.hide()

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.COMMITTED:
            self._timer.start()

    def refresh(self) -> None:
        """Show the walk and the place of the frame in it."""
        walk = self._walk
        if walk.is_active and self._session.frame_count:
            place, count = walk.place(self._session.current_frame)
            if place:
                text = tr("{walk} {place:,} of {count:,} ×", walk=walk.name, place=place, count=count)
            else:
                text = tr("{walk} {count:,} ×", walk=walk.name, count=count)
            self.setText(text)
            self.setAccessibleName(tr("Walk: {walk}. Leave", walk=text.removesuffix(" ×")))
            leave = tr("Click to walk through all frames again")
            self.setToolTip(tr("{leave} ({key})", leave=leave, key=self.key) if self.key else leave)
        self.setVisible(walk.is_active)
