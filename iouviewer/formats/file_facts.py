"""What a file says about its video, compared with the open video, and what the user chose to do about differences.

One rule for every door: ``registry.read_boxes`` calls ``apply_choices``. Without a choice a difference is refused with
both values and the options that resolve it; the Open dialog offers the same choices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from iouviewer.document.imported import ImportedBoxes, ImportKind, StatedFact
from iouviewer.document.sources import ImageTable
from iouviewer.formats.interface import Choice, ReadContext, UncertainReadingError, command_option
from iouviewer.formats.video_identity import other_video
from iouviewer.i18n import tr
from iouviewer.metrics.table import Bool, Int

FRAME_TOLERANCE = 1
"""Frames: tools count a video's frames from its duration, which is off by one now and then."""
RATE_TOLERANCE = 0.005
"""Share: 29.97 and 30 frames per second are one rate, rounded."""
FRACTION_FORMATS = ("yolo", "labelstudio")
"""Formats whose boxes are shares of the frame size, whatever it is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that file and video state differently: a message with both values, and the ways to resolve it."""

    message: str
    choices: tuple[Choice, ...]


def accept_choice() -> Choice:
    """Read the file as it is."""
    return Choice(tr("read it as it is"), "--accept-differences", {"accept_differences": True})


def apply_choices(boxes: ImportedBoxes, context: ReadContext) -> ImportedBoxes:
    """The boxes with what the user chose (step, rate, scale); refuses differences that no choice resolves.

    Raises:
        UncertainReadingError: the file states another size, rate, number of frames or video.
    """
    differences = [] if context.accept_differences else list(find_differences(boxes, context))
    if differences:
        choices = {choice.option: choice for difference in differences for choice in difference.choices}
        choices["--accept-differences"] = accept_choice()
        raise UncertainReadingError(
            "; ".join(difference.message for difference in differences),
            choices=tuple(choices.values()),
            path=boxes.path,
        )
    notes = []
    if context.stride is not None and context.stride > 1:
        boxes = _with_step(boxes, context.stride, context.frame_count)
        if not boxes.stride_applied:
            notes.append(StatedFact(tr("Frame n of the file is frame n × {step} of the video", step=context.stride)))
    if context.file_fps and context.fps and not context.use_times and not boxes.rate_applied:
        boxes = _with_rate(boxes, context.fps / context.file_fps, context.frame_count)
        text = StatedFact(
            tr("Frames counted at {file:g} fps are placed at {video:g} fps", file=context.file_fps, video=context.fps)
        )
        notes.append(text)
    if context.file_size is not None:
        boxes = replace(boxes, size=context.file_size, images=ImageTable.of(boxes.images.frames))
    if (context.scale_boxes or context.file_size is not None) and boxes.format not in FRACTION_FORMATS:
        boxes, is_scaled = _scaled(boxes, context)
        if is_scaled:
            notes.append(StatedFact(tr("Boxes are scaled from the frame size of the file to that of the video")))
    return replace(boxes, notes=(*boxes.notes, *notes)) if notes else boxes


def _with_step(boxes: ImportedBoxes, step: int, frame_count: int | None) -> ImportedBoxes:
    """The boxes of a file that has every ``step``-th frame; the others are neither labelled nor covered."""
    if not boxes.stride_applied:
        return _with_frames(boxes, lambda frames: frames * step, frame_count)
    # Label files: number n, from 1, is frame n * step - 1.
    if boxes.kind is not ImportKind.PREDICTIONS or boxes.covered is not None or frame_count is None:
        return boxes
    return replace(boxes, covered=np.arange(step - 1, frame_count, step))


def _with_rate(boxes: ImportedBoxes, ratio: float, frame_count: int | None) -> ImportedBoxes:
    """The boxes of a file with another frame rate, each on the nearest frame; of several, the nearest is kept."""

    def convert(frames: Int) -> Int:
        moved: Int = np.rint(frames * ratio).astype(np.int64)
        return moved

    def is_nearest(frames: Int) -> Bool:
        return np.asarray(np.rint(convert(frames) / ratio).astype(np.int64) == frames)

    keep = is_nearest(boxes.frames) if ratio < 1 else np.ones(len(boxes), np.bool_)
    kept = replace(
        boxes,
        frames=boxes.frames[keep],
        boxes=np.ascontiguousarray(boxes.boxes[:, keep]),
        class_ids=boxes.class_ids[keep],
        scores=None if boxes.scores is None else boxes.scores[keep],
        track_ids=boxes.track_ids[keep],
        flags=boxes.flags[keep],
        areas=None if boxes.areas is None else boxes.areas[keep],
    )
    return _with_frames(kept, convert, frame_count)


def _with_frames(boxes: ImportedBoxes, convert: Callable[[Int], Int], frame_count: int | None) -> ImportedBoxes:
    """The boxes on the frames that ``convert`` gives for (N,) int64 frames, which are all that the file has."""
    count = boxes.frame_count
    if count is None:
        # A file of a faster video has up to four times as many frames.
        count = 4 * frame_count if frame_count is not None else int(boxes.frames.max(initial=-1)) + 1
    all_frames = np.unique(convert(np.arange(count, dtype=np.int64)))
    if frame_count is not None:
        all_frames = all_frames[all_frames < frame_count]
    is_predictions = boxes.kind is ImportKind.PREDICTIONS
    labelled = boxes.labelled if boxes.labelled is None else np.unique(convert(boxes.labelled))
    covered = boxes.covered if boxes.covered is None else np.unique(convert(boxes.covered))
    return replace(
        boxes,
        frames=convert(boxes.frames),
        labelled=all_frames if labelled is None and not is_predictions else labelled,
        covered=all_frames if covered is None and is_predictions else covered,
        frame_count=None,
        images=replace(boxes.images, frames=tuple(convert(np.array(boxes.images.frames, np.int64)).tolist())),
    )


