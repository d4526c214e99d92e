"""Saving to the source: the plan, files that changed on disk, backups, and what is kept afterwards."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from iouviewer.app.editing import import_boxes
from iouviewer.document.document import Document
from iouviewer.document.edits import RemoveBoxes, SetRects, SetTracks
from iouviewer.document.sources import Source, TruthFile
from iouviewer.errors import UserError
from iouviewer.formats.interface import ReadContext
from iouviewer.formats.registry import read_boxes
from iouviewer.jobs.save_source import can_save, plan_save, save, save_input
from iouviewer.jobs.truth_files import truth_to_write, write_truth
from tests.formats.layouts import SIZE, mot17, roboflow

FRAMES = 12


def imported(path: Path, context: ReadContext | None = None) -> Document:
    """A document whose ground truth was read from a file, as an import leaves it."""
    context = context or ReadContext(size=SIZE, frame_count=FRAMES, keep_texts=True)
    boxes = read_boxes(path, context)
    document = Document()
    document.add_source(Source(0, "clip.mp4", "", *SIZE, FRAMES))
    prepared = import_boxes.prepare_ground_truth(boxes, document, {}, 0)
    first = document.ground_truth().next_id
    import_boxes.replace_ground_truth(document, prepared, 0)
    kept = import_boxes.keep_source(boxes, prepared, document, first)
    document.set_truth_file(TruthFile(path.name), boxes.images, kept)
    return document


def move(document: Document, number: int, by: float) -> None:
    box = document.ground_truth().find(number)
    assert box is not None
    x1, y1, x2, y2 = box.rect
    document.apply(SetRects(((number, (x1 + by, y1, x2 + by, y2)),)))


def gt_file(folder: Path) -> Path:
    return mot17(folder) / "gt" / "gt.txt"


def test_nothing_edited_is_an_empty_plan(tmp_path: Path) -> None:
    document = imported(mot17(tmp_path))
    plan = plan_save(save_input(document))
    assert plan.is_empty
    assert plan.sentences == ("Nothing was edited: the file stays as it is",)


def test_an_edit_is_said_written_and_backed_up_and_the_next_one_is_alone(tmp_path: Path) -> None:
    document = imported(mot17(tmp_path))
    path = tmp_path / "MOT17-02-FRCNN" / "gt" / "gt.txt"
    before = path.read_bytes()
    move(document, 3, 5)
    document.apply(RemoveBoxes((8,)))
    plan = plan_save(save_input(document))
    assert plan.sentences[0] == "1 track, 1 box changes, 1 box is removed"
    backup = save(plan)
    assert backup is not None
    with zipfile.ZipFile(backup) as archive:
        [name] = archive.namelist()
        assert archive.read(name) == before
    after = path.read_bytes()
    old, new = before.splitlines(), after.splitlines()
    assert len(new) == len(old) - 1
    assert new == [line if at != 2 else b"3,1,114,53.5,40,80.25,1,1,0.86" for at, line in enumerate(old) if at != 7]
    document.set_kept(plan.kept)
    assert plan_save(save_input(document)).is_empty
    move(document, 20, 1)
    second = plan_save(save_input(document))
    save(second)
    assert sum(a != b for a, b in zip(path.read_bytes().splitlines(), new, strict=True)) == 1


def test_a_file_that_changed_on_disk_is_told_and_not_overwritten(tmp_path: Path) -> None:
    document = imported(mot17(tmp_path))
    path = tmp_path / "MOT17-02-FRCNN" / "gt" / "gt.txt"
    theirs = path.read_bytes().replace(b"1,1,103", b"1,1,999")
    path.write_bytes(theirs)
    assert plan_save(save_input(document)).is_empty, "nothing of ours to write"
    move(document, 3, 5)
    plan = plan_save(save_input(document))
    assert plan.overwritten == (path,)
    with pytest.raises(UserError, match="changed on disk"):
        save(plan)
    assert path.read_bytes() == theirs
    backup = save(plan, overwrite=True)
    assert backup is not None and zipfile.ZipFile(backup).read(zipfile.ZipFile(backup).namelist()[0]) == theirs
    assert b"1,1,103" in path.read_bytes()


def test_the_source_may_go(tmp_path: Path) -> None:
    document = imported(mot17(tmp_path))
    path = tmp_path / "MOT17-02-FRCNN" / "gt" / "gt.txt"
    before = path.read_bytes()
    path.unlink()
    (tmp_path / "MOT17-02-FRCNN" / "seqinfo.ini").unlink()
    move(document, 1, 2)
    plan = plan_save(save_input(document))
    assert plan.missing == (path,)
    assert save(plan) is None
    assert path.read_bytes().splitlines()[1:] == before.splitlines()[1:]


def test_polygons_are_said_to_stay(tmp_path: Path) -> None:
    names = tuple(f"{path.stem}.jpg" for path in sorted(roboflow(tmp_path).glob("*.txt")))
    context = ReadContext(size=SIZE, frame_count=len(names), image_names=names, keep_texts=True)
    document = imported(roboflow(tmp_path), context)
    move(document, 2, 3)
    plan = plan_save(save_input(document))
    assert plan.sentences[0] == "1 box changes"
    assert plan.sentences[1].startswith("3 rows untouched (9 columns: polygons")


def test_ground_truth_from_no_file_or_another_one_is_refused(tmp_path: Path) -> None:
    empty = Document()
    empty.add_source(Source(0, "clip.mp4", "", *SIZE, FRAMES))
    assert not can_save(empty)
    with pytest.raises(UserError, match="was not read from a file"):
        save_input(empty)
    document = imported(mot17(tmp_path))
    frames, rects, class_ids, tracks, flags, _ids = (np.array(column) for column in document.ground_truth().columns())
    document.ground_truth().load_columns(frames, rects, class_ids=class_ids, tracks=tracks, flags=flags)
    with pytest.raises(UserError, match="no box of the ground truth is from this file"):
        save_input(document)


def test_an_export_stores_what_the_file_that_was_read_has_no_place_for(tmp_path: Path) -> None:
    """Tracks of boxes that came from a table without a column for them."""
    path = tmp_path / "gt.csv"
    path.write_text(
        "frameID,x1,y1,x2,y2,class,author\n0,10,10,50,50,car,ann\n1,12,10,52,50,car,ann\n", encoding="utf-8"
    )
    document = imported(path)
    same = tmp_path / "same.csv"
    assert write_truth(truth_to_write(document), same, "boxcsv") == ()
    assert same.read_bytes() == path.read_bytes()
    ids = document.ground_truth().columns()[5].tolist()
    document.apply(SetTracks(tuple((box, 7) for box in ids)))
    linked = tmp_path / "linked.csv"
    notes = write_truth(truth_to_write(document), linked, "boxcsv")
    assert any("has no place for track IDs" in note for note in notes)
    assert [line.split(",")[0] for line in linked.read_text().splitlines()] == ["frameID", "0", "1"]
    assert read_boxes(linked, ReadContext(size=SIZE, frame_count=2)).track_ids.tolist() == [7, 7]
