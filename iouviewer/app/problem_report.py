"""A report about a problem: versions, crashes, settings and log as one text, in which private paths are shortened.

Nothing is sent: the text is shown to the user, who saves it and decides.
"""

from __future__ import annotations

import getpass
import json
import platform
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from iouviewer import __version__, folders
from iouviewer.app.logging_setup import LOG_FILES, log_path
from iouviewer.atomic import write_file
from iouviewer.i18n import tr

PACKAGES = (
    "PySide6",
    "PySide6-Essentials",
    "pyqtgraph",
    "numpy",
    "av",
    "opencv-python-headless",
    "opencv-python",
    "torch",
    "ultralytics",
)

_LOG_CHARACTERS = 200_000
"""Characters of the log in the report, its end: some hours of work, and little enough for an e-mail."""

_PATH = re.compile(r"""(?<![\w/\\.…~>])(?:[A-Za-z]:[\\/]|\\\\|/(?!/))[^\s'"“”<>|:;,()\[\]{}]*""")
"""An absolute path of any system, up to the first character that hardly belongs to one."""

_REST = r"""(?:[\\/][^\s'"“”<>|:;,()\[\]{}]*)?"""
"""What may follow a known folder."""

_QUOTED_PATH = re.compile(r"""(["'“])((?:[A-Za-z]:[\\/]|\\\\|/)[^"'”\n]*)(["'”])""")
"""An absolute path in quotation marks, which may hold spaces."""

_PROGRAM = re.compile(r".*[\\/](?=(?:site-packages|dist-packages|iouviewer|python3\.\d+)[\\/])")
"""The part of a path before the program's own files, which are not private."""


def versions_text() -> str:
    """Versions of the program, the system and the packages that matter, one a line."""
    rows = [("iouviewer", __version__), ("Python", platform.python_version()), (platform.platform(), "")]
    for name in PACKAGES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return "".join(f"{name} {number}".strip() + "\n" for name, number in rows)


def shorten_paths(text: str, known: Iterable[str] = ()) -> str:
    """The text with only the last part of each path: folders name people, customers and projects.

    Paths within the program keep their place in it, which a report needs. The user's name becomes ``<user>``.

    Args:
        known: paths that may occur with spaces in them.
    """
    text = _QUOTED_PATH.sub(lambda match: f"{match[1]}{_short(match[2])}{match[3]}", text)
    for path in sorted({path for path in known if len(path) > 1}, key=len, reverse=True):
        text = re.sub(re.escape(path) + _REST, lambda match: _short(match[0]), text)
    text = _PATH.sub(lambda match: _short(match[0]), text)
    user = _user_name()
    return re.sub(rf"\b{re.escape(user)}\b", "<user>", text) if len(user) > 2 and user != "root" else text


def _short(path: str) -> str:
    """``…/name`` of a path, ``…/iouviewer/module.py`` of one in the program."""
    within = _PROGRAM.match(path)
    if within is not None and path.endswith(".py"):
        return f"…/{path[within.end() :]}"
    parts = [part for part in re.split(r"[\\/]+", path) if part]
    if len(parts) < 2:
        return path
    return f"…/{parts[-1]}"


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name
        return ""


def gather_facts() -> str:
    """Versions, settings and log, with short paths."""
    settings = _read_settings()
    known = [text for text in _strings(settings) if Path(text).is_absolute()]
    known += [str(Path(path).parent) for path in known] + [str(Path.home())]
    parts = [
        (tr("Versions"), versions_text()),
        (tr("Settings"), shorten_paths(json.dumps(settings, indent=1, ensure_ascii=False), known)),
        (tr("Log"), shorten_paths(_log_text(), known)),
    ]
    return "\n\n".join(_section(title, text) for title, text in parts) + "\n"


def report_text(words: str, facts: str) -> str:
    """The whole report: the user's own words first."""
    return f"{_section(tr('What happened'), words)}\n\n{facts}"


def _section(title: str, text: str) -> str:
    return f"== {title} ==\n{text.strip()}"


def _read_settings() -> Any:
    """The settings, without window geometry and letters; the error in words if they cannot be read."""
    try:
        settings = json.loads((folders.config_folder() / "settings.json").read_bytes())
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(settings, dict):
        for name in ("window_geometry", "window_state"):
            settings.pop(name, None)
    return settings


def _strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _log_text() -> str:
    """The end of the log, oldest line first."""
    text = ""
    for number in range(LOG_FILES):
        path = log_path()
        path = path.with_name(f"{path.name}.{number}") if number else path
        if len(text) >= _LOG_CHARACTERS or not path.is_file():
            break
        try:
            text = path.read_text(encoding="utf-8", errors="replace") + text
        except OSError as error:
            text = f"{path.name}: {error.strerror}\n{text}"
    return text[-_LOG_CHARACTERS:]


def write_report(path: Path, text: str) -> None:
    """Write the report as it was shown.

    Raises:
        UserError: the file cannot be written; nothing was.
    """
    write_file(path, text.encode("utf-8"))
