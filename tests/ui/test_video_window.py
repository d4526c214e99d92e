"""The window on unusual and damaged videos: notes, status on the canvas, playback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from iouviewer.app.video import index_thread
from iouviewer.jobs.requests import OpenRequest
from iouviewer.ui.main_window import MainWindow
from iouviewer.video.reader import VideoReader
from tests.app.helpers import wait_for_idle_index_thread
from tests.ui.window import (
    TIMEOUT,
    barcode_on_canvas,
    close_errors,
    error_text,
    go_to,
    opened_window,
    shown,
    video_notes,
    write_boxes,
)
from tests.video.clip_builder import ClipSpec, clip_factory, decode_sequentially, make_video, render_frame
from tests.video.stale_index import keep_stale_index, one_less


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Path of a clip of tests/video/clip_builder.py by its name."""
    return clip_factory(tmp_path_factory.mktemp("clips"))


def test_an_intact_file_gets_no_warning(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        qtbot.waitUntil(lambda: video_notes(window) == "exact", timeout=TIMEOUT)
        assert not len(window.parts.video_presenter.marks.damaged)
        assert go_to(qtbot, window, 40) == "" and barcode_on_canvas(window) == 40


@pytest.mark.parametrize("name", ["damaged.avi", "damaged.mp4", "damaged.ts"])
def test_a_damaged_file_has_a_permanent_note_and_marks_on_the_timeline(qtbot: QtBot, clip, name: str) -> None:
    with opened_window(qtbot, OpenRequest(video=clip(name))) as window:
        for frame in range(0, window.session.frame_count, 4):
            go_to(qtbot, window, frame)
        info = window.parts.loader
        qtbot.waitUntil(lambda: bool(info.info and info.info.damage), timeout=TIMEOUT)
        qtbot.waitUntil(lambda: "⚠ damaged" in video_notes(window), timeout=TIMEOUT)
        marks = window.parts.video_presenter.marks
        assert len(marks.damaged) and len(marks.pixel_columns())
        frame = int(marks.damaged[-1])
        assert marks.tooltip_at(marks.pixel_x(frame)).startswith(f"Frame {frame:,}: ")
        window.parts.status.show_message("")
        assert "damaged" in video_notes(window), "the note stays when a message disappears"


def test_a_damaged_frame_has_a_status_on_the_canvas(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("damaged.avi"))) as window:
        qtbot.waitUntil(lambda: "damaged" in video_notes(window), timeout=TIMEOUT)
        frame = int(window.parts.video_presenter.marks.damaged[0])
        assert go_to(qtbot, window, frame).startswith("Damaged")
        assert "Damaged" not in go_to(qtbot, window, 2)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("cut.mp4", "34 frames missing"),
        ("cut.mkv", "ends early"),
        ("rotated_90.mp4", "rotated 90°"),
        ("wide_pixels.mp4", "pixels 4:3"),
        ("interlaced.mp4", "interlaced"),
    ],
)
def test_properties_of_the_video_have_permanent_notes(qtbot: QtBot, clip, name: str, note: str) -> None:
    with opened_window(qtbot, OpenRequest(video=clip(name))) as window:
        qtbot.waitUntil(lambda: note in video_notes(window), timeout=TIMEOUT)


