"""Datasets as values: adding, removing, ordering, tags, names and filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.dataset import Dataset, DatasetSource, SourceProgress
from iouviewer.errors import UserError


def of(*paths: str) -> Dataset:
    return Dataset().with_added(DatasetSource(-1, path) for path in paths)


def test_a_source_is_listed_once_and_its_number_is_never_used_again() -> None:
    dataset = of("/a.mp4", "/b.mp4", "/a.mp4")
    assert [(one.id, one.path) for one in dataset.sources] == [(0, "/a.mp4"), (1, "/b.mp4")]
    shorter = dataset.without({1})
    assert [one.id for one in shorter.with_added([DatasetSource(-1, "/b.mp4")]).sources] == [0, 2]
    splits = shorter.with_added(DatasetSource(-1, f"/d/{one}/images", f"d · {one}") for one in ("train", "val"))
    assert [splits.names()[id] for id in (2, 3)] == ["d · train", "d · val"]


def test_removing_the_current_source_leaves_none() -> None:
    dataset = Dataset(of("/a.mp4", "/b.mp4").sources, 2, current=1)
    assert dataset.without({0}).current == 1
    assert dataset.without({1}).current == -1


@given(st.integers(0, 4), st.integers(-9, 9))
def test_moving_keeps_all_sources_and_the_order_of_the_others(id: int, by: int) -> None:
    dataset = of(*"abcde")
    moved = dataset.moved(id, by)
    assert moved.position(id) == min(max(id + by, 0), 4)
    assert [one.id for one in moved.sources if one.id != id] == [one.id for one in dataset.sources if one.id != id]
    assert dataset.moved(99, by) == dataset


def test_equal_file_names_get_the_folders_that_tell_them_apart() -> None:
    names = of("/x/day/clip.mp4", "/x/night/clip.mp4", "/y/night/clip.mp4", "/x/other.mp4").names()
    assert names == {0: "day/clip.mp4", 1: "x/night/clip.mp4", 2: "y/night/clip.mp4", 3: "other.mp4"}


def test_tags_are_cleaned_and_filter_with_words_of_the_name() -> None:
    dataset = of("/yard.mp4", "/junction.mp4").with_tags({0}, [" night  shift", "rain", "rain", " "])
    assert dataset.sources[0].tags == ("night shift", "rain")
    assert dataset.tags == ("night shift", "rain")
    assert [one.id for one in dataset.matching("YARD rain")] == [0]
    assert [one.id for one in dataset.matching("junction rain")] == []
    assert [one.id for one in dataset.matching(tag="rain")] == [0]
    assert len(dataset.matching()) == 2
    with pytest.raises(UserError, match="comma"):
        dataset.with_tags({1}, ["a,b"])


def test_the_baseline_is_the_first_sources_unless_another_is_chosen() -> None:
    sources = [
        DatasetSource(-1, "/a", progress=SourceProgress("1", variants=("base", "int8"))),
        DatasetSource(-1, "/b", progress=SourceProgress("2", variants=("other", "int8"))),
    ]
    dataset = Dataset().with_added(sources)
    assert (dataset.baseline, dataset.variants()) == ("base", ("base", "other", "int8"))
    assert Dataset(dataset.sources, 2, chosen_baseline="int8").baseline == "int8"
    assert Dataset(dataset.sources, 2, chosen_baseline="gone").baseline == "base"
    assert Dataset().baseline == ""
