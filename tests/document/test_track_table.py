"""The columns of the tracks list: against a plain computation, after edits, and filtered."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.boxes import NO_TRACK, Box, BoxFlag
from iouviewer.document.track_table import (
    TrackBoxes,
    TrackTable,
    counted_ious,
    parse_track_filter,
    passes,
    summarise,
)
from iouviewer.errors import UserError

Row = tuple[int, int, int, float]

ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(-1, 4), st.integers(-1, 2), st.one_of(st.just(math.nan), st.floats(0, 1))),
    max_size=30,
    unique_by=lambda row: row[:2],
)


def boxes_of(rows: list[Row]) -> TrackBoxes:
    ordered = sorted(rows, key=lambda row: row[0])
    columns = list(zip(*ordered, strict=True)) if rows else [(), (), (), ()]
    return TrackBoxes(*(np.array(column, np.int64) for column in columns[:3]), np.array(columns[3], np.float64))


def as_rows(table: TrackTable) -> list[tuple]:
    c = table.columns
    columns = (c.tracks, c.class_ids, c.is_mixed, c.first, c.last, c.boxes, c.gaps)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(*row, None if math.isnan(iou) else round(iou, 12)) for row, iou in zip(rows, c.mean_iou, strict=True)]


def plain(rows: list[Row]) -> list[tuple]:
    result = []
    for track in sorted({row[1] for row in rows} - {NO_TRACK}):
        own = sorted(row for row in rows if row[1] == track)
        frames = [row[0] for row in own]
        classes = Counter(row[2] for row in own)
        main = min(classes, key=lambda c: (-classes[c], c))
        gap = max((b - a - 1 for a, b in pairwise(frames)), default=0)
        ious = [row[3] for row in own if not math.isnan(row[3])]
        mean = round(sum(ious) / len(ious), 12) if ious else None
        result.append((track, main, len(classes) > 1, frames[0], frames[-1], len(own), max(gap, 0), mean))
    return result


@given(ROWS)
def test_the_columns_equal_a_plain_computation(rows: list[Row]):
    assert as_rows(TrackTable(boxes_of(rows))) == plain(rows)


@given(ROWS, ROWS, st.sets(st.integers(0, 9), max_size=4))
def test_after_an_edit_of_frames_the_table_equals_a_new_one(before: list[Row], after: list[Row], frames: set[int]):
    table = TrackTable(boxes_of(before))
    new = [row for row in before if row[0] not in frames] + [row for row in after if row[0] in frames]
    old_rows = {row[0]: row for row in as_rows(table)}
    changed = table.set_frames({f: boxes_of([row for row in after if row[0] == f]) for f in frames})
    fresh = TrackTable(boxes_of(new))
    assert as_rows(table) == as_rows(fresh)
    now = {row[0]: row for row in as_rows(table)}
    assert {track for track in old_rows.keys() | now.keys() if old_rows.get(track) != now.get(track)} <= changed
    for frame in range(10):
        assert table.tracks_on(frame) == fresh.tracks_on(frame)


def test_missed_boxes_count_with_an_iou_of_zero_and_ignored_ones_not_at_all():
    rect = (0.0, 0.0, 10.0, 10.0)
    boxes = [
        Box(1, 0, rect, 0, 1),
        Box(2, 0, rect, 0, 2),
        Box(3, 0, rect, 0, 3, int(BoxFlag.IGNORED)),
        Box(4, 0, rect, 0, 4, int(BoxFlag.OUTSIDE)),
    ]
    ious = counted_ious(boxes, {1: 0.75})
    assert ious == {1: 0.75, 2: 0.0}
    means = summarise(TrackBoxes.of_boxes(boxes, ious)).mean_iou.tolist()
    assert means[:2] == [0.75, 0.0] and all(math.isnan(mean) for mean in means[2:])


TRACKS = boxes_of([(f, 1, 0, 0.5) for f in range(5)] + [(0, 2, 1, 0.9), (9, 2, 1, 0.7)] + [(3, 17, 0, math.nan)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [1, 2, 17]),
        ("person", [1, 17]),
        ("car", [2]),
        ("17", [17]),
        ("gap>5", [2]),
        ("len<6", [1, 17]),
        ("len>=10", [2]),
        ("boxes=1", [17]),
        ("iou<0.6", [1]),
        ("iou>=0.8", [2]),
        ("problems>0", [1]),
        ("track>2", [17]),
        ("frame=3", [1, 17]),
        ("frame=9", [2]),
        ("frame>5", [2]),
        ("person frame=3 len<2", [17]),
        ("gap>", [1, 2, 17]),
        ("bus", []),
    ],
)
def test_a_filter_selects_tracks(text: str, expected: list[int]):
    table = TrackTable(TRACKS)
    names = [("person", "car")[c] for c in table.columns.class_ids.tolist()]
    problems = np.array([2, 0, 0], np.int64)
    keep = passes(parse_track_filter(text), table.columns, names, problems, table.tracks_on)
    assert table.columns.tracks[keep].tolist() == expected


def test_an_unknown_field_is_refused_with_the_known_ones():
    with pytest.raises(UserError) as refused:
        parse_track_filter("person speed>3")
    assert refused.value.message == "speed cannot be compared"
    assert "gap, len" in refused.value.remedy
