"""A frame with its boxes as PNG."""

from __future__ import annotations

import cv2
import numpy as np

from iouviewer.reports.picture import PictureBox, draw_boxes, png_bytes

GREY = np.full((120, 200, 3), 90, np.uint8)


def test_without_boxes_the_frame_is_unchanged_and_survives_png() -> None:
    drawn = draw_boxes(GREY, [])
    assert np.array_equal(cv2.imdecode(np.frombuffer(png_bytes(drawn), np.uint8), cv2.IMREAD_COLOR), GREY)


def test_a_box_is_outlined_at_its_place_and_the_original_is_not_changed() -> None:
    drawn = draw_boxes(GREY, [PictureBox((20.5, 30.5, 80.5, 90.5), "#ff0000")])
    changed = np.argwhere((drawn != GREY).any(axis=2))
    # The line is antialiased: it may touch one pixel more on each side.
    assert np.abs(changed.min(axis=0) - [30, 20]).max() <= 1
    assert np.abs(changed.max(axis=0) - [90, 80]).max() <= 1
    assert np.abs(drawn[60, 20].astype(int) - [0, 0, 255]).max() < 40
    assert (drawn[60, 50] == 90).all()
    assert (GREY == 90).all()


def test_a_caption_stays_inside_the_frame() -> None:
    for rect in ((-50.0, -50.0, 30.0, 30.0), (190.0, 100.0, 400.0, 300.0), (-1e7, -1e7, 1e7, 1e7)):
        drawn = draw_boxes(GREY, [PictureBox(rect, "#0000ff", "IoU 0.83")])
        assert (drawn == [255, 255, 255]).all(axis=2).any()
