"""Folders of the program's own files: cache, data, configuration and logs.

The environment variable ``IOUVIEWER_HOME`` puts all of them under one folder, for tests and portable installations.
"""

from __future__ import annotations

import os
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
    path.mkdir(parents=True, exist_ok=True)
    return path


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
