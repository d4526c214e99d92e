"""*Save to source*: writes edits of ground truth back into the file that it was read from.

Only what was edited changes (``formats.patching``). First a plan says what would change and what the file cannot hold;
nothing is written before somebody agrees.
"""

from __future__ import annotations

import hashlib
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from iouviewer.atomic import write_file
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.kept_source import KeptSource, SourceTexts
from iouviewer.errors import UserError
from iouviewer.folders import data_folder
from iouviewer.formats.interface import BoxesToWrite
from iouviewer.formats.patching.edits import Edits, ReadState
from iouviewer.formats.patching.source import PatchedSource, patch_source
from iouviewer.formats.unsupported_fields import name_of
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.document_results import ground_truth_to_write
from iouviewer.jobs.work_packages import read_project
from iouviewer.metrics.table import Int
from iouviewer.project.store import ProjectFile

KEPT_BACKUPS = 20
"""Backups that are kept of one source; the oldest go first."""
_REASONS_SHOWN = 3


@dataclass(frozen=True)
class SaveInput:
    """What a plan is made from, taken from a document at one moment."""

    kept: KeptSource
    now: BoxesToWrite
    ids: Int
    classes: ClassTable


@dataclass(frozen=True)
class SavePlan:
    """What *Save to source* would write.

    Attributes:
        path: the file or folder that the ground truth was read from.
        sentences: what changes, what stays, and what the file cannot hold.
        contents: new content by path.
        overwritten: files that changed on disk since they were read and would be overwritten.
        missing: files that are gone and would be written again.
        kept: the texts of the source once this is written.
    """

    path: Path
    sentences: tuple[str, ...]
    contents: Mapping[Path, bytes]
    overwritten: tuple[Path, ...]
    missing: tuple[Path, ...]
    kept: KeptSource

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self.contents


def can_save(document: Document, source: int = 0) -> bool:
    """Whether the text of the ground truth's file is kept."""
    return bool(document.sources[source].kept) if source in document.sources else False


def save_input(document: Document, source: int = 0) -> SaveInput:
    """What a plan needs; the document may change meanwhile.

    Raises:
        UserError: the ground truth was not read from a file, or none of its boxes is from that file.
    """
    kept, truth = document.sources[source].kept, document.ground_truth(source)
    if not kept:
        raise UserError(
            tr("the ground truth was not read from a file, or its text was not kept"),
            remedy=tr("Export the ground truth instead: that writes a new file."),
        )
    ids = truth.columns()[5]
    if len(ids) and (kept.row_ids >= 0).any() and not np.isin(ids, kept.row_ids).any():
        raise UserError(
            tr("no box of the ground truth is from this file: another one was imported before or after it"),
            path=Path(kept.texts.path),
            remedy=tr("Import the file again, or export the ground truth."),
        )
    return SaveInput(kept, ground_truth_to_write(document, source), ids, document.classes)


def plan_save(data: SaveInput) -> SavePlan:
    """Find out what saving to the source would change; nothing is written.

    Raises:
        UserError: an edit cannot be written into the file (``formats.patching.source.patch_source``).
    """
    kept = data.kept
    found = patch_kept(data)
    root = Path(kept.texts.root)
    contents = {root / name: content for name, content in found.changed.items()}
    digests = dict(zip(kept.texts.paths(), kept.texts.digests, strict=True))
    overwritten, missing = [], []
    for path, content in contents.items():
        if not path.exists():
            if path in digests:
                missing.append(path)
            continue
        on_disk = path.read_bytes()
        if on_disk != content and hashlib.sha256(on_disk).hexdigest() != digests.get(path):
            overwritten.append(path)
    return SavePlan(
        Path(kept.texts.path),
        tuple(_sentences(found)),
        contents,
        tuple(overwritten),
        tuple(missing),
        _kept_afterwards(kept, found) if contents else kept,
    )


def patch_kept(data: SaveInput) -> PatchedSource:
    """The texts of the source with the edits in them; UserError as ``patch_source``."""
    kept = data.kept
    state = ReadState(kept.row_ids, kept.row_tracks, kept.class_names, kept.default_class, kept.shift)
    return patch_source(kept.texts, state, data.now, data.ids, data.classes)


def save(plan: SavePlan, *, overwrite: bool = False, when: float | None = None) -> Path | None:
    """Write what was planned, each file at once, after a backup of what is there.

    Args:
        overwrite: also files that changed on disk since they were read.

    Returns:
        The zip archive with the files as they were; None where there were none.

    Raises:
        UserError: a file changed on disk and ``overwrite`` was not given, or a file cannot be written.
    """
    if plan.overwritten and not overwrite:
        raise changed_on_disk(plan)
    existing = [path for path in plan.contents if path.exists()]
    backup = _back_up(plan.path, existing, time.time() if when is None else when) if existing else None
    for path, content in plan.contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, content)
    return backup


def changed_on_disk(plan: SavePlan) -> UserError:
    """The error for files that somebody else changed."""
    count = len(plan.overwritten)
    message = tr_n(
        "the file has changed on disk since it was read",
        "{count:,} files have changed on disk since they were read",
        count,
    )
    return UserError(
        message,
        path=plan.overwritten[0],
        remedy=tr("Overwrite it if these changes may go (a backup is made), or import the file again."),
    )


