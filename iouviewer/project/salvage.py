"""Recovers what is left of a damaged project file into a new file, and says which frames lost what."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from iouviewer.document.classes import ClassTable
from iouviewer.document.edits import FrameState, Verification
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.project import (
    checked,
    contents_list,
    frame_blocks,
    history_log,
    kept_rows,
    note_rows,
    rows,
    variant_rows,
)
from iouviewer.project.checked import Row
from iouviewer.project.contents import delete_logs, sync_folder
from iouviewer.project.damaged_file import DamagedFile, FoundRows, copy_with_log
from iouviewer.project.fitting_rows import by_frame, complete_rows, count_and_total, find_set, is_sum, sums_by_frame
from iouviewer.project.schema import ROOTS, connect, create_tables

_MAX_FRAMES = 100_000_000
_MAX_CLASSES = 100_000

_RANGES_SHOWN = 20
_NAMES_SHOWN = 50

_TYPES: dict[str, tuple[type, ...]] = {
    "sources": (int, str, str, str, int, int, int, float, str, str, int),
    "classes": (int, str),
    "boxes": (int, int, int, float, float, float, float, int, int, int),
    "frames": (int, int, int, int),
    "decisions": (int, str, str),
    "settings": (str, str),
}


def _has_types(row: Row, types: tuple[type, ...]) -> bool:
    """Whether each value has its column's type (int is accepted for float)."""
    return len(row) == len(types) and all(
        isinstance(value, type_) or (type_ is float and isinstance(value, int))
        for value, type_ in zip(row, types, strict=True)
    )


@dataclass(slots=True)
class SalvageReport:
    """What was recovered.

    Attributes:
        path: the new file.
        boxes, frames, variants, steps: number of each in the new file.
        losses: one clause for each kind of loss; empty if nothing is lost.
        lost_boxes: number of lost boxes by frame.
        uncertain_frames: frames that may have lost boxes or their state; nobody can tell.
    """

    path: Path
    boxes: int = 0
    frames: int = 0
    variants: int = 0
    steps: int = 0
    losses: list[str] = field(default_factory=list)
    lost_boxes: dict[int, int] = field(default_factory=dict)
    uncertain_frames: set[int] = field(default_factory=set)

    def __str__(self) -> str:
        recovered = tr(
            "{boxes}, {frames}, {variants} and {steps} recovered",
            boxes=tr_n("{count} box", "{count:,} boxes", self.boxes),
            frames=tr_n("{count} frame state", "{count:,} frame states", self.frames),
            variants=tr_n("{count} variant", "{count:,} variants", self.variants),
            steps=tr_n("{count} undo step", "{count:,} undo steps", self.steps),
        )
        return "; ".join((recovered, *(self.losses or [tr("no losses found")])))


def format_frames(frames: Iterable[int]) -> str:
    """Frames as ranges, ``12, 15–17``; only the first ones of very many."""
    ranges: list[list[int]] = []
    for frame in sorted(frames):
        if ranges and ranges[-1][1] == frame - 1:
            ranges[-1][1] = frame
        else:
            ranges.append([frame, frame])
    shown = [f"{first:,}" if first == last else f"{first:,}–{last:,}" for first, last in ranges[:_RANGES_SHOWN]]
    further = len(ranges) - len(shown)
    if further:
        return tr("{ranges} and {further:,} more ranges", ranges=", ".join(shown), further=further)
    return ", ".join(shown)


def salvage(path: Path, target: Path) -> SalvageReport:
    """Read what is readable in a damaged project and write it to a new file at ``target``.

    Raises:
        UserError: nothing can be read, or ``target`` exists or cannot be written; nothing was created.
    """
    if target.exists():
        raise UserError(tr("there is already a file with this name"), path=target)
    with tempfile.TemporaryDirectory(prefix="iouviewer-salvage-") as folder:
        part = Path(folder) / "salvaged"
        try:
            report = _salvage_into(path, part, Path(folder))
            report.path = target
            # ``target`` may be on another disk than the temporary folder: copy beside it, then rename.
            target_part = target.with_name(f".{target.name}.part")
            shutil.copyfile(part, target_part)
            _flush(target_part)
            target_part.rename(target)
            sync_folder(target.parent)
        except (sqlite3.Error, OSError) as error:
            text = tr("the damaged project could not be recovered: {reason}", reason=error)
            raise UserError(text, path=path) from error
    return report


