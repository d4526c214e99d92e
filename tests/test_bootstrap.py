"""``tools/bootstrap.py``, with its commands replaced by a recorder."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import REPOSITORY

SCRIPT = REPOSITORY / "tools" / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module with a temporary ``.venv``; commands are recorded in ``called`` and not run."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "stamp.txt")
    module.called = []

    def call(command: list[str], **_: object) -> int:
        module.called.append([str(word) for word in command])
        if command[1:3] == ["-m", "venv"]:
            python = module.venv_python()
            python.parent.mkdir(parents=True)
            python.touch()
        return 0

    monkeypatch.setattr(module.subprocess, "call", call)
    return module


def test_the_script_imports_only_the_standard_library() -> None:
    imported = set()
    for node in ast.walk(ast.parse(SCRIPT.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= set(sys.stdlib_module_names)


def test_the_second_run_installs_nothing(bootstrap: ModuleType) -> None:
    bootstrap.install_requirements()
    assert [command[1:3] for command in bootstrap.called] == [["-m", "venv"], ["-m", "pip"]]
    assert bootstrap.called[-1][-1].endswith("[dev,yolo]")
    bootstrap.called.clear()
    bootstrap.install_requirements()
    assert bootstrap.called == []
    bootstrap.STAMP.write_text("another pyproject")
    bootstrap.install_requirements()
    assert [command[1:3] for command in bootstrap.called] == [["-m", "pip"]]


def test_a_python_that_is_too_old_is_reported_in_one_line(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _name: None)
    with pytest.raises(SystemExit) as end:
        bootstrap.use_new_enough_python()
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Python 3.11 or newer is needed" in error


def test_missing_qt_libraries_are_one_line_with_the_remedy_without_permission_to_install(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    monkeypatch.setattr(bootstrap, "missing_libraries", lambda _names: ["libEGL.so.1", "libxcb-cursor.so.0"])
    monkeypatch.setattr(bootstrap, "apt_install", lambda _packages: False)
    with pytest.raises(SystemExit):
        bootstrap.ensure_system_libraries()
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "libEGL.so.1" in error and "sudo apt-get install libegl1 libxcb-cursor0" in error


def test_missing_libraries_of_the_x11_plugin_do_not_stop_the_setup(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "platform", "linux")
    monkeypatch.setattr(bootstrap, "missing_libraries", lambda _names: ["libxcb-cursor.so.0"])
    monkeypatch.setattr(bootstrap, "apt_install", lambda _packages: False)
    bootstrap.ensure_system_libraries()
    assert "no window can be shown until libxcb-cursor.so.0" in capsys.readouterr().out


def test_a_library_that_does_not_exist_is_reported_missing(bootstrap: ModuleType) -> None:
    assert bootstrap.missing_libraries(["libno-such-thing.so.9"]) == ["libno-such-thing.so.9"]


def test_the_program_requires_the_same_libraries_as_the_setup(bootstrap: ModuleType) -> None:
    from iouviewer.cli import display

    assert bootstrap.QT_LIBRARIES == display.QT_LIBRARIES
    assert bootstrap.X_LIBRARIES == display.X_LIBRARIES


def test_ci_runs_make_test() -> None:
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("exec make test")


def test_make_test_ends_with_pytest_under_the_offscreen_platform() -> None:
    result = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "test"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    commands = result.stdout.strip().splitlines()
    order = ["bootstrap.py", "ruff check", "ruff format --check", "mypy", "lint-imports", "-m pytest"]
    assert [next(i for i, c in enumerate(commands) if word in c) for word in order] == list(range(len(order)))
    assert commands[-1].startswith("QT_QPA_PLATFORM=offscreen")
