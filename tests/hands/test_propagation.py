"""Boxes follow their object by one key: forwards, backwards, between two key boxes; stopped, and undone."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from iouviewer.metrics.iou import iou_aligned
from tests.hands.boxes_by_hand import exported, go_to, message, title
from tests.hands.hands import Hands
from tests.propagation.clips import Clip, make_clip
from tests.ui.window import opened_window

Rows = list[dict[str, str]]


@contextmanager
def opened(qtbot: QtBot, folder: Path, clip: Clip, frames: list[int], detected: bool = False) -> Iterator[Hands]:
    """A person at a window that shows the clip with boxes of its object on some frames."""
    video = clip.write(folder / "clip.avi")
    gt = folder / "gt.csv"
    with gt.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["frameID", "x1", "y1", "x2", "y2", "class", "id"])
        writer.writerows([frame, *clip.boxes[frame], "robot", 7] for frame in frames)
    preds: tuple[tuple[str, Path], ...] = ()
    if detected:
        found = folder / "found.csv"
        rows = (f"{frame},{','.join(map(str, box))},robot,0.9" for frame, box in enumerate(clip.boxes.tolist()))
        found.write_text("frameID,x1,y1,x2,y2,class,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
        preds = (("found", found),)
    with opened_window(qtbot, OpenRequest(video=video, gt=gt, preds=preds)) as window:
        yield Hands(qtbot, window)


def select(hands: Hands, clip: Clip, frame: int) -> None:
    """Go to a frame and click the object's box."""
    go_to(hands, frame)
    hands.wait(lambda: hands.frame == frame, f"frame {frame}")
    x1, y1, x2, y2 = clip.boxes[frame]
    middle = (x1 + x2) / 2, (y1 + y2) / 2
    colour = clip.images[frame][int(middle[1]), int(middle[0])]
    hands.wait(lambda: abs(hands.colour_at(middle).blue() - int(colour[0])) < 25, "the picture of the frame")
    hands.click_picture((x1, (y1 + y2) / 2))
    hands.wait(lambda: title(hands) == "robot 7", "the selected box")


def overlaps(rows: Rows, clip: Clip) -> dict[int, float]:
    """IoU of the exported boxes with the object by frame."""
    boxes = np.array([[float(row[name]) for name in ("x1", "y1", "x2", "y2")] for row in rows])
    frames = [int(row["frameID"]) for row in rows]
    assert {row["id"] for row in rows} == {"7"} and {row["class"] for row in rows} == {"robot"}
    return dict(zip(frames, iou_aligned(boxes.T, clip.boxes[frames].T).tolist(), strict=True))


def answer(hands: Hands, frames: str, *choices: str, reads: str = "") -> Callable[[QDialog], None]:
    def steps(dialog: QDialog) -> None:
        hands.type(frames)
        for choice in choices:
            hands.click(hands.button(choice, dialog))
        assert not reads or reads in hands.texts(dialog), hands.texts(dialog)
        hands.key("Return")

    return steps


