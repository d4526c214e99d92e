"""Converts the boxes of one file to another format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.eval_inputs import ReadOptions, read_file, read_source, refuse_bad_rows
from iouviewer.jobs.notes import refuse_notes


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
    from iouviewer.formats.registry import BoxesToWrite, find_format, refuse_frames_outside, write_boxes

    _, context = read_source(request.video, request.options)
    boxes = read_file(request.source, context, request.options, ImportKind.UNKNOWN)
    frame_count = _frame_count(boxes, context)
    boxes = refuse_frames_outside(boxes, frame_count)
    refuse_bad_rows(boxes, request.options)
    if request.options.strict:
        refuse_notes(boxes.notes)
    images = boxes.images.by_frame(frame_count)
    size = context.size or boxes.size or next((size for size in images.sizes if size[0]), None)
    written = find_format(request.format)
    if size is None and written is not None and written.needs_size:
        raise UserError(
            tr("the format {format} needs the frame size", format=request.format),
            remedy=tr("Give the video, or --size WxH."),
        )
    data = BoxesToWrite(
        frames=boxes.frames,
        boxes=boxes.boxes,
        class_ids=boxes.class_ids,
        class_names=boxes.class_names,
        scores=boxes.scores,
        track_ids=boxes.track_ids,
        flags=boxes.flags,
        attribute_sets=boxes.attribute_sets,
        size=size or (0, 0),
        frame_count=frame_count,
        labelled=boxes.labelled if boxes.kind is not ImportKind.PREDICTIONS else boxes.covered,
        video_name=request.video.name if request.video is not None else "",
        protocol=boxes.protocol,
        image_names=context.image_names or (images.names if request.video is None else None),
        image_sizes=context.image_sizes or (images.sizes if context.size is None else None),
        areas=boxes.areas,
    )
    write_boxes(request.target, data, format=request.format)
    frames_with_boxes = len(set(boxes.frames.tolist()))
    return ConvertResult(request.target, len(boxes), frames_with_boxes, len(boxes.refused), tuple(boxes.notes))
