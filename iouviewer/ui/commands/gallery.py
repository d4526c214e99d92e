"""Shows what a list or cell names as a gallery of crops, and decides the problems of the selected ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

from iouviewer.app.editing.reviewing import ReviewDecisions
from iouviewer.app.editing.session import Session
from iouviewer.app.video.crops import CropLoader
from iouviewer.document.decisions import Verdict
from iouviewer.document.problems import Problem
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.gallery import NO_BOX, GallerySet
from iouviewer.ui.compare.changed_objects import ChangedObjectsView
from iouviewer.ui.dialogs.gallery_dialog import GalleryDialog
from iouviewer.ui.workspaces import WorkspaceViews

_KEYS = ("takeFix", "groundTruthIsRight", "unclear", "undo", "redo", "filter", "confidenceUp", "confidenceDown")


class GalleryCommands(QObject):
    """Group ``gallery``.

    Attributes:
        key_of: the key of an action; replaced by the window.
        run: runs an action by its id; replaced by the window.
    """

    def __init__(self, window: QWidget, session: Session, views: WorkspaceViews, crops: CropLoader) -> None:
        super().__init__(window)
        self._window, self._session, self._views, self._crops = window, session, views, crops
        self._decisions = ReviewDecisions(session)
        self._dialog: GalleryDialog | None = None
        self.key_of: Callable[[str], str] = lambda _id: ""
        self.run: Callable[[str], object] = lambda _id: None
        # The widget that had the focus when a menu was opened, which takes it.
        self._focused: QWidget | None = None
        QApplication.instance().focusChanged.connect(self._on_focus_changed)  # type: ignore[union-attr]

    def _on_focus_changed(self, _old: QWidget | None, new: QWidget | None) -> None:
        if new is not None and self._set_of(new) is not None:
            self._focused = new
        elif new in (self._views.canvas, self._views.other_canvas):
            self._focused = None

    def show(self) -> None:
        """Show what the list with the focus names; without one, all that the filter lists."""
        widget = self._focused if self._focused is not None and self._focused.isVisible() else None
        found = None if widget is None else self._set_of(widget)
        if widget is None or found is None:
            self.show_set(self._everything(), self._everything)
        else:
            self.show_set(found, lambda: self._set_of(widget))

    def refresh(self, _what: object = None) -> None:
        """The lists that a gallery is of may have changed."""
        if self._dialog is not None:
            self._dialog.refresh()

    def _everything(self) -> GallerySet:
        has_filter = self._session.scores.settings.filter is not None
        return GallerySet(tr("What the filter lists") if has_filter else tr("All boxes"))

    def show_set(self, chosen: GallerySet, renew: Callable[[], GallerySet | None]) -> None:
        """Show a set; ``renew`` gives it again after a change."""
        dialog = self._dialog
        if dialog is None:
            dialog = self._dialog = GalleryDialog(self._window, self._session, self._crops, compared=self._compared)
            dialog.opened.connect(self._on_opened)
            dialog.decided.connect(self._on_decided)
            dialog.commanded.connect(self._on_commanded)
            dialog.filter_chip.pressed.connect(lambda: self.run("filter"))
            dialog.filter_chip.removed.connect(lambda: self.run("removeFilter"))
        dialog.keys = {id: self.key_of(id) for id in _KEYS}
        dialog.show_set(chosen, renew)

    def close(self) -> None:
        """End the thread of the gallery."""
        if self._dialog is not None:
            self._dialog.end()

    def _compared(self) -> Variant | None:
        """The variant that Compare shows beside the baseline, else the first other one that is visible."""
        variants = self._session.variants
        found = variants.find(self._views.variants.current_key())
        if found is not None and found is not variants.baseline:
            return found
        return next((one for one in variants.visible() if one is not variants.baseline), None)

    # Sets

    def _set_of(self, widget: QWidget) -> GallerySet | None:
        views = self._views
        if isinstance(widget, ChangedObjectsView):
            objects = widget.objects.all_objects
            return GallerySet(widget.accessibleName(), objects.box_ids)
        if widget is views.boxes.table:
            return self._set_of_boxes()
        if widget is views.tracks.table:
            return self._set_of_tracks()
        if widget is views.problems.list or widget is views.problems.grid_page.view:
            return self._set_of_problems()
        return self._set_of_cell(widget)

    def _set_of_boxes(self) -> GallerySet:
        session = self._session
        frame = session.current_frame
        ids = [box.id for box in session.ground_truth.boxes(frame)]
        return GallerySet(tr("Frame {frame:,}", frame=frame), np.array(ids, np.int64))

    def _set_of_tracks(self) -> GallerySet:
        table = self._views.tracks.table
        rows = table.selected_rows() or range(table.model().rowCount())
        tracks = [self._views.tracks.model.track_at(row) for row in rows]
        *_others, of_box, _flags, ids = self._session.ground_truth.columns()
        named = ", ".join(map(str, tracks[:3])) + (" …" if len(tracks) > 3 else "")
        title = tr_n("Track {tracks}", "Tracks {tracks}", len(tracks), tracks=named)
        return GallerySet(title, ids[np.isin(of_box, tracks)])

    def _set_of_problems(self) -> GallerySet:
        panel = self._views.problems
        problems = panel.queue.fronts()
        boxes = [one.box_id for one in problems if one.box_id is not None]
        alone = [one for one in problems if one.box_id is None]
        return GallerySet(
            tr("Problems"),
            np.array(boxes, np.int64),
            np.array([one.frame for one in alone], np.int64),
            np.array([one.rect for one in alone], np.float64).reshape(-1, 4).T,
        )

    @staticmethod
    def _set_of_cell(widget: QWidget) -> GallerySet | None:
        """What the analysis around a widget names with its method ``gallery_set``."""
        parent: QWidget | None = widget
        while parent is not None:
            find = getattr(parent, "gallery_set", None)
            if find is not None:
                found = find()
                return found if isinstance(found, GallerySet) else None
            parent = parent.parentWidget()
        return None

    # What the gallery asks for

    def _on_opened(self, frame: int, box_id: int) -> None:
        session = self._session
        session.go_to(frame)
        if box_id != NO_BOX and session.ground_truth.find(box_id) is not None:
            session.select([box_id])
        if self._dialog is not None:
            self._dialog.close()
        self._window.activateWindow()
        self._views.canvas.setFocus()

    def _on_commanded(self, id: str) -> None:
        self.run(id)

    def _problems_of(self, places: Sequence[int]) -> list[Problem]:
        assert self._dialog is not None
        objects, problems = self._dialog.objects, self._views.problems.model.problems
        found: dict[str, Problem] = {}
        for place in places:
            box_id = int(objects.ids[place])
            x1, y1, x2, y2 = objects.boxes[:, place].tolist()
            box = None if box_id == NO_BOX else box_id
            for one in problems.open_at(int(objects.frames[place]), box, (x1, y1, x2, y2)):
                found[one.key] = one
        return list(found.values())

    def _on_decided(self, id: str, places: Sequence[int]) -> None:
        assert self._dialog is not None
        problems = self._problems_of(places)
        if id == "takeFix":
            problems = [one for one in problems if one.has_fix]
        if not problems:
            text = tr_n("{count} object has no open problem", "{count:,} objects have no open problem", len(places))
            self._dialog.say(text)
            return
        try:
            if id == "takeFix":
                left_out = self._decisions.apply_fixes([[one] for one in problems], {})
            else:
                verdict = Verdict.RIGHT if id == "groundTruthIsRight" else Verdict.UNCLEAR
                self._decisions.decide(problems, verdict)
                left_out = 0
        except UserError as error:
            self._dialog.say(str(error))
            return
        step = self._session.history.undo_step()
        label = "" if step is None else step.label
        text = tr_n("{count} problem decided: {step}", "{count:,} problems decided: {step}", len(problems), step=label)
        if left_out:
            text = tr("{decided}; {left:,} fixes were not possible", decided=text, left=left_out)
        self._dialog.say(text)
