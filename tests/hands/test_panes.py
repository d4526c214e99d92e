"""The layouts of Compare by hand: four canvases in step, and two variants that swap in one place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QGraphicsView
from pytestqt.qtbot import QtBot

from tests.hands.hands import Hands
from tests.hands.test_compare import write_three
from tests.ui.window import opened_window

CANVASES = ("canvas", "otherCanvas", "canvas3", "canvas4")
CAPTIONS = ("compareCaption", "compareOtherCaption", "compareCaption3", "compareCaption4")


@pytest.fixture
def hands(qtbot: QtBot, tmp_path: Path) -> Iterator[Hands]:
    """A person in Compare with three variants."""
    with opened_window(qtbot, write_three(tmp_path / "case")) as window:
        found = Hands(qtbot, window)
        found.key("F3")
        found.wait(lambda: found.sees("otherCanvas"), "two canvases")
        yield found


def canvas(hands: Hands, name: str) -> QGraphicsView:
    view = hands.named(name)
    assert isinstance(view, QGraphicsView)
    return view


def captions(hands: Hands) -> list[str]:
    return [hands.named(name).accessibleName() for name in CAPTIONS if hands.sees(name)]


def captions_of(view: QGraphicsView) -> list[str]:
    return list(view.boxes.caption_texts.values())  # type: ignore[attr-defined]


def shown_part(view: QGraphicsView) -> tuple[float, float, float]:
    """Zoom and the point of the picture in the middle."""
    middle = view.mapToScene(view.viewport().rect().center())
    return round(view.transform().m11(), 3), round(middle.x()), round(middle.y())


def four(hands: Hands) -> None:
    hands.menu("View", "Comparison layout", "Four canvases")
    hands.wait(lambda: all(map(hands.sees, CANVASES)), "four canvases")


def test_four_canvases_show_three_variants_and_all_of_them_together(hands: Hands) -> None:
    four(hands)
    names = [line.replace("   ", " ") for line in captions(hands)]
    assert names == ["base", "shifted", "lossy", "base shifted lossy"]
    first, *others = (canvas(hands, name) for name in CANVASES)
    sizes = [view.size() for view in (first, *others)]
    assert max(size.width() for size in sizes) - min(size.width() for size in sizes) <= 2
    # Zoom on the last one: all follow, also when it is moved.
    target = others[-1].viewport().mapToGlobal(others[-1].viewport().rect().center()) + QPoint(20, 10)
    hands.wheel(target, 3)
    hands.wait(lambda: len({shown_part(view)[0] for view in (first, *others)}) == 1, "one zoom")
    assert shown_part(first)[0] > 1
    assert max(abs(shown_part(view)[1] - shown_part(first)[1]) for view in others) <= 2
    hands.wheel(first.viewport().mapToGlobal(first.viewport().rect().center()), -2)
    hands.wait(lambda: len({shown_part(view)[0] for view in (first, *others)}) == 1, "one zoom again")


def test_a_click_on_any_canvas_selects_on_all_and_a_key_steps_all(hands: Hands) -> None:
    four(hands)
    third = canvas(hands, "canvas3")
    car = third.viewport().mapToGlobal(third.mapFromScene(60.0, 120.0))
    hands.click(car)
    views = [canvas(hands, name) for name in CANVASES]
    hands.wait(lambda: all(map(captions_of, views)), "the caption of the selected car on all of them")
    hands.key("D")
    hands.wait(lambda: hands.frame == 1, "the next frame")
    hands.wait(lambda: {view.shown_frame for view in views} == {1}, "the next frame on all")  # type: ignore[attr-defined]


def test_a_held_key_swaps_both_variants_in_place(hands: Hands) -> None:
    hands.menu("View", "Comparison layout", "One canvas, swapped by key")
    hands.wait(lambda: captions(hands) == ["base"] and not hands.sees("otherCanvas"), "the baseline alone")
    hands.click(hands.canvas.viewport().mapToGlobal(QPoint(5, 60)))
    hands.hold("Shift+H")
    hands.wait(lambda: captions(hands) == ["shifted"], "the variant in its place")
    hands.release_key("Shift+H")
    hands.wait(lambda: captions(hands) == ["base"], "the baseline again")


def test_an_overlay_keeps_the_full_line_of_both(hands: Hands) -> None:
    hands.menu("View", "Comparison layout", "Overlay")
    hands.wait(lambda: len(captions(hands)) == 1, "one caption")
    assert captions(hands)[0].split() == ["base", "shifted"]
    view = hands.canvas
    boxes = [box for box in view.boxes.view.boxes if box.ref.variant]  # type: ignore[attr-defined]
    assert len(boxes) == 2 and not any(box.is_matched for box in boxes)
