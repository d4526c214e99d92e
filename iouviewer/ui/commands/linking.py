"""Links boxes into tracks, starts a ground truth from predictions, and scores without boxes that models gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from PySide6.QtWidgets import QApplication, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.background_task import Work
from iouviewer.app.video.video_info import VideoInfo
from iouviewer.document.commands import Command
from iouviewer.document.started import PlannedBoxes, link_tracks, rows_without_track, start_from_predictions
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.linking import Footage, LinkRequest, StartRequest, link_boxes, plan_start
from iouviewer.metrics.table import Float, Int
from iouviewer.propagation.linking import LinkInput, LinkSettings
from iouviewer.ui.canvas.box_commands import as_sentence
from iouviewer.ui.commands.exports import ExportCommands
from iouviewer.ui.dialogs.link_dialog import LinkDialog, StartChoice, StartDialog

ORIGIN = "linking"


class LinkCommands:
    """Group ``linking``. Both commands count in a dialog first; Esc closes it and stops the thread.

    Args:
        exports: offers to link boxes before they are written without ids.
    """

    def __init__(
        self, window: QWidget, session: Session, info: Callable[[], VideoInfo | None], exports: ExportCommands
    ) -> None:
        self._window, self._session, self._info = window, session, info
        exports.link_tracks = self.link
        session.variants.listChanged.connect(self._on_variants_changed)

    # Scores without accepted boxes

    def leave_out_accepted(self, is_left_out: bool) -> None:
        """Leave boxes that came from variants, and that nobody corrected, out of all scores, or count them again."""
        session = self._session
        settings = session.scores.settings
        # Those of before too: while a project is opened, its variants are read one by one.
        known = settings.left_out | {variant.key for variant in session.variants}
        keys = known if is_left_out else frozenset[str]()
        if settings.left_out != keys:
            session.set_score_settings(replace(settings, left_out=keys))

    def _on_variants_changed(self) -> None:
        if self._session.scores.settings.left_out:
            self.leave_out_accepted(True)

    # Link boxes into tracks

    def link(self) -> None:
        """Link the ground-truth boxes that have no track."""
        session = self._session
        rows = rows_without_track(session.ground_truth)
        if session.read_only or len(rows) == 0:
            session.statusMessage.emit(session.read_only or tr("Every box has a track."))
            return
        frames, boxes, class_ids, _tracks, _flags, ids = session.ground_truth.columns()
        data = LinkInput(frames[rows], _corners(boxes, rows), np.ones(len(rows)), class_ids[rows])
        footage = self._footage()
        # The export dialog may ask for it.
        parent = QApplication.activeModalWidget() or self._window
        dialog = LinkDialog(parent, can_read=footage is not None)

        def work() -> Work:
            read = footage if dialog.uses_looks else None
            request = LinkRequest(data, LinkSettings.for_ground_truth(), read)
            return lambda report, is_cancelled: link_boxes(request, report, is_cancelled)

        dialog.set_plan(work, _describe_links)
        if dialog.exec() and isinstance(dialog.plan, np.ndarray):
            linked: Int = dialog.plan
            self._execute(lambda: link_tracks(session.document, ids[rows], linked, source=session.source.id))

    # Start from predictions

    def start(self) -> None:
        """Make the predictions of a variant the first ground truth."""
        session = self._session
        if session.read_only or len(session.ground_truth):
            session.statusMessage.emit(session.read_only or tr("The ground truth has boxes already."))
            return
        variants = [(variant.key, variant.name) for variant in session.variants]
        baseline = session.variants.baseline
        footage = self._footage()
        dialog = StartDialog(
            self._window,
            variants=variants,
            chosen="" if baseline is None else baseline.key,
            min_score=session.scores.settings.review.conf,
            classes_of=self._classes_of,
        )

        def work() -> Work:
            request = self._start_request(dialog.choice, footage)
            return lambda report, is_cancelled: plan_start(request, report, is_cancelled)

        dialog.set_plan(work, self._describe_start)
        if dialog.exec() and isinstance(dialog.plan, PlannedBoxes):
            planned, choice = dialog.plan, dialog.choice
            variant = session.variants[choice.variant]
            self._execute(
                lambda: start_from_predictions(
                    session.document,
                    planned,
                    variant.predictions.covered,
                    variant=variant.name,
                    variant_key=variant.key,
                    confidence=choice.min_score,
                    source=session.source.id,
                ),
                tr("{variant} has no score until frames are verified.", variant=variant.name),
            )

    def _start_request(self, choice: StartChoice, footage: Footage | None) -> StartRequest:
        table = self._session.variants[choice.variant].predictions.table
        taken = table.scores >= choice.min_score
        if choice.classes is not None:
            taken = taken & np.isin(table.class_ids, list(choice.classes))
        # A ground-truth box has an area.
        taken = taken & (table.boxes[2] > table.boxes[0]) & (table.boxes[3] > table.boxes[1])
        rows = np.flatnonzero(taken)
        frames, class_ids = table.frame_of_row()[rows], table.class_ids[rows]
        data = LinkInput(frames, _corners(table.boxes, rows), table.scores[rows], class_ids)
        return StartRequest(data, footage, choice.links, choice.tolerance)

    def _classes_of(self, key: str, min_score: float) -> Mapping[tuple[int, str], int]:
        table = self._session.variants[key].predictions.table
        found, counts = np.unique(table.class_ids[table.scores >= min_score], return_counts=True)
        name_of = self._session.document.class_name
        return {(int(one), name_of(int(one))): int(count) for one, count in zip(found, counts, strict=True)}

    @staticmethod
    def _describe_start(plan: object) -> tuple[str, str]:
        assert isinstance(plan, PlannedBoxes)
        if not len(plan):
            return tr("No prediction is left. Lower the confidence, or choose other classes."), ""
        frames = len(np.unique(plan.frames))
        text = tr_n(
            "{count} box on {frames:,} frames", "{count:,} boxes on {frames:,} frames", len(plan), frames=frames
        )
        if plan.track_count:
            text = tr_n(
                "{boxes}, {count} track, {keys:,} key boxes",
                "{boxes}, {count:,} tracks, {keys:,} key boxes",
                plan.track_count,
                boxes=text,
                keys=plan.key_count,
            )
        if plan.left_out:
            text = tr_n(
                "{plan}; {count} prediction belongs to no track",
                "{plan}; {count:,} predictions belong to no track",
                plan.left_out,
                plan=text,
            )
        button = tr_n("Start with {count} box", "Start with {count:,} boxes", len(plan))
        return tr("{plan}. One undo takes it all back.", plan=text), button

    # Both

    def _footage(self) -> Footage | None:
        """The video of the document, None while its frame numbers are not certain."""
        info = self._info()
        return Footage(info.path, info.index_digest) if info is not None and info.index_digest else None

    def _execute(self, build: Callable[[], Command], consequence: str = "") -> None:
        session = self._session
        try:
            command = build()
            session.execute(command.edit, command.label, origin=ORIGIN)
        except UserError as error:
            session.statusMessage.emit(as_sentence(error))
        else:
            done = tr("{step}.", step=command.label)
            session.statusMessage.emit(f"{done} {consequence}" if consequence else done)


def _describe_links(plan: object) -> tuple[str, str]:
    assert isinstance(plan, np.ndarray)
    boxes, linked = len(plan), int(np.count_nonzero(plan >= 0))
    if not linked:
        return tr("No boxes belong together. Tracks need boxes on consecutive frames."), ""
    tracks = int(plan.max()) + 1
    text = tr_n("{boxes:,} boxes → {count} track", "{boxes:,} boxes → {count:,} tracks", tracks, boxes=boxes)
    single = boxes - linked
    text = tr_n("{links}, {count} left without a track", "{links}, {count:,} left without a track", single, links=text)
    return text, tr_n("Link {count} box", "Link {count:,} boxes", linked)


def _corners(boxes: Float, rows: Int) -> Float:
    """(N, 4) of (4, M) boxes."""
    return np.ascontiguousarray(boxes[:, rows].T)
