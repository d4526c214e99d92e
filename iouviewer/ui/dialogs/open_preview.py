"""The preview of the Open dialog: a frame of the video with the boxes of the files as they would be opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QSpinBox, QVBoxLayout, QWidget

from iouviewer.app.video.preview_frames import PreviewFrames
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Float, Int
from iouviewer.ui.dialogs.open_rows import OpenRow, numbered_row
from iouviewer.ui.fonts import font
from iouviewer.ui.importing import FileRole
from iouviewer.ui.theme import colour
from iouviewer.ui.tokens import CANVAS, LINES, SPACE, VARIANT_SLOTS, dash

_PICTURE = QSize(320, 180)
_MAX_START = 1_000_000


@dataclass(frozen=True, slots=True)
class PreviewBoxes:
    """The boxes of one file: frames (N,) int64 and boxes (4, N) float64, both as they would be opened.

    Attributes:
        slot: place among the predictions, -1 for ground truth; it decides the line.
    """

    name: str
    frames: Int
    boxes: Float
    slot: int = -1

    def pen(self) -> QPen:
        """The line, as on the canvas."""
        if self.slot < 0:
            return QPen(QColor(CANVAS.gt), LINES["gt"].width)
        slot = VARIANT_SLOTS[self.slot % len(VARIANT_SLOTS)]
        pen = QPen(QColor(CANVAS.v[int(slot[1:]) - 1]), LINES["prediction"].width)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pattern = dash(slot)
        if pattern:
            pen.setDashPattern([part / pen.widthF() for part in pattern])
        return pen


class _Picture(QWidget):
    """The frame, as large as it fits, with boxes over it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("openPreviewPicture")
        self.setAccessibleName(tr("Preview of a frame with its boxes"))
        self.setFixedSize(_PICTURE)
        self._image, self._scale, self._text = QImage(), 1.0, ""
        self._layers: list[tuple[QPen, list[list[float]]]] = []

    def show_image(self, image: QImage, scale: float, text: str) -> None:
        """Show an image, ``scale`` times as wide as the video, or why there is none."""
        self._image, self._scale, self._text = image, scale, text
        self.update()

    def show_boxes(self, layers: list[tuple[QPen, list[list[float]]]]) -> None:
        """Show these boxes, pixels of the video, the first ones on top."""
        self._layers = layers
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour(CANVAS.label_bg))
        if self._image.isNull():
            painter.setPen(QColor(CANVAS.label_text))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(SPACE["m"], 0, -SPACE["m"], 0), flags, self._text)
            painter.end()
            return
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(QPointF((self.width() - size.width()) / 2, (self.height() - size.height()) / 2), size)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._image)
        factor = place.width() / self._image.width() * self._scale
        painter.setClipRect(place)
        for pen, boxes in reversed(self._layers):
            for x1, y1, x2, y2 in boxes:
                rect = QRectF(x1 * factor, y1 * factor, (x2 - x1) * factor, (y2 - y1) * factor)
                painter.setPen(QPen(colour(CANVAS.halo), pen.widthF() + 2))
                painter.drawRect(rect.translated(place.topLeft()))
                painter.setPen(pen)
                painter.drawRect(rect.translated(place.topLeft()))
        painter.end()


