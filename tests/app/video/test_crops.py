"""Crops of frames for lists: cut by the decode thread while nobody waits for a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from iouviewer.app.video.crops import CropCutter, CropLoader, cut, next_frame
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.app.video.frame_messages import CropRequest, Mailbox
from iouviewer.video.conversion import DisplayFrame
from iouviewer.video.decoder import SupersededError
from tests.app.helpers import pixels_of
from tests.ui.window import FRAMES, write_video


def picture() -> DisplayFrame:
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[10:20, 30:40] = 200
    return DisplayFrame(3, pixels, True, 1.0)


def shown(area: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    image = cut(picture(), CropRequest(3, area, area[2:]))
    return pixels_of(image).copy()


def test_a_crop_shows_its_area_and_black_outside_the_frame() -> None:
    inside = shown((30, 10, 10, 10))
    assert (inside[..., :3] == 200).all()
    outside = shown((-20, -10, 30, 30))
    assert not outside[..., :3].any()
    half = shown((20, 10, 20, 10))[..., 0]
    assert not half[:, :9].any() and (half[:, 11:] > 150).all()


def test_urgent_crops_come_first_and_the_others_in_the_order_of_decoding() -> None:
    def crops(*frames: int, urgency: int = 1) -> tuple[CropRequest, ...]:
        return tuple(CropRequest(frame, (0, 0, 9, 9), (9, 9), urgency) for frame in frames)

    assert next_frame(crops(7, 3, 9), 5) == 7
    assert next_frame(crops(3, 2), 5) == 2
    assert next_frame((*crops(7, 3, 9), *crops(1, urgency=0)), 5) == 1


def test_the_crops_of_a_frame_are_cut_together_and_stay_wanted_when_reading_is_interrupted() -> None:
    mailbox = Mailbox()
    loader, cutter = CropLoader(mailbox), CropCutter(mailbox)
    first, second = CropRequest(3, (30, 10, 10, 10), (10, 10)), CropRequest(3, (0, 0, 5, 5), (5, 5))
    other = CropRequest(8, (0, 0, 5, 5), (5, 5))
    loader.request("grid", [first, second, other, first])
    assert cutter.has_work() and loader.image(first) is None

    def interrupted(_frame: int) -> DisplayFrame:
        raise SupersededError

    with pytest.raises(SupersededError):
        cutter.cut_next(interrupted)
    assert list(mailbox.crops) == [first, second, other]
    done = cutter.cut_next(lambda _frame: picture())
    assert [crop for crop, _ in done] == [first, second] and list(mailbox.crops) == [other]
    loader.take(done)
    image = loader.image(first)
    assert image is not None and image.width() == 10
    loader.take(cutter.cut_next(lambda _frame: None))
    missing = loader.image(other)
    assert missing is not None and missing.isNull() and not cutter.has_work()
    loader.request("strip", [first])
    assert not cutter.has_work(), "a crop that is there is not cut again"


def test_crops_come_from_the_decode_thread_and_the_frame_on_the_screen_comes_first(
    qtbot: QtBot, tmp_path: Path
) -> None:
    loader = FrameLoader()
    try:
        with qtbot.waitSignal(loader.opened, timeout=20_000):
            loader.open(write_video(tmp_path / "clip.avi"))
        wanted = [CropRequest(frame, (60 + 2 * frame, 80, 80, 80), (40, 40)) for frame in range(FRAMES)]
        wanted.append(CropRequest(FRAMES + 5, (0, 0, 9, 9), (9, 9)))
        loader.crops.request("grid", wanted)
        loader.request(0)
        qtbot.waitUntil(lambda: all(loader.crops.image(crop) is not None for crop in wanted), timeout=20_000)
        for crop in wanted[:-1]:
            image = loader.crops.image(crop)
            assert image is not None and pixels_of(image)[5:-5, 5:-5, :3].min() > 180
        beyond = loader.crops.image(wanted[-1])
        assert beyond is not None and beyond.isNull()
        with qtbot.waitSignal(loader.frameReady, timeout=20_000):
            loader.request(4)
    finally:
        loader.close()
