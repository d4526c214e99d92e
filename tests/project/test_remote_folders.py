"""Network disks and synchronised folders are distinguished from local ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from iouviewer.project import remote_folders
from iouviewer.project.remote_folders import find_mount_type, is_remote_or_synced, is_synced


@pytest.mark.parametrize(
    ("name", "synced"),
    [
        ("OneDrive", True),
        ("OneDrive - Company", True),
        ("Dropbox (Company)", True),
        ("Google Drive", True),
        ("Mobile Documents", True),
        ("Nextcloud", True),
        ("dropboxes", False),
        ("films", False),
    ],
)
def test_synchronised_folders_are_recognised_by_name(tmp_path: Path, name: str, synced: bool):
    folder = tmp_path / name / "clips"
    folder.mkdir(parents=True)
    assert is_synced(folder) is synced


def test_a_syncthing_folder_is_recognised_by_its_marker(tmp_path: Path):
    folder = tmp_path / "films" / "clips"
    folder.mkdir(parents=True)
    assert not is_synced(folder)
    (tmp_path / "films" / ".stfolder").mkdir()
    assert is_synced(folder)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/", "ext4"), ("/home/me", "ext4"), ("/mnt/nas/films", "nfs4"), ("/mnt/nas2", "ext4"), ("/mnt/nas/usb", "vfat")],
)
def test_the_longest_mount_point_decides(folder: str, kind: str):
    mounts = [("/", "ext4"), ("/mnt/nas", "nfs4"), ("/mnt/nas/usb", "vfat")]
    assert find_mount_type(Path(folder), mounts) == kind


def test_no_mounts_mean_no_type():
    assert find_mount_type(Path("/home"), []) == ""


@pytest.mark.skipif(remote_folders.sys.platform != "linux", reason="reads the mounts of Linux")
def test_a_network_disk_is_remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote_folders, "read_linux_mounts", lambda: [("/", "ext4")])
    assert not is_remote_or_synced(tmp_path / "clip.iouv")
    monkeypatch.setattr(remote_folders, "read_linux_mounts", lambda: [("/", "ext4"), (str(tmp_path.resolve()), "cifs")])
    assert is_remote_or_synced(tmp_path / "clip.iouv")
