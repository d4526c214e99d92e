"""Creates the parts around the canvas and keeps them current: top bar, layer bar, tool rail, key hints, focus order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.panels.status_bar import StatusBar
from iouviewer.ui.shell.layer_bar import LayerBar
from iouviewer.ui.shell.layout_plan import LayoutPlan
from iouviewer.ui.shell.side_tabs import SideTabs
from iouviewer.ui.shell.tool_hints import tool_hints
from iouviewer.ui.shell.tool_rail import ToolRail
from iouviewer.ui.shell.top_bar import TopBar
from iouviewer.ui.shell.view_controls import CaptionChoice, ZoomButton
from iouviewer.ui.theme import Theme
from iouviewer.ui.workspaces import Workspace, Workspaces, WorkspaceViews

_ZOOM_ACTIONS = ("fit", "actualSize", "zoomIn", "zoomOut", "sharpPixels")
_ADD_ACTIONS = ("addPredictions", "runModel")


def create_side_tabs(boxes: QWidget, tracks: QWidget, problems: QWidget, notes: QWidget, history: QWidget) -> SideTabs:
    """The tabs of Correct."""
    tabs = SideTabs()
    tabs.add_panel(tr("Boxes"), boxes)
    tabs.add_panel(tr("Tracks"), tracks)
    tabs.add_panel(tr("Problems"), problems)
    tabs.add_panel(tr("Notes"), notes)
    tabs.add_panel(tr("History"), history)
    return tabs


class Shell(QObject):
    """The frame of one window.

    Attributes:
        workspaces: the central widget.
        top_bar: exists after ``add_top_bar``.
        captions: which boxes have captions.
    """

    top_bar: TopBar

    def __init__(self, session: Session, views: WorkspaceViews, status: StatusBar, theme: Theme) -> None:
        super().__init__(session)
        self._session, self._views, self._status, self._theme = session, views, status, theme
        self._layer_bar, self._rail = LayerBar(session, theme), ToolRail()
        self.workspaces = Workspaces(views, self._layer_bar, self._rail)
        self.captions = CaptionChoice()
        self._dataset_text, self._source_count = "", 0
        self.fill_switcher: Callable[[QMenu], None] = lambda _menu: None
        """Puts the sources of a dataset into the menu of the source's name; replaced by the window."""

    def fill(self, actions: ActionSet) -> None:
        """Create the buttons of the commands."""
        self._actions = actions
        self._rail.fill(actions)
        self._layer_bar.set_add_actions([actions[id] for id in _ADD_ACTIONS])
        self._zoom = ZoomButton([actions[id] for id in _ZOOM_ACTIONS])
        self._layer_bar.add_view_controls(self.captions, self._zoom)
        canvas, state = self._views.canvas, self._session.view_state
        canvas.zoomChanged.connect(self._show_zoom)
        canvas.drawingChanged.connect(self._on_drawing_changed)
        self._views.problems.reviewedChanged.connect(self.show_hints)
        self._views.timeline.heightWanted.connect(self.show_hints)
        canvas.drawLockChanged.connect(self._rail.show_draw_lock)
        state.viewStateChanged.connect(lambda: self._rail.show_loupe(state.is_loupe_held))
        self._session.sourceChanged.connect(self._on_source_changed)
        self._session.variants.listChanged.connect(self.update_tab_order)
        self.workspaces.planChanged.connect(self._on_plan_changed)
        self._rail.show_drawing(False)

    def add_top_bar(self, bar: TopBar) -> None:
        """Use this top bar."""
        self.top_bar = bar
        bar.source.menu_below.aboutToShow.connect(lambda: self.fill_switcher(bar.source.menu_below))
        bar.set_theme(self._theme)
        self.update_keys()
        self._on_source_changed()
        self._on_plan_changed(self.workspaces.plan)
        self.show_workspace()

    @property
    def layer_bar(self) -> LayerBar:
        """The bar above the canvas."""
        return self._layer_bar

    # Updates

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icons and lines."""
        self._theme = theme
        self._rail.set_theme(theme)
        self._layer_bar.set_theme(theme)
        self._views.controls.set_theme(theme)
        if hasattr(self, "top_bar"):
            self.top_bar.set_theme(theme)

    def update_keys(self) -> None:
        """Show the current keys in tooltips and key hints."""
        self._rail.update_keys()
        self._layer_bar.set_keys({number: self._actions.key_of(f"showVariant{number}") for number in range(1, 10)})
        if hasattr(self, "top_bar"):
            self.top_bar.update_keys()
        self.show_hints()

    def show_workspace(self) -> None:
        """Show which workspace is current, and its keys."""
        self.top_bar.show_workspace(self.workspaces.current.value)
        self._on_source_changed()
        self.update_tab_order()

    def show_hints(self) -> None:
        """Show the keys of the tool and the workspace in the status bar."""
        is_drawing = self._views.canvas.tools.is_drawing
        has_video = self._session.frame_count > 0
        hints = tool_hints(
            self._actions,
            self.workspaces.current,
            has_video=has_video,
            is_drawing=is_drawing,
            review=self._views.problems.verbs,
            is_grid=self._views.problems.grid is not None,
            has_lanes=self._views.timeline.has_lanes,
        )
        self._status.set_hints(hints)

    def show_dataset(self, has_several: bool, count: int, place: int) -> None:
        """Show the workspace of a dataset once it has a second source.

        Args:
            place: of the source that is shown, from 1; 0 for none.
        """
        self._dataset_text, self._source_count = "", count
        if has_several:
            self._dataset_text = tr("source {place:,} of {count:,}", place=place, count=count) if place else ""
        if hasattr(self, "top_bar"):
            self.top_bar.show_dataset(has_several)
            self._on_source_changed()

    def _on_drawing_changed(self, is_drawing: bool) -> None:
        self._rail.show_drawing(is_drawing)
        self.show_hints()

    def _on_source_changed(self) -> None:
        if hasattr(self, "top_bar"):
            path, name = str(self._session.source.path), self._session.source.name
            if name and self.workspaces.current is Workspace.DATASET:
                name = tr_n("{count} source", "{count:,} sources", self._source_count)
            self.top_bar.show_source(name, "\n".join(filter(None, (path, self._dataset_text))))
        self.show_hints()

    def _on_plan_changed(self, plan: LayoutPlan) -> None:
        if hasattr(self, "top_bar"):
            self.top_bar.set_wide(plan.has_find_field)

    def _show_zoom(self, zoom: float) -> None:
        self._zoom.show_zoom(zoom, is_fitted=self._views.canvas.is_fitted)

    # Focus

    def areas(self) -> list[list[QWidget]]:
        """The areas that F6 visits, each with its widgets in the order of the focus."""
        return [self.top_bar.focus_widgets(), *self.workspaces.areas()]

    def update_tab_order(self) -> None:
        """Let Tab visit the areas one after the other; before the window is complete this does nothing."""
        if not hasattr(self, "top_bar"):
            return
        window = self.workspaces.window()
        order = [widget for area in self.areas() for widget in area if widget.window() is window]
        if self.top_bar.window() is not window:
            return
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)
