"""The variants of a project whose boxes are shown already: they come one by one and are not written back."""

from __future__ import annotations

from PySide6.QtCore import QObject

from iouviewer.app.editing.session import Session
from iouviewer.app.projects.autosave import Autosave
from iouviewer.app.projects.loading import LoadedProject, LoadStep
from iouviewer.app.projects.safety import Notice, Notices
from iouviewer.app.projects.source_binding import SourceBinding
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr

LOADING = "loading"
"""Key of the notice."""


class RestOfProject(QObject):
    """Puts variants into the session as they come, or keeps a project back until it is whole.

    A project is kept back where the open video has other frames than the boxes: all of them are renumbered together.
    """

    def __init__(
        self, session: Session, autosave: Autosave, binding: SourceBinding, notices: Notices, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._autosave, self._binding, self._notices = session, autosave, binding, notices
        self._kept: LoadedProject | None = None
        self._variants: list[Variant] = []
        self._is_running = False

    @property
    def is_running(self) -> bool:
        """Whether variants are still to come; until then the session's source is as it was stored."""
        return self._is_running

    def keep_back(self, loaded: LoadedProject, info: VideoInfo | None) -> bool:
        """Keep a project until ``complete``, unless its boxes can be shown with this video before its variants."""
        if not loaded.is_partial:
            return False
        self._is_running = True
        document = loaded.opened.contents.document
        stored, numbering = document.sources[loaded.source], document.numbering(loaded.source)
        if info is None or self._binding.keeps_frames(info, stored, numbering):
            return False
        self._kept = loaded
        return True

    def begin(self, loaded: LoadedProject) -> None:
        """The boxes of this project are shown; its variants follow."""
        contents = loaded.opened.contents
        self._autosave.muted = True
        try:
            self._session.variants.expect(contents.variant_names, contents.baseline)
        finally:
            self._autosave.muted = False

    def add(self, variant: Variant) -> None:
        """Show one of the variants, or keep it with its project."""
        if self._kept is not None:
            self._variants.append(variant)
            return
        self._autosave.muted = True
        try:
            self._session.variants.insert(variant)
        finally:
            self._autosave.muted = False

    def complete(self) -> LoadedProject | None:
        """All have come; returns the whole project if it was kept back."""
        kept, variants = self._kept, self._variants
        self._kept, self._variants = None, []
        self.stop()
        if kept is not None:
            return kept.with_variants(variants)
        self._autosave.muted = True
        try:
            self._session.variants.end_loading()
        finally:
            self._autosave.muted = False
        self._autosave.end_loading()
        return None

    def stop(self) -> None:
        """Nothing comes any more; a project that was kept back is closed."""
        self._is_running = False
        kept, self._kept, self._variants = self._kept, None, []
        if kept is not None:
            kept.opened.discard()
        self._notices.withdraw(LOADING)

    def show_step(self, step: LoadStep) -> None:
        """Say which variant is loaded, until all have come."""
        if not step.variant:
            return
        text = tr(
            "The predictions of {variant} are being loaded. Boxes can be edited; edits are saved after that.",
            variant=step.variant,
        )
        mark = tr("Loading predictions, {number} of {count}", number=step.number, count=step.variant_count)
        self._notices.post(Notice(LOADING, text, (), mark, is_hidden=True))
