"""Protects files on the command line: results never replace an input, or a file that the program did not write itself.

The program remembers what it wrote last (path and SHA-256, ``written.json`` in the data folder), so that a command can
run again over its own results, but not over a file that somebody edited since then.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from iouviewer.atomic import file_digest, is_stream, write_file
from iouviewer.errors import UserError
from iouviewer.folders import data_folder
from iouviewer.i18n import tr

MAX_REMEMBERED = 2_000
"""Results that are remembered; the oldest are forgotten first."""


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[Path | None], *, force: bool) -> None:
    """Refuse results that would destroy something, before anything is read or run.

    Args:
        outputs: by the option that names them; None and folders that do not exist yet are skipped.
        inputs: files and folders that the command reads.
        force: replace existing files that the program did not write.

    Raises:
        UserError: a result is an input or lies among the files of an input folder, two results are one file, the folder
            is missing, or the file exists.
    """
    known = [path for path in inputs if path is not None]
    seen: list[tuple[str, Path]] = []
    for option, path in outputs.items():
        if path is None:
            continue
        if not path.absolute().parent.is_dir():
            raise UserError(tr("the folder for this file does not exist"), path=path, remedy=tr("Create it first."))
        for other, earlier in seen:
            if _is_same(path, earlier):
                raise UserError(
                    tr("{first} and {second} name the same file", first=other, second=option),
                    path=path,
                    remedy=tr("Choose two names."),
                )
        seen.append((option, path))
        for source in known:
            if _is_same(path, source) or (source.is_dir() and _is_inside(path, source)):
                raise UserError(
                    tr("{option} would replace the input {path}", option=option, path=source),
                    path=path,
                    remedy=tr("Choose another name."),
                )
        if path.is_file() and not is_stream(path) and not force and not was_written(path):
            raise UserError(
                tr("the file exists, and iouviewer did not write it or it was changed since then"),
                path=path,
                remedy=tr("Choose another name, or replace it with --force."),
            )


def write_result(path: Path, data: bytes) -> None:
    """Write a result and remember it; a pipe or device gets the bytes as they are."""
    write_file(path, data)
    remember(path)


def was_written(path: Path) -> bool:
    """Whether the content of a file is what the program wrote there last; a project's log is part of it."""
    if any(map(_has_content, (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")))):
        return False
    recorded = _read().get(_key(path))
    return recorded is not None and recorded == file_digest(path)


def remember(path: Path) -> None:
    """Remember a file that was just written; if that fails, it needs ``--force`` next time."""
    if is_stream(path) or not path.is_file():
        return
    entries = _read()
    entries.pop(_key(path), None)
    entries[_key(path)] = file_digest(path)
    with contextlib.suppress(UserError, OSError):
        kept = dict(list(entries.items())[-MAX_REMEMBERED:])
        write_file(data_folder() / "written.json", json.dumps(kept, indent=0).encode())


def _read() -> dict[str, str]:
    try:
        values = json.loads((data_folder() / "written.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def _key(path: Path) -> str:
    return os.path.normcase(path.resolve())


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _is_same(path: Path, other: Path) -> bool:
    """Whether two paths are one file, through links too."""
    if path.exists() and other.exists():
        return path.samefile(other)
    return _key(path) == _key(other)


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether an existing file lies in a folder that is read."""
    return path.exists() and folder.resolve() in path.resolve().parents
