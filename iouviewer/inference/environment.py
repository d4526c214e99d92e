"""The environment of detectors: variables that keep libraries offline and safe, and the hardware they run on.

The variables must be set before the first import of torch or ultralytics, which read them while they are imported. The
program passes them to the worker it starts, and the worker sets them again, so that they also apply behind ``ssh``.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path

from iouviewer.folders import config_folder

_OFFLINE_AND_QUIET = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
    "WANDB_MODE": "disabled",
    "HF_HUB_OFFLINE": "1",
    "MPLBACKEND": "Agg",
    "PYTHONUTF8": "1",
    "PYTHONUNBUFFERED": "1",
}
SAFE_LOADING = {
    "ULTRALYTICS_SAFE_LOAD": "1",
    # Makes torch refuse to run code from a pickle, even if a library asks for it.
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}
_CPU_INFO = Path("/proc/cpuinfo")
_CPU_MODEL = re.compile(r"^model name\s*:(.*)$", re.MULTILINE)


def worker_environment() -> dict[str, str]:
    """All variables for a worker process that this program starts."""
    environment = dict(os.environ)
    prepare_environment(environment)
    root = str(Path(__file__).resolve().parents[2])
    if not getattr(sys, "frozen", False):
        # The current folder is not on the worker's module path, because a file there could be imported as a module. The
        # package must therefore be found without it.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
    return environment


def prepare_environment(environment: MutableMapping[str, str]) -> None:
    """Set the variables of every worker; models are loaded safely until ``allow_code`` is called."""
    environment.update(_OFFLINE_AND_QUIET)
    settings = config_folder() / "ultralytics"
    settings.mkdir(parents=True, exist_ok=True)
    environment["YOLO_CONFIG_DIR"] = str(settings)
    environment.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    environment.update(SAFE_LOADING)


def allow_code(environment: MutableMapping[str, str]) -> None:
    """Allow pickles that run code in libraries imported from now on, after the user trusted the content by its hash."""
    for name in SAFE_LOADING:
        environment.pop(name, None)


def describe_hardware(device: str = "cpu") -> str:
    """Processor and cores, shown next to every measured rate; ``device`` is appended unless it is the processor.

    The text is stored with the results of a run, so it is not translated.
    """
    return f"{processor_name()}, {os.cpu_count() or 1} cores" + ("" if device == "cpu" else f", {device}")


def processor_name() -> str:
    """The processor's name as the operating system reports it."""
    if _CPU_INFO.exists():
        found = _CPU_MODEL.search(_CPU_INFO.read_text(encoding="utf-8", errors="replace"))
        if found is not None:
            return " ".join(found[1].split())
    return platform.processor() or platform.machine()
