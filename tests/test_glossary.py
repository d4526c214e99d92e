"""The glossary holds: words to avoid are not on the screen, and retired words are nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

GLOSSARY = REPOSITORY / "docs" / "glossary.md"
CODE = ("iouviewer", "tests", "tools", "benchmarks")
STORED = {REPOSITORY / "iouviewer" / "video" / "reasons.py"}
"""Values that caches hold; their text on the screen is another."""
QUOTED = re.compile(r"\b[Ll]abel (?:files?|errors?)\b|“[^”]*”|‘[^’]*’|\"[^\"]*\"|'[^']*'|`[^`]*`|\{[^}]*\}")
"""Parts of a text that quote a file's own words, placeholders, YOLO's *label files*, and the term *label error*."""


def rows_of(title: str, text: str) -> Iterator[list[str]]:
    """Cells of the rows of the table under a heading."""
    section = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    for row in rows[2:]:
        yield [cell.strip() for cell in row.strip("|").split("|")]


def avoided_words(text: str) -> dict[str, str]:
    """Word to avoid on the screen -> the glossary's term for it."""
    found: dict[str, str] = {}
    for title in ("The data", "Scores", "Video", "Program"):
        for term, _, avoid in rows_of(title, text):
            for word in re.sub(r"\([^)]*\)", "", avoid).split(","):
                if word.strip():
                    found[word.strip()] = term
    return found


def retired_words(text: str) -> dict[str, str]:
    """Word that is used nowhere -> what to write instead."""
    rows = rows_of("Words that are not used at all", text)
    return {word.strip(): use for words, use in rows for word in words.split(",")}


@cache
def text() -> str:
    return GLOSSARY.read_text(encoding="utf-8")


def screen_texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, English text) of each text that passes ``tr`` or ``tr_n``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"tr", "tr_n"}:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, argument.value


def finder(words: dict[str, str]) -> re.Pattern[str]:
    plurals = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({plurals})s?(?![\w-])", re.IGNORECASE)


def used(pattern: re.Pattern[str], said: str) -> list[str]:
    """The words to avoid in a text; ``mAP`` is one, ``map`` is not."""
    found = pattern.findall(QUOTED.sub(" ", said))
    return [word for word in found if not (word.lower() == "map" and word != "mAP")]


def code_files() -> list[Path]:
    return [path for folder in CODE for path in sorted((REPOSITORY / folder).rglob("*.py"))]


def screen_files() -> list[Path]:
    """Modules with texts for people; readers and writers name the fields of their formats as these do."""
    package = REPOSITORY / "iouviewer"
    return [path for path in sorted(package.rglob("*.py")) if not path.is_relative_to(package / "formats")]


@pytest.mark.parametrize("path", screen_files(), ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_screen_texts_use_the_glossary_terms(path: Path) -> None:
    words = avoided_words(text())
    pattern = finder(words)
    found = [
        f"{path.name}:{line}: “{said}”: not “{word}” but “{words.get(word.lower(), '')}”"
        for line, said in screen_texts(path)
        for word in used(pattern, said)
    ]
    assert found == []


def test_retired_words_are_nowhere() -> None:
    pattern = finder(retired_words(text()))
    documents = [p for p in (REPOSITORY / "docs").rglob("*.md") if p != GLOSSARY]
    found = []
    files = [path for path in code_files() if path not in STORED and path != Path(__file__)]
    for path in [*files, *documents, REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md"]:
        # Names such as ``read_anew`` and ``readAnew`` are read as words, too.
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", path.read_text(encoding="utf-8"))
        for match in pattern.finditer(words):
            line = words.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(REPOSITORY)}:{line}: {match.group(0)}")
    assert found == []


def test_the_tables_are_read() -> None:
    assert avoided_words(text())["bbox"] == "box"
    assert used(finder({"mAP": "AP", "bbox": "box"}), "mAP of “bbox”, a map of bbox") == ["mAP", "bbox"]
    assert retired_words(text())["anew"].startswith("again")
    assert finder({"small copy": "proxy"}).search("two small\ncopys") is not None
