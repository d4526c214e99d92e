"""Playback follows the video's timestamps; the clock is controlled by the test."""

from __future__ import annotations

import numpy as np
import pytest

from iouviewer.app.video.playback import Playback


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Player:
    """A playback whose frames are shown as soon as they are due, unless ``slow``."""

    def __init__(self, times, *, slow=False):
        self.clock = Clock()
        self.playback = Playback(clock=self.clock)
        self.due, self.playing = [], []
        self.slow = slow
        self.playback.frameDue.connect(self._on_due)
        self.playback.playingChanged.connect(self.playing.append)
        self.playback.set_video(len(times), np.array(times, float))

    def _on_due(self, frame):
        self.due.append(frame)
        if not self.slow:
            self.playback.frame_shown(frame)

    def pass_time(self, seconds, step=0.005):
        for _ in range(round(seconds / step)):
            self.clock.now += step
            self.playback.tick()


@pytest.fixture
def player(qtbot):
    return Player(np.arange(50) / 25)


def test_nothing_plays_without_a_video(qtbot):
    playback = Playback()
    playback.play()
    assert not playback.playing


def test_frames_are_due_at_their_timestamps(player):
    player.playback.play()
    player.pass_time(0.4)
    assert player.due == list(range(11))
    assert player.playback.dropped == 0


def test_uneven_timestamps_are_kept(qtbot):
    player = Player([0, 0.04, 0.08, 1.0, 1.04])
    player.playback.play()
    player.pass_time(0.9)
    assert player.due == [0, 1, 2]
    player.pass_time(0.12)
    assert player.due == [0, 1, 2, 3]


