"""Detects network disks and synchronised folders, where a project file needs more care."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path, PurePath

# fmt: off
_REMOTE_TYPES = frozenset({
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "afpfs", "9p", "ceph",
    "glusterfs", "lustre", "davfs", "webdav", "vboxsf", "vmhgfs", "virtiofs", "prl_fs", "fuse.sshfs",
    "fuse.rclone", "fuse.davfs", "fuse.davfs2", "fuse.s3fs", "fuse.gvfsd-fuse", "fuse.vmhgfs-fuse",
    "fuse.glusterfs", "macfuse", "osxfuse",
})
# fmt: on

_SYNCED_NAMES = (
    "onedrive",
    "dropbox",
    "google drive",
    "googledrive",
    "nextcloud",
    "owncloud",
    "pcloud drive",
    "box sync",
)
_SYNCED_EXACT = frozenset({"mobile documents", "com~apple~clouddocs", "icloud drive", "iclouddrive", "cloudstorage"})
_SYNCED_MARKERS = (".stfolder", ".dropbox", ".sync_journal.db")


def is_remote_or_synced(path: Path) -> bool:
    """Whether a file is on a network disk or in a folder that a sync service copies."""
    folder = path.absolute().parent
    return is_synced(folder) or _is_remote(folder)


def is_synced(folder: Path) -> bool:
    """Whether a service synchronises this folder, judged by folder names and marker files of sync services."""
    for part in (folder, *folder.parents):
        if _has_synced_name(part) or any((part / marker).exists() for marker in _SYNCED_MARKERS):
            return True
    return False


def _has_synced_name(folder: PurePath) -> bool:
    name = folder.name.casefold()
    # OneDrive names folders "OneDrive - Company", Dropbox "Dropbox (Company)".
    return name in _SYNCED_EXACT or any(
        name == known or name.startswith((f"{known} ", f"{known}-")) for known in _SYNCED_NAMES
    )


def _is_remote(folder: Path) -> bool:
    if sys.platform == "win32":
        return _is_remote_on_windows(folder)
    mounts = _read_macos_mounts() if sys.platform == "darwin" else read_linux_mounts()
    return find_mount_type(folder.resolve(), mounts) in _REMOTE_TYPES


def find_mount_type(folder: Path, mounts: list[tuple[str, str]]) -> str:
    """File system type of the longest mount point (path, type) above a folder; empty if there is none."""
    best, found = -1, ""
    for point, type_ in mounts:
        # A later mount at the same point hides the earlier one.
        if folder.is_relative_to(point) and len(point) >= best:
            best, found = len(point), type_
    return found


def read_linux_mounts() -> list[tuple[str, str]]:
    try:
        text = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    rows = [line.split(" ") for line in text.splitlines()]
    return [(_unescape(row[1]), row[2]) for row in rows if len(row) > 2]


def _unescape(point: str) -> str:
    """Decode the octal escapes of space, tab, newline and backslash in a mount point."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point


@functools.cache
def _read_macos_mounts() -> list[tuple[str, str]]:
    # Lines such as "//me@server/share on /Volumes/share (smbfs, nodev)".
    try:
        text = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    mounts = []
    for line in text.splitlines():
        point, _, options = line.partition(" on ")[2].rpartition(" (")
        mounts.append((point, options.split(",")[0].rstrip(")")))
    return mounts


def _is_remote_on_windows(folder: Path) -> bool:
    if sys.platform == "win32":
        import ctypes

        drive = os.path.splitdrive(folder)[0]
        remote = 4  # DRIVE_REMOTE
        return drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\") == remote
    return False
