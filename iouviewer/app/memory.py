"""Returns memory that was freed to the system: the C library keeps what large temporary arrays of a thread took."""

from __future__ import annotations

import ctypes
import sys


def release_freed_memory() -> None:
    """Return free pages to the system, where the C library can (glibc). Takes up to a tenth of a second: not in the UI
    thread.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
