"""Renaming, recolouring and removing variants, and choosing the baseline, as steps of the history."""

from __future__ import annotations

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import SetVariants
from iouviewer.i18n import tr

ORIGIN = "variants"


def rename_variant(session: Session, key: str, name: str) -> None:
    """Give a variant another name; made unique, an empty one changes nothing."""
    old = session.variants[key].name
    new = session.variants.unique_name_for(key, name)
    edit = SetVariants(looks=((key, new, session.variants[key].colour),), source=session.source.id)
    session.execute(edit, tr("Rename variant {old} to {new}", old=old, new=new), origin=ORIGIN)


def recolour_variant(session: Session, key: str, colour: str) -> None:
    """Give a variant another stored colour, which stands for its dash too."""
    name = session.variants[key].name
    edit = SetVariants(looks=((key, name, colour),), source=session.source.id)
    session.execute(edit, tr("Change colour and dash of {variant}", variant=name), origin=ORIGIN)


def remove_variant(session: Session, key: str) -> None:
    """Remove a variant; undo restores it with its predictions until the project is closed."""
    name = session.variants[key].name
    edit = SetVariants(removed=(key,), source=session.source.id)
    session.execute(edit, tr("Remove variant {variant}", variant=name), origin=ORIGIN)


def set_baseline(session: Session, key: str) -> None:
    """Compare the others with this variant."""
    name = session.variants[key].name
    edit = SetVariants(baseline=key, source=session.source.id)
    session.execute(edit, tr("Set {variant} as baseline", variant=name), origin=ORIGIN)
