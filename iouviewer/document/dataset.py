"""A dataset: videos and image sets in an order, each with a project file of its own, and what is known of each.

The numbers of a source are kept here, so that one that is absent still shows them, and a list of hundreds is shown
without opening any project.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far the work on a source has come, as its project says without being opened.

    Attributes:
        state: names the contents of the project; equal as long as boxes, frame states, decisions and predictions are.
        frames: number of frames; ``labelled`` and ``verified`` of them.
        boxes: of the ground truth.
        fps: 0.0 without a time base.
        variants: their names, the baseline first.
        edited: time of the last step, seconds since the epoch; 0.0 without steps.
        fingerprint: of the video.
    """

    state: str
    frames: int = 0
    labelled: int = 0
    verified: int = 0
    boxes: int = 0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    is_image_set: bool = False
    variants: tuple[str, ...] = ()
    edited: float = 0.0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class VariantNumbers:
    """Scores of one variant on one source, 0 to 1, and its difference from the baseline there.

    Attributes:
        outcome: a value of ``metrics.verdict.Outcome``; empty for the baseline.
        points, low, high: difference of AP and its interval in points; None where undefined.
        reason: why it cannot be judged, else the whole sentence.
    """

    ap: float | None = None
    pq: float | None = None
    avg_iou: float | None = None
    frames: int = 0
    outcome: str = ""
    points: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SourceNumbers:
    """Numbers of a source that take time to compute.

    Attributes:
        state: names the project's contents and the settings on which they stand.
        problems: open problems; None where they were not searched, because the source has no project yet.
        baseline: name of the variant that the others are compared with; empty without variants.
        variants: by name.
    """

    state: str
    problems: int | None = None
    baseline: str = ""
    variants: Mapping[str, VariantNumbers] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """One video or image set.

    Attributes:
        id: number within the dataset, never used again.
        path: absolute path of the video, folder, or ``data.yaml``.
        title: name for display; empty: that of the file or folder.
        project: absolute path of its project file; empty while there is none.
        truth_file: absolute path of its ground truth, empty for none. It and ``prediction_files`` (variant, absolute
            path) are imported when the source is first shown; until then its numbers come from them.
        included: whether pooled numbers count it.
        last_frame: frame shown last.
        progress, numbers: as last known, None if never.
    """

    id: int
    path: str
    title: str = ""
    project: str = ""
    truth_file: str = ""
    prediction_files: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    included: bool = True
    last_frame: int = 0
    progress: SourceProgress | None = None
    numbers: SourceNumbers | None = None

    @property
    def file_name(self) -> str:
        """Its title, else the name of the file or folder."""
        return self.title or os.path.basename(self.path)  # noqa: PTH119 - hundreds of times for a list


@dataclass(frozen=True, slots=True)
class Dataset:
    """The sources in their order; every change is a new value.

    Attributes:
        next_id: number of the next source.
        current: id of the source shown last, -1 before the first.
        chosen_baseline: name of the variant that the others are compared with; empty: that of the first source.
    """

    sources: tuple[DatasetSource, ...] = ()
    next_id: int = 0
    current: int = -1
    chosen_baseline: str = ""

    def __len__(self) -> int:
        return len(self.sources)

    # Reading

    def find(self, id: int) -> DatasetSource | None:
        """The source with this number, None if it was removed."""
        return next((one for one in self.sources if one.id == id), None)

    def at(self, path: str) -> DatasetSource | None:
        """The source with this path, None if the dataset does not list it."""
        return next((one for one in self.sources if one.path == path), None)

    def position(self, id: int) -> int:
        """Place of a source in the list, -1 if it is not there."""
        return next((place for place, one in enumerate(self.sources) if one.id == id), -1)

    def names(self) -> dict[int, str]:
        """Names for display by id: file names, with as many folders before them as tell them apart."""
        return _distinct_names({one.id: one for one in self.sources})

    @property
    def included(self) -> tuple[DatasetSource, ...]:
        """The sources that pooled numbers count."""
        return tuple(one for one in self.sources if one.included)

    @property
    def baseline(self) -> str:
        """The baseline of all sources together; empty without variants."""
        known = self.variants()
        return self.chosen_baseline if self.chosen_baseline in known else next(iter(known), "")

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags in alphabetical order."""
        return tuple(sorted({tag for one in self.sources for tag in one.tags}, key=str.casefold))

    def variants(self) -> tuple[str, ...]:
        """Names of the variants of all sources; the baselines come first."""
        listed = [one.progress.variants for one in self.sources if one.progress is not None]
        firsts = [names[0] for names in listed if names]
        return tuple(dict.fromkeys([*firsts, *(name for names in listed for name in names)]))

    def matching(self, text: str = "", tag: str = "") -> tuple[DatasetSource, ...]:
        """The sources whose names or tags contain all words, and which have the tag; an empty one passes all."""
        names = self.names()
        words = text.casefold().split()

        def passes(one: DatasetSource) -> bool:
            said = " ".join((names[one.id], *one.tags)).casefold()
            return (not tag or tag in one.tags) and all(word in said for word in words)

        return tuple(one for one in self.sources if passes(one))

    # Changing

    def with_added(self, added: Iterable[DatasetSource]) -> Dataset:
        """With these sources at the end, numbered by it; those at places that are listed already are left out."""
        sources, next_id = list(self.sources), self.next_id
        known = {one.path for one in sources}
        for one in added:
            if one.path not in known:
                known.add(one.path)
                sources.append(replace(one, id=next_id))
                next_id += 1
        return replace(self, sources=tuple(sources), next_id=next_id)

    def without(self, ids: Collection[int]) -> Dataset:
        """Without these sources. Their files stay."""
        left = tuple(one for one in self.sources if one.id not in ids)
        current = self.current if any(one.id == self.current for one in left) else -1
        return replace(self, sources=left, current=current)

    def moved(self, id: int, by: int) -> Dataset:
        """With a source so many places further down; it stops at an end of the list."""
        place = self.position(id)
        if place < 0:
            return self
        sources = list(self.sources)
        one = sources.pop(place)
        sources.insert(min(max(place + by, 0), len(sources)), one)
        return replace(self, sources=tuple(sources))

    def changed(self, id: int, change: Callable[[DatasetSource], DatasetSource]) -> Dataset:
        """With one source changed; unchanged without such a source."""
        return replace(self, sources=tuple(change(one) if one.id == id else one for one in self.sources))

    def with_tags(self, ids: Collection[int], tags: Iterable[str]) -> Dataset:
        """With these tags on the sources, in place of those that they had.

        Raises:
            UserError: a tag has a comma, which separates tags.
        """
        cleaned = tuple(dict.fromkeys(tag for one in tags if (tag := " ".join(one.split()))))
        for tag in cleaned:
            if "," in tag:
                raise UserError(tr("the tag {tag!r} has a comma, which separates tags", tag=tag))
        return replace(
            self, sources=tuple(replace(one, tags=cleaned) if one.id in ids else one for one in self.sources)
        )


def _distinct_names(sources: Mapping[int, DatasetSource]) -> dict[int, str]:
    names = {id: one.file_name for id, one in sources.items()}
    doubled = _doubled(names)
    depth = 2
    while doubled:
        longer = {id: "/".join(Path(sources[id].path).parts[-depth:]) for id in doubled}
        if all(longer[id] == names[id] for id in doubled):
            break  # two titles are the same, and so are their whole paths
        names |= longer
        doubled, depth = _doubled(names), depth + 1
    return names


def _doubled(names: Mapping[int, str]) -> list[int]:
    """The ids whose name another one has too."""
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    return [id for id, name in names.items() if counts[name] > 1]
