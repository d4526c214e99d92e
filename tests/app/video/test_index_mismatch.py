"""A file that gives other packets than its index says, though nobody has written to it: the index is read anew."""

from __future__ import annotations

import threading
from dataclasses import fields, replace

import numpy as np
import pytest

from iouviewer.app.video import index_thread
from iouviewer.app.video.decode_thread import FrameThread
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.frame_messages import Answers, Mailbox
from iouviewer.app.video.proxy_builder import SmallCopies
from iouviewer.app.video.video_info import info_of
from iouviewer.errors import UserError
from iouviewer.video import open_video
from iouviewer.video.check import check_video
from iouviewer.video.container import IndexMismatchError
from iouviewer.video.fingerprint import fingerprint, stamp_of
from iouviewer.video.frame_decoder import FOUND_DAMAGE
from iouviewer.video.index import Damage, Packets, index_of_packets, with_damage
from iouviewer.video.index_builder import complete_index
from iouviewer.video.index_cache import load_index, save_index
from iouviewer.video.proxy import Proxy
from tests.app.video.test_frame_loader import Seen, pixels_of, until
from tests.video.awkward import VideoMaker, code_in, make_video

FRAMES = 90


def other_sizes(packets):
    """From packet 31 on the packets have other sizes."""
    return replace(packets, size=packets.size + (np.arange(len(packets)) >= 31))


def one_less(packets):
    """Packet 31 is not there, so that all pictures after it have other numbers."""
    keep = np.arange(len(packets)) != 31
    return Packets(**{column.name: getattr(packets, column.name)[keep] for column in fields(Packets)})


def some_more(packets):
    """The file ends before the index does."""
    columns = {column.name: getattr(packets, column.name) for column in fields(Packets)}
    more = {name: np.concatenate([column, column[-9:]]) for name, column in columns.items()}
    step = packets.pts[1:].max() // (len(packets) - 1)
    for name in ("pts", "dts"):
        more[name][-9:] += 9 * step
    return Packets(**more)


def keep_stale_index(path, change):
    """The index that opening takes from the cache folder is not the file's; the file itself is as it was."""
    reader = open_video(path, decode_order=False)
    index = reader.index
    reader.close()
    stale = index_of_packets(change(index.packets), index.time_base, facts=index.facts, doubts=index.doubts)
    save_index(stale, fingerprint(path), path, stamp_of(path))
    return stale


@pytest.fixture
def clip(tmp_path):
    return make_video(tmp_path / "clip.mp4", VideoMaker(frames=FRAMES, gop=30, bframes=2))


@pytest.fixture
def plain(tmp_path):
    """Stored in the order in which it is shown, so that an index with a packet less has the same picture columns."""
    return make_video(tmp_path / "plain.mp4", VideoMaker(frames=FRAMES, gop=30, bframes=0))


@pytest.fixture
def loader(qtbot):
    loader = FrameLoader()
    yield loader
    loader.close()


@pytest.mark.parametrize(("change", "wanted"), [(other_sizes, 40), (one_less, 40), (some_more, FRAMES + 8)])
def test_the_index_is_read_anew_where_a_picture_does_not_come_out_by_it(qtbot, loader, clip, change, wanted):
    stale = keep_stale_index(clip, change)
    seen, told = Seen(loader), []
    loader.indexReadAnew.connect(told.append)
    loader.set_proof(on=False)
    loader.open(clip)
    until(qtbot, lambda: seen.opened)
    assert seen.opened[0].frame_count == stale.frame_count
    loader.request(wanted)
    until(qtbot, lambda: seen.errors)
    frame, error = seen.errors[0]
    assert frame == wanted and "other packets than its index" in str(error) and "read anew" in error.remedy
    assert "damaged" not in str(error) and "cannot be decoded" not in str(error)
    until(qtbot, lambda: seen.confirmed)
    assert told and loader.info.frame_count == FRAMES and not loader.info.damage
    for frame in (FRAMES - 1, 40, 3):
        number = loader.request(frame)
        until(qtbot, lambda number=number: seen.frames and seen.frames[-1].request == number)
        assert seen.frames[-1].exact and code_in(pixels_of(seen.frames[-1].image)[..., :3]) == frame
    assert load_index(fingerprint(clip), clip).frame_count == FRAMES
    assert len(seen.errors) == 1


