"""The table in docs/formats.md is that of the registry."""

from __future__ import annotations

from tools.formats_table import DOCUMENT, table, with_table


def test_the_document_has_the_table_of_the_registry() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert with_table(document) == document, "run python -m tools.formats_table --write"


def test_the_table_says_what_formats_cannot_store() -> None:
    rows = {
        cells[1]: cells for line in table().splitlines() if (cells := [cell.strip() for cell in line.split("|")[1:]])
    }
    assert rows["`mot`"][:8] == [
        *("MOTChallenge text", "`mot`", "yes", "yes", "yes", "truth", "yes"),
        "ignored, occluded (truth)",
    ]
    assert rows["`cvat`"][6] == "no"
    assert rows["`kitti`"][3] == "no"
