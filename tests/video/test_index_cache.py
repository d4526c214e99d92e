"""Indexes in the cache folder: never an error, never of another file than they say, never without end."""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from iouviewer.video import check, index_cache, open_video, opening
from iouviewer.video.fingerprint import fingerprint, stamp_of
from iouviewer.video.index import Packets, VideoIndex, index_of_packets
from iouviewer.video.index_builder import complete_index
from iouviewer.video.index_cache import cached_path, load_index, save_index


def small_index() -> VideoIndex:
    order = np.arange(4, dtype=np.int64)
    marks = np.zeros(4, np.bool_)
    return index_of_packets(Packets(order, order, order, order + 1, marks, marks, marks), Fraction(1, 10))


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"film")
    return path


@pytest.fixture
def copied(clip, tmp_path):
    path = tmp_path / "copied.mp4"
    path.write_bytes(clip("plain.mp4").read_bytes())
    return path


def write_to(path):
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000_000))


def kept_names():
    return sorted(path.name for path in cached_path("x").parent.iterdir())


def test_no_flipped_bit_of_an_entry_is_an_error(video):
    save_index(small_index(), "name", video, stamp_of(video))
    kept = cached_path("name")
    whole = kept.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for at in [*range(60), *range(directory, len(whole))]:
        for bit in (1, 8, 64):
            damaged = bytearray(whole)
            damaged[at] ^= bit
            kept.write_bytes(damaged)
            loaded = load_index("name", video)
            assert loaded is None or loaded.digest == small_index().digest


def test_a_disk_that_fills_up_leaves_nothing_behind(video, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    save_index(small_index(), "name", video, stamp_of(video))
    assert kept_names() == []


def test_an_index_is_not_kept_for_a_file_that_was_written_to_since(video):
    before = stamp_of(video)
    video.write_bytes(b"film, grown")
    save_index(small_index(), "name", video, before)
    assert load_index("name", video) is None
    video.unlink()
    save_index(small_index(), "name", video, before)
    save_index(small_index(), "name", video, None)
    assert not cached_path("name").exists()


def test_a_file_that_is_written_to_while_it_is_opened_is_indexed_again(copied, monkeypatch):
    real = opening.scan_packets

    def written_to_meanwhile(*args, **kwargs):
        write_to(copied)
        return real(*args, **kwargs)

    monkeypatch.setattr(opening, "scan_packets", written_to_meanwhile)
    open_video(copied).close()
    assert load_index(fingerprint(copied), copied) is None
    monkeypatch.undo()
    open_video(copied).close()
    assert load_index(fingerprint(copied), copied) is not None


def test_a_file_that_is_written_to_while_its_index_grows_is_indexed_again(copied):
    before = stamp_of(copied)
    write_to(copied)
    complete_index(copied, "name", stamp=before)
    assert load_index("name", copied) is None
    complete_index(copied, "name")
    assert load_index("name", copied) is not None


def test_a_check_keeps_no_proof_of_a_file_that_was_written_to_meanwhile(copied, monkeypatch):
    real = check.confirm_index

    def written_to_meanwhile(*args, **kwargs):
        write_to(copied)
        return real(*args, **kwargs)

    monkeypatch.setattr(check, "confirm_index", written_to_meanwhile)
    check.check_video(copied, sample=2)
    assert load_index(fingerprint(copied), copied) is None


def test_what_was_not_used_for_longest_makes_room(video, monkeypatch):
    monkeypatch.setattr(index_cache, "MOST_ENTRIES", 3)
    for age, name in enumerate("abc"):
        save_index(small_index(), name, video, stamp_of(video))
        os.utime(cached_path(name), (1000 + age, 1000 + age))
    assert load_index("a", video) is not None
    save_index(small_index(), "d", video, stamp_of(video))
    assert kept_names() == ["a.npz", "c.npz", "d.npz"]
    monkeypatch.setattr(index_cache, "LARGEST_FOLDER", cached_path("d").stat().st_size + 1)
    save_index(small_index(), "e", video, stamp_of(video))
    assert kept_names() == ["e.npz"]


def test_what_a_crash_left_half_written_goes_and_what_is_being_written_stays(video):
    save_index(small_index(), "name", video, stamp_of(video))
    folder = cached_path("name").parent
    (folder / "old.part").write_bytes(b"half")
    os.utime(folder / "old.part", (time.time() - 86_400,) * 2)
    (folder / "new.part").write_bytes(b"half")
    save_index(small_index(), "name", video, stamp_of(video))
    assert kept_names() == ["name.npz", "new.part"]
