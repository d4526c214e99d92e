"""Splits the frames of a project among several people: one project file each, to be collected again later.

A package is a project of the same video. Frames outside its list are excluded, so walking unverified frames and the
count of verified frames mean the list. Gold frames are frames that the owner has verified: their boxes are left out, or
damaged in known ways where the other frames have boxes too, and nothing in a package says which frames they are.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import msgspec
import numpy as np

from iouviewer.atomic import write_file
from iouviewer.document.boxes import Box, find_rect_error
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState, Verification
from iouviewer.document.ground_truth import GroundTruth
from iouviewer.document.notes import MAX_LENGTH, NotePin
from iouviewer.document.notes import Note as DocumentNote
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.metrics.table import Int
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.contents import NewContents, ProjectContents, read_contents
from iouviewer.project.schema import SUFFIX, back_up, connect

OWNER_FOLDER = "owner"
"""Folder of what only the owner keeps: the plan, which names the gold frames, and the project as it was split."""
PLAN_FILE = "split.json"
STATE_FILE = f"project{SUFFIX}"
PACKAGE = "package"
"""Key of a project value: what a package says about itself (``PackageFacts``)."""

COLLECTED = "collected"
"""Key of a project value: who had which frames (a list of ``Person``)."""

_LOST, _SHIFTED = 0.15, 0.30
"""Of a gold frame's boxes, the share that is left out, and that share plus the share that is shifted."""
_SHIFT = (0.15, 0.30)
"""Least and greatest shift, in widths and heights of the box: IoU 0.54 to 0.86 along one axis."""


class Person(msgspec.Struct, frozen=True):
    """One package.

    Attributes:
        name: of the person, and of the file.
        frames: all frames of the list in order, gold frames among them.
        gold: the gold frames.
    """

    name: str
    frames: tuple[int, ...]
    gold: tuple[int, ...] = ()


class SplitPlan(msgspec.Struct, frozen=True):
    """How a project was split; kept by its owner. Names of fields are part of the file format.

    Attributes:
        id: names the split in every package.
        project: absolute path of the project that was split.
        seed: of the choice of gold frames and of the damage done to them.
        is_damaged: whether gold frames have damaged boxes; otherwise they have none.
        guidelines: text of the page for everybody, empty for none.
    """

    id: str
    project: str
    seed: int
    is_damaged: bool
    people: tuple[Person, ...]
    guidelines: str = ""


class PackageFacts(msgspec.Struct, frozen=True):
    """What a package says about itself; names of fields are part of the file format."""

    split: str
    name: str


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """What ``split`` does.

    Attributes:
        people: names of the people, each once.
        overlap: frames that two neighbours share, so that their agreement is known.
        gold: share of gold frames, 0 for none.
        frames: a frame selection; None: all frames that are neither verified nor excluded.
        returned: split only frames that were returned with a note, each to the person who had it.
        variants: whether packages have the predictions too.
    """

    project: Path
    out: Path
    people: tuple[str, ...]
    overlap: int = 0
    gold: float = 0.0
    seed: int = 0
    frames: str | None = None
    guidelines: Path | None = None
    returned: bool = False
    variants: bool = False


@dataclass(frozen=True, slots=True)
class SplitResult:
    """The plan and one line for each package."""

    plan: SplitPlan
    lines: tuple[str, ...]


def read_project(path: Path) -> ProjectContents:
    """Read a project without changing it.

    Raises:
        UserError: it is missing, damaged, or no project with a video.
    """
    if not path.is_file():
        raise UserError(tr("there is no such project file"), path=path)
    try:
        with closing(connect(path, mode="ro")) as connection:
            contents = read_contents(connection)
    except (sqlite3.Error, DamagedRowsError) as error:
        raise UserError(
            tr("the project cannot be read: {reason}", reason=error),
            path=path,
            remedy=tr("Open it in the window once: that migrates or repairs it."),
        ) from error
    if not contents.document.sources:
        raise UserError(tr("the project has no video"), path=path)
    return contents


