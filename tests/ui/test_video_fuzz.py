"""Damaged files in the window: each is shown with a note or refused with a message; nothing hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.video.clip_builder import EDGE_CASES, has_encoder, make_video

LIMIT = 150
"""Timeout of one process in seconds; normally it takes a few."""


@pytest.mark.parametrize("name", ["b_frames.mp4", "stream.ts", "mpeg4.avi", "hevc.mp4"])
def test_damaged_files_are_shown_with_a_note_or_refused_with_a_message(
    name: str, tmp_path: Path, repository: Path
) -> None:
    if not has_encoder(EDGE_CASES[name].codec):
        pytest.skip(f"this build of PyAV has no encoder {EDGE_CASES[name].codec}")
    source = make_video(tmp_path / name, EDGE_CASES[name])
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
