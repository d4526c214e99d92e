"""The overlay video by mouse: from the export dialog, read back, and cancelled."""

from __future__ import annotations

import time
from pathlib import Path

import av
import pytest
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit

from iouviewer.jobs import overlay_video
from tests.hands.hands import Hands
from tests.hands.test_dialogs import part
from tests.hands.test_review import message
from tests.ui.window import FRAMES, HEIGHT, WIDTH


def export(hands: Hands, title: str, path: Path, frames: str = "") -> None:
    """Ctrl+E, the format by its name, frames, the file, Export."""

    def step(dialog: QDialog) -> None:
        hands.click(part(dialog, QLineEdit, "exportSearch"))
        hands.type(title)
        hands.wait(lambda: hands.reads(title), title)
        if frames:
            hands.choose(part(dialog, QComboBox, "exportFrames"), "Range")
            hands.click(part(dialog, QLineEdit, "exportRange"))
            hands.key("Ctrl+A")
            hands.type(frames)
        hands.click(part(dialog, QLineEdit, "exportPath"))
        hands.key("Ctrl+A")
        hands.type(str(path))
        hands.click(hands.button("Export", dialog))

    with hands.in_dialog(step):
        hands.key("Ctrl+E")


def read(path: Path) -> list[tuple[int, int]]:
    with av.open(str(path)) as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


def test_a_range_is_written_with_a_pane_for_each_variant(person: Hands, tmp_path: Path) -> None:
    hands, out = person, tmp_path / "out.mp4"
    export(hands, "Overlay video in panes", out, "spread:5/0:20")
    hands.wait(lambda: message(hands) == f"Exported {out}", "the video")
    sizes = read(out)
    assert len(sizes) == 5 and {width for width, _ in sizes} == {2 * WIDTH} and sizes[0][1] > HEIGHT
    assert not hands.window.findChildren(QDialog, "exportProgress") or not hands.sees("exportProgress")


def test_a_video_is_cancelled_in_its_progress_and_leaves_nothing(
    person: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands, out = person, tmp_path / "out.mp4"
    draw = overlay_video.overlay_picture

    def slowly(*arguments):  # type: ignore[no-untyped-def]
        time.sleep(0.3)
        return draw(*arguments)

    monkeypatch.setattr(overlay_video, "overlay_picture", slowly)
    export(hands, "Overlay video", out)
    dialog = hands.named("exportProgress")
    hands.wait(lambda: any(f"of {FRAMES} frames" in one for one in hands.texts(dialog)), "the progress")
    hands.click(hands.button("Cancel", dialog))
    hands.wait(lambda: message(hands) == "Cancelled: out.mp4 was not written", "the end")
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []
