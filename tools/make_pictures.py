"""``make pictures``: the pictures of the documentation, from the real window on the bundled sample.

Every picture is made by mouse and key events, with the hands of ``tests/hands``. ``pictures.json`` beside them holds a
digest of the window's code, so that ``--check`` knows whether a picture is older than the window.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from tests.hands.hands import Hands

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
RECORD = PICTURES / "pictures.json"
SIZE = (1280, 720)
EDGE, TRUE_X = (433.49, 114.34), 389.97
"""The middle of the edge that the sample asks to drag, and where it belongs; pixels of the frame."""


def window_digest() -> str:
    """SHA-256 over everything that the look of the window depends on."""
    digest = hashlib.sha256()
    for folder in (ROOT / "iouviewer" / "ui", ROOT / "resources"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".qss", ".json", ".svg", ".ttf"} and "sample" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def check() -> int:
    """1 with a sentence if the pictures are older than the window, else 0."""
    recorded = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    missing = [name for name in recorded.get("pictures", []) if not (PICTURES / name).exists()]
    if recorded.get("window") == window_digest() and not missing:
        return 0
    print("The window has changed since the pictures of the documentation were made: run make pictures.")
    return 1


def make() -> int:
    """Make all pictures in both schemes."""
    home = tempfile.mkdtemp(prefix="iouviewer-pictures-")
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "IOUVIEWER_HOME": home, "QT_SCALE_FACTOR": "1"}
    sys.path.insert(0, str(ROOT))
    made: list[str] = []
    for scheme, ending in (("light", ""), ("dark", "-dark")):
        made += _Pictures(scheme, ending).make()
    record = {"window": window_digest(), "pictures": sorted(made)}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


class _Pictures:
    """The pictures in one scheme."""

    def __init__(self, scheme: str, ending: str) -> None:
        self._scheme, self._ending = scheme, ending
        self._made: list[str] = []

    def make(self) -> list[str]:
        """Walk through the sample; returns the names of the files."""
        from pytestqt.qt_compat import qt_api

        qt_api.set_qt_api("pyside6")
        from PySide6.QtWidgets import QApplication
        from pytestqt.qtbot import QtBot

        from iouviewer.app.settings import SettingsStore
        from tests.hands.hands import Hands
        from tests.ui.window import opened_window

        application = QApplication.instance() or QApplication([])
        store = SettingsStore()
        store.settings.scheme = self._scheme
        store.save()
        with opened_window(QtBot(_Request())) as window:  # type: ignore[no-untyped-call]
            window.resize(*SIZE)
            hands = Hands(QtBot(_Request()), window)  # type: ignore[no-untyped-call]
            self._open_sample(hands)
            self._correct(hands)
            self._review(hands)
            self._compare(hands)
        application.processEvents()
        return self._made

    def _save(self, hands: Hands, name: str) -> None:
        file = f"{name}{self._ending}.png"
        hands.window.grab().save(str(PICTURES / file))
        self._made.append(file)

    def _open_sample(self, hands: Hands) -> None:
        from tests.hands.test_first_steps import hint, wait_for_page, wait_for_sample

        wait_for_page(hands)
        hands.key("Return")
        wait_for_sample(hands)
        if not self._ending:  # the tour is shown once
            hands.wait(lambda: hint(hands), "the tour")
            hands.click(hands.button("Skip tour"))

    def _correct(self, hands: Hands) -> None:
        """A held edge, and the animated picture of the drag."""
        frames = []
        hands.press_picture(EDGE)
        for step in [*range(21), *[20] * 6]:
            x = EDGE[0] + (TRUE_X - EDGE[0]) * step / 20
            hands.move_picture((x, EDGE[1]), steps=1)
            _settle()
            frames.append(hands.window.grab().toImage())
        self._save(hands, "correct")
        if not self._ending:
            self._save_animation(frames, "drag.gif")
        hands.release()
        hands.key("Ctrl+Z")

    def _save_animation(self, images: list[QImage], name: str) -> None:
        from PIL import Image
        from PySide6.QtGui import QImage

        pictures = []
        for image in images:
            rgb = image.convertToFormat(QImage.Format.Format_RGB888)
            size = (rgb.width(), rgb.height())
            data = bytes(rgb.constBits())
            picture = Image.frombytes("RGB", size, data, "raw", "RGB", rgb.bytesPerLine())
            pictures.append(picture.resize((960, 540), Image.Resampling.LANCZOS))
        palette = pictures[0].quantize(128)
        frames = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in [*pictures, *reversed(pictures)]]
        frames[0].save(PICTURES / name, save_all=True, append_images=frames[1:], duration=70, loop=0, optimize=True)
        self._made.append(name)

    def _review(self, hands: Hands) -> None:
        hands.open_tab("Problems")
        hands.wait(lambda: hands.rows("problemsList"), "the problems")
        before = hands.frame
        hands.key("N")
        hands.wait(lambda: hands.frame != before, "the likeliest error")
        hands.wait(lambda: not any("updating" in text for text in hands.texts()), "the whole list")
        _settle()
        self._save(hands, "review")
        hands.key("Esc", "T")
        hands.open_tab("Tracks")
        _settle()
        self._save(hands, "tracks")
        hands.key("T")

    def _compare(self, hands: Hands) -> None:
        from PySide6.QtWidgets import QAbstractButton

        hands.key("F3")
        hands.wait(lambda: hands.sees("verdicts"), "the verdicts")
        hands.wait(lambda: not hands.reads("comparing"), "the intervals")
        lost = hands.window.findChild(QAbstractButton, "changes.lost")
        hands.wait(lambda: any(map(str.isdigit, lost.text())), "the lost boxes")
        _settle()
        self._save(hands, "compare")


def _settle() -> None:
    """Let scores, timeline and captions catch up."""
    from PySide6.QtTest import QTest

    QTest.qWait(350)


class _Request:
    """What pytest-qt's QtBot asks of a fixture; the window is closed here."""

    def addfinalizer(self, _finish: Callable[[], None]) -> None:
        """Nothing is left to finish."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the pictures are up to date")
    sys.exit(check() if parser.parse_args().check else make())
