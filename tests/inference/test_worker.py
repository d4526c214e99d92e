from __future__ import annotations

import threading

import pytest

from iouviewer.errors import UserError
from iouviewer.inference import worker
from iouviewer.inference.detector import DetectorError
from iouviewer.inference.protocol import (
    Cancel,
    Failed,
    FailureKind,
    Finished,
    FrameDetections,
    Hello,
    LoadModel,
    Predict,
    Progress,
)
from tests.inference.helpers import INFO, Conversation, FakeDetector, FakeVideo


@pytest.fixture
def talk():
    open_ones = []

    def start(*args, **kwargs) -> Conversation:
        open_ones.append(Conversation(*args, **kwargs))
        assert isinstance(open_ones[-1].get(), Hello)
        return open_ones[-1]

    yield start
    for one in open_ones:
        if one.detector.gate is not None:
            one.detector.gate.set()
        one.end()


def found(messages):
    return [d for m in messages if isinstance(m, FrameDetections) for d in m.unpack()]


def test_no_frames_asked_for_are_none_done(talk):
    one = talk()
    one.load()
    one.send(Predict(video="/v", frames=[]))
    *_, last = one.until(Finished)
    assert (last.done, last.cancelled, last.unreadable) == (0, False, [])


def test_all_frames_are_done_in_order_and_the_video_is_closed(talk):
    one = talk(video=FakeVideo(13))
    assert one.load() == INFO
    one.send(Predict(video="/v"))
    said = one.until(Finished)
    assert [d.frame for d in found(said)] == list(range(13))
    assert [len(d.scores) for d in found(said)] == list(range(13))
    assert [d.warm for d in found(said)] == [False] * worker.WARM_UP + [True] * 3
    assert [m for m in said if isinstance(m, Progress)][-1].done == 13
    one.end()
    assert one.video.closed and one.detector.closed and one.status == 0


def test_chosen_frames_keep_their_order(talk):
    one = talk()
    one.load()
    one.send(Predict(video="/v", frames=[4, 0, 2]))
    assert [d.frame for d in found(one.until(Finished))] == [4, 0, 2]


def test_a_second_run_needs_no_second_load_and_is_warm(talk):
    one = talk(video=FakeVideo(11))
    one.load()
    one.send(Predict(video="/v"))
    one.until(Finished)
    one.send(Predict(video="/v", frames=[1]))
    assert [d.warm for d in found(one.until(Finished))] == [True]


def test_frames_that_cannot_be_decoded_are_left_out_and_named(talk):
    one = talk(video=FakeVideo(5, broken=(1, 3)))
    one.load()
    one.send(Predict(video="/v"))
    said = one.until(Finished)
    assert [d.frame for d in found(said)] == [0, 2, 4]
    assert (said[-1].done, said[-1].unreadable) == (3, [1, 3])


def test_cancel_ends_the_run_and_keeps_what_was_done(talk):
    one = talk(video=FakeVideo(100_000))
    one.load()
    one.send(Predict(video="/v"))
    said = one.until(FrameDetections)
    one.send(Cancel())
    said += one.until(Finished)
    assert said[-1].cancelled
    assert 1 <= said[-1].done < 100_000
    assert [d.frame for d in found(said)] == list(range(said[-1].done))


def test_a_run_after_a_cancelled_one_is_not_cancelled(talk):
    one = talk()
    one.load()
    one.send(Cancel())
    one.send(Predict(video="/v"))
    assert not one.until(Finished)[-1].cancelled


def test_the_end_of_the_input_is_told_in_the_middle_of_a_frame(talk):
    one = talk(FakeDetector(gate=threading.Event()))
    one.load()
    one.send(Predict(video="/v"))
    assert one.detector.entered.wait(30)
    one.stdin.close()
    assert one.gone.wait(30)


def test_predict_before_load_is_refused_and_the_worker_goes_on(talk):
    one = talk()
    one.send(Predict(video="/v"))
    assert one.get().kind == FailureKind.PROTOCOL
    assert one.load() == INFO


def test_a_second_model_in_one_process_is_refused(talk):
    one = talk()
    one.load()
    assert one.load().kind == FailureKind.PROTOCOL
    one.end()
    assert one.status == 2


def test_a_frame_outside_the_video_is_refused_before_any_work(talk):
    one = talk()
    one.load()
    one.send(Predict(video="/v", frames=[0, 5]))
    failure = one.get()
    assert (failure.kind, failure.message) == (FailureKind.VIDEO, "frame 5 is not in the video, which has 5 frames")
    assert not one.detector.entered.is_set()


def test_a_video_that_cannot_be_opened_is_one_failure(talk):
    def refuse(path: str):
        raise UserError("no video", path=path, remedy="Choose another.")

    one = talk(open_video=refuse)
    one.load()
    one.send(Predict(video="/v"))
    assert str(one.get()) == "/v: no video. Choose another."


def test_a_model_that_cannot_be_loaded_is_one_failure_with_its_kind(talk):
    def load(request: LoadModel):
        raise DetectorError(FailureKind.NEEDS_TRUST, "can do anything", path=request.weights, sha256="ab")

    one = talk(load=load)
    one.send(LoadModel(weights="/w"))
    assert one.get() == Failed(kind=FailureKind.NEEDS_TRUST, message="can do anything", path="/w", sha256="ab")


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff\xff", b"\x03\x00\x00\x00abc", b"GET / HTTP/1.1\r\n\r\n"])
def test_garbage_ends_the_worker_with_one_message(talk, garbage):
    one = talk()
    one.stdin.write(garbage)
    one.stdin.flush()
    assert one.get().kind == FailureKind.PROTOCOL
    assert one.get() is None
    one.end()
    assert one.status == 2


def test_an_answer_sent_as_a_command_is_refused(talk):
    one = talk()
    one.send(Progress(done=0, total=0, seconds=0))
    assert one.get() == Failed(kind=FailureKind.PROTOCOL, message="Progress is no command")
