"""Which frames a command works on: ``A:B[:K]`` or ``@FILE``, always 0-based with the end excluded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from iouviewer.errors import UserError
from iouviewer.metrics.table import Int

_FORM = "must be A:B or A:B:K (0-based, B excluded), or @FILE"


def _range(text: str, frame_count: int, *, path: Path | None = None, line: int | None = None) -> range:
    def refuse(why: str) -> UserError:
        return UserError(f"frames {text!r}: {why}", path=path, line=line)

    parts = [part.strip() for part in text.split(":")]
    if any(part and not part.isdecimal() for part in parts):
        raise refuse(_FORM)
    if len(parts) == 1 and parts[0]:
        start = int(parts[0])
        chosen = range(start, start + 1)
    elif len(parts) in (2, 3):
        step = int(parts[2]) if len(parts) == 3 and parts[2] else 1
        if step < 1:
            raise refuse("the step must be at least 1")
        chosen = range(int(parts[0] or 0), int(parts[1]) if parts[1] else frame_count, step)
    else:
        raise refuse(_FORM)
    if len(chosen) == 0:
        raise refuse("no frame is in it")
    if chosen[-1] >= frame_count or chosen.stop > frame_count:
        raise refuse(f"there are {frame_count} frames, numbered 0 to {frame_count - 1}")
    return chosen


def parse_frames(text: str, frame_count: int) -> Int:
    """Frames that ``text`` chooses: (n,) int64, ascending, each once.

    Args:
        text: ``480:795``, ``0:100:2``, ``:100``, ``480:``, or ``@FILE``: a text file with one number or range a line
            (``#`` begins a comment).
        frame_count: frames of the source.

    Raises:
        UserError: for another form, for frames outside the source, for an empty choice.
    """
    if not text.startswith("@"):
        if ":" not in text:
            raise UserError(f"frames {text!r}: {_FORM}")
        return np.array(_range(text, frame_count), np.int64)
    path = Path(text[1:])
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the list of frames cannot be read ({error})", path=path) from error
    frames: set[int] = set()
    for number, line in enumerate(lines, start=1):
        entry = line.partition("#")[0].strip()
        if entry:
            frames.update(_range(entry, frame_count, path=path, line=number))
    if not frames:
        raise UserError("the list names no frame", path=path)
    return np.array(sorted(frames), np.int64)
