"""Patches the kept texts of a source, and proves by reading them again that they hold the boxes as they are now."""

from __future__ import annotations

import importlib
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from iouviewer.document.boxes import NO_BOX, NO_TRACK
from iouviewer.document.classes import ClassTable
from iouviewer.document.imported import ImportedBoxes, digest_of
from iouviewer.document.kept_source import SourceTexts
from iouviewer.errors import UserError
from iouviewer.formats.interface import BoxesToWrite, ReadContext, UncertainReadingError, decode_context
from iouviewer.formats.patching.edits import NEW, Edits, Part, ReadState, find_edits
from iouviewer.formats.patching.texts import SourceFiles
from iouviewer.formats.registry import find_format, read_boxes
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Float, Int

PATCHERS = ("mot", "coco", "yolo", "cvat", "voc", "labelme", "boxcsv", "labelstudio")
"""Formats into which edits can be written; each has a module of its name in this package."""
TOLERANCE = 1e-3
"""Pixels by which a box may differ when it is read again: formats round to 6 decimals, fractions to more."""
NUMBERED_BY_READER = ("labelstudio",)
"""Formats without track ids, whose reader numbers the tracks in the order of the file."""
_KEPT_FOLDERS = 3
"""Names of folders above a source that its copy keeps: readers look at ``gt``, ``labels`` and names of sequences."""


class Patcher(Protocol):
    """The function ``patch`` of each format's module."""

    def __call__(self, files: SourceFiles, edits: Edits, context: ReadContext) -> None: ...


@dataclass(frozen=True)
class PatchedSource:
    """The texts of a source with the edits in them.

    Attributes:
        changed: new content by name (relative to ``SourceTexts.root``); files that do not exist yet among them.
        row_ids: (K,) int64, the box of each row when the new texts are read, ``NO_BOX`` for none.
        row_tracks: (K,) int64, the track of each of these boxes in the document.
        class_names: class of the document by class of the new texts.
        lost: number of boxes whose change the file cannot store, by field.
        kept_shapes: number of changed boxes whose masks or key points stayed as they were.
        untouched: number of rows that are no boxes, which stay as they are.
        rows_digest: of the new texts.
        main: name of the file that the reader read, where the source is a folder with one.
    """

    edits: Edits
    changed: dict[str, bytes]
    row_ids: Int
    row_tracks: Int
    class_names: tuple[str, ...]
    lost: dict[Field, int]
    kept_shapes: int
    untouched: int
    rows_digest: str
    main: str = ""


def patch_source(
    texts: SourceTexts,
    state: ReadState | None,
    now: BoxesToWrite,
    ids: Int,
    classes: ClassTable,
) -> PatchedSource:
    """Write what was edited into the texts of a source.

    Args:
        state: how rows became boxes; None: ids are the rows.
        now: all boxes of the document.
        ids: (N,) int64, their ids.
        classes: of the document.

    Raises:
        UserError: the format cannot be patched, the file was read in a way that cannot be reversed, an edit does not
            fit into the file, or what was written does not read back.
    """
    context = replace(decode_context(texts.context), with_places=True, keep_texts=False)
    source = Path(texts.path)
    with tempfile.TemporaryDirectory(prefix="iouviewer-source-") as folder:
        root, copy, data = _unpack(texts, Path(folder))
        try:
            original = _read_again(copy, context, texts)
            if digest_of(original) != texts.rows_digest:
                raise UserError(
                    tr("this version of iouviewer reads the file in another way than the one that imported it"),
                    path=source,
                    remedy=tr("Import the file again, or export the ground truth."),
                )
            state = state or ReadState.as_read(original)
            edits = find_edits(original, state, now, ids, classes, _ignored_parts(texts.format))
            if edits.is_empty:
                return replace(_unchanged(edits, state, texts), main=_name_in(root, original.path))
            files = SourceFiles(data)
            _refuse_converted(context, texts)
            _patcher(texts.format, source)(files, edits, context)
            for path, content in files.changed.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            # What a person edited is not doubted: the columns mean what they meant before.
            again = read_boxes(copy, replace(context, trust_columns=True), format=texts.format)
            rows = _match(again, edits, files.lost)
        except UserError as error:
            if error.path is not None:
                error.path = _own_path(error.path, root, texts)
            raise
        changed = {path.relative_to(root).as_posix(): content for path, content in files.changed.items()}
        return replace(_result(edits, files, changed, again, rows, ids), main=_name_in(root, original.path))


