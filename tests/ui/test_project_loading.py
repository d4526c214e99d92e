"""The first frame is on the canvas while its project, which can take long, is still being loaded."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.locations import source_from
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.playback import Playback
from iouviewer.document.document import Document
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.frame_presenter import FramePresenter
from tests.ui.window import TIMEOUT, write_video


def test_the_first_frame_is_shown_before_its_project_and_its_boxes_after(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    canvas = CanvasView(session)
    qtbot.addWidget(canvas)
    canvas.show()
    loader = FrameLoader()
    presenter = FramePresenter(session, loader, Playback(), (canvas,))
    loader.open(str(write_video(tmp_path / "clip.avi")))
    try:
        qtbot.waitUntil(lambda: not canvas.shown_image().isNull(), timeout=TIMEOUT)
        assert "Loading the project" in canvas.status_text
        assert not canvas.is_editable
        info = loader.info
        assert info is not None
        document = Document()
        document.add_source(source_from(info))
        session.open_document(document)
        qtbot.waitUntil(lambda: canvas.shown_frame == 0, timeout=TIMEOUT)
        assert "Loading" not in canvas.status_text
        assert canvas.is_editable
    finally:
        loader.close()
        presenter.deleteLater()