def read_plan(folder: Path) -> SplitPlan:
    """Read the plan in an owner's folder.

    Raises:
        UserError: it is missing or not valid.
    """
    path = folder / PLAN_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=SplitPlan)
    except (OSError, msgspec.MsgspecError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(tr("the plan of the split cannot be read: {reason}", reason=reason), path=path) from error


def split(request: SplitRequest) -> SplitResult:
    """Write one package for each person, and the plan into the owner's folder.

    Raises:
        UserError: there is nothing to split, too few frames for the overlap, or too few verified ones for gold.
    """
    contents = read_project(request.project)
    document = contents.document
    source = min(document.sources)
    truth = document.ground_truth(source)
    guidelines = _read_guidelines(request.guidelines)
    lists = _returned_lists(contents, source) if request.returned else _new_lists(request, truth)
    gold = _choose_gold(request, truth, lists)
    work = np.unique(np.concatenate([frames for _name, frames in lists]))
    people = tuple(
        Person(name, tuple(sorted({*frames.tolist(), *chosen})), chosen)
        for (name, frames), chosen in zip(lists, gold, strict=True)
    )
    plan = SplitPlan(
        secrets.token_hex(8),
        str(request.project.absolute()),
        request.seed,
        bool(np.isin(truth.columns()[0], work).any()),
        people,
        guidelines,
    )
    _write(request, contents, plan)
    return SplitResult(plan, tuple(_describe(plan, person) for person in people))


def _read_guidelines(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(tr("the guidelines cannot be read: {reason}", reason=reason), path=path) from error
    if len(text) > MAX_LENGTH:
        raise UserError(
            tr("the guidelines have {count:,} characters; the limit is {limit:,}", count=len(text), limit=MAX_LENGTH),
            path=path,
        )
    return text


def _new_lists(request: SplitRequest, truth: GroundTruth) -> list[tuple[str, Int]]:
    """Neighbouring parts of the frames to do, each with the first frames of the next part."""
    is_open = (truth.states() != int(FrameState.EXCLUDED)) & ~truth.verified()
    if request.frames is not None:
        chosen = parse_frames(request.frames, truth.frame_count, truth.verified())
        is_open &= np.isin(np.arange(truth.frame_count), chosen)
    frames = np.flatnonzero(is_open).astype(np.int64)
    count = len(request.people)
    if len(frames) < count:
        raise UserError(
            tr_n(
                "{count} frame is neither verified nor excluded; {people} people need one each",
                "{count:,} frames are neither verified nor excluded; {people} people need one each",
                len(frames),
                people=count,
            ),
            path=request.project,
        )
    parts = np.array_split(frames, count)
    if count > 1 and request.overlap >= min(map(len, parts)):
        raise UserError(
            tr(
                "an overlap of {overlap:,} frames needs parts of more than {overlap:,} frames; they have {size:,}",
                overlap=request.overlap,
                size=min(map(len, parts)),
            ),
            remedy=tr("Choose a smaller overlap or fewer people."),
        )
    following = [*(part[: request.overlap] for part in parts[1:]), frames[:0]]
    return [
        (name, np.concatenate([part, more])) for name, part, more in zip(request.people, parts, following, strict=True)
    ]


def _returned_lists(contents: ProjectContents, source: int) -> list[tuple[str, Int]]:
    """Frames that are not verified and have an open note, by the person who had them."""
    document = contents.document
    returned = returned_frames(document, source)
    had = collected_lists(contents)
    if not had:
        raise UserError(
            tr("the project was not collected from packages, so nobody had its frames"),
            remedy=tr("Leave out --returned to split it."),
        )
    lists = [(name, np.array(sorted(returned & set(frames)), np.int64)) for name, frames in had]
    lists = [(name, frames) for name, frames in lists if len(frames)]
    if not lists:
        raise UserError(
            tr("no frame was returned"), remedy=tr("Return frames in the window: Frame > Return with note…")
        )
    return lists


def returned_frames(document: Document, source: int) -> set[int]:
    """Frames that are not verified and have an open note: they were returned, or somebody has a question."""
    verified = document.ground_truth(source).verified()
    notes = (note for note in document.notes(source) if not note.done and note.pin is not NotePin.SOURCE)
    return {note.frame for note in notes if 0 <= note.frame < len(verified) and not verified[note.frame]}


def collected_lists(contents: ProjectContents) -> list[tuple[str, tuple[int, ...]]]:
    """Who had which frames of a collected project; empty for other projects."""
    found = contents.settings.get(COLLECTED)
    try:
        return [(person.name, person.frames) for person in msgspec.convert(found or (), tuple[Person, ...])]
    except msgspec.MsgspecError:
        return []


def _choose_gold(request: SplitRequest, truth: GroundTruth, lists: Sequence[tuple[str, Int]]) -> list[tuple[int, ...]]:
    """Gold frames of each person: verified frames, those between the person's own frames first."""
    if not request.gold:
        return [() for _ in lists]
    pool = np.flatnonzero(truth.verified() & (truth.states() == int(FrameState.LABELLED))).astype(np.int64)
    random = np.random.default_rng(request.seed)
    chosen = []
    for _name, frames in lists:
        count = ceil(request.gold * len(frames))
        if len(pool) < count:
            raise UserError(
                tr_n(
                    "gold frames need {count} verified frame; the project has {have:,}",
                    "gold frames need {count:,} verified frames; the project has {have:,}",
                    count,
                    have=len(pool),
                ),
                path=request.project,
                remedy=tr("Verify more frames, spread over the video, or leave out --gold."),
            )
        distance = np.maximum(0, np.maximum(frames[0] - pool, pool - frames[-1]))
        order = np.lexsort((random.random(len(pool)), distance))
        chosen.append(tuple(sorted(pool[order[:count]].tolist())))
    return chosen


def build_package(state: Document, plan: SplitPlan, person: Person) -> Document:
    """The document of a package as it is handed out; the same for the same arguments.

    Args:
        state: the project as it was split.
    """
    number = min(state.sources)
    source, truth = state.sources[number], state.ground_truth(number)
    document = Document()
    document.classes = state.classes
    new = document.add_source(source)
    document.set_numbering(state.numbering(number), number)
    frames, boxes, class_ids, tracks, flags, ids = truth.columns()
    own = set(person.frames) - set(person.gold)
    kept = np.isin(frames, np.fromiter(own, np.int64))
    damaged = [box for frame in person.gold for box in _damage(truth, frame, plan)] if plan.is_damaged else []
    extra = np.array([(b.frame, b.class_id, b.track, b.flags, b.id) for b in damaged], np.int64).reshape(-1, 5).T
    new.load_columns(
        np.concatenate([frames[kept], extra[0]]),
        np.concatenate([boxes[:, kept], np.array([b.rect for b in damaged], np.float64).reshape(-1, 4).T], axis=1),
        class_ids=np.concatenate([class_ids[kept], extra[1]]),
        tracks=np.concatenate([tracks[kept], extra[2]]),
        flags=np.concatenate([flags[kept], extra[3]]),
        ids=np.concatenate([ids[kept], extra[4]]),
    )
    new.reserve_ids(truth.next_id)
    states = np.full(truth.frame_count, int(FrameState.EXCLUDED), np.int8)
    mine = np.array(sorted(own), np.int64)
    states[mine] = truth.states()[mine]
    if person.gold:
        # Gold frames look like the others.
        usual = np.bincount(states[mine], minlength=2)
        states[list(person.gold)] = int(np.argmax(usual))
    verification = np.full(truth.frame_count, int(Verification.NONE), np.int8)
    verification[mine] = truth.verification()[mine]
    new.load_states(states, verification)
    if plan.guidelines:
        document.load_notes([DocumentNote(1, plan.guidelines)], number)
    return document


def _damage(truth: GroundTruth, frame: int, plan: SplitPlan) -> list[Box]:
    """The boxes of a gold frame with known errors: some are missing, some shifted. The same for everybody."""
    random = np.random.default_rng([plan.seed, frame])
    found = []
    for box in truth.boxes(frame):
        draw, share, angle = random.random(), random.uniform(*_SHIFT), random.uniform(0.0, 2.0 * np.pi)
        if draw < _LOST:
            continue
        kept = box
        if draw < _SHIFTED:
            x1, y1, x2, y2 = box.rect
            dx, dy = share * np.cos(angle) * (x2 - x1), share * np.sin(angle) * (y2 - y1)
            moved = replace(box, rect=(x1 + dx, y1 + dy, x2 + dx, y2 + dy))
            kept = moved if find_rect_error(moved.rect) is None else box
        found.append(kept)
    return found


def _write(request: SplitRequest, contents: ProjectContents, plan: SplitPlan) -> None:
    out, owner = request.out, request.out / OWNER_FOLDER
    try:
        owner.mkdir(parents=True, exist_ok=True)
        with closing(connect(request.project, mode="ro")) as connection:
            back_up(connection, owner / STATE_FILE)
        for person in plan.people:
            document = build_package(contents.document, plan, person)
            facts = PackageFacts(plan.id, person.name)
            new = NewContents.of(
                document,
                variants=contents.variants if request.variants else (),
                baseline=contents.baseline if request.variants else "",
                settings={PACKAGE: msgspec.to_builtins(facts)},
            )
            new.make_file(package_path(out, person.name), replace=True)
    except (sqlite3.Error, OSError) as error:
        raise UserError(tr("a package could not be written: {reason}", reason=error), path=out) from error
    write_file(owner / PLAN_FILE, msgspec.json.encode(plan))


def package_path(folder: Path, name: str) -> Path:
    """Path of a person's package."""
    return folder / f"{name}{SUFFIX}"


def _describe(plan: SplitPlan, person: Person) -> str:
    shared = {f for other in plan.people if other is not person for f in other.frames} - set(person.gold)
    parts = [
        tr_n("{count} frame", "{count:,} frames", len(person.frames)),
        tr("{first:,}–{last:,}", first=person.frames[0], last=person.frames[-1]),
        tr_n("{count} shared", "{count:,} shared", len(shared & set(person.frames))),
    ]
    if person.gold:
        parts.append(tr_n("{count} gold", "{count:,} gold", len(person.gold)))
    return tr("{file}: {parts}", file=f"{person.name}{SUFFIX}", parts=", ".join(parts))


def default_names(count: int) -> tuple[str, ...]:
    """Names of people without names: ``person-01``, ``person-02``, …"""
    width = max(2, len(str(count)))
    return tuple(f"person-{number:0{width}}" for number in range(1, count + 1))
