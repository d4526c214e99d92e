"""Tortures the project file: rounds of edits in the real window, sudden ends, and files that change in between.

``python -m tests.torture.driver --rounds 100 --seed 1 --log FILE``. Each round opens the project in a window process
(``window_process``), compares what it shows with what the last window had shown as saved, lets it edit at random and
ends it: by SIGKILL at a random moment or at a chosen system call, or by closing it. Between two rounds the folder is
copied, renamed, restored or replaced; some rounds run on a full or read-only disk, with another clock or host name.

A content is known by its digest. After a round the project must hold the content that was last shown as saved, or one
that was on screen later (the edit may have reached the disk before its end).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hands.cases import write_case

OPEN_SECONDS = 60.0
"""Time for a window to show the file."""

ROUND_SECONDS = 60.0
"""Time for the edits of a round."""

SYSTEM_CALLS = ("pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "write")
"""Calls at which a window is killed, at a random one of them."""

EDITS = 40
"""Actions of a round, if it is not ended before."""


@dataclass
class Place:
    """A folder with a video and its project.

    Attributes:
        contents: digests, one of which the project must hold.
    """

    folder: Path
    video: str = "clip.avi"
    contents: set[str] = field(default_factory=set)

    @property
    def path(self) -> Path:
        """The video."""
        return self.folder / self.video

    @property
    def project(self) -> Path:
        """The project beside it."""
        return self.folder / f"{self.video}.iouv"


@dataclass
class Backup:
    """A copy of a project, complete in one file, and what it may hold."""

    path: Path
    contents: set[str]


class Window:
    """A window process and what it prints."""

    def __init__(self, file: Path, home: Path, *options: str, wrapper: tuple[str, ...] = ()) -> None:
        command = [*wrapper, sys.executable, "-m", "tests.torture.window_process", str(file), *options]
        environment = os.environ | {"IOUVIEWER_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.errors = ""
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # the last line of a killed process
                    self.events.put(json.loads(line))
        self.events.put({"event": "ended"})

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self.errors = (self.errors + line)[-4000:]

    def kill(self) -> int:
        """End the process and all of its wrappers at once; returns the exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end."""
        status = self._process.wait(timeout=30)
        for reader in self._readers:
            reader.join(timeout=5)
        return status


class Torture:
    """Rounds on one folder. ``violations`` says what went wrong."""

    def __init__(self, folder: Path, seed: int, log: Callable[[dict[str, Any]], None], kinds: list[str] | None) -> None:
        self._random = random.Random(seed)
        self._folder, self._log = folder, log
        self._home = folder / "home"
        self.place = Place(folder / "case")
        write_case(self.place.folder)
        self._kinds = kinds or available_kinds()
        self._backups: list[Backup] = []
        self._left_behind: list[Place] = []
        self.violations: list[str] = []
        self.counts: Counter[str] = Counter()
        self._round = 0
        self._is_restored = False

    # One round

    def begin(self) -> None:
        """Create the project from the ground truth."""
        window = Window(
            self.place.path, self._home, "--gt", str(self.place.folder / "gt.csv"), "--edits", "12", "--close"
        )
        saved = [event for event in self._events(window, ROUND_SECONDS) if event["event"] == "saved"]
        window.kill()
        if not saved:
            raise RuntimeError(f"the project was not created: {window.errors}")
        self.place.contents = {saved[-1]["digest"]}

    def run_round(self) -> None:
        """Change files, open, compare, edit, end."""
        self._round += 1
        kind = self._random.choice(self._kinds)
        self.counts[kind] += 1
        before = dict(self.counts)
        getattr(self, f"_{kind}")()
        found = {name: self.counts[name] - before.get(name, 0) for name in ("edits", "saved", "killed")}
        self._log({"round": self._round, "kind": kind, **found, "violations": len(self.violations)})

    def _session(
        self,
        *,
        end: str = "",
        wrapper: tuple[str, ...] = (),
        during: Callable[[], None] | None = None,
        answers_elsewhere: bool = False,
        by_video: bool = False,
    ) -> None:
        """Open the place, compare, edit and end.

        Args:
            end: how the window ends: ``kill``, ``call`` or ``close``; chosen at random if empty.
            wrapper: the command that starts the window.
            during: called once while the window edits.
            answers_elsewhere: edits may be kept in another file, which is then opened and compared.
            by_video: open the video; otherwise the video or the project, at random.
        """
        place = self.place
        end = end or self._random.choice(("kill", "kill", "call", "close") if shutil.which("strace") else ("kill",))
        if end == "call" and not wrapper:
            call, number = self._random.choice(SYSTEM_CALLS), self._random.randint(1, 60)
            wrapper = ("strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}")
            wrapper += ("-e", f"inject={call}:signal=SIGKILL:when={number}")
        by_project = self._random.random() < 0.3 and not by_video and place.project.exists()
        file = place.project if by_project else place.path
        options = ["--seed", str(self._random.randrange(1 << 30)), "--edits", str(EDITS)]
        window = Window(file, self._home, *options, *(("--close",) if end == "close" else ()), wrapper=wrapper)
        stop_at = self._random.randint(1, EDITS) if end == "kill" else 10 * EDITS
        self._follow(window, place, stop_at, during, elsewhere=answers_elsewhere, end=end)

    def _follow(
        self,
        window: Window,
        place: Place,
        stop_at: int,
        during: Callable[[], None] | None,
        *,
        elsewhere: bool,
        end: str,
    ) -> None:
        opened = False
        contents, other = set(place.contents), dict[str, set[str]]()
        latest = ""
        number = 0
        for event in self._events(window, ROUND_SECONDS):
            kind = event["event"]
            if kind == "opened":
                opened = True
                self._compare(event, place)
                contents, latest = {event["digest"]}, event["digest"]
            elif kind == "changed":
                number += 1
                self.counts["edits"] += 1
                latest = event["digest"]
                contents.add(latest)
                for found in other.values():
                    found.add(latest)
            elif kind == "saved":
                self.counts["saved"] += 1
                if Path(event["path"]) == place.project:
                    contents = {event["digest"]}
                elif elsewhere:
                    other[event["path"]] = {event["digest"]}
                else:
                    self._violate(f"saved in {event['path']} instead of {place.project}")
            elif kind == "dialog" and "missing" in event["text"] and not self._is_restored:
                self._violate(f"the window says: {event['text']}")
            elif kind == "failed":
                self._violate(f"the window could not be filled: {event['error']}")
            if during is not None and number >= 3:
                during()
                contents, during = set(place.contents) | contents, None
            if kind == "done" or number >= stop_at:
                time.sleep(self._random.random() * 0.02)
                break
        status = window.kill() if end != "close" else self._close(window)
        self.counts["killed"] += status != 0
        for event in self._rest(window):
            contents |= {event["digest"]} if event["event"] == "changed" else set()
            if event["event"] == "saved" and Path(event["path"]) == place.project:
                contents = {event["digest"]}
        if not opened and end != "call":
            self._violate(f"the window never showed {place.path}: {window.errors[-600:]}")
        if opened:
            place.contents = contents
            self._is_restored = False
        for path, found in other.items():
            self._verify(Path(path), found)

    def _close(self, window: Window) -> int:
        try:
            return window.wait()
        except subprocess.TimeoutExpired:
            self._violate("the window did not close")
            return window.kill()

    def _events(self, window: Window, seconds: float) -> Iterator[dict[str, Any]]:
        """What the window prints until it ends, or the time is over."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                event = window.events.get(timeout=left)
            except queue.Empty:
                return
            if event["event"] == "ended":
                return
            yield event

    def _rest(self, window: Window) -> Iterator[dict[str, Any]]:
        """What it had printed before its end."""
        while True:
            try:
                event = window.events.get_nowait()
            except queue.Empty:
                return
            if event["event"] != "ended":
                yield event

    def _compare(self, event: dict[str, Any], place: Place) -> None:
        if event["digest"] not in place.contents:
            text = f"{place.project} opened as {event['path'] or 'a new project'} holds {event['digest']}"
            self._violate(f"{text}, not one of {sorted(place.contents)[:8]}")

    def _verify(self, file: Path, contents: set[str]) -> None:
        """Open a file that a window named, and compare."""
        window = Window(file, self._home, "--edits", "0", "--close")
        opened = next((event for event in self._events(window, OPEN_SECONDS) if event["event"] == "opened"), None)
        window.kill()
        if opened is None:
            self._violate(f"{file}, which the window named, cannot be opened: {window.errors[-600:]}")
        elif opened["digest"] not in contents:
            self._violate(f"{file}, which the window named, holds {opened['digest']}, not one of {sorted(contents)}")

    def _violate(self, text: str) -> None:
        self.violations.append(f"round {self._round}: {text}")
        self._log({"round": self._round, "violation": text})

    # Kinds of rounds

    def _plain(self) -> None:
        self._session()

    def _copy(self) -> None:
        """Go on in a copy of the folder; the original must stay as it is."""
        target = self._folder / f"copy-{self._round}"
        shutil.copytree(self.place.folder, target)
        self._left_behind.append(self.place)
        self.place = Place(target, self.place.video, set(self.place.contents))
        self._session()
        old = self._random.choice(self._left_behind)
        self._verify(old.path, old.contents)

    def _rename(self) -> None:
        """Rename the folder, and the video with its project."""
        target = self._folder / f"renamed-{self._round}"
        self.place.folder.rename(target)
        moved = Place(target, f"clip{self._round}.avi", self.place.contents)
        for file in sorted(target.glob(f"{self.place.video}*")):
            file.rename(target / file.name.replace(self.place.video, moved.video))
        self.place = moved
        self._session(by_video=True)  # opened by its project, it would have to ask for the video

    def _back_up(self) -> Backup:
        """A complete copy of the project, by SQLite."""
        target = self._folder / f"backup-{self._round}.iouv"
        with (
            contextlib.closing(sqlite3.connect(self.place.project)) as source,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
        return Backup(target, set(self.place.contents))

    def _restore(self) -> None:
        """Replace the project by an earlier state of it, without its logs."""
        self._backups.append(self._back_up())
        backup = self._random.choice(self._backups)
        for suffix in ("-wal", "-shm", "-journal"):
            self.place.project.with_name(self.place.project.name + suffix).unlink(missing_ok=True)
        shutil.copy(backup.path, self.place.project)
        self.place.contents = set(backup.contents)
        self._is_restored = True  # the window is right to miss the edits made since
        self._session()

    def _restore_beside_log(self) -> None:
        """Copy an earlier state over the project after a crash, and leave the log of the other state there."""
        self._backups.append(self._back_up())
        backup = self._random.choice(self._backups)
        self._session(end="kill")
        shutil.copy(backup.path, self.place.project)
        # The log may be found to belong to another file, or be empty. A mixture of both is not allowed.
        self.place.contents = set(backup.contents)
        self._is_restored = True  # the window is right to miss the edits made since
        self._session()

    def _replace_while_open(self) -> None:
        """Replace the project under a window, as programs that synchronise folders do."""
        backup = self._back_up()
        place = self.place
        was_replaced: list[bool] = []

        def replace() -> None:
            copy = place.folder / "incoming.tmp"
            shutil.copy(backup.path, copy)
            copy.replace(place.project)
            was_replaced.append(True)

        held = set(place.contents)
        self._session(end="kill", during=replace, answers_elsewhere=True)
        if was_replaced:
            # What the window wrote before went with the file that the person replaced.
            place.contents = held | set(backup.contents)
            self._is_restored = True
        # The log of the file that is gone still lies there: the next to open the project must be a window, not SQLite.
        self._session()

    def _damage(self) -> None:
        """A box is changed on the disk; a window is killed while it repairs that, and the next one repairs it."""
        backup = self._back_up()
        for suffix in ("-wal", "-shm", "-journal"):
            self.place.project.with_name(self.place.project.name + suffix).unlink(missing_ok=True)
        shutil.copy(backup.path, self.place.project)
        with contextlib.closing(sqlite3.connect(self.place.project)) as connection, connection:
            connection.execute("UPDATE boxes SET x1 = x1 + 1 WHERE id = (SELECT max(id) FROM boxes)")
        # What a repair without a kill gives, in a copy.
        twin = self._folder / f"twin-{self._round}"
        shutil.copytree(self.place.folder, twin)
        window = Window(twin / self.place.video, self._home, "--edits", "0", "--close")
        opened = next((event for event in self._events(window, OPEN_SECONDS) if event["event"] == "opened"), None)
        window.kill()
        if opened is None:
            self._violate(f"a damaged project cannot be opened: {window.errors[-600:]}")
            return
        self.place.contents = {opened["digest"]}
        for end in ("call", "call", ""):
            self._is_restored = True  # the window is right to miss the box
            self._session(end=end)

    def _full_disk(self) -> None:
        """A disk that fills up while one works; the window ends while it is full, or after it was freed."""
        disk = self._folder / f"disk-{self._round}"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], check=True)
        home = self.place
        try:
            shutil.copytree(home.folder, disk / "case")
            self.place = Place(disk / "case", home.video, set(home.contents))

            def fill() -> None:
                with contextlib.suppress(OSError), (disk / "filler").open("wb") as filler:
                    while True:
                        filler.write(b"\1" * 4096)
                        filler.flush()

            self._session(end="kill", during=fill)
            (disk / "filler").unlink(missing_ok=True)
            self._session(end="kill")
            shutil.rmtree(home.folder)
            shutil.copytree(self.place.folder, home.folder)
            home.contents = self.place.contents
        finally:
            self.place = home
            subprocess.run(["umount", "-l", str(disk)], check=False)

    def _read_only(self) -> None:
        """A folder that cannot be written: what was saved stays; new edits are where the window says."""
        folder = str(self.place.folder)
        before = set(self.place.contents)
        subprocess.run(["mount", "--bind", folder, folder], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
            self._session(end="kill", answers_elsewhere=True)
        finally:
            subprocess.run(["umount", "-l", folder], check=False)
        self.place.contents = before
        self._is_restored = True  # edits made elsewhere are not here
        self._session()

    def _other_clock(self) -> None:
        """A clock that is wrong by years."""
        self._session(end="kill", wrapper=("faketime", "-f", self._random.choice(("-900d", "+900d"))))

    def _other_host(self) -> None:
        """A machine that was renamed since a crash left its lock."""
        self._session(end="kill")
        script = f'hostname torture-{self._round}; exec "$@"'
        self._session(end="kill", wrapper=("unshare", "-u", "sh", "-c", script, "sh"), answers_elsewhere=True)


def available_kinds() -> list[str]:
    """The kinds of rounds that work on this machine."""
    kinds = ["plain", "plain", "copy", "rename", "restore", "restore_beside_log", "replace_while_open", "damage"]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and sys.platform == "linux":
        kinds += ["full_disk", "read_only"] if _can_mount() else []
        kinds += ["other_host"] if shutil.which("unshare") else []
    return kinds + (["other_clock"] if shutil.which("faketime") else [])


def _can_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False)
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=False)
        return done.returncode == 0


def torture(
    folder: Path, rounds: int, seed: int, log: Callable[[dict[str, Any]], None], kinds: list[str] | None = None
) -> Torture:
    """Run some rounds."""
    run = Torture(folder, seed, log, kinds)
    run.begin()
    for _ in range(rounds):
        run.run_round()
    return run


def main() -> int:
    """Run from the command line; the exit status is 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--kinds", nargs="*", choices=sorted(set(available_kinds())))
    options = parser.parse_args()
    lines = options.log.open("a", encoding="utf-8") if options.log is not None else sys.stdout

    def log(entry: dict[str, Any]) -> None:
        lines.write(json.dumps(entry) + "\n")
        lines.flush()

    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        run = torture(Path(folder), options.rounds, options.seed, log, options.kinds)
    log({"counts": dict(run.counts), "violations": run.violations})
    print(dict(run.counts), *run.violations, sep="\n")
    return 1 if run.violations else 0


if __name__ == "__main__":
    sys.exit(main())
