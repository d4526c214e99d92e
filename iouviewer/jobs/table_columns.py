"""The columns of a table for the window: their names, first values, and what they may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from iouviewer.errors import UserError
from iouviewer.formats.columns import (
    LAYOUTS,
    ROLE_TEXTS,
    UNIT_TEXTS,
    ColumnMap,
    Role,
    Units,
    find_columns,
    guess_columns,
    header_key,
    parse_columns,
)
from iouviewer.formats.detection import FileSample
from iouviewer.formats.table import KEY
from iouviewer.formats.table_data import preview_table
from iouviewer.i18n import tr

__all__ = ["KEY", "LAYOUTS", "ROLE_TEXTS", "UNIT_TEXTS", "TableColumns", "read_columns"]


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of one table.

    Attributes:
        names: as the file spells them.
        samples: the first cells of each column, as texts.
    """

    names: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]

    @property
    def key(self) -> str:
        """What a choice for this header is remembered by."""
        return header_key(self.names)

    def roles(self, spec: str) -> dict[str, str]:
        """Role by column name of a mapping as text; of an empty one, what the header says."""
        if spec:
            found: Mapping[Role, str] = find_columns(parse_columns(spec), self.names).names
        else:
            maps = guess_columns(self.names).maps
            found = maps[0].names if maps else {}
        return {name: str(role) for role, name in found.items()}

    @staticmethod
    def units(spec: str) -> str:
        """The units of a mapping as text, empty where it says none."""
        return parse_columns(spec).units if spec else ""

    @staticmethod
    def mapping(roles: Mapping[str, str], units: str) -> ColumnMap:
        """The mapping of these roles by column name."""
        return ColumnMap({Role(role): name for name, role in roles.items()}, cast("Units", units))


def read_columns(path: Path) -> TableColumns:
    """The columns of a table by its beginning.

    Raises:
        UserError: the file cannot be read or is no table.
    """
    try:
        sample = FileSample.read(path)
    except OSError as error:
        raise UserError(tr("cannot be read: {reason}", reason=error.strerror or error), path=path) from error
    data = preview_table(sample)
    if data is None or not data.names:
        raise UserError(tr("the file has no columns"), path=path)
    samples: Sequence[Sequence[str]] = [["" if cell is None else str(cell) for cell in one] for one in data.columns]
    return TableColumns(tuple(data.names), tuple(map(tuple, samples)))
