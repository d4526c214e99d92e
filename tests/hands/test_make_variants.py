"""Making variants of a checkpoint by mouse, with a worker process that needs no torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QDialog, QLineEdit

from iouviewer.inference import export_formats, export_runner, runner
from iouviewer.jobs import make_variants
from iouviewer.ui.dialogs import make_variants_dialog
from tests.hands.hands import Hands
from tests.hands.model_worker import WORKER
from tests.hands.test_dialogs import part
from tests.hands.test_review import message
from tests.inference.helpers import python_worker
from tests.ui.window import FRAMES

EXPORTS = """
import sys, time
from pathlib import Path
from iouviewer.inference import protocol as p
from iouviewer.inference.trust import private_copy

def export(send, command):
    case, folder = Path(command.weights).stem, Path(command.folder)
    for done in range(len(command.frames)):
        send(p.ExportProgress(stage="calibration", done=done, total=len(command.frames)))
    send(p.ExportProgress(stage="export"))
    if case == "slow":
        time.sleep(600)
    if command.format == "torchscript":
        send(p.Failed(kind="unsupported", message="this layer cannot be written"))
        return
    name = command.name + {"onnx": ".onnx", "openvino": "_int8_openvino_model"}[command.format]
    if command.format == "openvino":
        (folder / name).mkdir()
        (folder / name / "model.xml").write_text("x")
    else:
        (folder / name).write_text("x")
    copy = private_copy(Path(command.weights))
    copy.remove()
    send(p.Exported(
        name=name, imgsz=(320, 320), source_sha256=copy.sha256, trusted=False, versions={}, seconds=0.1,
    ))
"""
LOAD = "load = p.read_message(inp)\n"
HASHED = (
    "if isinstance(load, p.ExportModel):\n    export(send, load)\n    sys.exit()\n"
    "copy = private_copy(Path(load.weights))\ncopy.remove()\ndigest = copy.sha256\n"
)
BOTH = EXPORTS + WORKER.replace(LOAD, LOAD + HASHED).replace('sha256="00"', "sha256=digest")
"""A worker that writes models, and runs them like ``model_worker`` with the hash of their bytes."""


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a checkpoint in a folder of its own; every format but NCNN has its packages."""
    for module in (runner, export_runner):
        monkeypatch.setattr(module, "worker_command", lambda: python_worker(BOTH))
    lacks = export_formats.Package("no_such_module", "ncnn", "ncnn")
    formats = tuple(replace(one, packages=(lacks,) if one.key == "ncnn" else ()) for one in export_formats.FORMATS)
    monkeypatch.setattr(make_variants_dialog, "FORMATS", formats)

    def make(name: str) -> Path:
        folder = tmp_path / "models"
        folder.mkdir()
        (folder / name).write_bytes(b"weights")
        return folder / name

    return make


def make_variants_of(hands: Hands, path: Path, *steps: Callable[[QDialog], None]) -> None:
    def choose(_dialog: QDialog) -> None:
        hands.type(str(path))
        hands.key("Return")

    with hands.in_dialog(choose, *steps):
        hands.menu("File", "Make variants…")


def tick(hands: Hands, dialog: QDialog, *keys: str) -> None:
    """Tick exactly these formats."""
    for one in export_formats.FORMATS:
        box = part(dialog, QCheckBox, f"make.{one.key}")
        if box.isChecked() != (one.key in keys):
            hands.click(box)


def test_variants_are_made_run_and_stand_on_the_frames_that_are_left(
    person: Hands, checkpoint: Callable[[str], Path]
) -> None:
    hands, weights = person, checkpoint("net.pt")
    seen: list[str] = []

    def choose(dialog: QDialog) -> None:
        assert not part(dialog, QCheckBox, "make.ncnn").isEnabled()
        assert part(dialog, QCheckBox, "make.ncnn").text() == "NCNN – needs ncnn"
        tick(hands, dialog, "onnx", "openvino-int8", "torchscript")
        frames = part(dialog, QLineEdit, "makeFrames")
        hands.click(frames)
        hands.key("Ctrl+A")
        hands.type("spread:99")
        hands.wait(lambda: any("there are only 24 frames" in one for one in hands.texts(dialog)), "the reason")
        assert not hands.button("Make and run 3 variants", dialog).isEnabled()
        hands.key("Ctrl+A")
        hands.type("spread:4")
        seen.extend(hands.texts(dialog))
        hands.click(hands.button("Make and run 3 variants", dialog))

    def read_failure(dialog: QDialog) -> None:
        assert any("net-torchscript: this layer cannot be written" in one for one in hands.texts(dialog))
        hands.key("Return")

    make_variants_of(hands, weights, choose, read_failure)
    assert "4 frames will leave every score and verdict while an INT8 variant is compared." in seen
    hands.wait(lambda: message(hands) == f"net-openvino-int8: {FRAMES} frames done", "the end of the last run")
    record = json.loads((weights.parent / "net_int8_openvino_model" / "made.json").read_text())
    assert record["calibration"]["frames"] == [[3, 27, 6]]
    hands.key("F3")
    for name in ("net", "net-onnx", "net-openvino-int8"):
        hands.wait(lambda name=name: any(name in row for row in hands.column("variantsTable", "Variant")), name)  # type: ignore[misc]
    # All variants, those of the case too, stand on the 20 frames that are left.
    hands.wait(
        lambda: {one for one in hands.column("variantsTable", "Frames") if one} == {"20"}, "the frames that count"
    )
    assert make_variants.DEFAULT_CALIBRATION == "spread:64"


def test_cancelling_ends_the_process_and_leaves_no_file(person: Hands, checkpoint: Callable[[str], Path]) -> None:
    hands, weights = person, checkpoint("slow.pt")

    def choose(dialog: QDialog) -> None:
        tick(hands, dialog, "onnx")
        hands.click(hands.button("Make and run 1 variant", dialog))

    make_variants_of(hands, weights, choose)
    hands.wait(lambda: hands.reads("slow-onnx (1 of 1): writing"), "the export")
    hands.click(hands.named("cancelInferenceButton"))
    hands.wait(lambda: message(hands) == "no variant was made", "the end")
    hands.wait(lambda: [path.name for path in weights.parent.iterdir()] == ["slow.pt"], "the folder to be clean")


def test_the_run_dialog_of_a_checkpoint_leads_there(person: Hands, checkpoint: Callable[[str], Path]) -> None:
    hands, weights = person, checkpoint("net.pt")

    def choose(_dialog: QDialog) -> None:
        hands.type(str(weights))
        hands.key("Return")

    def lead(dialog: QDialog) -> None:
        hands.click(hands.button("Make variants…", dialog))

    def make(dialog: QDialog) -> None:
        tick(hands, dialog, "onnx")
        hands.click(part(dialog, QCheckBox, "makeOriginal"))
        hands.click(hands.button("Make and run 1 variant", dialog))

    with hands.in_dialog(choose, lead, make):
        hands.key("Ctrl+R")
    hands.wait(lambda: message(hands) == f"net-onnx: {FRAMES} frames done", "the end of the run")