def test_a_box_follows_its_object_forwards_in_one_step(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(40)
    with opened(qtbot, tmp_path, clip, [0]) as hands:
        select(hands, clip, 0)
        reads = "To frame 30, or until the object is lost or leaves the picture."
        with hands.in_dialog(answer(hands, "30", reads=reads)):
            hands.key("Ctrl+B")
        hands.wait(lambda: message(hands).startswith("Propagate robot 7 to 30 frames"), "the boxes")
        found = overlaps(exported(hands, tmp_path), clip)
        assert sorted(found) == list(range(31)) and min(found.values()) > 0.7
        assert hands.frame == 30, "the picture follows the boxes"
        hands.key("Ctrl+Z")
        assert sorted(overlaps(exported(hands, tmp_path), clip)) == [0]


def test_a_box_follows_backwards_and_stops_where_the_object_came_from(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(40, lambda frame: (-60 + 6.0 * frame, 90.0))
    with opened(qtbot, tmp_path, clip, [30], detected=True) as hands:
        select(hands, clip, 30)
        with hands.in_dialog(answer(hands, "30", "Backward")):
            hands.key("Ctrl+B")
        hands.wait(lambda: "Stopped: the object left the picture." in message(hands), "the reason")
        found = overlaps(exported(hands, tmp_path), clip)
        assert min(found) in range(4, 9) and max(found) == 30
        assert sorted(found) == list(range(min(found), 31))


def test_a_gap_is_filled_by_following_or_on_a_straight_line(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(24)
    with opened(qtbot, tmp_path, clip, [0, 20]) as hands:
        select(hands, clip, 0)
        go_to(hands, 10)
        hands.key("Alt+Shift+B")
        hands.wait(lambda: message(hands) == "Interpolate robot 7", "the straight line")
        straight = overlaps(exported(hands, tmp_path), clip)
        assert sorted(straight) == list(range(21)) and min(straight.values()) < 0.4
        hands.key("Alt+B")
        hands.wait(lambda: message(hands).startswith("Propagate robot 7 to 19 frames"), "the boxes that follow")
        followed = overlaps(exported(hands, tmp_path), clip)
        assert sorted(followed) == list(range(21)) and min(followed.values()) > 0.75
        hands.key("Ctrl+Z", "Ctrl+Z")
        assert sorted(overlaps(exported(hands, tmp_path), clip)) == [0, 20]


def test_a_corrected_box_takes_its_neighbours_along_without_straightening_them(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(24)
    with opened(qtbot, tmp_path, clip, [0, 20]) as hands:
        select(hands, clip, 0)
        go_to(hands, 10)
        hands.key("Alt+B")
        hands.wait(lambda: message(hands).startswith("Propagate robot 7 to 19 frames"), "the boxes that follow")
        before = exported(hands, tmp_path)
        hands.key("Shift+Down")  # ten pixels
        after = exported(hands, tmp_path)
        moved = [float(b["y1"]) - float(a["y1"]) for a, b in zip(before, after, strict=True)]
        shares = [10 - abs(frame - 10) for frame in range(21)]
        np.testing.assert_allclose(moved, shares, atol=1e-3)


def test_escape_stops_and_keeps_what_was_found(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(500, lambda frame: (100 + 60 * float(np.sin(frame / 15)), 90.0))
    with opened(qtbot, tmp_path, clip, [0]) as hands:
        select(hands, clip, 0)
        with hands.in_dialog(answer(hands, "499")):
            hands.key("Ctrl+B")
        hands.wait(lambda: hands.frame > 0, "the first boxes")
        hands.key("Escape")
        hands.wait(lambda: message(hands).endswith(" Stopped."), "the end")
        found = overlaps(exported(hands, tmp_path), clip)
        assert 1 < len(found) < 500 and sorted(found) == list(range(len(found)))
        hands.key("Ctrl+Z")
        assert len(exported(hands, tmp_path)) == 1


def test_a_gap_without_a_key_box_behind_it_is_explained(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(12)
    with opened(qtbot, tmp_path, clip, [0]) as hands:
        select(hands, clip, 0)
        hands.key("Alt+B")
        assert message(hands) == (
            "Track 7 has no boxes on both sides of this frame. Draw the box at the other end first."
        ), message(hands)


def test_a_track_with_a_box_on_the_next_frame_has_nowhere_to_go(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(12)
    with opened(qtbot, tmp_path, clip, [0, 1]) as hands:
        select(hands, clip, 0)

        def steps(dialog: QDialog) -> None:
            assert "The next frame already has a box of the track." in hands.texts(dialog)
            assert not hands.button("Propagate", dialog).isEnabled()
            hands.key("Escape")

        with hands.in_dialog(steps):
            hands.key("Ctrl+B")
        assert len(exported(hands, tmp_path)) == 2
