"""Plans, runs and reports a batch: what is missing, what it will take, what was done and what failed."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.protocol import Failed
from iouviewer.jobs.batch.engines import Engine
from iouviewer.jobs.batch.manifest import ReadManifest, checked_file, known_digest, remember_digests, remembered_digests
from iouviewer.jobs.batch.outputs import TRIES, FailedTask, OutputFolder
from iouviewer.jobs.batch.tasks import UNKNOWN_SECONDS, BatchTask, cut, in_shard, make_task, runtime_name
from iouviewer.jobs.batch.work import run_frames
from iouviewer.jobs.data_set import open_reader
from iouviewer.jobs.requests import ProgressCallback, no_progress

PROBED_FRAMES = 20
"""Frames that a model runs on before tasks are cut."""
_BYTES_PER_FRAME = 2_000.0


@dataclass(frozen=True, slots=True)
class Planned:
    """All tasks of a batch.

    Attributes:
        seconds: estimated time of each, by key.
        bytes_per_frame: by hash of the weights.
        frames: number of frames by name of the source.
    """

    tasks: tuple[BatchTask, ...]
    seconds: Mapping[str, float]
    bytes_per_frame: Mapping[str, float]
    frames: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """What is done of a batch.

    Attributes:
        done, total: tasks by name of the variant.
        missing: tasks that are not done, those that failed included.
        seconds, size: what the missing ones will take: seconds of one process, and bytes.
        failed: tasks that were tried and are not done.
    """

    done: Mapping[str, int]
    total: Mapping[str, int]
    missing: tuple[BatchTask, ...]
    seconds: float
    size: float
    failed: Mapping[str, FailedTask]

    @property
    def is_complete(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did: numbers of tasks done and attempts that failed, and the tasks that are not done after it."""

    done: int
    attempts_failed: int
    failed: Mapping[str, FailedTask]


def plan_batch(
    read: ReadManifest,
    out: OutputFolder,
    *,
    probe: bool = True,
    progress: ProgressCallback = no_progress,
) -> Planned:
    """Cut the batch into tasks. What was measured once stays in the folder, so tasks are cut the same way again.

    Args:
        probe: run each model on some frames where nothing is known of its speed; otherwise a guess is kept.

    Raises:
        UserError: a file is missing or has another content, a video cannot be read, a model cannot be run.
    """
    manifest, runtime = read.manifest, runtime_name()
    out.create()
    remember_digests(out.read_digests())
    sources, variants = [], []
    steps = len(manifest.sources) + len(manifest.variants)
    for number, one in enumerate(manifest.sources):
        progress(number, steps, tr("reading {video}", video=one.name))
        place = read.place(one.video)
        path = checked_file(place, one.sha256)
        reader = open_reader(path, ())
        count = reader.frame_count
        reader.close()
        sources.append(((one.name, place, one.sha256 or known_digest(path)), count, path))
    for model in manifest.variants:
        place = read.place(model.weights)
        path = checked_file(place, model.sha256)
        variants.append(((model.name, place, model.sha256 or known_digest(path)), path))
    used = {str(path) for *_facts, path in (*sources, *variants)}
    out.write_digests({path: one for path, one in remembered_digests().items() if path in used})
    plan = out.read_plan()
    unknown = [(facts, path) for facts, path in variants if facts[2] not in plan]
    for number, (facts, path) in enumerate(unknown):
        progress(len(sources) + number, steps, tr("trying {variant}", variant=facts[0]))
        task = make_task(sources[0][0], facts, range(min(PROBED_FRAMES, sources[0][1])), manifest.settings, runtime)
        plan[facts[2]] = _probe(sources[0][2], path, task) if probe else _guess()
    if unknown:
        out.write_plan(plan)
    tasks, seconds = [], {}
    for source, count, _path in sources:
        for variant, _weights in variants:
            each = plan[variant[2]]["seconds_per_frame"]
            for frames in cut(count, each):
                task = make_task(source, variant, frames, manifest.settings, runtime)
                tasks.append(task)
                seconds[task.key] = each * task.frames
    sizes = {digest: one["bytes_per_frame"] for digest, one in plan.items()}
    return Planned(tuple(tasks), seconds, sizes, {facts[0]: count for facts, count, _path in sources})


def _probe(video: Path, weights: Path, task: BatchTask) -> dict[str, float]:
    found = run_frames(video, task.variant, weights, task)
    if isinstance(found, Failed):
        raise UserError(tr("{variant}: {failure}", variant=task.variant, failure=found))
    result, measured = found
    boxes = sum(len(one.scores) for one in result.found)
    frames = max(1, len(result.found))
    return {
        "seconds_per_frame": max(1e-4, float(measured["seconds"]) / frames),
        "bytes_per_frame": 12.0 + 24.0 * boxes / frames,
    }


def _guess() -> dict[str, float]:
    return {"seconds_per_frame": UNKNOWN_SECONDS, "bytes_per_frame": _BYTES_PER_FRAME}


def batch_status(planned: Planned, out: OutputFolder) -> BatchStatus:
    """What is done, and what the rest will take."""
    done: collections.Counter[str] = collections.Counter()
    total: collections.Counter[str] = collections.Counter()
    missing = []
    for task in planned.tasks:
        total[task.variant] += 1
        if out.is_done(task.key):
            done[task.variant] += 1
        else:
            missing.append(task)
    known = {task.key for task in planned.tasks}
    failed = {key: one for key, one in out.failures().items() if key in known}
    return BatchStatus(
        {name: done[name] for name in total},
        dict(total),
        tuple(missing),
        sum(planned.seconds[task.key] for task in missing),
        sum(planned.bytes_per_frame[task.weights_sha256] * task.frames for task in missing),
        failed,
    )


def run_batch(
    planned: Planned,
    out: OutputFolder,
    engine: Engine,
    *,
    shard: tuple[int, int] | None = None,
    progress: ProgressCallback = no_progress,
) -> RunSummary:
    """Do what is missing; each task is tried up to three times. Stopping at any moment loses only tasks in flight.

    Args:
        shard: K, N: only the K-th of N shares.
    """
    missing = [task for task in batch_status(planned, out).missing if in_shard(task, shard)]
    out.forget_failures([task.key for task in missing])
    waiting = collections.deque(missing)
    by_key = {task.key: task for task in missing}
    tries: collections.Counter[str] = collections.Counter()
    done = failed = 0

    def take() -> BatchTask | None:
        return waiting.popleft() if waiting else None

    progress(0, len(missing), "")
    for answer in engine.run(out.folder, take):
        if answer.failed is None:
            done += 1
            progress(done, len(missing), by_key[answer.key].source)
            continue
        failed += 1
        tries[answer.key] += 1
        out.add_failure(by_key[answer.key], answer.failed)
        if tries[answer.key] < TRIES:
            waiting.append(by_key[answer.key])
    keys = set(by_key)
    return RunSummary(done, failed, {key: one for key, one in out.failures().items() if key in keys})


def tasks_of(planned: Planned, source: str, variant: str) -> Sequence[BatchTask]:
    """The tasks of one variant on one source, in order of their frames."""
    found = [task for task in planned.tasks if task.source == source and task.variant == variant]
    return sorted(found, key=lambda task: task.first)


def digest_of(tasks: Sequence[BatchTask]) -> str:
    """Names what predictions of a whole video are made of."""
    return msgspec.json.encode([task.key for task in tasks]).decode()
