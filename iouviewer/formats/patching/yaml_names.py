"""Adds and renames classes in ``data.yaml``, ``classes.txt`` and ``obj.names``, in the form that the file has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from iouviewer.formats.class_names import strip_comment, yaml_quoted
from iouviewer.formats.patching.texts import Lines, SourceFiles, Splice, apply_splices, cannot_patch
from iouviewer.i18n import tr

_NAMES = re.compile(r"^names\s*:\s*", re.MULTILINE)
_COUNT = re.compile(r"^(nc\s*:\s*)(\d+)", re.MULTILINE)
_ENTRY = re.compile(r"^(\s*)(?:(\d+)(\s*:\s*)|(-\s*))(.*)$")
_PLAIN = re.compile(r"[A-Za-z_][\w .-]*")
_RESERVED = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def change_names(files: SourceFiles, path: Path, named: Mapping[int, str], count: int) -> None:
    """Give numbers these names.

    Args:
        named: name by number, of classes that are renamed or new.
        count: number of classes afterwards.

    Raises:
        UserError: the names are in a form that cannot be changed.
    """
    if path.suffix.lower() not in {".yaml", ".yml"}:
        _change_lines(files, path, named)
        return
    text = files.text(path)
    found = _NAMES.search(text)
    if found is None:
        raise cannot_patch(path, tr("the file has no names"))
    if text[found.end() : found.end() + 1] in {"[", "{"}:
        text = _change_inline(text, found.end(), named, path)
    else:
        text = _change_block(text, text.count("\n", 0, found.start()) + 1, named)
    files.set_text(path, _COUNT.sub(lambda match: f"{match[1]}{max(int(match[2]), count)}", text, count=1))


def _change_lines(files: SourceFiles, path: Path, named: Mapping[int, str]) -> None:
    lines = Lines(files.text(path))
    for number, name in sorted(named.items()):
        if number < len(lines):
            lines.replace(number + 1, name)
        else:
            lines.insert(len(lines), name)
    files.set_text(path, lines.text())


def _quoted(name: str, sample: str) -> str:
    """A name in the manner of another one: quoted as that one, or plain where both can be."""
    if sample.startswith('"') and "\\" not in name and '"' not in name:
        return f'"{name}"'
    is_plain = _PLAIN.fullmatch(name) and name.casefold() not in _RESERVED and name == name.strip()
    return name if is_plain and not sample.startswith("'") else yaml_quoted(name)


def _change_inline(text: str, start: int, named: Mapping[int, str], path: Path) -> str:
    """``[a, b]`` or ``{0: a}``."""
    closing = {"[": "]", "{": "}"}[text[start]]
    parts, at, quote = [], start + 1, ""
    for place in range(start + 1, len(text)):
        char = text[place]
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in {",", closing}:
            raw = text[at:place]
            if raw.strip():
                first = at + len(raw) - len(raw.lstrip())
                parts.append((first, first + len(raw.strip())))
            at = place + 1
            if char == closing:
                break
    else:
        raise cannot_patch(path, tr("the list of names has no closing {bracket}", bracket=closing))
    is_map = closing == "}"
    where = {}
    for number, (first, last) in enumerate(parts):
        colon = text.index(":", first, last) if is_map else first - 1
        begin = colon + 1 + (len(text[colon + 1 : last]) - len(text[colon + 1 : last].lstrip()))
        where[int(text[first:colon]) if is_map else number] = (begin, last)
    sample = text[slice(*next(iter(where.values())))] if where else ""
    splices = [
        Splice(*where[number], _quoted(name, text[slice(*where[number])]))
        for number, name in named.items()
        if number in where
    ]
    end = parts[-1][1] if parts else start + 1
    new = [
        (f"{number}: " if is_map else "") + _quoted(name, sample)
        for number, name in sorted(named.items())
        if number not in where
    ]
    if new:
        splices.append(Splice(end, end, (", " if parts else "") + ", ".join(new)))
    return apply_splices(text, splices)


def _change_block(text: str, line_number: int, named: Mapping[int, str]) -> str:
    """A block of ``0: a`` or ``- a`` below the line of ``names``."""
    lines = Lines(text)
    last, count, sample = line_number, 0, None
    for number in range(line_number + 1, len(lines) + 1):
        line = strip_comment(lines[number]).rstrip()
        if not line:
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            break
        place = int(entry[2]) if entry[2] else count
        if place in named:
            lines.replace(
                number, lines[number][: entry.start(5)] + _quoted(named[place], entry[5]) + lines[number][len(line) :]
            )
        last, count, sample = number, max(count, place + 1), entry
    for place, name in sorted(named.items()):
        if place >= count:
            head = (
                f"{sample[1]}{place}{sample[3]}"
                if sample and sample[2]
                else f"{sample[1]}{sample[4]}"
                if sample
                else f"  {place}: "
            )
            lines.insert(last, head + _quoted(name, sample[5] if sample else ""))
    return lines.text()
