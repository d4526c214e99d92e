"""A damaged project stays unchanged, and what can be read of it is written to a new one."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from iouviewer.document.classes import ClassTable
from iouviewer.document.document import Document
from iouviewer.document.edits import SetRects
from iouviewer.document.notes import Note
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.project import schema
from iouviewer.project.background_check import DamagedProjectError
from iouviewer.project.salvage import replace_damaged, salvage
from iouviewer.project.store import ProjectFile
from tests.document.builders import apply_step, make_document, make_predictions, make_variant, state_of

FRAMES = 400


@pytest.fixture
def project_path(tmp_path: Path) -> Path:
    """A project of 2000 boxes, three notes, five steps, a variant and a setting."""
    path = tmp_path / "clip.mp4.iouv"
    document = Document()
    document.classes = ClassTable(
        ("person", "car"),
        order=(1, 0),
        colours=("#102030", ""),
        aliases=(("auto", 1),),
        attribute_sets=((("pose", "sitting"),),),
    )
    truth = document.add_source(Source(0, "clip.mp4", "", 640, 480, FRAMES, 25.0, "f", "d"))
    number = np.arange(2000)
    truth.load_columns(
        number // 5,
        np.array([number / 7, number / 3, number / 7 + 10, number / 3 + 20]),
        class_ids=number % 2,
        tracks=number % 5,
        flags=number * 0,
    )
    truth.load_states(np.ones(FRAMES, np.int8), np.zeros(FRAMES, np.bool_))
    document.load_notes([Note(1, "Why?", 3, 17, author="ana"), Note(2, "Dark", 4, done=True), Note(3, "Held out")])
    variant = make_variant("a", "base", make_predictions(FRAMES, boxes=3000))
    project = ProjectFile.create(path, document, variants=[variant], settings={"convention": "inclusive"})
    for by in range(1, 6):
        project.append(*apply_step(document, f"Step {by}", SetRects(((by, (0.5, 1.0, 50.0 + by, 61.0)),))))
    project.close()
    return path


def load(path: Path) -> tuple[Document, ProjectFile]:
    project = ProjectFile.open(path)
    return project.load().document, project


def boxes_of(document: Document) -> dict[int, tuple[float, ...]]:
    truth = document.ground_truth()
    return {box.id: (box.frame, *box.rect) for frame in range(FRAMES) for box in truth.boxes(frame)}


def test_an_intact_project_is_recovered_completely(project_path: Path, tmp_path: Path):
    target = tmp_path / "new.iouv"
    report = salvage(project_path, target)
    assert (report.boxes, report.frames, report.variants, report.steps, report.losses) == (2000, FRAMES, 1, 5, [])
    (old, first), (new, second) = load(project_path), load(target)
    assert state_of(new) == state_of(old)
    assert (second.cursor, second.step_count) == (5, 5)
    first.close()
    second.close()


@pytest.mark.parametrize("page", [b"\0" * 4096, b"\xff" * 4096, b"\0" * 16])
def test_without_its_first_page_nothing_is_lost(project_path: Path, tmp_path: Path, page: bytes):
    old, project = load(project_path)
    project.close()
    data = bytearray(project_path.read_bytes())
    data[: len(page)] = page
    project_path.write_bytes(data)
    with pytest.raises(DamagedProjectError):
        ProjectFile.open(project_path)
    report = salvage(project_path, tmp_path / "new.iouv")
    assert project_path.read_bytes() == data
    assert report.losses == []
    new, project = load(tmp_path / "new.iouv")
    assert state_of(new) == state_of(old)
    project.close()


def test_a_damaged_file_of_version_1_keeps_its_history_and_lost_no_notes(tmp_path: Path):
    path = Path(shutil.copy(Path(__file__).parent / "golden" / "version-1.sqlite", tmp_path / "clip.mp4.iouv"))
    report = salvage(path, tmp_path / "new.iouv")
    assert (report.boxes, report.steps, report.losses) == (5, 7, [])
    new, project = load(tmp_path / "new.iouv")
    assert new.notes() == () and (project.cursor, project.step_count) == (6, 7)
    project.close()


def test_a_note_with_invalid_values_is_left_out_and_reported(project_path: Path, tmp_path: Path):
    with closing(schema.connect(project_path)) as connection:
        connection.execute("UPDATE notes SET frame = 4000 WHERE id = 2")
    with pytest.raises(DamagedProjectError, match="a row of the table notes was changed"):
        load(project_path)
    report = salvage(project_path, tmp_path / "new.iouv")
    assert report.losses == ["1 note is lost: frame 4 “Dark”", "earlier edits can no longer be undone"]
    new, project = load(tmp_path / "new.iouv")
    assert [note.id for note in new.notes()] == [1, 3]
    project.close()


def leaf_pages(path: Path) -> list[int]:
    """Pages (from 1) that are leaves of the table of boxes; identified by the first byte of their header, 10."""
    data = path.read_bytes()
    with closing(schema.connect(path)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'boxes'").fetchone()[0]
    start = (root - 1) * 4096
    assert data[start] == 2  # an interior page of an index tree
    count = int.from_bytes(data[start + 3 : start + 5], "big")
    cells = [int.from_bytes(data[start + 12 + 2 * i : start + 14 + 2 * i], "big") for i in range(count)]
    return [int.from_bytes(data[start + cell : start + cell + 4], "big") for cell in cells]


@pytest.mark.parametrize("which", [[0], [5], [-1], [3, 9, 10]])
def test_boxes_on_both_sides_of_damaged_pages_are_recovered(project_path: Path, tmp_path: Path, which: list[int]):
    old, project = load(project_path)
    project.close()
    pages = leaf_pages(project_path)
    data = bytearray(project_path.read_bytes())
    for place in which:
        start = (pages[place] - 1) * 4096
        data[start : start + 4096] = b"\xff" * 4096
    project_path.write_bytes(data)
    with pytest.raises(DamagedProjectError):
        load(project_path)
    report = salvage(project_path, tmp_path / "new.iouv")
    new, project = load(tmp_path / "new.iouv")
    project.close()
    recovered, all_boxes = boxes_of(new), boxes_of(old)
    assert recovered.items() <= all_boxes.items()
    per_page = 2000 / len(pages)
    assert len(recovered) >= 2000 - (len(which) + 1) * per_page * 1.5
    assert len(recovered) == report.boxes < 2000
    assert any("boxes" in loss for loss in report.losses)
    assert report.steps == 0 and any("undone" in loss for loss in report.losses)


def test_the_remaining_boxes_of_a_truncated_file_are_recovered(project_path: Path, tmp_path: Path):
    old, project = load(project_path)
    project.close()
    project_path.write_bytes(project_path.read_bytes()[: 25 * 4096])
    report = salvage(project_path, tmp_path / "new.iouv")
    new, project = load(tmp_path / "new.iouv")
    project.close()
    assert 0 < report.boxes <= 2000
    assert boxes_of(new).items() <= boxes_of(old).items()


@pytest.mark.parametrize("seed", range(12))
def test_flipped_bytes_never_make_salvage_fail_or_invent_boxes(project_path: Path, tmp_path: Path, seed: int):
    rng = random.Random(seed)
    data = bytearray(project_path.read_bytes())
    for _ in range(40):
        data[rng.randrange(100, len(data))] ^= 1 << rng.randrange(8)
    project_path.write_bytes(data)
    report = salvage(project_path, tmp_path / "new.iouv")
    new, project = load(tmp_path / "new.iouv")
    project.close()
    assert len(boxes_of(new)) == report.boxes > 100
    assert report.boxes == 2000 or report.losses
    assert project_path.read_bytes() == data


@pytest.mark.parametrize("content", [b"", b"not a database", b"\0" * 50_000])
def test_a_file_without_contents_is_refused_and_no_file_is_created(tmp_path: Path, content: bytes):
    path, target = tmp_path / "clip.mp4.iouv", tmp_path / "new.iouv"
    path.write_bytes(content)
    with pytest.raises(UserError):
        salvage(path, target)
    assert path.read_bytes() == content
    assert not target.exists()


def test_the_newest_snapshot_is_named_where_nothing_can_be_read(tmp_path: Path):
    path = tmp_path / "clip.mp4.iouv"
    project = ProjectFile.create(path, make_document())
    snapshot = project.snapshot("monday")
    project.close()
    path.write_bytes(b"")
    with pytest.raises(UserError, match="monday") as caught:
        salvage(path, tmp_path / "new.iouv")
    assert str(snapshot) in str(caught.value)


def test_salvage_never_replaces_a_file(project_path: Path, tmp_path: Path):
    target = tmp_path / "mine.iouv"
    target.write_text("mine")
    with pytest.raises(UserError, match="already"):
        salvage(project_path, target)
    assert target.read_text() == "mine"


KILLED = """
import os, signal, sys
from pathlib import Path
from iouviewer.project.salvage import replace_damaged
left = int(sys.argv[2])
def watch(event, args):
    global left
    if event in ("os.rename", "os.remove", "shutil.copyfile", "sqlite3.connect"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
replace_damaged(Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_kill_at_any_step_of_a_repair_leaves_one_copy_and_a_file_that_opens(project_path: Path, tmp_path: Path):
    old, project = load(project_path)
    project.close()
    with closing(schema.connect(project_path)) as connection:
        connection.execute("UPDATE boxes SET x1 = x1 + 1 WHERE id = 7")
    damaged = project_path.read_bytes()
    kills = 0
    for number in range(1, 60):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / project_path.name
        path.write_bytes(damaged)
        done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(number)], check=False, timeout=60)
        # The next start finds the damaged file or the new one, and ends up with the same.
        if path.read_bytes() == damaged:
            replace_damaged(path)
        new, project = load(path)
        project.close()
        assert boxes_of(new).items() == {k: v for k, v in boxes_of(old).items() if k != 7}.items()
        kept = [one for one in folder.iterdir() if ".damaged-" in one.name and not one.name.startswith(".")]
        assert [one.read_bytes() for one in kept] == [damaged]
        if done.returncode == 0:
            break
        kills += 1
    assert kills > 5 and done.returncode == 0


