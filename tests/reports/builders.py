"""Builders of the values that reports show."""

from __future__ import annotations

from typing import Any

import numpy as np

from iouviewer.reports.series import FrameSeries


def series(name: str, iou: list[float], counted: list[bool] | None = None) -> FrameSeries:
    n = len(iou)
    ones = np.ones(n, np.int64)
    return FrameSeries(name, np.array(iou), np.array(counted or [True] * n), 4 * ones, ones, 2 * ones, 3 * ones)


def metric_values(**changed: Any) -> dict[str, Any]:
    values: dict[str, Any] = dict.fromkeys(("avg_iou", "pq", "precision", "recall", "f1", "ap", "ap50", "ap75"), 0.5)
    values |= {"tp": 3, "fp": 2, "fn": 1, "ap_floor": 0.001, "frames": 10, "complete": True, "delta": None}
    return values | {"per_class": {}} | changed