def find_differences(boxes: ImportedBoxes, context: ReadContext) -> Iterator[Difference]:
    """What the file states differently from the video; nothing that the options already resolve."""
    for find in (_size_difference, _rate_difference, _range_difference, _video_difference):
        found = find(boxes, context)
        if found is not None:
            yield found


def _sizes_of_images(boxes: ImportedBoxes) -> dict[int, tuple[int, int]]:
    """Stated (width, height) by frame."""
    images = zip(boxes.images.frames, boxes.images.sizes, strict=True)
    return {frame: size for frame, size in images if size[0] and size[1]}


def _size_difference(boxes: ImportedBoxes, context: ReadContext) -> Difference | None:
    if context.scale_boxes or context.file_size is not None or boxes.format in FRACTION_FORMATS:
        return None
    choice = Choice(tr("scale the boxes"), "--scale-boxes", {"scale_boxes": True})
    for frame, stated in _sizes_of_images(boxes).items():
        actual = context.size_of(frame)
        if actual is None or actual == stated:
            continue
        place = boxes.images.names[boxes.images.frames.index(frame)] or tr("frame {frame:,}", frame=frame)
        return Difference(
            tr(
                "its frames have {file_width} × {file_height} pixels, those of the video {width} × {height} ({place})",
                file_width=stated[0],
                file_height=stated[1],
                width=actual[0],
                height=actual[1],
                place=place,
            ),
            (choice,),
        )
    if boxes.size is None or context.size is None or context.image_sizes is not None or boxes.size == context.size:
        return None
    return Difference(
        tr(
            "its frames have {file_width} × {file_height} pixels, those of the video {width} × {height}",
            file_width=boxes.size[0],
            file_height=boxes.size[1],
            width=context.size[0],
            height=context.size[1],
        ),
        (choice,),
    )


def _rate_difference(boxes: ImportedBoxes, context: ReadContext) -> Difference | None:
    """Frame rate and number of frames: a rate matters only if the numbers of frames differ or are not known."""
    by_time = context.use_times and boxes.facts.has_times
    if context.file_fps is not None or by_time or (context.stride or 1) > 1:
        return None
    stated, actual = boxes.frame_count, context.frame_count if context.is_complete else None
    counts_differ = stated is not None and actual is not None and abs(stated - actual) > FRAME_TOLERANCE
    file_fps, fps = boxes.facts.fps, context.fps
    rates_differ = bool(file_fps and fps and abs(file_fps - fps) > RATE_TOLERANCE * max(file_fps, fps))
    same_count = stated is not None and actual is not None and not counts_differ
    if not (counts_differ or rates_differ) or (rates_differ and same_count):
        return None
    choices = []
    if rates_differ and boxes.facts.has_times:
        choices.append(Choice(tr("use its times"), "--use-times", {"use_times": True}))
    if rates_differ:
        text = tr("place frames by their time")
        choices.append(Choice(text, command_option("--file-fps", f"{file_fps:g}"), {"file_fps": file_fps}))
    if counts_differ and stated and actual:
        step = round(actual / stated)
        if step > 1 and abs(actual - stated * step) <= step:
            choices.append(
                Choice(tr("every {step} frames", step=step), command_option("--stride", step), {"stride": step})
            )
    if counts_differ and rates_differ:
        message = tr(
            "it has {file_count:,} frames at {file_fps:g} fps, the video {count:,} at {fps:g} fps",
            file_count=stated,
            file_fps=file_fps,
            count=actual,
            fps=fps,
        )
    elif counts_differ:
        message = tr("it has {file_count:,} frames, the video {count:,}", file_count=stated, count=actual)
    else:
        message = tr("it has {file_fps:g} fps, the video {fps:g} fps", file_fps=file_fps, fps=fps)
    return Difference(message, tuple(choices))


def _range_difference(boxes: ImportedBoxes, context: ReadContext) -> Difference | None:
    last, count = boxes.facts.last_frame, context.frame_count
    if last is None or count is None or last < count or not context.is_complete or context.file_fps is not None:
        return None
    return Difference(
        tr("its last frame is {last:,}, that of the video {video_last:,}", last=last, video_last=count - 1), ()
    )


def _video_difference(boxes: ImportedBoxes, context: ReadContext) -> Difference | None:
    message = other_video(boxes, context)
    return Difference(message, ()) if message else None


def _scaled(boxes: ImportedBoxes, context: ReadContext) -> tuple[ImportedBoxes, bool]:
    """The boxes scaled, frame by frame, from the stated to the actual size, and whether any size differed."""
    stated_sizes = _sizes_of_images(boxes)
    factors = np.ones((2, len(boxes)))
    known: dict[int, tuple[float, float]] = {}
    for row, frame in enumerate(boxes.frames.tolist()):
        if frame not in known:
            stated, actual = stated_sizes.get(frame, boxes.size), context.size_of(frame)
            known[frame] = (1.0, 1.0) if not stated or not actual else (actual[0] / stated[0], actual[1] / stated[1])
        factors[:, row] = known[frame]
    sizes = tuple(
        context.size_of(frame) or size for frame, size in zip(boxes.images.frames, boxes.images.sizes, strict=True)
    )
    scaled = replace(
        boxes,
        boxes=boxes.boxes * np.concatenate((factors, factors)),
        areas=None if boxes.areas is None else boxes.areas * factors[0] * factors[1],
        size=context.size if boxes.size is not None else None,
        images=replace(boxes.images, sizes=sizes),
    )
    return scaled, bool((factors != 1).any())
