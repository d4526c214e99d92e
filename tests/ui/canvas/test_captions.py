"""Captions on the image: which boxes have one, and that they never cover one another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication, QWidget

from iouviewer.document.boxes import Box
from iouviewer.document.edits import AddBoxes
from iouviewer.metrics.review import ReviewSettings
from iouviewer.ui.canvas.caption_layout import CaptionRequest, place_captions
from iouviewer.ui.canvas.captions import BELOW, Caption, Segment
from iouviewer.ui.canvas.captions import WRONG as CORAL
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


AREA = (0.0, 0.0, 640.0, 480.0)


def rects_of(requests: list[CaptionRequest]) -> list[tuple[float, float, float, float] | None]:
    positions = place_captions(requests, AREA)
    return [
        None if at is None else (*at, at[0] + request.width, at[1] + request.height)
        for request, at in zip(requests, positions, strict=True)
    ]


def two_variants(**more: object):
    predictions = {"base": {0: [FOUND, WRONG]}, "int8": {0: [FOUND, OTHER_WRONG]}}
    return session_with({0: [TRUTH]}, predictions, **more)


# Positions


def test_no_captions_need_no_positions():
    assert place_captions([], AREA) == []


@pytest.mark.parametrize("count", [5, 30, 300])
def test_captions_never_overlap_and_those_without_space_are_left_out(count):
    requests = [
        CaptionRequest((100.0 + 12 * (i % 30), 100.0 + 9 * (i // 30), 130.0 + 12 * (i % 30), 180.0), 52, 16)
        for i in range(count)
    ]
    rects = [rect for rect in rects_of(requests) if rect is not None]
    assert 4 <= len(rects) <= count
    assert not any(overlap(a, b) for i, a in enumerate(rects) for b in rects[:i])


coordinates = st.floats(-200, 900)
requests_of = st.lists(
    st.builds(
        lambda x, y, w, h, width, rank: CaptionRequest((x, y, x + w, y + h), width, 16, rank),
        coordinates,
        coordinates,
        st.floats(1, 700),
        st.floats(1, 700),
        st.floats(20, 160).map(round),
        st.integers(0, 3),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(requests_of, st.floats(-50, 50), st.floats(-50, 50))
def test_whatever_the_boxes_captions_stay_apart_within_view_and_outside_their_boxes(requests, left, top):
    area = (left, top, left + 640, top + 480)
    positions = place_captions(requests, area)
    rects = [
        None if at is None else (*at, at[0] + request.width, at[1] + request.height)
        for request, at in zip(requests, positions, strict=True)
    ]
    placed = [(request, rect) for request, rect in zip(requests, rects, strict=True) if rect is not None]
    for i, (request, rect) in enumerate(placed):
        assert area[0] <= rect[0] + 0.5 and rect[2] <= area[2] + 0.5
        assert area[1] <= rect[1] + 0.5 and rect[3] <= area[3] + 0.5
        assert not any(overlap(rect, other) for _, other in placed[:i])
        # Inside only where there is no space around the box.
        _, y1, _, y2 = request.box
        has_space = y1 - 25 > area[1] or y2 + 25 < area[3]
        assert not (has_space and overlap(rect, request.box))
    # A caption is dropped for others of its rank or a lower number only, so the first one always has its place.
    visible = [
        (request.rank, request.box[1], request.box[0], i)
        for i, request in enumerate(requests)
        if overlap(request.box, area)
    ]
    if visible:
        assert rects[min(visible)[3]] is not None


def test_captions_of_boxes_far_apart_are_all_above_their_boxes():
    requests = [CaptionRequest((80.0 * i, 100.0, 80.0 * i + 40, 180.0), 52, 16) for i in range(6)]
    assert rects_of(requests) == [(max(0.0, 80.0 * i - 1), 81.0, max(0.0, 80.0 * i - 1) + 52, 97.0) for i in range(6)]


def test_the_caption_of_a_box_that_fills_the_view_is_inside():
    assert rects_of([CaptionRequest((-50, -50, 700, 600), 52, 16)]) == [(0.0, 0.0, 52.0, 16.0)]


def test_a_box_out_of_view_has_no_caption():
    assert rects_of([CaptionRequest((-50, 10, -10, 60), 52, 16)]) == [None]


def test_a_caption_stays_in_view():
    requests = [CaptionRequest((10, 2, 60, 90), 52, 16), CaptionRequest((620, 200, 640, 260), 52, 16)]
    (left, top, *_), (other_left, *_) = rects_of(requests)
    assert top >= 0 and left >= 60, "beside the box, because there is no space above"
    assert other_left + 52 <= 640


def test_a_caption_of_higher_rank_gets_the_best_position():
    plain = CaptionRequest((100, 100, 150, 200), 52, 16, 1)
    urgent = CaptionRequest((110, 100, 160, 200), 52, 16, 0)
    positions = place_captions([plain, urgent], AREA)
    assert positions[1] == (109, 81)
    assert positions[0] != (99, 81)


def test_captions_do_not_cover_padlocks():
    request = CaptionRequest((100, 100, 150, 200), 52, 16)
    [at] = place_captions([request], AREA, [(114.0, 78.0, 136.0, 96.0)])
    assert at is not None and not overlap((*at, at[0] + 52, at[1] + 16), (114, 78, 136, 96))


# Boxes with captions


def test_with_several_variants_only_the_baseline_has_captions(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert view.boxes.caption_texts == {BoxRef("base", 1): "extra 0.90"}
    assert {box.ref.variant for box in view.frame_view.boxes if box.is_secondary} == {"int8"}
    session.variants.set_baseline("int8")
    assert view.boxes.caption_texts == {BoxRef("int8", 1): "extra 0.90"}


def test_the_only_visible_variant_has_captions_whichever_it_is(qtbot):
    session = two_variants()
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.variants.update("base", visible=False)
    assert view.boxes.caption_texts == {BoxRef("int8", 1): "extra 0.90"}
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


# The setting


def test_the_setting_for_captions_is_used(qtbot):
    small = (300.0, 100.0, 320.0, 130.0)
    session = session_with({0: [TRUTH, small]}, {"base": {0: [FOUND, small, WRONG]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    extra = BoxRef("base", 2)
    assert set(view.boxes.caption_texts) == {extra}
    view.boxes.set_caption_mode(CaptionMode.ALL)
    assert set(view.boxes.caption_texts) == {truth_ref(1), truth_ref(2), extra}
    view.boxes.set_caption_mode(CaptionMode.SELECTED)
    assert view.boxes.caption_texts == {}
    session.select([1])
    assert set(view.boxes.caption_texts) == {truth_ref(1)}
    view.boxes.set_caption_mode(CaptionMode.PROBLEMS)
    assert set(view.boxes.caption_texts) == {truth_ref(1), extra}
    view.boxes.set_caption_mode(CaptionMode.NONE)
    assert view.boxes.caption_texts == {}
    view.boxes.set_all_captions(True)
    assert len(view.boxes.caption_texts) == 3
    view.boxes.set_all_captions(False)
    assert view.boxes.caption_texts == {}


def test_a_caption_has_class_track_and_one_number(qtbot):
    boxes = (Box(1, 0, TRUTH, 0, 17), Box(2, 0, OTHER_WRONG, 0, 16))
    for classes, names in ((("person",), ("17", "16")), (("person", "car"), ("person 17", "person 16"))):
        session = session_with({}, {"base": {0: [FOUND, WRONG]}}, classes=classes)
        session.execute(AddBoxes(boxes), "Add")
        view = canvas_for(session)
        qtbot.addWidget(view)
        view.boxes.set_caption_mode(CaptionMode.ALL)
        texts = view.boxes.caption_texts
        assert (texts[truth_ref(1)], texts[truth_ref(2)]) == (f"{names[0]}  IoU 0.83", f"{names[1]}  missed")
        session.select([1])
        assert view.boxes.caption_texts[truth_ref(1)] == "person 17  IoU 0.83"


def test_numbers_below_the_threshold_are_amber_and_the_words_of_errors_coral(qtbot):
    session = session_with({0: [TRUTH, OTHER_WRONG]}, {"base": {0: [(100.0, 100.0, 300.0, 300.0), WRONG]}})
    session.set_score_settings(replace(session.scores.settings, review=ReviewSettings(iou=0.6)))
    view = canvas_for(session)
    qtbot.addWidget(view)
    captions = {ref: placed.caption for ref, placed in view.boxes.captions.items()}
    assert captions[truth_ref(1)] == Caption.of(Segment("IoU 0.50", BELOW))
    assert captions[truth_ref(2)] == Caption.of(Segment("missed", CORAL))
    assert captions[BoxRef("base", 1)].lines[0][0] == Segment("extra", CORAL)


def test_a_caption_behind_the_details_of_another_box_is_left_out(qtbot):
    near = (130.0, 100.0, 230.0, 300.0)
    session = session_with({0: [TRUTH, near]}, {"base": {0: [TRUTH, near]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.boxes.set_caption_mode(CaptionMode.ALL)
    assert set(view.boxes.caption_texts) == {truth_ref(1), truth_ref(2)}
    session.select([1, 2])
    session.select([1])
    shown = view.boxes.captions
    rects = [tuple(placed[1:]) for placed in shown.values()]
    assert truth_ref(1) in shown and not any(overlap(a, b) for i, a in enumerate(rects) for b in rects[:i])
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


def test_no_caption_lies_behind_the_badge_of_the_frame(qtbot):
    missed = (20.0, 40.0, 70.0, 120.0)
    view = canvas_for(session_with({0: [missed]}, {"base": {0: []}}))
    qtbot.addWidget(view)
    badge = view.findChild(QWidget, "frameBadge")
    assert badge.isVisible()
    [placed] = view.boxes.captions.values()
    corner = view.viewport().mapFromGlobal(badge.mapToGlobal(badge.rect().topLeft()))
    shown = QRectF(placed.left * view.px, placed.top * view.px, 1.0, 1.0).topLeft()
    at = view.mapFromScene(shown)
    size = (placed.right - placed.left, placed.bottom - placed.top)
    assert not QRectF(*at.toTuple(), *size).intersects(QRectF(*corner.toTuple(), badge.width(), badge.height()))


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
    view.boxes.set_caption_mode(CaptionMode.ALL)
    before = view.boxes.captions
    move_to(view, 15, 150)
    assert {truth_ref(1)} == {ref for ref, placed in view.boxes.captions.items() if placed != before.get(ref)}
    move_to(view, 620, 400)
    assert view.boxes.captions == before
