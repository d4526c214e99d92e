"""What formats of one file an image share: which files, which frames, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from iouviewer.document.imported import ImportedBoxes, Kind
from iouviewer.errors import UserError
from iouviewer.formats.frames import frames_of, stem
from iouviewer.formats.interface import Place, ReadContext
from iouviewer.formats.rows import Rows
from iouviewer.formats.text import cannot_read

Size = tuple[int, int] | None
ReadFile = Callable[[Path, int, Rows], tuple[str, Size]]
"""Reads one file whose boxes get the given frame number; returns the image's name and size as the file says."""


def read_folder(path: Path, format_key: str, ending: str, context: ReadContext, read_file: ReadFile) -> ImportedBoxes:
    """Boxes of all files with ``ending`` in a folder (or of one file); a damaged file is refused, not the folder.

    Frames go by the images' names where the image folder is open, else by the numbers in the files' names.

    Raises:
        UserError: the folder cannot be listed, or not one of its files can be read.
    """
    try:
        files = sorted(p for p in path.iterdir() if p.suffix.lower() == ending) if path.is_dir() else [path]
    except OSError as error:
        raise cannot_read(path, error) from error
    if not files:
        raise UserError(f"holds no {ending} files", path=path)
    rows = Rows(path)
    images: list[str] = []
    sizes: set[Size] = set()
    read: list[Path] = []
    owner: list[int] = []
    last: UserError | None = None
    for file in files:
        try:
            name, size = read_file(file, len(read), rows)
        except UserError as error:
            last = error
            rows.refuse(Place(file, error.line), error.message)
            continue
        owner += [len(read)] * (len(rows) - len(owner))
        read.append(file)
        images.append(name or file.name)
        sizes.add(size)
    if last is not None and not read:
        raise last
    by_image = context.image_names is not None and len({stem(name) for name in images}) == len(images)
    names = images if by_image else [file.name for file in read]
    found = frames_of(names, context)
    frames = [found.frames.get(name, -1) for name in names]
    for name in found.unknown:
        rows.refuse(Place(read[names.index(name)]), f"{name} is none of the images; its boxes are not read")
    rows.frames = [float(frames[index]) for index in owner]
    # The rows of files that belong to no frame go with their file.
    rows.keep_only([i for i, frame in enumerate(rows.frames) if frame >= 0])
    if read:
        rows.notes.append(found.note)
    size = next(iter(sizes)) if len(sizes) == 1 else None
    labelled = [frame for frame in frames if frame >= 0]
    return rows.finish(format_key, context.kind_or(Kind.GROUND_TRUTH), scored=False, labelled=labelled, size=size)
