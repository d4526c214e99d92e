"""Frames for the window: decoding, indexing and playback, in threads of their own."""
