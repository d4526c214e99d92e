"""``split`` gives a project to several people; ``collect`` merges what they did and lists where they disagree."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.document.attributes import attribute_set, attributes_of, with_set
from iouviewer.document.boxes import Box
from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetFrames,
    SetNotes,
    SetRects,
)
from iouviewer.document.history import collect_row_changes
from iouviewer.document.notes import Note
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from iouviewer.jobs.work_packages import read_project
from iouviewer.project.contents import NewContents
from iouviewer.project.store import ProjectFile

FRAMES, PER_PERSON, OVERLAP = 96, 30, 6
GOLD = (5, 35, 65, 90, 91, 92)
"""Frames that the owner has verified."""
CAR = 1


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A person (track 1) on all frames and a car (track 2) on frames 20 to 50; the gold frames are verified."""
    document = Document()
    document.classes = ClassTable(("person", "car"))
    truth = document.add_source(Source(0, "clip.mp4", str(tmp_path / "clip.mp4"), 200, 100, FRAMES, 25.0))
    frames = [*range(FRAMES), *range(20, 51)]
    rects = [(f + 10.0, 20.0, f + 30.0, 60.0) for f in range(FRAMES)] + [(100.0, 50.0, 160.0, 90.0)] * 31
    classes = [0] * FRAMES + [CAR] * 31
    truth.load_columns(
        np.array(frames, np.int64),
        np.array(rects).T,
        class_ids=np.array(classes, np.int64),
        tracks=np.array(classes, np.int64) + 1,
        flags=np.zeros(len(frames), np.int64),
    )
    verified = np.zeros(FRAMES, np.int8)
    verified[list(GOLD)] = 1
    truth.load_states(np.full(FRAMES, int(FrameState.LABELLED), np.int8), verified)
    path = tmp_path / "clip.mp4.iouv"
    NewContents.of(document).make_file(path)
    return path


def work(package: Path, author: str, make: Callable[[Document], list[Edit]], seconds: float = 10.0) -> None:
    """Do edits in a package as the window does: one step each, ``seconds`` apart."""
    file = ProjectFile.open(package)
    document = file.load().document
    for number, edit in enumerate(make(document)):
        applied = document.apply(edit)
        assert applied is not None, edit
        step = Step("Edit", edit, applied.inverse, 0, 0, when=1_000_000.0 + seconds * number, author=author)
        file.append(step, collect_row_changes(document, applied.change))
    assert file.flush()
    file.close()


def verify_all(document: Document) -> list[Edit]:
    """Verify each frame of the list."""
    states = document.ground_truth().states()
    frames = np.flatnonzero(states == int(FrameState.LABELLED)).tolist()
    return [SetFrames(tuple(FrameMark(frame, FrameState.LABELLED, True) for frame in frames))]


