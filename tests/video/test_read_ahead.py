"""Steps taken ahead of need come in order, and are forgotten when they are not wanted."""

from __future__ import annotations

import threading

import pytest

from iouviewer.video import open_video
from iouviewer.video.decoder import Decoder
from iouviewer.video.read_ahead import Ahead
from tests.video.awkward import BROKEN


def counter():
    taken: list[int] = []

    def step() -> int:
        taken.append(len(taken))
        return taken[-1]

    return step, taken


def test_steps_come_in_order_however_calls_ask_for_more():
    step, _ = counter()
    ahead = Ahead(step, depth=4)
    assert [ahead.take(go_on=number % 7 < 4) for number in range(200)] == list(range(200))
    ahead.close()


def test_no_step_is_taken_early_unless_asked_for():
    step, taken = counter()
    ahead = Ahead(step, depth=4)
    ahead.take(go_on=False)
    assert taken == [0]
    ahead.close()


@pytest.mark.parametrize("depth", [1, 2, 5, 16])
def test_no_more_steps_are_ready_than_the_depth(depth):
    step, taken = counter()
    ahead = Ahead(step, depth=depth)
    for number in range(30):
        assert ahead.take(go_on=True) == number
        ahead._burst.result()
        assert len(taken) <= number + 1 + depth
    ahead.close()


def test_after_a_halt_no_step_runs_and_what_was_ready_is_gone():
    step, taken = counter()
    ahead = Ahead(step, depth=5)
    ahead.take(go_on=True)
    ahead.halt()
    count = len(taken)
    assert ahead.take(go_on=False) == count
    ahead.close()


def test_a_step_that_raises_raises_where_it_is_taken():
    step, _ = counter()

    def third_fails() -> int:
        number = step()
        if number == 2:
            raise MemoryError("third")
        return number

    ahead = Ahead(third_fails, depth=5)
    assert [ahead.take(go_on=True), ahead.take(go_on=True)] == [0, 1]
    with pytest.raises(MemoryError, match="third"):
        ahead.take(go_on=True)
    assert ahead.take(go_on=False) == 3
    ahead.close()


def test_closing_ends_the_thread():
    step, _ = counter()
    ahead = Ahead(step, depth=2)
    ahead.take(go_on=True)
    names = [thread for thread in threading.enumerate() if thread.name.startswith("decode ahead")]
    ahead.close()
    assert names and not any(thread.is_alive() for thread in names)


def seen(path, *, more: bool) -> list[tuple[int, int, int, int]]:
    """(packet, repeat, packets fed, refusals) after every picture."""
    index = open_video(path).index
    decoder = Decoder(path, threads=1)
    decoder.start_at(index, 0)
    rows = []
    while (decoded := decoder.advance(more=more)) is not None:
        rows.append((decoded.packet, decoded.repeat, decoder.fed, len(decoder.errors)))
    rows.append((-1, -1, decoder.fed, len(decoder.errors)))
    decoder.close()
    return rows


@pytest.mark.parametrize("name", ["b_frames.mp4", "mpeg4.avi", "open_gop.ts", "vp9_hidden.webm", *sorted(BROKEN)])
def test_decoding_ahead_shows_the_same_pictures_and_refusals_at_the_same_moments(name, clip):
    assert seen(clip(name), more=True) == seen(clip(name), more=False)
