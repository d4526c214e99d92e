"""Messages between the program and the worker: encoding, damage, unknown versions."""

from __future__ import annotations

import io
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iouviewer.inference import protocol
from iouviewer.inference.protocol import (
    Cancel,
    Failed,
    FailureKind,
    Finished,
    FrameDetections,
    Hello,
    LoadModel,
    Predict,
    RunProgress,
)
from tests.inference.helpers import INFO, detections

MESSAGES = [
    Hello(program="iouviewer 1", process=7),
    LoadModel(weights="/a/b.pt", imgsz=320, device="cpu", trusted=["ab"]),
    Predict(video="/v.mp4", frames=[3, 1, 2]),
    Predict(video="/v.mp4"),
    Cancel(),
    INFO,
    RunProgress(done=1, total=2, seconds=0.5),
    protocol.pack([detections(0, 0), detections(4, 3)]),
    Finished(done=3, seconds=1.0, cancelled=True, unreadable=[8], inputs=[(352, 448)]),
    Failed(kind=FailureKind.NEEDS_TRUST, message="no", path="/x", sha256="ff"),
]


def round_trip(message):
    stream = io.BytesIO()
    protocol.write_message(stream, message)
    stream.seek(0)
    return protocol.read_message(stream)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_every_message_survives_a_round_trip(message):
    assert round_trip(message) == message


def test_messages_are_maps_with_their_type():
    stream = io.BytesIO()
    protocol.write_message(stream, RunProgress(done=1, total=2, seconds=0.5))
    (length,) = struct.unpack("<I", stream.getvalue()[:4])
    assert length == len(stream.getvalue()) - 4
    assert msgspec.msgpack.decode(stream.getvalue()[4:]) == {"type": "Progress", "done": 1, "total": 2, "seconds": 0.5}


def test_a_message_without_detections_is_valid():
    assert round_trip(protocol.pack([])).unpack() == []


def test_detections_survive_a_round_trip_exactly():
    sent = [detections(3, 0), detections(9, 9), detections(4, 1)]
    for before, after in zip(sent, round_trip(protocol.pack(sent)).unpack(), strict=True):
        assert after.frame == before.frame
        assert after.boxes.dtype == np.float32 and after.classes.dtype == np.int32
        for name in ("boxes", "scores", "classes", "times"):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_lengths_that_contradict_each_other_are_refused():
    good = protocol.pack([detections(9, 2)])
    with pytest.raises(ValueError, match="expected"):
        msgspec.structs.replace(good, counts=[3]).unpack()


def test_an_empty_stream_is_the_end_and_not_an_error():
    assert protocol.read_message(io.BytesIO()) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x05", "within a message length"),
        (b"\x05\x00\x00\x00ab", "within a message"),
        (b"\x00\x00\x00\x00", "is not a message length"),
        (b"HTTP/1.1 200 OK\r\n", "is not a message length"),
        (struct.pack("<I", 3) + b"abc", "not a message of protocol version 4"),
        (struct.pack("<I", 1) + b"\x80", "not a message of protocol version 4"),
    ],
)
def test_invalid_data_is_refused(data, reason):
    with pytest.raises(protocol.ProtocolError, match=reason):
        protocol.read_message(io.BytesIO(data))


@given(st.binary(max_size=200))
def test_arbitrary_data_is_the_end_a_message_or_refused(data):
    try:
        message = protocol.read_message(io.BytesIO(data))
    except protocol.ProtocolError:
        return
    assert message is None or isinstance(message, protocol.Message)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_message_with_one_changed_byte_is_read_or_refused(message, data):
    stream = io.BytesIO()
    protocol.write_message(stream, message)
    raw = bytearray(stream.getvalue())
    raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = protocol.read_message(io.BytesIO(bytes(raw)))
    except protocol.ProtocolError as error:
        assert str(error)
        return
    assert isinstance(read, protocol.Message)
    if isinstance(read, FrameDetections):
        try:
            frames = read.unpack()
        except ValueError as error:
            assert str(error)
            return
        assert all(len(one.boxes) == len(one.scores) == len(one.classes) for one in frames)


def test_the_text_of_an_error_is_one_line():
    failure = Failed(kind=FailureKind.DAMAGED, message="cut off", remedy="Copy it again.", path="/m.pt")
    assert str(failure) == "/m.pt: cut off. Copy it again."
