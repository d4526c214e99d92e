"""Rows of files that list images or frames, each with its boxes: frames are found once all images are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.attributes import with_set
from iouviewer.document.boxes import NO_TRACK, Rect
from iouviewer.document.imported import ImportedBoxes, ImportKind, StatedFact
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.frame_numbers import assign_frames
from iouviewer.formats.interface import Location, ReadContext
from iouviewer.formats.rows import Rows
from iouviewer.formats.shapes import ShapeCounts
from iouviewer.formats.table import find_frame_base
from iouviewer.i18n import tr

Size = tuple[int, int] | None


class ImageRows:
    """Collects the boxes of images; ``finish`` finds the frames of the images.

    Attributes:
        rows: classes, refused rows and notes.
        tracks: track number by the file's own id, for ids that are no numbers.
    """

    def __init__(self, path: Path, key: str, context: ReadContext) -> None:
        self.path, self.key, self.context = path, key, context
        self.rows = Rows(path)
        self.shapes = ShapeCounts(context)
        self._images: list[tuple[str, float | None, Size]] = []
        self._scaled: dict[int, float] = {}
        self._tracks: dict[str, int] = {}
        self.scored = False

    def image(self, name: str = "", number: float | None = None, size: Size = None) -> int:
        """Add an image by its name, or a frame by its number; returns what ``add`` takes."""
        self._images.append((name, number, size))
        return len(self._images) - 1

    def track(self, own: object) -> int:
        """The track of an id of the file: numbers as they are, other ids numbered in the order of first use."""
        text = "" if own is None or isinstance(own, bool) else str(own).strip()
        if not text:
            return NO_TRACK
        if text.isascii() and text.isdigit() and len(text) <= 15:
            return int(text)
        if text.startswith("-") and text[1:].isdigit():
            return NO_TRACK
        return self._tracks.setdefault(text, 1_000_000 + len(self._tracks))

    def add(
        self,
        image: int,
        location: Location,
        rect: Sequence[float | None],
        *,
        class_name: object = "",
        score: float | None = None,
        track: int = NO_TRACK,
        flags: int = 0,
        attributes: Mapping[str, str] | None = None,
        shape: str = "",
        relative_to: float = 0.0,
    ) -> None:
        """Add a box, or a shape with its envelope.

        Args:
            rect: x1, y1, x2, y2; None for what is no number.
            shape: kind of a shape (``formats.shapes``); empty for a box.
            relative_to: what the whole frame counts: 1 for shares, 100 for per cent, 0 for pixels.
        """
        values = [one for one in rect if one is not None]
        whole: Rect | None = (values[0], values[1], values[2], values[3]) if len(values) == 4 else None
        if shape and not self.shapes.takes(shape, whole):
            return
        if whole is None:
            self.rows.refuse(location, tr("the box has no four numbers"))
            return
        if relative_to:
            self._scaled[len(self.rows)] = relative_to
        if attributes:
            flags |= with_set(0, self.rows.attributes.number(attributes))
        class_id = self.rows.classes.index("" if class_name is None else str(class_name))
        self.scored = self.scored or score is not None
        self.rows.add(location, image, whole, class_id=class_id, score=score, track=track, flags=flags)

    def finish(self, kind: ImportKind, *, base: int | None = None, **more: Any) -> ImportedBoxes:
        """The boxes by frame.

        Args:
            base: number of the first frame where the format defines it.

        Raises:
            UserError: images that cannot be told apart, or boxes in shares of frames whose size is not known.
        """
        rows, context = self.rows, self.context
        note = self.shapes.note(self.path)
        if note:
            rows.notes.append(note)
        frames, by_number = self._frames(base)
        rows.frames = [frames[int(image)] for image in rows.frames]
        self._scale(frames)
        known = [at for at, frame in enumerate(frames) if np.isfinite(frame) and frame >= 0]
        names = [self._images[at][0] for at in known]
        sizes = [self._images[at][2] or (0, 0) for at in known]
        table = ImageTable()
        if any(names) and not by_number:
            table = ImageTable.of([int(frames[at]) for at in known], names=names, sizes=sizes)
        rows.keep_only([row for row, frame in enumerate(rows.frames) if np.isfinite(frame)])
        common = {size for size in sizes if size[0]}
        if len(common) == 1:
            more.setdefault("size", next(iter(common)))
        more.setdefault("labelled", np.array(sorted({int(frames[at]) for at in known}), np.int64))
        return rows.finish(self.key, context.kind_or(kind), context, scored=self.scored, images=table, **more)

    def _frames(self, base: int | None) -> tuple[list[float], bool]:
        """The frame of each image, NaN where it has none, and whether the numbers of the file gave it."""
        numbers = np.array([np.nan if one is None else one for _, one, _ in self._images], np.float64)
        has_numbers = bool(np.isfinite(numbers).all()) and len(set(numbers.tolist())) == len(numbers)
        if has_numbers and self.context.image_names is None:
            if self.context.frame_base is not None:
                base = self.context.frame_base
            first = find_frame_base(numbers, self.context, self.path) if base is None else base
            self.rows.notes.append(StatedFact(tr("Frames start at {base}", base=first)))
            return (numbers - first).tolist(), True
        names = [name for name, _, _ in self._images]
        if not all(names):
            raise UserError(tr("the images of the file have no names"), path=self.path)
        try:
            found = assign_frames(sorted(set(names)), self.context, stride=self.context.stride or 1)
        except UserError as error:
            error.path = error.path or self.path
            raise
        for name in found.unknown:
            reason = tr("{name} is not in the image folder; its boxes were not read", name=name)
            self.rows.refuse(Location(self.path), reason)
        if names:
            self.rows.notes.append(found.note)
        return [float(found.frames.get(name, np.nan)) for name in names], False

    def _scale(self, frames: Sequence[float]) -> None:
        """Turn shares of the frame into pixels, with the size of its own image or that of the source."""
        by_frame = {frame: size for frame, (_, _, size) in zip(frames, self._images, strict=True) if size is not None}
        for row, whole in self._scaled.items():
            frame = self.rows.frames[row]
            size = by_frame.get(frame) or (self.context.size_of(int(frame)) if np.isfinite(frame) else (1, 1))
            if size is None:
                raise UserError(
                    tr("the boxes are shares of the frame, whose size is not known"),
                    path=self.path,
                    remedy=tr("Give the video, or --size WxH."),
                )
            x1, y1, x2, y2 = self.rows.rects[row]
            sx, sy = size[0] / whole, size[1] / whole
            self.rows.rects[row] = (x1 * sx, y1 * sy, x2 * sx, y2 * sy)


def corners_of(x: float | None, y: float | None, width: float | None, height: float | None) -> list[float | None]:
    """x1, y1, x2, y2 of a box by its left top corner and size; None where a number is missing."""
    if x is None or y is None or width is None or height is None:
        return [None] * 4
    return [x, y, x + width, y + height]
