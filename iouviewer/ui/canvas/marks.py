"""What stands on the picture itself where it is not simply the picture of its frame."""

from __future__ import annotations

from PySide6.QtGui import QColor, QImage

from iouviewer.app.video.frame_loader import LoadedFrame
from iouviewer.document.sources import Source
from iouviewer.ui.canvas.labels import Label, Segment
from iouviewer.ui.palette import PLATE_MUTED, PLATE_TEXT

Line = tuple[Segment, ...]

_NO_PICTURE = "#505050"


def own_size(source: Source, image: QImage, scale: float) -> tuple[float, float]:
    """(width, height) in picture pixels of a picture that is shown as ``image``, ``scale`` of its size.

    Pictures of a folder may differ in size from the first; a reduced one tells its own to within its rounding.
    """
    width, height = image.width() / scale, image.height() / scale
    rounding = (1 + height / width) / scale
    if max(abs(width - source.width), abs(height - source.height)) > rounding:
        return float(round(width)), float(round(height))
    return float(source.width), float(source.height)


def empty_ground(source: Source) -> tuple[QImage, float]:
    """What stands for a picture that there is not, and its scale."""
    width, height = source.width or 16, source.height or 9
    ground = QImage(16, max(1, round(16 * height / width)), QImage.Format.Format_RGB32)
    ground.fill(QColor(_NO_PICTURE))
    return ground, ground.width() / width


def mark_of(loaded: LoadedFrame, damage: str, *, playing: bool) -> Label | None:
    """What to say of this picture, None where it is the frame at full size.

    Args:
        damage: what is known of the damage of its frame.
        playing: more pictures follow at once.
    """
    lines = []
    if not loaded.exact and loaded.stand_in:
        more = "the exact frame follows" if loaded.frame >= 0 else "its number is not known yet, so no boxes are shown"
        lines.append(_line("Preview", more))
    elif not loaded.exact:
        lines.append(_line("In doubt", "this may not be the frame's picture, so no boxes are shown"))
    elif loaded.reduced:
        lines.append(_line("Pictures reduced", "full size when it rests" if playing else "full size follows"))
    if loaded.damaged or damage:
        lines.append(_line("Damaged", damage or "this is what can be decoded"))
    return Label(tuple(lines)) if lines else None


def waiting_mark(frame: int) -> Label:
    """What to say on an old picture while the one of this frame takes long."""
    return Label((_line(f"Frame {frame}", "is being decoded"),))


def missing_mark(frame: int, reason: str, remedy: str) -> Label:
    """What to say of a frame without a picture."""
    lines = [_line(f"Frame {frame} cannot be shown", reason)]
    if remedy:
        lines.append((Segment(remedy, PLATE_MUTED),))
    return Label(tuple(lines))


def _line(what: str, more: str) -> Line:
    return Segment(f"{what}  ", PLATE_TEXT), Segment(more, PLATE_MUTED)
