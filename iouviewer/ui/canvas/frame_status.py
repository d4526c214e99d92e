"""The caption on the image about the frame itself: a preview, uncertain numbers, reduced size, damage, or no image."""

from __future__ import annotations

from PySide6.QtGui import QColor, QImage

from iouviewer.app.video.frame_messages import LoadedFrame
from iouviewer.document.sources import Source
from iouviewer.i18n import tr
from iouviewer.ui.canvas.captions import MUTED, Caption, Segment

_PLACEHOLDER_COLOUR = "#505050"


def image_size(source: Source, frame: int, image: QImage, scale: float) -> tuple[float, float]:
    """(width, height) in image pixels of the full image, of which ``image`` is a copy scaled by ``scale``.

    Images of a folder may differ in size from the first one. The size of a reduced copy is exact only up to rounding.
    """
    width, height = image.width() / scale, image.height() / scale
    rounding = (1 + height / width) / scale
    known_width, known_height = source.size_of(frame)
    if max(abs(width - known_width), abs(height - known_height)) > rounding:
        return float(round(width)), float(round(height))
    return float(known_width), float(known_height)


def placeholder_image(source: Source, frame: int) -> tuple[QImage, float]:
    """A plain image for a frame that has none, and its scale."""
    known_width, known_height = source.size_of(frame)
    width, height = known_width or 16, known_height or 9
    image = QImage(16, max(1, round(16 * height / width)), QImage.Format.Format_RGB32)
    image.fill(QColor(_PLACEHOLDER_COLOUR))
    return image, image.width() / width


def _line(text: str, detail: str) -> tuple[Segment, ...]:
    return Segment(f"{text}  "), Segment(detail, MUTED)


PREVIEW = Caption((_line(tr("Preview"), tr("exact frame follows")),))


def frame_status(loaded: LoadedFrame, damage: str, *, playing: bool) -> Caption | None:
    """The caption about this frame; None if it is exact, undamaged and at full size.

    Args:
        damage: the known damage of the frame; empty for none.
        playing: further frames follow at once.
    """
    lines = []
    if not loaded.exact and loaded.is_preview:
        is_known = loaded.frame >= 0
        detail = tr("exact frame follows") if is_known else tr("boxes hidden until the frame number is certain")
        lines.append(_line(tr("Preview"), detail))
    elif not loaded.exact:
        lines.append(_line(tr("Uncertain frame"), tr("boxes hidden until the frame number is certain")))
    elif loaded.reduced:
        detail = tr("full size when paused") if playing else tr("full size follows")
        lines.append(_line(tr("Reduced size"), detail))
    if loaded.damaged or damage:
        lines.append(_line(tr("Damaged"), damage or tr("decoded as far as possible")))
    return Caption(tuple(lines)) if lines else None


def loading_status(frame: int) -> Caption:
    """The caption on an old image while this frame takes long to decode."""
    return Caption(((Segment(tr("Loading frame {frame:,}…", frame=frame)),),))


def project_loading_status(text: str) -> Caption:
    """The caption on the first frame while nothing of its project can be edited; ``text``: what is being loaded."""
    return Caption((_line(text or tr("Loading the project…"), tr("edits begin once the boxes are loaded")),))


def missing_frame_status(frame: int, reason: str, remedy: str) -> Caption:
    """The caption for a frame without an image."""
    lines = [_line(tr("Frame {frame:,} cannot be shown", frame=frame), reason)]
    if remedy:
        lines.append((Segment(remedy, MUTED),))
    return Caption(tuple(lines))
