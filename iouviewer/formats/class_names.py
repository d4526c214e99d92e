"""Class names from ``classes.txt``, ``labels.txt`` or the ``names`` of an ultralytics ``data.yaml``.

Only the YAML forms in which ``names`` is usually written are parsed, which avoids a dependency.
"""

from __future__ import annotations

import re
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.formats.text import read_lines
from iouviewer.i18n import tr

NAME_FILES = ("classes.txt", "obj.names", "data.yaml", "data.yml", "dataset.yaml")
LABEL_FOLDERS = {"labels", "train", "val", "valid", "test", "obj_train_data", "obj_valid_data", "obj_test_data"}
_NAMES = re.compile(r"^names\s*:\s*(.*)$")
_ENTRY = re.compile(r"^\s*(?:(\d+)\s*:|-)\s*(.*)$")


def find_class_names(folder: Path) -> tuple[dict[int, str] | None, Path | None]:
    """Names by class number and the file they come from; None if there are none.

    The folder is searched and, if it is ``labels`` or a split, up to two folders above it.

    Raises:
        UserError: a ``data.yaml`` whose names cannot be parsed.
    """
    folders = [folder]
    while folders[-1].name in LABEL_FOLDERS and len(folders) < 3:
        folders.append(folders[-1].parent)
    for candidate in folders:
        for name in NAME_FILES:
            file = candidate / name
            if not file.is_file():
                continue
            names = dict(enumerate(read_name_lines(file))) if name.endswith(("txt", "names")) else read_yaml_names(file)
            if names:
                return names, file
    return None, None


def read_name_lines(path: Path) -> list[str]:
    """One name per line, in the order of the class numbers; blank lines at the end are ignored."""
    lines = [line.strip() for line in read_lines(path)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def read_yaml_names(path: Path) -> dict[int, str]:
    """The value of ``names``: ``[a, b]``, ``{0: a}``, or a block of ``0: a`` or ``- a``; empty without ``names``.

    Raises:
        UserError: names in another form, with the line.
    """
    lines = read_lines(path)
    for number, line in enumerate(lines, 1):
        found = _NAMES.match(line)
        if found is None:
            continue
        inline = strip_comment(found[1]).strip()
        if inline:
            return _parse_inline(path, number, inline, lines)
        return _parse_block(path, number, lines)
    return {}


def _parse_inline(path: Path, number: int, text: str, lines: list[str]) -> dict[int, str]:
    closing = {"[": "]", "{": "}"}.get(text[0])
    if closing is None:
        raise UserError(tr("names must be a list of class names"), path=path, line=number)
    for following in lines[number:]:
        if text.endswith(closing):
            break
        text += " " + strip_comment(following).strip()
    if not text.endswith(closing):
        raise UserError(tr("the list of names has no closing {bracket}", bracket=closing), path=path, line=number)
    parts = [part for part in split_at_commas(text[1:-1]) if part]
    if closing == "]":
        return {i: unquoted(part) for i, part in enumerate(parts)}
    result = {}
    for part in parts:
        key, colon, name = part.partition(":")
        if not colon or not key.strip().isdigit():
            raise UserError(tr("{text!r} is not a class number and a name", text=part), path=path, line=number)
        result[int(key)] = unquoted(name)
    return result


def _parse_block(path: Path, number: int, lines: list[str]) -> dict[int, str]:
    result: dict[int, str] = {}
    for offset, raw in enumerate(lines[number:], number + 1):
        line = strip_comment(raw).rstrip()
        if not line:
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            if line[0].isspace():
                reason = tr("{text!r} is not a class number and a name", text=line.strip())
                raise UserError(reason, path=path, line=offset)
            break
        result[int(entry[1]) if entry[1] else len(result)] = unquoted(entry[2])
    return result


def strip_comment(text: str) -> str:
    """The text before a ``#`` comment; a ``#`` within quotes is text."""
    quote = ""
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (i == 0 or text[i - 1].isspace()):
            return text[:i]
    return text


def split_at_commas(text: str) -> list[str]:
    """Parts between commas; commas within quotes are text."""
    parts, quote = [""], ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == ",":
            parts.append("")
            continue
        parts[-1] += char
    return [part.strip() for part in parts]


def unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text


def yaml_quoted(name: str) -> str:
    """A name as a single-quoted YAML string."""
    return "'" + name.replace("'", "''") + "'"
