"""Texts that JSON results store as values: why a verdict is undecided, and the steps from ``yolo val`` to COCO's AP.

The values never change and are never translated; ``describe`` returns the text to show.
"""

from __future__ import annotations

from collections.abc import Mapping

from iouviewer.i18n import tr

UNDEFINED = "undefined"
TOO_FEW_FRAMES = "too few frames"
NO_MARGIN = "no margin"
MARGIN_IN_INTERVAL = "the interval holds the margin"
FRAMES_TOO_ALIKE = "frames too alike"
FAILS_ALONE = "fails alone, not as one of several metrics"

YOLO_VAL = "yolo val, mAP50-95"
VAL_LABELS = "every image and label, also those that yolo val leaves out"
VAL_CLIPPED = "boxes cut at the image edges"
VAL_INPUT = "the input size, padding and one class a box of predict instead of val"
IGNORED_CLASSES = "classes ignored"
ALL_SCORES = "every stored score instead of 0.001 and more"
LIMIT_PER_CLASS = "100 detections a class and frame instead of 300 a frame"
COUNTED_FRAMES = "the frames that count here"
COCO_MATCHING = "COCO's matching: ignored boxes, order of equal scores"
ONE_CLASS = "all boxes as of one class, since some carry none"
CLASS_MEAN = "mean over the classes with boxes here"
SAMPLED_MEAN = "mean of 101 samples instead of trapezoids between points"

_DESCRIPTIONS: Mapping[str, str] = {
    UNDEFINED: tr("undefined"),
    TOO_FEW_FRAMES: tr("too few frames"),
    NO_MARGIN: tr("no allowed drop"),
    MARGIN_IN_INTERVAL: tr("the allowed drop lies within the interval"),
    FRAMES_TOO_ALIKE: tr("neighbouring frames are too alike"),
    FAILS_ALONE: tr("too great alone, but not as the worst of several metrics"),
    YOLO_VAL: tr("mAP50-95 as printed by yolo val"),
    VAL_LABELS: tr("All images and ground-truth boxes, also those that yolo val leaves out"),
    VAL_CLIPPED: tr("Boxes cut at the image edges, as predict does"),
    VAL_INPUT: tr("Input size and padding of predict instead of val, one class per box"),
    IGNORED_CLASSES: tr("Classes ignored"),
    ALL_SCORES: tr("All stored scores instead of scores ≥ 0.001"),
    LIMIT_PER_CLASS: tr("100 detections per class and frame instead of 300 per frame"),
    COUNTED_FRAMES: tr("Only the frames evaluated here"),
    COCO_MATCHING: tr("COCO matching: ignored boxes, order of equal scores"),
    ONE_CLASS: tr("All boxes as one class, because some have no class"),
    CLASS_MEAN: tr("Mean over the classes with boxes in these frames"),
    SAMPLED_MEAN: tr("Mean of 101 samples instead of the trapezoidal rule"),
}


def describe(value: str) -> str:
    """The text to show for a stored value; a value that is unknown here is returned unchanged."""
    return _DESCRIPTIONS.get(value, value)
