"""Tasks of a batch: one variant on a range of frames of one video, named by everything that its result depends on."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec

from iouviewer import __version__
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.batch.manifest import BatchSettings

SECONDS = 300.0
"""Time that a task should take: little is lost with a machine, and little is spent on starting."""
UNKNOWN_SECONDS = 0.1
"""Seconds for a frame where nobody measured."""
_PACKAGES = ("ultralytics", "ultralytics-opencv-headless", "torch", "onnxruntime", "openvino", "av", "numpy")
"""Packages that decide what a detector finds."""


class BatchTask(msgspec.Struct, frozen=True):
    """One variant on the frames ``first`` to ``last`` of one video.

    Attributes:
        key: hash of everything below but the names and places.
        source, variant: names, for display.
        video, weights: places as in the manifest, absolute; their contents have the two hashes.
        first, last: frames; ``last`` is not included.
        runtime: versions of the packages that the result depends on.
    """

    key: str
    source: str
    variant: str
    video: str
    weights: str
    video_sha256: str
    weights_sha256: str
    first: int
    last: int
    settings: BatchSettings
    runtime: str

    @property
    def frames(self) -> int:
        return self.last - self.first


def runtime_name() -> str:
    """The versions of the program and of the packages that decide what a detector finds, in one line."""
    found = {"iouviewer": __version__}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(map(" ".join, found.items()))


def task_key(facts: Mapping[str, object]) -> str:
    """SHA-256 of the facts as JSON with sorted names."""
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def make_task(
    source: tuple[str, str, str], variant: tuple[str, str, str], frames: range, settings: BatchSettings, runtime: str
) -> BatchTask:
    """A task.

    Args:
        source, variant: name, place, and hash of the content.
    """
    facts = {
        "video": source[2],
        "weights": variant[2],
        "first": frames.start,
        "last": frames.stop,
        "settings": msgspec.to_builtins(settings),
        "runtime": runtime,
    }
    return BatchTask(
        task_key(facts), source[0], variant[0], source[1], variant[1], source[2], variant[2], frames.start, frames.stop,
        settings, runtime,
    )  # fmt: skip


def cut(frame_count: int, seconds_per_frame: float, seconds: float = SECONDS) -> Iterator[range]:
    """Ranges of frames that take about ``seconds`` each, as equal as they can be."""
    pieces = max(1, round(frame_count * seconds_per_frame / seconds))
    bounds = [frame_count * number // pieces for number in range(pieces + 1)]
    for first, last in pairwise(bounds):
        if last > first:
            yield range(first, last)


def parse_shard(text: str) -> tuple[int, int]:
    """``K/N``: the K-th of N shares, K from 1.

    Raises:
        UserError: anything else.
    """
    first, _, second = text.partition("/")
    if first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second):
        return int(first), int(second)
    raise UserError(tr("{text!r} is not a share K/N with K from 1 to N", text=text))


def in_shard(task: BatchTask, shard: tuple[int, int] | None) -> bool:
    """Whether a task belongs to a share: its key decides, so shares agree whatever is done already."""
    return shard is None or int(task.key[:12], 16) % shard[1] == shard[0] - 1
