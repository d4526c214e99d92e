"""Formats of other packages: found through an entry point, and told where they cannot be used."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULE = """
import numpy as np
from iouviewer.document.imported import ImportKind
from iouviewer.formats.detection import Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.interface import DetectedFormat, Location
from iouviewer.formats.rows import Rows

def detect(sample):
    if sample.text.startswith("dots 1"):
        return DetectedFormat("dots", ImportKind.GROUND_TRUTH, 1.0, "dots")
    return None

def read(path, context):
    rows = Rows(path)
    for number, line in enumerate(path.read_text().splitlines()[1:], 2):
        frame, x, y = map(float, line.split())
        rows.add(Location(path, number), frame, (x - 5, y - 5, x + 5, y + 5))
    return rows.finish("dots", ImportKind.GROUND_TRUTH, context, scored=False)

def write(path, data):
    centres = (data.boxes[:2] + data.boxes[2:]).T / 2
    lines = [f"{f} {x:g} {y:g}" for f, (x, y) in zip(data.frames, centres)]
    path.write_text("\\n".join(["dots 1", *lines]) + "\\n")

FORMAT = Format(key="dots", name="Dots", syntaxes=(Syntax.TABLE,), detect=detect, read=read, write=write,
                extensions=(".dots",), needs_size=False)
OTHER = Format(key="coco", name="Not COCO", syntaxes=(Syntax.JSON,), detect=detect, read=read)
"""


@pytest.fixture
def package(tmp_path):
    """A distribution with one format, one that takes a key of the program, and one that does not exist."""
    folder = tmp_path / "site"
    info = folder / "dots_format-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "dots_format.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dots-format\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[iouviewer.formats]\ndots = dots_format:FORMAT\ntaken = dots_format:OTHER\nmissing = dots_format:NOTHING\n"
    )
    return folder


@pytest.fixture
def run(package, tmp_path):
    """Runs a Python program that sees the distribution."""

    def run(code, *arguments):
        start = f"import sys; sys.path.insert(0, {str(package)!r})\n"
        command = [sys.executable, "-c", start + code, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


MAIN = "from iouviewer.cli import main; sys.exit(main(sys.argv[1:]))"


def test_a_format_of_another_package_is_read_written_and_offered(run, tmp_path):
    (tmp_path / "a.dots").write_text("dots 1\n0 10 20\n3 40 50\n")
    done = run(MAIN, "convert", "a.dots", "a.csv", "--to", "boxcsv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.csv").read_text().split() == ["frameID,x1,y1,x2,y2", "0,5,15,15,25", "3,35,45,45,55"]
    done = run(MAIN, "convert", "a.csv", "b.dots", "--to", "dots")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.dots").read_text() == (tmp_path / "a.dots").read_text()
    assert "dots" in run(MAIN, "convert", "--help").stdout
    exports = run("from iouviewer.ui.exports import EXPORTS; print([e.name for e in EXPORTS])")
    assert "Ground truth as Dots" in exports.stdout, exports.stderr


def test_formats_that_cannot_be_used_are_told_and_others_stay(run, tmp_path):
    (tmp_path / "a.bin").write_text("hello")
    done = run(MAIN, "convert", "a.bin", "a.csv", "--to", "boxcsv")
    assert done.returncode == 2
    assert "Dots" in done.stderr
    assert "'taken' cannot be used: there already is a format 'coco'" in done.stderr
    assert "'missing' cannot be used" in done.stderr
    names = run("from iouviewer.formats.registry import find_format; print(find_format('coco').name)")
    assert names.stdout.strip() == "COCO JSON"
