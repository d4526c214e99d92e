"""Frames that change size in the middle of a stream: how they are shown and reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iouviewer.app.video.video_info import info_of, info_with
from iouviewer.app.video.video_notes import collect_notes
from iouviewer.jobs.check import check_text
from iouviewer.video import open_video
from iouviewer.video.check import check_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.stream_info import FormatChange
from tests.video.clip_builder import ClipSpec, make_video


def joined(folder: Path, *specs: ClipSpec) -> Path:
    """Concatenated MPEG-TS recordings."""
    path = folder / "joined.ts"
    parts = [make_video(folder / f"{number}.ts", spec).read_bytes() for number, spec in enumerate(specs)]
    path.write_bytes(b"".join(parts))
    return path


@pytest.fixture(scope="module")
def widened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 frames of 160 x 96, then 40 of 320 x 96."""
    wide = ClipSpec(frames=40, bframes=2, width=320, stamps=lambda number: number + 40)
    return joined(tmp_path_factory.mktemp("widened"), ClipSpec(frames=40, bframes=2), wide)


def test_the_decode_check_finds_size_changes_and_the_index_cache_stores_them(widened):
    assert open_video(widened).index.format_changes == ()
    check_video(widened, sample=1)
    assert open_video(widened).index.format_changes == (FormatChange(40, (320, 96), "yuv420p"),)


def test_every_format_change_is_found_and_none_elsewhere(clip, tmp_path):
    wide = ClipSpec(frames=20, width=320, stamps=lambda number: number + 20)
    other = ClipSpec(frames=20, pix_fmt="yuv444p", stamps=lambda number: number + 40)
    path = joined(tmp_path, ClipSpec(frames=20), wide, other)
    changes = run_decode_check(path, open_video(path).index).format_changes
    assert changes == (FormatChange(20, (320, 96), "yuv420p"), FormatChange(40, (160, 96), "yuv444p"))
    for name in ("plain.mp4", "rotated_90.mp4", "odd_size.avi", "full_range.mp4", "vp9.webm"):
        assert run_decode_check(clip(name), open_video(clip(name)).index).format_changes == ()


def test_all_frames_have_one_size_for_display_models_and_previews(widened):
    reader = open_video(widened, memory=64 << 20)
    reader.use_index(run_decode_check(widened, reader.index))
    for frame in (10, 60):
        assert reader.read(frame).shape == (96, 160, 3)
        shown = reader.read_display(frame)
        assert shown.pixels.shape == (96, 160, 4) and shown.exact and shown.scale == 1.0
    while reader.prefetch():
        pass
    reader.keyframe_cache.wait()
    cached = reader.keyframe_cache.get(reader.index.packet_of(60))
    assert cached is not None and cached.pixels().shape == (96, 160, 4)
    reader.close()


def test_the_window_warns_about_the_size_change(widened):
    reader = open_video(widened)
    info = info_with(info_of(reader), run_decode_check(widened, reader.index))
    note = next(note for note in collect_notes(info) if note.key == "size")
    assert note.serious and "frame 40 " in note.text and "320 × 96" in note.text and "160 × 96" in note.text


def test_check_reports_the_size_change_as_text_and_values(widened):
    report = check_video(widened, sample=1)
    assert report["form_changes"] == [{"frame": 40, "size": [320, 96], "pixel_format": "yuv420p"}]
    assert json.loads(json.dumps(report)) == report
    text = " ".join(check_text(report).split())
    assert (
        "from frame 40: 320 × 96, yuv420p" in text
        and "All frames are scaled to 160 × 96 for display and for models" in text
    )
