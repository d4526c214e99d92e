"""Image sets: every image has its own size, name and id."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from iouviewer.document.imported import ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.registry import read_boxes
from iouviewer.jobs.convert import ConvertRequest, convert
from iouviewer.jobs.eval_inputs import ReadOptions, read_file, read_source
from iouviewer.jobs.evaluate import EvalRequest, evaluate

SIZES = {"train/a_1.jpg": (64, 48), "train/a_2.png": (80, 60), "val/a_1.jpg": (128, 72), "val/b.bmp": (50, 90)}
NAMES = tuple(SIZES)


@pytest.fixture
def folder(tmp_path):
    for name, (width, height) in SIZES.items():
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))
    return tmp_path / "images"


def box(number, size):
    """A box of its own for each image, x, y, width, height in whole pixels."""
    return [number + 1, number + 2, size[0] // 2, size[1] // 3]


def write_coco(path, *, ids=(11, 5, 7, 9), scored=False, names=NAMES, listed=True):
    boxes = [
        {"id": n + 1, "image_id": ids[n], "category_id": 1, "bbox": box(n, SIZES[name]), "iscrowd": 0}
        | ({"score": 0.9} if scored else {})
        for n, name in enumerate(NAMES)
    ]
    images = [
        {"id": i, "file_name": name, "width": SIZES[key][0], "height": SIZES[key][1]}
        for i, name, key in zip(ids, names, NAMES, strict=True)
    ]
    whole = {"images": images, "categories": [{"id": 1, "name": "person"}], "annotations": boxes}
    path.write_text(json.dumps(whole if listed else boxes))
    return path


def write_yolo(path, names=NAMES):
    for n, (name, size) in enumerate(zip(names, SIZES.values(), strict=True)):
        x, y, w, h = box(n, size)
        values = ((x + w / 2) / size[0], (y + h / 2) / size[1], w / size[0], h / size[1])
        file = path / "labels" / f"{name.rsplit('.', 1)[0]}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("0 " + " ".join(map(str, values)) + "\n")
    (path / "data.yaml").write_text("names: [person]\n")
    return path


def ap(video, gt, pred, **read):
    request = EvalRequest(video, gt, (("p", pred),), read=ReadOptions(**read))
    return evaluate(request).scores[0].metrics["ap"]


def test_a_folder_without_images_has_those_of_its_folders(folder):
    source, context = read_source(folder, ReadOptions())
    assert source.images.names == context.image_names == NAMES
    assert source.images.sizes == context.image_sizes == tuple(SIZES.values())
    assert [source.size_of(frame) for frame in range(4)] == list(SIZES.values())


def test_labels_in_fractions_have_the_size_of_their_own_image(folder, tmp_path):
    labels = write_yolo(tmp_path / "yolo")
    _, context = read_source(folder, ReadOptions())
    read = read_file(labels, context, ReadOptions(), ImportKind.GROUND_TRUTH)
    expected = [(x, y, x + w, y + h) for x, y, w, h in (box(n, size) for n, size in enumerate(SIZES.values()))]
    order = np.argsort(read.frames)
    assert np.allclose(read.boxes[:, order].T, expected)
    assert ap(folder, labels, write_coco(tmp_path / "p.json", scored=True)) == 1.0


def test_results_are_joined_through_the_image_ids_of_the_ground_truth(folder, tmp_path):
    truth = write_coco(tmp_path / "gt.json")
    results = write_coco(tmp_path / "p.json", scored=True, listed=False)
    assert ap(folder, truth, results) == 1.0
    # Without the images, too: their names, ids and sizes are those of the ground truth.
    assert ap(None, truth, results) == 1.0
    assert ap(None, truth, write_yolo_predictions(tmp_path)) == 1.0


def write_yolo_predictions(tmp_path):
    path = write_yolo(tmp_path / "pred")
    for file in path.rglob("*_*.txt"):
        file.write_text(file.read_text().strip() + " 0.5\n")
    for file in path.rglob("b.txt"):
        file.write_text(file.read_text().strip() + " 0.5\n")
    return path


def test_results_of_images_that_the_ground_truth_lacks_are_refused(folder, tmp_path):
    truth = write_coco(tmp_path / "gt.json")
    results = write_coco(tmp_path / "p.json", ids=(11, 5, 7, 8), scored=True, listed=False)
    with pytest.raises(UserError, match="image_id 8"):
        ap(folder, truth, results)


def test_ids_and_file_names_that_mean_different_images_are_refused_with_both_readings(folder, tmp_path):
    truth = write_coco(tmp_path / "gt.json")
    rows = json.loads(write_coco(tmp_path / "p.json", scored=True, listed=False).read_text())
    for row, name in zip(rows, reversed(NAMES), strict=True):
        row["file_name"] = name
    (tmp_path / "p.json").write_text(json.dumps(rows))
    with pytest.raises(UserError, match=r"image_id 11 is frame 0 .* 'val/b.bmp' is frame 3.*--images-by id"):
        ap(folder, truth, tmp_path / "p.json")
    assert ap(folder, truth, tmp_path / "p.json", images_by="id") == 1.0
    assert ap(folder, truth, tmp_path / "p.json", images_by="name") < 0.5


def test_ids_that_are_names_of_other_images_are_refused_with_both_readings(tmp_path):
    """ultralytics gives image 000002.jpg the id 2, whatever id the ground truth has."""
    numbered = tuple(f"{n:06d}.jpg" for n in range(4))
    truth = write_coco(tmp_path / "gt.json", ids=(1, 2, 3, 4), names=numbered)
    as_ids = write_coco(tmp_path / "ids.json", ids=(1, 2, 3, 4), scored=True, listed=False)
    # Id 4 is not a name, so these are ids; id 0 is not an id, so those are names.
    assert ap(None, truth, as_ids) == 1.0
    as_names = write_coco(tmp_path / "names.json", ids=(0, 1, 2, 3), scored=True, listed=False)
    assert ap(None, truth, as_names) == 1.0
    rows = [row for row in json.loads(as_names.read_text()) if row["image_id"] in (1, 2, 3)]
    as_names.write_text(json.dumps(rows))
    with pytest.raises(UserError, match=r"image_id 1 is frame 0 .* '1' is frame 1.*--images-by id"):
        ap(None, truth, as_names)
    assert ap(None, truth, as_names, images_by="name") == pytest.approx(0.75, abs=0.01)


def test_an_image_id_that_occurs_twice_is_refused(tmp_path):
    path = write_coco(tmp_path / "gt.json", ids=(1, 2, 2, 3))
    with pytest.raises(UserError, match=r"image ID 2 occurs twice, for 'train/a_2.png' and for 'val/a_1.jpg'"):
        read_boxes(path)


def test_names_of_no_image_of_the_folder_are_refused(folder, tmp_path):
    labels = write_yolo(tmp_path / "yolo", names=("x", "y", "z", "w"))
    with pytest.raises(UserError, match="is not in the image folder"):
        ap(folder, labels, write_coco(tmp_path / "p.json", scored=True))


@pytest.mark.parametrize("to", ["yolo", "voc", "labelme"])
@pytest.mark.parametrize("with_images", [True, False])
def test_converting_there_and_back_is_the_identity(folder, tmp_path, to, with_images):
    video = folder if with_images else None
    first = write_coco(tmp_path / "gt.json")
    convert(ConvertRequest(video, first, tmp_path / "there", to, ReadOptions()))
    names = {file.relative_to(tmp_path / "there").with_suffix("").as_posix() for file in tmp_path.glob("there/**/*.*")}
    wanted = {f"{'labels/' if to == 'yolo' else ''}{name.rsplit('.', 1)[0]}" for name in NAMES}
    assert names - {"data"} == wanted
    if to == "yolo" and not with_images:
        return  # the sizes are those of the images
    convert(ConvertRequest(video, tmp_path / "there", tmp_path / "back.json", "coco", ReadOptions()))
    back = json.loads((tmp_path / "back.json").read_text())
    shapes = {image["id"]: (image["width"], image["height"]) for image in back["images"]}
    found = sorted((shapes[one["image_id"]], np.round(one["bbox"], 4).tolist()) for one in back["annotations"])
    assert found == sorted((size, box(n, size)) for n, size in enumerate(SIZES.values()))


def test_two_images_that_need_one_label_file_are_refused(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for name in ("a.jpg", "a.png"):
        cv2.imwrite(str(images / name), np.zeros((10, 10, 3), np.uint8))
    boxes = tmp_path / "b.csv"
    boxes.write_text("frameID,x1,y1,x2,y2\n0,1,1,5,5\n1,1,1,5,5\n")
    with pytest.raises(UserError, match=r"'a.jpg' and 'a.png'"):
        convert(ConvertRequest(images, boxes, tmp_path / "out", "yolo", ReadOptions()))
