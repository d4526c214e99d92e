"""The objects of a gallery: what the filter lists of two variants, lost beside found."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.filter_line import parse_filter
from iouviewer.document.filtering import FilterRules
from iouviewer.document.predictions import PredictionSet
from iouviewer.jobs.gallery import (
    NO_BOX,
    GalleryInput,
    GalleryObjects,
    GalleryOrder,
    GallerySet,
    common_area,
    find_gallery,
)
from iouviewer.metrics.review import PairState, ReviewSettings
from iouviewer.metrics.table import BoxTable, Float

PERSON, CAR, EXTRA = (0.0, 0.0, 20.0, 40.0), (50.0, 0.0, 130.0, 50.0), (200.0, 200.0, 230.0, 230.0)


def table(rows: list[tuple[int, tuple[float, ...], float]]) -> BoxTable:
    boxes: Float = np.array([row[1] for row in rows], np.float64).reshape(-1, 4).T
    frames, scores = np.array([row[0] for row in rows], np.int64), np.array([row[2] for row in rows])
    return BoxTable.from_rows(frames, boxes, frame_count=3, scores=scores, class_ids=np.zeros(len(rows), np.int64))


TRUTH = table([(0, PERSON, 1), (0, CAR, 1), (1, PERSON, 1), (2, CAR, 1)])
BASE = table([(0, PERSON, 0.9), (0, CAR, 0.9), (1, PERSON, 0.8), (2, CAR, 0.9), (1, EXTRA, 0.7)])
OTHER = table(
    [(0, PERSON, 0.9), (0, (50, 0, 90, 50), 0.9), (2, CAR, 0.4), (1, (202, 200, 232, 230), 0.6), (2, EXTRA, 0.5)]
)


def found(
    line: str = "", chosen: GallerySet | None = None, order: GalleryOrder = GalleryOrder.FRAME, conf: float = 0.25
) -> GalleryObjects:
    rules = FilterRules.of(parse_filter(line), ("thing",)) if line else FilterRules()
    covered = np.ones(3, np.bool_)
    variants = tuple(
        (name, rules.predictions(PredictionSet(rows, covered))) for name, rows in (("base", BASE), ("other", OTHER))
    )
    truth = rules.truth(TRUTH)
    tracks, settings = np.array([1, 2, 1, 2]), ReviewSettings(conf=conf)
    data = GalleryInput(truth, covered, tracks, settings, variants, rules or None, chosen or GallerySet(""), order)
    return find_gallery(data)


def test_boxes_come_once_with_both_values_and_what_both_see_without_a_box_is_one_object() -> None:
    objects = found()
    assert objects.frames.tolist() == [0, 0, 1, 1, 2, 2]
    assert sorted(objects.ids.tolist()) == [NO_BOX, NO_BOX, 0, 1, 2, 3]
    person = objects.ids.tolist().index(2)
    assert objects.states[:, person].tolist() == [PairState.TRUE_POSITIVE, PairState.MISS]
    assert objects.ious[0, person] == 1.0 and np.isnan(objects.partners[1, 0, person])
    alone = np.flatnonzero(objects.ids == NO_BOX)
    assert [objects.states[:, place].tolist() for place in alone] == [
        [PairState.FALSE_POSITIVE, PairState.FALSE_POSITIVE],
        [-1, PairState.FALSE_POSITIVE],
    ]


def test_the_filter_and_the_set_narrow_it() -> None:
    assert found("lost").ids.tolist() == [2]
    assert found("state:extra frames:2").frames.tolist() == [2]
    assert found("size:<30").ids.tolist() == [0, 2]
    assert found("track:2 -state:extra").ids.tolist() == [1, 3]
    assert found("score:>.5 lost").ids.tolist() == [2, 3]
    only = GallerySet("", np.array([0, 3]))
    assert found(chosen=only).ids.tolist() == [0, 3]
    place = GallerySet("", np.zeros(0, np.int64), np.array([1]), np.array([EXTRA]).T)
    assert found(chosen=place).frames.tolist() == [1]
    assert len(found(chosen=GallerySet("", np.zeros(0, np.int64)))) == 0


def test_a_threshold_changes_what_is_lost() -> None:
    assert found("lost", conf=0.5).ids.tolist() == [2, 3]


def test_orders() -> None:
    assert found(order=GalleryOrder.IOU).ids.tolist()[-3:] == [1, 0, 3]
    sizes = found(order=GalleryOrder.SIZE).boxes
    areas = (sizes[2] - sizes[0]) * (sizes[3] - sizes[1])
    assert (np.diff(areas) >= 0).all()


def test_all_crops_have_one_scale_that_holds_nearly_all_objects() -> None:
    objects = found()
    width, height = common_area(objects, (50, 60), 0.5)
    assert width / height == pytest.approx(50 / 60)
    assert width >= 80 / 0.5 - 1e-9
