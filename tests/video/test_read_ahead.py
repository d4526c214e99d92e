"""Results computed ahead of time come in order, and are discarded if they are not needed."""

from __future__ import annotations

import threading

import pytest

from iouviewer.video import open_video
from iouviewer.video.decoder import Decoder
from iouviewer.video.read_ahead import ReadAhead
from tests.video.clip_builder import DAMAGED_CLIPS


def counter():
    taken: list[int] = []

    def step() -> int:
        taken.append(len(taken))
        return taken[-1]

    return step, taken


def test_results_come_in_order_whether_or_not_calls_read_ahead():
    step, _ = counter()
    ahead = ReadAhead(step, depth=4)
    assert [ahead.take(ahead=number % 7 < 4) for number in range(200)] == list(range(200))
    ahead.close()


def test_nothing_is_called_early_unless_requested():
    step, taken = counter()
    ahead = ReadAhead(step, depth=4)
    ahead.take(ahead=False)
    assert taken == [0]
    ahead.close()


@pytest.mark.parametrize("depth", [1, 2, 5, 16])
def test_no_more_results_are_ready_than_the_depth(depth):
    step, taken = counter()
    ahead = ReadAhead(step, depth=depth)
    for number in range(30):
        assert ahead.take(ahead=True) == number
        ahead.wait()
        assert len(taken) <= number + 1 + depth
    ahead.close()


def test_after_stop_nothing_runs_and_ready_results_are_discarded():
    step, taken = counter()
    ahead = ReadAhead(step, depth=5)
    ahead.take(ahead=True)
    ahead.stop()
    count = len(taken)
    assert ahead.take(ahead=False) == count
    ahead.close()


def test_an_exception_is_raised_where_the_result_is_taken():
    step, _ = counter()

    def third_fails() -> int:
        number = step()
        if number == 2:
            raise MemoryError("third")
        return number

    ahead = ReadAhead(third_fails, depth=5)
    assert [ahead.take(ahead=True), ahead.take(ahead=True)] == [0, 1]
    with pytest.raises(MemoryError, match="third"):
        ahead.take(ahead=True)
    assert ahead.take(ahead=False) == 3
    ahead.close()


def test_closing_ends_the_thread():
    step, _ = counter()
    ahead = ReadAhead(step, depth=2)
    ahead.take(ahead=True)
    names = [thread for thread in threading.enumerate() if thread.name.startswith("decode-ahead")]
    ahead.close()
    assert names and not any(thread.is_alive() for thread in names)


def decode_all(path, *, more: bool) -> list[tuple[int, int, int, int]]:
    """(packet, repeat, last packet, number of errors) after every frame."""
    index = open_video(path).index
    decoder = Decoder(path, threads=1)
    decoder.start_at(index, 0)
    rows = []
    while (decoded := decoder.next_frame(read_ahead=more)) is not None:
        rows.append((decoded.packet, decoded.repeat, decoder.last_packet, len(decoder.errors)))
    rows.append((-1, -1, decoder.last_packet, len(decoder.errors)))
    decoder.close()
    return rows


@pytest.mark.parametrize(
    "name", ["b_frames.mp4", "mpeg4.avi", "open_gop.ts", "vp9_hidden.webm", *sorted(DAMAGED_CLIPS)]
)
def test_reading_ahead_returns_the_same_frames_and_errors_at_the_same_moments(name, clip):
    assert decode_all(clip(name), more=True) == decode_all(clip(name), more=False)