@pytest.mark.parametrize("change", [other_sizes, one_less, some_more])
def test_the_proof_finds_it_too_and_goes_on_by_the_right_index(qtbot, loader, clip, change):
    keep_stale_index(clip, change)
    seen, failures = Seen(loader), []
    loader.backgroundFailed.connect(failures.append)
    loader.open(clip)
    until(qtbot, lambda: loader.info is not None and loader.info.proven)
    assert loader.info.frame_count == FRAMES and not failures and not seen.errors


def test_a_file_that_gives_other_packets_each_time_is_told_as_that_and_read_anew_once(qtbot, loader, clip, monkeypatch):
    readings = []
    real = index_thread.complete_index
    monkeypatch.setattr(index_thread, "complete_index", lambda *a, **k: readings.append(1) or real(*a, **k))
    agrees = Packets.agrees
    monkeypatch.setattr(
        Packets, "agrees", lambda self, packet, pts, size: packet < 31 and agrees(self, packet, pts, size)
    )
    seen, told = Seen(loader), []
    loader.indexReadAnew.connect(told.append)
    loader.set_proof(on=False)
    loader.open(clip)
    until(qtbot, lambda: seen.opened)
    loader.request(40)
    until(qtbot, lambda: seen.confirmed)
    assert not told, "the index was the file's"
    loader.request(40)
    until(qtbot, lambda: len(seen.errors) == 2)
    assert "other packets each time it is read" in str(seen.errors[1][1]) and "disk" in seen.errors[1][1].remedy
    until(qtbot, lambda: loader.info.damage)
    assert len(readings) == 1
    number = loader.request(12)
    until(qtbot, lambda: seen.frames and seen.frames[-1].request == number)


def test_other_readers_say_so_and_the_next_opening_reads_the_packets(clip):
    keep_stale_index(clip, other_sizes)
    reader = open_video(clip)
    for _ in range(2):
        with pytest.raises(IndexMismatchError, match="other packets than its index") as refusal:
            reader.read(40)
        assert isinstance(refusal.value, UserError) and not reader.damage
    assert code_in(reader.read(12)) == 12
    reader.close()
    again = open_video(clip)
    assert code_in(again.read(40)) == 40
    again.close()


@pytest.mark.parametrize("change", [other_sizes, one_less, some_more])
def test_a_check_and_an_opening_that_decode_the_whole_file_read_the_packets_anew_by_themselves(tmp_path, clip, change):
    keep_stale_index(clip, change)
    report = check_video(clip)
    assert report["exact"] and report["frames"] == FRAMES and not report["damage"]
    orderless = make_video(tmp_path / "clip.avi", VideoMaker(frames=FRAMES, gop=30, bframes=2))
    keep_stale_index(orderless, change)
    reader = open_video(orderless)
    assert reader.frame_count == FRAMES and [code_in(reader.read(frame)) for frame in (3, 40, 89)] == [3, 40, 89]
    reader.close()


def test_packets_that_differ_each_time_are_told_and_not_tried_for_ever(clip, monkeypatch):
    agrees = Packets.agrees
    monkeypatch.setattr(
        Packets, "agrees", lambda self, packet, pts, size: packet < 31 and agrees(self, packet, pts, size)
    )
    with pytest.raises(UserError, match="only 31 of 90 packets"):
        check_video(clip)


def test_pictures_in_memory_go_with_the_index_that_the_proof_has_read_anew(qtbot, loader, plain, monkeypatch):
    keep_stale_index(plain, one_less)
    shown, proving = threading.Event(), threading.Event()
    real = index_thread.BackgroundThread._decode_on

    def decode_on(thread):
        while not (proving if thread._read_anew else shown).wait(0.01) and not thread._stopped:
            pass
        real(thread)

    monkeypatch.setattr(index_thread.BackgroundThread, "_decode_on", decode_on)
    seen, told = Seen(loader), []
    loader.indexReadAnew.connect(told.append)
    loader.open(plain)
    until(qtbot, lambda: seen.opened)

    def shows(frame):
        number = loader.request(frame)
        until(qtbot, lambda: seen.frames and seen.frames[-1].request == number)
        return code_in(pixels_of(seen.frames[-1].image)[..., :3])

    assert shows(70) == 71, "no picture of the stale index has failed"
    shown.set()
    until(qtbot, lambda: told)
    assert [shows(frame) for frame in (70, 71, 69, 40, 10)] == [70, 71, 69, 40, 10]
    assert not loader.info.proven and not seen.errors
    proving.set()


