"""Rows that are copied as columns are the rows that Python reads one by one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iouviewer.document.document import Document
from iouviewer.document.sources import Source
from iouviewer.project import column_copy, rows
from iouviewer.project.checked import DamagedRowsError
from iouviewer.project.schema import connect
from iouviewer.project.store import ProjectFile

INTEGERS = st.integers(-(1 << 53) + 1, (1 << 53) - 1)
NUMBERS = st.one_of(INTEGERS, st.floats(-1e9, 1e9), st.sampled_from([0.0, -0.0, 0.5, float("inf"), 1e300, 5e-324]))


def table_of(found: list[tuple[float, ...]]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE numbers (a INTEGER, b REAL, c INTEGER)")
    connection.executemany("INSERT INTO numbers VALUES (?, ?, ?)", found)
    return connection


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(INTEGERS, NUMBERS, st.integers(-200, 200)), max_size=30))
def test_a_copy_has_the_bits_that_sqlite_returns(found):
    with closing(table_of(found)) as connection:
        expected = connection.execute("SELECT a, b, c FROM numbers").fetchall()
        copied = column_copy.copy_numbers(connection, "numbers", ("a", "b", "c"), "", ())
    if any(abs(value) >= 1 << 53 for row in expected for value in row):
        assert copied is None
    else:
        assert copied is not None
        assert copied.tobytes() == (np.array(expected, np.float64).reshape(-1, 3).T + 0.0).tobytes("C")


@pytest.mark.parametrize("count", [1, 126, 127, 128, 129, 1500, 16_384, 40_000])
def test_many_pages_are_read_in_order_and_again(count: int):
    found = [(number, number + 0.25, -number) for number in range(count)]
    with closing(table_of(found)) as connection:
        for last in (-1, count // 2, count):
            copied = column_copy.copy_numbers(
                connection, "numbers", ("a", "b", "c"), "WHERE a > ? ORDER BY a DESC LIMIT ?", (last, count)
            )
            assert copied is not None
            expected = np.array([row for row in reversed(found) if row[0] > last], np.float64).reshape(-1, 3).T
            assert np.array_equal(copied, expected)


@pytest.mark.parametrize("value", [None, b"\x01", "no number", 1 << 60])
def test_values_that_are_no_exact_numbers_are_left_to_python(value: object):
    with closing(table_of([(1, 1.5, 2)])) as connection:
        connection.execute("INSERT INTO numbers VALUES (2, 2.5, ?)", (value,))
        copied = column_copy.copy_numbers(connection, "numbers", ("a", "b", "c"), "", ())
    # SQLite reads text and bytes as 0; the checksum of a row then differs.
    assert copied is None or copied[2, 1] == 0.0


def project_with(path: Path, tracks: np.ndarray) -> Path:
    document = Document()
    truth = document.add_source(Source(0, "clip", "clip.mp4", 640, 480, 50, 25.0))
    count = len(tracks)
    boxes = np.random.default_rng(3).uniform(1, 90, (4, count))
    boxes[2:] += boxes[:2]
    none = np.full(count, -1)
    truth.load_columns(np.arange(count) % 50, boxes, class_ids=none, tracks=tracks, flags=np.zeros(count))
    ProjectFile.create(path, document).close()
    return path


def columns_at(path: Path) -> rows.BoxColumns:
    with closing(connect(path, mode="ro")) as connection:
        return rows.read_columns(connection, 0)


@pytest.mark.parametrize("largest", [3, (1 << 62) + 1])
def test_columns_are_those_that_python_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int):
    monkeypatch.setattr(rows, "ROWS_PER_READ", 64)
    path = project_with(tmp_path / "a.iouv", np.array([*range(200), largest]))
    fast = columns_at(path)
    monkeypatch.setattr(column_copy, "can_copy", lambda _connection: False)
    slow = columns_at(path)
    for name in ("frames", "boxes", "class_ids", "tracks", "flags", "ids"):
        assert getattr(fast, name).tobytes() == getattr(slow, name).tobytes()
    assert fast.tracks.max() == max(199, largest)
    with closing(connect(path, mode="ro")) as connection:
        frame = rows.read_frame(connection, 0, 7)
    assert frame.ids.tolist() == fast.ids[fast.frames == 7].tolist() and len(frame.ids) == 4


@pytest.mark.parametrize("value", ["'text'", "x1 + 1", "x'00'"])
def test_a_changed_value_is_found_in_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str):
    path = project_with(tmp_path / "a.iouv", np.arange(5))
    with closing(connect(path)) as connection:
        connection.execute(f"UPDATE boxes SET x1 = {value} WHERE id = 3")
    for can_copy in (True, False):
        monkeypatch.setattr(column_copy, "can_copy", lambda _connection, can_copy=can_copy: can_copy)
        with pytest.raises(DamagedRowsError):
            columns_at(path)
