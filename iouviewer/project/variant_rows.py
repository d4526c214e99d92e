"""Rows of variants and of their predictions, which are stored in compressed chunks of columns."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.variants import RunState, Variant
from iouviewer.i18n import tr
from iouviewer.metrics.table import BoxTable, Int
from iouviewer.path_texts import encode_legible
from iouviewer.project import checked
from iouviewer.project.checked import DamagedRowsError

CHUNK_FRAMES = 4096
FIRST_LIVE_CHUNK = 1 << 20
"""Chunks of a run in progress are numbered from here, after the chunks of predictions that were written at once."""

_ZLIB_LEVEL = 3
"""Compression level; higher levels take five times as long and save only a tenth more."""

_CHUNK_TABLES = ("prediction_chunks", "chunk_list")

ListRow = tuple[str, int, str, int, str, str, str]

INTERRUPTED = tr("the program ended during this run")


class _Fields(msgspec.Struct):
    """A variant without its predictions. Field names are part of the file format; new fields need defaults."""

    colour: str
    dash: str = "solid"
    visible: bool = True
    path: str = ""
    fps: float | None = None
    throughput: float | None = None
    message: str = ""
    details: dict[str, Any] = {}


class _Classes(msgspec.Struct):
    """The class table of a file or model."""

    names: tuple[str, ...]
    numbers: tuple[int, ...] | None = None
    kind: str = ""
    named: bool = True


class _Run(msgspec.Struct):
    """A prediction set without its boxes. Encoded names are part of the file format; new fields need defaults."""

    has_scores: bool = True
    score_floor: float | None = None
    max_detections: int | None = msgspec.field(default=None, name="cap")
    stride: int = 1
    complete: bool = True
    protocol: dict[str, Any] = {}
    unmapped_count: int = msgspec.field(default=0, name="left_out")
    covers_new_frames: bool = msgspec.field(default=False, name="covers_rest")
    classes: _Classes | None = None
    class_map: dict[str, str] = {}


class _Chunk(msgspec.Struct):
    """Columns of some frames: frame numbers (n,), whether they are covered (n,), rows of each (n,), then the rows."""

    frames: bytes
    covered: bytes
    counts: bytes
    boxes: bytes
    class_ids: bytes
    scores: bytes
    ids: bytes


def _to_builtin(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"a project cannot hold {type(value).__name__}")


_json = msgspec.json.Encoder(enc_hook=_to_builtin)

# The list of variants


def encode_list(variants: Sequence[Variant], baseline: str) -> list[ListRow]:
    """Rows of the table ``variants``."""
    return [
        (
            variant.key,
            position,
            variant.name,
            int(variant.key == baseline),
            str(variant.state),
            _encode_fields(_Fields, variant),
            _encode_fields(_Run, variant.predictions),
        )
        for position, variant in enumerate(variants)
    ]


def _encode_fields(struct: type[_Fields | _Run], value: Variant | PredictionSet) -> str:
    """The attributes of ``value`` that ``struct`` declares, as JSON."""
    names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
    fields = {encoded: getattr(value, name) for encoded, name in names}
    return encode_legible(fields, _json.encode, lambda one: msgspec.to_builtins(one, enc_hook=_to_builtin)).decode()


def write_list(connection: sqlite3.Connection, encoded: Sequence[ListRow]) -> None:
    """Replace the list; predictions of removed variants are deleted."""
    connection.execute("DELETE FROM variants")
    checked.insert(connection, "variants", encoded)
    for table in _CHUNK_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE variant NOT IN (SELECT key FROM variants)")


def read_list_rows(connection: sqlite3.Connection) -> list[ListRow]:
    """Rows of the table ``variants`` in order of position; DamagedRowsError: one was changed or is missing."""
    found: list[Any] = checked.select(connection, "variants", "ORDER BY position, key")
    for table in ("variants", "chunk_list"):
        checked.check_sum(connection, table)
    return found


def baseline_of(found: Sequence[ListRow]) -> str:
    """Key of the baseline, empty without variants."""
    return next((row[0] for row in found if row[3]), found[0][0] if found else "")


def verify_variant(connection: sqlite3.Connection, row: ListRow) -> None:
    """Verify all rows of a variant without decoding its predictions; DamagedRowsError: one is damaged or missing."""
    _decode_row(row)
    _read_chunks(connection, row[0])


def _decode_row(row: Sequence[Any]) -> tuple[RunState, _Fields, _Run]:
    try:
        return (
            RunState(row[4]),
            msgspec.json.decode(row[5], type=_Fields),
            msgspec.json.decode(row[6], type=_Run),
        )
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise DamagedRowsError(tr("variant {name} is damaged: {reason}", name=row[2], reason=error)) from error


def read_variant(connection: sqlite3.Connection, row: ListRow, frame_count: int) -> Variant:
    """A variant with its predictions; DamagedRowsError: they cannot be read."""
    state, fields, run = _decode_row(row)
    known = {field: getattr(fields, field) for field in fields.__struct_fields__}
    if state in (RunState.RUNNING, RunState.QUEUED):
        state = RunState.CANCELLED
        known["message"] = INTERRUPTED
    return Variant(row[0], row[2], _read_predictions(connection, row[0], run, frame_count), state=state, **known)


def is_valid_list_row(row: Sequence[Any]) -> bool:
    """Whether a row of the table ``variants`` can be read."""
    try:
        _decode_row(row)
    except DamagedRowsError:
        return False
    return True


# Predictions


def write_predictions(connection: sqlite3.Connection, key: str, predictions: PredictionSet) -> None:
    """Replace all predictions of a variant."""
    for table in _CHUNK_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE variant = ?", (key,))
    # A frame without a chunk is covered if the set covers new frames.
    known = (predictions.covered != predictions.covers_new_frames) | (np.diff(predictions.stored_table.offsets) > 0)
    frames = np.flatnonzero(known)
    for number, first in enumerate(range(0, len(frames), CHUNK_FRAMES)):
        _write_chunk(connection, key, number, predictions, frames[first : first + CHUNK_FRAMES])


def write_live_chunk(
    connection: sqlite3.Connection, key: str, number: int, predictions: PredictionSet, frames: Iterable[int]
) -> None:
    """Add the predictions of these frames; they replace those of earlier chunks."""
    _write_chunk(connection, key, number, predictions, np.array(sorted(frames), np.int64))


def _write_chunk(
    connection: sqlite3.Connection, key: str, number: int, predictions: PredictionSet, frames: Int
) -> None:
    if not len(frames):
        return
    data, count = encode_chunk(predictions, frames)
    facts = (key, number, int(frames[0]), int(frames[-1]), count)
    checked.insert(connection, "prediction_chunks", [(*facts, data)])
    checked.insert(connection, "chunk_list", [facts])


def _shuffle(array: NDArray[Any]) -> bytes:
    """Eight-byte numbers with bytes grouped by significance, which compresses far better."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(-1, 8).T.tobytes()


