"""Icons of one set (Phosphor, through QtAwesome) in the colours of the theme."""

from __future__ import annotations

from PySide6.QtGui import QIcon

from iouviewer.ui.theme import Theme


def icon(name: str, theme: Theme) -> QIcon:
    """The icon ``name`` of the set, for example ``play``; checked and active ones take the accent colour."""
    import qtawesome

    found: QIcon = qtawesome.icon(
        f"ph.{name}",
        color=theme.text,
        color_disabled="#6e6e6e" if theme.dark else "#a4a4a4",
        color_on=theme.accent,
    )
    return found
