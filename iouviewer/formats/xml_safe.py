"""XML without surprises: no document types (hence no entities of any kind), elements with their line numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from iouviewer.errors import UserError
from iouviewer.formats.text import cannot_read

CHUNK = 1 << 20


@dataclass(slots=True)
class Element:
    """An element: tag, attributes, text directly within it, children, and the line (from 1) where it begins."""

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
        """Text of the descendant at ``path`` without surrounding blanks, empty if there is none."""
        found = self.child(path)
        return "" if found is None else found.text.strip()


class _Builder:
    """Collects elements and hands each one over that stands directly under the root when it ends."""

    def __init__(self, take: Callable[[Element], None]) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._on_start
        self.parser.EndElementHandler = self._on_end
        self.parser.CharacterDataHandler = self._on_text
        self.parser.StartDoctypeDeclHandler = self._on_doctype
        self.stack: list[Element] = []
        self.root_tag = ""
        self._take = take

    def _on_start(self, tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, attributes, self.parser.CurrentLineNumber)
        if not self.stack:
            self.root_tag = tag
        elif len(self.stack) > 1:
            self.stack[-1].children.append(element)
        if len(self.stack) > 200:
            raise UserError("elements are nested too deeply", line=element.line)
        self.stack.append(element)

    def _on_end(self, _tag: str) -> None:
        element = self.stack.pop()
        if len(self.stack) == 1:
            self._take(element)

    def _on_text(self, text: str) -> None:
        if len(self.stack) > 1:
            self.stack[-1].text += text

    def _on_doctype(self, *_args: object) -> None:
        raise UserError(
            "has a document type declaration, which is refused because it can pull in other files",
            line=self.parser.CurrentLineNumber,
            remedy="Remove the <!DOCTYPE ...> part if you trust the file.",
        )


def read_elements(path: Path, stream: BinaryIO, take: Callable[[Element], None]) -> str:
    """Hand over each child of the root, whole, as soon as it is read; returns the root's tag.

    Memory holds one such child at a time.

    Raises:
        UserError: damaged XML (with its line), a document type declaration, or an unreadable file.
    """
    builder = _Builder(take)
    try:
        while chunk := stream.read(CHUNK):
            builder.parser.Parse(chunk, False)
        builder.parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise UserError(f"is not well-formed XML: {reason}", path=path, line=error.lineno) from error
    except (LookupError, ValueError) as error:
        raise UserError(f"is in an encoding that cannot be read: {error}", path=path, line=1) from error
    except UserError as error:
        if error.path is not None:
            raise
        raise UserError(error.message, path=path, line=error.line, remedy=error.remedy) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    return builder.root_tag
