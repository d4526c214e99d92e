"""Continues a run on the command line: the part that is written is read, and only what is missing is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from iouviewer.document.imported import ImportedBoxes
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr
from iouviewer.jobs.kept_runs import is_same_run
from iouviewer.jobs.requests import RunOptions
from iouviewer.jobs.run_facts import merged_inputs
from iouviewer.metrics.table import Int


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """The part of a run that a file has.

    Attributes:
        missing: (n,) int64, frames that are still to be run, in order.
    """

    boxes: ImportedBoxes
    missing: Int


def read_part(path: Path, weights: Path, options: RunOptions, frames: Int, context: ReadContext) -> WrittenPart | None:
    """The part of a run on ``frames`` that a file has; None without a file.

    Raises:
        UserError: the file is not of a run with these weights and settings on this video.
    """
    from iouviewer.formats.registry import read_boxes

    if not path.is_file():
        return None
    boxes = read_boxes(path, context)
    if boxes.covered is None or not is_same_run(boxes.protocol, weights, options, context.fingerprint):
        raise UserError(
            tr("this is of a run with other weights, settings or another video, so it cannot be continued"),
            path=path,
            remedy=tr("Leave out --resume, or give another --out."),
        )
    done = np.union1d(boxes.covered, np.array(boxes.protocol.get("unreadable", ()), np.int64))
    return WrittenPart(boxes, frames[~np.isin(frames, done)])


def joined_part(part: WrittenPart, rest: ImportedBoxes) -> ImportedBoxes:
    """The written part and what was run now as one run, in the order of the frames. Its speed is that of the rest."""
    boxes = part.boxes
    pairs: Sequence[tuple[Int, Int]] = [(boxes.frames, rest.frames)]
    order = np.argsort(np.concatenate(pairs[0]), kind="stable")

    def joined(name: str) -> Int:
        columns = [np.asarray(getattr(one, name)) for one in (boxes, rest)]
        whole: Int = np.concatenate(columns)[order]
        return whole

    scores = None
    if boxes.scores is not None and rest.scores is not None:
        scores = np.concatenate((boxes.scores, rest.scores))[order]
    old = boxes.covered if boxes.covered is not None else np.zeros(0, np.int64)
    new = rest.covered if rest.covered is not None else np.zeros(0, np.int64)
    covered = np.union1d(old, new)
    unreadable = {*boxes.protocol.get("unreadable", ()), *rest.protocol.get("unreadable", ())}
    protocol = {
        **rest.protocol,
        "frames_done": len(covered),
        "unreadable": sorted(unreadable),
        "inputs": merged_inputs(boxes.protocol, rest.protocol.get("inputs", ())),
    }
    return replace(
        rest,
        frames=joined("frames"),
        boxes=np.concatenate((boxes.boxes, rest.boxes), axis=1)[:, order],
        class_ids=joined("class_ids"),
        scores=scores,
        track_ids=joined("track_ids"),
        flags=joined("flags"),
        covered=covered,
        protocol=protocol,
    )
