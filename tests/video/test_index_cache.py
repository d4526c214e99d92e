"""Indexes in the cache folder: damage is never an error, changed files are detected, the size is limited."""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from iouviewer.video import check, index_cache, open_video, opening
from iouviewer.video.fingerprint import file_stamp, fingerprint
from iouviewer.video.index import Packets, VideoIndex, build_index
from iouviewer.video.index_builder import build_complete_index
from iouviewer.video.index_cache import index_path, load_index, save_index


def small_index() -> VideoIndex:
    order = np.arange(4, dtype=np.int64)
    marks = np.zeros(4, np.bool_)
    return build_index(Packets(order, order, order, order + 1, marks, marks, marks), Fraction(1, 10))


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


def modify(path):
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000_000))


def stored_names():
    return sorted(path.name for path in index_path("x").parent.iterdir())


def test_a_flipped_bit_in_an_entry_is_never_an_error(video):
    save_index(small_index(), "name", video, file_stamp(video))
    entry = index_path("name")
    whole = entry.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for at in [*range(60), *range(directory, len(whole))]:
        for bit in (1, 8, 64):
            damaged = bytearray(whole)
            damaged[at] ^= bit
            entry.write_bytes(damaged)
            loaded = load_index("name", video)
            assert loaded is None or loaded.digest == small_index().digest


def test_a_full_disk_leaves_nothing_behind(video, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    save_index(small_index(), "name", video, file_stamp(video))
    assert stored_names() == []


def test_an_index_is_not_stored_for_a_file_modified_since(video):
    before = file_stamp(video)
    video.write_bytes(b"film, grown")
    save_index(small_index(), "name", video, before)
    assert load_index("name", video) is None
    video.unlink()
    save_index(small_index(), "name", video, before)
    save_index(small_index(), "name", video, None)
    assert not index_path("name").exists()


def test_a_file_modified_while_it_is_opened_is_indexed_again(copied, monkeypatch):
    real = opening.scan_packets

    def modify_then_call(*args, **kwargs):
        modify(copied)
        return real(*args, **kwargs)

    monkeypatch.setattr(opening, "scan_packets", modify_then_call)
    open_video(copied).close()
    assert load_index(fingerprint(copied), copied) is None
    monkeypatch.undo()
    open_video(copied).close()
    assert load_index(fingerprint(copied), copied) is not None


def test_a_file_modified_while_its_index_is_built_is_indexed_again(copied):
    before = file_stamp(copied)
    modify(copied)
    build_complete_index(copied, "name", stamp=before)
    assert load_index("name", copied) is None
    build_complete_index(copied, "name")
    assert load_index("name", copied) is not None


def test_a_check_stores_no_result_for_a_file_modified_meanwhile(copied, monkeypatch):
    real = check.run_decode_check

    def modify_then_call(*args, **kwargs):
        modify(copied)
        return real(*args, **kwargs)

    monkeypatch.setattr(check, "run_decode_check", modify_then_call)
    check.check_video(copied, sample=2)
    assert load_index(fingerprint(copied), copied) is None


def test_the_least_recently_used_index_is_evicted(video, monkeypatch):
    monkeypatch.setattr(index_cache, "MAX_ENTRIES", 3)
    for age, name in enumerate("abc"):
        save_index(small_index(), name, video, file_stamp(video))
        os.utime(index_path(name), (1000 + age, 1000 + age))
    assert load_index("a", video) is not None
    save_index(small_index(), "d", video, file_stamp(video))
    assert stored_names() == ["a.npz", "c.npz", "d.npz"]
    monkeypatch.setattr(index_cache, "MAX_BYTES", index_path("d").stat().st_size + 1)
    save_index(small_index(), "e", video, file_stamp(video))
    assert stored_names() == ["e.npz"]


def test_partly_written_files_of_a_crash_are_deleted_but_not_recent_ones(video):
    save_index(small_index(), "name", video, file_stamp(video))
    folder = index_path("name").parent
    (folder / "old.part").write_bytes(b"half")
    os.utime(folder / "old.part", (time.time() - 86_400,) * 2)
    (folder / "new.part").write_bytes(b"half")
    save_index(small_index(), "name", video, file_stamp(video))
    assert stored_names() == ["name.npz", "new.part"]