def test_frames_with_one_timestamp_share_the_time_up_to_the_next(qtbot):
    player = Player(np.arange(12) // 3 * 0.12)
    player.playback.play()
    player.pass_time(0.06)
    assert player.due == [0, 1]
    player.pass_time(0.42)
    assert player.due == list(range(12)) and player.playback.dropped == 0


def test_frames_that_all_have_one_timestamp_are_played_by_the_rate(qtbot):
    player = Player(np.zeros(5))
    player.playback.play()
    player.pass_time(0.45)
    assert player.due == list(range(5))


def test_a_long_pause_is_shortened_to_three_seconds_but_regular_slides_are_not(qtbot):
    times = np.arange(10) / 25
    times[5:] += 20
    player = Player(times)
    player.playback.play()
    player.pass_time(2.9)
    assert player.due == list(range(5))
    player.pass_time(0.5)
    assert player.due == list(range(10))
    slides = Player(np.arange(3) * 8.0)
    slides.playback.play()
    slides.pass_time(7.9)
    assert slides.due == [0]
    slides.pass_time(0.2)
    assert slides.due == [0, 1]


@pytest.mark.parametrize(("speed", "shown"), [(0.25, 6), (0.5, 11), (2.0, 41)])
def test_speed_scales_time(player, speed, shown):
    player.playback.set_speed(speed)
    player.playback.play()
    player.pass_time(0.8)
    assert player.due == list(range(shown))


def test_speed_stays_within_its_limits_and_changes_without_a_jump(player):
    player.playback.set_speed(100)
    assert player.playback.speed == 4.0
    player.playback.set_speed(0)
    assert player.playback.speed == 0.25
    player.playback.set_speed(1)
    player.playback.play()
    player.pass_time(0.4)
    player.playback.set_speed(0.5)
    player.pass_time(0.08)
    assert player.due == list(range(12))


def test_reverse_playback_shows_frames_in_descending_order(player):
    player.playback.set_frame(20)
    player.playback.play(backwards=True)
    player.pass_time(0.41)
    assert player.due == list(range(20, 9, -1))


def test_playback_stops_at_the_end_and_starts_over_when_started_again(player):
    player.playback.set_frame(47)
    player.playback.play()
    player.pass_time(1.0)
    assert player.due == [47, 48, 49] and player.playing == [True, False]
    player.playback.play()
    assert player.due[-1] == 0


def test_a_loop_repeats_its_range(player):
    player.playback.set_loop((10, 13))
    player.playback.play()
    player.pass_time(0.4)
    assert player.due[:9] == [10, 11, 12, 13, 10, 11, 12, 13, 10]
    assert player.playback.playing


def test_the_next_frame_is_not_due_before_the_last_one_is_shown(qtbot):
    player = Player(np.arange(50) / 25, slow=True)
    player.playback.play()
    player.pass_time(0.3)
    assert player.due == [0]


def test_frames_that_were_due_but_not_shown_count_as_dropped(qtbot):
    player = Player(np.arange(50) / 25, slow=True)
    player.playback.play()
    player.pass_time(0.2)
    player.playback.frame_shown(0)
    player.playback.tick()
    assert player.due == [0, 5] and player.playback.dropped == 4


def test_playback_that_lags_far_behind_slows_down_instead_of_dropping_frames(qtbot):
    player = Player(np.arange(50) / 25, slow=True)
    player.playback.play()
    player.pass_time(1.5)
    player.playback.frame_shown(0)
    player.playback.tick()
    assert player.due == [0, 1]


def test_an_answer_for_another_frame_changes_nothing(qtbot):
    player = Player(np.arange(50) / 25, slow=True)
    player.playback.play()
    player.playback.frame_shown(33)
    player.pass_time(0.3)
    assert player.due == [0]


def test_pausing_stops_at_once_and_keeps_the_frame(player):
    player.playback.play()
    player.pass_time(0.2)
    player.playback.toggle()
    player.pass_time(1.0)
    assert player.due == list(range(6))
    player.playback.toggle()
    assert player.due[-1] == 5


def test_images_without_times_play_at_the_default_rate(qtbot):
    player = Player([])
    player.playback.set_video(30, np.empty(0), fps=0.0)
    player.playback.play()
    player.pass_time(0.5)
    assert player.due == list(range(6))


def test_the_timer_drives_playback(qtbot):
    playback = Playback()
    playback.set_video(5, np.arange(5) / 100)
    due = []
    playback.frameDue.connect(due.append)
    playback.frameDue.connect(playback.frame_shown)
    with qtbot.waitSignal(playback.playingChanged, check_params_cb=lambda playing: not playing):
        playback.play()
    assert due[0] == 0 and due[-1] == 4


def test_the_last_frame_of_a_loop_is_shown_as_long_as_the_others(player):
    player.playback.set_loop((3, 5))
    player.playback.set_frame(3)
    player.playback.play()
    shown = {3: 0, 4: 0, 5: 0}
    for _ in range(240):
        player.clock.now += 0.005
        player.playback.tick()
        shown[player.playback.frame] += 1
    assert max(shown.values()) - min(shown.values()) <= 8, shown


def test_a_loop_of_one_frame_does_not_spin(player):
    player.playback.set_loop((7, 7))
    player.playback.set_frame(7)
    player.playback.play()
    player.pass_time(0.5)
    assert not player.playback.playing and len(player.due) == 1


def test_reversing_during_playback_keeps_playing(player):
    player.playback.set_frame(20)
    player.playback.play()
    player.pass_time(0.2)
    player.playback.toggle(backwards=True)
    player.pass_time(0.2)
    assert player.playback.playing and player.playback.backwards
    assert player.due[:6] == [20, 21, 22, 23, 24, 25] and player.due[-1] == 20
    player.playback.toggle()
    assert not player.playback.playing


def test_a_jump_during_playback_continues_from_there_and_drops_nothing(player):
    player.playback.play()
    player.pass_time(0.1)
    player.playback.jump(40)
    player.playback.frame_shown(40)
    player.pass_time(0.1)
    assert player.due[-2:] == [41, 42] and player.playback.dropped == 0
    player.playback.pause()
    player.playback.jump(3)
    assert player.playback.frame == 42, "while paused, only set_frame moves it"


def test_playback_continues_while_the_index_grows(player):
    player.playback.set_loop((10, 48))
    player.playback.set_frame(45)
    player.playback.play()
    player.playback.update_video(80, np.arange(80) / 25, 25.0)
    assert player.playback.playing and player.playback.loop == (10, 48)
    player.pass_time(0.08)
    assert player.due[-1] == 47


def test_a_video_that_turns_out_shorter_stops_beyond_its_end(player):
    player.playback.set_frame(45)
    player.playback.set_loop((40, 49))
    player.playback.play()
    player.playback.update_video(30, np.arange(30) / 25, 25.0)
    assert not player.playback.playing and player.playback.frame == 29 and player.playback.loop is None
    player.playback.update_video(0, np.empty(0))
    player.playback.play()
    assert not player.playback.playing
