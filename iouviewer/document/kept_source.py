"""The text of the file that the ground truth was read from, and which of its rows became which box.

It is what lets *Save to source* change only what was edited (docs/adr/0042-the-text-of-a-source-is-kept.md).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.metrics.table import Int

MAX_KEPT_BYTES = 512 << 20
"""Of files that are larger together (labelme with images in them) only the digests are kept."""
_LEVEL = 3
"""zlib: a fifth of the size of label files in a third of the time of the usual level."""


@dataclass(frozen=True, slots=True)
class SourceTexts:
    """The files of a source as they were read.

    Attributes:
        format: key of the format.
        path: the file or folder, absolute.
        root: folder above all files.
        names: of the files, relative to ``root``, with ``/``; in the order of reading.
        digests: SHA-256 of each file, hexadecimal.
        packed: zlib of the contents, one after the other as msgpack; empty where they are too large to keep.
        context: how the file was read, as JSON of ``formats.interface.ReadContext``.
        rows_digest: of what the reader gave (``imported.digest_of``).
    """

    format: str = ""
    path: str = ""
    root: str = ""
    names: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    packed: bytes = field(default=b"", repr=False)
    context: bytes = field(default=b"", repr=False)
    rows_digest: str = ""

    @classmethod
    def of(cls, path: Path, files: Mapping[Path, bytes], format: str, context: bytes, rows_digest: str) -> SourceTexts:
        """The texts of a file or folder, with the files beside and above it that its reader used."""
        source = path.absolute()
        absolute = {file.absolute(): data for file, data in files.items()}
        root = _common_folder([source, *absolute])
        contents = list(absolute.values())
        packed = b""
        if sum(map(len, contents)) <= MAX_KEPT_BYTES:
            packed = zlib.compress(msgspec.msgpack.encode(contents), _LEVEL)
        return cls(
            format,
            str(source),
            str(root),
            tuple(file.relative_to(root).as_posix() for file in absolute),
            tuple(hashlib.sha256(data).hexdigest() for data in contents),
            packed,
            context,
            rows_digest,
        )

    def contents(self) -> Sequence[bytes]:
        """The content of each file as it was read.

        Raises:
            UserError: they were too large to keep, and a file has changed since.
        """
        if self.packed:
            try:
                found = msgspec.msgpack.decode(zlib.decompress(self.packed), type=list[bytes])
            except (zlib.error, msgspec.MsgspecError):
                found = []
            if [hashlib.sha256(data).hexdigest() for data in found] != list(self.digests):
                raise UserError(tr("the kept text of this file is damaged"), path=Path(self.path))
            return found
        found = []
        for path, digest in zip(self.paths(), self.digests, strict=True):
            data = path.read_bytes() if path.is_file() else None
            if data is None or hashlib.sha256(data).hexdigest() != digest:
                raise UserError(
                    tr("the file is too large to be kept in the project, and has changed since it was read"), path=path
                )
            found.append(data)
        return found

    def paths(self) -> list[Path]:
        """Where each file was read from."""
        return [Path(self.root, name) for name in self.names]


def _common_folder(paths: Sequence[Path]) -> Path:
    parts = paths[0].parent.parts
    for path in paths[1:]:
        shared = 0
        for one, other in zip(parts, path.parent.parts, strict=False):
            if one != other:
                break
            shared += 1
        parts = parts[:shared]
    return Path(*parts)


@dataclass(frozen=True, slots=True)
class KeptSource:
    """The texts of the ground truth's file, and what its rows became.

    Attributes:
        ids: (M,) int64 as bytes: the box of each row that the reader gave, ``NO_BOX`` for those not imported.
        tracks: (M,) int64 as bytes: the track of each box when it was imported.
        class_names: class of the document by class of the file when it was imported.
        default_class: class of the document for boxes of a file without classes; empty: none.
        shift: frame of the document minus frame of the reader.
    """

    texts: SourceTexts = field(default_factory=SourceTexts)
    ids: bytes = field(default=b"", repr=False)
    tracks: bytes = field(default=b"", repr=False)
    class_names: tuple[str, ...] = ()
    default_class: str = ""
    shift: int = 0

    def __bool__(self) -> bool:
        return bool(self.texts.names)

    @property
    def row_ids(self) -> Int:
        """(M,) int64, the box of each row."""
        return np.frombuffer(self.ids, np.int64)

    @property
    def row_tracks(self) -> Int:
        """(M,) int64, the track of each row's box when it was imported."""
        return np.frombuffer(self.tracks, np.int64)
