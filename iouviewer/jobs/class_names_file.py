"""Class names from a file: one name a line, a data.yaml, or the categories of a COCO file."""

from __future__ import annotations

import json
from pathlib import Path

from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.errors import UserError
from iouviewer.formats.class_names import read_name_lines, read_yaml_names
from iouviewer.i18n import tr

_YAML = (".yaml", ".yml")


def read_class_names(path: Path) -> ClassTable:
    """The classes of a file with its own numbers.

    Raises:
        UserError: the file cannot be read, or has no class names.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        numbers, kind = _read_categories(path), NumberKind.CATEGORY
    elif suffix in _YAML:
        numbers, kind = read_yaml_names(path), NumberKind.INDEX
    else:
        numbers, kind = dict(enumerate(read_name_lines(path))), NumberKind.INDEX
    found = {number: name.strip() for number, name in sorted(numbers.items()) if name.strip()}
    if not found:
        raise UserError(
            tr("the file has no class names"),
            path=path,
            remedy=tr("Choose a data.yaml, a classes.txt, or a COCO file with categories."),
        )
    return ClassTable.of(found.values(), tuple(found), kind)


def _read_categories(path: Path) -> dict[int, str]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(tr("the file cannot be read: {reason}", reason=error), path=path) from error
    categories = data.get("categories") if isinstance(data, dict) else None
    found = {}
    for one in categories if isinstance(categories, list) else ():
        if isinstance(one, dict) and isinstance(one.get("id"), int) and isinstance(one.get("name"), str):
            found[one["id"]] = one["name"]
    return found
