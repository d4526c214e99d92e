"""Writes the ground truth of a project in the format of a file, as the window exports it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from iouviewer.jobs.convert import ConvertResult
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.truth_files import truth_to_write, write_truth
from iouviewer.jobs.work_packages import read_project


def convert_project(project: Path, target: Path, format: str, frames: str | None = None) -> ConvertResult:
    """Write the ground truth of a project.

    Args:
        format: key of a format that can be written.
        frames: a frame selection, or ``verified``; None: all.

    Raises:
        UserError: the project cannot be read, the selection is wrong, or the target cannot be written.
    """
    document = read_project(project).document
    source = min(document.sources)
    truth = document.ground_truth(source)
    selected = None if frames is None else parse_frames(frames, truth.frame_count, truth.verified())
    written = truth_to_write(document, source, selected)
    notes, data = write_truth(written, target, format), written.data
    return ConvertResult(target, len(data.frames), len(np.unique(data.frames)), 0, notes)
