"""Panels of the main window: what stands around the canvas."""
