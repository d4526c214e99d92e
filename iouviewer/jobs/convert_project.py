"""Writes the ground truth of a project in the format of a file, as the window exports it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from iouviewer.jobs.convert import ConvertResult
from iouviewer.jobs.document_results import ground_truth_to_write
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.work_packages import read_project


def convert_project(project: Path, target: Path, format: str, frames: str | None = None) -> ConvertResult:
    """Write the ground truth of a project.

    Args:
        format: key of a format that can be written.
        frames: a frame selection, or ``verified``; None: all.

    Raises:
        UserError: the project cannot be read, the selection is wrong, or the target cannot be written.
    """
    from iouviewer.formats.registry import unsupported_fields, write_boxes

    document = read_project(project).document
    source = min(document.sources)
    data = ground_truth_to_write(document, source)
    if frames is not None:
        truth = document.ground_truth(source)
        data = data.of_frames(parse_frames(frames, truth.frame_count, truth.verified()))
    write_boxes(target, data, format=format)
    notes = tuple(unsupported_fields(data, format))
    return ConvertResult(target, len(data.frames), len(np.unique(data.frames)), 0, notes)
