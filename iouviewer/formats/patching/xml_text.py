"""Places of elements in XML text, and changes of attributes and texts that leave everything else as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

import numpy as np

from iouviewer.formats.patching.texts import Splice

_ATTRIBUTE = re.compile(r"""([^\s=<>/]+)\s*=\s*("[^"]*"|'[^']*')""")


@dataclass(slots=True)
class Node:
    """An element.

    Attributes:
        start: of its start tag.
        inner: end of its start tag.
        end: end of the element.
        line: from 1.
        is_empty: it is one tag, ``<a/>``.
    """

    tag: str
    attributes: Mapping[str, str]
    start: int
    line: int
    inner: int = 0
    end: int = 0
    is_empty: bool = False
    text: str = ""
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)

    def child(self, path: str) -> Node | None:
        """The first descendant at ``a/b/c``, None if there is none."""
        node: Node | None = self
        for tag in path.split("/"):
            node = next((c for c in node.children if c.tag == tag), None) if node is not None else None
        return node

    def all(self, tag: str) -> Iterator[Node]:
        """The children with a tag."""
        return (child for child in self.children if child.tag == tag)


class _Builder:
    def __init__(self, text: str) -> None:
        self._text = text
        data = text.encode("utf-8")
        self._places = None
        if len(data) != len(text):
            sizes = [len(character.encode("utf-8")) for character in text]
            self._places = np.concatenate([[0], np.cumsum(sizes)])
        # The text is UTF-8 now, whatever its declaration says.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._on_start
        self._parser.EndElementHandler = self._on_end
        self._parser.CharacterDataHandler = self._on_text
        self._stack: list[Node] = []
        self.root: Node | None = None
        self._parser.Parse(data, True)

    def _at(self) -> int:
        index = self._parser.CurrentByteIndex
        return index if self._places is None else int(np.searchsorted(self._places, index))

    def _on_start(self, tag: str, attributes: dict[str, str]) -> None:
        parent = self._stack[-1] if self._stack else None
        node = Node(tag, attributes, self._at(), self._parser.CurrentLineNumber, parent=parent)
        node.inner = _end_of_tag(self._text, node.start)
        node.is_empty = self._text[node.inner - 2] == "/"
        if parent is not None:
            parent.children.append(node)
        else:
            self.root = node
        self._stack.append(node)

    def _on_end(self, _tag: str) -> None:
        node = self._stack.pop()
        node.end = node.inner if node.is_empty else self._text.index(">", self._at()) + 1

    def _on_text(self, text: str) -> None:
        self._stack[-1].text += text


def _end_of_tag(text: str, start: int) -> int:
    quote = ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == ">":
            return at + 1
    return len(text)


def parse(text: str) -> Node:
    """The root element of a text that a reader accepted."""
    without_mark = text.removeprefix("﻿")
    root = _Builder(without_mark).root
    if root is None:
        raise ValueError("no element")
    if len(text) != len(without_mark):
        _move(root, 1)
    return root


def _move(node: Node, by: int) -> None:
    node.start, node.inner, node.end = node.start + by, node.inner + by, node.end + by
    for child in node.children:
        _move(child, by)


def quoted(value: str) -> str:
    """A text as it stands in an attribute with double quotes."""
    return escape(value, {'"': "&quot;", "\n": "&#10;"})


def attribute_changes(text: str, node: Node, new: Mapping[str, str]) -> list[Splice]:
    """Changes of attributes of a start tag; those that it lacks are added at its end."""
    tag = text[node.start : node.inner]
    found = {match[1]: match for match in _ATTRIBUTE.finditer(tag)}
    result = []
    added = ""
    for name, value in new.items():
        match = found.get(name)
        if match is None:
            added += f' {name}="{quoted(value)}"'
        elif node.attributes.get(name) != value:
            start, end = match.span(2)
            mark = tag[start]
            own = quoted(value) if mark == '"' else escape(value, {"'": "&apos;"})
            result.append(Splice(node.start + start + 1, node.start + end - 1, own))
    if added:
        at = node.inner - (2 if node.is_empty else 1)
        while text[at - 1].isspace():
            at -= 1
        result.append(Splice(at, at, added))
    return result


def text_change(text: str, node: Node, value: str) -> Splice:
    """Another text for an element without children; blanks around it stay."""
    if node.is_empty:
        return Splice(
            node.start, node.end, f"{text[node.start : node.inner - 2].rstrip()}>{escape(value)}</{node.tag}>"
        )
    end = text.rindex("<", node.inner, node.end)
    old = text[node.inner : end]
    first = node.inner + len(old) - len(old.lstrip()) if old.strip() else node.inner
    last = node.inner + len(old.rstrip()) if old.strip() else end
    return Splice(first, last, escape(value))


def line_start(text: str, at: int) -> int:
    """Where the blanks before a place begin, with the line end before them; the place itself if it follows a tag."""
    first = at
    while first > 0 and text[first - 1] in " \t":
        first -= 1
    if first > 0 and text[first - 1] == "\n":
        first -= 1
        return first - 1 if first > 0 and text[first - 1] == "\r" else first
    return at


def removal(text: str, node: Node) -> Splice:
    """The removal of an element with its line, where it has one of its own."""
    return Splice(line_start(text, node.start), node.end, "")


def child_added(text: str, parent: Node, made: str, before: Node | None = None) -> Splice:
    """A new child: before another one, else as the last; on a line of its own where its siblings are.

    Args:
        made: the element, its lines after the first indented relative to it.
    """
    if before is not None:
        at = line_start(text, before.start)
        return Splice(at, at, text[at : before.start] + made)
    sibling = parent.children[-1] if parent.children else None
    if sibling is not None:
        lead = text[line_start(text, sibling.start) : sibling.start]
        return Splice(sibling.end, sibling.end, lead + made)
    lead = text[line_start(text, parent.start) : parent.start]
    inner = f"{lead}  {made}" if lead else made
    if parent.is_empty:
        tag = text[parent.start : parent.inner - 2].rstrip()
        return Splice(parent.start, parent.end, f"{tag}>{inner}{lead}</{parent.tag}>")
    end = text.rindex("<", parent.inner, parent.end)
    at = line_start(text, end)
    return Splice(parent.inner, max(at, parent.inner), inner)


def lead_of(text: str, node: Node) -> str:
    """The line end and blanks before an element; empty where it follows another tag."""
    return text[line_start(text, node.start) : node.start]
