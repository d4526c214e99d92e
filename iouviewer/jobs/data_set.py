"""Data sets of ultralytics: a ``data.yaml`` and one of its splits as an image set with ground truth.

Images are found and ordered as ultralytics 8.4.190 does: folders with all folders below them, lists of images, or
several of these; in the order of their paths. The labels of ``.../images/a/1.jpg`` are ``.../labels/a/1.txt``.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer.document.imported import ImportedBoxes, StatedFact
from iouviewer.errors import UserError
from iouviewer.formats.data_yaml import DATA_YAML_SUFFIXES, DataYaml, read_data_yaml
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.text import read_lines
from iouviewer.formats.yolo import ValRules, read_label_files
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Int

if TYPE_CHECKING:
    from iouviewer.video.image_reader import ImageReader
    from iouviewer.video.reader import VideoReader

VAL_BATCH = 16
"""Images in a batch of ``yolo val``, which get a common shape."""
LEAST_SIDE = 10
"""Images with a shorter side, in pixels, are left out by ``yolo val``."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One split of a data set.

    Attributes:
        images: absolute paths in the order of ultralytics; their place is their frame.
        notes: what was assumed, one sentence each.
    """

    yaml: DataYaml
    split: str
    images: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """The ``data.yaml``."""
        return self.yaml.path

    def open(self) -> ImageReader:
        """A reader of the images; UserError if none can be read."""
        from iouviewer.video.image_reader import ImageReader

        return ImageReader(self.path, files=self.images)


def is_data_yaml(path: Path | None) -> bool:
    """Whether a source is a data set, by its name."""
    return path is not None and path.suffix.lower() in DATA_YAML_SUFFIXES


def listed_images(path: Path, split: str) -> tuple[Path, ...]:
    """Images of a data set's split in frame order; empty for a video or a folder, which list none.

    Raises:
        UserError: as ``open_data_set``.
    """
    return open_data_set(path, split).images if is_data_yaml(path) else ()


def open_reader(path: Path, images: Sequence[Path]) -> VideoReader | ImageReader:
    """A reader of a video, a folder of images, or of the ``listed_images`` of a data set."""
    from iouviewer.video import open_video
    from iouviewer.video.image_reader import ImageReader

    return ImageReader(path, files=images) if images else open_video(path)


def open_data_set(path: Path, split: str) -> DataSet:
    """Find the images of a split.

    Raises:
        UserError: the file cannot be read, has no such split, or the split has no images.
    """
    yaml = read_data_yaml(path)
    if split not in yaml.splits:
        raise UserError(
            tr("the data set has no split {split!r}", split=split),
            path=path,
            remedy=tr("Give one of these with --split: {names}.", names=", ".join(yaml.splits)),
        )
    notes = []
    root, entries = _find_root(yaml, split)
    if yaml.root and root != (path.parent / yaml.root).absolute():
        notes.append(tr("The folder of the data set is {folder}", folder=root))
    found = [image for entry in entries for image in _images_of(entry, root)]
    existing = [image for image in found if image.is_file()]
    if len(existing) < len(found):
        notes.append(
            tr_n(
                "{count} listed image does not exist and is left out, as by yolo val",
                "{count:,} listed images do not exist and are left out, as by yolo val",
                len(found) - len(existing),
            )
        )
    images = sorted(set(existing), key=str)
    if len(images) < len(existing):
        notes.append(
            tr_n(
                "{count} image is listed twice and counts once, in yolo val twice",
                "{count:,} images are listed twice and count once, in yolo val twice",
                len(existing) - len(images),
            )
        )
    if not images:
        raise UserError(
            tr("the split {split!r} has no images", split=split),
            path=path,
            remedy=tr("Looked in: {folders}.", folders=", ".join(map(str, entries))),
        )
    return DataSet(yaml, split, tuple(images), tuple(notes))


def _find_root(yaml: DataYaml, split: str) -> tuple[Path, tuple[Path, ...]]:
    """The folder that a split is relative to, and what the split names: relative to the file, else as ultralytics."""
    roots = [(yaml.path.parent / yaml.root).absolute()]
    if yaml.root:
        roots += [Path(yaml.root).absolute(), yaml.path.parent.absolute()]
    tried = []
    for root in dict.fromkeys(roots):
        entries = tuple(_entry(root, text) for text in yaml.splits[split])
        missing = [entry for entry in entries if not entry.exists()]
        if not missing:
            return root, entries
        tried += missing
    raise UserError(
        tr("the images of the split {split!r} do not exist", split=split),
        path=yaml.path,
        remedy=tr("Looked for: {folders}.", folders=", ".join(map(str, dict.fromkeys(tried)))),
    )


def _entry(root: Path, text: str) -> Path:
    """A folder, list or image of a split; Roboflow writes ``../valid/images`` for ``valid/images``."""
    found = (root / text).resolve()
    if not found.exists() and text.startswith("../"):
        return (root / text[3:]).resolve()
    return found


def _images_of(entry: Path, root: Path) -> Iterator[Path]:
    from iouviewer.video.image_files import is_image_file

    if entry.is_dir():
        for folder, folders, names in os.walk(entry, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield from (Path(folder, name) for name in names if not name.startswith(".") and is_image_file(Path(name)))
    elif is_image_file(entry):
        yield entry
    else:
        for line in read_lines(entry):
            text = line.strip()
            if text and is_image_file(Path(text)):
                places = [(folder / text).absolute() for folder in (entry.parent, root, Path())]
                yield next((place for place in places if place.is_file()), places[0])


def label_file(image: Path) -> Path:
    """The labels of an image: the last folder ``images`` of its path becomes ``labels``."""
    before, found, after = str(image).rpartition(f"{os.sep}images{os.sep}")
    path = f"{before}{os.sep}labels{os.sep}{after}" if found else str(image)
    return Path(path).with_suffix(".txt")


def read_data_set_truth(data: DataSet, context: ReadContext) -> tuple[ImportedBoxes, ValRules]:
    """The labels of a data set's images, and what ``yolo val`` does with them.

    Images without a label file have no objects, as in ultralytics, unless ``context.missing`` says ``unlabelled``.

    Raises:
        UserError: no image has a label file, or the files are not YOLO labels.
    """
    files = {frame: label_file(image) for frame, image in enumerate(data.images)}
    existing = {frame: file for frame, file in files.items() if file.is_file()}
    if not existing:
        raise UserError(
            tr("no image of the split {split!r} has a label file", split=data.split),
            path=data.path,
            remedy=tr("Looked for files such as {file}; give the ground truth with --gt FILE.", file=files[0]),
        )
    notes = [
        *data.notes,
        StatedFact(
            tr_n(
                "{count} label file of the split {split!r} of {name}",
                "{count:,} label files of the split {split!r} of {name}",
                len(existing),
                split=data.split,
                name=data.path.name,
            )
        ),
    ]
    unlabelled = context.missing == "unlabelled"
    if len(existing) < len(files) and not unlabelled:
        notes.append(
            StatedFact(
                tr_n(
                    "{count} image has no label file and counts as an image without objects, as in yolo val",
                    "{count:,} images have no label file and count as images without objects, as in yolo val",
                    len(files) - len(existing),
                )
            )
        )
    labelled = sorted(existing) if unlabelled else sorted(files)
    names, count = data.yaml.names, data.yaml.class_count
    boxes, rules = read_label_files(data.path, existing, context, names, labelled, notes, count)
    tiny = {frame for frame in files if min(context.size_of(frame) or (LEAST_SIDE,)) < LEAST_SIDE}
    return boxes, replace(rules, left_out=tuple(sorted({*rules.left_out, *tiny})))


def val_shapes(
    sizes: Sequence[tuple[int, int]], left_out: Collection[int] = (), batch: int = VAL_BATCH
) -> list[tuple[float, float]]:
    """(height, width) of the network's input for each image, as shares of its longer side, before padding.

    ``yolo val`` sorts the images by their aspect, and all of a batch get the shape of the widest (or highest) one.

    Args:
        sizes: (width, height) of all images, in the order of ultralytics.
        left_out: frames that ``yolo val`` leaves out, which are in no batch.
    """
    used = np.array([frame for frame in range(len(sizes)) if frame not in left_out], np.int64)
    aspects = np.array([height / width for width, height in sizes])
    order: Int = used[aspects[used].argsort()]
    result = [(1.0, 1.0)] * len(sizes)
    for start in range(0, len(order), batch):
        members = order[start : start + batch]
        least, greatest = float(aspects[members].min()), float(aspects[members].max())
        shape = (greatest, 1.0) if greatest < 1 else (1.0, 1 / least) if least > 1 else (1.0, 1.0)
        for member in members.tolist():
            result[member] = shape
    return result
