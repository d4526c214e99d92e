"""The only user of the decoder: frame ``i`` of a video, exactly."""

from iouviewer.video.opening import open_video

__all__ = ["open_video"]
