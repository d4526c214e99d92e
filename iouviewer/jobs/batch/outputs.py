"""The folder of a batch: results by task, measurements beside them, failures, and what plans found.

manifest.json          the manifest, with absolute places
plan.json              seconds and bytes a frame by variant, measured once
tasks/KEY/result.npz   what the task found; depends on nothing but the task
tasks/KEY/done         written last: hash of the result. Without it the task is not done
measured/KEY.json      times, node, device, versions; not part of the result
failed/KEY.json        the attempts of a task that is not done
predictions/VARIANT/SOURCE.json   whole videos, for ``gate``, ``open`` and other programs
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from iouviewer.atomic import file_digest, write_file
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.inference.protocol import Detections, Finished, ModelLoaded
from iouviewer.jobs.batch.tasks import BatchTask

TRIES = 3
"""Attempts of a task in one run."""


class Attempt(msgspec.Struct, frozen=True):
    """One attempt that failed.

    Attributes:
        kind: a value of ``inference.protocol.FailureKind``, ``lost`` for a process that ended, ``refused`` for a node
            that cannot do the task.
        words: one line.
        log: end of the log of the process, several lines.
        node: name of the machine.
    """

    kind: str
    words: str
    log: str = ""
    node: str = ""


class FailedTask(msgspec.Struct, frozen=True):
    """A task that is not done although it was tried."""

    task: BatchTask
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task found.

    Attributes:
        model: facts of the model; what depends on the machine is empty in the result, and in the measurements.
        found: frames in order.
        unreadable: frames that could not be decoded.
        inputs: (height, width) of the network's input that occurred.
    """

    model: ModelLoaded
    found: Sequence[Detections]
    unreadable: Sequence[int]
    inputs: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, model: ModelLoaded, found: Sequence[Detections], finished: Finished) -> TaskResult:
        """From the messages of a worker."""
        ordered = sorted(found, key=lambda one: one.frame)
        inputs = sorted((int(height), int(width)) for height, width in finished.inputs)
        return cls(model, ordered, sorted(finished.unreadable), inputs)


