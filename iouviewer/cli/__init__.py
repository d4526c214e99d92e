"""The command line: one module a command."""

from iouviewer.cli.program import main

__all__ = ["main"]
