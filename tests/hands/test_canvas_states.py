"""How boxes look while a person points, selects, drags and draws; read from the pixels of the canvas."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QWidget

from iouviewer.ui.tokens import CANVAS, LINES
from tests.hands.cases import EXTRA, EXTRA_FRAME, PERSON, car
from tests.hands.hands import Hands

WHITE, BLUE = QColor(CANVAS.selected), QColor(CANVAS.gt)
EMPTY = (20.0, 200.0)


def colours_around(hands: Hands, point: tuple[float, float], *, reach: int = 5) -> list[str]:
    """The colours on a horizontal line of the screen through a point of the picture."""
    canvas = hands.canvas
    image = canvas.viewport().grab().toImage()
    centre = canvas.mapFromScene(*point)
    ratio = canvas.devicePixelRatioF()
    places = (centre + QPoint(dx, 0) for dx in range(-reach, reach + 1))
    return [image.pixelColor(round(at.x() * ratio), round(at.y() * ratio)).name() for at in places]


def edge(frame: int = 0, share: float = 0.35) -> tuple[float, float]:
    """A point on the right edge of the car, away from its handles."""
    _, y1, x2, y2 = car(frame)
    return x2, y1 + share * (y2 - y1)


def text_of(hands: Hands, name: str) -> str:
    """The text of a widget on the canvas; empty while it is hidden."""
    found = hands.window.findChildren(QWidget, name)
    return next((str(w.text) for w in found if w.isVisible()), "")  # type: ignore[attr-defined]


def loupe_point(hands: Hands) -> tuple[float, ...]:
    """The point under the cross of the loupe, which its caption tells."""
    factor, _, point = text_of(hands, "loupe").partition(" · ")
    assert factor == "8×", "the loupe is shown"
    return tuple(map(float, point.split(", ")))


def captions(hands: Hands) -> set[str]:
    """The texts of all captions on the canvas."""
    return set(hands.canvas.boxes.caption_texts.values())  # type: ignore[attr-defined]


def test_a_hovered_edge_turns_white_and_4_px_wide(person: Hands) -> None:
    hands = person
    hands.move(hands.on_canvas(EMPTY))
    assert colours_around(hands, edge()).count(BLUE.name()) == LINES["gt"].width
    hands.move(hands.on_canvas(edge()))
    seen = colours_around(hands, edge())
    assert seen.count(WHITE.name()) == LINES["hovered_edge"].width
    left = (car(0)[0], edge()[1])
    assert colours_around(hands, left).count(BLUE.name()) == 3, "the other edges are 2.6 px wide"


def test_a_selected_box_is_white_with_a_blue_ring_and_handles(person: Hands) -> None:
    hands = person
    hands.click_picture(((car(0)[0] + car(0)[2]) / 2, 120))
    hands.move(hands.on_canvas(EMPTY))
    seen = colours_around(hands, edge())
    assert seen.count(WHITE.name()) == LINES["selected"].width and BLUE.name() in seen
    corner = colours_around(hands, car(0)[2:])
    assert corner.count(WHITE.name()) >= 5, "a handle"


def test_a_dragged_edge_leaves_its_old_outline_and_shows_numbers_and_loupe(person: Hands) -> None:
    hands = person
    x, y = edge()
    hands.press_picture((x, y))
    hands.move_picture((x + 20, y))
    at_new, at_old = colours_around(hands, (x + 20, 100)), colours_around(hands, (x, 101), reach=2)
    assert at_new.count(WHITE.name()) == LINES["dragged"].width
    old = [colours_around(hands, (x, 84 + step), reach=2) for step in range(20)]
    dotted = [BLUE.name() in seen for seen in old]
    assert any(dotted) and not all(dotted), at_old
    lines = text_of(hands, "canvasDragLabel").splitlines()
    assert lines[0].startswith("base  0.82 → ") and lines[-1] == "100 × 80 px"
    zoom = hands.canvas.zoom  # type: ignore[attr-defined]
    assert zoom < 2 and loupe_point(hands) == pytest.approx((x + 20, y), abs=1)
    hands.key("Escape")
    hands.release()
    assert not text_of(hands, "canvasDragLabel") and not text_of(hands, "loupe")


def test_the_loupe_is_shown_while_z_is_held(person: Hands) -> None:
    hands = person
    hands.move(hands.on_canvas(EMPTY))
    hands.hold("Z")
    assert loupe_point(hands) == pytest.approx(EMPTY, abs=1)
    loupe = hands.named("loupe")
    assert (loupe.width(), loupe.height()) == (110, 110)
    assert not loupe.geometry().contains(hands.canvas.mapFromScene(*EMPTY)), "in a corner away from the mouse"
    hands.move(hands.on_canvas(edge()))
    assert loupe_point(hands)[0] == edge()[0], "at the edge under the mouse"
    hands.release_key("Z")
    assert not text_of(hands, "loupe")


def test_captions_follow_the_choice_and_the_held_key(person: Hands) -> None:
    hands = person
    for _ in range(EXTRA_FRAME):
        hands.key("D")
    hands.wait(lambda: captions(hands) == {"car  extra 0.70"}, "captions of problems only")
    box = hands.named("captionsComboBox")
    assert isinstance(box, QComboBox)
    hands.choose(box, "Captions: all")
    assert captions(hands) == {"car 1  IoU 0.82", "person 2  IoU 1.00", "car  extra 0.70"}
    hands.choose(box, "Captions: none")
    assert captions(hands) == set()
    hands.hold("L")
    assert {"car 1  IoU 0.82", "person 2  IoU 1.00"} < captions(hands)
    hands.release_key("L")
    hands.choose(box, "Captions: selected")
    assert captions(hands) == set()
    hands.click_picture(((PERSON[0] + PERSON[2]) / 2, 70))
    hands.move(hands.on_canvas(EMPTY))
    assert captions(hands) == {"person 2  IoU 1.00"}


def test_only_the_picture_is_shown_while_h_is_held(person: Hands) -> None:
    hands = person
    hands.move(hands.on_canvas(EMPTY))
    hands.hold("H")
    assert BLUE.name() not in colours_around(hands, edge())
    hands.release_key("H")
    assert BLUE.name() in colours_around(hands, edge())


def test_the_badge_says_what_a_person_has_said_about_the_frame(person: Hands) -> None:
    hands = person
    assert text_of(hands, "frameBadge") == "Not verified"
    hands.key("S", "A")
    hands.wait(lambda: text_of(hands, "frameBadge").startswith("Verified"), "the badge")
    assert hands.named("verifiedEdge").height() == 2
    x, y = edge()
    hands.drag_picture((x, y), (x + 10, y))
    hands.wait(lambda: text_of(hands, "frameBadge") == "Changed since verified", "the badge")
    hands.key("Ctrl+Z")
    hands.wait(lambda: text_of(hands, "frameBadge").startswith("Verified"), "the badge")


def test_draw_mode_shows_guides_and_what_the_box_will_be(person: Hands) -> None:
    hands = person
    hands.key("W")
    hands.move(hands.on_canvas((30.0, 200.0)))
    row = set(colours_around(hands, (150.0, 200.0), reach=12))
    assert {WHITE.name()} < row, "a dashed line through the picture"
    hands.press_picture((30.0, 180.0))
    hands.move_picture((50.0, 220.0))
    assert text_of(hands, "canvasDragLabel").splitlines()[0] == "20 × 40 px"
    assert "new track 3" in text_of(hands, "canvasDrawLabel")
    hands.key("Escape")
    hands.release()
    assert not text_of(hands, "canvasDrawLabel")


def test_colours_may_stand_for_classes(person: Hands) -> None:
    hands = person
    hands.move(hands.on_canvas(EMPTY))
    hands.menu("View", "Colour by", "Colour by track")
    hands.move(hands.on_canvas(EMPTY))
    assert BLUE.name() not in colours_around(hands, edge())
    hands.menu("View", "Colour by", "Colour by source")
    hands.move(hands.on_canvas(EMPTY))
    assert BLUE.name() in colours_around(hands, edge())


def test_a_locked_box_has_a_padlock_and_an_extra_prediction_its_dash(person: Hands) -> None:
    hands = person
    hands.click_picture(((car(0)[0] + car(0)[2]) / 2, 120))
    above = ((car(0)[0] + car(0)[2]) / 2, car(0)[1])
    hands.move(hands.on_canvas(EMPTY))
    canvas = hands.canvas
    place = canvas.mapFromScene(*above) - QPoint(0, 12)
    before = canvas.viewport().grab().toImage().pixelColor(place)
    hands.menu("Track", "Lock or unlock track")
    hands.move(hands.on_canvas(EMPTY))
    assert canvas.viewport().grab().toImage().pixelColor(place) != before
    hands.key("Escape")
    for _ in range(EXTRA_FRAME):
        hands.key("D")
    x1, y1, _, y2 = EXTRA
    hands.wait(lambda: "car  extra 0.70" in captions(hands), "the extra prediction")
    column = [colours_around(hands, (x1, y1 + step), reach=2) for step in range(3, int(y2 - y1) - 3)]
    dashes = [QColor(CANVAS.v[0]).name() in seen for seen in column]
    assert any(dashes) and not all(dashes)
