"""Settings: scores, appearance, video, keys."""

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
    QLineEdit,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.settings import Settings
from iouviewer.app.video.proxy_builder import ProxyState
from iouviewer.i18n import tr
from iouviewer.metrics.table import Convention
from iouviewer.ui.dialogs.key_editor import KeyEditor
from iouviewer.video.proxy import proxies_size

_SCHEMES = {"system": tr("Follow system"), "light": tr("Light"), "dark": tr("Dark")}
_CAPTIONS = {
    "problems": tr("Problems only"),
    "selected": tr("Selected boxes"),
    "all": tr("All boxes"),
    "none": tr("None"),
}
CONVENTIONS = {Convention.CONTINUOUS: tr("Continuous (COCO)"), Convention.INCLUSIVE: tr("Inclusive (VOC)")}
"""Texts of the pixel edge conventions."""


def _fraction_box(name: str, value: float, step: float = 0.05) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setObjectName(name)
    box.setRange(0.0, 1.0)
    box.setSingleStep(step)
    box.setDecimals(2)
    box.setValue(value)
    return box


def _mebibyte_box(name: str, value: int, maximum: int) -> QSpinBox:
    box = QSpinBox()
    box.setObjectName(name)
    box.setRange(64, maximum)
    box.setSingleStep(256)
    box.setSuffix(tr(" MB"))
    box.setGroupSeparatorShown(True)
    box.setValue(value)
    return box


def _combo_box(name: str, texts: dict[str, str], value: str) -> QComboBox:
    box = QComboBox()
    box.setObjectName(name)
    for key, text in texts.items():
        box.addItem(text, key)
    box.setCurrentIndex(max(0, box.findData(value)))
    return box


