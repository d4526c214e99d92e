"""The parts of a data set's folder: splits, sequences and annotation files, each with its labels and images.

Known layouts: YOLO of ultralytics (``labels/train``), Roboflow (``train/labels``) and CVAT (``obj_train_data``); COCO
and Datumaro (``annotations/*.json``, Roboflow's ``train/_annotations.coco.json``); Pascal VOC (``Annotations``, or
``train/*.xml``); MOTChallenge (a folder for each sequence). What a single file or a folder of labels is, is for
``registry.detect``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from iouviewer.formats.image_names import SPLITS
from iouviewer.formats.interface import DetectedFormat

IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
LABEL_ENDINGS = frozenset({".txt", ".xml", ".json"})
CVAT_FOLDERS = ("obj_train_data", "obj_valid_data", "obj_test_data")
ANNOTATION_FOLDERS = ("annotations", "Annotations", "labels")
JSON_FORMATS = ("coco", "datumaro")
PREFIXES = ("instances_", "person_keypoints_", "annotations_")
"""Before the name of a split in the name of a COCO file."""
MAX_FILES = 200
"""JSON files of a folder that are looked at."""
NOT_LABELS = frozenset({"classes.txt", "train.txt", "val.txt", "test.txt", "labels.txt"})

Detect = Callable[[Path], DetectedFormat | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One split, sequence or annotation file.

    Attributes:
        name: for ``--task`` and the screen, unique in the data set.
        labels: file or folder that a reader takes.
        images: folder of its images; None where there are none.
        format: of the labels.
        label_count: number of label files, or 1.
        image_count: number of images in ``images``.
    """

    name: str
    labels: Path
    images: Path | None
    format: str
    label_count: int
    image_count: int


def find_parts(root: Path, detect: Detect) -> tuple[Part, ...]:
    """The parts of a folder, in the order train, val, test, else by name; none where it has no known layout.

    Args:
        detect: the format of a file, or of a folder of labels itself.
    """
    for find in (_label_splits, _json_files, _voc, _sequences):
        found = tuple(find(root, detect))
        if found:
            return found
    return ()


def _label_splits(root: Path, detect: Detect) -> Iterator[Part]:
    """Folders of labels: ``train/labels``, ``labels/train``, CVAT's ``obj_train_data``, or ``train`` itself."""
    folders = _folders(root)
    splits = [name for name in folders if name.casefold() in SPLITS]
    for name in splits:
        split = root / name
        yield from _part(name, split / "labels", split / "images", detect)
    below = root / "labels"
    for name in _folders(below) if below.is_dir() else ():
        if name.casefold() in SPLITS:
            yield from _part(name, below / name, root / "images" / name, detect)
    if below.is_dir() and (root / "images").is_dir() and not splits:
        yield from _part(root.name, below, root / "images", detect)
    for name in CVAT_FOLDERS:
        if name in folders:
            yield from _part(name.split("_")[1], root / name, root / name, detect)
    for name in splits:  # Pascal VOC of Roboflow: labels beside the images
        split = root / name
        if not (split / "labels").is_dir() and _count(split, frozenset({".xml"})):
            yield from _part(name, split, split, detect)


def _part(name: str, labels: Path, images: Path, detect: Detect) -> Iterator[Part]:
    if not labels.is_dir() or not (count := _count(labels, LABEL_ENDINGS)):
        return
    found = detect(labels)
    if found is not None:
        pictures = _count(images, IMAGE_ENDINGS)
        yield Part(name, labels, images if pictures else None, found.format, count, pictures)


def _json_files(root: Path, detect: Detect) -> Iterator[Part]:
    """Annotation files of COCO and Datumaro, in ``annotations``, in a folder for each split, or in the root."""
    places = [root / name for name in ANNOTATION_FOLDERS if (root / name).is_dir()]
    places += [root / name for name in _folders(root) if name.casefold() in SPLITS]
    files = [file for place in (*places, root) for file in sorted(place.glob("*.json"))[:MAX_FILES]]
    # On some file systems ``annotations`` and ``Annotations`` are one folder.
    for file in {file.resolve(): file for file in files}.values():
        found = detect(file)
        if found is None or found.format not in JSON_FORMATS or found.kind == "predictions":
            continue
        is_split = file.parent != root and file.parent.name.casefold() in SPLITS
        name = file.parent.name if is_split else file.stem
        for prefix in PREFIXES:
            name = name.removeprefix(prefix)
        images = _images_of(root, file, name)
        yield Part(name, file, images, found.format, 1, 0 if images is None else _count(images, IMAGE_ENDINGS))


def _images_of(root: Path, file: Path, name: str) -> Path | None:
    """The folder with the images of an annotation file."""
    places = (file.parent, root / name, root / "images" / name, root / "images", root / "data", root)
    return next((place for place in places if place.is_dir() and _count(place, IMAGE_ENDINGS)), None)


def _voc(root: Path, detect: Detect) -> Iterator[Part]:
    labels = root / "Annotations"
    for images in ("JPEGImages", "images", "Images"):
        if (root / images).is_dir():
            yield from _part(root.name, labels, root / images, detect)
            return
    yield from _part(root.name, labels, labels, detect)


def _sequences(root: Path, detect: Detect) -> Iterator[Part]:
    """Folders of MOTChallenge sequences, in the root or in its splits, or a single one with its images."""
    if (root / "img1").is_dir() and (found := detect(root)) is not None:
        yield Part(root.name, root, root / "img1", found.format, 1, _count(root / "img1", IMAGE_ENDINGS))
        return
    for place in (root, *(root / name for name in _folders(root) if name.casefold() in SPLITS)):
        for name in _folders(place):
            folder = place / name
            if not any((folder / one).is_dir() for one in ("gt", "det", "img1")):
                continue
            found = detect(folder)
            if found is not None:
                images = folder / "img1"
                count = _count(images, IMAGE_ENDINGS)
                shown = name if place == root else f"{place.name}/{name}"
                yield Part(shown, folder, images if count else None, found.format, 1, count)


def _folders(folder: Path) -> list[str]:
    """Names of the folders in a folder; train, val and test first, in this order."""
    order = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    return sorted(names, key=lambda name: (order.get(name.casefold(), 3), name))


def _count(folder: Path, endings: frozenset[str]) -> int:
    """Number of files with one of these endings in a folder; 0 where there is none."""
    if not folder.is_dir():
        return 0
    with os.scandir(folder) as entries:
        return sum(entry.name not in NOT_LABELS and Path(entry.name).suffix.lower() in endings for entry in entries)
