"""Places of values in JSON text, and changes of single members that leave all other text as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from iouviewer.formats.patching.texts import Splice

_DECODER = json.JSONDecoder(strict=False)
_BLANK = re.compile(r"[ \t\r\n﻿]*")


class Member(NamedTuple):
    """A member of an object: where its key and its value are."""

    key: str
    start: int
    value: int
    end: int


def skip(text: str, at: int) -> int:
    """The next place that is no blank."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def value_at(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends."""
    return _DECODER.raw_decode(text, at)


def members(text: str, at: int) -> Iterator[Member]:
    """The members of the object that begins at a place."""
    at = skip(text, at + 1)
    while text[at] != "}":
        key, end = value_at(text, at)
        value = skip(text, skip(text, end) + 1)
        _found, stop = value_at(text, value)
        yield Member(key, at, value, stop)
        at = skip(text, stop)
        if text[at] == ",":
            at = skip(text, at + 1)


def member(text: str, at: int, key: str) -> Member | None:
    """The last member with a key, as parsers read it; None if there is none."""
    found = None
    for one in members(text, at):
        if one.key == key:
            found = one
    return found


def elements(text: str, at: int) -> list[tuple[int, int]]:
    """Start and end of each element of the list that begins at a place."""
    found = []
    at = skip(text, at + 1)
    while text[at] != "]":
        _value, stop = value_at(text, at)
        found.append((at, stop))
        at = skip(text, stop)
        if text[at] == ",":
            at = skip(text, at + 1)
    return found


def find(text: str, path: Sequence[str | int]) -> int | None:
    """Where the value at a path of keys and positions begins; None if there is none."""
    at = skip(text, 0)
    for step in path:
        if isinstance(step, int):
            listed = elements(text, at) if text[at] == "[" else []
            if not 0 <= step < len(listed):
                return None
            at = listed[step][0]
        else:
            found = member(text, at, step) if text[at] == "{" else None
            if found is None:
                return None
            at = found.value
    return at


class Style(NamedTuple):
    """How a file writes JSON.

    Attributes:
        indent: of one level; empty for values on one line.
        comma, colon: separators within a line.
        ascii: other characters are escaped.
    """

    indent: str
    comma: str
    colon: str
    ascii: bool

    @classmethod
    def of(cls, text: str, at: int) -> Style:
        """The style of the object or list that begins at a place."""
        end = value_at(text, at)[1]
        part = text[at:end]
        colon = '": ' if re.search(r'"\s*:\s', part) or not re.search(r'":\S', part) else '":'
        inner = re.match(r"[\[{]\s*?\n([ \t]*)", part)
        indent = ""
        if inner:
            own = indent_of(text, at)
            indent = inner[1][len(own) :] if inner[1].startswith(own) else inner[1]
        comma = "," if re.search(r",\S", part) and not re.search(r", ", part) else ", "
        return cls(indent, comma, colon[1:], text.isascii())

    def dump(self, value: Any, own_indent: str, line_end: str = "\n") -> str:
        """A value as text; lines after the first begin with ``own_indent``."""
        if not self.indent:
            return json.dumps(value, ensure_ascii=self.ascii, separators=(self.comma, self.colon))
        made = json.dumps(value, ensure_ascii=self.ascii, indent=self.indent, separators=(",", self.colon))
        return made.replace("\n", line_end + own_indent)


def indent_of(text: str, at: int) -> str:
    """The blanks at the beginning of the line of a place."""
    line = text.rfind("\n", 0, at) + 1
    found = re.match(r"[ \t]*", text[line:at])
    return found[0] if found else ""


def line_end_of(text: str) -> str:
    """The line ends of a text."""
    return "\r\n" if "\r\n" in text else "\n"


def replaced(text: str, at: int, value: Any) -> Splice:
    """The change of the value that begins at a place; its text where the number is the same."""
    end = value_at(text, at)[1]
    return Splice(at, end, Style.of(text, at).dump(value, indent_of(text, at), line_end_of(text)))


def numbers_replaced(text: str, at: int, new: Sequence[str | None]) -> list[Splice]:
    """Changes of single numbers of the list that begins at a place; None keeps one."""
    return [
        Splice(start, end, number)
        for (start, end), number in zip(elements(text, at), new, strict=True)
        if number is not None
    ]


