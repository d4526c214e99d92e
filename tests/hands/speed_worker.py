"""A worker that needs no torch and answers again and again; its milliseconds a frame are in the name of the weights."""

from __future__ import annotations

SPEED_WORKER = """
import os, sys, time
import numpy as np
from iouviewer.inference import protocol as p

out, inp = sys.stdout.buffer, sys.stdin.buffer
p.write_message(out, p.Hello())
load = p.read_message(inp)
milliseconds = float(os.path.basename(load.weights).removesuffix(".pt").split("-")[1])
p.write_message(out, p.ModelLoaded(
    names=["car"], imgsz=(320, 320), floor=0.001, nms="run", nms_iou=0.7, max_det=300, rectangular=True,
    device="cpu", task="detect", runtime="pytorch", precision="fp32", sha256="0" * 64, trusted=False, versions={},
    hardware="test processor", threads=2, parameters=2_500_000, gflops=3.1,
))
while (command := p.read_message(inp)) is not None:
    frames = list(range(24)) if command.frames is None else list(command.frames)
    time.sleep(0.05 * os.path.basename(load.weights).startswith("slow"))
    found = [
        p.Detections(
            frame, np.array([(60.0 + 2 * frame, 80, 140 + 2 * frame, 160)], np.float32), np.array([0.9], np.float32),
            np.array([0], np.int32), milliseconds * np.array([0.25, 0.5, 0.25], np.float32), True, "", 3.0,
        )
        for frame in frames
    ]
    p.write_message(out, p.pack(found))
    p.write_message(out, p.Finished(done=len(found), seconds=0.1))
"""
