"""Settings of model runs, with an estimate of time and disk space."""

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

from iouviewer.document.classes import ClassTable
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.ui.dialogs.class_map import propose_map_of_model

BYTES_PER_BOX = 28
"""Bytes of a stored prediction before compression."""


def estimate_text(frames: int, seconds_per_frame: float | None, max_det: int) -> str:
    """``795 frames, about 0:26 min, at most 6.7 MB on disk``; without the time if none was measured yet."""
    size = frames * max_det * BYTES_PER_BOX / 1e6
    if seconds_per_frame is None:
        return tr_n(
            "{count} frame, at most {size:,.1f} MB on disk. The time is estimated after the first frames.",
            "{count:,} frames, at most {size:,.1f} MB on disk. The time is estimated after the first frames.",
            frames,
            size=size,
        )
    seconds = round(frames * seconds_per_frame)
    return tr_n(
        "{count} frame, about {minutes}:{seconds:02d} min, at most {size:,.1f} MB on disk",
        "{count:,} frames, about {minutes}:{seconds:02d} min, at most {size:,.1f} MB on disk",
        frames,
        minutes=seconds // 60,
        seconds=seconds % 60,
        size=size,
    )


class RunDialog(QDialog):
    """Settings of one or several runs on the open video.

    Args:
        models: (variant name, weights) of each.
        seconds_per_frame: measured in an earlier run, None if there was none.
        truth: classes of the ground truth, for which classes of the model are proposed.
    """

    def __init__(
        self,
        parent: QWidget | None,
        models: Sequence[tuple[str, Path]],
        *,
        video: Path,
        frame_count: int,
        seconds_per_frame: float | None = None,
        truth: ClassTable | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("runDialog")
        self.setWindowTitle(tr_n("Run model", "Run {count} models", len(models)))
        self._models, self._video, self._frame_count = tuple(models), video, frame_count
        self._seconds_per_frame = seconds_per_frame
        self.names = [QLineEdit(name) for name, _ in models]
        self.floor = _fraction_box("runFloor", 0.001, 3)
        self.nms = _fraction_box("runNms", 0.7, 2)
        self.max_det = QSpinBox()
        self.max_det.setObjectName("runMaxDet")
        self.max_det.setRange(1, 10_000)
        self.max_det.setValue(300)
        self.imgsz = QSpinBox()
        self.imgsz.setObjectName("runImgsz")
        self.imgsz.setRange(0, 8192)
        self.imgsz.setSingleStep(32)
        self.imgsz.setSpecialValueText(tr("From weights"))
        self.imgsz.setSuffix(tr(" px"))
        self.device = QLineEdit("cpu")
        self.device.setObjectName("runDevice")
        self.frames = QLineEdit()
        self.frames.setObjectName("runFrames")
        self.frames.setPlaceholderText(tr("All, or A:B or A:B:K"))
        proposals = propose_map_of_model(truth or ClassTable())
        self.classes = QLineEdit(", ".join(f"{name}={target}" for name, target in proposals.items()))
        self.classes.setObjectName("runClasses")
        self.classes.setPlaceholderText(tr("By name, or MODEL CLASS=GROUND TRUTH CLASS, …"))
        self.classes.setToolTip(tr("Class of the model = class of the ground truth; other classes are joined by name"))
        self.estimate = QLabel()
        self.estimate.setObjectName("runEstimate")
        self.estimate.setWordWrap(True)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.run_button = self.buttons.addButton(tr("Run"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.run_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._build_form()
        self.frames.textChanged.connect(self._update_estimate)
        self.max_det.valueChanged.connect(self._update_estimate)
        self.classes.textChanged.connect(self._update_estimate)
        self._update_estimate()

    def _build_form(self) -> None:
        form = QFormLayout(self)
        for (_, path), name in zip(self._models, self.names, strict=True):
            line = QHBoxLayout()
            weights = QLabel(path.name)
            weights.setToolTip(str(path))
            line.addWidget(weights, 1)
            line.addWidget(QLabel(tr("Name")))
            line.addWidget(name, 1)
            form.addRow(tr("Weights"), line)
        form.addRow(tr("Min confidence"), self.floor)
        form.addRow(tr("NMS IoU"), self.nms)
        form.addRow(tr("Max detections"), self.max_det)
        form.addRow(tr("Image size"), self.imgsz)
        form.addRow(tr("Device"), self.device)
        form.addRow(tr("Frames"), self.frames)
        form.addRow(tr("Classes"), self.classes)
        form.addRow(self.estimate)
        form.addRow(self.buttons)
        self.setMinimumWidth(460)

    def _selected_frames(self) -> tuple[int, ...] | None:
        text = self.frames.text().strip()
        return tuple(parse_frames(text, self._frame_count).tolist()) if text else None

    def _update_estimate(self) -> None:
        try:
            selected = self._selected_frames()
            self.class_map()
        except UserError as error:
            self.estimate.setText(str(error))
            self.run_button.setEnabled(False)
            return
        frames = self._frame_count if selected is None else len(selected)
        total = frames * len(self._models)
        self.estimate.setText(estimate_text(total, self._seconds_per_frame, self.max_det.value()))
        self.run_button.setEnabled(frames > 0)

    def class_map(self) -> dict[str, str]:
        """Class of the model -> class of the ground truth.

        Raises:
            UserError: an entry is not of the form A=B.
        """
        result = {}
        for part in filter(None, (part.strip() for part in self.classes.text().split(","))):
            name, equals, target = (piece.strip() for piece in part.partition("="))
            if not (name and equals and target):
                raise UserError(tr("{text!r} must be A=B", text=part))
            result[name] = target
        return result

    def requests(self) -> list[RunRequest]:
        """One request for each model.

        Raises:
            UserError: the frame range is invalid.
        """
        frames = self._selected_frames()
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


def _fraction_box(name: str, value: float, decimals: int) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setDecimals(decimals)
    box.setRange(0.0, 1.0)
    box.setSingleStep(0.05 if decimals == 2 else 0.005)
    box.setValue(value)
    return box
