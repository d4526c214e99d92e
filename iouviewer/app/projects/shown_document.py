"""Shows documents in the session without saving what their appearance changes."""

from __future__ import annotations

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.loading import LoadedProject
from iouviewer.app.projects.locations import source_from
from iouviewer.app.settings import Settings
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.document import Document
from iouviewer.document.sources import Source


class ShownDocument:
    """Gives the session an empty document, one for a video without a project, or that of a project."""

    def __init__(self, session: Session, autosave: Autosave, settings: Settings) -> None:
        self._session, self._autosave, self._settings = session, autosave, settings

    def show_empty(self) -> None:
        """Show a document without a source, which cannot be edited: edits would be lost when a project follows."""
        document = Document()
        document.add_source(Source(0, "", "", 0, 0, 0))
        self._show(document)

    def show_new(self, info: VideoInfo) -> None:
        """Show a video without boxes."""
        document = Document()
        document.add_source(source_from(info))
        document.set_numbering(info.numbering)
        self._show(document)

    def _show(self, document: Document) -> None:
        self._autosave.muted = True
        try:
            self._session.open_document(document)
            self._session.set_score_settings(self._settings.score_settings())
        finally:
            self._autosave.muted = False

    def show_loaded(self, loaded: LoadedProject) -> None:
        """Show a loaded project; later edits are saved in its file."""
        opened, autosave = loaded.opened, self._autosave
        autosave.project = opened.project
        autosave.values = dict(opened.contents.settings)
        autosave.muted = True
        try:
            self._session.open_document(
                opened.contents.document,
                source=loaded.source,
                history=opened.project,
                project_path=str(opened.view_of or opened.project.path),
                scores=loaded.scores,
            )
        finally:
            autosave.muted = False
        if opened.salvaged:
            autosave.save_values({"edited": True})
