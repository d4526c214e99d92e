"""A crash of native code leaves a trace in the log, and the next start knows of it."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from iouviewer import folders
from iouviewer.app.run_record import Record, SavedWork, find_ended_runs, forget, records_folder
from iouviewer.inference.protocol import Failed
from iouviewer.inference.runner import RunRequest, run_in_process

WINDOW = """
import ctypes, os, traceback
from PySide6.QtCore import QTimer, qFatal
from PySide6.QtWidgets import QApplication
from iouviewer.app import logging_setup
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui import start

def read_at_zero():
    ctypes.string_at(0)

def fail_in_qt():
    qFatal("a pixmap without an application")

def after_rotation():
    logging_setup._log.error("x" * (logging_setup.LOG_BYTES - 300))
    logging_setup._log.error("y" * 400)
    read_at_zero()

app = QApplication(["iouviewer"])
fill = start.fill_window

def fill_and_crash(*args):
    try:
        fill(*args)
    except BaseException:
        traceback.print_exc()
        os._exit(3)
    QTimer.singleShot(50, {crash})

start.fill_window = fill_and_crash
start.run_window(OpenRequest())
"""


def log_text() -> str:
    return (folders.log_folder() / "iouviewer.log").read_text(encoding="utf-8")


def crash(how: str) -> int:
    command = [sys.executable, "-c", WINDOW.replace("{crash}", how)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 3, done.stderr
    return done.returncode


def test_a_crash_in_native_code_leaves_the_stack_in_the_log_and_a_record() -> None:
    assert crash("read_at_zero") == -signal.SIGSEGV
    log = log_text()
    assert "Fatal Python error: Segmentation fault" in log
    assert "in read_at_zero" in log and "in run_window" in log
    [run] = find_ended_runs()
    assert run.crash == "Segmentation fault" and run.record.work is None


def test_a_fatal_message_of_qt_is_in_the_log_before_the_stack() -> None:
    assert crash("fail_in_qt") == -signal.SIGABRT
    _, found, after = log_text().partition("a pixmap without an application")
    assert found and "Fatal Python error: Aborted" in after and "in fail_in_qt" in after


def test_after_the_log_was_rotated_the_stack_is_in_the_new_file() -> None:
    assert crash("after_rotation") == -signal.SIGSEGV
    log = log_text()
    assert "y" * 400 in log and "x" * 400 not in log
    assert "in read_at_zero" in log
    [run] = find_ended_runs()
    assert run.crash == "Segmentation fault", "found although the line of the start is in the older file"


WORKER = """
import ctypes
from iouviewer.inference import adapters
from iouviewer.jobs import worker_entry

def crash(_request):
    ctypes.string_at(0)

adapters.load_detector = crash
worker_entry.main()
"""


def test_a_crash_of_the_worker_leaves_its_stack_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"no model")
    with caplog.at_level(logging.INFO, logger="iouviewer"):
        request = RunRequest("model", weights, tmp_path / "clip.avi")
        messages = list(run_in_process(request, command=[sys.executable, "-c", WORKER]))
    assert isinstance(messages[-1], Failed)
    assert "Fatal Python error: Segmentation fault" in caplog.text and "in crash" in caplog.text


def test_a_window_that_closes_in_an_orderly_way_leaves_no_record() -> None:
    assert crash("app.closeAllWindows") == 0
    assert find_ended_runs() == [] and list(records_folder().iterdir()) == []


def test_a_running_window_is_not_reported() -> None:
    program = [sys.executable, "-c", WINDOW.replace("{crash}", "lambda: print('ready', flush=True)")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            assert len(list(records_folder().iterdir())) == 1
            assert find_ended_runs() == []
        finally:
            process.kill()
    [run] = find_ended_runs()
    assert run.crash == "" and run.record.pid == process.pid


def test_records_come_last_first_and_damaged_ones_are_dropped() -> None:
    folder = records_folder()
    folder.mkdir(parents=True)
    for started in (5.0, 9.0, 7.0):
        work = SavedWork(f"/p/{started}.iouv", 0, 3, "Move car 1")
        (folder / f"{started}.json").write_bytes(msgspec.json.encode(Record(1, started, work)) + b"   ")
    (folder / "damaged.json").write_bytes(b"{")
    (folder / "empty.json").write_bytes(b"")
    found = find_ended_runs()
    assert [run.record.started for run in found] == [9.0, 7.0, 5.0]
    forget(found[:1])
    assert [run.record.started for run in find_ended_runs()] == [7.0, 5.0]
    assert len(list(folder.iterdir())) == 2


def test_without_a_folder_for_records_the_window_works(private_home: Path) -> None:
    (private_home / "data").mkdir()
    (private_home / "data" / "running").write_text("a file where the folder should be")
    assert crash("app.closeAllWindows") == 0


def test_the_time_of_a_record_is_that_of_the_start() -> None:
    before = time.time()
    assert crash("read_at_zero") != 0
    [run] = find_ended_runs()
    assert before <= run.record.started <= time.time()
