"""States of frames by hand: verify, verify as empty, exclude, changed since verified, and walks."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

from PySide6.QtWidgets import QDialog, QPushButton, QSpinBox, QToolButton, QWidget

from tests.hands.boxes_by_hand import centre
from tests.hands.cases import EXTRA_FRAME, PERSON
from tests.hands.hands import Hands
from tests.ui.window import FRAMES


def badge(hands: Hands) -> str:
    return hands.named("frameBadge").accessibleName()


def status(hands: Hands) -> str:
    return hands.named("statusVerified").text()  # type: ignore[attr-defined]


def ready(hands: Hands) -> None:
    hands.wait(lambda: "Not verified" in badge(hands), "the badge of the first frame")
    hands.wait(lambda: "AP" in numbers(hands), "the scores")
    hands.click_picture((10, 150))  # focus, and nothing selected


def numbers(hands: Hands) -> str:
    return hands.named("numbers").text()  # type: ignore[attr-defined]


def chip(hands: Hands) -> str:
    return hands.named("walkChip").text() if hands.sees("walkChip") else ""  # type: ignore[attr-defined]


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def go(hands: Hands, frame: int) -> None:
    hands.key("Home", *["D"] * frame)
    hands.wait(lambda: hands.frame == frame, f"frame {frame}")


def test_a_verified_frame_that_changes_says_so_until_the_change_is_undone(person: Hands) -> None:
    hands = person
    ready(hands)
    hands.key("S")
    hands.wait(lambda: status(hands) == f"1 of {FRAMES} frames verified", "the count")
    hands.key("A")
    hands.wait(lambda: badge(hands).startswith("Verified by "), "who verified the frame")
    hands.click_picture(centre(PERSON))
    hands.key("Del")
    hands.wait(lambda: badge(hands) == "Changed since verified", "that the deletion changed it")
    assert status(hands) == f"0 of {FRAMES} frames verified"
    hands.key("Ctrl+Z")
    hands.wait(lambda: badge(hands).startswith("Verified by "), "the state before the deletion")
    hands.menu("Edit", "Select all")
    hands.key("Del")
    hands.key("Shift+S")
    hands.key("A")
    hands.wait(lambda: badge(hands).startswith("Verified empty by "), "a frame verified as empty")


def test_an_excluded_frame_leaves_every_score_and_is_named_with_it(person: Hands, tmp_path: Path) -> None:
    hands = person
    ready(hands)
    go(hands, 10)
    before = numbers(hands)
    hands.menu("Frame", "Exclude frame")
    hands.wait(lambda: badge(hands) == "Excluded from scores", "the badge")
    hands.wait(lambda: "Frames excluded 1" in numbers(hands), "the exclusion beside the scores")
    assert status(hands) == f"0 of {FRAMES - 1} frames verified · 1 excluded"
    hands.key("S")
    assert badge(hands) == "Excluded from scores" and hands.frame == 10, "S does not count the frame again"
    for entry, name in (
        ("Metrics (JSON)…", "m.json"),
        ("Frame states (CSV)…", "f.csv"),
        ("IoU by frame (CSV)…", "i.csv"),
    ):
        path = tmp_path / name
        with hands.in_dialog(hands.save_as(path)):
            hands.menu("File", "Export as", entry)
        hands.wait(path.exists, name)
    report = json.loads((tmp_path / "m.json").read_text())
    assert report["frame_states"] == {"excluded": {"count": 1, "frames": "10:11"}}
    assert report["protocol"]["excluded_frames"] == 1 and report["variants"]["base"]["frames"] == FRAMES - 1
    rows = table(tmp_path / "f.csv")
    assert [row["state"] for row in rows[9:12]] == ["not_verified", "excluded", "not_verified"]
    assert table(tmp_path / "i.csv")[10]["state"] == "excluded"
    hands.click_picture((10, 150))
    hands.menu("Frame", "Include frame")
    hands.wait(lambda: numbers(hands) == before, "the scores of all frames")


def test_the_keys_walk_through_the_frames_that_are_left(person: Hands) -> None:
    hands = person
    ready(hands)
    for frame in (1, 2, 4):
        go(hands, frame)
        hands.key("S")
    hands.key("Home")
    hands.key("Shift+W")
    hands.wait(lambda: chip(hands) == f"Not verified 1 of {FRAMES - 3} ×", "the walk")
    hands.key("D")
    hands.wait(lambda: hands.frame == 3, "the next frame that is not verified")
    hands.key("S")
    hands.wait(lambda: hands.frame == 5, "the frame after the verified ones")
    hands.wait(lambda: chip(hands) == f"Not verified 2 of {FRAMES - 4} ×", "the frame that left the walk")
    hands.key("A")
    hands.wait(lambda: hands.frame == 0, "back over the verified ones")
    hands.key("A")
    hands.wait(lambda: hands.reads("no frame before this one"), "the end of the walk")
    found = hands.named("walkChip")
    assert isinstance(found, QToolButton)
    hands.click(found)
    hands.wait(lambda: not hands.sees("walkChip"), "the end of the walk")
    hands.click_picture((10, 150))
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "all frames again")
    hands.key("Shift+U")
    hands.wait(lambda: hands.frame == 5, "the next frame that is not verified")
    hands.menu("Frame", "Next frame changed since verified")
    hands.wait(lambda: hands.reads("No frame changed since it was verified"), "that there is none")


def test_the_walk_through_problems_goes_to_their_frames(person: Hands) -> None:
    hands = person
    ready(hands)
    hands.wait(lambda: hands.reads_tab("Problems 1"), "the problem in its list")
    hands.menu("Frame", "Walk", "Walk through frames with problems")
    hands.wait(lambda: chip(hands).startswith("Problems "), "the walk")
    hands.key("Home")
    hands.wait(lambda: hands.frame == 0, "the first frame")
    count = int(re.search(r"(\d+) ×", chip(hands))[1])  # type: ignore[index]
    seen = [0] if " of " in chip(hands) else []
    while not hands.reads("no frame after this one"):
        before = hands.frame
        hands.key("D")
        seen += [hands.frame] if hands.frame > before else []
    assert len(seen) == count < FRAMES and EXTRA_FRAME in seen
    hands.key("Shift+W")
    hands.wait(lambda: not hands.sees("walkChip"), "the end of the walk")


def test_the_timeline_says_how_much_is_verified(person: Hands) -> None:
    hands = person
    ready(hands)
    row = hands.named("timelineVerified")
    assert isinstance(row, QWidget)
    for _ in range(FRAMES // 2):
        hands.key("S")
    half = 100 * (FRAMES // 2) // FRAMES
    hands.wait(lambda: f"Verified {half} %" in str(getattr(row, "word", "")), "the share")


def test_several_frames_are_excluded_and_included_in_one_step(person: Hands) -> None:
    hands = person
    ready(hands)
    go(hands, 5)

    def exclude_range(dialog: QDialog) -> None:
        primary = dialog.findChild(QPushButton, "dialogPrimary")
        assert primary.text() == "Exclude 1 frame", "this frame is chosen at first"
        for name, number in (("excludeFirst", "5"), ("excludeLast", "12")):
            field = dialog.findChild(QSpinBox, name)
            hands.click(field)
            hands.key("Ctrl+A")
            hands.type(number)
            hands.key("Tab")
        assert primary.text() == "Exclude 8 frames"
        hands.click(primary)

    with hands.in_dialog(exclude_range):
        hands.menu("Frame", "Exclude frames…")
    hands.wait(lambda: "8 excluded" in status(hands), "the count")
    hands.wait(lambda: "Frames excluded 8" in numbers(hands), "the exclusion beside the scores")
    assert badge(hands) == "Excluded from scores"

    def include_from_here(dialog: QDialog) -> None:
        hands.click(hands.button("From here to the end", dialog))
        hands.click(hands.button("Include 3 frames", dialog))

    go(hands, 10)
    with hands.in_dialog(include_from_here):
        hands.key("Alt+Shift+S")
    hands.wait(lambda: "5 excluded" in status(hands), "five frames")
    hands.key("Ctrl+Z")
    hands.wait(lambda: "8 excluded" in status(hands), "one step back")
    hands.key("Ctrl+Z")  # announced, on another frame
    hands.key("Ctrl+Z")
    hands.wait(lambda: "excluded" not in status(hands), "no frame left out")


def test_the_range_begins_with_the_loop_and_the_frames_of_a_track_are_a_choice(person: Hands) -> None:
    hands = person
    ready(hands)
    go(hands, 3)
    hands.key("Ctrl+[")
    go(hands, 6)
    hands.key("Ctrl+]")
    hands.click_picture(centre(PERSON))

    def look(dialog: QDialog) -> None:
        hands.wait(lambda: hands.button("Exclude 4 frames", dialog).isVisible(), "the frames of the loop")
        hands.click(hands.button("Frames of track 2", dialog))
        hands.wait(lambda: hands.button(f"Exclude {FRAMES} frames", dialog).isVisible(), "all frames of the person")
        hands.click(hands.button("Cancel", dialog))

    with hands.in_dialog(look):
        hands.key("Alt+Shift+S")
    assert "excluded" not in status(hands)
