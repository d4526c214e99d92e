"""The project file: one SQLite file that holds all that a person did, durable as soon as it says so."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.history import Step
from iouviewer.document.numbering import Numbering
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.renumbering import Renumbered
from iouviewer.document.sources import Source
from iouviewer.document.variants import Variant
from iouviewer.errors import UserError
from iouviewer.project import history_log, migrations, numbering_rows, rows, variant_rows
from iouviewer.project.contents import NewContents, ProjectContents, encode_json, read_contents
from iouviewer.project.durable_history import DurableHistory
from iouviewer.project.lock import LockFile
from iouviewer.project.rows import Columns, DamagedRowsError, FrameStates, Progress, no_progress
from iouviewer.project.schema import SUFFIX, back_up, connect, connect_to_write
from iouviewer.project.writer import Writer

CLOSE_SECONDS = 10.0
"""How long closing goes on trying to write what could not be written."""


class DamagedProjectError(UserError):
    """The file is damaged; it is unchanged. ``salvage`` saves what can be read."""


class ProjectFile(DurableHistory):
    """One open project file: a ``document.history.History``, and the writer of all else that a session keeps.

    Calls come from one thread and return at once; writing happens in a thread of its own, in order. ``on_saved`` and
    ``on_problem`` are called from that thread; ``on_problem`` gets one error when writing begins to fail (edits wait in
    memory meanwhile) and None when it works again.
    """

    def __init__(self, path: Path, lock: LockFile, new: NewContents | None, extent: tuple[int, int]) -> None:
        """Use ``create`` or ``open``."""
        self.on_saved: Callable[[int, int], None] | None = None
        self.on_problem: Callable[[UserError | None], None] | None = None
        self._lock = lock
        self._new = new
        self._stored: dict[str, PredictionSet] = {}
        self._next_chunk: dict[str, int] = {}
        self._made = threading.Event()
        self._problem: UserError | None = None
        writer = Writer(path, self._connect, on_saved=self._tell_saved, on_problem=self._tell_problem)
        super().__init__(path, writer, *extent)

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
    ) -> ProjectFile:
        """Make a new project file of a document and the steps that led to it.

        The rows are written by the writer's thread: the file is there, whole, when ``on_saved`` is first called.

        Raises:
            UserError: there is a file at this place, or the folder cannot be written.
            ProjectLockedError: another window is making one there.
        """
        if path.exists():
            raise UserError("there is a file at this place already", path=path)
        lock = _lock(path)
        try:
            if path.exists():
                raise UserError("there is a file at this place already", path=path)
            taken = list(steps)
            new = NewContents.of(
                document, variants=variants, baseline=baseline, settings=settings, steps=taken, cursor=cursor
            )
        except BaseException:
            lock.release()
            raise
        project = cls(path, lock, new, (cursor, len(taken)))
        project._stored = {variant.key: variant.predictions for variant in new.variants}
        # The file is made before the first request runs.
        project._keep_steps(taken, project._submit(lambda _connection: None))
        return project

    @classmethod
    def open(cls, path: Path, *, take_over: bool = False) -> ProjectFile:
        """Open an existing project file; an older one is brought to the present schema.

        Args:
            take_over: ignore the lock of a machine that can no longer be asked.

        Raises:
            ProjectLockedError: another window has it open; nothing was changed.
            DamagedProjectError: it is damaged; nothing was changed.
            UserError: it is not there, no project, made by a newer program, or cannot be read.
        """
        if not path.is_file():
            raise UserError("there is no such project file", path=path)
        lock = _lock(path, take_over=take_over)
        try:
            extent = _check(path)
        except BaseException:
            lock.release()
            raise
        project = cls(path, lock, None, extent)
        project._made.set()
        return project

    @classmethod
    def copy_of(cls, path: Path, target: Path) -> ProjectFile:
        """Open a copy, made at ``target``, of a project that another window has open.

        Raises:
            UserError: the copy could not be made, or ``target`` cannot be opened.
        """
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with closing(connect(path, mode="ro")) as connection:
                back_up(connection, target)
        except (sqlite3.Error, OSError) as error:
            raise UserError(f"the project could not be copied: {error}", path=path) from error
        return cls.open(target)

    def load(self, progress: Progress = no_progress) -> ProjectContents:
        """All that stands in the file; ``progress(boxes read, boxes)`` is called now and then.

        Raises:
            DamagedProjectError: rows cannot be read, or hold what could not have been written.
            UserError: what waits to be written could not be written within a few seconds.
        """
        self._wait_until_written()
        with closing(connect(self.path)) as connection:
            try:
                contents = read_contents(connection, progress)
            except (sqlite3.DatabaseError, DamagedRowsError) as error:
                raise _damaged(self.path, error) from error
        self._stored = {variant.key: variant.predictions for variant in contents.variants}
        return contents

    # Everything else

    def import_ground_truth(
        self,
        source: int,
        columns: Columns,
        states: FrameStates,
        *,
        class_names: tuple[str, ...],
        next_id: int,
        rest: FrameState = FrameState.UNLABELLED,
    ) -> None:
        """Replace the ground truth of a source in one transaction, as no step.

        ValueError if there are steps: they name boxes that would be gone, so the import has to be a step itself.
        """
        if self._log.count:
            raise ValueError("ground truth with a history is replaced by an edit")

        def write(connection: sqlite3.Connection) -> None:
            rows.write_columns(connection, source, columns, next_id)
            rows.write_states(connection, source, states)
            rows.write_rest(connection, source, rest)
            rows.write_class_names(connection, class_names)

        self._submit(write)

    def save_source(
        self,
        source: Source,
        numbering: Numbering | None,
        new: range = range(0),
        state: FrameState = FrameState.UNLABELLED,
    ) -> None:
        """Replace what is known of a source (it was moved, or has more frames).

        Args:
            numbering: which pictures its frames are.
            new: frames that have become known; they have this ``state``.
        """
        relative = rows.relative_to_project(source.path, self.path)

        def write(connection: sqlite3.Connection) -> None:
            rows.update_source(connection, source, relative)
            numbering_rows.write_numbering(connection, source.id, numbering)
            rows.write_new_frames(connection, source.id, new, state)

        self._submit(write)

    def renumber(self, renumbered: Renumbered) -> None:
        """Move all rows and steps to other frames, in one transaction.

        Predictions of runs that are held back for a chunk must have been given to ``save_variant_chunk`` before.
        """
        relative = rows.relative_to_project(renumbered.source.path, self.path)
        for variant in renumbered.variants:
            self._stored[variant.key] = variant.predictions
            self._next_chunk.pop(variant.key, None)
        request = self._submit(lambda connection: numbering_rows.renumber(connection, renumbered, relative))
        self._rewrite_steps(renumbered.step, request)

    def save_settings(self, settings: Mapping[str, Any]) -> None:
        """Put JSON values by key; other keys stay."""
        encoded = [(key, encode_json(value)) for key, value in settings.items()]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", encoded)

        self._submit(write)

    def save_variants(self, variants: Iterable[Variant], baseline: str) -> None:
        """Put the list of variants; others are gone. Predictions are written where they changed."""
        named = tuple(variants)
        encoded = variant_rows.encode_list(named, baseline)
        others = [v for v in named if self._stored.get(v.key) is not v.predictions]
        self._stored = {variant.key: variant.predictions for variant in named}
        for variant in others:
            self._next_chunk.pop(variant.key, None)

        def write(connection: sqlite3.Connection) -> None:
            variant_rows.write_list(connection, encoded)
            for variant in others:
                variant_rows.write_predictions(connection, variant.key, variant.predictions)

        self._submit(write)

    def save_variant_chunk(self, variant: Variant, frames: Iterable[int]) -> None:
        """Add the predictions of these frames to those of a variant whose run goes on.

        ``variant`` holds the predictions of the run so far; it was given to ``save_variants`` when it began.
        """
        chosen = tuple(sorted(frames))
        key, predictions = variant.key, variant.predictions
        number = self._next_chunk.get(key, variant_rows.FIRST_LIVE_CHUNK)
        self._next_chunk[key] = number + 1
        self._stored[key] = predictions
        self._submit(lambda c: variant_rows.write_live_chunk(c, key, number, predictions, chosen))

    def snapshot(self, name: str) -> Path:
        """Copy the project as it is now to ``NAME.iouv`` in the folder ``PROJECT.snapshots``; returns the copy.

        Raises:
            UserError: what waits could not be written, or the copy could not be made.
        """
        self._wait_until_written()
        folder = self.path.with_name(f"{self.path.name}.snapshots")
        stem = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "_", name).strip(" .")[:80] or "snapshot"
        target, number = folder / f"{stem}{SUFFIX}", 1
        while target.exists():
            number += 1
            target = folder / f"{stem} {number}{SUFFIX}"
        try:
            folder.mkdir(exist_ok=True)
            with closing(connect(self.path)) as connection:
                back_up(connection, target)
        except (sqlite3.Error, OSError) as error:
            raise UserError(f"the snapshot could not be written: {error}", path=target) from error
        return target

    def retry_now(self) -> None:
        """Try at once to write what could not be written."""
        self._writer.retry_now()

    def flush(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Wait until all is committed; False after ``timeout`` seconds."""
        return self._writer.flush(timeout)

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Write what waits and leave one file, unlocked. A second call does nothing.

        Raises:
            UserError: something could not be written; it says how many edits are lost with this window.
        """
        left = self._writer.close(timeout)
        self.on_saved = self.on_problem = None
        self._lock.release()
        if left:
            reason = self._problem.message if self._problem else "the disk did not answer"
            raise UserError(f"the last {left} changes could not be saved ({reason})", path=self.path)

    def abandon(self) -> None:
        """Let go of a file that cannot be written, without a word; another file has all that it was to hold."""
        self.on_saved = self.on_problem = None
        self._writer.close(0.0)
        self._lock.release()

    # Inside

    def _connect(self) -> sqlite3.Connection:
        if self._new is not None:
            self._new.make_file(self.path)
            self._new = None
            self._made.set()
        return connect_to_write(self.path)

    def _wait_until_written(self) -> None:
        self._writer.retry_now()
        if not self._writer.flush(CLOSE_SECONDS):
            raise self._problem or UserError("the disk does not answer", path=self.path)

    def _tell_saved(self, saved: int, requested: int) -> None:
        callback = self.on_saved
        if callback is not None:
            callback(saved, requested)

    def _tell_problem(self, problem: UserError | None) -> None:
        self._problem = problem
        callback = self.on_problem
        if callback is not None:
            callback(problem)


def _lock(path: Path, *, take_over: bool = False) -> LockFile:
    try:
        return LockFile(path, take_over=take_over)
    except OSError as error:
        raise UserError(
            f"the folder cannot be written: {error.strerror or error}", path=path, remedy="Choose another folder."
        ) from error


def _check(path: Path) -> tuple[int, int]:
    """Migrate and check a file; the history's cursor and number of steps."""
    if path.stat().st_size == 0:
        raise _damaged(path, "it is empty")
    try:
        migrations.migrate(path)
        with closing(connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found is None or found[0] != "ok":
                raise _damaged(path, found[0] if found else "no answer")
            return history_log.read_extent(connection)
    except sqlite3.OperationalError as error:
        # No permission, a lock of another program, a full disk: the file itself may be sound.
        if _is_damage(error):
            raise _damaged(path, error) from error
        raise UserError(f"the project cannot be opened: {error}", path=path) from error
    except (sqlite3.DatabaseError, ValueError) as error:
        raise _damaged(path, error) from error


def _is_damage(error: sqlite3.OperationalError) -> bool:
    # A missing table is reported as a plain error.
    name = getattr(error, "sqlite_errorname", "")
    return name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")) or name == "SQLITE_ERROR"


def _damaged(path: Path, reason: object) -> DamagedProjectError:
    return DamagedProjectError(f"the project file is damaged: {reason}", path=path)
