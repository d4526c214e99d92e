"""What the canvas shows: image and boxes of one frame together, captions, a fixed number of items, sharp pixels."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QGraphicsView

from iouviewer.document.boxes import Box, BoxFlag
from iouviewer.document.edits import AddBoxes, SetFlags
from iouviewer.metrics.review import PairState
from iouviewer.ui.canvas.boxes_item import BoxesItem
from iouviewer.ui.canvas.frame_view import BoxState, CaptionMode
from iouviewer.ui.canvas.frame_view_builder import review_variant
from iouviewer.ui.canvas.hit import BoxRef, truth_ref
from iouviewer.ui.canvas.image_item import pixels
from iouviewer.ui.canvas.view import CanvasView
from tests.app.builders import pets_session, predictions_of, session_with
from tests.ui.helpers import LEFT, canvas_for, handle_position, move_to, plain_image, press_at, release_at

TRUTH = (100.0, 100.0, 200.0, 300.0)
FOUND = (100.0, 100.0, 220.0, 300.0)


def grid(count: int, size: float = 30.0) -> list[tuple[float, float, float, float]]:
    columns = 20
    return [
        (30.0 * (i % columns), 40.0 * (i // columns), 30.0 * (i % columns) + size, 40.0 * (i // columns) + size)
        for i in range(count)
    ]


def colour_at(view: CanvasView, x: float, y: float) -> QColor:
    ratio = view.devicePixelRatioF()
    image = view.viewport().grab().toImage()
    point = view.viewportTransform().map(QPointF(x, y)) * ratio
    return image.pixelColor(int(point.x()), int(point.y()))


def test_without_a_video_the_canvas_is_empty(qtbot):
    view = CanvasView(session_with({}, frames=0))
    qtbot.addWidget(view)
    view.show()
    assert view.objectName() == "canvas" and view.accessibleName()
    assert view.frame_view.boxes == () and not view.is_editable


def test_boxes_belong_to_the_image_on_screen_not_to_the_requested_frame(qtbot):
    session = session_with({0: [TRUTH], 1: [FOUND]})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.go_to(1)
    assert [box.rect for box in view.frame_view.boxes] == [TRUTH]
    view.show_image(plain_image(), 1)
    assert [box.rect for box in view.frame_view.boxes] == [FOUND]


def test_a_preview_has_no_boxes_and_says_so(qtbot):
    session = session_with({0: [TRUTH]})
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.show_image(plain_image(), 5, exact=False)
    status = view.findChild(object, "canvasPreviewMark")
    assert view.frame_view.boxes == () and view.shown_frame == -1
    assert status.isVisible() and "Preview" in status.text
    view.show_image(plain_image(), 0)
    assert len(view.frame_view.boxes) == 1 and not status.isVisible()


def test_scene_units_are_image_pixels_also_for_a_reduced_copy(qtbot):
    session = session_with({0: [TRUTH]}, size=(1280, 960))
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.show_image(plain_image(320, 240), 0, scale=0.25)
    assert view.image_rect == QRectF(0, 0, 1280, 960)
    assert view.to_image(QPointF(view.from_image(640, 480))) == QPointF(640, 480)


def test_the_number_of_items_is_the_same_for_every_frame(qtbot):
    boxes = {frame: grid(200 if frame % 2 else 3) for frame in range(6)}
    session = session_with(boxes, {"model": boxes})
    view = canvas_for(session)
    qtbot.addWidget(view)
    items = view.scene().items()
    for frame in range(6):
        session.go_to(frame)
        view.show_image(plain_image(), frame)
        session.select(box.id for box in session.ground_truth.boxes(frame))
        QApplication.processEvents()
        assert view.scene().items() == items
    # Image, boxes, emphasised boxes, captions, two guides, the outline before a drag, rubber band, snapped edges, the
    # proposed fix, boxes of a propagation.
    assert len(items) == 11
    assert view.viewportUpdateMode() is QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate


def test_dragging_one_of_many_boxes_repaints_a_small_part(qtbot):
    session = session_with({0: grid(200)}, {"model": {0: grid(200)}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    painted: list[QRectF] = []
    session.select([110])
    move_to(view, 5, 470)
    QApplication.processEvents()
    item = next(item for item in view.scene().items() if isinstance(item, BoxesItem))
    item.paint = lambda painter, option, widget=None: painted.append(QRectF(option.exposedRect))
    x, y = handle_position(view, 110, "right")
    press_at(view, x, y)
    for by in (2, 4, 6):
        move_to(view, x + by, y, button=LEFT)
        QApplication.processEvents()
    assert len(painted) >= 3
    assert max(rect.width() * rect.height() for rect in painted[1:]) < 640 * 480 / 10
    release_at(view, x + 6, y)


# Captions


def test_a_pair_shows_its_iou_and_wrong_boxes_say_what_is_wrong(qtbot):
    session = session_with(
        {0: [TRUTH, (300.0, 100.0, 400.0, 300.0), (500.0, 300.0, 600.0, 400.0)]},
        {"model": {0: [FOUND, (360.0, 100.0, 460.0, 300.0), (450.0, 10.0, 500.0, 60.0)]}},
    )
    view = canvas_for(session)
    qtbot.addWidget(view)
    states = {box.ref: box.state for box in view.frame_view.boxes}
    assert states[truth_ref(1)] is BoxState.PAIRED
    assert states[truth_ref(2)] is BoxState.LOOSE
    assert states[truth_ref(3)] is BoxState.MISSED
    assert states[BoxRef("model", 2)] is BoxState.EXTRA
    view.boxes.set_caption_mode(CaptionMode.ALL)
    assert view.boxes.caption_texts == {
        truth_ref(1): "IoU 0.83",
        truth_ref(2): "IoU 0.25",
        truth_ref(3): "missed",
        BoxRef("model", 2): "extra 0.90",
    }


def test_captions_name_the_class_only_where_there_are_several(qtbot):
    session = session_with({0: [TRUTH]}, {"model": {0: [FOUND]}}, classes=("person", "car"))
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.boxes.set_caption_mode(CaptionMode.ALL)
    assert view.boxes.caption_texts[truth_ref(1)] == "person  IoU 0.83"


def test_of_many_boxes_only_hovered_selected_and_wrong_ones_have_captions(qtbot):
    boxes = grid(60)
    session = session_with({0: boxes}, {"model": {0: boxes[:-1]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert view.boxes.caption_texts == {truth_ref(60): "missed"}
    session.select([5])
    assert set(view.boxes.caption_texts) == {truth_ref(60), truth_ref(5)}
    view.boxes.set_all_captions(True)
    captioned = set(view.boxes.caption_texts)
    assert len(captioned) > 30 and {truth_ref(60), truth_ref(5)} <= captioned
    view.boxes.set_all_captions(False)
    session.select()
    assert set(view.boxes.caption_texts) == {truth_ref(60)}


def test_the_number_of_a_selected_box_is_that_of_the_first_variant_shown(qtbot):
    session = session_with({0: [TRUTH]}, {"base": {0: [FOUND]}, "int8": {}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.select([1])
    assert view.boxes.caption_texts[truth_ref(1)] == "person  IoU 0.83"
    view.set_shown_variants(["int8"])
    assert view.boxes.caption_texts[truth_ref(1)] == "person  missed"
    view.set_shown_variants(None)
    session.variants.update("base", visible=False)
    assert view.boxes.caption_texts[truth_ref(1)] == "person  missed"


def test_two_canvases_show_their_own_variants(qtbot):
    session = session_with({0: [TRUTH]}, {"base": {0: [FOUND]}, "int8": {0: [TRUTH]}})
    views = [CanvasView(session, variant_filter=lambda v, name=name: v.name == name) for name in ("base", "int8")]
    for view in views:
        qtbot.addWidget(view)
        view.resize(640, 480)
        view.show()
        view.show_image(plain_image(), 0)
        view.boxes.set_caption_mode(CaptionMode.ALL)
    assert [view.boxes.caption_texts[truth_ref(1)] for view in views] == ["IoU 0.83", "IoU 1.00"]
    views[1].follow(views[0])
    views[0].zoom_at(3.0, QPointF(100, 100))
    assert views[1].zoom == views[0].zoom
    near = views[1].to_image(QPointF(320, 240)) - views[0].to_image(QPointF(320, 240))
    assert abs(near.x()) < 1 and abs(near.y()) < 1


def test_blind_mode_shows_neither_predictions_nor_scores(qtbot):
    session = session_with({0: [TRUTH]}, {"model": {0: [FOUND]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.view_state.set_blind(True)
    session.select([1])
    assert [box.ref for box in view.frame_view.boxes] == [truth_ref(1)]
    assert view.boxes.caption_texts == {truth_ref(1): "person"}
    session.view_state.set_blind(False)
    assert len(view.frame_view.boxes) == 2


def test_hidden_boxes_cannot_be_hit_until_they_are_shown_again(qtbot):
    session = session_with({0: [TRUTH]})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.view_state.set_picture_only(True)
    assert view.boxes.scene.boxes == () and not view.is_editable
    session.view_state.set_picture_only(False)
    assert len(view.boxes.scene.boxes) == 1 and view.is_editable


def test_ignored_boxes_and_unlabelled_frames_are_not_evaluated(qtbot):
    session = session_with({0: [TRUTH]}, {"model": {0: [(400.0, 10.0, 450.0, 60.0)]}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.execute(SetFlags(((1, int(BoxFlag.IGNORED)),)), "Ignore")
    assert view.frame_view.find(truth_ref(1)).state is BoxState.IGNORED
    unlabelled = session_with({0: [TRUTH]}, {"model": {0: [FOUND]}}, labelled=False)
    other = canvas_for(unlabelled)
    qtbot.addWidget(other)
    assert {box.state for box in other.frame_view.boxes} == {BoxState.PLAIN}


def test_a_variant_that_does_not_cover_the_frame_misses_nothing(qtbot):
    session = session_with({0: [TRUTH]})
    view = canvas_for(session)
    qtbot.addWidget(view)
    running = predictions_of({}, 10)
    running.covered[:] = False
    session.variants.add("running", running)
    assert view.frame_view.find(truth_ref(1)).state is BoxState.PLAIN


def test_predictions_that_arrive_appear(qtbot):
    session = session_with({0: [TRUTH]}, {"model": {}})
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert view.boxes.caption_texts == {truth_ref(1): "missed"}
    session.variants.set_predictions("model", predictions_of({0: [FOUND]}, 10))
    view.boxes.set_caption_mode(CaptionMode.ALL)
    assert view.boxes.caption_texts == {truth_ref(1): "IoU 0.83"}


def test_edits_made_elsewhere_appear(qtbot):
    session = session_with({0: [TRUTH]})
    view = canvas_for(session)
    qtbot.addWidget(view)
    session.execute(AddBoxes((Box(9, 0, (10.0, 10.0, 60.0, 60.0), 0),)), "Add")
    assert view.frame_view.find(truth_ref(9)) is not None
    session.undo()
    assert view.frame_view.find(truth_ref(9)) is None


def test_a_hidden_canvas_is_refreshed_when_it_is_shown(qtbot):
    session = session_with({0: [TRUTH]})
    view = canvas_for(session)
    qtbot.addWidget(view)
    view.hide()
    session.execute(AddBoxes((Box(9, 0, (10.0, 10.0, 60.0, 60.0), 0),)), "Add")
    view.show()
    assert len(view.frame_view.boxes) == 2


# Pixels


def checkerboard(width: int = 64, height: int = 48) -> QImage:
    array = np.zeros((height, width, 4), np.uint8)
    array[:, ::2] = 255
    array[..., 3] = 255
    return QImage(array.data, width, height, width * 4, QImage.Format.Format_RGB32).copy()


def test_at_100_percent_every_pixel_is_that_of_the_image(qtbot):
    session = session_with({}, size=(64, 48))
    view = canvas_for(session, size=(200, 100))
    qtbot.addWidget(view)
    view.show_image(checkerboard(), 0)
    view.actual_size()
    assert view.zoom == 1.0
    seen = [colour_at(view, x + 0.5, 20.5).red() for x in range(64)]
    assert seen == [255, 0] * 32


def test_nearest_scaling_shows_squares_and_smooth_scaling_shows_grey_between_them(qtbot):
    session = session_with({}, size=(64, 48))
    view = canvas_for(session, size=(400, 300))
    qtbot.addWidget(view)
    view.show_image(checkerboard(), 0)
    view.zoom_at(8.0 / view.transform().m11(), QPointF(200, 150))
    centre = view.to_image(QPointF(200, 150))

    def values() -> set[int]:
        left, y = int(centre.x()) - 3, int(centre.y()) + 0.5
        return {colour_at(view, left + i / 8 + 0.01, y).red() for i in range(48)}

    assert len(values()) > 2
    view.set_smooth_scaling(False)
    assert values() == {0, 255}


def test_brightness_and_contrast_change_the_display_and_not_the_image(qtbot):
    session = session_with({})
    view = canvas_for(session)
    qtbot.addWidget(view)
    image = plain_image(colour="#606060")
    view.show_image(image, 0)
    assert colour_at(view, 300, 200).red() == 0x60
    view.set_levels(0.2, 1.0)
    assert colour_at(view, 300, 200).red() == 0x60 + 51
    view.set_levels(0.0, 2.0)
    assert colour_at(view, 300, 200).red() == round((0x60 - 127.5) * 2 + 127.5)
    assert set(pixels(image)[..., 0].ravel().tolist()) == {0x60}
    view.set_levels(0.0, 1.0)
    assert colour_at(view, 300, 200).red() == 0x60


def test_the_whole_image_is_fitted_until_the_user_zooms(qtbot):
    session = session_with({}, size=(1280, 960))
    view = canvas_for(session)
    qtbot.addWidget(view)
    assert view.zoom == pytest.approx(0.5)
    view.resize(320, 240)
    assert view.zoom == pytest.approx(0.25)
    view.zoom_in()
    view.resize(640, 480)
    assert view.zoom == pytest.approx(0.25 * 1.25)
    view.fit()
    assert view.zoom == pytest.approx(0.5)


def test_zoom_keeps_the_point_under_the_cursor(qtbot):
    session = session_with({}, size=(1280, 960))
    view = canvas_for(session)
    qtbot.addWidget(view)
    position = QPointF(123, 321)
    before = view.to_image(position)
    for factor in (1.25, 1.25, 1.25, 3.0, 0.7):
        view.zoom_at(factor, position)
        moved = view.to_image(position) - before
        assert abs(moved.x()) <= view.px and abs(moved.y()) <= view.px


def test_the_pairs_of_a_canvas_are_those_of_the_review(qtbot, shared_data):
    session = pets_session(shared_data / "pets09")
    variant = session.variants.baseline
    for frame in range(0, 795, 15):
        review = session.scores.frame_review("frcnn", frame)
        first = variant.predictions.table.rows(frame).start
        columns = (review.gt_ids, review.pred_rows, review.iou, review.state)
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        paired = [(box_id, first + row, iou) for box_id, row, iou, _ in rows if box_id >= 0 and row >= 0]
        shown = [(first + row, PairState(state)) for _, row, _, state in rows if row >= 0]
        states = [(row, state) for row, state in shown if state is not PairState.BELOW_CONFIDENCE]
        found = review_variant(session, variant, frame)
        assert found.iou_of == {box_id: iou for box_id, _, iou in paired}
        assert found.partner_of == {box_id: row for box_id, row, _ in paired}
        assert found.owner_of == {row: box_id for box_id, row, _ in paired}
        assert list(found.state_of.items()) == states, "in the same order, which is that of drawing"


def test_real_frames_show_their_people(qtbot, shared_data):
    session = pets_session(shared_data / "pets09")
    view = canvas_for(session, frame=100, size=(960, 640))
    qtbot.addWidget(view)
    review = session.scores.frame_review("frcnn", 100)
    states = [box.state for box in view.frame_view.boxes]
    assert states.count(BoxState.PAIRED) == review.tp
    assert states.count(BoxState.MISSED) + states.count(BoxState.LOOSE) == review.fn
    captions = [view.frame_view.find(truth_ref(b.id)).caption for b in session.ground_truth.boxes(100)]
    assert sum(caption is not None for caption in captions) == review.gt_count