def survey(path: Path) -> SalvageReport:
    """What ``salvage`` would recover; no file is written beside the project. UserError if nothing can be read."""
    with tempfile.TemporaryDirectory(prefix="iouviewer-survey-") as folder:
        try:
            return _salvage_into(path, Path(folder) / "salvaged", Path(folder))
        except (sqlite3.Error, OSError) as error:
            text = tr("the damaged project could not be recovered: {reason}", reason=error)
            raise UserError(text, path=path) from error


def replace_damaged(path: Path) -> tuple[SalvageReport, Path]:
    """Replace a damaged project, which is kept under another name, by what can be read of it.

    A kill at any moment leaves the damaged or the new file under the project's name, and repeating the same damage
    makes no second copy.

    Returns:
        The report, and the path at which the damaged file is kept.

    Raises:
        UserError: nothing can be read, or the folder cannot be written; the project is unchanged.
    """
    new = path.with_name(f".{path.name}.salvaged")
    try:
        new.unlink(missing_ok=True)
        report = salvage(path, new)
        kept = keep_copy(path, "damaged")
        # The log of the damaged file names another session: it is not applied to the new one if the next steps fail.
        new.replace(path)
        sync_folder(path.parent)
        delete_logs(path)
    except OSError as error:
        text = tr("the damaged project could not be replaced: {reason}", reason=error.strerror or error)
        raise UserError(text, path=path) from error
    report.path = path
    return report, kept


def keep_copy(path: Path, word: str) -> Path:
    """Copy a file, with its logs, to ``NAME.WORD-DIGEST``: one copy of the same contents. OSError: it failed."""
    kept = path.with_name(f"{path.name}.{word}-{_digest(path)}")
    logs = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
    for file in (*(log for log in logs if log.is_file()), path):
        target = kept.with_name(kept.name + file.name[len(path.name) :])
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(file, part)
        _flush(part)
        part.replace(target)
    return kept


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in (path, path.with_name(f"{path.name}-wal")):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _salvage_into(path: Path, part: Path, folder: Path) -> SalvageReport:
    report = SalvageReport(part)
    copy = folder / "damaged"
    copy_with_log(path, copy)
    with closing(DamagedFile(copy)) as damaged, closing(connect(part, mode="rwc")) as new:
        new.execute("BEGIN IMMEDIATE")
        create_tables(new)
        _Salvager(damaged, new, report).run(path)
        new.execute("COMMIT")
    if not report.boxes and not report.frames and not report.variants:
        raise _nothing_readable(path)
    return report


def _nothing_readable(path: Path) -> UserError:
    folders = (path.with_name(f"{path.name}{kind}") for kind in (".snapshots", ".backups"))
    copies = sorted((p for folder in folders for p in folder.glob("*")), key=lambda p: p.stat().st_mtime)
    remedy = tr("The newest snapshot is {path}.", path=copies[-1]) if copies else ""
    return UserError(tr("nothing in the damaged project can be read"), path=path, remedy=remedy)


