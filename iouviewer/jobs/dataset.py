"""A dataset judged: the numbers of each source, and all of them together by the functions of ``iouviewer gate``."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iouviewer import __version__
from iouviewer.document.boxes import NO_TRACK
from iouviewer.document.dataset import Dataset, DatasetSource, SourceNumbers, SourceProgress, VariantNumbers
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
from iouviewer.jobs.partials import Partial, PooledScores, compute_partial, pool
from iouviewer.jobs.scoring import score_variant
from iouviewer.metrics.review import ReviewSettings
from iouviewer.metrics.table import UNSPECIFIED_CLASS, Int
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
class RunFacts:
    """What is known of the run of a variant on a source; empty where it is not.

    Attributes:
        file: name of the weights, else of the file with the predictions.
        digest: SHA-256 of the weights, hexadecimal.
        device: where it ran.
        fps: median speed, None where it was not measured.
    """

    file: str = ""
    digest: str = ""
    device: str = ""
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class MeasuredSource:
    """The numbers of a source and what pooled numbers need of it.

    Attributes:
        classes: class name -> what there is of it; the empty name stands for boxes without a class.
        video: for the judge; None where ``refused`` says why there is none.
        partials: variant name -> its boxes reduced to what pooled scores need.
        runs: variant name -> what is known of its run.
        progress: of a source whose numbers come from its files; None where its project says it.
    """

    numbers: SourceNumbers
    classes: Mapping[str, ClassCounts]
    video: GateVideo | None
    refused: UserError | None = None
    partials: Mapping[str, Partial] = field(default_factory=dict)
    runs: Mapping[str, RunFacts] = field(default_factory=dict)
    progress: SourceProgress | None = None

    @property
    def box_count(self) -> int:
        """Boxes that ``video`` keeps in memory."""
        if self.video is None:
            return 0
        inputs = self.video.inputs
        return len(inputs.truth.table) + sum(len(one.predictions.table) for one in inputs.variants)


def is_dataset(path: Path) -> bool:
    """Whether a file is a dataset, by its name."""
    return path.suffix.lower() == SUFFIX


def state_of(source: DatasetSource, request: EvalRequest) -> str:
    """Names what a source's numbers stand on: its contents and the settings; empty where the contents are unknown."""
    if source.progress is None:
        return ""
    settings = (
        *astuple(request.settings),
        request.frames,
        request.filter,
        request.baseline,
        sorted(request.margins.items()),
    )
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
        video = gate_files(name, _files_request(source, request))
        progress = _files_progress(source, video)
        return replace(_measured(replace(source, progress=progress), video, request, None), progress=progress)
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


def files_state(source: DatasetSource) -> str:
    """Names the contents of a source's files by their sizes and times; empty where one cannot be read."""
    facts = []
    for path in (source.path, source.truth_file, *(path for _name, path in source.prediction_files)):
        try:
            found = Path(path).stat()
        except OSError:
            return ""
        facts.append((path, found.st_size, found.st_mtime_ns))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _files_progress(source: DatasetSource, video: GateVideo) -> SourceProgress:
    known, truth = video.inputs.source, video.inputs.truth
    return SourceProgress(
        files_state(source),
        known.frame_count,
        int(truth.labelled.sum()),
        0,
        len(truth.table),
        known.width,
        known.height,
        known.fps,
        known.is_image_set,
        tuple(variant.name for variant in video.inputs.variants),
        0.0,
        known.fingerprint,
    )


def _files_request(source: DatasetSource, request: EvalRequest) -> EvalRequest:
    """The request for the files of a source without a project."""
    names = [name for name, _path in source.prediction_files]
    return replace(
        request,
        video=Path(source.path),
        gt=Path(source.truth_file),
        preds=tuple((name, Path(path)) for name, path in source.prediction_files),
        baseline=request.baseline if request.baseline in names else None,
    )


def _measured(
    source: DatasetSource, video: GateVideo, request: EvalRequest, contents: ProjectContents | None
) -> MeasuredSource:
    problems, by_class = (None, {}) if contents is None else _open_problems(contents, request.settings)
    variants = video.inputs.variants
    baseline = video.request.baseline or variants[0].name
    judged = {one.name: one for one in _judge_alone(video, request.margins)}
    scores, class_ap, partials = {}, {}, {}
    truth = video.inputs.truth
    for variant in variants:
        metrics = score_variant(truth, variant, video.inputs.frames, request.settings).metrics
        own_numbers = VariantNumbers(metrics["ap"], metrics["pq"], metrics["avg_iou"], metrics["frames"])
        scores[variant.name] = _with_judgement(own_numbers, judged.get(variant.name))
        class_ap[variant.name] = {key: value["ap"] for key, value in metrics["per_class"].items()}
        partials[variant.name] = compute_partial(
            truth.table,
            variant.predictions.table,
            request.settings,
            video.inputs.labelled & variant.predictions.covered,
            class_names=truth.class_names,
            has_scores=variant.predictions.has_scores,
            single_images=video.inputs.single_images,
        )
    numbers = SourceNumbers(state_of(source, request), problems, baseline, scores)
    if contents is not None:
        classes = _class_counts(contents, by_class, class_ap)
    else:
        classes = _count_classes(truth.class_names, truth.table.class_ids, truth.tracks, {}, class_ap)
    return MeasuredSource(numbers, classes, video, None, partials, _run_facts(contents))


