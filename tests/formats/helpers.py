"""Boxes for the tests of formats."""

from __future__ import annotations

import json

import numpy as np

from iouviewer.document.imported import ImportedBoxes
from iouviewer.formats.registry import BoxesToWrite

WRITABLE = ("mot", "coco", "cvat", "yolo", "voc", "labelme", "boxcsv")
ENDINGS = {"mot": "gt.txt", "coco": "gt.json", "cvat": "gt.xml", "boxcsv": "gt.csv"}


def file_name(format_key, *, predictions=False):
    """A typical file name; folders have no ending."""
    name = ENDINGS.get(format_key, format_key)
    return name.replace("gt", "det") if predictions else name


def boxes_to_write(rows, *, class_names=(), scores=None, size=(640, 480), frame_count=20, **more):
    """Rows are (frame, x1, y1, x2, y2[, class_id[, track[, flags]]])."""
    full = [(*row, *(-1, -1, 0)[len(row) - 5 :]) for row in rows]
    columns = np.array(full, np.float64).reshape(-1, 8)
    return BoxesToWrite(
        frames=columns[:, 0].astype(np.int64),
        boxes=columns[:, 1:5].T.copy(),
        class_ids=columns[:, 5].astype(np.int64),
        class_names=tuple(class_names),
        scores=None if scores is None else np.array(scores, np.float64),
        track_ids=columns[:, 6].astype(np.int64),
        flags=columns[:, 7].astype(np.int64),
        size=size,
        frame_count=frame_count,
        **{"video_name": "clip.mp4", **more},
    )


def boxes_from_import(data: ImportedBoxes, *, size=(640, 480), frame_count=20, **more) -> BoxesToWrite:
    """Boxes that were read, for a writer."""
    return BoxesToWrite(
        frames=data.frames,
        boxes=data.boxes,
        class_ids=data.class_ids,
        class_names=data.class_names,
        scores=data.scores,
        track_ids=data.track_ids,
        flags=data.flags,
        size=data.size or size,
        frame_count=frame_count,
        labelled=data.labelled,
        **{"video_name": "clip.mp4", **more},
    )


def sort_order(data):
    """Row order by frame and box: formats with one file per image, or track after track, keep no other order."""
    return np.lexsort((*np.asarray(data.boxes).round(4), data.frames))


def rects(data):
    """Boxes as tuples, for comparison with expected values."""
    return [tuple(row) for row in np.asarray(data.boxes).T.tolist()]


def label_studio_key_frame(frame, x=10, enabled=True, **more):
    return {
        "frame": frame,
        "x": x,
        "y": 20,
        "width": 10,
        "height": 20,
        "rotation": 0,
        "time": 0,
        "enabled": enabled,
        **more,
    }


def label_studio_export(*sequence, video="8a7b6c5d-clip.mp4", frames_count=10):
    value = {"framesCount": frames_count, "duration": 1, "sequence": list(sequence), "labels": ["car"]}
    region = {"id": "r", "type": "videorectangle", "from_name": "box", "to_name": "video", "value": value}
    return {"id": 1, "data": {"video": f"/data/upload/1/{video}"}, "annotations": [{"id": 1, "result": [region]}]}


def write_label_studio(folder, content):
    path = folder / "export.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
