"""The file that runs on devices, and what is said about its results here."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from iouviewer.cli import main
from iouviewer.document.imported import StatedFact
from iouviewer.formats.interface import ReadContext
from iouviewer.jobs.box_files import read_boxes
from iouviewer.jobs.device_inputs import DEVICE_FILE, device_module
from iouviewer.resource_files import resource_path
from tests.inference.helpers import needs_yolo
from tests.video.clip_builder import ClipSpec, make_video

FRAMES = 30
PYTHONS = [sys.executable, *filter(None, [os.environ.get("IOUVIEWER_DEVICE_PYTHON")])]
"""This Python, and another one with NumPy and OpenCV that the variable names, such as 3.8."""
SCRIPT = """
import sys
import numpy as np
import iouviewer_device as device

def infer(image):
    assert image.dtype == np.uint8 and image.shape == (96, 128, 3)
    # A box over the whole picture within the padding, and one that leaves it.
    return [[0, 16, 128, 80], [100, 40, 140, 60]], [0.9, 0.25], [0, 1]

frames = sys.argv[3] if len(sys.argv) > 3 else None
device.run(sys.argv[1], infer, size=(96, 128), names=["person", "car"], out=sys.argv[2], device="board",
           runtime="own", precision="int8", floor=0.2, max_det=100)
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_video(tmp_path / "clip.mp4", ClipSpec(width=256, height=128, frames=FRAMES))


def run_there(python: str, clip: Path, out: Path) -> None:
    folder = out.parent / "board"
    folder.mkdir(exist_ok=True)
    (folder / "iouviewer_device.py").write_bytes(resource_path(DEVICE_FILE).read_bytes())
    (folder / "run.py").write_text(SCRIPT)
    command = [python, "-s", str(folder / "run.py"), str(clip), str(out)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=clean, timeout=120)
    assert result.returncode == 0, result.stderr
    assert f"{FRAMES} frames, {2 * FRAMES} boxes, FPS" in result.stdout


@pytest.mark.parametrize("python", PYTHONS)
def test_a_run_on_a_device_is_imported_as_measured_there_with_the_same_images(
    python: str, clip: Path, tmp_path: Path
) -> None:
    run_there(python, clip, tmp_path / "board.json")

    boxes = read_boxes(tmp_path / "board.json", ReadContext(video_path=str(clip), frame_count=FRAMES, size=(256, 128)))

    assert len(boxes) == 2 * FRAMES and boxes.covered is not None and len(boxes.covered) == FRAMES
    first = boxes.boxes[:, boxes.frames == 0]
    assert first.T.tolist() == [[0, 0, 256, 128], [200, 48, 256, 88]]
    assert (boxes.score_floor, boxes.max_detections) == (0.2, 100)
    assert (boxes.protocol["device"], boxes.protocol["precision"]) == ("board", "int8")
    assert boxes.protocol["fps"] > 0 and len(boxes.protocol["device_run"]["milliseconds"]) == FRAMES
    [note] = [one for one in boxes.notes if "measured on board" in one]
    assert note == "measured on board; the model was given the same images as here on all 20 compared frames"
    assert isinstance(note, StatedFact)


def _changed(path: Path, change) -> None:
    values = json.loads(path.read_text())
    change(values["info"]["protocol"]["device_run"])
    path.write_text(json.dumps(values))


def test_other_images_there_are_told_and_refused_where_nothing_may_be_assumed(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "board.json"
    run_there(sys.executable, clip, out)
    _changed(out, lambda made: made["tensors"].__setitem__(0, "0" * 64))
    gt = tmp_path / "gt.csv"
    gt.write_text("frameID,x1,y1,x2,y2,class\n" + "".join(f"{n},0,0,256,128,person\n" for n in range(FRAMES)))
    call = ["eval", str(clip), "--gt", str(gt), "--pred", f"board={out}"]

    assert main(call) == 0
    said = capsys.readouterr().out
    assert "measured on board; the model was given other images than here on 1 of 20 compared frames" in said
    assert "(first: frame 0)" in said
    assert main([*call, "--strict"]) == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made: made.update(format=9), "cannot be compared"),
        (lambda made: made.update(tensors=[1, 2]), "cannot be compared"),
        (lambda made: made.update(letterbox=[0, 5]), "cannot be compared"),
        (lambda made: made.update(padding=0), "cannot be compared"),
    ],
)
def test_what_cannot_be_compared_is_said(change, words: str, clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "board.json"
    run_there(sys.executable, clip, out)
    _changed(out, change)
    for video in (str(clip), ""):
        notes = read_boxes(out, ReadContext(video_path=video, frame_count=FRAMES, size=(256, 128))).notes
        assert any(words in note for note in notes)


def test_without_the_video_nothing_is_compared(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "board.json"
    run_there(sys.executable, clip, out)
    notes = read_boxes(out, ReadContext(video_path="", frame_count=FRAMES, size=(256, 128))).notes
    assert any("without the video" in note for note in notes)


def test_the_file_is_written_for_python_3_8_and_needs_numpy_and_opencv_only() -> None:
    tree = ast.parse(resource_path(DEVICE_FILE).read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported - set(sys.stdlib_module_names) == {"cv2", "numpy"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_the_command_writes_the_file_and_does_not_replace_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["device", str(tmp_path)]) == 0
    written = tmp_path / "iouviewer_device.py"
    assert written.read_bytes() == resource_path(DEVICE_FILE).read_bytes()
    written.write_text("changed")
    assert main(["device", str(tmp_path)]) == 2
    capsys.readouterr()
    assert written.read_text() == "changed"


@needs_yolo
@pytest.mark.parametrize("shape", [(480, 640), (576, 768), (101, 333), (64, 64), (33, 20)])
def test_the_letterbox_is_that_of_ultralytics(shape: tuple[int, int]) -> None:
    from ultralytics.data.augment import LetterBox

    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    expected = LetterBox((256, 320), auto=False)(image=image)[:, :, ::-1]

    found, scale, (left, top) = device_module().letterbox(image, (256, 320))

    assert np.array_equal(found, expected)
    assert scale == min(256 / shape[0], 320 / shape[1]) and left >= 0 and top >= 0
