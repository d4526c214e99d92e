"""Measures the speed of models side by side: alternating rounds, and the ratio to the baseline with an interval."""

from __future__ import annotations

import math
import platform
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.variants import RunState, Variant
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.environment import describe_hardware
from iouviewer.inference.loaded_model import LoadedModel
from iouviewer.inference.protocol import ModelLoaded
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.data_set import listed_images, open_reader
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.requests import NamedPath, ProgressCallback, RunOptions, no_progress
from iouviewer.jobs.run_facts import request_of, weights_bytes
from iouviewer.jobs.speeds import PARTS, SCHEMA, Ratio, fps_interval, ratio_of, why_apart, with_ratios
from iouviewer.metrics.table import Float

MIN_ROUNDS = 4
DEFAULT_ROUNDS, DEFAULT_FRAMES = 10, 20
"""Rounds of a measurement, and frames of a round and model."""
LOADED_RATIO = 1.15
"""A fixed calculation that takes this many times as long in one round as in another: the machine was not quiet."""
_CALIBRATION_SIZE, _CALIBRATION_REPEATS = 384, 12


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What to measure.

    Attributes:
        baseline: name of the model that the others are compared with.
        rounds: in each, every model processes the same frames; odd rounds go through the models backwards.
        frames: of a round and model.
        warm_up: frames that each model processes before, which are not measured.
        own_options: settings of single models by name, in place of ``options``.
    """

    video: Path
    models: tuple[NamedPath, ...]
    options: RunOptions
    baseline: str
    rounds: int = DEFAULT_ROUNDS
    frames: int = DEFAULT_FRAMES
    warm_up: int = 10
    own_options: Mapping[str, RunOptions] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelSpeed:
    """One model's speed.

    Attributes:
        model: facts of the loaded model.
        weights_bytes: size of its file; None if unknown.
        times: (rounds, frames, 4) milliseconds by ``PARTS``.
        ratio: to the baseline; None for the baseline.
        reason: why it cannot be compared with the baseline, empty if it can.
    """

    name: str
    model: ModelLoaded
    weights_bytes: int | None
    times: Float
    ratio: Ratio | None = None
    reason: str = ""

    @property
    def frame_times(self) -> Float:
        """(rounds * frames,) milliseconds of preprocess, inference and postprocess together."""
        times: Float = self.times[:, :, 1:].sum(axis=2).ravel()
        return times

    @property
    def fps(self) -> float:
        """1000 / median milliseconds a frame, without decoding, batch 1."""
        return 1000.0 / float(np.median(self.frame_times))

    @property
    def fps_with_decoding(self) -> float:
        """Frames per second with decoding, one after the other; nan where decoding was not measured."""
        return 1000.0 / float(self.times.sum(axis=2).mean())

    def percentiles(self) -> tuple[float, float, float]:
        """p50, p95 and p99 of milliseconds a frame, without decoding."""
        low, middle, high = np.percentile(self.frame_times, [50, 95, 99])
        return float(low), float(middle), float(high)


@dataclass(frozen=True)
class BenchResult:
    """All speeds, the baseline first as asked.

    Attributes:
        hardware: of this machine.
        calibration: milliseconds of a fixed calculation before each round, (rounds,).
        warnings: sentences about what makes the measurement uncertain.
        measurement: identifies the rounds that the speeds have in common.
    """

    request: BenchRequest
    speeds: tuple[ModelSpeed, ...]
    hardware: str
    calibration: tuple[float, ...]
    warnings: tuple[str, ...] = ()
    measurement: str = field(default_factory=lambda: uuid.uuid4().hex)


def bench(
    request: BenchRequest,
    progress: ProgressCallback = no_progress,
    *,
    command: list[str] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BenchResult:
    """Measure all models in alternating rounds.

    Args:
        command: replaces the command line of a worker.
        cancelled: asked some times a second; True ends the measurement at once.

    Raises:
        UserError: a model cannot be loaded, or a video cannot be read.
        InterruptedError: ``cancelled`` became true.
    """
    names = [name for name, _ in request.models]
    if request.baseline not in names:
        raise UserError(tr("there is no model {name!r}", name=request.baseline))
    images = listed_images(request.video, "val")
    reader = open_reader(request.video, images)
    count = reader.frame_count
    reader.close()
    if request.frames > count:
        raise UserError(
            tr_n(
                "a round of {frames:,} frames needs a longer video: it has {count} frame",
                "a round of {frames:,} frames needs a longer video: it has {count:,} frames",
                count,
                frames=request.frames,
            ),
            path=request.video,
        )
    first = [int(place) for place in np.linspace(0, count - request.frames, request.rounds)]
    times: dict[str, list[Float]] = {name: [] for name in names}
    calibration: list[float] = []
    with ExitStack() as stack:
        loaded = {}
        for name, weights in request.models:
            progress(0, request.rounds * len(names), tr("{name}: loading", name=name))
            run = _run_request(request, name, weights, images)
            loaded[name] = stack.enter_context(LoadedModel(run, None, command, cancelled))
            loaded[name].run(range(min(request.warm_up, count)))
        for number, start in enumerate(first):
            calibration.append(_calibrate())
            order = names if number % 2 == 0 else names[::-1]
            for place, name in enumerate(order):
                progress(number * len(names) + place, request.rounds * len(names), name)
                answer = loaded[name].run(range(start, start + request.frames))
                times[name].append(np.array([[one.decode, *one.times.tolist()] for one in answer.detections]))
        models = {name: model.info for name, model in loaded.items()}
    speeds = _compare(request, models, times)
    return BenchResult(request, speeds, describe_hardware(), tuple(calibration), _warnings(calibration))


def _run_request(request: BenchRequest, name: str, weights: Path, images: Sequence[Path]) -> RunRequest:
    options = request.own_options.get(name, request.options)
    return RunRequest(
        name=name,
        weights=weights,
        video=request.video,
        floor=options.floor,
        nms_iou=options.nms_iou,
        max_det=options.max_det,
        imgsz=options.imgsz,
        device=options.device,
        images=tuple(map(str, images)),
    )


def _compare(
    request: BenchRequest, models: dict[str, ModelLoaded], times: dict[str, list[Float]]
) -> tuple[ModelSpeed, ...]:
    speeds = []
    baseline = models[request.baseline]
    for name, weights in request.models:
        shared = min(len(part) for part in times[name])
        stacked = np.stack([part[:shared] for part in times[name]])
        reason = why_not_comparable(models[name], baseline)
        ratio = None
        if name != request.baseline and not reason:
            ratio = ratio_of(_round_times(times[name]), _round_times(times[request.baseline]))
        speeds.append(ModelSpeed(name, models[name], weights_bytes(weights), stacked, ratio, reason))
    return tuple(speeds)


def _round_times(rounds: Sequence[Float]) -> Float:
    """(rounds,) median milliseconds a frame, without decoding."""
    return np.array([float(np.median(part[:, 1:].sum(axis=1))) for part in rounds])


def why_not_comparable(one: ModelLoaded, other: ModelLoaded) -> str:
    """Why two speeds say nothing about the models: another device or hardware; empty if they do."""
    first, second = ({"device": model.device, "hardware": model.hardware} for model in (one, other))
    return why_apart(first, second)


def _calibrate() -> float:
    """Milliseconds of a fixed calculation: the least of some repeats."""
    values = np.random.default_rng(0).random((_CALIBRATION_SIZE, _CALIBRATION_SIZE))
    best = math.inf
    for _ in range(_CALIBRATION_REPEATS):
        began = time.perf_counter()
        values @ values
        best = min(best, time.perf_counter() - began)
    return 1000.0 * best


def _warnings(calibration: Sequence[float]) -> tuple[str, ...]:
    low, high = min(calibration), max(calibration)
    if high <= LOADED_RATIO * low:
        return ()
    return (
        tr(
            "The machine was loaded or throttled: a fixed calculation took {low:.1f} to {high:.1f} ms. Ratios hold, "
            "because rounds alternate; frames per second do not.",
            low=low,
            high=high,
        ),
    )


def bench_values(result: BenchResult) -> dict[str, Any]:
    """The result for JSON (``speed.json``)."""
    return {
        "schema": SCHEMA,
        "measurement": result.measurement,
        "hardware": result.hardware,
        "system": platform.platform(terse=True),
        "baseline": result.request.baseline,
        "rounds": result.request.rounds,
        "frames_per_round": result.request.frames,
        "warm_up": result.request.warm_up,
        "batch": 1,
        "calibration_ms": list(result.calibration),
        "warnings": list(result.warnings),
        "models": [_speed_values(speed) for speed in result.speeds],
    }


def _speed_values(speed: ModelSpeed) -> dict[str, Any]:
    p50, p95, p99 = speed.percentiles()
    model, ratio = speed.model, speed.ratio
    decode = speed.fps_with_decoding
    rounds = _round_times(list(speed.times)).tolist()
    return {
        "name": speed.name,
        "fps": speed.fps,
        "fps_interval": list(fps_interval(speed.fps, rounds) or ()) or None,
        "fps_with_decoding": None if math.isnan(decode) else decode,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "parts_ms": {
            part: None if math.isnan(value) else value
            for part, value in zip(PARTS, np.median(speed.times, axis=(0, 1)).tolist(), strict=True)
        },
        "ratio": None if ratio is None else {"value": ratio.value, "low": ratio.low, "high": ratio.high},
        "not_comparable": speed.reason or None,
        "weights_bytes": speed.weights_bytes,
        "parameters": model.parameters or None,
        "gflops": model.gflops or None,
        "device": model.device,
        "hardware": model.hardware,
        "runtime": model.runtime,
        "precision": model.precision,
        "threads": model.threads or None,
        "imgsz": list(model.imgsz),
        "sha256": model.sha256,
        "versions": dict(model.versions),
        "rounds_ms": rounds,
    }


def request_for(
    variants: Iterable[Variant], baseline: str, video: Path, *, rounds: int, frames: int
) -> tuple[BenchRequest, dict[str, str]]:
    """The measurement of all variants whose model ran here, each with the settings of its run.

    Args:
        baseline: name of the variant that the others are compared with; if it has no model, the first that has one.

    Returns:
        The request, and by name why the other variants cannot be measured.

    Raises:
        UserError: there is no model to measure.
    """
    models: list[NamedPath] = []
    options: dict[str, RunOptions] = {}
    others: dict[str, str] = {}
    for variant in variants:
        weights = Path(variant.path)
        if variant.state is RunState.IMPORTED or not variant.path:
            others[variant.name] = tr("its predictions come from a file")
        elif not weights.exists():
            others[variant.name] = tr("its model is no longer at {path}", path=weights)
        else:
            models.append((variant.name, weights))
            run = request_of(variant.name, weights, video, variant.predictions)
            device = run.device or variant.predictions.protocol.get("device") or "cpu"
            options[variant.name] = RunOptions(run.floor, run.nms_iou, run.max_det, run.imgsz, str(device))
    if not models:
        reasons = "; ".join(tr("{name}: {reason}", name=name, reason=reason) for name, reason in others.items())
        raise UserError(
            tr("there is no model to measure ({reasons})", reasons=reasons or tr("no variants")),
            remedy=tr("Run a model on this video first, or import a speed.json."),
        )
    names = [name for name, _ in models]
    first = baseline if baseline in names else names[0]
    return BenchRequest(video, tuple(models), RunOptions(), first, rounds, frames, own_options=options), others


def measure_speeds(request: EvalRequest, progress: ProgressCallback = no_progress) -> dict[str, dict[str, Any]]:
    """The speed of each model of an evaluation, by name, as values for JSON.

    The baseline is that of the evaluation, or the first model where the baseline is no model.
    """
    assert request.video is not None
    names = [name for name, _ in request.models]
    baseline = request.baseline if request.baseline in names else names[0]
    return speeds_of(bench(BenchRequest(request.video, request.models, request.run, baseline), progress))


def speeds_of(result: BenchResult) -> dict[str, dict[str, Any]]:
    """The speeds by name with all that each needs on its own, as projects and reports keep them."""
    values = bench_values(result)
    shared = {key: values[key] for key in ("measurement", "system", "batch", "warnings")}
    found = {str(one["name"]): {**one, **shared, "hardware_here": result.hardware} for one in values["models"]}
    return with_ratios(found, result.request.baseline)


def bench_rows(result: BenchResult) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows of the table for people."""
    header = (
        *(tr("Model"), tr("FPS"), tr("with decoding"), tr("p50 ms"), tr("p95 ms"), tr("p99 ms")),
        *(tr("Speed"), tr("Size MB"), tr("Parameters M"), tr("GFLOPs"), tr("Runtime"), tr("Input")),
    )
    rows: list[tuple[str, ...]] = []
    for speed in result.speeds:
        p50, p95, p99 = speed.percentiles()
        decode, size = speed.fps_with_decoding, speed.weights_bytes
        name = tr("{name} *", name=speed.name) if speed.name == result.request.baseline else speed.name
        rows.append(
            (
                *(name, f"{speed.fps:.1f}", "–" if math.isnan(decode) else f"{decode:.1f}"),
                *(f"{p50:.1f}", f"{p95:.1f}", f"{p99:.1f}"),
                ratio_text(speed),
                "–" if size is None else f"{size / 1e6:.1f}",
                f"{speed.model.parameters / 1e6:.2f}" if speed.model.parameters else "–",
                f"{speed.model.gflops:.1f}" if speed.model.gflops else "–",
                " ".join(filter(None, (speed.model.runtime, speed.model.precision))),
                f"{speed.model.imgsz[0]} × {speed.model.imgsz[1]}",
            )
        )
    return header, rows


def ratio_text(speed: ModelSpeed) -> str:
    """The ratio to the baseline with its interval: ``1.31× [1.28, 1.35]``."""
    return "–" if speed.ratio is None else speed.ratio.text
