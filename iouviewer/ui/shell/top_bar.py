"""The one row at the top: menus, source, workspaces, undo and redo, export, and the find field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenuBar, QPushButton, QToolButton, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.fonts import font
from iouviewer.ui.panels.key_hints import cap_text
from iouviewer.ui.shell.menu_button import MenuButton
from iouviewer.ui.theme import Theme, icon
from iouviewer.ui.tokens import ICON_SIZE, SIZE, SPACE

_ICON = QSize(ICON_SIZE, ICON_SIZE)
_SOURCE_WIDTH = 160
"""Most logical pixels of the source's name; longer names are elided in the middle."""
_BUTTON = Qt.ToolButtonStyle


class FindField(QPushButton):
    """Looks like a field and opens the command palette, which has the field to type in."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("findField")
        self.setAccessibleName(tr("Find commands, tracks and frames"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(SIZE["control"])
        self._icon, self._text, self._key = QLabel(), QLabel(tr("Commands, tracks, frames")), QLabel()
        self._text.setProperty("role", "muted")
        self._text.setFont(font("body"))
        self._key.setProperty("role", "key")
        self._key.setFont(font("key"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE["s"], 0, SPACE["xs"], 0)
        layout.setSpacing(SPACE["s"])
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._key)
        for label in (self._icon, self._text, self._key):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_key(self, key: str) -> None:
        """Show the key that opens the palette."""
        self._key.setText(cap_text(key))
        self.setToolTip(tr("Find commands, tracks and frames ({key})", key=key))

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icon."""
        self._icon.setPixmap(icon("palette", theme).pixmap(_ICON))

    def set_wide(self, is_wide: bool) -> None:
        """Show the whole field, or only its icon."""
        self._text.setVisible(is_wide)
        self._key.setVisible(is_wide)
        self.setFixedWidth(SIZE["find_field"] if is_wide else SIZE["control"] + SPACE["s"])