def test_the_same_damage_makes_one_copy_and_a_repair_leaves_nothing_else(project_path: Path):
    with closing(schema.connect(project_path)) as connection:
        connection.execute("UPDATE boxes SET x1 = x1 + 1 WHERE id = 7")
    damaged = project_path.read_bytes()
    for _ in range(3):
        project_path.write_bytes(damaged)
        report, kept = replace_damaged(project_path)
        assert report.losses == ["1 box lost on frame 1", "earlier edits can no longer be undone"]
    assert sorted(one.name for one in project_path.parent.iterdir()) == [project_path.name, kept.name]


@pytest.mark.parametrize(
    ("statement", "loss"),
    [
        ("UPDATE settings SET value = x'ff'", "1 setting is lost: “convention”"),
        ("UPDATE variants SET name = CAST(x'ffff' AS TEXT)", "1 variant is lost"),
        ("UPDATE sources SET frame_count = 'many'", "the properties of the video are lost"),
        ("UPDATE prediction_chunks SET data = x'00'", "predictions of base lost on frames 0–398"),
        ("DELETE FROM notes WHERE id = 2", "1 note is lost: frame 4 “Dark”"),
        ("UPDATE notes SET text = 'Part' WHERE id = 3", "1 note is lost: “Held out”"),
        ("UPDATE history SET edit = x'00' WHERE position = 2", "1 step of the history is lost: 2 “Step 2”"),
        ("DELETE FROM history WHERE position IN (2, 5)", "2 steps of the history are lost: 2, 5"),
        ("DELETE FROM boxes WHERE frame IN (3, 5, 6)", "15 boxes lost on frames 3, 5–6"),
        ("DELETE FROM meta WHERE key = 'cursor'", "some properties of the project are lost"),
    ],
)
def test_a_damaged_value_or_a_missing_row_is_named_and_the_rest_is_kept(
    project_path: Path, tmp_path: Path, statement: str, loss: str
):
    with closing(schema.connect(project_path)) as connection:
        connection.execute(statement)
    report = salvage(project_path, tmp_path / "new.iouv")
    assert loss in report.losses
    _new, project = load(tmp_path / "new.iouv")
    project.close()


