"""All formats, and the functions that use them: ``detect``, ``read_boxes`` and ``write_boxes``.

A format is an object of ``file_format.Format``. Those of the program are found in the modules of this package, those of
other packages through entry points (docs/adr/0043-one-object-a-format.md). They are loaded when first asked for.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.metadata
import logging
import pkgutil
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

import iouviewer.formats
from iouviewer.atomic import is_stream
from iouviewer.document.imported import ImportedBoxes, ImportKind, RefusedRow, digest_of
from iouviewer.document.kept_source import SourceTexts
from iouviewer.errors import UserError
from iouviewer.formats.archives import unpacked_labels
from iouviewer.formats.coco_images import choose_task
from iouviewer.formats.dataset_roots import Part, find_parts
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_facts import apply_choices
from iouviewer.formats.file_format import ENTRY_POINTS, Format
from iouviewer.formats.image_names import SPLITS
from iouviewer.formats.interface import (
    UNSPECIFIED_NAME,
    BoxesToWrite,
    DetectedFormat,
    Location,
    ReadContext,
    UncertainReadingError,
    encode_context,
)
from iouviewer.formats.rows import MAX_LISTED
from iouviewer.formats.streams import copy_stream
from iouviewer.formats.text import cannot_read, keeping_texts, noting_encodings
from iouviewer.formats.unsupported_fields import Field, describe_supported, describe_unsupported
from iouviewer.i18n import legible, tr, tr_n

__all__ = [
    "UNSPECIFIED_NAME",
    "BoxesToWrite",
    "DetectedFormat",
    "Format",
    "Location",
    "ReadContext",
    "detect",
    "find_dataset_parts",
    "find_format",
    "format_problems",
    "formats",
    "read_boxes",
    "refuse_frames_outside",
    "supported_fields",
    "text_kind",
    "unsupported_fields",
    "write_boxes",
]

MAX_SAMPLE_FILES = 20
"""Number of files that are examined to detect the format of a folder."""
TABLE = "table"
COLUMN_FORMATS = (TABLE, "boxcsv", "score_csv")
"""Formats that are read as a table where a person says what the columns are."""
_LOGGER = logging.getLogger(__name__)


@functools.cache
def _registered() -> tuple[Mapping[str, Format], tuple[str, ...]]:
    """All formats by key in menu order, and what is wrong with those of other packages that cannot be used."""
    found: dict[str, Format] = {}
    problems: list[str] = []
    for name in sorted(info.name for info in pkgutil.iter_modules(iouviewer.formats.__path__)):
        if name != "registry":
            module = importlib.import_module(f"iouviewer.formats.{name}")
            found |= {one.key: one for one in _formats_of(module)}
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS)):
        try:
            added = entry.load()
            if not isinstance(added, Format):
                raise TypeError(tr("{value} is not a Format", value=entry.value))
            if added.key in found:
                raise ValueError(tr("there already is a format {key!r}", key=added.key))
        except Exception as error:
            _LOGGER.warning("the format %s of %s cannot be used", entry.name, entry.value, exc_info=True)
            problems.append(tr("The format {name!r} cannot be used: {reason}", name=entry.name, reason=error))
        else:
            found[added.key] = added
    in_order = sorted(found.values(), key=lambda one: (one.menu_rank, one.name.casefold()))
    return {one.key: one for one in in_order}, tuple(problems)


def _formats_of(module: ModuleType) -> tuple[Format, ...]:
    """The formats that a module of this package defines: ``FORMAT``, or ``FORMATS`` where it has several."""
    several = getattr(module, "FORMATS", None) or (getattr(module, "FORMAT", None),)
    return tuple(one for one in several if isinstance(one, Format))


def formats() -> tuple[Format, ...]:
    """All formats in menu order; some can neither be read nor written and are only named."""
    return tuple(_registered()[0].values())


def format_problems() -> tuple[str, ...]:
    """One sentence for each format of another package that cannot be used."""
    return _registered()[1]


def _by_detect_rank() -> list[Format]:
    return sorted(formats(), key=lambda one: one.detect_rank)


def find_format(key: str) -> Format | None:
    """The format with a key, None if there is none."""
    return _registered()[0].get(key)


def detect(path: Path) -> DetectedFormat | None:
    """The format of a file or folder by its content; None for videos, images and unknown formats.

    Raises:
        UserError: the path does not exist or cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(tr("does not exist"), path=path)
    try:
        found = _detect_folder(path) if path.is_dir() else _detect_file(path)
        if found is None and path.is_dir():
            return _detect_root(path)
        if found is None and FileSample.read(path).syntax is Syntax.ZIP and zipfile.is_zipfile(path):
            with unpacked_labels(path, only_sample=True) as folder:
                return _detect_folder(folder) or _detect_root(folder)
        return found
    except OSError as error:
        raise cannot_read(path, error) from error
    except zipfile.BadZipFile as error:
        raise UserError(tr("the file is not a readable zip archive: {reason}", reason=error), path=path) from error


