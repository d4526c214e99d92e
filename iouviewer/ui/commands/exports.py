"""Taking results away: CSV, JSON, plot, picture, ground truth. Written in a thread, wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.settings import Settings
from iouviewer.atomic import atomic_write
from iouviewer.document.edits import FrameState
from iouviewer.errors import UserError
from iouviewer.formats.registry import BoxesToWrite, write_boxes
from iouviewer.jobs.eval_inputs import Truth, VariantInput, facts_of
from iouviewer.jobs.eval_result import EvalResult
from iouviewer.jobs.evaluate import EvalRequest, ReadVideo, score_variants
from iouviewer.reports.picture import TRUTH_COLOUR, DrawnBox, png_bytes, with_boxes
from iouviewer.ui.canvas.view import CanvasView
from iouviewer.ui.dialogs.finder import Choice, Finder
from iouviewer.video import open_video

_CHOICES = (
    Choice("score_csv", "IoU by frame", "CSV"),
    Choice("pairs_csv", "All pairs", "CSV"),
    Choice("json", "All numbers", "JSON"),
    Choice("plot", "Plot of IoU by frame", "PNG or SVG"),
    Choice("html", "Report in one file", "HTML"),
    Choice("picture", "This frame with boxes", "PNG"),
    Choice("mot", "Ground truth, MOTChallenge", "TXT"),
    Choice("coco", "Ground truth, COCO", "JSON"),
    Choice("boxcsv", "Ground truth, box CSV", "CSV"),
)


@dataclass(frozen=True, slots=True)
class _Task:
    path: Path
    make: Callable[[], None]


class _Answers(QObject):
    done = Signal(object, object)


class _Runnable(QRunnable):
    def __init__(self, task: _Task, answers: _Answers) -> None:
        super().__init__()
        self._task, self._answers = task, answers

    def run(self) -> None:
        error: UserError | None = None
        try:
            self._task.make()
        except UserError as failure:
            error = failure
        except OSError as failure:
            error = UserError(f"cannot be written: {failure.strerror or failure}", path=self._task.path)
        self._answers.done.emit(self._task.path, error)


class ExportCommands(QObject):
    """Group ``exports``.

    Signals:
        failed(UserError): nothing was written.
        written(Path): the file is complete.
    """

    failed = Signal(object)
    written = Signal(object)

    def __init__(self, window: QWidget, session: Session, settings: Settings, canvas: CanvasView) -> None:
        super().__init__(window)
        self._window, self._session, self._settings, self._canvas = window, session, settings, canvas
        self._answers = _Answers(self)
        self._answers.done.connect(self._on_answers_done)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def close(self) -> None:
        """Wait for what is being written."""
        self._pool.waitForDone()

    def choose(self) -> None:
        """Ask what to export."""
        dialog = Finder(self._window, title="Export", hint="Type to find what to export", choices=_CHOICES)
        if dialog.exec() and dialog.chosen is not None:
            key = dialog.chosen.key
            if key in ("mot", "coco", "boxcsv"):
                self.ground_truth(key)
            else:
                getattr(self, key)()

    # What is written

    def score_csv(self) -> None:
        self._report("iou_video_scores.csv", "CSV (*.csv)", lambda result, _path: result.score_csv())

    def pairs_csv(self) -> None:
        self._report("iou_pairs.csv", "CSV (*.csv)", lambda result, _path: result.pairs_csv())

    def json(self) -> None:
        self._report("iou_scores.json", "JSON (*.json)", lambda result, _path: result.json())

    def plot(self) -> None:
        self._report("iou_plot.png", "PNG (*.png);;SVG (*.svg)", lambda result, path: result.plot(path))

    def html(self) -> None:
        self._report("report.html", "HTML (*.html)", lambda result, _path: result.html())

    def picture(self) -> None:
        """The frame on screen with its boxes."""
        frame = self._canvas.shown_frame
        if frame < 0:
            self.failed.emit(UserError("no picture is shown", remedy="Open a video first"))
            return
        path = self._ask(f"{Path(self._session.source.name).stem}_{frame:06d}.png", "PNG (*.png)")
        if path is not None:
            self.write_picture(path)

    def ground_truth(self, format: str) -> None:
        """The corrected ground truth in a format of ``formats``."""
        ending = {"mot": "txt", "coco": "json", "boxcsv": "csv"}[format]
        path = self._ask(f"gt_corrected.{ending}", f"{ending.upper()} (*.{ending})")
        if path is not None:
            self.write_ground_truth(path, format)

    def _ask(self, name: str, filters: str) -> Path | None:
        folder = self._settings.folder("export") or str(Path(self._session.source.path).parent)
        path, _ = QFileDialog.getSaveFileName(self._window, "Export", str(Path(folder) / name), filters)
        if not path:
            return None
        self._settings.remember_folder("export", path)
        chosen = Path(path)
        if chosen.suffix:
            return chosen
        # A name without an ending gets the proposed one; the dialog did not ask about that file.
        full = chosen.with_suffix(Path(name).suffix)
        return full if not full.exists() or self._may_replace(full) else None

    def _may_replace(self, path: Path) -> bool:
        answer = QMessageBox.question(
            self._window,
            "Replace the file?",
            f"{path.name} exists already. Replace it?",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return answer == QMessageBox.StandardButton.Yes

    def _report(self, name: str, filters: str, make: Callable[[EvalResult, Path], bytes]) -> None:
        if not len(self._session.variants):
            self.failed.emit(UserError("there are no predictions to report on", remedy="Add predictions first"))
            return
        path = self._ask(name, filters)
        if path is not None:
            self.write_report(path, make)

    def write_report(self, path: Path, make: Callable[[EvalResult, Path], bytes]) -> None:
        """Score what the session holds now, in a thread, and write what ``make`` returns."""
        evaluate = self._evaluation()

        def write() -> None:
            data = make(evaluate(), path)
            with atomic_write(path) as file:
                file.write(data)

        self._start(_Task(path, write))

    def write_picture(self, path: Path) -> None:
        """The frame on screen with its boxes as PNG, at full size whatever the zoom."""
        frame, video = self._canvas.shown_frame, Path(self._session.source.path)
        boxes = self._drawn_boxes(frame)

        def write() -> None:
            reader = open_video(video)
            try:
                picture = reader.read(frame)
            finally:
                reader.close()
            with atomic_write(path) as file:
                file.write(png_bytes(with_boxes(picture, boxes)))

        self._start(_Task(path, write))

    def _drawn_boxes(self, frame: int) -> list[DrawnBox]:
        session = self._session
        drawn = []
        confidence = session.scores.settings.review.conf
        for variant in session.variants.visible():
            table = variant.predictions.table.frame(frame)
            for column in np.flatnonzero(table.scores >= confidence).tolist():
                x1, y1, x2, y2 = table.boxes[:, column].tolist()
                drawn.append(DrawnBox((x1, y1, x2, y2), variant.colour, f"{table.scores[column]:.2f}"))
        for box in session.ground_truth.boxes(frame):
            name = session.document.class_name(box.class_id) if box.class_id >= 0 else ""
            drawn.append(DrawnBox(box.rect, TRUTH_COLOUR, name))
        return drawn

    def write_ground_truth(self, path: Path, format: str) -> None:
        """The ground truth as it is now."""
        session, source = self._session, self._session.source
        frames, boxes, class_ids, tracks, flags, _ids = session.ground_truth.columns()
        labelled = np.flatnonzero(session.ground_truth.states() == FrameState.LABELLED)
        data = BoxesToWrite(
            frames=frames,
            boxes=boxes,
            class_ids=class_ids,
            class_names=session.document.class_names,
            scores=None,
            track_ids=tracks,
            flags=flags,
            size=(source.width, source.height),
            frame_count=source.frame_count,
            labelled=labelled.astype(np.int64),
            video_name=source.name,
        )
        self._start(_Task(path, lambda: write_boxes(path, data, format=format)))

    def _evaluation(self) -> Callable[[], EvalResult]:
        """The session's state as values, and how to score them."""
        session, source = self._session, self._session.source
        truth, settings = session.ground_truth, session.scores.settings
        states = truth.states().copy()
        held = Truth(
            truth.table(),
            states == FrameState.LABELLED,
            session.document.class_names,
            truth.columns()[3],
            excluded=states == FrameState.EXCLUDED,
        )
        variants = [VariantInput(variant.name, variant.predictions, {}) for variant in session.variants]
        baseline = session.variants.baseline
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
        facts = facts_of(source)
        everything = np.ones(source.frame_count, np.bool_)
        chosen = np.flatnonzero(everything if settings.frames is None else settings.frames).astype(np.int64)
        return lambda: score_variants(request, ReadVideo(facts, held, chosen, variants))

    def _start(self, task: _Task) -> None:
        self._session.told.emit(f"Writing {task.path.name} …")
        self._pool.start(_Runnable(task, self._answers))

    def _on_answers_done(self, path: Path, error: UserError | None) -> None:
        if error is not None:
            self.failed.emit(error)
        else:
            self._session.told.emit(f"Written: {path}")
            self.written.emit(path)
