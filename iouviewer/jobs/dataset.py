"""A dataset judged: the numbers of each source, and all of them together by the functions of ``iouviewer gate``."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer import __version__
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.dataset import Dataset, DatasetSource, SourceNumbers, VariantNumbers
from iouviewer.document.decisions import HeldDecisions
from iouviewer.document.edits import FrameState
from iouviewer.document.problem_groups import group_problems
from iouviewer.document.problem_list import ProblemList
from iouviewer.document.problem_table import ProblemInputs, find_all_problems
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.gate import GateVideo, UnreadVideo, gate_contents, gate_files, gate_project, judge, read_copy
from iouviewer.jobs.judge import Difference, Judged
from iouviewer.jobs.scoring import score_variant
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.verdict import Outcome
from iouviewer.project.dataset_file import SUFFIX, DatasetFile

if TYPE_CHECKING:
    from iouviewer.project.contents import ProjectContents

FEW_SOURCES = 10
"""Below so many sources, an interval from differences between them is too short (docs/statistics.md)."""


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """What a source has of one class.

    Attributes:
        ap: variant name -> AP, 0 to 1; None where it is undefined.
    """

    boxes: int = 0
    tracks: int = 0
    problems: int = 0
    ap: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeasuredSource:
    """The numbers of a source and what pooled numbers need of it.

    Attributes:
        classes: class name -> what there is of it; the empty name stands for boxes without a class.
        video: for the judge; None where ``refused`` says why there is none.
    """

    numbers: SourceNumbers
    classes: Mapping[str, ClassCounts]
    video: GateVideo | None
    refused: UserError | None = None


def is_dataset(path: Path) -> bool:
    """Whether a file is a dataset, by its name."""
    return path.suffix.lower() == SUFFIX


def state_of(source: DatasetSource, request: EvalRequest) -> str:
    """Names what a source's numbers stand on: its contents and the settings; empty where the contents are unknown."""
    if source.progress is None:
        return ""
    settings = (*astuple(request.settings), request.frames, request.baseline, sorted(request.margins.items()))
    digest = hashlib.sha256(repr((__version__, settings)).encode()).hexdigest()[:12]
    return f"{source.progress.state}/{digest}"


def measure_source(source: DatasetSource, name: str, request: EvalRequest) -> MeasuredSource:
    """Compute a source's numbers, against the request's baseline or, where it lacks it, its own.

    They come from its project, or from its files while it has none.

    Args:
        name: for display.

    Raises:
        UserError: the source has neither, or they cannot be read.
    """
    if not source.project and source.truth_file:
        return _measured(source, gate_files(name, _files_request(source, request)), request, None)
    path = _project_of(source, name)
    contents = read_copy(path)
    if not contents.document.sources:
        raise UserError(tr("the project has no video"), path=path)
    names = {variant.name for variant in contents.variants}
    own = request if request.baseline is None or request.baseline in names else replace(request, baseline=None)
    try:
        video = replace(gate_contents(path, contents, own), name=name)
    except UserError as error:
        problems, by_class = _open_problems(contents, request.settings)
        numbers = SourceNumbers(state_of(source, request), problems)
        return MeasuredSource(numbers, _class_counts(contents, by_class, {}), None, error)
    return _measured(source, video, request, contents)


def _files_request(source: DatasetSource, request: EvalRequest) -> EvalRequest:
    """The request for the files of a source without a project."""
    names = [name for name, _path in source.prediction_files]
    return replace(
        request,
        video=Path(source.path),
        gt=None if source.truth_file == source.path else Path(source.truth_file),
        preds=tuple((name, Path(path)) for name, path in source.prediction_files),
        baseline=request.baseline if request.baseline in names else None,
        read=replace(request.read, split=source.split or request.read.split),
    )


def _measured(
    source: DatasetSource, video: GateVideo, request: EvalRequest, contents: ProjectContents | None
) -> MeasuredSource:
    problems, by_class = (None, {}) if contents is None else _open_problems(contents, request.settings)
    variants = video.inputs.variants
    baseline = video.request.baseline or variants[0].name
    judged = {one.name: one for one in _judge_alone(video, request.margins)}
    scores, class_ap = {}, {}
    for variant in variants:
        metrics = score_variant(video.inputs.truth, variant, video.inputs.frames, request.settings).metrics
        own_numbers = VariantNumbers(metrics["ap"], metrics["pq"], metrics["avg_iou"], metrics["frames"])
        scores[variant.name] = _with_judgement(own_numbers, judged.get(variant.name))
        class_ap[variant.name] = {key: value["ap"] for key, value in metrics["per_class"].items()}
    numbers = SourceNumbers(state_of(source, request), problems, baseline, scores)
    classes = {} if contents is None else _class_counts(contents, by_class, class_ap)
    return MeasuredSource(numbers, classes, video)


def _project_of(source: DatasetSource, name: str) -> Path:
    if not source.project:
        raise UserError(
            tr("{name} has no project yet", name=name),
            path=source.path,
            remedy=tr("Open it and import its ground truth and predictions."),
        )
    return Path(source.project)


def _judge_alone(video: GateVideo, margins: Mapping[str, float]) -> tuple[Judged, ...]:
    return judge([video], margins).judged if len(video.inputs.variants) > 1 else ()


