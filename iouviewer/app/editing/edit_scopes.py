"""Which boxes of a track the edits of class, track id and flags change; remembered in the settings."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from iouviewer.document.track_commands import Scope

CLASS, FLAGS = "class", "flags"
"""The two groups of fields that have a scope of their own; the track id has that of the class."""

_SETTINGS = {CLASS: "classScope", FLAGS: "flagScope"}
_DEFAULTS = {CLASS: Scope.TRACK, FLAGS: Scope.FROM_HERE}


class EditScopes(QObject):
    """The scope of each group of fields.

    Signals:
        changed(): a scope changed.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scopes = dict(_DEFAULTS)

    def __getitem__(self, group: str) -> Scope:
        return self._scopes[group]

    def set(self, group: str, scope: Scope) -> None:
        """Change the scope of a group of fields."""
        if scope is not self._scopes[group]:
            self._scopes[group] = scope
            self.changed.emit()

    def restore(self, settings: Mapping[str, object]) -> None:
        """Take the scopes from the settings; unknown values leave the defaults."""
        for group, key in _SETTINGS.items():
            value = settings.get(key)
            if isinstance(value, str) and value in set(Scope):
                self.set(group, Scope(value))

    def to_settings(self) -> dict[str, str]:
        """The entries of the settings."""
        return {key: self._scopes[group].value for group, key in _SETTINGS.items()}
