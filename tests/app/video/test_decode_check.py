"""The decode of the whole file in the background: when it runs, what it changes, and what is in doubt until then."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import av
import pytest

from iouviewer.app.video import index_thread
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.video_info import Waits
from iouviewer.video import keyframes, open_video
from iouviewer.video.decode_check import Confirmation
from tests.app.video.test_frame_loader import Seen, opened, pixels_of, until
from tests.video.awkward import VideoMaker, code_in, make_video

LONG = VideoMaker(frames=160, gop=40, bframes=2, container={"movflags": "faststart"})


@pytest.fixture
def loader(qtbot):
    loader = FrameLoader(memory=128 << 20)
    yield loader
    loader.close()


@pytest.fixture
def seen(loader):
    return Seen(loader)


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4", LONG)


def overwrite(path: Path, number: int, content: bytes) -> None:
    """Write over the middle of a packet, the ``number``-th in the file, counted from 0."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        at, size = packets[number].pos, packets[number].size
    data = bytearray(path.read_bytes())
    data[at + 4 : at + size] = (content * size)[: size - 4]
    path.write_bytes(bytes(data))


def without_a_picture(path: Path) -> Path:
    """The same clip with a B picture, frame 46, that is no picture to the decoder, though a packet to the container."""
    make_video(path, LONG)
    with av.open(str(path)) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.size]
    overwrite(path, stamps.index(sorted(stamps)[46]), b"\x0c")
    return path


def code(answer) -> int:
    return code_in(pixels_of(answer.image)[..., :3])


def asked(qtbot, loader, seen, frame, **more):
    """All answers to a request, the last one being final; none where there is no picture."""
    seen.frames.clear()
    seen.errors.clear()
    loader.request(frame, **more)
    until(qtbot, lambda: seen.errors or any(not answer.stand_in for answer in seen.frames))
    return list(seen.frames)


def test_a_whole_file_is_proven_while_nothing_else_is_to_do_and_stays_so(qtbot, loader, seen, clip):
    shares = []
    loader.indexProgress.connect(lambda progress: shares.append(progress.share))
    opened(qtbot, loader, seen, clip)
    assert not seen.opened[0].proven and seen.opened[0].numbers_confirmed
    until(qtbot, lambda: loader.info.proven)
    assert not seen.confirmed[0].changed
    assert shares == sorted(shares) and shares[-1] == 1.0
    kept = open_video(clip)
    assert kept.index.proven, "it need not be decoded again"
    kept.close()


def test_the_proof_waits_while_a_model_runs_and_where_it_is_switched_off(qtbot, loader, seen, clip, monkeypatch):
    decoded = []
    real = Confirmation.advance
    monkeypatch.setattr(Confirmation, "advance", lambda self: decoded.append(1) or real(self))
    loader.hold_proof(True)
    opened(qtbot, loader, seen, clip)
    asked(qtbot, loader, seen, 100)
    qtbot.wait(50)
    assert not decoded and not loader.info.proven
    loader.set_proof(on=False)
    loader.hold_proof(False)
    qtbot.wait(50)
    assert not decoded
    loader.set_proof(on=True)
    until(qtbot, lambda: loader.info.proven)


def test_pictures_in_memory_are_kept_when_they_turn_out_right(qtbot, loader, seen, clip, monkeypatch):
    loader.set_proof(on=False)
    opened(qtbot, loader, seen, clip)
    asked(qtbot, loader, seen, 100)
    loader.set_proof(on=True)
    until(qtbot, lambda: seen.confirmed)
    started = []
    decoder = type(loader._thread._reader._pictures._decoder)
    real = decoder.start_at
    monkeypatch.setattr(
        decoder,
        "start_at",
        lambda self, index, packet, **more: (started.append(packet), real(self, index, packet, **more)),
    )
    (answer,) = asked(qtbot, loader, seen, 100)
    assert answer.exact and code(answer) == 100 and started == []


def test_small_copies_of_other_numbers_are_not_shown(qtbot, loader, seen, tmp_path):
    path = without_a_picture(tmp_path / "clip.mp4")
    states = []
    loader.proxyState.connect(states.append)
    loader.set_proof(on=False)
    loader.set_target_size((160, 96))
    opened(qtbot, loader, seen, path)
    assert loader.info.frame_count == 160 and loader.info.numbers_confirmed
    asked(qtbot, loader, seen, 150, scrubbing=True)
    until(qtbot, lambda: states and not states[-1].at_work and states[-1].pictures > 100)
    loader.set_proof(on=True)
    until(qtbot, lambda: seen.confirmed)
    assert seen.confirmed[-1].changed and loader.info.frame_count == 159
    loader.request(101, scrubbing=True)
    qtbot.waitUntil(lambda: loader._mailbox.request is None)
    for frame in (130, 101, 60):
        for answer in asked(qtbot, loader, seen, frame, scrubbing=frame == 130):
            assert code(answer) == answer.frame + (answer.frame >= 46), frame


