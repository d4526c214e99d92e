"""The machine in words, as it stands beside every measured rate."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_CPU_LIST = Path("/proc/cpuinfo")


def describe_processor(device: str = "cpu") -> str:
    """Name of the processor with its cores; ``device`` is added where it is another one."""
    return f"{processor()}, {os.cpu_count() or 1} cores" + ("" if device == "cpu" else f", {device}")


def processor() -> str:
    """The processor's name as the system tells it."""
    if _CPU_LIST.exists():
        for line in _CPU_LIST.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.machine()
