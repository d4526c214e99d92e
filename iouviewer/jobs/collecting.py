"""Collects the packages of a split: merges them by box into a copy of the project, and finds conflicts."""

from __future__ import annotations

import csv
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from iouviewer.document.attributes import numbers_in
from iouviewer.document.boxes import NO_TRACK, Box
from iouviewer.document.classes import ClassTable, fold_name
from iouviewer.document.document import Document
from iouviewer.document.edits import Edit, SetNotes, Verification
from iouviewer.document.history import StepSummary, collect_row_changes
from iouviewer.document.merging import BoxDifference, Merge, build_merge_edit, find_differences
from iouviewer.document.notes import Note
from iouviewer.document.steps import Step
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.collect_report import CollectResult, Package, describe_conflict, report_person
from iouviewer.jobs.shared_frames import (
    AGREEING_IOU,
    NOBODY,
    Conflict,
    Opinion,
    Settled,
    group_conflicts,
    join_tracks,
    settle,
)
from iouviewer.jobs.work_packages import (
    COLLECTED,
    OWNER_FOLDER,
    PACKAGE,
    STATE_FILE,
    PackageFacts,
    SplitPlan,
    build_package,
    read_plan,
    read_project,
    returned_frames,
)
from iouviewer.project.contents import ProjectContents, delete_logs
from iouviewer.project.history_log import read_extent, read_summaries
from iouviewer.project.lock import LockFile
from iouviewer.project.schema import SUFFIX, back_up, connect
from iouviewer.project.store import ProjectFile

PROJECT = "project"
"""Stands for the owner of the project in conflicts."""


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """What ``collect`` does.

    Attributes:
        packages: project files of the people.
        owner: the owner's folder of the split; None: the one beside the first package.
        out: the project to write: a copy of the one that was split, with one undoable step for each person.
        decisions: a list of conflicts whose last column was filled in.
        agreeing_iou: least IoU of boxes that count as the same.
    """

    packages: tuple[Path, ...]
    out: Path
    owner: Path | None = None
    decisions: Path | None = None
    agreeing_iou: float = AGREEING_IOU


def collect(request: CollectRequest) -> CollectResult:
    """Merge packages into a copy of the project that was split, one undoable step for each person.

    Raises:
        UserError: a package belongs to another split or video, is given twice, or cannot be read; the project to write
            is open in a window, or cannot be written.
    """
    owner = request.owner or request.packages[0].absolute().parent / OWNER_FOLDER
    plan = read_plan(owner)
    state = read_project(owner / STATE_FILE)
    notes: list[str] = []
    target = Path(plan.project)
    if not target.is_file():
        notes.append(tr("{path} is gone: the project as it was split is used", path=target))
        target = owner / STATE_FILE
    packages = _read_packages(request.packages, plan, state.document)
    packages, classes = _with_project_numbers(packages, state.document)
    decisions = _read_decisions(request.decisions) if request.decisions is not None else {}
    opinions = _opinions(packages)
    names = [package.person.name for package in packages]
    known = _tracks_of(state.document)
    joined = join_tracks(opinions, names, known)
    packages = [
        replace(package, tracks={old: joined.get(new, new) for old, new in package.tracks.items()})
        for package in packages
    ]
    opinions = _opinions(packages)
    settled = settle(opinions, names, known, decisions, agreeing_iou=request.agreeing_iou)
    works = [_settled_document(package, opinions, settled, classes) for package in packages]
    steps, conflicts, returned = _write(request, target, packages, works, settled.conflicts, decisions)
    reports = tuple(report_person(package, packages, state.document, returned) for package in packages)
    missing = tuple(person.name for person in plan.people if person.name not in names)
    return CollectResult(reports, conflicts, steps, missing, tuple(notes), classes.names)


