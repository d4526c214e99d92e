"""The architecture is held by tests: sizes, layers, the built wheel, and properties of the libraries."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

LONGEST_FILE, LONGEST_FUNCTION, LONGEST_CLASS = 600, 60, 400
BUDGETED = [p for folder in ("iouviewer", "tools", "benchmarks") for p in sorted((REPOSITORY / folder).rglob("*.py"))]


def too_long(path: Path) -> Iterator[str]:
    """Sentences about everything in a file that is over its budget."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{path.name} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            limit = LONGEST_CLASS if isinstance(node, ast.ClassDef) else LONGEST_FUNCTION
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > limit:
                yield f"{path.name}:{node.lineno}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", BUDGETED, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_files_functions_and_classes_stay_small(path: Path) -> None:
    assert list(too_long(path)) == []


def test_the_budget_finds_what_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("class A:\n    def f(self):\n" + "        x = 1\n" * 400 + "y = 2\n" * 300)
    assert [said.split(" has ")[0] for said in too_long(path)] == ["long.py", "long.py:1: A", "long.py:2: f"]


SMALL = {
    "__init__.py": "marks a package",
    "__main__.py": "python -m iouviewer",
    "app/memory.py": "what every background thread calls at its end",
    "cli/check.py": "one module per command",
    "cli/convert.py": "one module per command",
    "cli/device.py": "one module per command",
    "cli/worker.py": "one module per command",
    "document/sources.py": "the value that every layer above passes around",
    "formats/class_lists.py": "data, no code",
    "jobs/frame_states_file.py": "one kind of file",
    "jobs/box_files.py": "what the doors may use of formats",
    "jobs/convert_project.py": "convert of box files imports no project code",
    "jobs/overlaps.py": "what the window may use of metrics",
    "jobs/protocols.py": "values in JSON results, kept apart from texts",
    "reports/html_template.py": "markup, kept apart from texts",
    "reports/series.py": "the value that plot, CSV and HTML share",
    "resource_files.py": "below all layers (docs/adr/0005)",
    "ui/action_hints.py": "texts by action, no code",
    "ui/commands/classes.py": "one module per command group",
    "ui/garbage.py": "start.py imports no Qt before the application exists",
    "ui/look_menu.py": "what the menus of a chip and of the variants table share",
    "ui/canvas/box_look.py": "what the canvas takes from reports.box_look, and the colours of classes",
    "ui/canvas/selection.py": "what the canvas, its tools and its commands share",
    "ui/tables/common.py": "the roles that all table models share",
}
"""Modules under 40 lines, with the reason why they are modules."""


def test_small_modules_have_a_reason() -> None:
    package = REPOSITORY / "iouviewer"
    small = [p for p in package.rglob("*.py") if p.read_text(encoding="utf-8").count("\n") < 40]
    names = {str(path.relative_to(package)) for path in small if path.name != "__init__.py"}
    assert names <= set(SMALL)


def test_the_architecture_document_names_files_that_exist() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", text)
    assert len(named) > 20
    roots = (REPOSITORY / "iouviewer", REPOSITORY)
    assert [name for name in named if not any((root / name).is_file() for root in roots)] == []


def test_layers_import_downwards_only() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr


def test_widgets_stay_in_the_ui_layer() -> None:
    """import-linter knows PySide6 as a whole only; app/ may use QtCore and no widgets."""
    importers = []
    for path in (REPOSITORY / "iouviewer").rglob("*.py"):
        if "ui" in path.relative_to(REPOSITORY).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = getattr(node, "module", None) or ""
            if any("QtWidgets" in f"{module}.{name}" for name in names):
                importers.append(path.name)
    assert importers == []


VALUE_TYPES = {
    *("Bool", "BoxTable", "COCO_AREAS", "Convention", "Float", "Int", "UNSPECIFIED_CLASS"),
    *("Association", "FrameReview", "PairState", "ReviewSettings"),
    *("Choice", "ReadContext", "UncertainReadingError"),
}
"""Names of formats and metrics that the doors may use directly: values, no rules."""


def test_the_doors_use_only_value_types_of_formats_and_metrics() -> None:
    """import-linter knows modules; this knows names."""
    used = set()
    for door in ("cli", "ui"):
        for path in (REPOSITORY / "iouviewer" / door).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and re.match(r"iouviewer\.(formats|metrics)\b", node.module or ""):
                    used |= {alias.name for alias in node.names}
    assert used <= VALUE_TYPES


HEAVY = ("numpy", "PySide6", "cv2", "av", "scipy", "matplotlib", "pyqtgraph", "orjson", "msgspec", "torch", "logging")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from iouviewer.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stderr.strip() == "[]"
    assert "eval" in result.stdout


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the contents of the wheel that this checkout builds."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    result = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(REPOSITORY)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def run_from(wheel: Path, tmp_path: Path, code: str) -> str:
    """Standard output of code that sees iouviewer in the unpacked wheel only."""
    environment = {**os.environ, "PYTHONPATH": str(wheel), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def one_resource_of_each_kind() -> dict[str, Path]:
    """Top folder and extension -> the first such file in resources/."""
    root = REPOSITORY / "resources"
    found: dict[str, Path] = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith(".")):
        relative = path.relative_to(root)
        found.setdefault(f"{relative.parts[0]}{path.suffix}", relative)
    return found


def test_the_wheel_alone_loads_one_resource_of_each_kind(unpacked_wheel: Path, tmp_path: Path) -> None:
    kinds = one_resource_of_each_kind()
    assert kinds, "resources/ is empty"
    names = [path.as_posix() for path in kinds.values()]
    code = (
        "import hashlib, iouviewer\n"
        "from iouviewer.resource_files import resource_path\n"
        "print(iouviewer.__file__)\n"
        f"for name in {names!r}:\n"
        "    print(hashlib.sha256(resource_path(name).read_bytes()).hexdigest())\n"
    )
    where, *digests = run_from(unpacked_wheel, tmp_path, code).splitlines()
    assert Path(where).is_relative_to(unpacked_wheel)
    import hashlib

    assert digests == [hashlib.sha256((REPOSITORY / "resources" / n).read_bytes()).hexdigest() for n in names]


def test_the_wheel_alone_decodes_the_sample_clip(unpacked_wheel: Path, tmp_path: Path) -> None:
    code = (
        "from iouviewer.resource_files import resource_path\n"
        "from iouviewer.video import open_video\n"
        "video = open_video(resource_path('sample/clip.mp4'))\n"
        "print(video.frame_count, video.read(video.frame_count - 1).shape)\n"
        "video.close()\n"
    )
    frames, shape = run_from(unpacked_wheel, tmp_path, code).split(maxsplit=1)
    assert int(frames) > 100
    assert shape.strip().endswith(", 3)")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_calls_into_qt_that_return_nothing_keep_the_count_of_none(qapp: object) -> None:
    """One release of PySide6 dropped a reference of None in each such call, which kills the process after a while."""
    from PySide6.QtGui import QImage, QPainter

    image = QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    before = sys.getrefcount(None)
    for _ in range(2000):
        painter.drawRect(1, 1, 4, 4)
    after = sys.getrefcount(None)
    painter.end()
    assert abs(after - before) < 200
