"""The manifest of a batch: which videos, which variants, which settings; JSON or CSV, written by people and scripts."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iouviewer.atomic import file_digest
from iouviewer.errors import UserError
from iouviewer.folders import cache_folder
from iouviewer.i18n import tr
from iouviewer.jobs.predict import check_file_names

FORMAT = "iouviewer-batch-1"
_COLUMNS = ("kind", "name", "path", "ground_truth", "group", "sha256")


class BatchSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One video or folder of images.

    Attributes:
        name: unique among the sources.
        video: path, or a URL that fsspec can read; relative to the manifest.
        ground_truth: path of its boxes; empty where it is not scored.
        group: for display.
        sha256: of the whole file; needed for a URL, checked where it is given.
    """

    name: str
    video: str
    ground_truth: str = ""
    group: str = ""
    sha256: str = ""


class BatchVariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model.

    Attributes:
        weights: path or URL, relative to the manifest.
        sha256: of the file; needed for a URL, checked where it is given.
    """

    name: str
    weights: str
    sha256: str = ""


class BatchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of every run, as of ``predict``."""

    floor: float = 0.001
    nms_iou: float = 0.7
    max_det: int = 300
    imgsz: int | None = None
    device: str = "cpu"


class BatchManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole manifest.

    Attributes:
        baseline: name of the variant that the others are compared with; empty: the first.
    """

    sources: tuple[BatchSource, ...]
    variants: tuple[BatchVariant, ...]
    format: str = FORMAT
    baseline: str = ""
    settings: BatchSettings = BatchSettings()


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """A manifest and where it lies, which relative paths refer to."""

    manifest: BatchManifest
    path: Path

    def place(self, text: str) -> str:
        """A path of the manifest made absolute; a URL as it is."""
        return text if is_url(text) else str((self.path.parent / text).absolute())


def is_url(text: str) -> bool:
    """Whether a place of the manifest is a URL."""
    return "://" in text


def read_manifest(path: Path) -> ReadManifest:
    """Read and check a manifest.

    Raises:
        UserError: it cannot be read, an entry is unknown or has no name, a name is there twice.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            tr("the manifest cannot be read: {reason}", reason=error.strerror or error), path=path
        ) from error
    try:
        manifest = _from_csv(data) if path.suffix.lower() == ".csv" else msgspec.json.decode(data, type=BatchManifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(tr("the manifest is not valid: {reason}", reason=error), path=path) from error
    try:
        _check(manifest)
    except UserError as error:
        error.path = error.path or path
        raise
    return ReadManifest(manifest, path.absolute())


def _from_csv(data: bytes) -> BatchManifest:
    """A table of ``_COLUMNS``; kinds of rows: video, model, setting, baseline."""
    reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    unknown = set(reader.fieldnames or ()) - set(_COLUMNS)
    if unknown or not {"kind", "name", "path"} <= set(reader.fieldnames or ()):
        raise UserError(tr("the first line must be {columns}", columns=",".join(_COLUMNS)))
    sources, variants, settings, baseline = [], [], {}, ""
    for row in reader:
        values = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        if values["kind"] == "video":
            sources.append(
                BatchSource(values["name"], values["path"], values["ground_truth"], values["group"], values["sha256"])
            )
        elif values["kind"] == "model":
            variants.append(BatchVariant(values["name"], values["path"], values["sha256"]))
        elif values["kind"] == "setting":
            settings[values["name"]] = values["path"]
        elif values["kind"] == "baseline":
            baseline = values["name"]
        else:
            raise UserError(
                tr("line {line}: unknown kind {kind!r}", line=reader.line_num, kind=values["kind"]),
                remedy=tr("Use video, model, setting or baseline."),
            )
    read = msgspec.convert(settings, BatchSettings, strict=False)
    return BatchManifest(tuple(sources), tuple(variants), baseline=baseline, settings=read)


def _check(manifest: BatchManifest) -> None:
    if manifest.format != FORMAT:
        raise UserError(tr("the format {format!r} is not {known!r}", format=manifest.format, known=FORMAT))
    if not manifest.sources or not manifest.variants:
        raise UserError(tr("the manifest needs at least one video and one model"))
    for names in ([one.name for one in manifest.sources], [one.name for one in manifest.variants]):
        check_file_names(names)
        twice = sorted({name for name in names if names.count(name) > 1 or not name})
        if twice:
            raise UserError(tr("names are empty or there twice: {names}", names=", ".join(map(repr, twice))))
    if manifest.baseline and manifest.baseline not in [one.name for one in manifest.variants]:
        raise UserError(tr("the baseline {name!r} is not a variant", name=manifest.baseline))
    entries = [*((one.name, one.video, one.sha256) for one in manifest.sources)]
    entries += [(one.name, one.weights, one.sha256) for one in manifest.variants]
    for name, place, sha256 in entries:
        if sha256 and (len(sha256) != 64 or set(sha256) - set("0123456789abcdef")):
            raise UserError(tr("{name}: sha256 must be 64 digits 0-9, a-f", name=name))
        if is_url(place) and not sha256:
            raise UserError(tr("{name}: a URL needs its sha256", name=name))


# Content


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files of a folder.

    Raises:
        UserError: it cannot be read.
    """
    try:
        if not path.is_dir():
            return file_digest(path)
        digest = hashlib.sha256()
        for part in sorted(one for one in path.rglob("*") if one.is_file()):
            digest.update(f"{part.relative_to(path).as_posix()}\0{part.stat().st_size}\0".encode())
            digest.update(bytes.fromhex(file_digest(part)))
        return digest.hexdigest()
    except OSError as error:
        raise UserError(tr("cannot be read: {reason}", reason=error.strerror or error), path=path) from error


_digests: dict[tuple[str, int, int], str] = {}


def checked_file(place: str, sha256: str) -> Path:
    """The local file of a place, with this content; a URL is fetched into the cache once.

    Raises:
        UserError: it is missing, cannot be fetched, or its content is another.
    """
    path = _fetched(place, sha256) if is_url(place) else Path(place)
    if not path.exists():
        raise UserError(tr("the file does not exist"), path=path)
    found = known_digest(path)
    if sha256 and found != sha256:
        raise UserError(
            tr("the content is not the one of the manifest (sha256 {found})", found=found[:12]),
            path=path,
            remedy=tr("Correct the manifest, or restore the file."),
        )
    return path


def known_digest(path: Path) -> str:
    """``content_digest``, computed once in a process while size and time of a file stay the same."""
    try:
        stat = path.stat()
    except OSError as error:
        raise UserError(tr("cannot be read: {reason}", reason=error.strerror or error), path=path) from error
    if path.is_dir():
        return content_digest(path)
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if key not in _digests:
        _digests[key] = content_digest(path)
    return _digests[key]


def remembered_digests() -> dict[str, tuple[int, int, str]]:
    """Path -> size, time and digest of the files that were read: a folder of a batch keeps them."""
    return {path: (size, time, digest) for (path, size, time), digest in _digests.items()}


def remember_digests(known: Mapping[str, tuple[int, int, str]]) -> None:
    """Digests of an earlier process; they count while size and time of a file are the same."""
    for path, (size, time, digest) in known.items():
        _digests.setdefault((path, size, time), digest)


def _fetched(url: str, sha256: str) -> Path:
    """The copy of a URL in the cache, under its hash and with the ending of the URL, which tells the format."""
    ending = Path(url.split("?", maxsplit=1)[0]).suffix
    target = cache_folder() / "batch" / f"{sha256}{ending}"
    if target.exists():
        return target
    try:
        import fsspec
    except ImportError as error:
        raise UserError(
            tr("a URL needs the extra batch"), path=url, remedy=tr("pip install 'iouviewer[batch]'")
        ) from error
    target.parent.mkdir(parents=True, exist_ok=True)
    from iouviewer.atomic import atomic_write

    try:
        with fsspec.open(url, "rb") as source, atomic_write(target) as file:
            while chunk := source.read(1 << 20):
                file.write(chunk)
    except (OSError, ValueError, ImportError) as error:
        raise UserError(tr("cannot be fetched: {reason}", reason=error), path=url) from error
    return target


def without_truth(sources: Iterable[BatchSource]) -> list[str]:
    """Names of the sources that nothing can be scored on."""
    return [one.name for one in sources if not one.ground_truth]
