"""Frame selections, parsed by one rule for all commands and dialogs (``parse_frames``).

A range, a random sample, frames spread over the source, a file, the verified frames of a project, or one of its named
lists. Frames are 0-based with the end excluded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iouviewer.document.frame_states import ranges_text
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Int

VERIFIED = "verified"
"""Text that selects the frames that a person has verified."""
_SYNTAX = tr("must be A:B, A:B:K (0-based, B excluded), random:N@SEED, spread:N, or @FILE")
_RANDOM, _SPREAD = "random", "spread"
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""Constants of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)."""


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


def list_label(text: str, lists: Mapping[str, Int]) -> str:
    """The label of the list that a selection names, also without the ``@`` of a targeted one; else the text itself."""
    return f"@{text}" if text not in lists and f"@{text}" in lists else text


def parse_frames(
    text: str, frame_count: int, verified: Bool | None = None, lists: Mapping[str, Int] | None = None
) -> Int:
    """The selected frames: (n,) int64, ascending, each once.

    Args:
        text: ``480:795``, ``0:100:2``, ``:100``, ``480:``, or ``@FILE``: a text file with one number or range a line
            (``#`` starts a comment), or ``verified``, or the name of a list. ``random:200@7`` draws 200 frames with the
            seed 7 (0 where it is left out), the same on every machine; ``spread:200`` are 200 at equal distances. Both
            take a range to choose from: ``spread:200/480:795``.
        frame_count: number of frames of the source.
        verified: (F,) bool, the verified frames of a project; None for files, which do not state them.
        lists: the named lists of a project by label (``document.frame_lists``); None for files, which have none.

    Raises:
        UserError: wrong syntax, frames outside the source, an empty selection.
    """
    if lists and (label := list_label(text, lists)) in lists:
        return lists[label]
    if text == VERIFIED:
        return _verified_frames(verified)
    kind, colon, rest = text.partition(":")
    if colon and kind in (_RANDOM, _SPREAD):
        return _sample(text, kind, rest, frame_count)
    if not text.startswith("@"):
        if ":" not in text:
            raise UserError(tr("frames {text!r}: {reason}", text=text, reason=_SYNTAX), remedy=_known_lists(lists))
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


def _sample(text: str, kind: str, rest: str, frame_count: int) -> Int:
    """The frames of ``random:N@SEED`` and ``spread:N``, each with an optional ``/A:B[:K]``."""
    size, slash, within = rest.partition("/")
    number, at, seed = size.partition("@")
    if not number.isdecimal() or int(number) < 1 or (at and (kind == _SPREAD or not seed.isdecimal())):
        raise UserError(tr("frames {text!r}: {reason}", text=text, reason=_SYNTAX))
    frames = np.array(_range(within, frame_count) if slash else range(frame_count), np.int64)
    count = int(number)
    if count > len(frames):
        reason = tr_n("there is only {count} frame", "there are only {count:,} frames", len(frames))
        raise UserError(tr("frames {text!r}: {reason}", text=text, reason=reason))
    if kind == _SPREAD:
        # The middle of each of ``count`` equal parts, so that neither end of the source is preferred.
        return frames[((2 * np.arange(count, dtype=np.int64) + 1) * len(frames)) // (2 * count)]
    order = np.argsort(_random_keys(frames, int(seed or 0)), kind="stable")
    return np.sort(frames[order[:count]])


def _random_keys(frames: Int, seed: int) -> NDArray[np.uint64]:
    """A pseudorandom key for each frame by SplitMix64, the same with every version of numpy.

    The frames with the smallest keys are the sample, so a larger sample with the same seed contains a smaller one.
    """
    start = _mixed(np.array([seed % 2**64], np.uint64))
    return _mixed(frames.astype(np.uint64) * np.uint64(_GOLDEN) + start)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = values + np.uint64(_GOLDEN)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_SECOND)
    return mixed ^ (mixed >> np.uint64(31))


def _known_lists(lists: Mapping[str, Int] | None) -> str:
    return tr("Lists of this project: {names}.", names=", ".join(lists)) if lists else ""


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
