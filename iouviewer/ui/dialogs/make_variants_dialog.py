"""Asks in which formats a checkpoint is written, and on which frames quantized ones are calibrated."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.inference.export_formats import FORMATS
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.jobs.make_variants import CALIBRATION_SPLIT, DEFAULT_CALIBRATION, MakeRequest
from iouviewer.ui.dialogs.frame import FramedDialog, field_label, separator
from iouviewer.ui.dialogs.message_list import Message, MessageList
from iouviewer.ui.tokens import SIZE, SPACE

_CHOSEN = ("onnx", "openvino", "openvino-int8")
"""Formats that are ticked at first, where their packages are installed."""
_VIDEO, _DATA = "video", "data"
_COLUMNS = 2


class MakeVariantsDialog(FramedDialog):
    """Formats, calibration frames, input size and folder; read the results after ``accepted``.

    Args:
        video: the open video, None where it is no file that can be read again.
        runs_original: whether the checkpoint itself is to be run, as far as nobody has said otherwise.
    """

    def __init__(
        self, parent: QWidget | None, weights: Path, *, video: Path | None, frame_count: int, runs_original: bool
    ) -> None:
        super().__init__(parent, title=tr("Make variants of {name}", name=weights.name), name="makeVariantsDialog")
        self._weights, self._video, self._frame_count = weights, video, frame_count
        self._data: Path | None = None
        self._boxes: dict[str, QCheckBox] = {}
        self.body.setSpacing(SPACE["m"])
        self._create_formats()
        self._create_fields(runs_original)
        self._messages = MessageList("makeMessages")
        self.body.addWidget(self._messages)
        self.body.addStretch(1)
        self.add_cancel()
        self._primary = self.add_primary("")
        self._primary.clicked.connect(self.accept)
        self.setFixedWidth(SIZE["dialog_m"])
        self._update()

    # Creation

    def _create_formats(self) -> None:
        """A check box for each format; what one lacks stands in its tooltip and below."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE["l"])
        grid.setVerticalSpacing(SPACE["xs"])
        for place, one in enumerate(FORMATS):
            box = QCheckBox(one.title)
            box.setObjectName(f"make.{one.key}")
            missing = one.missing
            if missing is not None:
                box.setEnabled(False)
                box.setText(tr("{format} – needs {package}", format=one.title, package=missing.distribution))
                box.setToolTip(tr("Install it with: pip install {requirement}", requirement=missing.requirement))
            box.setChecked(missing is None and one.key in _CHOSEN)
            box.toggled.connect(self._update)
            self._boxes[one.key] = box
            rows = -(-len(FORMATS) // _COLUMNS)
            grid.addWidget(box, place % rows, place // rows, Qt.AlignmentFlag.AlignLeft)
        self.body.addLayout(grid)
        self.body.addWidget(separator())

    def _create_fields(self, runs_original: bool) -> None:
        self._source = QComboBox()
        self._source.setObjectName("makeSource")
        if self._video is not None:
            self._source.addItem(tr("This video"), _VIDEO)
        self._source.addItem(tr("data.yaml…"), _DATA)
        self._source.activated.connect(self._on_source_activated)
        self._frames = QLineEdit(DEFAULT_CALIBRATION)
        self._frames.setObjectName("makeFrames")
        self._frames.setToolTip(tr("spread:64, random:64@7, 0:480:8, or a part of these: spread:64/0:480"))
        self._frames.textChanged.connect(self._update)
        self._imgsz = QSpinBox()
        self._imgsz.setObjectName("makeImgsz")
        self._imgsz.setRange(0, 8192)
        self._imgsz.setSingleStep(32)
        self._imgsz.setSpecialValueText(tr("From weights"))
        self._imgsz.setSuffix(tr(" px"))
        self._imgsz.lineEdit().setTextMargins(SPACE["xs"], 0, 0, 0)
        self._folder = QLineEdit(str(self._weights.parent))
        self._folder.setObjectName("makeFolder")
        self._folder.textChanged.connect(self._update)
        choose = QPushButton(tr("Choose…"))
        choose.setObjectName("makeChooseFolder")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose_folder)
        self._original = QCheckBox(tr("Run {name} too, as the baseline", name=self._weights.name))
        self._original.setObjectName("makeOriginal")
        self._original.setChecked(runs_original)
        self._original.toggled.connect(self._update)
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE["m"])
        fields.setVerticalSpacing(SPACE["s"])
        self._calibration_label = field_label(tr("Calibrate INT8 on"), self._source)
        fields.addWidget(self._calibration_label, 0, 0)
        row = QHBoxLayout()
        row.setSpacing(SPACE["s"])
        row.addWidget(self._source)
        row.addWidget(self._frames, 1)
        self._frames.setAccessibleName(tr("Calibration frames"))
        fields.addLayout(row, 0, 1)
        fields.addWidget(field_label(tr("Image size"), self._imgsz), 1, 0)
        fields.addWidget(self._imgsz, 1, 1, Qt.AlignmentFlag.AlignLeft)
        fields.addWidget(field_label(tr("Folder"), self._folder), 2, 0)
        folder = QHBoxLayout()
        folder.setSpacing(SPACE["s"])
        folder.addWidget(self._folder, 1)
        folder.addWidget(choose)
        fields.addLayout(folder, 2, 1)
        fields.setColumnStretch(1, 1)
        self.body.addLayout(fields)
        self.body.addWidget(self._original, 0, Qt.AlignmentFlag.AlignLeft)

    # Changes

    def _on_source_activated(self) -> None:
        if self._source.currentData() == _DATA:
            path, _ = QFileDialog.getOpenFileName(
                self, tr("Choose data.yaml"), str(self._weights.parent), tr("Data sets (*.yaml *.yml)")
            )
            if path:
                self._data = Path(path)
                self._source.setItemText(self._source.findData(_DATA), self._data.name)
            elif self._data is None and self._video is not None:
                self._source.setCurrentIndex(0)
        self._update()

    def _choose_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, tr("Choose a folder"), self._folder.text())
        if path:
            self._folder.setText(path)

    def _update(self) -> None:
        """Show what will happen, and what is in the way."""
        chosen = [one for one in FORMATS if self._boxes[one.key].isChecked()]
        calibrates = any(one.is_calibrated for one in chosen)
        for widget in (self._calibration_label, self._source, self._frames):
            widget.setEnabled(calibrates)
        problem, facts = self._problem(calibrates), []
        if calibrates and not problem:
            facts.append(self._calibration_fact())
        shown = [Message(problem, is_warning=True)] if problem else [Message(fact) for fact in facts]
        self._messages.show_messages(shown)
        self._primary.setText(tr_n("Make and run {count} variant", "Make and run {count} variants", len(chosen)))
        self._primary.setEnabled(bool(chosen) and not problem)
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.resize(self.width(), self.minimumSizeHint().height())

    def _problem(self, calibrates: bool) -> str:
        """What is in the way, empty if nothing is."""
        if calibrates and self._source.currentData() == _DATA and self._data is None:
            return tr("Choose the data.yaml whose images the INT8 models are calibrated on.")
        if calibrates and self._source.currentData() == _VIDEO:
            try:
                parse_frames(self.calibration_frames, self._frame_count)
            except UserError as error:
                return str(error)
        folder = Path(self._folder.text().strip())
        return "" if folder.is_dir() else tr("The folder {path} does not exist.", path=folder)

    def _calibration_fact(self) -> str:
        if self._source.currentData() == _DATA:
            return tr("The frames are taken from the images of the split {split!r}.", split=CALIBRATION_SPLIT)
        count = len(parse_frames(self.calibration_frames, self._frame_count))
        return tr_n(
            "{count} frame will leave every score and verdict while an INT8 variant is compared.",
            "{count:,} frames will leave every score and verdict while an INT8 variant is compared.",
            count,
        )

    # The result

    @property
    def calibration_frames(self) -> str:
        """The text of the selection."""
        return self._frames.text().strip()

    @property
    def calibration_source(self) -> Path | None:
        """Where the calibration frames come from."""
        return self._video if self._source.currentData() == _VIDEO else self._data

    @property
    def runs_original(self) -> bool:
        """Whether the checkpoint is run too."""
        return self._original.isChecked()

    def requests(self) -> list[MakeRequest]:
        """One for each chosen format, without its calibration."""
        folder = Path(self._folder.text().strip())
        return [
            MakeRequest(self._weights, one, folder, self._imgsz.value() or None)
            for one in FORMATS
            if self._boxes[one.key].isChecked()
        ]
