"""Which frames stay in the cache."""

from __future__ import annotations

from iouviewer.video.frame_cache import CachedFrame, FrameCache


class Plane:
    def __init__(self, size):
        self.buffer_size = size


class FakeFrame:
    def __init__(self, size=10):
        self.planes = [Plane(size)]


def cache_with(frames, budget=50, position=0, direction=1):
    cache = FrameCache(budget)
    cache.position, cache.direction = position, direction
    for frame in frames:
        cache.put(frame, CachedFrame(FakeFrame()))
    return cache


def test_a_new_cache_is_empty():
    cache = FrameCache(100)
    assert len(cache) == 0 and cache.get(0) is None and cache.numbers() == [] and cache.used == 0


def test_the_farthest_frames_are_evicted_beyond_the_budget():
    cache = cache_with(range(20), position=3)
    assert cache.used <= 50 and 3 in cache
    assert cache.numbers() == [3, 4, 5, 6, 7]


def test_a_larger_budget_drops_downscaled_frames():
    cache = cache_with(range(3))
    cache.put(3, CachedFrame(FakeFrame(), scale=0.5))
    cache.set_budget(50)
    assert cache.numbers() == [0, 1, 2, 3]
    cache.set_budget(60)
    assert cache.numbers() == [0, 1, 2] and cache.used == 30


def test_in_reverse_earlier_frames_stay():
    cache = cache_with(range(20), budget=40, position=10, direction=-1)
    assert cache.numbers() == [7, 8, 9, 10]


def test_one_frame_stays_however_small_the_budget():
    cache = cache_with([4], budget=1)
    assert cache.numbers() == [4]


def test_a_downscaled_frame_never_replaces_a_larger_one():
    cache = FrameCache(100)
    large, small = FakeFrame(20), FakeFrame(5)
    cache.put(1, CachedFrame(large))
    cache.put(1, CachedFrame(small, 0.5))
    assert cache.get(1).frame is large and cache.used == 20
    cache.drop(1)
    cache.put(1, CachedFrame(small, 0.5))
    cache.put(1, CachedFrame(large))
    assert cache.get(1).frame is large and cache.used == 20


def test_a_smaller_budget_takes_effect_at_once():
    cache = cache_with(range(5), position=2)
    cache.set_budget(20)
    assert cache.used <= 20 and 2 in cache


def test_dropping_and_clearing_release_the_bytes():
    cache = cache_with(range(3))
    cache.drop(1)
    cache.drop(99)
    assert cache.numbers() == [0, 2] and cache.used == 20
    cache.clear()
    assert cache.used == 0 and len(cache) == 0
