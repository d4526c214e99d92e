"""The filter line of a session: what is typed becomes part of the settings of the scores."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import Aspect, Change
from iouviewer.document.filter_line import BoxFilter, parse_filter
from iouviewer.document.filtering import FilterRules
from iouviewer.errors import UserError
from iouviewer.i18n import tr


class SessionFilter(QObject):
    """Sets the filter, and keeps it true when classes change or another source is opened.

    Views read ``session.scores.settings.filter`` and redraw on ``scoresChanged``, which every change emits.

    Signals:
        changed(): another filter.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._areas = session.source.truth_file.areas
        session.changed.connect(self._on_session_changed)
        session.sourceChanged.connect(self._on_source_changed)

    @property
    def filter(self) -> BoxFilter:
        """The filter; false where there is none."""
        rules = self._session.scores.settings.filter
        return BoxFilter() if rules is None else rules.filter

    def rules_of(self, line: str) -> FilterRules:
        """The rules that a line would set.

        Raises:
            UserError: names the term that cannot be understood, or the class or variant that does not exist.
        """
        session = self._session
        names = [variant.name for variant in session.variants]
        # Variants that are still being loaded have no name yet.
        known = None if session.variants.is_loading else names
        areas = session.source.truth_file.areas
        return FilterRules.of(parse_filter(line), session.document.class_names, variants=known, areas=areas)

    def set_line(self, line: str) -> None:
        """Filter by this line, empty for no filter. UserError as for ``rules_of``; the filter stays as it was."""
        self._use(self.rules_of(line))

    def remove(self) -> None:
        """End the filter."""
        self._use(FilterRules())

    def _use(self, rules: FilterRules) -> None:
        settings, wanted = self._session.scores.settings, rules if rules else None
        if wanted != settings.filter:
            self._session.set_score_settings(replace(settings, filter=wanted))
            self.changed.emit()

    def _refresh(self) -> None:
        """Use the line with the classes as they are now; a line that no longer holds is removed, and that is told."""
        line = self.filter.text
        if not line:
            return
        try:
            self._use(self.rules_of(line))
        except UserError as error:
            self.remove()
            self._session.statusMessage.emit(tr("Filter removed: {reason}", reason=error))

    def _on_session_changed(self, change: Change) -> None:
        if change.aspects & Aspect.CLASS_NAMES:
            self._refresh()

    def _on_source_changed(self) -> None:
        # Of the same document: more frames are known, or its ground truth was imported again.
        self._refresh()
