"""CVAT XML 1.1, "for video" (tracks) and "for images", plain or in a zip archive; tracks are also written.

Boxes are ``<track id label><box frame outside occluded keyframe xtl ytl xbr ybr>`` or
``<image id name><box label occluded xtl ytl xbr ybr>``. Frames start at 0. CVAT's own export uses frame numbers of the
video (start frame and step already applied); some converters use frame numbers of the task. Both are read
(``_to_video_frames``).
"""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from xml.sax.saxutils import escape

import numpy as np

from iouviewer.atomic import atomic_write
from iouviewer.document.attributes import ATTRIBUTE_MASK, AttributeSet, set_numbers, with_set
from iouviewer.document.boxes import NO_TRACK, BoxFlag, Rect, find_rect_error
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.imported import ImportedBoxes, ImportKind, StatedFact, VideoFacts
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.archives import open_annotations
from iouviewer.formats.coco_images import choose_task
from iouviewer.formats.cvat_shapes import be_box, kind_of, rotated_corners, shape_envelope
from iouviewer.formats.cvat_tracks import Tracks, TrackShape
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.file_format import Format
from iouviewer.formats.frame_numbers import assign_frames
from iouviewer.formats.interface import (
    UNSPECIFIED_NAME,
    BoxesToWrite,
    DetectedFormat,
    Location,
    ReadContext,
    UncertainReadingError,
)
from iouviewer.formats.number_text import corner_texts
from iouviewer.formats.rows import Rows
from iouviewer.formats.shapes import ROTATED
from iouviewer.formats.text import cannot_read
from iouviewer.formats.unsupported_fields import Field
from iouviewer.formats.xml_safe import Element, format_attributes, read_elements, xml_declaration
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Float, Int

KEY = "cvat"
CORNERS = ("xtl", "ytl", "xbr", "ybr")
IGNORED_ATTRIBUTES = {"ignored", "ignore"}
TRUNCATED_ATTRIBUTE = "truncated"
FLAG_ATTRIBUTES = ((BoxFlag.IGNORED, "ignored"), (BoxFlag.TRUNCATED, TRUNCATED_ATTRIBUTE))
"""Attributes that are written, by flag."""
LINEAR_TOLERANCE = 1e-3
"""Tolerance in pixels: CVAT stores two decimals, so a box this near the line between key frames reads back equal."""
_STEP = re.compile(r"step\s*=\s*(\d+)")


def sniff(sample: FileSample) -> DetectedFormat | None:
    """A zip archive with an annotations.xml, or XML with the root <annotations>."""
    kind = ImportKind.GROUND_TRUTH
    if sample.syntax is Syntax.ZIP:
        if not zipfile.is_zipfile(sample.path):
            return None
        with zipfile.ZipFile(sample.path) as archive:
            names = archive.namelist()
        if any(Path(name).name == "annotations.xml" for name in names):
            return DetectedFormat(KEY, kind, 0.9, tr("Zip archive with CVAT's annotations.xml"))
        return None
    if not sample.xml_root and "<!DOCTYPE" in sample.text:
        # The sample is one long DTD; the reader refuses it and names the line.
        return DetectedFormat(KEY, kind, 0.1, tr("XML"))
    if sample.xml_root == "annotations":
        return DetectedFormat(KEY, kind, 0.95, tr("CVAT XML with the root <annotations>"))
    return None


@dataclass(slots=True)
class _Task:
    """The task as described in ``<meta>``; frame numbers are those of the video."""

    start: int = 0
    stop: int | None = None
    step: int = 1
    count: int | None = None
    size: tuple[int, int] | None = None
    video: str = ""
    names: list[str] = field(default_factory=list)


