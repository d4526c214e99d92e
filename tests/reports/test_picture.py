"""A frame with its boxes as PNG and SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import cv2
import numpy as np

from iouviewer.document.boxes import BoxFlag
from iouviewer.reports.box_look import BoxLook, prediction_look, truth_look
from iouviewer.reports.image_tokens import CANVAS
from iouviewer.reports.picture import PictureBox, draw_boxes, png_bytes, svg_bytes

GREY = np.full((120, 200, 3), 90, np.uint8)
RED = BoxLook("#ff0000", 2.0)
GREEN = "#2e9e5b"
"""The stored colour of the first variant."""
SVG = "{http://www.w3.org/2000/svg}"


def test_without_boxes_the_frame_is_unchanged_and_survives_png() -> None:
    drawn = draw_boxes(GREY, [])
    assert np.array_equal(cv2.imdecode(np.frombuffer(png_bytes(drawn), np.uint8), cv2.IMREAD_COLOR), GREY)


def test_a_box_is_outlined_at_its_place_with_a_halo_and_the_original_is_not_changed() -> None:
    drawn = draw_boxes(GREY, [PictureBox((20.0, 30.0, 80.0, 90.0), RED)])
    # Two pixels of line on the edge and one of halo on each side.
    changed = np.argwhere((drawn != GREY).any(axis=2))
    assert changed.min(axis=0).tolist() == [28, 18] and changed.max(axis=0).tolist() == [91, 81]
    assert drawn[60, 18:23].tolist() == [[27] * 3, [0, 0, 255], [0, 0, 255], [27] * 3, [90] * 3]
    assert (drawn[60, 50] == 90).all()
    assert (GREY == 90).all()


def test_a_prediction_is_dashed_in_the_colour_and_dash_of_its_variant_on_the_canvas() -> None:
    look = prediction_look(GREEN)
    drawn = draw_boxes(GREY, [PictureBox((20.0, 30.0, 180.0, 90.0), look)])
    line = drawn[29, 19:181].astype(int)
    coloured = np.abs(line - [0x9A, 0xD4, 0x35]).sum(axis=1) == 0
    assert look.dash == (6.0, 3.0)
    assert coloured[:12].tolist() == [True] * 6 + [False] * 3 + [True] * 3


def test_ignored_boxes_are_dotted_grey_and_hatched() -> None:
    drawn = draw_boxes(GREY, [PictureBox((20.0, 30.0, 80.0, 90.0), truth_look(int(BoxFlag.IGNORED)))])
    inside = drawn[40:80, 30:70]
    assert 0.05 < (inside != 90).any(axis=2).mean() < 0.3


def test_a_caption_stays_inside_the_frame() -> None:
    for rect in ((-50.0, -50.0, 30.0, 30.0), (190.0, 100.0, 400.0, 300.0), (-1e7, -1e7, 1e7, 1e7)):
        drawn = draw_boxes(GREY, [PictureBox(rect, RED, caption="IoU 0.83")])
        assert (drawn == [0xF2] * 3).all(axis=2).any()


def test_the_svg_holds_the_image_and_the_lines_as_numbers() -> None:
    boxes = [
        PictureBox((20.25, 30.0, 80.0, 90.5), prediction_look(GREEN), 0.55, "IoU 0.83 <&>"),
        PictureBox((1.0, 2.0, 3.0, 4.0), truth_look(0)),
    ]
    root = ET.fromstring(svg_bytes(GREY, boxes))
    assert root.get("viewBox") == "0 0 200 120"
    [image] = root.iter(f"{SVG}image")
    assert str(image.get("href")).startswith("data:image/png;base64,")
    prediction, truth = list(root.iter(f"{SVG}rect"))[2:]
    assert [prediction.get(name) for name in ("x", "y", "width", "height")] == ["20.25", "30", "59.75", "60.5"]
    assert (prediction.get("stroke"), prediction.get("stroke-dasharray")) == (CANVAS.v[0], "6 3")
    assert prediction.get("stroke-opacity") == "0.55"
    assert (truth.get("stroke"), truth.get("stroke-width"), truth.get("stroke-dasharray")) == (CANVAS.gt, "2", None)
    assert [text.text for text in root.iter(f"{SVG}text")] == ["IoU 0.83 <&>"]
