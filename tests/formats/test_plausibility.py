"""Numbers that cannot mean what the format says are refused by name; real data is never questioned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import ReadContext, read_boxes

SIZE = (640, 480)
BOXES = np.array([[100, 200, 180, 320], [300, 200, 380, 320], [102, 200, 182, 320], [420, 60, 560, 470]], float)
"""Rows of x1, y1, x2, y2."""
KINDS = (ImportKind.GROUND_TRUTH, ImportKind.PREDICTIONS)


def extents(corners):
    return np.column_stack((corners[:, :2], corners[:, 2:] - corners[:, :2]))


def centres(corners, size=SIZE):
    scale = np.array([*size, *size], float)
    middle = np.column_stack(((corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]))
    return middle / scale


def numbers(row):
    return ",".join(f"{value:.10g}" for value in row)


def mot(folder, columns):
    path = folder / "boxes.txt"
    path.write_text("".join(f"{n},{n},{numbers(row)},0.9\n" for n, row in enumerate(columns, 1)))
    return path


def box_csv(folder, columns):
    path = folder / "boxes.csv"
    path.write_text("frameID,x1,y1,x2,y2\n" + "".join(f"{n},{numbers(row)}\n" for n, row in enumerate(columns)))
    return path


def coco(folder, columns, size=SIZE):
    path = folder / "boxes.json"
    width, height = size
    images = [{"id": n, "file_name": f"{n}.jpg", "width": width, "height": height} for n in range(1, len(columns) + 1)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": row.tolist(), "score": 0.9}
        for n, row in enumerate(columns, 1)
    ]
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "car"}]}
    path.write_text(json.dumps(document))
    return path


def voc(folder, columns):
    for n, row in enumerate(columns, 1):
        ends = "".join(f"<{tag}>{v:.10g}</{tag}>" for tag, v in zip(("xmin", "ymin", "xmax", "ymax"), row, strict=True))
        text = f"<annotation><object><name>car</name><bndbox>{ends}</bndbox></object></annotation>"
        (folder / f"f_{n}.xml").write_text(text)
    return folder


def yolo(folder, rows):
    (folder / "labels").mkdir()
    for n, row in enumerate(rows, 1):
        (folder / "labels" / f"f_{n}.txt").write_text("0 " + " ".join(f"{value:.10g}" for value in row) + "\n")
    return folder / "labels"


def label_studio(folder, columns):
    keys = [
        {"frame": n, "enabled": True, "rotation": 0, **dict(zip(("x", "y", "width", "height"), row, strict=True))}
        for n, row in enumerate(columns.tolist(), 1)
    ]
    value = {"framesCount": len(keys), "sequence": keys, "labels": ["car"]}
    region = {"type": "videorectangle", "value": value}
    path = folder / "export.json"
    path.write_text(json.dumps([{"id": 1, "annotations": [{"id": 1, "result": [region]}]}]))
    return path


PIXELS = {"mot": (mot, extents), "coco": (coco, extents), "boxcsv": (box_csv, lambda b: b), "voc": (voc, lambda b: b)}
FRACTION = np.array([1 / 640, 1 / 480, 1 / 640, 1 / 480])
FIRST = np.full((4, 1), 0.9) - np.arange(4)[:, None] / 20
"""A column of confidences."""

WRONG = {
    **{
        f"{key}, normalised": (write, layout(BOXES * FRACTION), "normalised") for key, (write, layout) in PIXELS.items()
    },
    "mot, corners": (mot, BOXES, "x1, y1, x2, y2"),
    "coco, corners": (coco, BOXES, "x1, y1, x2, y2"),
    "boxcsv, widths": (box_csv, extents(BOXES), "x, y, width, height"),
    "voc, widths": (voc, extents(BOXES), "x, y, width, height"),
    "mot, confidence first": (mot, np.column_stack((FIRST, extents(BOXES)))[:, :5], "confidence"),
    "yolo, pixels": (yolo, centres(BOXES, (1, 1)), "pixels"),
    "yolo, pixels and confidence": (yolo, np.column_stack((centres(BOXES, (1, 1)), FIRST)), "pixels"),
    "yolo, percent": (yolo, centres(BOXES) * 100, "percent"),
    "yolo, corners": (yolo, BOXES * FRACTION, "corners"),
    "yolo, confidence first": (yolo, np.column_stack((FIRST, centres(BOXES))), "confidence"),
    "labelstudio, fractions": (label_studio, extents(BOXES * FRACTION), "normalised"),
    "labelstudio, pixels": (label_studio, extents(BOXES), "pixels"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", WRONG)
def test_columns_that_mean_something_else_are_refused_by_name(tmp_path: Path, case: str, kind: ImportKind) -> None:
    write, columns, word = WRONG[case]
    with pytest.raises(UserError) as refused:
        read_boxes(write(tmp_path, columns), ReadContext(size=SIZE, kind=kind))
    assert word in str(refused.value)
    assert "\n" not in str(refused.value) and refused.value.remedy


def test_a_skipped_row_does_not_make_corners_plausible(tmp_path: Path) -> None:
    columns = np.vstack((BOXES, [50, 10, -5, 20]))
    with pytest.raises(UserError, match="x1, y1, x2, y2"):
        read_boxes(mot(tmp_path, columns[[0, 1, 2, 3] * 60 + [4]]), ReadContext(size=SIZE))


@pytest.mark.parametrize("case", ["mot, normalised", "mot, corners", "boxcsv, normalised", "yolo, corners"])
def test_the_user_may_insist(tmp_path: Path, case: str) -> None:
    write, columns, _ = WRONG[case]
    assert len(read_boxes(write(tmp_path, columns), ReadContext(size=SIZE, trust_columns=True))) == 4


@pytest.mark.parametrize("writer", [coco, box_csv])
def test_confidences_in_per_cent_are_refused_where_shares_are_usual(tmp_path: Path, writer) -> None:
    path = writer(tmp_path, extents(BOXES) if writer is coco else BOXES)
    text = path.read_text()
    if writer is coco:
        path.write_text(text.replace('"score": 0.9', '"score": 90'))
    else:
        head, *rows = text.split()
        path.write_text("\n".join((f"{head},score", *(f"{row},{n + 55}" for n, row in enumerate(rows)))))
    with pytest.raises(UserError, match="percent"):
        read_boxes(path, ReadContext(size=SIZE))
    assert read_boxes(path, ReadContext(size=SIZE, trust_columns=True)).scores.max() > 50


def test_mot_detectors_have_scores_of_any_size(tmp_path: Path) -> None:
    path = tmp_path / "det.txt"
    path.write_text("1,-1,10,20,30,40,57.3,-1,-1,-1\n2,-1,10,20,30,40,-0.4,-1,-1,-1\n")
    assert read_boxes(path, ReadContext(size=SIZE)).scores.tolist() == [57.3, -0.4]


def test_per_cent_that_might_be_pixels_is_told(tmp_path: Path) -> None:
    columns = BOXES * FRACTION * 100
    for path in (mot(tmp_path, extents(columns)), box_csv(tmp_path, columns)):
        read = read_boxes(path, ReadContext(size=SIZE))
        assert sum("percent" in note for note in read.notes) == 1


def test_corners_without_a_frame_size_are_told(tmp_path: Path) -> None:
    read = read_boxes(mot(tmp_path, BOXES[[1, 2, 3] * 10] + [0, 0, 200, 200]))
    assert any("x1, y1, x2, y2" in note for note in read.notes)


def test_many_corners_that_stay_in_the_frame_either_way_are_told(tmp_path: Path) -> None:
    near = np.array([[100, 60, 180, 140]], float)[[0] * 30]
    read = read_boxes(mot(tmp_path, near), ReadContext(size=SIZE))
    assert any("x1, y1, x2, y2" in note for note in read.notes)


REAL = [(name, file) for name in ("pets09", "tud-campus") for file in ("gt.txt", "det_frcnn.txt")]
SIZES = {"pets09": (768, 576), "tud-campus": (640, 480)}
QUESTIONS = ("percent", "x1, y1", "reach")


@pytest.mark.parametrize(("name", "file"), REAL)
@pytest.mark.parametrize("kind", KINDS)
def test_real_data_is_never_questioned_whole_or_cut(shared_data: Path, tmp_path: Path, name, file, kind) -> None:
    lines = (shared_data / name / file).read_text().splitlines()
    random = np.random.default_rng(5)
    parts = [lines, *([lines[i]] for i in range(0, len(lines), 7))]
    parts += [lines[i : i + n] for n in (2, 3, 5, 20, 100) for i in random.integers(0, len(lines) - n, 40)]
    for context in (ReadContext(size=SIZES[name], kind=kind), ReadContext(kind=kind)):
        for part in parts:
            path = tmp_path / file
            path.write_text("\n".join(part) + "\n")
            read = read_boxes(path, context)
            assert not read.refused and len(read) == len(part)
            assert not [note for note in read.notes if any(word in note for word in QUESTIONS)]


def scene(random, n, size):
    """(n, 4) corners: objects of all sizes that may lie partly outside, in one part of the picture or all over it."""
    height = size[1]
    region = random.uniform(0, 0.6, 2)
    centre = (region + random.uniform(0, 1, (n, 2)) * (1 - region)) * size
    extent = random.uniform(2, random.choice([6.0, 60.0, height / 2]), (n, 2))
    return np.column_stack((centre - extent / 2, centre + extent / 2)).round(2)


@pytest.mark.parametrize("key", [*PIXELS, "yolo"])
def test_made_scenes_are_never_questioned(tmp_path: Path, key: str) -> None:
    random = np.random.default_rng(11)
    for number in range(60):
        size = [(640, 480), (1920, 1080), (320, 240), (480, 640)][number % 4]
        corners = scene(random, int(random.integers(1, 40)), size)
        folder = tmp_path / str(number)
        folder.mkdir()
        if key == "yolo":
            scores = random.uniform(0.001, 1, (len(corners), 1))
            path = yolo(folder, np.column_stack((centres(corners, size), scores)))
        else:
            write, layout = PIXELS[key]
            path = coco(folder, layout(corners), size) if key == "coco" else write(folder, layout(corners))
        assert len(read_boxes(path, ReadContext(size=size))) == len(corners)


def test_one_close_object_at_the_corner_is_not_taken_for_corners(tmp_path: Path) -> None:
    close = np.array([[5, 8, 640, 478], [0, 0, 640, 480], [-20, -10, 655, 490], [30, 5, 645, 470]], float)
    for path in (mot(tmp_path, extents(close)), coco(tmp_path, extents(close))):
        assert len(read_boxes(path, ReadContext(size=SIZE))) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_whole_pixels_at_the_origin_are_pixels(tmp_path: Path, kind: ImportKind) -> None:
    tiny = np.array([[0, 0, 1, 1]], float)
    assert len(read_boxes(box_csv(tmp_path, tiny), ReadContext(size=SIZE, kind=kind))) == 1
