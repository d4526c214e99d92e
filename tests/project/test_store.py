"""The project file stores rows, steps and the cursor, and returns them bit for bit."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer.document import class_commands
from iouviewer.document.boxes import Box
from iouviewer.document.document import Document
from iouviewer.document.edits import AddBoxes, SetRects
from iouviewer.document.history import RowChanges, collect_row_changes
from iouviewer.document.predictions import PredictionSet
from iouviewer.document.sources import Source
from iouviewer.document.steps import Step
from iouviewer.document.variants import RunState
from iouviewer.errors import UserError
from iouviewer.project import history_log, schema
from iouviewer.project.background_check import DamagedProjectError
from iouviewer.project.lock import ProjectLockedError
from iouviewer.project.rows import BoxColumns, FrameStates
from iouviewer.project.store import ProjectFile
from tests.document.builders import (
    apply_step,
    bits_of,
    make_document,
    make_predictions,
    make_variant,
    rows_for,
    state_of,
    twenty_edits,
)
from tests.project.checks import wait_checked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip.mp4.iouv"


def reopen(path: Path) -> ProjectFile:
    return ProjectFile.open(path)


def undo(project: ProjectFile, document: Document) -> None:
    step = project.undo_step()
    assert step is not None
    applied = document.apply(step.inverse)
    assert applied is not None
    project.move(-1, rows_for(document, applied.change.box_ids, applied.change.frames))


def redo(project: ProjectFile, document: Document) -> None:
    step = project.redo_step()
    assert step is not None
    applied = document.apply(step.edit)
    assert applied is not None
    project.move(1, rows_for(document, applied.change.box_ids, applied.change.frames))


def test_an_empty_document_is_read_back_empty(path: Path):
    document = Document()
    document.add_source(Source(0, "", "", 0, 0, 0))
    ProjectFile.create(path, document).close()
    project = reopen(path)
    contents = project.load()
    project.close()
    assert state_of(contents.document) == state_of(document)
    assert contents.variants == () and contents.baseline == "" and contents.settings == {}
    assert (project.cursor, project.step_count) == (0, 0)


def test_a_document_is_read_back_bit_for_bit(path: Path):
    document = make_document(path.with_name("clip.mp4"))
    document.load_decisions([("miss:1:2", "unclear")])
    ProjectFile.create(path, document, settings={"convention": "inclusive", "n": [1, 2]}).close()
    project = reopen(path)
    contents = project.load()
    project.close()
    assert state_of(contents.document) == state_of(document)
    assert contents.document.ground_truth().next_id == document.ground_truth().next_id
    assert contents.settings == {"convention": "inclusive", "n": [1, 2]}
    assert contents.relative_paths == {0: "clip.mp4"}


def test_twenty_edits_of_all_kinds_and_undos_are_read_back(path: Path):
    document = make_document()
    start = state_of(document)
    project = ProjectFile.create(path, document)
    states = [start]
    for label, edit in twenty_edits():
        project.append(*apply_step(document, label, edit))
        states.append(state_of(document))
    for _ in range(6):
        undo(project, document)
    project.close()

    project = reopen(path)
    loaded = project.load().document
    assert state_of(loaded) == states[14] == state_of(document)
    assert (project.cursor, project.step_count) == (14, 20)
    for position in range(15, 21):
        redo(project, loaded)
        assert state_of(loaded) == states[position]
    for position in range(19, -1, -1):
        undo(project, loaded)
        assert state_of(loaded) == states[position]
    assert project.undo_step() is None
    project.close()
    project = reopen(path)
    assert state_of(project.load().document) == start
    project.close()


def test_an_edit_after_undo_deletes_the_redo_steps_in_the_file(path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    for label, edit in twenty_edits()[:5]:
        project.append(*apply_step(document, label, edit))
    for _ in range(3):
        undo(project, document)
    project.append(*apply_step(document, "Other", SetRects(((2, (1.0, 2.0, 3.0, 4.0)),))))
    assert project.redo_step() is None
    project.close()
    project = reopen(path)
    assert (project.cursor, project.step_count) == (3, 3)
    step = project.undo_step()
    assert step is not None and step.label == "Other"
    project.close()


def test_a_burst_of_nudges_is_one_step_whose_undo_restores_the_start(path: Path):
    document = make_document()
    before = state_of(document)
    project = ProjectFile.create(path, document)
    for by in range(1, 6):
        edit = SetRects(((3, (20.0 + by, 21.0, 60.0 + by, 61.0)),))
        project.append(*apply_step(document, "Nudge box 3", edit, "nudge:3"))
    project.close()
    project = reopen(path)
    assert project.step_count == 1
    loaded = project.load().document
    undo(project, loaded)
    assert state_of(loaded) == before
    project.close()


def test_a_class_that_is_merged_in_two_sources_is_read_back_and_undone(path: Path):
    document = make_document(path.with_name("clip.mp4"))
    other = document.add_source(Source(1, "second.mp4", "", 640, 480, 3))
    other.put(Box(1, 2, (1.0, 2.0, 30.0, 40.0), 1, track=4))
    before = state_of(document)
    project = ProjectFile.create(path, document)
    command = class_commands.merge(document, 1, 0, ("#111111", "#222222"))
    applied = document.apply(command.edit)
    assert applied is not None
    project.append(
        Step(command.label, command.edit, applied.inverse, 0, 0), collect_row_changes(document, applied.change)
    )
    project.close()
    project = reopen(path)
    read = project.load().document
    assert state_of(read) == state_of(document) and read.ground_truth(1).boxes(2)[0].class_id == 0
    step = project.undo_step()
    assert step is not None
    undone = read.apply(step.inverse)
    assert undone is not None
    project.move(-1, collect_row_changes(read, undone.change))
    project.close()
    project = reopen(path)
    assert state_of(project.load().document) == before
    project.close()


def test_ids_of_deleted_boxes_are_never_reused(path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    project.append(*apply_step(document, "Add", AddBoxes((Box(40, 1, (1, 2, 3, 4)),))))
    undo(project, document)
    project.close()
    project = reopen(path)
    assert project.load().document.ground_truth().next_id == 41
    project.close()


def test_steps_far_from_the_cursor_are_read_from_the_file(path: Path, monkeypatch: pytest.MonkeyPatch):
    read, found = history_log.read_steps, list[int]()

    def read_steps(connection: sqlite3.Connection, first: int, last: int) -> dict[int, Step]:
        steps = read(connection, first, last)
        found.extend(steps)
        return steps

    monkeypatch.setattr(history_log, "read_steps", read_steps)
    document = make_document()
    before = state_of(document)
    project = ProjectFile.create(path, document)
    count = 5 * history_log.WINDOW
    for by in range(1, count + 1):
        project.append(*apply_step(document, f"Step {by}", SetRects(((3, (by / 7, 1.0, 5000.0, 61.0)),))))
        if by % 100 == 0:
            assert project.flush()
    assert found == []
    for by in range(count, 0, -1):
        step = project.undo_step()
        assert step is not None and step.label == f"Step {by}"
        undo(project, document)
    assert state_of(document) == before and {1, history_log.WINDOW} <= set(found)
    project.close()


def test_the_cursor_cannot_leave_the_history(path: Path):
    project = ProjectFile.create(path, make_document())
    with pytest.raises(ValueError, match="cursor"):
        project.move(-1, RowChanges(0))
    with pytest.raises(ValueError, match="cursor"):
        project.move(1, RowChanges(0))
    project.close()


def test_saves_are_reported_after_the_commit_with_increasing_numbers(path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    assert project.flush()
    seen: list[tuple[int, int, int]] = []

    def on_saved(saved: int, requested: int) -> None:
        with closing(schema.connect(path, mode="ro")) as connection:
            steps = connection.execute("SELECT count(*) FROM history").fetchone()[0]
        seen.append((saved, requested, steps))

    project.on_saved = on_saved
    for label, edit in twenty_edits()[:8]:
        project.append(*apply_step(document, label, edit))
    assert project.flush()
    project.close()
    assert [saved for saved, _requested, _steps in seen] == list(range(2, 10))
    assert all(steps == saved - 1 for saved, _requested, steps in seen)
    assert all(requested >= saved for saved, requested, _steps in seen)
    assert seen[-1][:2] == (9, 9)


def test_closing_leaves_one_file(path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    project.append(*apply_step(document, *twenty_edits()[0]))
    assert project.flush()
    project.close()
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]
    assert path.read_bytes()[18:20] == b"\x01\x01"  # rollback journal, not a write-ahead log


def test_the_writer_thread_ends_on_close(path: Path):
    before = threading.active_count()
    project = ProjectFile.create(path, make_document())
    project.close()
    project.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(("remote", "journal"), [(False, "wal"), (True, "delete")])
def test_every_commit_is_flushed_with_the_journal_mode_for_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch, remote: bool, journal: str
):
    monkeypatch.setattr(schema, "is_remote_or_synced", lambda _path: remote)
    document = make_document()
    project = ProjectFile.create(path, document)
    project.append(*apply_step(document, *twenty_edits()[0]))
    assert project.flush()
    with closing(schema.connect_to_write(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == journal
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    project.close()
    project = reopen(path)
    assert state_of(project.load().document) == state_of(document)
    project.close()


def test_creating_never_replaces_a_file(path: Path):
    path.write_text("mine")
    with pytest.raises(UserError, match="already"):
        ProjectFile.create(path, make_document())
    assert path.read_text() == "mine"
    assert not path.with_name(f"{path.name}.lock").exists()


def test_a_path_below_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        ProjectFile.create(tmp_path / "file" / "clip.mp4.iouv", make_document())


def test_a_file_that_is_not_a_project_is_refused_and_unchanged(tmp_path: Path):
    other = tmp_path / "other.iouv"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE photos (id)")
    before = other.read_bytes()
    with pytest.raises(UserError, match="not a project"):
        ProjectFile.open(other)
    with pytest.raises(UserError, match="no such"):
        ProjectFile.open(tmp_path / "missing.iouv")
    assert other.read_bytes() == before


# Ground truth as a whole


def test_ground_truth_is_imported_in_one_transaction(path: Path):
    empty = Document()
    empty.add_source(Source(0, "clip.mp4", "", 640, 480, 8))
    full = make_document()
    project = ProjectFile.create(path, empty)
    truth = full.ground_truth()
    project.import_ground_truth(
        0, BoxColumns.of(truth), FrameStates.of(truth), classes=full.classes, next_id=truth.next_id
    )
    assert project.progress[1] == 2
    project.close()
    project = reopen(path)
    loaded = project.load().document
    assert state_of(loaded)["sources"][0][1:] == state_of(full)["sources"][0][1:]
    assert loaded.class_names == full.class_names
    project.close()


def test_ground_truth_with_a_history_is_not_replaced_without_a_step(path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    project.append(*apply_step(document, *twenty_edits()[0]))
    truth = document.ground_truth()
    with pytest.raises(ValueError, match="history"):
        project.import_ground_truth(
            0, BoxColumns.of(truth), FrameStates.of(truth), classes=document.classes, next_id=truth.next_id
        )
    project.close()


# Variants


def test_variants_are_read_back_bit_for_bit_in_order(path: Path):
    first, second = make_predictions(seed=1), make_predictions(seed=2, boxes=0)
    variants = [make_variant("a", "base", first), make_variant("b", "Größe ü", replace(second, has_scores=False))]
    project = ProjectFile.create(path, make_document(), variants=variants, baseline="b")
    project.close()
    project = reopen(path)
    contents = project.load()
    project.close()
    assert [v.name for v in contents.variants] == ["base", "Größe ü"]
    assert contents.baseline == "b"
    for loaded, given in zip(contents.variants, variants, strict=True):
        assert bits_of(loaded.predictions) == bits_of(given.predictions)
        assert replace(loaded, predictions=given.predictions) == given


def test_predictions_of_many_chunks_are_read_back(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("iouviewer.project.variant_rows.CHUNK_FRAMES", 3)
    predictions = make_predictions(50, boxes=400)
    document = make_document(frame_count=50)
    ProjectFile.create(path, document, variants=[make_variant("a", "base", predictions)]).close()
    project = reopen(path)
    assert bits_of(project.load().variants[0].predictions) == bits_of(predictions)
    project.close()


def test_only_changed_predictions_are_written_again(path: Path):
    variant = make_variant("a", "base", make_predictions())
    project = ProjectFile.create(path, make_document(), variants=[variant])
    assert project.flush()
    with closing(schema.connect(path)) as connection:
        connection.execute("UPDATE prediction_chunks SET box_count = -1")
    project.save_variants([replace(variant, name="other name")], "a")
    assert project.flush()
    with closing(schema.connect(path)) as connection:
        assert connection.execute("SELECT box_count FROM prediction_chunks").fetchall() == [(-1,)]
        assert connection.execute("SELECT name FROM variants").fetchall() == [("other name",)]
    project.save_variants([], "")
    project.close()
    with closing(schema.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM prediction_chunks").fetchall() == [(0,)]


def test_an_interrupted_run_keeps_its_chunks_and_is_marked_as_cancelled(path: Path):
    started = replace(make_variant("a", "run", PredictionSet.empty(8, score_floor=0.01)), state=RunState.RUNNING)
    project = ProjectFile.create(path, make_document())
    project.save_variants([started], "a")
    frames, predictions = [np.array([0, 1]), np.array([2]), np.array([1, 3])], started.predictions
    for number, chunk in enumerate(frames):
        rows = np.repeat(chunk, 2)
        predictions = predictions.with_frames(
            chunk,
            row_frames=rows,
            boxes=np.array([[1.0], [2.0], [30.0], [40.0]]) + np.arange(len(rows)) / 3 + number,
            class_ids=np.zeros(len(rows), np.int64),
            scores=np.full(len(rows), 0.5),
        )
        project.save_variant_chunk(replace(started, predictions=predictions), chunk.tolist())
    project.close()
    project = reopen(path)
    found = project.load().variants[0]
    project.close()
    assert found.state is RunState.CANCELLED and "ended" in found.message
    assert np.flatnonzero(found.predictions.covered).tolist() == [0, 1, 2, 3]
    assert found.predictions.table.boxes.tobytes() == predictions.table.boxes.tobytes()
    assert found.predictions.table.offsets.tolist() == predictions.table.offsets.tolist()


# Other windows, copies, damage


def test_a_second_window_is_refused_and_can_open_a_copy(path: Path, tmp_path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    project.append(*apply_step(document, *twenty_edits()[0]))
    assert project.flush()
    with pytest.raises(ProjectLockedError, match="another window"):
        ProjectFile.open(path)
    copy = ProjectFile.open_copy(path, tmp_path / "copies" / "copy.iouv")
    assert state_of(copy.load().document) == state_of(document)
    copy.close()
    project.append(*apply_step(document, *twenty_edits()[1]))
    project.close()
    project = reopen(path)
    assert project.step_count == 2
    project.close()


def test_a_snapshot_is_a_complete_project_with_the_last_edit(path: Path):
    document = make_document()
    project = ProjectFile.create(path, document)
    project.append(*apply_step(document, *twenty_edits()[0]))
    first = project.snapshot("before: the/merge")
    again = project.snapshot("before: the/merge")
    project.append(*apply_step(document, *twenty_edits()[1]))
    project.close()
    assert first.parent == again.parent == path.with_name(f"{path.name}.snapshots")
    assert first != again
    for copy in (first, again):
        opened = ProjectFile.open(copy)
        assert opened.step_count == 1
        opened.close()


def test_a_snapshot_without_a_folder_is_refused(path: Path):
    project = ProjectFile.create(path, make_document())
    path.with_name(f"{path.name}.snapshots").write_text("in the way")
    with pytest.raises(UserError, match="snapshot"):
        project.snapshot("one")
    project.close()


@pytest.mark.parametrize("size", [0, 10, 100, 3000, 5000])
def test_a_truncated_file_is_never_opened_as_empty(path: Path, size: int):
    ProjectFile.create(path, make_document()).close()
    path.write_bytes(path.read_bytes()[:size])
    before = path.read_bytes()
    with pytest.raises(DamagedProjectError):
        ProjectFile.open(path)
    assert path.read_bytes() == before
    assert not path.with_name(f"{path.name}.lock").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE boxes SET x2 = x1 WHERE id = 1",
        "UPDATE boxes SET x1 = 'left' WHERE id = 1",
        "UPDATE boxes SET class_id = 7 WHERE id = 1",
        "UPDATE boxes SET frame = 8 WHERE id = 1",
        "UPDATE frames SET state = 9 WHERE frame = 1",
        "DELETE FROM classes WHERE id = 0",
        "UPDATE settings SET value = '{' WHERE key = 'a'",
        "UPDATE variants SET fields = '{}'",
        "UPDATE prediction_chunks SET data = substr(data, 1, 40)",
    ],
)
def test_impossible_rows_are_reported_as_damage(path: Path, statement: str):
    variant = make_variant("a", "base", make_predictions())
    ProjectFile.create(path, make_document(), variants=[variant], settings={"a": 1}).close()
    with closing(schema.connect(path)) as connection:
        assert connection.execute(statement).rowcount == 1
    project = ProjectFile.open(path)
    with pytest.raises(DamagedProjectError):
        project.load()
        # Frame states are read from the blocks; the check afterwards compares them with the table.
        raise wait_checked(project) or AssertionError("the damage was not found")
    project.close()
