"""Parses XML files safely: document types, and with them entities, are refused. Elements know their lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from iouviewer.errors import UserError
from iouviewer.formats.text import cannot_read, decode
from iouviewer.i18n import tr

CHUNK = 1 << 20
MAX_DEPTH = 200
MAX_ELEMENTS = 1_000_000
"""Elements within one child of the root, which are in memory together; a CVAT track of ten hours has fewer."""
MAX_TEXT = 1 << 20
"""Characters of the text of one element."""
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9_.-]+)")
_OWN = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "utf-16"})
"""Encodings that the parser knows itself."""


@dataclass(slots=True)
class Element:
    """An element: tag, attributes, its own text, children, and the line (from 1) where it begins."""

    tag: str
    attributes: Mapping[str, str]
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, path: str) -> Element | None:
        """The first descendant at ``a/b/c``, None if there is none."""
        element: Element | None = self
        for tag in path.split("/"):
            if element is None:
                return None
            element = next((c for c in element.children if c.tag == tag), None)
        return element

    def value(self, path: str) -> str:
        """Text of the descendant at ``path`` without surrounding blanks; empty if there is none."""
        found = self.child(path)
        return "" if found is None else found.text.strip()


class _Builder:
    """Builds elements and passes each child of the root to ``handle`` when it is complete."""

    def __init__(self, handle: Callable[[Element], None], encoding: str | None = None) -> None:
        self.parser = expat.ParserCreate(encoding)
        self._elements = 0
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._on_start
        self.parser.EndElementHandler = self._on_end
        self.parser.CharacterDataHandler = self._on_text
        self.parser.StartDoctypeDeclHandler = self._on_doctype
        self.stack: list[Element] = []
        self.root_tag = ""
        self._handle = handle

    def _on_start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self.parser.CurrentLineNumber)
        if not self.stack:
            self.root_tag = tag
        elif len(self.stack) > 1:
            self.stack[-1].children.append(element)
        if len(self.stack) > MAX_DEPTH:
            raise UserError(tr("XML elements are nested too deeply"), line=element.line)
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            reason = tr("one element has more than {limit:,} elements in it", limit=MAX_ELEMENTS)
            raise UserError(reason, line=element.line)
        self.stack.append(element)

    def _on_end(self, _tag: str) -> None:
        element = self.stack.pop()
        if len(self.stack) == 1:
            self._elements = 0
            self._handle(element)

    def _on_text(self, text: str) -> None:
        if len(self.stack) > 1:
            element = self.stack[-1]
            if len(element.text) + len(text) > MAX_TEXT:
                raise UserError(tr("the text of one element is too long"), line=self.parser.CurrentLineNumber)
            element.text += text

    def _on_doctype(self, *_args: object) -> None:
        raise UserError(
            tr("the file has a document type declaration, which is refused because it can include other files"),
            line=self.parser.CurrentLineNumber,
            remedy=tr("If you trust the file, remove the <!DOCTYPE …> declaration."),
        )


def _in_known_encoding(path: Path, first: bytes) -> tuple[bytes, str | None]:
    """A file in an encoding that the parser does not know, as UTF-8; others and long files as they are.

    Raises:
        UserError: the encoding is not certain.
        LookupError, ValueError: the declared encoding is unknown, or the text is not in it.
    """
    declared = _DECLARED.match(first[:200].lstrip(b"\xef\xbb\xbf"))
    name = declared[1].decode().lower() if declared else ""
    if len(first) >= CHUNK or name in _OWN - {"utf-8", "utf8"}:
        return first, None
    if name and name not in _OWN:
        return first.decode(name).encode(), "utf-8"
    try:
        first.decode("utf-8")
    except UnicodeDecodeError:
        return decode(first, path).encode(), "utf-8"
    return first, None


def read_elements(path: Path, stream: BinaryIO, handle: Callable[[Element], None]) -> str:
    """Pass each child of the root to ``handle`` as soon as it is complete; returns the tag of the root.

    Only one such child is in memory at a time.

    Raises:
        UserError: damaged XML (with its line), a document type declaration, or an unreadable file.
    """
    try:
        first, encoding = _in_known_encoding(path, stream.read(CHUNK))
        builder = _Builder(handle, encoding)
        builder.parser.Parse(first, False)
        while chunk := stream.read(CHUNK):
            builder.parser.Parse(chunk, False)
        builder.parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = tr("the file is not well-formed XML: {reason}", reason=expat.ErrorString(error.code))
        raise UserError(reason, path=path, line=error.lineno) from error
    except (LookupError, ValueError) as error:
        raise UserError(
            tr("the file has an unsupported encoding: {reason}", reason=error), path=path, line=1
        ) from error
    except UserError as error:
        if error.path is not None:
            raise
        raise UserError(error.message, path=path, line=error.line, remedy=error.remedy) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    return builder.root_tag


def format_attributes(**values: object) -> str:
    """Attributes for a start tag, each with a leading blank and its value quoted and escaped."""
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())


def xml_declaration() -> str:
    """The first line of a UTF-8 file."""
    return f"<?xml{format_attributes(version='1.0', encoding='utf-8')}?>\n"
