"""Light and dark theme of the window: neutral greys, one accent colour, an 8-pixel grid, and the icons.

Only Qt is imported at module level: the window is painted before anything else is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication

GRID = 8
"""Logical pixels of the layout grid."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one scheme as ``#rrggbb``.

    Attributes:
        window, base: background of panels, of tables and lists.
        surround: background around the image on the canvas.
        raised: buttons and headers.
        text, muted: normal and secondary text.
        line: separators.
        accent, on_accent: highlight colour, and text on it.
        warning: text of warnings and failures.
    """

    dark: bool
    window: str
    base: str
    surround: str
    raised: str
    text: str
    muted: str
    line: str
    accent: str
    on_accent: str
    warning: str


DARK = Theme(
    dark=True,
    window="#262626",
    base="#1f1f1f",
    surround="#171717",
    raised="#353535",
    text="#e0e0e0",
    muted="#9d9d9d",
    line="#3a3a3a",
    accent="#5aa9ff",
    on_accent="#0d1c2b",
    warning="#f0a070",
)
LIGHT = Theme(
    dark=False,
    window="#eeeeee",
    base="#fafafa",
    surround="#c9c9c9",
    raised="#dedede",
    text="#1d1d1d",
    muted="#5c5c5c",
    line="#cfcfcf",
    accent="#1766c2",
    on_accent="#ffffff",
    warning="#a63d00",
)


def current_theme() -> Theme:
    """The theme of the system's colour scheme, or of the one the user chose."""
    return DARK if QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT


def palette_of(theme: Theme) -> QPalette:
    """The theme as a Qt palette."""
    result = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.base,
        QPalette.ColorRole.AlternateBase: theme.window,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.BrightText: theme.warning,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.Accent: theme.accent,
        QPalette.ColorRole.Mid: theme.line,
        QPalette.ColorRole.Midlight: theme.raised,
        QPalette.ColorRole.Dark: theme.surround if theme.dark else theme.line,
        QPalette.ColorRole.Light: theme.raised,
        QPalette.ColorRole.Shadow: "#000000" if theme.dark else "#8a8a8a",
    }
    for role, colour in roles.items():
        result.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor("#6e6e6e" if theme.dark else "#9a9a9a"))
    result.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight, QColor(theme.line))
    return result


def style_sheet(theme: Theme) -> str:
    """The theme as a style sheet: separators instead of frames, flat headers and buttons."""
    t = theme
    return f"""
    QMainWindow::separator, QSplitter::handle {{ background: {t.line}; }}
    QSplitter::handle:horizontal {{ width: 1px; }}
    QSplitter::handle:vertical {{ height: 1px; }}
    QToolBar {{ border: 0; border-bottom: 1px solid {t.line}; spacing: 2px; padding: 2px 6px; background: {t.window}; }}
    QToolBar::separator {{ background: {t.line}; width: 1px; margin: 5px 5px; }}
    QMenuBar {{ background: {t.window}; border-bottom: 1px solid {t.line}; padding: 0 4px; }}
    QMenuBar::item {{ padding: 3px 8px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.raised}; }}
    QStatusBar {{ background: {t.window}; border-top: 1px solid {t.line}; }}
    QStatusBar::item {{ border: 0; }}
    QToolButton {{ border: 0; border-radius: 4px; padding: 3px; }}
    QToolButton:hover, QToolButton:focus {{ background: {t.raised}; }}
    QToolButton:checked {{ background: {t.raised}; color: {t.accent}; }}
    QToolButton[role="warning"] {{ color: {t.warning}; }}
    QToolButton[role="muted"] {{ color: {t.muted}; }}
    QToolButton::menu-indicator {{ image: none; }}
    QToolButton[tab="true"] {{ padding: 3px 10px; }}
    QToolButton[tab="true"]:checked {{ background: {t.accent}; color: {t.on_accent}; }}
    QAbstractItemView {{ border: 0; background: {t.base}; alternate-background-color: {t.base};
        selection-background-color: {t.raised}; selection-color: {t.text}; outline: 0; }}
    QAbstractItemView:focus {{ selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
    QListView::item {{ padding: 1px 8px; }}
    QTableView::item {{ padding: 0 6px; }}
    QMenu {{ background: {t.window}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 4px 24px 4px 12px; border-radius: 3px; }}
    QMenu::item:selected {{ background: {t.accent}; color: {t.on_accent}; }}
    QMenu::item:disabled {{ color: {t.muted}; background: transparent; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 0; }}
    QMenu::icon {{ padding-left: 8px; }}
    QHeaderView {{ background: {t.window}; border: 0; }}
    QHeaderView::section {{ background: {t.window}; color: {t.muted}; border: 0; border-bottom: 1px solid {t.line};
        padding: 2px 9px; }}
    QLabel[role="heading"] {{ color: {t.text}; font-weight: 600; padding: 4px 8px; }}
    QLabel[role="muted"] {{ color: {t.muted}; }}
    QLabel[role="warning"] {{ color: {t.warning}; }}
    QFrame[role="panel"] {{ border: 0; background: {t.window}; }}
    QScrollBar {{ background: transparent; border: 0; }}
    QScrollBar:vertical {{ width: 9px; }}
    QScrollBar:horizontal {{ height: 9px; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }}
    QScrollBar::handle:hover {{ background: {t.muted}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QScrollArea {{ background: transparent; border: 0; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QTabBar::tab {{ padding: 4px 12px; border: 0; color: {t.muted}; background: transparent; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
    QTabWidget::pane {{ border: 0; border-top: 1px solid {t.line}; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; padding: 4px; }}
    QProgressBar {{ border: 0; border-radius: 3px; background: {t.raised}; height: 6px; text-align: center; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
    """


def icon(name: str, theme: Theme) -> QIcon:
    """An icon of the Phosphor set by its name, for example ``play``; checked ones have the accent colour."""
    import qtawesome

    result: QIcon = qtawesome.icon(
        f"ph.{name}",
        color=theme.text,
        color_disabled="#6e6e6e" if theme.dark else "#a4a4a4",
        color_on=theme.accent,
    )
    return result


def tabular_font(font: QFont) -> QFont:
    """The font with tabular figures, which align numbers in columns."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


class ThemeManager(QObject):
    """Applies the theme of the system's colour scheme, or of the one the user chose, to the application.

    Signals:
        changed(Theme): palette and style sheet are set; update icons and plots.
    """

    changed = Signal(object)

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        app.setStyle("Fusion")
        self.theme = current_theme()
        self._apply()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)

    def choose(self, scheme: str) -> None:
        """Use ``light`` or ``dark``, or ``system`` to follow the system."""
        chosen = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(scheme, Qt.ColorScheme.Unknown)
        QGuiApplication.styleHints().setColorScheme(chosen)
        if chosen is not Qt.ColorScheme.Unknown:
            # Platforms without a colour scheme (offscreen, plain X11) ignore the request.
            self._set(DARK if chosen is Qt.ColorScheme.Dark else LIGHT)
        else:
            self._set(current_theme())

    def _on_scheme_changed(self) -> None:
        self._set(current_theme())

    def _set(self, theme: Theme) -> None:
        if theme != self.theme:
            self.theme = theme
            self._apply()
            self.changed.emit(theme)

    def _apply(self) -> None:
        self._app.setPalette(palette_of(self.theme))
        self._app.setStyleSheet(style_sheet(self.theme))
