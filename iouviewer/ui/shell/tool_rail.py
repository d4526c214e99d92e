"""The tool rail at the left: each tool an icon with its word; the checked one follows the canvas."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QToolButton, QVBoxLayout, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.action_table import ACTIONS
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.fonts import font
from iouviewer.ui.theme import Theme, icon
from iouviewer.ui.tokens import RAIL_ICON_SIZE, SIZE, SPACE


@dataclass(frozen=True, slots=True)
class _Tool:
    """A button: its name, action id, word and icon; ``is_mode`` for a state that stays on."""

    name: str
    action: str
    word: str
    icon: str
    is_mode: bool = False


_TOOLS: tuple[_Tool | None, ...] = (
    _Tool("select", "selectTool", tr("Select"), "select", is_mode=True),
    _Tool("draw", "drawBox", tr("Draw"), "draw", is_mode=True),
    _Tool("loupe", "loupe", tr("Loupe"), "loupe", is_mode=True),
    None,
    _Tool("accept", "accept", tr("Accept"), "accept"),
    _Tool("snap", "snapEdge", tr("Snap"), "snap"),
    _Tool("previous", "takePrevious", tr("Previous"), "copyPrevious"),
    _Tool("key", "keyFrame", tr("Key"), "keyFrame"),
    None,
    _Tool("verify", "verifyAndNext", tr("Verify"), "verified"),
    _Tool("blind", "blindMode", tr("Blind"), "eyeOff", is_mode=True),
)
"""Tools from top to bottom; None is a separator. A tool whose command does not exist is left out."""


class ToolRail(QScrollArea):
    """The rail; a window too low for all tools scrolls it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("toolRail")
        self.setAccessibleName(tr("Tools"))
        self.setFixedWidth(SIZE["tool_rail"])
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.buttons: dict[str, QToolButton] = {}
        body = QWidget()
        self._layout = layout = QVBoxLayout(body)
        layout.setContentsMargins(2, SPACE["xs"], 2, SPACE["xs"])
        layout.setSpacing(2)
        self._has_words = True
        self._is_draw_locked = False
        self._theme: Theme | None = None
        self.setWidget(body)

    def fill(self, actions: ActionSet) -> None:
        """Create the buttons of the commands."""
        self._actions = actions
        ids = {row.id for row in ACTIONS}
        for tool in _TOOLS:
            if tool is None:
                self._layout.addWidget(_separator())
            elif tool.action in ids:
                self.buttons[tool.name] = button = self._make_button(tool)
                self._layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._layout.addStretch(1)
        self.set_words(self._has_words)

    def _make_button(self, tool: _Tool) -> QToolButton:
        action = self._actions[tool.action]
        button = QToolButton()
        button.setObjectName(f"rail.{tool.name}")
        button.setText(tool.word)
        button.setAccessibleName(action.text())
        button.setFont(font("rail"))
        button.setIconSize(QSize(RAIL_ICON_SIZE, RAIL_ICON_SIZE))
        button.setCheckable(tool.is_mode)
        button.setEnabled(action.isEnabled())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        action.enabledChanged.connect(button.setEnabled)
        if action.isCheckable():
            action.toggled.connect(button.setChecked)
            button.clicked.connect(action.setChecked)
        elif tool.name == "loupe":
            # Its key is held; a button stays on until it is pressed again.
            button.clicked.connect(lambda on: self._actions.run(tool.action, on))
        else:
            button.clicked.connect(action.trigger)
        return button

    def show_drawing(self, is_drawing: bool) -> None:
        """Check the tool of the canvas."""
        for name, is_checked in (("draw", is_drawing), ("select", not is_drawing)):
            if name in self.buttons:
                self.buttons[name].setChecked(is_checked)

    def show_draw_lock(self, is_locked: bool) -> None:
        """Show a padlock while the draw tool stays on after a box."""
        self._is_draw_locked = is_locked
        self._show_draw_icon()

    def _show_draw_icon(self) -> None:
        if "draw" in self.buttons and self._theme is not None:
            self.buttons["draw"].setIcon(icon("lock" if self._is_draw_locked else "draw", self._theme))
            name = self._actions["drawBox"].text()
            text = tr("{command}, stays on until Esc", command=name) if self._is_draw_locked else name
            self.buttons["draw"].setAccessibleName(text)

    def show_loupe(self, is_held: bool) -> None:
        """Check the loupe while it is shown."""
        if "loupe" in self.buttons:
            self.buttons["loupe"].setChecked(is_held)

    def update_keys(self) -> None:
        """Show the current texts and keys in the tooltips."""
        for tool in _TOOLS:
            if tool is not None and tool.name in self.buttons:
                self.buttons[tool.name].setToolTip(self._actions[tool.action].toolTip())

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icons."""
        self._theme = theme
        for tool in _TOOLS:
            if tool is not None and tool.name in self.buttons:
                self.buttons[tool.name].setIcon(icon(tool.icon, theme))
        self._show_draw_icon()

    def set_words(self, has_words: bool) -> None:
        """Show icons with words, or icons alone in a narrower rail."""
        self._has_words = has_words
        style = Qt.ToolButtonStyle
        for button in self.buttons.values():
            button.setToolButtonStyle(style.ToolButtonTextUnderIcon if has_words else style.ToolButtonIconOnly)
            button.setProperty("rail", "true" if has_words else "narrow")
            button.style().unpolish(button)
            button.style().polish(button)
        self.setFixedWidth(SIZE["tool_rail"] if has_words else SIZE["tool_rail_narrow"])


def _separator() -> QFrame:
    line = QFrame()
    line.setProperty("role", "separator")
    line.setFixedHeight(1)
    return line