class TopBar(QWidget):
    """The window's menu widget.

    Args:
        menus: the filled menu bar; native on macOS, where the row keeps the rest.
        actions: the commands of the buttons.
        exports: commands of the menu of *Export*, the first entry first.
    """

    def __init__(self, menus: QMenuBar, actions: ActionSet, exports: Sequence[QAction]) -> None:
        super().__init__()
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(SIZE["top_bar"])
        self._actions = actions
        self.menus = menus
        menus.setFixedHeight(SIZE["menu_bar"])
        menus.setMinimumWidth(menus.sizeHint().width())
        self._is_wide = True
        self.source = self._make_source()
        self.workspaces = QFrame()
        self.workspaces.setObjectName("workspaces")
        segments = QHBoxLayout(self.workspaces)
        segments.setContentsMargins(1, 1, 1, 1)
        segments.setSpacing(0)
        self.tabs = {id: self._make_segment(id) for id in ("correct", "compare", "dataset")}
        for button in self.tabs.values():
            segments.addWidget(button)
        self.tabs["dataset"].hide()
        self.undo, self.redo = self._make_step("undo"), self._make_step("redo")
        self.export = self._make_export(exports)
        self.find_field = FindField()
        self.find_field.clicked.connect(actions["commandPalette"].trigger)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE["s"], 0, SPACE["s"], 0)
        layout.setSpacing(SPACE["xs"])
        vertical = Qt.AlignmentFlag.AlignVCenter
        layout.addWidget(menus, 0, vertical)
        layout.addSpacing(SPACE["s"])
        layout.addWidget(self.source, 0, vertical)
        layout.addStretch(1)
        layout.addWidget(self.workspaces, 0, vertical)
        layout.addStretch(1)
        layout.addWidget(self.undo, 0, vertical)
        layout.addWidget(self.redo, 0, vertical)
        layout.addSpacing(SPACE["xs"])
        layout.addWidget(self.export, 0, vertical)
        layout.addSpacing(SPACE["xs"])
        layout.addWidget(self.find_field, 0, vertical)
        self.set_wide(True)

    def _make_source(self) -> MenuButton:
        button = MenuButton("sourceButton")
        button.setToolButtonStyle(_BUTTON.ToolButtonTextBesideIcon)
        button.setIconSize(_ICON)
        button.setFont(font("strong"))
        opening = [self._actions[id] for id in ("openVideo", "openFolder", "openFiles")]
        button.fill([self._actions["videoFacts"]], opening)
        button.hide()
        return button

    def _make_segment(self, id: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"workspace.{id}")
        button.setText(self._actions[id].text())
        button.setCheckable(True)
        button.setAutoExclusive(True)
        button.setToolButtonStyle(_BUTTON.ToolButtonTextBesideIcon)
        button.setIconSize(_ICON)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self._actions[id].trigger)
        return button

    def _make_step(self, id: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"button.{id}")
        button.setDefaultAction(self._actions[id])
        button.setToolButtonStyle(_BUTTON.ToolButtonIconOnly)
        button.setIconSize(_ICON)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _make_export(self, exports: Sequence[QAction]) -> MenuButton:
        button = MenuButton("exportButton")
        button.setText(tr("Export"))
        button.setToolButtonStyle(_BUTTON.ToolButtonTextBesideIcon)
        button.setIconSize(_ICON)
        button.setProperty("outlined", True)
        button.fill(exports, [self._actions["export"]])
        return button

    # State

    def show_workspace(self, id: str) -> None:
        """Check the button of a workspace, ``correct``, ``compare`` or ``dataset``."""
        self.tabs[id].setChecked(True)
        self.export.setVisible(id != "dataset")  # it exports of one source; the page has its own report
        self._fit()

    def show_dataset(self, has_several: bool) -> None:
        """Show the button of Dataset once there is a second source."""
        self.tabs["dataset"].setVisible(has_several)
        self._fit()

    def show_source(self, name: str, path: str) -> None:
        """Show the name of the open video or folder; empty hides it."""
        self.source.setVisible(bool(name))
        for button in (self.export, *self.tabs.values()):
            button.setEnabled(bool(name))
        metrics = self.source.fontMetrics()
        self.source.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, _SOURCE_WIDTH))
        self._fit()
        self.source.setAccessibleName(tr("Source: {name}", name=name))
        self.source.setToolTip(str(Path(path)) if path else "")

    def update_keys(self) -> None:
        """Show the current keys in tooltips and in the find field."""
        for id, button in self.tabs.items():
            button.setToolTip(self._actions[id].toolTip())
        self.export.setToolTip(self._actions["export"].toolTip())
        self.find_field.set_key(self._actions.key_of("commandPalette"))

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icons."""
        for id, button in self.tabs.items():
            button.setIcon(icon(id, theme))
        self.source.setIcon(icon("film-strip", theme))
        self.export.setIcon(icon("export", theme))
        self.find_field.set_theme(theme)

    def set_wide(self, is_wide: bool) -> None:
        """Show the find field, or only its icon; where the row is too short for all words, more give way."""
        self._is_wide = is_wide
        self._fit()

    def _fit(self) -> None:
        """The words of the menus stay; find, the icons of the workspaces, Export and the source's name give way.

        With three workspaces in a small window, even their words do, for the icons.
        """
        style = Qt.ToolButtonStyle
        tabs = (*[style.ToolButtonTextBesideIcon] * 2, *[style.ToolButtonTextOnly] * 3, style.ToolButtonIconOnly)
        for level, tab in enumerate(tabs):
            self.find_field.set_wide(self._is_wide and level < 1)
            for button in self.tabs.values():
                button.setToolButtonStyle(tab)
            self.export.setToolButtonStyle(style.ToolButtonTextBesideIcon if level < 3 else style.ToolButtonTextOnly)
            self.source.setToolButtonStyle(style.ToolButtonTextBesideIcon if level < 4 else style.ToolButtonIconOnly)
            layout = self.layout()
            if layout is None:
                return
            layout.invalidate()
            if layout.minimumSize().width() <= self.width():
                return

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, SIZE["top_bar"])

    def focus_widgets(self) -> list[QWidget]:
        """The widgets in the order of the focus."""
        return [self.source, *self.tabs.values(), self.undo, self.redo, self.export, self.find_field]
