"""What follows from a batch: predictions of whole videos, the verdict on all of them, and a dataset for the window."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from iouviewer.atomic import write_file
from iouviewer.document.dataset import Dataset, DatasetSource
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.protocol import Finished
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.batch.manifest import ReadManifest, checked_file, without_truth
from iouviewer.jobs.batch.outputs import OutputFolder
from iouviewer.jobs.batch.runs import Planned, digest_of, tasks_of
from iouviewer.jobs.batch.tasks import BatchTask
from iouviewer.jobs.data_set import open_reader
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import GateResult, GateVideo, UnreadVideo, gate_files
from iouviewer.jobs.predict import Collected, ModelRun, imported_run, write_run
from iouviewer.project.dataset_file import SUFFIX, DatasetFile


def prediction_file(planned: Planned, out: OutputFolder, source: str, variant: str) -> Path:
    """Predictions of a variant on a whole video as COCO results, as ``predict`` writes them; written where missing.

    Raises:
        UserError: tasks are missing or damaged, the video cannot be read.
    """
    tasks = tasks_of(planned, source, variant)
    missing = [task for task in tasks if not out.is_done(task.key)]
    if missing:
        raise UserError(
            tr_n(
                "{count} task of {variant} on {source} is not done",
                "{count:,} tasks of {variant} on {source} are not done",
                len(missing),
                variant=variant,
                source=source,
            ),
            remedy=tr("Run the batch again: it does what is missing."),
        )
    folder = out.folder / "predictions" / variant
    target, made_of = folder / f"{source}.json", folder / f"{source}.tasks"
    digest = digest_of(tasks)
    if target.is_file() and made_of.is_file() and made_of.read_text(encoding="utf-8") == digest:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    made_of.unlink(missing_ok=True)
    run = _whole_run(tasks, out, source)
    write_run(run, folder, Path(tasks[0].video).name)
    write_file(made_of, digest.encode())
    return target


def _whole_run(tasks: Sequence[BatchTask], out: OutputFolder, source: str) -> ModelRun:
    """The tasks of a video as one run."""
    from iouviewer.video.image_reader import ImageReader

    task, results = tasks[0], [out.read_result(one.key) for one in tasks]
    video = checked_file(task.video, task.video_sha256)
    reader = open_reader(video, ())
    size, count, fingerprint = reader.size, reader.frame_count, reader.fingerprint
    images = reader.images if isinstance(reader, ImageReader) else ImageTable()
    reader.close()
    measured = out.measured(task.key)
    known = {name: measured[name] for name in ("device", "hardware", "threads", "versions") if name in measured}
    model = msgspec.structs.replace(results[0].model, **known)
    unreadable = [frame for one in results for frame in one.unreadable]
    inputs = [shape for one in results for shape in one.inputs]
    found = [frame for one in results for frame in one.found]
    settings = task.settings
    request = RunRequest(
        name=source,
        weights=Path(task.weights),
        video=video,
        floor=settings.floor,
        nms_iou=settings.nms_iou,
        max_det=settings.max_det,
        imgsz=settings.imgsz,
        device=settings.device,
    )
    finished = Finished(done=len(found), seconds=0.0, unreadable=unreadable, inputs=inputs)
    collected = Collected(found, model, finished)
    fps = _speed([out.measured(one.key) for one in tasks])
    boxes = imported_run(collected, request, fingerprint, size, count, fps, None)
    return ModelRun(source, boxes, size, count, fps, None, images=images)


def _speed(measured: Sequence[Mapping[str, Any]]) -> float | None:
    """Median FPS of the tasks; None where they ran on several kinds of hardware, whose speeds are never mixed."""
    kinds = {(one.get("device"), one.get("hardware"), one.get("threads")) for one in measured}
    known = [float(one["fps"]) for one in measured if one.get("fps")]
    return statistics.median(known) if len(kinds) == 1 and known else None


def batch_videos(read: ReadManifest, planned: Planned, out: OutputFolder, request: EvalRequest) -> list[UnreadVideo]:
    """The sources with ground truth for ``gate.judge``, each read when its turn comes.

    Raises:
        UserError: no source has ground truth.
    """
    manifest = read.manifest
    names = [one.name for one in manifest.variants]
    request = replace(request, baseline=request.baseline or manifest.baseline or names[0])
    videos = []
    for one in manifest.sources:
        if one.ground_truth:
            make = partial(_read_video, read, planned, out, request, one.name)
            videos.append(UnreadVideo(one.name, request, make))
    if not videos:
        raise UserError(tr("no video of the manifest has ground truth"), path=read.path)
    return videos


def _read_video(read: ReadManifest, planned: Planned, out: OutputFolder, request: EvalRequest, name: str) -> GateVideo:
    [source] = [one for one in read.manifest.sources if one.name == name]
    preds = tuple((one.name, prediction_file(planned, out, name, one.name)) for one in read.manifest.variants)
    video = checked_file(read.place(source.video), source.sha256)
    return gate_files(name, replace(request, video=video, gt=Path(read.place(source.ground_truth)), preds=preds))


def missing_truth_note(read: ReadManifest) -> str:
    """That sources are left out of the verdict; empty where none is."""
    names = without_truth(read.manifest.sources)
    if not names:
        return ""
    return tr_n(
        "{count} video has no ground truth and does not count: {names}",
        "{count:,} videos have no ground truth and do not count: {names}",
        len(names),
        names=", ".join(names[:5]),
    )


def worst_differences(result: GateResult) -> dict[str, float]:
    """By name of the source, the worst difference of AP (PQ where there is none) of any variant, in points."""
    found: dict[str, float] = {}
    for judgement in result.judgements:
        for row in judgement.videos:
            points = row.points["ap"] if row.points["ap"] is not None else row.points["pq"]
            if points is not None:
                found[row.name] = min(points, found.get(row.name, points))
    return found


def write_dataset(
    read: ReadManifest, planned: Planned, out: OutputFolder, worst_first: Mapping[str, float] | None = None
) -> Path:
    """A dataset of the batch for the window: videos, ground truth, the predictions that are there, groups as tags.

    A dataset that is there already keeps what was done with its sources.

    Args:
        worst_first: a difference by name of the source, for the order; None: that of the manifest.

    Raises:
        UserError: it cannot be written, or the predictions cannot be made.
    """
    sources = list(read.manifest.sources)
    if worst_first is not None:
        sources.sort(key=lambda one: worst_first.get(one.name, math.inf))
    listed = []
    for one in sources:
        files = []
        for variant in read.manifest.variants:
            if all(out.is_done(task.key) for task in tasks_of(planned, one.name, variant.name)):
                files.append((variant.name, str(prediction_file(planned, out, one.name, variant.name))))
        listed.append(
            DatasetSource(
                0,
                str(checked_file(read.place(one.video), one.sha256)),
                one.name,
                truth_file=read.place(one.ground_truth) if one.ground_truth else "",
                prediction_files=tuple(files),
                tags=(one.group,) if one.group else (),
            )
        )
    path = out.folder / f"batch{SUFFIX}"
    file = DatasetFile(path)
    known = file.read() if path.exists() else Dataset(chosen_baseline=read.manifest.baseline)
    file.write(_merged(known, listed))
    return path


def _merged(known: Dataset, listed: Sequence[DatasetSource]) -> Dataset:
    """The dataset with these sources first and in this order; what the window keeps of each stays.

    Files of a source are replaced while it has no project; afterwards the project has what was imported.
    """
    dataset = known.with_added(listed)
    sources = []
    for one in listed:
        kept = dataset.at(one.path)
        assert kept is not None
        if not kept.project:
            kept = replace(kept, truth_file=one.truth_file, prediction_files=one.prediction_files)
        sources.append(kept)
    paths = {one.path for one in sources}
    return replace(dataset, sources=(*sources, *(one for one in dataset.sources if one.path not in paths)))
