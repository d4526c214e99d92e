"""Patches Label Studio's video JSON: key frames of regions; other results, times and meta data stay as they are."""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from iouviewer.document.boxes import NO_TRACK, BoxFlag, Rect
from iouviewer.formats.interface import UNSPECIFIED_NAME, ReadContext
from iouviewer.formats.json_safe import as_number
from iouviewer.formats.label_studio import EXTENT_KEYS
from iouviewer.formats.patching.edits import EditedBox, Edits, Part
from iouviewer.formats.patching.json_text import (
    Style,
    elements,
    elements_changed,
    find,
    indent_of,
    line_end_of,
    list_rebuilt,
    members_changed,
)
from iouviewer.formats.patching.texts import SourceFiles, Splice, apply_splices, cannot_patch
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

_PLACE = re.compile(r"\[(\d+)\]\.annotations\[(\d+)\]\.result\[(\d+)\]\.value\.sequence\[(\d+)\]")
_NEAR = 1e-3
"""Pixels by which an interpolated box may differ from the line between its key frames."""
_DECIMALS = 8
"""Of per cent: 1e-6 pixels of a frame that is 10,000 pixels wide."""
RegionPath = tuple[int, int, int]


def patch(files: SourceFiles, edits: Edits, context: ReadContext) -> None:
    """Write edits into the file."""
    _Patch(files, edits, context).run()


@dataclass(slots=True)
class _Key:
    """A key frame after the edit; ``place`` is that of its entry in the file, -1 for a new one."""

    place: int
    rect: Rect
    enabled: bool = True


