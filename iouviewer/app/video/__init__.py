"""Frames for the window: decoding, indexing and playing in threads of their own."""
