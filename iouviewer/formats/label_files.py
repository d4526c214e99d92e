"""Code shared by formats with one file per image: reading all files of a folder, naming the files to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.frame_numbers import FrameAssignment, assign_frames, stem
from iouviewer.formats.interface import BoxesToWrite, Location, ReadContext
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import cannot_read
from iouviewer.i18n import tr

_SEPARATOR = r"[\\/]"
Size = tuple[int, int] | None
ReadFile = Callable[[Path, int, Rows], tuple[str, Size]]
"""Reads one file, whose rows get the given number as their frame; returns the image's name and size from the file."""


def read_folder(
    path: Path, format_key: str, ending: str, context: ReadContext, read_file: ReadFile, *, scored: bool = False
) -> ImportedBoxes:
    """Boxes of all files with ``ending`` in a folder (or of one file); damaged files are refused one by one.

    Frames follow the image names if the image folder is open, else the numbers in the file names.

    Raises:
        UserError: the folder cannot be listed, or none of its files can be read.
    """
    try:
        files = _files_in(path, ending) if path.is_dir() else [path]
    except OSError as error:
        raise cannot_read(path, error) from error
    if not files:
        raise UserError(tr("the folder contains no {ending} files", ending=ending), path=path)
    rows = Rows(path, context)
    images, sizes, read, file_of_row = _read_files(files, rows, read_file)
    # The image's own name may lack the folder that its file is in.
    in_folder = [_with_folder(name, file, path) for name, file in zip(images, read, strict=True)]
    by_image = context.image_names is not None and len({_without_ending(name) for name in in_folder}) == len(images)
    names = in_folder if by_image else [_with_folder(file.name, file, path) for file in read]
    # A file that cannot be read still has its number: without it the others could be numbered differently.
    numbered = names if by_image else [_with_folder(file.name, file, path) for file in files]
    try:
        found = assign_frames(numbered, context, stride=context.stride or 1)
    except UserError as error:
        error.path = path
        raise
    frames = [found.frames.get(name, -1) for name in names]
    for name in [name for name in found.unknown if name in names]:
        location = Location(read[names.index(name)])
        rows.refuse(location, tr("{name} is not in the image folder; its boxes were not read", name=name))
    rows.frames = [float(frames[index]) for index in file_of_row]
    # Rows of refused files are not reported one by one.
    rows.keep_only([i for i, frame in enumerate(rows.frames) if frame >= 0])
    if read:
        rows.notes.append(found.note)
    listed = [i for i, frame in enumerate(frames) if frame >= 0]
    table = ImageTable.of(
        [frames[i] for i in listed],
        names=[in_folder[i] for i in listed],
        sizes=[sizes[i] or (0, 0) for i in listed],
    )
    return rows.finish(
        format_key,
        context.kind_or(ImportKind.GROUND_TRUTH),
        context,
        scored=scored,
        labelled=table.frames,
        size=sizes[0] if len(set(sizes)) == 1 else None,
        images=table,
        stride_applied=True,
    )


def _read_files(
    files: list[Path], rows: Rows, read_file: ReadFile
) -> tuple[list[str], list[Size], list[Path], list[int]]:
    """Image name and size of each file that could be read, these files, and the position of the file of each row.

    Raises:
        UserError: none of the files can be read.
    """
    images: list[str] = []
    sizes: list[Size] = []
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
        sizes.append(size)
    if last_error is not None and not read:
        raise last_error
    return images, sizes, read, file_of_row


def _files_in(path: Path, ending: str) -> list[Path]:
    """The files with an ending in a folder, else in the folders in it."""
    files = [p for p in path.iterdir() if p.suffix.lower() == ending]
    return sorted(files or [p for p in path.glob("*/*") if p.suffix.lower() == ending])


def _with_folder(name: str, file: Path, path: Path) -> str:
    """The name with the folder of its label file below ``path``."""
    folder = file.parent.relative_to(path).as_posix() if path.is_dir() else "."
    return name if folder == "." else f"{folder}/{re.split(_SEPARATOR, name)[-1]}"


def _without_ending(name: str) -> str:
    return name.rsplit(".", 1)[0]


def listed_files(found: FrameAssignment, context: ReadContext) -> ImageTable:
    """The images that label files name; their sizes are those of the open images."""
    names = list(found.frames)
    frames = [found.frames[name] for name in names]
    sizes = [context.size_of(frame) or (0, 0) for frame in frames] if context.image_sizes is not None else None
    return ImageTable.of(frames, names=names, sizes=sizes)


def written_stems(data: BoxesToWrite) -> dict[int, str]:
    """File name without ending for each frame that gets a file: the labelled frames and those with boxes.

    Numbers start at 1, so readers that treat a 0 as a sign of 0-based numbers cannot misread them.
    """
    frames = set(np.asarray(data.frames, np.int64).tolist())
    frames |= set(range(data.frame_count) if data.labelled is None else np.asarray(data.labelled).tolist())
    base = stem(data.video_name) or "frame"
    stems: dict[int, str] = {}
    owner: dict[str, str] = {}
    for frame in sorted(frames):
        name = data.image_name(frame, "")
        stems[frame] = _written_stem(name) if name else f"{base}_{frame + 1}"
        other = owner.setdefault(stems[frame].casefold(), name)
        if other != name:
            raise UserError(
                tr("the images {first!r} and {second!r} need label files of one name", first=other, second=name),
                remedy=tr("Rename one of the images."),
            )
    return stems


def _written_stem(name: str) -> str:
    """Path of a label file without its ending; never outside the folder that is written."""
    parts = [part for part in re.split(_SEPARATOR, name)[:-1] if part not in {"", ".", ".."} and ":" not in part]
    return "/".join([*parts, stem(name)])
