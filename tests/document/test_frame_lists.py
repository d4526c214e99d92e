"""Named lists of frames."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.document.frame_lists import FrameList, FrameLists, check_name
from iouviewer.errors import UserError


def test_lists_survive_as_json_and_damaged_entries_are_left_out() -> None:
    lists = FrameLists([FrameList("night", "random:3@1", (2, 5, 9)), FrameList("hard", "@x", (1, 2), True, 3)])
    stored = lists.to_json()
    again = FrameLists.from_json([*stored, {"name": 5}, {"name": "x", "frames": [[3]]}, "nothing"])
    assert again.to_json() == stored
    assert FrameLists.from_json(None).to_json() == []


def test_a_targeted_list_states_it_in_its_label() -> None:
    lists = FrameLists([FrameList("night", "0:3", (0, 1, 2)), FrameList("hard", "1,2", (1, 2), True)])
    assert {label: frames.tolist() for label, frames in lists.by_label(0).items()} == {
        "night": [0, 1, 2],
        "@hard": [1, 2],
    }
    assert lists.by_label(1) == {}
    lists.put(FrameList("night", "0:2", (0, 1)))
    lists.remove(0, "hard")
    assert {label: frames.tolist() for label, frames in lists.by_label(0).items()} == {"night": [0, 1]}


@pytest.mark.parametrize("name", ["", "  ", "verified", "All", "a:b", "@hard", "a/b", "a,b"])
def test_names_that_could_be_selections_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name of a list"):
        check_name(name)
    assert check_name(" night ") == "night"


def test_lists_follow_their_frames() -> None:
    from iouviewer.document.renumbering import FrameMapping

    class Mapping:
        new = np.array([0, 2, -1, 1], np.int64)

    mapping: FrameMapping = Mapping()  # type: ignore[assignment]  # only the new numbers are read
    lists = FrameLists([FrameList("a", "0:4", (0, 1, 2, 3, 9)), FrameList("b", "0:4", (1,), source=1)])
    lists.renumber(mapping, 0)
    assert [one.frames for one in (*lists.of(0), *lists.of(1))] == [(0, 1, 2), (1,)]