def _read_packages(paths: Sequence[Path], plan: SplitPlan, state: Document) -> list[Package]:
    people = {person.name: person for person in plan.people}
    read: dict[str, Package] = {}
    for path in paths:
        contents = read_project(path)
        facts = _facts(contents, path)
        if facts.split != plan.id or facts.name not in people:
            raise UserError(tr("this package belongs to another split"), path=path)
        if facts.name in read:
            raise UserError(
                tr("two packages of {name}; the other one is {other}", name=facts.name, other=read[facts.name].path),
                path=path,
                remedy=tr("Give the one with the latest work."),
            )
        _check_video(contents.document, state, path)
        person = people[facts.name]
        base = build_package(state, plan, person)
        read[facts.name] = Package(path, person, base, contents.document, _read_steps(path))
    return [read[name] for name in people if name in read]


def _facts(contents: ProjectContents, path: Path) -> PackageFacts:
    try:
        return msgspec.convert(contents.settings.get(PACKAGE), PackageFacts)
    except msgspec.MsgspecError as error:
        raise UserError(
            tr("this project is not a package"), path=path, remedy=tr("Packages are written by iouviewer split.")
        ) from error


def _check_video(work: Document, state: Document, path: Path) -> None:
    """Refuse a package whose frames may be others."""
    here, there = work.sources[min(work.sources)], state.sources[min(state.sources)]
    if (here.frame_count, here.width, here.height) != (there.frame_count, there.width, there.height) or (
        here.index_digest and there.index_digest and here.index_digest != there.index_digest
    ):
        raise UserError(
            tr(
                "the package was made for another video: {name}, {frames:,} frames of {width} × {height}",
                name=here.name,
                frames=here.frame_count,
                width=here.width,
                height=here.height,
            ),
            path=path,
            remedy=tr("Its frame numbers may differ. Open it with the video that was split."),
        )


def _read_steps(path: Path) -> tuple[StepSummary, ...]:
    try:
        with closing(connect(path, mode="ro")) as connection:
            cursor, _count = read_extent(connection)
            return tuple(read_summaries(connection, 1, cursor))
    except sqlite3.Error as error:
        raise UserError(tr("the project cannot be read: {reason}", reason=error), path=path) from error


def _tracks_of(document: Document) -> frozenset[int]:
    tracks = document.ground_truth(min(document.sources)).columns()[3]
    return frozenset(np.unique(tracks).tolist()) - {NO_TRACK}


def _with_project_numbers(packages: Sequence[Package], state: Document) -> tuple[list[Package], ClassTable]:
    """Packages that know the classes, attributes and tracks of the project, and all classes together.

    New tracks get ids that nobody else uses.
    """
    names, sets = list(state.class_names), state.classes.attribute_sets
    by_name = {fold_name(name): number for number, name in enumerate(names)}
    next_track = max(_tracks_of(state), default=0) + 1
    numbered = []
    for package in packages:
        classes = []
        for name in package.work.class_names:
            if fold_name(name) not in by_name:
                by_name[fold_name(name)] = len(names)
                names.append(name)
            classes.append(by_name[fold_name(name)])
        tracks = {}
        for track in sorted(_tracks_of(package.work) - _tracks_of(package.base)):
            tracks[track], next_track = next_track, next_track + 1
        own_sets, sets = numbers_in(package.work.classes.attribute_sets, sets)
        numbered.append(replace(package, classes=tuple(classes), sets=own_sets, tracks=tracks))
    return numbered, replace(state.classes.renamed(names), attribute_sets=sets)


def _opinions(packages: Sequence[Package]) -> dict[int, dict[str, Opinion]]:
    """What the people say about frames that several of them verified or changed."""
    having: dict[int, list[Package]] = {}
    for package in packages:
        for frame in package.own_frames:
            having.setdefault(frame, []).append(package)
    found = {}
    for frame, of in having.items():
        if len(of) < 2:
            continue
        said = {p.person.name: opinion for p in of if (opinion := _opinion(p, frame)) is not None}
        if len(said) > 1:
            found[frame] = said
    return found


