"""The export dialog: formats at the left; file, frames, what the format keeps and its first lines at the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.box_files import BoxesToWrite, supported_fields, unsupported_fields
from iouviewer.jobs.frame_selection import VERIFIED, parse_frames
from iouviewer.metrics.table import Int
from iouviewer.ui.dialogs.export_preview import PreviewReader, box_writer, can_preview
from iouviewer.ui.dialogs.frame import FramedDialog, field_label
from iouviewer.ui.dialogs.search_dialog import Choice, DetailDelegate, match_rank
from iouviewer.ui.export_command import CommandButton, command_line
from iouviewer.ui.exports import (
    EXPORTS,
    EXPORTS_BY_ID,
    LINK,
    BoxWriter,
    Export,
    ExportSource,
    Group,
    describe_untracked,
)
from iouviewer.ui.fonts import font
from iouviewer.ui.tokens import SIZE, SPACE

_WIDTH, _HEIGHT = 860, 560
_LIST_WIDTH = 216
_PREVIEW_HEIGHT = 96
_ALL, _RANGE = "all", "range"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the dialog was accepted with.

    Attributes:
        writer: of a box file; None for other exports.
        is_confirmed: the file dialog has already asked whether to replace the file.
    """

    export: Export
    writer: BoxWriter | None
    source: ExportSource
    path: Path
    is_confirmed: bool


