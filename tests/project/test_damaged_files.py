"""Damaged project files: each opens equal to what was saved, or the damage is reported and the difference is exact.

``IOUVIEWER_FUZZ`` sets how many files are damaged in each part of a kind (40: 400 files).
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from iouviewer.document.document import Document
from iouviewer.document.edits import SetDecisions, SetRects
from iouviewer.document.notes import Note
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.project import checked, schema
from iouviewer.project.background_check import DamagedProjectError
from iouviewer.project.contents import ProjectContents
from iouviewer.project.salvage import SalvageReport, replace_damaged
from iouviewer.project.store import ProjectFile
from tests.document.builders import apply_step, make_predictions, make_variant
from tests.project.checks import wait_checked

FILES = int(os.environ.get("IOUVIEWER_FUZZ", "40"))
FRAMES, BOXES, PAGE = 300, 1500, 4096


def make_project(path: Path, *, shift: float = 0.0) -> ProjectFile:
    """A project of 1500 boxes on 300 frames, states, notes, decisions, settings, twelve steps and a variant."""
    document = Document()
    document.class_names = ("person", "car")
    truth = document.add_source(Source(0, "clip.mp4", "", 640, 480, FRAMES, 25.0, "f", "d"))
    number = np.arange(BOXES)
    truth.load_columns(
        number // 5,
        np.array([number / 7 + shift, number / 3, number / 7 + 10 + shift, number / 3 + 20]),
        class_ids=number % 2,
        tracks=number % 5,
        flags=number * 0,
    )
    states = np.ones(FRAMES, np.int8)
    states[100:120] = 2
    truth.load_states(states, (np.arange(FRAMES) % 3 == 0).astype(np.int8))
    document.load_notes([Note(1, "Why?", 3, 17, author="ana"), Note(2, "Dark", 4, done=True), Note(3, "Held out")])
    variant = make_variant("a", "base", make_predictions(FRAMES, boxes=3000))
    settings = {f"setting {n}": n for n in range(20)}
    project = ProjectFile.create(path, document, variants=[variant], settings=settings)
    for by in range(1, 12):
        project.append(*apply_step(document, f"Step {by}", SetRects(((by, (0.5, 1.0, 50.0 + by, 61.0)),))))
    project.append(*apply_step(document, "Decide", SetDecisions((("missed:3:a", "fine"), ("missed:4:a", "fine")))))
    return project


@dataclass
class State:
    """What a project holds, in values that can be compared."""

    boxes: dict[int, tuple[object, ...]]
    states: list[int]
    verified: list[int]
    notes: tuple[object, ...]
    decisions: dict[str, str]
    settings: dict[str, object]
    names: tuple[str, ...]
    predictions: list[tuple[object, ...]]
    steps: int

    @classmethod
    def of(cls, contents: ProjectContents, steps: int) -> State:
        document = contents.document
        truth = document.ground_truth()
        boxes = {
            box.id: (box.frame, *box.rect, box.class_id, box.track, box.flags)
            for frame in range(truth.frame_count)
            for box in truth.boxes(frame)
        }
        tables = [
            (v.name, v.predictions.table.boxes.tobytes(), v.predictions.covered.tobytes()) for v in contents.variants
        ]
        return cls(
            boxes,
            truth.states().tolist(),
            truth.verification().tolist(),
            tuple(document.notes()),
            dict(document.decisions()),
            dict(contents.settings),
            document.class_names,
            tables,
            steps,
        )


def read(path: Path) -> tuple[State, list[str]]:
    """What opens, completely checked, and what is said about it; DamagedProjectError if it is damaged."""
    project = ProjectFile.open(path)
    try:
        contents = project.load()
        damage = wait_checked(project)
        if damage is not None:
            raise damage
        project.all_steps()
        return State.of(contents, project.step_count), project.notices
    finally:
        project.close()


def assert_exact(original: State, found: State, report: SalvageReport) -> None:
    """The report names every difference between what was saved and what was recovered, and no other."""
    losses = "; ".join(report.losses)
    lost: dict[int, int] = {}
    for number, values in original.boxes.items():
        if number not in found.boxes:
            frame = int(str(values[0]))
            lost[frame] = lost.get(frame, 0) + 1
    classes_lost = "class names" in losses or "of class" in losses
    for number, values in found.boxes.items():
        assert original.boxes[number] == values, "a box was invented or changed"
    sure = {frame: count for frame, count in lost.items() if frame not in report.uncertain_frames}
    assert sure == {f: n for f, n in report.lost_boxes.items() if f not in report.uncertain_frames}
    video_lost = "properties of the video" in losses
    if not video_lost:
        for frame in range(FRAMES):
            if frame not in report.uncertain_frames:
                assert found.states[frame] == original.states[frame]
                assert found.verified[frame] == original.verified[frame]
    assert found.names == original.names or classes_lost
    assert set(found.notes) <= set(original.notes)
    assert len(original.notes) == len(found.notes) or "note" in losses
    # The list of names is stored elsewhere: only where both are damaged, a loss is counted and not named.
    is_listed = "some properties of the project" not in losses
    assert not is_listed or all(f"“{note.text}”" in losses for note in set(original.notes) - set(found.notes))
    assert found.decisions.items() <= original.decisions.items()
    assert found.decisions == original.decisions or "decision" in losses
    assert found.settings.items() <= original.settings.items()
    missing = len(original.settings) - len(found.settings)
    assert not missing or f"{missing} setting" in losses or "some settings" in losses
    assert not is_listed or all(f"“{key}”" in losses for key in original.settings.keys() - found.settings.keys())
    assert found.predictions == original.predictions or "predictions" in losses or "variant" in losses
    assert found.steps == original.steps or "undone" in losses


def check(path: Path, original: State) -> str:
    """Open a damaged file as the window does; returns how it went."""
    damaged = path.read_bytes()
    try:
        state, notices = read(path)
    except DamagedProjectError:
        try:
            report, kept = replace_damaged(path)
        except UserError:
            assert path.read_bytes() == damaged, "a file that cannot be recovered stays as it is"
            return "refused"
        assert kept.read_bytes() == damaged
        state, notices = read(path)
        assert notices == []
        assert_exact(original, state, report)
        return "salvaged"
    except UserError:
        assert path.read_bytes() == damaged
        return "refused"
    assert state == original or notices, "silently different"
    assert state == original
    return "equal"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, State]:
    """The bytes of a closed project, and what it holds."""
    path = tmp_path_factory.mktemp("saved") / "clip.mp4.iouv"
    make_project(path).close()
    state, notices = read(path)
    assert notices == [] and len(state.boxes) == BOXES and state.steps == 12
    return path.read_bytes(), state


def flip_a_byte(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_bytes(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randrange(2, 30)):
        data[rng.randrange(len(data))] = rng.randrange(256)


def overwrite_a_page(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data) // PAGE) * PAGE
    other = rng.randrange(len(data) // PAGE) * PAGE
    fillings = [bytes(PAGE), b"\xff" * PAGE, rng.randbytes(PAGE), bytes(data[other : other + PAGE])]
    data[start : start + PAGE] = rng.choice(fillings)


def truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.choice((rng.randrange(len(data)), rng.randrange(1, len(data) // PAGE) * PAGE)) :]


def lose_rows(data: bytearray, rng: random.Random) -> None:
    """Delete or change rows without a trace in the structure of the file, as lost writes do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        with closing(schema.connect(path)) as connection:
            table = rng.choice([*checked.COLUMNS, "sums"])
            connection.create_function("chance", 0, lambda: rng.randrange(5))
            column = rng.choice(checked.COLUMNS.get(table, ("name", "count"))[checked.KEY_COUNTS.get(table, 1) :])
            change = f"UPDATE {table} SET {column} = CAST({column} AS BLOB) || 'x'"
            connection.execute(f"{rng.choice((f'DELETE FROM {table}', change))} WHERE chance() = 0")
        data[:] = path.read_bytes()


@pytest.mark.parametrize("damage", [flip_a_byte, flip_bytes, overwrite_a_page, truncate, lose_rows])
@pytest.mark.parametrize("part", [0, 1])
def test_a_damaged_file_is_equal_or_its_losses_are_exact(
    tmp_path: Path, saved: tuple[bytes, State], damage: Callable[[bytearray, random.Random], None], part: int
):
    original, state = saved
    outcomes = []
    for number in range(FILES * part, FILES * (part + 1)):
        rng = random.Random(f"{damage.__name__} {number}")
        data = bytearray(original)
        damage(data, rng)
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "clip.mp4.iouv"
        path.write_bytes(data)
        try:
            outcomes.append(check(path, state))
        except Exception as error:
            error.add_note(f"{damage.__name__} {number}")
            raise
        shutil.rmtree(folder)
    assert outcomes.count("refused") <= len(outcomes) // 4
