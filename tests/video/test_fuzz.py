"""Damaged bytes: no crash, no hang, and nothing wrong shown as exact. In a process of its own, with a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT = 100
"""Seconds for one process; it takes a few."""

CHILD = """
import sys
from pathlib import Path
import numpy as np
from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.decode_check import confirm_index
from tests.video.awkward import broken_bytes, sequential

source, folder, rounds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
# FFmpeg's HEVC decoder passes over damage in silence: only the checksums of a confirmed index find it.
reports_damage = "hevc" not in source.name
data = source.read_bytes()
generator = np.random.default_rng(len(data))
read = exact = refused = 0
for attempt in range(rounds):
    path = folder / f"{attempt}{source.suffix}"
    path.write_bytes(broken_bytes(data, generator, cut=attempt % 4 == 3))
    try:
        reader = open_video(path, memory=200_000)
    except UserError:
        refused += 1
        continue
    try:
        pictures, stamps = sequential(path)
        truth = dict(zip(stamps, pictures))
        for confirmed in (False, True):
            if confirmed:
                reader.use_index(confirm_index(path, reader.index))
            for frame in generator.permutation(reader.frame_count)[:15].tolist():
                try:
                    shown, image = reader.read_display(frame), reader.read(frame)
                except UserError:
                    continue
                read += 1
                if not shown.exact:
                    continue
                exact += 1
                place = int(reader.index.picture_pts[frame]), int(reader.index.occurrences[frame])
                wanted = pictures[frame] if confirmed else truth.get(place)
                comparable = wanted is not None and wanted.shape == image.shape
                if comparable and (confirmed or reports_damage):
                    assert np.array_equal(wanted, image), (attempt, frame, confirmed)
    finally:
        reader.close()
print(read, exact, refused)
"""


@pytest.mark.parametrize("name", ["b_frames.mp4", "open_gop.mkv", "stream.ts", "mpeg4.avi", "hevc.mp4", "vp9.webm"])
def test_damaged_bytes_never_crash_hang_or_show_a_wrong_picture_as_exact(name, clip, tmp_path, repository: Path):
    environment = os.environ | {"PYTHONPATH": str(repository)}
    command = [sys.executable, "-X", "faulthandler", "-c", CHILD, str(clip(name)), str(tmp_path), "6"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    read, exact, _ = map(int, done.stdout.split()[-3:])
    assert read >= exact > 0, "the damage left something to look at"