def test_boxes_are_hidden_until_the_frame_order_is_known(
    qtbot: QtBot, clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, real = threading.Event(), index_thread.DecodeCheck

    def late(*arguments: object, **more: object) -> object:
        release.wait(TIMEOUT / 1000)
        return real(*arguments, **more)

    monkeypatch.setattr(index_thread, "DecodeCheck", late)
    video = clip("b_frames.avi")
    gt = write_boxes(tmp_path / "gt.csv", {f: [(10, 10, 60, 60)] for f in range(80)})
    try:
        with opened_window(qtbot) as window:
            canvas = window.parts.views.canvas
            window.parts.open_request(OpenRequest(video=video, gt=gt))
            qtbot.waitUntil(lambda: canvas.status_text != "", timeout=TIMEOUT)
            assert "Uncertain frame" in canvas.status_text and canvas.shown_frame == -1
            assert not canvas.frame_view.boxes
            assert "frame order unknown" in video_notes(window)
            release.set()
            shown(qtbot, window)
            qtbot.waitUntil(lambda: len(canvas.frame_view.boxes) == 1, timeout=TIMEOUT)
            assert canvas.status_text == "" and "order" not in video_notes(window)
    finally:
        release.set()


@pytest.mark.parametrize("early", [False, True], ids=["while indexing", "closed while indexing"])
def test_imported_boxes_keep_the_numbers_of_their_file_when_the_video_is_reindexed(
    qtbot: QtBot, clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    release, real = threading.Event(), index_thread.DecodeCheck

    def late(*arguments: object, **more: object) -> object:
        release.wait(TIMEOUT / 1000)
        return real(*arguments, **more)

    video = tmp_path / "clip.avi"
    video.write_bytes(clip("damaged.avi").read_bytes())
    count = len(decode_sequentially(video)[0])
    rows = {frame: [(float(frame), 10.0, frame + 30.0, 40.0)] for frame in range(count)}
    gt, pred = write_boxes(tmp_path / "gt.csv", rows), write_boxes(tmp_path / "pred.csv", rows)
    monkeypatch.setattr(index_thread, "DecodeCheck", late)
    try:
        with opened_window(qtbot) as window:
            window.parts.open_request(OpenRequest(video=video, gt=gt, preds=(("same", pred),)))
            qtbot.waitUntil(lambda: len(window.session.variants) == 1, timeout=TIMEOUT)
            assert window.session.frame_count != count, "the container lists more frames than can be decoded"
            if early:
                threading.Timer(0.3, release.set).start()
            else:
                release.set()
                qtbot.waitUntil(lambda: window.session.frame_count == count, timeout=TIMEOUT)
                assert "Frame numbers of" in window.parts.status.message.text()
                check_rows(window, rows)
        release.set()
        with opened_window(qtbot, OpenRequest(video=video)) as window:
            qtbot.waitUntil(lambda: window.session.frame_count == count, timeout=TIMEOUT)
            qtbot.waitUntil(lambda: len(window.session.variants) == 1, timeout=TIMEOUT)
            check_rows(window, rows)
    finally:
        release.set()


def check_rows(window: MainWindow, rows: dict[int, list[tuple[float, ...]]]) -> None:
    """Ground truth and predictions of the first variant are on the frames named in the file."""
    for frame, (rect,) in rows.items():
        (box,) = window.session.ground_truth.boxes(frame)
        assert tuple(box.rect) == rect, frame
    table = next(iter(window.session.variants)).predictions.table
    assert table.boxes[0].astype(int).tolist() == table.frame_of_row().tolist()


def test_a_file_replaced_while_open_has_a_permanent_note(qtbot: QtBot, clip, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(clip("plain.mp4").read_bytes())
    with opened_window(qtbot, OpenRequest(video=video)) as window:
        qtbot.waitUntil(lambda: video_notes(window) == "exact", timeout=TIMEOUT)
        (tmp_path / "other.mp4").write_bytes(clip("b_frames.mp4").read_bytes())
        (tmp_path / "other.mp4").replace(video)
        window.parts.loader.decode_thread.reader.clear_cache()
        window.session.go_to(70)
        qtbot.waitUntil(lambda: "file changed" in video_notes(window), timeout=TIMEOUT)
        assert "exact" not in video_notes(window)
        assert "has changed since it was opened" in window.parts.views.canvas.status_text


def test_playback_continues_through_damage(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("damaged.mp4"))) as window:
        playback = window.parts.playback
        playback.set_speed(4.0)
        window.parts.actions["playPause"].trigger()
        qtbot.waitUntil(lambda: not playback.playing, timeout=TIMEOUT)
        assert window.session.current_frame == window.session.frame_count - 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images in ``img1``; the third one is unreadable, the fifth has another size."""
    inside = tmp_path / "MOT-02" / "img1"
    inside.mkdir(parents=True)
    for number in range(6):
        width, height = (480, 300) if number == 4 else (320, 240)
        cv2.imwrite(str(inside / f"{number + 1:06d}.jpg"), render_frame(number, width, height))
    (inside / "000003.jpg").write_bytes(b"no picture")
    return tmp_path / "MOT-02"


def test_an_unreadable_image_has_a_status_and_the_others_are_shown(qtbot: QtBot, folder: Path) -> None:
    with opened_window(qtbot, OpenRequest(video=folder)) as window:
        parts = window.parts
        assert window.session.frame_count == 6 and barcode_on_canvas(window) == 0
        status = go_to(qtbot, window, 2)
        assert status.startswith("Frame 2 cannot be shown") and "decoded" in status
        assert error_text(window) == "", "one unreadable image opens no message box"
        qtbot.waitUntil(lambda: "damaged" in video_notes(window), timeout=TIMEOUT)
        assert parts.video_presenter.marks.damaged.tolist() == [2]
        assert go_to(qtbot, window, 3) == "" and barcode_on_canvas(window) == 3


def test_an_image_of_another_size_is_not_stretched(qtbot: QtBot, folder: Path) -> None:
    with opened_window(qtbot, OpenRequest(video=folder)) as window:
        canvas = window.parts.views.canvas
        go_to(qtbot, window, 4)
        assert (canvas.image_rect.width(), canvas.image_rect.height()) == (480, 300)
        go_to(qtbot, window, 5)
        assert (canvas.image_rect.width(), canvas.image_rect.height()) == (320, 240)


def test_a_single_image_is_a_video_with_one_frame(qtbot: QtBot, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), render_frame(9, 320, 240))
    with opened_window(qtbot, OpenRequest(video=tmp_path / "one.png")) as window:
        assert window.session.frame_count == 1 and barcode_on_canvas(window) == 9
        window.parts.actions["playPause"].trigger()
        qtbot.waitUntil(lambda: not window.parts.playback.playing, timeout=TIMEOUT)


def test_speed_direction_and_loop_are_commands_and_are_shown(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        parts = window.parts
        actions, playback, button = parts.actions, parts.playback, parts.video_presenter.speed_control.button
        for speed in (2.0, 4.0, 4.0):
            actions["faster"].trigger()
            assert playback.speed == speed and button.text() == f"{speed:g}×"
        go_to(qtbot, window, 30)
        actions["loopFrom"].trigger()
        go_to(qtbot, window, 36)
        actions["loopTo"].trigger()
        assert playback.loop == parts.video_presenter.marks.loop == (30, 36) and "⟲" in button.text()
        seen: list[int] = []
        window.session.frameChanged.connect(seen.append)
        actions["playBackwards"].trigger()
        assert playback.playing and button.text().startswith("◀")
        qtbot.waitUntil(lambda: seen.count(36) >= 2, timeout=TIMEOUT)
        actions["playPause"].trigger()
        assert not playback.playing, "Space pauses reverse playback too"
        assert set(seen) <= set(range(30, 37))
        actions["loopOff"].trigger()
        assert playback.loop is None and "⟲" not in button.text()


def test_dropped_frames_are_counted_per_playback_and_explained(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        label, playback = window.parts.video_presenter.speed_control.label, window.parts.playback
        assert label.text() == "" and label.toolTip() == ""
        playback.set_speed(0.25)
        playback.play()
        playback.droppedChanged.emit(1234)
        assert label.text() == "1,234 dropped" and label.toolTip().startswith("1,234 frames were dropped")
        before = window.session.current_frame
        qtbot.waitUntil(lambda: window.session.current_frame > before + 1, timeout=TIMEOUT)
        assert label.text() == "1,234 dropped", "played frames are not seeks"
        playback.pause()
        assert label.text() == "1,234 dropped"
        playback.play()
        assert label.text() == "", "a new playback"


def go_to_another_frame(window: MainWindow) -> None:
    window.parts.actions["nextFrame"].trigger()


def edit(window: MainWindow) -> None:
    window.parts.actions["verifiedEmpty"].trigger()


def wait_for_the_timer(window: MainWindow) -> None:
    window.parts.video_presenter.speed_control.fade_timer.timeout.emit()


@pytest.mark.parametrize("action", [go_to_another_frame, edit, wait_for_the_timer])
def test_dropped_frames_are_shown_until_the_next_action(
    qtbot: QtBot, clip, action: Callable[[MainWindow], None]
) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        speed_control, playback = window.parts.video_presenter.speed_control, window.parts.playback
        playback.set_speed(0.25)
        playback.play()
        playback.droppedChanged.emit(20)
        playback.pause()
        shown(qtbot, window)
        QApplication.processEvents()
        assert speed_control.label.text() == "20 dropped" and speed_control.fade_timer.isActive()
        action(window)
        assert speed_control.label.text() == ""


def test_seeking_during_playback_continues_from_there(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        playback, seen = window.parts.playback, []
        playback.set_speed(0.25)
        window.parts.actions["playPause"].trigger()
        window.session.frameChanged.connect(seen.append)
        window.parts.frame_presenter.seek(60)
        qtbot.waitUntil(lambda: len(seen) >= 3, timeout=TIMEOUT)
        assert playback.playing and seen[:3] == [60, 61, 62]


@pytest.fixture
def halted_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Treats every file as large and stops indexing until the event is set."""
    release, real = threading.Event(), index_thread.build_complete_index

    def late(*arguments: object, **more: object) -> object:
        release.wait(TIMEOUT / 1000)
        return real(*arguments, **more)

    monkeypatch.setattr("iouviewer.app.video.decode_thread.LARGE_FILE", 0)
    monkeypatch.setattr(index_thread, "build_complete_index", late)
    yield release
    release.set()


def test_a_time_beyond_the_index_is_shown_at_once_without_boxes_and_gets_its_number_later(
    qtbot: QtBot, tmp_path: Path, halted_index: threading.Event
) -> None:
    video = make_video(tmp_path / "long.mp4", ClipSpec(frames=200, bframes=2))
    gt = write_boxes(tmp_path / "gt.csv", {f: [(10, 10, 60, 60)] for f in range(40)})
    with opened_window(qtbot, OpenRequest(video=video, gt=gt)) as window:
        parts, canvas = window.parts, window.parts.views.canvas
        assert window.session.frame_count < 150 and "indexing" in video_notes(window)
        assert len(canvas.frame_view.boxes) == 1
        parts.frame_presenter.seek_time(6.9)
        qtbot.waitUntil(lambda: "until the frame number is" in canvas.status_text, timeout=TIMEOUT)
        assert barcode_on_canvas(window) == 160 and canvas.shown_frame == -1 and not canvas.frame_view.boxes
        bar = parts.views.playback_bar
        assert bar.frame_box.text() == "?" and "00:06.9" in bar.time.text()
        with qtbot.waitSignal(parts.loader.frameReady, timeout=TIMEOUT):
            canvas.resize(canvas.width() - 40, canvas.height())
            canvas.actual_size()
            parts.frame_presenter.update_target_size()
            parts.actions["compare"].trigger()
        parts.actions["correct"].trigger()
        assert barcode_on_canvas(window) == 160, "another size does not change the frame"
        halted_index.set()
        qtbot.waitUntil(lambda: window.session.current_frame == 172, timeout=TIMEOUT)
        shown(qtbot, window)
        assert barcode_on_canvas(window) == 172 and canvas.status_text == "" and "indexing" not in video_notes(window)
        assert bar.frame_box.text() == "172" and "00:06.9" in bar.time.text()


def test_playback_continues_while_the_index_grows(qtbot: QtBot, tmp_path: Path, halted_index: threading.Event) -> None:
    video = make_video(tmp_path / "long.mp4", ClipSpec(frames=120, bframes=2))
    with opened_window(qtbot, OpenRequest(video=video)) as window:
        playback, plot = window.parts.playback, window.parts.views.timeline.plot
        plot.setXRange(4, 20, padding=0)
        playback.set_speed(0.25)
        playback.set_loop((0, 8))
        window.parts.actions["playPause"].trigger()
        halted_index.set()
        qtbot.waitUntil(lambda: window.session.frame_count == 120, timeout=TIMEOUT)
        assert playback.playing and playback.loop == (0, 8)
        assert plot.viewRange()[0] == pytest.approx([4, 20]), "the timeline keeps its zoom"


def test_the_limit_of_the_frame_cache_follows_the_settings(qtbot: QtBot, clip, monkeypatch) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        parts = window.parts
        limits: list[int] = []
        monkeypatch.setattr(parts.loader, "set_memory_budget", limits.append)
        parts.settings.memory_mib = 300
        parts.video_presenter.apply_settings()
        assert limits == [300 << 20]


def test_the_scrub_cache_is_shown_disabled_and_deleted(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        parts, label = window.parts, window.parts.video_presenter.status_widget.scrub_cache
        assert not label.isVisible()
        parts.frame_presenter.seek(70)
        qtbot.waitUntil(lambda: label.isVisible() and label.text() == "Scrubbing ready", timeout=TIMEOUT)
        states: list[object] = []
        parts.loader.proxyState.connect(states.append)
        parts.loader.delete_proxies()
        qtbot.waitUntil(lambda: len(states) >= 2 and states[-1].size == 0, timeout=TIMEOUT)
        assert not label.isVisible()
        parts.settings.proxy_on = False
        parts.video_presenter.apply_settings()
        states.clear()
        parts.frame_presenter.seek(20)
        shown(qtbot, window)
        wait_for_idle_index_thread(qtbot, parts.loader)
        assert not any(state.is_building or state.frames for state in states), "nothing is built while it is off"


def test_brightness_and_contrast_act_on_the_screen_only(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        canvas = window.parts.views.canvas
        before = canvas.grab().toImage()
        window.parts.actions["adjustPicture"].trigger()
        levels = window.parts.video.levels_dialog
        assert levels is not None and levels.isVisible()
        viewport_rect = canvas.viewport().rect().translated(canvas.viewport().mapToGlobal(QPoint(0, 0)))
        assert not levels.geometry().contains(viewport_rect.center()), "the dialog must not cover the image"
        levels.brightness.setValue(60)
        assert canvas.grab().toImage() != before and "image adjusted" in video_notes(window)
        assert barcode_on_canvas(window) == 0, "exports use the original image"
        levels.reset()
        assert "adjusted" not in video_notes(window)
        assert canvas.grab().toImage() == before


def test_keys_show_pixels_and_reset_brightness(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        parts, canvas = window.parts, window.parts.views.canvas
        parts.actions["actualSize"].trigger()
        while canvas.zoom < 8:
            parts.actions["zoomIn"].trigger()
        before = canvas.grab().toImage()
        QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ShiftModifier)
        assert canvas.grab().toImage() != before and "squares" in parts.status.message.text()
        QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ShiftModifier)
        assert canvas.grab().toImage() == before and "smoothed" in parts.status.message.text()
        QTest.keyClick(canvas, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        parts.video.levels_dialog.brightness.setValue(60)
        assert canvas.grab().toImage() != before and "image adjusted" in video_notes(window)
        QTest.keyClick(canvas, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
        assert canvas.grab().toImage() == before and "adjusted" not in video_notes(window)
        assert "Brightness and contrast reset" in parts.status.message.text()


def test_video_properties_list_damage_and_go_to_it(qtbot: QtBot, clip) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("damaged.avi"))) as window:
        qtbot.waitUntil(lambda: "damaged" in video_notes(window), timeout=TIMEOUT)
        window.findChild(QToolButton, "videoNotes").click()
        properties = window.parts.video.properties_dialog
        assert properties is not None and properties.isVisible()
        assert properties.rows["Codec"] == "mpeg4, yuv420p, 8 bits" and properties.rows["Frame numbers"] == "Final"
        assert "damaged" in properties.notes.text() and properties.damage.count() == 4
        properties.damage.itemActivated.emit(properties.damage.item(1))
        assert window.session.current_frame == int(window.parts.video_presenter.marks.damaged[1])


def test_a_file_that_cannot_be_opened_keeps_the_open_one(qtbot: QtBot, clip, tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video at all")
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        parts = window.parts
        go_to(qtbot, window, 7)
        with qtbot.waitSignal(parts.loader.openFailed, timeout=TIMEOUT):
            parts.open_request(OpenRequest(video=tmp_path / "no.mp4"))
        message = error_text(window)
        assert "no.mp4" in message and "Check that a media player can play it" in message
        close_errors(window)
        assert window.windowTitle().startswith("plain.mp4")
        assert go_to(qtbot, window, 52) == "" and barcode_on_canvas(window) == 52


def test_a_truncated_recording_is_reported_as_such(qtbot: QtBot, clip, tmp_path: Path) -> None:
    whole = clip("plain.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with opened_window(qtbot) as window:
        with qtbot.waitSignal(window.parts.loader.openFailed, timeout=TIMEOUT):
            window.parts.open_request(OpenRequest(video=tmp_path / "cut.mp4"))
        assert "moov box" in error_text(window)


def test_an_unexpected_error_is_reported_and_the_next_frame_is_shown(
    qtbot: QtBot, clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        with monkeypatch.context() as broken:
            broken.setattr("iouviewer.video.reader.VideoReader.read_display", lambda *_, **__: 1 / 0)
            status = go_to(qtbot, window, 33)
        assert status.startswith("Frame 33 cannot be shown") and "ZeroDivisionError" in status
        assert go_to(qtbot, window, 34) == "" and barcode_on_canvas(window) == 34


def test_a_slow_frame_shows_that_it_is_loading(qtbot: QtBot, clip, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
        canvas = window.parts.views.canvas
        real = VideoReader.read_display

        def late(self: VideoReader, frame: int, *arguments: object, **more: object) -> object:
            release.wait(TIMEOUT / 1000)
            return real(self, frame, *arguments, **more)

        monkeypatch.setattr(VideoReader, "read_display", late)
        window.session.go_to(60)
        qtbot.waitUntil(lambda: canvas.status_text == "Loading frame 60…", timeout=TIMEOUT)
        window.session.go_to(61)
        assert canvas.status_text == "Loading frame 61…", "another frame was requested"
        window.session.go_to(60)
        assert canvas.shown_frame == 0, "the old image keeps its own boxes"
        release.set()
        shown(qtbot, window)
        assert canvas.status_text == "" and barcode_on_canvas(window) == 60


def test_without_a_video_there_are_no_notes(qtbot: QtBot) -> None:
    with opened_window(qtbot) as window:
        state = window.parts.video_presenter.status_widget
        assert not any(part.isVisible() for part in (state.notes, state.scrub_cache))
        window.parts.actions["playPause"].trigger()
        assert not window.parts.playback.playing


def test_an_index_that_does_not_match_the_file_is_rebuilt(qtbot: QtBot, clip, tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(clip("plain.mp4").read_bytes())
    count = len(decode_sequentially(video)[0])
    keep_stale_index(video, one_less)
    with opened_window(qtbot, OpenRequest(video=video)) as window:
        parts, session = window.parts, window.session
        parts.loader.set_decode_check(on=False)
        if not parts.loader.info.checked_by_decode:
            assert session.frame_count in (count - 1, count)
        go_to(qtbot, window, 33)
        qtbot.waitUntil(lambda: session.frame_count == count, timeout=TIMEOUT)
        qtbot.waitUntil(lambda: barcode_on_canvas(window) == session.current_frame, timeout=TIMEOUT)
        assert "damaged" not in video_notes(window) and parts.views.canvas.status_text == ""
        assert "was rebuilt" in parts.status.message.text()


def test_a_paused_check_is_shown_after_a_moment_and_the_layout_stays(
    qtbot: QtBot, clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    halted, real = threading.Event(), index_thread.DecodeCheck.advance

    def slow(self: index_thread.DecodeCheck) -> bool:
        if self.packets > 30:
            halted.wait(TIMEOUT / 1000)
        return real(self)

    monkeypatch.setattr(index_thread.DecodeCheck, "advance", slow)
    try:
        with opened_window(qtbot, OpenRequest(video=clip("plain.mp4"))) as window:
            presenter, queue = window.parts.video_presenter, window.parts.queue
            qtbot.waitUntil(lambda: video_notes(window).startswith("checking"), timeout=TIMEOUT)
            share = video_notes(window)
            button, message = presenter.status_widget.notes, window.parts.status.message
            QApplication.processEvents()
            places = button.geometry(), presenter.status_widget.geometry(), message.geometry()
            queue.busyChanged.emit(True)
            assert video_notes(window) == share and presenter.pause_timer.isActive(), "a short pause is not shown"
            window.parts.actions["videoFacts"].trigger()
            presenter.pause_timer.timeout.emit()
            QApplication.processEvents()
            assert "while a model runs" in window.parts.video.properties_dialog.notes.text()
            assert video_notes(window) == f"{share}, paused: model running" and "while a model runs" in button.toolTip()
            assert (button.geometry(), presenter.status_widget.geometry(), message.geometry()) == places
            queue.busyChanged.emit(False)
            QApplication.processEvents()
            assert video_notes(window) == share and "Paused" not in button.toolTip()
            assert (button.geometry(), presenter.status_widget.geometry(), message.geometry()) == places
            queue.busyChanged.emit(True)
            queue.busyChanged.emit(False)
            assert not presenter.pause_timer.isActive()
            halted.set()
            qtbot.waitUntil(lambda: video_notes(window) == "exact", timeout=TIMEOUT)
    finally:
        halted.set()
