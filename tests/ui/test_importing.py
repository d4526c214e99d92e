"""What dropped paths are, and the sheet that shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.ui.dialogs.open_sheet import OpenSheet
from iouviewer.ui.importing import (
    BoxReader,
    Context,
    Found,
    Order,
    Role,
    look,
    look_at_all,
    proposed_shift,
    read,
    with_class,
)
from tests.ui.window import square, write_boxes, write_video


def boxes_on(frames: list[int]) -> ImportedBoxes:
    n = len(frames)
    return ImportedBoxes(
        Path("x.csv"),
        "boxcsv",
        Kind.UNKNOWN,
        np.array(frames, np.int64),
        np.tile(np.array([[1.0], [2.0], [3.0], [4.0]]), n),
        np.full(n, -1, np.int64),
        (),
        None,
        np.full(n, -1, np.int64),
        np.zeros(n, np.int64),
    )


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("clip.mp4", Role.VIDEO),
        ("clip.AVI", Role.VIDEO),
        ("clip.mp4.iouv", Role.PROJECT),
        ("yolo.pt", Role.MODEL),
        ("yolo.onnx", Role.MODEL),
    ],
)
def test_names_tell_videos_projects_and_models(tmp_path: Path, name: str, role: Role) -> None:
    path = tmp_path / name
    path.touch()
    assert look(path).role is role


def test_an_openvino_folder_is_a_model_and_a_folder_of_pictures_a_video(tmp_path: Path) -> None:
    model = tmp_path / "m_openvino_model"
    model.mkdir()
    (model / "m.xml").touch()
    (model / "m.bin").touch()
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "000.jpg").touch()
    assert (look(model).role, look(model).name) == (Role.MODEL, "m")
    assert look(pictures).role is Role.VIDEO
    assert look(tmp_path / "missing.csv").role is Role.SKIP


def test_a_folder_of_a_mix_gives_what_lies_in_it_with_one_ground_truth(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", 3)
    write_boxes(tmp_path / "det.csv", {0: [square(0)]})
    write_boxes(tmp_path / "my_gt.csv", {0: [square(0)]})
    write_boxes(tmp_path / "scored.csv", {0: [(*square(0), 0.5)]}, scores=True)
    found = {one.path.name: one.role for one in look_at_all([tmp_path])}
    assert found == {
        "a.avi": Role.VIDEO,
        "det.csv": Role.PREDICTIONS,
        "my_gt.csv": Role.GROUND_TRUTH,
        "scored.csv": Role.PREDICTIONS,
    }


@pytest.mark.parametrize(
    ("frames", "count", "shift"),
    [([], 10, 0), ([0, 9], 10, 0), ([1, 10], 10, -1), ([-1, 3], 10, 1), ([0, 10], 10, 0), ([101, 110], 10, -101)],
)
def test_the_smallest_shift_that_puts_all_boxes_into_the_video_is_proposed(
    frames: list[int], count: int, shift: int
) -> None:
    assert proposed_shift(boxes_on(frames), count) == shift


def test_a_class_is_given_only_to_files_without_classes() -> None:
    named = with_class(boxes_on([0, 1]), "person")
    assert named.class_names == ("person",)
    assert named.class_ids.tolist() == [0, 0]
    assert with_class(named, "car").class_names == ("person",)
    assert with_class(boxes_on([0]), "").class_names == ()


def test_reading_a_missing_file_is_an_error_in_the_answer(tmp_path: Path) -> None:
    answer = read(Order(1, tmp_path / "none.csv", Kind.GROUND_TRUTH, Context((10, 10), 3, "x")))
    assert answer.boxes is None
    assert answer.error is not None
    assert "none.csv" in str(answer.error)


def test_the_sheet_shows_refused_rows_and_a_proposed_offset_and_hands_over_what_was_edited(
    qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("frameID,x1,y1,x2,y2\n1,10,10,50,50\n2,60,60,20,80\n5,1,1,9,9\n", encoding="utf-8")
    reader = BoxReader()
    sheet = OpenSheet(None, [Found(path, Role.GROUND_TRUTH, "boxes")], reader, Context((100, 100), 5, "clip"))
    qtbot.addWidget(sheet)
    try:
        qtbot.waitUntil(lambda: not sheet.busy, timeout=20_000)
        row = sheet.rows[0]
        assert "1 row refused" in row.what.text()
        assert "offset -1 proposed" in row.what.text()
        assert "boxes.csv:3" in sheet.note.text()
        assert sheet.needs_a_look()
        row.class_name.setText("person")
        [item] = sheet.items()
        assert item.boxes is not None
        assert item.boxes.frames.tolist() == [0, 4]
        assert item.boxes.class_names == ("person",)
        row.role.setCurrentIndex(row.role.findData(Role.SKIP))
        row.role.activated.emit(row.role.currentIndex())
        assert sheet.items() == []
        assert not sheet.open_button.isEnabled()
    finally:
        reader.close()


def test_a_clean_file_needs_no_look_and_the_button_waits_for_reading(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_boxes(tmp_path / "b.csv", {0: [square(0)]})
    reader = BoxReader()
    sheet = OpenSheet(None, [Found(path, Role.PREDICTIONS, "b")], reader, Context((320, 240), 5, "clip"))
    qtbot.addWidget(sheet)
    try:
        assert not sheet.open_button.isEnabled()
        qtbot.waitUntil(lambda: not sheet.busy, timeout=20_000)
        assert sheet.open_button.isEnabled()
        assert not sheet.needs_a_look()
        assert sheet.open_button.isDefault()
        assert sheet.table.horizontalHeaderItem(0).data(Qt.ItemDataRole.DisplayRole) == "File"
    finally:
        reader.close()