class ExportDialog(FramedDialog):
    """Choose a format, a file and frames; read ``chosen`` after ``accepted``.

    Args:
        source: the session, read when the choice changes; nothing else is edited meanwhile.
        proposed: the proposed path of an export.
        assign_class: asks for a class for all ground-truth boxes without one and returns whether they have one now.
        link_tracks: asks whether boxes without a track are linked into tracks.
    """

    def __init__(
        self,
        parent: QWidget,
        source: ExportSource,
        *,
        proposed: Callable[[Export], Path],
        assign_class: Callable[[], bool],
        link_tracks: Callable[[], object],
    ) -> None:
        super().__init__(parent, title=tr("Export"), name="exportDialog")
        self._source, self._proposed, self._assign_class = source, proposed, assign_class
        self._link_tracks = link_tracks
        self.chosen: Chosen | None = None
        self._browsed = ""
        self._reader = PreviewReader(self)
        self._reader.finished.connect(self._on_reader_finished)
        self._create_list()
        self._create_fields()
        self._create_facts()
        self._arrange()
        self._fill_list("")
        self.search.setFocus()

    # Creation

    def _create_list(self) -> None:
        self.search = QLineEdit()
        self.search.setObjectName("exportSearch")
        self.search.setPlaceholderText(tr("Find format"))
        self.search.setAccessibleName(tr("Find format"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(_LIST_WIDTH)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._fill_list)
        self.header.addWidget(self.search)
        self.list = QListWidget()
        self.list.setObjectName("exportFormats")
        self.list.setAccessibleName(tr("Formats"))
        self.list.setFixedWidth(_LIST_WIDTH)
        self.list.setItemDelegate(DetailDelegate(self.list))
        self.list.currentItemChanged.connect(self._on_format_changed)

    def _create_fields(self) -> None:
        session = self._source.session
        self.title, self.about = QLabel(), QLabel()
        self.title.setObjectName("exportTitle")
        self.title.setFont(font("title"))
        self.about.setProperty("role", "muted")
        self.about.setWordWrap(True)
        self.boxes = QComboBox()
        self.boxes.setObjectName("exportBoxes")
        self.boxes.addItem(tr("Ground truth"), "")
        for variant in session.variants:
            self.boxes.addItem(variant.name, variant.key)
        verified = int(session.ground_truth.verified().sum())
        self.frames = QComboBox()
        self.frames.setObjectName("exportFrames")
        self.frames.addItem(tr("All {count:,}", count=session.frame_count), _ALL)
        if verified:
            self.frames.addItem(tr("Verified {count:,}", count=verified), VERIFIED)
        for label, frames in self._lists().items():
            self.frames.addItem(tr("{name} {count:,}", name=label, count=len(frames)), label)
        self.frames.addItem(tr("Range"), _RANGE)
        self.range = QLineEdit(f"0:{session.frame_count}")
        self.range.setObjectName("exportRange")
        self.range.setToolTip(
            tr("480:795, 0:480:10, random:200@7, spread:200, or a part of a range: spread:200/480:795")
        )
        self.range.hide()
        self.path = QLineEdit()
        self.path.setObjectName("exportPath")
        self.path.setFont(font("mono"))
        self.browse = QPushButton(tr("Browse…"))
        self.browse.setObjectName("exportBrowse")
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._on_browse_clicked)
        self.boxes.currentIndexChanged.connect(self._update)
        self.frames.currentIndexChanged.connect(self._update)
        self.range.textEdited.connect(self._update)
        self.path.textEdited.connect(self._update_warning)

    def _create_facts(self) -> None:
        self.fields_title, self.kept = QLabel(tr("What this format keeps")), QLabel()
        self.kept.setObjectName("exportKept")
        self.lines_title, self.lines = QLabel(tr("First lines")), QPlainTextEdit()
        for heading in (self.fields_title, self.lines_title):
            heading.setProperty("role", "muted")
        self.kept.setWordWrap(True)
        self.kept.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.lines.setObjectName("exportLines")
        self.lines.setAccessibleName(tr("First lines"))
        self.lines.setFont(font("mono"))
        self.lines.setReadOnly(True)
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.lines.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.lines.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.lines.setFixedHeight(_PREVIEW_HEIGHT)
        self.warning, self.fix = QLabel(), QPushButton()
        self.warning.setObjectName("exportWarning")
        self.warning.setProperty("role", "warning")
        self.warning.setWordWrap(True)
        self.fix.setObjectName("exportFix")
        self.fix.setAutoDefault(False)
        self.fix.clicked.connect(self._on_fix_clicked)
        self.add_cancel()
        self.command = CommandButton()
        self.footer.insertWidget(1, self.command)
        self.primary = self.add_primary(tr("Export"))
        self.primary.clicked.connect(self.accept)

    def _arrange(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE["m"])
        fields.setVerticalSpacing(SPACE["s"])
        self.boxes_label = field_label(tr("Boxes"), self.boxes)
        self.frames_label = field_label(tr("Frames"), self.frames)
        frames = QHBoxLayout()
        frames.setSpacing(SPACE["s"])
        frames.addWidget(self.frames)
        frames.addWidget(self.range)
        frames.addStretch(1)
        self.range.setAccessibleName(tr("Range of frames"))
        target = QHBoxLayout()
        target.setSpacing(SPACE["s"])
        target.addWidget(self.path, 1)
        target.addWidget(self.browse)
        boxes = QHBoxLayout()
        boxes.addWidget(self.boxes)
        boxes.addStretch(1)
        for row, (label, line) in enumerate(
            ((self.boxes_label, boxes), (self.frames_label, frames), (field_label(tr("Save to"), self.path), target))
        ):
            fields.addWidget(label, row, 0)
            fields.addLayout(line, row, 1)
        fields.setColumnStretch(1, 1)
        self._facts = facts = QGridLayout()
        facts.setHorizontalSpacing(SPACE["l"])
        facts.addWidget(self.fields_title, 0, 0)
        facts.addWidget(self.lines_title, 0, 1)
        facts.addWidget(self.kept, 1, 0, Qt.AlignmentFlag.AlignTop)
        facts.addWidget(self.lines, 1, 1, Qt.AlignmentFlag.AlignTop)
        facts.setColumnStretch(1, 1)
        warning = QHBoxLayout()
        warning.addWidget(self.warning, 1)
        warning.addWidget(self.fix)
        right = QVBoxLayout()
        right.setSpacing(SPACE["m"])
        for part in (self.title, self.about):
            right.addWidget(part)
        right.addLayout(fields)
        right.addLayout(facts)
        right.addStretch(1)
        right.addLayout(warning)
        content = QHBoxLayout()
        content.setSpacing(SPACE["l"])
        content.addWidget(self.list)
        content.addLayout(right, 1)
        self.body.addLayout(content)
        parent, margin = self.parentWidget(), 2 * SPACE["l"]
        assert parent is not None, "the dialog is made with its window"
        window = parent.window()
        self.setFixedSize(min(_WIDTH, window.width() - margin), min(_HEIGHT, window.height() - margin))
        order = (self.search, self.list, self.boxes, self.frames, self.range, self.path, self.browse, self.fix)
        for first, second in pairwise(order):
            QWidget.setTabOrder(first, second)

    # The list

    def _fill_list(self, query: str) -> None:
        previous = self._export.id if self._export is not None else ""
        with QSignalBlocker(self.list):
            target = self._add_formats(query, previous)
        if target is not None:
            self.list.setCurrentItem(target)
        self._on_format_changed()

    def _add_formats(self, query: str, previous: str) -> QListWidgetItem | None:
        """Fill the list with the formats that match; returns the one to select."""
        self.list.clear()
        found = [export for export in EXPORTS if match_rank(query, f"{export.title} {export.name}") is not None]
        best = min(found, key=lambda one: match_rank(query, f"{one.title} {one.name}") or 0, default=None)
        target: QListWidgetItem | None = None
        for group in Group:
            members = [export for export in found if export.group is group]
            if members:
                heading = QListWidgetItem(group.value)
                heading.setFlags(Qt.ItemFlag.NoItemFlags)
                heading.setFont(font("caption"))
                heading.setSizeHint(QSize(0, SIZE["row_dense"] + SPACE["xs"]))
                self.list.addItem(heading)
            for export in members:
                item = QListWidgetItem(export.title)
                item.setSizeHint(QSize(0, SIZE["row_dense"]))
                item.setData(Qt.ItemDataRole.UserRole, Choice(export.id, export.title, " ".join(export.suffixes)))
                self.list.addItem(item)
                if export is best or (not query and export.id == previous):
                    target = item if target is None or export.id == previous else target
        return target

    @property
    def _export(self) -> Export | None:
        item = self.list.currentItem()
        choice = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return EXPORTS_BY_ID[choice.key] if isinstance(choice, Choice) else None

    def choose(self, id: str) -> None:
        """Select a format by its id."""
        self.search.clear()
        for row in range(self.list.count()):
            choice = self.list.item(row).data(Qt.ItemDataRole.UserRole)
            if isinstance(choice, Choice) and choice.key == id:
                self.list.setCurrentRow(row)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                self._move(step)
                return True
        return super().eventFilter(watched, event)

    def _move(self, step: int) -> None:
        row = self.list.currentRow() + step
        while 0 <= row < self.list.count():
            if self.list.item(row).flags() & Qt.ItemFlag.ItemIsSelectable:
                self.list.setCurrentRow(row)
                return
            row += step

    # The chosen format

    def _on_format_changed(self) -> None:
        export = self._export
        if export is not None:
            self.title.setText(export.title)
            self.about.setText(export.about)
            self.path.setText(str(self._proposed(export)))
            self.path.setCursorPosition(len(self.path.text()))
            self._browsed = ""
        self._update()

    @property
    def _writer(self) -> BoxWriter | None:
        return None if self._export is None else box_writer(self._export, str(self.boxes.currentData() or ""))

    def _selected_source(self) -> ExportSource:
        """The source with the chosen frames; UserError if the range is wrong."""
        session, kind = self._source.session, self.frames.currentData()
        if self._export is None or not self._export.has_frames or kind == _ALL:
            return self._source
        text = self.range.text() if kind == _RANGE else str(kind)
        frames = parse_frames(text, session.frame_count, session.ground_truth.verified(), self._lists())
        return replace(self._source, frames=frames)

    def _lists(self) -> dict[str, Int]:
        """The named lists of the source by label."""
        session = self._source.session
        return session.document.frame_lists.by_label(session.source.id)

    def _update(self) -> None:
        """Show what the chosen format makes of the chosen boxes and frames."""
        export, writer = self._export, self._writer
        has_boxes = writer is not None
        has_frames = export is not None and export.has_frames
        for widget in (self.boxes_label, self.boxes):
            widget.setVisible(has_boxes)
        for widget in (self.frames_label, self.frames):
            widget.setVisible(has_frames)
        self.range.setVisible(has_frames and self.frames.currentData() == _RANGE)
        self.lines_title.setVisible(export is not None and can_preview(export))
        self.lines.setVisible(export is not None and can_preview(export))
        self._error: UserError | None = None
        self._data: BoxesToWrite | None = None
        self.lines.clear()
        if export is not None:
            try:
                (writer or export.writer).check(self._source)
                source = self._selected_source()
                self._data = None if writer is None else writer.boxes(source)
                if can_preview(export):
                    self.lines.setPlaceholderText(tr("Loading…"))
                    self._reader.read(export, writer, source)
            except UserError as error:
                self._error = error
        self._show_fields()
        self._update_warning()

    def _show_fields(self) -> None:
        export, data = self._export, self._data
        self.fields_title.setVisible(export is not None and data is not None)
        lines = []
        if data is not None and isinstance(self._writer, BoxWriter):
            lines = [f"✓  {text}" for text in supported_fields(data, self._writer.format)]
            lines += [f"✕  {text}" for text in unsupported_fields(data, self._writer.format)]
        self.kept.setText("\n".join(lines))
        self.kept.setVisible(bool(lines))
        self._facts.setColumnStretch(0, int(bool(lines)))  # else the first lines have the whole width
        self.primary.setText(self._verb())
        self.primary.setEnabled(export is not None and self._error is None)

    def _verb(self) -> str:
        """The text of the primary button: what is exported, and how many."""
        export, session = self._export, self._source.session
        if export is not None and self._data is not None:
            return tr_n("Export {count} box", "Export {count:,} boxes", len(self._data.frames))
        if export is not None and export.id == "exportNotes":
            return tr_n("Export {count} note", "Export {count:,} notes", len(session.notes))
        if export is not None and export.id == "exportCsv":
            chosen = session.scores.settings.selected(session.frame_count)
            count = session.frame_count if chosen is None else int(chosen.sum())
            return tr_n("Export {count} frame", "Export {count:,} frames", count)
        return tr("Export")

    def _update_warning(self) -> None:
        """Show the first thing that the user should know, with its way out, and the command line."""
        self.command.offer(self._command_line())
        text, fix = self._find_warning()
        self.warning.setText(text)
        self.warning.setVisible(bool(text))
        self.fix.setText(fix)
        self.fix.setVisible(bool(fix))

    def _command_line(self) -> str:
        chosen, kind = {_ALL: None, VERIFIED: VERIFIED, _RANGE: self.range.text()}, self.frames.currentData()
        if self._export is None or self._error is not None or kind not in chosen:
            return ""
        return command_line(self._export, self._writer, self._source, self.path.text().strip(), chosen[kind])

    def _find_warning(self) -> tuple[str, str]:
        export, data = self._export, self._data
        if export is None:
            return tr("No format has this name."), ""
        if self._error is not None:
            return str(self._error), ""
        path = Path(self.path.text())
        if data is not None and len(data.class_names) > 0 and data.scores is None:
            count = int(np.count_nonzero(np.asarray(data.class_ids) < 0))
            if count:
                text = tr_n("{count} box has no class.", "{count:,} boxes have no class.", count)
                return text, tr("Change class…")
        if export.id == "exportMot" and data is not None and data.scores is None:
            text = describe_untracked(np.asarray(data.frames), np.asarray(data.track_ids))
            if text:
                return text, LINK
        if not export.suffixes and path.is_dir() and any(path.iterdir()):
            return tr("The folder {name} is not empty. Choose another name.", name=path.name), ""
        if path.is_file() and self._browsed != self.path.text():
            return tr("{name} already exists.", name=path.name), ""
        return "", ""

    def _on_fix_clicked(self) -> None:
        if self.fix.text() == LINK:
            self._link_tracks()
            self._update()
        elif self._assign_class():
            self._update()

    def _on_reader_finished(self, number: int, text: str) -> None:
        if number == self._reader.latest:
            self.lines.setPlaceholderText("")
            self.lines.setPlainText(text)

    # The file

    def _on_browse_clicked(self) -> None:
        export = self._export
        if export is None:
            return
        filters = ";;".join(f"{suffix[1:].upper()} (*{suffix})" for suffix in export.suffixes)
        path, _ = QFileDialog.getSaveFileName(self, tr("Export"), self.path.text(), filters)
        if path:
            self.path.setText(path)
            self._browsed = path
            self._update_warning()

    def accept(self) -> None:
        export = self._export
        if export is None or self._error is not None or not self.path.text().strip():
            return
        path = Path(self.path.text().strip()).expanduser()
        if not path.suffix and export.suffixes:
            path = path.with_suffix(export.suffixes[0])
        confirmed = self._browsed == str(path)
        self.chosen = Chosen(export, self._writer, self._selected_source(), path, confirmed)
        super().accept()

    def done(self, result: int) -> None:
        """Wait for the preview in progress; the temporary file is then gone."""
        self._reader.close()
        super().done(result)
