"""Pictures for the report: the frames where a variant loses most against the baseline, and objects that it loses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from iouviewer.document.sources import FrameImage, Source
from iouviewer.document.variants import default_look
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.data_set import is_data_yaml, listed_images, open_reader
from iouviewer.jobs.eval_inputs import Truth
from iouviewer.jobs.overlay_video import OverlayRequest, OverlayVariant, overlay_picture
from iouviewer.jobs.scoring import VariantScore
from iouviewer.metrics.table import Int
from iouviewer.reports.pictures import ReportPicture, jpeg_bytes

WORST_FRAMES, LOST_OBJECTS = 2, 6
"""Pictures of each variant."""
_APART = 10
"""Frames of a video between two worst ones: neighbours show the same."""
_FRAME_WIDTH, _CROP = 1200, 150
_ROOM, _LEAST_SIDE = 1.6, 64
"""A crop shows so many times the longer side of its box, and at least so many pixels."""


def report_pictures(
    source: Source, split: str, truth: Truth, scores: Sequence[VariantScore]
) -> tuple[list[ReportPicture], str]:
    """The pictures, and why there are none.

    Args:
        split: of a ``data.yaml`` as source.
        scores: the baseline first.
    """
    path = Path(source.path) if source.path else None
    if path is None or not path.exists():
        return [], tr("The video is not there, so there are no pictures.")
    try:
        reader = open_reader(path, listed_images(path, split) if is_data_yaml(path) else ())
    except UserError as error:
        return [], tr("There are no pictures: {reason}", reason=error)
    try:
        if reader.frame_count < truth.table.frame_count:
            return [], tr("The video has fewer frames than the ground truth, so there are no pictures.")
        found: list[ReportPicture] = []
        for place in range(len(scores)):
            if place or len(scores) == 1:
                found += _of_variant(reader.read, path, truth, scores, place)
        return found, ""
    except UserError as error:  # a damaged frame: the numbers do not need it
        return [], tr("There are no pictures: {reason}", reason=error)
    finally:
        reader.close()


def worst_frames(score: VariantScore, baseline: VariantScore | None) -> Int:
    """Frames where the variant's IoU is lowest, or lowest against the baseline's; (n,) int64, the worst first."""
    iou = score.review.frame_iou
    if baseline is None:
        value = np.where(score.counted, iou, np.nan)
    else:
        value = np.where(score.counted & baseline.counted, iou - baseline.review.frame_iou, np.nan)
    order = np.argsort(value, kind="stable")
    chosen: list[int] = []
    for frame in order[~np.isnan(value[order])].tolist():
        if baseline is not None and value[frame] >= 0:
            break
        if all(abs(frame - other) >= _APART for other in chosen):
            chosen.append(frame)
        if len(chosen) == WORST_FRAMES:
            break
    return np.array(chosen, np.int64)


def lost_rows(score: VariantScore, baseline: VariantScore, tracks: Int) -> list[int]:
    """Rows of ground-truth boxes that the baseline finds and the variant does not, one of each track.

    Those that the baseline finds best come first.
    """
    threshold = score.review.settings.iou
    is_found = {int(row) for row in score.review.pair_gt[score.review.pair_iou >= threshold]}
    is_hit = baseline.review.pair_iou >= threshold
    rows, ious = baseline.review.pair_gt[is_hit], baseline.review.pair_iou[is_hit]
    frames = baseline.input.predictions.table.frame_of_row()[baseline.review.pair_pred[is_hit]]
    both = score.counted[frames] & baseline.counted[frames]
    chosen: list[int] = []
    seen: set[int] = set()
    for place in np.argsort(-ious, kind="stable").tolist():
        row, track = int(rows[place]), int(tracks[rows[place]])
        if not both[place] or row in is_found or (track >= 0 and track in seen):
            continue
        chosen.append(row)
        seen.add(track)
        if len(chosen) == LOST_OBJECTS:
            break
    return chosen


def _of_variant(
    read: Callable[[int], FrameImage], path: Path, truth: Truth, scores: Sequence[VariantScore], place: int
) -> Iterator[ReportPicture]:
    score, baseline = scores[place], scores[0] if place else None
    shown = [scores[0], score] if place else [score]
    variants = [
        OverlayVariant(one.name, default_look(0 if one is scores[0] else place)[0], one.input.predictions)
        for one in shown
    ]
    request = OverlayRequest(path, truth.table, variants, score.review.settings, np.zeros(0, np.int64), apart=True)
    for frame in worst_frames(score, baseline).tolist():
        image = read(frame)
        iou = score.review.frame_iou[frame]
        if baseline is None:
            caption = tr("Frame {frame:,}: IoU {iou:.2f}", frame=frame, iou=iou)
        else:
            other = baseline.review.frame_iou[frame]
            caption = tr("Frame {frame:,}: IoU {iou:.2f}, baseline {other:.2f}", frame=frame, iou=iou, other=other)
        picture = overlay_picture(request, image, frame)
        yield ReportPicture(score.name, tr("Worst frames"), caption, jpeg_bytes(picture, width=_FRAME_WIDTH))
    if baseline is None:
        return
    frame_of_row = truth.table.frame_of_row()
    for row in lost_rows(score, baseline, truth.tracks):
        frame = int(frame_of_row[row])
        image = read(frame)
        crops = _crops(request, image, frame, truth.table.boxes[:, row].tolist())
        name = truth.class_text(int(truth.table.class_ids[row])) or tr("object")
        track = int(truth.tracks[row])
        named = tr("{class_name} {track}", class_name=name, track=track) if track >= 0 else name
        caption = tr("{object}, frame {frame:,}", object=named, frame=frame)
        yield ReportPicture(score.name, tr("Lost objects: baseline and variant"), caption, jpeg_bytes(crops))


def _crops(request: OverlayRequest, image: FrameImage, frame: int, box: list[float]) -> FrameImage:
    """The surroundings of a box as the baseline and as the variant sees them, side by side."""
    import cv2

    height, width = image.shape[:2]
    side = max(_LEAST_SIDE, _ROOM * max(box[2] - box[0], box[3] - box[1]))
    centre = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    x1, y1 = (int(max(0, min(c - side / 2, limit - side))) for c, limit in zip(centre, (width, height), strict=True))
    x2, y2 = min(width, x1 + int(side)), min(height, y1 + int(side))
    parts = []
    for variant in request.variants:
        whole = overlay_picture(request, image, frame, only=variant)
        parts.append(cv2.resize(whole[y1:y2, x1:x2], (_CROP, _CROP), interpolation=cv2.INTER_AREA))
    return np.concatenate(parts, axis=1)
