"""Finds the videos and image sets among dropped paths, and which box file belongs to which of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from iouviewer.document.dataset import DatasetSource
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.data_set import is_data_yaml, split_names
from iouviewer.jobs.dataset import is_dataset
from iouviewer.project.contents import read_video_path
from iouviewer.ui.importing import (
    PROJECT_SUFFIX,
    FileCandidate,
    FileRole,
    identify,
    resolve_roles,
)

_LIST_BYTES = 1 << 20
"""Longer text files are no lists of videos."""
_SEPARATORS = " ._-"
"""Between the name of a video and that of a variant in the name of a box file."""


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
    """Find the sources in files, folders (with all below them), lists of paths and ``data.yaml`` files."""
    found: dict[tuple[str, str], DatasetSource] = {}
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
        found |= {one.place: one for one in sources if one.place not in found}
        if sources:
            continue
        candidate = identify(path)
        if candidate.role in (FileRole.GROUND_TRUTH, FileRole.PREDICTIONS):
            boxes.append(candidate)
        elif candidate.role is FileRole.VIDEO and not candidate.is_guess:
            found.setdefault((str(path), ""), DatasetSource(-1, str(path)))
        elif is_chosen:
            left_out.append((path, _reason(candidate)))
    sources, unclear = _with_files(list(found.values()), boxes)
    return FoundSources(tuple(sources), (*left_out, *unclear), tuple(datasets))


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


def _below(folder: Path) -> Iterator[Path]:
    """The folder itself where it is one source or one set of labels, else what is in it."""
    yaml = next((folder / name for name in ("data.yaml", "dataset.yaml") if (folder / name).is_file()), None)
    if yaml is not None:
        yield yaml
        return
    if identify(folder).role is not FileRole.SKIP:
        yield folder
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    for name in names:
        child = folder / name
        if child.is_dir() and not name.endswith(".snapshots"):
            yield from _below(child)
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
    """The sources of a project or a data set of images; none for other files."""
    if path.suffix == PROJECT_SUFFIX:
        video = read_video_path(path)
        if not video:
            raise UserError(tr("the project names no video"), path=path)
        return [DatasetSource(-1, video, project=str(path.absolute()))]
    if is_data_yaml(path):
        return [DatasetSource(-1, str(path), split, truth_file=str(path), tags=(split,)) for split in split_names(path)]
    return []


def _with_files(
    sources: list[DatasetSource], boxes: list[FileCandidate]
) -> tuple[list[DatasetSource], list[tuple[Path, str]]]:
    """The sources with their box files: those in the folder of one source, else those that begin with its name."""
    own: dict[int, list[FileCandidate]] = {}
    unclear = []
    for candidate in boxes:
        place = _owner(candidate.path, sources)
        if place is None:
            reason = tr("Its name begins with that of no video. Open its video and import it there")
            unclear.append((candidate.path, reason))
        else:
            own.setdefault(place, []).append(candidate)
    return [_with_boxes(one, own.get(place, [])) for place, one in enumerate(sources)], unclear


def _owner(file: Path, sources: list[DatasetSource]) -> int | None:
    named = [
        (len(Path(one.path).stem), place)
        for place, one in enumerate(sources)
        if file.stem.casefold().startswith(Path(one.path).stem.casefold())
    ]
    if named:
        longest = max(named)[0]
        best = [place for length, place in named if length == longest]
        near = [place for place in best if Path(sources[place].path).parent == file.parent]
        best = near or best
        return best[0] if len(best) == 1 else None
    beside = [place for place, one in enumerate(sources) if Path(one.path).parent == file.parent]
    return beside[0] if len(beside) == 1 else None


def _with_boxes(source: DatasetSource, boxes: list[FileCandidate]) -> DatasetSource:
    stem = Path(source.path).stem
    truth, predictions = source.truth_file, []
    for one in resolve_roles(boxes):
        if one.role is FileRole.GROUND_TRUTH and not truth:
            truth = str(one.path)
        else:
            predictions.append((_variant_name(one.path.stem, stem), str(one.path)))
    return replace(source, truth_file=truth, prediction_files=tuple(predictions))


def _variant_name(stem: str, video: str) -> str:
    """The name of a variant: that of its file without the video's, so that it is the same on all sources."""
    own = stem[len(video) :].strip(_SEPARATORS) if stem.casefold().startswith(video.casefold()) else stem
    return own or stem
