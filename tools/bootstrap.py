"""Sets up ``.venv`` with iouviewer, its YOLO extra and the development tools, and installs Qt's system libraries.

Uses the standard library only, and runs on Python 3.7 or newer so that it can report a version that is too old. Fast if
nothing changed: a digest of the requirements is stored in ``.venv``.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "iouviewer-bootstrap.txt"
OLDEST = (3, 11)
NEWEST_KNOWN = 14

# Library -> Debian package. Qt always needs the first group; the second is needed for a window on an X display.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}
X_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


def fail(message: str) -> NoReturn:
    """Exit with one line and status 2."""
    sys.stderr.write("bootstrap: " + message + "\n")
    sys.exit(2)


def use_new_enough_python() -> None:
    """Restart with a newer interpreter if this one is too old."""
    if sys.version_info[:2] >= OLDEST:
        return
    for minor in range(NEWEST_KNOWN, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        # A version manager may have a launcher for a Python that is not active: try it first.
        if found and subprocess.call([found, "-c", "pass"], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, str(Path(__file__).resolve()), *sys.argv[1:]])
    fail(
        f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is {sys.version.split()[0]}. "
        "Install it, or name it: make PYTHON=/path/to/python3"
    )


def venv_python() -> Path:
    """The interpreter inside ``.venv``."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def missing_libraries(names: Iterable[str]) -> list[str]:
    """Those of the shared libraries that the dynamic linker does not find."""
    missing = []
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages if this process has permission; True if it succeeded."""
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.call(["apt-get", "update", "-qq"], env=environment)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    return subprocess.call(command, env=environment, stdout=subprocess.DEVNULL) == 0


def ensure_system_libraries() -> None:
    """Install the libraries that Qt needs on Linux, or print one line with what to install."""
    if not sys.platform.startswith("linux"):
        return
    required = {**QT_LIBRARIES, **X_LIBRARIES}
    missing = missing_libraries(required)
    if not missing:
        return
    packages = [required[name] for name in missing]
    print("bootstrap: installing system libraries for Qt: " + " ".join(packages), flush=True)
    if apt_install(packages):
        # The linker cache of this process is stale: check in a new process.
        check = "import ctypes, sys\nfor name in sys.argv[1:]: ctypes.CDLL(name)"
        if subprocess.call([sys.executable, "-c", check, *missing], stderr=subprocess.DEVNULL) == 0:
            return
    needed = [name for name in missing if name in QT_LIBRARIES]
    remedy = "On Debian or Ubuntu: sudo apt-get install " + " ".join(packages)
    if needed:
        fail(f"Qt's system libraries {', '.join(needed)} are missing. {remedy}")
    print(f"bootstrap: no window can be shown until {', '.join(missing)} are installed. {remedy}")


def requirements_digest() -> str:
    """Digest of everything that determines the contents of ``.venv``."""
    text = (ROOT / "pyproject.toml").read_bytes() + sys.version.encode() + str(ROOT).encode()
    return hashlib.sha256(text).hexdigest()


def create_venv() -> None:
    """Create ``.venv`` with pip. If Debian's ``venv`` package is missing, install it or print how to."""
    if venv_python().exists():
        return
    command = [sys.executable, "-m", "venv", str(VENV)]
    if subprocess.call(command) == 0:
        return
    shutil.rmtree(str(VENV), ignore_errors=True)  # a partial one would pass as complete next time
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if not (apt_install([package]) and subprocess.call(command) == 0):
        shutil.rmtree(str(VENV), ignore_errors=True)
        fail("the virtual environment could not be created. On Debian or Ubuntu: sudo apt-get install " + package)


def install_requirements() -> None:
    """Install the package in place with its extras, unless the last run already did."""
    digest = requirements_digest()
    if venv_python().exists() and STAMP.exists() and STAMP.read_text() == digest:
        return
    create_venv()
    print("bootstrap: installing iouviewer[dev,yolo] into .venv (takes a few minutes the first time)", flush=True)
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.call([*pip, "-e", str(ROOT) + "[dev,yolo]"]) != 0:
        fail("pip could not install the requirements; see its message above")
    STAMP.write_text(digest)


def main() -> None:
    """Set up everything that ``make demo`` and ``make test`` need."""
    use_new_enough_python()
    ensure_system_libraries()
    install_requirements()


if __name__ == "__main__":
    main()
