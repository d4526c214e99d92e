"""``make installer``: the program as a folder that needs no Python, packed in ``dist/``.

The folder is made from the wheel in an environment of its own, so nothing of the development tools gets in
(docs/adr/0035). Licences of all parts are collected into ``licences/``.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "installer"
LICENCE_NAMES = ("LICEN", "COPYING", "NOTICE", "AUTHORS", "OFL")
_LIST_LICENCES = """
import json, sys
from importlib.metadata import distributions
names = tuple(sys.argv[1:])
found = {}
for one in distributions():
    name, meta = one.metadata["Name"], one.metadata
    said = meta.get("License-Expression") or meta.get("License") or ""
    kinds = [line.split(" :: ")[-1] for line in meta.get_all("Classifier") or () if line.startswith("License")]
    files = [str(one.locate_file(f)) for f in one.files or () if f.name.upper().startswith(names)]
    found[f"{name} {one.version}"] = {"licence": said.splitlines()[0] if said else ", ".join(kinds), "files": files}
print(json.dumps(found))
"""
TOOLS = {"pip", "setuptools", "wheel", "pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "macholib", "pefile"}
"""Packages that build the folder and are not in it."""


def main() -> int:
    """Build wheel, folder and archive; returns the exit status."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    wheel = _build_wheel()
    python = _make_environment(wheel)
    spec = ROOT / "tools" / "installer" / "iouviewer.spec"
    # Elsewhere than in the checkout, whose package would take the place of the wheel's.
    command = [python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    _run([*command, "--distpath", WORK / "dist", "--workpath", WORK / "work", spec], cwd=WORK)
    folder = WORK / "dist" / "iouviewer"
    _collect_licences(python, folder / "licences")
    shutil.copy(ROOT / "tools" / "installer" / "README.txt", folder)
    archive = _pack(folder, wheel.name.split("-")[1])
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:.0f} MB, unpacked {size / 1e6:.0f} MB")
    return 0


def _run(command: list[object], **options: object) -> str:
    done = subprocess.run([str(part) for part in command], check=False, text=True, stdout=subprocess.PIPE, **options)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"make installer: {command[0]} {command[1]} … ended with status {done.returncode}")
    return str(done.stdout)


def _build_wheel() -> Path:
    """The wheel of this checkout, in the work folder."""
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", WORK / "wheel"], cwd=ROOT)
    [wheel] = (WORK / "wheel").glob("*.whl")
    return wheel


def _make_environment(wheel: Path) -> Path:
    """An environment with the wheel and PyInstaller; returns its interpreter."""
    folder = WORK / "environment"
    _run([sys.executable, "-m", "venv", folder])
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    _run([python, "-m", "pip", "install", "--quiet", wheel, "pyinstaller>=6.11"])
    return python


def _collect_licences(python: Path, target: Path) -> None:
    """The licence files of every package in the folder, and a list of what each one says."""
    import json

    listed = json.loads(_run([python, "-c", _LIST_LICENCES, *LICENCE_NAMES]))
    target.mkdir()
    lines = ["Parts of this program and their licences; the files stand beside this one.", ""]
    for name, facts in sorted(listed.items(), key=lambda item: item[0].lower()):
        if name.rsplit(" ", 1)[0].lower() in TOOLS:
            continue
        lines.append(f"{name}: {facts['licence'] or 'see its files'}")
        for number, file in enumerate(facts["files"]):
            source = Path(file)
            if source.is_file():
                shutil.copy(source, target / f"{name.replace(' ', '-')}-{number}-{source.name}")
    lines += ["", f"Python {platform.python_version()}: PSF-2.0, in Python-LICENSE.txt"]
    base = Path(_run([python, "-c", "import sys; print(sys.base_prefix)"]).strip())
    own = [*base.glob("LICENSE*"), *base.glob("lib/python3*/LICENSE*"), *base.glob("Lib/LICENSE*")]
    if not own:
        sys.exit("make installer: the licence of Python was not found below its prefix")
    shutil.copy(own[0], target / "Python-LICENSE.txt")
    (target / "LICENCES.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _pack(folder: Path, version: str) -> Path:
    """The folder as an archive in ``dist/``."""
    name = f"iouviewer-{version}-{sys.platform}-{platform.machine().lower()}"
    archive = ROOT / "dist" / f"{name}.tar.gz"
    archive.parent.mkdir(exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=6) as file:
        file.add(folder, arcname=name)
    return archive


if __name__ == "__main__":
    sys.exit(main())
