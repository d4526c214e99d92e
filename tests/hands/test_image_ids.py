"""Results with bare image ids and the ground truth that lists these images, imported in both orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.hands.hands import Hands
from tests.ui.window import FRAMES, HEIGHT, WIDTH, opened_window, square, write_video


def image_id(frame: int) -> int:
    """Ids run against the frames: taken for numbers, they are wrong frames that exist."""
    return FRAMES - frame


def write_files(folder: Path) -> tuple[Path, Path, Path]:
    """Video, COCO ground truth with its images, and results that have only image ids."""
    images, truth, results = [], [], []
    for frame in range(FRAMES):
        x1, y1, x2, y2 = square(frame)
        bbox = [x1, y1, x2 - x1, y2 - y1]
        name = f"clip_{frame:06d}.jpg"
        images.append({"id": image_id(frame), "file_name": name, "width": WIDTH, "height": HEIGHT})
        truth.append({"id": frame + 1, "image_id": image_id(frame), "category_id": 1, "bbox": bbox})
        found = [x1 + 4, y1, x2 - x1, y2 - y1]
        results.append({"image_id": image_id(frame), "category_id": 1, "bbox": found, "score": 0.9})
    document = {"images": images, "categories": [{"id": 1, "name": "car"}], "annotations": truth}
    gt, pred = folder / "gt.json", folder / "found.json"
    gt.write_text(json.dumps(document))
    pred.write_text(json.dumps(results))
    return write_video(folder / "clip.avi"), gt, pred


def import_file(hands: Hands, entry: str, path: Path) -> None:
    with hands.in_dialog(hands.open_path(path)):
        hands.menu("File", entry)


def open_video(hands: Hands, video: Path) -> None:
    with hands.in_dialog(hands.open_path(video)):
        hands.menu("File", "Open video or images…")
    hands.wait(lambda: hands.reads("/ 23"), "the video")


def table(hands: Hands) -> list[list[str]]:
    """The table of variants once it has scores."""
    hands.key("F3")
    hands.wait(lambda: hands.rows("variantsTable"), "the variant")
    hands.wait(lambda: "–" not in hands.column("variantsTable", "AP"), "the scores")
    return hands.rows("variantsTable")


def imported_in(order: str, qtbot: QtBot, folder: Path) -> list[list[str]]:
    """The table of variants after imports in this order."""
    folder.mkdir()
    video, gt, pred = write_files(folder)
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        open_video(hands, video)
        if order == "truth first":
            import_file(hands, "Import ground truth…", gt)
            hands.wait(lambda: "car" in hands.column("boxesTable", "Class"), "the ground truth")
            import_file(hands, "Add predictions…", pred)
        else:
            import_file(hands, "Add predictions…", pred)
            hands.wait(lambda: hands.reads("found"), "the layer of the variant")
            import_file(hands, "Import ground truth…", gt)
            hands.wait(lambda: hands.reads("found: 24 boxes joined by the image IDs"), "the message")
        return table(hands)


def test_both_orders_give_the_same_table(qtbot: QtBot, tmp_path: Path) -> None:
    tables = [imported_in(order, qtbot, tmp_path / order.split()[0]) for order in ("truth first", "results first")]
    assert tables[0] == tables[1]
    assert "0.905" in tables[0][0]


def test_the_frames_follow_when_the_ground_truth_comes_in_a_later_session(qtbot: QtBot, tmp_path: Path) -> None:
    video, gt, pred = write_files(tmp_path)
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        open_video(hands, video)
        import_file(hands, "Add predictions…", pred)
        hands.wait(lambda: hands.reads("Saved, clip.avi.iouv"), "the project")
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        open_video(hands, video)
        hands.wait(lambda: hands.reads("found"), "the layer of the variant")
        import_file(hands, "Import ground truth…", gt)
        hands.wait(lambda: hands.reads("Avg IoU 0.905"), "the scores by the ids of the ground truth")


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_a_file_that_is_gone_or_changed_is_told_and_stays_told(qtbot: QtBot, tmp_path: Path, change: str) -> None:
    video, gt, pred = write_files(tmp_path)
    with opened_window(qtbot) as window:
        hands = Hands(qtbot, window)
        open_video(hands, video)
        import_file(hands, "Add predictions…", pred)
        hands.wait(lambda: hands.reads("found"), "the layer of the variant")
        if change == "gone":
            pred.unlink()
        else:
            pred.write_text(pred.read_text().replace("0.9", "0.8"))
        import_file(hands, "Import ground truth…", gt)
        hands.wait(lambda: hands.reads("found keeps the frames that were assumed for its image IDs"), "the warning")
        assert hands.reads("remove found and add its file again")
        hands.wait(lambda: not hands.reads("Avg IoU –"), "the scores")
        assert not hands.reads("Avg IoU 0.905")
