"""Entry point of ``iouviewer worker``: serves one parent process with a decoder and a detector."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from iouviewer.inference.detector import Detector
    from iouviewer.inference.protocol import LoadModel
    from iouviewer.inference.worker import FrameSource

_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Serve the protocol on stdin and stdout until stdin ends; returns the exit status."""
    stdin, stdout = take_streams()
    # If native code crashes, the stack goes to stderr, which the parent process writes to its log.
    faulthandler.enable(2)
    die_with_parent()
    from iouviewer.inference.environment import prepare_environment

    prepare_environment(os.environ)
    from iouviewer.inference.adapters import write_model
    from iouviewer.inference.worker import run_worker

    loaded: list[Detector] = []

    def load(request: LoadModel) -> Detector:
        from iouviewer.inference.adapters import load_detector

        detector = load_detector(request)
        loaded[:] = [detector]
        return detector

    def exit_now() -> None:
        # The main thread may be inside a prediction, which cannot be interrupted.
        for detector in loaded:
            detector.close()
        os._exit(0)

    return run_worker(stdin, stdout, _open_source, load, write_model, on_disconnect=exit_now, process=os.getpid())


_MEMORY = 64 * 1024 * 1024
"""Size of the frame cache in bytes: each frame is read once and in order, so a large one would be useless."""


def _open_source(path: str, files: Sequence[str] = ()) -> FrameSource:
    from iouviewer.video import open_video
    from iouviewer.video.image_reader import ImageReader

    if files:
        return ImageReader(Path(path), memory=_MEMORY, files=[Path(file) for file in files])
    return open_video(path, memory=_MEMORY)


def take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Reserve the pipes to the parent process for the protocol and return them as (input, output).

    Libraries may print to stdout, also from C code. Afterwards file descriptor 1 goes to the log (stderr) and 0 reads
    nothing, so only protocol messages reach the parent.
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
    """On Linux, make the kernel kill this process with its parent, in case the end of stdin is not detected."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
