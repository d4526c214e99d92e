"""The data.yaml of ultralytics data sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from iouviewer.errors import UserError
from iouviewer.formats.data_yaml import read_data_yaml


def written(folder: Path, text: str) -> Path:
    path = folder / "data.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "root", "val", "names"),
    [
        ("train: a\nval: images/val\nnames: [person, car]\n", "", ("images/val",), {0: "person", 1: "car"}),
        (
            "path: ../set # the folder\nval: 'images/my val'  # here\nnames:\n  0: a\n  1: b\n",
            "../set",
            ("images/my val",),
            {0: "a", 1: "b"},
        ),
        ("val: [a, 'b, c']\nnc: 2\n", "", ("a", "b, c"), None),
        ("val: [a,\n  b]\nnames: [x]\n", "", ("a", "b"), {0: "x"}),
        ("val:\n  - a\n\n  - b  # two\nnames: [x]\n", "", ("a", "b"), {0: "x"}),
        ("val:\n- a\n- b\ntest: c\n", "", ("a", "b"), None),
        ("path:\nvalidation: v.txt\nnames: [x]\n", "", ("v.txt",), {0: "x"}),
    ],
)
def test_usual_forms_are_read(
    tmp_path: Path, text: str, root: str, val: tuple[str, ...], names: dict[int, str] | None
) -> None:
    found = read_data_yaml(written(tmp_path, text))
    assert (found.root, found.splits["val"], found.names) == (root, val, names)


def test_splits_without_a_value_are_none_and_the_number_of_classes_is_known(tmp_path: Path) -> None:
    found = read_data_yaml(written(tmp_path, "train: a\nval: b\ntest: # optional\nnc: 3\n"))
    assert sorted(found.splits) == ["train", "val"]
    assert found.class_count == 3


@pytest.mark.parametrize(
    ("text", "reason"), [("names: [a]\n", "names no images"), ("val: [a,\nb\n", "has no closing"), ("", "names no")]
)
def test_other_files_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        read_data_yaml(written(tmp_path, text))
