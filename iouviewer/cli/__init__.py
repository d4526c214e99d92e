"""Command-line interface: one module per command."""

from iouviewer.cli.program import main

__all__ = ["main"]
