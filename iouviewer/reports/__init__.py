"""Exported results: CSV, JSON, HTML, plots, frames with boxes."""
