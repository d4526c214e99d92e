"""Boxes of one file, written in another format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.jobs.eval_inputs import ReadOptions, SourceFacts, read_file, source_facts

NEEDS_NO_SIZE = ("mot", "boxcsv")
"""Formats that hold pixels and do not name the picture's size."""


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """What to convert: the video may be None if ``options`` (or the file) give size and number of frames."""

    video: Path | None
    source: Path
    target: Path
    format: str
    options: ReadOptions


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written: number of boxes and of frames that hold one; rows left out on request."""

    boxes: int
    frames: int
    skipped: int
    notes: tuple[str, ...]


def _frame_count(boxes: ImportedBoxes, facts: SourceFacts) -> int:
    said = facts.frame_count if facts.frame_count is not None else boxes.frame_count
    return said if said is not None else (int(boxes.frames.max()) + 1 if len(boxes) else 0)


def convert(request: ConvertRequest) -> Converted:
    """Read ``source`` and write ``target``; both sides' conventions are those of the formats.

    Raises:
        UserError: unreadable rows, a picture size that is needed and not known, a target that cannot be written.
    """
    from iouviewer.formats.registry import BoxesToWrite, refuse_outside, write_boxes
    from iouviewer.jobs.eval_inputs import refuse_bad_rows

    facts = source_facts(request.video, request.options)
    boxes = read_file(request.source, facts, request.options, Kind.UNKNOWN)
    frame_count = _frame_count(boxes, facts)
    boxes = refuse_outside(boxes, frame_count)
    refuse_bad_rows(boxes, request.options)
    size = facts.size or boxes.size
    if size is None and request.format not in NEEDS_NO_SIZE:
        raise UserError(f"{request.format} needs the size of the pictures", remedy="Give the video, or --size WxH")
    data = BoxesToWrite(
        frames=boxes.frames,
        boxes=boxes.boxes,
        class_ids=boxes.class_ids,
        class_names=boxes.class_names,
        scores=boxes.scores,
        track_ids=boxes.track_ids,
        flags=boxes.flags,
        size=size or (0, 0),
        frame_count=frame_count,
        labelled=boxes.labelled if boxes.kind is not Kind.PREDICTIONS else boxes.covered,
        video_name=request.video.name if request.video is not None else "",
        protocol=boxes.protocol,
        image_names=facts.image_names,
    )
    write_boxes(request.target, data, format=request.format)
    return Converted(len(boxes), len(set(boxes.frames.tolist())), len(boxes.refused), tuple(boxes.notes))
