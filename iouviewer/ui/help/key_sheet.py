"""The key sheet: a keyboard drawn by place, with the letters of the layout and the command of each key."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtPrintSupport import QPrintDialog, QPrinter
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.fonts import font
from iouviewer.ui.key_presets import PRESETS
from iouviewer.ui.keyboard.positions import ROWS, place_of
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.theme import make_popup
from iouviewer.ui.tokens import RADIUS, SPACE, Colours, colours

_TOP = 80
_KEY = QSize(79, 56)
"""Logical pixels of a key without its gap."""
_GAP = 4
_INDENT = (0.0, 0.5, 0.75, 1.25)
"""Left margin of each row, in keys."""
_REVIEW = ("takeFix", "groundTruthIsRight", "unclear", "nextProblem", "nextFrame", "previousFrame")
"""Commands of a review, whose keys lie under one hand."""
_OTHERS = ("playPause", "firstFrame", "lastFrame", "nextBox", "delete", "cancel", "commandPalette")
_PREFIXES = (
    (Qt.KeyboardModifier.ControlModifier, "Ctrl+"),
    (Qt.KeyboardModifier.AltModifier, "Alt+"),
    (Qt.KeyboardModifier.ShiftModifier, "Shift+"),
)
_MODIFIER_KEYS = {Qt.Key.Key_Shift: "Shift+", Qt.Key.Key_Control: "Ctrl+", Qt.Key.Key_Alt: "Alt+"}


class KeyboardView(QWidget):
    """Paints the keys with what they do while the given modifiers are held."""

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        self.setObjectName("keyboardView")
        self._actions = actions
        self._prefix, self._query, self._pressed = "", "", ""
        columns = max(len(row) + indent for row, indent in zip(ROWS, _INDENT, strict=True))
        self._natural = QSize(round(columns * (_KEY.width() + _GAP)), len(ROWS) * (_KEY.height() + _GAP))
        self._scale = 1.0
        self.fit(self._natural.width())

    def fit(self, width: int) -> None:
        """Draw the keys smaller where they would be wider than this."""
        self._scale = min(1.0, width / self._natural.width())
        self.setFixedSize(self._natural * self._scale)

    @property
    def natural_width(self) -> int:
        """Width of the keyboard as it is painted, before it is made smaller."""
        return self._natural.width()

    def show_modifiers(self, prefix: str) -> None:
        """Show what the keys do with modifiers, in Qt's portable text: ``Ctrl+Shift+``."""
        self._prefix = prefix
        self.update()

    def mark(self, *, query: str = "", pressed: str = "") -> None:
        """Mark the commands that match a text, or the key at a place."""
        self._query, self._pressed = query.casefold(), pressed
        self.update()

    def text_at(self, place: str) -> str:
        """The command of the key at a place, with the modifiers that are shown; empty for none."""
        rows = self._actions.rows_of(self._prefix + place)
        return self._actions.text_of(rows[0].id).removesuffix("…") if rows else ""

    def legend(self) -> dict[str, tuple[str, str]]:
        """Letter and command by place."""
        return {place: (self._actions.letters[place], self.text_at(place)) for row in ROWS for place in row}

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.scale(self._scale, self._scale)
        self.paint_keys(painter, scheme_theme().colours)
        painter.end()

    def paint_keys(self, painter: QPainter, colours: Colours) -> None:
        """Paint the keyboard, on the screen or, in the colours of the light scheme, on paper."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line, (row, indent) in enumerate(zip(ROWS, _INDENT, strict=True)):
            for column, place in enumerate(row):
                x = (column + indent) * (_KEY.width() + _GAP)
                rect = QRectF(x + 0.5, line * (_KEY.height() + _GAP) + 0.5, _KEY.width(), _KEY.height())
                self._paint_key(painter, rect, place, colours)

    def _paint_key(self, painter: QPainter, rect: QRectF, place: str, colours: Colours) -> None:
        rows = self._actions.rows_of(self._prefix + place)
        text = self.text_at(place)
        is_review = any(row.id in _REVIEW for row in rows)
        is_found = place == self._pressed or (bool(self._query) and self._query in text.casefold())
        painter.setPen(QPen(QColor(colours.focus if is_found else colours.line), 2 if is_found else 1))
        painter.setBrush(QColor(colours.selected if is_review else colours.raised))
        painter.drawRoundedRect(rect, RADIUS["control"], RADIUS["control"])
        inside = rect.adjusted(SPACE["s"], SPACE["xs"], -SPACE["xs"], -SPACE["xs"])
        painter.setFont(font("strong"))
        painter.setPen(QColor(colours.accent if is_review else colours.text if text else colours.text3))
        top = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        painter.drawText(inside, top, self._actions.letters[place])
        painter.setFont(font("caption"))
        painter.setPen(QColor(colours.text2))
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap)
        painter.drawText(inside, flags, _two_lines(text, painter.font(), inside.width()))


def _two_lines(text: str, used: QFont, width: float) -> str:
    """The text as far as it fits into two lines."""
    metrics = QFontMetrics(used)
    line, rest = "", text.split()
    while rest and metrics.horizontalAdvance(f"{line} {rest[0]}".strip()) <= width:
        line = f"{line} {rest.pop(0)}".strip()
    if not rest:
        return line
    last = metrics.elidedText(" ".join(rest), Qt.TextElideMode.ElideRight, int(width))
    return f"{line}\n{last}" if line else last


class KeySheet(QDialog):
    """The keyboard, the choice of a preset and of the hand at the mouse.

    Args:
        choose: called with the chosen preset and whether the mouse is in the left hand.
        edit: shows the editor of keys.
    """

    def __init__(
        self,
        parent: QWidget,
        actions: ActionSet,
        *,
        preset: str,
        is_mirrored: bool,
        choose: Callable[[str, bool], None],
        edit: Callable[[], None],
    ) -> None:
        super().__init__(parent)
        self.setObjectName("keySheet")
        self.setWindowTitle(tr("Keys"))
        make_popup(self)
        self._actions, self._choose, self._edit = actions, choose, edit
        title = QLabel(tr("Keys"))
        title.setFont(font("title"))
        self.preset_box = QComboBox()
        self.preset_box.setObjectName("keySheetPreset")
        self.preset_box.setAccessibleName(tr("Preset"))
        self.preset_box.addItems(list(PRESETS))
        self.preset_box.setCurrentText(preset)
        self.mirror = QCheckBox(tr("Mouse in left hand"))
        self.mirror.setObjectName("keySheetMirror")
        self.mirror.setChecked(is_mirrored)
        self.search = QLineEdit()
        self.search.setObjectName("keySheetSearch")
        self.search.setPlaceholderText(tr("Find command"))
        self.search.setAccessibleName(tr("Find command"))
        self.search.setFixedWidth(2 * SPACE["xl"] * 4)
        self.keyboard = KeyboardView(actions)
        self.keyboard.fit(parent.window().width() - 4 * SPACE["l"])
        self.others = QLabel()
        self.others.setProperty("role", "muted")
        self.status = QLabel()
        self.status.setObjectName("keySheetStatus")
        self.keyboard.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._lay_out(title)
        self.preset_box.activated.connect(self._on_chosen)
        self.mirror.toggled.connect(self._on_chosen)
        self.search.textChanged.connect(lambda text: self.keyboard.mark(query=text))
        actions.textsChanged.connect(self._update)
        self._update()
        self.move(parent.mapToGlobal(QPoint(max(0, (parent.width() - self.sizeHint().width()) // 2), _TOP)))
        self.keyboard.setFocus()

    def _lay_out(self, title: QLabel) -> None:
        close, edit, paper = QPushButton(tr("Close")), QPushButton(tr("Edit keys…")), QPushButton(tr("Print…"))
        for button in (close, edit, paper):
            button.setAutoDefault(False)
        close.clicked.connect(self.reject)
        edit.clicked.connect(self._on_edit)
        paper.clicked.connect(self._on_print)
        top, bottom = QHBoxLayout(), QHBoxLayout()
        for widget in (title, self.preset_box, self.mirror):
            top.addWidget(widget)
        top.addStretch(1)
        top.addWidget(self.search)
        bottom.addWidget(self.status, 1)
        for button in (edit, paper, close):
            bottom.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["l"], SPACE["l"], SPACE["l"], SPACE["m"])
        layout.setSpacing(SPACE["m"])
        layout.addLayout(top)
        layout.addWidget(self.keyboard)
        layout.addWidget(self.others)
        layout.addLayout(bottom)

    def _update(self) -> None:
        pairs = [(self._actions.key_of(id), self._actions.text_of(id).removesuffix("…")) for id in _OTHERS]
        self.others.setText("   ".join(f"{key} {text}" for key, text in pairs if key))
        hint = tr("Blue: keys of a review. Hold Shift, Ctrl or Alt to see what they add; press a key to find it.")
        self.status.setText(hint)
        self.keyboard.update()

    def _on_chosen(self) -> None:
        self._choose(self.preset_box.currentText(), self.mirror.isChecked())
        self._update()

    def _on_edit(self) -> None:
        self.accept()
        self._edit()

    def _on_print(self) -> None:
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        if not QPrintDialog(printer, self).exec():
            return
        painter = QPainter(printer)
        scale = painter.viewport().width() / self.keyboard.natural_width
        painter.scale(scale, scale)
        self.keyboard.paint_keys(painter, colours(dark=False))
        painter.end()

    def event(self, event: QEvent) -> bool:
        is_key = event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
        if is_key and isinstance(event, QKeyEvent) and not self.search.hasFocus():
            return self._on_key(event) or super().event(event)
        return super().event(event)

    def _on_key(self, event: QKeyEvent) -> bool:
        """Show what held modifiers add, and mark the key that is pressed."""
        is_press = event.type() == QEvent.Type.KeyPress
        modifiers = event.modifiers()
        held = [name for flag, name in _PREFIXES if modifiers & flag]
        own = _MODIFIER_KEYS.get(Qt.Key(event.key()))
        if own is not None:
            held = [name for name in held if name != own] + ([own] if is_press else [])
            order = [name for _flag, name in _PREFIXES]
            self.keyboard.show_modifiers("".join(sorted(held, key=order.index)))
            return True
        place = place_of(event) or (chr(event.key()) if event.key() < 128 else "")
        if not is_press or place not in self.keyboard.legend():
            return False
        self.keyboard.mark(pressed=place)
        letter, text = self.keyboard.legend()[place]
        free = tr("{key} is free", key=letter)
        self.status.setText(tr("{key}: {command}", key=letter, command=text) if text else free)
        return True
