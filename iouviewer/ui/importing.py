"""What lies in dropped or chosen paths, read beside the window: video, project, boxes, models."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QThread, Signal, Slot

from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, detect, read_boxes
from iouviewer.jobs.eval_inputs import ReadOptions, source_facts

PROJECT_SUFFIX = ".iouv"
MODEL_SUFFIXES = (".pt", ".onnx", ".engine", ".torchscript")
_VIDEO_ENDINGS = "mp4 avi mkv mov webm m4v ts mts m2ts mpg mpeg wmv flv 3gp ogv"
VIDEO_SUFFIXES = tuple(f".{ending}" for ending in _VIDEO_ENDINGS.split(" "))
GUESS = "not known; tried as a video"
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


class Role(StrEnum):
    """What a path is to be used as; the texts are those of the sheet."""

    VIDEO = "video"
    PROJECT = "project"
    GROUND_TRUTH = "ground truth"
    PREDICTIONS = "predictions"
    MODEL = "model"
    SKIP = "leave out"


@dataclass(frozen=True, slots=True)
class Found:
    """One path and what it seems to be.

    Attributes:
        name: of the variant that predictions or a model become.
        why: what it was recognised by, or why it was not.
    """

    path: Path
    role: Role
    name: str
    format: str = ""
    why: str = ""


def look(path: Path) -> Found:
    """What one path is; reads no more than a file's beginning."""
    suffix, name = path.suffix.lower(), path.stem
    if suffix == PROJECT_SUFFIX:
        return Found(path, Role.PROJECT, name, why="a project file")
    if suffix in MODEL_SUFFIXES or _is_model_folder(path):
        return Found(path, Role.MODEL, name.removesuffix("_openvino_model"), why="weights to run")
    if suffix in VIDEO_SUFFIXES or suffix in PICTURE_SUFFIXES:
        return Found(path, Role.VIDEO, name, why="pictures")
    try:
        found = detect(path)
    except UserError as error:
        return Found(path, Role.SKIP, name, why=str(error))
    if found is not None:
        role = Role.PREDICTIONS if found.kind is Kind.PREDICTIONS else Role.GROUND_TRUTH
        return Found(path, role, name, found.format, found.reason)
    if path.is_dir() and any(one.suffix.lower() in PICTURE_SUFFIXES for one in itertools.islice(path.iterdir(), 200)):
        return Found(path, Role.VIDEO, name, why="a folder of pictures")
    if path.is_dir():
        return Found(path, Role.SKIP, name, why="nothing that iouviewer reads is in this folder")
    return Found(path, Role.VIDEO, name, why=GUESS)


def _is_model_folder(path: Path) -> bool:
    return path.is_dir() and any(path.glob("*.xml")) and any(path.glob("*.bin"))


def look_at_all(paths: Iterable[Path]) -> list[Found]:
    """What the paths are; of a folder that is nothing itself, what lies in it. One video, one ground truth."""
    found: list[Found] = []
    for path in paths:
        one = look(path)
        if one.role is Role.SKIP and path.is_dir():
            inside = [look(child) for child in sorted(path.iterdir()) if not child.name.startswith(".")]
            found += [child for child in inside if child.role is not Role.SKIP and child.why != GUESS] or [one]
        else:
            found.append(one)
    return _one_of_each(found)


def _one_of_each(found: list[Found]) -> list[Found]:
    """A second video is left out; of several box files that could be either, one named like ground truth is it."""
    videos = truths = 0
    candidates = [one for one in found if one.role is Role.GROUND_TRUTH]
    named = [one for one in candidates if _sounds_like_truth(one.path)]
    chosen = next(iter(named or candidates), None)
    result = []
    for one in found:
        role = one.role
        if role is Role.VIDEO:
            videos += 1
            role = role if videos == 1 else Role.SKIP
        elif role is Role.GROUND_TRUTH and one is not chosen:
            truths += 1
            role = Role.PREDICTIONS
        result.append(replace(one, role=role))
    return result


def _sounds_like_truth(path: Path) -> bool:
    name = path.name.casefold()
    return any(word in name for word in ("gt", "truth", "annot", "label"))


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the video that boxes belong to."""

    size: tuple[int, int]
    frame_count: int
    stem: str


@dataclass(frozen=True, slots=True)
class Order:
    """One file to read; ``number`` comes back with the answer.

    Attributes:
        video: the boxes' video where it is not open yet; its facts are found out and come back in the answer.
    """

    number: int
    path: Path
    kind: Kind
    context: Context | None
    video: Path | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A file that was read, or why it could not be."""

    number: int
    path: Path
    boxes: ImportedBoxes | None = None
    error: UserError | None = None
    context: Context | None = None


def read(order: Order) -> Read:
    """Read one file."""
    try:
        known = order.context
        if known is None and order.video is not None:
            known = context_of(order.video)
        context = ReadContext(kind=order.kind)
        if known is not None:
            context = ReadContext(
                size=known.size, frame_count=known.frame_count, video_stem=known.stem, kind=order.kind
            )
        return Read(order.number, order.path, boxes=read_boxes(order.path, context), context=known)
    except UserError as error:
        return Read(order.number, order.path, error=error)
    except OSError as error:
        return Read(order.number, order.path, error=UserError(error.strerror or str(error), path=order.path))


def context_of(video: Path) -> Context:
    """Facts of a video that is not open; its index is kept, so that opening it later is quick."""
    facts = source_facts(video, ReadOptions())
    return Context(facts.size or (0, 0), facts.frame_count or 0, video.stem)


def proposed_shift(boxes: ImportedBoxes, frame_count: int) -> int:
    """The number to add to every frame so that all boxes lie inside the video; 0 where they do, or nothing helps."""
    if not len(boxes) or not frame_count:
        return 0
    first, last = int(boxes.frames.min()), int(boxes.frames.max())
    if first >= 0 and last < frame_count:
        return 0
    if last - first >= frame_count:
        return 0
    # The smallest shift that helps: files that count from 1 need -1.
    return -first if first < 0 else frame_count - 1 - last


def with_class(boxes: ImportedBoxes, name: str) -> ImportedBoxes:
    """The same boxes; a file without classes gets this one."""
    if not name or boxes.class_names:
        return boxes
    return replace(boxes, class_names=(name,), class_ids=np.zeros(len(boxes), np.int64))


class _Worker(QObject):
    """Lives in the thread."""

    done = Signal(object)

    @Slot(object)
    def run(self, order: Order) -> None:
        self.done.emit(read(order))


class BoxReader(QObject):
    """Reads files in a thread, one after the other.

    Signals:
        read(Read): in the UI thread.
    """

    read = Signal(object)
    _asked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = QThread(self)
        self._thread.setObjectName("reading boxes")
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._asked.connect(self._worker.run)
        self._worker.done.connect(self._on_worker_done)

    def ask(self, order: Order) -> None:
        """Read this file; ``read`` follows."""
        if not self._thread.isRunning():
            self._thread.start()
        self._asked.emit(order)

    @Slot(object)
    def _on_worker_done(self, answer: Read) -> None:
        self.read.emit(answer)

    def close(self) -> None:
        """End the thread after the file in work."""
        self._thread.quit()
        self._thread.wait()