def ap_difference(judged: Judged) -> Difference | None:
    """The difference of AP; None where nothing could be compared."""
    compared = judged.compared
    return None if compared is None else next((d for d in compared.verdict.differences if d.metric == "ap"), None)


def _with_judgement(numbers: VariantNumbers, judged: Judged | None) -> VariantNumbers:
    if judged is None:
        return numbers
    numbers = replace(numbers, outcome=str(judged.outcome), reason=judged.judgement.reason or judged.sentence)
    found = ap_difference(judged)
    if found is None:
        return numbers
    points, low, high = (None if math.isnan(value) else value for value in (found.points, found.low, found.high))
    return replace(numbers, points=points, low=low, high=high)


def _open_problems(contents: ProjectContents, review: ReviewSettings) -> tuple[int, Mapping[int, int]]:
    """Open problems of a project's video, as the window counts them, and by class id."""
    document = contents.document
    number = min(document.sources)
    truth, source = document.ground_truth(number), document.sources[number]
    first = [one for one in contents.variants if one.key == contents.baseline]
    variants = [*first, *(one for one in contents.variants if one.key != contents.baseline)]
    if not variants and not len(truth):
        return 0, {}
    columns = truth.columns()
    order = np.argsort(columns[5], kind="stable")
    inputs = ProblemInputs(
        truth.table(),
        truth.states() == FrameState.LABELLED,
        columns[5][order],
        columns[3][order],
        tuple((one.predictions.table, one.predictions.covered) for one in variants),
        review,
        (float(source.width), float(source.height)),
    )
    problems = ProblemList()
    problems.set_problems(group_problems(find_all_problems(inputs).table))
    problems.set_decisions(HeldDecisions(truth.find).update(document.decisions(number)))
    by_class = problems.count_classes()
    return sum(by_class.values()), by_class


def _class_counts(
    contents: ProjectContents, problems: Mapping[int, int], ap: Mapping[str, Mapping[str, float | None]]
) -> dict[str, ClassCounts]:
    document = contents.document
    _frames, _rects, class_ids, tracks, _flags, _ids = document.ground_truth(min(document.sources)).columns()
    found = {}
    for number, name in enumerate((*document.class_names, "")):
        id = number if name else -1
        rows = class_ids == id
        own = tracks[rows]
        counts = ClassCounts(
            int(rows.sum()),
            len(np.unique(own[own != NO_TRACK])),
            problems.get(id, 0),
            {variant: values[name] for variant, values in ap.items() if name in values},
        )
        if name or counts.boxes or counts.problems:
            found[name] = counts
    return found


# All sources together


@dataclass(frozen=True, slots=True)
class Deciding:
    """The source that decides a verdict on all of them.

    Attributes:
        title: names it and for which side it decides.
        text: where to look, in one or two sentences.
    """

    source: int
    title: str
    text: str


def find_deciding(dataset: Dataset, variant: str, outcome: Outcome) -> Deciding | None:
    """The included source with the largest loss (or, for a PASS, the one that comes nearest to the allowed drop).

    None with fewer than two sources whose difference is known.
    """
    known = []
    for one in dataset.included:
        numbers = one.numbers.variants.get(variant) if one.numbers is not None else None
        if numbers is not None and numbers.points is not None:
            known.append((numbers.points, one))
    if len(known) < 2:
        return None
    points, worst = min(known, key=lambda pair: pair[0])
    name = dataset.names()[worst.id]
    values = {"source": name, "variant": variant, "points": f"{points:+.1f}".replace("-", "−")}
    if outcome is Outcome.PASS:
        title = tr("{source} comes nearest to the allowed drop", **values)
    elif points < 0:
        title = tr("{source} decides against {variant}", **values)
    else:
        title = tr("{variant} loses on no source; {source} gains least", **values)
    sentences = [tr("AP {points} points there.", **values)]
    others = [value for value, one in known if one.id != worst.id]
    if points < 0 and all(value >= 0 for value in others):
        sentences.append(tr("It gains on all others or stays equal."))
    if worst.numbers is not None and worst.numbers.problems and worst.progress is not None:
        share = worst.progress.verified / worst.progress.frames if worst.progress.frames else 0.0
        problems = tr_n("{count} problem is open", "{count:,} problems are open", worst.numbers.problems)
        sentences.append(
            tr(
                "{problems} and {share:.0%} of its frames are verified, so part of it may be the ground truth.",
                problems=problems,
                share=share,
            )
            if share < 1
            else tr("{problems} there.", problems=problems)
        )
    return Deciding(worst.id, title, " ".join(sentences))


def dataset_videos(path: Path, request: EvalRequest) -> list[UnreadVideo]:
    """The included sources of a dataset's file for ``judge``, each read when its turn comes.

    Raises:
        UserError: the dataset cannot be read or includes nothing; a source has no project.
    """
    dataset = DatasetFile(path).read()
    if not dataset.included:
        raise UserError(tr("the dataset includes no source"), path=path)
    if request.baseline is None and dataset.baseline:
        request = replace(request, baseline=dataset.baseline)
    names = dataset.names()
    videos = []
    for one in dataset.included:
        if not one.project and one.truth_file:
            read = partial(gate_files, names[one.id], _files_request(one, request))
        else:
            read = partial(gate_project, _project_of(one, names[one.id]), request)
        videos.append(UnreadVideo(names[one.id], request, read))
    return videos