def _unshuffle(data: bytes, dtype: type[np.generic]) -> NDArray[Any]:
    return np.frombuffer(data, np.uint8).reshape(8, -1).T.copy().view(np.dtype(dtype).newbyteorder("<")).reshape(-1)


def encode_chunk(predictions: PredictionSet, frames: Int) -> tuple[bytes, int]:
    """Predictions of these frames (ascending), compressed, and how many there are."""
    table = predictions.stored_table
    starts, counts = table.offsets[frames], table.offsets[frames + 1] - table.offsets[frames]
    total = int(counts.sum())
    before = np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(starts, counts) + np.arange(total, dtype=np.int64) - before
    chunk = _Chunk(
        _shuffle(frames.astype("<i8")),
        predictions.covered[frames].astype(np.uint8).tobytes(),
        _shuffle(counts.astype("<i8")),
        _shuffle(table.boxes[:, rows].astype("<f8")),
        _shuffle(table.class_ids[rows].astype("<i8")),
        _shuffle(table.scores[rows].astype("<f8")),
        _shuffle(table.ids[rows].astype("<i8")),
    )
    return zlib.compress(msgspec.msgpack.encode(chunk), _ZLIB_LEVEL), total


def _decode_chunk(
    data: bytes,
) -> tuple[Int, NDArray[np.bool_], Int, NDArray[np.float64], Int, NDArray[np.float64], Int]:
    try:
        chunk = msgspec.msgpack.decode(zlib.decompress(data), type=_Chunk)
        frames, counts = _unshuffle(chunk.frames, np.int64), _unshuffle(chunk.counts, np.int64)
        covered = np.frombuffer(chunk.covered, np.uint8) != 0
        boxes = _unshuffle(chunk.boxes, np.float64).reshape(4, -1)
        class_ids, ids = _unshuffle(chunk.class_ids, np.int64), _unshuffle(chunk.ids, np.int64)
        scores = _unshuffle(chunk.scores, np.float64)
    except (zlib.error, msgspec.MsgspecError, ValueError, TypeError) as error:
        raise DamagedRowsError(tr("predictions are damaged: {reason}", reason=error)) from error
    lengths = {boxes.shape[1], len(class_ids), len(scores), len(ids), int(counts.sum())}
    if len(lengths) != 1 or not len(frames) == len(counts) == len(covered):
        raise DamagedRowsError(tr("predictions are damaged: columns differ in length"))
    return frames, covered, counts, boxes, class_ids, scores, ids


