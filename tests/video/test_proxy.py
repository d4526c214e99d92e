"""Proxies on disk: exact numbers, robust against damage, within their limit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from iouviewer.video import open_video
from iouviewer.video.decode_check import run_decode_check
from iouviewer.video.fingerprint import FileStamp
from iouviewer.video.proxy import Proxy, clear_proxies, proxies_size, proxy_folder
from tests.video.clip_builder import ClipSpec, make_video, read_barcode, render_frame

STAMP = FileStamp(1000, 2000)


def pixels(number):
    return cv2.cvtColor(render_frame(number, 160, 96), cv2.COLOR_BGR2BGRA)


@pytest.fixture
def proxy():
    proxy = Proxy("video", "d" * 32, stamp=STAMP)
    yield proxy
    proxy.close()


def test_a_new_proxy_is_empty(proxy):
    assert len(proxy) == 0 and 0 not in proxy and proxy.get(0, 160) is None


def test_copies_are_returned_by_number_with_their_scale(proxy):
    for number in (5, 900, 7):
        proxy.add(number, pixels(number), checksum=number)
    for number in (900, 5, 7):
        shown = proxy.get(number, 320)
        assert (shown.frame, shown.exact, shown.scale) == (number, True, 0.5)
        assert read_barcode(shown.pixels[..., :3]) == number


def test_copies_remain_after_reopening(proxy):
    proxy.add(3, pixels(3), checksum=3)
    again = Proxy("video", "d" * 32, stamp=STAMP)
    assert 3 in again and read_barcode(again.get(3, 160).pixels[..., :3]) == 3
    again.close()


def test_other_numbers_another_video_and_an_edited_one_have_other_proxies(proxy):
    proxy.add(3, pixels(3), checksum=3)
    later = FileStamp(STAMP.size, STAMP.modified + 1)
    others = [("video", "e" * 32, STAMP), ("other", "d" * 32, STAMP), ("video", "d" * 32, later)]
    for other in [Proxy(name, digest, stamp=stamp) for name, digest, stamp in others]:
        assert 3 not in other
        other.close()


def test_a_truncated_record_is_dropped_and_writing_continues(proxy):
    proxy.add(1, pixels(1), checksum=1)
    proxy.add(2, pixels(2), checksum=2)
    proxy.close()
    proxy.path.write_bytes(proxy.path.read_bytes()[:-10])
    again = Proxy("video", "d" * 32, stamp=STAMP)
    assert 1 in again and 2 not in again
    again.add(4, pixels(4), checksum=4)
    again.close()
    third = Proxy("video", "d" * 32, stamp=STAMP)
    assert read_barcode(third.get(4, 160).pixels[..., :3]) == 4
    third.close()


def test_a_damaged_copy_is_never_shown(proxy):
    proxy.add(1, pixels(1), checksum=1)
    proxy.close()
    data = bytearray(proxy.path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    proxy.path.write_bytes(data)
    again = Proxy("video", "d" * 32, stamp=STAMP)
    assert again.get(1, 160) is None and 1 not in again
    again.close()


@pytest.mark.parametrize("at", [4, 20])
def test_a_record_with_a_damaged_number_or_checksum_is_never_shown(proxy, at):
    proxy.add(1, pixels(1), checksum=1)
    proxy.close()
    data = bytearray(proxy.path.read_bytes())
    data[at] ^= 2
    proxy.path.write_bytes(data)
    again = Proxy("video", "d" * 32, stamp=STAMP)
    assert all(again.get(frame, 160) is None for frame in range(5)) and len(again) == 0
    again.close()


def test_a_copy_that_differs_from_the_checked_frame_is_dropped_and_replaced(proxy):
    proxy.add(1, pixels(1), checksum=70)
    assert proxy.get(1, 160) is not None and proxy.get(1, 160, checksum=70) is not None
    assert proxy.get(1, 160, checksum=71) is None and 1 not in proxy
    proxy.add(1, pixels(2), checksum=71)
    again = Proxy("video", "d" * 32, stamp=STAMP)
    assert read_barcode(again.get(1, 160, checksum=71).pixels[..., :3]) == 2
    again.close()


def test_files_of_earlier_versions_are_deleted_and_an_empty_one_stays():
    folder = proxy_folder()
    folder.mkdir(parents=True)
    (folder / "earlier-dddddddddddd.pictures").write_bytes(b"IVPX" + bytes(100))
    (folder / "empty-dddddddddddd-1.pictures").write_bytes(b"")
    Proxy("video", "d" * 32, stamp=STAMP).close()
    assert sorted(path.name.split("-")[0] for path in folder.iterdir()) == ["empty", "video"]


def test_a_video_edited_in_its_middle_gets_no_outdated_copies(tmp_path):
    path = make_video(tmp_path / "raw.mov", ClipSpec(codec="rawvideo", pix_fmt="rgb24", frames=70))
    first = open_video(path)
    before = Proxy(first.fingerprint, first.index_digest, stamp=first.stamp)
    shown = first.read_display(35, with_checksum=True)
    before.add(35, shown.pixels, checksum=shown.checksum)
    at, size = int(first.index.packets.pos[35]), int(first.index.packets.size[35])
    first.close()
    data = bytearray(path.read_bytes())
    data[at : at + size] = bytes(255 - value for value in data[at : at + size])
    path.write_bytes(data)

    second = open_video(path)
    assert (second.fingerprint, second.index_digest) == (first.fingerprint, first.index_digest)
    after = Proxy(second.fingerprint, second.index_digest, stamp=second.stamp)
    assert 35 not in after
    # If the modification time does not reveal it, the decode check does.
    assert before.get(35, 160) is not None and second.known_checksum(35) is None
    second.use_index(run_decode_check(path, second.index))
    assert before.get(35, 160, checksum=second.known_checksum(35)) is None
    assert second.read_display(35, (80, 80), with_checksum=True).checksum == second.known_checksum(35)
    for one in (before, after, second):
        one.close()


def test_the_oldest_proxies_are_evicted_and_a_full_one_reports_it():
    old = Proxy("old", "d" * 32, stamp=STAMP)
    old.add(1, pixels(1), checksum=1)
    old.close()
    size = proxies_size()
    new = Proxy("new", "d" * 32, stamp=STAMP, limit=size)
    assert not old.path.exists()
    new.add(1, pixels(1), checksum=1)
    assert new.is_full
    new.close()


def test_clearing_deletes_all_proxies(proxy):
    proxy.add(1, pixels(1), checksum=1)
    assert clear_proxies() > 0
    assert proxies_size() == 0


def test_reading_a_closed_proxy_gives_nothing(proxy):
    proxy.add(1, pixels(1), checksum=1)
    proxy.close()
    assert proxy.get(1, 160) is None


def test_a_grey_frame_keeps_its_levels(proxy):
    proxy.add(0, np.full((64, 64, 4), 128, np.uint8), checksum=0)
    assert np.abs(proxy.get(0, 64).pixels[..., :3].astype(int) - 128).max() <= 2
