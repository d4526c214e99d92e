"""Context menus: what each kind of object offers, built from the commands of the action table.

The widget that is clicked selects the object first, so the commands act on it. The first entry does what a double click
does. A command that is not available is disabled and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QMenu, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.view_state import GROUND_TRUTH
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.action_table import MENUS
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.shell.layer_bar import LayerBar
from iouviewer.ui.theme import popup_menu
from iouviewer.ui.workspaces import WorkspaceViews

_TRACK_MENU = (
    *("setTrack", "mergeTracks", "splitTrack", "swapTracks"),
    *("", "startOfTrack", "endOfTrack", "trimStart", "trimEnd"),
)
_FLAGS_MENU = ("keyFrame", "occluded", "outside", "ignore")
Ids = tuple[str | tuple[str, tuple[str, ...]], ...]
ENTRIES: Mapping[str, Ids] = {
    "box": (
        "classPicker",
        (MENUS["track"], _TRACK_MENU),
        (MENUS["box/flags"], _FLAGS_MENU),
        "snapEdge",
        "copy",
        "addNote",
        "lockTrack",
        "isolateTrack",
        "",
        "delete",
        "deleteTrack",
    ),
    "prediction": ("accept", "acceptAll"),
    "empty": ("drawBox", "paste", "takePrevious", "", "verifyAndNext", "verifiedEmpty", "addNote", "", "fit"),
    "track": (
        "startOfTrack",
        "endOfTrack",
        "",
        "trackClass",
        "mergeTracks",
        "lockTrack",
        "isolateTrack",
        "addNote",
        "",
        "deleteTrack",
    ),
    "timeline": ("loopFrom", "loopTo", "loopOff", "", "nextProblem", "previousProblem", "", "fitTimeline"),
    "problem": ("takeFix", "groundTruthIsRight", "unclear"),
    "note": ("noteEdit", "noteDone", "noteDelete"),
}
"""Action ids by kind; empty ones separate groups, a pair is a submenu with its title."""


class ContextMenus(QObject):
    """Shows the menu of an object.

    Args:
        go_to_step: goes back to a row of the history.
    """

    def __init__(
        self, window: QWidget, session: Session, actions: ActionSet, go_to_step: Callable[[Any], object]
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._actions, self._go_to_step = window, session, actions, go_to_step

    def connect_views(self, views: WorkspaceViews, layer_bar: LayerBar) -> None:
        """Show the menus that the views ask for."""
        lists = (views.boxes, views.tracks, views.problems, views.notes, views.history)
        for source in (views.canvas, views.other_canvas, *lists, views.inspector, views.timeline, layer_bar):
            source.menuRequested.connect(self.show_menu)

    def show_menu(self, kind: str, target: Any, place: QPoint) -> None:
        """Show the menu for a kind of object at a point of the screen; nothing for a kind without entries."""
        menu = self.create(kind, target)
        if menu.actions():
            menu.exec(place)
        menu.deleteLater()

    def create(self, kind: str, target: Any) -> QMenu:
        """The menu for an object.

        Args:
            kind: a key of ``ENTRIES``, ``layer`` or ``step``.
            target: for a prediction its variant's key and row, for a layer its name (``GROUND_TRUTH`` or a variant's
                key), for a step its row of the history.
        """
        menu = popup_menu(parent=self._window)
        menu.setObjectName(f"contextMenu.{kind}")
        menu.setToolTipsVisible(True)
        for entry in ENTRIES.get(kind, ()):
            if isinstance(entry, tuple):
                submenu = popup_menu(entry[0], menu)
                submenu.setToolTipsVisible(True)
                menu.addMenu(submenu)
                for id in entry[1]:
                    self._add(submenu, id)
            else:
                self._add(menu, entry)
        if kind == "prediction":
            self._add_variant(menu, self._variant_of(target))
        elif kind == "layer":
            self._add_layer(menu, str(target))
        elif kind == "step":
            menu.addAction(tr("Go to this step"), lambda: self._go_to_step(target))
        return menu

    def _add(self, menu: QMenu, id: str) -> None:
        if not id:
            menu.addSeparator()
        elif id == "deleteTrack":
            self._add_delete_track(menu)
        else:
            menu.addAction(self._actions[id])

    def _add_delete_track(self, menu: QMenu) -> None:
        track, action = self._session.selection.track, self._actions["deleteTrack"]
        if track is None:
            return
        count = len(self._session.ground_truth.track_columns(track)[0])
        text = tr_n("Delete track ({count} box)", "Delete track ({count:,} boxes)", count)
        menu.addAction(action.icon(), text, action.trigger)

    def _variant_of(self, target: Any) -> str:
        """Key of the variant of a prediction, given as (variant, row) or as a reference of the canvas."""
        selected = self._session.selection.prediction
        if selected is not None:
            return selected[0]
        return str(target[0]) if isinstance(target, tuple) else ""

    def _add_variant(self, menu: QMenu, key: str) -> None:
        variants = self._session.variants
        variant = variants.find(key)
        if variant is None:
            return
        menu.addSeparator()
        name = variant.name
        text = tr("Hide {variant}", variant=name) if variant.visible else tr("Show {variant}", variant=name)
        menu.addAction(text, lambda: variants.update(key, visible=not variant.visible))
        if variants.baseline is None or variants.baseline.key != key:
            menu.addAction(tr("Set as baseline"), lambda: variants.set_baseline(key))

    def _add_layer(self, menu: QMenu, layer: str) -> None:
        state = self._session.view_state
        is_front, is_locked = state.front_layer == layer, layer in state.locked_layers
        if layer != GROUND_TRUTH:
            text = tr("Bring to front for clicks")
            front = menu.addAction(text, lambda: state.bring_to_front(None if is_front else layer))
            front.setCheckable(True)
            front.setChecked(is_front)
        lock = menu.addAction(tr("Lock"), lambda: state.lock_layer(layer, is_locked=not is_locked))
        lock.setCheckable(True)
        lock.setChecked(is_locked)
        self._add_variant(menu, layer)