def is_valid_chunk(data: object) -> bool:
    """Whether a chunk can be read."""
    try:
        _decode_chunk(data if isinstance(data, bytes) else b"")
    except DamagedRowsError:
        return False
    return True


def _read_chunks(connection: sqlite3.Connection, key: str) -> list[checked.Row]:
    """Rows of the table ``prediction_chunks`` of a variant, verified and complete."""
    found = checked.select(connection, "prediction_chunks", "WHERE variant = ? ORDER BY number", (key,))
    listed = checked.select(connection, "chunk_list", "WHERE variant = ? ORDER BY number", (key,))
    if [row[:-1] for row in found] != listed:
        raise DamagedRowsError(tr("predictions are missing"))
    return found


def _read_predictions(connection: sqlite3.Connection, key: str, run: _Run, frame_count: int) -> PredictionSet:
    chunks = [_decode_chunk(row[-1]) for row in _read_chunks(connection, key)]
    covered = np.full(frame_count, run.covers_new_frames, np.bool_)
    owner = np.full(frame_count, -1, np.int64)
    for number, (frames, covers, *_rest) in enumerate(chunks):
        if len(frames) and (frames.min() < 0 or frames.max() >= frame_count):
            raise DamagedRowsError(tr("predictions are damaged: a frame is outside the video"))
        owner[frames] = number
        covered[frames] = covers
    known = {name: getattr(run, name) for name in run.__struct_fields__}
    if run.classes is not None:
        try:
            known["classes"] = ClassTable(*msgspec.structs.astuple(run.classes))
            known["classes"] = replace(known["classes"], kind=NumberKind(run.classes.kind))
        except ValueError as error:
            raise DamagedRowsError(tr("class numbers are damaged: {reason}", reason=error)) from error
    if not chunks:
        table = BoxTable.empty(frame_count)
        return PredictionSet(table, covered, raw=None if run.classes is None else table, **known)
    row_frames = [np.repeat(frames, counts) for frames, _covers, counts, *_rest in chunks]
    columns = [np.concatenate(row_frames), np.concatenate([chunk[3] for chunk in chunks], axis=1)]
    columns += [np.concatenate([chunk[place] for chunk in chunks]) for place in (4, 5, 6)]
    if (np.bincount(np.concatenate([chunk[0] for chunk in chunks]), minlength=1) > 1).any():
        # Later chunks of a run replace frames of earlier ones.
        keep = np.concatenate([owner[frames] == number for number, frames in enumerate(row_frames)])
        columns = [column[..., keep] for column in columns]
    frames, boxes, class_ids, scores, ids = columns
    table = BoxTable.from_rows(frames, boxes, frame_count=frame_count, class_ids=class_ids, scores=scores, ids=ids)
    used = table.class_ids
    if run.classes is not None and len(used) and (used.min() < -1 or used.max() >= len(run.classes.names)):
        raise DamagedRowsError(tr("predictions are damaged: a class number is impossible"))
    return PredictionSet(table, covered, raw=None if run.classes is None else table, **known)
