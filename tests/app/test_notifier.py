"""One channel for messages; what nobody caught is logged, told once, and the program goes on."""

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
from iouviewer.app.notifier import Level, Notice, Notifier
from iouviewer.errors import UserError

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def notifier() -> Notifier:
    return Notifier()


@pytest.fixture
def shown(notifier: Notifier) -> list[Notice]:
    seen: list[Notice] = []
    notifier.shown.connect(seen.append)
    return seen


@pytest.fixture
def hooks(notifier: Notifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    with logging_setup.installed(notifier):
        yield logging_setup.log_path()


def test_errors_are_errors_and_strings_pass_by(notifier: Notifier, shown: list[Notice]):
    notifier.show(UserError("no such\nfile", path="a.csv", line=3, remedy="Check it."))
    notifier.show("saved")
    notifier.show("half of it", Level.WARNING, details="row 3\nrow 4")
    assert [(notice.text, notice.level) for notice in shown] == [
        ("a.csv:3: no such file. Check it.", Level.ERROR),
        ("saved", Level.INFO),
        ("half of it", Level.WARNING),
    ]
    assert shown[2].details == "row 3\nrow 4"


def test_a_message_with_a_key_stands_until_it_is_withdrawn(notifier: Notifier, shown: list[Notice]):
    gone: list[str] = []
    notifier.withdrawn.connect(gone.append)
    for _ in range(3):
        notifier.show("not saved", Level.ERROR, key="saving")
    assert len(shown) == 1 and len(notifier.standing) == 1
    notifier.withdraw("saving")
    notifier.withdraw("saving")
    assert gone == ["saving"] and notifier.standing == ()
    notifier.show("not saved", Level.ERROR, key="saving")
    assert len(shown) == 2


def test_messages_of_other_threads_arrive_in_the_notifiers_thread(notifier: Notifier, qtbot):
    class Listener(Notifier):
        def __init__(self) -> None:
            super().__init__()
            self.threads: list[QThread] = []

        def on_shown(self, _notice: Notice) -> None:
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


def test_an_unhandled_exception_is_logged_whole_and_told_once(notifier: Notifier, shown: list[Notice], hooks: Path):
    for _ in range(3):
        sys.excepthook(*raised("the tables are\nturned"))
    assert len(shown) == 1
    assert "the tables are turned" in shown[0].text and "\n" not in shown[0].text
    assert "Traceback" not in shown[0].text and str(hooks) in shown[0].text
    text = hooks.read_text(encoding="utf-8")
    assert text.count("Traceback (most recent call last)") == 3
    assert "raise RuntimeError(message)" in text


def test_an_exception_in_a_thread_is_told_too(notifier: Notifier, shown: list[Notice], hooks: Path, qtbot):
    def work() -> None:
        raise ZeroDivisionError("in a thread")

    thread = threading.Thread(target=work, name="worker seven")
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(shown) == 1)
    assert "ZeroDivisionError" in shown[0].text
    assert "worker seven" in hooks.read_text(encoding="utf-8")


def test_a_keyboard_interrupt_is_not_swallowed(
    notifier: Notifier, shown: list[Notice], monkeypatch: pytest.MonkeyPatch
):
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, _error, _trace: seen.append(kind))
    with logging_setup.installed(notifier):
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert seen == [KeyboardInterrupt] and shown == []


def test_all_hooks_are_put_back(notifier: Notifier):
    before = sys.excepthook, threading.excepthook, sys.unraisablehook, list(logging.getLogger("iouviewer").handlers)
    with logging_setup.installed(notifier):
        assert sys.excepthook is not before[0]
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before[:3]
    assert logging.getLogger("iouviewer").handlers == before[3]


def test_without_a_log_folder_messages_still_arrive(
    notifier: Notifier, shown: list[Notice], private_home: Path, monkeypatch: pytest.MonkeyPatch
):
    (private_home / "log" / "iouviewer.log").mkdir(parents=True)
    with logging_setup.installed(notifier):
        sys.excepthook(*raised("no log"))
    assert len(shown) == 1


def test_the_log_is_renewed_and_stays_small(notifier: Notifier, hooks: Path, monkeypatch: pytest.MonkeyPatch):
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
notifier.shown.connect(lambda notice: print(notice.text, flush=True))
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
    told, went_on = done.stdout.splitlines()
    assert "ValueError: in a slot" in told and went_on == "the program went on"
    log = (folders.log_folder() / "iouviewer.log").read_text(encoding="utf-8")
    assert log.count("Traceback") == 2
    assert "Qt has something to say" in log
