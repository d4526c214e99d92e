"""Entry point of ``python -m iouviewer``."""

from __future__ import annotations

import sys

from iouviewer.cli import main

if __name__ == "__main__":
    sys.exit(main())