def _back_up(source: Path, files: Sequence[Path], when: float) -> Path:
    folder = data_folder() / "source-backups"
    folder.mkdir(parents=True, exist_ok=True)
    own = hashlib.sha256(str(source).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    stamp = time.strftime("%Y-%m-%d %H.%M.%S", time.localtime(when))
    stem = f"{source.name} {own}"
    path = folder / f"{stem} {stamp}.zip"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{stem} {stamp} {number}.zip"
    part = path.with_suffix(".part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.writestr(str(file.absolute().relative_to(file.absolute().anchor)), file.read_bytes())
        part.replace(path)
    except OSError as error:
        raise UserError(tr("no backup could be made: {reason}", reason=error.strerror or error), path=path) from error
    finally:
        part.unlink(missing_ok=True)
    for old in sorted(folder.glob(f"{stem} *.zip"))[:-KEPT_BACKUPS]:
        old.unlink(missing_ok=True)
    return path


def _kept_afterwards(kept: KeptSource, found: PatchedSource) -> KeptSource:
    texts = kept.texts
    contents = dict(zip(texts.names, texts.contents(), strict=True)) | found.changed
    root = Path(texts.root)
    new = SourceTexts.of(
        Path(texts.path),
        {root / name: data for name, data in contents.items()},
        texts.format,
        texts.context,
        found.rows_digest,
    )
    return replace(
        kept,
        texts=new,
        ids=found.row_ids.tobytes(),
        tracks=found.row_tracks.tobytes(),
        class_names=found.class_names if kept.class_names or found.edits.new_classes else kept.class_names,
    )


def _sentences(found: PatchedSource) -> Iterator[str]:
    edits = found.edits
    if not found.changed:
        yield tr("Nothing was edited: the file stays as it is")
        return
    yield _what_changes(edits)
    for place, name in edits.renamed.items():
        yield tr("class {old} becomes {new}", old=edits.original.class_names[place], new=name)
    if edits.new_classes:
        names = ", ".join(edits.new_classes.values())
        yield tr_n("class {names} is new", "classes {names} are new", len(edits.new_classes), names=names)
    if found.kept_shapes:
        yield tr_n(
            "the mask or key points of {count} changed box stay as they are",
            "the masks and key points of {count:,} changed boxes stay as they are",
            found.kept_shapes,
        )
    yield from _untouched(edits)
    yield from lost_sentences(found)


def lost_sentences(found: PatchedSource) -> Iterator[str]:
    """What of the edits the file cannot hold, with the number of boxes; nothing where it holds all."""
    if found.lost:
        names = ", ".join(
            tr("{field} ({count:,})", field=name_of(field), count=count) for field, count in found.lost.items()
        )
        yield tr("the format cannot hold: {fields}", fields=names)


def _what_changes(edits: Edits) -> str:
    parts = []
    tracks = len(edits.touched_tracks)
    changed, added, removed = len(edits.changed), len(edits.added), len(edits.removed)
    if changed:
        boxes = tr_n("{count} box changes", "{count:,} boxes change", changed)
        if tracks and not (edits.original.track_ids == NO_TRACK).all():
            boxes = f"{tr_n('{count} track', '{count:,} tracks', tracks)}, {boxes}"
        parts.append(boxes)
    if added:
        parts.append(tr_n("{count} box is new", "{count:,} boxes are new", added))
    if removed:
        parts.append(tr_n("{count} box is removed", "{count:,} boxes are removed", removed))
    if edits.new_frames:
        parts.append(tr_n("{count} frame is new", "{count:,} frames are new", len(edits.new_frames)))
    return ", ".join(parts) or tr("no box changes")


def _untouched(edits: Edits) -> Iterator[str]:
    reasons = Counter(row.reason for row in edits.original.refused)
    for reason, count in reasons.most_common(_REASONS_SHOWN):
        yield tr_n("{count} row untouched ({reason})", "{count:,} rows untouched ({reason})", count, reason=reason)
    further = sum(reasons.values()) - sum(count for _reason, count in reasons.most_common(_REASONS_SHOWN))
    if further:
        yield tr_n("{count} other row untouched", "{count:,} other rows untouched", further)


def plan_for_project(project: Path) -> SavePlan:
    """The plan for a project file, which is not changed.

    Raises:
        UserError: as ``save_input`` and ``plan_save``, or the project cannot be read.
    """
    return plan_save(save_input(_only_document(read_project(project).document)))


def save_project(project: Path, *, overwrite: bool = False) -> tuple[SavePlan, Path | None]:
    """Save the ground truth of a project file to its source; returns what was written, and the backup.

    Raises:
        UserError: as ``plan_for_project`` and ``save``, or the project is open in a window.
    """
    with closing(ProjectFile.open(project)) as file:
        document = _only_document(file.load().document)
        plan = plan_save(save_input(document))
        if plan.is_empty:
            return plan, None
        backup = save(plan, overwrite=overwrite)
        document.set_kept(plan.kept)
        source = document.sources[0]
        file.save_source(source, document.numbering(), range(0), document.ground_truth().default_state)
        file.flush()
    return plan, backup


def _only_document(document: Document) -> Document:
    if 0 not in document.sources:
        raise UserError(tr("the project has no video"))
    return document
