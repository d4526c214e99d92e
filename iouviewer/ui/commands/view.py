"""Commands on the view: workspaces, zoom, variants, confidence, settings."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from iouviewer.app.editing.gesture import ORIGIN
from iouviewer.app.editing.session import Session
from iouviewer.app.editing.view_state import GROUND_TRUTH, ColourBy
from iouviewer.document.edits import Change
from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.compare.compare_view import CompareMode
from iouviewer.ui.compare.speed_page import SpeedPage
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.workspaces import Panel, Workspace, Workspaces


class ViewCommands:
    """Group ``view``.

    Attributes:
        actions, edit_settings: set after the actions are created; the latter shows the settings.
        on_workspace_shown: called with the new workspace.
    """

    actions: ActionSet
    edit_settings: Callable[[], None]

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        workspaces: Workspaces,
        controls: ScoreControls,
        *,
        on_workspace_shown: Callable[[Workspace], None],
        areas: Callable[[], list[list[QWidget]]],
    ) -> None:
        self._window, self._session = window, session
        self._workspaces, self._controls = workspaces, controls
        self._on_workspace_shown = on_workspace_shown
        self._areas = areas
        views = workspaces.views
        self._canvases = views.compare_view.canvases
        self._timeline = views.timeline

        session.view_state.viewStateChanged.connect(self._on_view_state_changed)
        session.changed.connect(self._on_session_changed)

    def _on_view_state_changed(self) -> None:
        state = self._session.view_state
        self.actions["followTrack"].setChecked(state.is_following)
        self.actions["blindMode"].setChecked(state.is_blind)
        self.actions[f"colourBy{state.colour_by.name.title()}"].setChecked(True)

    def _on_session_changed(self, change: Change) -> None:
        """Show the ground truth again once a person adds or changes a box of it: nobody works on what is hidden."""
        state = self._session.view_state
        if change.origin == ORIGIN and change.box_ids and not state.is_ground_truth_visible:
            state.set_layer_visible(GROUND_TRUTH, True)

    def show_correct(self) -> None:
        """Show the workspace for correcting ground truth."""
        self._show(Workspace.CORRECT)

    def show_compare(self) -> None:
        """Show the workspace for comparing variants."""
        self._show(Workspace.COMPARE)

    def show_dataset(self) -> None:
        """Show the workspace for all sources together."""
        self._show(Workspace.DATASET)

    @property
    def speed_page(self) -> SpeedPage:
        """The tab of Compare with measured speeds."""
        return self._workspaces.views.side_panel.speed

    def show_speeds(self) -> None:
        """Show the tab with measured speeds."""
        self.show_compare()
        self._workspaces.views.side_panel.show_page(self.speed_page)

    def _show(self, workspace: Workspace) -> None:
        self._workspaces.show_workspace(workspace)
        self._workspaces.focus_main()
        self._on_workspace_shown(workspace)

    def add_compare_modes(self, actions: ActionSet) -> None:
        """Make the layout actions exclusive, check the current one, and add them to the side panel."""
        compare_view = self._workspaces.views.compare_view
        modes = {mode: actions[f"compareMode{mode[:1].upper()}{mode[1:]}"] for mode in CompareMode}
        group = QActionGroup(self._window)
        for mode, action in modes.items():
            action.setCheckable(True)
            action.setChecked(mode is compare_view.mode)
            group.addAction(action)
        compare_view.modeChanged.connect(lambda mode: modes[CompareMode(mode)].setChecked(True))
        self._workspaces.views.side_panel.add_modes(list(modes.values()))

    def set_compare_mode(self, mode: str) -> None:
        """Show baseline and variant in this layout, in Compare."""
        self._workspaces.views.compare_view.set_mode(CompareMode(mode))
        if self._workspaces.current is not Workspace.COMPARE:
            self.show_compare()

    def blink(self, is_held: bool) -> None:
        """While held, show the variant in the place of the baseline."""
        self._workspaces.views.compare_view.set_swapped(is_held)

    def next_compare_mode(self) -> None:
        """Switch to the next layout; from Correct, show Compare first."""
        if self._workspaces.current is Workspace.COMPARE:
            self._workspaces.views.compare_view.next_mode()
        else:
            self.show_compare()

    def set_sharp_pixels(self, on: bool) -> None:
        """Show large pixels as squares instead of smoothing them."""
        for canvas in self._canvases:
            canvas.set_smooth_scaling(not on)
        # Nothing changes on screen below 400 %.
        text = tr("Pixels are shown as squares above 400 %") if on else tr("Pixels are smoothed above 400 %")
        self._session.statusMessage.emit(text)

    def fit(self) -> None:
        self._canvases[0].fit()

    def actual_size(self) -> None:
        self._canvases[0].actual_size()

    def zoom_in(self) -> None:
        self._canvases[0].zoom_in()

    def zoom_out(self) -> None:
        self._canvases[0].zoom_out()

    def fit_timeline(self) -> None:
        """Show the whole video in the timeline."""
        self._timeline.axis.show_all()

    def toggle_iou_plot(self) -> None:
        """Open the IoU plot, or return to its usual height."""
        self._timeline.toggle_plot()

    def toggle_track_lanes(self) -> None:
        """Show the lanes of all tracks, or the usual timeline again."""
        self._timeline.toggle_lanes()

    def hide_boxes(self, down: bool) -> None:
        """Hide all boxes while the key is held."""
        self._session.view_state.set_picture_only(down)

    def show_all_captions(self, down: bool) -> None:
        """Show the captions of all boxes while the key is held."""
        for canvas in self._canvases:
            canvas.boxes.set_all_captions(down)

    def show_loupe(self, down: bool) -> None:
        """Show the loupe at the mouse while the key is held."""
        self._session.view_state.hold_loupe(down)

    def colour_by(self, by: str) -> None:
        """Let the colours of boxes stand for their source, class or track."""
        self._session.view_state.set_colour_by(ColourBy(by))

    def add_colours(self, actions: ActionSet) -> None:
        """Make the colour actions exclusive and check the current one."""
        group = QActionGroup(self._window)
        for by in ColourBy:
            action = actions[f"colourBy{by.name.title()}"]
            action.setCheckable(True)
            action.setChecked(by is self._session.view_state.colour_by)
            group.addAction(action)

    def isolate_track(self) -> None:
        """Dim all but the selected track, which alone takes clicks; called again, show all."""
        state, track = self._session.view_state, self._session.selection.track
        if state.isolated_track is not None:
            state.isolate(None)
        elif track is None:
            self._session.statusMessage.emit(tr("Select a box of a track first"))
        else:
            state.isolate(track)

    def lock_track(self) -> None:
        """Keep the selected track from being clicked, or allow it again; Alt+click reaches it."""
        state, track = self._session.view_state, self._session.selection.track
        if track is None:
            self._session.statusMessage.emit(tr("Select a box of a track first"))
            return
        is_locked = track not in state.locked_tracks
        state.lock_tracks([track], is_locked=is_locked)
        self._session.statusMessage.emit(
            tr("Track {track} is locked; Alt+click reaches it", track=track)
            if is_locked
            else tr("Track {track} is unlocked", track=track)
        )

    def follow_track(self, on: bool) -> None:
        """Keep the selected track in the middle of the canvas from frame to frame."""
        self._session.view_state.set_following(on)

    def set_blind_mode(self, on: bool) -> None:
        """Hide predictions, which could bias the annotator."""
        self._session.view_state.set_blind(on)

    def change_confidence(self, by: float) -> None:
        """Change the confidence threshold."""
        self._controls.change_confidence(by)

    def toggle_variant(self, number: int) -> None:
        """Show or hide a variant by its position in the list, from 1."""
        variants = list(self._session.variants)
        if number <= len(variants):
            variant = variants[number - 1]
            self._session.variants.update(variant.key, visible=not variant.visible)
        else:
            key = self.actions.key_of(f"showVariant{number}")
            text = (
                tr("Key {key} has no variant", key=key) if key else tr("Variant {number} does not exist", number=number)
            )
            self._session.statusMessage.emit(text)

    def next_panel(self, by: int) -> None:
        """Move the focus to the next or previous area of the window."""
        areas = [[w for w in area if w.isVisible() and w.isEnabled()] for area in self._areas()]
        areas = [area for area in areas if area]
        focused = QApplication.focusWidget()
        current = next(
            (
                place
                for place, area in enumerate(areas)
                if focused is not None and any(w is focused or w.isAncestorOf(focused) for w in area)
            ),
            -1 if by > 0 else 0,
        )
        if areas:
            areas[(current + by) % len(areas)][0].setFocus(Qt.FocusReason.TabFocusReason)

    def toggle_panel(self, panel: str) -> None:
        """Fold a panel of the current workspace, or open it."""
        self._workspaces.toggle(Panel(panel))

    def restore_layout(self) -> None:
        """Open all panels of the current workspace at their sizes."""
        self._workspaces.restore_default()

    def toggle_full_screen(self) -> None:
        """Give the whole screen to the canvas; again: as it was."""
        is_full = self._window.isFullScreen()
        self._workspaces.set_all_folded(not is_full)
        if is_full:
            self._window.showNormal()
        else:
            self._window.showFullScreen()

    def show_settings(self) -> None:
        """Show the settings dialog."""
        self.edit_settings()

    def quit(self) -> None:
        """Close the window."""
        self._window.close()
