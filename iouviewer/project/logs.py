"""Recognises a write-ahead log or rollback journal that does not belong to the file beside it, and sets it aside.

SQLite replays any log with the right name. Every transaction writes its number and the nonce of its session into
``sums``; a log belongs to a file whose own number it continues.
"""

from __future__ import annotations

import array
import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from iouviewer.i18n import tr
from iouviewer.project.checked import SESSION, seal
from iouviewer.project.raw_pages import rows_of_page
from iouviewer.project.schema import APPLICATION_ID, CHECKED_VERSION

Session = tuple[int, int]
"""(nonce, number of the transaction)."""

_WAL_MAGIC = (0x377F0682, 0x377F0683)
_WAL_HEADER, _FRAME_HEADER = 32, 24
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What a database file says without its log.

    Attributes:
        version: schema version.
        page_size: in bytes.
        root: page of ``sums``, 0 without one.
        session: None if the file has none, or it was changed.
        counter: changes of the file that SQLite counted.
    """

    version: int
    page_size: int
    root: int
    session: Session | None
    counter: int


def read_identity(path: Path) -> FileIdentity | None:
    """Read a file without its log and without a lock; None if it is not a database."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
        # An immutable file is read as it lies there: no log is looked for.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (page_size,) = connection.execute("PRAGMA page_size").fetchone()
            root = None
            if version >= CHECKED_VERSION:
                root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'sums'").fetchone()
            session = _read_session(connection) if root else None
    except (sqlite3.DatabaseError, OSError):
        return None
    counter = int.from_bytes(header[24:28], "big")
    return FileIdentity(version, page_size, root[0] if root else 0, session, counter)


def _read_session(connection: sqlite3.Connection) -> Session | None:
    found = connection.execute("SELECT count, total, sealed FROM sums WHERE name = ?", (SESSION,)).fetchone()
    return (found[1], found[0]) if found is not None and _is_sealed(*found) else None


def _is_sealed(count: object, total: object, sealed: object) -> bool:
    return isinstance(count, int) and isinstance(total, int) and seal(count, total) == sealed


def _session_of(page: bytes) -> Session | None:
    """The session that a page of ``sums`` names."""
    for row in rows_of_page(page, 0, len(page)):
        if len(row) == 4 and row[0] == SESSION and _is_sealed(*row[1:]):
            return row[2], row[1]
    return None


@dataclass(slots=True)
class LogFacts:
    """What a write-ahead log holds.

    Attributes:
        page_size: in bytes.
        sessions: of its complete transactions, in order, where they name one.
        transactions: number of complete transactions.
        is_cut: a damaged page is followed by further transactions.
    """

    page_size: int
    sessions: list[Session]
    transactions: int = 0
    is_cut: bool = False


def read_log(path: Path, root: int) -> LogFacts | None:
    """Read a write-ahead log as SQLite would; None if it holds none.

    Args:
        root: page of ``sums``.
    """
    try:
        data = path.read_bytes()
    except OSError:
        return None
    header = data[:_WAL_HEADER]
    magic = int.from_bytes(header[:4], "big")
    if len(header) < _WAL_HEADER or magic not in _WAL_MAGIC:
        return None
    page_size = int.from_bytes(header[8:12], "big")
    big_endian = bool(magic & 1)
    sums = _checksum(header[:24], (0, 0), big_endian=big_endian)
    if page_size < 512 or sums != _pair(header, 24):
        return None
    facts = LogFacts(page_size, [])
    pending: list[Session] = []
    step = _FRAME_HEADER + page_size
    is_valid = True
    for start in range(_WAL_HEADER, len(data) - step + 1, step):
        head, page = data[start : start + _FRAME_HEADER], data[start + _FRAME_HEADER : start + step]
        is_last = head[4:8] != b"\0\0\0\0"
        if head[8:16] != header[16:24]:
            break
        if is_valid:
            sums = _checksum(page, _checksum(head[:8], sums, big_endian=big_endian), big_endian=big_endian)
            is_valid = sums == _pair(head, 16)
        if not is_valid:
            facts.is_cut |= is_last
            continue
        session = _session_of(page) if int.from_bytes(head[:4], "big") == root else None
        pending += [session] if session else []
        if is_last:
            facts.sessions += pending
            facts.transactions += 1
            pending = []
    return facts


def _pair(data: bytes, at: int) -> tuple[int, int]:
    return int.from_bytes(data[at : at + 4], "big"), int.from_bytes(data[at + 4 : at + 8], "big")


