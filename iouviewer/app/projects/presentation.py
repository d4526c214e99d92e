"""Putting a document into the session without writing it back to where it came from."""

from __future__ import annotations

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import ProjectKeeper
from iouviewer.app.projects.loading import Loaded
from iouviewer.document.document import Document
from iouviewer.document.scores import ScoreSettings
from iouviewer.document.sources import Source


def show_document(session: Session, keeper: ProjectKeeper, document: Document, settings: ScoreSettings) -> None:
    """Show a document that has no project; one without a source shows nothing that could be edited."""
    if not document.sources:
        document.add_source(Source(0, "", "", 0, 0, 0))
    keeper.muted = True
    try:
        session.open_document(document)
        session.set_score_settings(settings)
    finally:
        keeper.muted = False


def show_loaded(session: Session, keeper: ProjectKeeper, loaded: Loaded) -> None:
    """Show a project that was loaded; its file keeps what is done from now on."""
    opened = loaded.opened
    keeper.project = opened.project
    keeper.values = dict(opened.contents.settings)
    keeper.muted = True
    try:
        session.open_document(
            opened.contents.document,
            source=loaded.source,
            history=opened.project,
            place=str(opened.project.path),
            scored=loaded.scored,
        )
    finally:
        keeper.muted = False
    if opened.salvaged:
        keeper.save_values({"edited": True})
