"""A frame is identified by timestamp and occurrence, and by its packet where timestamps are equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.document.numbering import NO_PACKET, NO_TIME, Numbering
from tests.document.builders import numbering


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (numbering([]), numbering([]), []),
        (numbering([]), numbering([0]), []),
        (numbering([0, 40]), numbering([]), [-1, -1]),
        (numbering([40, 40]), numbering([]), [-1, -1]),
        (numbering([0, 40, 80]), numbering([40, 80]), [-1, 0, 1]),
        # Another demuxer numbers packets differently; timestamps identify the frames.
        (numbering([0, 40, 80], [5, 6, 7]), numbering([0, 80], [0, 2]), [0, -1, 1]),
        # Of two frames with equal timestamps the first is missing; its packet identifies it.
        (numbering([0, 40, 40, 80]), numbering([0, 40, 80], [0, 2, 3]), [0, -1, 1, 2]),
        # A packet turns out to hold two frames.
        (numbering([0, 40, 80]), numbering([0, 40, 40, 80], [0, 1, 1, 2], repeats=[0, 0, 1, 0]), [0, 1, 3]),
        # Without timestamps packets identify the frames.
        (numbering([NO_TIME] * 3), numbering([NO_TIME] * 2, [0, 2]), [0, -1, 1]),
        # Only a decode can tell the order: a number is a position in display order.
        (numbering([0, 1, 2, 3], order_known=False), numbering([0, 1, 2, 3], [0, 2, 3, 1]), [0, 1, 2, 3]),
        (numbering([0, 1, 2, 3], order_known=False), numbering([0, 1, 3], [0, 3, 1]), [0, 1, -1, 2]),
        (numbering([NO_TIME] * 3, order_known=False), numbering([NO_TIME] * 2, [2, 0]), [0, 1, -1]),
        # Frames that are not in the video match again when they reappear.
        (numbering([0, 80, 40], [0, 2, 1], video_frames=2), numbering([0, 40, 80]), [0, 2, 1]),
        (numbering([0, 40, 80]), numbering([0, 80, 40], [0, 2, 1], video_frames=2), [0, -1, 1]),
    ],
)
def test_frames_are_matched(before: Numbering, after: Numbering, expected: list[int]):
    assert before.match_frames(after).tolist() == expected


def test_an_unidentified_frame_keeps_a_free_number():
    known = numbering([0, 40]).padded_to(4)
    assert known.packets.tolist() == [0, 1, NO_PACKET, NO_PACKET]
    assert known.video_frame_count == 2
    assert known.match_frames(numbering([0, 40, 80])).tolist() == [0, 1, 2, -1]
    assert known.match_frames(numbering([0, 20, 40])).tolist() == [0, 2, -1, -1]


stamps = st.lists(st.one_of(st.integers(0, 6), st.just(NO_TIME), st.integers(-(2**62), 2**62)), max_size=12)
packets = st.permutations(range(12))


@given(stamps, packets, stamps, packets, st.booleans(), st.booleans(), st.integers(0, 12))
def test_no_two_frames_get_the_same_number(one, first, other, second, known, also_known, video_frames):
    before = numbering(one, first[: len(one)], order_known=known, video_frames=min(video_frames, len(one)))
    after = numbering(other, second[: len(other)], order_known=also_known)
    found = before.match_frames(after)
    matched = found[found >= 0].tolist()
    assert len(found) == len(one) and len(set(matched)) == len(matched)
    assert all(number < len(other) for number in matched)


@given(stamps, packets, st.booleans())
def test_the_same_numbering_keeps_all_numbers(one, first, known):
    same = numbering(one, first[: len(one)], order_known=known)
    assert same.match_frames(same).tolist() == list(range(len(one)))


@given(stamps, packets, st.integers(0, 12))
def test_a_numbering_survives_encoding(one, first, video_frames):
    before = numbering(one, first[: len(one)], video_frames=min(video_frames, len(one)))
    after = Numbering.decode(before.encode())
    assert (after.digest, after.video_frame_count, after.complete, after.order_known) == (
        before.digest,
        before.video_frame_count,
        before.complete,
        before.order_known,
    )
    for name in ("stamps", "occurrences", "packets", "repeats"):
        assert getattr(after, name).tolist() == getattr(before, name).tolist()


@pytest.mark.parametrize("data", [b"", b"nonsense", numbering([0, 40]).encode()[:-3]])
def test_other_bytes_are_refused(data: bytes):
    with pytest.raises(ValueError, match="not a numbering"):
        Numbering.decode(data)


def test_an_hour_of_constant_rate_is_stored_compactly():
    count = 3600 * 25
    assert len(numbering([i * 3600 for i in range(count)]).encode()) < 5000
