"""Making variants with a worker that needs no torch, and with the real exporter."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from iouviewer.cli import main
from iouviewer.errors import UserError
from iouviewer.inference.export_formats import FORMATS, KEYS, ExportFormat, Package, parse_formats
from iouviewer.inference.trust import TrustStore
from iouviewer.jobs.made_models import read_record, record_path
from iouviewer.jobs.make_variants import MadeModel, MakeRequest, choose_calibration, make_model
from iouviewer.resource_files import resource_path
from tests.inference.helpers import needs_yolo, python_worker
from tests.ui.window import write_video

WORKER = """
import sys, time
from pathlib import Path
from iouviewer.inference import protocol as p
from iouviewer.inference.trust import private_copy

out, inp = sys.stdout.buffer, sys.stdin.buffer
send = lambda message: p.write_message(out, message)
send(p.Hello())
command = p.read_message(inp)
case = Path(command.weights).stem
folder = Path(command.folder)
send(p.ExportProgress(stage="load"))
for done in range(len(command.frames)):
    send(p.ExportProgress(stage="calibration", done=done, total=len(command.frames)))
send(p.ExportProgress(stage="export"))
ending = {"openvino": "_int8_openvino_model" if command.quantize == 8 else "_openvino_model"}.get(command.format)
name = command.name + (ending or {"onnx": ".onnx", "torchscript": ".torchscript"}[command.format])
if case == "hangs":
    (folder / "half").write_bytes(b"half")
    time.sleep(600)
if case == "fails":
    (folder / name).write_bytes(b"half")
    send(p.Failed(kind="unsupported", message="this layer cannot be written", path=command.weights))
    sys.exit()
if case == "dies":
    sys.exit(3)
if case == "elsewhere":
    name = "../" + name
if ending:
    (folder / name).mkdir()
    (folder / name / "model.xml").write_text(f"{command.format} {command.quantize} {command.frames}")
elif case not in ("nothing", "elsewhere"):
    (folder / name).write_text(f"{command.format} {command.quantize}")
