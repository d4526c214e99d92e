"""Which pictures stay in memory."""

from __future__ import annotations

from iouviewer.video.frame_cache import Held, Ring


class Plane:
    def __init__(self, size):
        self.buffer_size = size


class Fake:
    def __init__(self, size=10):
        self.planes = [Plane(size)]


def ring_with(frames, budget=50, centre=0, direction=1):
    ring = Ring(budget)
    ring.centre, ring.direction = centre, direction
    for frame in frames:
        ring.put(frame, Held(Fake()))
    return ring


def test_an_empty_ring_holds_nothing():
    ring = Ring(100)
    assert len(ring) == 0 and ring.get(0) is None and ring.frames() == [] and ring.used == 0


def test_the_budget_holds_and_the_farthest_go_first():
    ring = ring_with(range(20), centre=3)
    assert ring.used <= 50 and 3 in ring
    assert ring.frames() == [3, 4, 5, 6, 7]


def test_with_more_memory_small_pictures_make_way_for_whole_ones():
    ring = ring_with(range(3))
    ring.put(3, Held(Fake(), scale=0.5))
    ring.set_budget(50)
    assert ring.frames() == [0, 1, 2, 3]
    ring.set_budget(60)
    assert ring.frames() == [0, 1, 2] and ring.used == 30


def test_backwards_the_pictures_before_stay():
    ring = ring_with(range(20), budget=40, centre=10, direction=-1)
    assert ring.frames() == [7, 8, 9, 10]


def test_one_picture_stays_however_small_the_budget():
    ring = ring_with([4], budget=1)
    assert ring.frames() == [4]


def test_a_smaller_copy_never_replaces_a_larger_one():
    ring = Ring(100)
    large, small = Fake(20), Fake(5)
    ring.put(1, Held(large))
    ring.put(1, Held(small, 0.5))
    assert ring.get(1).picture is large and ring.used == 20
    ring.drop(1)
    ring.put(1, Held(small, 0.5))
    ring.put(1, Held(large))
    assert ring.get(1).picture is large and ring.used == 20


def test_a_smaller_budget_takes_effect_at_once():
    ring = ring_with(range(5), centre=2)
    ring.set_budget(20)
    assert ring.used <= 20 and 2 in ring


def test_dropping_and_clearing_give_the_bytes_back():
    ring = ring_with(range(3))
    ring.drop(1)
    ring.drop(99)
    assert ring.frames() == [0, 2] and ring.used == 20
    ring.clear()
    assert ring.used == 0 and len(ring) == 0