def members_changed(text: str, at: int, new: Mapping[str, Any], removed: Sequence[str] = ()) -> list[Splice]:
    """Changes of members of the object that begins at a place: other values, new members, members removed."""
    listed = list(members(text, at))
    last = {one.key: place for place, one in enumerate(listed)}
    result: list[Splice] = []
    gone = {last[key] for key in removed if key in last}
    for key, value in new.items():
        if key in last:
            one = listed[last[key]]
            result.append(Splice(one.value, one.end, _dump_value(text, one.value, value)))
    result += _removed([(one.start, one.end) for one in listed], gone)
    added = {key: value for key, value in new.items() if key not in last}
    kept = [place for place in range(len(listed)) if place not in gone]
    if added:
        result.append(_members_added(text, at, [listed[place] for place in kept], added))
    return result


def _dump_value(text: str, at: int, value: Any) -> str:
    style = Style.of(text, at) if isinstance(value, dict | list) and text[at] in "[{" else None
    if style is not None:
        return style.dump(value, indent_of(text, at), line_end_of(text))
    return json.dumps(value, ensure_ascii=text.isascii())


def _members_added(text: str, at: int, kept: list[Member], added: Mapping[str, Any]) -> Splice:
    style = Style.of(text, at)
    inner = indent_of(text, at) + style.indent
    between = f",{line_end_of(text)}{inner}" if style.indent else style.comma
    made = between.join(
        f"{json.dumps(key)}{style.colon}{style.dump(value, inner, line_end_of(text))}" for key, value in added.items()
    )
    if kept:
        return Splice(kept[-1].end, kept[-1].end, between + made)
    return Splice(at + 1, at + 1, made)


def _removed(places: list[tuple[int, int]], gone: set[int]) -> list[Splice]:
    """Removals of list elements or members with one separator each."""
    result = []
    has_kept_before = False
    for place, (start, end) in enumerate(places):
        if place not in gone:
            has_kept_before = True
        elif has_kept_before:
            result.append(Splice(places[place - 1][1], end, ""))
        else:
            result.append(Splice(start, places[place + 1][0] if place + 1 < len(places) else end, ""))
    return result


def elements_changed(text: str, at: int, removed: set[int], added: Sequence[Any]) -> list[Splice]:
    """Removals from the list that begins at a place, and new elements at its end in the style of the others."""
    listed = elements(text, at)
    result = _removed(listed, removed)
    if not added:
        return result
    kept = [place for place in range(len(listed)) if place not in removed]
    line_end = line_end_of(text)
    if listed:
        sample = listed[-1][0]
        style, own = Style.of(text, sample), indent_of(text, sample)
        starts_line = text[:sample].rstrip(" \t").endswith(("\n", "\r"))
        between = f",{line_end}{own}" if starts_line else _separator(text, listed)
    else:
        style = Style.of(text, skip(text, 0))
        own = indent_of(text, at) + style.indent
        between = f",{line_end}{own}" if style.indent else style.comma
    made = between.join(style.dump(value, own, line_end) for value in added)
    if kept:
        # At the end of the list, also where its last elements go.
        return [*result, Splice(listed[-1][1], listed[-1][1], between + made)]
    if listed:
        return [Splice(listed[0][0], listed[-1][1], made)]
    first = f"{line_end}{own}" if style.indent else ""
    last = f"{line_end}{indent_of(text, at)}" if style.indent else ""
    return [Splice(at + 1, skip(text, at + 1), first + made + last)]


def _separator(text: str, listed: list[tuple[int, int]]) -> str:
    if len(listed) > 1:
        return text[listed[-2][1] : listed[-1][0]]
    return ", " if Style.of(text, listed[0][0]).comma == ", " else ","


def list_rebuilt(text: str, at: int, items: Sequence[str]) -> Splice:
    """The list that begins at a place with these elements as text, in the manner in which it was written."""
    listed = elements(text, at)
    end = value_at(text, at)[1]
    if not listed or not items:
        return Splice(at, end, f"[{', '.join(items)}]")
    between = text[listed[0][1] : listed[1][0]] if len(listed) > 1 else None
    if between is None:
        lead = text[at + 1 : listed[0][0]]
        between = f",{lead}" if "\n" in lead else ", "
    return Splice(at, end, text[at : listed[0][0]] + between.join(items) + text[listed[-1][1] : end])
