"""Notes: what readers assumed and what limits the numbers; printed, kept in reports, and refused on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.eval_inputs import Truth, VariantInput
from iouviewer.jobs.scoring import VariantScore
from iouviewer.metrics.review import ReviewSettings


def reader_notes(truth: Truth, variants: Iterable[VariantInput]) -> list[str]:
    """What the readers of all files assumed; a note on several files names them together."""
    named: dict[str, list[str]] = {}
    for name, notes in ((tr("ground truth"), truth.notes), *((one.name, one.predictions.notes) for one in variants)):
        for note in dict.fromkeys(notes):
            named.setdefault(note, []).append(name)
    return [tr("{names}: {note}", names=", ".join(names), note=note.rstrip(".")) for note, names in named.items()]


def ap_notes(truth: Truth, variants: Iterable[VariantInput], settings: ReviewSettings) -> Iterator[str]:
    """Predictions without area, and frames with more ground truth than predictions may take part in AP."""
    for variant in variants:
        table = variant.predictions.table
        if count := int(np.sum((table.boxes[2:] <= table.boxes[:2]).any(axis=0))):
            yield tr_n(
                "{variant}: {count} prediction has no area; it matches nothing and counts as a false positive",
                "{variant}: {count:,} predictions have no area; they match nothing and count as false positives",
                count,
                variant=variant.name,
            )
    limit = settings.max_detections
    rows = np.flatnonzero(~truth.table.ignored & truth.labelled[truth.table.frame_of_row()])
    classes = np.zeros_like(truth.table.class_ids) if settings.class_agnostic else truth.table.class_ids
    groups, counts = np.unique(np.stack((truth.table.frame_of_row(), classes))[:, rows], axis=1, return_counts=True)
    if frames := len(np.unique(groups[0][counts > limit])):
        yield tr_n(
            "{count} frame has more than {limit:,} boxes of one class, but only as many predictions take part in AP "
            "(--max-dets)",
            "{count:,} frames have more than {limit:,} boxes of one class, but only as many predictions take part in "
            "AP (--max-dets)",
            frames,
            limit=limit,
        )


def delta_notes(scores: Sequence[VariantScore], deltas: Sequence[Mapping[str, Any] | None]) -> Iterator[str]:
    """Notes on differences that refer to fewer frames, predictions or classes than the variant's own metrics."""
    for score, delta in zip(scores, deltas, strict=True):
        if delta is None:
            continue
        limits = []
        if delta["floor"] is not None:
            limits.append(tr("score floor {floor:.4g}", floor=delta["floor"]))
        if delta["cap"] is not None:
            limits.append(tr("maximum of {count:,} detections per frame", count=delta["cap"]))
        if delta["frames"] != score.metrics["frames"]:
            limits.append(tr_n("{count} frame", "{count:,} frames", delta["frames"]))
        if delta["classes_disregarded"]:
            yield tr("{variant}: Δ ignores classes, because the predictions of one side have none", variant=score.name)
        if limits:
            yield tr("{variant}: Δ at the common {limits}", variant=score.name, limits=", ".join(limits))


def refuse_notes(notes: Sequence[str]) -> None:
    """Refuse what there is a note about (``--strict``).

    Raises:
        UserError: there is a note.
    """
    if not notes:
        return
    first, more = notes[0].rstrip("."), len(notes) - 1
    if more:
        first = tr_n("{note} (and {count} more note)", "{note} (and {count:,} more notes)", more, note=first)
    raise UserError(first, remedy=tr("Without --strict this is only a note"))
