"""Panels of the main window around the canvas."""
