"""Frame-accurate video decoding; the only package that uses the decoder (PyAV)."""

from iouviewer.video.opening import open_video

__all__ = ["open_video"]
