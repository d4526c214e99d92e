"""Context menus: what each kind of object offers, built from the commands of the action table.

The widget that is clicked selects the object first, so the commands act on it. The first entry does what a double click
does. A command that is not available is disabled and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_edits import set_baseline
from iouviewer.app.editing.view_state import GROUND_TRUTH
from iouviewer.document import track_shapes
from iouviewer.document.track_accept import accept_along, find_predictions_along
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.action_table import MENUS
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.look_menu import look_menu
from iouviewer.ui.shell.layer_bar import LayerBar
from iouviewer.ui.theme import popup_menu
from iouviewer.ui.workspaces import WorkspaceViews

_TRACK_MENU = (
    *("setTrack", "mergeTracks", "splitTrack", "swapTracks"),
    *("", "startOfTrack", "endOfTrack", "trimStart", "trimEnd", "fillByFollowing", "fillStraight"),
)
_FLAGS_MENU = ("keyFrame", "occluded", "outside", "ignore", "truncated")
CLASSES, DRAW_HERE, PASTE_HERE, ACCEPT_ALONG = "classes", "drawHere", "pasteHere", "acceptAlong"
"""Entries that depend on the object or the place that was clicked, and are therefore no commands of their own."""
FILL_GAP = "fillGap"
_NAMED_BY_FRAME = ("trimStart", "trimEnd", "splitTrack", "swapTracks", "deleteFromHere")
"""Commands of a track's menu that name the frame they act on."""
SPECIAL = (CLASSES, DRAW_HERE, PASTE_HERE, ACCEPT_ALONG, FILL_GAP, "deleteTrack")
_MOST_CLASSES = 20
"""Classes in the menu; the class picker finds the others by typing."""
Ids = tuple[str | tuple[str, tuple[str, ...]], ...]
ENTRIES: Mapping[str, Ids] = {
    "box": (
        CLASSES,
        (MENUS["track"], _TRACK_MENU),
        (MENUS["box/flags"], _FLAGS_MENU),
        "snapEdge",
        "propagate",
        "copy",
        "attributes",
        "addNote",
        "lockTrack",
        "isolateTrack",
        "",
        "delete",
        "deleteFromHere",
        "deleteTrack",
    ),
    "prediction": ("accept", ACCEPT_ALONG, "acceptAll"),
    "empty": (
        *(DRAW_HERE, PASTE_HERE, "takePrevious", ""),
        *("verifyAndNext", "verifiedEmpty", "excludeFrame", "addNote", "", "fit"),
    ),
    "track": (
        *("splitTrack", "mergeTracks", "swapTracks", ""),
        *("trimStart", "trimEnd", FILL_GAP, "fillGaps", ""),
        *("trackClass", "setTrack", "keyFrame", "occluded", "ignore", ""),
        *("startOfTrack", "endOfTrack", "lockTrack", "isolateTrack", "gallery", "addNote", ""),
        *("deleteFromHere", "deleteRange", "deleteTrack"),
    ),
    "tracks": ("mergeTracks", "trackClass", "fillGaps", "gallery", "", "deleteRange", "deleteTrack"),
    "timeline": (
        *("loopFrom", "loopTo", "loopOff", "", "nextProblem", "previousProblem", ""),
        *("nextUnverified", "nextChanged", "excludeFrame", "excludeFrames", "", "fitTimeline"),
    ),
    "problem": ("takeFix", "groundTruthIsRight", "unclear", "", "gallery"),
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
        self._canvas, self._problems = views.canvas, views.problems
        lists = (views.boxes, views.tracks, views.problems, views.notes, views.history)
        canvases: tuple[Any, ...] = views.compare_view.canvases
        for source in (*canvases, *lists, views.inspector, views.timeline, layer_bar):
            source.menuRequested.connect(self.show_menu)

    def add_gallery(self, lists: Iterable[QWidget]) -> None:
        """Let lists without a menu of their own show what they list in the gallery."""
        for widget in lists:
            widget.addAction(self._actions["gallery"])
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def show_menu(self, kind: str, target: Any, place: QPoint) -> None:
        """Show the menu for a kind of object at a point of the screen; nothing for a kind without entries."""
        menu = self.create(kind, target, self._point_of(place))
        if menu.actions():
            menu.exec(place)
        menu.deleteLater()

    def _point_of(self, place: QPoint) -> QPointF:
        """The point of the image at a point of the screen."""
        viewport = self._canvas.viewport()
        return self._canvas.to_image(QPointF(viewport.mapFromGlobal(place)))

    def create(self, kind: str, target: Any, point: QPointF) -> QMenu:
        """The menu for an object.

        Args:
            kind: a key of ``ENTRIES``, ``layer`` or ``step``.
            target: for a prediction its variant's key and row, for a layer its name (``GROUND_TRUTH`` or a variant's
                key), for a step its row of the history.
            point: where on the image the menu was asked for.
        """
        is_several = kind == "track" and isinstance(target, list) and len(target) > 1
        kind = "tracks" if is_several else kind
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
            elif entry in SPECIAL:
                self._add_special(menu, entry, target, point)
            elif kind == "track" and entry in _NAMED_BY_FRAME:
                self._add_named(menu, entry)
            else:
                self._add(menu, entry)
        if kind == "problem":
            self._name_decisions(menu)
        elif kind == "prediction":
            self._add_variant(menu, self._variant_of(target))
        elif kind == "layer":
            self._add_layer(menu, str(target))
        elif kind == "step":
            menu.addAction(tr("Go to this step"), lambda: self._go_to_step(target))
        return menu

    def _add(self, menu: QMenu, id: str) -> None:
        if not id:
            menu.addSeparator()
        else:
            menu.addAction(self._actions[id])

    def _add_special(self, menu: QMenu, entry: str, target: Any, point: QPointF) -> None:
        if entry == CLASSES:
            self._add_classes(menu)
        elif entry == DRAW_HERE:
            menu.addAction(self._actions["drawBox"].icon(), tr("Draw here"), lambda: self._canvas.draw_at(point))
        elif entry == PASTE_HERE:
            commands = self._canvas.commands
            action = menu.addAction(tr("Paste here"), lambda: commands.paste_at(point.x(), point.y()))
            action.setEnabled(commands.has_copied)
            if not commands.has_copied:
                action.setToolTip(tr("Copy boxes first"))
        elif entry == ACCEPT_ALONG:
            self._add_accept_along(menu, target)
        elif entry == FILL_GAP:
            self._add_fill_gap(menu)
        else:
            self._add_delete_tracks(menu, target if isinstance(target, list) else [])

    def _add_classes(self, menu: QMenu) -> None:
        """The classes with their digits, the one of the selected boxes checked; and the picker for others."""
        submenu = popup_menu(tr("Change class"), menu)
        menu.addMenu(submenu)
        truth, commands = self._session.ground_truth, self._canvas.commands
        boxes = [box for box in map(truth.find, self._session.selection.boxes) if box is not None]
        chosen = {box.class_id for box in boxes}
        classes = self._session.document.classes
        for number in classes.shown[:_MOST_CLASSES]:
            digit = classes.digit(number)
            key = self._actions.key_of(f"class{digit}") if digit else ""
            text = classes.names[number].replace("&", "&&")
            action = submenu.addAction(f"{text}\t{key}" if key else text, partial(commands.set_class, number))
            action.setCheckable(True)
            action.setChecked(chosen == {number})
        submenu.addSeparator()
        submenu.addAction(self._actions["classPicker"])

    def _add_accept_along(self, menu: QMenu, target: Any) -> None:
        """Accept the object of an extra prediction on all frames on which the variant sees it."""
        if not isinstance(target, tuple) or len(target) != 2:
            return
        session, variant = self._session, self._session.variants.find(str(target[0]))
        if variant is None:
            return
        settings, table, frame = session.scores.settings.review, variant.predictions.table, session.current_frame
        row = int(target[1]) - table.rows(frame).start
        places = find_predictions_along(
            session.ground_truth, table, frame, row, conf=settings.conf, convention=settings.convention
        )
        if len(places) < 2:
            return

        def accept() -> None:
            command = accept_along(
                session.document, table, places, variant=variant.name, variant_key=variant.key, source=session.source.id
            )
            try:
                session.execute(command.edit, command.label, origin="menu")
            except UserError as error:
                session.statusMessage.emit(error.sentence)
                return
            session.select(command.select or ())

        count = len(places)
        text = tr_n("Accept on {count} frame as one track", "Accept on {count:,} frames as one track", count)
        menu.addAction(text, accept)

    def _name_decisions(self, menu: QMenu) -> None:
        """Name what the decisions do to the problem under review."""
        verbs = self._problems.verbs
        if verbs is None:
            return
        for action, id, text in zip(list(menu.actions()), ("takeFix", "groundTruthIsRight"), verbs, strict=False):
            named = QAction(f"{text}\t{self._actions.key_of(id)}", menu)
            named.triggered.connect(self._actions[id].trigger)
            menu.insertAction(action, named)
            menu.removeAction(action)

    def _add_named(self, menu: QMenu, id: str) -> None:
        """A command with the frame that it acts on: ``Trim start to frame 153``."""
        action, frame = self._actions[id], self._session.current_frame
        texts = {
            "trimStart": tr("Trim start to frame {frame:,}", frame=frame),
            "trimEnd": tr("Trim end to frame {frame:,}", frame=frame),
            "splitTrack": tr("Split track at frame {frame:,}", frame=frame),
            "swapTracks": tr("Swap with… from frame {frame:,}", frame=frame),
            "deleteFromHere": tr("Delete from frame {frame:,} on", frame=frame),
        }
        key = self._actions.key_of(id)
        named = menu.addAction(f"{texts[id]}\t{key}" if key else texts[id], action.trigger)
        named.setEnabled(action.isEnabled())

    def _add_fill_gap(self, menu: QMenu) -> None:
        """Fill the gap of the selected track at the current frame, else the next one."""
        session, track = self._session, self._session.selection.track
        gap = None if track is None else track_shapes.gap_at(session.ground_truth, track, session.current_frame)
        if track is None or gap is None:
            return

        def fill() -> None:
            command = track_shapes.fill_gap(session.document, track, gap, source=session.source.id)
            try:
                session.execute(command.edit, command.label, origin="menu")
            except UserError as error:
                session.statusMessage.emit(error.sentence)

        first, last = gap
        name = f"{first:,}" if first == last else f"{first:,}–{last:,}"
        menu.addAction(tr("Fill gap {frames}", frames=name), fill)

    def _add_delete_tracks(self, menu: QMenu, tracks: list[int]) -> None:
        """Delete whole tracks, with the number of boxes."""
        selected, action, truth = (
            self._session.selection.track,
            self._actions["deleteTrack"],
            self._session.ground_truth,
        )
        numbers = tracks or ([] if selected is None else [selected])
        if not numbers:
            return
        count = sum(len(truth.track_columns(track)[0]) for track in numbers)
        if len(numbers) == 1:
            text = tr_n("Delete track ({count} box)", "Delete track ({count:,} boxes)", count)
        else:
            text = tr("Delete {tracks:,} tracks ({count:,} boxes)", tracks=len(numbers), count=count)
        key = self._actions.key_of("deleteTrack")
        menu.addAction(action.icon(), f"{text}\t{key}" if key else text, action.trigger)

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
        menu.addMenu(look_menu(self._session, key, menu))
        if variants.baseline is None or variants.baseline.key != key:
            menu.addAction(tr("Set as baseline"), lambda: set_baseline(self._session, key))

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
        if layer == GROUND_TRUTH:
            is_shown = state.is_ground_truth_visible
            text = tr("Hide ground truth") if is_shown else tr("Show ground truth")
            menu.addSeparator()
            menu.addAction(text, lambda: state.set_layer_visible(GROUND_TRUTH, not is_shown))
        self._add_variant(menu, layer)
