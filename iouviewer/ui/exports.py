"""Table of all exports, read by the Export menu, the export chooser and the tests.

A new export is one row of ``EXPORTS`` and one writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.session_inputs import read_session
from iouviewer.atomic import atomic_write
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.box_files import write_boxes
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.document_results import (
    VariantOverlay,
    frame_image,
    ground_truth_to_write,
    predictions_to_write,
    report_notes,
)
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import score_inputs
from iouviewer.reports.notes import notes_csv
from iouviewer.video import open_video

Job = Callable[[], None]
"""Writes a file; runs in a thread."""


@dataclass(frozen=True, slots=True)
class ExportSource:
    """Input of a writer.

    Attributes:
        shown_frame: frame on the canvas, -1 if none is shown.
        margins: allowed drop of each metric in points, for the verdicts.
    """

    session: Session
    shown_frame: int
    margins: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MARGINS))


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

        def write() -> None:
            data = self.render(score_inputs(request, inputs), path)
            with atomic_write(path) as file:
                file.write(data)

        return write


@dataclass(frozen=True, slots=True)
class FrameWriter:
    """Writes the frame on the canvas with its boxes as PNG, in full size."""

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

        def write() -> None:
            reader = open_video(video)
            try:
                image = reader.read(frame)
            finally:
                reader.close()
            with atomic_write(path) as file:
                file.write(frame_image(image, truth, overlays, settings.review))

        return write


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
class GroundTruthWriter:
    """Writes the corrected ground truth.

    Attributes:
        format: key of the format in ``formats.registry``.
    """

    format: str

    def check(self, source: ExportSource) -> None:
        """Ground truth can always be exported, even if it is empty."""

    def prepare(self, source: ExportSource, path: Path) -> Job:
        data = ground_truth_to_write(source.session.document, source.session.source.id)
        return lambda: write_boxes(path, data, format=self.format)


@dataclass(frozen=True, slots=True)
class PredictionsWriter:
    """Writes the stored predictions of one variant: ``.json`` as COCO results, ``.txt`` as MOTChallenge.

    Attributes:
        key: key of the variant.
    """

    key: str

    def check(self, source: ExportSource) -> None:
        if not len(source.session.variants[self.key].predictions.stored_table):
            raise UserError(tr("this variant has no predictions"), remedy=tr("Run the model first"))

    def prepare(self, source: ExportSource, path: Path) -> Job:
        session = source.session
        data = predictions_to_write(session.document, session.variants[self.key], session.source.id)
        format = "mot" if path.suffix.lower() == ".txt" else "coco"
        return lambda: write_boxes(path, data, format=format)


@dataclass(frozen=True, slots=True)
class Export:
    """One export.

    Attributes:
        id: id of its action.
        text: menu text.
        file_name: proposed file name; ``{stem}`` and ``{frame}`` stand for the video and the shown frame.
        suffixes: file name endings with their dot, the default first.
        in_menu: whether the Export menu lists it; the chooser lists all.
    """

    id: str
    text: str
    file_name: str
    suffixes: tuple[str, ...]
    writer: Writer
    in_menu: bool = True

    @property
    def name(self) -> str:
        """The text without its ellipsis."""
        return self.text.removesuffix("…")


EXPORTS: tuple[Export, ...] = (
    Export(
        "exportCsv",
        tr("IoU by frame (CSV)…"),
        "iou_video_scores.csv",
        (".csv",),
        ReportWriter(lambda result, _path: result.score_csv()),
    ),
    Export(
        "exportPairs",
        tr("Pairs (CSV)…"),
        "iou_pairs.csv",
        (".csv",),
        ReportWriter(lambda result, _path: result.pairs_csv()),
    ),
    Export(
        "exportJson",
        tr("Metrics (JSON)…"),
        "iou_scores.json",
        (".json",),
        ReportWriter(lambda result, _path: result.json(), analysis=True),
    ),
    Export(
        "exportPlot",
        tr("IoU plot (PNG, SVG)…"),
        "iou_plot.png",
        (".png", ".svg"),
        ReportWriter(lambda result, path: result.plot(path)),
    ),
    Export(
        "exportHtml",
        tr("Report (HTML)…"),
        "report.html",
        (".html",),
        ReportWriter(lambda result, _path: result.html(), analysis=True),
    ),
    Export("exportFrame", tr("Frame with boxes (PNG)…"), "{stem}_{frame:06d}.png", (".png",), FrameWriter()),
    Export("exportNotes", tr("Notes (CSV)…"), "notes.csv", (".csv",), NotesWriter()),
    Export("exportMot", tr("Ground truth as MOTChallenge…"), "gt_corrected.txt", (".txt",), GroundTruthWriter("mot")),
    Export("exportCoco", tr("Ground truth as COCO…"), "gt_corrected.json", (".json",), GroundTruthWriter("coco")),
    Export("exportBoxCsv", tr("Ground truth as CSV…"), "gt_corrected.csv", (".csv",), GroundTruthWriter("boxcsv")),
)
"""All exports in the order of the menu."""

EXPORTS_BY_ID = {export.id: export for export in EXPORTS}


def predictions_export(key: str, name: str) -> Export:
    """The export of the predictions of one variant; it is not in the table because there are any number of them."""
    safe = "".join("_" if character in '/\\:*?"<>|{}' else character for character in name)
    return Export(
        "exportPredictions",
        tr("Predictions of {name}…", name=name),
        f"{safe}.json",
        (".json", ".txt"),
        PredictionsWriter(key),
    )
