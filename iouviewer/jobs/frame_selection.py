"""Frame selections: ``A:B[:K]`` or ``@FILE``, 0-based with the end excluded, or the verified frames of a project."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from iouviewer.document.frame_states import ranges_text
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Int

VERIFIED = "verified"
"""Text that selects the frames that a person has verified."""
_SYNTAX = tr("must be A:B or A:B:K (0-based, B excluded), or @FILE")


def _range(text: str, frame_count: int, *, path: Path | None = None, line: int | None = None) -> range:
    def invalid(reason: str) -> UserError:
        return UserError(tr("frames {text!r}: {reason}", text=text, reason=reason), path=path, line=line)

    parts = [part.strip() for part in text.split(":")]
    if any(part and not part.isdecimal() for part in parts):
        raise invalid(_SYNTAX)
    if len(parts) == 1 and parts[0]:
        start = int(parts[0])
        selected = range(start, start + 1)
    elif len(parts) in (2, 3):
        step = int(parts[2]) if len(parts) == 3 and parts[2] else 1
        if step < 1:
            raise invalid(tr("the step must be at least 1"))
        selected = range(int(parts[0] or 0), int(parts[1]) if parts[1] else frame_count, step)
    else:
        raise invalid(_SYNTAX)
    if len(selected) == 0:
        raise invalid(tr("the range is empty"))
    if selected[-1] >= frame_count or selected.stop > frame_count:
        raise invalid(
            tr_n(
                "there is {count} frame, number 0",
                "there are {count:,} frames, numbered 0–{last:,}",
                frame_count,
                last=frame_count - 1,
            )
        )
    return selected


def describe_frames(frames: Int, frame_count: int) -> str | None:
    """A selection as the text of a protocol: its ranges ``A:B``; None for all frames.

    Args:
        frames: (n,) int64, ascending, each once.
    """
    if len(frames) == frame_count:
        return None
    return ranges_text(frames)


def parse_frames(text: str, frame_count: int, verified: Bool | None = None) -> Int:
    """The selected frames: (n,) int64, ascending, each once.

    Args:
        text: ``480:795``, ``0:100:2``, ``:100``, ``480:``, or ``@FILE``: a text file with one number or range a line
            (``#`` starts a comment), or ``verified``.
        frame_count: number of frames of the source.
        verified: (F,) bool, the verified frames of a project; None for files, which do not state them.

    Raises:
        UserError: wrong syntax, frames outside the source, an empty selection.
    """
    if text == VERIFIED:
        return _verified_frames(verified)
    if not text.startswith("@"):
        if ":" not in text:
            raise UserError(tr("frames {text!r}: {reason}", text=text, reason=_SYNTAX))
        return np.array(_range(text, frame_count), np.int64)
    path = Path(text[1:])
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            tr("the list of frames cannot be read: {reason}", reason=getattr(error, "strerror", None) or error),
            path=path,
        ) from error
    frames: set[int] = set()
    for number, line in enumerate(lines, start=1):
        entry = line.partition("#")[0].strip()
        if entry:
            frames.update(_range(entry, frame_count, path=path, line=number))
    if not frames:
        raise UserError(tr("the list contains no frames"), path=path)
    return np.array(sorted(frames), np.int64)


def _verified_frames(verified: Bool | None) -> Int:
    if verified is None:
        raise UserError(
            tr("frames {text!r}: only a project states which frames are verified", text=VERIFIED),
            remedy=tr("Give a project, or list the frames in a file (@FILE)"),
        )
    if not verified.any():
        raise UserError(
            tr("frames {text!r}: no frame is verified", text=VERIFIED), remedy=tr("Verify frames in the window (S)")
        )
    return np.flatnonzero(verified).astype(np.int64)
