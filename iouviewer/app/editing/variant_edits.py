"""Renaming, recolouring and removing variants, and choosing the baseline, as steps of the history."""

from __future__ import annotations

from collections.abc import Mapping

from iouviewer.app.editing.session import Session
from iouviewer.document.edits import SetVariants
from iouviewer.errors import UserError
from iouviewer.i18n import tr

ORIGIN = "variants"


def _execute(session: Session, edit: SetVariants, label: str) -> None:
    try:
        session.execute(edit, label, origin=ORIGIN)
    except UserError as error:
        # The document is read-only, or the variant is gone.
        session.statusMessage.emit(str(error))


def rename_variant(session: Session, key: str, name: str) -> None:
    """Give a variant another name; made unique, an empty one changes nothing."""
    old = session.variants[key].name
    new = session.variants.unique_name_for(key, name)
    edit = SetVariants(looks=((key, new, session.variants[key].colour),), source=session.source.id)
    _execute(session, edit, tr("Rename variant {old} to {new}", old=old, new=new))


def recolour_variant(session: Session, key: str, colour: str) -> None:
    """Give a variant another stored colour, which stands for its dash too."""
    name = session.variants[key].name
    edit = SetVariants(looks=((key, name, colour),), source=session.source.id)
    _execute(session, edit, tr("Change colour and dash of {variant}", variant=name))


def remove_variant(session: Session, key: str) -> None:
    """Remove a variant; undo restores it with its predictions until the project is closed."""
    name = session.variants[key].name
    edit = SetVariants(removed=(key,), source=session.source.id)
    _execute(session, edit, tr("Remove variant {variant}", variant=name))


def map_classes(session: Session, key: str, class_map: Mapping[str, str]) -> None:
    """Say which classes of a variant are which of the ground truth; nothing is read or run again."""
    name, pairs = session.variants[key].name, tuple(sorted(class_map.items()))
    edit = SetVariants(class_maps=((key, pairs),), source=session.source.id)
    _execute(session, edit, tr("Map classes of variant {variant}", variant=name))


def set_baseline(session: Session, key: str) -> None:
    """Compare the others with this variant."""
    name = session.variants[key].name
    edit = SetVariants(baseline=key, source=session.source.id)
    _execute(session, edit, tr("Set {variant} as baseline", variant=name))