def text_kind(path: Path) -> str:
    """What a file without a format is, if it is certainly no video: a text, JSON, XML or a zip archive; else empty."""
    try:
        sample = FileSample.read(path)
    except OSError:  # opening it says why it cannot be read
        return ""
    kinds = {Syntax.TABLE: tr("a text file"), Syntax.JSON: tr("a JSON file"), Syntax.XML: tr("an XML file")}
    return {**kinds, Syntax.ZIP: tr("a zip archive")}.get(sample.syntax, "")


def find_dataset_parts(path: Path) -> tuple[Part, ...]:
    """The splits, sequences and annotation files of a data set's folder; none for other paths."""
    if not path.is_dir():
        return ()
    try:
        return find_parts(path, _detect_plain)
    except OSError as error:
        raise cannot_read(path, error) from error


def _detect_plain(path: Path) -> DetectedFormat | None:
    return _detect_folder(path) if path.is_dir() else _detect_file(path)


def _detect_root(path: Path) -> DetectedFormat | None:
    """The format of the labels of a data set."""
    parts = find_parts(path, _detect_plain)
    if not parts:
        return None
    names = ", ".join(part.name for part in parts[:MAX_LISTED])
    reason = tr_n("Data set: {names}", "Data set with {count} parts: {names}", len(parts), names=names)
    return DetectedFormat(parts[0].format, ImportKind.GROUND_TRUTH, 0.8, reason)


def _locate(path: Path, context: ReadContext) -> Path:
    """The labels of a data set's folder: of the part that is asked for, or the only one; other paths as they are.

    Raises:
        UncertainReadingError: there are several parts, and none is asked for.
    """
    if not path.is_dir():
        return path
    is_whole = _detect_folder(path) is not None
    if is_whole and context.task is None:
        return path
    parts = find_parts(path, _detect_plain)
    named = [part for part in parts if part.name == context.task]
    if named or (is_whole or not parts):
        return named[0].labels if named else path
    return parts[0].labels if len(parts) == 1 else _chosen_part(parts, path, context).labels


def _chosen_part(parts: tuple[Part, ...], path: Path, context: ReadContext) -> Part:
    names = [part.name for part in parts]
    try:
        return parts[choose_task(names, path, context)]
    except UncertainReadingError as error:
        listed = ", ".join(names[:MAX_LISTED])
        message = tr("the data set has {count:,} parts: {names}", count=len(parts), names=listed)
        raise UncertainReadingError(message, choices=error.choices, path=path, remedy=error.remedy) from error


def _detect_file(path: Path) -> DetectedFormat | None:
    sample = FileSample.read(path)
    found = _sniff(sample)
    if found is None and sample.syntax is Syntax.JSON and sample.is_partial:
        # The keys that identify the format may come after a long list.
        found = _sniff(sample.read_all())
    return found


def _sniff(sample: FileSample) -> DetectedFormat | None:
    matching = (one for one in _by_detect_rank() if sample.syntax in one.syntaxes)
    return next((found for one in matching if (found := one.detect(sample)) is not None), None)


def _detect_folder(path: Path) -> DetectedFormat | None:
    for one in formats():
        if one.detect_folder is not None and (found := one.detect_folder(path)):
            return found
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
    for one in _by_detect_rank():
        if not one.label_ending:
            continue
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() == one.label_ending and p.stem != "classes")
        for file in files[:MAX_SAMPLE_FILES]:
            found = _detect_file(file)
            if found is not None and found.format == one.key:
                return replace(found, reason=tr("Folder with one file per image. {reason}", reason=found.reason))
        if one.detect_label_files and (found := one.detect_label_files(folder, files[:MAX_SAMPLE_FILES])):
            return found
    return None


def read_boxes(path: Path, context: ReadContext | None = None, *, format: str | None = None) -> ImportedBoxes:
    """Boxes of a file or folder; invalid rows are listed in ``refused``, never dropped silently.

    Args:
        format: key of the format; None: detected by content.

    Raises:
        UserError: missing, unreadable, damaged or unknown file; a score CSV.
    """
    context = context or ReadContext()
    if context.shapes == "envelope":
        # Their places hold polygons and masks, which a changed box must not replace.
        context = replace(context, keep_texts=False)
    before = _state_of(Path(path))
    with noting_encodings() as encodings:
        result = _read_any(Path(path), context, format)
    if before is not None and before != _state_of(Path(path)):
        raise UserError(
            tr("the file changed while it was read"), path=path, remedy=tr("Read it again once it is complete.")
        )
    notes = [tr("{name} is {encoding} text", name=file.name, encoding=one) for one, file in encodings.items()]
    return replace(result, notes=(*result.notes, *notes)) if notes else result


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """Size, time of the last change and number of a file; None for folders, pipes and what does not exist."""
    try:
        state = path.stat()
    except OSError:
        return None
    return (state.st_size, state.st_mtime_ns, state.st_ino) if stat.S_ISREG(state.st_mode) else None


