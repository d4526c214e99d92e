"""Problems of a frame: what disagrees, its severity, the proposed fix and the effect of applying it."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.problems import (
    Problem,
    ProblemKind,
    VariantMatches,
    describe_group,
    describe_problem,
    find_frame_problems,
    fix_command,
)
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


def test_a_missed_box_has_no_fix_and_the_fix_of_an_extra_prediction_is_its_box() -> None:
    found = problems([A], table([FAR]))
    assert [one.kind for one in found] == [ProblemKind.FALSE_POSITIVE, ProblemKind.MISS]
    assert found[0].fix_rect == FAR
    assert found[0].fix_class == 0
    assert not found[1].has_fix


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
        (ProblemKind.MISS, "person 17: missed", "person 17: 3 × missed"),
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


@pytest.mark.parametrize("other", [table([LOOSE]), table([A], [1]), table([A, FAR])])
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
    miss = Problem("k", 0, ProblemKind.MISS, 1.0, 1, A, 0)
    with pytest.raises(UserError, match="no fix is proposed"):
        fix_command(document, miss)
    deleted = Problem("k", 0, ProblemKind.LOOSE, 1.0, 99, A, 0, 0.4, LOOSE)
    with pytest.raises(UserError, match="no longer exists"):
        fix_command(document, deleted)
