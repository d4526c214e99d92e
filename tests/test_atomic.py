"""Atomic writes of files and folders."""

from __future__ import annotations

import os
import stat

import pytest

from iouviewer.atomic import atomic_folder, atomic_write
from iouviewer.errors import UserError


def test_a_file_is_new_when_the_block_ends_and_has_the_usual_permissions(tmp_path):
    path = tmp_path / "a.txt"
    (tmp_path / "plain").write_text("")
    with atomic_write(path) as file:
        file.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_error_inside_the_block_leaves_only_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), atomic_write(path) as file:
        file.write(b"new")
        raise RuntimeError("half way")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_reported_with_the_path(tmp_path, monkeypatch, call):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*("os.fsync", full) if call == "fsync" else ("pathlib.Path.replace", full))
    refused = pytest.raises(UserError, match=r"a.txt: could not be written: No space left on device")
    with refused, atomic_write(path) as file:
        file.write(b"new")
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(UserError, match="could not be written"), atomic_write(tmp_path / "none" / "a.txt"):
        pass


def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    target = tmp_path / "target.txt"
    target.write_text("old")
    target.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError, match="half way"), atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
        raise RuntimeError("half way")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    with atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "a"]
    umask = os.umask(0o022)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o777 & ~umask


@pytest.mark.parametrize("occupied", ["file", "folder"])
def test_existing_files_are_never_replaced_by_a_folder(tmp_path, occupied):
    path = tmp_path / "out"
    if occupied == "file":
        path.write_text("mine")
    else:
        path.mkdir()
        (path / "mine").write_text("mine")
    with pytest.raises(UserError, match="the destination already exists"), atomic_folder(path):
        pass
    assert len(list(tmp_path.rglob("*"))) == (1 if occupied == "file" else 2)
