"""The frame loader: latest request wins, stale answers are dropped, threads end."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QThread
from PySide6.QtGui import QImage

from iouviewer.app.video import decode_thread, proxy_builder
from iouviewer.app.video.decode_thread import image_of
from iouviewer.app.video.frame_loader import FrameLoader, LoadedFrame
from iouviewer.video import open_video
from iouviewer.video.display import DisplayFrame
from iouviewer.video.index_cache import load_index
from iouviewer.video.proxy import Proxy
from iouviewer.video.reader import VideoReader
from tests.video.awkward import BROKEN, VideoMaker, code_in, make_video, picture


class Seen:
    """What the loader said, in the order it said it, and in which thread."""

    def __init__(self, loader):
        self.frames, self.errors, self.opened, self.failures, self.used, self.confirmed = [], [], [], [], [], []
        self.threads = set()
        loader.frameReady.connect(self.frames.append)
        loader.frameFailed.connect(lambda frame, error: self.errors.append((frame, error)))
        loader.opened.connect(self.opened.append)
        loader.openFailed.connect(self.failures.append)
        loader.cacheUsed.connect(self.used.append)
        loader.numbersConfirmed.connect(self.confirmed.append)


def until(qtbot, condition):
    qtbot.waitUntil(lambda: bool(condition()), timeout=10_000)


def pixels_of(image):
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : image.width() * 4].reshape(image.height(), image.width(), 4)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("clips") / "long.mp4", VideoMaker(frames=90, gop=45, bframes=2))


@pytest.fixture
def loader(qtbot):
    loader = FrameLoader()
    yield loader
    loader.close()


@pytest.fixture
def seen(loader):
    return Seen(loader)


def opened(qtbot, loader, seen, path):
    loader.open(path)
    until(qtbot, lambda: seen.opened or seen.failures)
    return seen


def test_opening_tells_what_the_video_is(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    info = seen.opened[0]
    assert (info.frame_count, info.size, info.fps) == (90, (160, 96), 25.0)
    assert info.complete and info.numbers_confirmed
    assert info.key_frames.tolist() == [0, 45]
    assert len(info.times) == 90 and len(info.fingerprint) == 32 and info.index_digest


def test_a_frame_arrives_as_an_image_with_the_right_picture(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    number = loader.request(37)
    until(qtbot, lambda: seen.frames)
    answer = seen.frames[0]
    assert (answer.frame, answer.request, answer.exact, answer.scale) == (37, number, True, 1.0)
    assert answer.image.format() == QImage.Format.Format_RGB32
    assert code_in(pixels_of(answer.image)[..., :3]) == 37


def test_of_many_requests_at_once_the_last_is_answered_and_nothing_after_it(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    numbers = [loader.request(frame) for frame in [*range(80, 0, -1), 55]]
    until(qtbot, lambda: seen.frames and seen.frames[-1].request == numbers[-1])
    assert [answer.frame for answer in seen.frames] == [55]


def test_a_stale_answer_is_dropped(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    loader.request(3)
    until(qtbot, lambda: seen.frames)
    stale = LoadedFrame(70, seen.frames[0].request - 1, QImage(), True, 1.0)
    loader._answers.frame.emit(stale)
    assert [answer.frame for answer in seen.frames] == [3]


def test_scrubbing_shows_a_key_frame_marked_as_inexact_and_then_the_picture_itself(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    loader.request(80, scrubbing=True)
    until(qtbot, lambda: seen.frames and seen.frames[-1].exact)
    assert [(answer.frame, answer.exact) for answer in seen.frames] == [(45, False), (80, True)]
    assert code_in(pixels_of(seen.frames[0].image)[..., :3]) == 45
    assert code_in(pixels_of(seen.frames[1].image)[..., :3]) == 80


def test_once_the_proxy_covers_a_place_scrubbing_shows_the_picture_itself_at_once(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    proxies = []
    loader._background_answers.proxyOpened.connect(lambda sender, proxy: proxies.append(proxy))
    loader.request(80, scrubbing=True)
    until(qtbot, lambda: proxies and len(proxies[0]) == 90)
    loader.set_memory_budget(1)
    loader.request(0)
    until(qtbot, lambda: seen.frames[-1].frame == 0)
    seen.frames.clear()
    loader.request(79, scrubbing=True)
    until(qtbot, lambda: seen.frames)
    assert all(answer.frame == 79 and answer.exact for answer in seen.frames)


def test_small_copies_of_other_pictures_than_the_proven_ones_are_never_shown(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    until(qtbot, lambda: loader.info.proven)
    wrong = Proxy("wrong", loader.info.index_digest, stamp=None)
    wrong.add(79, cv2.cvtColor(picture(3, 160, 96), cv2.COLOR_BGR2BGRA), check=1)
    loader._mailbox.put(proxy=(loader._opening, wrong))
    loader.request(79, scrubbing=True)
    until(qtbot, lambda: seen.frames and seen.frames[-1].exact and not seen.frames[-1].stand_in)
    assert all(code_in(pixels_of(answer.image)[..., :3]) == answer.frame for answer in seen.frames)
    wrong.close()


def test_pictures_are_scaled_to_the_size_of_the_view(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    loader.set_target_size((80, 80))
    loader.request(5)
    until(qtbot, lambda: seen.frames)
    assert (seen.frames[0].image.width(), seen.frames[0].image.height()) == (80, 48)
    assert seen.frames[0].scale == 0.5


def test_a_frame_outside_the_video_fails_with_a_message(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    loader.request(90)
    until(qtbot, lambda: seen.errors)
    assert seen.errors[0][0] == 90
    assert "no picture with this number" in str(seen.errors[0][1])


def test_a_file_that_is_no_video_fails_to_open_and_the_next_one_opens(qtbot, loader, seen, clip, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a video")
    opened(qtbot, loader, seen, text)
    assert "no video" in str(seen.failures[0]) and not seen.opened
    opened(qtbot, loader, seen, clip)
    until(qtbot, lambda: seen.opened)


def test_opening_another_file_drops_answers_of_the_first(qtbot, loader, seen, clip, tmp_path):
    other = make_video(tmp_path / "other.mp4", VideoMaker(frames=10))
    opened(qtbot, loader, seen, clip)
    loader.request(80)
    loader.open(other)
    until(qtbot, lambda: len(seen.opened) == 2)
    assert seen.opened[1].frame_count == 10
    loader.request(4)
    until(qtbot, lambda: seen.frames)
    assert [answer.frame for answer in seen.frames] == [4]


def test_a_video_asked_for_twice_before_the_answer_is_opened_once(qtbot, loader, seen, clip):
    loader.open(clip)
    early = loader.request(40)
    loader.open(clip)
    until(qtbot, lambda: seen.opened)
    wanted = loader.request(41)
    until(qtbot, lambda: seen.frames and seen.frames[-1].request == wanted)
    qtbot.wait(20)
    assert len(seen.opened) == 1
    assert early not in [answer.request for answer in seen.frames[1:]]
    loader.open(clip)
    until(qtbot, lambda: len(seen.opened) == 2)


@pytest.mark.parametrize("broken", ["open_video", "info_of"])
def test_a_file_whose_opening_broke_off_unforeseen_is_told_and_can_be_opened_again(
    qtbot, loader, seen, clip, monkeypatch, broken
):
    def bad(*_a, **_k):
        raise RuntimeError("unforeseen")

    with monkeypatch.context() as broke:
        broke.setattr(decode_thread, broken, bad)
        loader.open(clip)
        until(qtbot, lambda: seen.failures)
    assert "cannot be opened" in str(seen.failures[0]) and "unforeseen" in str(seen.failures[0])
    assert seen.failures[0].path == clip
    loader.open(clip)
    until(qtbot, lambda: seen.opened)
    loader.request(12)
    until(qtbot, lambda: seen.frames)
    assert code_in(pixels_of(seen.frames[-1].image)[..., :3]) == 12 and len(seen.failures) == 1


def test_provisional_numbers_are_confirmed_in_the_background(qtbot, loader, seen, tmp_path):
    stream = make_video(tmp_path / "clip.ts", VideoMaker(frames=60, bframes=2))
    opened(qtbot, loader, seen, stream)
    assert not seen.opened[0].numbers_confirmed and seen.opened[0].doubts
    until(qtbot, lambda: seen.confirmed)
    confirmed = seen.confirmed[0]
    assert confirmed.info.numbers_confirmed and not confirmed.info.doubts
    assert not confirmed.changed
    assert confirmed.renumbering.tolist() == list(range(60))
    assert open_video(stream).numbers_confirmed, "the confirmed index is kept in the cache folder"


def test_pictures_of_unknown_order_are_not_called_exact_until_a_decode_has_told_it(qtbot, loader, seen, tmp_path):
    clip = make_video(tmp_path / "clip.avi", VideoMaker(frames=60, bframes=2))
    opened(qtbot, loader, seen, clip)
    until(qtbot, lambda: seen.confirmed)
    assert seen.confirmed[0].changed
    loader.request(11)
    until(qtbot, lambda: seen.frames)
    assert seen.frames[0].exact and code_in(pixels_of(seen.frames[0].image)[..., :3]) == 11


def test_damage_that_reading_finds_is_confirmed_in_the_background(qtbot, loader, seen, tmp_path):
    broken = make_video(tmp_path / "clip.mp4", BROKEN["damaged.mp4"])
    opened(qtbot, loader, seen, broken)
    assert seen.opened[0].numbers_confirmed, "nothing in the container tells of the damage"
    loader.request(34)
    until(qtbot, lambda: seen.confirmed)
    assert loader.info.numbers_confirmed and loader.info.damage
    seen.frames.clear()
    loader.request(34)
    until(qtbot, lambda: seen.frames)
    assert seen.frames[0].exact


def test_a_large_file_shows_a_picture_before_its_index_and_grows(qtbot, loader, seen, clip, monkeypatch):
    monkeypatch.setattr("iouviewer.app.video.decode_thread.LARGE_FILE", 0)
    progress = []
    loader.indexProgress.connect(progress.append)
    opened(qtbot, loader, seen, clip)
    assert not seen.opened[0].complete and seen.opened[0].frame_count < 90
    until(qtbot, lambda: progress and progress[-1].complete)
    assert loader.info.frame_count == 90 and loader.info.complete
    loader.request(89)
    until(qtbot, lambda: seen.frames)
    assert seen.frames[0].frame == 89 and code_in(pixels_of(seen.frames[0].image)[..., :3]) == 89


def test_a_picture_asked_for_by_time_has_no_number(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    loader.request_time(2.0)
    until(qtbot, lambda: seen.frames)
    assert (seen.frames[0].frame, seen.frames[0].exact) == (-1, False)
    assert code_in(pixels_of(seen.frames[0].image)[..., :3]) == 45


def test_memory_stays_within_the_budget_and_is_told(qtbot, loader, seen, clip):
    loader.set_memory_budget(600_000)
    opened(qtbot, loader, seen, clip)
    loader.request(60)
    until(qtbot, lambda: seen.frames and seen.used and seen.used[-1] > 0)
    assert all(used <= 600_000 for used in seen.used)


def test_nothing_is_fetched_ahead_without_leave_and_all_of_it_afterwards(qtbot, loader, seen, clip):
    loader.allow_ahead(on=False)
    opened(qtbot, loader, seen, clip)
    loader.request(50)
    until(qtbot, lambda: seen.frames and seen.used and seen.used[-1] > 0)
    qtbot.wait(300)
    one = seen.used[-1]  # what came out on the way to the picture, and the picture
    loader.allow_ahead(on=True)
    until(qtbot, lambda: seen.used[-1] > 3 * one)


def test_answers_come_in_the_ui_thread_and_the_decoder_runs_in_another(qtbot, loader, clip):
    here = QThread.currentThread()
    threads = []

    class Receiver(FrameLoader):
        def _on_thread_frame(self, answer):
            threads.append(QThread.currentThread())
            super()._on_thread_frame(answer)

    receiver = Receiver()
    try:
        receiver.open(clip)
        receiver.request(4)
        until(qtbot, lambda: threads)
        assert all(thread is here for thread in threads)
    finally:
        receiver.close()


def test_closing_ends_all_threads(qtbot, clip):
    before = threading.active_count()
    loader = FrameLoader()
    loader.open(clip)
    loader.request(80)
    loader.close()
    assert loader._thread.isFinished()
    assert all(thread.isFinished() for thread in loader._retired)
    assert threading.active_count() <= before + 1


def test_an_image_owns_its_pixels():
    pixels = np.full((2, 3, 4), 7, np.uint8)
    image = image_of(DisplayFrame(0, pixels, True, 1.0))
    pixels[:] = 0
    assert (pixels_of(image)[..., :3] == 7).all()


def test_pictures_reduced_while_moving_say_so_and_come_full_at_rest(qtbot, tmp_path):
    path = make_video(tmp_path / "long.mp4", VideoMaker(frames=120, gop=120, bframes=2))
    loader = FrameLoader(memory=80 * 160 * 96 * 3 // 2)
    try:
        seen = opened(qtbot, loader, Seen(loader), path)

        def shown(frame, **how):
            number = loader.request(frame, **how)
            until(qtbot, lambda: seen.frames and seen.frames[-1].request == number)
            return seen.frames[-1]

        shown(119)
        answers = [shown(frame, moving=True) for frame in range(118, 20, -1)]
        assert any(answer.reduced for answer in answers)
        assert all(answer.exact and answer.reduced == (answer.scale < 0.99) for answer in answers)
        at_rest = shown(21)
        assert not at_rest.reduced and at_rest.scale == 1.0 and code_in(pixels_of(at_rest.image)[..., :3]) == 21
    finally:
        loader.close()


def test_a_stand_in_is_marked_and_what_follows_is_not(qtbot, loader, seen, clip):
    opened(qtbot, loader, seen, clip)
    loader.request(40, scrubbing=True)
    until(qtbot, lambda: seen.frames and seen.frames[-1].exact and not seen.frames[-1].stand_in)
    before, last = seen.frames[:-1], seen.frames[-1]
    assert before and all(answer.stand_in and answer.frame <= 40 for answer in before)
    assert (last.frame, last.stand_in) == (40, False)


def test_scrubbing_about_opens_the_small_copies_once(qtbot, loader, seen, clip, monkeypatch):
    made = []
    real = proxy_builder.Proxy
    monkeypatch.setattr(proxy_builder, "Proxy", lambda *a, **k: made.append(real(*a, **k)) or made[-1])
    states = []
    loader.proxyState.connect(states.append)
    opened(qtbot, loader, seen, clip)
    for frame in (80, 10, 60, 30, 70):
        loader.request(frame, scrubbing=True)
        until(qtbot, lambda wanted=frame: seen.frames and seen.frames[-1].frame == wanted)
    until(qtbot, lambda: states and not states[-1].at_work and states[-1].pictures == 90)
    assert len(made) == 1
    loader.delete_proxies()
    until(qtbot, lambda: states[-1].size == 0 and made[0]._file < 0)


def test_pictures_in_doubt_are_not_kept_as_small_copies(qtbot, loader, seen, clip, monkeypatch):
    real = VideoReader.read_display
    monkeypatch.setattr(
        VideoReader, "read_display", lambda self, frame, *a, **k: replace(real(self, frame, *a, **k), exact=frame != 30)
    )
    states = []
    loader.proxyState.connect(states.append)
    opened(qtbot, loader, seen, clip)
    loader.request(70, scrubbing=True)
    until(qtbot, lambda: states and not states[-1].at_work)
    assert states[-1].pictures == 89


def test_a_full_cache_folder_is_told_and_the_video_goes_on(qtbot, loader, seen, clip, monkeypatch):
    def full(*_a, **_k):
        raise OSError("No space left on device")

    monkeypatch.setattr(proxy_builder.Proxy, "add", full)
    failures = []
    loader.backgroundFailed.connect(failures.append)
    opened(qtbot, loader, seen, clip)
    loader.request(70, scrubbing=True)
    until(qtbot, lambda: failures)
    assert "No space left" in str(failures[0]) and "small copies" in str(failures[0])
    loader.request(50)
    until(qtbot, lambda: seen.frames[-1].frame == 50)


def test_a_file_that_was_written_to_meanwhile_is_not_proven_and_that_is_told(qtbot, loader, seen, clip, tmp_path):
    path = tmp_path / "copied.mp4"
    path.write_bytes(clip.read_bytes())
    loader.set_proof(on=False)
    opened(qtbot, loader, seen, path)
    os.utime(path, ns=(1, 1))
    failures = []
    loader.backgroundFailed.connect(failures.append)
    loader.set_proof(on=True)
    until(qtbot, lambda: failures)
    assert "has changed since it was opened" in str(failures[0])
    assert not loader.info.proven and load_index(loader.info.fingerprint, path) is None


def test_requests_while_another_file_is_opened_belong_to_the_open_one(qtbot, loader, seen, clip, tmp_path):
    opened(qtbot, loader, seen, clip)
    (tmp_path / "no.mp4").write_bytes(b"no video")
    loader.open(tmp_path / "no.mp4")
    until(qtbot, lambda: seen.failures)
    assert loader.info is not None and loader.info.path == clip
    loader.request(12)
    until(qtbot, lambda: seen.frames)
    assert code_in(pixels_of(seen.frames[-1].image)[..., :3]) == 12
