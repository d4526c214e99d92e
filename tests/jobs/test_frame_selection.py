"""``--frames``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iouviewer.errors import UserError
from iouviewer.jobs.frame_selection import parse_frames


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
