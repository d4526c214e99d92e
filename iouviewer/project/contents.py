"""Reads the contents of a project file, and writes new project files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from iouviewer import __version__
from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.frame_lists import SETTING, FrameLists
from iouviewer.document.notes import Note
from iouviewer.document.numbering import Numbering
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.metrics.table import Bool, BoxTable
from iouviewer.path_texts import encode_legible, text_path
from iouviewer.project import checked, history_log, note_rows, numbering_rows, rows, variant_rows
from iouviewer.project.contents_list import CLASSES, write_settings
from iouviewer.project.rows import ProgressCallback, no_progress
from iouviewer.project.schema import connect, create_tables


@dataclass(frozen=True, slots=True)
class ProjectContents:
    """What was read from a project file.

    Attributes:
        variants: in the order of the table; unfinished runs are cancelled.
        baseline: key of the baseline, empty without variants.
        settings: JSON values by key.
        relative_paths: path of each source relative to the project's folder, by source id.
        variant_names: names of all variants of the file by key, in the order of the table.
    """

    document: Document
    variants: tuple[Variant, ...] = ()
    baseline: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    relative_paths: Mapping[int, str] = field(default_factory=dict)
    variant_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def reading_order(self) -> list[str]:
        """Keys of the variants in the order in which they are read: the baseline first."""
        return sorted(self.variant_names, key=lambda key: key != self.baseline)

    def with_variants(self, variants: Iterable[Variant]) -> ProjectContents:
        """These contents with the variants that could be read, which may come in any order."""
        found = {variant.key: variant for variant in variants}
        return replace(self, variants=tuple(found[key] for key in self.variant_names if key in found))


@dataclass(frozen=True, slots=True)
class _SourceSnapshot:
    source: Source
    columns: rows.BoxColumns
    states: rows.FrameStates
    next_id: int
    decisions: tuple[tuple[str, str], ...]
    numbering: Numbering | None
    default_state: FrameState
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class NewContents:
    """A snapshot to write to a new file; the document may change meanwhile."""

    sources: tuple[_SourceSnapshot, ...]
    classes: ClassTable
    variants: tuple[Variant, ...]
    baseline: str
    settings: Mapping[str, str]
    steps: tuple[history_log.Row, ...]
    cursor: int

    @classmethod
    def of(
        cls,
        document: Document,
        *,
        variants: Iterable[Variant] = (),
        baseline: str = "",
        settings: Mapping[str, Any] | None = None,
        steps: Iterable[Step] = (),
        cursor: int = 0,
    ) -> NewContents:
        """Take the snapshot: frame states are copied, boxes are shared."""
        sources = []
        for number, source in sorted(document.sources.items()):
            truth = document.ground_truth(number)
            decisions = tuple(sorted(document.decisions(number).items()))
            columns, states = rows.BoxColumns.of(truth), rows.FrameStates.of(truth)
            numbering = document.numbering(number)
            sources.append(
                _SourceSnapshot(
                    source,
                    columns,
                    states,
                    truth.next_id,
                    decisions,
                    numbering,
                    truth.default_state,
                    document.notes(number),
                )
            )
        return cls(
            tuple(sources),
            document.classes,
            tuple(variants),
            baseline,
            {key: encode_json(value) for key, value in (settings or {}).items()},
            tuple(history_log.step_row(position, step) for position, step in enumerate(steps, start=1)),
            cursor,
        )

    def write(self, connection: sqlite3.Connection, project: Path) -> None:
        """Fill an empty database; the file will then be moved to ``project``."""
        create_tables(connection)
        facts = [("program", __version__), ("created", time.time())]
        checked.insert(connection, "meta", facts)
        for snapshot in self.sources:
            source = snapshot.source
            relative = rows.relative_to_project(source.path, project)
            rows.write_source(connection, source, relative, snapshot.next_id)
            rows.write_boxes(connection, source.id, snapshot.columns, snapshot.states, snapshot.next_id)
            rows.write_decisions(connection, source.id, snapshot.decisions)
            note_rows.write_notes(connection, source.id, snapshot.notes)
            rows.write_default_state(connection, source.id, snapshot.default_state)
            numbering_rows.write_numbering(connection, source.id, snapshot.numbering)
        rows.write_classes(connection, self.classes)
        history_log.replace_steps(connection, self.steps)
        history_log.write_cursor(connection, self.cursor)
        write_settings(connection, self.settings.items())
        variant_rows.write_list(connection, variant_rows.encode_list(self.variants, self.baseline))
        for variant in self.variants:
            variant_rows.write_predictions(connection, variant.key, variant.predictions)

    def make_file(self, path: Path, *, replace: bool = False) -> None:
        """Write a new project file, complete or not at all; ``replace`` an existing one.

        Raises:
            FileExistsError: the file exists already; it is unchanged.
            sqlite3.Error, OSError: nothing was created.
        """
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        try:
            with closing(connect(part, mode="rwc")) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("BEGIN IMMEDIATE")
                self.write(connection, path)
                connection.execute("COMMIT")
            if path.exists() and not replace:
                raise FileExistsError(17, tr("there is already a file with this name"), str(path))
            part.replace(path)
            sync_folder(path.parent)
            # Logs of a file that was replaced; they name another session and would not be applied later either.
            delete_logs(path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def delete_logs(path: Path) -> None:
    """Delete the logs beside a file, which belong to an earlier one of this name."""
    for suffix in ("-wal", "-journal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a new file name in a folder durable, where the system can flush folders."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def encode_json(value: object) -> str:
    """A setting as JSON text."""
    return encode_legible(value, msgspec.json.encode, msgspec.to_builtins).decode()


def read_contents(connection: sqlite3.Connection, progress: ProgressCallback = no_progress) -> ProjectContents:
    """Everything in an open file except its history.

    ``progress(boxes read, boxes)`` is called repeatedly, in this thread; an exception from it ends the reading.

    Raises:
        DamagedRowsError: a row has invalid values. sqlite3.DatabaseError: the file is damaged.
    """
    reader = ContentsReader(connection, progress)
    return reader.contents.with_variants(reader.read_variants())


class ContentsReader:
    """Reads a file in parts: first everything but the variants, then one variant after the other.

    Attributes:
        contents: without variants.
    """

    def __init__(self, connection: sqlite3.Connection, progress: ProgressCallback = no_progress) -> None:
        """Read the document; see ``read_contents``."""
        self._connection = connection
        document = rows.read_document(connection, progress)
        sources = rows.read_sources(connection)
        for source, _relative, _next in sources:
            numbering = numbering_rows.read_numbering(connection, source.id, source.frame_count)
            document.set_numbering(numbering, source.id)
            document.load_notes(note_rows.read_notes(connection, source), source.id)
        self._frame_count = max((source.frame_count for source, _relative, _next in sources), default=0)
        self._rows = variant_rows.read_list_rows(connection)
        baseline = variant_rows.baseline_of(self._rows)
        relative_paths = {source.id: relative for source, relative, _next in sources}
        names = {row[0]: row[2] for row in self._rows}
        settings = _read_settings(connection)
        document.frame_lists = FrameLists.from_json(settings.get(SETTING))
        self.contents = ProjectContents(document, (), baseline, settings, relative_paths, names)
        self._join = _Join.of(document)

    def verify_predictions(self) -> None:
        """Verify the rows of all predictions without decoding them.

        Raises:
            DamagedRowsError: one is damaged or missing.
        """
        for row in self._rows:
            variant_rows.verify_variant(self._connection, row)

    def read_variants(self) -> Iterator[Variant]:
        """The variants in the classes of the ground truth as it was read, the baseline first."""
        found = {row[0]: row for row in self._rows}
        for key in self.contents.reading_order:
            variant = variant_rows.read_variant(self._connection, found[key], self._frame_count)
            yield variant if self._join is None else self._join.apply(variant)


def _read_settings(connection: sqlite3.Connection) -> dict[str, Any]:
    try:
        found = checked.select(connection, "settings")
        checked.check_sum(connection, "settings")
        return {key: msgspec.json.decode(value) for key, value in found if key != CLASSES}
    except (msgspec.MsgspecError, TypeError) as error:
        raise checked.DamagedRowsError(tr("a setting is damaged: {reason}", reason=error)) from error


@dataclass(frozen=True, slots=True)
class _Join:
    """What joins predictions with the classes of the first source's ground truth; edits do not change these values."""

    classes: ClassTable
    truth: BoxTable
    labelled: Bool
    unscored: frozenset[int]

    @classmethod
    def of(cls, document: Document) -> _Join | None:
        """None without sources."""
        if not document.sources:
            return None
        truth = document.ground_truth(min(document.sources))
        labelled = truth.states() == int(FrameState.LABELLED)
        return cls(document.classes, truth.table(), labelled, truth.unscored_classes())

    def apply(self, variant: Variant) -> Variant:
        """The variant in these classes."""
        joined = variant.predictions.joined_with(
            self.classes, self.truth, self.labelled, class_agnostic=False, unscored=self.unscored
        )
        return replace(variant, predictions=joined)


def read_video_path(project: Path) -> str:
    """Path of a project's first video as last known; empty if the file cannot be read."""
    return text_path(_read_of_first_source(project, "path"))


def read_fingerprint(project: Path) -> str:
    """Fingerprint of a project's first video; empty if the file cannot be read."""
    return _read_of_first_source(project, "fingerprint")


def _read_of_first_source(project: Path, column: str) -> str:
    try:
        with closing(connect(project, mode="ro")) as connection:
            found = connection.execute(f"SELECT {column} FROM sources ORDER BY id LIMIT 1").fetchone()
    except sqlite3.Error:
        return ""
    return str(found[0]) if found else ""
