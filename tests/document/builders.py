"""Builders of documents, predictions, variants and frame numberings, and their contents in comparable form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.document import Document
from iouviewer.document.edits import (
    AddBoxes,
    Batch,
    Edit,
    FrameMark,
    FrameState,
    RemoveBoxes,
    SetClasses,
    SetClassNames,
    SetDecisions,
    SetFlags,
    SetFrames,
    SetNotes,
    SetRects,
    SetTracks,
)
from iouviewer.document.history import RowChanges
from iouviewer.document.notes import Note
from iouviewer.document.numbering import Numbering
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.scores import LABELLED
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from iouviewer.document.variants import Variant
from iouviewer.metrics.table import BoxTable

FRAMES = 8


def make_document(path: Path | str = "", frame_count: int = FRAMES) -> Document:
    """Three frames with boxes, two classes."""
    document = Document()
    name = Path(path).name or "clip.mp4"
    truth = document.add_source(Source(0, name, str(path), 640, 480, frame_count, 25.0, "f1", "d1"))
    document.class_names = ("person", "car")
    frames = np.array([0, 0, 1, 3], np.int64)
    boxes = np.array([[0.1, 10, 20, 30], [1 / 3, 11, 21, 31], [5.5, 50, 60, 70], [7.25, 51, 61, 71]])
    truth.load_columns(
        frames,
        boxes,
        class_ids=np.array([0, 1, 0, -1]),
        tracks=np.array([1, 2, 1, -1]),
        flags=np.array([0, int(BoxFlag.IGNORED), 0, 0]),
    )
    truth.load_states(np.full(frame_count, int(FrameState.LABELLED), np.int8), np.zeros(frame_count, np.bool_))
    return document


def state_of(document: Document) -> dict[str, Any]:
    """Everything in a document, floats as their bits."""
    sources = {}
    for number, source in document.sources.items():
        truth = document.ground_truth(number)
        columns = tuple((array.dtype.str, array.shape, array.tobytes()) for array in truth.columns())
        sources[number] = (
            source,
            columns,
            truth.states().tobytes(),
            truth.verification().tobytes(),
            sorted(document.decisions(number).items()),
            document.notes(number),
        )
    return {"sources": sources, "classes": document.class_names}


def twenty_edits() -> list[tuple[str, Edit]]:
    """Edits of all kinds for ``make_document``."""
    rect = (100.125, 100.0 + 1 / 3, 150.0, 160.0)
    notes = (Note(1, "Why?", 4, 8, author="ana", when=12.5), Note(2, "Dark", 6, when=13.0), Note(3, "Held out"))
    done = (replace(notes[1], done=True),)
    return [
        ("Resize box 1", SetRects(((1, (0.2, 1.0, 6.0, 8.0)),))),
        ("Add box 5", AddBoxes((Box(5, 2, rect, 0, 3),))),
        ("Move box 5", SetRects(((5, (90.0, 90.0, 140.0, 150.0)),))),
        ("Class of box 2", SetClasses(((2, 0),))),
        ("New class", SetClassNames(("person", "car", "bus"))),
        ("Class of box 5", SetClasses(((5, 2),))),
        ("Delete box 3", RemoveBoxes((3,))),
        ("Flags", SetFlags(((4, int(BoxFlag.OCCLUDED | BoxFlag.KEY_FRAME)),))),
        ("Track", SetTracks(((4, 9),))),
        ("Exclude frame 6", SetFrames((FrameMark(6, FrameState.EXCLUDED, False),))),
        ("Verify frame 0", SetFrames((FrameMark(0, FrameState.LABELLED, True),))),
        ("Decide", SetDecisions((("miss:3:4", "truth is right"),))),
        ("Two boxes", AddBoxes((Box(6, 7, rect, 1), Box(7, 7, rect, 1)))),
        ("Delete two", RemoveBoxes((6, 1))),
        ("Batch", Batch((AddBoxes((Box(8, 4, rect),)), SetTracks(((8, 4),)), SetClasses(((8, 1),))))),
        ("Rename", Batch((SetClassNames(("human", "car", "bus")), SetNotes(notes)))),
        ("Unlabel frame 5", SetFrames((FrameMark(5, FrameState.UNLABELLED, False),))),
        ("Move two", Batch((SetRects(((7, (1.0, 2.0, 3.0, 4.0)), (8, (5.0, 6.0, 7.0, 8.0)))), SetNotes(done)))),
        ("Forget decision", SetDecisions((("miss:3:4", ""), ("fp:1:2", "unclear")))),
        ("Delete box 8", RemoveBoxes((8,))),
    ]


def rows_for(document: Document, box_ids: frozenset[int], frames: frozenset[int]) -> RowChanges:
    """Row changes that write all of the given boxes and frames."""
    truth = document.ground_truth()
    found = {i: truth.find(i) for i in box_ids}
    return RowChanges(
        0,
        tuple(box for box in found.values() if box is not None),
        tuple(i for i, box in found.items() if box is None),
        tuple(FrameMark(f, truth.state(f), truth.is_verified(f)) for f in sorted(frames)),
        document.classes,
        tuple(document.decisions().items()),
        truth.next_id,
        notes=document.notes(),
    )


def apply_step(document: Document, label: str, edit: Edit, merge_key: str = "") -> tuple[Step, RowChanges]:
    """Apply an edit that changes something; returns the step and its row changes."""
    applied = document.apply(edit)
    assert applied is not None
    frames = applied.change.frames
    step = Step(label, edit, applied.inverse, 0, min(frames, default=0), merge_key)
    return step, rows_for(document, applied.change.box_ids, frames)


def make_predictions(frame_count: int = FRAMES, *, seed: int = 1, boxes: int = 30) -> PredictionSet:
    """Random predictions; every frame but the last one is covered."""
    random = np.random.default_rng(seed)
    frames = np.sort(random.integers(0, frame_count - 1, boxes))
    corners = random.uniform(0, 300, (2, boxes))
    table = BoxTable.from_rows(
        frames,
        np.concatenate([corners, corners + random.uniform(5, 60, (2, boxes))]),
        frame_count=frame_count,
        class_ids=random.integers(0, 2, boxes),
        scores=random.uniform(0.01, 1, boxes),
    )
    covered = np.ones(frame_count, np.bool_)
    covered[-1] = False
    return PredictionSet(table, covered, score_floor=0.01, max_detections=300, protocol={"model": "a.pt", "imgsz": 640})


def make_variant(key: str, name: str, predictions: PredictionSet) -> Variant:
    """A variant with a look."""
    return Variant(key, name, predictions, "#e69f00", "dash", details={"device": "cpu"}, fps=31.5)


def bits_of(predictions: PredictionSet) -> tuple[object, ...]:
    """Everything in a prediction set, floats as their bits."""
    table = predictions.table
    arrays = (table.offsets, table.boxes, table.class_ids, table.scores, table.ignored, table.ids, predictions.covered)
    facts = (predictions.has_scores, predictions.score_floor, predictions.max_detections, predictions.stride)
    return (
        tuple((array.dtype.str, array.tobytes()) for array in arrays),
        facts,
        predictions.complete,
        dict(predictions.protocol),
        predictions.unmapped_count,
    )


def numbering(
    stamps: list[int],
    packets: list[int] | None = None,
    *,
    repeats: list[int] | None = None,
    order_known: bool = True,
    video_frames: int | None = None,
) -> Numbering:
    """Occurrences are counted; packets are numbered in order unless given."""
    seen: dict[int, int] = {}
    occurrences = []
    for stamp in stamps:
        occurrences.append(seen.get(stamp, 0))
        seen[stamp] = occurrences[-1] + 1
    n = len(stamps)
    return Numbering(
        "d",
        np.array(stamps, np.int64),
        np.array(occurrences, np.int64),
        np.array(range(n) if packets is None else packets, np.int64),
        np.array(repeats or [0] * n, np.int64),
        n if video_frames is None else video_frames,
        True,
        order_known,
    )


def simple_numbering(stamps: list[int], digest: str = "d") -> Numbering:
    """Distinct timestamps, which also identify the packets."""
    n = len(stamps)
    zeros = np.zeros(n, np.int64)
    return Numbering(digest, np.array(stamps, np.int64), zeros, np.array(stamps, np.int64), zeros, n)


class ListGroundTruth:
    """A minimal ground truth for scores: lists of (id, rect, class, ignored) per frame."""

    def __init__(self, count: int) -> None:
        self.boxes = [[] for _ in range(count)]
        self._states = np.full(count, LABELLED, np.int8)

    @property
    def frame_count(self):
        return len(self.boxes)

    def table(self):
        return self._table(range(self.frame_count), self.frame_count)

    def frame_table(self, frame):
        return self._table([frame], 1)

    def _table(self, frames, count):
        rows = [(n, *box) for n, frame in enumerate(frames) for box in sorted(self.boxes[frame])]
        return BoxTable.from_rows(
            np.array([row[0] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.float64).reshape(-1, 4).T,
            frame_count=count,
            ids=np.array([row[1] for row in rows], np.int64),
            class_ids=np.array([row[3] for row in rows], np.int64),
            ignored=np.array([row[4] for row in rows], np.bool_),
        )

    def state(self, frame):
        return int(self._states[frame])

    def states(self):
        return self._states

    def verification(self):
        return np.zeros_like(self._states)

    def started_variants(self):
        return frozenset()

    def leave_out(self, _variants):
        pass

    def set_state(self, frame, state):
        self._states[frame] = state
