"""Fixes of loose boxes keep off labelled neighbours that variants see as one object with the box."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.metrics.review_evidence import ReviewInputs
from iouviewer.metrics.review_findings import Findings, ProblemKind
from iouviewer.metrics.review_scores import Evidence, find_errors
from iouviewer.metrics.table import BoxTable

Rect = tuple[float, float, float, float]

FRAMES, AT = 9, 4
PERSON = (100.0, 100.0, 140.0, 200.0)
LOOSE = (88.0, 100.0, 128.0, 200.0)
BOTH = (96.0, 96.0, 165.0, 200.0)
"""What the variants see on the frame: the person and the one beside, as one."""


def found(neighbour: Rect | None, seen: Rect) -> Findings:
    """What a review of a person who stands still finds on the frame where its box lies elsewhere."""
    frames, rects, tracks = [], [], []
    for frame in range(FRAMES):
        people = [(LOOSE if frame == AT else PERSON, 1), *([] if neighbour is None else [(neighbour, 2)])]
        for rect, track in people:
            frames.append(frame)
            rects.append(rect)
            tracks.append(track)
    table = BoxTable.from_rows(np.array(frames), np.array(rects).T, frame_count=FRAMES)
    every = np.ones(FRAMES, np.bool_)
    predictions = [(frame, seen if frame == AT else PERSON) for frame in range(FRAMES)]
    predicted = BoxTable.from_rows(
        np.array([frame for frame, _ in predictions]),
        np.array([rect for _, rect in predictions]).T,
        frame_count=FRAMES,
        scores=np.full(FRAMES, 0.9),
    )
    inputs = ReviewInputs(table, np.array(tracks), every, ((predicted, every), (predicted, every)), picture=(640, 480))
    problems = find_errors(Evidence.collect(inputs))
    return problems.select((problems.kinds == ProblemKind.LOOSE) & (problems.frames == AT))


@pytest.mark.parametrize("neighbour", [None, (142.0, 90.0, 175.0, 190.0)])
def test_a_fix_does_not_spread_over_a_labelled_neighbour(neighbour: Rect | None) -> None:
    problems = found(neighbour, BOTH)
    assert len(problems) == 1 and problems.scores[0] > 0.25, "the problem is listed all the same"
    assert np.isnan(problems.fix_rects).all() == (neighbour is not None)


def test_a_fix_returns_to_a_place_where_the_track_covers_its_neighbour() -> None:
    problems = found((125.0, 90.0, 160.0, 190.0), PERSON)
    assert len(problems) == 1
    assert problems.fix_rects[:, 0].tolist() == pytest.approx(PERSON)
