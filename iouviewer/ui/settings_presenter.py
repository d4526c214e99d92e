"""Shows the settings and applies each change at once; remembers what the View menu chooses for the colours of boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.view_state import ColourBy
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.ui.canvas.frame_view import CaptionMode
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.settings_dialog import COLOUR_BY, SettingsDialog
from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.shell.view_controls import CaptionChoice
from iouviewer.ui.theme import ThemeManager


class SettingsPresenter(QObject):
    """Connects the settings dialog with the window.

    Args:
        captions: the choice of captions in the layer bar.
        apply: applies settings that have changed to the rest of the window.
        save: writes the settings.
        show_key_sheet: shows the drawn keyboard.
        letters: returns what is printed on the keys.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        loader: FrameLoader,
        settings: Settings,
        theme_manager: ThemeManager,
        captions: CaptionChoice,
        canvases: tuple[CanvasView, ...],
        *,
        apply: Callable[[], None],
        save: Callable[[], None],
        show_key_sheet: Callable[[], None],
        letters: Callable[[], KeyLetters],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._loader, self._settings = window, session, loader, settings
        self._theme_manager, self._apply, self._save = theme_manager, apply, save
        self._captions, self._canvases = captions, canvases
        captions.chosen.connect(self._on_caption_mode_chosen)
        self._show_key_sheet, self._letters = show_key_sheet, letters
        self._running_scale = settings.ui_scale
        self._cache_used = 0
        loader.cacheUsed.connect(self._on_cache_used)
        self._restore_colours()
        session.view_state.viewStateChanged.connect(self._on_view_state_changed)

    def show(self) -> None:
        """Show the settings until they are closed."""
        settings = self._settings
        settings.set_score_defaults(self._session.scores.settings)
        settings.extra[COLOUR_BY] = self._session.view_state.colour_by.value
        dialog = SettingsDialog(self._window, settings, letters=self._letters(), ui_scale=self._running_scale)
        dialog.show_frame_cache(self._cache_used)
        dialog.changed.connect(self._on_changed)
        dialog.proxyDeletion.connect(self._loader.delete_proxies)
        self._loader.proxyState.connect(dialog.show_proxies)
        self._loader.cacheUsed.connect(dialog.show_frame_cache)
        wanted: list[bool] = []
        dialog.keySheetRequested.connect(lambda: wanted.append(True))
        dialog.keySheetRequested.connect(dialog.accept)
        dialog.exec()
        dialog.deleteLater()
        if wanted:
            self._show_key_sheet()

    def apply_to_canvases(self) -> None:
        """Use captions and loupe of the settings."""
        mode = CaptionMode(self._settings.caption_mode)
        self._captions.show_mode(mode.value)
        for canvas in self._canvases:
            canvas.boxes.set_caption_mode(mode)
            canvas.feedback.is_loupe_automatic = self._settings.loupe_on

    def _on_caption_mode_chosen(self, mode: str) -> None:
        self._settings.caption_mode = CaptionMode(mode).value
        self.apply_to_canvases()
        self._canvases[0].setFocus()

    def _on_changed(self) -> None:
        self._apply()
        self._save()
        scores, shown = self._settings.score_settings(), self._session.scores.settings
        if (scores.review, scores.target) != (shown.review, shown.target):
            self._session.set_score_settings(replace(shown, review=scores.review, target=scores.target))
        self._theme_manager.choose(self._settings.scheme)
        self._restore_colours()

    def _restore_colours(self) -> None:
        stored = self._settings.extra.get(COLOUR_BY, "")
        if stored in {by.value for by in ColourBy}:
            self._session.view_state.set_colour_by(ColourBy(stored))

    def _on_view_state_changed(self) -> None:
        self._settings.extra[COLOUR_BY] = self._session.view_state.colour_by.value

    def _on_cache_used(self, size: int) -> None:
        self._cache_used = size
