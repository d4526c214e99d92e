"""The file of a dataset: it survives, moves with its videos, and never loses what another program wrote."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.dataset import Dataset, DatasetSource, SourceNumbers, SourceProgress, VariantNumbers
from iouviewer.errors import UserError
from iouviewer.project.dataset_file import DatasetFile

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NUMBER = st.none() | st.floats(-100, 100)
VARIANTS = st.builds(VariantNumbers, NUMBER, NUMBER, NUMBER, st.integers(0, 9), TEXT, NUMBER, NUMBER, NUMBER, TEXT)
SOURCES = st.builds(
    DatasetSource,
    st.just(-1),
    st.integers(0, 5).map(lambda number: f"/gone/{number}.mp4"),
    TEXT,
    st.sampled_from(("", "/gone/x.iouv")),
    st.sampled_from(("", "/gone/gt.csv")),
    st.sampled_from(((), (("base", "/gone/base.csv"),))),
    st.tuples(TEXT),
    st.booleans(),
    st.integers(0, 99),
    st.none() | st.builds(SourceProgress, TEXT, st.integers(0, 9), variants=st.tuples(TEXT)),
    st.none()
    | st.builds(SourceNumbers, TEXT, st.none() | st.integers(0, 9), TEXT, st.dictionaries(TEXT, VARIANTS, max_size=2)),
)


@given(st.lists(SOURCES, max_size=4), TEXT)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, sources: list, baseline: str) -> None:
    path = tmp_path_factory.mktemp("dataset") / "a.ioudataset"
    dataset = replace(Dataset().with_added(sources), chosen_baseline=baseline)
    DatasetFile(path).write(dataset)
    assert DatasetFile(path).read() == dataset


def test_a_dataset_moves_with_its_videos(tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "clips").mkdir(parents=True)
    for name in ("a.mp4", "a.mp4.iouv"):
        (old / "clips" / name).write_bytes(b"")
    elsewhere = tmp_path / "b.mp4"
    sources = [DatasetSource(-1, str(old / "clips/a.mp4"), project=str(old / "clips/a.mp4.iouv"))]
    DatasetFile(old / "d.ioudataset").write(Dataset().with_added([*sources, DatasetSource(-1, str(elsewhere))]))
    new = Path(shutil.move(old, tmp_path / "new"))
    first, second = DatasetFile(new / "d.ioudataset").read().sources
    assert (first.path, first.project) == (str(new / "clips/a.mp4"), str(new / "clips/a.mp4.iouv"))
    assert second.path == str(elsewhere)


@pytest.mark.skipif(os.name != "posix", reason="only here paths are bytes")
def test_a_path_that_is_not_utf8_is_kept(tmp_path: Path) -> None:
    path = str(tmp_path / os.fsdecode(b"caf\xe9.mp4"))
    DatasetFile(tmp_path / "d.ioudataset").write(Dataset().with_added([DatasetSource(-1, path)]))
    assert DatasetFile(tmp_path / "d.ioudataset").read().sources[0].path == path


@pytest.mark.parametrize("text", ["", "{", '{"format": 1, "sources": 3}', '{"sources": []}', "\xff"])
def test_a_damaged_file_is_named_and_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "d.ioudataset"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match="damaged") as raised:
        DatasetFile(path).read()
    assert raised.value.path == path
    assert "drop the videos" in raised.value.remedy


def test_doubled_numbers_and_later_versions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.ioudataset"
    two = [{"id": 1, "path": "/a"}, {"id": 1, "path": "/b"}]
    path.write_text(json.dumps({"format": 1, "sources": two}))
    with pytest.raises(UserError, match="two sources have one number"):
        DatasetFile(path).read()
    path.write_text(json.dumps({"format": 2, "sources": "something else"}))
    with pytest.raises(UserError, match="later version"):
        DatasetFile(path).read()
    with pytest.raises(UserError, match="cannot be read"):
        DatasetFile(tmp_path / "gone.ioudataset").read()


def test_what_another_window_wrote_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "d.ioudataset"
    mine, other = DatasetFile(path), DatasetFile(path)
    mine.write(Dataset())
    with pytest.raises(UserError, match="another program"):
        other.write(Dataset().with_added([DatasetSource(-1, "/a")]))
    added = other.read().with_added([DatasetSource(-1, "/a")])
    other.write(added)
    with pytest.raises(UserError, match="another program"):
        mine.write(Dataset().with_added([DatasetSource(-1, "/b")]))
    assert mine.read() == added
