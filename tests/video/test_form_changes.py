"""Pictures that change their size in the middle of a stream: how they are shown, and that it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iouviewer.app.video.video_info import info_of, info_with
from iouviewer.app.video.video_notes import notes_on
from iouviewer.jobs.check import check_text
from iouviewer.video import open_video
from iouviewer.video.check import check_video
from iouviewer.video.decode_check import confirm_index
from iouviewer.video.facts import FormChange
from tests.video.awkward import VideoMaker, make_video


def joined(folder: Path, *makers: VideoMaker) -> Path:
    """Recordings in MPEG-TS, one behind the other."""
    path = folder / "joined.ts"
    parts = [make_video(folder / f"{number}.ts", maker).read_bytes() for number, maker in enumerate(makers)]
    path.write_bytes(b"".join(parts))
    return path


@pytest.fixture(scope="module")
def widened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 pictures of 160 x 96, then 40 of 320 x 96."""
    wide = VideoMaker(frames=40, bframes=2, width=320, stamps=lambda number: number + 40)
    return joined(tmp_path_factory.mktemp("widened"), VideoMaker(frames=40, bframes=2), wide)


def test_a_decode_tells_where_the_size_changes_and_the_cache_keeps_it(widened):
    assert open_video(widened).index.form_changes == ()
    check_video(widened, sample=1)
    assert open_video(widened).index.form_changes == (FormChange(40, (320, 96), "yuv420p"),)


def test_each_change_is_told_and_none_where_there_is_none(clip, tmp_path):
    wide = VideoMaker(frames=20, width=320, stamps=lambda number: number + 20)
    other = VideoMaker(frames=20, pix_fmt="yuv444p", stamps=lambda number: number + 40)
    path = joined(tmp_path, VideoMaker(frames=20), wide, other)
    changes = confirm_index(path, open_video(path).index).form_changes
    assert changes == (FormChange(20, (320, 96), "yuv420p"), FormChange(40, (160, 96), "yuv444p"))
    for name in ("plain.mp4", "turned_90.mp4", "odd_size.avi", "full_range.mp4", "vp9.webm"):
        assert confirm_index(clip(name), open_video(clip(name)).index).form_changes == ()


def test_people_and_models_see_all_pictures_in_one_size_small_copies_too(widened):
    reader = open_video(widened, memory=64 << 20)
    reader.use_index(confirm_index(widened, reader.index))
    for frame in (10, 60):
        assert reader.read(frame).shape == (96, 160, 3)
        shown = reader.read_display(frame)
        assert shown.pixels.shape == (96, 160, 4) and shown.exact and shown.scale == 1.0
    while reader.prefetch():
        pass
    reader.wait_for_key_frames()
    kept = reader._keys.kept(reader.index.packet_of(60))
    assert kept is not None and kept.pixels().shape == (96, 160, 4)
    reader.close()


def test_the_window_tells_it_gravely(widened):
    reader = open_video(widened)
    info = info_with(info_of(reader), confirm_index(widened, reader.index))
    note = next(note for note in notes_on(info) if note.key == "size")
    assert note.serious and "frame 40 " in note.text and "320 × 96" in note.text and "160 × 96" in note.text


def test_check_tells_it_in_words_and_numbers(widened):
    report = check_video(widened, sample=1)
    assert report["form_changes"] == [{"frame": 40, "size": [320, 96], "pixel_format": "yuv420p"}]
    assert json.loads(json.dumps(report)) == report
    said = " ".join(check_text(report).split())
    assert (
        "from frame 40 on 320 x 96, yuv420p" in said and "All are scaled to 160 x 96, for people and for models" in said
    )
