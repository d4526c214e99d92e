"""Code shared by formats with one file per image: reading all files of a folder, naming the files to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.frame_numbers import assign_frames, stem
from iouviewer.formats.interface import BoxesToWrite, Location, ReadContext
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import cannot_read
from iouviewer.i18n import tr

Size = tuple[int, int] | None
ReadFile = Callable[[Path, int, Rows], tuple[str, Size]]
"""Reads one file, whose rows get the given number as their frame; returns the image's name and size from the file."""


def read_folder(path: Path, format_key: str, ending: str, context: ReadContext, read_file: ReadFile) -> ImportedBoxes:
    """Boxes of all files with ``ending`` in a folder (or of one file); damaged files are refused one by one.

    Frames follow the image names if the image folder is open, else the numbers in the file names.

    Raises:
        UserError: the folder cannot be listed, or none of its files can be read.
    """
    try:
        files = sorted(p for p in path.iterdir() if p.suffix.lower() == ending) if path.is_dir() else [path]
    except OSError as error:
        raise cannot_read(path, error) from error
    if not files:
        raise UserError(tr("the folder contains no {ending} files", ending=ending), path=path)
    rows = Rows(path)
    images: list[str] = []
    sizes: set[Size] = set()
    read: list[Path] = []
    file_of_row: list[int] = []
    last_error: UserError | None = None
    for file in files:
        try:
            name, size = read_file(file, len(read), rows)
        except UserError as error:
            last_error = error
            rows.refuse(Location(file, error.line), error.message)
            continue
        file_of_row += [len(read)] * (len(rows) - len(file_of_row))
        read.append(file)
        images.append(name or file.name)
        sizes.add(size)
    if last_error is not None and not read:
        raise last_error
    by_image = context.image_names is not None and len({stem(name) for name in images}) == len(images)
    names = images if by_image else [file.name for file in read]
    found = assign_frames(names, context)
    frames = [found.frames.get(name, -1) for name in names]
    for name in found.unknown:
        location = Location(read[names.index(name)])
        rows.refuse(location, tr("{name} is not in the image folder; its boxes were not read", name=name))
    rows.frames = [float(frames[index]) for index in file_of_row]
    # Rows of refused files are not reported one by one.
    rows.keep_only([i for i, frame in enumerate(rows.frames) if frame >= 0])
    if read:
        rows.notes.append(found.note)
    size = next(iter(sizes)) if len(sizes) == 1 else None
    labelled = [frame for frame in frames if frame >= 0]
    return rows.finish(format_key, context.kind_or(ImportKind.GROUND_TRUTH), scored=False, labelled=labelled, size=size)


def written_stems(data: BoxesToWrite) -> dict[int, str]:
    """File name without ending for each frame that gets a file: the labelled frames and those with boxes.

    Numbers start at 1, so readers that treat a 0 as a sign of 0-based numbers cannot misread them.
    """
    frames = set(np.asarray(data.frames, np.int64).tolist())
    frames |= set(range(data.frame_count) if data.labelled is None else np.asarray(data.labelled).tolist())
    names = data.image_names
    if names is not None and max(frames, default=-1) < len(names):
        return {frame: stem(names[frame]) for frame in sorted(frames)}
    base = stem(data.video_name) or "frame"
    return {frame: f"{base}_{frame + 1}" for frame in sorted(frames)}
