"""Trusted model files, and private copies that guarantee that exactly the hashed bytes are loaded."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.folders import cache_folder, config_folder
from iouviewer.i18n import tr

_CHUNK = 1 << 20
_MAX_AGE_S = 24 * 3600.0
"""Age at which a copy on Windows counts as abandoned."""
_OPENVINO_SUFFIXES = (".xml", ".bin", ".yaml")
"""Files of an OpenVINO folder that its loader reads."""


class TrustStore:
    """Model files (by sha256) that the user trusts, stored in the configuration folder."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or config_folder() / "trusted_models.json"

    def hashes(self) -> list[str]:
        """All trusted hashes, sorted; UserError if the file is damaged."""
        return sorted(self._read())

    def trusts(self, sha256: str) -> bool:
        return sha256 in self._read()

    def trust(self, sha256: str, name: str) -> None:
        """Trust the content with this hash; ``name`` only makes the file readable."""
        known = self._read()
        known[sha256] = name
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        temporary.replace(self._path)

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise self._damaged(str(error)) from error
        if not isinstance(known, dict) or not all(isinstance(v, str) for v in known.values()):
            raise self._damaged(tr("it is not an object with names by hash"))
        return known

    def _damaged(self, reason: str) -> UserError:
        message = tr("the list of trusted models is damaged: {reason}", reason=reason)
        return UserError(message, path=self._path, remedy=tr("Delete this file."))


@dataclass(frozen=True, slots=True)
class PrivateCopy:
    """A copy of a model that no other user can write to, and the hash of its bytes.

    The hash is computed from the bytes written to the copy, and the copy is loaded, so replacing the original between
    check and load has no effect.
    """

    path: Path
    sha256: str
    folder: Path

    def remove(self) -> None:
        """Delete the copy. If a runtime keeps it open (Windows), ``remove_stale`` deletes it later."""
        shutil.rmtree(self.folder, ignore_errors=True)


def private_copy(source: Path) -> PrivateCopy:
    """Copy a model file, or the files of an OpenVINO folder, under the same name; OSError as from the file system."""
    remove_stale()
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=_copies_folder()))
    target = folder / source.name
    digest = hashlib.sha256()
    try:
        if source.is_dir():
            target.mkdir()
            for part in sorted(p for p in source.iterdir() if p.suffix.lower() in _OPENVINO_SUFFIXES and p.is_file()):
                digest.update(f"{part.name}\0{part.stat().st_size}\0".encode())
                _copy(part, target / part.name, digest)
        else:
            _copy(source, target, digest)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return PrivateCopy(target, digest.hexdigest(), folder)


def remove_stale() -> None:
    """Delete copies left by processes that have ended; killed processes cannot clean up."""
    for folder in _copies_folder().iterdir():
        process = folder.name.partition("-")[0]
        if process.isdigit() and int(process) != os.getpid() and _is_abandoned(folder, int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _copies_folder() -> Path:
    path = cache_folder() / "models"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _copy(source: Path, target: Path, digest: hashlib._Hash) -> None:
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)


def _is_abandoned(folder: Path, process: int) -> bool:
    if os.name == "nt":
        # os.kill would end the process on Windows, so the age decides.
        return time.time() - folder.stat().st_mtime > _MAX_AGE_S
    with contextlib.suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
    return False
