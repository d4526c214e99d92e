"""What collecting packages found: how each person worked, and the list of conflicts, as texts and CSV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan
from pathlib import Path

import numpy as np

from iouviewer.document.attributes import set_number, with_set
from iouviewer.document.boxes import Box, BoxFlag, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.document import Document
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.history import StepSummary
from iouviewer.document.merging import DifferenceKind, find_differences
from iouviewer.i18n import tr
from iouviewer.jobs.shared_frames import Conflict, ConflictKind
from iouviewer.jobs.work_packages import Person
from iouviewer.metrics.agreement import Agreement, agreement, pool
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Bool, BoxTable
from iouviewer.reports.data_files import csv_bytes

IDLE_SECONDS = 120.0
"""A longer pause between two edits does not count as active time."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was read.

    Attributes:
        base, work: as it was handed out, and as it is.
        steps: of its history, those that are done.
    """

    path: Path
    person: Person
    base: Document
    work: Document
    steps: tuple[StepSummary, ...]
    # Filled in later: the classes, attribute sets and tracks of the project, by those of the package.
    classes: tuple[int, ...] = ()
    sets: tuple[int, ...] = (0,)
    tracks: Mapping[int, int] = field(default_factory=dict)

    @property
    def truth(self) -> GroundTruth:
        return self.work.ground_truth(min(self.work.sources))

    @property
    def base_truth(self) -> GroundTruth:
        return self.base.ground_truth(min(self.base.sources))

    @property
    def own_frames(self) -> tuple[int, ...]:
        """The frames of the list without gold frames."""
        gold = set(self.person.gold)
        return tuple(frame for frame in self.person.frames if frame not in gold)

    def project_box(self, box: Box) -> Box:
        """A box in the classes, attributes and tracks of the project; its id is 0 if it is new."""
        class_id = self.classes[box.class_id] if 0 <= box.class_id < len(self.classes) else box.class_id
        is_new = self.base_truth.find(box.id) is None
        track = self.tracks.get(box.track, box.track)
        number = set_number(box.flags)
        flags = with_set(box.flags, self.sets[number] if number < len(self.sets) else 0)
        return replace(box, id=0 if is_new else box.id, class_id=class_id, track=track, flags=flags)


@dataclass(frozen=True, slots=True)
class PersonReport:
    """How one person worked; nan where nothing is known.

    Attributes:
        authors: names that the person used in the window.
        frames, verified: frames of the list, and how many of them are verified.
        boxes: on the frames of the list now; added, changed, deleted: against the package as it was handed out.
        decisions: problems that were decided; notes: that were written.
        active_seconds: sum of the pauses between edits that are no longer than ``IDLE_SECONDS``.
        gold, overlap: agreement on verified gold frames with the owner, and with others on frames that both verified.
        gold_frames, overlap_frames: how many frames these are.
        returned: frames of the list that the owner has returned with a note since.
    """

    name: str
    authors: tuple[str, ...]
    frames: int
    verified: int
    boxes: int
    added: int
    changed: int
    deleted: int
    decisions: int
    notes: int
    active_seconds: float
    gold: Agreement | None
    gold_frames: int
    overlap: Agreement | None
    overlap_frames: int
    returned: int


@dataclass(frozen=True, slots=True)
class CollectResult:
    """What was collected.

    Attributes:
        steps: what was merged, one line for each person.
        missing: people whose package was not given.
        notes: sentences about assumptions.
    """

    people: tuple[PersonReport, ...]
    conflicts: tuple[Conflict, ...]
    steps: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    class_names: tuple[str, ...]

    @property
    def undecided(self) -> int:
        """Number of conflicts that nobody has decided."""
        return sum(not one.decision for one in self.conflicts)


def describe_conflict(conflict: Conflict, class_names: Sequence[str]) -> str:
    """A conflict in one sentence."""
    frames = (
        tr("frame {frame:,}", frame=conflict.frames[0])
        if len(conflict.frames) == 1
        else tr("frames {first:,}–{last:,}", first=conflict.frames[0], last=conflict.frames[-1])
    )
    return tr(
        "Conflict {key}, {object}, {frames}: {first}: {first_says}; {second}: {second_says}.",
        key=conflict.key,
        object=object_text(conflict.box, class_names),
        frames=frames,
        first=conflict.first,
        first_says=says_text(conflict, conflict.first_box, class_names),
        second=conflict.second,
        second_says=says_text(conflict, conflict.second_box, class_names),
    )


def object_text(box: Box, class_names: Sequence[str]) -> str:
    """The name of the object of a conflict."""
    return object_name(class_name_of(box.class_id, class_names), box.track)


def says_text(conflict: Conflict, box: Box | None, class_names: Sequence[str]) -> str:
    """What one side of a conflict says."""
    if box is None:
        return tr("no box")
    if conflict.kind is ConflictKind.OTHER_CLASS:
        return class_name_of(box.class_id, class_names) or tr("no class")
    x1, y1, x2, y2 = box.rect
    text = tr("{width:.0f} × {height:.0f} at {x:.0f}, {y:.0f}", width=x2 - x1, height=y2 - y1, x=x1, y=y1)
    if conflict.kind is ConflictKind.OTHER_FLAGS:
        flags = [
            word
            for flag, word in ((BoxFlag.IGNORED, tr("ignored")), (BoxFlag.OUTSIDE, tr("out of view")))
            if box.flags & flag
        ]
        return ", ".join(flags) or tr("no flags")
    return text


def conflicts_csv(result: CollectResult) -> bytes:
    """The list of conflicts; its last column is for decisions."""
    header = ("conflict", "frames", "object", "kind", "first", "first_says", "second", "second_says", "iou", "decision")
    rows = (
        (
            one.key,
            f"{one.frames[0]}:{one.frames[-1] + 1}",
            object_text(one.box, result.class_names),
            str(one.kind),
            one.first,
            says_text(one, one.first_box, result.class_names),
            one.second,
            says_text(one, one.second_box, result.class_names),
            _number(one.iou),
            one.decision,
        )
        for one in result.conflicts
    )
    return csv_bytes(header, rows)


def people_csv(result: CollectResult) -> bytes:
    """How each person worked, one row each; a cell is empty where nothing is known."""
    header = (
        *("name", "authors", "frames", "verified", "verified_share", "boxes", "added", "changed", "deleted"),
        *("decisions", "notes", "active_minutes"),
        *("gold_frames", "gold_f1", "gold_iou", "gold_same_class"),
        *("overlap_frames", "overlap_f1", "overlap_iou", "overlap_same_class"),
        *("returned_frames", "returned_share"),
    )
    rows = []
    for one in result.people:
        rows.append(
            (
                *(one.name, " + ".join(one.authors), str(one.frames), str(one.verified)),
                _number(one.verified / one.frames if one.frames else nan),
                *map(str, (one.boxes, one.added, one.changed, one.deleted, one.decisions, one.notes)),
                f"{one.active_seconds / 60.0:.1f}",
                *(str(one.gold_frames), *_agreement_cells(one.gold)),
                *(str(one.overlap_frames), *_agreement_cells(one.overlap)),
                str(one.returned),
                _number(one.returned / one.frames if one.frames else nan),
            )
        )
    return csv_bytes(header, rows)


def _agreement_cells(found: Agreement | None) -> tuple[str, str, str]:
    if found is None:
        return "", "", ""
    return _number(found.total.f1), _number(found.mean_iou), _number(found.same_class)


def _number(value: float) -> str:
    return "" if isnan(value) else f"{value:.4f}"


def report_person(package: Package, packages: Sequence[Package], state: Document, returned: set[int]) -> PersonReport:
    """How one person worked.

    Args:
        packages: all of them, for the agreement on shared frames.
        state: the project as it was split, with the owner's boxes on gold frames.
        returned: frames that the owner has returned.
    """
    frames = np.array(package.person.frames, np.int64)
    verified = package.truth.verified()
    gold = _mask(package, package.person.gold) & verified
    own = package.own_frames
    differences = find_differences(package.base, package.work, package.base, min(package.base.sources)).boxes
    counts = Counter(one.kind for one in differences)
    overlap, shared = _overlap(package, packages)
    truth = state.ground_truth(min(state.sources)).table()
    times = [step.when for step in package.steps]
    pauses = np.diff(np.array(times, np.float64))
    return PersonReport(
        package.person.name,
        tuple(dict.fromkeys(step.author for step in package.steps if step.author)),
        len(frames),
        int(verified[frames].sum()),
        int(np.isin(package.truth.columns()[0], frames).sum()),
        counts[DifferenceKind.ADDED],
        counts[DifferenceKind.CHANGED],
        counts[DifferenceKind.DELETED],
        len(package.work.decisions(min(package.work.sources))),
        len(package.work.notes(min(package.work.sources))) - len(package.base.notes(min(package.base.sources))),
        float(pauses[(pauses >= 0.0) & (pauses <= IDLE_SECONDS)].sum()),
        agreement(truth, _project_table(package), gold) if gold.any() else None,
        int(gold.sum()),
        overlap,
        shared,
        len(returned & set(own)),
    )


def _mask(package: Package, frames: Sequence[int]) -> Bool:
    mask = np.zeros(package.truth.frame_count, np.bool_)
    mask[list(frames)] = True
    return mask


def _project_table(package: Package) -> BoxTable:
    """The boxes of a package in the classes of the project."""
    table = package.truth.table()
    numbers = np.array([*package.classes, UNSPECIFIED_CLASS], np.int64)  # class -1 is the last one
    return replace(table, class_ids=numbers[table.class_ids])


def _overlap(package: Package, packages: Sequence[Package]) -> tuple[Agreement | None, int]:
    """Agreement with all others on frames that both verified, pooled, and the number of these frames."""
    own = _mask(package, package.own_frames) & package.truth.verified()
    found: list[Agreement] = []
    count = 0
    for other in packages:
        frames = own & _mask(other, other.own_frames) & other.truth.verified()
        if other is not package and frames.any():
            found.append(agreement(_project_table(package), _project_table(other), frames))
            count += int(frames.sum())
    return pool(found) if found else None, count
