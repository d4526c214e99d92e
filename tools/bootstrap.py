"""Make the environment: ``.venv`` with iouviewer, its YOLO extra and the development tools, and Qt's system libraries.

Standard library only, and able to start on an older Python (3.7 on) than the program needs, to say so. Quick when
nothing has to be done: the requirements' digest is kept in ``.venv``.
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

# Library -> Debian package. The first group is needed by every start, the second by a window on an X display.
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
    """End with one line and status 2."""
    sys.stderr.write("bootstrap: " + message + "\n")
    sys.exit(2)


def use_new_enough_python() -> None:
    """Start again with a newer interpreter if this one is too old."""
    if sys.version_info[:2] >= OLDEST:
        return
    for minor in range(NEWEST_KNOWN, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        # A version manager's launcher may exist for a Python that is not active: try it before relying on it.
        if found and subprocess.call([found, "-c", "pass"], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, str(Path(__file__).resolve()), *sys.argv[1:]])
    fail(
        f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is {sys.version.split()[0]}. "
        "Install it, or name it: make PYTHON=/path/to/python3"
    )


def venv_python() -> Path:
    """The interpreter inside ``.venv``."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def missing_libraries(wanted: Iterable[str]) -> list[str]:
    """Names of the shared libraries of ``wanted`` that the loader does not find."""
    missing = []
    for name in wanted:
        try:
            ctypes.CDLL(name)
        except OSError:
            missing.append(name)
    return missing


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages where we may; True if it worked."""
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.call(["apt-get", "update", "-qq"], env=environment)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    return subprocess.call(command, env=environment, stdout=subprocess.DEVNULL) == 0


def ensure_system_libraries() -> None:
    """Install the libraries that Qt needs on Linux, or say in one line what to install."""
    if not sys.platform.startswith("linux"):
        return
    wanted = {**QT_LIBRARIES, **X_LIBRARIES}
    missing = missing_libraries(wanted)
    if not missing:
        return
    packages = [wanted[name] for name in missing]
    print("bootstrap: installing system libraries for Qt: " + " ".join(packages), flush=True)
    if apt_install(packages):
        # The loader's cache of this process is stale; a new one tells the truth.
        check = "import ctypes, sys\nfor name in sys.argv[1:]: ctypes.CDLL(name)"
        if subprocess.call([sys.executable, "-c", check, *missing], stderr=subprocess.DEVNULL) == 0:
            return
    needed = [name for name in missing if name in QT_LIBRARIES]
    remedy = "On Debian or Ubuntu: sudo apt-get install " + " ".join(packages)
    if needed:
        fail(f"Qt's system libraries {', '.join(needed)} are missing. {remedy}")
    print(f"bootstrap: no window can be shown until {', '.join(missing)} are installed. {remedy}")


def requirements_digest() -> str:
    """Digest of all that decides what stands in ``.venv``."""
    text = (ROOT / "pyproject.toml").read_bytes() + sys.version.encode() + str(ROOT).encode()
    return hashlib.sha256(text).hexdigest()


def make_venv() -> None:
    """Make ``.venv`` with pip; where Debian left ``venv`` out, install it or say how."""
    if venv_python().exists():
        return
    command = [sys.executable, "-m", "venv", str(VENV)]
    if subprocess.call(command) == 0:
        return
    shutil.rmtree(str(VENV), ignore_errors=True)  # a half-made one would be taken for whole next time
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    if not (apt_install([package]) and subprocess.call(command) == 0):
        shutil.rmtree(str(VENV), ignore_errors=True)
        fail("no virtual environment could be made. On Debian or Ubuntu: sudo apt-get install " + package)


def install_requirements() -> None:
    """Install the package in place with its extras, unless the last run already did."""
    digest = requirements_digest()
    if venv_python().exists() and STAMP.exists() and STAMP.read_text() == digest:
        return
    make_venv()
    print("bootstrap: installing iouviewer[dev,yolo] into .venv (some minutes the first time)", flush=True)
    pip = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.call([*pip, "-e", str(ROOT) + "[dev,yolo]"]) != 0:
        fail("pip could not install the requirements; its own message stands above")
    STAMP.write_text(digest)


def main() -> None:
    """Prepare everything that ``make demo`` and ``make test`` need."""
    use_new_enough_python()
    ensure_system_libraries()
    install_requirements()


if __name__ == "__main__":
    main()
