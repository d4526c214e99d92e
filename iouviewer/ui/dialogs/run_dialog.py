"""Settings of model runs: frames and thresholds, the facts of the models, and an estimate of time and disk space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.jobs.model_probe import ModelProbe
from iouviewer.document.classes import ClassTable
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.runner import RunRequest
from iouviewer.jobs.frame_selection import VERIFIED, parse_frames
from iouviewer.metrics.table import Bool, Int
from iouviewer.ui.dialogs.class_map import ClassMapDialog
from iouviewer.ui.dialogs.frame import FramedDialog, field_label, separator
from iouviewer.ui.dialogs.message_list import Message, MessageList
from iouviewer.ui.dialogs.run_rows import RunRow
from iouviewer.ui.tokens import SIZE, SPACE

BYTES_PER_BOX = 28
"""Bytes of a stored prediction before compression."""
_PROBE_DELAY_MS = 700
"""Time after the last change of a setting before the models are tried with it."""
_ALL, _RANGE = "all", "range"
_NAME_WIDTH, _RANGE_WIDTH = 168, 120
_MAX_ROWS, _ROWS_HEIGHT = 4, 216
"""Models beyond which the rows scroll, and their height then: the dialog fits into 720 pixels."""


def estimate_text(frames: int, seconds: float | None, boxes: float, *, is_measured: bool) -> str:
    """``3 min 20 s, 14.1 MB, 795 frames``; ``795 frames, at most 6.7 MB`` while the time is unknown.

    Args:
        boxes: how many are stored.
        is_measured: whether ``boxes`` is an estimate and not the most that there can be.
    """
    count = tr_n("{count} frame", "{count:,} frames", frames)
    size = tr("{size:,.1f} MB", size=boxes * BYTES_PER_BOX / 1e6)
    if not is_measured:
        size = tr("at most {size}", size=size)
    return ", ".join([count, size] if seconds is None else [duration_text(seconds), size, count])


def duration_text(seconds: float) -> str:
    """``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    total = max(1, round(seconds))
    if total < 60:
        return tr("{seconds} s", seconds=total)
    if total < 3600:
        return tr("{minutes} min {seconds} s", minutes=total // 60, seconds=total % 60)
    return tr("{hours:,} h {minutes} min", hours=total // 3600, minutes=total % 3600 // 60)


class RunDialog(FramedDialog):
    """Settings of one or several runs on the open video; read ``runs`` after ``accepted``.

    ``wants_variants`` is set where it was closed to make variants of its checkpoint.

    Args:
        models: (variant name, weights) of each.
        verified: (F,) bool, frames that a person verified.
        lists: by label, the named lists of the source.
        truth: classes of the ground truth.
        probe: tries the models while the dialog is shown; None: nothing is known of them before the run.
        first_frame: from which the models are tried.
    """

    def __init__(
        self,
        parent: QWidget | None,
        models: Sequence[tuple[str, Path]],
        *,
        video: Path,
        frame_count: int,
        verified: Bool | None = None,
        lists: Mapping[str, Int] | None = None,
        truth: ClassTable | None = None,
        probe: ModelProbe | None = None,
        first_frame: int = 0,
    ) -> None:
        super().__init__(parent, title=tr_n("Run model", "Run {count} models", len(models)), name="runDialog")
        self._video, self._frame_count, self._verified = video, frame_count, verified
        self._lists = dict(lists or {})
        self._truth, self._probe, self._first_frame = truth or ClassTable(), probe, first_frame
        self.rows = [RunRow(name, path, self._truth, place) for place, (name, path) in enumerate(models)]
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PROBE_DELAY_MS)
        self._timer.timeout.connect(self._start_probe)
        self._create_fields()
        self._create_footer()
        self._arrange()
        self._connect()
        self._update()
        self.frames.setFocus()

    # Creation

    def _create_fields(self) -> None:
        self.frames = QComboBox()
        self.frames.setObjectName("runFrames")
        self.frames.addItem(tr("All {count:,}", count=self._frame_count), _ALL)
        verified = 0 if self._verified is None else int(self._verified.sum())
        if verified:
            self.frames.addItem(tr("Verified {count:,}", count=verified), VERIFIED)
        for label, frames in self._lists.items():
            self.frames.addItem(tr("{name} {count:,}", name=label, count=len(frames)), label)
        self.frames.addItem(tr("Range"), _RANGE)
        self.range = QLineEdit(f"0:{self._frame_count}")
        self.range.setObjectName("runRange")
        self.range.setAccessibleName(tr("Range of frames"))
        self.range.setToolTip(
            tr("480:795, 0:480:10, random:200@7, spread:200, or a part of a range: spread:200/480:795")
        )
        self.range.setFixedWidth(_RANGE_WIDTH)
        self.imgsz = QSpinBox()
        self.imgsz.setObjectName("runImgsz")
        self.imgsz.setRange(0, 8192)
        self.imgsz.setSingleStep(32)
        self.imgsz.setSpecialValueText(tr("From weights"))
        self.imgsz.setSuffix(tr(" px"))
        self.floor = _fraction_box("runFloor", 0.001, 3)
        self.nms = _fraction_box("runNms", 0.7, 2)
        self.max_det = QSpinBox()
        self.max_det.setObjectName("runMaxDet")
        self.max_det.setRange(1, 10_000)
        self.max_det.setValue(300)
        self.device = QLineEdit("cpu")
        self.device.setObjectName("runDevice")
        self.device.setToolTip(tr("cpu, or the number of a GPU"))

    def _create_footer(self) -> None:
        self.messages = MessageList("runMessages")
        self.estimate = QLabel()
        self.estimate.setObjectName("runEstimate")
        self.estimate.setWordWrap(True)
        self.wants_variants = False
        if len(self.rows) == 1 and self.rows[0].weights.suffix.lower() == ".pt":
            make = self.add_secondary(tr("Make variants…"))
            make.setObjectName("runMakeVariants")
            make.setToolTip(tr("Write this checkpoint as ONNX, OpenVINO, INT8 and others, then run them"))
            make.clicked.connect(self._on_make_clicked)
        self.add_cancel()
        self.run_button = self.add_primary("")
        self.run_button.clicked.connect(self.accept)

    def _arrange_models(self) -> QGridLayout:
        """Weights, classes and names, a model in two lines."""
        models = QGridLayout()
        models.setHorizontalSpacing(SPACE["m"])
        models.setVerticalSpacing(SPACE["xs"])
        self.classes_title = QLabel(tr("Classes"))
        for column, title in enumerate((QLabel(tr("Weights")), self.classes_title, QLabel(tr("Name")))):
            title.setProperty("role", "muted")
            models.addWidget(title, 0, column)
        for place, row in enumerate(self.rows):
            row.name.setFixedWidth(_NAME_WIDTH)
            row.name.setCursorPosition(0)
            models.addWidget(row.file, 3 * place + 1, 0)
            models.addWidget(row.classes, 3 * place + 1, 1)
            models.addWidget(row.name, 3 * place + 1, 2)
            models.addWidget(row.facts, 3 * place + 2, 0, 1, 3)
            if row is not self.rows[-1]:
                models.setRowMinimumHeight(3 * place + 3, SPACE["xs"])
        models.setColumnStretch(0, 1)
        return models

    def _arrange_fields(self) -> QGridLayout:
        """Frames, image size, device and thresholds."""
        frames = QHBoxLayout()
        frames.setSpacing(SPACE["s"])
        frames.addWidget(self.frames)
        frames.addWidget(self.range)
        frames.addStretch(1)
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE["m"])
        fields.setVerticalSpacing(SPACE["s"])
        fields.addWidget(field_label(tr("Frames"), self.frames), 0, 0)
        fields.addLayout(frames, 0, 1, 1, 3)
        pairs = (
            (tr("Image size"), self.imgsz, tr("Min confidence"), self.floor),
            (tr("Device"), self.device, tr("NMS IoU"), self.nms),
            ("", None, tr("Max detections"), self.max_det),
        )
        for line, (left, first, right, second) in enumerate(pairs, 1):
            if first is not None:
                fields.addWidget(field_label(left, first), line, 0)
                fields.addWidget(first, line, 1)
            fields.addWidget(field_label(right, second), line, 2)
            fields.addWidget(second, line, 3)
            _align_field(second, self.device)
        _align_field(self.imgsz, self.device)
        fields.setColumnStretch(1, 1)
        fields.setColumnStretch(3, 1)
        return fields

    def _arrange(self) -> None:
        models = self._arrange_models()
        content = QVBoxLayout()
        content.setSpacing(SPACE["m"])
        if len(self.rows) > _MAX_ROWS:
            rows, area = QWidget(), QScrollArea()
            models.setContentsMargins(0, 0, SPACE["s"], 0)
            rows.setLayout(models)
            area.setObjectName("runModels")
            area.setWidgetResizable(True)
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            area.setFixedHeight(_ROWS_HEIGHT)
            area.setWidget(rows)
            content.addWidget(area)
        else:
            content.addLayout(models)
        content.addWidget(separator())
        content.addLayout(self._arrange_fields())
        content.addWidget(self.messages)
        content.addStretch(1)
        content.addWidget(self.estimate)
        self.body.addLayout(content)
        self.setFixedWidth(SIZE["dialog_m"])
        of_rows = [widget for row in self.rows for widget in (row.classes, row.name)]
        thresholds = (self.imgsz, self.device, self.floor, self.nms, self.max_det)
        for before, after in pairwise((*of_rows, self.frames, self.range, *thresholds)):
            QWidget.setTabOrder(before, after)

    def _connect(self) -> None:
        self.frames.currentIndexChanged.connect(self._update)
        self.range.textChanged.connect(self._update)
        for row in self.rows:
            row.classes.clicked.connect(partial(self._edit_classes, row))
        for box in (self.floor, self.nms, self.max_det, self.imgsz):
            box.valueChanged.connect(self._on_setting_changed)
        self.device.textChanged.connect(self._on_setting_changed)
        if self._probe is not None:
            self._probe.setParent(self)
            self._probe.changed.connect(self._on_probe_changed)

    # The models

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            self._start_probe()

    def done(self, result: int) -> None:
        """End the trial of the models."""
        self._timer.stop()
        if self._probe is not None:
            self._probe.close()
        super().done(result)

    def _on_setting_changed(self) -> None:
        self._timer.start()
        self._update()

    def _start_probe(self) -> None:
        if self._probe is None:
            return
        requests = [self._request(row, None) for row in self.rows]
        self._probe.start(requests, self._first_frame, self._frame_count)
        for place in range(len(self.rows)):
            self._on_probe_changed(place)

    def _on_probe_changed(self, place: int) -> None:
        if self._probe is None:
            return
        row, probe = self.rows[place], self._probe.probes[place]
        row.probe = probe
        row.update()
        self._update()

    def _edit_classes(self, row: RunRow) -> None:
        counts = {} if row.probe is None else row.probe.class_counts
        dialog = ClassMapDialog(self, row.weights.name, row.table, counts, self._truth, row.class_map)
        if dialog.exec():
            row.class_map = dialog.class_map()
            row.update()
            self._update()

    def _use_proposals(self, row: RunRow) -> None:
        row.class_map |= row.proposals()
        row.update()
        self._update()

    # Texts

    def _selected_frames(self) -> tuple[int, ...] | None:
        """The chosen frames, None for all; UserError if the range is wrong."""
        kind = self.frames.currentData()
        if kind == _ALL:
            return None
        text = self.range.text().strip() if kind == _RANGE else str(kind)
        return tuple(parse_frames(text, self._frame_count, self._verified, self._lists).tolist())

    def _on_make_clicked(self) -> None:
        """Make variants of the checkpoint instead of running it."""
        self.wants_variants = True
        self.reject()

    def _update(self) -> None:
        """Show the estimate, the messages and what the button does."""
        self.range.setVisible(self.frames.currentData() == _RANGE)
        try:
            selected = self._selected_frames()
        except UserError as error:
            self.messages.show_messages([Message(str(error), is_warning=True)])
            self.estimate.clear()
            self.run_button.setText(tr("Run"))
            self.run_button.setEnabled(False)
            return
        count = self._frame_count if selected is None else len(selected)
        self.classes_title.setVisible(any(row.join is not None for row in self.rows))
        self.messages.show_messages([message for row in self.rows for message in self._messages_of(row)])
        self.estimate.setText(self._estimate(count))
        self.run_button.setText(tr_n("Run on {count} frame", "Run on {count:,} frames", count))
        self.run_button.setEnabled(count > 0 and not all(row.has_failed for row in self.rows))
        self._fit_height()

    def _fit_height(self) -> None:
        """Give wrapped facts and messages their height; ``adjustSize`` does not know it."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            height = layout.totalHeightForWidth(self.width()) if layout.hasHeightForWidth() else -1
            self.resize(self.width(), max(height, self.minimumSizeHint().height()))

    def _messages_of(self, row: RunRow) -> list[Message]:
        found = row.messages(self._request(row, None))
        proposed = row.proposals()
        if proposed:
            pairs = ", ".join(tr("{name} → {proposal}", name=one, proposal=other) for one, other in proposed.items())
            text = tr_n(
                "A class of {name} is not in the ground truth, but may be one of its classes: {pairs}.",
                "{count} classes of {name} are not in the ground truth, but may be some of its classes: {pairs}.",
                len(proposed),
                name=row.weights.name,
                pairs=pairs,
            )
            use = tr("Use {pairs}", pairs=pairs)
            found.append(Message(text, is_warning=True, fix=use, apply=partial(self._use_proposals, row)))
        return found

    def _estimate(self, count: int) -> str:
        """The line above the buttons."""
        probes = [row.probe for row in self.rows]
        times = [probe.seconds for probe in probes if probe is not None and probe.seconds is not None]
        boxes = [probe.boxes_per_frame for probe in probes if probe is not None and probe.boxes_per_frame is not None]
        is_known = len(times) == len(boxes) == len(self.rows)
        seconds = count * sum(times) if is_known else None
        stored = count * (sum(boxes) if is_known else self.max_det.value() * len(self.rows))
        text = estimate_text(count, seconds, stored, is_measured=is_known)
        if any(probe is not None and probe.is_running for probe in probes):
            return tr("{estimate}. Trying 10 frames…", estimate=text)
        return text

    # The result

    def _request(self, row: RunRow, frames: tuple[int, ...] | None) -> RunRequest:
        return RunRequest(
            row.name.text().strip() or row.weights.stem,
            row.weights,
            self._video,
            frames=frames,
            floor=self.floor.value(),
            nms_iou=self.nms.value(),
            max_det=self.max_det.value(),
            imgsz=self.imgsz.value() or None,
            device=self.device.text().strip() or None,
        )

    def runs(self) -> list[tuple[RunRequest, dict[str, str]]]:
        """For each model its request and the user's map: class of the model -> class of the ground truth.

        Raises:
            UserError: the frame range is invalid.
        """
        frames = self._selected_frames()
        return [(self._request(row, frames), dict(row.class_map)) for row in self.rows]


def _align_field(box: QAbstractSpinBox, field: QLineEdit) -> None:
    """Give a number the height and the left margin of a text field, which the style sheet cannot reach."""
    box.lineEdit().setTextMargins(SPACE["xs"], 0, 0, 0)
    box.setFixedHeight(field.sizeHint().height())


def _fraction_box(name: str, value: float, decimals: int) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setDecimals(decimals)
    box.setRange(0.0, 1.0)
    box.setSingleStep(0.05 if decimals == 2 else 0.005)
    box.setValue(value)
    return box
