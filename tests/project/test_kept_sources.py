"""The file of the ground truth in the project: stored, migrated, salvaged, and no longer needed where it was."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iouviewer.document.document import Document
from iouviewer.document.kept_source import KeptSource, SourceTexts
from iouviewer.document.sources import Source
from iouviewer.errors import UserError
from iouviewer.project import kept_rows, schema
from iouviewer.project.salvage import replace_damaged
from iouviewer.project.store import ProjectFile

GOLDEN = Path(__file__).parent / "golden"


def kept_source(text: bytes = b"1,1,10,10,5,5,1,1,1\n") -> KeptSource:
    path = Path("/data/MOT/gt/gt.txt")
    texts = SourceTexts.of(path, {path: text, path.parent.parent / "seqinfo.ini": b"[Sequence]\n"}, "mot", b"{}", "d")
    ids = np.array([1, -1], np.int64)
    return KeptSource(texts, ids.tobytes(), (ids + 6).tobytes(), ("pedestrian",), shift=2)


def make_project(path: Path, kept: KeptSource) -> None:
    document = Document()
    document.add_source(Source(0, "clip.mp4", "/data/clip.mp4", 640, 480, 10, kept=kept))
    ProjectFile.create(path, document).close()


def load(path: Path) -> Document:
    with closing(ProjectFile.open(path)) as project:
        return project.load().document


def test_the_text_and_the_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4.iouv"
    make_project(path, kept_source())
    kept = load(path).sources[0].kept
    assert kept == kept_source()
    assert kept.texts.names == ("gt/gt.txt", "seqinfo.ini")
    assert list(kept.texts.contents()) == [b"1,1,10,10,5,5,1,1,1\n", b"[Sequence]\n"]
    assert kept.row_ids.tolist() == [1, -1]


def test_it_follows_the_source_when_that_is_saved_again(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4.iouv"
    make_project(path, kept_source())
    with closing(ProjectFile.open(path)) as project:
        document = project.load().document
        document.update_source(replace(document.sources[0], frame_count=12, kept=KeptSource()))
        source = document.sources[0]
        project.save_source(source, None, range(10, 12), document.ground_truth().default_state)
    assert load(path).sources[0].kept == kept_source()


def test_a_file_of_version_4_opens_without_and_takes_it(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "version-4.sqlite", tmp_path / "clip.mp4.iouv"))
    document = load(path)
    assert not document.sources[0].kept
    assert path.with_name("clip.mp4.iouv.v4").exists()
    with closing(ProjectFile.open(path)) as project:
        document = project.load().document
        document.set_kept(kept_source())
        project.save_source(document.sources[0], document.numbering(), range(0), document.ground_truth().default_state)
    assert load(path).sources[0].kept == kept_source()


def test_a_file_of_version_5_has_it(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "version-5.sqlite", tmp_path / "clip.mp4.iouv"))
    kept = load(path).sources[0].kept
    assert kept.texts.names == ("gt.txt",)
    assert kept.class_names == ("pedestrian",)


def damage(path: Path, change: str) -> None:
    with closing(schema.connect(path)) as connection:
        connection.execute(change)


def test_a_salvage_copies_it(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "version-5.sqlite", tmp_path / "clip.mp4.iouv"))
    damage(path, "UPDATE boxes SET x1 = x1 + 1 WHERE id = (SELECT min(id) FROM boxes)")
    report, _kept = replace_damaged(path)
    assert not any("text" in loss for loss in report.losses)
    assert load(path).sources[0].kept.texts.names == ("gt.txt",)


def test_a_salvage_says_that_it_is_lost(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "version-5.sqlite", tmp_path / "clip.mp4.iouv"))
    damage(path, f"UPDATE {kept_rows.TABLE} SET data = x'00'")
    report, _kept = replace_damaged(path)
    assert "the text of the ground truth's file is lost, so edits cannot be saved to it" in report.losses
    assert not load(path).sources[0].kept


def test_files_that_are_too_large_are_read_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iouviewer.document.kept_source.MAX_KEPT_BYTES", 4)
    file = tmp_path / "gt.txt"
    file.write_bytes(b"1,2,3\n")
    texts = SourceTexts.of(file, {file: b"1,2,3\n"}, "mot", b"{}", "")
    assert texts.packed == b""
    assert list(texts.contents()) == [b"1,2,3\n"]
    file.write_bytes(b"1,2,4\n")
    with pytest.raises(UserError, match="too large to be kept"):
        texts.contents()
