"""What ``yolo val`` (ultralytics 8.4.190) does between an image and its boxes; ``predict`` differs in each step.

The image is resized with its sides rounded up, padded to the shape of its batch plus up to a stride and a half, a box
may have several classes, and boxes are not cut at the image edges. Images are processed one by one here, because those
of a batch do not influence each other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.sources import FrameImage

_PAD = 0.5
"""Strides that ``yolo val`` adds to the shape of a batch before rounding up."""


def find_boxes_as_val(
    predictor: Any, image: FrameImage, shape: tuple[float, float], *, floor: float, iou: float, max_det: int
) -> NDArray[np.float32]:
    """(N, 6) float32: x1, y1, x2, y2 in pixels of the image, score, class; highest score first.

    Args:
        predictor: of ultralytics, after a prediction.
        shape: (height, width) of the network's input as shares of its longer side, before padding; models of a fixed
            input size do not use it.
        floor, iou, max_det: confidence threshold, NMS IoU, boxes per image.
    """
    import cv2
    import torch
    from ultralytics.data.augment import LetterBox
    from ultralytics.utils import nms

    model = predictor.model
    size = predictor.imgsz
    size = (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))
    accepts_any = model.format == "pt" or bool(getattr(model, "dynamic", False))
    target = input_shape(max(size), shape, int(model.stride)) if accepts_any else size
    height, width = image.shape[:2]
    resized = resized_shape(height, width, max(size))
    if resized != (height, width):
        image = cv2.resize(image, resized[::-1], interpolation=cv2.INTER_LINEAR)
    letterbox = LetterBox(new_shape=target, scaleup=False)
    placed = letterbox.get_params({"img": image})
    padded = letterbox(image=image)
    channels = np.ascontiguousarray(padded[..., ::-1].transpose(2, 0, 1))  # B, G, R to R, G, B
    with torch.inference_mode():
        batch = torch.from_numpy(channels).to(predictor.device)[None]
        batch = (batch.half() if getattr(model, "fp16", False) else batch.float()) / 255
        found = nms.non_max_suppression(
            model(batch),
            floor,
            iou,
            multi_label=True,
            max_det=max_det,
            end2end=bool(getattr(model, "end2end", False)),
        )[0]
    rows: NDArray[np.float32] = found[:, :6].float().cpu().numpy().copy()
    ratio_x, ratio_y = placed["ratio"]
    rows[:, [0, 2]] = (rows[:, [0, 2]] - placed["left"]) / (ratio_x * resized[1] / width)
    rows[:, [1, 3]] = (rows[:, [1, 3]] - placed["top"]) / (ratio_y * resized[0] / height)
    return rows


def resized_shape(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) of an image whose longer side becomes ``side``; the other is rounded up."""
    ratio = side / max(height, width)
    return (
        (height, width) if ratio == 1 else (min(math.ceil(height * ratio), side), min(math.ceil(width * ratio), side))
    )


def input_shape(side: int, shape: tuple[float, float], stride: int) -> tuple[int, int]:
    """(height, width) of the network's input for a batch of this shape."""
    rows = np.ceil(np.array(shape) * side / stride + _PAD).astype(int) * stride
    return int(rows[0]), int(rows[1])
