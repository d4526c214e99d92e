"""Problems of a frame: what disagrees, its severity, the proposed fix and the effect of applying it."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.problem_texts import (
    apply_text,
    consequence_text,
    describe_group,
    describe_problem,
    evidence_text,
    keep_text,
)
from iouviewer.document.problems import Problem, ProblemKind, VariantMatches, find_frame_problems, fix_command
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.metrics.review import ReviewSettings, review_frame
from iouviewer.metrics.table import BoxTable

Rect = tuple[float, float, float, float]
A: Rect = (10, 10, 110, 110)
LOOSE: Rect = (60, 10, 160, 110)
FAR: Rect = (300, 300, 340, 340)
NAMES = ("person", "car")


def table(rects: list[Rect], classes: list[int] | None = None, scores: list[float] | None = None) -> BoxTable:
    n = len(rects)
    return BoxTable.from_rows(
        np.zeros(n, np.int64),
        np.array(rects, np.float64).reshape(-1, 4).T,
        frame_count=1,
        class_ids=np.array(classes or [0] * n, np.int64),
        scores=None if scores is None else np.array(scores),
        ids=np.arange(1, n + 1),
    )


def problems(truth: list[Rect], *variants: BoxTable, classes: list[int] | None = None) -> list[Problem]:
    gt = table(truth, classes)
    boxes = [Box(i + 1, 0, rect, (classes or [0] * len(truth))[i]) for i, rect in enumerate(truth)]
    matches = [VariantMatches(found, review_frame(gt, found, ReviewSettings())) for found in variants]
    return find_frame_problems(0, boxes, matches)


def test_an_empty_frame_and_a_frame_without_variants_have_no_problems() -> None:
    assert problems([], table([])) == []
    assert problems([A]) == []


def test_a_good_pair_is_not_a_problem() -> None:
    assert problems([A], table([A])) == []


def test_the_fix_of_a_loose_pair_is_the_predicted_rectangle() -> None:
    [found] = problems([A], table([LOOSE]))
    assert (found.kind, found.box_id, found.fix_rect) == (ProblemKind.LOOSE, 1, LOOSE)
    assert found.iou == pytest.approx(1 / 3)
    assert describe_problem(found, NAMES) == "person: loose, IoU 0.33"


def test_the_fix_of_a_box_that_no_variant_finds_deletes_it_and_that_of_an_extra_prediction_adds_its_box() -> None:
    found = problems([A], table([FAR]))
    assert [one.kind for one in found] == [ProblemKind.FALSE_POSITIVE, ProblemKind.MISS]
    assert found[0].fix_rect == FAR
    assert found[0].fix_class == 0
    assert found[1].deletes_box and found[1].has_fix and not found[0].deletes_box


def test_a_box_that_any_variant_finds_is_not_extra() -> None:
    assert [one.kind for one in problems([A], table([]), table([]))] == [ProblemKind.MISS]
    assert problems([A], table([]), table([A])) == []
    assert problems([A], table([]), table([LOOSE])) == []


def test_a_pair_that_hardly_overlaps_is_two_problems() -> None:
    apart: Rect = (95, 10, 195, 110)
    assert {one.kind for one in problems([A], table([apart]))} == {ProblemKind.MISS, ProblemKind.FALSE_POSITIVE}


SECOND: Rect = (55, 10, 155, 110)
"""IoU 0.38 with A."""
NEAR: Rect = (30, 10, 130, 110)
"""IoU 0.67 with A."""


def test_a_more_confident_prediction_on_a_labelled_object_moves_its_box_and_never_adds_one() -> None:
    [found] = problems([A], table([NEAR, SECOND], scores=[0.6, 0.9]))
    assert (found.kind, found.box_id, found.fix_rect, found.score) == (ProblemKind.LOOSE, 1, SECOND, 0.9)
    assert found.iou == pytest.approx(55 / 145)
    assert problems([A], table([NEAR, SECOND], scores=[0.9, 0.6])) == []
    [loose] = problems([A], table([LOOSE, SECOND], scores=[0.6, 0.9]))
    assert loose.kind is ProblemKind.LOOSE and loose.box_id == 1


def test_a_second_prediction_of_another_class_is_a_missing_object() -> None:
    [found] = problems([A], table([NEAR, SECOND], classes=[0, 1]))
    assert (found.kind, found.box_id) == (ProblemKind.FALSE_POSITIVE, None)


def test_a_prediction_that_a_box_explains_is_not_a_witness_for_a_missing_one() -> None:
    truth: Rect = (65, 10, 165, 110)
    witness: Rect = (27, 10, 127, 110)
    base = table([A, truth])
    assert [one.kind for one in problems([truth], base, table([witness, truth]))] == [ProblemKind.AGREE]
    assert [one.kind for one in problems([truth], base, table([witness]))] == [ProblemKind.FALSE_POSITIVE]


def test_the_texts_say_who_sees_what_and_what_the_buttons_do() -> None:
    [extra] = problems([A], table([]), table([]))
    assert evidence_text(extra, NAMES, "n") == "None of 2 variants finds person."
    assert (apply_text(extra, NAMES), keep_text(extra, NAMES)) == ("Delete box", "It is there")
    assert consequence_text(extra, NAMES) == "deletes person on this frame"
    [missing] = problems([], table([A], [1], [0.9]))
    assert evidence_text(missing, NAMES, "n") == "n sees car here with confidence 0.90. No box is on it."
    assert (apply_text(missing, NAMES), keep_text(missing, NAMES)) == ("Add box", "Nothing there")
    assert consequence_text(missing, NAMES, 20) == "adds car 20"
    [agreed] = problems([], table([A], [1], [0.9]), table([A], [1], [0.5]))
    assert evidence_text(agreed, NAMES, "n") == "2 of 2 variants see car here, n with confidence 0.90. No box is on it."
    [loose] = problems([A], table([LOOSE], scores=[0.9]))
    assert evidence_text(loose, NAMES, "n") == "n sees person with confidence 0.90 and IoU 0.33."
    assert (apply_text(loose, NAMES), keep_text(loose, NAMES)) == ("Adjust box", "Box is right")
    [other] = problems([A], table([A], [1], [0.8]))
    assert evidence_text(other, NAMES, "n") == "n sees car here with confidence 0.80; the box is person."
    assert (apply_text(other, NAMES), keep_text(other, NAMES)) == ("Change to car", "Keep person")


def test_a_prediction_of_another_class_at_the_same_place_is_one_problem_whose_fix_is_the_class() -> None:
    [found] = problems([A], table([A], [1]))
    assert (found.kind, found.box_id, found.fix_class, found.fix_rect) == (ProblemKind.WRONG_CLASS, 1, 1, None)
    assert describe_problem(found, NAMES) == "person: predicted as car"


def test_where_all_variants_agree_against_the_ground_truth_the_fix_is_their_mean_and_it_comes_first() -> None:
    near: Rect = (62, 10, 162, 110)
    found = problems([A], table([LOOSE, FAR]), table([near]))
    assert [one.kind for one in found] == [ProblemKind.AGREE, ProblemKind.FALSE_POSITIVE]
    assert found[0].fix_rect == (61, 10, 161, 110)
    assert describe_problem(found[0], NAMES) == "Loose box: person · 2 of 2 variants"


def test_a_box_that_all_variants_predict_and_the_ground_truth_lacks_is_described_as_missing() -> None:
    [found] = problems([], table([A], [1]), table([A], [1]), table([A], [1]))
    assert (found.kind, found.agreeing) == (ProblemKind.AGREE, 3)
    assert describe_problem(found, NAMES) == "Missing box? car · 3 of 3 variants"
    assert describe_problem(found, ()) == "Missing box? 3 of 3 variants"
    assert describe_group(found, 37, NAMES) == "37 × Missing box? car · 3 of 3 variants"


@pytest.mark.parametrize(
    ("kind", "text", "group"),
    [
        (ProblemKind.LOOSE, "person 17: loose, IoU 0.41", "person 17: 3 × loose, lowest IoU 0.41"),
        (ProblemKind.MISS, "person 17: no variant finds it", "person 17: 3 × not found"),
        (ProblemKind.FALSE_POSITIVE, "person 17: extra", "person 17: 3 × extra"),
        (ProblemKind.WRONG_CLASS, "person 17: predicted as no class", "person 17: 3 × wrong class"),
    ],
)
def test_problems_and_groups_are_described_by_class_track_and_kind(kind: ProblemKind, text: str, group: str) -> None:
    problem = Problem("k", 0, kind, 1.0, 99, A, 0, 0.41, track=17)
    assert describe_problem(problem, NAMES) == text
    assert describe_group(problem, 3, NAMES) == group


def test_variants_do_not_agree_where_one_of_them_predicts_nothing() -> None:
    found = problems([A], table([LOOSE]), table([FAR]))
    assert found[0].kind is ProblemKind.LOOSE


def test_predictions_below_the_confidence_threshold_do_not_agree() -> None:
    found = problems([], table([A], scores=[0.9]), table([A], scores=[0.1]))
    assert [one.kind for one in found] == [ProblemKind.FALSE_POSITIVE]


def test_a_problem_keeps_its_key_while_others_appear() -> None:
    assert problems([A], table([LOOSE]))[0].key == problems([A], table([LOOSE, FAR]))[-1].key


@pytest.fixture
def document() -> Document:
    document = Document()
    truth = document.add_source(Source(0, "clip", "", 640, 480, 1))
    document.class_names = NAMES
    truth.load_columns(
        np.array([0]),
        np.array([A], np.float64).T,
        class_ids=np.array([0]),
        tracks=np.array([-1]),
        flags=np.array([0]),
    )
    truth.load_states(np.array([int(FrameState.LABELLED)], np.int8), np.zeros(1, np.bool_))
    return document


@pytest.mark.parametrize("other", [table([LOOSE]), table([A], [1]), table([A, FAR]), table([])])
def test_applying_the_fix_leaves_no_problem_and_its_inverse_restores_the_bits(
    document: Document, other: BoxTable
) -> None:
    truth = document.ground_truth()

    def found() -> list[Problem]:
        gt = truth.frame_table(0)
        return find_frame_problems(
            0, truth.boxes(0), [VariantMatches(other, review_frame(gt, other, ReviewSettings()))]
        )

    before = truth.boxes(0)
    [problem] = found()
    applied = document.apply(fix_command(document, problem).edit)
    assert applied is not None
    assert found() == []
    document.apply(applied.inverse)
    assert truth.boxes(0) == before


def test_a_missing_fix_and_a_fix_of_a_deleted_box_are_refused(document: Document) -> None:
    without_fix = Problem("k", 0, ProblemKind.LOOSE, 1.0, 1, A, 0, 0.4)
    with pytest.raises(UserError, match="no fix is proposed"):
        fix_command(document, without_fix)
    deleted = Problem("k", 0, ProblemKind.LOOSE, 1.0, 99, A, 0, 0.4, LOOSE)
    with pytest.raises(UserError, match="no longer exists"):
        fix_command(document, deleted)


def test_a_fix_that_was_moved_is_applied_as_it_is_shown(document: Document) -> None:
    [loose] = problems([A], table([LOOSE]))
    moved: Rect = (55, 12, 155, 112)
    document.apply(fix_command(document, loose, rect=moved).edit)
    [box] = document.ground_truth().boxes(0)
    assert box.rect == moved
