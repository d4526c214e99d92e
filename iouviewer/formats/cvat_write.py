"""CVAT XML 1.1 "for video": every box in a track, with the marks that make CVAT's import give the same boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from iouviewer.atomic import atomic_write
from iouviewer.document.boxes import BoxFlag
from iouviewer.formats.interface import UNSPECIFIED_NAME, BoxesToWrite
from iouviewer.formats.numbers import corner_texts
from iouviewer.metrics.table import Bool, Float, Int

LINEAR_TOLERANCE = 1e-3
"""Pixels: CVAT stores two decimals, so a box this close to the line between its key frames comes back the same."""

ATTRIBUTES = ((BoxFlag.IGNORED, "ignored"), (BoxFlag.TRUNCATED, "truncated"))


def write(path: Path, data: BoxesToWrite) -> None:
    """Tracks by track id and class; a box without a track becomes a track of one box.

    CVAT's import keeps only keyframe="1" and interpolates again, so a box is written as interpolated only if it says
    so and lies on the straight line between its key frames. A track that ends or pauses gets an outside="1" box.
    """
    texts = corner_texts(data.boxes)
    with atomic_write(path) as file:
        for part in _parts(data, texts):
            file.write(part.encode())


def _parts(data: BoxesToWrite, texts: list[list[str]]) -> Iterator[str]:
    flags = np.asarray(data.flags, np.int64)
    used = [name for flag, name in ATTRIBUTES if np.any(flags & int(flag))]
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
    yield _meta(data, used)
    for number, rows in _tracks(data):
        yield from _track(number, rows, data, texts)
    yield "</annotations>\n"


def _meta(data: BoxesToWrite, attributes: list[str]) -> str:
    names = list(data.class_names)
    if np.any(np.asarray(data.class_ids) < 0) and UNSPECIFIED_NAME not in names:
        names.append(UNSPECIFIED_NAME)
    specs = "".join(
        f"<attribute><name>{name}</name><mutable>True</mutable><input_type>checkbox</input_type>"
        "<default_value>false</default_value><values>false</values></attribute>"
        for name in attributes
    )
    labels = "".join(
        f"        <label><name>{escape(name)}</name><attributes>{specs}</attributes></label>\n" for name in names
    )
    start, stop, step = _segment(data)
    frame_filter = f"step={step}" if step > 1 else ""
    width, height = data.size
    return (
        "  <meta>\n    <task>\n"
        f"      <name>{escape(data.video_name)}</name>\n      <size>{(stop - start) // step + 1}</size>\n"
        "      <mode>interpolation</mode>\n      <overlap>0</overlap>\n"
        f"      <start_frame>{start}</start_frame>\n      <stop_frame>{stop}</stop_frame>\n"
        f"      <frame_filter>{frame_filter}</frame_filter>\n"
        f"      <labels>\n{labels}      </labels>\n"
        f"      <original_size><width>{width}</width><height>{height}</height></original_size>\n"
        "    </task>\n"
        f"    <source>{escape(data.video_name)}</source>\n  </meta>\n"
    )


def _segment(data: BoxesToWrite) -> tuple[int, int, int]:
    """First and last frame and the step: of the labelled frames where they are evenly spaced, else of the video."""
    whole = (0, max(data.frame_count - 1, 0), 1)
    if data.labelled is None:
        return whole
    labelled: Int = np.unique(np.asarray(data.labelled, np.int64))
    # A step with few frames would leave out boxes that stand between them.
    if len(labelled) < 2 or not np.isin(data.frames, labelled).all():
        return whole
    steps = np.diff(labelled)
    return (int(labelled[0]), int(labelled[-1]), int(steps[0])) if np.all(steps == steps[0]) else whole


def _tracks(data: BoxesToWrite) -> Iterator[tuple[int, Int]]:
    """Track numbers with their rows in frame order; one label and one box a frame each, as CVAT demands."""
    groups: dict[tuple[int, int, int], list[int]] = {}
    tracks, classes = np.asarray(data.track_ids).tolist(), np.asarray(data.class_ids).tolist()
    frames = np.asarray(data.frames).tolist()
    seen: dict[tuple[int, int, int], int] = {}
    for row, (track, class_id) in enumerate(zip(tracks, classes, strict=True)):
        if track < 0:
            groups[(-1, row, 0)] = [row]
            continue
        repeat = seen.get((track, class_id, frames[row]), 0)
        seen[(track, class_id, frames[row])] = repeat + 1
        groups.setdefault((track, class_id, repeat), []).append(row)
    free = max(tracks, default=-1) + 1
    given: set[int] = set()
    for (track, _, _), members in groups.items():
        number = track
        # CVAT numbers tracks from 0; a track of two classes is two tracks there.
        if number < 0 or number in given:
            number, free = max(free, 0), max(free, 0) + 1
        given.add(number)
        rows = np.array(members, np.int64)
        yield number, rows[np.argsort(np.asarray(data.frames)[rows], kind="stable")]


def _track(number: int, rows: Int, data: BoxesToWrite, texts: list[list[str]]) -> Iterator[str]:
    yield f'  <track id="{number}" label={quoteattr(data.class_of(int(rows[0])))} source="manual">\n'
    step = _segment(data)[2]
    frames = np.asarray(data.frames, np.int64)[rows]
    flags = np.asarray(data.flags, np.int64)[rows]
    key = key_frames(frames, np.asarray(data.boxes, np.float64)[:, rows], flags)
    last = len(rows) - 1
    for i, row in enumerate(rows.tolist()):
        frame, flag = int(frames[i]), int(flags[i])
        yield _box(frame, texts[row], occluded=bool(flag & BoxFlag.OCCLUDED), key=bool(key[i]), flags=flag)
        following = int(frames[i + 1]) if i < last else data.frame_count
        if frame + step < following:
            yield _box(frame + step, texts[row], occluded=False, key=True, outside=True)
    yield "  </track>\n"


def _box(
    frame: int, corners: Iterable[str], *, occluded: bool, key: bool, outside: bool = False, flags: int = 0
) -> str:
    xtl, ytl, xbr, ybr = corners
    start = (
        f'    <box frame="{frame}" keyframe="{int(key)}" outside="{int(outside)}" occluded="{int(occluded)}" '
        f'xtl="{xtl}" ytl="{ytl}" xbr="{xbr}" ybr="{ybr}" z_order="0"'
    )
    attributes = "".join(f'<attribute name="{name}">true</attribute>' for flag, name in ATTRIBUTES if flags & flag)
    return f"{start}>{attributes}</box>\n" if attributes else f"{start}></box>\n"


def key_frames(frames: Int, boxes: Float, flags: Int) -> Bool:
    """(N,) bool: rows of one track that must be key frames for linear interpolation to give the boxes back.

    Args:
        frames: (N,) int64, ascending.
        boxes: (4, N) float64.
        flags: (N,) int64; only boxes that are INTERPOLATED may be left to CVAT.
    """
    key: Bool = (flags & int(BoxFlag.INTERPOLATED)) == 0
    if len(frames) == 0:
        return key
    # The ends of a stretch without gaps have no neighbour to lie between; a change of attributes is a key frame too.
    gap = np.diff(frames) > 1
    visible = flags & int(BoxFlag.OCCLUDED | BoxFlag.IGNORED | BoxFlag.TRUNCATED)
    key[0] = key[-1] = True
    key[1:] |= gap | (np.diff(visible) != 0)
    key[:-1] |= gap
    while True:
        knots = np.flatnonzero(key)
        line = np.stack([np.interp(frames, frames[knots], edge[knots]) for edge in boxes])
        off = (np.abs(line - boxes) > LINEAR_TOLERANCE).any(axis=0) & ~key
        if not off.any():
            return key
        key |= off
