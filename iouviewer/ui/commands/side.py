"""Commands that go to the side panel: find in the list, edit in the inspector, set a track. Connects these panels."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QLineEdit

from iouviewer.app.editing.session import Session
from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.commands.tracks import TrackCommands
from iouviewer.ui.panels.list_panel import ListPanel
from iouviewer.ui.panels.problems import ProblemsPanel
from iouviewer.ui.workspaces import Panel, Workspace, Workspaces


class SideCommands(QObject):
    """Group ``side``; connects lists and inspector with the commands that they ask for."""

    def __init__(self, session: Session, workspaces: Workspaces, tracks: TrackCommands) -> None:
        super().__init__(session)
        self._session, self._workspaces, self._tracks = session, workspaces, tracks
        self._views = workspaces.views

    def connect_views(self, actions: ActionSet) -> None:
        """Connect the panels with the commands of the window."""
        views, canvas = self._views, self._views.canvas
        inspector = views.inspector
        inspector.attach_canvas(canvas)
        inspector.leaveRequested.connect(canvas.setFocus)
        inspector.acceptRequested.connect(actions["accept"].trigger)
        inspector.verifyRequested.connect(actions["verifyAndNext"].trigger)
        views.boxes.goToRequested.connect(self._go_to_canvas)
        views.tracks.goToRequested.connect(self._go_to_canvas)
        views.notes.leaveRequested.connect(canvas.setFocus)
        views.problems.list.enter_is_taken = self._is_reviewing
        views.problems.activated.connect(self._show_problems)
        views.problems.commandRequested.connect(partial(_trigger, actions))
        views.history.model.redo_key = partial(actions.key_of, "redo")
        for panel in (views.boxes, views.tracks, views.notes, views.history):
            panel.hint.key_of = actions.key_of
            panel.table.enter_is_taken = self._is_reviewing
            panel.commandRequested.connect(partial(_trigger, actions))
        views.tracks.deleteRequested.connect(self._tracks.delete)
        views.tracks.mergeRequested.connect(self._tracks.merge)
        views.tracks.classRequested.connect(self._tracks.change_class)

    def update_keys(self, actions: ActionSet) -> None:
        """Show the keys of commands in inspector and lists."""
        self._views.inspector.set_keys(actions.key_of)
        self._views.playback_bar.walk.key = actions.key_of("toggleWalk")
        review = ("nextProblem", "takeFix", "groundTruthIsRight", "unclear", "problemGrid")
        self._views.problems.set_keys(*(actions.key_of(id) for id in review))

    def _is_reviewing(self) -> bool:
        """Whether Enter applies the fix of a problem."""
        return self._views.problems.reviewed is not None

    def _go_to_canvas(self) -> None:
        self._views.canvas.reveal_selection()
        self._views.canvas.setFocus()

    def _show_problems(self, _problem: object) -> None:
        """Show the tab that asks about the problem; a folded panel stays folded."""
        tabs = self._views.side_tabs
        if tabs.currentWidget() is self._views.problems:
            return
        had_focus = tabs.currentWidget().isAncestorOf(QApplication.focusWidget() or tabs)
        tabs.setCurrentWidget(self._views.problems)
        if had_focus:
            self._views.canvas.setFocus()

    def open_side(self) -> bool:
        """Open the side panel of Correct if it is folded; False in a workspace without it."""
        if self._workspaces.current is not Workspace.CORRECT:
            self._session.statusMessage.emit(tr("Lists and inspector are in Correct"))
            return False
        if self._workspaces.is_folded(Panel.SIDE):
            self._workspaces.toggle(Panel.SIDE)
        return True

    def find_in_list(self) -> None:
        """Type into the filter of the list that is shown."""
        if not self.open_side():
            return
        panel = self._views.side_tabs.currentWidget()
        if isinstance(panel, ListPanel | ProblemsPanel):
            panel.focus_filter()
            return
        fields = [field for field in panel.findChildren(QLineEdit) if field.isVisible()]
        if fields:
            fields[0].setFocus()
            fields[0].selectAll()

    def focus_inspector(self) -> None:
        """Edit the selection in the inspector."""
        if self.open_side():
            self._views.inspector.focus_first_field()

    def edit_attributes(self) -> None:
        """Type free attributes of the selected boxes."""
        if self.open_side():
            self._views.inspector.attributes.edit()

    def set_track(self) -> None:
        """Type the track id of the selected boxes, or click another box to take its track."""
        if self.open_side():
            self._views.inspector.focus_track_field()


def _trigger(actions: ActionSet, id: str) -> None:
    actions[id].trigger()
