"""Trusted model files, and private copies that guarantee that exactly the hashed bytes are loaded."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from iouviewer.atomic import atomic_write
from iouviewer.errors import UserError
from iouviewer.folders import cache_folder, config_folder, temporary_folder
from iouviewer.i18n import tr

_CHUNK = 1 << 20
_MAX_AGE_S = 24 * 3600.0
"""Age at which a copy on Windows counts as abandoned."""
_FOLDER_SUFFIXES = (".xml", ".bin", ".yaml", ".param")
"""Files of a folder of OpenVINO or NCNN that its loader reads."""


@dataclass(frozen=True, slots=True)
class TrustedFile:
    """A model file that may run code.

    Attributes:
        path: where it was when the user allowed it; its content is what is trusted.
        when: seconds since the epoch, None if an earlier version of the program stored it.
        is_stored: the list on disk names it; otherwise it is trusted until the program ends.
    """

    sha256: str
    path: str
    when: float | None
    is_stored: bool


_session: dict[str, TrustedFile] = {}
"""Files that are trusted until the program ends, because the list could not be written."""


class TrustStore:
    """Model files (by sha256) that the user trusts, stored in the configuration folder."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or config_folder() / "trusted_models.json"

    def files(self) -> list[TrustedFile]:
        """All trusted files, the last one first; UserError if the list is damaged."""
        known = {**_session, **self._read()}
        return sorted(known.values(), key=lambda one: (-(one.when or 0.0), one.sha256))

    def hashes(self) -> list[str]:
        """All trusted hashes, sorted; UserError if the list is damaged."""
        return sorted(one.sha256 for one in self.files())

    def trusts(self, sha256: str) -> bool:
        """Whether the content with this hash is trusted; UserError if the list is damaged."""
        return sha256 in self.hashes()

    def trust(self, sha256: str, path: str) -> bool:
        """Trust the content with this hash; ``path`` is for the user.

        Returns:
            False if the list could not be written: the file is trusted until the program ends.

        Raises:
            UserError: the list is damaged; the file is not trusted.
        """
        known = self._read()
        file = TrustedFile(sha256, path, time.time(), is_stored=True)
        try:
            self._write({**known, sha256: file})
        except UserError:
            _session[sha256] = replace(file, is_stored=False)
            return False
        return True

    def revoke(self, sha256: str) -> None:
        """Trust a content no longer.

        Raises:
            UserError: the list is damaged or cannot be written.
        """
        _session.pop(sha256, None)
        known = self._read()
        if known.pop(sha256, None) is not None:
            self._write(known)

    def _write(self, known: dict[str, TrustedFile]) -> None:
        entries = {one.sha256: {"path": one.path, "when": one.when} for one in known.values()}
        with atomic_write(self._path) as file:
            file.write((json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())

    def _read(self) -> dict[str, TrustedFile]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._damaged(error.strerror or str(error)) from error
        except ValueError as error:
            raise self._damaged(str(error)) from error
        found = {key: _entry(key, value) for key, value in known.items()} if isinstance(known, dict) else {"": None}
        if None in found.values():
            raise self._damaged(tr("it is not an object with files by hash"))
        return {key: file for key, file in found.items() if file is not None}

    def _damaged(self, reason: str) -> UserError:
        message = tr("the list of trusted models is damaged: {reason}", reason=reason)
        return UserError(message, path=self._path, remedy=tr("Delete this file."))


def _entry(sha256: str, value: object) -> TrustedFile | None:
    """A file of the list, None if it is damaged; earlier versions stored only the path."""
    if isinstance(value, str):
        return TrustedFile(sha256, value, None, is_stored=True)
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        return None
    when = value.get("when")
    return TrustedFile(sha256, value["path"], float(when) if isinstance(when, int | float) else None, is_stored=True)


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
    """Copy a model file, or the files of a model's folder, under the same name; OSError as from the file system."""
    remove_stale()
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=_copies_folder()))
    target = folder / source.name
    digest = hashlib.sha256()
    try:
        if source.is_dir():
            target.mkdir()
            for part in sorted(p for p in source.iterdir() if p.suffix.lower() in _FOLDER_SUFFIXES and p.is_file()):
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
    """A folder that no other user can read; a temporary one where the cache cannot be written."""
    path = cache_folder() / "models"
    with contextlib.suppress(OSError):
        path.mkdir(mode=0o700, exist_ok=True)
    return path if os.access(path, os.W_OK) else temporary_folder("models")


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
