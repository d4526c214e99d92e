"""The images of COCO files: which frame each image id means.

An annotation file lists its images. Their frame is ``frame_id`` (CocoVID), else found by the file name, else the id. A
results list has only image ids: they are those of the ground truth's images where these are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iouviewer.document.imported import StatedFact
from iouviewer.document.sources import ImageTable
from iouviewer.errors import UserError
from iouviewer.formats.frame_numbers import assign_frames
from iouviewer.formats.image_names import NameIndex, core_name, stem
from iouviewer.formats.interface import Choice, ReadContext, UncertainReadingError, command_option
from iouviewer.formats.json_safe import as_index, as_number
from iouviewer.formats.rows import MAX_LISTED
from iouviewer.i18n import tr

ImageId = int | str | float


@dataclass(frozen=True, slots=True)
class CocoImages:
    """The images of a file.

    Attributes:
        frames: 0-based frame by image id.
        listed: whether the file has a list of images.
        table: the images with their names, ids and sizes.
        skipped: ids of images of other videos.
        video_name, fps: of the video, where the file says so.
        assumed: whether the ids of a results list were taken for names or numbers, without a ground truth that lists
            them.
    """

    frames: Mapping[ImageId, int]
    listed: bool
    notes: tuple[str, ...]
    table: ImageTable = field(default_factory=ImageTable)
    skipped: frozenset[ImageId] = frozenset()
    video_name: str = ""
    fps: float | None = None
    assumed: bool = False


def read_images(
    document: Mapping[str, Any], entries: list[Any], path: Path, context: ReadContext, *, own_file: bool
) -> CocoImages:
    """The images of an annotation file or, where it lists none, of the entries of a results list.

    Raises:
        UserError: an image id occurs twice, several videos of which none is chosen, or frames that are not certain.
    """
    images = document.get("images")
    try:
        if not isinstance(images, list) or not images:
            return _images_of_results(entries, context)
        good = [image for image in images if isinstance(image, dict) and isinstance(image.get("id"), (int, str))]
        _refuse_repeated_ids(good, path)
        chosen, video, notes = _images_of_video(document, good, path, context)
        frames, more = _frames_of_listed(chosen, context, own_file=own_file)
    except UncertainReadingError as error:
        error.path = error.path or path
        raise
    chosen_ids = {image["id"] for image in chosen}
    with_frame = [image for image in chosen if image["id"] in frames]
    table = ImageTable.of(
        [frames[image["id"]] for image in with_frame],
        names=[image["file_name"] if isinstance(image.get("file_name"), str) else "" for image in with_frame],
        ids=[image["id"] for image in with_frame],
        sizes=[(as_index(image.get("width")) or 0, as_index(image.get("height")) or 0) for image in with_frame],
    )
    return CocoImages(
        frames,
        True,
        (*notes, *more),
        table,
        frozenset(image["id"] for image in good if image["id"] not in chosen_ids),
        str(video.get("name", video.get("file_name", ""))),
        as_number(video.get("fps", video.get("frame_rate"))),
    )


def _refuse_repeated_ids(images: list[dict[str, Any]], path: Path) -> None:
    seen: dict[ImageId, int] = {}
    for position, image in enumerate(images):
        first = seen.setdefault(image["id"], position)
        if first != position:
            names = [repr(images[index].get("file_name", f"images[{index}]")) for index in (first, position)]
            raise UserError(
                tr(
                    "the image ID {id!r} occurs twice, for {first} and for {second}",
                    id=image["id"],
                    first=names[0],
                    second=names[1],
                ),
                path=path,
                remedy=tr("Give every image an ID of its own: its boxes cannot be told apart."),
            )


def _images_of_video(
    document: Mapping[str, Any], images: list[dict[str, Any]], path: Path, context: ReadContext
) -> tuple[list[dict[str, Any]], Mapping[str, Any], list[str]]:
    """The images of one video, the video's entry, and notes."""
    listed = document.get("videos")
    videos = [v for v in listed if isinstance(v, dict) and "id" in v] if isinstance(listed, list) else []
    if len(videos) < 2:
        return images, videos[0] if videos else {}, []
    names = [str(video.get("name", video.get("file_name", ""))) for video in videos]
    position = choose_task(names, path, context)
    chosen = [image for image in images if image.get("video_id") == videos[position]["id"]]
    note = StatedFact(tr("Only {name} of {count:,} videos is read", name=names[position], count=len(names)))
    return chosen, videos[position], [note]


def choose_task(names: list[str], path: Path, context: ReadContext) -> int:
    """Position of the video or task to read, of a file with several: the one that was asked for, or the open video.

    Raises:
        UncertainReadingError: none or several have the name.
    """
    wanted = context.task or context.video_stem
    if wanted:
        for key in (str.casefold, lambda name: stem(name).casefold(), lambda name: core_name(name).casefold()):
            matching = [position for position, name in enumerate(names) if name and key(name) == key(wanted)]
            if len(matching) == 1:
                return matching[0]
        # Label Studio puts eight hexadecimal digits in front, which core_name takes for a date where all are decimal.
        ends = f"-{core_name(wanted)}".casefold()
        matching = [position for position, name in enumerate(names) if core_name(name).casefold().endswith(ends)]
        if len(matching) == 1:
            return matching[0]
    listed = ", ".join(names[:MAX_LISTED])
    if context.task is not None:
        message = tr("has no single video or task named {name!r}, but {names}", name=context.task, names=listed)
    else:
        message = tr(
            "contains {count:,} videos, and not exactly one of them has the name of the open video: {names}",
            count=len(names),
            names=listed,
        )
    choices = [Choice(name, command_option("--task", repr(name)), {"task": name}) for name in names]
    raise UncertainReadingError(message, choices=choices, path=path, remedy=tr("Choose one with --task NAME"))


