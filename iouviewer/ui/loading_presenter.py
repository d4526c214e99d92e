"""Shows a large project while it is loaded: first the boxes of one frame, then all boxes, then the predictions."""

from __future__ import annotations

from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.controller import ProjectController
from iouviewer.app.settings import Settings
from iouviewer.i18n import tr
from iouviewer.ui.first_run import CentralPages
from iouviewer.ui.frame_presenter import FramePresenter


class LoadingPresenter(QObject):
    """Connects the project that is being loaded with the canvases, and goes to the frame where the user left off."""

    def __init__(
        self,
        session: Session,
        controller: ProjectController,
        settings: Settings,
        frames: FramePresenter,
        pages: CentralPages,
    ) -> None:
        super().__init__(session)
        self._session, self._settings = session, settings
        self._has_continued = self._is_partial = False
        controller.frameRead.connect(frames.show_first_boxes)
        controller.loadProgress.connect(frames.show_load_step)
        controller.loadProgress.connect(pages.show_work)
        controller.boxesShown.connect(self._on_controller_boxes_shown)
        controller.ready.connect(self._on_controller_ready)

    def _on_controller_boxes_shown(self) -> None:
        self._has_continued = False
        self.continue_where_left()
        self._has_continued = self._is_partial = True

    def _on_controller_ready(self) -> None:
        if self._is_partial:
            self._session.statusMessage.emit(tr("All predictions are loaded"))
        self._is_partial = False

    def continue_where_left(self) -> None:
        """Go to the frame that was shown last, once for each project."""
        has_continued, self._has_continued = self._has_continued, False
        session = self._session
        frame = self._settings.last_frame(session.source.path)
        if not has_continued and session.current_frame == 0 < frame < session.frame_count:
            session.go_to(frame)
            session.statusMessage.emit(tr("Continued at frame {frame:,}, where you left off", frame=frame))
