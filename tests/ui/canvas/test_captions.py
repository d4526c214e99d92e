"""Captions on the image: which boxes have one, and that they never cover one another."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from iouviewer.ui.canvas.caption_layout import CaptionRequest, place_captions
from iouviewer.ui.canvas.frame_view import CaptionMode
from iouviewer.ui.canvas.hit import HANDLE_SIZE, BoxRef, truth_ref
from iouviewer.ui.canvas.view import CanvasView
from tests.app.builders import pets_session, session_with
from tests.ui.helpers import canvas_for, move_to

TRUTH = (100.0, 100.0, 200.0, 300.0)
FOUND = (100.0, 100.0, 220.0, 300.0)
WRONG = (400.0, 100.0, 450.0, 200.0)
OTHER_WRONG = (400.0, 300.0, 450.0, 400.0)


def overlap(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def rects_of(requests: list[CaptionRequest], **more: bool) -> list[tuple[float, float, float, float] | None]:
    positions = place_captions(requests, (640, 480), **more)
    return [
        None if at is None else (*at, at[0] + request.width, at[1] + request.height)
        for request, at in zip(requests, positions, strict=True)
    ]


def two_variants(**more: object):
    predictions = {"base": {0: [FOUND, WRONG]}, "int8": {0: [FOUND, OTHER_WRONG]}}
    return session_with({0: [TRUTH]}, predictions, **more)


# Positions


def test_no_captions_need_no_positions():
    assert place_captions([], (640, 480)) == []


@pytest.mark.parametrize("count", [5, 30, 300])
def test_captions_never_overlap_and_those_without_space_are_left_out(count):
    requests = [
        CaptionRequest((100.0 + 12 * (i % 30), 100.0 + 9 * (i // 30), 130.0 + 12 * (i % 30), 180.0), 52, 16)
        for i in range(count)
    ]
    rects = [rect for rect in rects_of(requests) if rect is not None]
    assert 2 <= len(rects) < count
    assert not any(overlap(a, b) for i, a in enumerate(rects) for b in rects[:i])


def test_captions_of_boxes_far_apart_are_all_above_their_boxes():
    requests = [CaptionRequest((80.0 * i, 100.0, 80.0 * i + 40, 180.0), 52, 16) for i in range(6)]
    assert rects_of(requests) == [(max(-1.0, 80.0 * i - 1), 82.0, 80.0 * i + 51, 98.0) for i in range(6)]


def test_a_requested_caption_is_never_left_out():
    requests = [CaptionRequest((100, 100, 110, 110), 52, 16) for _ in range(8)]
    assert None in rects_of(requests)
    assert None not in rects_of(requests, may_drop=False)


def test_a_caption_stays_on_the_image():
    requests = [CaptionRequest((10, 2, 60, 90), 52, 16), CaptionRequest((620, 200, 640, 260), 52, 16)]
    (_, top, *_), (left, *_) = rects_of(requests)
    assert top >= 0 and left + 52 <= 640


def test_an_urgent_caption_gets_the_best_position():
    plain, urgent = CaptionRequest((100, 100, 150, 200), 52, 16), CaptionRequest((110, 100, 160, 200), 52, 16, True)
    positions = place_captions([plain, urgent], (640, 480))
    assert positions[1] == (109, 82)
    assert positions[0] != (99, 82)


# Boxes with captions


def test_with_several_variants_only_the_baseline_has_captions(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert view.boxes.caption_texts == {truth_ref(1): "IoU 0.83", BoxRef("base", 1): "extra 0.90"}
    assert {box.ref.variant for box in view.frame_view.boxes if box.is_secondary} == {"int8"}
    session.variants.set_baseline("int8")
    assert view.boxes.caption_texts == {truth_ref(1): "IoU 0.83", BoxRef("int8", 1): "extra 0.90"}


def test_the_only_visible_variant_has_captions_whichever_it_is(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.variants.update("base", visible=False)
    assert view.boxes.caption_texts == {truth_ref(1): "IoU 0.83", BoxRef("int8", 1): "extra 0.90"}
    assert not any(box.is_secondary for box in view.frame_view.boxes)


def test_captions_of_other_variants_appear_with_the_mouse_the_selection_and_the_key(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    other = BoxRef("int8", 1)
    move_to(view, 400, 350)
    assert "extra" in view.boxes.caption_texts[other]
    move_to(view, 620, 20)
    assert other not in view.boxes.caption_texts
    session.select(prediction=("int8", 1))
    assert "extra" in view.boxes.caption_texts[other]
    session.select()
    view.boxes.set_all_captions(True)
    assert view.boxes.caption_texts[other] == "extra 0.90"
    view.boxes.set_all_captions(False)
    assert other not in view.boxes.caption_texts


def test_boxes_of_other_variants_are_thinner(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    image = view.viewport().grab().toImage()
    background = QColor("#606060")

    def width_at(x: int, y: int) -> int:
        row = (image.pixelColor(x + i, y) for i in range(-6, 7))
        return sum(colour != background for colour in row)

    base = max(width_at(400, y) for y in range(130, 170))
    other = max(width_at(400, y) for y in range(330, 370))
    assert 0 < other < base


# The setting


def test_the_setting_for_captions_is_used(qtbot):
    small = (300.0, 100.0, 320.0, 130.0)
    session = session_with({0: [TRUTH, small]}, {"base": {0: [FOUND, small, WRONG]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert set(view.boxes.caption_texts) == {truth_ref(1), BoxRef("base", 2)}
    view.boxes.set_caption_mode(CaptionMode.ALL)
    assert set(view.boxes.caption_texts) == {truth_ref(1), truth_ref(2), BoxRef("base", 2)}
    view.boxes.set_caption_mode(CaptionMode.NONE)
    assert view.boxes.caption_texts == {}
    session.select([1])
    assert set(view.boxes.caption_texts) == {truth_ref(1)}
    view.boxes.set_all_captions(True)
    assert len(view.boxes.caption_texts) == 3
    view.boxes.set_all_captions(False)
    assert set(view.boxes.caption_texts) == {truth_ref(1)}


def test_a_caption_behind_the_details_of_another_box_is_left_out(qtbot):
    near = (130.0, 100.0, 230.0, 300.0)
    session = session_with({0: [TRUTH, near]}, {"base": {0: [TRUTH, near]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert set(view.boxes.caption_texts) == {truth_ref(1), truth_ref(2)}
    session.select([1])
    assert set(view.boxes.caption_texts) == {truth_ref(1)}
    session.select()
    assert set(view.boxes.caption_texts) == {truth_ref(1), truth_ref(2)}


def test_captions_of_real_crowds_never_overlap(qtbot, shared_data):
    session = pets_session(shared_data / "pets09")
    view = canvas_for(session, frame=572, size=(940, 450))
    qtbot.addWidget(view)
    view.boxes.set_all_captions(True)
    QApplication.processEvents()
    assert _count_separate(view) > 3


def _count_separate(view: CanvasView) -> int:
    placed = [QRectF(p.left, p.top, p.right - p.left, p.bottom - p.top) for p in view.boxes.captions.values()]
    assert not any(a.intersects(b) for i, a in enumerate(placed) for b in placed[:i])
    return len(placed)


def test_details_stay_clear_of_the_handles_of_their_box(qtbot):
    session = session_with({0: [TRUTH]}, {"base": {0: [FOUND]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.select([1])
    placed = view.boxes.captions[truth_ref(1)]
    assert placed.bottom <= TRUTH[1] / view.px - HANDLE_SIZE / 2


def test_captions_keep_their_positions_while_the_mouse_moves_over_boxes(qtbot):
    boxes = [(60.0 * i + 10, 100.0, 60.0 * i + 60, 200.0) for i in range(9)]
    session = session_with({0: boxes}, {"base": {0: boxes}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    before = view.boxes.captions
    move_to(view, 15, 150)
    assert {truth_ref(1)} == {ref for ref, placed in view.boxes.captions.items() if placed != before.get(ref)}
    move_to(view, 620, 400)
    assert view.boxes.captions == before