def _frames_of_listed(
    chosen: list[dict[str, Any]], context: ReadContext, *, own_file: bool
) -> tuple[dict[ImageId, int], list[str]]:
    """0-based frames by image id, and notes."""
    numbers = [as_index(image.get("frame_id")) for image in chosen]
    by_number = [number for number in numbers if number is not None]
    by_name = context.image_names is not None and not own_file
    if len(by_number) == len(chosen) == len(set(by_number)) and not by_name:
        first, notes = min(by_number, default=0), []
        base = context.frame_base
        if base is None:
            base = 0 if own_file or first != 1 else 1
            if not own_file:
                notes.append(tr("frame_id starts at {base} (lowest value: {first})", base=base, first=first))
        return {image["id"]: number - base for image, number in zip(chosen, by_number, strict=True)}, notes
    return _frames_of_names({image["id"]: image.get("file_name") for image in chosen}, context)


def _images_of_results(entries: list[Any], context: ReadContext) -> CocoImages:
    """The images of a results list: those of the ground truth, else by file name or id."""
    named: dict[ImageId, Any] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(entry.get("image_id"), (int, str, float)):
            named.setdefault(entry["image_id"], entry.get("file_name"))
    listed = context.listed_images
    by_id = (
        {_id_key(i): frame for i, frame in zip(listed.ids, listed.frames, strict=True) if i is not None}
        if (listed is not None)
        else {}
    )
    joined = {i: by_id[_id_key(i)] for i in named if _id_key(i) in by_id}
    by_stem = _frames_by_stem(named, listed) if context.images_by != "id" and listed is not None else {}
    if by_stem and (context.images_by == "name" or len(joined) < len(named)):
        return CocoImages(by_stem, False, (tr("Images by the names of the ground truth, which the IDs repeat"),))
    if joined and context.images_by != "name":
        if context.images_by is None:
            _refuse_contradiction(named, joined, by_stem, context)
        return CocoImages(joined, False, (tr("Images by the IDs of the ground truth"),))
    frames, notes = _frames_of_names(named, context)
    return CocoImages(frames, False, tuple(notes), assumed=bool(named))


def _frames_by_stem(named: Mapping[ImageId, Any], listed: ImageTable) -> dict[ImageId, int]:
    """Frames of ids that are the names of images, or the numbers that are their names, as ultralytics writes them.

    Empty unless all ids are names.
    """
    index = NameIndex(listed.names)
    found = {i: index.find(_id_key(i)) for i in named}
    if any(len(positions) != 1 for positions in found.values()):
        return {}
    return {i: listed.frames[positions[0]] for i, positions in found.items()}


def _id_key(image_id: ImageId) -> str:
    """7, 7.0 and "7" are one id."""
    if isinstance(image_id, float) and image_id.is_integer():
        return str(int(image_id))
    return str(image_id)


def _refuse_contradiction(
    named: Mapping[ImageId, Any], joined: Mapping[ImageId, int], by_stem: Mapping[ImageId, int], context: ReadContext
) -> None:
    """UncertainReadingError where the file names of a results list, or ids as names, mean other images than its ids."""
    names = {i: name for i, name in named.items() if isinstance(name, str) and name}
    if not names and by_stem:
        names = {i: _id_key(i) for i in named}
        by_name: Mapping[str, int] = {_id_key(i): frame for i, frame in by_stem.items()}
    elif not names or len(set(names.values())) < len(names):
        return
    else:
        try:
            by_name = assign_frames(list(names.values()), context).frames
        except UncertainReadingError:
            return
    for i, name in names.items():
        if i in joined and by_name.get(name, joined[i]) != joined[i]:
            raise UncertainReadingError(
                tr(
                    "image_id {id!r} is frame {by_id} of the ground truth, but the file name {name!r} is frame "
                    "{by_name}",
                    id=i,
                    by_id=joined[i],
                    name=name,
                    by_name=by_name[name],
                ),
                choices=(
                    Choice(tr("by ID"), command_option("--images-by", "id"), {"images_by": "id"}),
                    Choice(tr("by file name"), command_option("--images-by", "name"), {"images_by": "name"}),
                ),
            )


def _frames_of_names(named: Mapping[ImageId, Any], context: ReadContext) -> tuple[dict[ImageId, int], list[str]]:
    """Frames by file name if these are unique, else by the id (ultralytics: the stem, or its number)."""
    names = {i: (name if isinstance(name, str) and name else _id_key(i)) for i, name in named.items()}
    if len(set(names.values())) < len(names):
        names = {i: _id_key(i) for i in named}
    found = assign_frames(list(names.values()), context)
    frames = {i: found.frames[name] for i, name in names.items() if name in found.frames}
    return frames, [found.note] if named else []
