"""What the window is asked to open, as the command line (or a drop) said it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NamedPath = tuple[str, Path]
"""A variant's name and its file or folder."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Everything that one start of the window opens; all paths are absolute and were there when it was made.

    Attributes:
        video: the video, or None (an empty window, or the project names it).
        gt: ground truth to import.
        preds: prediction files, each one variant.
        models: weights to run on the video, each one variant.
        project: project file to open (or to make, if it does not exist yet).
        demo: open the bundled sample; the other fields are empty.
    """

    video: Path | None = None
    gt: Path | None = None
    preds: tuple[NamedPath, ...] = ()
    models: tuple[NamedPath, ...] = ()
    project: Path | None = None
    demo: bool = False
