"""Problems: what their fixes do, what they say, and which keys they have."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.boxes import BoxFlag, Rect
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.problem_fixes import fix_all_command
from iouviewer.document.problem_table import ProblemInputs, find_all_problems
from iouviewer.document.problem_texts import (
    TOPIC_NAMES,
    apply_text,
    consequence_text,
    describe_group,
    describe_problem,
    evidence_text,
    keep_text,
)
from iouviewer.document.problems import Problem, ProblemKind, parse_key, problem_key
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import BoxTable

FRAMES = 40
NAMES = ("person", "car")
A: Rect = (10, 10, 110, 110)
MOVED: Rect = (60, 10, 160, 110)


def at(frame: int, track: int = 0) -> Rect:
    """Where track ``track`` is: tracks walk to the right, 200 pixels apart."""
    x, y = 20.0 + 3.0 * frame, 20.0 + 200.0 * track
    return x, y, x + 60.0, y + 120.0


def document_with(rows: list[tuple[int, Rect, int, int]]) -> Document:
    """A document with boxes (frame, rectangle, class, track)."""
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, FRAMES))
    document.class_names = NAMES
    rows = sorted(rows, key=lambda row: row[0])
    frames, rects, classes, tracks = zip(*rows, strict=True)
    truth.load_columns(
        np.array(frames),
        np.array(rects, np.float64).T,
        class_ids=np.array(classes),
        tracks=np.array(tracks),
        flags=np.zeros(len(rows), np.int64),
    )
    truth.load_states(np.full(FRAMES, int(FrameState.LABELLED), np.int8), np.zeros(FRAMES, np.bool_))
    return document


def walking(skip: tuple[int, ...] = ()) -> list[tuple[int, Rect, int, int]]:
    return [(f, at(f, track), 0, track + 1) for f in range(FRAMES) for track in (0, 1) if f not in skip or track]


def predictions(rows: list[tuple[int, Rect, int, float]]) -> BoxTable:
    frames, rects, classes, scores = zip(*rows, strict=True)
    return BoxTable.from_rows(
        np.array(frames),
        np.array(rects, np.float64).T,
        frame_count=FRAMES,
        class_ids=np.array(classes),
        scores=np.array(scores),
    )


def seen(class_id: int = 0) -> BoxTable:
    return predictions([(f, at(f, track), class_id, 0.9) for f in range(FRAMES) for track in (0, 1)])


def problems_of(document: Document, *variants: BoxTable) -> list[Problem]:
    truth = document.ground_truth()
    columns = truth.columns()
    order = np.argsort(columns[5])
    every = np.ones(FRAMES, np.bool_)
    inputs = ProblemInputs(
        truth.table(),
        every,
        columns[5][order],
        columns[3][order],
        tuple((one, every) for one in variants),
        ReviewSettings(),
        (640.0, 480.0),
    )
    table = find_all_problems(inputs).table
    return sorted((table.problem(row) for row in range(len(table))), key=lambda one: (-one.score, one.frame))


def all_boxes(document: Document) -> list[object]:
    truth = document.ground_truth()
    return [box for frame in range(FRAMES) for box in truth.boxes(frame)]


def check_fix(document: Document, problems: list[Problem], *variants: BoxTable) -> None:
    """The fix leaves no problem, and its inverse restores the bits."""
    before = all_boxes(document)
    applied = document.apply(fix_all_command(document, problems).edit)
    assert applied is not None
    assert problems_of(document, *variants) == []
    document.apply(applied.inverse)
    assert all_boxes(document) == before


def test_right_boxes_are_no_problem() -> None:
    assert problems_of(document_with(walking()), seen()) == []
    assert problems_of(document_with(walking())) == []


def test_a_hole_is_filled_on_all_its_frames_with_the_tracks_own_id() -> None:
    document = document_with(walking(skip=(10, 11, 12)))
    found = problems_of(document, seen())
    assert [(one.kind, one.frame, one.track) for one in found] == [(ProblemKind.MISSING, f, 1) for f in (10, 11, 12)]
    check_fix(document, found, seen())
    document.apply(fix_all_command(document, found).edit)
    [box] = [box for box in document.ground_truth().boxes(11) if box.track == 1]
    assert box.rect == pytest.approx(at(11)) and box.class_id == 0


def test_a_hole_that_no_variant_fills_is_a_gap() -> None:
    document = document_with(walking(skip=(10, 11)))
    found = problems_of(document)
    assert [(one.kind, one.frame) for one in found] == [(ProblemKind.GAP, 10), (ProblemKind.GAP, 11)]
    check_fix(document, found)
    document.apply(fix_all_command(document, found).edit)
    [box] = [box for box in document.ground_truth().boxes(11) if box.track == 1]
    assert box.flags & BoxFlag.INTERPOLATED and box.rect == pytest.approx(at(11))


def test_an_object_without_a_track_gets_one_new_track() -> None:
    far: Rect = (500.0, 20.0, 560.0, 140.0)
    extra = predictions([(f, far, 0, 0.9) for f in (5, 6, 7)] + [(0, at(0), 0, 0.9)])
    document = document_with(walking())
    found = [one for one in problems_of(document, extra, extra) if one.kind is ProblemKind.MISSING]
    assert [one.frame for one in found] == [5, 6, 7]
    document.apply(fix_all_command(document, found).edit)
    new = [box.track for f in (5, 6, 7) for box in document.ground_truth().boxes(f) if box.track not in (1, 2)]
    assert len(new) == 3 and len(set(new)) == 1


def test_a_misplaced_box_moves_to_where_track_and_variants_say() -> None:
    rows = [row for row in walking() if (row[0], row[3]) != (20, 1)]
    x1, y1, x2, y2 = at(20)
    document = document_with([*rows, (20, (x1 + 25, y1 + 10, x2 + 25, y2 + 10), 0, 1)])
    [loose] = problems_of(document, seen())
    assert (loose.kind, loose.frame, loose.timed) == (ProblemKind.LOOSE, 20, True)
    assert loose.fix_rect == pytest.approx(at(20), abs=0.5)
    check_fix(document, [loose], seen())


def test_a_lasting_shift_is_one_error_that_a_person_moves_back_at_once() -> None:
    rows = []
    for frame, (x1, y1, x2, y2), class_id, track in walking():
        off = 20 if track == 1 and 15 <= frame < 23 else 0
        rows.append((frame, (x1 + off, y1, x2 + off, y2), class_id, track))
    document = document_with(rows)
    found = problems_of(document, seen())
    assert [(one.kind, one.frame) for one in sorted(found, key=lambda one: one.frame)] == [
        (ProblemKind.LOOSE, frame) for frame in range(15, 23)
    ]
    check_fix(document, found, seen())


def test_a_track_that_lies_elsewhere_all_along_moves_to_what_variants_see() -> None:
    off = predictions([(f, (x1 + 24, y1, x2 + 24, y2), 0, 0.9) for f, (x1, y1, x2, y2), _, t in walking() if t == 1])
    document = document_with([row for row in walking() if row[3] == 1])
    found = problems_of(document, off, off)
    assert [one.kind for one in found] == [ProblemKind.LOOSE] * FRAMES
    assert found[0].fix_rect == pytest.approx(off.boxes[:, found[0].frame])
    check_fix(document, found, off, off)


def test_a_box_that_nobody_finds_and_no_track_explains_goes() -> None:
    document = document_with([*walking(), (20, (500.0, 300.0, 560.0, 420.0), 0, 9)])
    [extra] = problems_of(document, seen(), seen())
    assert (extra.kind, extra.agreeing, extra.deletes_box, extra.evidence_only) == (ProblemKind.EXTRA, 2, True, False)
    check_fix(document, [extra], seen(), seen())


def test_a_second_box_on_an_object_goes() -> None:
    x1, y1, x2, y2 = at(20)
    document = document_with([*walking(), (20, (x1 + 2, y1, x2 + 2, y2), 0, 9)])
    [double] = problems_of(document, seen())
    truth = document.ground_truth()
    assert double.kind is ProblemKind.DUPLICATE and double.other_id is not None
    assert truth.find(double.box_id or 0).track == 9 and truth.find(double.other_id).track == 1  # type: ignore[union-attr]
    check_fix(document, [double], seen())


def test_a_class_that_track_and_variants_contradict_changes() -> None:
    rows = [row for row in walking() if (row[0], row[3]) != (20, 1)]
    document = document_with([*rows, (20, at(20), 1, 1)])
    [wrong] = problems_of(document, seen())
    assert (wrong.kind, wrong.fix_class, wrong.timed) == (ProblemKind.WRONG_CLASS, 0, True)
    check_fix(document, [wrong], seen())
    assert [one.kind for one in problems_of(document)] == [ProblemKind.WRONG_CLASS]


def test_swapped_tracks_are_exchanged_back_from_the_frame_on() -> None:
    rows = [(f, rect, c, t if f < 20 else 3 - t) for f, rect, c, t in walking()]
    document = document_with(rows)
    [swap] = problems_of(document, seen())
    assert (swap.kind, swap.frame) == (ProblemKind.SWAP, 20)
    check_fix(document, [swap], seen())


def test_a_track_that_goes_on_elsewhere_is_split() -> None:
    rows = [(f, at(f) if f < 20 else at(f, 1), 0, 1) for f in range(FRAMES)]
    document = document_with(rows)
    [jump] = problems_of(document)
    assert (jump.kind, jump.frame) == (ProblemKind.JUMP, 20)
    check_fix(document, [jump])


def test_boxes_over_the_edge_are_clipped_and_tiny_ones_go() -> None:
    over = [(f, (600.0 + f, 300.0, 660.0 + f, 420.0), 0, 5) for f in range(20)]
    document = document_with([*walking(), *over])
    found = problems_of(document)
    assert {one.kind for one in found} == {ProblemKind.OVER_EDGE} and all(one.fix_rect[2] == 640.0 for one in found)
    document = document_with([*walking(), (3, (400.0, 300.0, 401.0, 301.0), 0, -1)])
    [tiny] = problems_of(document)
    assert tiny.kind is ProblemKind.TINY
    check_fix(document, [tiny])


def test_one_variant_alone_is_evidence_and_two_are_not() -> None:
    far = predictions([(5, (500.0, 20.0, 560.0, 140.0), 0, 0.95), (6, (500.0, 20.0, 560.0, 140.0), 0, 0.95)])
    document = document_with(walking())
    both = np.concatenate((seen().boxes, far.boxes), axis=1)
    frames = np.concatenate((seen().frame_of_row(), far.frame_of_row()))
    table = BoxTable.from_rows(frames, both, frame_count=FRAMES, scores=np.full(len(frames), 0.9))
    assert [one.evidence_only for one in problems_of(document, table)] == [True, True]
    assert [one.evidence_only for one in problems_of(document, table, table)] == [False, False]


def test_a_fix_never_puts_a_second_box_of_a_class_on_a_labelled_object() -> None:
    """The prediction covers most of a labelled object and is unpaired: its own box is nearer to another prediction."""
    x1, y1, x2, y2 = at(20)
    second = predictions([(20, at(20), 0, 0.9), (20, (x1 + 18, y1, x2 + 18, y2), 0, 0.95)])
    document = document_with(walking())
    assert not [one for one in problems_of(document, second, second) if one.kind is ProblemKind.MISSING]


def test_what_cannot_be_fixed_is_refused() -> None:
    document = document_with([(0, A, 0, -1)])
    without_fix = Problem("k", 0, ProblemKind.LOOSE, 1.0, 1, A, 0)
    with pytest.raises(UserError, match="no fix is proposed"):
        fix_all_command(document, [without_fix])
    deleted = Problem("k", 0, ProblemKind.LOOSE, 1.0, 99, A, 0, fix_rect=MOVED)
    with pytest.raises(UserError, match="no longer exists"):
        fix_all_command(document, [deleted])


def test_a_fix_that_was_moved_is_applied_as_it_is_shown() -> None:
    document = document_with([(0, A, 0, -1)])
    loose = Problem("LOOSE:0:1", 0, ProblemKind.LOOSE, 1.0, 1, A, 0, fix_rect=MOVED)
    moved: Rect = (55, 12, 155, 112)
    document.apply(fix_all_command(document, [loose], rects={loose.key: moved}).edit)
    [box] = document.ground_truth().boxes(0)
    assert box.rect == moved


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("LOOSE:12:7", (ProblemKind.LOOSE, 12, 7, None)),
        ("MISS:12:7", (ProblemKind.EXTRA, 12, 7, None)),
        ("AGREE:1:7", (ProblemKind.LOOSE, 1, 7, None)),
        ("AGREE:1:1,2,3,4", (ProblemKind.MISSING, 1, None, (1.0, 2.0, 3.0, 4.0))),
        ("FALSE_POSITIVE:1:-1,2,3,4", (ProblemKind.MISSING, 1, None, (-1.0, 2.0, 3.0, 4.0))),
        ("OTHER:1:2", None),
        ("LOOSE:x:2", None),
        ("LOOSE:1:a,b", None),
    ],
)
def test_keys_are_read_also_as_earlier_versions_wrote_them(key: str, expected: object) -> None:
    assert parse_key(key) == expected


def test_keys_name_the_box_or_its_place() -> None:
    assert problem_key(ProblemKind.SWAP, 3, 8, A) == "SWAP:3:8"
    assert problem_key(ProblemKind.GAP, 3, None, A) == "GAP:3:10,10,110,110"


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_every_kind_says_what_it_asks_and_what_its_buttons_do(kind: ProblemKind) -> None:
    has_box = kind not in (ProblemKind.MISSING, ProblemKind.GAP)
    problem = Problem(
        "k", 0, kind, 0.8, 1 if has_box else None, A, 0, 17, 0.41, MOVED, 1, 2, 2, 3, 0.9, (0, 2), timed=True
    )
    for text in (describe_problem, apply_text, keep_text, consequence_text):
        assert text(problem, NAMES), text
    assert TOPIC_NAMES[kind] and evidence_text(problem, NAMES, "base").endswith(".")
    assert describe_group(problem, 3, NAMES).endswith("3 frames")


def test_evidence_names_who_says_so_and_how_surely() -> None:
    missing = Problem("k", 0, ProblemKind.MISSING, 0.8, None, A, 0, agreeing=2, voters=3, confidence=0.9)
    assert evidence_text(missing, NAMES, "base") == (
        "2 of 3 variants see person here, mean confidence 0.90. It has no box."
    )
    alone = Problem("k", 0, ProblemKind.EXTRA, 0.8, 1, A, 0, 17, agreeing=1, voters=1)
    assert evidence_text(alone, NAMES, "base") == (
        "base does not find person 17. Only one variant says so, which is weak evidence."
    )
