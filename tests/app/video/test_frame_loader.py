"""The frame loader: the latest request wins, stale answers are dropped, threads end."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from iouviewer.app.video import decode_thread, proxy_builder
from iouviewer.app.video.decode_thread import image_of
from iouviewer.app.video.frame_loader import FrameLoader, LoadedFrame
from iouviewer.video import open_video
from iouviewer.video.conversion import DisplayFrame
from iouviewer.video.index_cache import load_index
from iouviewer.video.proxy import Proxy
from iouviewer.video.reader import VideoReader
from tests.app.helpers import LoaderRecorder, open_and_wait, pixels_of, wait_until
from tests.video.clip_builder import DAMAGED_CLIPS, ClipSpec, make_video, read_barcode, render_frame


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("clips") / "long.mp4", ClipSpec(frames=90, gop=45, bframes=2))


@pytest.fixture
def loader(qtbot):
    loader = FrameLoader()
    yield loader
    loader.close()


@pytest.fixture
def recorder(loader):
    return LoaderRecorder(loader)


def test_opening_reports_the_properties_of_the_video(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    info = recorder.opened[0]
    assert (info.frame_count, info.size, info.fps) == (90, (160, 96), 25.0)
    assert info.complete and info.numbers_final
    assert info.keyframes.tolist() == [0, 45]
    assert len(info.times) == 90 and len(info.fingerprint) == 32 and info.index_digest


def test_a_frame_arrives_as_the_right_image(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    number = loader.request(37)
    wait_until(qtbot, lambda: recorder.frames)
    answer = recorder.frames[0]
    assert (answer.frame, answer.request, answer.exact, answer.scale) == (37, number, True, 1.0)
    assert answer.image.format() == QImage.Format.Format_RGB32
    assert read_barcode(pixels_of(answer.image)[..., :3]) == 37


def test_only_the_last_of_many_requests_is_answered(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    numbers = [loader.request(frame) for frame in [*range(80, 0, -1), 55]]
    wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].request == numbers[-1])
    assert [answer.frame for answer in recorder.frames] == [55]


def test_a_stale_answer_is_dropped(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(3)
    wait_until(qtbot, lambda: recorder.frames)
    stale = LoadedFrame(70, recorder.frames[0].request - 1, QImage(), True, 1.0)
    loader.decode_signals.frameDecoded.emit(stale)
    assert [answer.frame for answer in recorder.frames] == [3]


def test_scrubbing_shows_an_inexact_keyframe_and_then_the_frame_itself(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(80, scrubbing=True)
    wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].exact)
    assert [(answer.frame, answer.exact) for answer in recorder.frames] == [(45, False), (80, True)]
    assert read_barcode(pixels_of(recorder.frames[0].image)[..., :3]) == 45
    assert read_barcode(pixels_of(recorder.frames[1].image)[..., :3]) == 80


def test_scrubbing_shows_the_exact_frame_at_once_where_the_proxy_covers_it(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    proxies = []
    loader.index_signals.proxyOpened.connect(lambda sender, proxy: proxies.append(proxy))
    loader.request(80, scrubbing=True)
    wait_until(qtbot, lambda: proxies and len(proxies[0]) == 90)
    loader.set_memory_budget(1)
    loader.request(0)
    wait_until(qtbot, lambda: recorder.frames[-1].frame == 0)
    recorder.frames.clear()
    loader.request(79, scrubbing=True)
    wait_until(qtbot, lambda: recorder.frames)
    assert all(answer.frame == 79 and answer.exact for answer in recorder.frames)


def test_proxy_frames_that_differ_from_the_checked_ones_are_never_shown(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    wait_until(qtbot, lambda: loader.info.checked_by_decode)
    wrong = Proxy("wrong", loader.info.index_digest, stamp=None)
    wrong.add(79, cv2.cvtColor(render_frame(3, 160, 96), cv2.COLOR_BGR2BGRA), checksum=1)
    loader.use_proxy(wrong)
    loader.request(79, scrubbing=True)
    wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].exact and not recorder.frames[-1].is_preview)
    assert all(read_barcode(pixels_of(answer.image)[..., :3]) == answer.frame for answer in recorder.frames)
    wrong.close()


def test_frames_are_scaled_to_the_size_of_the_view(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    loader.set_target_size((80, 80))
    loader.request(5)
    wait_until(qtbot, lambda: recorder.frames)
    assert (recorder.frames[0].image.width(), recorder.frames[0].image.height()) == (80, 48)
    assert recorder.frames[0].scale == 0.5


def test_a_frame_outside_the_video_fails_with_a_message(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(90)
    wait_until(qtbot, lambda: recorder.errors)
    assert recorder.errors[0][0] == 90
    assert "no frame with this number" in str(recorder.errors[0][1])


def test_a_file_that_is_not_a_video_fails_to_open_and_the_next_one_opens(qtbot, loader, recorder, clip, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a video")
    open_and_wait(qtbot, loader, recorder, text)
    assert "no video" in str(recorder.failures[0]) and not recorder.opened
    open_and_wait(qtbot, loader, recorder, clip)
    wait_until(qtbot, lambda: recorder.opened)


def test_opening_another_file_drops_answers_of_the_first(qtbot, loader, recorder, clip, tmp_path):
    other = make_video(tmp_path / "other.mp4", ClipSpec(frames=10))
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(80)
    loader.open(other)
    wait_until(qtbot, lambda: len(recorder.opened) == 2)
    assert recorder.opened[1].frame_count == 10
    loader.request(4)
    wait_until(qtbot, lambda: recorder.frames)
    assert [answer.frame for answer in recorder.frames] == [4]


def test_a_video_requested_twice_before_the_answer_is_opened_once(qtbot, loader, recorder, clip):
    loader.open(clip)
    first = loader.request(40)
    loader.open(clip)
    wait_until(qtbot, lambda: recorder.opened)
    requested = loader.request(41)
    wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].request == requested)
    # Requests are served in order, so a second opening would have been reported before this answer.
    requested = loader.request(42)
    wait_until(qtbot, lambda: recorder.frames[-1].request == requested)
    assert len(recorder.opened) == 1
    assert first not in [answer.request for answer in recorder.frames[1:]]
    loader.open(clip)
    wait_until(qtbot, lambda: len(recorder.opened) == 2)


@pytest.mark.parametrize("broken", ["open_video", "info_of"])
def test_an_unexpected_error_while_opening_is_reported_and_the_file_can_be_opened_again(
    qtbot, loader, recorder, clip, monkeypatch, broken
):
    def bad(*_a, **_k):
        raise RuntimeError("unforeseen")

    with monkeypatch.context() as broke:
        broke.setattr(decode_thread, broken, bad)
        loader.open(clip)
        wait_until(qtbot, lambda: recorder.failures)
    assert "cannot be opened" in str(recorder.failures[0]) and "unforeseen" in str(recorder.failures[0])
    assert recorder.failures[0].path == clip
    loader.open(clip)
    wait_until(qtbot, lambda: recorder.opened)
    loader.request(12)
    wait_until(qtbot, lambda: recorder.frames)
    assert read_barcode(pixels_of(recorder.frames[-1].image)[..., :3]) == 12 and len(recorder.failures) == 1


def test_provisional_frame_numbers_are_settled_in_the_background(qtbot, loader, recorder, tmp_path):
    stream = make_video(tmp_path / "clip.ts", ClipSpec(frames=60, bframes=2))
    open_and_wait(qtbot, loader, recorder, stream)
    assert not recorder.opened[0].numbers_final and recorder.opened[0].uncertainties
    wait_until(qtbot, lambda: recorder.confirmed)
    confirmed = recorder.confirmed[0]
    assert confirmed.info.numbers_final and not confirmed.info.uncertainties
    assert not confirmed.changed
    assert confirmed.renumbering.tolist() == list(range(60))
    assert open_video(stream).numbers_final, "the confirmed index is kept in the cache folder"


def test_frames_of_unknown_order_are_not_exact_until_a_decode_settles_it(qtbot, loader, recorder, tmp_path):
    clip = make_video(tmp_path / "clip.avi", ClipSpec(frames=60, bframes=2))
    open_and_wait(qtbot, loader, recorder, clip)
    wait_until(qtbot, lambda: recorder.confirmed)
    assert recorder.confirmed[0].changed
    loader.request(11)
    wait_until(qtbot, lambda: recorder.frames)
    assert recorder.frames[0].exact and read_barcode(pixels_of(recorder.frames[0].image)[..., :3]) == 11


def test_damage_found_while_reading_is_settled_in_the_background(qtbot, loader, recorder, tmp_path):
    broken = make_video(tmp_path / "clip.mp4", DAMAGED_CLIPS["damaged.mp4"])
    open_and_wait(qtbot, loader, recorder, broken)
    assert recorder.opened[0].numbers_final, "nothing in the container tells of the damage"
    loader.request(34)
    wait_until(qtbot, lambda: recorder.confirmed)
    assert loader.info.numbers_final and loader.info.damage
    recorder.frames.clear()
    loader.request(34)
    wait_until(qtbot, lambda: recorder.frames)
    assert recorder.frames[0].exact


def test_a_large_file_shows_a_frame_before_its_index_is_complete(qtbot, loader, recorder, clip, monkeypatch):
    monkeypatch.setattr("iouviewer.app.video.decode_thread.LARGE_FILE", 0)
    progress = []
    loader.indexProgress.connect(progress.append)
    open_and_wait(qtbot, loader, recorder, clip)
    assert not recorder.opened[0].complete and recorder.opened[0].frame_count < 90
    wait_until(qtbot, lambda: progress and progress[-1].complete)
    assert loader.info.frame_count == 90 and loader.info.complete
    loader.request(89)
    wait_until(qtbot, lambda: recorder.frames)
    assert recorder.frames[0].frame == 89 and read_barcode(pixels_of(recorder.frames[0].image)[..., :3]) == 89


def test_a_frame_requested_by_time_has_no_number(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request_time(2.0)
    wait_until(qtbot, lambda: recorder.frames)
    assert (recorder.frames[0].frame, recorder.frames[0].exact) == (-1, False)
    assert read_barcode(pixels_of(recorder.frames[0].image)[..., :3]) == 45


def test_memory_stays_within_the_budget_and_is_reported(qtbot, loader, recorder, clip):
    loader.set_memory_budget(600_000)
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(60)
    wait_until(qtbot, lambda: recorder.frames and recorder.used and recorder.used[-1] > 0)
    assert all(used <= 600_000 for used in recorder.used)


def test_frames_are_read_ahead_only_when_allowed(qtbot, loader, recorder, clip, monkeypatch):
    calls = []
    real = VideoReader.prefetch
    monkeypatch.setattr(VideoReader, "prefetch", lambda *a, **more: calls.append(1) or real(*a, **more))
    loader.set_read_ahead(on=False)
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(50)
    wait_until(qtbot, lambda: recorder.frames and recorder.used and recorder.used[-1] > 0)
    # The use of memory is reported when there is nothing left to do.
    assert not calls
    one = recorder.used[-1]  # the frame and those decoded before it
    loader.set_read_ahead(on=True)
    wait_until(qtbot, lambda: recorder.used[-1] > 3 * one)
    assert calls


def test_answers_come_in_the_ui_thread_and_the_decoder_runs_in_another(qtbot, loader, clip, monkeypatch):
    here = threading.get_ident()
    answers, decodes = [], []
    real = VideoReader.read_display
    monkeypatch.setattr(
        VideoReader, "read_display", lambda *a, **more: decodes.append(threading.get_ident()) or real(*a, **more)
    )
    # A direct connection calls the slot in the thread that emits the signal.
    direct = Qt.ConnectionType.DirectConnection
    loader.frameReady.connect(lambda _frame: answers.append(threading.get_ident()), direct)
    loader.open(clip)
    loader.request(4)
    wait_until(qtbot, lambda: answers)
    assert set(answers) == {here}
    assert decodes and here not in decodes


def test_closing_ends_all_threads(qtbot, clip):
    before = threading.active_count()
    loader = FrameLoader()
    loader.open(clip)
    loader.request(80)
    loader.close()
    assert all(thread.isFinished() for thread in loader.threads)
    assert threading.active_count() <= before + 1


def test_an_image_owns_its_pixels():
    pixels = np.full((2, 3, 4), 7, np.uint8)
    image = image_of(DisplayFrame(0, pixels, True, 1.0))
    pixels[:] = 0
    assert (pixels_of(image)[..., :3] == 7).all()


def test_frames_reduced_during_playback_are_marked_and_full_when_paused(qtbot, tmp_path):
    path = make_video(tmp_path / "long.mp4", ClipSpec(frames=120, gop=120, bframes=2))
    loader = FrameLoader(memory=80 * 160 * 96 * 3 // 2)
    try:
        recorder = open_and_wait(qtbot, loader, LoaderRecorder(loader), path)

        def shown(frame, **how):
            number = loader.request(frame, **how)
            wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].request == number)
            return recorder.frames[-1]

        shown(119)
        answers = [shown(frame, playing=True) for frame in range(118, 20, -1)]
        assert any(answer.reduced for answer in answers)
        assert all(answer.exact and answer.reduced == (answer.scale < 0.99) for answer in answers)
        at_rest = shown(21)
        assert not at_rest.reduced and at_rest.scale == 1.0 and read_barcode(pixels_of(at_rest.image)[..., :3]) == 21
    finally:
        loader.close()


def test_a_preview_is_marked_and_the_frame_that_follows_is_not(qtbot, loader, recorder, clip):
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(40, scrubbing=True)
    wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].exact and not recorder.frames[-1].is_preview)
    before, last = recorder.frames[:-1], recorder.frames[-1]
    assert before and all(answer.is_preview and answer.frame <= 40 for answer in before)
    assert (last.frame, last.is_preview) == (40, False)


def test_scrubbing_in_several_places_opens_the_proxy_once(qtbot, loader, recorder, clip, monkeypatch):
    made = []
    real = proxy_builder.Proxy
    monkeypatch.setattr(proxy_builder, "Proxy", lambda *a, **k: made.append(real(*a, **k)) or made[-1])
    states = []
    loader.proxyState.connect(states.append)
    open_and_wait(qtbot, loader, recorder, clip)
    for frame in (80, 10, 60, 30, 70):
        loader.request(frame, scrubbing=True)
        wait_until(qtbot, lambda requested=frame: recorder.frames and recorder.frames[-1].frame == requested)
    wait_until(qtbot, lambda: states and not states[-1].is_building and states[-1].frames == 90)
    assert len(made) == 1
    loader.delete_proxies()
    wait_until(qtbot, lambda: states[-1].size == 0 and not len(made[0]))


def test_uncertain_frames_are_not_added_to_the_proxy(qtbot, loader, recorder, clip, monkeypatch):
    real = VideoReader.read_display
    monkeypatch.setattr(
        VideoReader, "read_display", lambda self, frame, *a, **k: replace(real(self, frame, *a, **k), exact=frame != 30)
    )
    states = []
    loader.proxyState.connect(states.append)
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(70, scrubbing=True)
    wait_until(qtbot, lambda: states and not states[-1].is_building)
    assert states[-1].frames == 89


def test_a_full_cache_folder_is_reported_and_the_video_still_works(qtbot, loader, recorder, clip, monkeypatch):
    def full(*_a, **_k):
        raise OSError("No space left on device")

    monkeypatch.setattr(proxy_builder.Proxy, "add", full)
    failures = []
    loader.backgroundFailed.connect(failures.append)
    open_and_wait(qtbot, loader, recorder, clip)
    loader.request(70, scrubbing=True)
    wait_until(qtbot, lambda: failures)
    assert "No space left" in str(failures[0]) and "scrub cache" in str(failures[0])
    loader.request(50)
    wait_until(qtbot, lambda: recorder.frames[-1].frame == 50)


def test_a_file_that_was_written_to_fails_the_decode_check_and_is_reported(qtbot, loader, recorder, clip, tmp_path):
    path = tmp_path / "copied.mp4"
    path.write_bytes(clip.read_bytes())
    loader.set_decode_check(on=False)
    open_and_wait(qtbot, loader, recorder, path)
    os.utime(path, ns=(1, 1))
    failures = []
    loader.backgroundFailed.connect(failures.append)
    loader.set_decode_check(on=True)
    wait_until(qtbot, lambda: failures)
    assert "has changed since it was opened" in str(failures[0])
    assert not loader.info.checked_by_decode and load_index(loader.info.fingerprint, path) is None


def test_requests_while_another_file_is_opened_belong_to_the_open_one(qtbot, loader, recorder, clip, tmp_path):
    open_and_wait(qtbot, loader, recorder, clip)
    (tmp_path / "no.mp4").write_bytes(b"no video")
    loader.open(tmp_path / "no.mp4")
    wait_until(qtbot, lambda: recorder.failures)
    assert loader.info is not None and loader.info.path == clip
    loader.request(12)
    wait_until(qtbot, lambda: recorder.frames)
    assert read_barcode(pixels_of(recorder.frames[-1].image)[..., :3]) == 12
