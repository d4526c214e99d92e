"""The index: frame order, seek points, identity, incremental building, and caching."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.fingerprint import file_stamp, fingerprint
from iouviewer.video.frame_decoder import select_seek_points
from iouviewer.video.index import Damage, Packets, VideoIndex, build_index
from iouviewer.video.index_builder import build_complete_index, final_packets
from iouviewer.video.index_cache import index_path, load_index, save_index
from iouviewer.video.stream_info import FormatChange
from iouviewer.video.timestamps import NO_PTS


def packets(pts, key=(0,), discard=(), size=10):
    count = len(pts)
    marks = np.zeros((2, count), np.bool_)
    marks[0, list(key)] = True
    marks[1, list(discard)] = True
    stamps = np.array(pts, np.int64).reshape(count)
    order = np.arange(count, dtype=np.int64)
    return Packets(stamps, order, order * size, np.full(count, size), marks[0], marks[1], np.zeros(count, np.bool_))


def index_of(*args, **kwargs):
    return build_index(packets(*args, **kwargs), Fraction(1, 10))


def test_no_packets_make_an_empty_index():
    index = index_of([], key=())
    assert index.frame_count == 0 and len(index.times) == 0 and len(index.keyframes) == 0


def test_frames_are_in_the_order_of_their_timestamps():
    index = index_of([0, 3, 1, 2, 6, 4, 5])
    assert index.frame_packets.tolist() == [0, 2, 3, 1, 5, 6, 4]
    assert index.frame_of_packet.tolist() == [0, 3, 1, 2, 6, 4, 5]
    assert index.times.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_growing_index_has_only_the_frames_whose_numbers_are_settled():
    stored = packets([0, 4, 2, 1, 3, 8, 6])
    growing = build_index(stored, Fraction(1, 10), complete=False)
    assert growing.frame_pts.tolist() == [0, 1, 2, 3, 4, 6]  # a packet of 7 may still come before 8
    assert not growing.numbers_final
    assert build_index(stored, Fraction(1, 10)).frame_pts.tolist() == [0, 1, 2, 3, 4, 6, 8]


def test_discarded_packets_have_no_frame():
    index = index_of([0, 1, 2, 3], discard=(0, 1))
    assert index.frame_count == 2 and index.frame_of_packet.tolist() == [-1, -1, 0, 1]
    assert index.seek_points(0) == [0]


def test_leading_frames_of_an_open_gop_are_decoded_from_the_previous_gop():
    # packets: I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8; B4 and B5 are stored after I6 and displayed before it
    index = index_of([0, 3, 1, 2, 6, 4, 5, 9, 7, 8], key=(0, 4))
    assert index.seek_points(4) == [0] and index.seek_points(5) == [0]
    assert index.seek_points(6) == [4, 0] and index.seek_points(7) == [4, 0]
    assert [index.nearest_seek_point(frame) for frame in range(10)] == [
        index.seek_points(frame)[0] for frame in range(10)
    ]
    assert index.gop_of(5) == (0, 6) and index.gop_of(6) == (6, 10)


def test_damage_affects_frames_up_to_the_next_gop_and_its_leading_frames():
    index = index_of([0, 3, 1, 2, 6, 4, 5, 9, 7, 8], key=(0, 4))
    assert sorted(index.frames_affected_by(1).tolist()) == [1, 2, 3, 4, 5]
    assert sorted(index.frames_affected_by(7).tolist()) == [7, 8, 9]


def test_a_frame_may_reference_one_that_is_displayed_later():
    index = index_of([0, 3, 1, 2, 6, 4, 5], key=(0,))
    assert [index.last_reference(frame) for frame in range(7)] == [0, 3, 3, 3, 6, 6, 6]


def test_equal_timestamps_are_distinguished_by_occurrence():
    index = index_of([0, 0, 0, 5, 5, 9])
    assert index.occurrences.tolist() == [0, 1, 2, 0, 1, 0]


def test_missing_pts_fall_back_to_dts_and_then_to_packet_order():
    index = index_of([NO_PTS, 1, 2])
    assert index.frame_pts.tolist() == [0, 1, 2]
    bare = replace(packets([NO_PTS] * 3), dts=np.full(3, NO_PTS))
    index = build_index(bare, Fraction(1, 10))
    assert index.frame_count == 3 and len(index.times) == 0


def test_a_renumbering_follows_the_frames():
    before = index_of([0, 1, 2, 3])
    after = replace(
        before, frame_packets=before.frame_packets[1:], repeats=before.repeats[1:], frame_pts=before.frame_pts[1:]
    )
    assert before.renumbering(after).tolist() == [-1, 0, 1, 2]
    assert not before.has_same_numbers(after) and before.has_same_numbers(index_of([0, 1, 2, 3]))


def test_a_packet_is_located_by_its_properties_only_if_they_are_unique():
    some = packets([0, 1, 1, 3])
    assert some.locate(3, 30, 10, near=0) == 3
    assert some.locate(1, -1, 10, near=0) == -1
    assert some.locate(1, -1, 10, near=2) == 2
    assert some.locate(3, 31, 10, near=3) == -1


def test_decoding_is_tried_from_ever_earlier_seek_points_and_the_first():
    assert select_seek_points([50, 40, 30, 20, 10, 5, 0]) == [50, 40, 30, 10, 0]
    assert select_seek_points([0]) == [0]


def test_the_index_is_stored_and_loaded_again(clip, monkeypatch):
    path = clip("b_frames.mp4")
    first = open_video(path).index

    def never(*args, **kwargs):
        raise AssertionError("the packets were scanned again")

    monkeypatch.setattr("iouviewer.video.opening.scan_packets", never)
    second = open_video(path).index
    for name in ("frame_packets", "repeats", "frame_pts", "checksums"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert first.digest == second.digest and first.numbers_final == second.numbers_final


def test_a_file_that_changed_is_indexed_again(clip, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip("plain.mp4").read_bytes())
    name = fingerprint(path)
    open_video(path).close()
    assert load_index(name, path) is not None
    path.touch()
    import os

    os.utime(path, ns=(1, 1))
    assert load_index(name, path) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"{}" * 100])
def test_an_unreadable_index_is_built_again(clip, content):
    path = clip("plain.mp4")
    entry = index_path(fingerprint(path))
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_bytes(content)
    assert open_video(path).frame_count == 80
    assert load_index(fingerprint(path), path) is not None


def test_all_attributes_of_an_index_survive_the_cache(tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"x")
    index = replace(
        index_of([0, 3, 1, 2], key=(0, 2)),
        checksums=np.arange(4, dtype=np.uint32),
        numbers_final=False,
        uncertainties=("because",),
        damage=(Damage(2, "holes"), Damage(None, "more")),
        format_changes=(FormatChange(1, (320, 96), "yuv422p"),),
        rotation=90,
    )
    save_index(index, "name", video, file_stamp(video))
    loaded = load_index("name", video)
    assert isinstance(loaded, VideoIndex)
    assert (loaded.uncertainties, loaded.damage, loaded.rotation) == (index.uncertainties, index.damage, 90)
    assert loaded.format_changes == index.format_changes
    assert loaded.digest == index.digest and loaded.checksums.tolist() == [0, 1, 2, 3]


def test_an_incomplete_index_never_changes_a_number_later(clip, monkeypatch):
    path = clip("open_gop.mp4")
    whole = open_video(path).index
    for end in range(1, len(whole.packets) + 1):
        part = Packets(**{name: getattr(whole.packets, name)[:end] for name in Packets.__dataclass_fields__})
        known = build_index(final_packets(part), whole.time_base, complete=False)
        if part.key.sum() > 1:
            assert known.frame_packets.tolist() == whole.frame_packets[: known.frame_count].tolist()


def test_building_a_complete_index_gives_the_same_index_as_opening(clip):
    path = clip("open_gop.mkv")
    whole = open_video(path).index
    assert build_complete_index(path, "name").digest == whole.digest
    assert load_index("name", path) is not None


def test_the_fingerprint_depends_on_head_tail_and_size(tmp_path):
    path = tmp_path / "file"
    seen = set()
    body = bytearray(3 << 20)
    for change in (None, 0, len(body) - 1):
        if change is not None:
            body[change] = 1
        path.write_bytes(body)
        seen.add(fingerprint(path))
    path.write_bytes(body + b"\0")
    seen.add(fingerprint(path))
    assert len(seen) == 4 and all(len(name) == 32 for name in seen)
