"""*Save to source*: edits by mouse and keys change only their own lines of the files that were opened."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from tests.hands.boxes_by_hand import message
from tests.hands.hands import Hands
from tests.ui.window import opened_window

WIDTH, HEIGHT, PICTURES = 320, 240, 6
BOXES = ((0, (40, 60, 100, 120)), (1, (180, 90, 260, 170)))
"""Class and corners of the two boxes of every picture."""


def git(folder: Path, *args: str) -> str:
    """Output of a git command; no settings of this machine."""
    environment = os.environ | {
        **{"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)},
        **{f"GIT_{who}_{what}": "nobody@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(["git", *args], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def write_data_set(root: Path) -> Path:
    """A data set in Roboflow's layout under git: images, labels, a polygon, and extras in data.yaml."""
    images, labels = root / "train" / "images", root / "train" / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    for number in range(PICTURES):
        name = f"frame_{number:04d}_jpg.rf.{number:032x}"
        picture = np.full((HEIGHT, WIDTH, 3), 60 + 10 * number, np.uint8)
        for _class, (x1, y1, x2, y2) in BOXES:
            picture[y1:y2, x1:x2] = 200
        assert cv2.imwrite(str(images / f"{name}.jpg"), picture)
        rows = [
            f"{number_of} {(x1 + x2) / 2 / WIDTH} {(y1 + y2) / 2 / HEIGHT} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}"
            for number_of, (x1, y1, x2, y2) in BOXES
        ]
        rows.insert(1, "1 0.9 0.1 0.95 0.1 0.95 0.2 0.9 0.2")
        (labels / f"{name}.txt").write_text("\n".join(rows))  # Roboflow ends files without a line feed
    (root / "data.yaml").write_text(
        "train: ../train/images\nval: ../train/images\n\nnc: 2\nnames: ['cat', 'dog']\n\n"
        "roboflow:\n  workspace: somebody\n  version: 3\n"
    )
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "as exported")
    return root


def skip_polygons(hands: Hands) -> Callable[[QDialog], None]:
    def steps(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Open", dialog).isEnabled(), "the files to be read")
        hands.click(hands.button("Open", dialog))

    return steps


@pytest.mark.skipif(sys.platform == "win32", reason="paths of git")
def test_ten_corrected_boxes_are_ten_changed_lines(qtbot: QtBot, tmp_path: Path) -> None:
    root = write_data_set(tmp_path / "pets")
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("firstRun.sample"), "the first-run page")
        with hands.in_dialog(skip_polygons(hands)):
            hands.drop(hands.named("firstRun"), root)
        hands.wait(lambda: hands.column("boxesTable", "Class") == ["cat", "dog"], "the boxes")
        for picture in range(5):
            hands.wait(lambda number=picture: hands.frame == number, f"picture {picture}")
            for _class, (x1, y1, x2, y2) in BOXES:
                middle = ((x1 + x2) / 2, (y1 + y2) / 2)
                hands.click_picture(middle)
                hands.drag_picture(middle, (middle[0] + 9, middle[1] - 6))
            hands.key("D")
        asked: list[str] = []

        def agree(dialog: QDialog) -> None:
            asked.extend(hands.texts(dialog))
            dialog.grab().save(str(tmp_path / "save-to-source.png"))
            hands.click(hands.button("Save", dialog))

        with hands.in_dialog(agree):
            hands.menu("File", "Save to source…")
        hands.wait(lambda: message(hands).startswith("Saved to"), "the message")
        window.grab().save(str(tmp_path / "saved.png"))
    [question] = [text for text in asked if "10 boxes change" in text]
    assert "6 rows untouched (9 columns: polygons" in question
    changed = [line.split("\t") for line in git(root, "diff", "--numstat").splitlines()]
    assert [(added, gone) for added, gone, _name in changed] == [("2", "2")] * 5


@pytest.mark.skipif(sys.platform == "win32", reason="paths of git")
def test_by_keys_and_a_file_that_changed_on_disk_is_told(qtbot: QtBot, tmp_path: Path) -> None:
    root = write_data_set(tmp_path / "pets")
    label = sorted((root / "train" / "labels").glob("*.txt"))[0]
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.sees("firstRun.sample"), "the first-run page")
        with hands.in_dialog(skip_polygons(hands)):
            hands.drop(hands.named("firstRun"), root / "train" / "images", root / "train" / "labels")
        hands.wait(lambda: hands.column("boxesTable", "Class") == ["cat", "dog"], "the boxes")
        hands.key("Ctrl+Shift+S")
        hands.wait(lambda: message(hands) == "labels: nothing was edited", "that there is nothing to save")
        hands.click_picture((70, 90))
        hands.key("Del")
        hands.wait(lambda: hands.column("boxesTable", "Class") == ["dog"], "the box to go")
        theirs = label.read_text() + "\n0 0.5 0.5 0.1 0.1"
        label.write_text(theirs)

        def look_and_cancel(dialog: QDialog) -> None:
            text = "\n".join(hands.texts(dialog))
            assert "1 box is removed" in text
            assert f"{label.name} has changed on disk since it was read: these changes would be lost." in text
            dialog.grab().save(str(tmp_path / "changed-on-disk.png"))
            hands.key("Escape")

        with hands.in_dialog(look_and_cancel):
            hands.key("Ctrl+Shift+S")
        assert label.read_text() == theirs
        with hands.in_dialog(lambda dialog: hands.click(hands.button("Overwrite", dialog))):
            hands.key("Ctrl+Shift+S")
        hands.wait(lambda: message(hands).startswith("Saved to"), "the message")
    assert git(root, "diff", "--numstat").split() == ["0", "1", f"train/labels/{label.name}"]