class SettingsDialog(QDialog):
    """Edits a copy of the settings; call ``write_to`` after ``accepted``.

    Signals:
        proxyDeletion(): the scrub cache should be deleted; call ``show_proxy_size`` afterwards.
    """

    proxyDeletion = Signal()

    def __init__(self, parent: QWidget | None, settings: Settings) -> None:
        super().__init__(parent)
        self.setObjectName("settingsDialog")
        self.setWindowTitle(tr("Settings"))
        self.confidence = _fraction_box("settingsConfidence", settings.confidence)
        self.iou_threshold = _fraction_box("settingsIou", settings.iou_threshold)
        self.target = _fraction_box("settingsTarget", settings.target)
        self.class_agnostic = QCheckBox(tr("Match across classes"))
        self.class_agnostic.setChecked(settings.class_agnostic)
        texts = {key.value: text for key, text in CONVENTIONS.items()}
        self.convention = _combo_box("settingsConvention", texts, settings.convention.value)
        self.margin = QDoubleSpinBox()
        self.margin.setRange(0.0, 100.0)
        self.margin.setDecimals(1)
        self.margin.setSuffix(tr(" points"))
        self.margin.setValue(settings.margin_points)
        self.scheme = _combo_box("settingsScheme", _SCHEMES, settings.scheme)
        self.captions = _combo_box("settingsLabels", _CAPTIONS, settings.caption_mode)
        self.loupe = QCheckBox(tr("Enlarge a dragged edge below 200 %"))
        self.loupe.setObjectName("settingsLoupe")
        self.loupe.setChecked(settings.loupe_on)
        self.author = QLineEdit(settings.author)
        self.author.setObjectName("settingsAuthor")
        self.author.setPlaceholderText(tr("Login name: {name}", name=Settings().author_name))
        self.memory = _mebibyte_box("settingsMemory", settings.memory_mib, 1 << 20)
        self.proxy_on = QCheckBox(tr("Build a scrub cache"))
        self.proxy_on.setObjectName("settingsProxyOn")
        self.proxy_on.setChecked(settings.proxy_on)
        self.proxy = _mebibyte_box("settingsProxy", settings.proxy_mib, 1 << 22)
        self.proxy.setEnabled(settings.proxy_on)
        self.proxy_on.toggled.connect(self.proxy.setEnabled)
        self.decode_check_on = QCheckBox(tr("Check frame accuracy in the background"))
        self.decode_check_on.setObjectName("settingsProofOn")
        self.decode_check_on.setChecked(settings.decode_check_on)
        self.proxy_used = QLabel()
        self.proxy_used.setObjectName("settingsProxyUsed")
        self.proxy_delete = QPushButton(tr("Delete scrub cache"))
        self.proxy_delete.setObjectName("settingsProxyDelete")
        self.proxy_delete.setAutoDefault(False)
        self.proxy_delete.clicked.connect(self.proxyDeletion)
        self.show_proxy_size(proxies_size())
        self.keys = KeyEditor(settings.key_preset, settings.keys)
        tabs = QTabWidget()
        tabs.setObjectName("settingsTabs")
        tabs.addTab(self._scores_page(), tr("Scores"))
        tabs.addTab(self._appearance_page(), tr("Appearance"))
        tabs.addTab(self._video_page(), tr("Video"))
        tabs.addTab(self.keys, tr("Keys"))
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
        form.addRow(tr("Confidence threshold"), self.confidence)
        form.addRow(tr("IoU threshold"), self.iou_threshold)
        form.addRow("", self.class_agnostic)
        form.addRow(tr("Pixel edges"), self.convention)
        form.addRow(tr("Target IoU"), self.target)
        form.addRow(tr("Allowed drop"), self.margin)
        form.addRow(_note(tr("COCO AP always uses continuous edges and every stored prediction.")))
        return page

    def _appearance_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.addRow(tr("Colours"), self.scheme)
        form.addRow(tr("Captions on boxes"), self.captions)
        form.addRow(tr("Loupe"), self.loupe)
        form.addRow(tr("Author of edits and notes"), self.author)
        return page

    def _video_page(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.addRow(tr("Frame cache"), self.memory)
        form.addRow(
            _note(
                tr(
                    "Memory for decoded frames; others are decoded again when shown. The decoders and the program "
                    "need another 0.3 GB, 0.5 GB at 1080p, 1.1 GB at 4K."
                )
            )
        )
        form.addRow("", self.proxy_on)
        form.addRow(tr("Scrub cache"), self.proxy)
        used = QHBoxLayout()
        used.addWidget(self.proxy_used, 1)
        used.addWidget(self.proxy_delete)
        form.addRow(tr("In use"), used)
        form.addRow(
            _note(
                tr(
                    "Disk space for reduced copies of frames, used in videos whose keyframes are far apart. While you "
                    "scrub they show the exact frame at once; the full resolution follows when you stop. They are "
                    "stored in the cache folder and can be deleted at any time."
                )
            )
        )
        form.addRow("", self.decode_check_on)
        form.addRow(
            _note(
                tr(
                    "Decodes each file once, on one core, while the program is idle and no model runs. Use “iouviewer "
                    "check” for videos that take longer than about 10 minutes to decode."
                )
            )
        )
        return page

    def show_proxies(self, state: ProxyState) -> None:
        """Show the size of the scrub cache."""
        self.show_proxy_size(state.size)

    def show_proxy_size(self, size: int) -> None:
        """Show the size of the scrub caches of all videos, in bytes."""
        self.proxy_used.setText(tr("{size:,.1f} MB", size=size / (1 << 20)))
        self.proxy_delete.setEnabled(size > 0)

    def write_to(self, settings: Settings) -> None:
        """Write the values of the dialog to the settings."""
        settings.confidence = round(self.confidence.value(), 4)
        settings.iou_threshold = round(self.iou_threshold.value(), 4)
        settings.class_agnostic = self.class_agnostic.isChecked()
        settings.convention = Convention(self.convention.currentData())
        settings.target = round(self.target.value(), 4)
        settings.margin_points = round(self.margin.value(), 2)
        settings.scheme = self.scheme.currentData()
        settings.caption_mode = self.captions.currentData()
        settings.loupe_on = self.loupe.isChecked()
        settings.author = self.author.text().strip()
        settings.memory_mib = self.memory.value()
        settings.proxy_on = self.proxy_on.isChecked()
        settings.proxy_mib = self.proxy.value()
        settings.decode_check_on = self.decode_check_on.isChecked()
        settings.key_preset = self.keys.preset
        settings.keys = dict(self.keys.changes)


def _note(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label
