"""Every text a person can see passes ``tr`` or ``tr_n``.

``python -m tests.test_texts [PATH ...]`` lists the texts that do not.
"""

from __future__ import annotations

import ast
import gettext
import re
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iouviewer import i18n
from iouviewer.i18n import tr, tr_n

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "iouviewer"

SINKS = frozenset(
    {
        "setText",
        "setToolTip",
        "setWindowTitle",
        "setAccessibleName",
        "setAccessibleDescription",
        "setPlaceholderText",
        "setStatusTip",
        "setLabelText",
        "setTitle",
        "setInformativeText",
        "setDetailedText",
        "setSuffix",
        "setPrefix",
        "setSpecialValueText",
        "addTab",
        "addAction",
        "addMenu",
        "addRow",
        "addItem",
        "QLabel",
        "QPushButton",
        "QCheckBox",
        "QRadioButton",
        "QGroupBox",
        "QAction",
        "QToolButton",
        "UserError",
        "Segment",
        "showMessage",
        "ArgumentTypeError",
        "setHorizontalHeaderLabels",
    }
)
"""Calls whose text arguments are shown to a person."""

SINK_KEYWORDS = frozenset({"help", "description", "remedy", "tooltip", "tool_tip", "title", "caption", "epilog"})

NOT_SHOWN = frozenset(
    {
        "debug",
        "info",
        "warning",
        "error",
        "exception",
        "critical",
        "log",
        "execute",
        "executemany",
        "executescript",
        "select",
        "_select_boxes",
        "read_meta",
        "write_meta",
        "compile",
        "findall",
        "sub",
        "match",
        "fullmatch",
        "search",
        "ValueError",
        "TypeError",
        "RuntimeError",
        "KeyError",
        "IndexError",
        "AssertionError",
        "NotImplementedError",
        "AttributeError",
        "ImportError",
        "LookupError",
        "setStyleSheet",
        "StopIteration",
        "OverflowError",
        "getLogger",
    }
)
"""Calls whose texts go to the log, to SQL, to regular expressions, to programmers or to style sheets."""

SENTENCE = re.compile(r"[A-Za-z]{2,}[,;:.…]? +(?:[a-z]{2,}|[A-Z][a-z]+|\{)")
WORD = re.compile(r"[A-Za-z]{2,}")

EXCEPTIONS = {
    "document/class_lists.py": "class names as COCO and MOT files write them",
    "document/class_proposals.py": "class names that mean the same",
    "jobs/protocols.py": "values in JSON results",
    "metrics/json_texts.py": "values in JSON results; describe() passes them through tr",
    "project/remote_folders.py": "names of folders that services synchronise",
    "project/schema.py": "SQL",
    "reports/html_template.py": "markup and CSS",
    "ui/theme.py": "a style sheet",
    "video/reasons.py": "values in the index cache; describe() passes them through tr",
}
"""File -> why its literals are not texts for people."""


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(node: ast.AST) -> str | None:
    """The constant text of a literal or an f-string (placeholders as ``{}``); None for other nodes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return None


def _literals(node: ast.AST, *, sink: bool = False) -> Iterator[tuple[int, str]]:
    """(line, text) of the literals below a node that a person would see and that no ``tr`` holds."""
    if isinstance(node, ast.Call):
        name = _name(node)
        if name in {"tr", "tr_n"}:
            return
        if name in NOT_SHOWN:
            return
        for argument in node.args:
            yield from _literals(argument, sink=name in SINKS)
        for keyword in node.keywords:
            yield from _literals(keyword.value, sink=keyword.arg in SINK_KEYWORDS)
        yield from _literals(node.func)
        return
    text = _text(node)
    if text is not None:
        if SENTENCE.search(text) or (sink and WORD.search(text.replace("{}", ""))):
            yield node.lineno, text
        return
    if isinstance(node, ast.Assert):
        return
    keeps = isinstance(node, ast.IfExp | ast.BinOp | ast.BoolOp | ast.Tuple | ast.List)
    body = getattr(node, "body", None)
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and _text(child.value) is not None and isinstance(body, list)
        if not is_docstring and not (isinstance(node, ast.IfExp) and child is node.test):
            yield from _literals(child, sink=sink and keeps)


def untranslated(path: Path) -> list[str]:
    """``line: text`` of each text in a file that is shown without passing ``tr``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [f"{line}: {text!r}" for line, text in sorted(set(_literals(tree)))]


