"""Finds the videos and image sets among dropped paths, and which box file belongs to which of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from iouviewer.document.dataset import DatasetSource
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.box_files import find_dataset_parts
from iouviewer.jobs.data_set import is_data_yaml
from iouviewer.jobs.dataset import is_dataset
from iouviewer.project.contents import read_video_path
from iouviewer.ui.importing import (
    PROJECT_SUFFIX,
    FileCandidate,
    FileRole,
    identify,
    resolve_roles,
)

_DEEPEST = 4
"""Folders below a dropped one that are looked into; a link may lead round in a circle."""
_LIST_BYTES = 1 << 20
"""Longer text files are no lists of videos."""
_SEPARATORS = " ._-"
"""Between the name of a video or split and that of a variant in the name of a box file."""


@dataclass(frozen=True, slots=True)
class FoundSources:
    """What dropped paths hold.

    Attributes:
        sources: with the box files that belong to them, to be numbered by the dataset.
        left_out: other paths, each with the reason.
        datasets: dataset files among them.
    """

    sources: tuple[DatasetSource, ...] = ()
    left_out: tuple[tuple[Path, str], ...] = ()
    datasets: tuple[Path, ...] = ()


def find_sources(paths: Iterable[Path]) -> FoundSources:
    """Find the sources in files, folders (with all below them), data sets, lists of paths and projects."""
    found: dict[str, DatasetSource] = {}
    boxes: list[FileCandidate] = []
    left_out: list[tuple[Path, str]] = []
    datasets: list[Path] = []
    for path, is_chosen in _expand(paths):
        if is_dataset(path):
            datasets.append(path)
            continue
        try:
            sources = _sources_of(path)
        except UserError as error:
            left_out.append((path, str(error)))
            continue
        found |= {one.path: one for one in sources if one.path not in found}
        if sources:
            continue
        candidate = identify(path)
        if candidate.role in (FileRole.GROUND_TRUTH, FileRole.PREDICTIONS):
            boxes.append(candidate)
        elif candidate.role is FileRole.VIDEO and not candidate.is_guess:
            found.setdefault(str(path), DatasetSource(-1, str(path)))
        elif is_chosen:
            left_out.append((path, _reason(candidate)))
    # One video under two names would count as twice the evidence.
    once = {Path(one.path).resolve(): one for one in reversed(found.values())}
    sources, unclear = _with_files(list(reversed(once.values())), boxes)
    return FoundSources(tuple(sources), (*left_out, *unclear), tuple(datasets))


def has_parts(folder: Path) -> bool:
    """Whether a folder is a data set with splits, sequences or annotation files."""
    try:
        return bool(find_dataset_parts(folder))
    except UserError:
        return False  # the error is shown where the folder is opened


def _reason(candidate: FileCandidate) -> str:
    if candidate.role is FileRole.MODEL:
        return tr("A model is run on the sources of an open dataset: Run model…")
    return candidate.reason


def _expand(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """The files and image folders below the paths, each with whether it was itself chosen."""
    for path in paths:
        listed = _listed(path)
        if listed:
            yield from ((one, True) for one in listed)
        elif path.is_dir():
            yield from ((one, one == path) for one in _below(path))
        else:
            yield path, True


def _below(folder: Path, depth: int = 0) -> Iterator[Path]:
    """The folder itself where it is one source or one set of labels, else what is in it."""
    if find_dataset_parts(folder):
        yield folder
        return
    if identify(folder).role is not FileRole.SKIP:
        yield folder
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    for name in names:
        child = folder / name
        if child.is_dir() and not name.endswith(".snapshots"):
            if depth < _DEEPEST:
                yield from _below(child, depth + 1)
        elif child.is_file() and child.suffix != PROJECT_SUFFIX:
            # The project beside a video is found with the video.
            yield child


def _listed(path: Path) -> list[Path]:
    """The paths that a text file lists, one a line; none where a line is no path."""
    if path.suffix.lower() not in (".txt", ".lst") or not path.is_file() or path.stat().st_size > _LIST_BYTES:
        return []
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return []
    listed = [(path.parent / line).absolute() for line in lines if line and not line.startswith("#")]
    return listed if all(one.exists() for one in listed) else []


def _sources_of(path: Path) -> list[DatasetSource]:
    """The sources of a project or a data set of images; none for other files.

    Raises:
        UserError: the project names no video, or the images of the data set lie elsewhere.
    """
    if path.suffix == PROJECT_SUFFIX:
        video = read_video_path(path)
        if not video:
            raise UserError(tr("the project names no video"), path=path)
        return [DatasetSource(-1, video, project=str(path.absolute()))]
    root = path.parent if is_data_yaml(path) else path
    parts = find_dataset_parts(root)
    found = [
        DatasetSource(
            -1, str(part.images), f"{root.name} · {part.name}", truth_file=str(part.labels), tags=(part.name,)
        )
        for part in parts
        if part.images is not None
    ]
    if is_data_yaml(path) and not found:
        raise UserError(
            tr("the images of this data set lie elsewhere"),
            path=path,
            remedy=tr("Drop the folder that has both its images and its ground truth"),
        )
    return found


def _with_files(
    sources: list[DatasetSource], boxes: list[FileCandidate]
) -> tuple[list[DatasetSource], list[tuple[Path, str]]]:
    """The sources with their box files: those in the folder of one source, else those that begin with its name."""
    own: dict[int, list[tuple[FileCandidate, str]]] = {}
    unclear = []
    for candidate in boxes:
        owner = _owner(candidate.path, sources)
        if owner is None:
            reason = tr("Its name matches no video. Open its video and import it there")
            unclear.append((candidate.path, reason))
        else:
            own.setdefault(owner[0], []).append((candidate, owner[1]))
    return [_with_boxes(one, own.get(place, [])) for place, one in enumerate(sources)], unclear


def _owner(file: Path, sources: list[DatasetSource]) -> tuple[int, str] | None:
    """The place of a box file's source, and the beginning of its name that says so; None where that is unclear."""
    named = [(key, place) for place, one in enumerate(sources) for key in _keys(one) if _begins(file.stem, key)]
    if named:
        longest = max(len(key) for key, _place in named)
        best = {place: key for key, place in named if len(key) == longest}
        near = {place: key for place, key in best.items() if Path(sources[place].path).parent == file.parent}
        best = near or best
        return next(iter(best.items())) if len(best) == 1 else None
    beside = [place for place, one in enumerate(sources) if Path(one.path).parent == file.parent]
    return (beside[0], "") if len(beside) == 1 else None


def _keys(source: DatasetSource) -> tuple[str, ...]:
    """With what the names of a source's box files begin: its own name, or that of its split."""
    return (Path(source.path).stem, *source.tags)


def _begins(stem: str, key: str) -> bool:
    rest = stem[len(key) :]
    return stem.casefold().startswith(key.casefold()) and (not rest or rest[0] in _SEPARATORS)


def _with_boxes(source: DatasetSource, boxes: list[tuple[FileCandidate, str]]) -> DatasetSource:
    """The source with its box files, each with the beginning of its name that is not the variant's."""
    keys = {one.path: key for one, key in boxes}
    truth, predictions = source.truth_file, []
    for one in resolve_roles([candidate for candidate, _key in boxes]):
        if one.role is FileRole.GROUND_TRUTH and not truth:
            truth = str(one.path)
        else:
            predictions.append((_variant_name(one.path.stem, keys[one.path]), str(one.path)))
    return replace(source, truth_file=truth, prediction_files=tuple(predictions))


def _variant_name(stem: str, key: str) -> str:
    """The name of a variant: that of its file without the video's, so that it is the same on all sources."""
    return stem[len(key) :].strip(_SEPARATORS) or stem
