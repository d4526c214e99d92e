"""Prints the table of formats in docs/formats.md from the registry: ``python -m tools.formats_table [--write]``."""

from __future__ import annotations

import sys
from pathlib import Path

from iouviewer.document.imported import ImportKind
from iouviewer.formats.file_format import Format
from iouviewer.formats.registry import formats
from iouviewer.formats.unsupported_fields import Field

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "formats.md"
BEGIN, END = "<!-- made by python -m tools.formats_table --write -->", "<!-- end of the table -->"
FLAGS = {Field.IGNORED: "ignored", Field.OCCLUDED: "occluded", Field.TRUNCATED: "truncated"}
HEADER = ("format", "key", "read", "write", "tracks", "classes", "scores", "flags", "empty frames")


def kept(one: Format, field: Field) -> str:
    """Whether a format stores a field, or for which boxes."""
    kinds = one.keeps(field)
    if len(kinds) == len(one.kinds):
        return "yes"
    return " and ".join("truth" if kind is ImportKind.GROUND_TRUTH else "predictions" for kind in kinds) or "no"


def row(one: Format) -> tuple[str, ...]:
    """The cells of a format."""
    flags = [f"{word}{_only(one, field)}" for field, word in FLAGS.items() if one.keeps(field)]
    read, write = ("yes" if can else "no" for can in (one.can_read, one.can_write))
    has_scores = ImportKind.PREDICTIONS in one.kinds
    return (
        one.name,
        f"`{one.key}`",
        read,
        write,
        kept(one, Field.TRACK_IDS),
        kept(one, Field.CLASSES),
        kept(one, Field.SCORES) if has_scores else "no",
        ", ".join(flags) or "no",
        kept(one, Field.LABELLED_FRAMES),
    )


def _only(one: Format, field: Field) -> str:
    found = kept(one, field)
    return "" if found == "yes" else f" ({found})"


def table() -> str:
    """The table of all formats that are read or written, and the names of the others."""
    used = [one for one in formats() if one.can_read or one.can_write]
    rows = [HEADER, ("---",) * len(HEADER), *map(row, used)]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    named = ", ".join(one.name for one in formats() if one not in used)
    return "\n".join([*lines, "", f"Recognised and named only: {named}."])


def with_table(document: str) -> str:
    """The document with the table of today."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv:
        DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table())
