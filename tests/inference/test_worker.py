"""The worker in a thread, with a fake detector and a fake video."""

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
    RunProgress,
)
from tests.inference.helpers import INFO, FakeDetector, FakeVideo, WorkerSession, detections_in


@pytest.fixture
def start_session():
    sessions = []

    def start(*args, **kwargs) -> WorkerSession:
        sessions.append(WorkerSession(*args, **kwargs))
        assert isinstance(sessions[-1].get(), Hello)
        return sessions[-1]

    yield start
    for session in sessions:
        if session.detector.gate is not None:
            session.detector.gate.set()
        session.end()


def test_a_request_without_frames_processes_none(start_session):
    session = start_session()
    session.load()
    session.send(Predict(video="/v", frames=[]))
    *_, last = session.read_until(Finished)
    assert (last.done, last.cancelled, last.unreadable) == (0, False, [])


def test_all_frames_are_processed_in_order_and_the_video_is_closed(start_session):
    session = start_session(video=FakeVideo(13))
    assert session.load() == INFO
    session.send(Predict(video="/v"))
    messages = session.read_until(Finished)
    assert [d.frame for d in detections_in(messages)] == list(range(13))
    assert [len(d.scores) for d in detections_in(messages)] == list(range(13))
    assert [d.warm for d in detections_in(messages)] == [False] * worker.WARM_UP_FRAMES + [True] * 3
    assert [m for m in messages if isinstance(m, RunProgress)][-1].done == 13
    session.end()
    assert session.video.closed and session.detector.closed and session.status == 0


def test_chosen_frames_keep_their_order(start_session):
    session = start_session()
    session.load()
    session.send(Predict(video="/v", frames=[4, 0, 2]))
    assert [d.frame for d in detections_in(session.read_until(Finished))] == [4, 0, 2]


def test_listed_images_are_processed_as_by_yolo_val(start_session):
    opened = []
    video = FakeVideo(3)

    def open_video(*arguments):
        opened.append(arguments)
        return video

    session = start_session(video=video, open_video=open_video)
    session.load()
    session.send(Predict(video="/d.yaml", images=["/a", "/b", "/c"], val_shapes=[(1.0, 0.5), (0.25, 1.0), (1.0, 1.0)]))
    found = detections_in(session.read_until(Finished))
    assert opened == [("/d.yaml", ["/a", "/b", "/c"])]
    assert [d.boxes[0, 2:].tolist() for d in found] == [[50, 100], [100, 25], [100, 100]]


def test_a_second_run_needs_no_second_load_and_is_warm(start_session):
    session = start_session(video=FakeVideo(11))
    session.load()
    session.send(Predict(video="/v"))
    session.read_until(Finished)
    session.send(Predict(video="/v", frames=[1]))
    assert [d.warm for d in detections_in(session.read_until(Finished))] == [True]


def test_frames_that_cannot_be_decoded_are_skipped_and_listed(start_session):
    session = start_session(video=FakeVideo(5, broken=(1, 3)))
    session.load()
    session.send(Predict(video="/v"))
    messages = session.read_until(Finished)
    assert [d.frame for d in detections_in(messages)] == [0, 2, 4]
    assert (messages[-1].done, messages[-1].unreadable) == (3, [1, 3])


def test_cancel_ends_the_run_and_keeps_finished_frames(start_session):
    session = start_session(video=FakeVideo(100_000))
    session.load()
    session.send(Predict(video="/v"))
    messages = session.read_until(FrameDetections)
    session.send(Cancel())
    messages += session.read_until(Finished)
    assert messages[-1].cancelled
    assert 1 <= messages[-1].done < 100_000
    assert [d.frame for d in detections_in(messages)] == list(range(messages[-1].done))


def test_a_run_after_a_cancelled_one_is_not_cancelled(start_session):
    session = start_session()
    session.load()
    session.send(Cancel())
    session.send(Predict(video="/v"))
    assert not session.read_until(Finished)[-1].cancelled


def test_the_end_of_the_input_is_noticed_within_a_frame(start_session):
    session = start_session(FakeDetector(gate=threading.Event()))
    session.load()
    session.send(Predict(video="/v"))
    assert session.detector.entered.wait(30)
    session.stdin.close()
    assert session.gone.wait(30)


def test_predict_before_load_is_refused_and_the_worker_continues(start_session):
    session = start_session()
    session.send(Predict(video="/v"))
    assert session.get().kind == FailureKind.PROTOCOL
    assert session.load() == INFO


def test_a_second_model_in_one_process_is_refused(start_session):
    session = start_session()
    session.load()
    assert session.load().kind == FailureKind.PROTOCOL
    session.end()
    assert session.status == 2


def test_a_frame_outside_the_video_is_refused_before_any_work(start_session):
    session = start_session()
    session.load()
    session.send(Predict(video="/v", frames=[0, 5]))
    failure = session.get()
    assert (failure.kind, failure.message) == (FailureKind.VIDEO, "frame 5 is not in the video, which has 5 frames")
    assert not session.detector.entered.is_set()


def test_a_video_that_cannot_be_opened_is_one_error(start_session):
    def refuse(path: str):
        raise UserError("no video", path=path, remedy="Choose another.")

    session = start_session(open_video=refuse)
    session.load()
    session.send(Predict(video="/v"))
    assert str(session.get()) == "/v: no video. Choose another."


def test_a_model_that_cannot_be_loaded_is_one_error_with_its_kind(start_session):
    def load(request: LoadModel):
        raise DetectorError(FailureKind.NEEDS_TRUST, "can do anything", path=request.weights, sha256="ab")

    session = start_session(load=load)
    session.send(LoadModel(weights="/w"))
    assert session.get() == Failed(kind=FailureKind.NEEDS_TRUST, message="can do anything", path="/w", sha256="ab")


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\x03\x00\x00\x00abc", b"GET / HTTP/1.1\r\n\r\n"])
def test_invalid_data_ends_the_worker_with_one_message(start_session, data):
    session = start_session()
    session.stdin.write(data)
    session.stdin.flush()
    assert session.get().kind == FailureKind.PROTOCOL
    assert session.get() is None
    session.end()
    assert session.status == 2


def test_a_reply_sent_as_a_command_is_refused(start_session):
    session = start_session()
    session.send(RunProgress(done=0, total=0, seconds=0))
    assert session.get() == Failed(kind=FailureKind.PROTOCOL, message="Progress is not a command")
