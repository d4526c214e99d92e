"""Damaged files in the real window: each is shown, marked and told, or refused with what to do; nothing hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.video.awkward import MAKERS, encoder_exists, make_video

LIMIT = 150
"""Seconds for one process; it takes a few."""


@pytest.mark.parametrize("name", ["b_frames.mp4", "stream.ts", "mpeg4.avi", "hevc.mp4"])
def test_damaged_files_are_shown_and_told_or_refused_in_words(name: str, tmp_path: Path, repository: Path) -> None:
    if not encoder_exists(MAKERS[name].codec):
        pytest.skip(f"this build of PyAV has no encoder {MAKERS[name].codec}")
    source = make_video(tmp_path / name, MAKERS[name])
    (tmp_path / "broken").mkdir()
    environment = os.environ | {"PYTHONPATH": str(repository), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-X", "faulthandler", "-m", "tests.ui.fuzz_window"]
    command += [str(source), str(tmp_path / "broken"), "5"]
    done = subprocess.run(
        command, env=environment, cwd=repository, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    shown, refused = map(int, done.stdout.split()[-2:])
    assert shown > 0 and shown + refused == 5
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
