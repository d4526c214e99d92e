"""iouviewer: correct ground truth on video with live scores, and compare YOLO variants."""

__version__ = "0.1.0"
