"""iouviewer: correct ground truth on video and see every score that depends on it move at once."""

__version__ = "0.1.0"
