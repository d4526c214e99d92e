"""CVAT XML 1.1, "for video" (tracks) and "for images", plain or inside a zip archive.

Boxes stand in ``<track id label><box frame outside occluded keyframe xtl ytl xbr ybr>`` or
``<image id name><box label occluded xtl ytl xbr ybr>``. Frames count from 0. CVAT's own export numbers pictures of
the video (start frame and step already applied); some converters number the task's pictures instead. Both are read:
see ``_to_video_frames``.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from iouviewer.document.boxes import NO_TRACK, BoxFlag
from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.formats.frames import frames_of
from iouviewer.formats.interface import Place, ReadContext
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import cannot_read
from iouviewer.formats.xml_safe import Element, read_elements

KEY = "cvat"
LARGEST_UNPACKED = 4 << 30
CORNERS = ("xtl", "ytl", "xbr", "ybr")
IGNORED_ATTRIBUTES = {"ignored", "ignore"}
TRUNCATED_ATTRIBUTE = "truncated"
_STEP = re.compile(r"step\s*=\s*(\d+)")


@dataclass(slots=True)
class _Task:
    """What ``<meta>`` says."""

    start: int = 0
    stop: int | None = None
    step: int = 1
    count: int | None = None
    size: tuple[int, int] | None = None
    names: list[str] = field(default_factory=list)


class _Reader:
    def __init__(self, path: Path, context: ReadContext) -> None:
        self.path = path
        self.context = context
        self.rows = Rows(path)
        self.task = _Task()
        self.images: list[tuple[str, int, int]] = []
        self.image_rows: list[tuple[int, int]] = []
        self.sizes: Counter[tuple[int, int]] = Counter()
        self.attributes: Counter[str] = Counter()
        self.shapes: Counter[str] = Counter()
        self.outside = 0
        self.has_tracks = False

    def take(self, element: Element) -> None:
        if element.tag == "meta":
            self._take_meta(element)
        elif element.tag == "track":
            self.has_tracks = True
            self._take_track(element)
        elif element.tag == "image":
            self._take_image(element)

    def _take_meta(self, meta: Element) -> None:
        tasks = meta.child("project/tasks")
        if tasks is not None and len(tasks.children) > 1:
            self.rows.notes.append(f"the file holds {len(tasks.children)} tasks; they are read as one")
        found = (meta.child(p) for p in ("task", "job", "project/tasks/task"))
        task = next((t for t in found if t is not None), None)
        if task is None:
            return
        self.task.start = _whole(task.value("start_frame")) or 0
        self.task.stop = _whole(task.value("stop_frame"))
        step = _STEP.search(task.value("frame_filter"))
        self.task.step = max(int(step[1]), 1) if step else 1
        self.task.count = _whole(task.value("size"))
        width, height = _whole(task.value("original_size/width")), _whole(task.value("original_size/height"))
        width, height = (
            width or _whole(meta.value("original_size/width")),
            height or _whole(meta.value("original_size/height")),
        )
        self.task.size = (width, height) if width and height else None
        labels = task.child("labels") or meta.child("project/labels")
        for label in labels.children if labels is not None else ():
            self.rows.classes.index(label.value("name"))

    def _take_track(self, track: Element) -> None:
        place = Place(self.path, track.line)
        label = track.attributes.get("label")
        number = _whole(track.attributes.get("id", ""))
        if label is None:
            self.rows.refuse(place, "the track has no label; none of its boxes are read")
            return
        for shape in track.children:
            if shape.tag != "box":
                self.shapes[shape.tag] += shape.tag not in {"attribute", "tag"}
                continue
            if shape.attributes.get("outside") == "1":
                self.outside += 1
                continue
            key = BoxFlag.INTERPOLATED if shape.attributes.get("keyframe") == "0" else BoxFlag.KEY_FRAME
            frame = _number(shape.attributes.get("frame", ""))
            if frame is None:
                self.rows.refuse(Place(self.path, shape.line), "the box has no frame number")
                continue
            self._add(shape, frame, label, NO_TRACK if number is None else number, int(key))

    def _take_image(self, image: Element) -> None:
        number = _whole(image.attributes.get("id", ""))
        if number is None:
            self.rows.refuse(Place(self.path, image.line), "the image has no id; none of its boxes are read")
            return
        index = len(self.images)
        self.images.append((image.attributes.get("name", ""), number, image.line))
        width, height = _whole(image.attributes.get("width", "")), _whole(image.attributes.get("height", ""))
        if width and height:
            self.sizes[(width, height)] += 1
        for shape in image.children:
            if shape.tag != "box":
                self.shapes[shape.tag] += shape.tag != "tag"
                continue
            row = len(self.rows)
            self._add(shape, number, shape.attributes.get("label", ""), NO_TRACK, 0)
            if len(self.rows) > row:
                self.image_rows.append((row, index))

    def _add(self, shape: Element, frame: float, label: str, track: int, flags: int) -> None:
        place = Place(self.path, shape.line)
        corners = [_number(shape.attributes.get(name, "")) for name in CORNERS]
        for name, value in zip(CORNERS, corners, strict=True):
            if value is None:
                self.rows.refuse(place, f"{name} is missing or not a number: {shape.attributes.get(name, '')!r}")
                return
        if _number(shape.attributes.get("rotation", "0")) not in {0.0, None}:
            self.rows.refuse(place, "a rotated box, which iouviewer cannot hold")
            return
        if shape.attributes.get("occluded") == "1":
            flags |= BoxFlag.OCCLUDED
        for attribute in shape.children:
            name = attribute.attributes.get("name", "").lower()
            is_on = attribute.text.strip().lower() == "true"
            if name in IGNORED_ATTRIBUTES:
                flags |= BoxFlag.IGNORED if is_on else 0
            elif name == TRUNCATED_ATTRIBUTE:
                flags |= BoxFlag.TRUNCATED if is_on else 0
            else:
                self.attributes[attribute.attributes.get("name", "")] += 1
        rect = cast("list[float]", corners)
        self.rows.add(place, frame, rect, class_id=self.rows.classes.index(label), track=track, flags=int(flags))

    def result(self) -> ImportedBoxes:
        labelled = self._image_frames() if self.images else self._track_frames()
        notes = self.rows.notes
        if self.images and self.has_tracks:
            notes.append("the file holds both tracks and images; the images' frames are the labelled ones")
        if self.outside:
            notes.append(f'{self.outside} boxes marked outside="1" were left out: they end tracks')
        if self.attributes:
            listed = ", ".join(sorted(self.attributes)[:10])
            notes.append(f"attributes are not kept: {listed}")
        for tag, count in sorted(self.shapes.items()):
            if count:
                self.rows.refuse(Place(self.path), f"{count} shapes of kind {tag}, which are no boxes")
        size = self.task.size
        if size is None and len(self.sizes) == 1:
            size = next(iter(self.sizes))
        kind = self.context.kind_or(Kind.GROUND_TRUTH)
        return self.rows.finish(KEY, kind, scored=False, labelled=labelled, size=size)

    def _image_frames(self) -> list[int]:
        """Frames of the listed images; the boxes get them too."""
        frames = [number - (self.context.frame_base or 0) for _, number, _ in self.images]
        if self.context.image_names is not None:
            by_name = frames_of([name for name, _, _ in self.images], self.context)
            if by_name.frames and not by_name.unknown:
                frames = [by_name.frames[name] for name, _, _ in self.images]
                self.rows.notes.append(by_name.note)
        else:
            self.rows.notes.append("frames by the ids of the images, counted from 0")
        for row, index in self.image_rows:
            self.rows.frames[row] = frames[index]
        return frames

    def _track_frames(self) -> range | None:
        """Start to stop frame at the task's step; None where the file does not say."""
        self._to_video_frames()
        stop = self.task.stop
        if stop is None and self.task.count:
            stop = self.task.start + (self.task.count - 1) * self.task.step
        return None if stop is None else range(self.task.start, stop + 1, self.task.step)

    def _to_video_frames(self) -> None:
        """Turn the file's frame numbers into pictures of the video.

        CVAT writes numbers of the video: start + n * step. If one box contradicts that and all fit into the task's
        own numbering (0 to its size), the numbers are the task's and start and step are applied here.
        """
        rows, task = self.rows, self.task
        if self.context.frame_base is not None:
            rows.frames = [frame - self.context.frame_base for frame in rows.frames]
            return
        if task.start == 0 and task.step == 1:
            return
        frames = np.array(rows.frames)
        if np.all((frames >= task.start) & ((frames - task.start) % task.step == 0)):
            rows.notes.append(f"frames are the video's: the task starts at {task.start} with step {task.step}")
            return
        rows.frames = [frame * task.step + task.start for frame in rows.frames]
        rows.notes.append(f"frames are the task's: number n is the video's frame {task.start} + n x {task.step}")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


