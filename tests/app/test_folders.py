"""The program's own folders where they cannot be created or belong to somebody else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from iouviewer import folders


@pytest.fixture
def no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home below a file, where no folder can be created; temporary folders go to the path that is returned."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IOUVIEWER_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders._private_folder.cache_clear()
    return tmp_path


def test_folders_that_cannot_be_created_are_replaced_by_the_same_temporary_ones(no_home: Path) -> None:
    data = folders.data_folder()
    assert data.is_dir() and data.is_relative_to(no_home) and folders.data_folder() == data
    assert folders.replaced()["data"] == no_home / "file" / "data"
    assert folders.config_folder() != data


def test_a_cache_that_cannot_be_created_is_not_replaced(no_home: Path) -> None:
    assert folders.cache_folder() == no_home / "file" / "cache"


@pytest.mark.skipif(os.name != "posix", reason="owners and modes of POSIX")
def test_a_temporary_folder_that_others_can_write_is_not_used(no_home: Path) -> None:
    trap = no_home / f"iouviewer-{os.getuid()}"
    trap.mkdir()
    trap.chmod(0o777)
    assert not folders.data_folder().is_relative_to(trap)
    trap.rmdir()
    trap.symlink_to(no_home)
    assert folders.data_folder() != no_home / "data"