class _Reader:
    """Collects the boxes of a file, element by element."""

    def __init__(self, path: Path, context: ReadContext) -> None:
        self.path = path
        self.context = context
        self.rows = Rows(path, context)
        self.task = _Task()
        self.images: list[tuple[str, int, int]] = []
        self.image_rows: list[tuple[int, int]] = []
        self.sizes: list[tuple[int, int]] = []
        self.shapes: Counter[str] = Counter()
        self.outside = 0
        self.task_id = ""
        self.has_tracks = False
        self.declared = 0
        self.tracks = Tracks()

    def read(self, element: Element) -> None:
        if element.tag == "meta":
            self._read_meta(element)
        elif self._is_of_other_task(element):
            return
        elif element.tag == "track":
            self.has_tracks = True
            self._read_track(element)
        elif element.tag == "image":
            self._read_image(element)

    def _read_meta(self, meta: Element) -> None:
        tasks = meta.child("project/tasks")
        found = (meta.child(p) for p in ("task", "job", "project/tasks/task"))
        task = next((t for t in found if t is not None), None)
        if tasks is not None and len(tasks.children) > 1:
            task = self._choose_task(tasks.children)
        if task is None:
            return
        self.task.start = _parse_integer(task.value("start_frame")) or 0
        self.task.stop = _parse_integer(task.value("stop_frame"))
        step = _STEP.search(task.value("frame_filter"))
        self.task.step = max(int(step[1]), 1) if step else 1
        self.task.count = _parse_integer(task.value("size"))
        self.task.video = task.value("source") or meta.value("source") or task.value("name")
        width, height = (
            _parse_integer(task.value(f"original_size/{side}")) or _parse_integer(meta.value(f"original_size/{side}"))
            for side in ("width", "height")
        )
        self.task.size = (width, height) if width and height else None
        labels = task.child("labels") or meta.child("project/labels")
        for label in labels.children if labels is not None else ():
            self.rows.classes.index(label.value("name"))
        self.declared = len(self.rows.classes.names)

    def _choose_task(self, tasks: Sequence[Element]) -> Element:
        """The task to read: its name, or that of its video, was asked for or is that of the open video."""
        names = [task.value("name") for task in tasks]
        videos = [task.value("source") or name for task, name in zip(tasks, names, strict=True)]
        try:
            position = choose_task(names, self.path, self.context)
        except UncertainReadingError:
            position = choose_task(videos, self.path, self.context)
        self.task_id = tasks[position].value("id")
        note = StatedFact(tr("Only {name} of {count:,} tasks is read", name=names[position], count=len(names)))
        self.rows.notes.append(note)
        return tasks[position]

    def _is_of_other_task(self, element: Element) -> bool:
        return bool(self.task_id) and element.attributes.get("task_id", self.task_id) != self.task_id

    def _read_track(self, track: Element) -> None:
        location = Location(self.path, track.line)
        label = track.attributes.get("label")
        number = _parse_integer(track.attributes.get("id", ""))
        if label is None:
            self.rows.refuse(location, tr("the track has no label; its boxes were not read"))
            return
        shapes: list[TrackShape] = []
        all_placed = True
        for shape in track.children:
            if shape.tag != "box" and (shape.tag in {"attribute", "tag"} or not self._takes(shape)):
                continue
            location = Location(self.path, shape.line)
            frame = _parse_number(shape.attributes.get("frame", ""))
            if frame is None or not math.isfinite(frame):
                self.rows.refuse(location, tr("the box has no frame number"))
                all_placed = False
                continue
            number_or_none = NO_TRACK if number is None else number
            corners = [_parse_number(shape.attributes.get(name, "")) for name in CORNERS]
            rect = None if None in corners else cast("list[float]", corners)
            class_id = self.rows.classes.index(label)
            if shape.attributes.get("outside") == "1":
                self.outside += 1
                shapes.append(TrackShape(frame, rect, class_id, number_or_none, 0, location, outside=True))
                continue
            is_key = shape.attributes.get("keyframe") != "0"
            self.tracks.has_interpolated |= not is_key
            before = len(self.rows)
            self._add(shape, frame, label, number_or_none, int(BoxFlag.KEY_FRAME if is_key else BoxFlag.INTERPOLATED))
            is_read = len(self.rows) > before and find_rect_error(cast("Rect", tuple(rect or ()))) is None
            flags = self.rows.flags[-1] if is_read else 0
            shapes.append(TrackShape(frame, rect, class_id, number_or_none, flags, location, refused=not is_read))
        if shapes and all_placed:
            self.tracks.shapes.append(shapes)

    def _read_image(self, image: Element) -> None:
        number = _parse_integer(image.attributes.get("id", ""))
        if number is None:
            location = Location(self.path, image.line)
            self.rows.refuse(location, tr("the image has no ID; its boxes were not read"))
            return
        index = len(self.images)
        self.images.append((image.attributes.get("name", ""), number, image.line))
        width, height = (
            _parse_integer(image.attributes.get("width", "")),
            _parse_integer(image.attributes.get("height", "")),
        )
        self.sizes.append((width or 0, height or 0))
        for shape in image.children:
            if shape.tag != "box" and (shape.tag == "tag" or not self._takes(shape)):
                continue
            row = len(self.rows)
            self._add(shape, number, shape.attributes.get("label", ""), NO_TRACK, 0)
            if len(self.rows) > row:
                self.image_rows.append((row, index))

    def _takes(self, shape: Element) -> bool:
        """Count a shape that is no box; whether it is read as the box around it, whose corners it then has."""
        counts, rect = self.rows.shapes, shape_envelope(shape)
        if counts is None or counts.are_refused:
            self.shapes[shape.tag] += 1
        if counts is None or not counts.takes(kind_of(shape), rect) or rect is None:
            return False
        be_box(shape, rect)
        return True

    def _add(self, shape: Element, frame: float, label: str, track: int, flags: int) -> None:
        location = Location(self.path, shape.line)
        corners = [_parse_number(shape.attributes.get(name, "")) for name in CORNERS]
        for name, value in zip(CORNERS, corners, strict=True):
            if value is None:
                text = shape.attributes.get(name, "")
                self.rows.refuse(location, tr("{name} is missing or not a number: {text!r}", name=name, text=text))
                return
        turn = _parse_number(shape.attributes.get("rotation", "0"))
        if turn not in {0.0, None}:
            turned = rotated_corners([one or 0.0 for one in corners], turn or 0.0)
            if not self.rows.shape(ROTATED, location, turned, tr("rotated boxes are not supported")):
                return
            corners = list(turned)
        if shape.attributes.get("occluded") == "1":
            flags |= BoxFlag.OCCLUDED
        free: dict[str, str] = {}
        for attribute in shape.children:
            name = attribute.attributes.get("name", "").lower()
            is_on = attribute.text.strip().lower() == "true"
            if name in IGNORED_ATTRIBUTES:
                flags |= BoxFlag.IGNORED if is_on else 0
            elif name == TRUNCATED_ATTRIBUTE:
                flags |= BoxFlag.TRUNCATED if is_on else 0
            elif attribute.tag == "attribute":
                free[attribute.attributes.get("name", "")] = attribute.text
        flags |= with_set(0, self.rows.attributes.number(free))
        rect = cast("list[float]", corners)
        self.rows.add(location, frame, rect, class_id=self.rows.classes.index(label), track=track, flags=int(flags))

    def result(self) -> ImportedBoxes:
        labelled = self._image_frames() if self.images else self._track_frames()
        facts = VideoFacts(video_name=self.task.video, last_frame=self.task.stop if self.has_tracks else None)
        notes = self.rows.notes
        if self.images and self.has_tracks:
            notes.append(
                StatedFact(tr("The file contains tracks and images; only the frames of the images count as labelled"))
            )
        if self.outside:
            notes.append(
                StatedFact(
                    tr_n(
                        "{count} box with outside=1 is left out: it marks the end of a track",
                        "{count:,} boxes with outside=1 are left out: they mark the ends of tracks",
                        self.outside,
                    )
                )
            )
        for tag, count in sorted(self.shapes.items()):
            if count:
                self.rows.refuse(
                    Location(self.path),
                    tr_n(
                        "{count} shape of type {type} is not a box",
                        "{count:,} shapes of type {type} are not boxes",
                        count,
                        type=tag,
                    ),
                )
        table = ImageTable()
        if self.images and labelled is not None:
            names, numbers = [image[0] for image in self.images], [image[1] for image in self.images]
            table = ImageTable.of(list(labelled), names=names, ids=numbers, sizes=self.sizes)
        size = table.common_size or (self.task.size if not any(width for width, _ in table.sizes) else None)
        kind = self.context.kind_or(ImportKind.GROUND_TRUTH)
        names = self.rows.classes.names
        if names and self.declared == len(names):
            # CVAT's exports to formats with numbers count the labels of the task in this order.
            self.rows.class_table = ClassTable.of(names, range(len(names)), NumberKind.INDEX)
        return self.rows.finish(
            KEY, kind, self.context, scored=False, labelled=labelled, size=size, images=table, facts=facts
        )

    def _image_frames(self) -> list[int]:
        """Frames of the listed images, which are also assigned to the boxes."""
        frames = [number - (self.context.frame_base or 0) for _, number, _ in self.images]
        if self.context.image_names is not None:
            by_name = assign_frames([name for name, _, _ in self.images], self.context)
            if by_name.frames and not by_name.unknown:
                frames = [by_name.frames[name] for name, _, _ in self.images]
                self.rows.notes.append(by_name.note)
        else:
            self.rows.notes.append(StatedFact(tr("Frames by image ID, starting at 0")))
        for row, index in self.image_rows:
            self.rows.frames[row] = frames[index]
        return frames

    def _track_frames(self) -> range | None:
        """Frames of the task, from start to stop with its step; None if the file does not define them."""
        self._to_video_frames()
        stop = self.task.stop
        if stop is None and self.task.count:
            stop = self.task.start + (self.task.count - 1) * self.task.step
        self.tracks.interpolate(self.rows, self.task.step, stop, self.context.frame_count)
        return None if stop is None else range(self.task.start, stop + 1, self.task.step)

    def _to_video_frames(self) -> None:
        """Convert the file's frame numbers to those of the video.

        CVAT writes numbers of the video: start + n * step. If a box contradicts that, the numbers are those of the
        task (n), and start and step are applied here.
        """
        rows, task = self.rows, self.task
        if self.context.frame_base is not None:
            self._move_frames(1, -self.context.frame_base)
            return
        if task.start == 0 and task.step == 1:
            return
        refused = [shape.frame for shapes in self.tracks.shapes for shape in shapes if shape.refused]
        frames = np.array([*rows.frames, *refused])
        if np.all((frames >= task.start) & ((frames - task.start) % task.step == 0)):
            rows.notes.append(
                tr(
                    "Frame numbers of the video; the task starts at frame {start} with step {step}",
                    start=task.start,
                    step=task.step,
                )
            )
            return
        self._move_frames(task.step, task.start)
        rows.notes.append(
            tr(
                "Frame numbers of the task: number n is frame {start} + n × {step} of the video",
                start=task.start,
                step=task.step,
            )
        )

    def _move_frames(self, factor: int, offset: int) -> None:
        """Multiply every frame number of boxes and track shapes by ``factor`` and add ``offset``."""
        self.rows.frames = [frame * factor + offset for frame in self.rows.frames]
        self.tracks.shapes = [
            [shape._replace(frame=shape.frame * factor + offset) for shape in shapes] for shapes in self.tracks.shapes
        ]


