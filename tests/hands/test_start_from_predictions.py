"""The first minute with a video and predictions: start from them, correct, verify, export; and linking ids."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractButton, QDialog, QDoubleSpinBox, QLabel, QListWidget
from pytestqt.qtbot import QtBot

from iouviewer.jobs.requests import OpenRequest
from tests.hands.boxes_by_hand import exported, go_to, message, title
from tests.hands.hands import Hands
from tests.propagation.clips import SIZE, Clip, make_clip
from tests.ui.window import opened_window

FRAMES = 40


def walking(frame: int) -> tuple[float, float]:
    """A straight course with a turn."""
    return 30.0 + 4.0 * frame, 60.0 + 2.0 * abs(20 - frame)


def predictions(folder: Path, clip: Clip) -> Path:
    """The object on each frame, an unsure box and a box of one frame that is nothing."""
    found = folder / "found.csv"
    rows = [f"{frame},{','.join(map(str, box))},robot,0.9" for frame, box in enumerate(clip.boxes.tolist())]
    rows += ["3,200,10,236,70,robot,0.8", "5,10,150,46,210,robot,0.1"]
    found.write_text("frameID,x1,y1,x2,y2,class,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return found


@contextmanager
def opened(qtbot: QtBot, folder: Path, *, gt: Path | None = None, with_predictions: bool = True) -> Iterator[Hands]:
    clip = make_clip(FRAMES, walking)
    video = clip.write(folder / "clip.avi")
    preds = (("found", predictions(folder, clip)),) if with_predictions else ()
    with opened_window(qtbot, OpenRequest(video=video, gt=gt, preds=preds)) as window:
        yield Hands(qtbot, window)


def outcome(dialog: QDialog) -> str:
    label = dialog.findChild(QLabel, "planOutcome")
    assert label is not None
    return label.text()


def when_counted(hands: Hands, reads: str, then: Callable[[QDialog], None]) -> Callable[[QDialog], None]:
    """Wait for the count, read it, and go on."""

    def steps(dialog: QDialog) -> None:
        primary = dialog.findChild(QAbstractButton, "dialogPrimary")
        assert primary is not None
        hands.wait(primary.isEnabled, "the count")
        assert outcome(dialog) == reads, outcome(dialog)
        then(dialog)

    return steps


def press_enter(hands: Hands) -> Callable[[QDialog], None]:
    def steps(dialog: QDialog) -> None:
        assert hands.button("Start with 40 boxes", dialog).isVisible()
        hands.key("Return")

    return steps


def started(hands: Hands) -> None:
    """Press the button in the empty list of boxes, and start."""
    hands.wait(lambda: hands.reads("Start from predictions"), "the way to start")
    reads = "40 boxes on 40 frames, 1 track, 5 key boxes; 1 prediction belongs to no track. One undo takes it all back."
    with hands.in_dialog(when_counted(hands, reads, press_enter(hands))):
        hands.click(hands.button("Start from predictions"))
    hands.wait(
        lambda: message(hands).startswith("Start from found at confidence 0.25: 40 boxes. found has no score"),
        "the step",
    )


def score_line(hands: Hands) -> list[str]:
    return [text for text in hands.texts() if text.startswith(("Frame ", "Avg IoU"))]


def import_file(hands: Hands, entry: str, path: Path) -> None:
    with hands.in_dialog(hands.open_path(path)):
        hands.menu("File", entry)


def test_the_first_minute_ends_with_a_corrected_frame_and_a_csv(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(FRAMES, walking)
    video, found = clip.write(tmp_path / "clip.avi"), predictions(tmp_path, clip)
    with opened_window(qtbot, OpenRequest()) as window:
        hands = Hands(qtbot, window)
        import_file(hands, "Open video or images…", video)
        hands.wait(lambda: hands.reads("/ 39"), "the video")
        assert not hands.sees("startDialog")
        import_file(hands, "Add predictions…", found)
        hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the predictions")
        started(hands)
        rows = exported(hands, tmp_path)
        assert (
            len(rows) == FRAMES and {row["id"] for row in rows} == {"1"} and {row["class"] for row in rows} == {"robot"}
        )
        # No score against its own boxes.
        assert hands.reads("–, ground truth comes from found")
        hands.key("F3")
        hands.wait(
            lambda: hands.rows("variantsTable")[0][0] == "found  ground truth comes from it", "why there is none"
        )
        assert hands.cell("variantsTable", 0, "Avg IoU") == "–" and hands.cell("variantsTable", 0, "AP") == "–"
        assert hands.cell("variantsTable", 0, "Frames") == "0 / 40"
        hands.key("F2")
        # Correct a frame and verify it.
        x1, y1 = walking(10)
        go_to(hands, 10)
        middle = (x1 + SIZE[0] / 2, y1 + SIZE[1] / 2)
        blue = int(clip.images[10][int(middle[1]), int(middle[0])][0])
        hands.wait(lambda: abs(hands.colour_at(middle).blue() - blue) < 25, "the picture of the frame")
        hands.click_picture((x1, middle[1]))
        hands.wait(lambda: title(hands) == "robot 1", "the selected box")
        hands.drag_picture((x1 + SIZE[0], middle[1]), (x1 + SIZE[0] + 20, middle[1]))
        hands.key("S")
        hands.wait(lambda: hands.reads("1 of 40 frames verified"), "the verified frame")
        hands.key("F3")
        hands.wait(lambda: hands.cell("variantsTable", 0, "Frames") == "1 / 40", "the frame that counts")
        score = float(hands.cell("variantsTable", 0, "Avg IoU"))
        assert abs(score - SIZE[0] / (SIZE[0] + 20)) < 0.02
        hands.key("F2")
        target = tmp_path / "scores.csv"
        with hands.in_dialog(hands.save_as(target)):
            hands.menu("File", "Export as", "IoU by frame (CSV)…")
        hands.wait(target.exists, "the CSV file")
        with target.open(newline="") as file:
            ious = {int(row["frameID"]): row["iou"] for row in csv.DictReader(file)}
        assert abs(float(ious[10]) - score) < 0.01 and ious[9] == ious[11] == ""


def test_one_undo_takes_all_boxes_back_and_redo_brings_them(qtbot: QtBot, tmp_path: Path) -> None:
    with opened(qtbot, tmp_path) as hands:
        hands.wait(lambda: hands.reads("No boxes on this frame."), "the empty list")
        started(hands)
        hands.key("Ctrl+Z")
        hands.wait(lambda: hands.reads("No boxes on this frame."), "the empty list again")
        assert exported(hands, tmp_path) == []
        hands.key("Ctrl+Y")
        assert len(exported(hands, tmp_path)) == FRAMES


def test_a_change_of_the_choices_counts_again_and_escape_does_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    with opened(qtbot, tmp_path) as hands:
        hands.wait(lambda: hands.reads("No boxes on this frame."), "the empty list")

        def steps(dialog: QDialog) -> None:
            hands.click(hands.button("Link boxes into tracks and leave out the others", dialog))
            reads = "41 boxes on 40 frames. One undo takes it all back."
            hands.wait(lambda: outcome(dialog) == reads, "the count without tracks")
            hands.key("Escape")

        with hands.in_dialog(steps):
            hands.menu("File", "Start from predictions…")
        assert exported(hands, tmp_path) == []


def test_only_chosen_classes_become_boxes_and_a_lower_confidence_brings_more(qtbot: QtBot, tmp_path: Path) -> None:
    clip = make_clip(FRAMES, walking)
    video, found = clip.write(tmp_path / "clip.avi"), predictions(tmp_path, clip)
    cones = "".join(f"{frame},280,200,300,230,cone,0.7\n" for frame in range(FRAMES))
    found.write_text(found.read_text(encoding="utf-8") + cones, encoding="utf-8")
    with opened_window(qtbot, OpenRequest(video=video, preds=(("found", found),))) as window:
        hands = Hands(qtbot, window)

        def steps(dialog: QDialog) -> None:
            end = " 1 prediction belongs to no track. One undo takes it all back."
            both = "80 boxes on 40 frames, 2 tracks, 7 key boxes;" + end
            hands.wait(lambda: outcome(dialog) == both, "both classes")
            classes = dialog.findChild(QListWidget, "startClasses")
            assert classes is not None and [classes.item(row).text() for row in range(2)] == ["robot  41", "cone  40"]
            box = classes.visualItemRect(classes.item(1))
            hands.click(classes.viewport().mapToGlobal(QPoint(box.left() + 17, box.center().y())))
            one = "40 boxes on 40 frames, 1 track, 5 key boxes;" + end
            hands.wait(lambda: outcome(dialog) == one, "robots only")
            score = dialog.findChild(QDoubleSpinBox, "startConfidence")
            assert score is not None
            hands.click(score)
            hands.key("Ctrl+A")
            hands.type("0.05")
            more = one.replace("1 prediction belongs", "2 predictions belong")
            hands.wait(lambda: outcome(dialog) == more, "the unsure box too")
            hands.key("Escape")

        with hands.in_dialog(steps):
            hands.menu("File", "Start from predictions…")
        assert exported(hands, tmp_path) == []


def test_the_reason_for_no_score_is_still_there_after_a_restart(qtbot: QtBot, tmp_path: Path) -> None:
    with opened(qtbot, tmp_path) as hands:
        hands.wait(lambda: hands.reads("No boxes on this frame."), "the empty list")
        started(hands)
        hands.wait(lambda: hands.reads("Saved"), "the saved project")
    with opened_window(qtbot, OpenRequest()) as window:
        hands = Hands(qtbot, window)
        import_file(hands, "Open video or images…", tmp_path / "clip.avi")
        hands.wait(lambda: hands.reads("/ 39"), "the video")
        hands.key("F3")
        hands.wait(lambda: hands.rows("variantsTable"), "the variant")
        hands.wait(
            lambda: hands.rows("variantsTable")[0][0] == "found  ground truth comes from it", "why there is none"
        )
        assert hands.cell("variantsTable", 0, "Frames") == "0 / 40"
        hands.key("F2")
        x1, y1 = walking(0)
        edge = hands.on_canvas((x1, y1 + SIZE[1] / 2))
        hands.wait(lambda: "Started from found" in hands.tooltip_at(edge).splitlines(), "where the box came from")


def test_accepted_boxes_are_warned_of_and_left_out_on_request(qtbot: QtBot, tmp_path: Path) -> None:
    gt = tmp_path / "gt.csv"
    boxes = make_clip(FRAMES, walking).boxes
    rows = [f"{frame},{','.join(map(str, box))},robot,1" for frame, box in enumerate(boxes.tolist()) if frame > 3]
    gt.write_text("frameID,x1,y1,x2,y2,class,id\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with opened(qtbot, tmp_path, gt=gt) as hands:
        for frame in range(3):
            go_to(hands, frame)
            hands.key("Shift+P")
            hands.wait(lambda: message(hands).startswith("Accept found"), "the accepted box")
        hands.key("F3")
        hands.wait(lambda: hands.rows("variantsTable")[0][0] == "found  8% of boxes come from it", "the warning")
        before = hands.cell("variantsTable", 0, "Frames"), hands.cell("variantsTable", 0, "Prec.")
        hands.menu("Problems", "Score without accepted boxes")
        hands.wait(lambda: hands.rows("variantsTable")[0][0] == "found", "scores without them")
        hands.menu("Problems", "Score without accepted boxes")
        hands.wait(lambda: hands.rows("variantsTable")[0][0] == "found  8% of boxes come from it", "the warning again")
        assert (hands.cell("variantsTable", 0, "Frames"), hands.cell("variantsTable", 0, "Prec.")) == before
        hands.menu("Problems", "Score without accepted boxes")
        hands.wait(lambda: hands.rows("variantsTable")[0][0] == "found", "scores without them")
    with opened_window(qtbot, OpenRequest(project=tmp_path / "clip.avi.iouv")) as window:
        hands = Hands(qtbot, window)
        hands.wait(lambda: hands.reads("found"), "the layer of the variant")
        hands.key("F3")
        hands.wait(lambda: hands.rows("variantsTable"), "the variant")
        hands.wait(lambda: hands.rows("variantsTable")[0][0] == "found", "the switch as it was left")
        hands.menu("Problems", "Score without accepted boxes")
        hands.wait(lambda: hands.rows("variantsTable")[0][0] == "found  8% of boxes come from it", "all boxes again")


def test_boxes_without_ids_become_tracks_in_one_step(qtbot: QtBot, tmp_path: Path) -> None:
    gt = tmp_path / "gt.csv"
    boxes = make_clip(FRAMES, walking).boxes
    rows = [f"{frame},{','.join(map(str, box))},robot" for frame, box in enumerate(boxes.tolist())]
    rows.append("7,250,180,280,230,robot")
    gt.write_text("frameID,x1,y1,x2,y2,class\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with opened(qtbot, tmp_path, gt=gt, with_predictions=False) as hands:
        hands.wait(lambda: len(hands.rows("boxesTable")) == 1, "the box of the first frame")
        before = exported(hands, tmp_path)

        def press(dialog: QDialog) -> None:
            hands.click(hands.button("Link 40 boxes", dialog))

        with hands.in_dialog(when_counted(hands, "41 boxes → 1 track, 1 left without a track", press)):
            hands.menu("Track", "Link boxes into tracks…")
        hands.wait(lambda: message(hands) == "Link 40 boxes into 1 track.", "the step")
        linked = exported(hands, tmp_path)
        assert sorted({row["id"] for row in linked}) == ["", "1"] and len(linked) == 41
        # The file that was read has no column of tracks: a new one is written, whose rows are in the order of frames.
        names = ("frameID", "x1", "y1", "x2", "y2")
        places, places_before = (
            sorted([float(row[name]) for name in names] for row in rows) for rows in (linked, before)
        )
        assert np.array_equal(places, places_before)
        hands.key("Ctrl+Z")
        assert exported(hands, tmp_path) == before
        hands.key("Ctrl+Y")
