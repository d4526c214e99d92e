"""Labels on the picture: which boxes carry one, and that they never hide one another."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from iouviewer.ui.canvas.frame_view import LabelMode
from iouviewer.ui.canvas.hit import HANDLE, Ref, truth_ref
from iouviewer.ui.canvas.label_layout import Wish, place_labels
from iouviewer.ui.canvas.view import CanvasView
from tests.ui.helpers import canvas_for, move_to, pets_session, session_with

TRUTH = (100.0, 100.0, 200.0, 300.0)
FOUND = (100.0, 100.0, 220.0, 300.0)
WRONG = (400.0, 100.0, 450.0, 200.0)
OTHER_WRONG = (400.0, 300.0, 450.0, 400.0)


def overlap(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def rects_of(wishes: list[Wish], **more: bool) -> list[tuple[float, float, float, float] | None]:
    places = place_labels(wishes, (640, 480), **more)
    return [
        None if place is None else (*place, place[0] + wish.width, place[1] + wish.height)
        for wish, place in zip(wishes, places, strict=True)
    ]


def two_variants(**more: object):
    predictions = {"base": {0: [FOUND, WRONG]}, "int8": {0: [FOUND, OTHER_WRONG]}}
    return session_with({0: [TRUTH]}, predictions, **more)


# Places


def test_no_labels_need_no_places():
    assert place_labels([], (640, 480)) == []


@pytest.mark.parametrize("count", [5, 30, 300])
def test_labels_never_overlap_and_those_without_room_are_left_out(count):
    wishes = [
        Wish((100.0 + 12 * (i % 30), 100.0 + 9 * (i // 30), 130.0 + 12 * (i % 30), 180.0), 52, 16) for i in range(count)
    ]
    rects = [rect for rect in rects_of(wishes) if rect is not None]
    assert 2 <= len(rects) < count
    assert not any(overlap(a, b) for i, a in enumerate(rects) for b in rects[:i])


def test_labels_of_boxes_far_apart_all_stand_above_their_boxes():
    wishes = [Wish((80.0 * i, 100.0, 80.0 * i + 40, 180.0), 52, 16) for i in range(6)]
    assert rects_of(wishes) == [(max(-1.0, 80.0 * i - 1), 82.0, 80.0 * i + 51, 98.0) for i in range(6)]


def test_a_label_that_was_asked_for_is_never_left_out():
    wishes = [Wish((100, 100, 110, 110), 52, 16) for _ in range(8)]
    assert None in rects_of(wishes)
    assert None not in rects_of(wishes, drop=False)


def test_a_label_stays_on_the_picture():
    wishes = [Wish((10, 2, 60, 90), 52, 16), Wish((620, 200, 640, 260), 52, 16)]
    (_, top, *_), (left, *_) = rects_of(wishes)
    assert top >= 0 and left + 52 <= 640


def test_an_urgent_label_gets_the_best_place():
    plain, urgent = Wish((100, 100, 150, 200), 52, 16), Wish((110, 100, 160, 200), 52, 16, True)
    places = place_labels([plain, urgent], (640, 480))
    assert places[1] == (109, 82)
    assert places[0] != (99, 82)


# Whose labels


def test_with_several_variants_only_the_baseline_carries_labels(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert view.label_texts == {truth_ref(1): "IoU 0.83", Ref("base", 1): "FP 0.90"}
    assert {box.ref.variant for box in view.frame_view.boxes if box.quiet} == {"int8"}
    session.variants.set_baseline("int8")
    assert view.label_texts == {truth_ref(1): "IoU 0.83", Ref("int8", 1): "FP 0.90"}


def test_the_only_visible_variant_carries_labels_whichever_it_is(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.variants.update("base", visible=False)
    assert view.label_texts == {truth_ref(1): "IoU 0.83", Ref("int8", 1): "FP 0.90"}
    assert not any(box.quiet for box in view.frame_view.boxes)


def test_labels_of_other_variants_come_with_the_mouse_the_selection_and_the_key(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    quiet = Ref("int8", 1)
    move_to(view, 425, 350)
    assert "false positive" in view.label_texts[quiet]
    move_to(view, 620, 20)
    assert quiet not in view.label_texts
    session.select(prediction=("int8", 1))
    assert "false positive" in view.label_texts[quiet]
    session.select()
    view.set_all_labels(True)
    assert view.label_texts[quiet] == "FP 0.90"
    view.set_all_labels(False)
    assert quiet not in view.label_texts


def test_boxes_of_other_variants_are_thinner(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    image = view.viewport().grab().toImage()
    ground = QColor("#606060")

    def width_at(x: int, y: int) -> int:
        row = (image.pixelColor(x + i, y) for i in range(-6, 7))
        return sum(colour != ground for colour in row)

    base = max(width_at(400, y) for y in range(130, 170))
    other = max(width_at(400, y) for y in range(330, 370))
    assert 0 < other < base


# The setting


def test_the_setting_for_labels_is_followed(qtbot):
    small = (300.0, 100.0, 320.0, 130.0)
    session = session_with({0: [TRUTH, small]}, {"base": {0: [FOUND, small, WRONG]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert set(view.label_texts) == {truth_ref(1), Ref("base", 2)}
    view.set_label_mode(LabelMode.ALL)
    assert set(view.label_texts) == {truth_ref(1), truth_ref(2), Ref("base", 2)}
    view.set_label_mode(LabelMode.NONE)
    assert view.label_texts == {}
    session.select([1])
    assert set(view.label_texts) == {truth_ref(1)}
    view.set_all_labels(True)
    assert len(view.label_texts) == 3
    view.set_all_labels(False)
    assert set(view.label_texts) == {truth_ref(1)}


def test_a_label_behind_the_details_of_another_box_is_left_out(qtbot):
    near = (130.0, 100.0, 230.0, 300.0)
    session = session_with({0: [TRUTH, near]}, {"base": {0: [TRUTH, near]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert set(view.label_texts) == {truth_ref(1), truth_ref(2)}
    session.select([1])
    assert set(view.label_texts) == {truth_ref(1)}
    session.select()
    assert set(view.label_texts) == {truth_ref(1), truth_ref(2)}


def test_labels_of_real_crowds_never_overlap(qtbot, shared_data):
    session = pets_session(shared_data / "pets09")
    view = canvas_for(session, frame=572, size=(940, 450))
    qtbot.addWidget(view)
    view.set_all_labels(True)
    QApplication.processEvents()
    assert _placed_apart(view) > 3


def _placed_apart(view: CanvasView) -> int:
    placed = [
        QRectF(p.left, p.top, p.right - p.left, p.bottom - p.top) for p in view._boxes_item._shown.shown().values()
    ]
    assert not any(a.intersects(b) for i, a in enumerate(placed) for b in placed[:i])
    return len(placed)


def test_details_keep_clear_of_the_handles_of_their_box(qtbot):
    session = session_with({0: [TRUTH]}, {"base": {0: [FOUND]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.select([1])
    placed = view._boxes_item._shown.shown()[truth_ref(1)]
    assert placed.bottom <= TRUTH[1] / view.px - HANDLE / 2


def test_labels_stand_where_they_stood_while_the_mouse_moves_over_boxes(qtbot):
    boxes = [(60.0 * i + 10, 100.0, 60.0 * i + 60, 200.0) for i in range(9)]
    session = session_with({0: boxes}, {"base": {0: boxes}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    before = view._boxes_item._shown.shown()
    move_to(view, 15, 150)
    assert {truth_ref(1)} == {
        ref for ref, placed in view._boxes_item._shown.shown().items() if placed != before.get(ref)
    }
    move_to(view, 620, 400)
    assert view._boxes_item._shown.shown() == before
