"""Makes variants of a checkpoint: the same weights in other formats, calibrated where they are quantized."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iouviewer import __version__
from iouviewer.document.frame_ranges import frames_to_ranges
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.export_formats import ExportFormat
from iouviewer.inference.export_runner import ExportRequest, export_in_process
from iouviewer.inference.protocol import Exported, ExportProgress, Failed
from iouviewer.inference.trust import TrustStore, private_copy
from iouviewer.jobs.data_set import is_data_yaml, listed_images, open_reader
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.made_models import read_record, record_path, write_record

DEFAULT_CALIBRATION = "spread:64"
"""Frames that a quantized model is calibrated on."""
CALIBRATION_SPLIT = "train"
"""Split of a ``data.yaml`` for calibration: the images of ``val`` are scored."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Frames that quantized models are calibrated on.

    Attributes:
        source: a video, a folder of images, or a ``data.yaml``.
        images: of a ``data.yaml``, in frame order.
        fingerprint: of the source; where a score is on the same one, the frames leave it.
        frames: 0-based, ascending.
        text: the selection as it was asked for.
        frame_count: of the source.
    """

    source: Path
    images: tuple[str, ...]
    fingerprint: str
    frames: tuple[int, ...]
    text: str
    frame_count: int


def choose_calibration(source: Path, text: str = DEFAULT_CALIBRATION) -> Calibration:
    """The calibration frames of a source; of a ``data.yaml`` those of its training images.

    Raises:
        UserError: the source cannot be read, or does not have these frames.
    """
    images = listed_images(source, CALIBRATION_SPLIT) if is_data_yaml(source) else ()
    reader = open_reader(source, images)
    try:
        frames = parse_frames(text, reader.frame_count)
        return Calibration(
            source, tuple(map(str, images)), reader.fingerprint, tuple(frames.tolist()), text, reader.frame_count
        )
    finally:
        reader.close()


@dataclass(frozen=True, slots=True)
class MakeRequest:
    """One variant to make.

    Attributes:
        weights: a ``.pt`` file.
        out: existing folder for the new model.
        imgsz: side of the network's input, pixels; None: as stored with the weights.
        calibration: needed by formats that are calibrated.
        force: replace what the program did not make.
    """

    weights: Path
    format: ExportFormat
    out: Path
    imgsz: int | None = None
    calibration: Calibration | None = None
    force: bool = False

    @property
    def name(self) -> str:
        """Name of the variant: that of the weights and the format."""
        return f"{self.weights.stem}-{self.format.key}"

    @property
    def target(self) -> Path:
        """The new file or folder."""
        return self.out / f"{self.weights.stem}{self.format.ending}"


@dataclass(frozen=True, slots=True)
class MadeModel:
    """A variant that was made, or made earlier in the same way (``is_kept``)."""

    name: str
    path: Path
    record: Mapping[str, Any]
    is_kept: bool = False


Stage = Callable[[str, int, int], None]
"""Receives the stage (``load``, ``calibration``, ``export``), the frames read, and their total."""


def make_model(
    request: MakeRequest,
    report: Stage = lambda *_: None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    command: list[str] | None = None,
) -> MadeModel | None:
    """Make one variant in a worker process; None where it was cancelled.

    The new model appears complete or not at all. One that was made in the same way is kept.

    Args:
        command: replaces the command line of the worker.

    Raises:
        UserError: a missing package, a model that cannot be written in this format, a file in the way.
    """
    refuse_missing_package(request.format)
    wanted = _wanted(request)
    kept = _find_kept(request, wanted)
    if kept is not None:
        return MadeModel(request.name, request.target, kept, is_kept=True)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{request.target.name[:40]}.", suffix=".part", dir=request.out))
    except OSError as error:
        reason = tr("could not be written: {reason}", reason=error.strerror or error)
        raise UserError(reason, path=request.out, remedy=tr("Choose another folder.")) from error
    try:
        exported = _export(request, folder, report, cancelled, command)
        if exported is None:
            return None
        record = _record(request, wanted, exported, folder / exported.name)
        _place(folder / exported.name, request.target, record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if request.format.format == "torchscript" and not exported.trusted:
        # Written a moment ago from weights that can run no code, by a process that was given only these.
        TrustStore().trust(str(record["sha256"]), str(request.target))
    return MadeModel(request.name, request.target, record)


def refuse_missing_package(chosen: ExportFormat) -> None:
    """UserError naming the package that a format lacks."""
    missing = chosen.missing
    if missing is not None:
        raise UserError(
            tr(
                "{format} needs the package {package}, which is not installed",
                format=chosen.title,
                package=missing.module,
            ),
            remedy=tr("Install it with: pip install {requirement}", requirement=missing.requirement),
        )


def _wanted(request: MakeRequest) -> dict[str, Any]:
    """What a model made by this request states about itself, as far as it is known before."""
    wanted: dict[str, Any] = {
        "format": request.format.key,
        "source": request.weights.name,
        "source_sha256": _digest(request.weights),
        "imgsz_asked": request.imgsz,
        "calibration": None,
    }
    if request.format.is_calibrated:
        chosen = request.calibration
        if chosen is None:
            raise UserError(
                tr("{format} needs frames to be calibrated on", format=request.format.title),
                remedy=tr("Give a video or a data.yaml for the calibration."),
            )
        wanted["calibration"] = {
            "source": chosen.source.name,
            "fingerprint": chosen.fingerprint,
            "selection": chosen.text,
            "frames": frames_to_ranges(chosen.frames),
        }
    return wanted


def _find_kept(request: MakeRequest, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record of a model that was made in the same way; UserError if something else is in its place."""
    target = request.target
    if not target.exists():
        return None
    record, _ = read_record(target, _digest(target))
    if record is not None and all(record.get(key) == value for key, value in wanted.items()):
        return record
    if record is None and not request.force:
        raise UserError(
            tr("it exists, and iouviewer did not make it or it was changed since then"),
            path=target,
            remedy=tr("Choose another folder, or replace it with --force."),
        )
    return None