def _read_any(path: Path, context: ReadContext, format: str | None) -> ImportedBoxes:
    """As ``read_boxes``."""
    if format is None and _is_archive(Path(path)):
        return _read_archive(Path(path), context)
    with _regular_file(Path(path)) as file:
        try:
            result = _read_and_keep(file, context, format) if context.keep_texts else _read_file(file, context, format)
        except UserError as error:
            if error.path == file:
                error.path = Path(path)
            raise
    if result.path != file or file == Path(path):
        return result
    refused = tuple(replace(row, path=Path(path)) if row.path == file else row for row in result.refused)
    return replace(result, path=Path(path), refused=refused)


def _read_and_keep(path: Path, context: ReadContext, format: str | None) -> ImportedBoxes:
    """As ``_read_file``, with the content of all files that were read."""
    if format is None and (found := detect(path)) is not None:
        format = found.format
    with keeping_texts() as files:
        result = _read_file(path, context, format)
    texts = SourceTexts.of(path, files, result.format, encode_context(context), digest_of(result))
    return replace(result, texts=texts, read_count=len(result))


def _is_archive(path: Path) -> bool:
    """Whether a file is a zip archive that no format claims as a whole."""
    try:
        if not path.is_file() or FileSample.read(path).syntax is not Syntax.ZIP or not zipfile.is_zipfile(path):
            return False
        return _detect_file(path) is None
    except OSError as error:
        raise cannot_read(path, error) from error
    except zipfile.BadZipFile as error:
        raise UserError(tr("the file is not a readable zip archive: {reason}", reason=error), path=path) from error


def _read_archive(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of the label files in an archive; places name the files in it."""
    with unpacked_labels(path) as folder:

        def inside(place: Path) -> Path:
            return path / place.relative_to(folder) if place.is_relative_to(folder) else place

        try:
            result = _read_file(folder, replace(context, keep_texts=False), None)
        except UserError as error:
            if error.path is not None:
                error.path = path if Path(error.path) == folder else inside(Path(error.path))
            raise
        refused = tuple(replace(row, path=inside(row.path)) for row in result.refused)
        return replace(result, path=path, refused=refused)


@contextlib.contextmanager
def _regular_file(path: Path) -> Iterator[Path]:
    """The path itself, or a copy of what a pipe gives: readers look at a file several times, a pipe gives it once."""
    if not is_stream(path):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="iouviewer-") as folder:
        copy = Path(folder) / "input"
        with copy.open("wb") as target:
            copy_stream(path, target)
        yield copy


def _read_file(path: Path, context: ReadContext, format: str | None) -> ImportedBoxes:
    path = _locate(path, context) if path.exists() else path
    if format is None:
        found = detect(path)
        if found is None and context.columns:
            return _read_file(path, context, TABLE)
        if found is None:
            names = ", ".join(one.name for one in formats() if one.can_read)
            remedy = " ".join((tr("Supported formats: {formats}.", formats=names), *format_problems()))
            raise UserError(tr("iouviewer cannot read this format"), path=path, remedy=remedy)
        format = found.format
    elif not path.exists():
        raise UserError(tr("does not exist"), path=path)
    chosen = find_format(TABLE if context.columns and format in COLUMN_FORMATS else format)
    if chosen is None:
        raise UserError(
            tr("there is no format {format!r} to read", format=format),
            remedy=_list_keys(one for one in formats() if one.can_read),
        )
    if chosen.read is None:
        chosen.refuse(path)
    with gc_paused():
        result = chosen.read(path, context)
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
        places=None if boxes.places is None else tuple(boxes.places[row] for row in np.flatnonzero(keep).tolist()),
        rows=np.flatnonzero(keep) if boxes.rows is None else boxes.rows[keep],
        refused=(*boxes.refused, *refused),
    )


def unsupported_fields(data: BoxesToWrite, format_key: str) -> tuple[str, ...]:
    """One sentence for each part of these boxes that ``write_boxes`` would not store."""
    return describe_unsupported(data, _unsupported(data, format_key))


def supported_fields(data: BoxesToWrite, format_key: str) -> tuple[str, ...]:
    """A few words for each part of these boxes that ``write_boxes`` stores."""
    return describe_supported(data, _unsupported(data, format_key))


def can_store(field: Field, data: BoxesToWrite, format_key: str) -> bool:
    """Whether a file that is newly written can store a field, which one that was read may have no place for."""
    return field not in _unsupported(data, format_key)


def _unsupported(data: BoxesToWrite, format_key: str) -> tuple[Field, ...]:
    return _registered()[0][format_key].lacking(scored=data.scores is not None)


def write_boxes(path: Path, data: BoxesToWrite, *, format: str) -> None:
    """Write boxes as ``format``; the new file or folder replaces an old file only when it is complete.

    Raises:
        UserError: disk full, no permission, a folder that is not empty, or a format that cannot be written.
    """
    chosen = find_format(format)
    if chosen is None or chosen.write is None:
        raise UserError(
            tr("there is no format {format!r} to write", format=format),
            remedy=_list_keys(one for one in formats() if one.can_write),
        )
    with gc_paused():
        chosen.write(Path(path), replace(data, video_name=legible(data.video_name)))


def _list_keys(listed: Iterable[Format]) -> str:
    return tr("Available formats: {formats}.", formats=", ".join(one.key for one in listed))


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
