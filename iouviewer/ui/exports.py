"""Table of all exports, read by the Export menu, the export chooser and the tests.

A new export is one row of ``EXPORTS`` and one writer; formats of boxes come from their registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.verified_by import VerificationLog
from iouviewer.app.jobs.session_inputs import read_session
from iouviewer.atomic import atomic_write
from iouviewer.document.lanes import runs_of
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.box_files import COMMON, BoxesToWrite, formats, write_boxes
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.decision_files import decision_file
from iouviewer.jobs.document_results import (
    ground_truth_to_write,
    predictions_to_write,
    report_notes,
)
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import score_inputs
from iouviewer.jobs.frame_pictures import VariantOverlay, frame_image
from iouviewer.jobs.frame_states_file import frame_states_csv
from iouviewer.jobs.operating_points import OperatingPoint
from iouviewer.jobs.overlay_video import OverlayRequest, overlay_request, render_overlay
from iouviewer.jobs.truth_files import TruthToWrite, truth_to_write, write_truth
from iouviewer.metrics.table import Int
from iouviewer.reports.notes import notes_csv
from iouviewer.ui.dialogs.progress_dialog import JobControl
from iouviewer.video import open_video

Job = Callable[[], None]
"""Writes a file; runs in a thread."""


@dataclass(frozen=True, slots=True)
class ExportSource:
    """Input of a writer.

    Attributes:
        shown_frame: frame on the canvas, -1 if none is shown.
        frames: (n,) int64, frames that are exported, ascending; None: all. Box files and overlay videos follow it.
        margins: allowed drop of each metric in points, for the verdicts.
        point: where variants stand in verdicts and reports.
    """

    session: Session
    shown_frame: int
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))
    point: OperatingPoint = field(default_factory=OperatingPoint)
    frames: Int | None = None


class Writer(Protocol):
    """Writes one kind of file."""

    def check(self, source: ExportSource) -> None:
        """Raise UserError if there is nothing to export."""

    def prepare(self, source: ExportSource, path: Path) -> Job:
        """Copy the job's input, in the UI thread; the job may run while the session is edited."""


@dataclass(frozen=True, slots=True)
class ReportWriter:
    """Scores the session and writes a report.

    Attributes:
        render: creates the content of the file; the path selects among several formats.
        analysis: whether it also shows error types, curves, verdicts and the rest of ``jobs.analysis``.
    """

    render: Callable[[EvalResult, Path], bytes]
    analysis: bool = False

    def check(self, source: ExportSource) -> None:
        if not len(source.session.variants):
            raise UserError(tr("there are no predictions to report on"), remedy=tr("Add predictions first"))

    def prepare(self, source: ExportSource, path: Path) -> Job:
        request, inputs = read_session(source.session, source.margins, analysis=self.analysis)
        request = replace(request, point=source.point)

        def write() -> None:
            data = self.render(score_inputs(request, inputs), path)
            with atomic_write(path) as file:
                file.write(data)

        return write


@dataclass(frozen=True, slots=True)
class FrameWriter:
    """Writes the frame on the canvas with its boxes as PNG or SVG, in full size."""

    def check(self, source: ExportSource) -> None:
        if source.shown_frame < 0:
            raise UserError(tr("no frame is shown"), remedy=tr("Open a video first"))

    def prepare(self, source: ExportSource, path: Path) -> Job:
        session, frame = source.session, source.shown_frame
        video, truth, settings = (
            Path(session.source.path),
            session.ground_truth.frame_table(frame),
            session.scores.settings,
        )
        overlays = [
            VariantOverlay(variant.colour, variant.predictions.table.frame(frame))
            for variant in session.variants.visible()
        ]

        boxes = session.ground_truth.boxes(frame)
        as_svg = path.suffix.lower() == ".svg"

        def write() -> None:
            reader = open_video(video)
            try:
                image = reader.read(frame)
            finally:
                reader.close()
            with atomic_write(path) as file:
                file.write(frame_image(image, truth, overlays, settings.review, boxes=boxes, as_svg=as_svg))

        return write