def test_a_stand_in_is_never_kept_as_the_picture_itself(qtbot, loader, seen, clip):
    states = []
    loader.proxyState.connect(states.append)
    loader.set_target_size((160, 96))
    opened(qtbot, loader, seen, clip)
    asked(qtbot, loader, seen, 150, scrubbing=True)
    until(qtbot, lambda: states and not states[-1].at_work and states[-1].pictures == 160)
    loader._thread._reader.forget_pictures()
    loader.request(101, scrubbing=True)
    qtbot.waitUntil(lambda: loader._mailbox.request is None)
    loader.request(130)  # the hand has gone on before the picture itself was there
    until(qtbot, lambda: seen.frames and seen.frames[-1].frame == 130)
    kept = loader._thread._images
    assert all(not answer.stand_in for answer in kept.values())


@pytest.mark.parametrize("large", [False, True])
def test_damage_that_is_met_later_is_settled_by_a_decode_also_in_large_files(
    qtbot, loader, seen, tmp_path, monkeypatch, large
):
    path = make_video(tmp_path / "clip.mp4", VideoMaker(frames=160, gop=40, container={"movflags": "faststart"}))
    overwrite(path, 100, bytes(range(1, 250, 7)))
    monkeypatch.setattr("iouviewer.app.video.decode_thread.LARGE_FILE", 0 if large else 1 << 30)
    loader.set_proof(on=False)
    opened(qtbot, loader, seen, path)
    until(qtbot, lambda: loader.info.complete)
    assert not loader.info.proven and loader.info.numbers_confirmed
    for frame in (99, 100, 105):
        asked(qtbot, loader, seen, frame)
    until(qtbot, lambda: loader.info.proven)
    assert loader.info.damage


def test_the_loader_tells_what_the_proof_waits_for(qtbot, loader, seen, clip, monkeypatch):
    waits = []
    loader.proofWaits.connect(waits.append)
    loader.hold_proof(True)
    assert waits == [], "no video is open"
    opened(qtbot, loader, seen, clip)
    assert waits == [Waits.FOR_MODEL]
    loader.request(100, scrubbing=True)
    states = []
    loader.proxyState.connect(states.append)
    until(qtbot, lambda: states and not states[-1].at_work and states[0].at_work)
    assert waits == [Waits.FOR_MODEL] and loader.waits is Waits.FOR_MODEL, "a model goes before copies"
    loader.hold_proof(False)
    assert waits == [Waits.FOR_MODEL, Waits.FOR_NOTHING]
    loader._on_background_proxy_state(loader._background, replace(states[0], at_work=True))
    loader._on_background_proxy_state(loader._background, replace(states[0], at_work=False))
    assert waits[2:] == [Waits.FOR_COPIES, Waits.FOR_NOTHING]
    loader._on_background_proxy_state(loader._background, replace(states[0], at_work=True))
    loader.set_proof(on=False)
    assert waits[4:] == [Waits.FOR_COPIES, Waits.FOR_NOTHING], "what is switched off waits for nothing"


def test_what_cannot_be_read_a_second_time_is_told_and_proves_nothing(qtbot, loader, seen, clip, monkeypatch):
    failures = []
    loader.backgroundFailed.connect(failures.append)
    real = index_thread.Confirmation.advance

    def ends_early(self) -> bool:
        if self.packets >= 50:
            self.done = True
            return False
        return real(self)

    monkeypatch.setattr(index_thread.Confirmation, "advance", ends_early)
    opened(qtbot, loader, seen, clip)
    until(qtbot, lambda: failures)
    assert "only 50 of 160 packets" in str(failures[0])
    assert not loader.info.proven and loader.info.frame_count == 160
    assert code(asked(qtbot, loader, seen, 120)[-1]) == 120


def test_an_exception_beside_the_frame_thread_does_not_end_it(qtbot, loader, seen, clip, tmp_path, monkeypatch, caplog):
    real = keyframes._decoded

    def fails(decoder, index, packet):
        if threading.current_thread().name.startswith("key frames"):
            raise IndexError("list index out of range")
        return real(decoder, index, packet)

    monkeypatch.setattr(keyframes, "_decoded", fails)
    loader.set_proof(on=False)
    opened(qtbot, loader, seen, clip)
    asked(qtbot, loader, seen, 10)
    until(qtbot, lambda: "key frames" in caplog.text)
    other = make_video(tmp_path / "other.mp4", VideoMaker(frames=30))
    loader.open(other)
    until(qtbot, lambda: len(seen.opened) == 2)
    assert code(asked(qtbot, loader, seen, 20)[-1]) == 20


def test_what_the_frame_thread_did_not_foresee_is_told_and_it_goes_on(qtbot, loader, seen, clip, monkeypatch, caplog):
    failures = []
    loader.backgroundFailed.connect(failures.append)
    loader.set_proof(on=False)
    opened(qtbot, loader, seen, clip)

    def fails(*_arguments):
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(type(loader._thread._reader), "use_index", fails)
    loader.set_proof(on=True)
    until(qtbot, lambda: failures)
    assert "nobody thought of this" in str(failures[0]) and str(clip) in str(failures[0])
    assert "a step of the frame thread was given up" in caplog.text
    assert code(asked(qtbot, loader, seen, 70)[-1]) == 70
