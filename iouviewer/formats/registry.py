"""All formats, and the functions that use them: ``detect``, ``read_boxes`` and ``write_boxes``.

A new format needs one module and one row of ``_FORMATS``. The module offers

- ``read(path, context) -> ImportedBoxes``,
- ``write(path, data)`` if ``can_write``,
- ``sniff(sample) -> DetectedFormat | None``: whether the beginning of a file has the format. It is called only for
  samples with one of the row's syntaxes.

Modules are imported when their format is first needed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from iouviewer.atomic import is_stream
from iouviewer.document.imported import ImportedBoxes, RefusedRow
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_facts import apply_choices
from iouviewer.formats.image_names import SPLITS
from iouviewer.formats.interface import (
    UNSPECIFIED_NAME,
    BoxesToWrite,
    DetectedFormat,
    FormatInfo,
    Location,
    ReadContext,
)
from iouviewer.formats.text import cannot_read
from iouviewer.formats.unsupported_fields import Field, describe_supported, describe_unsupported
from iouviewer.i18n import legible, tr

__all__ = [
    "UNSPECIFIED_NAME",
    "BoxesToWrite",
    "DetectedFormat",
    "FormatInfo",
    "Location",
    "ReadContext",
    "detect",
    "formats",
    "read_boxes",
    "refuse_frames_outside",
    "supported_fields",
    "unsupported_fields",
    "write_boxes",
]

MAX_SAMPLE_FILES = 20
"""Number of files that are examined to detect the format of a folder."""


@dataclass(frozen=True, slots=True)
class _Format:
    """A row of the registry.

    Attributes:
        module: name of the module in ``iouviewer.formats``.
        syntaxes: syntaxes of its files.
        sniff_rank: rules with lower ranks are tried first; a rule that also accepts files of other formats ranks later.
        read, sniff: names of the module's functions; two formats may share a module.
        sniff_folder: function ``(path) -> DetectedFormat | None`` that recognises a folder layout; empty: none.
        label_ending: ending of the files, for formats with one file per image; empty: not such a format.
        sniff_label_files: function ``(folder, files) -> DetectedFormat | None`` for label files without any content.
        unsupported: what it cannot store.
        unsupported_without_scores, unsupported_with_scores: what it cannot store in addition, for ground truth and
            for predictions.
    """

    info: FormatInfo
    module: str
    syntaxes: tuple[Syntax, ...]
    sniff_rank: int = 0
    read: str = "read"
    sniff: str = "sniff"
    sniff_folder: str = ""
    label_ending: str = ""
    sniff_label_files: str = ""
    unsupported: tuple[Field, ...] = ()
    unsupported_without_scores: tuple[Field, ...] = ()
    unsupported_with_scores: tuple[Field, ...] = ()

    def function(self, name: str) -> Callable[..., Any]:
        """A function of the module, which is imported on first use."""
        return cast("Callable[..., Any]", getattr(importlib.import_module(f"iouviewer.formats.{self.module}"), name))


_FORMATS = (
    _Format(
        FormatInfo("mot", tr("MOTChallenge text"), (".txt",), can_write=True, is_folder=False),
        "mot",
        (Syntax.TABLE,),
        sniff_rank=2,
        sniff_folder="sniff_folder",
        unsupported=(Field.TRUNCATED, Field.ATTRIBUTES, Field.KEY_FRAMES, Field.LABELLED_FRAMES),
        unsupported_without_scores=(Field.SOME_WITHOUT_TRACK,),
        unsupported_with_scores=(Field.CLASSES, Field.OCCLUDED),
    ),
    _Format(
        FormatInfo("coco", tr("COCO JSON"), (".json",), can_write=True, is_folder=False),
        "coco",
        (Syntax.JSON,),
        sniff_rank=1,
    ),
    _Format(
        FormatInfo("cvat", tr("CVAT XML 1.1"), (".xml", ".zip"), can_write=True, is_folder=False),
        "cvat",
        (Syntax.XML, Syntax.ZIP),
        unsupported=(Field.BOXES_WITHOUT_TRACK, Field.SCORES),
    ),
    _Format(
        FormatInfo("yolo", tr("YOLO labels folder"), (), can_write=True, is_folder=True),
        "yolo",
        (Syntax.TABLE,),
        sniff_rank=1,
        label_ending=".txt",
        sniff_label_files="sniff_label_files",
        unsupported=(Field.IGNORED, Field.OCCLUDED, Field.TRUNCATED, Field.ATTRIBUTES, Field.KEY_FRAMES),
        unsupported_without_scores=(Field.TRACK_IDS,),
    ),
    _Format(
        FormatInfo("voc", tr("Pascal VOC XML folder"), (), can_write=True, is_folder=True),
        "voc",
        (Syntax.XML,),
        label_ending=".xml",
        unsupported=(Field.TRACK_IDS, Field.SCORES, Field.ATTRIBUTES, Field.KEY_FRAMES),
    ),
    _Format(
        FormatInfo("labelme", tr("labelme JSON folder"), (), can_write=True, is_folder=True),
        "labelme",
        (Syntax.JSON,),
        label_ending=".json",
        unsupported=(Field.SCORES, Field.KEY_FRAMES),
    ),
    _Format(
        FormatInfo("labelstudio", tr("Label Studio video JSON"), (".json",), can_write=False, is_folder=False),
        "label_studio",
        (Syntax.JSON,),
    ),
    _Format(
        FormatInfo("boxcsv", tr("Box CSV"), (".csv",), can_write=True, is_folder=False),
        "box_csv",
        (Syntax.TABLE,),
        unsupported=(Field.ATTRIBUTES, Field.LABELLED_FRAMES),
    ),
    _Format(
        FormatInfo("score_csv", tr("Score CSV"), (".csv",), can_write=False, is_folder=False, can_read=False),
        "box_csv",
        (Syntax.TABLE,),
        read="refuse_score_csv",
        sniff="sniff_score_csv",
    ),
)
_BY_KEY = {row.info.key: row for row in _FORMATS}
_BY_SNIFF_RANK = sorted(_FORMATS, key=lambda row: row.sniff_rank)


def formats() -> tuple[FormatInfo, ...]:
    """All formats in menu order; ``score_csv`` can neither be read nor written."""
    return tuple(row.info for row in _FORMATS)


def detect(path: Path) -> DetectedFormat | None:
    """The format of a file or folder by its content; None for videos, images and unknown formats.

    Raises:
        UserError: the path does not exist or cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(tr("does not exist"), path=path)
    try:
        return _detect_folder(path) if path.is_dir() else _detect_file(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    except zipfile.BadZipFile as error:
        raise UserError(tr("the file is not a readable zip archive: {reason}", reason=error), path=path) from error


def _detect_file(path: Path) -> DetectedFormat | None:
    sample = FileSample.read(path)
    if sample is None:
        return None
    found = _sniff(sample)
    if found is None and sample.syntax is Syntax.JSON and sample.is_partial:
        # The keys that identify the format may come after a long list.
        found = _sniff(sample.read_all())
    return found


def _sniff(sample: FileSample) -> DetectedFormat | None:
    for row in _BY_SNIFF_RANK:
        if sample.syntax in row.syntaxes:
            found = cast("DetectedFormat | None", row.function(row.sniff)(sample))
            if found is not None:
                return found
    return None


def _detect_folder(path: Path) -> DetectedFormat | None:
    for row in _FORMATS:
        if row.sniff_folder and (found := row.function(row.sniff_folder)(path)):
            return cast("DetectedFormat", found)
    labels = path / "labels"
    for folder in (labels, path):
        if folder.is_dir() and (in_folder := _detect_label_folder(folder)):
            return in_folder
    in_split = next(labels.glob("*/*.txt"), None) if labels.is_dir() else None
    if in_split is not None:
        return _detect_label_folder(in_split.parent)
    for child in sorted(path.iterdir()):
        if child.name.casefold() in SPLITS and child.is_dir():
            for folder in (child / "labels", child):
                if folder.is_dir() and (in_folder := _detect_label_folder(folder)):
                    return in_folder
    return None


def _detect_label_folder(folder: Path) -> DetectedFormat | None:
    """The format of a folder with one file per image, by its first files of each ending."""
    for row in _BY_SNIFF_RANK:
        if not row.label_ending:
            continue
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() == row.label_ending and p.stem != "classes")
        for file in files[:MAX_SAMPLE_FILES]:
            found = _detect_file(file)
            if found is not None and found.format == row.info.key:
                return replace(found, reason=tr("Folder with one file per image. {reason}", reason=found.reason))
        if row.sniff_label_files and (found := row.function(row.sniff_label_files)(folder, files[:MAX_SAMPLE_FILES])):
            return cast("DetectedFormat", found)
    return None


