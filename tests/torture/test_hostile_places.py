"""Names and places that no program likes: the window opens, says where it saves, and finds that again."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hands.cases import write_case
from tests.torture.driver import Window, available_kinds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names of Linux, mounts")

NAMES = {
    "newline": b"new\nline.avi",
    "not UTF-8": b"\xff\xfe film.avi",
    "quotes": b'it\'s "a" %41?#.avi',
    "255 bytes": b"x" * 251 + b".avi",
    "246 bytes": b"y" * 242 + b".avi",
}
WAIT = 90.0


def events_of(window: Window) -> Iterator[dict[str, Any]]:
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        event = window.events.get(timeout=WAIT)
        yield event
        if event["event"] in ("done", "ended", "failed"):
            return
    raise AssertionError(f"the window did not end: {window.errors}")


def work(video: Path, home: Path, *options: str) -> list[dict[str, Any]]:
    """Edit in a window, which is then killed."""
    window = Window(video, home, *options)
    try:
        return list(events_of(window))
    finally:
        window.kill()


def find_again(video: Path, home: Path, events: list[dict[str, Any]]) -> Path:
    """The last state that was shown as saved is there when the video is opened again; returns its file."""
    assert [event for event in events if event["event"] in ("failed", "dialog")] == []
    saved = [event for event in events if event["event"] == "saved"][-1]
    opened = next(event for event in work(video, home, "--edits", "0") if event["event"] == "opened")
    assert (opened["path"], opened["digest"]) == (saved["path"], saved["digest"])
    return Path(saved["path"])


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_name_is_a_name(name: str, tmp_path: Path) -> None:
    case = write_case(tmp_path / "case")
    video = case.video.with_name(os.fsdecode(NAMES[name]))
    case.video.rename(video)
    home = tmp_path / "home"
    project = find_again(video, home, work(video, home, "--gt", str(case.gt), "--edits", "12"))
    assert project.parent == video.parent
    longest = max(len(os.fsencode(one.name)) for one in video.parent.iterdir() if one != video)
    assert longest <= 255 - len(".damaged-20260102-030405-journal")
    # Settings and the list of known projects were written, and can be read.
    for file in ("config/settings.json", "data/known_projects.json"):
        if (home / file).is_file():
            json.loads((home / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("target", ["itself", "nothing", "a folder"])
def test_a_link_in_the_place_of_the_project_is_not_followed_into_nowhere(target: str, tmp_path: Path) -> None:
    case = write_case(tmp_path / "case")
    link = case.video.with_name(f"{case.video.name}.iouv")
    link.symlink_to({"itself": link, "nothing": tmp_path / "gone" / "x.iouv", "a folder": tmp_path}[target])
    (case.video.parent / "loop").symlink_to(case.video.parent)
    home = tmp_path / "home"
    video = case.video.parent / "loop" / "loop" / case.video.name
    project = find_again(video, home, work(video, home, "--gt", str(case.gt), "--edits", "12"))
    assert link.is_symlink() and project.is_file() and not project.samefile(tmp_path)


@pytest.mark.skipif("full_disk" not in available_kinds(), reason="needs root and mounts")
def test_edits_on_a_disk_that_vanishes_stay_in_the_window_and_are_told(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(disk)], check=True)
    home, is_mounted = tmp_path / "home", True
    case = write_case(disk / "case")
    window = Window(case.video, home, "--gt", str(case.gt), "--edits", "80")
    try:
        changed = said_saved = 0
        for event in events_of(window):
            if event["event"] == "saved" and is_mounted:
                subprocess.run(["umount", "--lazy", str(disk)], check=True)
                is_mounted = False
                while not window.events.empty():
                    window.events.get()  # what was saved before
            elif not is_mounted:
                changed += event["event"] == "changed"
                said_saved += event["event"] == "saved"
        assert event["event"] == "done", window.errors  # it lives on
        assert changed >= 3
        # One request may have been on its way when the disk went.
        assert said_saved <= 1
    finally:
        window.kill()
        if is_mounted:
            with contextlib.suppress(subprocess.CalledProcessError):
                subprocess.run(["umount", "--lazy", str(disk)], check=True)