def test_a_reader_keeps_nothing_under_the_numbers_of_another_index(plain):
    stale = keep_stale_index(plain, one_less)
    reader = open_video(plain, memory=128 << 20)
    right = complete_index(plain, "")
    assert code_in(reader.read(70)) == 71
    while reader.prefetch():
        pass
    reader.wait_for_key_frames()
    assert reader.holds(70) and reader._keys.kept(59) is not None
    reader.use_index(right)
    assert not reader.memory_used and code_in(reader.read(70)) == 70
    reader.use_index(replace(right, damage=stale.damage))
    assert reader.holds(70), "the same packets"
    reader.close()


def test_a_growing_index_keeps_the_pictures(plain):
    reader = open_video(plain, index=False, memory=128 << 20)
    assert not reader.index.complete
    reader.read(12)
    reader.use_index(complete_index(plain, ""))
    assert reader.frame_count == FRAMES and reader.holds(12)
    reader.close()


def test_where_another_index_has_come_the_next_mismatch_is_the_files(plain):
    stale = keep_stale_index(plain, one_less)
    reader = open_video(plain)
    reader.use_index(complete_index(plain, ""))
    reader.use_index(stale)
    with pytest.raises(UserError, match="other packets each time"):
        reader.read(40)
    reader.close()


def doubted(index):
    """What the frame thread tells of an index where a picture turned out to be damaged."""
    return replace(with_damage(index, Damage(5, "x")), confirmed=False, doubts=(*index.doubts, FOUND_DAMAGE))


@pytest.mark.parametrize("late", [False, True])
def test_a_doubt_by_the_old_index_does_not_bring_that_index_back(qtbot, loader, plain, late):
    stale = keep_stale_index(plain, one_less)
    seen, told, failures = Seen(loader), [], []
    loader.indexReadAnew.connect(told.append)
    loader.backgroundFailed.connect(failures.append)
    loader.set_proof(on=False)
    loader.open(plain)
    until(qtbot, lambda: seen.opened)
    if late:
        loader._answers.mismatched.emit(loader._opening)
        until(qtbot, lambda: told)
        loader._answers.doubted.emit(loader._opening, doubted(stale))
    else:
        with loader._background._wake:
            loader._answers.doubted.emit(loader._opening, doubted(stale))
            loader._answers.mismatched.emit(loader._opening)
        until(qtbot, lambda: told)
    assert loader.info.frame_count == FRAMES and not loader.info.damage
    loader.set_proof(on=True)
    until(qtbot, lambda: loader.info.proven or failures)
    assert not failures and loader.info.frame_count == FRAMES


@pytest.mark.parametrize("change", [one_less, some_more])
def test_the_background_goes_on_with_its_own_index_where_a_doubt_comes_with_another(plain, change):
    right = complete_index(plain, "")
    reader = open_video(plain)
    answers = index_thread.BackgroundAnswers()
    thread = index_thread.BackgroundThread(info_of(reader), right, answers, threading.Event())
    thread.stop()
    reader.close()
    thread._settle(doubted(index_of_packets(change(right.packets), right.time_base)))
    assert thread._index is right


@pytest.mark.parametrize("mine", [True, False])
def test_small_copies_that_come_with_a_new_index_stay_where_they_have_its_numbers(qtbot, plain, mine):
    stale = keep_stale_index(plain, one_less)
    right = complete_index(plain, "")
    box = Mailbox()
    thread = FrameThread(box, Answers(), 64 << 20)
    box.put(opening=(1, plain), index=(1, stale))
    thread._step()
    proxy = Proxy("copies", (right if mine else stale).digest, stamp=None)
    box.put(index=(1, right), proxy=(1, proxy))
    thread._step()
    assert thread._proxy is (proxy if mine else None)
    thread._forget()
    proxy.close()