def _opinion(package: Package, frame: int) -> Opinion | None:
    verified = package.truth.is_verified(frame)
    boxes = package.truth.boxes(frame)
    if not verified and boxes == package.base_truth.boxes(frame):
        return None
    return Opinion(tuple(package.project_box(box) for box in boxes), verified)


def _read_decisions(path: Path) -> dict[str, str]:
    """Decisions by conflict from a list of conflicts, CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(tr("the decisions cannot be read: {reason}", reason=reason), path=path) from error
    if rows and not {"conflict", "decision", "first", "second"} <= rows[0].keys():
        raise UserError(
            tr("the columns conflict, first, second and decision are needed"),
            path=path,
            line=1,
            remedy=tr("Fill in the last column of the list of conflicts that collect wrote."),
        )
    decisions = {}
    for line, row in enumerate(rows, start=2):
        decision = (row["decision"] or "").strip()
        allowed = (row["first"], row["second"], NOBODY)
        if decision and decision not in allowed:
            raise UserError(
                tr("decision {text!r}: must be one of {allowed}", text=decision, allowed=", ".join(allowed)),
                path=path,
                line=line,
            )
        if decision:
            decisions[row["conflict"]] = decision
    return decisions


def _check_decisions(decisions: Mapping[str, str], conflicts: Sequence[Conflict], path: Path | None) -> None:
    unknown = decisions.keys() - {conflict.key for conflict in conflicts}
    if unknown:
        raise UserError(
            tr_n(
                "{count} decision is about a conflict that no longer exists: {keys}",
                "{count:,} decisions are about conflicts that no longer exist: {keys}",
                len(unknown),
                keys=", ".join(sorted(unknown)),
            ),
            path=path,
            remedy=tr(
                "The packages have changed since: collect them without --decisions to get the list as it is now."
            ),
        )


def _settled_document(
    package: Package, opinions: Mapping[int, Mapping[str, Opinion]], settled: Settled, classes: ClassTable
) -> Document:
    """The work of one person: without gold frames, and with shared frames as they were settled.

    A frame about which others have an opinion too belongs to the first of them; for the others it is as handed out.
    """
    truth, base = package.truth, package.base_truth
    number = min(package.work.sources)
    document = Document()
    document.classes = classes
    new = document.add_source(package.work.sources[number])
    states, verification = base.states().copy(), base.verification().copy()
    boxes: list[Box] = []
    fresh = iter(range(max(base.next_id, truth.next_id), np.iinfo(np.int64).max))  # boxes of other people
    for frame in package.own_frames:
        shared = opinions.get(frame)
        if shared is not None and next(iter(shared)) != package.person.name:
            boxes += base.boxes(frame)
            continue
        states[frame], verification[frame] = truth.states()[frame], truth.verification()[frame]
        if shared is None:
            named = [(box.id, package.project_box(box)) for box in truth.boxes(frame)]
            boxes += [box if box.id else replace(box, id=number_there) for number_there, box in named]
        else:
            boxes += [box if box.id else replace(box, id=next(fresh)) for box in settled.boxes[frame]]
            verification[frame] = int(Verification.VERIFIED if settled.verified[frame] else Verification.NONE)
    boxes += [box for frame in package.person.gold for box in base.boxes(frame)]
    rows = np.array([(b.frame, b.class_id, b.track, b.flags, b.id) for b in boxes], np.int64).reshape(-1, 5).T
    rects = np.array([b.rect for b in boxes], np.float64).reshape(-1, 4).T
    new.load_columns(rows[0], rects, class_ids=rows[1], tracks=rows[2], flags=rows[3], ids=rows[4])
    new.load_states(states, verification)
    document.load_notes(package.work.notes(number), number)
    document.load_decisions(package.work.decisions(number).items(), number)
    return document


def _write(
    request: CollectRequest,
    target: Path,
    packages: Sequence[Package],
    works: Sequence[Document],
    conflicts: tuple[Conflict, ...],
    decisions: Mapping[str, str],
) -> tuple[tuple[str, ...], tuple[Conflict, ...], set[int]]:
    """Write the merged project; returns its steps, all conflicts, and the frames that its owner has returned."""
    part = request.out.with_name(f".{request.out.stem}.part{SUFFIX}")
    # A window that had the file open would go on writing to one that has no name any more.
    lock = LockFile(request.out)
    try:
        with closing(connect(target, mode="ro")) as connection:
            back_up(connection, part)
        project = ProjectFile.open(part)
        try:
            document = project.load().document
            source = min(document.sources)
            returned = returned_frames(document, source)
            labels = []
            for package, work in zip(packages, works, strict=True):
                merge = find_differences(package.base, work, document, source)
                against = _project_conflicts(merge, package.person.name, decisions, request.agreeing_iou)
                conflicts += against
                merge = _without_conflicts(merge, conflicts)
                edit = build_merge_edit(document, merge, _chosen(merge.boxes, against), source)
                label = tr("Merge package of {name}", name=package.person.name)
                if _append(project, document, edit, label, package.person.name):
                    labels.append(label)
            _check_decisions(decisions, conflicts, request.decisions)
            conflicts = tuple(sorted(conflicts, key=lambda one: (one.frames[0], one.key)))
            notes = _conflict_notes(document, conflicts, source)
            if notes:
                text = tr_n("Add note on {count} conflict", "Add notes on {count:,} conflicts", len(notes))
                _append(project, document, SetNotes(notes, source=source), text, "")
            project.save_source(document.sources[source], document.numbering(source))
            people = [package.person for package in packages]
            project.save_settings({COLLECTED: msgspec.to_builtins(people), PACKAGE: None})
        finally:
            project.close()
        part.replace(request.out)
        delete_logs(request.out)
    except (sqlite3.Error, OSError) as error:
        raise UserError(tr("the project could not be written: {reason}", reason=error), path=request.out) from error
    finally:
        delete_logs(part)
        part.unlink(missing_ok=True)
        lock.release()
    return tuple(labels), conflicts, returned


def _append(project: ProjectFile, document: Document, edit: Edit, label: str, author: str) -> bool:
    """Make an edit a step of the project; False if it changes nothing."""
    applied = document.apply(edit)
    if applied is None:
        return False
    frame = min(applied.change.frames, default=0)
    step = Step(label, edit, applied.inverse, applied.change.source, frame, author=author)
    project.append(step, collect_row_changes(document, applied.change))
    return True


def _project_conflicts(
    merge: Merge, name: str, decisions: Mapping[str, str], agreeing_iou: float
) -> tuple[Conflict, ...]:
    """Boxes that the project's owner has changed in another way since the split."""
    changed = [(one.box.frame, one.current, one.copied) for one in merge.boxes if one.is_conflict]
    found = group_conflicts(changed, PROJECT, name, agreeing_iou)
    return tuple(replace(one, decision=decisions.get(one.key, "")) for one in found)


def _chosen(boxes: Sequence[BoxDifference], against: Sequence[Conflict]) -> list[BoxDifference]:
    """The differences to take: all but those that the project has otherwise, unless somebody decided for them."""
    won = {(frame, one.box.id) for one in against if one.decision not in ("", PROJECT) for frame in one.frames}
    return [one for one in boxes if not one.is_conflict or (one.box.frame, one.box.id) in won]


def _without_conflicts(merge: Merge, conflicts: Sequence[Conflict]) -> Merge:
    """Frames with an open conflict do not become verified."""
    frames = {frame for one in conflicts if not one.decision for frame in one.frames}
    marks = (mark._replace(verified=False) if mark.frame in frames else mark for mark in merge.marks)
    return replace(merge, marks=tuple(marks))


def _conflict_notes(document: Document, conflicts: Sequence[Conflict], source: int) -> tuple[Note, ...]:
    """A note for each open conflict, on its first frame."""
    first, when = document.next_note_id(source), time.time()
    undecided = [one for one in conflicts if not one.decision]
    return tuple(
        Note(first + place, describe_conflict(one, document.class_names), one.frames[0], when=when)
        for place, one in enumerate(undecided)
    )
