"""Clips, ground truth, weights and a detector without torch for the tests of batches."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.video.clip_builder import ClipSpec, make_video

FRAMES, CLIPS = 12, 8

DETECTOR = """
import hashlib, os, pathlib, sys, time
import numpy as np
from iouviewer.inference import protocol as p

out, inp = sys.stdout.buffer, sys.stdin.buffer
p.write_message(out, p.Hello())
load = p.read_message(inp)
data = pathlib.Path(load.weights).read_bytes()
if data.startswith(b"damaged"):
    print("traceback of the detector", file=sys.stderr)
    p.write_message(out, p.Failed(kind="damaged", message="the file is no model", path=load.weights, detail="a\\nlog"))
    sys.exit()
p.write_message(out, p.ModelLoaded(
    names=["person"], imgsz=(64, 64), floor=load.floor, nms="run", nms_iou=load.nms_iou, max_det=load.max_det,
    rectangular=True, device="cpu", task="detect", runtime="fake", precision="fp32",
    sha256=hashlib.sha256(data).hexdigest(), trusted=False, versions={"fake": "1"}, hardware=str(os.getpid()),
    threads=1,
))
while (command := p.read_message(inp)) is not None:
    name = pathlib.Path(command.video).stem
    with open(os.environ["BATCH_LOG"], "a") as log:
        print(name, pathlib.Path(load.weights).stem, command.frames[0], len(command.frames), file=log)
    found = []
    for frame in command.frames:
        time.sleep(float(os.environ.get("BATCH_SLEEP", "0")))
        random = np.random.default_rng(int.from_bytes(hashlib.sha256(data + name.encode()).digest()[:4], "big") + frame)
        moved = random.normal(0, 1 + 3 * data.startswith(b"worse"), 4).astype(np.float32)
        box = np.array([[10, 8, 40, 36]], np.float32) + moved
        found.append(p.Detections(
            frame, box, random.random(1).astype(np.float32) * np.float32(0.6) + np.float32(0.4),
            np.zeros(1, np.int32), np.array([1, 8, 1], np.float32) * float(random.random()), True, "", 2.0,
        ))
    p.write_message(out, p.pack(found))
    p.write_message(out, p.Finished(done=len(found), seconds=0.1))
"""

SITE = """
import sys
if "iouviewer" not in sys.modules:
    from importlib.abc import MetaPathFinder

    class Finder(MetaPathFinder):
        \"\"\"Replaces the command of the detector's process once the module that starts it is imported.\"\"\"
        def find_spec(self, name, path=None, target=None):
            if name != "iouviewer.inference.runner":
                return None
            sys.meta_path.remove(self)
            import importlib.util
            spec = importlib.util.find_spec(name)
            load = spec.loader.exec_module
            def exec_module(module):
                load(module)
                module.worker_command = lambda: [sys.executable, "-P", {detector!r}]
            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Finder())
"""


class BatchWorld:
    """Eight clips and two models in a folder, and the program as a process of its own that uses the detector above.

    Attributes:
        log: a line for each time that the detector ran: clip, weights, first frame, number of frames.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        site = folder / "site"
        site.mkdir()
        detector = site / "fake_detector.py"
        detector.write_text(DETECTOR)
        (site / "sitecustomize.py").write_text(SITE.replace("{detector!r}", repr(str(detector))))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(REPOSITORY)]))
        monkeypatch.setenv("BATCH_LOG", str(self.log))
        monkeypatch.setattr("iouviewer.inference.runner.worker_command", lambda: [sys.executable, "-P", str(detector)])
        for name, text in (("base", b"base"), ("small", b"worse")):
            (folder / f"{name}.pt").write_bytes(text)
        self.sources = []
        for number in range(CLIPS):
            name = f"clip{number}"
            make_video(folder / f"{name}.mp4", ClipSpec(width=64 + 2 * number, height=48, frames=FRAMES))
            with (folder / f"{name}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["frameID", "x1", "y1", "x2", "y2", "class"])
                writer.writerows([frame, 10, 8, 40, 36, "person"] for frame in range(FRAMES))
            self.sources.append(
                {"name": name, "video": f"{name}.mp4", "ground_truth": f"{name}.csv", "group": f"g{number % 2}"}
            )
        self.manifest = folder / "batch.json"
        self.write([{"name": "base", "weights": "base.pt"}, {"name": "small", "weights": "small.pt"}])

    def write(self, variants: list[dict[str, str]]) -> None:
        """Write the manifest."""
        self.manifest.write_text(json.dumps({"sources": self.sources, "variants": variants}))

    def plan(self, out: Path, frames_per_task: int = 6) -> None:
        """Pretend that the models were measured: one frame takes so long that tasks have so many frames."""
        from iouviewer.jobs.batch.manifest import known_digest
        from iouviewer.jobs.batch.outputs import OutputFolder

        outputs = OutputFolder(out)
        outputs.create()
        known = {"seconds_per_frame": 300.0 / frames_per_task, "bytes_per_frame": 40.0}
        outputs.write_plan({known_digest(path): known for path in self.folder.glob("*.pt")})

    def command(self, step: str, out: Path, *options: str) -> list[str]:
        """A command line of ``batch``."""
        return [sys.executable, "-P", "-m", "iouviewer", "batch", step, str(self.manifest), "--out", str(out), *options]

    def start(self, step: str, out: Path, *options: str) -> subprocess.Popen[str]:
        """Start the program; Ctrl+C reaches it also where the tests run in the background, which ignores it."""
        return subprocess.Popen(
            self.command(step, out, *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, step: str, out: Path, *options: str) -> tuple[int, str]:
        """Run the program to its end: exit status, and everything it printed."""
        found = subprocess.run(
            self.command(step, out, *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )
        return found.returncode, found.stdout

    @property
    def runs(self) -> list[str]:
        """The lines of the log."""
        return self.log.read_text().splitlines() if self.log.exists() else []


def contents(out: Path) -> dict[str, bytes]:
    """The results of a batch by path."""
    folder = out / "tasks"
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