@pytest.mark.parametrize("asked", [40, 50])
def test_an_index_that_was_read_anew_meanwhile_stays_where_the_old_one_refuses_again(clip, asked):
    keep_stale_index(clip, other_sizes)
    reader, late = open_video(clip), open_video(clip)
    with pytest.raises(IndexMismatchError):
        reader.read(40)
    assert load_index(fingerprint(clip), clip) is None
    assert check_video(clip)["exact"]
    for one in (reader, late):
        with pytest.raises(IndexMismatchError):
            one.read(asked)
        assert load_index(fingerprint(clip), clip).proven
        one.close()


def test_a_reader_that_waits_is_answered_where_the_index_has_been_read_anew_before(qtbot, loader, clip, monkeypatch):
    seen = Seen(loader)
    loader.set_proof(on=False)
    loader.open(clip)
    until(qtbot, lambda: seen.opened)
    loader._answers.mismatched.emit(loader._opening)
    until(qtbot, lambda: len(seen.confirmed) == 1)
    agrees = Packets.agrees
    monkeypatch.setattr(
        Packets, "agrees", lambda self, packet, pts, size: packet < 31 and agrees(self, packet, pts, size)
    )
    loader.request(40)
    until(qtbot, lambda: seen.errors)
    assert "the picture follows" in seen.errors[0][1].remedy
    until(qtbot, lambda: len(seen.confirmed) == 2)
    loader.request(40)
    until(qtbot, lambda: len(seen.errors) == 2)
    assert "other packets each time it is read" in str(seen.errors[1][1])


def test_small_copies_stop_where_another_index_is_kept_than_their_numbers_are_of(plain):
    keep_stale_index(plain, one_less)
    reader = open_video(plain)
    stale, info = reader.index, info_of(reader)
    opened, states = [], []
    copies = SmallCopies(info, opened=opened.append, told=states.append)

    def build():
        copies.build(stale, 10, 1 << 30, interrupted=lambda: False, elsewhere=lambda: False)

    with pytest.raises(IndexMismatchError):
        build()
    assert not states[-1].at_work and load_index(fingerprint(plain), plain) is None
    build()
    (proxy,) = opened
    assert not states[-1].at_work
    copied = {frame: proxy.get(frame, reader.size[0]) for frame in range(FRAMES) if frame in proxy}
    assert copied and all(
        code_in(copy.pixels[..., :3]) == code_in(reader.read(frame)) for frame, copy in copied.items()
    )
    copies.close()
    reader.close()


def test_the_index_is_read_anew_where_only_the_small_copies_meet_the_mismatch(qtbot, loader, plain):
    keep_stale_index(plain, one_less)
    seen, told, states = Seen(loader), [], []
    loader.indexReadAnew.connect(told.append)
    loader.proxyState.connect(states.append)
    loader.set_proof(on=False)
    loader.allow_ahead(on=False)
    loader.open(plain)
    until(qtbot, lambda: seen.opened)
    loader.request(70, scrubbing=True)
    until(qtbot, lambda: told)
    assert not seen.errors and loader.info.frame_count == FRAMES and not states[-1].at_work
    loader.request(70, scrubbing=True)
    until(qtbot, lambda: states[-1].pictures == FRAMES)
    assert not seen.errors


@pytest.mark.parametrize("after", [0, 10, 40, 120], ids=lambda after: f"{after} ms")
def test_another_file_can_be_opened_and_all_be_closed_while_the_index_is_read_anew(qtbot, plain, clip, after):
    keep_stale_index(plain, one_less)
    loader = FrameLoader()
    seen = Seen(loader)
    loader.open(plain)
    loader.request(70)
    qtbot.wait(after)
    loader.open(clip)
    until(qtbot, lambda: seen.opened and seen.opened[-1].path == clip)
    number = loader.request(12)
    until(qtbot, lambda: any(shown.request == number and shown.exact for shown in seen.frames))
    shown = next(shown for shown in seen.frames if shown.request == number and shown.exact)
    assert code_in(pixels_of(shown.image)[..., :3]) == 12
    assert loader.info.path == clip and loader.info.frame_count == FRAMES
    loader.close()
    assert not [thread.name for thread in threading.enumerate() if "key frames" in thread.name]
