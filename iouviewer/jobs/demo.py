"""Scores the bundled sample without a window, from the models or from stored predictions, and writes the results."""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from iouviewer.atomic import write_file
from iouviewer.errors import UserError
from iouviewer.folders import cache_folder
from iouviewer.i18n import tr
from iouviewer.jobs.evaluate import EvalRequest, evaluate
from iouviewer.jobs.requests import NamedPath, ProgressCallback, no_progress
from iouviewer.jobs.written_files import write_result
from iouviewer.resource_files import resource_path

BASELINE = "baseline"
FILES = ("iou_video_scores.csv", "iou_plot.png", "report.json")


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Text for the terminal and names of the written files."""

    text: str
    files: tuple[str, ...]


def _baseline_first(found: list[NamedPath]) -> tuple[NamedPath, ...]:
    return tuple(sorted(found, key=lambda named: (named[0] != BASELINE, named[0])))


def sample_models() -> tuple[NamedPath, ...]:
    """Names and weights of the sample models, the baseline first."""
    return _baseline_first([(path.stem, path) for path in resource_path("sample/weights").glob("*.pt")])


def sample_predictions() -> tuple[NamedPath, ...]:
    """Names and stored predictions of the sample models, the baseline first, unpacked into the cache folder."""
    target = cache_folder() / "sample"
    target.mkdir(exist_ok=True)
    found = []
    for packed in resource_path("sample/predictions").glob("*.json.gz"):
        path = target / packed.name.removesuffix(".gz")
        content = gzip.decompress(packed.read_bytes())
        if not path.exists() or path.read_bytes() != content:
            write_file(path, content)
        found.append((path.stem, path))
    return _baseline_first(found)


def can_run_models() -> bool:
    """Whether the packages that run models are installed. Does not import them."""
    return all(importlib.util.find_spec(name) is not None for name in ("ultralytics", "torch"))


def run_demo(
    out: Path,
    progress: ProgressCallback = no_progress,
    *,
    run_models: bool | None = None,
    frames: str | None = None,
) -> DemoReport:
    """Score the sample models and write FILES into ``out``.

    Args:
        run_models: True runs the models, False uses the stored predictions, None runs them if the extra is installed.
        frames: frame selection (``jobs.frame_selection``), None: all.

    Raises:
        UserError: the sample is not installed, the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(tr("the folder cannot be created: {reason}", reason=error.strerror), path=out) from error
    run = can_run_models() if run_models is None else run_models
    models, predictions = (sample_models(), ()) if run else ((), sample_predictions())
    if run:
        origin = tr("The models ran on this computer's CPU.")
    else:
        origin = tr('Stored predictions were used. To run the models, install the extra: pip install "iouviewer[yolo]"')
    if not models and not predictions:
        raise UserError(tr("the sample has no models"), remedy=tr("Reinstall iouviewer."))
    request = EvalRequest(
        video=resource_path("sample/clip.mp4"),
        gt=resource_path("sample/ground_truth.csv"),
        preds=predictions,
        models=models,
        frames=frames,
        verdicts=True,
    )
    result = evaluate(request, progress)
    for name, data in zip(FILES, (result.score_csv(), result.plot(FILES[1]), result.json()), strict=True):
        write_result(out / name, data)
    return DemoReport(f"{origin}\n{result.text()}", FILES)
