"""The index: order, starts, identity, growth, and its place in the cache."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.facts import FormChange
from iouviewer.video.fingerprint import fingerprint, stamp_of
from iouviewer.video.frame_decoder import spread
from iouviewer.video.index import NO_TIME, Damage, Packets, VideoIndex, index_of_packets
from iouviewer.video.index_builder import complete_index, settled_part
from iouviewer.video.index_cache import cached_path, load_index, save_index


def packets(pts, key=(0,), discard=(), size=10):
    count = len(pts)
    marks = np.zeros((2, count), np.bool_)
    marks[0, list(key)] = True
    marks[1, list(discard)] = True
    stamps = np.array(pts, np.int64).reshape(count)
    order = np.arange(count, dtype=np.int64)
    return Packets(stamps, order, order * size, np.full(count, size), marks[0], marks[1], np.zeros(count, np.bool_))


def index_of(*args, **kwargs):
    return index_of_packets(packets(*args, **kwargs), Fraction(1, 10))


def test_no_packets_make_an_index_without_pictures():
    index = index_of([], key=())
    assert index.frame_count == 0 and len(index.times) == 0 and len(index.key_frames) == 0


def test_pictures_stand_in_the_order_of_their_time_stamps():
    index = index_of([0, 3, 1, 2, 6, 4, 5])
    assert index.pictures.tolist() == [0, 2, 3, 1, 5, 6, 4]
    assert index.frame_of_packet.tolist() == [0, 3, 1, 2, 6, 4, 5]
    assert index.times.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_discarded_packets_have_no_picture():
    index = index_of([0, 1, 2, 3], discard=(0, 1))
    assert index.frame_count == 2 and index.frame_of_packet.tolist() == [-1, -1, 0, 1]
    assert index.starts(0) == [0]


def test_pictures_that_lead_an_open_group_start_at_the_group_before():
    # packets: I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8; B4 and B5 are stored after I6 and shown before it
    index = index_of([0, 3, 1, 2, 6, 4, 5, 9, 7, 8], key=(0, 4))
    assert index.starts(4) == [0] and index.starts(5) == [0]
    assert index.starts(6) == [4, 0] and index.starts(7) == [4, 0]
    assert [index.nearest_start(frame) for frame in range(10)] == [index.starts(frame)[0] for frame in range(10)]
    assert index.group_of(5) == (0, 6) and index.group_of(6) == (6, 10)


def test_damage_reaches_to_the_next_group_and_what_leads_it():
    index = index_of([0, 3, 1, 2, 6, 4, 5, 9, 7, 8], key=(0, 4))
    assert sorted(index.affected_by(1).tolist()) == [1, 2, 3, 4, 5]
    assert sorted(index.affected_by(7).tolist()) == [7, 8, 9]


def test_a_picture_may_be_built_upon_one_that_is_shown_later():
    index = index_of([0, 3, 1, 2, 6, 4, 5], key=(0,))
    assert [index.horizon(frame) for frame in range(7)] == [0, 3, 3, 3, 6, 6, 6]


def test_equal_time_stamps_are_told_apart_by_occurrence():
    index = index_of([0, 0, 0, 5, 5, 9])
    assert index.occurrences.tolist() == [0, 1, 2, 0, 1, 0]


def test_missing_time_stamps_fall_back_on_the_order_of_decoding_and_then_on_none():
    index = index_of([NO_TIME, 1, 2])
    assert index.picture_pts.tolist() == [0, 1, 2]
    bare = replace(packets([NO_TIME] * 3), dts=np.full(3, NO_TIME))
    index = index_of_packets(bare, Fraction(1, 10))
    assert index.frame_count == 3 and len(index.times) == 0


def test_a_renumbering_follows_the_pictures():
    before = index_of([0, 1, 2, 3])
    after = replace(
        before, pictures=before.pictures[1:], repeats=before.repeats[1:], picture_pts=before.picture_pts[1:]
    )
    assert before.renumbering(after).tolist() == [-1, 0, 1, 2]
    assert not before.same_numbers(after) and before.same_numbers(index_of([0, 1, 2, 3]))


def test_a_packet_is_found_by_its_properties_only_where_they_are_unique():
    some = packets([0, 1, 1, 3])
    assert some.locate(3, 30, 10, near=0) == 3
    assert some.locate(1, -1, 10, near=0) == -1
    assert some.locate(1, -1, 10, near=2) == 2
    assert some.locate(3, 31, 10, near=3) == -1


def test_decoding_is_tried_from_ever_earlier_key_frames_and_from_the_first():
    assert spread([50, 40, 30, 20, 10, 5, 0]) == [50, 40, 30, 10, 0]
    assert spread([0]) == [0]


def test_the_index_is_kept_and_taken_again(clip, monkeypatch):
    path = clip("b_frames.mp4")
    first = open_video(path).index

    def never(*args, **kwargs):
        raise AssertionError("the packets were read again")

    monkeypatch.setattr("iouviewer.video.opening.scan_packets", never)
    second = open_video(path).index
    for name in ("pictures", "repeats", "picture_pts", "checks"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert first.digest == second.digest and first.confirmed == second.confirmed


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
def test_an_unreadable_index_is_made_again(clip, content):
    path = clip("plain.mp4")
    kept = cached_path(fingerprint(path))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    assert open_video(path).frame_count == 80
    assert load_index(fingerprint(path), path) is not None


def test_everything_about_an_index_survives_the_cache(tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"x")
    index = replace(
        index_of([0, 3, 1, 2], key=(0, 2)),
        checks=np.arange(4, dtype=np.uint32),
        confirmed=False,
        doubts=("because",),
        damage=(Damage(2, "holes"), Damage(None, "more")),
        form_changes=(FormChange(1, (320, 96), "yuv422p"),),
        rotation=90,
    )
    save_index(index, "name", video, stamp_of(video))
    loaded = load_index("name", video)
    assert isinstance(loaded, VideoIndex)
    assert (loaded.doubts, loaded.damage, loaded.rotation) == (index.doubts, index.damage, 90)
    assert loaded.form_changes == index.form_changes
    assert loaded.digest == index.digest and loaded.checks.tolist() == [0, 1, 2, 3]


def test_a_growing_index_never_changes_a_number_it_has_told(clip, monkeypatch):
    path = clip("open_gop.mp4")
    whole = open_video(path).index
    for end in range(1, len(whole.packets) + 1):
        part = Packets(**{name: getattr(whole.packets, name)[:end] for name in Packets.__dataclass_fields__})
        known = index_of_packets(settled_part(part), whole.time_base, complete=False)
        if part.key.sum() > 1:
            assert known.pictures.tolist() == whole.pictures[: known.frame_count].tolist()


def test_completing_an_index_gives_what_opening_gives_and_can_be_stopped(clip):
    path = clip("open_gop.mkv")
    whole = open_video(path).index
    assert complete_index(path, "name").digest == whole.digest
    assert load_index("name", path) is not None


def test_the_fingerprint_tells_head_tail_and_size_apart(tmp_path):
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