@contextlib.contextmanager
def open_annotations(path: Path) -> Iterator[BinaryIO]:
    """The XML of a file or of a zip archive, read as a stream: nothing is unpacked to the disk.

    Raises:
        UserError: no annotations.xml inside, more than one, an encrypted or damaged archive, or one that unpacks to
            more than 4 GiB.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        found = [info for info in archive.infolist() if info.filename.replace("\\", "/").endswith("annotations.xml")]
        if len(found) != 1:
            raise UserError(f"holds {len(found)} annotations.xml, one is needed", path=path)
        if found[0].file_size > LARGEST_UNPACKED:
            raise UserError("annotations.xml unpacks to more than 4 GiB", path=path)
        with archive.open(found[0]) as file:
            yield cast("BinaryIO", _Limited(cast("BinaryIO", file).read, path))


class _Limited:
    """A stream that ends with an error after the largest size, whatever the archive claimed."""

    def __init__(self, read: Callable[[int], bytes], path: Path) -> None:
        self._read = read
        self._path = path
        self._left = LARGEST_UNPACKED

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UserError("annotations.xml unpacks to more than 4 GiB", path=self._path)
        return data


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a CVAT file; ``outside`` boxes are left out, key frames and interpolated boxes keep their flags.

    Raises:
        UserError: damaged XML or archive, or not CVAT's.
    """
    reader = _Reader(path, context)
    try:
        with open_annotations(path) as stream:
            root = read_elements(path, stream, reader.take)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(f"is not a readable zip archive: {error}", path=path) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    if root != "annotations":
        raise UserError(f"is not CVAT XML: its root is <{root}>, not <annotations>", path=path, line=1)
    return reader.result()
