"""Shows the settings and applies each change at once; remembers what the View menu chooses for the colours of boxes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.view_state import ColourBy
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.ui.dialogs.settings_dialog import COLOUR_BY, SettingsDialog
from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.theme import ThemeManager


class SettingsPresenter(QObject):
    """Connects the settings dialog with the window.

    Args:
        apply: applies and saves settings that have changed.
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
        *,
        apply: Callable[[], None],
        show_key_sheet: Callable[[], None],
        letters: Callable[[], KeyLetters],
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._loader, self._settings = window, session, loader, settings
        self._theme_manager, self._apply = theme_manager, apply
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

    def _on_changed(self) -> None:
        self._apply()
        scores, shown = self._settings.score_settings(), self._session.scores.settings
        if (scores.review, scores.target) != (shown.review, shown.target):
            self._session.set_score_settings(scores)
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