def _name_in(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


def _unchanged(edits: Edits, state: ReadState, texts: SourceTexts) -> PatchedSource:
    count = len(edits.original.refused)
    return PatchedSource(edits, {}, state.ids, state.tracks, state.class_names, {}, 0, count, texts.rows_digest)


def _result(
    edits: Edits, files: SourceFiles, changed: dict[str, bytes], again: ImportedBoxes, rows: Int, ids: Int
) -> PatchedSource:
    """What was written and reads back; ``rows`` are places among the edits' columns."""
    row_ids, row_tracks = np.full(len(rows), NO_BOX, np.int64), again.track_ids.copy()
    in_file = rows != NEW
    row_ids[in_file] = ids[rows[in_file]]
    row_tracks[in_file] = np.asarray(edits.data.track_ids, np.int64)[rows[in_file]]
    return PatchedSource(
        edits,
        changed,
        row_ids,
        row_tracks,
        _document_names(again, rows, edits.data),
        {field: count for field, count in files.lost.items() if count},
        files.kept_shapes,
        len(edits.original.refused),
        digest_of(again),
    )


def _read_again(copy: Path, context: ReadContext, texts: SourceTexts) -> ImportedBoxes:
    try:
        return read_boxes(copy, context, format=texts.format)
    except UncertainReadingError:
        # Edits saved before may be what readers doubt in a new file.
        return read_boxes(copy, replace(context, trust_columns=True), format=texts.format)


def _unpack(texts: SourceTexts, folder: Path) -> tuple[Path, Path, dict[Path, bytes]]:
    """Put the texts into a folder: their root, the path of the source in it, and the content of each file."""
    root = folder.joinpath(*Path(texts.root).parts[1:][-_KEPT_FOLDERS:])
    root.mkdir(parents=True, exist_ok=True)
    data: dict[Path, bytes] = {}
    for name, content in zip(texts.names, texts.contents(), strict=True):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        data[path] = content
    copy = root / Path(texts.path).relative_to(texts.root)
    if not copy.exists():
        copy.mkdir(parents=True)
    return root, copy, data


def _own_path(path: Path, root: Path, texts: SourceTexts) -> Path:
    return Path(texts.root) / path.relative_to(root) if path.is_relative_to(root) else path


def _patcher(format: str, path: Path) -> Patcher:
    if format not in PATCHERS:
        known = find_format(format)
        name = known.name if known is not None else format
        raise UserError(
            tr("edits cannot be written into {format} files", format=name),
            path=path,
            remedy=tr("Export the ground truth in another format."),
        )
    return cast("Patcher", importlib.import_module(f"iouviewer.formats.patching.{format}").patch)


def _ignored_parts(format: str) -> Part:
    known = find_format(format)
    has_none = known is not None and Field.KEY_FRAMES in known.lacking(scored=False)
    return Part.KEY_FRAME if has_none else Part.NONE


def _refuse_converted(context: ReadContext, texts: SourceTexts) -> None:
    """UserError for files whose numbers were converted on reading: an edit cannot be put back among the others."""
    converted = context.scale_boxes or context.file_size or context.file_fps or context.use_times or context.stride
    if converted:
        raise UserError(
            tr("the file was read with another frame size or frame rate, so edits cannot be written back into it"),
            path=Path(texts.path),
            remedy=tr("Export the ground truth instead: that writes a new file."),
        )


def _document_names(again: ImportedBoxes, rows: Int, now: BoxesToWrite) -> tuple[str, ...]:
    """Class of the document by class of the texts as they are read now, by the boxes; else by name."""
    names = []
    now_ids = np.asarray(now.class_ids)
    for place, name in enumerate(again.class_names):
        of_class = rows[(again.class_ids == place) & (rows != NEW)]
        class_id = int(now_ids[of_class[0]]) if len(of_class) else -1
        names.append(now.class_names[class_id] if class_id >= 0 else name)
    return tuple(names)


def _match(again: ImportedBoxes, edits: Edits, lost: dict[Field, int]) -> Int:
    """(K,) int64, the box (place among the edits' columns) of each row that was read again, ``NEW`` for none.

    Raises:
        UserError: a box is not there, or one is there that should not be. Nothing has been written then.
    """
    result = np.full(len(again), NEW, np.int64)
    with_track = not lost.get(Field.TRACK_IDS) and again.format not in NUMBERED_BY_READER
    names = {name: place for place, name in enumerate(edits.class_names)}
    own_ids = np.array([names.get(name, len(names)) for name in again.class_names] + [-1], np.int64)
    read, wanted = own_ids[again.class_ids], edits.class_ids
    if lost.get(Field.CLASSES):
        read, wanted = np.full(len(again), -1, np.int64), np.full(len(wanted), -1, np.int64)
    open_rows: dict[int, list[int]] = defaultdict(list)
    exact: dict[bytes, list[int]] = defaultdict(list)
    for row, key in enumerate(_keys(again.frames, again.boxes, read)):
        exact[key].append(row)
    tracks = again.track_ids
    late: list[int] = []
    for place, key in enumerate(_keys(edits.frames, edits.boxes, wanted)):
        rows = exact.get(key, [])
        track = int(edits.tracks[place])
        at = next((n for n, row in enumerate(rows) if not with_track or track < 0 or tracks[row] == track), None)
        if at is None:
            late.append(place)
        else:
            result[rows.pop(at)] = place
    for row in np.flatnonzero(result == NEW).tolist():
        open_rows[int(again.frames[row])].append(row)
    missing = 0
    for place in late:
        candidates = open_rows[int(edits.frames[place])]
        track = int(edits.tracks[place])
        found = next(
            (
                at
                for at, row in enumerate(candidates)
                if np.abs(again.boxes[:, row] - edits.boxes[:, place]).max() <= TOLERANCE
                and read[row] == wanted[place]
                and (not with_track or track == NO_TRACK or int(tracks[row]) == track)
            ),
            None,
        )
        if found is None:
            missing += _is_expected(edits, place, lost)
        else:
            result[candidates.pop(found)] = place
    unexpected = max(sum(map(len, open_rows.values())) - int(np.count_nonzero(~edits.imported)), 0)
    if missing or unexpected:
        raise UserError(
            tr_n(
                "{count} box would not read back as it is: nothing was written",
                "{count:,} boxes would not read back as they are: nothing was written",
                missing + unexpected,
            ),
            path=edits.original.path,
            remedy=tr("Export the ground truth instead: that writes a new file."),
        )
    return result


def _keys(frames: Int, boxes: Float, class_ids: Int) -> list[bytes]:
    """One comparable value for each box: its frame and class, and its rectangle bit for bit."""
    rows = np.empty((len(frames), 6), np.int64)
    rows[:, 0], rows[:, 1] = frames, class_ids
    rows[:, 2:] = (np.ascontiguousarray(boxes.T, np.float64) + 0.0).view(np.int64)
    data = rows.tobytes()
    size = rows.shape[1] * rows.itemsize
    return [data[at : at + size] for at in range(0, len(data), size)]


def _is_expected(edits: Edits, place: int, lost: dict[Field, int]) -> bool:
    """Whether a box must be in the file: ignored boxes are left out where the format has no mark for them."""
    return not (lost.get(Field.IGNORED) and edits.box(place).flags & 16)