def _project_of(source: DatasetSource, name: str) -> Path:
    if not source.project:
        raise UserError(
            tr("{name} has no project yet", name=name),
            path=source.path,
            remedy=tr("Open it and import its ground truth and predictions."),
        )
    if not Path(source.project).is_file():
        raise UserError(
            tr("the project of {name} is not there", name=name),
            path=source.project,
            remedy=tr("Move it back, or leave this source out."),
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


def _run_facts(contents: ProjectContents | None) -> dict[str, RunFacts]:
    if contents is None:
        return {}
    found = {}
    for variant in contents.variants:
        facts = variant.predictions.run_facts
        weights = facts.get("weights") or facts.get("model") or variant.path
        digest = str(facts.get("sha256") or facts.get("weights_sha256") or "")
        device = str(variant.details.get("hardware") or facts.get("device") or "")
        found[variant.name] = RunFacts(Path(str(weights)).name if weights else "", digest, device, variant.fps)
    return found


def _class_counts(
    contents: ProjectContents, problems: Mapping[int, int], ap: Mapping[str, Mapping[str, float | None]]
) -> dict[str, ClassCounts]:
    document = contents.document
    _frames, _rects, class_ids, tracks, _flags, _ids = document.ground_truth(min(document.sources)).columns()
    return _count_classes(document.class_names, class_ids, tracks, problems, ap)


def _count_classes(
    names: Sequence[str],
    class_ids: Int,
    tracks: Int,
    problems: Mapping[int, int],
    ap: Mapping[str, Mapping[str, float | None]],
) -> dict[str, ClassCounts]:
    """What there is of each class; ``class_ids`` and ``tracks`` are (N,), one for each box."""
    found = {}
    for number, name in enumerate((*names, "")):
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


def pooled_scores(measured: Sequence[MeasuredSource]) -> dict[str, PooledScores]:
    """Scores of all sources together by variant, of the variants that every source has.

    None where boxes without a class make AP treat all boxes as one class on some of the sources only.
    """
    if not measured:
        return {}
    names = [name for name in measured[0].partials if all(name in one.partials for one in measured)]
    rules = {bool((found.class_ids == UNSPECIFIED_CLASS).any()) for one in measured for found in one.partials.values()}
    if len(rules) > 1:
        return {}
    return {name: pool(one.partials[name] for one in measured).scores() for name in names}


def pooled_classes(measured: Sequence[MeasuredSource]) -> dict[str, ClassCounts]:
    """Boxes, tracks and open problems by class over all sources; names are matched without regard to case."""
    names: dict[str, str] = {}
    found: dict[str, ClassCounts] = {}
    for one in measured:
        for name, counts in one.classes.items():
            shown = names.setdefault(name.casefold(), name)
            old = found.get(shown, ClassCounts())
            found[shown] = ClassCounts(
                old.boxes + counts.boxes, old.tracks + counts.tracks, old.problems + counts.problems
            )
    return found


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


def find_deciding(dataset: Dataset, judged: Judged) -> Deciding | None:
    """The source that loses most in the metric that decides the verdict on all of them, or gains least.

    The metric is the one whose own outcome is the worst, else the one nearest to its allowed drop. None where there are
    fewer than two sources or nothing was compared.
    """
    if judged.compared is None or len(judged.judgement.videos) < 2:
        return None
    counted = [one for one in judged.compared.verdict.differences if not math.isnan(one.margin)]
    if not counted:
        return None
    order = (Outcome.FAIL, Outcome.UNDECIDED, Outcome.PASS)
    metric = min(counted, key=lambda one: (order.index(one.outcome), one.points + one.margin)).metric
    ids = {name: id for id, name in dataset.names().items()}
    known = [
        (points, ids[row.name])
        for row in judged.judgement.videos
        if (points := row.points[metric]) is not None and row.name in ids
    ]
    if len(known) < 2:
        return None
    points, worst = min(known)
    source = dataset.find(worst)
    assert source is not None
    values = {"source": dataset.names()[worst], "variant": judged.name}
    if judged.outcome is Outcome.PASS:
        title = tr("{source} comes nearest to the allowed drop", **values)
    elif points < 0:
        title = tr("{source} decides against {variant}", **values)
    else:
        title = tr("{variant} loses on no source; it gains least on {source}", **values)
    names = {"ap": tr("AP"), "pq": tr("PQ"), "avg_iou": tr("Avg IoU")}
    texts = [tr("{metric} {points} points there.", metric=names[metric], points=_signed(points))]
    others = [value for value, id in known if id != worst]
    if points < 0 <= min(others):
        texts.append(tr("It loses on no other source."))
    texts.append(_doubt(source))
    return Deciding(worst, title, " ".join(filter(None, texts)))


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−")


def _doubt(source: DatasetSource) -> str:
    """What of a source's numbers may be the ground truth's fault."""
    problems, progress = None if source.numbers is None else source.numbers.problems, source.progress
    if not problems or progress is None or not progress.frames:
        return ""
    share = progress.verified / progress.frames
    text = tr_n("{count} problem is open", "{count:,} problems are open", problems)
    if share == 1:
        return tr("{problems} there.", problems=text)
    return tr(
        "{problems} and {share} % of its frames are verified, so part of it may be the ground truth.",
        problems=text,
        share=math.floor(100 * share),
    )


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
    return [unread_video(one, names[one.id], request) for one in dataset.included]


def unread_video(source: DatasetSource, name: str, request: EvalRequest) -> UnreadVideo:
    """A source for ``judge``, read when its turn comes; UserError if it has neither a project nor files."""
    if not source.project and source.truth_file:
        return UnreadVideo(name, request, partial(gate_files, name, _files_request(source, request)))
    return UnreadVideo(name, request, partial(gate_project, _project_of(source, name), request))
