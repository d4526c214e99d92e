"""Keys on real keyboard layouts: a real process under an X server, where ``xdotool`` presses keys by their code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ui.keyboard.scan_codes import scan_code

TOOLS = ("Xvfb", "setxkbmap", "xdotool", "xkbcomp")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)} and a Linux desktop"
)
ROOT = Path(__file__).parents[2]
CONTROL = 37
"""X11 code of the left Ctrl key."""
WAIT_S = 30.0


class Desktop:
    """An X server with the window in a process of its own."""

    def __init__(self, home: Path) -> None:
        read, write = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x720x24"],
            pass_fds=(write,),
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        self._env = {**os.environ, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb", "IOUVIEWER_HOME": str(home)}
        self._env.pop("WAYLAND_DISPLAY", None)
        self._window: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._said = threading.Condition()
        self.lines: list[str] = []

    def call(self, *command: str) -> None:
        """Run a command at this display."""
        subprocess.run(command, env=self._env, check=True, timeout=WAIT_S, stdout=subprocess.DEVNULL)

    def open(self) -> None:
        """Start the window and give it the keyboard."""
        self._window = subprocess.Popen(
            [sys.executable, "-m", "tests.hands.layout_window"],
            cwd=ROOT,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait(lambda: "ready" in self.lines, "the window")
        self.call("xdotool", "search", "--onlyvisible", "--name", "clip", "windowfocus", "--sync")
        self.wait(lambda: "focus" in self.lines, "the window with the keyboard")

    def _read(self) -> None:
        assert self._window is not None and self._window.stdout is not None
        for line in iter(self._window.stdout.readline, ""):
            with self._said:
                self.lines.append(line.rstrip("\n"))
                self._said.notify_all()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until what the window says fulfils a condition."""
        with self._said:
            assert self._said.wait_for(condition, WAIT_S), f"never seen: {what}; the window said {self.lines}"

    def set_layout(self, *arguments: str) -> None:
        """Use one keyboard layout alone; the window hears of it before the keys that are pressed afterwards."""
        self.call("setxkbmap", *arguments)

    def press(self, place: str, *, ctrl: bool = False) -> list[str]:
        """Press the key at a place; returns the commands that ran, each with the key that menus show for it."""
        before = len(self.lines)
        code = str(scan_code(place))
        keys = ["keydown", str(CONTROL), "key", code, "keyup", str(CONTROL)] if ctrl else ["key", code]
        self.call("xdotool", *keys)
        # Commands run when a key is pressed, so all of them were named before its release.
        self.wait(lambda: f"released {code}" in self.lines[before:], f"the key at the place of {place}")
        return [line.removeprefix("ran ") for line in self.lines[before:] if line.startswith("ran ")]

    def close(self) -> None:
        """End the window and the server."""
        for process in (self._window, self._server):
            if process is not None:
                process.kill()
                process.wait()
        if self._reader is not None:
            self._reader.join()
        if self._window is not None and self._window.stdout is not None:
            self._window.stdout.close()


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """The window at a display of its own."""
    found = Desktop(tmp_path_factory.mktemp("home"))
    try:
        found.open()
        yield found
    finally:
        found.close()


LAYOUTS = {
    "us": (("us",), "D", "A", "[", "Z"),
    "de": (("de",), "D", "A", "Ü", "Y"),
    "fr": (("fr",), "D", "Q", "^", "W"),
    "dvorak": (("us", "-variant", "dvorak"), "E", "A", "/", "/"),
    "ru": (("ru",), "В", "Ф", "Х", "Z"),
    "gr": (("gr",), "Δ", "Α", "[", "Z"),
}
"""``setxkbmap`` arguments, the letters at the places of D, A and [, and the place of the letter Z."""


@pytest.mark.parametrize("name", LAYOUTS)
def test_letters_digits_and_brackets_work_on_a_layout_alone(desktop: Desktop, name: str) -> None:
    arguments, d, a, bracket, place_of_z = LAYOUTS[name]
    desktop.set_layout(*arguments)
    assert desktop.press("D") == [f"nextFrame {d}"]
    assert desktop.press("A") == [f"previousFrame {a}"]
    assert desktop.press("2") == ["class2 2"]
    assert desktop.press("[") == [f"confidenceDown {bracket}"]
    # Dvorak has the bracket elsewhere, so it is shown there; the place works too unless its letter has a command.
    if name != "dvorak":
        assert [line.split()[0] for line in desktop.press("[", ctrl=True)] == ["loopFrom"]
    assert desktop.press(place_of_z, ctrl=True) == ["undo Ctrl+Z"]