class _Salvager:
    """Copies table by table, without rows that cannot be read or are not valid."""

    def __init__(self, damaged: DamagedFile, new: sqlite3.Connection, report: SalvageReport) -> None:
        self._damaged = damaged
        self._new = new
        self._report = report
        self._is_complete = True
        """Whether everything that steps of the history refer to was recovered."""
        self._meta: list[Row] = []
        self._settings: FoundRows

    def run(self, path: Path) -> None:
        """Copy everything; the history is kept only if everything that it refers to was recovered."""
        sources = [row for row in self._read("sources") if 0 <= row[6] < _MAX_FRAMES]
        boxes = self._damaged.read("boxes")
        self._settings = self._damaged.read("settings")
        copy = contents_list.read_classes(row for row in self._settings.rows.values() if _has_types(row, (str, str)))
        names = self._names(boxes, copy[0] if copy is not None else ())
        for number in sorted({row[0] for row in sources}) or [0]:
            row = next((row for row in sources if row[0] == number), None)
            self._write_source(path, number, row, boxes, len(names))
        rows.write_classes(self._new, ClassTable(names))
        self._copy_meta("" if copy is None else copy[1])
        self._copy_decisions()
        self._copy_notes()
        self._copy_kept_sources()
        self._copy_history()
        self._copy_settings()
        self._copy_variants()

    def _lose(self, text: str, *, is_referred_to: bool = False) -> None:
        if text not in self._report.losses:
            self._report.losses.append(text)
        self._is_complete &= not is_referred_to

    def _read(self, table: str) -> list[Row]:
        return self._read_table(table)[0]

    def _read_table(self, table: str) -> tuple[list[Row], int | None]:
        """Rows of a table, and how many are lost: None if some may be, but nobody can tell."""
        return self._whole_rows(table, self._damaged.read(table))

    @staticmethod
    def _whole_rows(table: str, found: FoundRows) -> tuple[list[Row], int | None]:
        valid = [row for row in found.rows.values() if table not in _TYPES or _has_types(row, _TYPES[table])]
        if found.is_whole and len(valid) == len(found.rows):
            return valid, 0
        whole = complete_rows(table, found)
        if whole is not None:
            return whole, 0
        if found.sum is None:
            return valid, None
        return valid, max(found.sum[0] - len(valid), 0)

    def _names(self, boxes: FoundRows, copy: Sequence[str]) -> tuple[str, ...]:
        """Class names; lost ones are those of the copy, else named by their number."""
        classes, lost = self._read_table("classes")
        # Without a limit, one damaged class id could create a million names.
        known = {row[0]: row[1] for row in classes if 0 <= row[0] < _MAX_CLASSES}
        if copy and lost != 0 and all(copy[number : number + 1] == (name,) for number, name in known.items()):
            return tuple(copy)
        used = {row[7] for row in boxes.rows.values() if _has_types(row, _TYPES["boxes"])}
        count = max((number + 1 for number in {*known, *used} if number < _MAX_CLASSES), default=0)
        unnamed = sorted(set(range(count)) - set(known))
        if unnamed and lost == len(unnamed):
            numbers = ", ".join(str(number) for number in unnamed)
            text = tr_n(
                "the name of class {numbers} is lost", "the names of classes {numbers} are lost", lost, numbers=numbers
            )
            self._lose(text, is_referred_to=True)
        elif lost is None or lost or unnamed:
            self._lose(tr("some class names are lost"), is_referred_to=True)
        return tuple(known[n] if n in known else tr("class {number}", number=n) for n in range(count))

    # Boxes and frame states

    def _write_source(self, path: Path, number: int, row: Row | None, found: FoundRows, class_count: int) -> None:
        boxes = [box for box in found.rows.values() if box[0] == number and _has_types(box, _TYPES["boxes"])]
        marks = self._damaged.read("frames")
        states = {mark[1]: mark for mark in marks.rows.values() if mark[0] == number}
        blocks = self._blocks(number)
        if row is None:
            numbers = [*(box[2] for box in boxes), *states, *(blocks or {})]
            count = max((frame + 1 for frame in numbers if frame < _MAX_FRAMES), default=0)
            row = (number, path.stem, "", "", 0, 0, count, 0.0, "", "", 1)
            self._lose(tr("the properties of the video are lost"), is_referred_to=True)
        is_sure = found.is_whole and len(boxes) == sum(box[0] == number for box in found.rows.values())
        if self._damaged.has_checksums and not (is_sure and self._fits(blocks, boxes)):
            more = [box for box in found.more if box[0] == number]
            boxes = self._fit_boxes(boxes, more, blocks, int(row[6]), is_sure=is_sure)
        elif not is_sure:
            self._lose(tr("some boxes cannot be read"), is_referred_to=True)
        columns = rows.columns_of_rows([box[1:] for box in boxes])
        keep = rows.valid_rows(columns, frame_count=int(row[6]), class_count=class_count)
        dropped = len(boxes) - int(keep.sum())
        if dropped:
            text = tr_n("{count} box had invalid values", "{count:,} boxes had invalid values", dropped)
            self._lose(text, is_referred_to=True)
        kept = rows.BoxColumns(
            *(columns.frames[keep], columns.boxes[:, keep], columns.class_ids[keep]),
            *(columns.tracks[keep], columns.flags[keep], columns.ids[keep]),
        )
        next_id = max(int(row[10]), int(columns.ids[keep].max(initial=0)) + 1)
        checked.insert(self._new, "sources", [row])
        table = self._states(int(row[6]), states, blocks, is_sure=marks.is_whole)
        rows.write_boxes(self._new, number, kept, table, next_id)
        self._report.boxes += int(keep.sum())
        self._report.frames += int(((table.states != 0) | (table.verification != 0)).sum())

    def _blocks(self, source: int) -> dict[int, Any] | None:
        """Facts of frames by number, zero where a frame has none; None for frames whose block is lost."""
        if not self._damaged.has_checksums:
            return None
        found, lost = self._read_table("frame_blocks")
        facts: dict[int, Any] = {} if lost != 0 else defaultdict(_no_facts)
        for owner, number, data in found:
            block = frame_blocks.decode(data)
            if owner == source and block is not None and 0 <= number < _MAX_FRAMES:
                for place, one in enumerate(block):
                    facts[number * frame_blocks.FRAMES + place] = one
        return facts

    def _fits(self, blocks: dict[int, Any] | None, boxes: Sequence[Row]) -> bool:
        sums = sums_by_frame(boxes)
        known = blocks or {}
        # A frame that should hold boxes and has none is not among those found.
        is_missing = any(facts["count"] and frame not in sums for frame, facts in known.items())
        return not is_missing and all(
            known.get(frame) is not None and is_sum(known[frame], *found) for frame, found in sums.items()
        )

    def _fit_boxes(
        self, boxes: Sequence[Row], more: Sequence[Row], blocks: dict[int, Any] | None, count: int, *, is_sure: bool
    ) -> list[Row]:
        """Choose the boxes of each frame by what it should hold; report what is missing."""
        here, spare = by_frame(boxes), by_frame(more)
        known = blocks if blocks is not None else {}
        chosen: dict[int, Row] = {}
        for frame in range(count):
            found = here.get(frame, [])
            facts = known[frame] if isinstance(known, defaultdict) else known.get(frame)
            if facts is None:
                if not is_sure:
                    self._report.uncertain_frames.add(frame)
            elif not is_sum(facts, *count_and_total(found)):
                fitting = find_set(found, spare.get(frame, []), facts)
                missing = int(facts["count"]) - len(found)
                if fitting is not None:
                    found = fitting
                elif missing > 0:
                    self._report.lost_boxes[frame] = self._report.lost_boxes.get(frame, 0) + missing
                else:
                    self._report.uncertain_frames.add(frame)
            chosen.update({box[1]: box for box in found})
        lost = self._report.lost_boxes
        if lost:
            text = tr_n(
                "{count} box lost on frame {frames}",
                "{count:,} boxes lost on frames {frames}",
                sum(lost.values()),
                frames=format_frames(lost),
            )
            self._lose(text, is_referred_to=True)
        return [chosen[key] for key in sorted(chosen)]

    def _states(
        self, count: int, states: dict[int, Row], blocks: dict[int, Any] | None, *, is_sure: bool
    ) -> rows.FrameStates:
        table = rows.FrameStates(np.zeros(count, np.int8), np.zeros(count, np.int8))
        known, known_verification = {int(one) for one in FrameState}, {int(one) for one in Verification}
        for frame in range(count):
            facts = None
            if blocks is not None:
                facts = blocks[frame] if isinstance(blocks, defaultdict) else blocks.get(frame)
            mark = states.get(frame)
            if facts is not None:
                values = int(facts["state"]), int(facts["verified"])
            elif mark is not None and _has_types(mark, _TYPES["frames"]):
                values = mark[2], mark[3]
            elif is_sure:
                continue
            else:
                self._report.uncertain_frames.add(frame)
                continue
            if values[0] in known and values[1] in known_verification:
                table.states[frame], table.verification[frame] = values
            else:
                self._report.uncertain_frames.add(frame)
        if self._report.uncertain_frames:
            text = tr(
                "frames {frames} may have lost boxes or their state",
                frames=format_frames(self._report.uncertain_frames),
            )
            self._lose(text, is_referred_to=True)
        return table

    # Everything else

    def _copy_decisions(self) -> None:
        found, lost = self._read_table("decisions")
        checked.insert(self._new, "decisions", found)
        if lost is None:
            self._lose(tr("some decisions about problems are lost"), is_referred_to=True)
        elif lost:
            text = tr_n("{count} decision about a problem is lost", "{count:,} decisions about problems are lost", lost)
            self._lose(text, is_referred_to=True)

    def _copy_meta(self, classes: str) -> None:
        """Copy the properties of the project; ``classes`` is the copy of those of the classes, empty without one."""
        found, lost = self._read_table("meta")
        self._meta = found
        checked.insert(self._new, "meta", (row for row in found if row[0] != ROOTS and isinstance(row[0], str)))
        if lost != 0 and all(row[0] != rows.CLASS_NUMBERS for row in found):
            if classes:
                checked.write_meta(self._new, rows.CLASS_NUMBERS, classes)
                lost = lost if lost is None else lost - 1
            else:
                self._lose(tr("order, colours and attributes of the classes are lost"), is_referred_to=True)
        rows.write_classes(self._new, rows.read_classes(self._new))
        if lost is None or lost:
            self._lose(tr("some properties of the project are lost"), is_referred_to=True)

    def _copy_settings(self) -> None:
        found = self._settings
        rows_found, lost = self._whole_rows("settings", found)
        valid = [row for row in rows_found if _is_json(row[1])]
        # The copy of the class table was written together with that.
        contents_list.write_settings(self._new, (row for row in valid if row[0] != contents_list.CLASSES))
        lost = lost if lost is None else lost + len(rows_found) - len(valid)
        kept = {row[0] for row in valid} | {contents_list.CLASSES}
        listed = contents_list.read_setting_keys(self._meta)
        keys = listed if listed is not None else [row[0] for row in found.changed if isinstance(row[0], str)]
        if lost and contents_list.CLASSES in keys and len(kept) > len(valid):
            lost -= 1
        if lost == 0:
            return
        names = [contents_list.setting_name(key) for key in dict.fromkeys(keys) if key not in kept]
        if lost is None:
            self._lose(_with_names(tr("some settings are lost"), names, None))
        else:
            self._lose(_with_names(tr_n("{count} setting is lost", "{count:,} settings are lost", lost), names, lost))

    def _copy_notes(self) -> None:
        if not self._damaged.has_table("notes"):
            return  # a file of version 1 or 2
        found = self._damaged.read("notes")
        rows_found, lost = self._whole_rows("notes", found)
        frame_counts = dict(self._new.execute("SELECT id, frame_count FROM sources").fetchall())
        valid = [row for row in rows_found if note_rows.is_valid_row(row, frame_counts)]
        for source in frame_counts:
            note_rows.write_rows(self._new, source, [row for row in valid if row[0] == source])
        lost = lost if lost is None else lost + len(rows_found) - len(valid)
        if lost == 0:
            return
        names = [
            contents_list.note_name(frame, text)
            for source in frame_counts
            for frame, text in self._lost_notes(source, {row[1] for row in valid if row[0] == source}, found)
        ]
        if lost is None:
            self._lose(_with_names(tr("some notes are lost"), names, None), is_referred_to=True)
        else:
            text = tr_n("{count} note is lost", "{count:,} notes are lost", lost)
            self._lose(_with_names(text, names, lost), is_referred_to=True)

    def _copy_kept_sources(self) -> None:
        if not self._damaged.has_table(kept_rows.TABLE):
            return  # a file of version 1 to 4
        found, lost = self._read_table(kept_rows.TABLE)
        valid = [row for row in found if kept_rows.decode_row(row) is not None]
        checked.insert(self._new, kept_rows.TABLE, valid)
        if lost != 0 or len(valid) < len(found):
            self._lose(tr("the text of the ground truth's file is lost, so edits cannot be saved to it"))

    def _lost_notes(self, source: int, kept: set[int], found: FoundRows) -> list[tuple[int, str]]:
        """Frame and text of the lost notes of a source: as they are listed, else what is left of their rows."""
        listed = contents_list.read_notes(self._meta, source)
        if listed is not None:
            return [(frame, text) for number, frame, text in listed if number not in kept]
        legible = (row for row in found.changed if row[0] == source and row[1] not in kept)
        return [(row[3], row[2]) for row in legible if isinstance(row[3], int) and isinstance(row[2], str)]

    def _copy_history(self) -> None:
        found = self._damaged.read("history")
        rows_found, lost = self._whole_rows("history", found)
        steps = sorted(rows_found, key=lambda row: row[0] if isinstance(row[0], int) else 0)
        self._name_lost_steps([step for step in steps if _is_step(step)], found)
        cursor = self._new.execute("SELECT value FROM meta WHERE key = 'cursor'").fetchone()
        last = cursor[0] if cursor and isinstance(cursor[0], int) else -1
        is_valid = [step[0] for step in steps] == list(range(1, len(steps) + 1))
        if lost != 0 or not is_valid or not 0 <= last <= len(steps) or not all(map(_is_step, steps)):
            self._is_complete = False
        if not self._is_complete:
            if steps or lost != 0:
                self._lose(tr("earlier edits can no longer be undone"))
            history_log.write_cursor(self._new, 0)
            return
        history_log.replace_steps(self._new, steps)
        self._report.steps = len(steps)

    def _name_lost_steps(self, steps: Sequence[Row], found: FoundRows) -> None:
        """Say which steps cannot be read, each with its label where that is legible."""
        positions = {step[0] for step in steps}
        last = found.sum[0] if found.sum is not None else max((p for p in positions if isinstance(p, int)), default=0)
        missing = [position for position in range(1, last + 1) if position not in positions]
        labels = {row[0]: row[1] for row in found.changed if isinstance(row[1], str) and row[1].isprintable()}
        if missing:
            shown = [
                tr("{position:,} “{label}”", position=one, label=labels[one]) if one in labels else f"{one:,}"
                for one in missing[:_NAMES_SHOWN]
            ]
            text = tr_n("{count} step of the history is lost", "{count:,} steps of the history are lost", len(missing))
            self._lose(_with_names(text, shown, len(missing)))

    def _copy_variants(self) -> None:
        found, lost = self._read_table("variants")
        chunks = self._damaged.read("prediction_chunks")
        listed = self._damaged.read("chunk_list") if self._damaged.has_checksums else None
        valid = [row for row in found if variant_rows.is_valid_list_row(row)]
        checked.insert(self._new, "variants", valid)
        for row in valid:
            self._copy_predictions(row[0], row[2], chunks, listed)
        self._report.variants = len(valid)
        missing = len(found) - len(valid) if lost is None else lost + len(found) - len(valid)
        if missing:
            self._lose(tr_n("{count} variant is lost", "{count:,} variants are lost", missing))
        elif lost is None:
            self._lose(tr("some variants are lost"))

    def _copy_predictions(self, key: str, name: str, chunks: FoundRows, listed: FoundRows | None) -> None:
        own = {row[1]: row for row in chunks.rows.values() if row[0] == key and variant_rows.is_valid_chunk(row[5])}
        expected = {row[1]: row for row in listed.rows.values() if row[0] == key} if listed is not None else {}
        for row in chunks.more:
            if row[0] == key and row[1] not in own and expected.get(row[1]) == row[:-1]:
                own[row[1]] = row
        lost = [row for number, row in expected.items() if number not in own]
        kept = [own[number] for number in sorted(own)]
        checked.insert(self._new, "prediction_chunks", kept)
        checked.insert(self._new, "chunk_list", (row[:-1] for row in kept))
        if lost:
            frames = {frame for row in lost for frame in range(row[2], row[3] + 1)}
            text = tr("predictions of {variant} lost on frames {frames}", variant=name, frames=format_frames(frames))
            self._lose(text)
        elif not chunks.is_whole and (listed is None or not listed.is_whole):
            self._lose(tr("predictions of {variant} on some frames are lost", variant=name))


def _with_names(text: str, names: Sequence[str], count: int | None) -> str:
    """A loss with the names of what is lost; ``count`` is their number, None if nobody can tell."""
    shown = list(names[:_NAMES_SHOWN])
    further = max(len(names) if count is None else count, len(names)) - len(shown)
    if shown and further:
        shown.append(tr("{count:,} more", count=further))
    return tr("{text}: {names}", text=text, names=", ".join(shown)) if shown else text


def _no_facts() -> Any:
    return frame_blocks.NOTHING


def _is_json(text: object) -> bool:
    try:
        msgspec.json.decode(text if isinstance(text, str) else "")
    except msgspec.MsgspecError:
        return False
    return True


def _is_step(row: Row) -> bool:
    try:
        history_log.row_step(row)
    except (UserError, ValueError):
        return False
    return True