def read_boxes(path: Path, context: ReadContext | None = None, *, format: str | None = None) -> ImportedBoxes:
    """Boxes of a file or folder; invalid rows are listed in ``refused``, never dropped silently.

    Args:
        format: key of the format; None: detected by content.

    Raises:
        UserError: missing, unreadable, damaged or unknown file; a score CSV.
    """
    with _regular_file(Path(path)) as file:
        try:
            result = _read_file(file, context or ReadContext(), format)
        except UserError as error:
            if error.path == file:
                error.path = Path(path)
            raise
    if result.path != file or file == Path(path):
        return result
    refused = tuple(replace(row, path=Path(path)) if row.path == file else row for row in result.refused)
    return replace(result, path=Path(path), refused=refused)


@contextlib.contextmanager
def _regular_file(path: Path) -> Iterator[Path]:
    """The path itself, or a copy of what a pipe gives: readers look at a file several times, a pipe gives it once."""
    if not is_stream(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="iouviewer-") as folder:
        copy = Path(folder) / "input"
        with path.open("rb") as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target)
        yield copy


def _read_file(path: Path, context: ReadContext, format: str | None) -> ImportedBoxes:
    if format is None:
        found = detect(path)
        if found is None:
            names = ", ".join(row.info.name for row in _FORMATS if row.info.can_read)
            raise UserError(
                tr("iouviewer cannot read this format"),
                path=path,
                remedy=tr("Supported formats: {formats}.", formats=names),
            )
        format = found.format
    elif not path.exists():
        raise UserError(tr("does not exist"), path=path)
    row = _BY_KEY.get(format)
    if row is None:
        raise UserError(
            tr("there is no format {format!r} to read", format=format),
            remedy=_list_keys([row for row in _FORMATS if row.info.can_read]),
        )
    with gc_paused():
        result = cast("ImportedBoxes", row.function(row.read)(path, context))
    return _apply_missing(apply_choices(result, context), context)


