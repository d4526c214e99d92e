"""``iouviewer worker``: joins the decoder and the detector in a process that serves one program."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from iouviewer.inference.detector import Detector
    from iouviewer.inference.protocol import LoadModel

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Speak the protocol on standard input and output until the input ends; returns the exit status."""
    stdin, stdout = take_streams()
    die_with_parent()
    from iouviewer.inference.environment import prepare

    prepare(os.environ)
    from iouviewer.inference.worker import run_worker
    from iouviewer.video import open_video

    loaded: list[Detector] = []

    def load(request: LoadModel) -> Detector:
        from iouviewer.inference.ultralytics_adapter import load_detector

        detector = load_detector(request)
        loaded[:] = [detector]
        return detector

    def end_now() -> None:
        # The main thread may be deep in a prediction: there is no other way to be gone at once.
        for detector in loaded:
            detector.close()
        os._exit(0)

    # The worker reads each frame once and in order; the decoder's memory for going back would be wasted.
    return run_worker(stdin, stdout, partial(open_video, memory=_MEMORY), load, on_gone=end_now, process=os.getpid())


_MEMORY = 64 * 1024 * 1024
"""Bytes for decoded pictures."""


def take_streams() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the program, kept from everybody else.

    Libraries print as they like. From here on file descriptor 1 is the log (standard error) and 0 is empty, so that
    nothing but messages reaches the program, not even from C code.
    """
    private_in, private_out = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (private_in, private_out):
            msvcrt.setmode(descriptor, os.O_BINARY)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    return os.fdopen(private_in, "rb"), os.fdopen(private_out, "wb")


def die_with_parent() -> None:
    """On Linux the kernel ends this process with its parent, should the end of the input ever not be seen."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
