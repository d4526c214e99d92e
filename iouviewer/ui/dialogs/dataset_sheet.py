"""The dialog for several videos or image sets: open them as a dataset, add them to the open one, or open one alone."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QLabel, QLineEdit, QTreeWidget, QTreeWidgetItem, QWidget

from iouviewer.document.dataset import Dataset, DatasetSource
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.dataset.found_sources import FoundSources
from iouviewer.ui.dialogs.frame import FramedDialog, field_label
from iouviewer.ui.dialogs.message_list import Message, MessageList
from iouviewer.ui.tokens import SIZE, SPACE

_MOST_MESSAGES = 6
_NAME_WIDTH = 260


class Choice(Enum):
    """What the person chose."""

    NEW = auto()
    ADD = auto()
    ONE = auto()


class DatasetSheet(FramedDialog):
    """Lists what was found; each source can be left out.

    Args:
        open_name: name of the open dataset, empty for none.
        proposed: path of a new dataset.

    Attributes:
        choice: valid after the dialog was accepted.
        name: the field for the name of a new dataset.
    """

    def __init__(self, parent: QWidget, found: FoundSources, proposed: Path, *, open_name: str = "") -> None:
        count = len(found.sources)
        title = tr_n("Open {count} source", "Open {count:,} sources", count)
        super().__init__(parent, title=title, name="datasetSheet")
        self.choice = Choice.ADD if open_name else Choice.NEW
        self._sources, self._proposed = found.sources, proposed
        self.list = QTreeWidget()
        self.list.setObjectName("datasetSheetList")
        self.list.setAccessibleName(tr("Sources"))
        self.list.setRootIsDecorated(False)
        self.list.setColumnCount(2)
        self.list.setHeaderLabels([tr("Source"), tr("With")])
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.list.header().setStretchLastSection(True)
        self.list.setColumnWidth(0, SIZE["dialog_m"] // 2)
        self._fill(found.sources)
        self.name = QLineEdit(proposed.stem)
        self.name.setObjectName("datasetName")
        self.name.setFixedWidth(_NAME_WIDTH)
        place = QLabel(str(proposed.parent))
        place.setProperty("role", "muted")
        place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.setSpacing(SPACE["s"])
        row.addWidget(field_label(tr("Name of the dataset"), self.name))
        row.addWidget(self.name)
        row.addWidget(field_label(tr("in"), place))
        row.addWidget(place, 1)
        lead = QLabel(
            tr("A dataset lists videos and image sets. Each keeps its own project beside it, as a single video does.")
        )
        lead.setProperty("role", "muted")
        lead.setWordWrap(True)
        self.messages = MessageList("datasetSheetMessages")
        self.body.setSpacing(SPACE["m"])
        self.body.addWidget(lead)
        self.body.addWidget(self.list, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.messages)
        self._add_buttons(open_name)
        self.list.itemChanged.connect(self._update)
        self.name.textChanged.connect(self._update)
        self.messages.show_messages(_messages(found))
        self.resize(SIZE["dialog_l"], self.sizeHint().height())
        self._update()

    def _fill(self, sources: Sequence[DatasetSource]) -> None:
        names = Dataset().with_added(sources).names()
        for place, one in enumerate(sources):
            item = QTreeWidgetItem([names[place], _with_text(one)])
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(0, Qt.CheckState.Checked)
            item.setToolTip(0, one.path)
            item.setToolTip(1, _files_text(one))
            item.setSizeHint(0, QSize(0, SIZE["row_comfortable"]))
            self.list.addTopLevelItem(item)

    def _add_buttons(self, open_name: str) -> None:
        primary = tr("Add to {name}", name=open_name) if open_name else tr("Open as dataset")
        self.open_button = self.add_primary(primary)
        self.open_button.setObjectName("datasetSheetOpen")
        self.open_button.clicked.connect(self.accept)
        self.new_button = None
        if open_name:
            self.new_button = self.add_secondary(tr("Open as new dataset"))
            self.new_button.clicked.connect(lambda: self._accept(Choice.NEW))
        self.one_button = self.add_secondary("")
        self.one_button.setObjectName("datasetSheetOne")
        self.one_button.clicked.connect(lambda: self._accept(Choice.ONE))
        self.add_cancel()

    def _accept(self, choice: Choice) -> None:
        self.choice = choice
        self.accept()

    def _update(self) -> None:
        chosen = self.sources()
        has_name = bool(self.name.text().strip()) and not set(self.name.text()) & set('/\\<>:"|?*\0')
        self.open_button.setEnabled(bool(chosen) and (has_name or self.choice is Choice.ADD))
        if self.new_button is not None:
            self.new_button.setEnabled(bool(chosen) and has_name)
        self.one_button.setVisible(bool(chosen))
        if chosen:
            self.one_button.setText(tr("Open only {name}", name=chosen[0].file_name).replace("&", "&&"))

    def sources(self) -> list[DatasetSource]:
        """The sources that are checked."""
        items = (self.list.topLevelItem(place) for place in range(self.list.topLevelItemCount()))
        is_chosen = [item is not None and item.checkState(0) is Qt.CheckState.Checked for item in items]
        return [one for one, yes in zip(self._sources, is_chosen, strict=True) if yes]

    def path(self) -> Path:
        """Path of a new dataset."""
        return self._proposed.with_name(f"{self.name.text().strip()}{self._proposed.suffix}")


def _with_text(source: DatasetSource) -> str:
    """What is imported when a source is first shown, in short."""
    if source.project:
        return tr("its project {name}", name=Path(source.project).name)
    parts = []
    if source.truth_file:
        parts.append(tr("ground truth"))
    names = [name for name, _path in source.prediction_files]
    if names:
        parts.append(tr("predictions: {names}", names=", ".join(names)))
    return " · ".join(parts) or tr("no boxes yet")


def _files_text(source: DatasetSource) -> str:
    """The files behind ``_with_text``, one a line."""
    lines = [source.project or source.truth_file]
    lines += [tr("{variant}: {name}", variant=name, name=path) for name, path in source.prediction_files]
    return "\n".join(filter(None, lines))


def _messages(found: FoundSources) -> list[Message]:
    said = [
        Message(tr("{name} is left out: {reason}", name=path.name, reason=reason), is_warning=True, details=str(path))
        for path, reason in found.left_out
    ]
    if len(said) <= _MOST_MESSAGES:
        return said
    more = [one.text for one in said[_MOST_MESSAGES:]]
    rest = tr_n("{count} more file is left out", "{count:,} more files are left out", len(more))
    return [*said[:_MOST_MESSAGES], Message(rest, is_warning=True, details="\n".join(more))]
