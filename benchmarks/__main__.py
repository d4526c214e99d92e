"""Runs a benchmark: ``python -m benchmarks NAME [options]``. Installs nothing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """Pass the arguments to ``benchmarks.NAME.main``."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    if not argv or argv[0] not in names:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(names)}}} [options]\n")
        return 2
    result = importlib.import_module(f"benchmarks.{argv[0]}").main(argv[1:])
    return int(result or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
