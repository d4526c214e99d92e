"""The cells of a table by column, whatever kind of file it is in."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from iouviewer.errors import UserError
from iouviewer.formats.detection import SAMPLE_BYTES, FileSample, Syntax
from iouviewer.formats.json_safe import as_number, read_json
from iouviewer.formats.text import read_lines, read_text
from iouviewer.i18n import tr
from iouviewer.metrics.table import Float

DELIMITERS = ",\t;|"
_NUMBERS = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass
class TableData:
    """A table.

    Attributes:
        names: of the columns, in their order.
        columns: the cells of each column; texts of a text file, values of a JSON or Parquet file.
        lines: line of each row, 0 where the file has no lines.
        wrong_widths: line and number of cells of each row that is left out, because it has too many or too few.
    """

    names: list[str]
    columns: list[list[Any]]
    lines: list[int]
    wrong_widths: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> list[Any]:
        """The cells of a column."""
        return self.columns[self.names.index(name)]

    def numbers(self, name: str) -> Float:
        """(N,) float64, the cells of a column as numbers; NaN for others and for empty cells."""
        cells = self.column(name)
        try:
            return np.array(cells, np.float64)
        except (TypeError, ValueError):
            found = [as_number(cell) for cell in cells]
            return np.array([np.nan if one is None else one for one in found], np.float64)

    def quadruples(self, name: str) -> Float:
        """(4, N) float64, the four numbers that each cell of a column holds; NaN for other cells."""
        rows = [_four_numbers(cell) for cell in self.column(name)]
        return np.array(rows, np.float64).reshape(-1, 4).T

    def select(self, rows: Sequence[int]) -> TableData:
        """The table with only these rows, ascending."""
        columns = [[column[row] for row in rows] for column in self.columns]
        return TableData(self.names, columns, [self.lines[row] for row in rows], self.wrong_widths)


def _four_numbers(cell: Any) -> list[float]:
    if isinstance(cell, str):
        found: list[Any] = _NUMBERS.findall(cell)
    elif isinstance(cell, Mapping):
        found = []
    else:
        found = list(cell) if isinstance(cell, Sequence | np.ndarray) else []
    numbers = [as_number(one) for one in found]
    return [np.nan if one is None else one for one in numbers] if len(numbers) == 4 else [np.nan] * 4


def read_header(sample: FileSample) -> list[str]:
    """The names of the columns by the beginning of a file, empty for a file that is no table."""
    if sample.syntax is Syntax.PARQUET:
        return _parquet_names(sample.path)
    if sample.syntax is Syntax.JSON:
        return _first_keys(sample.text)
    if not sample.lines:
        return []
    first = sample.lines[0]
    cells = next(csv.reader([first], delimiter=_delimiter(first)), [])
    names = [cell.strip() for cell in cells]
    return names if len(names) > 1 and len(set(names)) == len(names) else []


def _first_keys(text: str) -> list[str]:
    """The keys of the first object of a list or of a line, if its values are plain: numbers, texts or four numbers."""
    start = text[:SAMPLE_BYTES].lstrip()
    start = start[1:].lstrip() if start.startswith("[") else start
    if not start.startswith("{"):
        return []
    try:
        first, end = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        return []
    rest = start[end:].lstrip()
    is_row = text.startswith("[") or not rest or rest.startswith("{")
    if not is_row or not all(_is_plain(value) for value in first.values()):
        return []
    return list(first)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) == 4 and all(isinstance(one, int | float) for one in value)
    return not isinstance(value, dict)


def read_table(path: Path) -> TableData:
    """All cells of a table.

    Raises:
        UserError: the file cannot be read, is damaged, or needs pyarrow, which is not installed.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head == b"PAR1":
        return _read_parquet(path)
    text = read_text(path)
    start = text.lstrip()[:1]
    if start == "[":
        return _of_objects(path, ((0, row) for row in read_json(path)))
    if start == "{":
        return _of_objects(path, _json_lines(path))
    return _read_text_table(path, text)


def preview_table(sample: FileSample, rows: int = 3) -> TableData | None:
    """The first rows of a table by the beginning of its file, None where it has none."""
    if sample.syntax is Syntax.PARQUET:
        library = _parquet()
        batches = [] if library is None else library.ParquetFile(sample.path).iter_batches(batch_size=rows)
        first = next(iter(batches), None)
        if first is None:
            return None
        return TableData(list(first.schema.names), [column.to_pylist() for column in first.columns], [0] * len(first))
    if sample.syntax is Syntax.JSON:
        objects = [(0, one) for one in itertools.islice(_first_objects(sample.text), rows)]
        return _of_objects(sample.path, iter(objects))
    if sample.syntax is not Syntax.TABLE or not sample.lines:
        return None
    return _read_text_table(sample.path, "\n".join(sample.lines[: rows + 1]))


def _first_objects(text: str) -> Iterator[dict[str, Any]]:
    """The objects at the beginning of a list or of JSON lines, as long as they are complete."""
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find("{", at)) >= 0:
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield found


def _read_text_table(path: Path, text: str) -> TableData:
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(first))
    names: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    wrong: list[tuple[int, int]] = []
    try:
        for cells in reader:
            if not cells or cells == [""] or (not names and cells[0].lstrip().startswith("#")):
                continue
            if not names:
                names = [cell.strip() for cell in cells]
            elif len(cells) == len(names):
                rows.append(cells)
                lines.append(reader.line_num)
            else:
                wrong.append((reader.line_num, len(cells)))
    except csv.Error as error:
        reason = tr("the file is not a CSV table: {reason}", reason=error)
        raise UserError(reason, path=path, line=reader.line_num) from error
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in names]
    return TableData(names, columns, lines, wrong)


def _delimiter(line: str) -> str:
    """The delimiter of a line: the one that divides it most often."""
    return max(DELIMITERS, key=line.count)


def _json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                reason = tr("the line is not valid JSON: {reason}", reason=error.msg)
                raise UserError(reason, path=path, line=number) from error


def _of_objects(path: Path, rows: Iterator[tuple[int, Any]]) -> TableData:
    names: dict[str, int] = {}
    columns: list[list[Any]] = []
    lines: list[int] = []
    for line, row in rows:
        if not isinstance(row, dict):
            raise UserError(tr("the rows of the table must be JSON objects"), path=path, line=line or None)
        for name in [name for name in row if name not in names]:
            names[name] = len(names)
            columns.append([None] * len(lines))
        lines.append(line)
        for name, position in names.items():
            columns[position].append(row.get(name))
    return TableData(list(names), columns, lines)


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        return None
    return pyarrow.parquet


def _parquet_names(path: Path) -> list[str]:
    """Names of the columns; those of a box where pyarrow is missing, so that the reader can say so."""
    library = _parquet()
    if library is None:
        return ["frame", "x1", "y1", "x2", "y2"]
    try:
        return [str(name) for name in library.read_schema(path).names]
    except (OSError, ValueError):
        return []


def _read_parquet(path: Path) -> TableData:
    library = _parquet()
    if library is None:
        raise UserError(
            tr("this is a Parquet table, and pyarrow is not installed"),
            path=path,
            remedy=tr("Install it: {command}, or save the table as CSV.", command="pip install iouviewer[parquet]"),
        )
    try:
        table = library.read_table(path)
    except (OSError, ValueError) as error:
        raise UserError(tr("the file is not a readable Parquet table: {reason}", reason=error), path=path) from error
    columns = [column.to_pylist() for column in table.columns]
    return TableData([str(name) for name in table.column_names], columns, [0] * table.num_rows)
