"""``Format``: all that the program knows about one file format. Each format module defines one as ``FORMAT``.

A module outside this package offers its object through an entry point of the group ``iouviewer.formats``
(docs/formats.md, Adding a format).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from iouviewer.document.imported import ImportedBoxes, ImportKind
from iouviewer.errors import UserError
from iouviewer.formats.detection import FileSample, Syntax
from iouviewer.formats.interface import BoxesToWrite, DetectedFormat, ReadContext
from iouviewer.formats.unsupported_fields import Field
from iouviewer.i18n import tr

ENTRY_POINTS = "iouviewer.formats"
"""Group of entry points through which other packages add formats."""
COMMON = 3
"""Highest ``menu_rank`` of formats that menus list themselves."""
BOTH_KINDS = (ImportKind.GROUND_TRUTH, ImportKind.PREDICTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One file format.

    Attributes:
        key: short name for scripts, for example ``mot``.
        name: name for people.
        menu_name: short name in menus of exports; empty: the name.
        about: one sentence on the file that is written, for the export dialog.
        extensions: file name endings with their dot; empty for folders.
        kinds: what its boxes may be.
        syntaxes: syntaxes of its files; ``detect`` is called only for samples with one of them.
        detect: whether the beginning of a file has the format.
        read: boxes of a file or folder; None for a format that is only named (``refusal``).
        write: writes boxes; None for a format that is only read.
        refusal: why a file of a format without ``read`` is not read: what it is, or what it has no boxes of.
        advice: what to do instead, one sentence.
        is_folder: whether the format is written as a folder of files.
        needs_size: whether writing needs the frame size.
        menu_rank: lists show lower ranks first, then by name; the Export menu itself lists ranks up to ``COMMON``.
        detect_rank: lower ranks are tried first; a rule that also accepts files of other formats ranks later.
        detect_folder: recognises a folder layout of its own.
        label_ending: ending of the files, for formats with one file per image; empty: not such a format.
        detect_label_files: recognises label files without any content, by folder and files.
        lacks: what a file cannot store.
        lacks_in_truth, lacks_in_predictions: what it cannot store in addition.
    """

    key: str
    name: str
    syntaxes: tuple[Syntax, ...]
    detect: Callable[[FileSample], DetectedFormat | None]
    read: Callable[[Path, ReadContext], ImportedBoxes] | None = None
    write: Callable[[Path, BoxesToWrite], None] | None = None
    menu_name: str = ""
    about: str = ""
    extensions: tuple[str, ...] = ()
    kinds: tuple[ImportKind, ...] = BOTH_KINDS
    refusal: str = ""
    advice: str = ""
    is_folder: bool = False
    needs_size: bool = True
    menu_rank: int = 50
    detect_rank: int = 0
    detect_folder: Callable[[Path], DetectedFormat | None] | None = None
    label_ending: str = ""
    detect_label_files: Callable[[Path, list[Path]], DetectedFormat | None] | None = None
    lacks: tuple[Field, ...] = ()
    lacks_in_truth: tuple[Field, ...] = ()
    lacks_in_predictions: tuple[Field, ...] = ()

    @property
    def can_read(self) -> bool:
        """False for formats that are recognised only to say what they are."""
        return self.read is not None

    @property
    def can_write(self) -> bool:
        """False for formats that are only read."""
        return self.write is not None

    def lacking(self, *, scored: bool) -> tuple[Field, ...]:
        """What it cannot store of predictions with scores, else of ground truth."""
        return (*self.lacks, *(self.lacks_in_predictions if scored else self.lacks_in_truth))

    def keeps(self, field: Field) -> Collection[ImportKind]:
        """The kinds of boxes of which it stores a field."""
        return [kind for kind in self.kinds if field not in self.lacking(scored=kind is ImportKind.PREDICTIONS)]

    def refuse(self, path: Path) -> NoReturn:
        """Raise the UserError that names the format of a file that is not read."""
        message = self.refusal or tr("this is {format}, which iouviewer does not read", format=self.name)
        raise UserError(message, path=path, remedy=self.advice)
