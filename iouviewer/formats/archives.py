"""Reads files within zip archives, within limits: one XML as a stream, label files from a temporary folder."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from iouviewer.errors import UserError
from iouviewer.formats.text import keep_text
from iouviewer.i18n import tr

MAX_UNPACKED_BYTES = 4 << 30
"""Limit against zip bombs."""
MAX_RATIO, RATIO_FROM = 250, 100 << 20
"""Annotations of real tools unpack to less than a hundred times their size; small files may be as even as they like."""
CHUNK = 1 << 20


MAX_LABEL_BYTES = 1 << 30
"""Most bytes of all label files of an archive together."""
MAX_MEMBERS = 500_000
SAMPLE_MEMBERS = 40
"""Label files of each folder that are unpacked to recognise an archive."""
LABEL_ENDINGS = frozenset(
    {".txt", ".xml", ".json", ".yaml", ".yml", ".csv", ".names", ".data", ".ini", ".odgt", ".tsv"}
)


@contextlib.contextmanager
def unpacked_labels(path: Path, *, only_sample: bool = False) -> Iterator[Path]:
    """A folder with the label files of a zip archive, without its images; gone at the end of the block.

    A single folder that holds everything is left out, so that the root of a data set is the root.

    Raises:
        UserError: the archive is damaged, encrypted, has names that lead out of it, or unpacks to more than 1 GiB.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="iouviewer-") as name, zipfile.ZipFile(path) as archive:
            root = Path(name)
            _unpack(archive, root, path, only_sample=only_sample)
            children = list(root.iterdir())
            inner = children[0] if len(children) == 1 and children[0].is_dir() else None
            yield root if inner is None or inner.name in ROOT_FOLDERS else inner
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(tr("the file is not a readable zip archive: {reason}", reason=error), path=path) from error


ROOT_FOLDERS = frozenset({"annotations", "Annotations", "labels", "train", "val", "valid", "test", "obj_train_data"})
"""Folders that mean something in a data set, so that they are no wrapping."""


def _unpack(archive: zipfile.ZipFile, root: Path, path: Path, *, only_sample: bool) -> None:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise UserError(tr("the archive has more than {limit:,} files", limit=MAX_MEMBERS), path=path)
    remaining = min(MAX_LABEL_BYTES, most_bytes(path.stat().st_size))
    by_folder: Counter[str] = Counter()
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if member.is_dir() or not parts or "__MACOSX" in parts or parts[-1].startswith("."):
            continue
        if PurePosixPath(parts[-1]).suffix.lower() not in LABEL_ENDINGS:
            continue
        if parts[0].startswith("/") or ".." in parts or ":" in parts[0]:
            raise UserError(tr("the archive has a name that leads out of it: {name}", name=member.filename), path=path)
        by_folder["/".join(parts[:-1])] += 1
        if only_sample and by_folder["/".join(parts[:-1])] > SAMPLE_MEMBERS:
            continue
        target = root.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, target.open("wb") as file:
            while chunk := source.read(CHUNK):
                remaining -= len(chunk)
                if remaining < 0:
                    raise UserError(
                        tr("the label files of the archive unpack to more than 1 GiB, or to far more than labels do"),
                        path=path,
                    )
                file.write(chunk)


@contextlib.contextmanager
def open_annotations(path: Path) -> Iterator[BinaryIO]:
    """The XML of a file or of a zip archive, as a stream: nothing is unpacked to disk.

    Raises:
        UserError: not exactly one annotations.xml, or one that unpacks to more than 4 GiB.
    """
    keep_text(path)
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        found = [info for info in archive.infolist() if info.filename.replace("\\", "/").endswith("annotations.xml")]
        if len(found) != 1:
            reason = tr("the archive contains {count:,} files named annotations.xml instead of one", count=len(found))
            raise UserError(reason, path=path)
        if found[0].file_size > MAX_UNPACKED_BYTES:
            raise too_large(path)
        with archive.open(found[0]) as file:
            limit = most_bytes(found[0].compress_size)
            yield cast("BinaryIO", LimitedReader(cast("BinaryIO", file).read, path, limit))


def too_large(path: Path) -> UserError:
    """The error for an archive that unpacks to more than the limit."""
    return UserError(tr("annotations.xml unpacks to more than 4 GiB, or to far more than annotations do"), path=path)


def most_bytes(packed: int) -> int:
    """The most bytes that so many packed ones may unpack to."""
    return min(MAX_UNPACKED_BYTES, max(RATIO_FROM, MAX_RATIO * packed))


class LimitedReader:
    """A stream that raises UserError after so many bytes, regardless of the size declared in the archive."""

    def __init__(self, read: Callable[[int], bytes], path: Path, limit: int | None = None) -> None:
        self._read = read
        self._path = path
        self._remaining = MAX_UNPACKED_BYTES if limit is None else limit

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._remaining -= len(data)
        if self._remaining < 0:
            raise too_large(self._path)
        return data
