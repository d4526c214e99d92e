"""YOLO labels out: ``labels/<stem>_<n>.txt`` (n from 1, as ultralytics numbers a video) and a ``data.yaml``."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

import numpy as np

from iouviewer.atomic import atomic_folder
from iouviewer.document.boxes import BoxFlag
from iouviewer.errors import UserError
from iouviewer.formats.frames import stem
from iouviewer.formats.interface import UNSPECIFIED_NAME, BoxesToWrite
from iouviewer.formats.names_yaml import yaml_quoted
from iouviewer.formats.numbers import exact, rounded, short


def file_stems(data: BoxesToWrite) -> dict[int, str]:
    """Name, without ending, of the file of each frame that gets one: the labelled frames and those with boxes.

    Numbers count from 1, so that a reader which takes a 0 for the first picture is never misled.
    """
    frames = set(np.asarray(data.frames, np.int64).tolist())
    frames |= set(range(data.frame_count) if data.labelled is None else np.asarray(data.labelled).tolist())
    names = data.image_names
    if names is not None and max(frames, default=-1) < len(names):
        return {frame: stem(names[frame]) for frame in sorted(frames)}
    base = stem(data.video_name) or "frame"
    return {frame: f"{base}_{frame + 1}" for frame in sorted(frames)}


def write(path: Path, data: BoxesToWrite) -> None:
    """A new folder with ``labels/`` and ``data.yaml``; an empty file is a labelled frame without objects.

    Classes keep their order. Boxes without a class get the number after the last one, named ``unspecified``.
    Ignored boxes are left out, as ultralytics' own COCO converter does: YOLO cannot say "ignore".
    """
    names = list(data.class_names)
    for name in names:
        if "\n" in name or "\r" in name:
            raise UserError(f"the class {name!r} has a line break, which data.yaml cannot hold here", path=path)
    if np.any(np.asarray(data.class_ids) < 0):
        names.append(UNSPECIFIED_NAME)
    lines: dict[int, list[str]] = defaultdict(list)
    for row, text in enumerate(_rows(data, len(names) - 1)):
        if not int(data.flags[row]) & BoxFlag.IGNORED:
            lines[int(data.frames[row])].append(text)
    with atomic_folder(path) as folder:
        (folder / "labels").mkdir()
        for frame, name in file_stems(data).items():
            content = "".join(f"{line}\n" for line in lines.get(frame, ()))
            (folder / "labels" / f"{name}.txt").write_bytes(content.encode())
        block = "".join(f"  {number}: {yaml_quoted(name)}\n" for number, name in enumerate(names))
        text = f"path: .\ntrain: images\nval: images\nnames:\n{block}"
        (folder / "data.yaml").write_bytes(text.encode())


def _rows(data: BoxesToWrite, unspecified: int) -> list[str]:
    boxes = np.asarray(data.boxes, np.float64)
    width, height = data.size
    # A fraction that is off by half a unit of its last place moves an edge by size times that: 1e-6 px in all.
    decimals = 7 + math.ceil(math.log10(max(width, height)))
    fractions = np.stack(
        [
            (boxes[0] + boxes[2]) / 2 / width,
            (boxes[1] + boxes[3]) / 2 / height,
            (boxes[2] - boxes[0]) / width,
            (boxes[3] - boxes[1]) / height,
        ]
    )
    columns = rounded(fractions, decimals).T.tolist()
    classes = np.asarray(data.class_ids).tolist()
    scores = None if data.scores is None else np.asarray(data.scores, np.float64).tolist()
    tracks = np.asarray(data.track_ids).tolist()
    # A training set has five columns: a sixth would make ultralytics refuse the file.
    with_tracks = scores is not None and any(track >= 0 for track in tracks)
    result = []
    for row, values in enumerate(columns):
        texts = [short(v, decimals) for v in values]
        if texts[2] == "0" or texts[3] == "0":
            texts = [exact(v) for v in fractions[:, row].tolist()]
        cells = [str(classes[row] if classes[row] >= 0 else unspecified), *texts]
        cells += [exact(scores[row])] if scores is not None else []
        cells += [str(tracks[row])] if with_tracks else []
        result.append(" ".join(cells))
    return result
