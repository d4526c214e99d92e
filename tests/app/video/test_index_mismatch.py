"""Files whose packets differ from their index although they were not written to: they are indexed again."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from iouviewer.app.video import index_thread
from iouviewer.app.video.decode_thread import DecodeThread
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.frame_messages import DecodeSignals, Mailbox
from iouviewer.app.video.proxy_builder import ProxyBuilder
from iouviewer.app.video.video_info import info_of
from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.check import check_video
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.fingerprint import fingerprint
from iouviewer.video.index import Damage, Packets, build_index, with_damage
from iouviewer.video.index_builder import build_complete_index
from iouviewer.video.index_cache import load_index
from iouviewer.video.proxy import Proxy
from iouviewer.video.reasons import DAMAGE_FOUND
from tests.app.helpers import LoaderRecorder, pixels_of, wait_until
from tests.video.clip_builder import ClipSpec, make_video, read_barcode
from tests.video.stale_index import keep_stale_index, one_less, other_sizes, some_more

FRAMES = 90


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4", ClipSpec(frames=FRAMES, gop=30, bframes=2))


@pytest.fixture
def plain(tmp_path):
    """Stored in display order, so that an index with one packet less has the same frame columns."""
    return make_video(tmp_path / "plain.mp4", ClipSpec(frames=FRAMES, gop=30, bframes=0))


@pytest.fixture
def loader(qtbot):
    loader = FrameLoader()
    yield loader
    loader.close()


@pytest.mark.parametrize(("change", "requested"), [(other_sizes, 40), (one_less, 40), (some_more, FRAMES + 8)])
def test_the_file_is_indexed_again_if_a_frame_does_not_match_its_index(qtbot, loader, clip, change, requested):
    stale = keep_stale_index(clip, change)
    recorder, reindexed = LoaderRecorder(loader), []
    loader.reindexed.connect(reindexed.append)
    loader.set_decode_check(on=False)
    loader.open(clip)
    wait_until(qtbot, lambda: recorder.opened)
    assert recorder.opened[0].frame_count == stale.frame_count
    loader.request(requested)
    wait_until(qtbot, lambda: recorder.errors)
    frame, error = recorder.errors[0]
    assert frame == requested and "differ from its index" in str(error) and "indexed again" in error.remedy
    assert "damaged" not in str(error) and "cannot be decoded" not in str(error)
    wait_until(qtbot, lambda: recorder.confirmed)
    assert reindexed and loader.info.frame_count == FRAMES and not loader.info.damage
    for frame in (FRAMES - 1, 40, 3):
        number = loader.request(frame)
        wait_until(qtbot, lambda number=number: recorder.frames and recorder.frames[-1].request == number)
        assert recorder.frames[-1].exact and read_barcode(pixels_of(recorder.frames[-1].image)[..., :3]) == frame
    assert load_index(fingerprint(clip), clip).frame_count == FRAMES
    assert len(recorder.errors) == 1


@pytest.mark.parametrize("change", [other_sizes, one_less, some_more])
def test_the_decode_check_finds_the_mismatch_and_continues_with_the_right_index(qtbot, loader, clip, change):
    keep_stale_index(clip, change)
    recorder, failures = LoaderRecorder(loader), []
    loader.backgroundFailed.connect(failures.append)
    loader.open(clip)
    wait_until(qtbot, lambda: loader.info is not None and loader.info.checked_by_decode)
    assert loader.info.frame_count == FRAMES and not failures and not recorder.errors


def test_a_file_with_other_packets_at_each_reading_is_reported_and_reindexed_once(qtbot, loader, clip, monkeypatch):
    readings = []
    real = index_thread.build_complete_index
    monkeypatch.setattr(index_thread, "build_complete_index", lambda *a, **k: readings.append(1) or real(*a, **k))
    matches = Packets.matches
    monkeypatch.setattr(
        Packets, "matches", lambda self, packet, pts, size: packet < 31 and matches(self, packet, pts, size)
    )
    recorder, reindexed = LoaderRecorder(loader), []
    loader.reindexed.connect(reindexed.append)
    loader.set_decode_check(on=False)
    loader.open(clip)
    wait_until(qtbot, lambda: recorder.opened)
    loader.request(40)
    wait_until(qtbot, lambda: recorder.confirmed)
    assert not reindexed, "the index was the file's"
    loader.request(40)
    wait_until(qtbot, lambda: len(recorder.errors) == 2)
    assert (
        "different packets each time it is read" in str(recorder.errors[1][1])
        and "disk" in recorder.errors[1][1].remedy
    )
    wait_until(qtbot, lambda: loader.info.damage)
    assert len(readings) == 1
    number = loader.request(12)
    wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].request == number)


def test_other_readers_report_a_mismatch_and_the_next_opening_reads_the_packets(clip):
    keep_stale_index(clip, other_sizes)
    reader = open_video(clip)
    for _ in range(2):
        with pytest.raises(IndexMismatchError, match="differ from its index") as refusal:
            reader.read(40)
        assert isinstance(refusal.value, UserError) and not reader.damage
    assert read_barcode(reader.read(12)) == 12
    reader.close()
    again = open_video(clip)
    assert read_barcode(again.read(40)) == 40
    again.close()


@pytest.mark.parametrize("change", [other_sizes, one_less, some_more])
def test_check_and_opening_reindex_the_file_when_they_decode_all_of_it(tmp_path, clip, change):
    keep_stale_index(clip, change)
    report = check_video(clip)
    assert report["exact"] and report["frames"] == FRAMES and not report["damage"]
    orderless = make_video(tmp_path / "clip.avi", ClipSpec(frames=FRAMES, gop=30, bframes=2))
    keep_stale_index(orderless, change)
    reader = open_video(orderless)
    assert reader.frame_count == FRAMES and [read_barcode(reader.read(frame)) for frame in (3, 40, 89)] == [3, 40, 89]
    reader.close()


def test_packets_that_differ_each_time_are_reported_and_not_retried_forever(clip, monkeypatch):
    matches = Packets.matches
    monkeypatch.setattr(
        Packets, "matches", lambda self, packet, pts, size: packet < 31 and matches(self, packet, pts, size)
    )
    with pytest.raises(UserError, match="only 31 of 90 packets"):
        check_video(clip)


def test_the_frame_cache_is_cleared_when_the_decode_check_corrects_the_index(qtbot, loader, plain, monkeypatch):
    keep_stale_index(plain, one_less)
    shown, checking = threading.Event(), threading.Event()
    real = index_thread.IndexThread.decode_next

    def decode_on(thread):
        while not (checking if thread.reindexed else shown).wait(0.01) and not thread.stopped:
            pass
        real(thread)

    monkeypatch.setattr(index_thread.IndexThread, "decode_next", decode_on)
    recorder, reindexed = LoaderRecorder(loader), []
    loader.reindexed.connect(reindexed.append)
    loader.open(plain)
    wait_until(qtbot, lambda: recorder.opened)

    def shows(frame):
        number = loader.request(frame)
        wait_until(qtbot, lambda: recorder.frames and recorder.frames[-1].request == number)
        return read_barcode(pixels_of(recorder.frames[-1].image)[..., :3])

    assert shows(70) == 71, "no frame of the stale index has failed"
    shown.set()
    wait_until(qtbot, lambda: reindexed)
    assert [shows(frame) for frame in (70, 71, 69, 40, 10)] == [70, 71, 69, 40, 10]
    assert not loader.info.checked_by_decode and not recorder.errors
    checking.set()


def test_a_reader_clears_frames_that_were_numbered_by_another_index(plain):
    stale = keep_stale_index(plain, one_less)
    reader = open_video(plain, memory=128 << 20)
    right = build_complete_index(plain, "")
    assert read_barcode(reader.read(70)) == 71
    while reader.prefetch():
        pass
    reader.keyframe_cache.wait()
    assert reader.is_cached(70) and reader.keyframe_cache.get(59) is not None
    reader.use_index(right)
    assert not reader.memory_used and read_barcode(reader.read(70)) == 70
    reader.use_index(replace(right, damage=stale.damage))
    assert reader.is_cached(70), "the same packets"
    reader.close()


def test_an_index_that_grows_keeps_the_frame_cache(plain):
    reader = open_video(plain, index=False, memory=128 << 20)
    assert not reader.index.complete
    reader.read(12)
    reader.use_index(build_complete_index(plain, ""))
    assert reader.frame_count == FRAMES and reader.is_cached(12)
    reader.close()


def test_a_mismatch_after_a_new_index_is_blamed_on_the_file(plain):
    stale = keep_stale_index(plain, one_less)
    reader = open_video(plain)
    reader.use_index(build_complete_index(plain, ""))
    reader.use_index(stale)
    with pytest.raises(UserError, match="different packets each time"):
        reader.read(40)
    reader.close()


def uncertain_index(index):
    """The index that the decode thread emits after it found a damaged frame."""
    return replace(
        with_damage(index, Damage(5, "x")), numbers_final=False, uncertainties=(*index.uncertainties, DAMAGE_FOUND)
    )


@pytest.mark.parametrize("late", [False, True])
def test_uncertain_numbers_of_the_old_index_do_not_restore_that_index(qtbot, loader, plain, late):
    stale = keep_stale_index(plain, one_less)
    recorder, reindexed, failures = LoaderRecorder(loader), [], []
    loader.reindexed.connect(reindexed.append)
    loader.backgroundFailed.connect(failures.append)
    loader.set_decode_check(on=False)
    loader.open(plain)
    wait_until(qtbot, lambda: recorder.opened)
    if late:
        loader.decode_signals.indexMismatched.emit(loader.opening)
        wait_until(qtbot, lambda: reindexed)
        loader.decode_signals.numbersUncertain.emit(loader.opening, uncertain_index(stale))
    else:
        with loader.index_thread.condition:
            loader.decode_signals.numbersUncertain.emit(loader.opening, uncertain_index(stale))
            loader.decode_signals.indexMismatched.emit(loader.opening)
        wait_until(qtbot, lambda: reindexed)
    assert loader.info.frame_count == FRAMES and not loader.info.damage
    loader.set_decode_check(on=True)
    wait_until(qtbot, lambda: loader.info.checked_by_decode or failures)
    assert not failures and loader.info.frame_count == FRAMES


@pytest.mark.parametrize("change", [one_less, some_more])
def test_the_index_thread_keeps_its_index_if_the_uncertain_one_has_other_packets(plain, change):
    right = build_complete_index(plain, "")
    reader = open_video(plain)
    answers = index_thread.IndexSignals()
    thread = index_thread.IndexThread(info_of(reader), right, answers, threading.Event())
    thread.stop()
    reader.close()
    thread.settle(uncertain_index(build_index(change(right.packets), right.time_base)))
    assert thread.index is right


@pytest.mark.parametrize("mine", [True, False])
def test_a_proxy_that_arrives_with_a_new_index_is_used_only_if_it_has_its_numbers(qtbot, plain, mine):
    stale = keep_stale_index(plain, one_less)
    right = build_complete_index(plain, "")
    box = Mailbox()
    thread = DecodeThread(box, DecodeSignals(), 64 << 20)
    box.put(opening=(1, plain), index=(1, stale))
    thread.step()
    proxy = Proxy("copies", (right if mine else stale).digest, stamp=None)
    box.put(index=(1, right), proxy=(1, proxy))
    thread.step()
    assert thread.proxy is (proxy if mine else None)
    thread.release()
    proxy.close()


@pytest.mark.parametrize("requested", [40, 50])
def test_a_corrected_index_stays_in_the_cache_when_the_old_one_fails_again(clip, requested):
    keep_stale_index(clip, other_sizes)
    reader, late = open_video(clip), open_video(clip)
    with pytest.raises(IndexMismatchError):
        reader.read(40)
    assert load_index(fingerprint(clip), clip) is None
    assert check_video(clip)["exact"]
    for one in (reader, late):
        with pytest.raises(IndexMismatchError):
            one.read(requested)
        assert load_index(fingerprint(clip), clip).checked_by_decode
        one.close()


def test_a_waiting_reader_gets_the_index_that_was_read_again_before(qtbot, loader, clip, monkeypatch):
    recorder = LoaderRecorder(loader)
    loader.set_decode_check(on=False)
    loader.open(clip)
    wait_until(qtbot, lambda: recorder.opened)
    loader.decode_signals.indexMismatched.emit(loader.opening)
    wait_until(qtbot, lambda: len(recorder.confirmed) == 1)
    matches = Packets.matches
    monkeypatch.setattr(
        Packets, "matches", lambda self, packet, pts, size: packet < 31 and matches(self, packet, pts, size)
    )
    loader.request(40)
    wait_until(qtbot, lambda: recorder.errors)
    assert "The frame is shown as soon as" in recorder.errors[0][1].remedy
    wait_until(qtbot, lambda: len(recorder.confirmed) == 2)
    loader.request(40)
    wait_until(qtbot, lambda: len(recorder.errors) == 2)
    assert "different packets each time it is read" in str(recorder.errors[1][1])


def test_the_proxy_builder_stops_if_the_cached_index_has_other_numbers(plain):
    keep_stale_index(plain, one_less)
    reader = open_video(plain)
    stale, info = reader.index, info_of(reader)
    opened, states = [], []
    builder = ProxyBuilder(info, on_opened=opened.append, on_state=states.append)

    def build():
        builder.build(stale, 10, 1 << 30, interrupted=lambda: False, moved=lambda: False)

    with pytest.raises(IndexMismatchError):
        build()
    assert not states[-1].is_building and load_index(fingerprint(plain), plain) is None
    build()
    (proxy,) = opened
    assert not states[-1].is_building
    copied = {frame: proxy.get(frame, reader.size[0]) for frame in range(FRAMES) if frame in proxy}
    assert copied and all(
        read_barcode(copy.pixels[..., :3]) == read_barcode(reader.read(frame)) for frame, copy in copied.items()
    )
    builder.close()
    reader.close()


def test_the_file_is_indexed_again_if_only_the_proxy_builder_meets_the_mismatch(qtbot, loader, plain):
    keep_stale_index(plain, one_less)
    recorder, reindexed, states = LoaderRecorder(loader), [], []
    loader.reindexed.connect(reindexed.append)
    loader.proxyState.connect(states.append)
    loader.set_decode_check(on=False)
    loader.set_read_ahead(on=False)
    loader.open(plain)
    wait_until(qtbot, lambda: recorder.opened)
    loader.request(70, scrubbing=True)
    wait_until(qtbot, lambda: reindexed)
    assert not recorder.errors and loader.info.frame_count == FRAMES and not states[-1].is_building
    loader.request(70, scrubbing=True)
    wait_until(qtbot, lambda: states[-1].frames == FRAMES)
    assert not recorder.errors


@pytest.mark.parametrize("moment", ["at once", "when opened", "when a frame failed", "when reindexed"])
def test_another_file_can_be_opened_and_closed_while_a_file_is_indexed_again(qtbot, plain, clip, moment):
    keep_stale_index(plain, one_less)
    loader = FrameLoader()
    recorder, mismatches, reindexed = LoaderRecorder(loader), [], []
    loader.decode_signals.indexMismatched.connect(mismatches.append)
    loader.reindexed.connect(reindexed.append)
    loader.open(plain)
    loader.request(70)
    reached = {
        "at once": lambda: True,
        "when opened": lambda: recorder.opened,
        "when a frame failed": lambda: mismatches or reindexed,
        "when reindexed": lambda: reindexed,
    }
    wait_until(qtbot, reached[moment])
    loader.open(clip)
    wait_until(qtbot, lambda: recorder.opened and recorder.opened[-1].path == clip)
    number = loader.request(12)
    wait_until(qtbot, lambda: any(shown.request == number and shown.exact for shown in recorder.frames))
    shown = next(shown for shown in recorder.frames if shown.request == number and shown.exact)
    assert read_barcode(pixels_of(shown.image)[..., :3]) == 12
    assert loader.info.path == clip and loader.info.frame_count == FRAMES
    loader.close()
    assert not [thread.name for thread in threading.enumerate() if "keyframes" in thread.name]
