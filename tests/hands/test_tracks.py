"""Tracks by mouse and keys alone: drawn, split, merged, swapped, filled, verified, exported, and all of it undone."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel, QListView, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.tokens import SIZE
from tests.hands.boxes_by_hand import Rect, boxes_on, centre, current_frame, exported, go_to, message, title
from tests.hands.cases import PERSON, Case, car
from tests.hands.hands import NO_MODIFIER, Hands, Point
from tests.hands.test_clicks import go_to_drawn, rects_of
from tests.ui.window import FRAMES, opened_window

ALT, SHIFT = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier
GUTTER = 92


class SpeakingHands(Hands):
    """A person whose actions are written down."""

    def __init__(self, qtbot: QtBot, window: QWidget) -> None:
        super().__init__(qtbot, window)
        self.said: list[str] = []

    def job(self, text: str) -> None:
        """A heading for the next actions."""
        self.said.append(f"\n{text}:")

    def script(self) -> str:
        """What was done, without the file dialogs of the exports that the test reads."""
        said = list(self.said)
        for place in reversed([place for place, text in enumerate(said) if text.startswith("type “/")]):
            del said[place - 1 : place + 2]
        return " ".join(said).replace("Ctrl+Z " * 39 + "Ctrl+Z", "40 × Ctrl+Z")

    def key(self, *keys: str) -> None:
        self.said.extend(keys)
        super().key(*keys)

    def type(self, text: str) -> None:
        self.said.append(f"type “{text}”")
        super().type(text)

    def click_picture(self, point: Point, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        self.said.append(f"click ({point[0]:.0f}, {point[1]:.0f})")
        super().click_picture(point, modifiers)

    def drag_picture(self, start: Point, end: Point, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        self.said.append(f"drag ({start[0]:.0f}, {start[1]:.0f}) → ({end[0]:.0f}, {end[1]:.0f})")
        super().drag_picture(start, end, modifiers)


@pytest.fixture
def pets(qtbot: QtBot, shared_data: Path, tmp_path: Path) -> Iterator[SpeakingHands]:
    folder = shared_data / "pets09"
    video = Path(shutil.copy(folder / "vtest.avi", tmp_path / "vtest.avi"))
    request = OpenRequest(video=video, gt=folder / "gt.txt", preds=(("frcnn", folder / "det_frcnn.txt"),))
    with opened_window(qtbot, request) as window:
        window.resize(1280, 720)
        yield SpeakingHands(qtbot, window)


@pytest.fixture
def annotator(qtbot: QtBot, tmp_path: Path, case: Case) -> Iterator[Hands]:
    """A person at the small case with the lanes open."""
    with opened_window(qtbot, case.request(variants=1)) as window:
        hands = Hands(qtbot, window)
        hands.key("T")
        hands.wait(lambda: hands.sees("trackLanes"), "the lanes")
        yield hands


# What a person reads


def question(hands: Hands) -> str:
    """The text of the bubble, empty without one."""
    labels = [w for w in hands.window.findChildren(QLabel, "trackQuestion.text") if w.isVisible()]
    return labels[0].text() if labels else ""


def tracks_of(hands: Hands, folder: Path) -> dict[str, dict[int, Rect]]:
    """The exported boxes by track id and frame."""
    found: dict[str, dict[int, Rect]] = defaultdict(dict)
    for row in exported(hands, folder):
        frame, rect = int(row["frameID"]), (float(row["x1"]), float(row["y1"]), float(row["x2"]), float(row["y2"]))
        assert frame not in found[row["id"]], "two boxes of one track are on the frame"
        found[row["id"]][frame] = rect
    return found


def undo(hands: Hands, folder: Path) -> None:
    """Undo the last step; where it is on other frames, the first press goes there."""
    before = exported(hands, folder)
    hands.key("Ctrl+Z")
    if exported(hands, folder) == before:
        hands.key("Ctrl+Z")
    assert exported(hands, folder) != before


def lane(hands: Hands, name: str) -> int:
    """The row of the lane of an object."""
    rows = [row[0] for row in hands.rows("trackLanes")]
    [row] = [place for place, text in enumerate(rows) if text.startswith(f"{name},")]
    return row


def on_lane(hands: Hands, name: str, frame: float) -> QPoint:
    """Where a frame is on the lane of an object, on the screen; the whole video is visible."""
    view = hands.named("trackLanes")
    assert isinstance(view, QListView)
    middle = hands.row_centre("trackLanes", lane(hands, name))
    plot = hands.named("timeline")
    left, right = GUTTER, GUTTER + axis_width(hands)
    x = left + (frame + 0.5) / FRAMES * (right - left)
    assert plot.width() >= right
    return QPoint(view.mapToGlobal(QPoint(round(x), 0)).x(), middle.y())


def axis_width(hands: Hands) -> int:
    return hands.named("trackLanes").width() - GUTTER - SIZE["timeline_margin"]


def drag(
    hands: Hands, start: QPoint, end: QPoint, modifiers: Qt.KeyboardModifier = NO_MODIFIER, steps: int = 5
) -> None:
    """Drag with the left button; the mouse is still down."""
    hands.press(start, modifiers)
    for step in range(1, steps + 1):
        hands.move(start + (end - start) * step / steps)


# The whole job on a real video


def read_by_trackeval(path: Path, frames: int, folder: Path) -> list[list[int]]:
    """The ids of each frame as TrackEval's own reader finds them; by its rules where it is not installed."""
    if not has_trackeval():
        found: list[list[int]] = [[] for _ in range(frames)]
        for line in path.read_text().splitlines():
            values = line.split(",")
            if float(values[6]) != 0:
                found[int(float(values[0])) - 1].append(int(float(values[1])))
        assert all(len(ids) == len(set(ids)) for ids in found), "TrackEval refuses an id that is twice on a frame"
        return found
    trackeval = importlib.import_module("trackeval")
    for part in ("gt/mot/MOT-train/clip/gt", "trackers/mot/MOT-train/mine/data", "gt/mot/seqmaps"):
        (folder / part).mkdir(parents=True)
    shutil.copy(path, folder / "gt/mot/MOT-train/clip/gt/gt.txt")
    shutil.copy(path, folder / "trackers/mot/MOT-train/mine/data/clip.txt")
    (folder / "gt/mot/MOT-train/clip/seqinfo.ini").write_text(f"[Sequence]\nname=clip\nseqLength={frames}\n")
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "gt/mot"),
            "TRACKERS_FOLDER": str(folder / "trackers/mot"),
            "BENCHMARK": "MOT",
            "SEQ_INFO": {"clip": frames},
            "PRINT_CONFIG": False,
            "DO_PREPROC": False,
        }
    )
    raw = dataset.get_raw_seq_data("mine", "clip")
    data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
    assert data["num_timesteps"] == frames
    return [ids.tolist() for ids in raw["gt_ids"]]


