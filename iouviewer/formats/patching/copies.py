"""Writes the texts of a source, with or without edits, to another place in the same format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from iouviewer.atomic import atomic_folder, write_file
from iouviewer.document.imported import ImportedBoxes
from iouviewer.document.kept_source import SourceTexts
from iouviewer.formats import mot
from iouviewer.formats.registry import find_format


def write_copy(
    texts: SourceTexts, changed: Mapping[str, bytes], boxes: ImportedBoxes, target: Path, main: str = ""
) -> None:
    """Write a source to ``target``: a file, or a folder for formats with one file per image.

    Files above the source that name its classes go into the folder. A MOT file whose class names stand elsewhere gets
    a labels file, because it has numbers only.

    Args:
        changed: new content by name, of changed and new files.
        boxes: as read from these texts, before edits.
        main: name of the file with the boxes; empty: the path of ``boxes``.

    Raises:
        UserError: no permission, disk full, or a folder that is not empty.
    """
    contents = dict(zip(texts.names, texts.contents(), strict=True)) | dict(changed)
    source = PurePosixPath(Path(texts.path).relative_to(texts.root).as_posix())
    known = find_format(texts.format)
    if known is not None and known.is_folder:
        with atomic_folder(target) as folder:
            for name, data in contents.items():
                path = folder / _name_in_folder(PurePosixPath(name), source, texts)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return
    main = main or boxes.path.absolute().relative_to(texts.root).as_posix()
    write_file(target, contents[main])
    if texts.format == mot.KEY:
        _write_mot_labels(contents, main, boxes, target)


def _name_in_folder(name: PurePosixPath, source: PurePosixPath, texts: SourceTexts) -> Path:
    if name == source:
        return Path("labels", name.name) if texts.format == "yolo" else Path(name.name)
    return Path(name.relative_to(source)) if name.is_relative_to(source) else Path(name.name)


def _write_mot_labels(contents: Mapping[str, bytes], main: str, boxes: ImportedBoxes, target: Path) -> None:
    path = Path(main)
    beside = [
        contents[n]
        for n in (mot.labels_path(path).as_posix(), path.with_name("labels.txt").as_posix())
        if n in contents
    ]
    if beside:
        write_file(mot.labels_path(target), beside[0])
        return
    if boxes.classes_are_named and boxes.class_numbers:
        named = dict(zip(boxes.class_numbers, boxes.class_names, strict=True))
        lines = [named.get(number, "") for number in range(1, max(named) + 1)]
        write_file(mot.labels_path(target), "".join(f"{line}\n" for line in lines).encode())