def _checksum(data: bytes, start: tuple[int, int], *, big_endian: bool) -> tuple[int, int]:
    words = array.array("I", data)
    if big_endian != (sys.byteorder == "big"):
        words.byteswap()
    first, second = start
    for place in range(0, len(words), 2):
        first = first + words[place] + second & 0xFFFFFFFF
        second = second + words[place + 1] + first & 0xFFFFFFFF
    return first, second


def _belongs(log: LogFacts, file: FileIdentity) -> bool:
    if not log.transactions:
        return True  # SQLite replays nothing
    if log.page_size != file.page_size:
        return False
    if file.session is None:
        return True  # a file of an older version, or one in which this very row is damaged
    nonce, number = file.session
    if not log.sessions or any(session[0] != nonce for session in log.sessions):
        return False
    numbers = [session[1] for session in log.sessions]
    return min(numbers) - 1 <= number <= max(numbers)


def _is_journal_of(path: Path, file: FileIdentity) -> bool:
    """Whether a rollback journal holds pages of this file from before its last transaction."""
    try:
        data = path.read_bytes()
    except OSError:
        return True
    if data[:8] != _JOURNAL_MAGIC:
        return True  # SQLite replays nothing
    sector, page_size = int.from_bytes(data[20:24], "big"), int.from_bytes(data[24:28], "big")
    if page_size != file.page_size:
        return False
    pages = dict(_journal_pages(data, sector, page_size))
    first, sums = pages.get(1), pages.get(file.root)
    if first is not None and file.counter - int.from_bytes(first[24:28], "big") not in (0, 1):
        return False
    session = _session_of(sums) if sums is not None else None
    if session is not None and file.session is not None:
        return file.session[1] - session[1] in (0, 1) and (file.session[0] == session[0] or first is not None)
    # Without either, nobody can tell: the checksums find out afterwards.
    return first is not None or file.session is None


def _journal_pages(data: bytes, sector: int, page_size: int) -> Iterator[tuple[int, bytes]]:
    """(number, content before) of the pages in a journal, which has one header for each time it was flushed."""
    start, step = 0, page_size + 8
    while data[start : start + 8] == _JOURNAL_MAGIC and sector >= 28:
        count = int.from_bytes(data[start + 8 : start + 12], "big")
        first = start + sector
        fitting = (len(data) - first) // step
        # The last header is written again, with its count, when the journal is flushed.
        count = fitting if count in (0, 0xFFFFFFFF) else min(count, fitting)
        for at in range(first, first + count * step, step):
            yield int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 4 + page_size]
        start = -(-(first + count * step) // sector) * sector


def set_foreign_logs_aside(path: Path) -> list[str]:
    """Rename logs beside a project that do not belong to it; the caller holds the project's lock.

    Returns:
        A sentence for the user for each log that is not applied, or only in part.

    Raises:
        OSError: a log could not be renamed.
    """
    messages: list[str] = []
    wal, journal = (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal"))
    if not wal.is_file() and not journal.is_file():
        return messages
    file = read_identity(path)
    if file is None:
        return messages  # the file itself is damaged
    log = read_log(wal, file.root)
    if log is not None and log.is_cut:
        text = tr("the log of {name} is damaged: the last changes that it held are lost", name=path.name)
        messages.append(text)
    foreign = [wal] if log is not None and not (_belongs(log, file) and _keeps_structure(path, file)) else []
    if journal.is_file() and not _is_journal_of(journal, file):
        foreign.append(journal)
    for one in foreign:
        kept = _free_name(path, f"stray{one.name[len(path.name) :]}")
        one.rename(kept)
        messages.append(
            tr(
                "{log} does not belong to {name}: it was not applied, and is kept as {kept}",
                log=one.name,
                name=path.name,
                kept=kept.name,
            )
        )
    if wal in foreign:
        with contextlib.suppress(OSError):
            path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    return messages


def _keeps_structure(path: Path, file: FileIdentity) -> bool:
    """Whether a file without numbered transactions is at least a valid database together with its log."""
    if file.version >= CHECKED_VERSION:
        return True
    return _is_consistent(path, "mode=ro") or not _is_consistent(path, "immutable=1")


def _is_consistent(path: Path, mode: str) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as connection:
            is_project = connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
            return bool(is_project and connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _free_name(path: Path, word: str) -> Path:
    target, number = path.with_name(f"{path.name}.{word}"), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.{word}-{number}")
    return target
