"""Runs of models that are kept in a folder: the next evaluation reads them instead of running again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.imported import ImportedBoxes
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.inference.trust import private_copy
from iouviewer.jobs.requests import NamedPath, ProgressCallback, RunOptions
from iouviewer.jobs.run_facts import ASKED
from iouviewer.jobs.written_files import check_outputs
from iouviewer.metrics.table import Int


@dataclass(frozen=True, slots=True)
class KeptRuns:
    """A folder of runs.

    Attributes:
        folder: created where it is missing.
        force: replace files that the program did not write.
    """

    folder: Path
    force: bool = False

    def predictions(
        self,
        video: Path,
        model: NamedPath,
        options: RunOptions,
        frames: Int,
        context: ReadContext,
        progress: ProgressCallback,
        files: Sequence[Path],
    ) -> ImportedBoxes:
        """The predictions of a model on these frames: kept ones of the same run, else those of a new run.

        Raises:
            UserError: the run failed, or a file of another origin is in its place.
        """
        from iouviewer.jobs.predict import RUN_ENDINGS, check_file_names, run_model, write_run

        name, weights = model
        check_file_names([name])
        paths = [self.folder / f"{name}{ending}" for ending in RUN_ENDINGS]
        kept = self._read(paths[0], weights, options, frames, context)
        if kept is not None:
            return kept
        self.folder.mkdir(parents=True, exist_ok=True)
        check_outputs({path.name: path for path in paths}, (video, weights, *files), force=self.force)
        run = run_model(video, name, weights, options, frames, progress, files=files)
        if run.failure is not None:  # a part of the frames says nothing about the model
            raise run.failure
        write_run(run, self.folder, video.name)
        return run.boxes

    def _read(
        self, path: Path, weights: Path, options: RunOptions, frames: Int, context: ReadContext
    ) -> ImportedBoxes | None:
        """The kept predictions, None if there are none of the same weights, video, settings and frames."""
        from iouviewer.formats.registry import read_boxes

        if not path.is_file():
            return None
        try:
            boxes = read_boxes(path, context)
        except UserError:
            return None  # not of a run; writing over it is refused unless it is ours
        protocol = boxes.protocol
        same = protocol.get("complete") is True and is_same_run(protocol, weights, options, context.fingerprint)
        covered = boxes.covered
        if not same or covered is None or not np.isin(frames, covered).all():
            return None
        return boxes


def is_same_run(protocol: Mapping[str, Any], weights: Path, options: RunOptions, fingerprint: str | None) -> bool:
    """Whether a stored run had these weights and settings on the video with this fingerprint."""
    asked = {key: value for key, value in asdict(options).items() if key in ASKED}
    return bool(
        protocol.get("asked") == asked
        and protocol.get("sha256") == _digest(weights)
        and (fingerprint or None) == protocol.get("fingerprint")
    )


def _digest(weights: Path) -> str:
    """SHA-256 of a model as its run states it."""
    copy = private_copy(weights)
    copy.remove()
    return copy.sha256
