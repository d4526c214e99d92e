"""The main job on the bundled sample without a window: run the models, score them, write the results."""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from iouviewer.atomic import atomic_write
from iouviewer.errors import UserError
from iouviewer.folders import cache_folder
from iouviewer.jobs.evaluate import EvalRequest, evaluate
from iouviewer.jobs.open_request import NamedPath
from iouviewer.jobs.progress import ProgressCallback, no_progress
from iouviewer.resource_files import resource_path

BASELINE = "baseline"
FILES = ("iou_video_scores.csv", "iou_plot.png", "report.json")


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo says and which files it wrote."""

    text: str
    files: tuple[str, ...]


def _baseline_first(found: list[NamedPath]) -> tuple[NamedPath, ...]:
    return tuple(sorted(found, key=lambda named: (named[0] != BASELINE, named[0])))


def sample_models() -> tuple[NamedPath, ...]:
    """Names and weights of the sample's models, the baseline first."""
    return _baseline_first([(path.stem, path) for path in resource_path("sample/weights").glob("*.pt")])


def sample_predictions() -> tuple[NamedPath, ...]:
    """Names and stored predictions of the sample's runs, the baseline first, unpacked into the cache folder."""
    target = cache_folder() / "sample"
    target.mkdir(exist_ok=True)
    found = []
    for packed in resource_path("sample/predictions").glob("*.json.gz"):
        path = target / packed.name.removesuffix(".gz")
        content = gzip.decompress(packed.read_bytes())
        if not path.exists() or path.read_bytes() != content:
            with atomic_write(path) as file:
                file.write(content)
        found.append((path.stem, path))
    return _baseline_first(found)


def can_run_models() -> bool:
    """Whether the extra that runs models is installed (it is not imported)."""
    return all(importlib.util.find_spec(name) is not None for name in ("ultralytics", "torch"))


def run_demo(
    out: Path,
    progress: ProgressCallback = no_progress,
    *,
    run_models: bool | None = None,
    frames: str | None = None,
) -> DemoReport:
    """Score the sample's models and write FILES into ``out``.

    Args:
        run_models: run real inference, or take the stored predictions; None: run if the extra is installed.
        frames: choice of frames, None: all.

    Raises:
        UserError: a sample that is not installed, a folder that cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder cannot be made ({error.strerror})", path=out) from error
    run = can_run_models() if run_models is None else run_models
    said = "The models ran here, on the CPU.\n"
    models, predictions = (sample_models(), ()) if run else ((), sample_predictions())
    if not run:
        said = 'Stored predictions were used: pip install "iouviewer[yolo]" runs the models themselves.\n'
    if not models and not predictions:
        raise UserError("the sample has no models", remedy="Install iouviewer again.")
    request = EvalRequest(
        video=resource_path("sample/clip.mp4"),
        gt=resource_path("sample/ground_truth.csv"),
        preds=predictions,
        models=models,
        frames=frames,
    )
    result = evaluate(request, progress)
    for name, data in zip(FILES, (result.score_csv(), result.plot(FILES[1]), result.json()), strict=True):
        with atomic_write(out / name) as file:
            file.write(data)
    return DemoReport(said + result.text(), FILES)
