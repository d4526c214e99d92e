"""Where the label file of a frame is, or would be, for formats with one file per image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from iouviewer.formats.interface import ReadContext
from iouviewer.formats.label_files import written_stems
from iouviewer.formats.patching.edits import Edits
from iouviewer.formats.patching.texts import cannot_patch
from iouviewer.i18n import tr

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


class LabelNames:
    """The label file of each frame of a source.

    Args:
        known: the file of each frame that has one.
        ending: of label files, with its dot.
    """

    def __init__(self, edits: Edits, known: dict[int, Path], ending: str, context: ReadContext) -> None:
        self._edits, self._known, self._ending, self._context = edits, known, ending, context

    def path(self, frame: int) -> Path:
        """The label file of a frame; a new one beside those of the images beside its image.

        Raises:
            UserError: the names of the files do not say what its name must be.
        """
        if frame in self._known:
            return self._known[frame]
        images = self._context.image_names
        if images is not None and frame < len(images):
            stem = Path(images[frame]).stem
            return self._folder(frame) / f"{stem}{self._ending}"
        found = self._numbered(frame)
        if found is None:
            if self._known:
                reason = tr("the file names do not say what the labels of frame {frame} are called", frame=frame)
                raise cannot_patch(self._edits.original.path, reason)
            stem = written_stems(self._edits.data)[frame + self._edits.shift]
            found = self._folder(frame) / f"{stem}{self._ending}"
        return found

    def _folder(self, frame: int) -> Path:
        folders = {path.parent for path in self._known.values()}
        if not folders:
            return self._edits.original.path
        if len(folders) == 1:
            return folders.pop()
        images = self._context.image_names or ()
        own = Path(images[frame]).parent if frame < len(images) else Path()
        beside = {path.parent for f, path in self._known.items() if f < len(images) and Path(images[f]).parent == own}
        if len(beside) != 1:
            reason = tr(
                "the folders of the label files do not say where the labels of frame {frame} belong", frame=frame
            )
            raise cannot_patch(self._edits.original.path, reason)
        return beside.pop()

    def _numbered(self, frame: int) -> Path | None:
        stem = numbered_stem({known: path.stem for known, path in self._known.items()}, frame)
        return None if stem is None else self._folder(frame) / f"{stem}{self._ending}"


def numbered_stem(known: Mapping[int, str], frame: int) -> str | None:
    """The name of a frame, where those of other frames differ by their numbers only; None where they do not say it."""
    forms: set[tuple[str, str, int]] = set()
    widths = set()
    for other, stem in known.items():
        found = _NUMBERED.fullmatch(stem)
        if found is None:
            return None
        forms.add((found[1], found[3], int(found[2]) - other))
        widths.add(len(found[2]) if found[2].startswith("0") and len(found[2]) > 1 else 0)
    if len(forms) != 1:
        return None
    ((before, after, first),) = forms
    return f"{before}{frame + first:0{max(widths)}d}{after}"
