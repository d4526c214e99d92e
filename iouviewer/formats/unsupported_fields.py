"""Describes what a format stores and what it cannot store, for the export dialog."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

import numpy as np

from iouviewer.document.attributes import set_numbers
from iouviewer.document.boxes import BoxFlag
from iouviewer.formats.interface import BoxesToWrite
from iouviewer.i18n import tr, tr_n


class Field(Enum):
    """A field that some formats cannot store."""

    IGNORED = auto()
    TRACK_IDS = auto()
    BOXES_WITHOUT_TRACK = auto()
    SOME_WITHOUT_TRACK = auto()
    """Boxes without a track beside others that have one."""
    SCORES = auto()
    CLASSES = auto()
    OCCLUDED = auto()
    TRUNCATED = auto()
    ATTRIBUTES = auto()
    """Free attributes."""
    KEY_FRAMES = auto()
    LABELLED_FRAMES = auto()


_NAMES = {
    Field.IGNORED: tr("ignored boxes"),
    Field.TRACK_IDS: tr("track IDs"),
    Field.BOXES_WITHOUT_TRACK: tr("boxes without a track"),
    Field.SOME_WITHOUT_TRACK: tr("boxes without a track"),
    Field.SCORES: tr("scores"),
    Field.CLASSES: tr("classes"),
    Field.OCCLUDED: tr("occluded marks"),
    Field.TRUNCATED: tr("truncated marks"),
    Field.ATTRIBUTES: tr("attributes"),
    Field.KEY_FRAMES: tr("key frame marks"),
    Field.LABELLED_FRAMES: tr("unlabelled frames"),
}


def name_of(field: Field) -> str:
    """A field in the words of a list."""
    return _NAMES[field]


def describe_unsupported(data: BoxesToWrite, unsupported: Collection[Field]) -> tuple[str, ...]:
    """One sentence for each of the fields that these boxes have and that the export would lose."""
    flags = np.asarray(data.flags, np.int64)
    tracked = int(np.count_nonzero(np.asarray(data.track_ids) >= 0))
    texts: list[str] = []

    def count(field: Field, flag: BoxFlag) -> int:
        return int(np.count_nonzero(flags & int(flag))) if field in unsupported else 0

    if n := count(Field.IGNORED, BoxFlag.IGNORED):
        texts.append(
            tr_n(
                "{count} ignored box is left out: the format has no mark for ignored boxes",
                "{count:,} ignored boxes are left out: the format has no mark for ignored boxes",
                n,
            )
        )
    if Field.TRACK_IDS in unsupported and tracked:
        texts.append(tr_n("{count} box loses its track ID", "{count:,} boxes lose their track IDs", tracked))
    is_mixed = Field.SOME_WITHOUT_TRACK in unsupported and tracked > 0
    if (Field.BOXES_WITHOUT_TRACK in unsupported or is_mixed) and tracked < len(flags):
        texts.append(
            tr_n(
                "{count} box without a track becomes a track of one box",
                "{count:,} boxes without a track become tracks of one box",
                len(flags) - tracked,
            )
        )
    if Field.SCORES in unsupported and data.scores is not None:
        texts.append(tr("Scores are not exported"))
    if Field.CLASSES in unsupported and len(data.class_names) > 1:
        texts.append(tr("Classes are not exported: MOT detections have none"))
    if n := count(Field.OCCLUDED, BoxFlag.OCCLUDED):
        texts.append(tr_n("{count} box loses its occluded mark", "{count:,} boxes lose their occluded marks", n))
    if n := count(Field.TRUNCATED, BoxFlag.TRUNCATED):
        texts.append(tr_n("{count} box loses its truncated mark", "{count:,} boxes lose their truncated marks", n))
    with_attributes = int(np.count_nonzero(set_numbers(flags)))
    if Field.ATTRIBUTES in unsupported and with_attributes:
        texts.append(tr_n("{count} box loses its attributes", "{count:,} boxes lose their attributes", with_attributes))
    if count(Field.KEY_FRAMES, BoxFlag.KEY_FRAME | BoxFlag.INTERPOLATED):
        texts.append(tr("Key frame and interpolation marks are not exported"))
    if Field.LABELLED_FRAMES in unsupported and data.labelled is not None and len(data.labelled) < data.frame_count:
        texts.append(tr("Unlabelled frames are not exported: readers take every frame as labelled"))
    return tuple(texts)


def describe_supported(data: BoxesToWrite, unsupported: Collection[Field]) -> tuple[str, ...]:
    """A few words for each of the fields that these boxes have and that the format stores."""
    flags = np.asarray(data.flags, np.int64)
    has_tracks = bool((np.asarray(data.track_ids) >= 0).any())
    rows: tuple[tuple[Field, bool, str], ...] = (
        (Field.TRACK_IDS, has_tracks, tr("Track ids")),
        (Field.CLASSES, len(data.class_names) > 0, tr("Classes")),
        (Field.SCORES, data.scores is not None, tr("Confidence")),
        (Field.IGNORED, bool((flags & BoxFlag.IGNORED).any()), tr("Ignored boxes")),
        (Field.OCCLUDED, bool((flags & BoxFlag.OCCLUDED).any()), tr("Occluded marks")),
        (Field.TRUNCATED, bool((flags & BoxFlag.TRUNCATED).any()), tr("Truncated marks")),
        (Field.ATTRIBUTES, bool(set_numbers(flags).any()), tr("Attributes")),
        (Field.KEY_FRAMES, bool((flags & (BoxFlag.KEY_FRAME | BoxFlag.INTERPOLATED)).any()), tr("Key frames")),
    )
    kept = [text for field, is_used, text in rows if is_used and field not in unsupported]
    return (tr("Boxes"), *kept)
