"""Asks how models are to be run, and says what it will take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from iouviewer.errors import UserError
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.frame_choice import parse_frames

BYTES_A_BOX = 28
"""Stored size of a prediction before compression."""


def estimate(frames: int, seconds_a_frame: float | None, max_det: int) -> str:
    """``795 frames, about 0:26, up to 6.7 MB``; the time is not known before a first run on this machine."""
    size = frames * max_det * BYTES_A_BOX / 1e6
    if seconds_a_frame is None:
        time = "the time shows after the first frames"
    else:
        seconds = round(frames * seconds_a_frame)
        time = f"about {seconds // 60}:{seconds % 60:02d} min"
    return f"{frames:,} frames, {time}, at most {size:,.1f} MB on disk"


class RunDialog(QDialog):
    """Settings of one or several runs on the open video."""

    def __init__(
        self,
        parent: QWidget | None,
        models: Sequence[tuple[str, Path]],
        *,
        video: Path,
        frame_count: int,
        seconds_a_frame: float | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("runDialog")
        self.setWindowTitle("Run a model" if len(models) == 1 else f"Run {len(models)} models")
        self._models, self._video, self._frame_count = tuple(models), video, frame_count
        self._seconds = seconds_a_frame
        self.names = [QLineEdit(name) for name, _ in models]
        self.floor = _share("runFloor", 0.001, 3)
        self.nms = _share("runNms", 0.7, 2)
        self.max_det = QSpinBox()
        self.max_det.setObjectName("runMaxDet")
        self.max_det.setRange(1, 10_000)
        self.max_det.setValue(300)
        self.imgsz = QSpinBox()
        self.imgsz.setObjectName("runImgsz")
        self.imgsz.setRange(0, 8192)
        self.imgsz.setSingleStep(32)
        self.imgsz.setSpecialValueText("the weights' own")
        self.imgsz.setSuffix(" px")
        self.device = QLineEdit("cpu")
        self.device.setObjectName("runDevice")
        self.frames = QLineEdit()
        self.frames.setObjectName("runFrames")
        self.frames.setPlaceholderText("all; or A:B, A:B:K")
        self.says = QLabel()
        self.says.setObjectName("runEstimate")
        self.says.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.run_button = self.buttons.addButton("Run", QDialogButtonBox.ButtonRole.AcceptRole)
        self.run_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self.frames.textChanged.connect(self._show)
        self.max_det.valueChanged.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        for (_, path), name in zip(self._models, self.names, strict=True):
            line = QHBoxLayout()
            weights = QLabel(path.name)
            weights.setToolTip(str(path))
            line.addWidget(weights, 1)
            line.addWidget(QLabel("as"))
            line.addWidget(name, 1)
            form.addRow("Weights", line)
        form.addRow("Lowest confidence kept", self.floor)
        form.addRow("IoU of suppression", self.nms)
        form.addRow("Most boxes a frame", self.max_det)
        form.addRow("Input size", self.imgsz)
        form.addRow("Device", self.device)
        form.addRow("Frames", self.frames)
        form.addRow(self.says)
        form.addRow(self.buttons)
        self.setMinimumWidth(460)

    def _chosen(self) -> tuple[int, ...] | None:
        text = self.frames.text().strip()
        return tuple(parse_frames(text, self._frame_count).tolist()) if text else None

    def _show(self) -> None:
        try:
            chosen = self._chosen()
        except UserError as error:
            self.says.setText(str(error))
            self.run_button.setEnabled(False)
            return
        frames = self._frame_count if chosen is None else len(chosen)
        self.says.setText(estimate(frames * len(self._models), self._seconds, self.max_det.value()))
        self.run_button.setEnabled(frames > 0)

    def requests(self) -> list[RunRequest]:
        """One run a model. UserError where the frames make no sense."""
        frames = self._chosen()
        return [
            RunRequest(
                name.text().strip() or path.stem,
                path,
                self._video,
                frames=frames,
                floor=self.floor.value(),
                nms_iou=self.nms.value(),
                max_det=self.max_det.value(),
                imgsz=self.imgsz.value() or None,
                device=self.device.text().strip() or None,
            )
            for (_, path), name in zip(self._models, self.names, strict=True)
        ]


def _share(name: str, value: float, decimals: int) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setDecimals(decimals)
    box.setRange(0.0, 1.0)
    box.setSingleStep(0.05 if decimals == 2 else 0.005)
    box.setValue(value)
    return box
