"""The documentation is true: it builds without a warning, names everything, and its examples work."""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import REPOSITORY
from tools import docs_pages

DOCS = REPOSITORY / "docs"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    page = (tmp_path / "site" / "reference" / "python.html").read_text(encoding="utf-8")
    assert all(f'id="iouviewer.api.{name}"' in page for name in docs_pages.public_names())
    fetched = re.findall(r'(?:src|href)="(https?://[^"]+\.(?:js|css|woff2?|png|svg))"', page)
    assert fetched == [], "the pages work without a network"


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def test_every_command_option_and_action_is_documented() -> None:
    from iouviewer.cli.program import COMMANDS, make_parser
    from iouviewer.ui.action_table import ACTIONS

    page = docs_pages.command_line()
    assert [name for name in COMMANDS if f"\n## iouviewer {name}\n" not in page] == []
    options = {
        option
        for parser in parsers(make_parser())
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        for option in action.option_strings
    }
    assert [one for one in sorted(options - {"-h", "--help", "--version"}) if f"`{one}" not in page] == []
    commands = docs_pages.commands()
    assert [one.id for one in ACTIONS if f"`{one.id}`" not in commands] == []


def test_the_picture_of_the_layers_is_the_import_contract() -> None:
    drawn = ElementTree.fromstring(docs_pages.layers_picture())
    space = "{http://www.w3.org/2000/svg}"
    rows: dict[float, list[str]] = {}
    for text in drawn.iter(f"{space}text"):
        rows.setdefault(float(text.attrib["y"]), []).append(text.text or "")
    assert [rows[y] for y in sorted(rows)] == docs_pages.layer_contract()
    modules = {path.stem for path in (REPOSITORY / "iouviewer").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert modules - {name for row in rows.values() for name in row} <= {"__init__", "__pycache__", "resources"}


def test_decisions_are_numbered_without_holes() -> None:
    records = sorted((DOCS / "adr").glob("[0-9]*.md"))
    numbers = [docs_pages.decision_title(path)[0] for path in records]
    assert numbers == [int(path.name[:4]) for path in records]
    assert numbers == list(range(1, len(records) + 1))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_of_the_root_link_to_files_that_exist(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert links and [link for link in links if not (REPOSITORY / link).exists()] == []


def test_the_schema_page_has_every_field() -> None:
    page = docs_pages.report_schema()
    text = (REPOSITORY / "resources" / "report.schema.json").read_text(encoding="utf-8")
    named = set(re.findall(r'"([a-z_0-9]+)":\s*\{\s*"(?:type|\$ref|enum|anyOf|const|description)"', text))
    listed = set(re.findall(r"[A-Za-z_0-9]+", "\n".join(re.findall(r"^\| `([^`]+)`", page, re.MULTILINE))))
    definitions = set(re.findall(r"#/(?:\$defs|definitions)/([A-Za-z_0-9]+)", text))
    assert named - listed - definitions == {"items"}, "items is a word of JSON schema itself"


# The examples of docs/extending.md


def example(title: str) -> str:
    """The code below a title of the page."""
    text = (DOCS / "extending.md").read_text(encoding="utf-8")
    found = re.search(rf'^```\w+ title="{re.escape(title)}[^"\n]*"\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the program with every example of the page inserted where its title says."""
    root = tmp_path / "program"
    root.mkdir()
    shutil.copytree(REPOSITORY / "iouviewer", root / "iouviewer", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "resources").symlink_to(REPOSITORY / "resources")
    (root / "CHANGELOG.md").symlink_to(REPOSITORY / "CHANGELOG.md")
    text = (DOCS / "extending.md").read_text(encoding="utf-8")
    for title, code in re.findall(r'^```\w+ title="(iouviewer/[^"\n]*)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL):
        name, _, place = title.partition(", ")
        path = root / name
        if place == "new":
            assert not path.exists()
            path.write_text(code, encoding="utf-8")
            continue
        where, _, line = place.partition(": ")
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        [found] = [number for number, one in enumerate(lines) if one.strip() == line]
        lines.insert(found + (where == "after"), code)
        path.write_text("".join(lines), encoding="utf-8")
    return root


def run(program: Path, *command: str, **options: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join((str(program), str(REPOSITORY)))
    environment = os.environ | {"PYTHONPATH": paths, "QT_QPA_PLATFORM": "offscreen"} | options
    result = subprocess.run(
        [sys.executable, *command], cwd=program, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def test_the_format_of_the_page_is_written_and_read(tmp_path: Path) -> None:
    package = tmp_path / "site"
    info = package / "dots_format-1.0.dist-info"
    info.mkdir(parents=True)
    (package / "dots_format.py").write_text(example("dots_format.py"), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dots-format\nVersion: 1.0\n")
    declared = example("pyproject.toml").splitlines()
    assert declared[0] == '[project.entry-points."iouviewer.formats"]'
    entries = "\n".join(line.replace('"', "") for line in declared[1:])
    (info / "entry_points.txt").write_text(f"[iouviewer.formats]\n{entries}\n")
    sample = REPOSITORY / "resources" / "sample"
    out = tmp_path / "gt.dots"
    clip, truth = str(sample / "clip.mp4"), str(sample / "ground_truth.csv")
    run(package, "-m", "iouviewer", "convert", clip, truth, str(out), "--to", "dots")
    assert out.read_text().startswith("dots 1\n")
    back = tmp_path / "back.csv"
    run(package, "-m", "iouviewer", "convert", clip, str(out), str(back), "--to", "boxcsv")
    assert len(back.read_text().splitlines()) == len(out.read_text().splitlines())


def test_the_detector_of_the_page_runs(program: Path, tmp_path: Path) -> None:
    weights = tmp_path / "bright.spots"
    weights.write_text("250")
    clip = str(REPOSITORY / "resources" / "sample" / "clip.mp4")
    out = tmp_path / "runs"
    out.mkdir()
    command = ("-m", "iouviewer", "predict", clip, "--model", f"bright={weights}", "--frames", "0:3", "--out", str(out))
    run(program, *command)
    assert '"spot"' in (out / "bright.json").read_text()


def test_the_column_of_the_page_is_in_the_table(program: Path, tmp_path: Path) -> None:
    sample = REPOSITORY / "resources" / "sample"
    predictions = tmp_path / "baseline.json"
    predictions.write_bytes(gzip.decompress((sample / "predictions" / "baseline.json.gz").read_bytes()))
    files = (str(sample / "clip.mp4"), "--gt", str(sample / "ground_truth.csv"), "--pred", f"base={predictions}")
    assert "F1 again" in run(program, "-m", "iouviewer", "eval", *files).stdout


WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qt_compat import qt_api
qt_api.set_qt_api("pyside6")
from pytestqt.qtbot import QtBot
from tests.ui.window import opened_window, small_case
import iouviewer
assert Path(iouviewer.__file__).is_relative_to(Path.cwd()), iouviewer.__file__

class Request:
    def addfinalizer(self, _): pass

application = QApplication([])
folder = Path(sys.argv[1])
bot = QtBot(Request())
with opened_window(bot, small_case(folder)) as window:
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    print("copied", QGuiApplication.clipboard().text(), window.session.current_frame)
    QFileDialog.getSaveFileName = lambda *_args, **_kwargs: (str(folder / "counts.csv"), "")
    window.parts.actions["exportClassCounts"].trigger()
    bot.waitUntil((folder / "counts.csv").exists, timeout=20_000)
"""


def test_the_command_and_the_export_of_the_page_are_in_the_window(program: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    said = run(program, "-c", WINDOW, str(case), IOUVIEWER_HOME=str(tmp_path / "home")).stdout.split()
    assert said[0] == "copied" and said[1] == said[2]
    lines = (case / "counts.csv").read_text().splitlines()
    assert lines[0] == "class,boxes" and len(lines) > 1
