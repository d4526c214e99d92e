"""Reads rows from the pages of a SQLite file without its structure (https://www.sqlite.org/fileformat2.html)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from iouviewer.project.checked import Row

_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF = 2, 10, 13

_TEXT_FROM, _BLOB_FROM = 13, 12

_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_REAL_TYPE = 7
_CONSTANTS = {0: None, 8: 0, 9: 1}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, place behind it) of a variable-length integer; IndexError at the end of the data."""
    value = 0
    for place in range(at, at + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def decode_record(payload: bytes) -> Row | None:
    """The values of a record; None if it is not one."""
    try:
        end, at = _varint(payload, 0)
        place, values = end, []
        while at < end:
            kind, at = _varint(payload, at)
            value, size = _decode_value(payload, place, kind)
            values.append(value)
            place += size
    except (IndexError, ValueError, struct.error):
        return None
    return tuple(values) if at == end and place == len(payload) else None


def _decode_value(payload: bytes, place: int, kind: int) -> tuple[object, int]:
    if kind in _CONSTANTS:
        return _CONSTANTS[kind], 0
    if kind in _INTEGER_SIZES:
        size = _INTEGER_SIZES[kind]
        return int.from_bytes(payload[place : place + size], "big", signed=True), size
    if kind == _REAL_TYPE:
        return struct.unpack_from(">d", payload, place)[0], 8
    if kind < _BLOB_FROM:
        raise ValueError("reserved type")
    size = (kind - _BLOB_FROM) // 2
    data = payload[place : place + size]
    return (data.decode() if kind % 2 else data), size


def rows_of_page(data: bytes, start: int, page_size: int, header: int = 0) -> Iterator[Row]:
    """Rows of the page at ``start``: of a table, with the row id for a first column of NULL, or of an index.

    Args:
        data: the file, from which rows that are longer than a page are completed.
        header: bytes before the page's own header (100 on the first page).
    """
    page = data[start : start + page_size]
    kind = page[header] if len(page) == page_size else 0
    if kind not in (_INDEX_INTERIOR, _INDEX_LEAF, _TABLE_LEAF):
        return
    pointers = header + (12 if kind == _INDEX_INTERIOR else 8)
    count = min(int.from_bytes(page[header + 3 : header + 5], "big"), (page_size - pointers) // 2)
    for number in range(count):
        at = int.from_bytes(page[pointers + 2 * number : pointers + 2 * number + 2], "big")
        row = _read_cell(data, page, at + (4 if kind == _INDEX_INTERIOR else 0), kind)
        if row is not None:
            yield row


def _read_cell(data: bytes, page: bytes, at: int, kind: int) -> Row | None:
    try:
        size, at = _varint(page, at)
        row_id = 0
        if kind == _TABLE_LEAF:
            row_id, at = _varint(page, at)
    except IndexError:
        return None
    payload = _read_payload(data, page, at, size, is_table=kind == _TABLE_LEAF)
    row = decode_record(payload) if payload is not None else None
    if row and kind == _TABLE_LEAF and row[0] is None:
        return (row_id, *row[1:])
    return row


def _read_payload(data: bytes, page: bytes, at: int, size: int, *, is_table: bool) -> bytes | None:
    """The bytes of a record, from its page and the pages that continue it."""
    usable = len(page)
    least = (usable - 12) * 32 // 255 - 23
    most = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return page[at : at + size]
    if size > len(data):
        return None
    local = least + (size - least) % (usable - 4)
    local = local if local <= most else least
    parts, missing = [page[at : at + local]], size - local
    following = int.from_bytes(page[at + local : at + local + 4], "big")
    while missing > 0:
        start = (following - 1) * usable
        if not 0 < start < len(data):
            return None
        part = data[start + 4 : start + 4 + min(missing, usable - 4)]
        if not part:
            return None
        following = int.from_bytes(data[start : start + 4], "big")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def rows_of_file(data: bytes, page_size: int) -> Iterator[Row]:
    """Rows of all pages, in use or not: also rows that were deleted or replaced."""
    for start in range(0, len(data), page_size):
        yield from rows_of_page(data, start, page_size, 100 if start == 0 else 0)
