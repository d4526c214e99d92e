"""Every stored colour of a variant has a slot of the tokens with its own colour and dash."""

from __future__ import annotations

import pytest

from iouviewer.document.variants import VARIANT_COLOURS, default_look
from iouviewer.ui.tokens import CANVAS, VARIANT_SLOTS, colours, dash
from iouviewer.ui.variant_look import colour_of_slot, image_colour, panel_colour, slot_of_colour


def test_variants_take_the_slots_in_the_order_that_differs_most() -> None:
    taken = [slot_of_colour(default_look(position)[0]) for position in range(6)]
    assert tuple(taken) == VARIANT_SLOTS
    assert [colour_of_slot(slot) for slot in taken] == list(VARIANT_COLOURS)


@pytest.mark.parametrize("dark", [True, False])
def test_no_two_variants_look_alike(dark: bool) -> None:
    assert len({panel_colour(colour, colours(dark)) for colour in VARIANT_COLOURS}) == 6
    assert len({image_colour(colour) for colour in VARIANT_COLOURS}) == 6
    assert len({dash(slot_of_colour(colour)) for colour in VARIANT_COLOURS}) == 6


def test_a_colour_of_an_earlier_version_is_never_blue() -> None:
    assert image_colour("#56b4e9") == CANVAS.v[5]