def has_trackeval() -> bool:
    return importlib.util.find_spec("trackeval") is not None


def test_the_tracks_of_a_real_video_are_corrected_exported_and_all_is_undone(
    pets: SpeakingHands, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hands, gt = pets, shared_data / "pets09" / "gt.txt"
    before, after = tmp_path / "before.txt", tmp_path / "after.txt"
    export_mot(hands, before)
    rows_before, start = exported(hands, tmp_path), tracks_of(hands, tmp_path)

    hands.job("A person without labels, frames 149 to 157, as a new track")
    walk = {149: (65.0, 85.0, 87.0, 133.0), 153: (53.0, 78.0, 81.0, 127.0), 157: (38.0, 83.0, 70.0, 142.0)}
    for place, (frame, rect) in enumerate(walk.items()):
        go_to_drawn(hands, frame, rects_of(gt, frame))
        hands.said.append(f"go to {frame}")
        hands.key("W")
        hands.press_picture(rect[:2])
        hands.move_picture(rect[2:])
        told = hands.named("canvasDrawLabel").accessibleName()
        assert ("new track 20" if place == 0 else "continues") in told, told
        assert place == 0 or "3 frames interpolated" in told, told
        hands.release()
        hands.said.append("drag a box")
    now = tracks_of(hands, tmp_path)
    assert sorted(now["20"]) == list(range(149, 158)), "three key boxes give nine boxes"
    halfway = tuple((a + b) / 2 for a, b in zip(walk[149], walk[153], strict=True))
    assert all(abs(a - b) <= 2.0 for a, b in zip(now["20"][151], halfway, strict=True))

    hands.job("Track 15 split, and merged again")
    go_to_drawn(hands, 100, rects_of(gt, 100))
    hands.click_picture(free_point(gt, 100, "15"))
    hands.key("Y")
    assert "Split" in message(hands) and sorted(tracks_of(hands, tmp_path)["21"]) == list(range(100, 206))
    hands.key("M")
    assert question(hands).startswith("Merge into")
    hands.key("A")
    hands.wait(lambda: current_frame(hands) == 99, "frame 99")
    go_to_drawn(hands, 99, rects_of(gt, 99))
    hands.click_picture(free_point(gt, 99, "15"))
    assert question(hands) == "Merge 15 into 21?"
    hands.key("Tab")
    assert question(hands) == "Merge 21 into 15?"
    hands.key("Return")
    assert question(hands) == "" and tracks_of(hands, tmp_path)["15"] == start["15"]

    hands.job("Two ids swapped from frame 150 on, and swapped back")
    go_to_drawn(hands, 150, rects_of(gt, 150))
    for swapped in (True, False):
        hands.key("Escape")
        hands.click_picture(free_point(gt, 150, "17"))
        hands.key("Ctrl+T")
        hands.click_picture(free_point(gt, 150, "13"))
        ids = ("13", "17") if swapped else ("17", "13")
        assert question(hands) == f"Swap {ids[1]} and {ids[0]} from frame 150 on?"
        hands.key("Return")
        found = tracks_of(hands, tmp_path)
        assert (found["17"][149], found["17"][150]) == (
            start["17"][149],
            start["13" if swapped else "17"][150],
        )

    hands.job("The class of a whole track")
    hands.key("Escape")
    hands.click_picture(free_point(gt, 150, "17"))

    def create(_dialog: QDialog) -> None:
        hands.type("cyclist")
        hands.key("Return", "Return")

    with hands.in_dialog(create):
        hands.key("C")
    rows = [row for row in exported(hands, tmp_path) if row["class"] == "cyclist"]
    assert {row["id"] for row in rows} == {"17"} and len(rows) == 148

    hands.job("Boxes of a track deleted in a range, and the gap filled")
    go_to_drawn(hands, 300, rects_of(gt, 300))
    hands.click_picture(free_point(gt, 300, "14"))
    hands.key("Ctrl+[")
    go_to(hands, 305)
    hands.key("Ctrl+]")
    hands.menu("Track", "Delete track in range")
    assert set(start["14"]) - set(tracks_of(hands, tmp_path)["14"]) == set(range(300, 306))
    hands.key("Alt+Shift+B")
    filled = tracks_of(hands, tmp_path)["14"]
    assert set(filled) == set(start["14"])

    hands.job("A frame verified, changed, verified")
    go_to_drawn(hands, 320, rects_of(gt, 320))
    hands.key("S", "A")
    hands.wait(lambda: hands.reads("1 of 795 frames verified"), "a verified frame")
    go_to_drawn(hands, 320, rects_of(gt, 320))
    hands.click_picture(free_point(gt, 320, "14"))
    hands.key("Right")
    hands.wait(lambda: hands.reads("0 of 795 frames verified"), "a changed frame")
    hands.key("S")
    hands.wait(lambda: hands.reads("1 of 795 frames verified"), "the frame verified again")

    hands.job("A note")
    go_to_drawn(hands, 321, rects_of(gt, 321))
    hands.key("Ctrl+M")
    hands.wait(lambda: hands.named("noteEditor").hasFocus(), "the editor of notes")
    hands.type("is this 14")
    hands.key("Ctrl+Return")

    hands.job("Export as MOTChallenge, read by TrackEval")
    target = tmp_path / "exported.txt"
    export_mot(hands, target)
    ids = read_by_trackeval(target, 795, tmp_path / "trackeval")
    now = tracks_of(hands, tmp_path)
    expected = [sorted(int(track) for track, boxes in now.items() if frame in boxes) for frame in range(795)]
    counted = [[i for i in of_frame if i not in ignored_ids(gt, frame)] for frame, of_frame in enumerate(expected)]
    assert [sorted(of_frame) for of_frame in ids] in (expected, counted)
    assert 20 in ids[153] and 21 not in {i for of_frame in ids for i in of_frame}

    hands.job("Everything undone")
    hands.key(*["Ctrl+Z"] * 40)
    assert exported_bytes(hands, after) == before.read_bytes()
    assert exported(hands, tmp_path) == rows_before, "classes and flags too"
    with capsys.disabled():
        print(hands.script())


def export_mot(hands: Hands, target: Path) -> None:
    with hands.in_dialog(hands.save_as(target)):
        hands.menu("File", "Export as", "Ground truth as MOTChallenge…")
    hands.wait(target.exists, "the exported file")


def exported_bytes(hands: Hands, target: Path) -> bytes:
    target.unlink(missing_ok=True)
    export_mot(hands, target)
    return target.read_bytes()


def ignored_ids(gt: Path, frame: int) -> set[int]:
    """Ids whose box on a frame does not count in the original file."""
    rows = [line.split(",") for line in gt.read_text().splitlines()]
    return {int(row[1]) for row in rows if int(row[0]) - 1 == frame and float(row[6]) == 0}


def free_point(gt: Path, frame: int, track: str) -> Point:
    """A point of a track's box that lies in no other box, as near to its middle as there is one."""
    rects = rects_of(gt, frame)
    own = rects.pop(track)
    x1, y1, x2, y2 = own
    points = [(x1 + (x2 - x1) * i / 10, y1 + (y2 - y1) * j / 10) for i in range(2, 9) for j in range(2, 9)]
    free = [
        p for p in points if not any(r[0] - 3 < p[0] < r[2] + 3 and r[1] - 3 < p[1] < r[3] + 3 for r in rects.values())
    ]
    middle = centre(own)
    assert free, f"track {track} is covered on frame {frame}"
    return min(free, key=lambda p: abs(p[0] - middle[0]) + abs(p[1] - middle[1]))


# Lanes


def test_a_lane_is_trimmed_and_extended_by_its_ends(annotator: Hands, tmp_path: Path) -> None:
    hands = annotator
    last = FRAMES - 1
    keys = hands.window.findChild(QWidget, "keyHints")
    assert "drag onto lane merge" in keys.accessibleDescription(), "the status bar says what the mouse does"
    drag(hands, on_lane(hands, "person 2", last + 0.5), on_lane(hands, "person 2", 9))
    assert question(hands) == f"Trim to frame 9: {last - 9} boxes are deleted"
    hands.release()
    assert question(hands) == "" and sorted(tracks_of(hands, tmp_path)["2"]) == list(range(10))
    drag(hands, on_lane(hands, "person 2", 9.5), on_lane(hands, "person 2", 12))
    assert question(hands) == "Extend to frame 12: 3 copies of the last box"
    hands.release()
    found = tracks_of(hands, tmp_path)["2"]
    assert sorted(found) == list(range(13)) and found[12] == PERSON
    drag(hands, on_lane(hands, "person 2", -0.5), on_lane(hands, "person 2", 4))
    hands.key("Escape")
    hands.release()
    assert sorted(tracks_of(hands, tmp_path)["2"]) == list(range(13)), "Esc leaves the track as it was"


def test_a_lane_dropped_on_another_is_merged_and_tab_chooses_the_winner(annotator: Hands, tmp_path: Path) -> None:
    hands = annotator
    drag(hands, on_lane(hands, "person 2", 10), on_lane(hands, "car 1", 10))
    assert question(hands) == (
        f"Merge 2 into 1? {FRAMES} frames overlap (0–{FRAMES - 1}): 1 wins. All boxes become car. "
        "Drop to merge, Tab swaps, Esc cancels."
    )
    hands.key("Tab")
    assert question(hands).startswith("Merge 1 into 2?") and "2 wins" in question(hands)
    hands.release()
    found = tracks_of(hands, tmp_path)
    assert set(found) == {"2"} and found["2"][3] == PERSON
    hands.key("Ctrl+Z")
    assert set(tracks_of(hands, tmp_path)) == {"1", "2"}


def test_key_frames_are_selected_moved_copied_and_removed_on_the_lane(annotator: Hands, tmp_path: Path) -> None:
    hands = annotator
    # The person is drawn on three frames only, the last one elsewhere: the boxes between are interpolated.
    hands.click_picture(centre(PERSON))
    hands.key("Shift+Del")
    assert set(tracks_of(hands, tmp_path)) == {"1"}
    for frame, left in ((0, 200.0), (10, 220.0), (20, 200.0)):
        go_to(hands, frame)
        hands.wait(lambda: hands.colour_at((110, 120)).lightness() > 150, "the frame")
        hands.key("W")
        hands.drag_picture((left, 40.0), (left + 40.0, 100.0))
    name = "car 2" if any(row[0].startswith("car 2") for row in hands.rows("trackLanes")) else "person 2"
    assert sorted(tracks_of(hands, tmp_path)["2"]) == list(range(21))

    drag(hands, on_lane(hands, name, 10), on_lane(hands, name, 14))
    assert question(hands) == "Move key frame 10 to 14"
    hands.release()
    found = tracks_of(hands, tmp_path)["2"]
    assert found[14][0] == pytest.approx(220, abs=1.5) and found[7][0] == pytest.approx(210, abs=1.5)
    undo(hands, tmp_path)

    drag(hands, on_lane(hands, name, 10), on_lane(hands, name, 16), ALT)
    assert question(hands) == "Copy key frame 10 to 16"
    hands.release(ALT)
    found = tracks_of(hands, tmp_path)["2"]
    assert found[16][0] == pytest.approx(found[10][0]) and found[13][0] == pytest.approx(found[10][0])
    undo(hands, tmp_path)

    # A rubber band over the middle of the lane takes the diamond there; Del leaves its box on the straight line.
    drag(hands, on_lane(hands, name, 7), on_lane(hands, name, 13))
    hands.release()
    hands.key("Del")
    found = tracks_of(hands, tmp_path)["2"]
    assert sorted(found) == list(range(21)) and found[10][0] == pytest.approx(found[0][0], abs=1.5)
    undo(hands, tmp_path)

    # The frames of the band can be deleted.
    drag(hands, on_lane(hands, name, 4), on_lane(hands, name, 8))
    hands.release()
    hands.menu("Track", "Delete track in range")
    assert sorted(set(range(21)) - set(tracks_of(hands, tmp_path)["2"])) == [4, 5, 6, 7, 8]


def test_a_swap_is_previewed_on_both_lanes_and_can_be_limited_to_the_loop(annotator: Hands, tmp_path: Path) -> None:
    hands = annotator
    go_to(hands, 5)
    hands.key("Ctrl+[")
    go_to(hands, 8)
    hands.key("Ctrl+]")
    hands.click(on_lane(hands, "person 2", 6))
    hands.wait(lambda: title(hands) == "person 2", "the person")
    view = hands.named("trackLanes")
    plain = view.grab().toImage()
    hands.key("Ctrl+T")
    hands.click(on_lane(hands, "car 1", 6))
    assert question(hands) == "Swap 2 and 1 from frame 6 on?"
    assert view.grab().toImage() != plain, "both lanes show it"
    hands.key("Tab")
    assert question(hands) == "Swap 2 and 1 in the frames 5–8?"
    bubble, text = hands.named("trackQuestion"), hands.named("trackQuestion.text")
    assert text.height() >= text.heightForWidth(text.width()), "the text is cut"
    assert bubble.rect().contains(hands.named("trackQuestion.accept").geometry()), "the buttons are cut"
    hands.click(hands.named("trackQuestion.accept"))
    found = tracks_of(hands, tmp_path)
    assert [found["1"][frame] == PERSON for frame in (4, 5, 8, 9)] == [False, True, True, False]


def test_m_and_a_click_on_the_picture_ask_before_tracks_are_merged(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture(centre(PERSON))
    hands.key("M")
    hands.click_picture(centre(car(0)))
    assert question(hands).startswith(f"Merge 1 into 2? {FRAMES} frames overlap")
    hands.key("Escape")
    assert question(hands) == "" and set(tracks_of(hands, tmp_path)) == {"1", "2"}
    hands.key("M")
    assert question(hands) != ""
    hands.key("Escape")
    assert question(hands) == "", "Esc ends the choice of the other track too"


def test_a_box_of_one_track_is_never_twice_on_a_frame(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture(centre(PERSON))
    hands.key("Ctrl+C", "Ctrl+V", "Ctrl+D")
    assert len(boxes_on(hands, tmp_path, 0)) == 4
    hands.key("Shift+V", "Shift+P")
    assert len({row["id"] for row in exported(hands, tmp_path) if row["frameID"] == "0"}) == len(
        [row for row in exported(hands, tmp_path) if row["frameID"] == "0"]
    )


def test_parts_and_whole_tracks_are_deleted(person: Hands, tmp_path: Path) -> None:
    hands = person
    go_to(hands, 12)
    hands.wait(lambda: hands.colour_at((110, 120)).lightness() > 150, "the frame")
    hands.click_picture(centre(PERSON))
    hands.menu("Track", "Delete track from here")
    assert sorted(tracks_of(hands, tmp_path)["2"]) == list(range(12))
    hands.key("Shift+Del")
    assert set(tracks_of(hands, tmp_path)) == {"1"}


def test_an_export_says_which_boxes_have_no_track_and_offers_to_link_them(
    qtbot: QtBot, case: Case, tmp_path: Path
) -> None:
    lines = [line.rsplit(",", 1)[0] for line in case.gt.read_text().splitlines()]
    gt = tmp_path / "no_ids.csv"
    gt.write_text("\n".join(lines) + "\n")
    target = tmp_path / "linked.txt"
    with opened_window(qtbot, OpenRequest(video=case.video, gt=gt)) as window:
        hands = Hands(qtbot, window)
        texts: list[str] = []

        def link_instead(dialog: QDialog) -> None:
            texts.extend(hands.texts(dialog))
            hands.click(hands.button("Link boxes into tracks…", dialog))

        def link(dialog: QDialog) -> None:
            primary = dialog.findChild(QPushButton, "dialogPrimary")
            assert primary is not None
            hands.wait(primary.isEnabled, "the counted links")
            hands.click(primary)

        with hands.in_dialog(link_instead, link, hands.save_as(target)):
            hands.menu("File", "Export as", "Ground truth as MOTChallenge…")
        hands.wait(target.exists, "the exported file")
    assert any(text.startswith("No box has a track (frames 0–23); all are written with id −1") for text in texts)
    ids = read_by_trackeval(target, FRAMES, tmp_path / "trackeval")
    assert all(len(set(of_frame)) == 2 and min(of_frame) > 0 for of_frame in ids)


def test_an_accepted_prediction_continues_the_track_that_was_selected_last(person: Hands, tmp_path: Path) -> None:
    hands = person
    go_to(hands, 4)
    hands.wait(lambda: hands.colour_at((110, 120)).lightness() > 150, "the frame")
    hands.click_picture(centre(PERSON))
    hands.key("Alt+]")  # the person ends here
    go_to(hands, 7)
    hands.wait(lambda: hands.colour_at((110, 120)).lightness() > 150, "the frame")
    hands.click_picture((PERSON[0], 70.0))
    assert "continues person 2" in span(hands)
    hands.key("P")
    assert sorted(tracks_of(hands, tmp_path)["2"]) == list(range(8)), "the frames between are interpolated"
    assert "as person 2" in undo_text(hands)


def span(hands: Hands) -> str:
    """What the inspector says beside the name."""
    labels = [w for w in hands.window.findChildren(QLabel, "inspector.span") if w.isVisible()]
    return labels[0].text() if labels else ""


def undo_text(hands: Hands) -> str:
    return next(text for action in hands.window.actions() if (text := action.text()).startswith("Undo"))


def test_tracks_that_are_selected_in_the_list_are_merged_after_the_question(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.open_tab("Tracks")
    hands.wait(lambda: len(hands.rows("tracksTable")) == 2, "the tracks")
    hands.click_row("tracksTable", 0, 1)
    hands.click(hands.row_centre("tracksTable", 1, 1), Qt.KeyboardModifier.ControlModifier)
    hands.click(hands.named("tracks.merge"))
    assert question(hands).startswith("Merge 2 into 1?")
    hands.key("Tab")
    assert question(hands).startswith("Merge 1 into 2?")
    hands.key("Return")
    assert set(tracks_of(hands, tmp_path)) == {"2"}


def test_the_menu_of_a_lane_names_frames_and_fills_the_next_gap(annotator: Hands, tmp_path: Path) -> None:
    hands = annotator
    hands.click(on_lane(hands, "person 2", 3))
    hands.wait(lambda: title(hands) == "person 2", "the person")
    drag(hands, on_lane(hands, "person 2", 12.5), on_lane(hands, "person 2", 14.5))
    hands.release()
    hands.menu("Track", "Delete track in range")
    missing = sorted(set(range(FRAMES)) - set(tracks_of(hands, tmp_path)["2"]))
    assert missing
    hands.context_menu(on_lane(hands, "person 2", 3), f"Fill gap {missing[0]}–{missing[-1]}")
    assert sorted(tracks_of(hands, tmp_path)["2"]) == list(range(FRAMES))
    hands.context_menu(on_lane(hands, "person 2", 3), "Trim end to frame 3")
    assert sorted(tracks_of(hands, tmp_path)["2"]) == list(range(4))


def on_row(hands: Hands, frame: float) -> QPoint:
    """Where a frame is on the row of the selected track; the whole video is visible."""
    row = hands.named("timelineTrack")
    width = row.width() - GUTTER - SIZE["timeline_margin"]
    return row.mapToGlobal(QPoint(round(GUTTER + (frame + 0.5) / FRAMES * width), row.height() // 2))


def test_the_row_of_the_selected_track_is_trimmed_too_and_scrubs_elsewhere(person: Hands, tmp_path: Path) -> None:
    hands = person
    hands.click_picture(centre(PERSON))
    drag(hands, on_row(hands, FRAMES - 0.5), on_row(hands, 15))
    assert question(hands) == f"Trim to frame 15: {FRAMES - 16} boxes are deleted"
    hands.release()
    assert sorted(tracks_of(hands, tmp_path)["2"]) == list(range(16))
    drag(hands, on_row(hands, 18), on_row(hands, 20))
    hands.release()
    assert current_frame(hands) == 20
    hands.key("W")
    assert title(hands) == "person 2", "the keyboard is the canvas's again"


def test_k_adds_a_key_frame_and_takes_it_away(annotator: Hands, tmp_path: Path) -> None:
    hands = annotator
    hands.click_picture(centre(PERSON))
    go_to(hands, 1)
    hands.key("Alt+]")
    go_to(hands, 11)
    hands.wait(lambda: hands.colour_at((110, 120)).lightness() > 150, "the frame")
    hands.key("W")
    hands.drag_picture((200.0, 40.0), (240.0, 100.0))
    go_to(hands, 6)
    hands.wait(lambda: title(hands) == "person 2", "the interpolated box")
    key = hands.named("inspector.key")
    assert isinstance(key, QAbstractButton) and not key.isChecked()
    hands.key("K")
    hands.wait(key.isChecked, "a key frame")
    before = tracks_of(hands, tmp_path)["2"]
    hands.key("Shift+Right")  # ten pixels: the boxes on both sides follow
    moved = tracks_of(hands, tmp_path)["2"]
    assert moved[6][0] == pytest.approx(before[6][0] + 10) and moved[8][0] != before[8][0]
    hands.key("K")
    hands.wait(lambda: not key.isChecked(), "no key frame")
    after = tracks_of(hands, tmp_path)["2"]
    assert all(after[f][0] == pytest.approx(before[f][0], abs=1e-3) for f in range(12)), "back on the straight line"
