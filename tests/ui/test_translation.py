"""Everything the window shows can be translated: seen in a made-up language, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY


def test_no_text_of_the_window_is_left_in_english(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.ui.pseudo_locale", str(tmp_path)]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == []
