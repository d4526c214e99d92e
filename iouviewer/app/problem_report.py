"""A report about a problem: log, versions and settings in one zip file. Nothing is sent."""

from __future__ import annotations

import platform
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from iouviewer import __version__, folders
from iouviewer.atomic import atomic_write

PACKAGES = ("PySide6", "pyqtgraph", "numpy", "av", "opencv-python-headless", "opencv-python", "torch", "ultralytics")


def versions_text() -> str:
    """Versions of the program, the system and the packages that matter, one a line."""
    rows = [("iouviewer", __version__), ("Python", platform.python_version()), (platform.platform(), "")]
    for name in PACKAGES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return "".join(f"{name} {number}".strip() + "\n" for name, number in rows)


def report_files() -> list[Path]:
    """The files of the report that exist: settings and logs."""
    settings = folders.config_folder() / "settings.json"
    logs = sorted(folders.log_folder().glob("iouviewer.log*"))
    return [path for path in (settings, *logs) if path.is_file()]


def write_report(path: Path) -> list[str]:
    """Write the report; returns the names of the files in it.

    Raises:
        UserError: the file cannot be written; nothing was.
    """
    names = ["versions.txt"]
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as report:
        report.writestr("versions.txt", versions_text())
        for source in report_files():
            report.writestr(source.name, source.read_bytes())
            names.append(source.name)
    return names
