"""Light and dark theme of the window, made from the tokens: palette, style sheet, icons, floating surfaces.

Only Qt and the tokens are imported at module level: the window is painted before anything else is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache
from string import Template

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QMenu, QStyle, QWidget

from iouviewer.resource_files import resource_path
from iouviewer.ui.tokens import ICONS, MOTION, RADIUS, SIZE, TYPE, Colours, colours

EDGE_SHARE = 0.6
"""Share of the outline's colour in the visible edge of a floating surface; the rest is its background."""


@dataclass(frozen=True, slots=True)
class Theme:
    """One scheme.

    Attributes:
        dark: whether light text stands on dark surfaces.
        colours: colours by the names of the tokens.
        high_contrast: the system asks for more contrast; outlines and separators have the colour of text.
    """

    dark: bool
    colours: Colours
    high_contrast: bool = False

    @property
    def edge(self) -> str:
        """Colour of the edge of menus, popups and dialogs."""
        return mix(self.colours.outline, self.colours.popup, EDGE_SHARE)


def theme_of(*, dark: bool, high_contrast: bool = False) -> Theme:
    """The theme of a scheme."""
    values = colours(dark)
    if high_contrast:
        values = replace(values, outline=values.text, line=values.text2, text2=values.text, text3=values.text)
    return Theme(dark, values, high_contrast)


DARK = theme_of(dark=True)
LIGHT = theme_of(dark=False)


def mix(colour: str, other: str, share: float) -> str:
    """``share`` of one ``#rrggbb`` colour over another."""
    a, b = QColor(colour), QColor(other)
    channels = ((a.red(), b.red()), (a.green(), b.green()), (a.blue(), b.blue()))
    return QColor(*(round(share * x + (1 - share) * y) for x, y in channels)).name()


def colour(value: str) -> QColor:
    """A token as a QColor; tokens with an alpha are ``#rrggbbaa``, where Qt expects ``#aarrggbb``."""
    return QColor(f"#{value[7:9]}{value[1:7]}") if len(value) == 9 else QColor(value)


def current_theme() -> Theme:
    """The theme of the system's colour scheme, or of the one the user chose, and of the system's contrast."""
    hints = QGuiApplication.styleHints()
    return theme_of(dark=hints.colorScheme() is Qt.ColorScheme.Dark, high_contrast=wants_high_contrast())


def wants_high_contrast() -> bool:
    """Whether the system asks for high contrast; False with a Qt that cannot tell (before 6.10)."""
    hints = QGuiApplication.styleHints()
    if not hasattr(hints, "accessibility"):
        return False
    return bool(hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast)


def is_motion_reduced() -> bool:
    """Whether the system has turned its animations off."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        return True
    return app.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0


def duration(name: str) -> int:
    """Milliseconds of a motion token, 0 with reduced motion."""
    return MOTION["reduced"] if is_motion_reduced() else MOTION[name]


def palette_of(theme: Theme) -> QPalette:
    """The theme as a Qt palette."""
    c, role = theme.colours, QPalette.ColorRole
    result = QPalette()
    roles = {
        role.Window: c.window,
        role.WindowText: c.text,
        role.Base: c.base,
        role.AlternateBase: c.window,
        role.ToolTipBase: c.popup,
        role.ToolTipText: c.text,
        role.PlaceholderText: c.text3,
        role.Text: c.text,
        role.Button: c.raised,
        role.ButtonText: c.text,
        role.BrightText: c.bad,
        role.Link: c.accent,
        role.LinkVisited: c.accent,
        role.Highlight: c.selected,
        role.HighlightedText: c.text,
        role.Accent: c.accent,
        role.Mid: c.line,
        role.Midlight: c.hover,
        role.Dark: c.line,
        role.Light: c.raised,
        role.Shadow: c.outline,
    }
    for name, value in roles.items():
        result.setColor(name, QColor(value))
    for name in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(c.disabled))
    return result


@cache
def style_sheet(theme: Theme) -> str:
    """The theme as a style sheet: separators instead of frames, flat headers and buttons."""
    values = {field.name: getattr(theme.colours, field.name) for field in fields(Colours)}
    values["edge"] = theme.edge
    values["caret"] = resource_path(f"icons/caret-{'dark' if theme.dark else 'light'}.svg").as_posix()
    values["check"] = resource_path("icons/check.svg").as_posix()
    values |= {f"{name}_px": f"{style.px:g}px" for name, style in TYPE.items()}
    values |= {f"{name}_radius": f"{value}px" for name, value in RADIUS.items()}
    values |= {f"{name}_size": f"{value}px" for name, value in SIZE.items()}
    return Template(resource_path("style_sheet.qss").read_text(encoding="utf-8")).substitute(values)


def icon(name: str, theme: Theme) -> QIcon:
    """An icon by a meaning of ``tokens.ICONS`` or a name of the Phosphor set; checked ones have the accent colour."""
    import qtawesome

    result: QIcon = qtawesome.icon(
        f"ph.{ICONS.get(name, name)}",
        color=theme.colours.text2,
        color_active=theme.colours.text,
        color_disabled=theme.colours.disabled,
        color_on=theme.colours.accent,
    )
    return result


def coloured_icon(name: str, value: str) -> QIcon:
    """An icon in one colour, for states: ``coloured_icon("warning", theme.colours.warn)``."""
    import qtawesome

    result: QIcon = qtawesome.icon(f"ph.{ICONS.get(name, name)}", color=value)
    return result


def tabular_font(font: QFont) -> QFont:
    """The font with tabular figures, which align numbers in columns."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


