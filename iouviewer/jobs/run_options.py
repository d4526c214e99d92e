"""Settings of a model's run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a model is run.

    Attributes:
        floor: lowest score that is kept.
        nms_iou: IoU of non-maximum suppression.
        max_det: most boxes a frame.
        imgsz: input size in pixels, None: the weights' own.
        device: ``cpu`` or the number of a GPU.
    """

    floor: float = 0.001
    nms_iou: float = 0.7
    max_det: int = 300
    imgsz: int | None = None
    device: str = "cpu"

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> RunOptions:
        """From the command line's options of the same names."""
        return cls(args.floor, args.nms_iou, args.max_det, args.imgsz, args.device)
