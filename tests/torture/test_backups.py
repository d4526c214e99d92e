"""Automatic backups of the real window, by the clock (``faketime`` lets hours pass in seconds) and by real sizes."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iouviewer.project.backups import KEPT, MAX_BYTES, backup_folder, find_backups
from iouviewer.project.checking import check_file
from tests.hands.cases import Case, write_case
from tests.torture.driver import Window

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="ends windows by SIGKILL"),
    pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed"),
]

TEN_MINUTES = 600_000
HOURS_PASS = ("faketime", "-f", "+0 x3600")
"""An hour a second, for timers too."""
WAIT = 120.0


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A video with a project that one window has made."""
    case = write_case(tmp_path / "case")
    window = Window(case.video, tmp_path / "home", "--gt", str(case.gt), "--edits", "12", "--close")
    window.wait()
    assert project_of(case).is_file(), window.errors
    return case


def project_of(case: Case) -> Path:
    return case.video.with_name(f"{case.video.name}.iouv")


@contextmanager
def working(case: Case, *options: str, wrapper: tuple[str, ...] = ()) -> Iterator[Window]:
    """A window in which somebody edits."""
    window = Window(case.video, case.video.parent.parent / "home", *options, wrapper=wrapper)
    try:
        yield window
    finally:
        window.kill()


def wait_for(condition: Callable[[], object], window: Window, what: str) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"never: {what}; {window.errors}"
        time.sleep(0.05)


def test_each_hour_of_work_is_backed_up_and_ten_are_kept(case: Case) -> None:
    project = project_of(case)
    seen: dict[Path, float] = {}

    def look() -> int:
        seen.update({one.path: one.when for one in find_backups(project)})
        return len(seen)

    with working(case, "--edits", "100000", "--every", str(TEN_MINUTES), wrapper=HOURS_PASS) as window:
        wait_for(lambda: look() >= KEPT + 3, window, "thirteen backups")
        assert len(find_backups(project)) <= KEPT + 1, "the oldest is deleted right after a new one was made"
    times = sorted(seen.values())
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[1:])]
    # The first one is the state at opening. An hour without a change, or with a busy machine, may be left out.
    assert min(gaps) >= 3500, gaps
    for one in find_backups(project)[:2]:
        assert check_file(one.path).findings == ()


def test_hours_without_a_change_make_no_backup(case: Case) -> None:
    project = project_of(case)
    saved = 0
    with working(case, "--edits", "3", "--every", str(36 * TEN_MINUTES), wrapper=HOURS_PASS) as window:
        wait_for(lambda: find_backups(project), window, "the backup at opening")
        for event in iter(window.events.get, None):
            saved += event["event"] == "saved"
            if event["event"] in ("done", "ended"):
                break
        assert event["event"] == "done", window.errors
    assert len(find_backups(project)) <= 1 + saved, "many hours have passed, and three changes at most"


def test_a_clock_that_jumps_neither_loses_new_backups_nor_keeps_old_ones(case: Case) -> None:
    project = project_of(case)
    with working(case, wrapper=("faketime", "-f", "+900d")) as window:
        wait_for(lambda: find_backups(project), window, "a backup under a clock that is fast")
    [first] = find_backups(project)
    # ``faketime`` is what the program reads; the file system has the clock of the machine.
    later = first.order + 900 * 86400 * 10**9
    for number in range(KEPT):
        copy = first.path.with_name(f"{first.path.name[:19]} (0{number}).iouv") if number else first.path
        if number:
            shutil.copyfile(first.path, copy)
        os.utime(copy, ns=(later - number, later - number))
    made: list[Path] = []
    for seed, clock in enumerate(((), (), ("faketime", "-f", "-900d"))):
        with working(case, "--seed", str(seed), "--edits", "12", wrapper=clock) as window:
            newest = made[-1] if made else first.path
            if seed:
                wait_for(lambda: find_backups(project)[0].path != newest, window, "a newer backup")  # noqa: B023
                made.append(find_backups(project)[0].path)
            for event in iter(window.events.get, None):
                if event["event"] in ("done", "ended"):
                    break
    backups = find_backups(project)
    assert len(made) == 2 and [one.path for one in backups[:3]] == [*made[::-1], first.path]
    assert len(backups) == KEPT
    # What a person reads is what the clock said.
    assert backups[0].when < time.time() - 800 * 86400 < backups[1].when < time.time() + 60 < backups[2].when


def test_four_gibibytes_are_kept_and_always_the_newest(case: Case) -> None:
    project = project_of(case)
    folder = backup_folder(project)
    folder.mkdir()
    for number in range(5):
        with (folder / f"2020-01-0{number + 1} 10.00.00 ({number}).iouv").open("wb") as file:
            file.truncate(MAX_BYTES // 3)  # without taking that much of the disk
        time.sleep(0.01)
    with working(case, "--edits", "12") as window:
        wait_for(lambda: len(find_backups(project)) == 3, window, "the deletion of the oldest")
    names = [one.path.name for one in find_backups(project)]
    assert names[1:] == ["2020-01-05 10.00.00 (4).iouv", "2020-01-04 10.00.00 (3).iouv"]
    assert check_file(folder / names[0]).findings == ()
