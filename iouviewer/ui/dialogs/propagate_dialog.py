"""Asks how far, in which direction and by which method the selected boxes are propagated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from PySide6.QtWidgets import QButtonGroup, QCheckBox, QFormLayout, QHBoxLayout, QLabel, QRadioButton, QWidget

from iouviewer.i18n import tr
from iouviewer.ui.dialogs.frame import FramedDialog
from iouviewer.ui.fonts import font
from iouviewer.ui.panels.frame_box import FrameBox
from iouviewer.ui.tokens import SPACE


class Method(Enum):
    """How boxes are propagated."""

    FOLLOW = "follow"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class PropagationChoice:
    """The answers of the dialog.

    Attributes:
        frames: how many frames at most.
        step: 1 forwards, -1 backwards.
        is_guided: predictions of the baseline guide the passes.
    """

    method: Method = Method.FOLLOW
    frames: int = 25
    step: int = 1
    is_guided: bool = True


class PropagateDialog(FramedDialog):
    """Method, direction and number of frames.

    Args:
        boxes: name of the boxes, for the title.
        rooms: number of frames after and before the current one.
        guide: name of the variant that can guide the passes, empty if there is none.
        describe: returns one sentence about where a choice leads, and whether it leads anywhere.
    """

    def __init__(
        self,
        parent: QWidget | None,
        *,
        boxes: str,
        choice: PropagationChoice,
        rooms: tuple[int, int],
        guide: str,
        describe: Callable[[PropagationChoice], tuple[str, bool]],
    ) -> None:
        super().__init__(parent, title=tr("Propagate {boxes}", boxes=boxes), name="propagateDialog")
        self._choice, self._rooms, self._describe = choice, rooms, describe
        self._follow = self._radio(tr("Follow the object"), "propagateFollow")
        self._copy = self._radio(tr("Copy unchanged"), "propagateCopy")
        self._forward = self._radio(tr("Forward"), "propagateForward")
        self._backward = self._radio(tr("Backward"), "propagateBackward")
        self._frames = FrameBox()
        self._frames.setObjectName("propagateFrames")
        self._frames.setMinimumWidth(96)
        self._range = QLabel()
        self._range.setFont(font("caption"))
        self._guided = QCheckBox(tr("Guide by the predictions of {variant}", variant=guide))
        self._guided.setObjectName("propagateGuided")
        self._guided.setVisible(bool(guide))
        self._end = QLabel()
        self._end.setObjectName("propagateEnd")
        self._end.setWordWrap(True)
        self._end.setMinimumWidth(320)
        form = QFormLayout()
        form.setHorizontalSpacing(SPACE["l"])
        form.setVerticalSpacing(SPACE["m"])
        form.addRow(tr("Method"), self._row(self._follow, self._copy))
        form.addRow(tr("Direction"), self._row(self._forward, self._backward))
        form.addRow(tr("Frames"), self._row(self._frames, self._range))
        form.addRow("", self._guided)
        form.addRow("", self._end)
        self.body.addLayout(form)
        self._primary = self.add_primary(tr("Propagate"))
        self._primary.clicked.connect(self._on_primary_clicked)
        self.add_cancel()
        self._show_choice()
        for button in (self._follow, self._copy, self._forward, self._backward, self._guided):
            button.toggled.connect(self._on_changed)
        self._frames.valueChanged.connect(self._on_changed)
        self._frames.setFocus()
        self._frames.selectAll()

    @staticmethod
    def _radio(text: str, name: str) -> QRadioButton:
        button = QRadioButton(text)
        button.setObjectName(name)
        return button

    def _row(self, *widgets: QWidget) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["m"])
        group = QButtonGroup(row)
        for widget in widgets:
            layout.addWidget(widget)
            if isinstance(widget, QRadioButton):
                group.addButton(widget)
        layout.addStretch(1)
        return row

    @property
    def choice(self) -> PropagationChoice:
        """The answers as they are now."""
        return PropagationChoice(
            Method.FOLLOW if self._follow.isChecked() else Method.COPY,
            self._frames.value(),
            1 if self._forward.isChecked() else -1,
            self._guided.isChecked(),
        )

    def _show_choice(self) -> None:
        choice, (after, before) = self._choice, self._rooms
        step = choice.step if (after if choice.step > 0 else before) else -choice.step
        (self._follow if choice.method is Method.FOLLOW else self._copy).setChecked(True)
        (self._forward if step > 0 else self._backward).setChecked(True)
        self._forward.setEnabled(after > 0)
        self._backward.setEnabled(before > 0)
        self._guided.setChecked(choice.is_guided)
        # As far as either direction goes: a number that is typed before the direction is chosen must not be cut.
        self._frames.setRange(1, max(after, before, 1))
        self._frames.setValue(choice.frames)
        self._on_changed()

    def _on_changed(self) -> None:
        choice = self.choice
        self._range.setText(tr("1–{count:,}", count=max(self._rooms[0] if choice.step > 0 else self._rooms[1], 1)))
        is_follow = choice.method is Method.FOLLOW
        self._guided.setEnabled(is_follow)
        self._backward.setEnabled(is_follow and self._rooms[1] > 0)
        if not is_follow and choice.step < 0 and self._rooms[0]:
            self._forward.setChecked(True)
            return
        text, is_possible = self._describe(choice)
        self._end.setText(text)
        self._primary.setEnabled(is_possible)

    def _on_primary_clicked(self) -> None:
        self._frames.interpretText()
        self.accept()
