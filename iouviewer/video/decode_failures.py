"""Pictures that did not come out, and why: the file is damaged, or its index is not the file's."""

from __future__ import annotations

from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.video.container import LOOK_AT_THE_DISK, IndexMismatchError, refuse_another_file
from iouviewer.video.decoder import Decoder
from iouviewer.video.fingerprint import FileStamp

_MISMATCH = "the file gives other packets than its index tells of"
_AGAIN = "the file gives other packets each time it is read"


class Losses:
    """What is known to be lost is told again without being decoded again. Owned by one thread."""

    def __init__(self, path: Path, stamp: FileStamp | None) -> None:
        self._path, self._stamp = path, stamp
        self._known: dict[int, tuple[type[UserError], str, str]] = {}
        self.mismatched = False
        """The index was not the file's; nothing that was read by it is to be kept when another one comes."""
        self._read_anew = False

    def refuse_known(self, frame: int) -> None:
        """UserError for a picture that did not come out before."""
        if frame in self._known:
            raise self._error(frame)

    def learn(self, frame: int, packet: int, decoder: Decoder) -> UserError:
        """Note that a picture did not come out of its packet, and why.

        The decoder has just been sent for it from the beginning of the file. The error is an IndexMismatchError where
        nothing is known of the file's health. Raises UserError where another file stands there now.
        """
        refuse_another_file(self._path, self._stamp)
        if decoder.drifted and not self._read_anew:
            # With the right index the picture may be as good as any.
            self.mismatched = True
            self._known[frame] = IndexMismatchError, _MISMATCH, "Open it again: its index is read anew then."
        elif decoder.drifted:
            self._known[frame] = UserError, _AGAIN, LOOK_AT_THE_DISK
        else:
            refused = next((message for at, message in decoder.errors if at == packet), "")
            reason = "this picture cannot be decoded" + (f" ({refused})" if refused else "")
            self._known[frame] = UserError, reason, "The file is damaged there; other frames can be shown."
        return self._error(frame)

    def _error(self, frame: int) -> UserError:
        kind, message, remedy = self._known[frame]
        return kind(message, path=self._path, frame=frame, remedy=remedy)

    def forget(self, *, read_anew: bool) -> None:
        """Another index is there: after a mismatch, or where it tells of other packets, one that was read anew."""
        self._read_anew = self._read_anew or self.mismatched or read_anew
        self.mismatched = False
        self._known.clear()
