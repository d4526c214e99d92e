"""Small copies on disk: exact in number, safe against damage, within their limit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from iouviewer.video.proxy import Proxy, clear_proxies, proxies_size
from tests.video.awkward import code_in, picture


def pixels(number):
    return cv2.cvtColor(picture(number, 160, 96), cv2.COLOR_BGR2BGRA)


@pytest.fixture
def proxy():
    proxy = Proxy("video", "d" * 32)
    yield proxy
    proxy.close()


def test_a_new_proxy_holds_nothing(proxy):
    assert len(proxy) == 0 and 0 not in proxy and proxy.get(0, 160) is None


def test_pictures_come_back_under_their_numbers_with_their_scale(proxy):
    for number in (5, 900, 7):
        proxy.add(number, pixels(number))
    for number in (900, 5, 7):
        shown = proxy.get(number, 320)
        assert (shown.frame, shown.exact, shown.scale) == (number, True, 0.5)
        assert code_in(shown.pixels[..., :3]) == number


def test_pictures_are_there_after_reopening(proxy):
    proxy.add(3, pixels(3))
    again = Proxy("video", "d" * 32)
    assert 3 in again and code_in(again.get(3, 160).pixels[..., :3]) == 3
    again.close()


def test_other_numbers_or_another_video_are_another_proxy(proxy):
    proxy.add(3, pixels(3))
    for other in (Proxy("video", "e" * 32), Proxy("other", "d" * 32)):
        assert 3 not in other
        other.close()


def test_a_record_that_was_cut_off_is_dropped_and_writing_goes_on(proxy):
    proxy.add(1, pixels(1))
    proxy.add(2, pixels(2))
    proxy.close()
    proxy.path.write_bytes(proxy.path.read_bytes()[:-10])
    again = Proxy("video", "d" * 32)
    assert 1 in again and 2 not in again
    again.add(4, pixels(4))
    again.close()
    third = Proxy("video", "d" * 32)
    assert code_in(third.get(4, 160).pixels[..., :3]) == 4
    third.close()


def test_a_damaged_picture_is_never_shown(proxy):
    proxy.add(1, pixels(1))
    proxy.close()
    data = bytearray(proxy.path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    proxy.path.write_bytes(data)
    again = Proxy("video", "d" * 32)
    assert again.get(1, 160) is None and 1 not in again
    again.close()


def test_the_oldest_proxies_make_room_and_a_full_one_says_so():
    old = Proxy("old", "d" * 32)
    old.add(1, pixels(1))
    old.close()
    size = proxies_size()
    new = Proxy("new", "d" * 32, limit=size)
    assert not old.path.exists()
    new.add(1, pixels(1))
    assert new.full
    new.close()


def test_clearing_deletes_all(proxy):
    proxy.add(1, pixels(1))
    assert clear_proxies() > 0
    assert proxies_size() == 0


def test_reading_a_closed_proxy_gives_nothing(proxy):
    proxy.add(1, pixels(1))
    proxy.close()
    assert proxy.get(1, 160) is None


def test_a_grey_picture_keeps_its_levels(proxy):
    proxy.add(0, np.full((64, 64, 4), 128, np.uint8))
    assert np.abs(proxy.get(0, 64).pixels[..., :3].astype(int) - 128).max() <= 2
