"""Environment variables of the worker process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from iouviewer.folders import config_folder
from iouviewer.inference.environment import allow_code, prepare_environment, worker_environment


def test_a_worker_stays_offline_installs_nothing_and_loads_safely():
    environment = worker_environment()
    assert environment["YOLO_OFFLINE"] == "true"
    assert environment["YOLO_AUTOINSTALL"] == "false"
    assert environment["ULTRALYTICS_SAFE_LOAD"] == "1"
    assert environment["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "1"
    assert environment["YOLO_CONFIG_DIR"] == str(config_folder() / "ultralytics")
    assert Path(environment["YOLO_CONFIG_DIR"]).is_dir()


def test_variables_of_the_user_are_overridden():
    environment = {
        "YOLO_OFFLINE": "false",
        "ULTRALYTICS_SAFE_LOAD": "0",
        "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
        "YOLO_CONFIG_DIR": "/home/somebody",
    }
    prepare_environment(environment)
    assert environment["YOLO_OFFLINE"] == "true"
    assert environment["ULTRALYTICS_SAFE_LOAD"] == "1"
    assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD" not in environment
    assert environment["YOLO_CONFIG_DIR"] != "/home/somebody"


def test_the_environment_of_this_process_is_unchanged():
    before = dict(os.environ)
    worker_environment()
    assert dict(os.environ) == before


def test_trust_changes_only_the_loading_variables():
    environment: dict[str, str] = {}
    prepare_environment(environment)
    before = dict(environment)
    allow_code(environment)
    assert set(before) - set(environment) == {"ULTRALYTICS_SAFE_LOAD", "TORCH_FORCE_WEIGHTS_ONLY_LOAD"}
    assert all(before[name] == value for name, value in environment.items())


def test_the_package_is_found_from_any_folder_and_files_there_are_not_imported(tmp_path):
    (tmp_path / "msgspec.py").write_text("raise SystemExit('the wrong msgspec')")
    code = "import iouviewer.inference.protocol as p; print(p.__file__)"
    result = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env=worker_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
