"""The settings: sections at the left, a search over all of them; each change holds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.view_state import ColourBy
from iouviewer.app.settings import Settings
from iouviewer.app.video.proxy_builder import ProxyState
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Convention
from iouviewer.ui.dialogs import settings_fields as fields
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.dialogs.key_editor import MIRRORED, KeyEditor
from iouviewer.ui.dialogs.settings_fields import Control, SettingRow
from iouviewer.ui.dialogs.trusted_models import TrustedModels
from iouviewer.ui.fonts import font
from iouviewer.ui.keyboard.letters import KeyLetters
from iouviewer.ui.theme import is_motion_reduced, wants_high_contrast
from iouviewer.ui.tokens import SIZE, SPACE
from iouviewer.video.proxy import proxies_size

COLOUR_BY = "colourBy"
"""Key of the setting for what the colours of boxes stand for."""
CONVENTIONS = {Convention.CONTINUOUS: tr("Continuous (COCO)"), Convention.INCLUSIVE: tr("Inclusive (VOC)")}
"""Texts of the pixel edge conventions."""
_SCHEMES = {"system": tr("Follow system"), "light": tr("Light"), "dark": tr("Dark")}
_CAPTIONS = {
    "problems": tr("Problems only"),
    "selected": tr("Selected boxes"),
    "all": tr("All boxes"),
    "none": tr("None"),
}
_COLOURS_BY = {
    ColourBy.SOURCE.value: tr("Source"),
    ColourBy.CLASS.value: tr("Class"),
    ColourBy.TRACK.value: tr("Track"),
}
_SIZE = (760, 540)
"""Logical pixels; less where the window is smaller."""
_LIST_WIDTH = 140
_EXTRA = "extra."
"""Prefix of the names of values that are kept by key in ``Settings.extra``."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A control that shows one value of the settings, by the name of its attribute or ``extra.`` and its key."""

    section: str
    name: str
    control: Control


