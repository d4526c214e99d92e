"""The decode check in the background: when it runs, what it changes, and what is uncertain until then."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import av
import pytest

from iouviewer.app.video import index_thread
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.video_info import DecodeCheckPause
from iouviewer.video import open_video
from iouviewer.video.decode_check import DecodeCheck
from iouviewer.video.decoder import Decoder
from tests.app.helpers import LoaderRecorder, open_and_wait, pixels_of, wait_for_idle_index_thread, wait_until
from tests.video.clip_builder import ClipSpec, make_video, read_barcode

LONG = ClipSpec(frames=160, gop=40, bframes=2, container={"movflags": "faststart"})


@pytest.fixture
def loader(qtbot):
    loader = FrameLoader(memory=128 << 20)
    yield loader
    loader.close()


@pytest.fixture
def recorder(loader):
    return LoaderRecorder(loader)


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4", LONG)


def overwrite(path: Path, number: int, content: bytes) -> None:
    """Overwrite the middle of a packet, the ``number``-th in the file, counted from 0."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        at, size = packets[number].pos, packets[number].size
    data = bytearray(path.read_bytes())
    data[at + 4 : at + size] = (content * size)[: size - 4]
    path.write_bytes(bytes(data))


def with_undecodable_frame(path: Path) -> Path:
    """The same clip, in which the decoder outputs no frame for a packet of the container: B frame 46."""
    make_video(path, LONG)
    with av.open(str(path)) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.size]
    overwrite(path, stamps.index(sorted(stamps)[46]), b"\x0c")
    return path


def barcode(answer) -> int:
    return read_barcode(pixels_of(answer.image)[..., :3])


def request_and_wait(qtbot, loader, recorder, frame, **more):
    """All answers to a request, the last one final; none if the frame cannot be decoded."""
    recorder.frames.clear()
    recorder.errors.clear()
    loader.request(frame, **more)
    wait_until(qtbot, lambda: recorder.errors or any(not answer.is_preview for answer in recorder.frames))
    return list(recorder.frames)


def test_an_intact_file_is_checked_in_the_background_and_the_result_is_saved(qtbot, loader, recorder, clip):
    shares = []
    loader.indexProgress.connect(lambda progress: shares.append(progress.share))
    open_and_wait(qtbot, loader, recorder, clip)
    assert not recorder.opened[0].checked_by_decode and recorder.opened[0].numbers_final
    wait_until(qtbot, lambda: loader.info.checked_by_decode)
    assert not recorder.confirmed[0].changed
    assert shares == sorted(shares) and shares[-1] == 1.0
    reopened = open_video(clip)
    assert reopened.index.checked_by_decode, "it need not be decoded again"
    reopened.close()


def test_the_decode_check_is_paused_while_a_model_runs_or_it_is_switched_off(
    qtbot, loader, recorder, clip, monkeypatch
):
    decoded = []
    real = DecodeCheck.advance
    monkeypatch.setattr(DecodeCheck, "advance", lambda self: decoded.append(1) or real(self))
    loader.pause_decode_check(True)
    open_and_wait(qtbot, loader, recorder, clip)
    request_and_wait(qtbot, loader, recorder, 100)
    wait_for_idle_index_thread(qtbot, loader)
    assert not decoded and not loader.info.checked_by_decode
    loader.set_decode_check(on=False)
    loader.pause_decode_check(False)
    wait_for_idle_index_thread(qtbot, loader)
    assert not decoded
    loader.set_decode_check(on=True)
    wait_until(qtbot, lambda: loader.info.checked_by_decode)


def test_the_frame_cache_is_kept_if_the_decode_check_confirms_it(qtbot, loader, recorder, clip, monkeypatch):
    loader.set_decode_check(on=False)
    open_and_wait(qtbot, loader, recorder, clip)
    request_and_wait(qtbot, loader, recorder, 100)
    loader.set_decode_check(on=True)
    wait_until(qtbot, lambda: recorder.confirmed)
    started = []
    decoder = type(loader.decode_thread.reader.frame_decoder.decoder)
    real = decoder.start_at
    monkeypatch.setattr(
        decoder,
        "start_at",
        lambda self, index, packet, **more: (started.append(packet), real(self, index, packet, **more)),
    )
    (answer,) = request_and_wait(qtbot, loader, recorder, 100)
    assert answer.exact and barcode(answer) == 100 and started == []


def test_a_proxy_with_other_frame_numbers_is_not_shown(qtbot, loader, recorder, tmp_path):
    path = with_undecodable_frame(tmp_path / "clip.mp4")
    states = []
    loader.proxyState.connect(states.append)
    loader.set_decode_check(on=False)
    loader.set_target_size((160, 96))
    open_and_wait(qtbot, loader, recorder, path)
    assert loader.info.frame_count == 160 and loader.info.numbers_final
    request_and_wait(qtbot, loader, recorder, 150, scrubbing=True)
    wait_until(qtbot, lambda: states and not states[-1].is_building and states[-1].frames > 100)
    loader.set_decode_check(on=True)
    wait_until(qtbot, lambda: recorder.confirmed)
    assert recorder.confirmed[-1].changed and loader.info.frame_count == 159
    loader.request(101, scrubbing=True)
    qtbot.waitUntil(lambda: not loader.has_waiting_request)
    for frame in (130, 101, 60):
        for answer in request_and_wait(qtbot, loader, recorder, frame, scrubbing=frame == 130):
            assert barcode(answer) == answer.frame + (answer.frame >= 46), frame


