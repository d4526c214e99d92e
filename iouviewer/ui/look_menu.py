"""The menu of colours and dashes of a variant, for the variants table and for its chip above the canvas."""

from __future__ import annotations

from functools import partial

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_edits import recolour_variant
from iouviewer.i18n import tr
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import popup_menu
from iouviewer.ui.tokens import VARIANT_SLOTS
from iouviewer.ui.variant_look import SLOT_NAMES, colour_of_slot, dash_icon, panel_colour, slot_of_colour


def look_menu(session: Session, key: str, parent: QWidget) -> QMenu:
    """Lines to choose from, the variant's own one checked; those that others have too say so."""
    menu, colours = popup_menu(tr("Colour and dash"), parent), scheme_theme().colours
    variant, group = session.variants[key], QActionGroup(menu)
    for slot in VARIANT_SLOTS:
        colour = colour_of_slot(slot)
        used = [each.name for each in session.variants if each.key != key and slot_of_colour(each.colour) == slot]
        title = SLOT_NAMES[slot]
        if used:
            title = tr("{colour} (as {names})", colour=title, names=", ".join(used))
        action = menu.addAction(dash_icon(colour, panel_colour(colour, colours)), title.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(slot == slot_of_colour(variant.colour))
        action.triggered.connect(partial(_recolour, session, key, colour))
        group.addAction(action)
    return menu


def _recolour(session: Session, key: str, colour: str, _checked: bool = False) -> None:
    recolour_variant(session, key, colour)