class OutputFolder:
    """The files of a batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def create(self) -> None:
        """Create the folder.

        Raises:
            UserError: it cannot be created.
        """
        try:
            for name in ("tasks", "measured", "failed"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = tr("the folder cannot be created: {reason}", reason=error.strerror or error)
            raise UserError(message, path=self.folder) from error

    def task_folder(self, key: str) -> Path:
        """Where the result of a task lies."""
        return self.folder / "tasks" / key

    def is_done(self, key: str) -> bool:
        """Whether the task is done."""
        return (self.task_folder(key) / "done").is_file()

    def write_result(self, task: BatchTask, result: TaskResult, measured: dict[str, Any]) -> None:
        """Write a result, then its measurements, and the marker last. A second result of a task changes nothing.

        Raises:
            UserError: it cannot be written.
        """
        data = _encode(result)
        target = self.task_folder(task.key)
        target.mkdir(parents=True, exist_ok=True)
        write_file(target / "result.npz", data)
        measured = {**measured, "key": task.key, "source": task.source, "variant": task.variant}
        write_file(self.folder / "measured" / f"{task.key}.json", msgspec.json.encode(measured, order="sorted") + b"\n")
        write_file(target / "done", (file_digest(target / "result.npz") + "\n").encode())
        (self.folder / "failed" / f"{task.key}.json").unlink(missing_ok=True)

    def read_result(self, key: str) -> TaskResult:
        """The result of a task that is done.

        Raises:
            UserError: it is damaged.
        """
        path = self.task_folder(key) / "result.npz"
        try:
            if file_digest(path) != (self.task_folder(key) / "done").read_text(encoding="ascii").strip():
                raise ValueError(tr("its content has changed"))
            return _decode(path.read_bytes())
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, msgspec.DecodeError) as error:
            raise UserError(
                tr("the result of a task is damaged: {reason}", reason=error),
                path=path,
                remedy=tr("Delete its folder and run the batch again: only this task is repeated."),
            ) from error

    def measured(self, key: str) -> dict[str, Any]:
        """The measurements of a task; empty where there are none."""
        try:
            found = json.loads((self.folder / "measured" / f"{key}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def add_failure(self, task: BatchTask, attempt: Attempt) -> int:
        """Keep an attempt that failed; returns how many there are."""
        path = self.folder / "failed" / f"{task.key}.json"
        known = self._failed(path)
        attempts = (*(known.attempts if known is not None else ()), attempt)
        write_file(path, msgspec.json.encode(FailedTask(task, attempts)) + b"\n")
        return len(attempts)

    def failures(self) -> dict[str, FailedTask]:
        """By key, the tasks that failed and are not done."""
        found = {}
        for path in sorted((self.folder / "failed").glob("*.json")):
            failed = self._failed(path)
            if failed is not None and not self.is_done(failed.task.key):
                found[failed.task.key] = failed
        return found

    @staticmethod
    def _failed(path: Path) -> FailedTask | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=FailedTask)
        except (OSError, msgspec.DecodeError):
            return None

    def forget_failures(self, keys: Sequence[str]) -> None:
        """A new run tries tasks again that failed in an earlier one."""
        for key in keys:
            (self.folder / "failed" / f"{key}.json").unlink(missing_ok=True)

    def read_plan(self) -> dict[str, dict[str, float]]:
        """Seconds and bytes a frame by hash of the weights, as measured; empty before."""
        try:
            found = json.loads((self.folder / "plan.json").read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise UserError(
                tr("the plan is damaged: {reason}", reason=error),
                path=self.folder / "plan.json",
                remedy=tr("Delete it: it is measured again, and tasks may be cut in another way."),
            ) from error
        return found if isinstance(found, dict) else {}

    def write_plan(self, plan: dict[str, dict[str, float]]) -> None:
        """Keep what was measured: tasks are cut by it, so it never changes by itself."""
        write_file(self.folder / "plan.json", (json.dumps(plan, indent=1, sort_keys=True) + "\n").encode())

    def read_digests(self) -> dict[str, tuple[int, int, str]]:
        """Digests of videos and weights that were read before; what is damaged is read again."""
        try:
            return msgspec.json.decode((self.folder / "files.json").read_bytes(), type=dict[str, tuple[int, int, str]])
        except (OSError, msgspec.DecodeError):
            return {}

    def write_digests(self, digests: dict[str, tuple[int, int, str]]) -> None:
        """Keep them, if any is new."""
        if digests != self.read_digests():
            write_file(self.folder / "files.json", msgspec.json.encode(digests, order="sorted") + b"\n")

    def free_bytes(self) -> int:
        """Free space of the disk."""
        return shutil.disk_usage(self.folder).free


def _encode(result: TaskResult) -> bytes:
    """Equal results give equal bytes."""
    model = msgspec.structs.replace(result.model, device="", hardware="", threads=0, versions={}, trusted=False)
    header = {"model": msgspec.to_builtins(model), "unreadable": list(result.unreadable), "inputs": list(result.inputs)}
    counts = np.array([len(one.scores) for one in result.found], np.int32)
    columns: dict[str, Any] = {
        "header": np.frombuffer(msgspec.json.encode(header, order="sorted"), np.uint8),
        "frames": np.array([one.frame for one in result.found], np.int64),
        "counts": counts,
        "boxes": np.concatenate([np.zeros((0, 4), np.float32), *(one.boxes for one in result.found)]),
        "scores": np.concatenate([np.zeros(0, np.float32), *(one.scores for one in result.found)]),
        "classes": np.concatenate([np.zeros(0, np.int32), *(one.classes for one in result.found)]),
    }
    file = io.BytesIO()
    np.savez(file, **columns)
    return file.getvalue()


def _decode(data: bytes) -> TaskResult:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    header = msgspec.json.decode(columns["header"].tobytes())
    ends = np.cumsum(columns["counts"]).tolist()
    found, first = [], 0
    for frame, last in zip(columns["frames"].tolist(), ends, strict=True):
        part = slice(first, last)
        boxes, scores, classes = (columns[name][part] for name in ("boxes", "scores", "classes"))
        found.append(Detections(frame, boxes, scores, classes, np.zeros(3, np.float32)))
        first = last
    inputs = [(int(height), int(width)) for height, width in header["inputs"]]
    return TaskResult(msgspec.convert(header["model"], ModelLoaded), found, header["unreadable"], inputs)
