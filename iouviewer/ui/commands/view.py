"""Commands on what is shown: workspaces, zoom, variants, thresholds, settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QApplication, QMainWindow

from iouviewer.app.editing.session import Session
from iouviewer.ui.action_table import ACTIONS
from iouviewer.ui.compare.compare_view import CompareMode
from iouviewer.ui.dialogs.finder import Choice, Finder
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.workspaces import Workspace, Workspaces

if TYPE_CHECKING:
    from iouviewer.ui.actions import ActionSet


class ViewCommands:
    """Group ``view``.

    Attributes:
        actions: set once the actions exist; the palette lists them.
        on_workspace: called with the workspace that is shown now.
    """

    actions: ActionSet

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        workspaces: Workspaces,
        controls: ScoreControls,
        *,
        edit_settings: Callable[[], None],
        on_workspace: Callable[[Workspace], None],
    ) -> None:
        self._window, self._session = window, session
        self._workspaces, self._controls = workspaces, controls
        self._edit_settings, self._on_workspace = edit_settings, on_workspace
        parts = workspaces.parts
        self._canvases = (parts.canvas, parts.other_canvas)
        self._timeline = parts.timeline

    def show_correct(self) -> None:
        """The workspace for correcting ground truth."""
        self._show(Workspace.CORRECT)

    def show_compare(self) -> None:
        """The workspace for comparing variants."""
        self._show(Workspace.COMPARE)

    def _show(self, workspace: Workspace) -> None:
        self._workspaces.show_workspace(workspace)
        self._workspaces.parts.canvas.setFocus()
        self._on_workspace(workspace)

    def add_compare_modes(self, actions: ActionSet) -> None:
        """Buttons and marks of the ways of comparing; they follow the stage."""
        stage = self._workspaces.parts.stage
        modes = {mode: actions[f"compareMode{mode[:1].upper()}{mode[1:]}"] for mode in CompareMode}
        group = QActionGroup(self._window)
        for mode, action in modes.items():
            action.setCheckable(True)
            action.setChecked(mode is stage.mode)
            group.addAction(action)
        stage.modeChanged.connect(lambda mode: modes[CompareMode(mode)].setChecked(True))
        self._workspaces.parts.side.add_modes(list(modes.values()))

    def compare_mode(self, mode: str) -> None:
        """Show baseline and variant side by side, split or overlaid, in Compare."""
        self._workspaces.parts.stage.set_mode(CompareMode(mode))
        if self._workspaces.current is not Workspace.COMPARE:
            self.show_compare()

    def next_compare_mode(self) -> None:
        """Side by side, split, overlay in turn; from Correct it goes to Compare first."""
        if self._workspaces.current is Workspace.COMPARE:
            self._workspaces.parts.stage.next_mode()
        else:
            self.show_compare()

    def sharp_pixels(self, on: bool) -> None:
        """The picture's pixels as sharp squares where they are large."""
        for canvas in self._canvases:
            canvas.set_smooth_scaling(not on)
        # Below 400 % nothing changes on screen.
        how = "squares with sharp edges" if on else "smoothed"
        self._session.told.emit(f"Beyond 400 % pixels are {how}")

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
        self._timeline.plot.show_all()

    def hide_boxes(self, down: bool) -> None:
        """Hide all boxes while the key is held."""
        for canvas in self._canvases:
            canvas.set_boxes_hidden(down)

    def show_labels(self, down: bool) -> None:
        """Labels on all boxes while the key is held."""
        for canvas in self._canvases:
            canvas.set_all_labels(down)

    def blind_mode(self, on: bool) -> None:
        """No predictions on the picture, so that they do not lead the eye."""
        for canvas in self._canvases:
            canvas.set_blind(on)

    def change_confidence(self, by: float) -> None:
        """Move the confidence threshold."""
        self._controls.change_confidence(by)

    def toggle_variant(self, number: int) -> None:
        """Show or hide the variant at this place of the list (from 1)."""
        variants = list(self._session.variants)
        if number <= len(variants):
            variant = variants[number - 1]
            self._session.variants.update(variant.key, visible=not variant.visible)
        else:
            self._session.told.emit(f"There is no variant {number}")

    def next_panel(self) -> None:
        """Move the focus to the next panel."""
        panels = self._workspaces.panels()
        focused = QApplication.focusWidget()
        here = next(
            (
                i
                for i, panel in enumerate(panels)
                if focused is not None and (panel is focused or panel.isAncestorOf(focused))
            ),
            -1,
        )
        panels[(here + 1) % len(panels)].setFocus()

    def command_palette(self) -> None:
        """Type to find any command."""
        choices = []
        for row in ACTIONS:
            if row.id != "commandPalette" and self.actions[row.id].isEnabled():
                choices.append(Choice(row.id, row.text.rstrip("…"), self.actions.key_of(row.id)))
        dialog = Finder(self._window, title="Commands", hint="Type to find a command", choices=choices)
        if dialog.exec() and dialog.chosen is not None:
            action = self.actions[dialog.chosen.key]
            action.trigger()

    def settings(self) -> None:
        """Change the settings."""
        self._edit_settings()

    def quit(self) -> None:
        """Close the window."""
        self._window.close()
