"""Who gets a click: a table of points and what a press there takes, and properties that hold for every frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from iouviewer.document.boxes import Edges, Rect
from iouviewer.ui.canvas import hit
from iouviewer.ui.canvas.hit import NO_TARGET, BoxRef, HitBox, HitScene, Part, Target, truth_ref

BIG, SMALL, PREDICTION = truth_ref(1), truth_ref(2), BoxRef("model", 7)
BOXES = (
    HitBox(PREDICTION, (160.0, 160.0, 400.0, 400.0), caption=(160.0, 140.0, 220.0, 158.0)),
    HitBox(BIG, (100.0, 100.0, 300.0, 300.0)),
    HitBox(SMALL, (150.0, 150.0, 200.0, 200.0)),
)


def scene(*selected: BoxRef, px: float = 1.0, boxes: tuple[HitBox, ...] = BOXES) -> HitScene:
    return HitScene(boxes, frozenset(selected), px)


def target(x: float, y: float, *selected: BoxRef, px: float = 1.0) -> Target:
    return hit.target_at(scene(*selected, px=px), x, y)


def test_an_empty_frame_has_nothing_to_hit() -> None:
    assert hit.target_at(HitScene(), 5, 5) is NO_TARGET
    assert hit.stack_at(HitScene(), 5, 5) == ()
    assert hit.below(HitScene(), 5, 5) is None
    assert hit.next_in_stack((), None) is None


@pytest.mark.parametrize(
    ("x", "y", "selected", "part", "ref", "edges", "clicked"),
    [
        (50, 50, (), Part.NONE, None, Edges.NONE, None),
        # 1. a handle of the only selected box, in a square of 15 pixels
        (100, 100, (BIG,), Part.HANDLE, BIG, Edges.LEFT | Edges.TOP, BIG),
        (307, 307, (BIG,), Part.HANDLE, BIG, Edges.RIGHT | Edges.BOTTOM, BIG),
        (200, 100, (BIG,), Part.HANDLE, BIG, Edges.TOP, BIG),
        (304, 200, (BIG,), Part.HANDLE, BIG, Edges.RIGHT, BIG),
        # 2. its edge
        (130, 95, (BIG,), Part.EDGE, BIG, Edges.TOP, BIG),
        (105, 270, (BIG,), Part.EDGE, BIG, Edges.LEFT, BIG),
        # 3. the edge of another ground-truth box, also under a prediction; a click takes the smallest box there
        (302, 250, (), Part.EDGE, BIG, Edges.RIGHT, BIG),
        (170, 153, (BIG,), Part.EDGE, SMALL, Edges.TOP, SMALL),
        (170, 147, (BIG,), Part.EDGE, SMALL, Edges.TOP, BIG),
        # 4. the inside: a selected box is dragged, the smallest one clicked
        (130, 130, (), Part.INSIDE, BIG, Edges.ALL, BIG),
        (175, 175, (), Part.INSIDE, SMALL, Edges.ALL, SMALL),
        (175, 175, (BIG,), Part.INSIDE, BIG, Edges.ALL, SMALL),
        # 5. the edge of a prediction, never its inside
        (350, 398, (), Part.EDGE, PREDICTION, Edges.NONE, PREDICTION),
        (350, 350, (), Part.NONE, None, Edges.NONE, None),
        # several selected boxes are moved, never resized
        (100, 100, (BIG, SMALL), Part.INSIDE, BIG, Edges.ALL, BIG),
        (96, 250, (BIG, SMALL), Part.INSIDE, BIG, Edges.ALL, BIG),
    ],
)
def test_a_press_takes_the_expected_part(
    x: float, y: float, selected: tuple[BoxRef, ...], part: Part, ref: BoxRef | None, edges: Edges, clicked: BoxRef
) -> None:
    assert target(x, y, *selected) == Target(part, ref, edges, clicked)


def test_a_caption_takes_clicks_where_nothing_else_does() -> None:
    only = (replace(BOXES[0], caption=(400.0, 500.0, 460.0, 520.0)),)
    assert hit.target_at(scene(boxes=only), 430, 510) == Target(Part.CAPTION, PREDICTION, Edges.NONE, PREDICTION)


@pytest.mark.parametrize("px", [0.25, 1.0, 4.0])
def test_handles_keep_their_size_on_screen(px: float) -> None:
    assert target(100 - 7 * px, 100 - 7 * px, BIG, px=px).part is Part.HANDLE
    assert target(100 - 8 * px, 100 - 8 * px, BIG, px=px).part is not Part.HANDLE


@pytest.mark.parametrize(
    "rect", [(100.0, 100.0, 130.0, 300.0), (100.0, 100.0, 300.0, 112.0), (100.0, 100.0, 104.0, 104.0)]
)
@pytest.mark.parametrize("px", [1.0, 2.0])
def test_a_box_narrower_than_four_handles_has_all_eight_outside_and_can_be_moved(rect: Rect, px: float) -> None:
    places = {edges: (x, y) for edges, x, y in hit.handles(rect, px)}
    assert len(places) == 8
    half = hit.HANDLE_SIZE * px / 2
    for edges, (x, y) in places.items():
        assert not hit.contains(rect, x, y, half - 1e-9), "a handle covers the inside"
        others = [place for other, place in places.items() if other is not edges]
        assert min(max(abs(x - a), abs(y - b)) for a, b in others) >= 2 * half - 1e-9, "two handles overlap"
    boxes = (HitBox(BIG, rect),)
    assert hit.target_at(scene(BIG, boxes=boxes, px=px), *centre(rect)).part is Part.INSIDE
    for edges, place in places.items():
        found = hit.target_at(scene(BIG, boxes=boxes, px=px), *place)
        assert (found.part, found.edges) == (Part.HANDLE, edges)


def test_a_wide_box_has_eight_handles_of_at_least_nine_pixels() -> None:
    assert len(hit.handles((0.0, 0.0, 100.0, 100.0), 1.0)) == 8
    assert hit.HANDLE_SIZE >= 9


def test_a_tiny_box_can_be_dragged_by_its_middle() -> None:
    boxes = (HitBox(BIG, (100.0, 100.0, 106.0, 106.0)),)
    assert hit.target_at(scene(BIG, boxes=boxes), 103, 103).part is Part.INSIDE


def test_repeated_clicks_cycle_from_the_smallest_box_upwards() -> None:
    stack = hit.stack_at(scene(), 162, 175)
    assert stack == (SMALL, BIG, PREDICTION)
    seen: list[BoxRef | None] = [None]
    for _ in range(4):
        seen.append(hit.next_in_stack(stack, seen[-1]))
    assert seen[1:] == [SMALL, BIG, PREDICTION, SMALL]


def test_alt_click_goes_below_and_reaches_what_is_locked_and_insides_of_predictions() -> None:
    assert hit.below(scene(), 175, 175) == BIG
    assert hit.below(scene(BIG), 175, 175) == PREDICTION
    assert hit.below(scene(PREDICTION), 175, 175) == SMALL
    locked = tuple(replace(box, is_locked=True) for box in BOXES)
    assert hit.target_at(scene(boxes=locked), 130, 130) is NO_TARGET
    assert hit.below(scene(boxes=locked), 130, 130) == BIG


def test_the_inside_of_a_prediction_in_front_comes_before_that_of_ground_truth_but_not_before_an_edge() -> None:
    front = scene(boxes=(replace(BOXES[0], is_front=True), *BOXES[1:]))
    assert hit.target_at(front, 250, 250).clicked == PREDICTION
    assert hit.target_at(front, 350, 350).clicked == PREDICTION
    assert hit.target_at(front, 298, 250).ref == BIG
    assert hit.target_at(front, 130, 130).clicked == BIG


def test_with_control_only_a_selected_box_can_be_hit() -> None:
    found = hit.target_at(scene(BIG), 175, 175, only_selected=True)
    assert (found.ref, found.clicked) == (BIG, BIG)
    assert hit.target_at(scene(BIG), 350, 398, only_selected=True) is NO_TARGET
    assert hit.target_at(scene(), 175, 175, only_selected=True) is NO_TARGET


def test_a_rubber_band_takes_the_ground_truth_whose_centre_it_covers() -> None:
    assert hit.find_inside(scene(), (170.0, 170.0, 500.0, 500.0)) == (BIG, SMALL)
    assert hit.find_inside(scene(), (190.0, 190.0, 500.0, 500.0)) == (BIG,)
    assert hit.find_inside(scene(), (301.0, 301.0, 500.0, 500.0)) == ()
    locked = (replace(BOXES[1], is_locked=True), BOXES[2])
    assert hit.find_inside(scene(boxes=locked), (0.0, 0.0, 500.0, 500.0)) == (SMALL,)


def centre(rect: Rect) -> tuple[float, float]:
    return (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2


# Properties of every frame

COORDINATE = st.integers(0, 120).map(float)
SIDE = st.integers(2, 60).map(float)
PX = st.sampled_from([0.25, 0.8, 1.0, 1.25, 3.0])
RECT = st.tuples(COORDINATE, COORDINATE, SIDE, SIDE).map(lambda r: (r[0], r[1], r[0] + r[2], r[1] + r[3]))


@st.composite
def scenes(draw: st.DrawFn) -> HitScene:
    rects = draw(st.lists(RECT, min_size=1, max_size=8))
    boxes = []
    for number, rect in enumerate(rects):
        is_truth = draw(st.booleans())
        ref = truth_ref(number) if is_truth else BoxRef("model", number)
        is_locked = draw(st.sampled_from([False, False, False, True]))
        boxes.append(HitBox(ref, rect, is_locked=is_locked, is_front=not is_truth and draw(st.booleans())))
    selected = draw(st.sets(st.sampled_from([box.ref for box in boxes]), max_size=2))
    return HitScene(tuple(boxes), frozenset(selected), draw(PX))


def edge_points(rect: Rect) -> list[tuple[float, float]]:
    x1, y1, x2, y2 = rect
    return [
        (x, y)
        for share in (0.1, 0.35, 0.5, 0.8)
        for x, y in (
            (x1, y1 + share * (y2 - y1)),
            (x2, y1 + share * (y2 - y1)),
            (x1 + share * (x2 - x1), y1),
            (x1 + share * (x2 - x1), y2),
        )
    ]


def by_ref(of: HitScene) -> dict[BoxRef, HitBox]:
    return {box.ref: box for box in of.boxes}


@given(scenes(), COORDINATE, COORDINATE)
def test_a_target_is_unlocked_and_lies_at_the_point(of: HitScene, x: float, y: float) -> None:
    found = hit.target_at(of, x, y)
    boxes = by_ref(of)
    for ref in (found.ref, found.clicked):
        if ref is not None:
            assert not boxes[ref].is_locked
            reach = (hit.HANDLE_REACH + hit.HANDLE_SIZE) * of.px
            assert hit.contains(boxes[ref].rect, x, y, reach)
    assert (found.ref is None) == (found.part is Part.NONE) == (found.clicked is None)
    if found.edges:
        assert found.ref is not None and found.ref.is_ground_truth, "predictions are neither moved nor resized"


@given(scenes(), COORDINATE, COORDINATE)
def test_the_inside_of_a_prediction_is_never_hit_unless_it_is_in_front(of: HitScene, x: float, y: float) -> None:
    found = hit.target_at(of, x, y)
    box = None if found.clicked is None else by_ref(of)[found.clicked]
    if box is not None and not box.ref.is_ground_truth and not box.is_front:
        edges, _ = hit.edge_at(box.rect, x, y, hit.PREDICTION_REACH * of.px)
        assert edges


@given(scenes(), st.data())
def test_a_press_on_an_edge_of_ground_truth_takes_an_edge_of_ground_truth_whatever_lies_over_it(
    of: HitScene, data: st.DataObject
) -> None:
    candidates = [box for box in of.boxes if box.ref.is_ground_truth and not box.is_locked]
    assume(candidates and len(of.selected) < 2)
    box = data.draw(st.sampled_from(candidates))
    x, y = data.draw(st.sampled_from(edge_points(box.rect)))
    found = hit.target_at(of, x, y)
    assert found.ref is not None and found.ref.is_ground_truth
    assert found.part in (Part.EDGE, Part.HANDLE)
    if found.ref != box.ref and found.ref not in of.selected:
        other = by_ref(of)[found.ref]
        _, gap = hit.edge_at(other.rect, x, y, hit.EDGE_REACH * of.px)
        assert gap == 0 and hit.area(other.rect) <= hit.area(box.rect), "nearest, then smaller"


@given(scenes(), st.data())
def test_a_click_on_a_centre_takes_this_box_or_a_smaller_one_that_covers_it(of: HitScene, data: st.DataObject) -> None:
    boxes = tuple(replace(box, is_locked=False, is_front=False) for box in of.boxes)
    of = replace(of, boxes=boxes)
    truth = [box for box in of.boxes if box.ref.is_ground_truth]
    assume(truth)
    box = data.draw(st.sampled_from(truth))
    x, y = centre(box.rect)
    clicked = hit.target_at(of, x, y).clicked
    assert clicked is not None and clicked.is_ground_truth
    taken = by_ref(of)[clicked].rect
    assert clicked == box.ref or (hit.contains(taken, x, y) and hit.area(taken) <= hit.area(box.rect))
    stack = hit.stack_at(of, x, y)
    assert stack[0] == clicked and box.ref in stack


@given(scenes(), COORDINATE, COORDINATE)
def test_clicks_and_alt_clicks_go_through_everything_once(of: HitScene, x: float, y: float) -> None:
    stack, everything = hit.stack_at(of, x, y), hit.full_stack_at(of, x, y)
    assert everything[: len(stack)] == stack and len(set(everything)) == len(everything)
    under = {box.ref for box in of.boxes if hit.contains(box.rect, x, y)}
    assert under <= set(everything)
    current: BoxRef | None = None
    seen = []
    for _ in stack:
        current = hit.next_in_stack(stack, current)
        seen.append(current)
    assert tuple(seen) == stack


@given(scenes(), COORDINATE, COORDINATE)
def test_with_control_nothing_but_selected_boxes_is_hit(of: HitScene, x: float, y: float) -> None:
    found = hit.target_at(of, x, y, only_selected=True)
    assert {found.ref, found.clicked} <= {*of.selected, None}


@given(scenes(), COORDINATE, COORDINATE, st.sampled_from([0.5, 2.0, 8.0]))
def test_the_result_depends_on_the_picture_and_not_on_the_zoom(of: HitScene, x: float, y: float, by: float) -> None:
    scaled = tuple(replace(b, rect=tuple(v * by for v in b.rect)) for b in of.boxes)
    zoomed = HitScene(scaled, of.selected, of.px * by)
    assert hit.target_at(zoomed, x * by, y * by) == hit.target_at(of, x, y)


# Real frames

FRAMES = range(150, 170)


def rects_of(path: Path) -> dict[int, list[Rect]]:
    """The boxes of ``FRAMES`` of a MOT file, which counts from 1."""
    found: dict[int, list[Rect]] = {frame: [] for frame in FRAMES}
    for line in path.read_text().splitlines():
        frame, _, x, y, w, h = (float(value) for value in line.split(",")[:6])
        if int(frame) - 1 in found:
            found[int(frame) - 1].append((x, y, x + w, y + h))
    return found


@pytest.fixture
def real_scenes(shared_data: Path) -> list[HitScene]:
    """Frames 150 to 169 of pets09 at the zoom of a window of 1280 x 720, the predictions above the ground truth."""
    truth, found = (rects_of(shared_data / "pets09" / name) for name in ("gt.txt", "det_frcnn.txt"))
    scenes = []
    for frame in FRAMES:
        boxes = [HitBox(truth_ref(i), rect) for i, rect in enumerate(truth[frame])]
        boxes += [HitBox(BoxRef("frcnn", i), rect) for i, rect in enumerate(found[frame])]
        scenes.append(HitScene(tuple(boxes), frozenset(), px=1.25))
    return scenes


def test_every_edge_of_ground_truth_under_a_prediction_is_hit_on_real_frames(real_scenes: list[HitScene]) -> None:
    presses = 0
    for of in real_scenes:
        predictions = [box.rect for box in of.boxes if not box.ref.is_ground_truth]
        for box in (box for box in of.boxes if box.ref.is_ground_truth):
            for x, y in edge_points(box.rect):
                if not any(hit.contains(rect, x, y, hit.PREDICTION_REACH * of.px) for rect in predictions):
                    continue
                presses += 1
                found = hit.target_at(of, x, y)
                assert found.part is Part.EDGE and found.ref is not None and found.ref.is_ground_truth
    assert presses > 1000


@pytest.mark.parametrize("px", [0.5, 1.0, 1.25, 2.0])
def test_every_centre_of_ground_truth_selects_its_box_on_real_frames(real_scenes: list[HitScene], px: float) -> None:
    covered = 0
    for of in (replace(each, px=px) for each in real_scenes):
        boxes = by_ref(of)
        for box in (box for box in of.boxes if box.ref.is_ground_truth):
            x, y = centre(box.rect)
            clicked = hit.target_at(of, x, y).clicked
            if clicked == box.ref:
                continue
            covered += 1
            assert clicked is not None and clicked.is_ground_truth
            assert hit.contains(boxes[clicked].rect, x, y), "only a box that covers the centre"
            assert hit.area(boxes[clicked].rect) < hit.area(box.rect)
            assert hit.next_in_stack(hit.stack_at(of, x, y), clicked) == box.ref, "the second click takes it"
    assert covered == 17
