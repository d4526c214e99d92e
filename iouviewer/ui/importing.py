"""Identifies dropped or chosen paths (video, project, boxes, model) and reads box files in a thread."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from iouviewer.atomic import file_digest, is_stream
from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr
from iouviewer.inference.adapters import MODEL_SUFFIXES
from iouviewer.jobs.box_files import (
    SPLITS,
    Alignment,
    DatasetPart,
    detect,
    find_alignment,
    find_format,
    read_boxes,
    text_kind,
)
from iouviewer.jobs.eval_inputs import ReadOptions, context_of, read_source
from iouviewer.metrics.table import Float, Int

PROJECT_SUFFIX = ".iouv"
VIDEO_SUFFIXES = (
    ".mp4",
    ".avi",
    ".mkv",
    ".mov",
    ".webm",
    ".m4v",
    ".ts",
    ".mts",
    ".m2ts",
    ".mpg",
    ".mpeg",
    ".wmv",
    ".flv",
    ".3gp",
    ".ogv",
)
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_OPENVINO_SUFFIX = "_openvino_model"
_SAMPLED_ENTRIES = 200
"""Number of entries of a folder that are checked to recognise an image folder."""


class FileRole(StrEnum):
    """The role of a path."""

    VIDEO = "video"
    PROJECT = "project"
    GROUND_TRUTH = "ground_truth"
    PREDICTIONS = "predictions"
    MODEL = "model"
    SKIP = "skip"


FILE_ROLE_TEXTS = {
    FileRole.VIDEO: tr("Video"),
    FileRole.PROJECT: tr("Project"),
    FileRole.GROUND_TRUTH: tr("Ground truth"),
    FileRole.PREDICTIONS: tr("Predictions"),
    FileRole.MODEL: tr("Model"),
    FileRole.SKIP: tr("Skip"),
}


@dataclass(frozen=True, slots=True)
class FileCandidate:
    """A path and its presumed role.

    Attributes:
        name: name of the variant for predictions or a model.
        format: key of the box format, empty if the path is not a box file.
        reason: how it was recognised, or why not; shown to the user.
        is_guess: not recognised; the path is tried as a video.
    """

    path: Path
    role: FileRole
    name: str
    format: str = ""
    reason: str = ""
    is_guess: bool = False


def identify(path: Path) -> FileCandidate:
    """Identify a path by its name or, for box files, by the beginning of the content."""
    suffix, name = path.suffix.lower(), path.stem
    if suffix == PROJECT_SUFFIX:
        return FileCandidate(path, FileRole.PROJECT, name, reason=tr("Project file"))
    if suffix in MODEL_SUFFIXES or _is_openvino_folder(path):
        return FileCandidate(path, FileRole.MODEL, model_name(path), reason=tr("Model weights"))
    if suffix in VIDEO_SUFFIXES:
        return FileCandidate(path, FileRole.VIDEO, name, reason=tr("Video"))
    if suffix in IMAGE_SUFFIXES:
        return FileCandidate(path, FileRole.VIDEO, name, reason=tr("Image"))
    if is_stream(path):
        return FileCandidate(path, FileRole.SKIP, name, reason=tr("A pipe or device; the window opens files"))
    try:
        detected = detect(path)
    except UserError as error:
        return FileCandidate(path, FileRole.SKIP, name, reason=str(error))
    named = None if detected is None else find_format(detected.format)
    if detected is not None and named is not None and not named.can_read:
        about = named.refusal or tr("This is {format}, which iouviewer does not read", format=named.name)
        reason = " ".join((about.rstrip(".") + ".", named.advice)).strip()
        return FileCandidate(path, FileRole.SKIP, name, detected.format, reason)
    if detected is not None:
        role = FileRole.PREDICTIONS if detected.kind is ImportKind.PREDICTIONS else FileRole.GROUND_TRUTH
        return FileCandidate(path, role, name, detected.format, detected.reason)
    if not path.is_dir() and (kind := text_kind(path)):
        reason = tr("This is {kind} that iouviewer cannot read", kind=kind)
        return FileCandidate(path, FileRole.SKIP, name, reason=reason)
    if not path.is_dir():
        reason = tr("Unknown format; opened as a video")
        return FileCandidate(path, FileRole.VIDEO, name, reason=reason, is_guess=True)
    if _has_images(path) or any(_has_images(path / name) for name in (*SPLITS, "img1", "images")):
        return FileCandidate(path, FileRole.VIDEO, name, reason=tr("Image folder"))
    return FileCandidate(path, FileRole.SKIP, name, reason=tr("No file in this folder can be read"))


def box_file(path: Path, role: FileRole, name: str) -> FileCandidate:
    """A box file whose role is given; the format is found where the file can be read, else reading it says why not."""
    try:
        found = detect(path)
    except UserError:
        found = None
    return FileCandidate(path, role, name, "" if found is None else found.format)


def _has_images(folder: Path) -> bool:
    """Whether there are images among the first entries of a folder."""
    if not folder.is_dir():
        return False
    entries = itertools.islice(folder.iterdir(), _SAMPLED_ENTRIES)
    return any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in entries)


def model_name(path: Path) -> str:
    """The variant name proposed for a model."""
    return path.stem.removesuffix(_OPENVINO_SUFFIX)


def _is_openvino_folder(path: Path) -> bool:
    return path.is_dir() and any(path.glob("*.xml")) and any(path.glob("*.bin"))


def find_candidates(paths: Iterable[Path]) -> list[FileCandidate]:
    """Identify paths; other folders are replaced by their files. At most one video and one ground truth."""
    candidates: list[FileCandidate] = []
    for path in paths:
        candidate = identify(path)
        if candidate.role is FileRole.SKIP and path.is_dir():
            children = [identify(child) for child in sorted(path.iterdir()) if not child.name.startswith(".")]
            usable = [child for child in children if child.role is not FileRole.SKIP and not child.is_guess]
            candidates += usable or [candidate]
        else:
            candidates.append(candidate)
    return resolve_roles(candidates)


def part_files(part: DatasetPart) -> list[FileCandidate]:
    """The images and labels of a part of a data set."""
    truth = FileCandidate(part.labels, FileRole.GROUND_TRUTH, part.name, part.format)
    if part.images is None:
        return [truth]
    return [FileCandidate(part.images, FileRole.VIDEO, part.name, reason=tr("Image folder")), truth]


def resolve_roles(candidates: list[FileCandidate]) -> list[FileCandidate]:
    """Skip all videos but the first; of several possible ground truths prefer one with such a name."""
    videos = 0
    possible = [candidate for candidate in candidates if candidate.role is FileRole.GROUND_TRUTH]
    named = [candidate for candidate in possible if _is_named_like_ground_truth(candidate.path)]
    ground_truth = next(iter(named or possible), None)
    result = []
    for candidate in candidates:
        role = candidate.role
        if role is FileRole.VIDEO:
            videos += 1
            role = role if videos == 1 else FileRole.SKIP
        elif role is FileRole.GROUND_TRUTH and candidate is not ground_truth:
            role = FileRole.PREDICTIONS
        result.append(replace(candidate, role=role))
    return result


def _is_named_like_ground_truth(path: Path) -> bool:
    name = path.name.casefold()
    return any(part in name for part in ("gt", "truth", "annot", "label"))


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One file to read.

    Attributes:
        number: returned in the result.
        context: the video of the boxes, None if unknown.
        video: the video of the boxes if it is not open yet; its properties are read and returned in the result.
        listed: images that the ground truth among the files lists.
        changes: fields of ``ReadContext`` that the user chose for this file.
        reference: (N,) int64 frames and (4, N) float64 boxes that these boxes should fit: of the ground truth for
            predictions and the reverse; None if there are none.
        is_reference_assumed: the reference belongs to results whose frames were assumed: it says nothing about boxes
            whose file lists its images.
        columns: what the columns of tables are, by header, as chosen before.
        digest: SHA-256 that the file must have, because it was read before; empty: any.
    """

    number: int
    path: Path
    kind: ImportKind
    context: ReadContext | None
    video: Path | None = None
    listed: ImageTable | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    reference: tuple[Int, Float] | None = None
    is_reference_assumed: bool = False
    digest: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The boxes of a file, or the error; ``alignment``: a reading that fits the other boxes better."""

    number: int
    path: Path
    boxes: ImportedBoxes | None = None
    error: UserError | None = None
    context: ReadContext | None = None
    alignment: Alignment | None = None


def read(request: ReadRequest) -> ReadResult:
    """Read one file; errors are returned, not raised."""
    context = request.context
    try:
        if request.digest and file_digest(request.path) != request.digest:
            raise UserError(tr("the file has changed since it was added"), path=request.path)
        if context is None and request.video is not None:
            context = read_video_context(request.video)
        own = replace(context or ReadContext(), kind=request.kind, remembered_columns=request.columns)
        # Only ground truth is edited, and so saved to its file.
        own = replace(own, keep_texts=request.kind is not ImportKind.PREDICTIONS)
        if request.listed is not None:
            own = replace(own, listed_images=request.listed)
        own = replace(own, **request.changes)
        boxes = read_boxes(request.path, own)
        alignment = None
        lists_ids = any(one is not None for one in boxes.images.ids)
        is_meaningful = not (request.is_reference_assumed and lists_ids)
        if request.reference is not None and is_meaningful and not own.accept_differences:
            alignment = find_alignment(*request.reference, boxes, own)
        return ReadResult(request.number, request.path, boxes=boxes, context=context, alignment=alignment)
    except UserError as error:
        return ReadResult(request.number, request.path, error=error, context=context)
    except OSError as error:
        user_error = UserError(error.strerror or str(error), path=request.path)
        return ReadResult(request.number, request.path, error=user_error)


def read_video_context(video: Path) -> ReadContext:
    """Read the properties of a video that is not open; the index is cached, which makes opening it later fast."""
    source, _ = read_source(video, ReadOptions())
    return context_of(source)


def propose_frame_offset(boxes: ImportedBoxes, frame_count: int) -> int:
    """The smallest offset for all frame numbers that puts all boxes inside the video.

    0 if they already do, or if no offset helps.
    """
    if not len(boxes) or not frame_count:
        return 0
    first, last = int(boxes.frames.min()), int(boxes.frames.max())
    if first >= 0 and last < frame_count:
        return 0
    if last - first >= frame_count:
        return 0
    # Files that count from 1 need -1.
    return -first if first < 0 else frame_count - 1 - last


class _Worker(QObject):
    """Lives in the thread."""

    finished = Signal(object)

    @Slot(object)
    def run(self, request: ReadRequest) -> None:
        self.finished.emit(read(request))


class BoxReader(QObject):
    """Reads files in a thread, one after the other.

    Signals:
        finished(ReadResult): emitted in the UI thread.
    """

    finished = Signal(object)
    _requested = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = QThread(self)
        self._thread.setObjectName("boxReader")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._requested.connect(self._worker.run)
        self._worker.finished.connect(self._on_worker_finished)

    def request(self, request: ReadRequest) -> None:
        """Read this file; ``finished`` follows."""
        if not self._thread.isRunning():
            self._thread.start()
        self._requested.emit(request)

    @Slot(object)
    def _on_worker_finished(self, result: ReadResult) -> None:
        self.finished.emit(result)

    def close(self) -> None:
        """Stop the thread after the current file."""
        self._thread.quit()
        self._thread.wait()
