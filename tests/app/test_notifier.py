"""Notifications, and unhandled exceptions, which are logged and reported once while the program continues."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QThread

from iouviewer import folders
from iouviewer.app import logging_setup
from iouviewer.app.notifier import Level, Notification, Notifier
from iouviewer.errors import UserError

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def notifier() -> Notifier:
    return Notifier()


@pytest.fixture
def shown(notifier: Notifier) -> list[Notification]:
    seen: list[Notification] = []
    notifier.shown.connect(seen.append)
    return seen


@pytest.fixture
def hooks(notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    with logging_setup.installed(notifier):
        yield logging_setup.log_path()


def test_errors_have_level_error_and_strings_have_level_info(notifier: Notifier, shown: list[Notification]):
    notifier.show(UserError("no such\nfile", path="a.csv", line=3, remedy="Check it."))
    notifier.show("saved")
    notifier.show("half of it", Level.WARNING, details="row 3\nrow 4")
    assert [(notification.text, notification.level) for notification in shown] == [
        ("a.csv:3: no such file. Check it.", Level.ERROR),
        ("saved", Level.INFO),
        ("half of it", Level.WARNING),
    ]
    assert shown[2].details == "row 3\nrow 4"


def test_a_notification_with_a_key_is_active_until_it_is_withdrawn(notifier: Notifier, shown: list[Notification]):
    gone: list[str] = []
    notifier.withdrawn.connect(gone.append)
    for _ in range(3):
        notifier.show("not saved", Level.ERROR, key="saving")
    assert len(shown) == 1 and len(notifier.active) == 1
    notifier.withdraw("saving")
    notifier.withdraw("saving")
    assert gone == ["saving"] and notifier.active == ()
    notifier.show("not saved", Level.ERROR, key="saving")
    assert len(shown) == 2


def test_messages_of_other_threads_arrive_in_the_notifiers_thread(notifier: Notifier, qtbot):
    class Listener(Notifier):
        def __init__(self) -> None:
            super().__init__()
            self.threads: list[QThread] = []

        def on_shown(self, _notice: Notification) -> None:
            self.threads.append(QThread.currentThread())

    listener = Listener()
    notifier.shown.connect(listener.on_shown)
    thread = threading.Thread(target=notifier.show, args=("from afar",))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(listener.threads) == 1)
    assert listener.threads[0] is notifier.thread()


def raised(message: str) -> tuple[type[BaseException], BaseException, object]:
    try:
        raise RuntimeError(message)
    except RuntimeError as error:
        return type(error), error, error.__traceback__


def test_an_unhandled_exception_is_logged_each_time_and_reported_once(
    notifier: Notifier, shown: list[Notification], hooks: Path
):
    for _ in range(3):
        sys.excepthook(*raised("the tables are\nturned"))
    assert len(shown) == 1
    assert "the tables are turned" in shown[0].text and "\n" not in shown[0].text
    assert "Traceback" not in shown[0].text and str(hooks) in shown[0].text
    text = hooks.read_text(encoding="utf-8")
    assert text.count("Traceback (most recent call last)") == 3
    assert "raise RuntimeError(message)" in text


def test_an_exception_in_a_thread_is_reported_too(notifier: Notifier, shown: list[Notification], hooks: Path, qtbot):
    def work() -> None:
        raise ZeroDivisionError("in a thread")

    thread = threading.Thread(target=work, name="worker seven")
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(shown) == 1)
    assert "ZeroDivisionError" in shown[0].text
    assert "worker seven" in hooks.read_text(encoding="utf-8")


def test_a_keyboard_interrupt_is_passed_on(
    notifier: Notifier, shown: list[Notification], monkeypatch: pytest.MonkeyPatch
):
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, _error, _trace: seen.append(kind))
    with logging_setup.installed(notifier):
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert seen == [KeyboardInterrupt] and shown == []


def test_all_hooks_are_restored(notifier: Notifier):
    before = sys.excepthook, threading.excepthook, sys.unraisablehook, list(logging.getLogger("iouviewer").handlers)
    with logging_setup.installed(notifier):
        assert sys.excepthook is not before[0]
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before[:3]
    assert logging.getLogger("iouviewer").handlers == before[3]


def test_without_a_log_folder_messages_still_arrive(
    notifier: Notifier, shown: list[Notification], private_home: Path, monkeypatch: pytest.MonkeyPatch
):
    (private_home / "log" / "iouviewer.log").mkdir(parents=True)
    with logging_setup.installed(notifier):
        sys.excepthook(*raised("no log"))
    assert len(shown) == 1


def test_the_log_is_rotated_and_stays_small(notifier: Notifier, hooks: Path, monkeypatch: pytest.MonkeyPatch):
    for number in range(40):
        notifier.show(f"{number} " + "x" * 100_000)
    logs = sorted(path.name for path in folders.log_folder().iterdir())
    assert logs == ["iouviewer.log", "iouviewer.log.1", "iouviewer.log.2"]
    assert sum(path.stat().st_size for path in folders.log_folder().iterdir()) < 3.2 * logging_setup.LOG_BYTES


PROGRAM = """
import sys
from PySide6.QtCore import QCoreApplication, QTimer, qWarning
from iouviewer.app import logging_setup
from iouviewer.app.notifier import Notifier

app = QCoreApplication([])
notifier = Notifier()
notifier.shown.connect(lambda notification: print(notification.text, flush=True))
logging_setup.install(notifier)

def fail():
    raise ValueError("in a slot")

def end():
    qWarning("Qt has something to say")
    print("the program went on", flush=True)
    app.quit()

QTimer.singleShot(0, fail)
QTimer.singleShot(0, fail)
QTimer.singleShot(20, end)
sys.exit(app.exec())
"""


def test_a_failing_slot_does_not_end_the_program_or_show_a_traceback():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stderr == ""
    message, last = done.stdout.splitlines()
    assert "ValueError: in a slot" in message and last == "the program went on"
    log = (folders.log_folder() / "iouviewer.log").read_text(encoding="utf-8")
    assert log.count("Traceback") == 2
    assert "Qt has something to say" in log
