"""Asks for frames by their text, and for a name under which the project keeps them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QLineEdit, QWidget

from iouviewer.document.frame_lists import FrameList, check_name
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.frame_selection import parse_frames
from iouviewer.metrics.table import Bool, Int
from iouviewer.ui.dialogs.frame import FramedDialog, field_label
from iouviewer.ui.tokens import SIZE, SPACE


class FrameListDialog(FramedDialog):
    """The selection, its size, and its name; read ``chosen`` after ``accepted``.

    Args:
        verified: (F,) bool, frames that a person verified.
        lists: by label, the lists of the source.
    """

    def __init__(
        self, parent: QWidget | None, *, frame_count: int, source: int, verified: Bool, lists: Mapping[str, Int]
    ) -> None:
        super().__init__(parent, title=tr("Frames that count"), name="frameListDialog")
        self._frame_count, self._source, self._verified, self._lists = frame_count, source, verified, lists
        self._text = QLineEdit(f"random:{min(200, frame_count)}@1")
        self._text.setObjectName("frameListText")
        self._text.selectAll()
        forms = QLabel(tr("480:795, 0:480:10, random:200@7, spread:200, spread:200/480:795, or @file.txt"))
        forms.setProperty("role", "muted")
        self._name = QLineEdit()
        self._name.setObjectName("frameListName")
        self._name.setPlaceholderText(tr("Not kept"))
        self._targeted = QCheckBox(tr("Chosen by looking at predictions or scores"))
        self._targeted.setObjectName("frameListTargeted")
        self._targeted.setToolTip(tr("Such scores describe these frames, not the video; every report says so"))
        self._outcome = QLabel()
        self._outcome.setObjectName("frameListOutcome")
        self._outcome.setWordWrap(True)
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE["m"])
        fields.setVerticalSpacing(SPACE["s"])
        fields.addWidget(field_label(tr("Frames"), self._text), 0, 0)
        fields.addWidget(self._text, 0, 1)
        fields.addWidget(forms, 1, 1)
        fields.addWidget(field_label(tr("Keep as"), self._name), 2, 0)
        fields.addWidget(self._name, 2, 1)
        fields.addWidget(self._targeted, 3, 1, Qt.AlignmentFlag.AlignLeft)
        fields.setColumnStretch(1, 1)
        self.body.setSpacing(SPACE["m"])
        self.body.addLayout(fields)
        self.body.addWidget(self._outcome)
        self.add_cancel()
        self._primary = self.add_primary("")
        self._primary.clicked.connect(self.accept)
        self.setFixedWidth(SIZE["dialog_m"])
        for line in (self._text, self._name):
            line.textChanged.connect(self._update)
        self._update()

    def _read(self) -> FrameList:
        """The list as it is typed; UserError where it cannot be used."""
        text = self._text.text().strip()
        frames = parse_frames(text, self._frame_count, self._verified, self._lists)
        name = check_name(self._name.text()) if self._name.text().strip() else ""
        return FrameList(name, text, tuple(frames.tolist()), self._targeted.isChecked(), self._source)

    @property
    def chosen(self) -> FrameList:
        """The list; its name is empty where it is not kept."""
        return self._read()

    def _update(self) -> None:
        try:
            chosen = self._read()
        except UserError as error:
            self._outcome.setText(str(error))
            self._primary.setText(tr("Count these frames"))
            self._primary.setEnabled(False)
            return
        count = len(chosen.frames)
        first, last = chosen.frames[0], chosen.frames[-1]
        self._outcome.setText(tr("From {first:,} to {last:,}.", first=first, last=last))
        self._primary.setText(tr_n("Count {count} frame", "Count {count:,} frames", count))
        self._primary.setEnabled(True)