class OpenPreview(QWidget):
    """Picture, slider of frames, and the number that the file gives to the first frame.

    Signals:
        startChanged(int): another number of the first frame was chosen.

    Attributes:
        slider: the shown frame.
        start: the number of the first frame.
    """

    startChanged = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("openPreview")
        self._frames: PreviewFrames | None = None
        self._path: Path | None = None
        self._layers: tuple[PreviewBoxes, ...] = ()
        self.picture = _Picture()
        self._title, self._text = QLabel(), QLabel()
        self._title.setObjectName("openPreviewFrame")
        self._title.setFont(font("strong"))
        self._text.setObjectName("openPreviewText")
        self._text.setProperty("role", "muted")
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("openPreviewSlider")
        self.slider.setAccessibleName(tr("Frame"))
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.start = QSpinBox()
        self.start.setObjectName("openPreviewStart")
        self.start.setRange(-_MAX_START, _MAX_START)
        self.start.setAccessibleName(tr("Frame numbers start at"))
        self.start.valueChanged.connect(self.startChanged)
        self._start_word, self._start_file = QLabel(self.start.accessibleName()), QLabel()
        self._start_file.setProperty("role", "muted")
        self._start_file.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        start = QHBoxLayout()
        start.setSpacing(SPACE["s"])
        for widget in (self._start_word, self.start):
            start.addWidget(widget)
        start.addWidget(self._start_file, 1)
        column = QVBoxLayout()
        column.setSpacing(SPACE["s"])
        column.addWidget(self._title)
        column.addWidget(self.slider)
        column.addWidget(self._text)
        column.addStretch(1)
        column.addLayout(start)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["l"])
        layout.addWidget(self.picture)
        layout.addLayout(column, 1)
        self.hide()

    @property
    def frame(self) -> int:
        """The shown frame."""
        return self.slider.value()

    def show_video(self, path: Path | None, frame_count: int) -> None:
        """Show frames of this video; None: of no video."""
        if path != self._path:
            self.close_video()
            self._path = path
        if path is None or not frame_count:
            return
        self.slider.setRange(0, frame_count - 1)
        if self._frames is None:
            ratio = self.devicePixelRatioF()
            size = round(_PICTURE.width() * ratio), round(_PICTURE.height() * ratio)
            self._frames = PreviewFrames(path, size, self)
            self._frames.ready.connect(self._on_frames_ready)
            self.picture.show_image(QImage(), 1.0, tr("Reading…"))
            self._frames.request(self.frame)

    def close_video(self) -> None:
        """End the thread that reads frames."""
        if self._frames is not None:
            self._frames.close()
            self._frames.deleteLater()
            self._frames = None

    def show_rows(self, rows: Sequence[OpenRow]) -> None:
        """Draw the boxes of these files, ground truth on top; while a frame number changes, they move at once."""
        layers: list[PreviewBoxes] = []
        slot = 0
        for row in sorted(rows, key=lambda row: row.role is not FileRole.GROUND_TRUTH):
            boxes = row.boxes
            if boxes is not None:
                is_truth = row.role is FileRole.GROUND_TRUTH
                frames = boxes.frames + row.offset.value()
                layers.append(PreviewBoxes(row.candidate.path.name, frames, boxes.boxes, -1 if is_truth else slot))
                slot += not is_truth
        self._layers = tuple(layers)
        self.setVisible(self._frames is not None and bool(layers))
        self._show_layers()
        self._show_start(numbered_row(rows))

    def _show_start(self, row: OpenRow | None) -> None:
        for widget in (self._start_word, self.start, self._start_file):
            widget.setVisible(row is not None)
        if row is not None:
            blocker = QSignalBlocker(self.start)
            self.start.setValue(row.frame_base - row.offset.value())
            blocker.unblock()
            self._start_file.setText(tr("in {name}", name=row.candidate.path.name))
            self._start_file.setToolTip(row.candidate.path.name)

    def _show_layers(self) -> None:
        frame = self.frame
        self._title.setText(tr("Frame {frame:,} of {last:,}", frame=frame, last=self.slider.maximum()))
        on_frame = [layer.boxes[:, layer.frames == frame].T.tolist() for layer in self._layers]
        self.picture.show_boxes([(layer.pen(), boxes) for layer, boxes in zip(self._layers, on_frame, strict=True)])
        counts = [
            tr_n("{count} box of {name}", "{count:,} boxes of {name}", len(boxes), name=layer.name)
            for layer, boxes in zip(self._layers, on_frame, strict=True)
        ]
        self._text.setText("\n".join(counts))

    def _on_slider_value_changed(self, frame: int) -> None:
        self._show_layers()
        if self._frames is not None:
            self._frames.request(frame)

    def _on_frames_ready(self, _frame: int, image: QImage, scale: float, reason: str) -> None:
        self.picture.show_image(image, scale, reason)
