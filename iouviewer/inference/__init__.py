"""Detectors and the worker process that runs them."""
