"""What the adapters refuse before they import anything heavy."""

from __future__ import annotations

import errno
import importlib.util
import subprocess
import sys
import types

import pytest

from iouviewer.inference import adapters, ultralytics_adapter
from iouviewer.inference.detector import DetectorError
from iouviewer.inference.protocol import FailureKind, LoadModel


def refuse(weights, **options) -> DetectorError:
    with pytest.raises(DetectorError) as caught:
        adapters.load_detector(LoadModel(weights=str(weights), **options))
    return caught.value


@pytest.mark.parametrize("name", ["yolo11n.pt", "yolo11n", "models/yolo11n.pt", "https://example.org/a.pt", "ul://a/b"])
def test_a_name_that_libraries_would_look_up_online_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "yolo11n.pt").write_bytes(b"")
    error = refuse(name)
    assert error.kind == FailureKind.NOT_FOUND
    assert "full path" in str(error)


def test_a_missing_file_is_refused(tmp_path):
    assert refuse(tmp_path / "yolo11n.pt").kind == FailureKind.NOT_FOUND


@pytest.mark.parametrize("name", ["model.h5", "model", "model.pth", "model.PB"])
def test_the_error_for_an_unknown_model_format_lists_the_known_ones(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    error = refuse(tmp_path / name)
    assert error.kind == FailureKind.UNSUPPORTED
    assert ".onnx" in str(error)


def test_a_folder_that_is_not_an_openvino_model_is_refused(tmp_path):
    for name in ("a_openvino_model", "a_folder"):
        (tmp_path / name).mkdir()
        error = refuse(tmp_path / name)
        assert error.kind == FailureKind.UNSUPPORTED
        assert str(tmp_path / name) in str(error)


def test_every_model_ending_has_an_adapter_and_a_runtime(tmp_path):
    for suffix in adapters.MODEL_SUFFIXES:
        path = tmp_path / f"net{suffix.upper()}"
        assert adapters.find_adapter(path) is adapters.ADAPTERS[0]
        assert ultralytics_adapter.find_runtime(path) in ultralytics_adapter.PACKAGES
    folder = tmp_path / "net_openvino_model"
    folder.mkdir()
    (folder / "net.xml").write_text("<net/>")
    assert adapters.find_adapter(folder).handles(folder)
    assert ultralytics_adapter.find_runtime(folder) == "openvino"


@pytest.mark.parametrize(
    "options",
    [
        {"floor": -0.1},
        {"floor": 1.5},
        {"nms_iou": 0.0},
        {"max_det": 0},
        {"imgsz": 0},
        {"imgsz": 20000},
        {"floor": float("nan")},
    ],
)
def test_invalid_settings_are_refused_before_anything_is_loaded(options):
    assert refuse("/nowhere.pt", **options).kind == FailureKind.UNSUPPORTED


REQUIRED_PACKAGES = [
    ("a.pt", "torch"),
    ("a.pt", "ultralytics"),
    ("a.onnx", "onnxruntime"),
    ("a.engine", "tensorrt"),
    ("a_openvino_model", "openvino"),
]


@pytest.mark.parametrize(("name", "missing"), REQUIRED_PACKAGES)
def test_the_error_for_a_missing_runtime_names_the_package(tmp_path, monkeypatch, name, missing):
    path = tmp_path / name
    if name.endswith("_model"):
        path.mkdir()
        (path / "m.xml").write_text("<net/>")
    else:
        path.write_bytes(b"x")
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None if module == missing else object())
    error = refuse(path)
    assert error.kind == FailureKind.MISSING_PACKAGE
    assert missing in error.message and "\n" not in str(error)
    assert "pip install" in error.remedy


@pytest.mark.parametrize("name", ["a.torchscript", "a.engine"])
def test_model_files_that_are_programs_need_trust(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: object())
    error = refuse(tmp_path / name)
    assert error.kind == FailureKind.NEEDS_TRUST
    assert len(error.sha256) == 64


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_reported_as_damaged(tmp_path, monkeypatch, content):
    (tmp_path / "a.pt").write_bytes(content)
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: object())
    assert refuse(tmp_path / "a.pt").kind == FailureKind.DAMAGED


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FailureKind.NO_SPACE, "Free some space"),
        (PermissionError(errno.EACCES, "Permission denied"), FailureKind.NOT_FOUND, "Check the permissions"),
        (OSError(errno.EIO, "Input/output error"), FailureKind.NOT_FOUND, "Input/output error"),
    ],
    ids=["full disk", "no permission", "broken disk"],
)
def test_a_model_that_cannot_be_copied_is_not_called_damaged(tmp_path, monkeypatch, error, kind, words):
    def fail(path):
        raise error

    (tmp_path / "a.pt").write_bytes(b"x")
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: object())
    monkeypatch.setattr(ultralytics_adapter, "private_copy", fail)
    found = refuse(tmp_path / "a.pt")
    assert found.kind == kind
    assert words in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9",
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc",
        "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size 1",
        "bad allocation",
    ],
)
def test_messages_about_memory_are_recognised(text):
    assert ultralytics_adapter.is_out_of_memory(RuntimeError(text))
    assert not ultralytics_adapter.is_out_of_memory(RuntimeError("PytorchStreamReader failed reading zip archive"))


def fake_libraries(monkeypatch, **tasks):
    """Replace torch and ultralytics by fakes whose ``nn.tasks`` has these attributes."""
    modules = {
        name: types.ModuleType(name) for name in ("torch", "ultralytics", "ultralytics.nn", "ultralytics.nn.tasks")
    }
    modules["torch"].__version__ = "2.5.0"
    modules["ultralytics"].__version__ = "8.0.0"
    modules["ultralytics.nn"].tasks = modules["ultralytics.nn.tasks"]
    for name, value in tasks.items():
        setattr(modules["ultralytics.nn.tasks"], name, value)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize(
    "tasks",
    [
        {},
        {"SAFE_LOAD": True},
        {"SAFE_LOAD": False, "_SafeLoad": types.SimpleNamespace(SUPPORTED=True)},
        {"SAFE_LOAD": True, "_SafeLoad": types.SimpleNamespace(SUPPORTED=False)},
    ],
    ids=["old ultralytics", "no safe loader", "turned off", "old torch"],
)
def test_libraries_without_safe_loading_are_refused(monkeypatch, tasks):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    fake_libraries(monkeypatch, **tasks)
    with pytest.raises(DetectorError, match=r"torch 2\.5\.0 with ultralytics 8\.0\.0 cannot load") as caught:
        ultralytics_adapter.check_safe_loading()
    assert caught.value.kind == FailureKind.UNSAFE_RUNTIME


def test_a_process_without_safe_loading_loads_no_untrusted_model(monkeypatch):
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
    fake_libraries(monkeypatch, SAFE_LOAD=True, _SafeLoad=types.SimpleNamespace(SUPPORTED=True))
    with pytest.raises(DetectorError, match="turned off"):
        ultralytics_adapter.check_safe_loading()


def test_the_program_never_imports_torch():
    code = (
        "import sys, iouviewer.inference.runner, iouviewer.inference.worker, iouviewer.inference.ultralytics_adapter, "
        "iouviewer.inference.adapters\n"
        "print([m for m in ('torch', 'ultralytics', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
