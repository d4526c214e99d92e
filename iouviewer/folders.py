"""Folders of the program's own files: cache, data, configuration and logs.

The environment variable ``IOUVIEWER_HOME`` puts all of them under one folder, for tests and portable installations.
Without a home folder, or on a read-only disk, the program works all the same: a cache is done without, and everything
else is kept in a private temporary folder, which ``replaced`` names.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import sys
import tempfile
from pathlib import Path


def _folder(kind: str) -> Path:
    home = os.environ.get("IOUVIEWER_HOME")
    if home:
        path = Path(home) / kind
    else:
        import platformdirs

        dirs = platformdirs.PlatformDirs("iouviewer", appauthor=False)
        path = {
            "cache": dirs.user_cache_path,
            "data": dirs.user_data_path,
            "config": dirs.user_config_path,
            "log": dirs.user_log_path,
        }[kind]
    if kind == "cache":
        # Its users do without it where it cannot be written.
        with contextlib.suppress(OSError):
            path.mkdir(parents=True, exist_ok=True)
        return path
    try:
        path.mkdir(parents=True, exist_ok=True)
        usable = os.access(path, os.W_OK)
    except OSError:
        usable = False
    if usable:
        _replaced.pop(kind, None)
        return path
    _replaced[kind] = path
    return temporary_folder(kind)


_replaced: dict[str, Path] = {}


def replaced() -> dict[str, Path]:
    """Folders that cannot be written, by kind (``data``, ``config``, ``log``); temporary ones are used instead."""
    return dict(_replaced)


def temporary_folder(kind: str) -> Path:
    """A folder for this user alone; the same each time until the computer is restarted, where that is possible."""
    user = str(os.getuid()) if sys.platform != "win32" else os.environ.get("USERNAME", "user")
    base = Path(tempfile.gettempdir()) / f"iouviewer-{user}"
    with contextlib.suppress(FileExistsError):
        base.mkdir(mode=0o700)
    if sys.platform != "win32":
        found = base.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            # Somebody else made it: nothing of the user is put there.
            base = _private_folder()
    path = base / kind
    path.mkdir(parents=True, exist_ok=True)
    return path


@functools.cache
def _private_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="iouviewer-"))


def cache_folder() -> Path:
    """Folder of files that can be recreated: video indexes, proxies."""
    return _folder("cache")


def data_folder() -> Path:
    """Folder of project files that could not be created beside their video."""
    return _folder("data")


def config_folder() -> Path:
    """Folder of settings, recent files and trusted model hashes."""
    return _folder("config")


def log_folder() -> Path:
    """Folder of the log file."""
    return _folder("log")