def box_of(document: Document, frame: int, track: int) -> Box:
    found = [box for box in document.ground_truth().boxes(frame) if box.track == track]
    assert len(found) == 1
    return found[0]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def packages(project: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out"
    (tmp_path / "rules.md").write_text("Draw the whole person.", encoding="utf-8")
    options = ["--people", "ann,ben,cleo", "--overlap", str(OVERLAP), "--gold", "3%"]
    assert main(["split", str(project), *options, "--guidelines", str(tmp_path / "rules.md"), "--out", str(out)]) == 0
    return out


def test_a_package_has_its_frames_the_guidelines_and_hides_the_gold(project: Path, packages: Path) -> None:
    before = read_project(project).document.ground_truth()
    lists = {}
    for name in ("ann", "ben", "cleo"):
        contents = read_project(packages / f"{name}.iouv")
        truth = contents.document.ground_truth()
        lists[name] = set(np.flatnonzero(truth.states() != int(FrameState.EXCLUDED)).tolist())
        assert not truth.verified().any()
        assert contents.document.notes()[0].text == "Draw the whole person."
        assert "gold" not in str(contents.settings)
        for frame in lists[name] - set(GOLD):
            assert truth.boxes(frame) == before.boxes(frame)
        assert all(not truth.boxes(frame) for frame in set(range(FRAMES)) - lists[name])
    assert set.union(*lists.values()) >= set(range(FRAMES)) - set(GOLD)
    assert len(lists["ann"] & lists["ben"] - set(GOLD)) == OVERLAP == len(lists["ben"] & lists["cleo"] - set(GOLD))
    assert not lists["ann"] & lists["cleo"]
    # 3 % of 36, 36 and 30 frames, rounded up; those between the person's own frames first.
    assert [len(lists[name] & set(GOLD)) for name in lists] == [2, 2, 1]
    assert 5 in lists["ann"] and 35 in lists["ben"]


def test_packages_that_nobody_changed_change_nothing(project: Path, packages: Path) -> None:
    before = read_project(project).document.ground_truth()
    given = [str(packages / f"{name}.iouv") for name in ("ann", "ben", "cleo")]
    assert main(["collect", *given]) == 0
    after = read_project(packages / "owner" / "collected.iouv").document.ground_truth()
    assert [a.tolist() for a in after.columns()] == [b.tolist() for b in before.columns()]
    assert (after.verified() == before.verified()).all()
    assert rows(packages / "owner" / "conflicts.csv") == []


@pytest.fixture
def shared(packages: Path) -> list[int]:
    """The frames that ann and ben share."""
    ann, ben = (read_project(packages / f"{name}.iouv").document.ground_truth().states() for name in ("ann", "ben"))
    both = (ann != int(FrameState.EXCLUDED)) & (ben != int(FrameState.EXCLUDED))
    return [frame for frame in np.flatnonzero(both).tolist() if frame not in GOLD]


@pytest.fixture
def three_who_err(packages: Path, shared: list[int]) -> Path:
    """Ann deletes a car and adds a dog; ben calls the car a person and moves the person; cleo does half and asks."""

    def ann(document: Document) -> list[Edit]:
        truth = document.ground_truth()
        dog = [Box(number, frame, (1.0, 1.0, 9.0, 9.0), 0, 3) for number, frame in enumerate(shared, truth.next_id)]
        car = box_of(document, 25, 2)
        return [RemoveBoxes((car.id,)), AddBoxes(tuple(dog)), *verify_all(document)]

    def ben(document: Document) -> list[Edit]:
        truth = document.ground_truth()
        late = [*shared, *(f for f in range(shared[-1] + 1, shared[-1] + 5) if f not in GOLD)]
        dog = [Box(number, frame, (1.0, 1.0, 9.0, 9.0), 0, 7) for number, frame in enumerate(late, truth.next_id)]
        cars = tuple((box_of(document, frame, 2).id, 0) for frame in shared[:3])
        person = box_of(document, shared[-1], 1)
        x1, y1, x2, y2 = person.rect
        moved = (person.id, (x1 + 15.0, y1, x2 + 15.0, y2))
        return [SetClasses(cars), SetRects((moved,)), AddBoxes(tuple(dog)), *verify_all(document)]

    def cleo(document: Document) -> list[Edit]:
        frames = np.flatnonzero(document.ground_truth().states() == int(FrameState.LABELLED)).tolist()
        half = tuple(FrameMark(frame, FrameState.LABELLED, True) for frame in frames[: len(frames) // 2])
        note = Note(document.next_note_id(), "Is this a person?", frames[0], author="Cleo B.")
        return [SetFrames(half), SetNotes((note,))]

    work(packages / "ann.iouv", "Ann A.", ann)
    work(packages / "ben.iouv", "Ben", ben, seconds=500.0)
    work(packages / "cleo.iouv", "Cleo B.", cleo)
    return packages


def collect(folder: Path, *options: str) -> int:
    return main(["collect", *(str(folder / f"{name}.iouv") for name in ("ann", "ben", "cleo")), *options])


def test_three_who_err_differently_are_merged_and_their_conflicts_listed(
    three_who_err: Path, shared: list[int], project: Path
) -> None:
    assert collect(three_who_err) == 4
    owner = three_who_err / "owner"
    found = rows(owner / "conflicts.csv")
    assert [(row["kind"], row["first"], row["second"]) for row in found] == [
        ("other-class", "ann", "ben"),
        ("other-place", "ann", "ben"),
    ]
    assert (found[0]["frames"], found[0]["first_says"], found[0]["second_says"]) == (
        f"{shared[0]}:{shared[2] + 1}",
        "car",
        "person",
    )
    truth = read_project(owner / "collected.iouv").document.ground_truth()
    assert not [box for box in truth.boxes(25) if box.track == 2]  # ann alone had this frame
    # The dog of ann and ben is one object, drawn once a frame, and goes on where only ben had the frames.
    dogs = {box.track for frame in shared for box in truth.boxes(frame) if box.track not in (1, 2)}
    assert len(dogs) == 1
    dog = dogs.pop()
    assert [box.frame for box in truth.track(dog)][: len(shared)] == shared
    assert len(truth.track(dog)) > len(shared)
    verified = truth.verified()
    assert not verified[shared[:3]].any() and not verified[shared[-1]] and verified[shared[3]]
    assert box_of(read_project(owner / "collected.iouv").document, shared[0], 2).class_id == CAR
    assert read_project(project).document.ground_truth().boxes(25)  # the project is as it was


def test_a_decision_settles_a_conflict(three_who_err: Path, shared: list[int]) -> None:
    assert collect(three_who_err) == 4
    owner = three_who_err / "owner"
    found = rows(owner / "conflicts.csv")
    found[0]["decision"], found[1]["decision"] = "ben", "none"
    decided = owner / "decided.csv"
    with decided.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)
    assert collect(three_who_err, "--decisions", str(decided)) == 0
    document = read_project(owner / "collected.iouv").document
    truth = document.ground_truth()
    assert box_of(document, shared[0], 2).class_id == 0
    assert not [box for box in truth.boxes(shared[-1]) if box.track == 1]
    assert truth.verified()[shared].all()
    assert not [note for note in document.notes() if note.text.startswith("Conflict")]


def test_a_wrong_decision_is_refused_with_its_line(
    three_who_err: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decided = tmp_path / "decided.csv"
    decided.write_text("conflict,first,second,decision\n0000,ann,ben,dora\n")
    assert collect(three_who_err, "--decisions", str(decided)) == 2
    assert "dora" in capsys.readouterr().err
    decided.write_text("conflict,first,second,decision\n0000,ann,ben,ann\n")
    assert collect(three_who_err, "--decisions", str(decided)) == 2
    assert "no longer exists" in capsys.readouterr().err
    assert not (three_who_err / "owner" / "collected.iouv").exists()


def test_the_list_of_people_says_how_each_worked(three_who_err: Path, shared: list[int]) -> None:
    assert collect(three_who_err) == 4
    ann, ben, cleo = rows(three_who_err / "owner" / "people.csv")
    assert (ann["name"], ann["authors"], ann["deleted"], ann["added"]) == ("ann", "Ann A.", "1", str(len(shared)))
    assert (ben["changed"], ben["active_minutes"]) == ("4", "0.0")  # ben's pauses are longer than two minutes
    assert ann["active_minutes"] == "0.3"  # two pauses of ten seconds
    assert float(cleo["verified_share"]) == pytest.approx(0.5, abs=0.02)
    assert cleo["notes"] == "1"
    # Nobody corrected the damage to the gold frames but they were verified: F1 and IoU are known for ann and ben.
    assert ann["gold_frames"] != "0" and 0.0 < float(ann["gold_f1"]) <= 1.0
    assert int(ann["overlap_frames"]) == OVERLAP
    # Six frames with person, car and dog on both sides; on three the class differs, on one the person does.
    assert float(ann["overlap_f1"]) == pytest.approx(2 * (3 * OVERLAP - 3 - 1) / (2 * 3 * OVERLAP), abs=1e-3)


def test_each_person_is_one_step_that_can_be_undone(three_who_err: Path, project: Path) -> None:
    assert collect(three_who_err) == 4
    path = three_who_err / "owner" / "collected.iouv"
    file = ProjectFile.open(path)
    try:
        document = file.load().document
        assert [(s.label, s.author) for s in file.summaries(1, file.step_count)] == [
            ("Merge package of ann", "ann"),
            ("Merge package of ben", "ben"),
            ("Merge package of cleo", "cleo"),
            ("Add notes on 2 conflicts", ""),
        ]
        for position in range(file.step_count, 0, -1):
            step = file.step_at(position)
            assert step is not None
            document.apply(step.inverse)
        before = read_project(project).document
        assert [a.tolist() for a in document.ground_truth().columns()] == [
            b.tolist() for b in before.ground_truth().columns()
        ]
        assert document.notes() == before.notes()
    finally:
        file.close()


def test_what_the_owner_changed_meanwhile_stays_and_is_listed(
    three_who_err: Path, project: Path, shared: list[int]
) -> None:
    def owner(document: Document) -> list[Edit]:
        car = box_of(document, 25, 2)
        return [SetRects(((car.id, (90.0, 40.0, 150.0, 80.0)),))]

    work(project, "Owner", owner)
    assert collect(three_who_err) == 4
    found = rows(three_who_err / "owner" / "conflicts.csv")
    assert ("project", "ann", "25:26", "no box") in {
        (row["first"], row["second"], row["frames"], row["second_says"]) for row in found
    }
    merged = read_project(three_who_err / "owner" / "collected.iouv").document
    assert box_of(merged, 25, 2).rect == (90.0, 40.0, 150.0, 80.0)
    assert not merged.ground_truth().verified()[25]


def test_returned_frames_go_back_to_the_person_who_had_them(three_who_err: Path, tmp_path: Path) -> None:
    assert collect(three_who_err) == 4
    collected = three_who_err / "owner" / "collected.iouv"

    def owner(document: Document) -> list[Edit]:
        mark = replace_mark(document, 3)
        notes = tuple(replace(note, done=True) for note in document.notes())
        note = Note(document.next_note_id(), "The feet are cut off.", 3, author="Owner")
        return [SetNotes((*notes, note)), SetFrames((mark,))]

    work(collected, "Owner", owner)
    again = tmp_path / "again"
    assert main(["split", str(collected), "--returned", "--out", str(again)]) == 0
    assert sorted(path.name for path in again.iterdir()) == ["ann.iouv", "owner"]
    truth = read_project(again / "ann.iouv").document.ground_truth()
    assert np.flatnonzero(truth.states() != int(FrameState.EXCLUDED)).tolist() == [3]

    work(again / "ann.iouv", "Ann A.", verify_all)
    assert main(["collect", str(again / "ann.iouv")]) == 0
    assert read_project(again / "owner" / "collected.iouv").document.ground_truth().verified()[3]
    (ann,) = rows(again / "owner" / "people.csv")
    assert (ann["frames"], ann["verified"]) == ("1", "1")


def replace_mark(document: Document, frame: int) -> FrameMark:
    """A frame that is no longer verified."""
    return document.ground_truth().mark(frame)._replace(verified=False)


def test_a_package_of_another_split_or_given_twice_is_refused(
    packages: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    assert main(["split", str(project), "--people", "2", "--out", str(other)]) == 0
    assert main(["collect", str(packages / "ann.iouv"), str(other / "person-01.iouv")]) == 2
    assert "another split" in capsys.readouterr().err
    copy = tmp_path / "copy.iouv"
    copy.write_bytes((packages / "ann.iouv").read_bytes())
    assert main(["collect", str(packages / "ann.iouv"), str(copy)]) == 2
    assert "two packages of ann" in capsys.readouterr().err
    assert main(["collect", str(project), "--owner", str(packages / "owner")]) == 2
    assert "not a package" in capsys.readouterr().err


def test_collect_never_replaces_the_project_that_was_split(
    packages: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = project.read_bytes()
    assert main(["collect", str(packages / "ann.iouv"), "--out", str(project), "--force"]) == 2
    assert "would replace the input" in capsys.readouterr().err
    assert project.read_bytes() == before


def test_collect_does_not_replace_a_project_that_is_open(packages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["collect", str(packages / "ann.iouv")]
    assert main(given) == 0
    opened = ProjectFile.open(packages / "owner" / "collected.iouv")
    try:
        assert main([*given, "--force"]) == 2
        assert "open in another window" in capsys.readouterr().err
        assert opened.flush()
    finally:
        opened.close()
    assert main([*given, "--force"]) == 0


def test_edits_that_are_only_in_the_log_of_a_project_are_not_replaced(
    packages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A window that was killed leaves its last edits in the log beside the file, which itself is as it was written."""
    given = ["collect", str(packages / "ann.iouv")]
    assert main(given) == 0
    collected = packages / "owner" / "collected.iouv"
    log = collected.with_name(f"{collected.name}-wal")
    log.write_bytes(b"edits")
    assert main(given) == 2
    assert "changed since then" in capsys.readouterr().err and log.exists()
    assert main([*given, "--force"]) == 0
    assert not log.exists(), "a log of another file would damage the new one"


def test_split_refuses_what_cannot_be_done(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    for options, reason in (
        (["--people", "3", "--overlap", "40"], "overlap"),
        (["--people", "200"], "need one each"),
        (["--people", "3", "--overlap", "5", "--gold", "40%"], "verified frames"),
        (["--returned"], "not collected"),
        (["--people", "ann,Ann"], "same name"),
        (["--people", "a/b,c"], "cannot be"),
        (["--people", "none,ben"], "cannot be"),
        (["--people", "-2"], "cannot be"),
        ([], "--people"),
    ):
        with contextlib.suppress(SystemExit):  # argparse ends with 2, too
            assert main(["split", str(project), *options, "--out", out]) == 2
        assert reason in capsys.readouterr().err
        assert not Path(out).exists()


def test_attributes_and_classes_of_packages_are_those_of_the_project(packages: Path) -> None:
    """Both number their first attribute set 1, and both add a class of their own."""

    def add(name: str, pose: str, box_frame: int) -> Callable[[Document], list[Edit]]:
        def make(document: Document) -> list[Edit]:
            classes = replace(
                document.classes.renamed((*document.class_names, name)),
                attribute_sets=(attribute_set({"pose": pose}),),
            )
            truth = document.ground_truth()
            box = Box(truth.next_id, box_frame, (150.0, 5.0, 180.0, 25.0), 2, flags=with_set(0, 1))
            return [SetClassNames.of(classes), AddBoxes((box,)), *verify_all(document)]

        return make

    work(packages / "ann.iouv", "Ann", add("dog", "sitting", 2))
    work(packages / "cleo.iouv", "Cleo", add("cat", "lying", 80))
    assert collect(packages) == 0
    document = read_project(packages / "owner" / "collected.iouv").document
    assert document.class_names == ("person", "car", "dog", "cat")
    found = {
        box.frame: (document.class_names[box.class_id], attributes_of(box.flags, document.classes.attribute_sets))
        for frame in (2, 80)
        for box in document.ground_truth().boxes(frame)
        if box.rect == (150.0, 5.0, 180.0, 25.0)
    }
    assert found == {2: ("dog", (("pose", "sitting"),)), 80: ("cat", (("pose", "lying"),))}
