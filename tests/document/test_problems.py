"""Problems of a frame: what disagrees, how grave it is, what fix is proposed, and what fixing does."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import FrameState
from iouviewer.document.problems import Kind, Problem, Witness, fix_command, frame_problems, sentence
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
    witnesses = [Witness(found, review_frame(gt, found, ReviewSettings())) for found in variants]
    return frame_problems(0, boxes, witnesses)


def test_an_empty_frame_and_a_frame_without_variants_have_no_problems() -> None:
    assert problems([], table([])) == []
    assert problems([A]) == []


def test_a_good_pair_is_no_problem() -> None:
    assert problems([A], table([A])) == []


def test_a_loose_pair_proposes_the_predicted_rectangle() -> None:
    [found] = problems([A], table([LOOSE]))
    assert (found.kind, found.box_id, found.fix_rect) == (Kind.LOOSE, 1, LOOSE)
    assert found.iou == pytest.approx(1 / 3)
    assert sentence(found, NAMES) == "person: loose, IoU 0.33"


def test_a_miss_proposes_nothing_and_a_false_positive_proposes_itself() -> None:
    found = problems([A], table([FAR]))
    assert [one.kind for one in found] == [Kind.FALSE_POSITIVE, Kind.MISS]
    assert found[0].fix_rect == FAR
    assert found[0].fix_class == 0
    assert not found[1].has_fix


def test_a_box_of_another_class_at_the_same_place_is_one_problem_that_proposes_the_class() -> None:
    [found] = problems([A], table([A], [1]))
    assert (found.kind, found.box_id, found.fix_class, found.fix_rect) == (Kind.WRONG_CLASS, 1, 1, None)
    assert sentence(found, NAMES) == "person: seen as car"


def test_where_all_variants_agree_against_the_ground_truth_their_mean_is_proposed_and_it_comes_first() -> None:
    near: Rect = (62, 10, 162, 110)
    found = problems([A], table([LOOSE, FAR]), table([near]))
    assert [one.kind for one in found] == [Kind.AGREE, Kind.FALSE_POSITIVE]
    assert found[0].fix_rect == (61, 10, 161, 110)


def test_a_variant_that_saw_nothing_there_keeps_the_others_from_agreeing() -> None:
    found = problems([A], table([LOOSE]), table([FAR]))
    assert found[0].kind is Kind.LOOSE


def test_predictions_below_the_confidence_threshold_bear_no_witness() -> None:
    found = problems([], table([A], scores=[0.9]), table([A], scores=[0.1]))
    assert [one.kind for one in found] == [Kind.FALSE_POSITIVE]


def test_a_key_stays_the_same_while_the_problem_is_the_same() -> None:
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
def test_taking_the_fix_leaves_no_problem_and_its_inverse_brings_the_bits_back(
    document: Document, other: BoxTable
) -> None:
    truth = document.ground_truth()

    def found() -> list[Problem]:
        gt = truth.frame_table(0)
        return frame_problems(0, truth.boxes(0), [Witness(other, review_frame(gt, other, ReviewSettings()))])

    before = truth.boxes(0)
    [problem] = found()
    applied = document.apply(fix_command(truth, problem, NAMES).edit)
    assert applied is not None
    assert found() == []
    document.apply(applied.inverse)
    assert truth.boxes(0) == before


def test_a_fix_of_nothing_or_of_a_box_that_is_gone_is_refused(document: Document) -> None:
    truth = document.ground_truth()
    miss = Problem("k", 0, Kind.MISS, 1.0, 1, A, 0)
    with pytest.raises(UserError, match="no fix is proposed"):
        fix_command(truth, miss, NAMES)
    gone = Problem("k", 0, Kind.LOOSE, 1.0, 99, A, 0, 0.4, LOOSE)
    with pytest.raises(UserError, match="gone"):
        fix_command(truth, gone, NAMES)