def test_a_preview_is_never_cached_as_the_exact_frame(qtbot, loader, recorder, clip):
    states = []
    loader.proxyState.connect(states.append)
    loader.set_target_size((160, 96))
    open_and_wait(qtbot, loader, recorder, clip)
    request_and_wait(qtbot, loader, recorder, 150, scrubbing=True)
    wait_until(qtbot, lambda: states and not states[-1].is_building and states[-1].frames == 160)
    loader.decode_thread.reader.clear_cache()
    loader.request(101, scrubbing=True)
    qtbot.waitUntil(lambda: not loader.has_waiting_request)
    loader.request(130)  # before the frame itself was decoded
    wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].frame == 130)
    kept = loader.decode_thread.cached_frames
    assert all(not answer.is_preview for answer in kept)


@pytest.mark.parametrize("large", [False, True])
def test_damage_found_later_starts_a_decode_check_also_in_large_files(
    qtbot, loader, recorder, tmp_path, monkeypatch, large
):
    path = make_video(tmp_path / "clip.mp4", ClipSpec(frames=160, gop=40, container={"movflags": "faststart"}))
    overwrite(path, 100, bytes(range(1, 250, 7)))
    monkeypatch.setattr("iouviewer.app.video.decode_thread.LARGE_FILE", 0 if large else 1 << 30)
    loader.set_decode_check(on=False)
    open_and_wait(qtbot, loader, recorder, path)
    wait_until(qtbot, lambda: loader.info.complete)
    assert not loader.info.checked_by_decode and loader.info.numbers_final
    for frame in (99, 100, 105):
        request_and_wait(qtbot, loader, recorder, frame)
    wait_until(qtbot, lambda: loader.info.checked_by_decode)
    assert loader.info.damage


def test_the_loader_reports_why_the_decode_check_is_paused(qtbot, loader, recorder, clip, monkeypatch):
    pauses = []
    loader.decodeCheckPaused.connect(pauses.append)
    loader.pause_decode_check(True)
    assert pauses == [], "no video is open"
    open_and_wait(qtbot, loader, recorder, clip)
    assert pauses == [DecodeCheckPause.FOR_MODEL]
    loader.request(100, scrubbing=True)
    states = []
    loader.proxyState.connect(states.append)
    wait_until(qtbot, lambda: states and not states[-1].is_building and states[0].is_building)
    assert pauses == [DecodeCheckPause.FOR_MODEL] and loader.decode_check_pause is DecodeCheckPause.FOR_MODEL, (
        "a model goes before copies"
    )
    loader.pause_decode_check(False)
    assert pauses == [DecodeCheckPause.FOR_MODEL, DecodeCheckPause.NOT_PAUSED]
    loader.index_signals.proxyState.emit(loader.index_thread, replace(states[0], is_building=True))
    loader.index_signals.proxyState.emit(loader.index_thread, replace(states[0], is_building=False))
    assert pauses[2:] == [DecodeCheckPause.FOR_PROXY, DecodeCheckPause.NOT_PAUSED]
    loader.index_signals.proxyState.emit(loader.index_thread, replace(states[0], is_building=True))
    loader.set_decode_check(on=False)
    assert pauses[4:] == [DecodeCheckPause.FOR_PROXY, DecodeCheckPause.NOT_PAUSED], (
        "what is switched off pauses for nothing"
    )


def test_a_decode_check_that_ends_early_is_reported_and_settles_nothing(qtbot, loader, recorder, clip, monkeypatch):
    failures = []
    loader.backgroundFailed.connect(failures.append)
    real = index_thread.DecodeCheck.advance

    def ends_early(self) -> bool:
        if self.packets >= 50:
            self.done = True
            return False
        return real(self)

    monkeypatch.setattr(index_thread.DecodeCheck, "advance", ends_early)
    open_and_wait(qtbot, loader, recorder, clip)
    wait_until(qtbot, lambda: failures)
    assert "only 50 of 160 packets" in str(failures[0])
    assert not loader.info.checked_by_decode and loader.info.frame_count == 160
    assert barcode(request_and_wait(qtbot, loader, recorder, 120)[-1]) == 120


def test_an_exception_in_a_helper_thread_does_not_end_the_decode_thread(
    qtbot, loader, recorder, clip, tmp_path, monkeypatch, caplog
):
    real = Decoder.decode_keyframe

    def fails(decoder, index, packet):
        if threading.current_thread().name.startswith("keyframes"):
            raise IndexError("list index out of range")
        return real(decoder, index, packet)

    monkeypatch.setattr(Decoder, "decode_keyframe", fails)
    loader.set_decode_check(on=False)
    open_and_wait(qtbot, loader, recorder, clip)
    request_and_wait(qtbot, loader, recorder, 10)
    wait_until(qtbot, lambda: "keyframes of" in caplog.text)
    other = make_video(tmp_path / "other.mp4", ClipSpec(frames=30))
    loader.open(other)
    wait_until(qtbot, lambda: len(recorder.opened) == 2)
    assert barcode(request_and_wait(qtbot, loader, recorder, 20)[-1]) == 20


def test_an_unexpected_error_in_the_decode_thread_is_reported_and_it_continues(
    qtbot, loader, recorder, clip, monkeypatch, caplog
):
    failures = []
    loader.backgroundFailed.connect(failures.append)
    loader.set_decode_check(on=False)
    open_and_wait(qtbot, loader, recorder, clip)

    def fails(*_arguments):
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(type(loader.decode_thread.reader), "use_index", fails)
    loader.set_decode_check(on=True)
    wait_until(qtbot, lambda: failures)
    assert "nobody thought of this" in str(failures[0]) and str(clip) in str(failures[0])
    assert "the decode thread aborted a step" in caplog.text
    assert barcode(request_and_wait(qtbot, loader, recorder, 70)[-1]) == 70