def misused(path: Path) -> Iterator[str]:
    """Calls of ``tr`` and ``tr_n`` that no translator could use: no literal, or placeholders without a value."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or _name(node) not in {"tr", "tr_n"}:
            continue
        plural = _name(node) == "tr_n"
        texts = node.args[: 2 if plural else 1]
        if any(not (isinstance(text, ast.Constant) and isinstance(text.value, str)) for text in texts):
            yield f"{path.name}:{node.lineno}: the text is not a literal"
            continue
        given = {keyword.arg for keyword in node.keywords} | ({"count"} if plural else set())
        if not given and not plural:
            continue
        for text in texts:
            fields = {name for _, name, _, _ in string.Formatter().parse(text.value) if name is not None}
            if None not in given and (missing := fields - given):
                yield f"{path.name}:{node.lineno}: no value for {', '.join(sorted(missing))}"
            if any(not field.isidentifier() for field in fields):
                yield f"{path.name}:{node.lineno}: a placeholder is not a name"


def shown_files() -> list[Path]:
    return [p for p in sorted(PACKAGE.rglob("*.py")) if str(p.relative_to(PACKAGE)) not in EXCEPTIONS]


@pytest.mark.parametrize("path", shown_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_text_passes_the_translation(path: Path) -> None:
    assert untranslated(path) == []
    assert list(misused(path)) == []


def test_a_text_that_is_not_translated_is_found(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        '"""A docstring is not shown."""\n'
        "def f(n):\n"
        '    """Nor is this one."""\n'
        '    label.setText("Frame")\n'
        '    label.setText(tr("Frame"))\n'
        '    _log.warning("a thread was slow")\n'
        '    return f"Frame {n} cannot be decoded"\n'
        'LABELS = {"a": "Open the file"}\n'
        'x = tr("{a} and {b}", a=1)\n'
        'y = tr(f"{a}")\n'
    )
    assert [row.split(":")[0] for row in untranslated(path)] == ["4", "7", "8"]
    assert [row.split(": ")[1] for row in misused(path)] == ["no value for b", "the text is not a literal"]


def test_placeholders_are_filled_by_name() -> None:
    assert tr("frame {frame:,} of {path}", frame=1200, path="a.mp4") == "frame 1,200 of a.mp4"
    assert tr("a {brace} without values") == "a {brace} without values"
    assert tr_n("{count} box", "{count:,} boxes", 1) == "1 box"
    assert tr_n("{count} box of {name}", "{count:,} boxes of {name}", 1500, name="a") == "1,500 boxes of a"


class _German(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return {"frame {frame}": "Bild {frame}", "frame {n}": "Bild {m}"}.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return {"{count} box": "{count} Rahmen"}.get(msgid1, msgid1 if n == 1 else msgid2)


def test_a_catalogue_takes_the_place_of_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "catalogue", _German)
    assert tr("frame {frame}", frame=3) == "Bild 3"
    assert tr_n("{count} box", "{count} boxes", 2) == "2 Rahmen"
    assert tr("frame {n}", n=3) == "frame 3"  # its placeholder is mistyped: English stands in


if __name__ == "__main__":
    chosen = [Path(name) for name in sys.argv[1:]] or [PACKAGE]
    rows = 0
    for top in chosen:
        for path in sorted(top.rglob("*.py")) if top.is_dir() else [top]:
            for row in [*untranslated(path), *misused(path)]:
                rows += 1
                sys.stdout.write(f"{path}:{row}\n")
    sys.stdout.write(f"{rows} texts\n")