def _export(
    request: MakeRequest, folder: Path, report: Stage, cancelled: Callable[[], bool], command: list[str] | None
) -> Exported | None:
    chosen = request.calibration if request.format.is_calibrated else None
    asked = ExportRequest(
        weights=request.weights,
        format=request.format,
        folder=folder,
        name=request.weights.stem,
        imgsz=request.imgsz,
        video=None if chosen is None else chosen.source,
        images=() if chosen is None else chosen.images,
        frames=() if chosen is None else chosen.frames,
    )
    last: Exported | None = None
    for message in export_in_process(asked, cancelled=cancelled, command=command):
        if isinstance(message, Failed):
            raise UserError(message.message, path=message.path or None, remedy=message.remedy)
        if isinstance(message, ExportProgress):
            report(message.stage, message.done, message.total)
        else:
            last = message
    return last


def _record(request: MakeRequest, wanted: Mapping[str, Any], exported: Exported, written: Path) -> dict[str, Any]:
    record = {
        **wanted,
        "iouviewer": __version__,
        "imgsz": list(exported.imgsz),
        "sha256": _digest(written),
        "versions": dict(exported.versions),
        "seconds": round(exported.seconds, 3),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if exported.source_sha256 != wanted["source_sha256"]:
        raise UserError(tr("the weights changed while they were read"), path=request.weights, remedy=tr("Try again."))
    if exported.unreadable and wanted["calibration"] is not None:
        read = [frame for frame in request.calibration.frames if frame not in set(exported.unreadable)]  # type: ignore[union-attr]
        record["calibration"] = {**wanted["calibration"], "frames": frames_to_ranges(read)}
    return record


def _place(written: Path, target: Path, record: Mapping[str, Any]) -> None:
    """Move a new model to its place, in place of an old one, and its record with it."""
    write_record(written, record)
    old = record_path(target)
    try:
        if target.is_dir():
            shutil.rmtree(target)
        else:
            old.unlink(missing_ok=True)
        written_record = record_path(written)
        written.replace(target)
        if not target.is_dir():
            written_record.replace(record_path(target))
    except OSError as error:
        raise UserError(
            tr("could not be written: {reason}", reason=error.strerror or error),
            path=target,
            remedy=tr("Choose another folder."),
        ) from error


def _digest(model: Path) -> str:
    """SHA-256 of a model as its run states it."""
    try:
        copy = private_copy(model)
    except OSError as error:
        raise UserError(tr("the model cannot be read: {reason}", reason=error.strerror or error), path=model) from error
    copy.remove()
    return copy.sha256
