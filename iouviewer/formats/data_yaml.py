"""The ``data.yaml`` of an ultralytics data set: its folder, its splits and its class names.

Only the forms in which these keys are usually written are parsed, as in ``class_names``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.formats.class_names import read_yaml_names, split_at_commas, strip_comment, unquoted
from iouviewer.formats.text import read_lines
from iouviewer.i18n import tr

DATA_YAML_SUFFIXES = frozenset({".yaml", ".yml"})
SPLITS = ("train", "val", "test")
_KEY = re.compile(r"^(path|train|val|validation|test|nc)\s*:(?:\s+(.*))?$")
_ITEM = re.compile(r"^\s*-\s+(.*)$")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class DataYaml:
    """The contents of a ``data.yaml``.

    Attributes:
        root: value of ``path``, empty where it is not given.
        splits: split -> folders, lists of images or images, as written.
        names: class names by number; None where the file has none.
        count: value of ``nc``; None where it is not given.
    """

    path: Path
    root: str
    splits: Mapping[str, tuple[str, ...]]
    names: Mapping[int, str] | None
    count: int | None

    @property
    def class_count(self) -> int | None:
        """Number of classes; None where the file does not state it."""
        return len(self.names) if self.names is not None else self.count


def read_data_yaml(path: Path) -> DataYaml:
    """Read the file.

    Raises:
        UserError: it cannot be read, a value has another form, or it names no split.
    """
    lines = read_lines(path)
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines):
        match = _KEY.match(strip_comment(line).rstrip())
        if match is not None:
            found[match[1]] = _values(path, number, (match[2] or "").strip(), lines)
    found.setdefault("val", found.pop("validation", ()))  # as ultralytics
    splits = {name: found[name] for name in SPLITS if found.get(name)}
    if not splits:
        raise UserError(
            tr("this file names no images: it has none of the keys train, val and test"),
            path=path,
            remedy=tr("Give the data.yaml of a YOLO data set, a video or a folder of images."),
        )
    root, count = found.get("path", ()), found.get("nc", ())
    return DataYaml(
        path,
        root[0] if root else "",
        splits,
        read_yaml_names(path) or None,
        int(count[0]) if count and count[0].isdecimal() else None,
    )


def _values(path: Path, number: int, text: str, lines: list[str]) -> tuple[str, ...]:
    """One value, ``[a, b]``, or a block of ``- a`` below the line with this index."""
    if text.startswith("["):
        for following in lines[number + 1 :]:
            if text.endswith("]"):
                break
            text += " " + strip_comment(following).strip()
        if not text.endswith("]"):
            raise UserError(tr("the list has no closing {bracket}", bracket="]"), path=path, line=number + 1)
        return tuple(unquoted(part) for part in split_at_commas(text[1:-1]) if part)
    if text not in _NOTHING:
        return (unquoted(text),)
    items = []
    for following in lines[number + 1 :]:
        line = strip_comment(following).rstrip()
        item = _ITEM.match(line)
        if item is not None:
            items.append(unquoted(item[1]))
        elif line:
            break
    return tuple(items)