@dataclass(frozen=True)
class OverlayJob:
    """Writes an overlay video, with progress; ``control`` cancels it."""

    request: OverlayRequest
    path: Path
    control: JobControl = field(default_factory=JobControl)

    def __call__(self) -> None:
        control = self.control
        control.is_complete = render_overlay(self.request, self.path, control.report, cancelled=control.stop.is_set)


@dataclass(frozen=True, slots=True)
class OverlayWriter:
    """Writes the chosen frames with their boxes as a video.

    Attributes:
        apart: a pane for each visible variant; else all on one picture.
    """

    apart: bool = False

    def check(self, source: ExportSource) -> None:
        if not source.session.frame_count:
            raise UserError(tr("no video is open"), remedy=tr("Open a video first"))
        if not source.session.variants.visible():
            raise UserError(tr("there are no predictions to draw"), remedy=tr("Add predictions, or show a variant"))

    def prepare(self, source: ExportSource, path: Path) -> OverlayJob:
        session = source.session
        request, inputs = read_session(session, source.margins)
        shown = {variant.name: variant.colour for variant in session.variants.visible()}
        inputs = replace(inputs, variants=[one for one in inputs.variants if one.name in shown])
        frames = np.arange(session.frame_count) if source.frames is None else source.frames
        colours = [shown[one.name] for one in inputs.variants]
        drawn = overlay_request(inputs, request.settings, frames, apart=self.apart, colours=colours)
        return OverlayJob(drawn, path)


@dataclass(frozen=True, slots=True)
class NotesWriter:
    """Writes the notes of the source as CSV."""

    def check(self, source: ExportSource) -> None:
        if not source.session.notes:
            raise UserError(tr("there are no notes to export"), remedy=tr("Add a note first"))

    def prepare(self, source: ExportSource, path: Path) -> Job:
        data = notes_csv(report_notes(source.session.document, source.session.source.id))

        def write() -> None:
            with atomic_write(path) as file:
                file.write(data)

        return write


@dataclass(frozen=True, slots=True)
class FrameStatesWriter:
    """Writes what has been done with each frame as CSV."""

    def check(self, source: ExportSource) -> None:
        if not source.session.frame_count:
            raise UserError(tr("no video is open"), remedy=tr("Open a video first"))

    def prepare(self, source: ExportSource, path: Path) -> Job:
        session, log = source.session, VerificationLog(source.session)
        known = ((frame, log.find(frame)) for frame in np.flatnonzero(session.ground_truth.verified()).tolist())
        verified_by = {frame: by for frame, by in known if by is not None}
        data = frame_states_csv(session.ground_truth, verified_by)

        def write() -> None:
            with atomic_write(path) as file:
                file.write(data)

        return write


@dataclass(frozen=True, slots=True)
class DecisionsWriter:
    """Writes the decisions about problems as CSV, or as JSON by the path."""

    def check(self, source: ExportSource) -> None:
        if not source.session.document.decisions(source.session.source.id):
            raise UserError(tr("there are no decisions to export"), remedy=tr("Decide a problem first"))

    def prepare(self, source: ExportSource, path: Path) -> Job:
        session, as_json = source.session, path.suffix.lower() == ".json"
        data = decision_file(session.document, session.source.id, as_json=as_json)

        def write() -> None:
            with atomic_write(path) as file:
                file.write(data)

        return write


@dataclass(frozen=True, slots=True)
class GroundTruthWriter:
    """Writes the corrected ground truth.

    Attributes:
        format: key of the format in ``formats.registry``.
    """

    format: str

    def check(self, source: ExportSource) -> None:
        """Ground truth can always be exported, even if it is empty."""

    def boxes(self, source: ExportSource) -> BoxesToWrite:
        """A copy of the boxes that are written."""
        return _selected(ground_truth_to_write(source.session.document, source.session.source.id), source)

    def prepare(self, source: ExportSource, path: Path) -> Job:
        session = source.session
        return TruthJob(truth_to_write(session.document, session.source.id, source.frames), path, self.format)


@dataclass(slots=True)
class TruthJob:
    """Writes ground truth; ``notes`` then say what is not stored as it is."""

    truth: TruthToWrite
    path: Path
    format: str
    notes: tuple[str, ...] = ()

    def __call__(self) -> None:
        self.notes = write_truth(self.truth, self.path, self.format)