@pytest.mark.parametrize(
    "statement",
    [
        *("UPDATE frames SET state = 2", "DELETE FROM frames", "DELETE FROM sums"),
        "UPDATE classes SET name = CAST(x'c0' AS TEXT) WHERE id = 1",
        "DELETE FROM classes",
        "UPDATE meta SET value = '{}' WHERE key = 'class_numbers'",
        "DELETE FROM meta WHERE key = 'class_numbers'",
        "UPDATE settings SET value = '{}' WHERE key = 'class_table'",
        "DELETE FROM settings WHERE key = 'class_table'",
    ],
)
def test_what_is_stored_twice_is_recovered_without_a_loss(project_path: Path, tmp_path: Path, statement: str):
    old, project = load(project_path)
    project.close()
    with closing(schema.connect(project_path)) as connection:
        connection.execute(statement)
    report = salvage(project_path, tmp_path / "new.iouv")
    new, project = load(tmp_path / "new.iouv")
    project.close()
    assert state_of(new) == state_of(old) and report.losses == []


@pytest.mark.parametrize("name", ["boxes", "history", "sums", "frame_blocks"])
def test_a_damaged_schema_entry_loses_nothing(project_path: Path, tmp_path: Path, name: str):
    old, project = load(project_path)
    project.close()
    data = project_path.read_bytes()
    damaged = data.replace(f"CREATE TABLE {name} (".encode(), f"CREATE TABEL {name} (".encode(), 1)
    assert damaged != data
    project_path.write_bytes(damaged)
    report = salvage(project_path, tmp_path / "new.iouv")
    new, project = load(tmp_path / "new.iouv")
    assert (project.step_count, report.losses) == (5, [])
    project.close()
    assert state_of(new) == state_of(old)


def test_without_their_copy_lost_properties_of_classes_are_named(project_path: Path, tmp_path: Path):
    with closing(schema.connect(project_path)) as connection:
        connection.execute("DELETE FROM settings WHERE key = 'class_table'")
        connection.execute("DELETE FROM meta WHERE key = 'class_numbers'")
        connection.execute("UPDATE classes SET name = CAST(x'c0' AS TEXT) WHERE id = 1")
    report = salvage(project_path, tmp_path / "new.iouv")
    assert "order, colours and attributes of the classes are lost" in report.losses
    assert "the name of class 1 is lost" in report.losses
    new, project = load(tmp_path / "new.iouv")
    project.close()
    assert new.class_names == ("person", "class 1")