def _parse_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _parse_integer(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def read(path: Path, context: ReadContext) -> ImportedBoxes:
    """Boxes of a CVAT file; ``outside`` boxes are left out, key frames and interpolated boxes keep their flags.

    Raises:
        UserError: damaged or encrypted archive, damaged XML, or not CVAT XML.
    """
    reader = _Reader(path, context)
    try:
        with open_annotations(path) as stream:
            root = read_elements(path, stream, reader.read)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(tr("the file is not a readable zip archive: {reason}", reason=error), path=path) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    if root != "annotations":
        reason = tr("the file is not CVAT XML: its root is <{root}>, not <annotations>", root=root)
        raise UserError(reason, path=path, line=1)
    return reader.result()


def write(path: Path, data: BoxesToWrite) -> None:
    """CVAT XML "for video": tracks by track id and class; a box without a track becomes a track of one box.

    CVAT's import keeps only boxes with keyframe="1" and interpolates the others again. A box is therefore written as
    interpolated only if it has that flag and lies on the straight line between its key frames. A track that ends or
    pauses gets a box with outside="1".
    """
    texts = corner_texts(data.boxes)
    with atomic_write(path) as file:
        for part in _parts(data, texts):
            file.write(part.encode())


def _parts(data: BoxesToWrite, texts: list[list[str]]) -> Iterator[str]:
    flags = np.asarray(data.flags, np.int64)
    used = [name for flag, name in FLAG_ATTRIBUTES if np.any(flags & int(flag))]
    numbers = np.unique(set_numbers(flags)).tolist()
    sets = [data.attribute_sets[number - 1] for number in numbers if 0 < number <= len(data.attribute_sets)]
    free = sorted({name for one in sets for name, _value in one} - set(used))
    yield f"{xml_declaration()}<annotations>\n  <version>1.1</version>\n"
    yield _meta(data, used, free)
    for number, rows in _tracks(data):
        yield from _track(number, rows, data, texts)
    yield "</annotations>\n"


def _meta(data: BoxesToWrite, attributes: list[str], free: list[str]) -> str:
    names = list(data.class_names)
    if np.any(np.asarray(data.class_ids) < 0) and UNSPECIFIED_NAME not in names:
        names.append(UNSPECIFIED_NAME)
    specs = "".join(
        f"<attribute><name>{name}</name><mutable>True</mutable><input_type>checkbox</input_type>"
        "<default_value>false</default_value><values>false</values></attribute>"
        for name in attributes
    ) + "".join(
        f"<attribute><name>{escape(name)}</name><mutable>True</mutable><input_type>text</input_type>"
        "<default_value></default_value><values></values></attribute>"
        for name in free
    )
    labels = "".join(
        f"        <label><name>{escape(name)}</name><attributes>{specs}</attributes></label>\n" for name in names
    )
    start, stop, step = _segment(data)
    frame_filter = f"step={step}" if step > 1 else ""
    width, height = data.size
    return (
        "  <meta>\n    <task>\n"
        f"      <name>{escape(data.video_name)}</name>\n      <size>{(stop - start) // step + 1}</size>\n"
        "      <mode>interpolation</mode>\n      <overlap>0</overlap>\n"
        f"      <start_frame>{start}</start_frame>\n      <stop_frame>{stop}</stop_frame>\n"
        f"      <frame_filter>{frame_filter}</frame_filter>\n"
        f"      <labels>\n{labels}      </labels>\n"
        f"      <original_size><width>{width}</width><height>{height}</height></original_size>\n"
        "    </task>\n"
        f"    <source>{escape(data.video_name)}</source>\n  </meta>\n"
    )


def _segment(data: BoxesToWrite) -> tuple[int, int, int]:
    """First frame, last frame and step: of the labelled frames if they are evenly spaced, else of the video."""
    whole = (0, max(data.frame_count - 1, 0), 1)
    if data.labelled is None:
        return whole
    labelled: Int = np.unique(np.asarray(data.labelled, np.int64))
    # A step must not skip frames that have boxes.
    if len(labelled) < 2 or not np.isin(data.frames, labelled).all():
        return whole
    steps = np.diff(labelled)
    return (int(labelled[0]), int(labelled[-1]), int(steps[0])) if np.all(steps == steps[0]) else whole


def _tracks(data: BoxesToWrite) -> Iterator[tuple[int, Int]]:
    """Track numbers and their rows in frame order; a track has one label and one box per frame, as CVAT requires."""
    groups: dict[tuple[int, int, int], list[int]] = {}
    tracks, classes = np.asarray(data.track_ids).tolist(), np.asarray(data.class_ids).tolist()
    frames = np.asarray(data.frames).tolist()
    seen: dict[tuple[int, int, int], int] = {}
    for row, (track, class_id) in enumerate(zip(tracks, classes, strict=True)):
        if track < 0:
            groups[(-1, row, 0)] = [row]
            continue
        repeat = seen.get((track, class_id, frames[row]), 0)
        seen[(track, class_id, frames[row])] = repeat + 1
        groups.setdefault((track, class_id, repeat), []).append(row)
    next_free = max(tracks, default=-1) + 1
    used: set[int] = set()
    for (track, _, _), members in groups.items():
        number = track
        # CVAT's track numbers start at 0; a track with two classes becomes two tracks.
        if number < 0 or number in used:
            number, next_free = max(next_free, 0), max(next_free, 0) + 1
        used.add(number)
        rows = np.array(members, np.int64)
        yield number, rows[np.argsort(np.asarray(data.frames)[rows], kind="stable")]


def _track(number: int, rows: Int, data: BoxesToWrite, texts: list[list[str]]) -> Iterator[str]:
    label = data.class_of(int(rows[0]))
    yield f"  <track{format_attributes(id=number, label=label, source='manual')}>\n"
    step = _segment(data)[2]
    frames = np.asarray(data.frames, np.int64)[rows]
    flags = np.asarray(data.flags, np.int64)[rows]
    key = find_key_frames(frames, np.asarray(data.boxes, np.float64)[:, rows], flags)
    last = len(rows) - 1
    for i, row in enumerate(rows.tolist()):
        frame, flag = int(frames[i]), int(flags[i])
        is_occluded, free = bool(flag & BoxFlag.OCCLUDED), data.attributes_of(row)
        yield _box(frame, texts[row], occluded=is_occluded, key=bool(key[i]), flags=flag, free=free)
        following = int(frames[i + 1]) if i < last else data.frame_count
        if frame + step < following:
            yield _box(frame + step, texts[row], occluded=False, key=True, outside=True)
    yield "  </track>\n"


_BOX_ATTRIBUTES = ("frame", "keyframe", "outside", "occluded", *CORNERS)
_BOX_START = f"    <box{format_attributes(**dict.fromkeys(_BOX_ATTRIBUTES, '{}'), z_order=0)}>"
"""Template with a placeholder for each attribute; formatting it is faster than quoting every number."""


def _box(
    frame: int,
    corners: Iterable[str],
    *,
    occluded: bool,
    key: bool,
    outside: bool = False,
    flags: int = 0,
    free: AttributeSet = (),
) -> str:
    start = _BOX_START.format(frame, int(key), int(outside), int(occluded), *corners)
    attributes = "".join(
        f"<attribute{format_attributes(name=name)}>true</attribute>" for flag, name in FLAG_ATTRIBUTES if flags & flag
    )
    attributes += "".join(
        f"<attribute{format_attributes(name=name)}>{escape(value)}</attribute>" for name, value in free
    )
    return f"{start}{attributes}</box>\n"


def find_key_frames(frames: Int, boxes: Float, flags: Int) -> Bool:
    """(N,) bool: rows of one track that must be key frames so that linear interpolation restores the boxes.

    Args:
        frames: (N,) int64, ascending.
        boxes: (4, N) float64.
        flags: (N,) int64; only INTERPOLATED boxes may be left to CVAT's interpolation.
    """
    key: Bool = (flags & int(BoxFlag.INTERPOLATED)) == 0
    if len(frames) == 0:
        return key
    # Boxes next to a gap have only one neighbour to interpolate from; attributes change only at key frames.
    gap = np.diff(frames) > 1
    visible = flags & (int(BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED) | ATTRIBUTE_MASK)
    key[0] = key[-1] = True
    key[1:] |= gap | (np.diff(visible) != 0)
    key[:-1] |= gap
    while True:
        knots = np.flatnonzero(key)
        line = np.stack([np.interp(frames, frames[knots], edge[knots]) for edge in boxes])
        off = (np.abs(line - boxes) > LINEAR_TOLERANCE).any(axis=0) & ~key
        if not off.any():
            return key
        key |= off


FORMAT = Format(
    key=KEY,
    name=tr("CVAT XML 1.1"),
    menu_name=tr("CVAT XML"),
    about=tr("One XML file with tracks, as CVAT imports and exports them."),
    extensions=(".xml", ".zip"),
    kinds=(ImportKind.GROUND_TRUTH,),
    syntaxes=(Syntax.XML, Syntax.ZIP),
    detect=sniff,
    read=read,
    write=write,
    menu_rank=5,
    lacks=(Field.BOXES_WITHOUT_TRACK, Field.SCORES),
)