@dataclass(frozen=True, slots=True)
class PredictionsWriter:
    """Writes the stored predictions of one variant.

    Attributes:
        key: key of the variant.
        format: key of the format; empty: ``.txt`` as MOTChallenge, others as COCO results.
    """

    key: str
    format: str = ""

    def check(self, source: ExportSource) -> None:
        if not len(source.session.variants[self.key].predictions.stored_table):
            raise UserError(tr("this variant has no predictions"), remedy=tr("Run the model first"))

    def boxes(self, source: ExportSource) -> BoxesToWrite:
        """A copy of the boxes that are written."""
        session = source.session
        return _selected(predictions_to_write(session.document, session.variants[self.key], session.source.id), source)

    def prepare(self, source: ExportSource, path: Path) -> Job:
        data = self.boxes(source)
        format = self.format or ("mot" if path.suffix.lower() == ".txt" else "coco")
        return lambda: write_boxes(path, data, format=format)


BoxWriter = GroundTruthWriter | PredictionsWriter


def _selected(data: BoxesToWrite, source: ExportSource) -> BoxesToWrite:
    return data if source.frames is None else data.of_frames(source.frames)


class Group(Enum):
    """Headings of the export dialog, in its order."""

    NUMBERS = tr("Numbers")
    BOXES = tr("Boxes")
    REPORT = tr("Report and notes")
    PICTURES = tr("Pictures")


@dataclass(frozen=True, slots=True)
class Export:
    """One export.

    Attributes:
        id: id of its action.
        text: menu text.
        title: name in the export dialog, below the heading of its group.
        about: one sentence on the file.
        file_name: proposed file name; ``{stem}`` and ``{frame}`` stand for the video and the shown frame.
        suffixes: file name endings with their dot, the default first; empty for a folder.
        in_menu: whether the Export menu lists it; the dialog lists all.
    """

    id: str
    text: str
    title: str
    about: str
    file_name: str
    suffixes: tuple[str, ...]
    writer: Writer
    group: Group
    in_menu: bool = True

    @property
    def name(self) -> str:
        """The text without its ellipsis."""
        return self.text.removesuffix("…")

    @property
    def has_frames(self) -> bool:
        """Whether it follows the chosen frames."""
        return isinstance(self.writer, BoxWriter | OverlayWriter)


def _of_ground_truth() -> Iterator[Export]:
    """The ground truth in each format that can be written."""
    for one in formats():
        if one.can_write:
            yield Export(
                f"export{one.key[:1].upper()}{one.key[1:]}",
                tr("Ground truth as {format}…", format=one.menu_name or one.name),
                one.name,
                one.about,
                "{stem}_" + one.key if one.is_folder else f"gt_corrected{one.extensions[0]}",
                () if one.is_folder else one.extensions[:1],
                GroundTruthWriter(one.key),
                Group.BOXES,
                in_menu=one.menu_rank <= COMMON,
            )