def _apply_missing(result: ImportedBoxes, context: ReadContext) -> ImportedBoxes:
    """Apply the user's choice for frames that the file does not mention."""
    if context.missing == "empty":
        return replace(result, labelled=None)
    if context.missing == "unlabelled" and result.labelled is None:
        return replace(result, labelled=np.unique(result.frames))
    return result


def refuse_frames_outside(boxes: ImportedBoxes, frame_count: int) -> ImportedBoxes:
    """The same boxes with those before frame 0 or after the last frame moved to ``refused``.

    Readers do not do this themselves, because the frame offset may still change after reading.
    """
    outside = (boxes.frames < 0) | (boxes.frames >= frame_count)
    if not outside.any():
        return boxes
    keep = ~outside
    refused = [
        RefusedRow(
            boxes.path,
            None,
            tr(
                "frame {frame} is outside the video, whose frames are 0–{last}",
                frame=frame,
                last=frame_count - 1,
            ),
        )
        for frame in boxes.frames[outside].tolist()
    ]
    return replace(
        boxes,
        frames=boxes.frames[keep],
        boxes=np.ascontiguousarray(boxes.boxes[:, keep]),
        class_ids=boxes.class_ids[keep],
        scores=None if boxes.scores is None else boxes.scores[keep],
        track_ids=boxes.track_ids[keep],
        flags=boxes.flags[keep],
        areas=None if boxes.areas is None else boxes.areas[keep],
        refused=(*boxes.refused, *refused),
    )


def unsupported_fields(data: BoxesToWrite, format_key: str) -> tuple[str, ...]:
    """One sentence for each part of these boxes that ``write_boxes`` would not store."""
    return describe_unsupported(data, _unsupported(data, format_key))


def supported_fields(data: BoxesToWrite, format_key: str) -> tuple[str, ...]:
    """A few words for each part of these boxes that ``write_boxes`` stores."""
    return describe_supported(data, _unsupported(data, format_key))


def _unsupported(data: BoxesToWrite, format_key: str) -> tuple[Field, ...]:
    row = _BY_KEY[format_key]
    more = row.unsupported_without_scores if data.scores is None else row.unsupported_with_scores
    return (*row.unsupported, *more)


def write_boxes(path: Path, data: BoxesToWrite, *, format: str) -> None:
    """Write boxes as ``format``; the new file or folder replaces an old file only when it is complete.

    Raises:
        UserError: disk full, no permission, a folder that is not empty, or a format that cannot be written.
    """
    row = _BY_KEY.get(format)
    if row is None or not row.info.can_write:
        raise UserError(
            tr("there is no format {format!r} to write", format=format),
            remedy=_list_keys([row for row in _FORMATS if row.info.can_write]),
        )
    with gc_paused():
        row.function("write")(Path(path), replace(data, video_name=legible(data.video_name)))


def _list_keys(rows: list[_Format]) -> str:
    return tr("Available formats: {formats}.", formats=", ".join(row.info.key for row in rows))


@contextlib.contextmanager
def gc_paused() -> Iterator[None]:
    """No garbage collection within the block.

    Readers create millions of small acyclic objects; each collection would traverse all of them and free nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
