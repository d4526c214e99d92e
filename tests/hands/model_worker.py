"""A worker process that needs no torch: it pretends to load a model and finds two boxes on each frame."""

from __future__ import annotations

WORKER = """
import os, sys
import msgspec, numpy as np
from iouviewer.inference import protocol as p

out, inp = sys.stdout.buffer, sys.stdin.buffer
send = lambda message: p.write_message(out, message)
send(p.Hello())
load = p.read_message(inp)
name = os.path.basename(load.weights)
if name == "damaged.pt":
    send(p.Failed(kind="damaged", message="the file is not a PyTorch model", path=load.weights))
    sys.exit()
if name == "code.torchscript" and "ab" * 32 not in load.trusted:
    send(p.Failed(kind="needs_trust", message="it is a program", path=load.weights, sha256="ab" * 32))
    sys.exit()
own = name == "own.onnx"
size = load.imgsz or 320
send(p.ModelLoaded(
    names=["human", "car"], imgsz=(192, 256) if own else (size, size), floor=0.3 if own else load.floor,
    nms="model" if own else "run", nms_iou=0.55 if own else load.nms_iou, max_det=20 if own else load.max_det,
    rectangular=not own, device="cpu", task="detect", runtime="onnxruntime" if own else "pytorch", precision="fp32",
    sha256="00", trusted=False, versions={}, hardware="none", threads=1,
))
predict = p.read_message(inp)
for number in predict.frames if predict.frames is not None else range(24):
    x = 60.0 + 2 * number
    boxes = np.array([(x, 80, x + 80, 160), (240, 40, 280, 100)], np.float32)
    found = p.Detections(
        number, boxes, np.array([0.9, 0.8], np.float32), np.array([1, 0], np.int32),
        np.array([1, size / 320 * 998, 1], np.float32),
    )
    send(p.pack([found]))
count = 24 if predict.frames is None else len(predict.frames)
send(p.Finished(done=count, seconds=1.0))
"""