EXPORTS: tuple[Export, ...] = (
    Export(
        "exportCsv",
        tr("IoU by frame (CSV)…"),
        tr("IoU by frame"),
        tr("One row a frame: IoU and counts of each variant. For spreadsheets and notebooks."),
        "iou_video_scores.csv",
        (".csv",),
        ReportWriter(lambda result, _path: result.score_csv()),
        Group.NUMBERS,
    ),
    Export(
        "exportPairs",
        tr("Pairs (CSV)…"),
        tr("Pairs"),
        tr("One row for each box and prediction: what it is matched with, and how well."),
        "iou_pairs.csv",
        (".csv",),
        ReportWriter(lambda result, _path: result.pairs_csv()),
        Group.NUMBERS,
    ),
    Export(
        "exportJson",
        tr("Metrics (JSON)…"),
        tr("Metrics"),
        tr("Every metric of every variant with its settings, for scripts."),
        "iou_scores.json",
        (".json",),
        ReportWriter(lambda result, _path: result.json(), analysis=True),
        Group.NUMBERS,
    ),
    Export(
        "exportPlot",
        tr("IoU plot (PNG, SVG)…"),
        tr("IoU plot"),
        tr("The IoU of each frame as a curve, with its mean."),
        "iou_plot.png",
        (".png", ".svg"),
        ReportWriter(lambda result, path: result.plot(path)),
        Group.PICTURES,
    ),
    Export(
        "exportHtml",
        tr("Report (HTML)…"),
        tr("Report"),
        tr("One page with metrics, verdicts, curves and error types. It needs no other file."),
        "report.html",
        (".html",),
        ReportWriter(lambda result, _path: result.html(), analysis=True),
        Group.REPORT,
    ),
    Export(
        "exportFrame",
        tr("Frame with boxes (PNG, SVG)…"),
        tr("Frame with boxes"),
        tr("The frame on the canvas in full size, with ground truth and visible variants."),
        "{stem}_{frame:06d}.png",
        (".png", ".svg"),
        FrameWriter(),
        Group.PICTURES,
    ),
    *(
        Export(id, text, title, about, "{stem}_overlay.mp4", (".mp4",), OverlayWriter(apart), Group.PICTURES, in_menu)
        for id, text, title, about, apart, in_menu in (
            (
                "exportOverlay",
                tr("Overlay video (MP4)…"),
                tr("Overlay video"),
                tr("The frames with ground truth, visible variants and IoU at each pair, as a video."),
                False,
                True,
            ),
            (
                "exportOverlayPanes",
                tr("Overlay video in panes (MP4)…"),
                tr("Overlay video in panes"),
                tr("The same with a pane for each visible variant, in step."),
                True,
                False,
            ),
        )
    ),
    Export(
        "exportNotes",
        tr("Notes (CSV)…"),
        tr("Notes"),
        tr("One row a note: frame, track, text, author and whether it is done."),
        "notes.csv",
        (".csv",),
        NotesWriter(),
        Group.REPORT,
    ),
    Export(
        "exportDecisions",
        tr("Decisions (CSV, JSON)…"),
        tr("Decisions"),
        tr("One row a decided problem: frame, kind, what was decided, by whom and when. JSON adds their counts."),
        "decisions.csv",
        (".csv", ".json"),
        DecisionsWriter(),
        Group.REPORT,
    ),
    Export(
        "exportFrames",
        tr("Frame states (CSV)…"),
        tr("Frame states"),
        tr("One row a frame: verified by whom and when, empty, changed, excluded."),
        "frames.csv",
        (".csv",),
        FrameStatesWriter(),
        Group.REPORT,
    ),
    *_of_ground_truth(),
)
"""All exports in the order of the menu."""

EXPORTS_BY_ID = {export.id: export for export in EXPORTS}


def predictions_export(key: str, name: str) -> Export:
    """The export of the predictions of one variant; it is not in the table because there are any number of them."""
    safe = "".join("_" if character in '/\\:*?"<>|{}' else character for character in name)
    return Export(
        "exportPredictions",
        tr("Predictions of {name}…", name=name),
        tr("Predictions of {name}", name=name),
        "",
        f"{safe}.json",
        (".json", ".txt"),
        PredictionsWriter(key),
        Group.BOXES,
    )


LINK = tr("Link boxes into tracks…")
_NAMED_RUNS = 3
"""Stretches of frames that a sentence names."""


def describe_untracked(frames: Int, tracks: Int) -> str:
    """Which boxes have no track and what is written for them as MOTChallenge; empty where all have one.

    Args:
        frames, tracks: (N,) of the boxes to be written.
    """
    rows = tracks < 0
    count = int(rows.sum())
    if not count:
        return ""
    first, last = runs_of(np.unique(frames[rows]))
    runs = [f"{a:,}" if a == b else f"{a:,}–{b:,}" for a, b in zip(first.tolist(), last.tolist(), strict=True)]
    named = ", ".join(runs[:_NAMED_RUNS]) + (", …" if len(runs) > _NAMED_RUNS else "")
    if count < len(tracks):
        return tr_n(
            "{count} box has no track (frames {frames}); it gets an id of its own.",
            "{count:,} boxes have no track (frames {frames}); each gets an id of its own.",
            count,
            frames=named,
        )
    return tr_n(
        "The box has no track (frame {frames}); it is written with id −1.",
        "No box has a track (frames {frames}); all are written with id −1, which tracking tools refuse.",
        count,
        frames=named,
    )
