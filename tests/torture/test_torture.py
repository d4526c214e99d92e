"""A few rounds of the torture driver; ``python -m tests.torture.driver --rounds 100`` runs more (docs/torture.md)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.torture.driver import available_kinds, torture

ROUNDS = int(os.environ.get("IOUVIEWER_TORTURE_ROUNDS", "5"))
SEED = int(os.environ.get("IOUVIEWER_TORTURE_SEED", "3"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends windows by SIGKILL and strace")


def test_every_edit_that_was_shown_as_saved_is_found_again(tmp_path: Path) -> None:
    log: list[dict[str, Any]] = []
    run = torture(tmp_path, ROUNDS, SEED, log.append)
    assert run.violations == [], log
    assert run.counts["saved"] >= ROUNDS and run.counts["killed"] >= 1, log


@pytest.mark.parametrize("kind", sorted({"full_disk", "read_only", "other_host", "other_clock"}))
def test_a_hostile_machine_loses_nothing(kind: str, tmp_path: Path) -> None:
    if kind not in available_kinds():
        pytest.skip(f"{kind} needs root, mount, unshare or faketime")
    run = torture(tmp_path, 1, SEED, lambda _entry: None, [kind])
    assert run.violations == []