class _Patch:
    def __init__(self, files: SourceFiles, edits: Edits, context: ReadContext) -> None:
        self.files, self.edits = files, edits
        self.path = edits.original.path
        self.text = files.text(self.path)
        document = json.loads(self.text.lstrip("﻿"))
        self.is_list = isinstance(document, list)
        self.tasks = document if self.is_list else [document]
        self.size = context.size or (1, 1)
        self.base = 1 if context.frame_base is None else context.frame_base
        self.end = context.frame_count or edits.original.frame_count or 0
        self.splices: list[Splice] = []
        self.regions: dict[int, RegionPath] = {}
        self.entries: dict[int, int] = {}
        for row, place in enumerate(edits.original.places or ()):
            found = _PLACE.fullmatch(place.element)
            if found is None:
                raise cannot_patch(self.path, tr("the place {place!r} is not known", place=place.element))
            task, annotation, result, entry = map(int, found.groups())
            self.regions.setdefault(int(edits.original.track_ids[row]), (task, annotation, result))
            if int(edits.original.flags[row]) & int(BoxFlag.KEY_FRAME):
                self.entries[row] = entry

    def run(self) -> None:
        by_track: dict[int, list[EditedBox]] = defaultdict(list)
        touched = self.edits.touched_tracks | {NO_TRACK}
        for place, track in enumerate(self.edits.tracks.tolist()):
            if track in touched:
                by_track[track].append(self.edits.box(place))
        removed: dict[tuple[int, int], set[int]] = defaultdict(set)
        added: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for track in sorted(touched - {NO_TRACK}):
            path, boxes = self.regions.get(track), by_track.get(track, [])
            if path is None:
                if boxes:
                    added[self._sample()[:2]].append(self._new_region(boxes))
            elif not boxes:
                removed[path[:2]].add(path[2])
            else:
                self._patch_region(path, boxes)
        for box in by_track.get(NO_TRACK, ()):
            if box.row < 0:
                self.files.lost[Field.BOXES_WITHOUT_TRACK] += 1
                added[self._sample()[:2]].append(self._new_region([box]))
        for task, annotation in {*removed, *added}:
            at = self._find(task, "annotations", annotation, "result")
            self.splices += elements_changed(self.text, at, removed[task, annotation], added[task, annotation])
        self._rename()
        self.files.set_text(self.path, apply_splices(self.text, self.splices))

    def _find(self, task: int, *path: str | int) -> int:
        at = find(self.text, [*([task] if self.is_list else []), *path])
        if at is None:
            raise cannot_patch(self.path, tr("the place {place!r} is not known", place=str(path)))
        return at

    def _value_at(self, path: RegionPath, *more: str | int) -> int:
        task, annotation, result = path
        return self._find(task, "annotations", annotation, "result", result, "value", *more)

    def _value(self, path: RegionPath) -> dict[str, Any]:
        task, annotation, result = path
        found: dict[str, Any] = self.tasks[task]["annotations"][annotation]["result"][result]["value"]
        return found

    def _sample(self) -> RegionPath:
        if not self.regions:
            raise cannot_patch(self.path, tr("the file has no region to add boxes beside"))
        return list(self.regions.values())[-1]

    def _class_name(self, boxes: list[EditedBox]) -> str:
        names = {self.edits.class_names[b.class_id] if b.class_id >= 0 else UNSPECIFIED_NAME for b in boxes}
        if len(names) > 1:
            listed = ", ".join(sorted(names))
            reason = tr(
                "track {track} has boxes of several classes ({names}), a region of Label Studio has one",
                track=boxes[0].track,
                names=listed,
            )
            raise cannot_patch(self.path, reason)
        return names.pop()

    def _rename(self) -> None:
        old = {self.edits.original.class_names[place]: name for place, name in self.edits.renamed.items()}
        for path in self.regions.values() if old else ():
            labels = self._value(path).get("labels")
            if isinstance(labels, list) and labels and labels[0] in old:
                start, end = elements(self.text, self._value_at(path, "labels"))[0]
                self.splices.append(Splice(start, end, json.dumps(old[labels[0]], ensure_ascii=self.text.isascii())))

    def _patch_region(self, path: RegionPath, boxes: list[EditedBox]) -> None:
        for box in boxes:
            self.files.lost[Field.ATTRIBUTES] += Part.ATTRIBUTES in box.changed and bool(box.attributes)
            for flag, field in (
                (BoxFlag.IGNORED, Field.IGNORED),
                (BoxFlag.OCCLUDED, Field.OCCLUDED),
                (BoxFlag.TRUNCATED, Field.TRUNCATED),
            ):
                self.files.lost[field] += Part.FLAGS in box.changed and box.has(flag)
        name = self._class_name(boxes)
        if any(Part.CLASS in box.changed for box in boxes):
            at = self._value_at(path, "labels")
            start, end = elements(self.text, at)[0]
            self.splices.append(Splice(start, end, json.dumps(name, ensure_ascii=self.text.isascii())))
        sequence = self._value(path)["sequence"]
        now = {box.frame: box for box in boxes}
        keys = {
            box.frame: _Key(
                self.entries[box.row], box.rect, sequence[self.entries[box.row]].get("enabled") is not False
            )
            for box in boxes
            if box.row in self.entries
        }
        keys |= {box.frame: _Key(-1, box.rect) for box in boxes if box.changed and box.frame not in keys}
        self._complete(keys, {frame: box.rect for frame, box in now.items()})
        self._write(path, sequence, keys, {box.frame for box in boxes if box.changed})

    def _complete(self, keys: dict[int, _Key], now: dict[int, Rect]) -> None:
        """Add key frames and ends until exactly the boxes of now are read."""
        while True:
            predicted = dict(self._predict(keys))
            off = [f for f in sorted(now) if f not in keys and _distance(predicted.get(f), now[f]) > _NEAR]
            holes = [frame for frame in sorted(predicted) if frame not in now]
            if holes:
                last = max(frame for frame in now if frame < holes[0])
                keys.setdefault(last, _Key(-1, now[last])).enabled = False
            elif off:
                for run in _runs(off):
                    frame = max(run, key=lambda one: _distance(predicted.get(one), now[one]))
                    keys[frame] = _Key(-1, now[frame])
            else:
                return

    def _predict(self, keys: dict[int, _Key]) -> Iterator[tuple[int, Rect]]:
        """Boxes between and after key frames, as the reader makes them."""
        frames = sorted(keys)
        for place, frame in enumerate(frames):
            key = keys[frame]
            if not key.enabled:
                continue
            is_last = place + 1 == len(frames)
            stop = max(self.end, frame + 1) if is_last else frames[place + 1]
            target = key.rect if is_last else keys[stop].rect
            for between in range(frame + 1, stop):
                share = (between - frame) / (stop - frame)
                x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(key.rect, target, strict=True))
                yield between, (x1, y1, x2, y2)

    def _write(self, path: RegionPath, sequence: list[Any], keys: dict[int, _Key], changed: set[int]) -> None:
        at = self._value_at(path, "sequence")
        listed = elements(self.text, at)
        known = {key.place for key in keys.values()}
        own_frames = [int(as_number(entry.get("frame")) or 0) - self.base for entry in sequence]
        items: list[tuple[int, str]] = []
        for frame in sorted(keys):
            key = keys[frame]
            if key.place >= 0:
                start, end = listed[key.place]
                items.append(
                    (frame, self._patched_entry(self.text[start:end], sequence[key.place], key, frame in changed))
                )
            else:
                start = listed[0][0]
                entry = self._new_entry(frame, key, sequence, self._value(path))
                items.append(
                    (frame, Style.of(self.text, start).dump(entry, indent_of(self.text, start), line_end_of(self.text)))
                )
        rows = {self.entries[row] for row in self.entries if self._is_of(row, path)}
        # Key frames that were refused are no boxes, but stay where they are.
        for place, frame in enumerate(own_frames):
            if place not in known and place not in rows:
                items.append((frame, self.text[slice(*listed[place])]))
        items.sort(key=lambda item: item[0])
        splice = list_rebuilt(self.text, at, [text for _frame, text in items])
        if self.text[splice.start : splice.end] != splice.text:
            self.splices.append(splice)

    def _is_of(self, row: int, path: RegionPath) -> bool:
        return self.regions.get(int(self.edits.original.track_ids[row])) == path

    def _extent(self, rect: Rect) -> list[float]:
        (x1, y1, x2, y2), (width, height) = rect, self.size
        values = (x1 * 100 / width, y1 * 100 / height, (x2 - x1) * 100 / width, (y2 - y1) * 100 / height)
        return [round(value, _DECIMALS) for value in values]

    def _patched_entry(self, text: str, entry: dict[str, Any], key: _Key, is_changed: bool) -> str:
        new: dict[str, Any] = {}
        for name, value in zip(EXTENT_KEYS, self._extent(key.rect), strict=True):
            old = as_number(entry.get(name))
            if is_changed and (old is None or abs(old - value) > 10**-_DECIMALS):
                new[name] = value
        if (entry.get("enabled") is not False) != key.enabled:
            new["enabled"] = key.enabled
        return apply_splices(text, members_changed(text, 0, new))

    def _new_entry(self, frame: int, key: _Key, sequence: list[Any], value: dict[str, Any]) -> dict[str, Any]:
        entry: dict[str, Any] = {"frame": frame + self.base, "enabled": key.enabled, "rotation": 0}
        entry |= dict(zip(EXTENT_KEYS, self._extent(key.rect), strict=True))
        times = sorted(
            (number, time)
            for one in sequence
            if (number := as_number(one.get("frame"))) is not None and (time := as_number(one.get("time"))) is not None
        )
        if times:
            (low, start), (high, stop) = times[0], times[-1]
            count, duration = as_number(value.get("framesCount")), as_number(value.get("duration"))
            seconds = (stop - start) / (high - low) if high > low else duration / count if count and duration else 0.0
            entry["time"] = round(start + (frame + self.base - low) * seconds, 6)
        return entry

    def _new_region(self, boxes: list[EditedBox]) -> dict[str, Any]:
        task, annotation, result = self._sample()
        results = self.tasks[task]["annotations"][annotation]["result"]
        region: dict[str, Any] = copy.deepcopy(results[result])
        ids = {one.get("id") for one in results if isinstance(one, dict)}
        number = len(results) + 1
        while f"region{number}" in ids:
            number += 1
        region["id"] = f"region{number}"
        value = region["value"]
        sequence = value["sequence"]
        keys = {box.frame: _Key(-1, box.rect) for box in boxes if not box.has(BoxFlag.INTERPOLATED)}
        now = {box.frame: box.rect for box in boxes}
        keys = keys or {min(now): _Key(-1, now[min(now)])}
        self._complete(keys, now)
        value["labels"] = [self._class_name(boxes)]
        value["sequence"] = [self._new_entry(frame, keys[frame], sequence, value) for frame in sorted(keys)]
        return region


def _distance(predicted: Rect | None, wanted: Rect) -> float:
    if predicted is None:
        return float("inf")
    return max(abs(a - b) for a, b in zip(predicted, wanted, strict=True))


def _runs(frames: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][-1] + 1:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs
