"""``--frames``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.jobs.frame_selection import parse_frames

SAMPLE = [118, 409, 675, 914, 960]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0:10", list(range(10))),
        ("3:5", [3, 4]),
        ("0:10:4", [0, 4, 8]),
        ("7:", [7, 8, 9]),
        (":2", [0, 1]),
        (":", list(range(10))),
        ("::5", [0, 5]),
        ("9:10", [9]),
    ],
)
def test_a_range_includes_its_start_and_excludes_its_end(text: str, expected: list[int]) -> None:
    assert parse_frames(text, 10).tolist() == expected


@pytest.mark.parametrize("text", ["", "5", "5:5", "6:5", "0:11", "10:", "-1:3", "0:5:0", "a:b", "0:1:2:3", "0.5:2"])
def test_wrong_syntax_and_frames_outside_the_video_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="frames"):
        parse_frames(text, 10)


def test_a_file_lists_frames_and_ranges_in_any_order(tmp_path: Path) -> None:
    listed = tmp_path / "hard.txt"
    listed.write_text("# hard frames\n8\n2:4\n\n3  # again\n")
    assert parse_frames(f"@{listed}", 10).tolist() == [2, 3, 8]


def test_a_wrong_line_is_reported_by_file_and_number(tmp_path: Path) -> None:
    listed = tmp_path / "hard.txt"
    listed.write_text("1\n\n10\n")
    with pytest.raises(UserError, match=r"hard\.txt:3: .*10 frames, numbered 0–9"):
        parse_frames(f"@{listed}", 10)


@pytest.mark.parametrize("content", [None, "", "# nothing\n"])
def test_a_missing_or_empty_list_is_refused(tmp_path: Path, content: str | None) -> None:
    listed = tmp_path / "hard.txt"
    if content is not None:
        listed.write_text(content)
    with pytest.raises(UserError, match=r"hard\.txt"):
        parse_frames(f"@{listed}", 10)


def test_files_do_not_state_which_frames_are_verified() -> None:
    with pytest.raises(UserError, match="only a project states which frames are verified"):
        parse_frames("verified", 10)
    assert parse_frames("verified", 4, np.array([True, False, False, True])).tolist() == [0, 3]


def test_a_spread_takes_the_middle_of_equal_parts() -> None:
    assert parse_frames("spread:5", 10).tolist() == [1, 3, 5, 7, 9]
    assert parse_frames("spread:10", 10).tolist() == list(range(10))
    assert parse_frames("spread:2/4:8", 10).tolist() == [5, 7]
    assert parse_frames("spread:2/0:8:2", 10).tolist() == [2, 6]


def test_a_random_sample_is_the_same_everywhere_and_grows_with_its_size() -> None:
    # Fixed numbers: neither a version of numpy nor a machine may change a sample that a report names.
    assert parse_frames("random:5@7", 1000).tolist() == SAMPLE
    assert set(SAMPLE) < set(parse_frames("random:50@7", 1000).tolist())
    assert parse_frames("random:5@8", 1000).tolist() != SAMPLE
    assert parse_frames("random:5", 1000).tolist() == parse_frames("random:5@0", 1000).tolist()
    assert parse_frames("random:10@3", 10).tolist() == list(range(10))
    inside = parse_frames("random:20@1/480:795", 795)
    assert (len(inside), inside.min() >= 480, inside.max() < 795) == (20, True, True)


def test_random_frames_are_uniform() -> None:
    """Each of 100 frames is drawn about as often: chi-square of 99 degrees stays below its 99.9 % quantile."""
    counts = np.zeros(100)
    for seed in range(1000):
        counts[parse_frames(f"random:10@{seed}", 100)] += 1
    # Draws without replacement vary by 0.9 of the multinomial's variance.
    assert float(((counts - 100) ** 2 / 90).sum()) < 148.2


@pytest.mark.parametrize(
    "text", ["random:", "random:0", "random:11", "spread:3@1", "spread:x", "random:2@x", "spread:6/0:5"]
)
def test_wrong_samples_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="frames"):
        parse_frames(text, 10)


def test_a_named_list_is_found_by_its_name_and_an_unknown_one_names_the_others() -> None:
    lists = {"night": np.array([2, 5], np.int64)}
    assert parse_frames("night", 10, lists=lists).tolist() == [2, 5]
    with pytest.raises(UserError, match="Lists of this project: night"):
        parse_frames("day", 10, lists=lists)
