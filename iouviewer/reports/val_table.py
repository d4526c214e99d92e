"""What ``yolo val`` prints beside COCO's numbers, and the steps between them, for text and HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from iouviewer.document.metric_columns import UNDEFINED, number_text
from iouviewer.i18n import tr
from iouviewer.metrics.json_texts import describe
from iouviewer.reports.text_table import ap_text, text_table

Variants = Mapping[str, Mapping[str, Any]]


def val_header() -> list[str]:
    """The headings of ``val_rows``: names of yolo val, then those of COCO."""
    return [tr("Variant"), "P", "R", "mAP50", "mAP50-95", tr("COCO AP50"), tr("COCO AP")]


def val_rows(variants: Variants) -> list[list[str]]:
    """One list of cells for each variant on a data set."""
    return [
        [
            name,
            *(number_text(own[key]) for key in ("precision", "recall", "map50", "map50_95")),
            *(ap_text(metrics[key], metrics["ap_floor"], with_floor=False) for key in ("ap50", "ap")),
        ]
        for name, metrics in variants.items()
        if (own := metrics.get("ultralytics"))
    ]


def val_titles(variants: Variants) -> list[str]:
    """What the table shows: protocol, images and settings; one line, or one for each variant where they differ."""
    lines: dict[str, list[str]] = {}
    for name, metrics in variants.items():
        if own := metrics.get("ultralytics"):
            lines.setdefault(_title(own), []).append(name)
    if len(lines) == 1:
        return [*lines]
    return [tr("{variants}: {text}", variants=", ".join(names), text=text) for text, names in lines.items()]


def _title(own: Mapping[str, Any]) -> str:
    if own["run"] is None:
        how = tr("from the stored predictions, which yolo val did not make itself")
    else:
        run = own["run"]
        how = tr(
            "run as yolo val does: {settings}",
            settings=" ".join(f"{key}={_value(run[key])}" for key in ("conf", "iou", "max_det", "imgsz", "batch")),
        )
    return tr(
        "As printed by yolo val ({protocol}): {images:,} images, {boxes:,} boxes, {how}",
        protocol=own["protocol"],
        images=own["images"],
        boxes=own["boxes"],
        how=how,
    )


def _value(value: Any) -> str:
    if isinstance(value, list):
        return str(value[0]) if len(set(value)) == 1 else ",".join(map(str, value))
    return "-" if value is None else f"{value:g}"


def step_cells(steps_of: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, str]]:
    """Step from yolo val to COCO -> variant -> the mAP50-95 after it and its change in points."""
    cells: dict[str, dict[str, str]] = {}
    for name, steps in steps_of.items():
        for number, step in enumerate(steps):
            change = "" if number == 0 or step["change"] is None else f" ({fine_points(step['change'])})"
            cells.setdefault(describe(step["step"]), {})[name] = number_text(step["ap"], 4) + change
    return cells


def fine_points(change: float) -> str:
    """A change in points with two decimals and its sign."""
    text = f"{change * 100:+.2f}".replace("-", "−")
    return text if text[1:] != "0.00" else "0"


def val_text(variants: Variants) -> str:
    """Both tables as text; empty where the source is no data set."""
    rows = val_rows(variants)
    if not rows:
        return ""
    names = [row[0] for row in rows]
    cells = step_cells({name: variants[name]["ultralytics"]["steps"] for name in names})
    lines = [[text, *(by_name.get(name, UNDEFINED) for name in names)] for text, by_name in cells.items()]
    steps = text_table([tr("From yolo val to COCO"), *names], lines)
    return "\n" + "".join(f"{line}\n" for line in val_titles(variants)) + text_table(val_header(), rows) + "\n" + steps
