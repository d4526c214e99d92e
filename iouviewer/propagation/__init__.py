"""Carries boxes over frames by following the object in the picture. NumPy and OpenCV only; no Qt, no files."""
