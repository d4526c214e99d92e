"""Table of all exports, read by the Export menu, the export chooser and the tests.

A new export is one row of ``EXPORTS`` and one writer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from iouviewer.app.editing.session import Session
from iouviewer.atomic import atomic_write
from iouviewer.errors import UserError
from iouviewer.formats.registry import write_boxes
from iouviewer.i18n import tr
from iouviewer.jobs.document_results import document_truth, ground_truth_to_write
from iouviewer.jobs.eval_inputs import EvalInputs, VariantInput, has_single_images
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, score_inputs
from iouviewer.reports.picture import GROUND_TRUTH_COLOUR, PictureBox, draw_boxes, png_bytes
from iouviewer.video import open_video

Job = Callable[[], None]
"""Writes a file; runs in a thread."""


@dataclass(frozen=True, slots=True)
class ExportSource:
    """Input of a writer.

    Attributes:
        shown_frame: frame on the canvas, -1 if none is shown.
    """

    session: Session
    shown_frame: int


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
    """

    render: Callable[[EvalResult, Path], bytes]

    def check(self, source: ExportSource) -> None:
        if not len(source.session.variants):
            raise UserError(tr("there are no predictions to report on"), remedy=tr("Add predictions first"))

    def prepare(self, source: ExportSource, path: Path) -> Job:
        request, inputs = _evaluation_of(source.session)

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
        frame, video = source.shown_frame, Path(source.session.source.path)
        boxes = _boxes_of(source.session, frame)

        def write() -> None:
            reader = open_video(video)
            try:
                image = reader.read(frame)
            finally:
                reader.close()
            with atomic_write(path) as file:
                file.write(png_bytes(draw_boxes(image, boxes)))

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
        ReportWriter(lambda result, _path: result.json()),
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
        ReportWriter(lambda result, _path: result.html()),
        in_menu=False,
    ),
    Export("exportFrame", tr("Frame with boxes (PNG)…"), "{stem}_{frame:06d}.png", (".png",), FrameWriter()),
    Export("exportMot", tr("Ground truth as MOTChallenge…"), "gt_corrected.txt", (".txt",), GroundTruthWriter("mot")),
    Export("exportCoco", tr("Ground truth as COCO…"), "gt_corrected.json", (".json",), GroundTruthWriter("coco")),
    Export("exportBoxCsv", tr("Ground truth as CSV…"), "gt_corrected.csv", (".csv",), GroundTruthWriter("boxcsv")),
)
"""All exports in the order of the menu."""

EXPORTS_BY_ID = {export.id: export for export in EXPORTS}


def _evaluation_of(session: Session) -> tuple[EvalRequest, EvalInputs]:
    """The settings and the boxes of the session, for ``score_inputs``."""
    source, settings, baseline = session.source, session.scores.settings, session.variants.baseline
    request = EvalRequest(
        video=Path(source.path),
        gt=None,
        baseline=None if baseline is None else baseline.name,
        confidence=settings.review.conf,
        iou_threshold=settings.review.iou,
        convention=settings.review.convention,
        class_agnostic=settings.review.class_agnostic,
        target=settings.target,
    )
    selected = np.ones(source.frame_count, np.bool_) if settings.frames is None else settings.frames
    frames = np.flatnonzero(selected).astype(np.int64)
    variants = [VariantInput(variant.name, variant.predictions, {}) for variant in session.variants]
    truth = document_truth(session.document, source.id)
    return request, EvalInputs(source, truth, frames, variants, has_single_images(source))


def _boxes_of(session: Session, frame: int) -> list[PictureBox]:
    """The boxes drawn on a frame: visible predictions at or above the confidence threshold, then the ground truth."""
    boxes = []
    confidence = session.scores.settings.review.conf
    for variant in session.variants.visible():
        table = variant.predictions.table.frame(frame)
        for column in np.flatnonzero(table.scores >= confidence).tolist():
            x1, y1, x2, y2 = table.boxes[:, column].tolist()
            boxes.append(PictureBox((x1, y1, x2, y2), variant.colour, f"{table.scores[column]:.2f}"))
    for box in session.ground_truth.boxes(frame):
        name = session.document.class_name(box.class_id) if box.class_id >= 0 else ""
        boxes.append(PictureBox(box.rect, GROUND_TRUTH_COLOUR, name))
    return boxes
