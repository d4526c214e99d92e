"""Settings: scores, look, memory, keys."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.settings import Settings
from iouviewer.app.video.proxy_builder import ProxyState
from iouviewer.metrics.table import Convention
from iouviewer.ui.dialogs.key_editor import KeyEditor
from iouviewer.video.proxy import proxies_size

_SCHEMES = {"system": "As the system", "light": "Light", "dark": "Dark"}
_LABELS = {"automatic": "Where there is room", "all": "Always", "none": "Only at the mouse"}
CONVENTIONS = {Convention.CONTINUOUS: "continuous (x2 − x1)", Convention.INCLUSIVE: "inclusive (x2 − x1 + 1)"}
"""Conventions as people read them."""


def _share(name: str, value: float, step: float = 0.05) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setRange(0.0, 1.0)
    box.setSingleStep(step)
    box.setDecimals(2)
    box.setValue(value)
    return box


def _mebibytes(name: str, value: int, most: int) -> QSpinBox:
    box = QSpinBox()
    box.setObjectName(name)
    box.setRange(64, most)
    box.setSingleStep(256)
    box.setSuffix(" MB")
    box.setGroupSeparatorShown(True)
    box.setValue(value)
    return box


def _choices(name: str, texts: dict[str, str], value: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    for key, text in texts.items():
        box.addItem(text, key)
    box.setCurrentIndex(max(0, box.findData(value)))
    return box


class SettingsDialog(QDialog):
    """Edits a copy; ``write_to`` puts it into the settings after ``accepted``.

    Signals:
        proxyDeletion(): the small copies are to be deleted; ``show_proxy_size`` tells what is left.
    """

    proxyDeletion = Signal()

    def __init__(self, parent: QWidget | None, settings: Settings) -> None:
        super().__init__(parent)
        self.setObjectName("settingsDialog")
        self.setWindowTitle("Settings")
        self.confidence = _share("settingsConfidence", settings.confidence)
        self.iou_threshold = _share("settingsIou", settings.iou_threshold)
        self.target = _share("settingsTarget", settings.target)
        self.class_agnostic = QCheckBox("Pairs may join boxes of different classes")
        self.class_agnostic.setChecked(settings.class_agnostic)
        texts = {key.value: text for key, text in CONVENTIONS.items()}
        self.convention = _choices("settingsConvention", texts, settings.convention.value)
        self.margin = QDoubleSpinBox()
        self.margin.setRange(0.0, 100.0)
        self.margin.setDecimals(1)
        self.margin.setSuffix(" points")
        self.margin.setValue(settings.margin_points)
        self.scheme = _choices("settingsScheme", _SCHEMES, settings.scheme)
        self.labels = _choices("settingsLabels", _LABELS, settings.show_labels)
        self.memory = _mebibytes("settingsMemory", settings.memory_mib, 1 << 20)
        self.proxy_on = QCheckBox("Make small copies of pictures where I scrub")
        self.proxy_on.setObjectName("settingsProxyOn")
        self.proxy_on.setChecked(settings.proxy_on)
        self.proxy = _mebibytes("settingsProxy", settings.proxy_mib, 1 << 22)
        self.proxy.setEnabled(settings.proxy_on)
        self.proxy_on.toggled.connect(self.proxy.setEnabled)
        self.proof_on = QCheckBox("Decode each video once, to prove that every picture is right")
        self.proof_on.setObjectName("settingsProofOn")
        self.proof_on.setChecked(settings.proof_on)
        self.proxy_used = QLabel()
        self.proxy_used.setObjectName("settingsProxyUsed")
        self.proxy_delete = QPushButton("Delete them")
        self.proxy_delete.setObjectName("settingsProxyDelete")
        self.proxy_delete.setAutoDefault(False)
        self.proxy_delete.clicked.connect(self.proxyDeletion)
        self.show_proxy_size(proxies_size())
        self.keys = KeyEditor(settings.key_preset, settings.keys)
        tabs = QTabWidget()
        tabs.setObjectName("settingsTabs")
        tabs.addTab(self._scores_page(), "Scores")
        tabs.addTab(self._window_page(), "Window")
        tabs.addTab(self._video_page(), "Video")
        tabs.addTab(self.keys, "Keys")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel | QDialogButtonBox.StandardButton.Ok)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(tabs)
        layout.addWidget(buttons)
        self.resize(560, 520)

    def _scores_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.addRow("Confidence threshold", self.confidence)
        form.addRow("IoU threshold", self.iou_threshold)
        form.addRow("", self.class_agnostic)
        form.addRow("Width of a box", self.convention)
        form.addRow("Target IoU", self.target)
        form.addRow("Margin to the baseline", self.margin)
        form.addRow(_note("COCO AP is always continuous and uses every stored prediction."))
        return page

    def _window_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.addRow("Colours", self.scheme)
        form.addRow("Labels on boxes", self.labels)
        return page

    def _video_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.addRow("Memory for pictures", self.memory)
        form.addRow(
            _note(
                "Pictures beyond that are decoded again when they are shown. Decoders and the program itself take some "
                "0.3 GB besides, 0.5 GB at 1080p, 1.1 GB at 4K."
            )
        )
        form.addRow("", self.proxy_on)
        form.addRow("Disk for small copies", self.proxy)
        used = QHBoxLayout()
        used.addWidget(self.proxy_used, 1)
        used.addWidget(self.proxy_delete)
        form.addRow("They take now", used)
        form.addRow(
            _note(
                "Where key frames are far apart, small copies show the exact frame at once while you scrub; the full "
                "picture follows when the hand rests. They lie in the cache folder and can be deleted at any time."
            )
        )
        form.addRow("", self.proof_on)
        form.addRow(
            _note(
                "It runs while nothing else is to do and no model runs, on one core, once a file. Videos of more than "
                "about ten minutes of decoding are left to iouviewer check."
            )
        )
        return page

    def show_proxies(self, state: ProxyState) -> None:
        """What there is of small copies now."""
        self.show_proxy_size(state.size)

    def show_proxy_size(self, size: int) -> None:
        """Bytes that the small copies of all videos take."""
        self.proxy_used.setText(f"{size / (1 << 20):,.1f} MB")
        self.proxy_delete.setEnabled(size > 0)

    def write_to(self, settings: Settings) -> None:
        """Put what stands in the dialog into the settings."""
        settings.confidence = round(self.confidence.value(), 4)
        settings.iou_threshold = round(self.iou_threshold.value(), 4)
        settings.class_agnostic = self.class_agnostic.isChecked()
        settings.convention = Convention(self.convention.currentData())
        settings.target = round(self.target.value(), 4)
        settings.margin_points = round(self.margin.value(), 2)
        settings.scheme = self.scheme.currentData()
        settings.show_labels = self.labels.currentData()
        settings.memory_mib = self.memory.value()
        settings.proxy_on = self.proxy_on.isChecked()
        settings.proxy_mib = self.proxy.value()
        settings.proof_on = self.proof_on.isChecked()
        settings.key_preset = self.keys.preset
        settings.keys = dict(self.keys.changes)


def _note(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label
