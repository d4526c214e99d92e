"""The project file: one SQLite file with everything that was edited or imported. It reports when edits are durable."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.history import RowChanges, StepSummary
from iouviewer.document.numbering import Numbering
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.renumbering import Renumbered
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.project import history_log, migrations, note_rows, numbering_rows, rows, variant_rows
from iouviewer.project.background_check import BackgroundCheck, damaged_error
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.contents import NewContents, ProjectContents, encode_json
from iouviewer.project.contents_list import write_settings
from iouviewer.project.history_log import HistoryLog
from iouviewer.project.lock import LockFile
from iouviewer.project.logs import set_foreign_logs_aside
from iouviewer.project.partial_load import PartialLoad
from iouviewer.project.rows import (
    BoxColumns,
    FrameStates,
    ProgressCallback,
    no_progress,
    write_changes,
)
from iouviewer.project.schema import SUFFIX, back_up, connect, connect_to_write
from iouviewer.project.writer import FileStamp, Writer

T = TypeVar("T")

CLOSE_SECONDS = 10.0
"""Seconds for which closing retries failed writes."""

READ_SECONDS = 10.0
"""Seconds for which reading waits for steps that are being rewritten."""


class ProjectFile:
    """One open project file: a ``document.history.History`` that also stores everything else of a session.

    Calls come from one thread and return at once; writing happens in its own thread, in order. ``on_saved`` and
    ``on_problem`` are called from that thread; ``on_problem`` is called with an error when writing starts to fail
    (edits then stay in memory) and with None when it works again.

    A file that was opened is checked completely after ``load``; nothing is written before that.

    Attributes:
        notices: sentences for the user about logs that were not applied.
        check: the check of a file that was opened; None for a new file.
    """

    def __init__(self, path: Path, lock: LockFile, new: NewContents | None, extent: tuple[int, int]) -> None:
        """Use ``create`` or ``open``.

        Args:
            new: contents of a file that does not exist yet.
            extent: the history's cursor and number of steps.
        """
        self.path = path
        self.notices: list[str] = []
        self.on_saved: Callable[[int, int], None] | None = None
        self.on_problem: Callable[[UserError | None], None] | None = None
        self._lock = lock
        self._new = new
        self._stored: dict[str, PredictionSet] = {}
        self._next_chunk: dict[str, int] = {}
        self._problem: UserError | None = None
        self._log = HistoryLog(*extent, self._read_steps)
        self._steps_rewritten_by = 0
        self._replaces = False
        self.check = BackgroundCheck(path) if new is None else None
        self._writer = Writer(
            path,
            self._connect,
            on_saved=self._report_saved,
            on_problem=self._report_problem,
            stamp=FileStamp.of(path) if new is None else None,
            on_held=self.check.start if self.check is not None else None,
        )
        if self.check is not None:
            self.check.hold(self._writer)

    @classmethod
    def create(
        cls,
        path: Path,
        document: Document,
        *,
        variants: Iterable[Variant] = (),
        baseline: str = "",
        settings: Mapping[str, Any] | None = None,
        steps: Iterable[Step] = (),
        cursor: int = 0,
        replace: bool = False,
    ) -> ProjectFile:
        """Create a project file for a document and the steps that led to it; ``replace`` an existing file.

        The writer's thread writes the rows; the file exists and is complete when ``on_saved`` is first called.

        Raises:
            UserError: the file exists, or the folder cannot be written.
            ProjectLockedError: another window is creating it.
        """
        if path.exists() and not replace:
            raise _exists(path)
        lock = _lock(path)
        try:
            if path.exists() and not replace:
                raise _exists(path)
            taken = list(steps)
            new = NewContents.of(
                document, variants=variants, baseline=baseline, settings=settings, steps=taken, cursor=cursor
            )
        except BaseException:
            lock.release()
            raise
        project = cls(path, lock, new, (cursor, len(taken)))
        project._replaces = replace
        project._stored = {variant.key: variant.predictions for variant in new.variants}
        request = project._writer.submit(lambda _connection: None)  # the writer creates the file before it
        for position, step in enumerate(taken, start=1):
            project._log.keep(position, step, request)
        return project

    @classmethod
    def open(cls, path: Path, *, take_over: bool = False) -> ProjectFile:
        """Open a project file; an older one is migrated to the current schema.

        Args:
            take_over: ignore the lock of a process on another machine that has ended.

        Raises:
            ProjectLockedError: another window has it open; nothing was changed.
            DamagedProjectError: it is damaged; nothing was changed.
            UserError: it does not exist, is not a project, was made by a newer program, or cannot be read.
        """
        if not path.is_file():
            raise UserError(tr("there is no such project file"), path=path)
        lock = _lock(path, take_over=take_over)
        try:
            notices = _set_logs_aside(path)
            extent = _check(path)
            project = cls(path, lock, None, extent)
        except BaseException:
            lock.release()
            raise
        project.notices = notices
        return project

    @classmethod
    def open_copy(cls, path: Path, target: Path) -> ProjectFile:
        """Open a copy, made at ``target``, of a project that another window has open.

        Raises:
            UserError: the project could not be copied, or ``target`` cannot be opened.
        """
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with closing(connect(path, mode="ro")) as connection:
                back_up(connection, target)
        except (sqlite3.Error, OSError) as error:
            raise UserError(tr("the project could not be copied: {reason}", reason=error), path=path) from error
        return cls.open(target)

    def load(self, progress: ProgressCallback = no_progress) -> ProjectContents:
        """Read everything but the history; ``progress(boxes read, boxes)`` is called repeatedly.

        Raises:
            DamagedProjectError: rows cannot be read or have invalid values.
            UserError: pending requests could not be written within ``CLOSE_SECONDS``.
        """
        with self.begin_load() as part:
            contents = part.read_document(progress).with_variants(part.read_variants())
            part.finish()
            return contents

    def begin_load(self) -> PartialLoad:
        """As ``load``, in parts; the caller closes it, before the file. Raises as ``load``."""
        self._wait_until_written()
        return PartialLoad(self.path, self.check, self._use_as_stored)

    def _use_as_stored(self, variants: Iterable[Variant]) -> None:
        self._stored = {variant.key: variant.predictions for variant in variants}

    # History

    @property
    def progress(self) -> tuple[int, int]:
        """Numbers of (committed, submitted) requests so far: steps and all other writes."""
        return self._writer.progress

    @property
    def step_count(self) -> int:
        """Number of steps, including those that can be redone."""
        return self._log.count

    @property
    def cursor(self) -> int:
        """Number of steps that are done."""
        return self._log.cursor

    def append(self, step: Step, rows: RowChanges) -> None:
        """Add a step after the cursor and drop all later ones; may merge it with the last step (by merge_key)."""
        position, step = self._log.append(step)
        row = history_log.step_row(position, step)

        def write(connection: sqlite3.Connection) -> None:
            _write_changes(connection, rows)
            history_log.write_step(connection, row)

        self._log.keep(position, step, self._writer.submit(write))
        self._log.drop_distant(self.progress[0])

    def undo_step(self) -> Step | None:
        """The step that undo would revert, or None. UserError if it cannot be read."""
        return _step_at(self._log, self._log.cursor, self.check)

    def redo_step(self) -> Step | None:
        """The step that redo would apply again, or None. UserError if it cannot be read."""
        return _step_at(self._log, self._log.cursor + 1, self.check)

    def move(self, by: int, rows: RowChanges) -> None:
        """Move the cursor by the number of steps that were redone, negative for undone ones."""
        cursor = self._log.cursor + by
        if not 0 <= cursor <= self._log.count:
            raise ValueError(f"the cursor cannot move to {cursor} of {self._log.count} steps")
        self._log.cursor = cursor

        def write(connection: sqlite3.Connection) -> None:
            _write_changes(connection, rows)
            history_log.write_cursor(connection, cursor)

        self._writer.submit(write)
        self._log.drop_distant(self.progress[0])

    def step_at(self, position: int) -> Step | None:
        """The step at a position, None outside 1..``step_count``. UserError if it cannot be read."""
        return self._log.at(position)

    def summaries(self, first: int, last: int) -> list[StepSummary]:
        """Steps at positions first..last, both included, without their edits. UserError if they cannot be read."""
        return self._log.summaries(first, last, self._read_summaries)

    def all_steps(self) -> tuple[Step, ...]:
        """All steps, read from the file where they are not in memory. UserError if one cannot be read."""
        return self._log.all()

    def renumber(self, renumbered: Renumbered) -> None:
        """Move all rows and steps to their new frame numbers, in one transaction.

        Call ``save_variant_chunk`` for all pending predictions of runs first.
        """
        relative = rows.relative_to_project(renumbered.source.path, self.path)
        for variant in renumbered.variants:
            self._stored[variant.key] = variant.predictions
            self._next_chunk.pop(variant.key, None)
        request = self._writer.submit(lambda connection: numbering_rows.renumber(connection, renumbered, relative))
        self._log.replace_cached(renumbered.step, request)
        self._steps_rewritten_by = request

    def _read_steps(self, first: int, last: int) -> Mapping[int, Step]:
        return self._read_history(lambda connection: history_log.read_steps(connection, first, last))

    def _read_summaries(self, first: int, last: int) -> list[StepSummary]:
        return self._read_history(lambda connection: history_log.read_summaries(connection, first, last))

    def _read_history(self, read: Callable[[sqlite3.Connection], T]) -> T:
        if self.progress[0] < self._steps_rewritten_by and not self._writer.flush(READ_SECONDS):
            raise UserError(tr("the undo history cannot be read until it is saved"), path=self.path)
        self._writer.check_file()
        with closing(connect(self.path)) as connection:
            try:
                return read(connection)
            except (sqlite3.DatabaseError, DamagedRowsError) as error:
                text = tr("the undo history could not be read: {reason}", reason=error)
                raise UserError(text, path=self.path) from error

    # Everything else

    def import_ground_truth(
        self,
        source: int,
        columns: BoxColumns,
        states: FrameStates,
        *,
        classes: ClassTable,
        next_id: int,
        default_state: FrameState = FrameState.UNLABELLED,
    ) -> None:
        """Replace the ground truth of a source in one transaction, without a step.

        ValueError if there are steps: they refer to boxes that would no longer exist, so the import must be a step.
        """
        if self._log.count:
            raise ValueError("ground truth with a history is replaced by an edit")

        def write(connection: sqlite3.Connection) -> None:
            rows.write_boxes(connection, source, columns, states, next_id)
            rows.write_default_state(connection, source, default_state)
            rows.write_classes(connection, classes)

        self._writer.submit(write)

    def save_source(
        self,
        source: Source,
        numbering: Numbering | None,
        new: range = range(0),
        state: FrameState = FrameState.UNLABELLED,
    ) -> None:
        """Update a source that was moved or has more frames.

        Args:
            numbering: the video frame that each frame number denotes.
            new: frames that have become known; they have this ``state``.
        """
        relative = rows.relative_to_project(source.path, self.path)

        def write(connection: sqlite3.Connection) -> None:
            rows.update_source(connection, source, relative)
            numbering_rows.write_numbering(connection, source.id, numbering)
            rows.write_new_frames(connection, source.id, new, state)

        self._writer.submit(write)

    def save_settings(self, settings: Mapping[str, Any]) -> None:
        """Set JSON values by key; other keys stay."""
        encoded = [(key, encode_json(value)) for key, value in settings.items()]

        def write(connection: sqlite3.Connection) -> None:
            write_settings(connection, encoded)

        self._writer.submit(write)

    def save_variants(self, variants: Iterable[Variant], baseline: str) -> None:
        """Replace the list of variants. Predictions are written only where they changed."""
        listed = tuple(variants)
        encoded = variant_rows.encode_list(listed, baseline)
        changed = [v for v in listed if not _has_rows_of(v.predictions, self._stored.get(v.key))]
        self._stored = {variant.key: variant.predictions for variant in listed}
        for variant in changed:
            self._next_chunk.pop(variant.key, None)

        def write(connection: sqlite3.Connection) -> None:
            variant_rows.write_list(connection, encoded)
            for variant in changed:
                variant_rows.write_predictions(connection, variant.key, variant.predictions)

        self._writer.submit(write)

    def save_variant_chunk(self, variant: Variant, frames: Iterable[int]) -> None:
        """Add the predictions of these frames to those of a variant whose run is in progress.

        ``variant`` has all predictions of the run so far; call ``save_variants`` with it when the run begins.
        """
        chosen = tuple(sorted(frames))
        key, predictions = variant.key, variant.predictions
        number = self._next_chunk.get(key, variant_rows.FIRST_LIVE_CHUNK)
        self._next_chunk[key] = number + 1
        self._stored[key] = predictions
        self._writer.submit(lambda c: variant_rows.write_live_chunk(c, key, number, predictions, chosen))

    def snapshot(self, name: str) -> Path:
        """Copy the project to ``PROJECT.snapshots/NAME.iouv``; returns the path of the copy. UserError: it failed."""
        self._wait_until_written()
        return _write_snapshot(self.path, name)

    def retry_now(self) -> None:
        """Retry failed writes at once."""
        self._writer.retry_now()

    def flush(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Wait until everything is committed; False after ``timeout`` seconds."""
        return self._writer.flush(timeout)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write pending requests, merge the log into the file and unlock it. A second call does nothing.

        Raises:
            UserError: something could not be written; the message says how many changes are lost.
        """
        self._end_check()
        unsaved = self._writer.close(timeout)
        self.on_saved = self.on_problem = None
        self._lock.release()
        if unsaved:
            problem = self._problem or (self.check.damage if self.check is not None else None)
            reason = problem.message if problem else tr("the disk did not respond")
            raise UserError(
                tr_n(
                    "the last change could not be saved ({reason})",
                    "the last {count:,} changes could not be saved ({reason})",
                    unsaved,
                    reason=reason,
                ),
                path=self.path,
            )

    def abandon(self) -> None:
        """Close a file that cannot be written without raising, because another file has all of its contents."""
        self.on_saved = self.on_problem = None
        self._end_check()
        self._writer.close(0.0, discards=True)
        self._lock.release()

    def _connect(self) -> sqlite3.Connection:
        if (new := self._new) is not None:
            new.make_file(self.path, replace=self._replaces)
            self._new = None
        return connect_to_write(self.path, is_new=new is not None)

    def _end_check(self) -> None:
        if self.check is not None:
            saved, requested = self._writer.progress
            self.check.finish(is_needed=saved < requested)

    def _wait_until_written(self) -> None:
        self._writer.retry_now()
        damage = self.check.wait() if self.check is not None else None
        if not self._writer.flush(0.0 if damage else CLOSE_SECONDS):
            raise self._problem or damage or UserError(tr("the disk does not respond"), path=self.path)

    def _report_saved(self, saved: int, requested: int) -> None:
        if (callback := self.on_saved) is not None:
            callback(saved, requested)

    def _report_problem(self, problem: UserError | None) -> None:
        self._problem = problem
        if (callback := self.on_problem) is not None:
            callback(problem)


def snapshot_folder(project: Path) -> Path:
    """The folder of the snapshots of a project."""
    return project.with_name(f"{project.name}.snapshots")


def _set_logs_aside(path: Path) -> list[str]:
    try:
        return set_foreign_logs_aside(path)
    except OSError as error:
        text = tr("a log that belongs to another file could not be renamed: {reason}", reason=error.strerror)
        raise UserError(text, path=path) from error


def _write_snapshot(path: Path, name: str) -> Path:
    folder = snapshot_folder(path)
    stem = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "_", name).strip(" .")[:80] or "snapshot"
    target, number = folder / f"{stem}{SUFFIX}", 1
    while target.exists():
        number += 1
        target = folder / f"{stem} {number}{SUFFIX}"
    try:
        folder.mkdir(exist_ok=True)
        with closing(connect(path)) as connection:
            back_up(connection, target)
    except (sqlite3.Error, OSError) as error:
        raise UserError(tr("the snapshot could not be written: {reason}", reason=error), path=target) from error
    return target


def _write_changes(connection: sqlite3.Connection, changes: RowChanges) -> None:
    for one in changes.by_source:
        write_changes(connection, one)
        if one.notes is not None:
            note_rows.write_notes(connection, one.source, one.notes)


def _step_at(log: HistoryLog, position: int, check: BackgroundCheck | None) -> Step | None:
    """A step; None where it cannot be read and the check of the file is about to say so."""
    try:
        return log.at(position)
    except UserError:
        if check is None or not (check.is_running or check.damage is not None):
            raise
        return None


def _exists(path: Path) -> UserError:
    return UserError(tr("there is already a file with this name"), path=path)


def _lock(path: Path, *, take_over: bool = False) -> LockFile:
    try:
        return LockFile(path, take_over=take_over)
    except OSError as error:
        raise UserError(
            tr("the folder cannot be written: {reason}", reason=error.strerror or error),
            path=path,
            remedy=tr("Choose another folder."),
        ) from error


def _check(path: Path) -> tuple[int, int]:
    """Migrate and check a file; the history's cursor and number of steps."""
    if path.stat().st_size == 0:
        raise damaged_error(path, tr("it is empty"))
    try:
        migrations.migrate(path)
        with closing(connect(path)) as connection:
            return history_log.read_extent(connection)
    except sqlite3.OperationalError as error:
        # Missing permission, another program's lock or a full disk: the file itself may be intact.
        if _is_damage(error):
            raise damaged_error(path, error) from error
        raise UserError(tr("the project cannot be opened: {reason}", reason=error), path=path) from error
    except (sqlite3.DatabaseError, ValueError, DamagedRowsError) as error:
        raise damaged_error(path, error) from error


def _is_damage(error: sqlite3.OperationalError) -> bool:
    # SQLite reports a missing table as a plain SQLITE_ERROR; Python reports text that is not UTF-8 without a name.
    name = getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR"
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")) or name == "SQLITE_ERROR"


def _has_rows_of(predictions: PredictionSet, stored: PredictionSet | None) -> bool:
    """Whether the rows of these predictions are stored; joining them with other classes does not change them."""
    if stored is None:
        return False
    return predictions.stored_table is stored.stored_table and predictions.covered is stored.covered
