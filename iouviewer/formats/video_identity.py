"""Whether predictions say that they belong to another video than the open one.

Only what is certain counts, because people rename videos: the program's own results (they hold a fingerprint of the
video, or at least its name), COCO results that name a video file, and results of well-known benchmark sequences.
"""

from __future__ import annotations

import re

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.formats.image_names import core_name
from iouviewer.formats.interface import ReadContext
from iouviewer.i18n import tr

_VIDEO_ENDING = re.compile(
    r"\.(?:mp4|m4v|mov|avi|mkv|webm|mpg|mpeg|ts|mts|m2ts|wmv|flv|3gp|ogv|h264|h265|hevc)$", re.IGNORECASE
)
_SEQUENCE = re.compile(
    r"(?<![a-z0-9])(MOT(?:15|16|17|20)-\d\d|dancetrack\d{4}|KITTI-\d\d|MVI_\d{5}|uav\d{7}_\d{5}_v)(?!\d)", re.IGNORECASE
)
_SHOWN_DIGITS = 8


def other_video(boxes: ImportedBoxes, context: ReadContext) -> str:
    """The video that predictions belong to and the open one, in a sentence; empty if they may be the same."""
    if boxes.kind is not ImportKind.PREDICTIONS or not context.video_stem:
        return ""
    name = _stated_name(boxes)
    stated = boxes.protocol.get("fingerprint")
    if isinstance(stated, str) and stated and context.fingerprint:
        if stated == context.fingerprint:
            return ""
        # The fingerprint of a folder changes with each image that is added to it.
        if context.image_names is None:
            return _text(name, context, stated)
    if context.task is not None:  # the user chose the video by its name
        return ""
    is_certain = bool(boxes.protocol) or (boxes.format == "coco" and bool(_VIDEO_ENDING.search(name)))
    if name and is_certain and not _is_name_of(name, context.video_stem):
        return _text(name, context)
    return _other_sequence(boxes, context)


def _stated_name(boxes: ImportedBoxes) -> str:
    """Name of the video as the file states it; empty if it states none."""
    stated = boxes.protocol.get("video")
    return boxes.facts.video_name or (stated if isinstance(stated, str) else "")


def _is_name_of(name: str, video_stem: str) -> bool:
    """Whether a video's name, perhaps as a tool changed it, means the video with this file name."""
    core = core_name(name).casefold()
    return core in {video_stem.casefold(), core_name(video_stem).casefold()}


def _text(name: str, context: ReadContext, stated: str = "") -> str:
    video = context.video_stem or ""
    if name and not _is_name_of(name, video):
        return tr("it belongs to the video {name}, not to {video}", name=name, video=video)
    return tr(
        "it belongs to another video named {name} (content {stated}, not {actual})",
        name=name or video,
        stated=stated[:_SHOWN_DIGITS],
        actual=context.fingerprint[:_SHOWN_DIGITS],
    )


def _other_sequence(boxes: ImportedBoxes, context: ReadContext) -> str:
    """Results of one sequence of a benchmark on another one; both must be named in the paths or in seqinfo.ini."""
    if boxes.format != "mot":
        return ""
    stated = _sequence_of(boxes.facts.video_name) or _sequence_of(str(boxes.path))
    actual = _sequence_of(context.video_path)
    if not stated or not actual or _same_pictures(stated) == _same_pictures(actual):
        return ""
    return tr("it belongs to the video {name}, not to {video}", name=stated, video=actual)


def _sequence_of(path: str) -> str:
    """The last name of a benchmark's sequence in a path; empty if there is none."""
    found = _SEQUENCE.findall(path)
    return found[-1] if found else ""


def _same_pictures(sequence: str) -> str:
    """MOT16 and MOT17 are the same videos with other labels."""
    return sequence.casefold().replace("mot16-", "mot17-")
