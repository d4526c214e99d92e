"""Overlaps of single boxes for the window's explanations, which does not import ``metrics`` itself."""

from __future__ import annotations

from iouviewer.metrics.iou import IouFamilyPair, family_pair, iou_aligned, iou_matrix

__all__ = ["IouFamilyPair", "family_pair", "iou_aligned", "iou_matrix"]
