"""Line coverage by package, from the JSON file that ``make coverage`` writes."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path


def by_package(files: dict[str, dict[str, dict[str, int]]]) -> dict[str, tuple[int, int]]:
    """(covered lines, lines) of each top-level package and of the whole, by name."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, found in files.items():
        parts = Path(name).parts
        package = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
        for key in (package, "total"):
            totals[key][0] += found["summary"]["covered_lines"]
            totals[key][1] += found["summary"]["num_statements"]
    return {name: (covered, lines) for name, (covered, lines) in sorted(totals.items())}


def main(path: str) -> None:
    """Print one line a package."""
    files = json.loads(Path(path).read_text(encoding="utf-8"))["files"]
    for name, (covered, lines) in by_package(files).items():
        print(f"{name:24} {covered / lines:7.1%}  {covered} of {lines} lines")


if __name__ == "__main__":
    main(sys.argv[1])
