"""The file of a dataset: JSON that lists its sources and what is known of them; their boxes stay in their projects."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from iouviewer import __version__
from iouviewer.atomic import write_file
from iouviewer.document.dataset import Dataset, DatasetSource, SourceNumbers, SourceProgress
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.path_texts import path_text, text_path

SUFFIX = ".ioudataset"
FORMAT = 1
"""Version of the format; a file with a later one is not read, because writing it would lose what it has more."""


class _Source(msgspec.Struct, omit_defaults=True):
    """One source. Names are part of the file format; new fields need defaults."""

    id: int
    path: str
    relative: str = ""
    title: str = ""
    project: str = ""
    relative_project: str = ""
    truth_file: str = ""
    prediction_files: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    included: bool = True
    last_frame: int = 0
    progress: SourceProgress | None = None
    numbers: SourceNumbers | None = None


class _File(msgspec.Struct):
    """The whole file."""

    format: int
    program: str = ""
    next_id: int = 0
    current: int = -1
    baseline: str = ""
    sources: tuple[_Source, ...] = ()


class DatasetFile:
    """A dataset on disk; every ``write`` replaces the file wholly or not at all.

    Attributes:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._written: bytes | None = None

    def read(self) -> Dataset:
        """Read the file. Where a relative path of it exists, it comes before the absolute one.

        Raises:
            UserError: it cannot be read, is damaged, or a later version wrote it.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            text = tr("the dataset cannot be read: {reason}", reason=error.strerror or error)
            raise UserError(text, path=self.path) from error
        dataset = _decode(data, self.path)
        self._written = data
        return dataset

    def write(self, dataset: Dataset) -> None:
        """Write the file if anything changed.

        Raises:
            UserError: it cannot be written, exists although it was not read, or another program changed it meanwhile;
                nothing was changed.
        """
        data = _encode(dataset, self.path)
        if data == self._written:
            return
        now = self.path.read_bytes() if self.path.is_file() else None
        if now is not None and now != self._written:
            raise UserError(
                tr("another program has changed the dataset"),
                path=self.path,
                remedy=tr("Open it again to go on with its present sources."),
            )
        write_file(self.path, data)
        self._written = data


def _encode(dataset: Dataset, path: Path) -> bytes:
    folder = path.parent
    sources = tuple(
        _Source(
            one.id,
            path_text(one.path),
            path_text(_relative(one.path, folder)),
            one.title,
            path_text(one.project),
            path_text(_relative(one.project, folder)),
            path_text(_relative(one.truth_file, folder) or one.truth_file),
            tuple((name, path_text(_relative(path, folder) or path)) for name, path in one.prediction_files),
            one.tags,
            one.included,
            one.last_frame,
            one.progress,
            one.numbers,
        )
        for one in dataset.sources
    )
    file = _File(FORMAT, __version__, dataset.next_id, dataset.current, dataset.chosen_baseline, sources)
    return msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"


def _relative(path: str, folder: Path) -> str:
    """A path relative to the folder, with ``/``; empty on another drive and for no path."""
    if not path:
        return ""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return ""


def _decode(data: bytes, path: Path) -> Dataset:
    try:
        raw: dict[str, Any] = msgspec.json.decode(data, type=dict[str, Any])
        version = raw.get("format")
        if isinstance(version, int) and version > FORMAT:
            raise UserError(
                tr("a later version of iouviewer wrote this dataset"), path=path, remedy=tr("Use that version.")
            )
        stored = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UserError(
            tr("the dataset is damaged: {reason}", reason=error),
            path=path,
            remedy=tr("The projects of its videos are intact: drop the videos on the window to list them again."),
        ) from error
    ids = [one.id for one in stored.sources]
    if len(set(ids)) < len(ids):
        raise UserError(tr("the dataset is damaged: {reason}", reason=tr("two sources have one number")), path=path)
    found = tuple(_source(one, path.parent) for one in stored.sources)
    dataset = Dataset(found, max([stored.next_id, *(id + 1 for id in ids)]), stored.current, stored.baseline)
    return dataset if dataset.find(dataset.current) is not None else replace(dataset, current=-1)


def _source(one: _Source, folder: Path) -> DatasetSource:
    return DatasetSource(
        one.id,
        _found(one.path, one.relative, folder),
        one.title,
        _found(one.project, one.relative_project, folder),
        _joined(one.truth_file, folder),
        tuple((name, _joined(path, folder)) for name, path in one.prediction_files),
        one.tags,
        one.included,
        max(one.last_frame, 0),
        one.progress,
        one.numbers,
    )


def _found(absolute: str, relative: str, folder: Path) -> str:
    """The relative path where there is something, else the absolute one."""
    near = Path(os.path.normpath(folder / text_path(relative))) if relative else None
    return str(near) if near is not None and near.exists() else text_path(absolute)


def _joined(text: str, folder: Path) -> str:
    return os.path.normpath(folder / text_path(text)) if text else ""