class SettingsDialog(FramedDialog):
    """Shows and changes the settings; there is nothing to confirm.

    Args:
        settings: changed in place.
        letters: what is printed on the keys.
        ui_scale: size of the window since its start, in per cent.

    Signals:
        changed(): the settings have changed; apply and save them.
        proxyDeletion(): the scrub cache should be deleted; ``show_proxy_size`` tells the result.
        keySheetRequested(): the drawn keyboard should be shown.
    """

    changed = Signal()
    proxyDeletion = Signal()
    keySheetRequested = Signal()

    def __init__(
        self, parent: QWidget | None, settings: Settings, *, letters: KeyLetters | None = None, ui_scale: int = 100
    ) -> None:
        super().__init__(parent, title=tr("Settings"), name="settingsDialog")
        self._settings, self._letters, self._running_scale = settings, letters, ui_scale
        self._fields: list[_Field] = []
        self._rows: dict[str, list[SettingRow]] = {}
        self._layouts: dict[str, QVBoxLayout] = {}
        self._section = ""
        self._create_frame()
        for name, text, add in (
            ("general", tr("General"), self._add_general),
            ("appearance", tr("Appearance"), self._add_appearance),
            ("canvas", tr("Canvas"), self._add_canvas),
            ("video", tr("Video"), self._add_video),
            ("scores", tr("Scores"), self._add_scores),
            ("keys", tr("Keys"), self._add_keys),
            ("memory", tr("Memory"), self._add_memory),
            ("models", tr("Models"), self._add_models),
        ):
            self._add_section(name, text, add)
        self._show_values()
        self.show_proxy_size(proxies_size())
        self.show_frame_cache(0)
        self.sections.setCurrentRow(0)
        self._arrange(parent)

    # Creation

    def _create_frame(self) -> None:
        self.search = QLineEdit()
        self.search.setObjectName("settingsSearch")
        self.search.setPlaceholderText(tr("Find setting"))
        self.search.setAccessibleName(tr("Find setting"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(_LIST_WIDTH + SPACE["xl"] * 2)
        self.search.textChanged.connect(self._find)
        self.search.installEventFilter(self)
        self.header.addWidget(self.search)
        self.sections = QListWidget()
        self.sections.setObjectName("settingsSections")
        self.sections.setAccessibleName(tr("Sections"))
        self.sections.setFixedWidth(_LIST_WIDTH)
        self.sections.currentRowChanged.connect(self._on_section_changed)
        self.pages = QStackedWidget()
        self.nothing = QLabel()
        self.nothing.setObjectName("settingsNothing")
        self.nothing.setProperty("role", "muted")
        self.nothing.setWordWrap(True)
        self.nothing.hide()
        self.reset_button = fields.push_button("settingsReset", tr("Reset section"), self._reset_section)

    def _arrange(self, parent: QWidget | None) -> None:
        content = QHBoxLayout()
        content.setSpacing(SPACE["l"])
        content.addWidget(self.sections)
        right = QVBoxLayout()
        right.addWidget(self.nothing)
        right.addWidget(self.pages, 1)
        content.addLayout(right, 1)
        self.body.addLayout(content)
        hint = fields.note_label(tr("Changes apply immediately."))
        self.footer.insertWidget(0, self.reset_button)
        self.footer.insertWidget(1, hint)
        width, height = _SIZE
        if parent is not None:
            width, height = min(width, parent.width() - 2 * SPACE["l"]), min(height, parent.height() - 2 * SPACE["l"])
        self.resize(width, height)
        for first, second in pairwise((self.search, self.sections, *self._focusable(), self.reset_button)):
            QWidget.setTabOrder(first, second)
        self.search.setFocus()

    def _focusable(self) -> list[QWidget]:
        """The controls from top to bottom, section by section."""
        controls = [field.control.widget for field in self._fields]
        place = controls.index(next(f.control.widget for f in self._fields if f.name == "memory_mib"))
        return [*controls[:place], *self.keys.tab_order, self.sheet_button, *controls[place:], self.proxy_delete]

    def _add_section(self, name: str, text: str, add: Callable[[], None]) -> None:
        self._section = name
        self._rows[name] = []
        page = QWidget()
        layout = self._layouts[name] = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, SPACE["s"], 0)
        layout.setSpacing(0)
        heading = QLabel(text)
        heading.setFont(font("title"))
        layout.addWidget(heading)
        layout.addSpacing(SPACE["m"])
        add()
        if name != "keys":
            layout.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(page)
        area.viewport().setAutoFillBackground(False)
        page.setAutoFillBackground(False)
        self.pages.addWidget(area)
        item = QListWidgetItem(text)
        item.setSizeHint(QSize(0, SIZE["row_comfortable"]))
        item.setData(Qt.ItemDataRole.UserRole, name)
        self.sections.addItem(item)

    def _add(self, name: str, text: str, control: Control, note: str = "", *, also: str = "") -> None:
        """A row with a control for one value."""
        field = _Field(self._section, name, control)
        self._fields.append(field)
        control.connect(lambda: self._on_field_changed(field))
        self._add_row(text, control.widget, note, also=also)

    def _add_row(self, text: str, content: QWidget, note: str = "", *, also: str = "", stretch: int = 0) -> SettingRow:
        row = SettingRow(text, content, note, also=also)
        self._rows[self._section].append(row)
        self._layouts[self._section].addWidget(row, stretch)
        return row

    # Sections

    def _add_general(self) -> None:
        login = Settings().author_name
        self._add(
            "author",
            tr("Author"),
            fields.text_control("settingsAuthor", tr("Login name: {name}", name=login)),
            tr("The name at edits, notes and verified frames."),
        )
        self.recent = fields.push_button("settingsClearRecent", tr("Clear recent files"), self._clear_recent)
        self.recent_row = self._add_row(tr("Recent files"), self.recent, tr("The files stay where they are."))

    def _add_appearance(self) -> None:
        self._add("scheme", tr("Colours"), fields.choice_control("settingsScheme", _SCHEMES), also=tr("theme"))
        self._add(
            "ui_scale",
            tr("UI scale"),
            fields.integer_control("settingsUiScale", 90, 150, step=10, suffix=tr(" %")),
            tr("Size of texts, buttons and the whole window, from the next start on."),
            also=tr("zoom text size"),
        )
        self.scale_state = fields.note_label("")
        self.scale_state.setObjectName("settingsScaleState")
        self._layouts["appearance"].addWidget(self.scale_state)
        self.motion, self.contrast = QLabel(), QLabel()
        self.motion.setObjectName("settingsMotion")
        self.contrast.setObjectName("settingsContrast")
        self._add_row(
            tr("Reduced motion"),
            self.motion,
            tr("Follows the system: without its animations nothing moves by itself here either."),
            also=tr("animation"),
        )
        self._add_row(
            tr("High contrast"),
            self.contrast,
            tr("Follows the system: outlines and separators get the colour of text."),
        )

    def _add_canvas(self) -> None:
        self._add("caption_mode", tr("Captions on boxes"), fields.choice_control("settingsLabels", _CAPTIONS))
        self._add(
            _EXTRA + COLOUR_BY,
            tr("Colour boxes by"),
            fields.choice_control("settingsColourBy", _COLOURS_BY),
            tr("Dashes always tell variants and ground truth apart."),
        )
        loupe = fields.switch_control("settingsLoupe", tr("Enlarge a dragged edge below 200 %"))
        self._add("loupe_on", tr("Loupe"), loupe)

    def _add_video(self) -> None:
        self._add(
            "decode_check_on",
            tr("Frame accuracy"),
            fields.switch_control("settingsProofOn", tr("Check frame accuracy in the background")),
            tr(
                "Decodes each file once, on one core, while the program is idle and no model runs. Use “iouviewer "
                "check” for videos that take longer than about 10 minutes to decode."
            ),
        )

    def _add_scores(self) -> None:
        self._add("confidence", tr("Confidence threshold"), fields.fraction_control("settingsConfidence"))
        self._add("iou_threshold", tr("IoU threshold"), fields.fraction_control("settingsIou"))
        self._add(
            "class_agnostic", tr("Classes"), fields.switch_control("settingsClassAgnostic", tr("Match across classes"))
        )
        texts = {key.value: text for key, text in CONVENTIONS.items()}
        note = tr("COCO AP always uses continuous edges and every stored prediction.")
        self._add("convention", tr("Pixel edges"), fields.choice_control("settingsConvention", texts), note)
        self._add(
            "target", tr("Target IoU"), fields.fraction_control("settingsTarget"), tr("The line in the IoU timeline.")
        )
        self._add(
            "margin_points",
            tr("Allowed drop"),
            fields.points_control("settingsMargin"),
            tr("What a variant may lose against the baseline and still pass."),
        )

    def _add_keys(self) -> None:
        settings = self._settings
        self.keys = KeyEditor(
            settings.key_preset,
            settings.keys,
            is_mirrored=settings.extra.get(MIRRORED) == "1",
            letters=self._letters,
        )
        self.keys.changed.connect(self._on_keys_changed)
        self.sheet_button = fields.push_button("settingsKeySheet", tr("Key sheet…"), self.keySheetRequested.emit)
        self.sheet_button.setToolTip(tr("The keyboard with its commands, to read or print"))
        self.keys.add_button(self.sheet_button)
        self._layouts["keys"].addWidget(self.keys, 1)

    def _add_memory(self) -> None:
        self._add(
            "memory_mib",
            tr("Frame cache"),
            fields.integer_control("settingsMemory", 64, 1 << 20, step=256, suffix=tr(" MB")),
            tr(
                "Memory for decoded frames; others are decoded again when shown. The decoders and the program "
                "need another 0.3 GB, 0.5 GB at 1080p, 1.1 GB at 4K."
            ),
        )
        self.memory_used = QLabel()
        self.memory_used.setObjectName("settingsMemoryUsed")
        self._add_row(tr("In use"), self.memory_used, also=tr("Frame cache"))
        self._add("proxy_on", tr("Scrub cache"), fields.switch_control("settingsProxyOn", tr("Build a scrub cache")))
        self._add(
            "proxy_mib",
            tr("Size on disk"),
            fields.integer_control("settingsProxy", 64, 1 << 22, step=256, suffix=tr(" MB")),
            tr(
                "Disk space for reduced copies of frames, used in videos whose keyframes are far apart. While you "
                "scrub they show the exact frame at once; the full resolution follows when you stop. They are "
                "stored in the cache folder and can be deleted at any time."
            ),
            also=tr("Scrub cache"),
        )
        self.proxy_used = QLabel()
        self.proxy_used.setObjectName("settingsProxyUsed")
        self.proxy_delete = fields.push_button("settingsProxyDelete", tr("Delete scrub cache"), self.proxyDeletion.emit)
        used = QWidget()
        row = QHBoxLayout(used)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.proxy_used)
        row.addWidget(self.proxy_delete)
        row.addStretch(1)
        self._add_row(tr("In use"), used, also=tr("Scrub cache"))

    def _add_models(self) -> None:
        note = fields.note_label(tr("They were allowed to run any code on this computer. Revoke to be asked again."))
        self._add_row(tr("Trusted files"), note, also=tr("trust revoke code weights models"))
        self.models = TrustedModels()
        self._layouts["models"].addWidget(self.models)

    # Values

    def _value(self, settings: Settings, name: str) -> object:
        if name.startswith(_EXTRA):
            return settings.extra.get(name.removeprefix(_EXTRA), "")
        value = getattr(settings, name)
        return value.value if isinstance(value, Convention) else value

    def _show_values(self) -> None:
        for field in self._fields:
            field.control.show(self._value(self._settings, field.name))
        self._update_states()

    def _update_states(self) -> None:
        """Show what follows from the values and the system."""
        settings = self._settings
        count = len(settings.recent)
        self.recent.setEnabled(count > 0)
        self.recent.setToolTip(tr_n("{count} file", "{count:,} files", count))
        proxy = next(field.control.widget for field in self._fields if field.name == "proxy_mib")
        proxy.setEnabled(settings.proxy_on)
        now, chosen = self._running_scale, settings.ui_scale
        self.scale_state.setText(tr("Now {now} %. Start the program again to see {next} %.", now=now, next=chosen))
        self.scale_state.setVisible(now != chosen)
        self.motion.setText(tr("On") if is_motion_reduced() else tr("Off"))
        self.contrast.setText(tr("On") if wants_high_contrast() else tr("Off"))

    def _on_field_changed(self, field: _Field) -> None:
        self._store(field.name, field.control.read())
        self._update_states()
        self.changed.emit()

    def _store(self, name: str, value: object) -> None:
        settings = self._settings
        if name.startswith(_EXTRA):
            settings.extra[name.removeprefix(_EXTRA)] = str(value)
        else:
            setattr(settings, name, Convention(str(value)) if name == "convention" else value)

    def _on_keys_changed(self) -> None:
        settings = self._settings
        settings.key_preset, settings.keys = self.keys.preset, dict(self.keys.changes)
        settings.extra[MIRRORED] = "1" if self.keys.is_mirrored else ""
        self.changed.emit()

    def _reset_section(self) -> None:
        """Give the values of the section that is shown their defaults."""
        section, defaults = self._current_section(), Settings()
        for field in self._fields:
            if field.section == section:
                self._store(field.name, self._value(defaults, field.name))
        if section == "keys":
            self.keys.reset()
        self._show_values()
        self.changed.emit()

    def _clear_recent(self) -> None:
        self._settings.recent = []
        self._update_states()
        self.changed.emit()

    def show_proxies(self, state: ProxyState) -> None:
        """Show the size of the scrub cache."""
        self.show_proxy_size(state.size)

    def show_proxy_size(self, size: int) -> None:
        """Show the size of the scrub caches of all videos, in bytes."""
        self.proxy_used.setText(tr("{size:,.1f} MB", size=size / (1 << 20)))
        self.proxy_delete.setEnabled(size > 0)

    def show_frame_cache(self, size: int) -> None:
        """Show the memory that decoded frames take, in bytes."""
        self.memory_used.setText(tr("{size:,.1f} MB", size=size / (1 << 20)))

    # Sections and search

    def _current_section(self) -> str:
        item = self.sections.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else ""

    def show_section(self, name: str) -> None:
        """Show a section: general, appearance, canvas, video, scores, keys, memory or models."""
        for row in range(self.sections.count()):
            if self.sections.item(row).data(Qt.ItemDataRole.UserRole) == name:
                self.sections.setCurrentRow(row)

    def _on_section_changed(self, row: int) -> None:
        if row >= 0:
            self.pages.setCurrentIndex(row)
            self.reset_button.setVisible(self._current_section() != "models")  # which has no values with defaults

    def _find(self, query: str) -> None:
        """Show the rows that match in all sections, and the first section with one."""
        first = None
        for place in range(self.sections.count()):
            item = self.sections.item(place)
            name = str(item.data(Qt.ItemDataRole.UserRole))
            # A query that names the section finds all of it.
            is_named = bool(query.strip()) and query.casefold().strip() in item.text().casefold()
            found = [row for row in self._rows[name] if is_named or row.matches(query)]
            for row in self._rows[name]:
                row.setVisible(row in found)
            has_keys = name == "keys" and (is_named or self.keys.show_matching(query))
            item.setHidden(not found and not has_keys)
            if first is None and not item.isHidden():
                first = place
        current = self.sections.currentItem()
        if first is not None and (current is None or current.isHidden()):
            self.sections.setCurrentRow(first)
        self.pages.setVisible(first is not None)
        self.reset_button.setEnabled(first is not None)
        self.nothing.setVisible(first is None)
        self.nothing.setText(tr("No setting matches “{query}”.", query=query.strip()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down in the search goes to the sections; Enter stays in the dialog."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Down:
                self.sections.setFocus()
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                return True
        return super().eventFilter(watched, event)
