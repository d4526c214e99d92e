"""The environment in which detectors run: nothing is looked up, installed or reported, the user's settings stay.

It must stand before the first import of torch or ultralytics, which read these variables while they are imported. The
program gives it to the worker it starts, and the worker sets it again, so that it also holds behind ``ssh``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

from iouviewer.folders import config_folder

_QUIET = {
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
    # Whatever a library asks for, torch then refuses to run code from a pickle.
    "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}


def worker_environment() -> dict[str, str]:
    """All variables for a worker process that this program starts."""
    environment = dict(os.environ)
    prepare(environment)
    root = str(Path(__file__).resolve().parents[2])
    if not getattr(sys, "frozen", False):
        # The worker runs without the current folder on its path (a file there could pose as a module), so the
        # package must be found wherever this program was started from.
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
    return environment


def prepare(environment: MutableMapping[str, str]) -> None:
    """Set what every worker needs; loading is safe until ``allow_code`` says otherwise."""
    environment.update(_QUIET)
    settings = config_folder() / "ultralytics"
    settings.mkdir(parents=True, exist_ok=True)
    environment["YOLO_CONFIG_DIR"] = str(settings)
    environment.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    environment.update(SAFE_LOADING)


def allow_code(environment: MutableMapping[str, str]) -> None:
    """Let the next import of the libraries load pickles that run code: the user trusts the content by its hash."""
    for name in SAFE_LOADING:
        environment.pop(name, None)
