"""Edits: small frozen values that describe a change to the document.

They are used by undo, the history in the project file, tests and scripts. As tagged msgspec structs, they are written
and read back bit for bit. Names of classes and fields are part of the file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Flag, IntEnum, StrEnum, auto
from typing import NamedTuple

import msgspec
import numpy as np

from iouviewer.document.boxes import Box, Rect
from iouviewer.document.classes import ClassTable, NumberKind
from iouviewer.document.notes import Note


class FrameState(IntEnum):
    """Whether a frame of the ground truth counts (docs/metrics.md)."""

    UNLABELLED = 0
    LABELLED = 1
    EXCLUDED = 2


class _Edit(msgspec.Struct, frozen=True, tag=True):
    pass


class AddBoxes(_Edit, frozen=True):
    """Add boxes; their ids come from ``GroundTruth.new_ids`` (or from an earlier removal)."""

    boxes: tuple[Box, ...]
    source: int = 0


class RemoveBoxes(_Edit, frozen=True):
    """Remove boxes by id."""

    ids: tuple[int, ...]
    source: int = 0


class SetRects(_Edit, frozen=True):
    """Give boxes new rectangles: (id, (x1, y1, x2, y2)), pixels."""

    rects: tuple[tuple[int, Rect], ...]
    source: int = 0


class SetClasses(_Edit, frozen=True):
    """Give boxes new classes: (id, class id)."""

    classes: tuple[tuple[int, int], ...]
    source: int = 0


class SetFlags(_Edit, frozen=True):
    """Give boxes new flags: (id, bits of BoxFlag)."""

    flags: tuple[tuple[int, int], ...]
    source: int = 0


class SetTracks(_Edit, frozen=True):
    """Give boxes new track ids: (id, track)."""

    tracks: tuple[tuple[int, int], ...]
    source: int = 0


class Verification(IntEnum):
    """Whether a person has verified a frame; the values are stored."""

    NONE = 0
    VERIFIED = 1
    CHANGED = 2
    """Its boxes changed after it was verified, so it is no longer."""


class FrameMark(NamedTuple):
    """State of one frame: whether it counts, and whether a person has verified it, or had before it ``changed``."""

    frame: int
    state: FrameState
    verified: bool
    changed: bool = False

    @property
    def verification(self) -> Verification:
        """Both flags as one value."""
        if self.verified:
            return Verification.VERIFIED
        return Verification.CHANGED if self.changed else Verification.NONE


class SetFrames(_Edit, frozen=True):
    """Set the state of frames.

    ``default_mark`` applies to its own frame and all later ones, including those that become known later (while a video
    is being indexed); ``marks`` take precedence.
    """

    marks: tuple[FrameMark, ...]
    source: int = 0
    default_mark: FrameMark | None = msgspec.field(default=None, name="rest")


class SetClassNames(_Edit, frozen=True):
    """Replace the class table; ids are positions, so a class that goes leaves its id to the last one.

    The other fields are those of ``ClassTable``. A ``kind`` of None leaves numbers, kind and ``named`` as they are, and
    None leaves order, colours, aliases and sets of attributes.
    """

    names: tuple[str, ...]
    source: int = 0
    numbers: tuple[int, ...] | None = None
    kind: str | None = None
    named: bool = True
    order: tuple[int, ...] | None = None
    colours: tuple[str, ...] | None = None
    aliases: tuple[tuple[str, int], ...] | None = None
    attribute_sets: tuple[tuple[tuple[str, str], ...], ...] | None = None

    @classmethod
    def of(cls, classes: ClassTable, source: int = 0) -> SetClassNames:
        """The edit that sets this class table."""
        return cls(
            classes.names,
            source,
            classes.numbers,
            classes.kind.value,
            classes.named,
            classes.order,
            classes.colours,
            classes.aliases,
            classes.attribute_sets,
        )

    def applied_to(self, classes: ClassTable) -> ClassTable:
        """The class table after the edit."""
        table = classes.renamed(self.names)
        if self.kind is not None:
            numbers = self.numbers if self.numbers is None or len(self.numbers) == len(self.names) else None
            table = replace(table, numbers=numbers, kind=NumberKind(self.kind), named=self.named)
        return replace(
            table,
            order=table.order if self.order is None else self.order,
            colours=table.colours if self.colours is None else self.colours,
            aliases=table.aliases if self.aliases is None else self.aliases,
            attribute_sets=table.attribute_sets if self.attribute_sets is None else self.attribute_sets,
        )


class SetDecisions(_Edit, frozen=True):
    """Store decisions about problems: (problem key, decision); an empty decision removes it."""

    decisions: tuple[tuple[str, str], ...]
    source: int = 0


class SetNotes(_Edit, frozen=True):
    """Add or replace notes (``put``), and delete others by id."""

    put: tuple[Note, ...] = ()
    delete: tuple[int, ...] = ()
    source: int = 0


class SetVariants(_Edit, frozen=True):
    """Rename and recolour variants, map their classes, remove and restore them, choose the baseline; by key.

    Attributes:
        looks: (key, name, stored colour).
        removed, restored: keys; a removed variant is kept until the project is closed.
        baseline: empty to leave it.
        class_maps: (key, map): the map as pairs (class of the variant, class of the ground truth or ``""``).
    """

    looks: tuple[tuple[str, str, str], ...] = ()
    removed: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    baseline: str = ""
    source: int = 0
    class_maps: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


class Batch(_Edit, frozen=True):
    """Several edits as one step, applied in order."""

    edits: tuple[Edit, ...]
    source: int = 0


Edit = (
    AddBoxes
    | RemoveBoxes
    | SetRects
    | SetClasses
    | SetFlags
    | SetTracks
    | SetFrames
    | SetClassNames
    | SetDecisions
    | SetNotes
    | SetVariants
    | Batch
)


class Aspect(Flag):
    """Parts of the document that a change affected; views redraw only these."""

    EXISTENCE = auto()
    GEOMETRY = auto()
    CLASS = auto()
    FLAGS = auto()
    TRACK = auto()
    FRAME_STATE = auto()
    CLASS_NAMES = auto()
    DECISIONS = auto()
    NOTES = auto()
    VARIANTS = auto()
    ALL = EXISTENCE | GEOMETRY | CLASS | FLAGS | TRACK | FRAME_STATE | CLASS_NAMES | DECISIONS | NOTES | VARIANTS


class Phase(StrEnum):
    """LIVE during a gesture; COMMITTED once it is a step of the history."""

    LIVE = "live"
    COMMITTED = "committed"


class Change(NamedTuple):
    """What ``Document.apply`` changed.

    Attributes:
        source: source id.
        frames: frames whose boxes or state changed.
        box_ids: boxes added, removed or changed.
        aspects: which parts changed.
        phase: LIVE or COMMITTED.
        origin: the component that caused the change, for example ``canvas``; a view may ignore its own changes.
        others: what changed in other sources of the document (their class table is the same), one for each source.
    """

    source: int
    frames: frozenset[int]
    box_ids: frozenset[int]
    aspects: Aspect
    phase: Phase = Phase.COMMITTED
    origin: str = ""
    others: tuple[Change, ...] = ()

    @property
    def by_source(self) -> tuple[Change, ...]:
        """This change and the others, one for each source."""
        return (self._replace(others=()), *self.others)


def join_changes(changes: Sequence[Change], source: int, phase: Phase = Phase.COMMITTED, origin: str = "") -> Change:
    """Several changes as one; ``others`` is what changed in sources besides this one."""
    parts: dict[int, list[Change]] = {source: []}
    for change in changes:
        for part in change.by_source:
            parts.setdefault(part.source, []).append(part)
    own, *others = (_join_of_one_source(number, found, phase, origin) for number, found in parts.items())
    return own._replace(others=tuple(others))


def _join_of_one_source(source: int, changes: Sequence[Change], phase: Phase, origin: str) -> Change:
    aspects = Aspect(0)
    for change in changes:
        aspects |= change.aspects
    frames = frozenset[int]().union(*(change.frames for change in changes))
    ids = frozenset[int]().union(*(change.box_ids for change in changes))
    return Change(source, frames, ids, aspects, phase, origin)


class Applied(NamedTuple):
    """The result of an edit that changed something: the change and the inverse edit."""

    change: Change
    inverse: Edit


def _to_builtin(value: object) -> int | float:
    """Convert numpy numbers, which msgspec does not support."""
    if isinstance(value, np.generic) and isinstance(number := value.item(), (int, float)):
        return number
    raise TypeError(f"an edit cannot hold {type(value).__name__}")


_encoder = msgspec.msgpack.Encoder(enc_hook=_to_builtin)
_decoder: msgspec.msgpack.Decoder[Edit] = msgspec.msgpack.Decoder(Edit)


def encode_edit(edit: Edit) -> bytes:
    """The edit as msgpack; floats keep their bits."""
    return _encoder.encode(edit)


def decode_edit(data: bytes) -> Edit:
    """The edit that ``encode_edit`` wrote; msgspec.DecodeError or ValidationError for anything else."""
    return _decoder.decode(data)
