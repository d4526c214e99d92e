"""Converts the boxes of one file to another format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.kept_source import SourceTexts
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.eval_inputs import ReadOptions, read_file, read_source, refuse_bad_rows
from iouviewer.jobs.notes import refuse_notes

if TYPE_CHECKING:
    from iouviewer.formats.interface import BoxesToWrite


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """Arguments of ``convert``. ``video`` may be None if ``options`` or the file provide the frame size and count."""

    video: Path | None
    source: Path
    target: Path
    format: str
    options: ReadOptions


@dataclass(frozen=True, slots=True)
class ConvertResult:
    """The result of ``convert``.

    Attributes:
        boxes: number of boxes.
        frames: number of frames with boxes.
        skipped: number of rows skipped on request.
        notes: assumptions of the reader, one sentence each.
    """

    target: Path
    boxes: int
    frames: int
    skipped: int
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line for the user."""
        return tr(
            "{path}: {boxes} on {frames}",
            path=self.target,
            boxes=tr_n("{count} box", "{count:,} boxes", self.boxes),
            frames=tr_n("{count} frame", "{count:,} frames", self.frames),
        )


def _frame_count(boxes: ImportedBoxes, context: ReadContext) -> int:
    count = context.frame_count if context.frame_count is not None else boxes.frame_count
    if count is None and len(boxes.images):
        count = max(boxes.images.frames) + 1
    return count if count is not None else (int(boxes.frames.max()) + 1 if len(boxes) else 0)


def convert(request: ConvertRequest) -> ConvertResult:
    """Read ``source`` and write ``target``, each with the conventions of its format.

    Raises:
        UserError: unreadable rows, an unknown frame size that the format needs, a target that cannot be written.
    """
    from iouviewer.formats.patching.source import PATCHERS
    from iouviewer.formats.registry import (
        find_format,
        refuse_frames_outside,
        unsupported_fields,
        write_boxes,
    )

    _, context = read_source(request.video, request.options)
    context = replace(context, keep_texts=reads_as_written(request.options))
    boxes = read_file(request.source, context, request.options, ImportKind.UNKNOWN)
    frame_count = _frame_count(boxes, context)
    unread = len(boxes.refused)
    boxes = refuse_frames_outside(boxes, frame_count)
    refuse_bad_rows(boxes, request.options)
    if request.options.strict:
        refuse_notes(boxes.notes)
    images = boxes.images.by_frame(frame_count)
    size = context.size or boxes.size or next((size for size in images.sizes if size[0]), None)
    written = find_format(request.format)
    as_read = boxes.texts is not None and boxes.format == request.format in PATCHERS
    if size is None and written is not None and written.needs_size and not as_read:
        raise UserError(
            tr("the format {format} needs the frame size", format=request.format),
            remedy=tr("Give the video, or --size WxH."),
        )
    data = _to_write(request, boxes, context, frame_count, size or (0, 0))
    notes = tuple(boxes.notes)
    if as_read:
        _write_as_read(request.target, boxes, data)
        notes += _kept_rows(unread)
    else:
        write_boxes(request.target, data, format=request.format)
        notes += unsupported_fields(data, request.format)
    frames_with_boxes = len(set(boxes.frames.tolist()))
    return ConvertResult(request.target, len(boxes), frames_with_boxes, len(boxes.refused), notes)


def _to_write(
    request: ConvertRequest, boxes: ImportedBoxes, context: ReadContext, frame_count: int, size: tuple[int, int]
) -> BoxesToWrite:
    from iouviewer.formats.interface import BoxesToWrite

    images = boxes.images.by_frame(frame_count)
    return BoxesToWrite(
        frames=boxes.frames,
        boxes=boxes.boxes,
        class_ids=boxes.class_ids,
        class_names=boxes.class_names,
        scores=boxes.scores,
        track_ids=boxes.track_ids,
        flags=boxes.flags,
        attribute_sets=boxes.attribute_sets,
        size=size,
        frame_count=frame_count,
        labelled=boxes.labelled if boxes.kind is not ImportKind.PREDICTIONS else boxes.covered,
        video_name=request.video.name if request.video is not None else "",
        protocol=boxes.protocol,
        image_names=context.image_names or (images.names if request.video is None else None),
        image_sizes=context.image_sizes or (images.sizes if context.size is None else None),
        areas=boxes.areas,
        image_ids=images.ids if request.video is None else None,
        class_numbers=boxes.class_numbers,
        class_kind=boxes.class_kind,
    )


def reads_as_written(options: ReadOptions) -> bool:
    """Whether these options leave frames, boxes and classes as they are in the file."""
    harmless = replace(
        options,
        size=None,
        frame_count=None,
        skip_bad_rows=False,
        trust_columns=False,
        accept_differences=False,
        strict=False,
        split="val",
        images_by=None,
        for_files={name: values for name, values in options.for_files.items() if values},
    )
    return harmless == ReadOptions()


def _write_as_read(target: Path, boxes: ImportedBoxes, data: BoxesToWrite) -> None:
    """Write the text that was read, without the rows that lie outside the video."""
    from iouviewer.formats.patching.copies import write_copy
    from iouviewer.formats.patching.source import patch_source

    texts = boxes.texts or SourceTexts()
    changed: Mapping[str, bytes] = {}
    if boxes.rows is not None:
        changed = patch_source(texts, None, data, boxes.rows, boxes.classes).changed
    write_copy(texts, changed, boxes, target)


def _kept_rows(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    text = tr_n(
        "{count} row that was not read stays in the file as it is",
        "{count:,} rows that were not read stay in the file as they are",
        count,
    )
    return (text,)