# Floating surfaces


@cache
def has_compositor() -> bool:
    """Whether windows can be translucent. Without a compositor (bare X11) rounded corners would be black."""
    platform = QGuiApplication.platformName()
    if platform == "xcb":
        return _has_x11_compositor()
    return platform in ("wayland", "windows", "cocoa")


def _has_x11_compositor() -> bool:
    """Whether a program owns the selection ``_NET_WM_CM_S<screen>``, as compositors do."""
    import ctypes
    import ctypes.util

    name = ctypes.util.find_library("X11")
    if name is None:
        return False
    x11 = ctypes.CDLL(name)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultScreen.argtypes = x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    x11.XInternAtom.restype = x11.XGetSelectionOwner.restype = ctypes.c_ulong
    x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    x11.XGetSelectionOwner.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    display = x11.XOpenDisplay(None)
    if not display:
        return False
    atom = x11.XInternAtom(display, f"_NET_WM_CM_S{x11.XDefaultScreen(display)}".encode(), 0)
    owner = x11.XGetSelectionOwner(display, atom)
    x11.XCloseDisplay(display)
    return bool(owner)


def make_popup(widget: QWidget) -> None:
    """Make a menu or popup frameless with a visible edge, and rounded where the system can show that.

    The edge comes from the style sheet: ``QMenu``, and any widget with the property ``popup``.
    """
    widget.setWindowFlag(Qt.WindowType.FramelessWindowHint, True)
    widget.setWindowFlag(Qt.WindowType.NoDropShadowWindowHint, True)
    rounded = has_compositor()
    widget.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, rounded)
    widget.setProperty("popup", "rounded" if rounded else "square")


def popup_menu(title: str = "", parent: QWidget | None = None) -> QMenu:
    """A menu with a visible edge, see ``make_popup``."""
    menu = QMenu(title, parent)
    make_popup(menu)
    return menu


class ThemeManager(QObject):
    """Applies the theme of the system's colour scheme and contrast, or the scheme the user chose, to the application.

    Signals:
        changed(Theme): palette and style sheet are set; update icons and plots.
    """

    changed = Signal(object)

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._scheme = "system"
        app.setStyle("Fusion")
        self.theme = current_theme()
        self._apply()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._on_system_changed)
        if hasattr(hints, "accessibility"):
            hints.accessibility().contrastPreferenceChanged.connect(self._on_system_changed)

    def load_fonts(self) -> None:
        """Use the bundled fonts; called after the first window is painted, because it costs about 10 ms."""
        from iouviewer.ui.fonts import font

        body = font("body")
        if self._app.font() != body:
            self._app.setFont(body)

    def choose(self, scheme: str) -> None:
        """Use ``light`` or ``dark``, or ``system`` to follow the system."""
        self._scheme = scheme
        chosen = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(scheme, Qt.ColorScheme.Unknown)
        QGuiApplication.styleHints().setColorScheme(chosen)
        self._on_system_changed()

    def _on_system_changed(self) -> None:
        theme = current_theme()
        if self._scheme in ("light", "dark"):
            # Platforms without a colour scheme (offscreen, plain X11) ignore the request.
            theme = theme_of(dark=self._scheme == "dark", high_contrast=theme.high_contrast)
        self._set(theme)

    def _set(self, theme: Theme) -> None:
        if theme != self.theme:
            self.theme = theme
            self._apply()
            self.changed.emit(theme)

    def _apply(self) -> None:
        self._app.setPalette(palette_of(self.theme))
        self._app.setStyleSheet(style_sheet(self.theme))
