"""Dropped paths are identified, and the open dialog shows them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.formats.interface import ReadContext
from iouviewer.ui.dialogs.open_dialog import OpenDialog
from iouviewer.ui.importing import (
    BoxReader,
    FileCandidate,
    FileRole,
    ReadRequest,
    find_candidates,
    identify,
    propose_frame_offset,
    read,
)
from tests.formats.test_alignment import CONTEXT, COUNT, moving
from tests.ui.window import square, warnings_of, write_boxes, write_video


def boxes_on(frames: list[int]) -> ImportedBoxes:
    n = len(frames)
    return ImportedBoxes(
        Path("x.csv"),
        "boxcsv",
        ImportKind.UNKNOWN,
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
        ("clip.mp4", FileRole.VIDEO),
        ("clip.AVI", FileRole.VIDEO),
        ("clip.mp4.iouv", FileRole.PROJECT),
        ("yolo.pt", FileRole.MODEL),
        ("yolo.onnx", FileRole.MODEL),
    ],
)
def test_videos_projects_and_models_are_identified_by_their_names(tmp_path: Path, name: str, role: FileRole) -> None:
    path = tmp_path / name
    path.touch()
    assert identify(path).role is role


def test_an_openvino_folder_is_a_model_and_an_image_folder_is_a_video(tmp_path: Path) -> None:
    model = tmp_path / "m_openvino_model"
    model.mkdir()
    (model / "m.xml").touch()
    (model / "m.bin").touch()
    images = tmp_path / "images"
    images.mkdir()
    (images / "000.jpg").touch()
    assert (identify(model).role, identify(model).name) == (FileRole.MODEL, "m")
    assert identify(images).role is FileRole.VIDEO
    assert identify(tmp_path / "missing.csv").role is FileRole.SKIP


def test_a_mixed_folder_is_replaced_by_its_files_with_one_ground_truth(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", 3)
    write_boxes(tmp_path / "det.csv", {0: [square(0)]})
    write_boxes(tmp_path / "my_gt.csv", {0: [square(0)]})
    write_boxes(tmp_path / "scored.csv", {0: [(*square(0), 0.5)]}, scores=True)
    roles = {candidate.path.name: candidate.role for candidate in find_candidates([tmp_path])}
    assert roles == {
        "a.avi": FileRole.VIDEO,
        "det.csv": FileRole.PREDICTIONS,
        "my_gt.csv": FileRole.GROUND_TRUTH,
        "scored.csv": FileRole.PREDICTIONS,
    }


@pytest.mark.parametrize(
    ("frames", "count", "offset"),
    [([], 10, 0), ([0, 9], 10, 0), ([1, 10], 10, -1), ([-1, 3], 10, 1), ([0, 10], 10, 0), ([101, 110], 10, -101)],
)
def test_the_smallest_offset_that_puts_all_boxes_into_the_video_is_proposed(
    frames: list[int], count: int, offset: int
) -> None:
    assert propose_frame_offset(boxes_on(frames), count) == offset


def test_only_files_without_classes_get_a_class() -> None:
    named = boxes_on([0, 1]).with_class("person")
    assert named.class_names == ("person",)
    assert named.class_ids.tolist() == [0, 0]
    assert named.with_class("car").class_names == ("person",)
    assert boxes_on([0]).with_class("").class_names == ()


def test_reading_a_missing_file_returns_an_error(tmp_path: Path) -> None:
    result = read(ReadRequest(1, tmp_path / "none.csv", ImportKind.GROUND_TRUTH, ReadContext((10, 10), 3, "x")))
    assert result.boxes is None
    assert result.error is not None
    assert "none.csv" in str(result.error)


def test_the_dialog_shows_invalid_rows_and_an_offset_and_returns_what_was_edited(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("frameID,x1,y1,x2,y2\n1,10,10,50,50\n2,60,60,20,80\n5,1,1,9,9\n", encoding="utf-8")
    reader = BoxReader()
    dialog = OpenDialog(
        None, [FileCandidate(path, FileRole.GROUND_TRUTH, "boxes")], reader, ReadContext((100, 100), 5, "clip")
    )
    qtbot.addWidget(dialog)
    try:
        qtbot.waitUntil(lambda: not dialog.is_reading, timeout=20_000)
        row = dialog.rows[0]
        assert "1 invalid row" in row.contents.text()
        assert dialog.windowTitle() == "Open 1 file"
        assert "suggested offset -1" in row.contents.text()
        assert "boxes.csv:3" in warnings_of(dialog)
        assert dialog.needs_review()
        dialog.question.field.setText("person")
        [item] = dialog.items()
        assert item.boxes is not None
        assert item.boxes.frames.tolist() == [0, 4]
        assert item.boxes.class_names == ("person",)
        row.role_box.setCurrentIndex(row.role_box.findData(FileRole.SKIP))
        row.role_box.activated.emit(row.role_box.currentIndex())
        assert dialog.items() == []
        assert not dialog.open_button.isEnabled()
    finally:
        reader.close()


def test_a_valid_file_needs_no_review_and_the_button_waits_until_it_is_read(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_boxes(tmp_path / "b.csv", {0: [square(0)]})
    reader = BoxReader()
    dialog = OpenDialog(
        None, [FileCandidate(path, FileRole.PREDICTIONS, "b")], reader, ReadContext((320, 240), 5, "clip")
    )
    qtbot.addWidget(dialog)
    try:
        assert not dialog.open_button.isEnabled()
        qtbot.waitUntil(lambda: not dialog.is_reading, timeout=20_000)
        assert dialog.open_button.isEnabled()
        assert not dialog.needs_review()
        assert dialog.open_button.isDefault()
        assert dialog.table.horizontalHeaderItem(0).data(Qt.ItemDataRole.DisplayRole) == "File"
    finally:
        reader.close()


def open_and_read(qtbot: QtBot, reader: BoxReader, candidates: list[FileCandidate], context: ReadContext, **more):
    dialog = OpenDialog(None, candidates, reader, context, **more)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: not dialog.is_reading, timeout=20_000)
    return dialog


def choose(qtbot: QtBot, dialog: OpenDialog, row: int, text: str) -> None:
    """Choose an entry of "Read as" as a person does."""
    combo = dialog.rows[row].reading
    position = combo.findText(text, Qt.MatchFlag.MatchContains)
    assert position >= 0, [combo.itemText(i) for i in range(combo.count())]
    combo.setCurrentIndex(position)
    combo.activated.emit(position)
    qtbot.waitUntil(lambda: not dialog.is_reading, timeout=20_000)


def write_coco(path: Path, size: tuple[int, int], ids: tuple[int, ...] = (1, 2, 3), *, listed: bool = True) -> Path:
    boxes = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [10 * n, 10, 20, 20], **({} if listed else {"score": 0.9})}
        for n, i in enumerate(ids)
    ]
    images = [{"id": i, "file_name": f"f_{n:04d}.jpg", "width": size[0], "height": size[1]} for n, i in enumerate(ids)]
    whole = {"images": images, "categories": [{"id": 1, "name": "a"}], "annotations": boxes}
    path.write_text(json.dumps(whole if listed else boxes))
    return path


def test_a_difference_to_the_video_is_offered_and_resolved_in_the_dialog(qtbot: QtBot, tmp_path: Path) -> None:
    path = write_coco(tmp_path / "gt.json", (640, 480))
    reader = BoxReader()
    try:
        candidates = [FileCandidate(path, FileRole.GROUND_TRUTH, "gt")]
        dialog = open_and_read(qtbot, reader, candidates, ReadContext((320, 240), 3, "clip"))
        assert not dialog.open_button.isEnabled()
        assert not dialog.table.isColumnHidden(5)
        assert "640 × 480" in warnings_of(dialog)
        assert "320 × 240" in warnings_of(dialog)
        choose(qtbot, dialog, 0, "Scale the boxes")
        assert dialog.open_button.isEnabled()
        [item] = dialog.items()
        assert item.boxes is not None
        assert item.boxes.boxes[:, 1].tolist() == [5, 5, 15, 15]
        choose(qtbot, dialog, 0, "Choose…")
        assert not dialog.open_button.isEnabled()
        choose(qtbot, dialog, 0, "as it is")
        [item] = dialog.items()
        assert item.boxes is not None
        assert item.boxes.boxes[:, 1].tolist() == [10, 10, 30, 30]
    finally:
        reader.close()


def test_results_are_joined_through_the_ground_truth_whatever_the_order_of_the_files(
    qtbot: QtBot, tmp_path: Path
) -> None:
    truth = write_coco(tmp_path / "gt.json", (320, 240), (30, 20, 10))
    results = write_coco(tmp_path / "p.json", (320, 240), (30, 20, 10), listed=False)
    files = [FileCandidate(results, FileRole.PREDICTIONS, "p"), FileCandidate(truth, FileRole.GROUND_TRUTH, "gt")]
    reader = BoxReader()
    try:
        for order in (files, files[::-1]):
            dialog = open_and_read(qtbot, reader, order, ReadContext((320, 240), 3, "clip"))
            frames = {item.role: item.boxes.frames.tolist() for item in dialog.items() if item.boxes is not None}
            assert frames == {FileRole.GROUND_TRUTH: [0, 1, 2], FileRole.PREDICTIONS: [0, 1, 2]}
    finally:
        reader.close()


def test_a_shift_that_fits_better_is_offered_with_both_figures(qtbot: QtBot, tmp_path: Path) -> None:
    track = {frame: [(7.0 * frame, 10.0, 7.0 * frame + 20, 40.0)] for frame in range(30)}
    truth = write_boxes(tmp_path / "gt.csv", track)
    late = write_boxes(tmp_path / "late.csv", {frame + 1: boxes for frame, boxes in track.items() if frame < 29})
    files = [FileCandidate(truth, FileRole.GROUND_TRUTH, "gt"), FileCandidate(late, FileRole.PREDICTIONS, "late")]
    reader = BoxReader()
    try:
        dialog = open_and_read(qtbot, reader, files, ReadContext((320, 240), 30, "clip"))
        assert dialog.needs_review()
        assert "shift −1: mean IoU 1.00, as it is: 0.48" in warnings_of(dialog)
        assert dialog.rows[1].offset.value() == 0
        choose(qtbot, dialog, 1, "Shift −1")
        assert dialog.rows[1].offset.value() == -1
        assert warnings_of(dialog) == ""
        assert not dialog.needs_review()
        item = next(item for item in dialog.items() if item.role is FileRole.PREDICTIONS)
        assert item.boxes is not None
        assert item.boxes.frames.tolist() == list(range(29))
        # Against ground truth that is loaded already, too.
        frames = np.arange(30)
        loaded = np.array([track[frame][0] for frame in range(30)]).T
        alone = open_and_read(qtbot, reader, files[1:], ReadContext((320, 240), 30, "clip"), truth=(frames, loaded))
        assert alone.needs_review()
        assert "shift −1" in warnings_of(alone)
    finally:
        reader.close()


def test_a_folder_of_splits_is_one_image_folder(tmp_path: Path) -> None:
    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir(parents=True)
        (tmp_path / "images" / split / "img_1.jpg").write_bytes(b"")
    [found] = find_candidates([tmp_path / "images"])
    assert (found.role, found.path) == (FileRole.VIDEO, tmp_path / "images")


def test_predictions_that_fit_another_reading_better_keep_a_note_if_they_are_opened_as_they_are(
    qtbot: QtBot, tmp_path: Path
) -> None:
    frames, boxes = moving()
    rects = {int(f): [tuple(boxes[:, f])] for f in frames}
    gt = write_boxes(tmp_path / "gt.csv", rects)
    late = write_boxes(tmp_path / "late.csv", {f + 3: [(*rects[f][0], 0.9)] for f in range(COUNT - 3)}, scores=True)
    files = [FileCandidate(gt, FileRole.GROUND_TRUTH, "gt"), FileCandidate(late, FileRole.PREDICTIONS, "late")]
    reader = BoxReader()
    dialog = OpenDialog(None, files, reader, CONTEXT)
    qtbot.addWidget(dialog)
    try:
        qtbot.waitUntil(lambda: not dialog.is_reading, timeout=20_000)
        assert dialog.needs_review()
        truth, found = dialog.items()
        assert not any("another reading" in note for note in truth.boxes.notes)
        assert any("another reading: shift −3" in note for note in found.boxes.notes)
        dialog.rows[1].offset.setValue(-3)
        _, found = dialog.items()
        assert found.boxes.frames.tolist() == list(range(COUNT - 3))
        assert not any("another reading" in note for note in found.boxes.notes)
    finally:
        reader.close()


def test_text_is_never_opened_as_a_video(tmp_path: Path) -> None:
    for name, content, said in (
        ("notes.txt", "hello there\n", "This is a text file that iouviewer cannot read"),
        ("a.json", '{"a": 1}', "This is a JSON file that iouviewer cannot read"),
        ("d.json", '{"item": {"slots": []}, "annotations": []}', "This is V7 Darwin JSON"),
    ):
        path = tmp_path / name
        path.write_text(content)
        found = identify(path)
        assert found.role is FileRole.SKIP
        assert said in found.reason
    (tmp_path / "clip.xyz").write_bytes(b"\0\0\0\x18ftypmp42")
    assert identify(tmp_path / "clip.xyz").role is FileRole.VIDEO


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.bin")
    found = identify(tmp_path / "a.bin")
    assert found.role is FileRole.SKIP
    assert "A pipe or device" in found.reason
