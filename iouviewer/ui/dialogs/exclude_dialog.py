"""Asks which frames are left out of all scores, or counted again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QLabel, QRadioButton, QWidget

from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import Bool, Int
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.fonts import font
from iouviewer.ui.panels.frame_box import FrameBox
from iouviewer.ui.tokens import SIZE, SPACE


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """Frames that can be chosen together: their name, and (n,) int64, ascending, each once."""

    name: str
    frames: Int


class ExcludeDialog(FramedDialog):
    """A choice of frames, or a range, and whether they are excluded or included.

    Args:
        choices: at least one; the first is chosen unless ``starts_with_range``.
        excluded: (F,) bool, the frames that are excluded now.
        span: first and last frame of the range at first, both included.

    Attributes:
        is_exclusion: whether the frames are to be excluded; meaningful once the dialog is accepted.
    """

    def __init__(
        self,
        parent: QWidget | None,
        choices: Sequence[FrameChoice],
        excluded: Bool,
        span: tuple[int, int],
        *,
        starts_with_range: bool,
    ) -> None:
        super().__init__(parent, title=tr("Exclude frames"), name="excludeDialog")
        self._choices, self._excluded = tuple(choices), excluded
        self.is_exclusion = True
        self._group = QButtonGroup(self)
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE["l"])
        grid.setVerticalSpacing(SPACE["m"])
        grid.setColumnStretch(0, 1)
        for row, choice in enumerate(self._choices):
            grid.addWidget(self._radio(choice.name, row), row, 0)
            count = QLabel(tr_n("{count} frame", "{count:,} frames", len(choice.frames)))
            count.setFont(font("caption"))
            count.setProperty("role", "muted")
            grid.addWidget(count, row, 1)
        self.body.setSpacing(SPACE["m"])
        self.body.addLayout(grid)
        self._range = self._radio(tr("Frames"), len(self._choices))
        self._first, self._last = self._field("excludeFirst", span[0]), self._field("excludeLast", span[1])
        self._first.setAccessibleName(tr("First frame"))
        self._last.setAccessibleName(tr("Last frame"))
        line = QHBoxLayout()
        line.setSpacing(SPACE["s"])
        for widget in (self._range, self._first, QLabel(tr("to")), self._last):
            line.addWidget(widget)
        line.addStretch(1)
        self.body.addLayout(line)
        note = QLabel(tr("Excluded frames count in no score. Their boxes stay, and so does what was verified."))
        note.setProperty("role", "muted")
        note.setWordWrap(True)
        note.setMinimumWidth(SIZE["dialog_s"] - 2 * SPACE["l"])
        self.body.addWidget(note)
        self.add_cancel()
        self._include = self.add_secondary("")
        self._include.setObjectName("excludeInclude")
        self._exclude = self.add_primary("")
        self._include.clicked.connect(lambda: self._finish(is_exclusion=False))
        self._exclude.clicked.connect(lambda: self._finish(is_exclusion=True))
        start = self._range if starts_with_range or not self._choices else self._group.button(0)
        start.setChecked(True)
        self._group.idToggled.connect(self._on_changed)
        self._on_changed()
        start.setFocus()

    def _radio(self, text: str, number: int) -> QRadioButton:
        button = QRadioButton(text)
        button.setObjectName(f"exclude{number}")
        self._group.addButton(button, number)
        return button

    def _field(self, name: str, frame: int) -> FrameBox:
        field = FrameBox()
        field.setObjectName(name)
        field.setMinimumWidth(88)
        field.setRange(0, len(self._excluded) - 1)
        field.setValue(frame)
        # A typed number chooses the range, which a click on the field alone does not.
        field.valueChanged.connect(lambda _value: self._range.setChecked(True))
        field.valueChanged.connect(self._on_changed)
        return field

    @property
    def frames(self) -> Int:
        """The chosen frames: (n,) int64, ascending."""
        number = self._group.checkedId()
        if number < len(self._choices):
            return self._choices[number].frames
        return np.arange(self._first.value(), self._last.value() + 1)

    def _on_changed(self) -> None:
        excluded = self._excluded[self.frames]
        inside = int(np.count_nonzero(excluded))
        outside = len(excluded) - inside
        self._exclude.setText(tr_n("Exclude {count} frame", "Exclude {count:,} frames", outside))
        self._exclude.setEnabled(outside > 0)
        self._include.setText(tr_n("Include {count} frame", "Include {count:,} frames", inside))
        self._include.setVisible(inside > 0)

    def _finish(self, *, is_exclusion: bool) -> None:
        self._first.interpretText()
        self._last.interpretText()
        self.is_exclusion = is_exclusion
        self.accept()
