"""Runs a detector on the device that it ships on; iouviewer imports the result as a variant that was measured there.

Copy this one file to the device. It needs Python 3.8 or later, NumPy and OpenCV, and nothing of iouviewer.

    import iouviewer_device

    def infer(image):                       # (H, W, 3) uint8, RGB, after the letterbox
        tensor = image[None].transpose(0, 3, 1, 2).astype("float32") / 255
        boxes, scores, classes = my_runtime(tensor)       # boxes x1, y1, x2, y2 in pixels of ``image``
        return boxes, scores, classes

    iouviewer_device.run(
        "clip.mp4", infer, size=(640, 640), names=["person"], out="jetson.json",
        model="model.engine", device="Jetson Orin Nano", runtime="tensorrt", precision="fp16", floor=0.001,
    )

The file says for each frame how long the three stages took and the SHA-256 of the image that the model was given.
iouviewer makes the same images from its own decoding of the video and says first whether both are equal: only then do
the scores compare models, and not decoders or letterboxes.
"""

import hashlib
import json
import os
import platform
import time

import cv2
import numpy as np

FORMAT = 1
PADDING = 114
WARM_UP = 10
"""Frames whose times are not counted."""


def letterbox(image, size):
    """Fit a (h, w, 3) BGR image into ``size`` (height, width) as ultralytics does.

    Returns:
        The (H, W, 3) uint8 RGB image, the scale, and the padding (left, top) in pixels.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inner = int(round(width * scale)), int(round(height * scale))
    if (width, height) != inner:
        image = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    across, down = (size[1] - inner[0]) / 2, (size[0] - inner[1]) / 2
    left, right = int(round(across - 0.1)), int(round(across + 0.1))
    top, bottom = int(round(down - 0.1)), int(round(down + 0.1))
    color = (PADDING, PADDING, PADDING)
    image = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=color)
    return np.ascontiguousarray(image[:, :, ::-1]), scale, (left, top)


def tensor_digest(image):
    """SHA-256 of the image that the model is given, with its shape."""
    digest = hashlib.sha256(repr(tuple(int(side) for side in image.shape)).encode())
    digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def read_frames(video):
    """The frames of a video, or of a sequence of images, in order: BGR arrays."""
    if not isinstance(video, (str, os.PathLike)):
        for image in video:
            yield image
        return
    capture = cv2.VideoCapture(str(video))
    if not capture.isOpened():
        raise OSError("cannot open {}".format(video))
    try:
        while True:
            known, image = capture.read()
            if not known:
                return
            yield image
    finally:
        capture.release()


def file_digest(path):
    """SHA-256 of a file, or None where there is none."""
    if not path or not os.path.isfile(str(path)):
        return None
    digest = hashlib.sha256()
    with open(str(path), "rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def run(
    video,
    infer,
    size,
    names,
    out,
    model="",
    device="",
    runtime="",
    precision="",
    floor=None,
    max_det=None,
    nms_iou=None,
    frames=None,
):
    """Run ``infer`` on a video and write ``out``.

    Args:
        video: path of a video, or a sequence of BGR images.
        infer: takes the (H, W, 3) uint8 RGB image; returns boxes (N, 4) x1, y1, x2, y2 in its pixels, scores (N,) and
            class numbers (N,). Its whole time counts as inference.
        size: (height, width) of the model's input in pixels.
        names: class names by number.
        model, device, runtime, precision: what runs where, for display; ``model`` may be a path, which is hashed.
        floor, max_det, nms_iou: what the model applies; None where unknown.
        frames: first number of frames only.

    Returns:
        The summary that it prints as a dict: frames, boxes, FPS.
    """
    images, annotations, digests, times = [], [], [], []
    shape = None
    for number, image in enumerate(read_frames(video)):
        if frames is not None and number >= frames:
            break
        shape = image.shape[:2]
        started = time.perf_counter()
        boxed, scale, (left, top) = letterbox(image, size)
        prepared = time.perf_counter()
        boxes, scores, classes = infer(boxed)
        inferred = time.perf_counter()
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        scores, classes = np.asarray(scores, np.float64).reshape(-1), np.asarray(classes).reshape(-1).astype(int)
        if not len(boxes) == len(scores) == len(classes):
            raise ValueError(
                "frame {}: infer returned {} boxes, {} scores, {} classes".format(
                    number, len(boxes), len(scores), len(classes)
                )
            )
        corners = (boxes - [left, top, left, top]) / scale
        corners[:, 0::2] = corners[:, 0::2].clip(0, shape[1])
        corners[:, 1::2] = corners[:, 1::2].clip(0, shape[0])
        finished = time.perf_counter()
        digests.append(tensor_digest(boxed))
        times.append(
            [round(1000 * (b - a), 4) for a, b in ((started, prepared), (prepared, inferred), (inferred, finished))]
        )
        images.append(
            {
                "id": number + 1,
                "frame_id": number,
                "file_name": "{:06d}.jpg".format(number + 1),
                "width": int(shape[1]),
                "height": int(shape[0]),
            }
        )
        for box, score, kind in zip(corners.tolist(), scores.tolist(), classes.tolist()):
            if not 0 <= kind < len(names):
                raise ValueError("frame {}: class {} has no name".format(number, kind))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": kind + 1,
                    "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                    "area": (box[2] - box[0]) * (box[3] - box[1]),
                    "iscrowd": 0,
                    "score": score,
                }
            )
    if not images:
        raise ValueError("the video has no frame")
    counted = [sum(one) for one in times[WARM_UP:]]
    fps = 1000.0 / float(np.median(counted)) if counted else None
    name = os.path.basename(str(video)) if isinstance(video, (str, os.PathLike)) else None
    protocol = {
        "model": os.path.basename(str(model)) or None,
        "sha256": file_digest(model),
        "video": name,
        "floor": floor,
        "max_det": max_det,
        "nms_iou": nms_iou,
        "imgsz": [int(size[0]), int(size[1])],
        "device": device or platform.machine(),
        "hardware": device or platform.processor() or platform.machine(),
        "runtime": runtime,
        "precision": precision,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__},
        "fps": fps,
        "complete": frames is None,
        "frames_done": len(images),
        "unreadable": [],
        "inputs": [[int(size[0]), int(size[1])]],
        "device_run": {
            "format": FORMAT,
            "letterbox": [int(size[0]), int(size[1])],
            "padding": PADDING,
            "tensors": digests,
            "milliseconds": times,
        },
    }
    document = {
        "info": {
            "description": "predictions",
            "program": "iouviewer",
            "version": "device {}".format(FORMAT),
            "frame_count": len(images),
            "protocol": {k: v for k, v in protocol.items() if v is not None},
        },
        "videos": [{"id": 1, "name": name or "images", "width": int(shape[1]), "height": int(shape[0])}],
        "categories": [{"id": number + 1, "name": str(one)} for number, one in enumerate(names)],
        "images": [dict(image, video_id=1) for image in images],
        "annotations": annotations,
    }
    partial = str(out) + ".part"
    with open(partial, "w") as file:
        json.dump(document, file)
    os.replace(partial, str(out))
    summary = {"frames": len(images), "boxes": len(annotations), "fps": fps}
    print("{frames} frames, {boxes} boxes, FPS {fps}".format(**summary))
    return summary