copy = private_copy(Path(command.weights))
copy.remove()
send(p.Exported(
    name=name, imgsz=(64, 64), source_sha256="00" if case == "changes" else copy.sha256, trusted=False,
    versions={"openvino": "1"}, seconds=1.5, unreadable=command.frames[:1] if case == "damaged" else [],
))
"""
ONNX, OPENVINO, INT8, TORCHSCRIPT = (
    next(one for one in FORMATS if one.key == key) for key in ("onnx", "openvino", "openvino-int8", "torchscript")
)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4")


def make(folder: Path, name: str, chosen: ExportFormat = OPENVINO, **options: object) -> MadeModel | None:
    weights = folder / f"{name}.pt"
    if not weights.exists():
        weights.write_bytes(b"weights of " + name.encode())
    request = MakeRequest(weights, replace(chosen, packages=()), folder)
    return make_model(replace(request, **options), command=python_worker(WORKER))  # type: ignore[arg-type]


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix not in {".pt", ".mp4"})


def test_a_made_model_states_how_it_was_made_and_is_kept(tmp_path: Path, video: Path) -> None:
    calibration = choose_calibration(video, "spread:4")
    one = make(tmp_path, "net", INT8, calibration=calibration)
    assert one is not None and not one.is_kept
    assert (one.name, one.path) == ("net-openvino-int8", tmp_path / "net_int8_openvino_model")
    record, note = read_record(one.path, str(one.record["sha256"]))
    assert record == one.record and note == ""
    assert record is not None and record["calibration"] == {
        "source": "clip.mp4",
        "fingerprint": calibration.fingerprint,
        "selection": "spread:4",
        "frames": [[3, 27, 6]],
    }
    assert (one.path / "model.xml").read_text() == "openvino 8 [3, 9, 15, 21]"
    again = make(tmp_path, "net", INT8, calibration=calibration)
    assert again is not None and again.is_kept and again.record == one.record
    other = make(tmp_path, "net", INT8, calibration=choose_calibration(video, "spread:2"))
    assert other is not None and not other.is_kept and other.record["sha256"] != one.record["sha256"]
    assert left_behind(tmp_path) == ["net_int8_openvino_model"]


def test_frames_that_cannot_be_read_are_not_in_the_record(tmp_path: Path, video: Path) -> None:
    one = make(tmp_path, "damaged", INT8, calibration=choose_calibration(video, "spread:4"))
    assert one is not None and one.record["calibration"]["frames"] == [[9, 27, 6]]


def test_a_record_holds_only_for_the_bytes_that_it_was_written_for(tmp_path: Path) -> None:
    one = make(tmp_path, "net", ONNX)
    assert one is not None and record_path(one.path).name == "net.onnx.made.json"
    assert read_record(one.path, "other") == (
        None, "net.onnx.made.json belongs to another file than net.onnx, so its calibration frames are unknown",
    )  # fmt: skip
    record_path(one.path).write_text("{}")
    record, note = read_record(one.path, str(one.record["sha256"]))
    assert record is None and "cannot be read (no format)" in note


def test_a_file_that_the_program_did_not_make_stays(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"net\.onnx: it exists, and iouviewer did not make it"):
        make(tmp_path, "net", ONNX)
    assert (tmp_path / "net.onnx").read_bytes() == b"mine"
    one = make(tmp_path, "net", ONNX, force=True)
    assert one is not None and one.path.read_text() == "onnx 32"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fails", "this layer cannot be written"),
        ("dies", "the inference process ended"),
        ("elsewhere", "names a file that it did not write"),
        ("nothing", "names a file that it did not write"),
        ("changes", "the weights changed"),
    ],
)
def test_a_model_that_cannot_be_written_leaves_nothing(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(UserError, match=message):
        make(folder, name, ONNX)
    assert left_behind(folder) == []


def test_a_cancelled_export_ends_its_process_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "hangs.pt").write_bytes(b"x")
    began: list[float] = []

    def cancelled() -> bool:
        has_begun = any(tmp_path.glob(".*/half"))
        if has_begun and not began:
            began.append(time.monotonic())
        return has_begun

    request = MakeRequest(tmp_path / "hangs.pt", replace(ONNX, packages=()), tmp_path)
    assert make_model(request, cancelled=cancelled, command=python_worker(WORKER)) is None
    assert began and left_behind(tmp_path) == []
    assert not [one for one in threading.enumerate() if one.name.startswith("worker-")]


def test_a_program_that_was_made_here_is_trusted_by_its_hash(tmp_path: Path) -> None:
    one = make(tmp_path, "net", TORCHSCRIPT)
    assert one is not None and TrustStore().trusts(str(one.record["sha256"]))


def test_a_missing_package_is_one_line_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"x")
    absent = replace(ONNX, packages=(Package("no_such_module", "no-such", '"iouviewer[export]"'),))
    with pytest.raises(UserError) as refused:
        make_model(MakeRequest(tmp_path / "net.pt", absent, tmp_path))
    assert str(refused.value) == (
        "ONNX needs the package no_such_module, which is not installed. "
        'Install it with: pip install "iouviewer[export]"'
    )


def test_quantized_models_need_frames(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="OpenVINO INT8 needs frames to be calibrated on"):
        make(tmp_path, "net", INT8)


def test_formats_are_parsed_and_unknown_ones_name_the_others() -> None:
    assert [one.key for one in parse_formats("onnx, openvino-int8,onnx")] == ["onnx", "openvino-int8"]
    with pytest.raises(UserError, match=f"Formats: {', '.join(KEYS)}"):
        parse_formats("onnx,caffe")


def test_the_help_of_the_command_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["make-variants", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert [key for key in KEYS if key not in text] == []


OFFLINE = """
import socket, sys, urllib.request
from iouviewer.inference.ultralytics_export import forbid_network
forbid_network()
for attempt in (
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: urllib.request.urlopen("http://127.0.0.1:9/"),
    lambda: socket.socket().connect_ex(("127.0.0.1", 9)),
):
    try:
        attempt()
    except OSError as error:
        assert "without a network" in str(error), error
    else:
        raise AssertionError("a connection was tried")
try:
    import openvino_telemetry
except ImportError:
    print("offline")
"""


def test_the_process_that_exports_can_make_no_connection() -> None:
    """One that is tried at all would be refused with another error: nothing listens on the port."""
    result = subprocess.run([sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=False, timeout=60)
    assert (result.stdout, result.returncode) == ("offline\n", 0), result.stderr


@needs_yolo
@pytest.mark.slow
def test_the_real_exporter_writes_a_model_whose_run_leaves_its_calibration_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """ONNX needs no calibration; its record is read by the run, whatever wrote it."""
    pytest.importorskip("onnxruntime")
    clip = resource_path("sample/clip.mp4")
    weights = tmp_path / "net.pt"
    weights.write_bytes((clip.parent / "weights" / "baseline.pt").read_bytes())
    chosen = "onnx,onnx-int8"
    options = ["--formats", chosen, "--out", str(tmp_path), "--video", str(clip), "--frames", "0:12"]
    assert main(["make-variants", str(weights), *options, "--calibration-frames", "0:8:2"]) == 0
    said = capsys.readouterr().out
    assert "net-onnx: " in said and "net-onnx-int8: " in said
    runs = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("net", "net-onnx", "net-onnx-int8")}
    protocols = {
        name: run["info"]["protocol"] if "protocol" in run.get("info", {}) else run["protocol"]
        for name, run in runs.items()
    }
    assert "made" not in protocols["net"] and protocols["net-onnx"]["made"]["calibration"] is None
    made = protocols["net-onnx-int8"]["made"]
    assert made["calibration"]["frames"] == [[0, 8, 2]]
    assert made["calibration"]["fingerprint"] == protocols["net-onnx-int8"]["fingerprint"]
    assert protocols["net-onnx-int8"]["precision"] == "int8"
    assert len(runs["net-onnx"]["annotations"]) > 0
