"""``make demo``: the window on the bundled sample, or the demo without a window if there is no display."""

from __future__ import annotations

import sys

from iouviewer.cli import main
from iouviewer.cli.display import display_error


def run() -> int:
    """Run the demo; returns its exit status."""
    error = display_error()
    if error is None:
        return main(["demo"])
    print(f"No window: {error.message}. Running the demo without one.", flush=True)
    return main(["demo", "--headless", "--out", "demo-results"])


if __name__ == "__main__":
    sys.exit(run())
