"""The page that the window shows while nothing is open: what to open, recent files, and whose keys to use."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPixmapCache,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer import folders
from iouviewer.app.editing.session import Session
from iouviewer.app.recent_work import WorkDone, remember_work, work_done
from iouviewer.app.settings import Settings
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.commands.files import FileCommands
from iouviewer.ui.commands.keys import KeyCommands, is_mirrored
from iouviewer.ui.fonts import font
from iouviewer.ui.key_presets import DEFAULT_PRESET
from iouviewer.ui.main_window import local_paths
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.key_hints import cap_text
from iouviewer.ui.tables.problems_model import ProblemsModel
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import RADIUS, SIZE, SPACE
from iouviewer.ui.workspaces import Workspaces

_CHOICE_HEIGHT, _RECENT_HEIGHT = 52, 36
_CHOICE_WIDTH, _RECENT_WIDTH = 400, 416
_ICON = 20
_THUMBNAIL = QSize(44, 30)
_MAX_RECENT = 6
_REMEMBER_MS = 1000
"""Delay after which a step counts in what is known of a recent file."""
_PRESETS = (DEFAULT_PRESET, "CVAT", "labelImg")


@dataclass(frozen=True, slots=True)
class StartChoice:
    """One way to begin.

    Attributes:
        id: for the object name.
        icon: a name of ``theme.icon``.
        key: of the command, empty for none.
    """

    id: str
    icon: str
    title: str
    text: str
    run: Callable[[], None]
    key: Callable[[], str] = str


def _start_choices(files: FileCommands, key_of: Callable[[str], str]) -> list[StartChoice]:
    """The ways to begin, the sample first."""
    return [
        StartChoice(
            "sample",
            "play",
            tr("Try the sample (60 seconds)"),
            tr("Fix one box, decide one problem, read one verdict, export"),
            files.open_sample,
        ),
        StartChoice(
            "video",
            "open",
            tr("Open video or images…"),
            tr("MP4, AVI, MKV, image files, or a project"),
            files.open_video,
            partial(key_of, "openVideo"),
        ),
        StartChoice(
            "files",
            "dataset",
            tr("Open with ground truth and predictions…"),
            tr("MOT, COCO, YOLO, CVAT, VOC, labelme, CSV"),
            files.open_files,
            partial(key_of, "openFiles"),
        ),
        StartChoice(
            "model",
            "runModel",
            tr("Run model on video…"),
            tr("ultralytics weights, ONNX, OpenVINO; correct what it finds"),
            files.open_with_model,
        ),
    ]


class _Row(QAbstractButton):
    """A button with an icon, a title, more text and something at its right end.

    Enter presses it; up and down go to its neighbours.

    Attributes:
        own_keys: keys that are not for commands while it has the focus.
    """

    own_keys = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter})

    def __init__(self, icon: str, title: str, text: str, *, is_large: bool) -> None:
        super().__init__()
        self._icon, self._is_large = icon, is_large
        self._title, self._detail, self._end = title, text, ""
        self._is_key = False
        self._picture = QPixmap()
        self.setText(title)
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFixedHeight(_CHOICE_HEIGHT if is_large else _RECENT_HEIGHT)
        self.setMinimumWidth(SIZE["side_panel_min"])
        self.setMaximumWidth(_CHOICE_WIDTH if is_large else _RECENT_WIDTH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_end("", is_key=False)

    def set_end(self, text: str, *, is_key: bool) -> None:
        """Show a key or a text at the right end."""
        self._end, self._is_key = text, is_key
        self.setAccessibleDescription(", ".join(filter(None, (self._detail, text))))
        self.update()

    def set_picture(self, picture: QPixmap) -> None:
        """Show a picture instead of the icon; an empty one changes nothing."""
        self._picture = picture
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.maximumWidth(), self.height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = scheme_theme().colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self.rect().adjusted(1, 1, -1, -1)
        if self.hasFocus() or self.underMouse() or self.isDown():
            painter.setPen(QPen(QColor(colours.focus), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.selected if self.hasFocus() or self.isDown() else colours.hover))
            painter.drawRoundedRect(area, RADIUS["control"], RADIUS["control"])
        left = self._paint_picture(painter, colours.accent)
        right = self._paint_end(painter, self.width() - SPACE["m"])
        width = right - left - SPACE["s"]
        strong, body = QFontMetrics(font("strong")), QFontMetrics(font("body"))
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colours.text))
        painter.setFont(font("strong"))
        title = strong.elidedText(self._title, Qt.TextElideMode.ElideMiddle, width)
        if self._is_large:
            painter.drawText(left, 6, width, 20, middle, title)
            place = (left, 26, width, 20)
        else:
            painter.drawText(left, 0, width, self.height(), middle, title)
            taken = strong.horizontalAdvance(title) + SPACE["s"]
            place = (left + taken, 0, width - taken, self.height())
        painter.setPen(QColor(colours.text2))
        painter.setFont(font("body"))
        elide = Qt.TextElideMode.ElideRight if self._is_large else Qt.TextElideMode.ElideLeft
        painter.drawText(*place, middle, body.elidedText(self._detail, elide, max(place[2], 0)))
        painter.end()

    def _paint_picture(self, painter: QPainter, accent: str) -> int:
        """Paint the picture or icon; returns where the text begins."""
        if self._picture.isNull():
            pixmap = coloured_icon(self._icon, accent).pixmap(QSize(_ICON, _ICON), self.devicePixelRatioF())
            left = SPACE["m"] if self._is_large else SPACE["xs"] + (_THUMBNAIL.width() - _ICON) // 2
            painter.drawPixmap(left, (self.height() - _ICON) // 2, pixmap)
            return 2 * SPACE["m"] + _ICON if self._is_large else SPACE["xs"] + _THUMBNAIL.width() + SPACE["m"]
        place = QRect(QPoint(SPACE["xs"], (self.height() - _THUMBNAIL.height()) // 2), _THUMBNAIL)
        wanted = QSize(_THUMBNAIL).scaled(self._picture.size(), Qt.AspectRatioMode.KeepAspectRatio)
        part = QRect(QPoint(), wanted)
        part.moveCenter(self._picture.rect().center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(place, self._picture, part)
        return place.right() + SPACE["m"]

    def _paint_end(self, painter: QPainter, right: int) -> int:
        """Paint what is at the right end; returns its left edge."""
        if not self._end:
            return right
        colours = scheme_theme().colours
        text = cap_text(self._end) if self._is_key else self._end
        face = font("key" if self._is_key else "body")
        width = QFontMetrics(face).horizontalAdvance(text) + (2 * SPACE["s"] if self._is_key else 0)
        area = self.rect().adjusted(right - width, 0, right - self.width(), 0)
        if self._is_key:
            cap = area.adjusted(0, self.height() // 2 - 9, 0, 9 - self.height() // 2)
            painter.setPen(QPen(QColor(colours.line), 1))
            painter.setBrush(QColor(colours.raised))
            painter.drawRoundedRect(cap, RADIUS["canvas_label"], RADIUS["canvas_label"])
        painter.setPen(QColor(colours.text2))
        painter.setFont(face)
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
        return right - width


def _thumbnail_path(path: str) -> Path:
    """The file with the small picture of a recent file."""
    return folders.cache_folder() / "thumbnails" / f"{hashlib.sha256(path.encode()).hexdigest()[:32]}.png"


def thumbnail_of(path: str) -> QPixmap:
    """The small picture of a file that was shown once, kept in memory; null without one."""
    file = _thumbnail_path(path)
    try:
        key = f"{file.name}:{file.stat().st_mtime_ns}"
    except OSError:
        return QPixmap()
    picture = QPixmap()
    if not QPixmapCache.find(key, picture):
        picture = QPixmap(str(file))
        QPixmapCache.insert(key, picture)
    return picture


def save_thumbnail(path: str, image: QImage) -> None:
    """Keep a small picture of a file; without one, its row shows an icon."""
    target = _thumbnail_path(path)
    small = image.scaled(
        _THUMBNAIL * 2, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    small.save(str(target))


class FirstRunPage(QWidget):
    """What to open, recent files, and the key preset. Files may be dropped anywhere on it.

    Signals:
        filesDropped(list[Path]): open these.
        recentChosen(Path): open this recent file.
        keysChosen(str, bool): a key preset, and whether it is mirrored for the left hand.

    Attributes:
        settings: of the program.
    """

    filesDropped = Signal(object)
    recentChosen = Signal(object)
    keysChosen = Signal(str, bool)

    def __init__(self, settings: Settings, choices: Sequence[StartChoice], *, is_mirrored: Callable[[], bool]) -> None:
        super().__init__()
        self.setObjectName("firstRun")
        self.setAccessibleName(tr("Start"))
        self.setAcceptDrops(True)
        self.settings, self._choices, self._is_mirrored = settings, tuple(choices), is_mirrored
        self._is_dragged_over = False
        self._rows = [self._create_choice(choice) for choice in self._choices]
        headline = QLabel(tr("See, correct and compare boxes by IoU"))
        headline.setObjectName("firstRunHeadline")
        headline.setFont(font("headline"))
        lead = QLabel(tr("Drop a video, an image folder, ground truth or predictions anywhere in this window."))
        lead.setProperty("role", "muted")
        self._recent_title = QLabel(tr("Recent"))
        self._recent_title.setProperty("role", "muted")
        self._recent = QWidget()
        self._recent.setObjectName("firstRunRecent")
        self._recent_grid = QGridLayout(self._recent)
        self._recent_grid.setContentsMargins(0, 0, 0, 0)
        self._recent_grid.setVerticalSpacing(2)
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE["l"])
        grid.setVerticalSpacing(2)
        grid.addWidget(headline, 0, 0, 1, 2)
        grid.addWidget(lead, 1, 0, 1, 2)
        grid.setRowMinimumHeight(2, SPACE["l"])
        side = QVBoxLayout()
        side.setSpacing(SPACE["s"])
        side.addWidget(self._recent_title)
        side.addWidget(self._recent)
        side.addStretch(1)
        grid.addLayout(side, 3, 1, len(self._rows) + 1, 1)
        for row, button in enumerate(self._rows, 3):
            grid.addWidget(button, row, 0)
        grid.addLayout(self._create_presets(), 3 + len(self._rows), 0)
        footer = QLabel(tr("Works offline. Nothing is sent."))
        footer.setProperty("role", "caption")
        outer = QGridLayout(self)
        outer.setContentsMargins(SPACE["xl"], SPACE["l"], SPACE["xl"], SPACE["s"])
        outer.addLayout(grid, 1, 1)
        outer.addWidget(footer, 3, 0, 1, 3)
        outer.setRowStretch(0, 2)
        outer.setRowStretch(2, 3)
        outer.setColumnStretch(0, 1)
        outer.setColumnStretch(2, 1)

    def _create_choice(self, choice: StartChoice) -> _Row:
        row = _Row(choice.icon, choice.title, choice.text, is_large=True)
        row.setObjectName(f"firstRun.{choice.id}")
        row.clicked.connect(choice.run)
        return row

    def _create_presets(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setContentsMargins(SPACE["m"], SPACE["m"], 0, 0)
        line.setSpacing(SPACE["s"])
        title = QLabel(tr("Keys like"))
        title.setProperty("role", "muted")
        line.addWidget(title)
        self._presets = QButtonGroup(self)
        self._presets.setExclusive(True)
        self._left_hand = QToolButton()
        self._left_hand.setText(tr("Left hand"))
        self._left_hand.setToolTip(tr("Keys for the right hand, mouse in the left"))
        buttons: list[QToolButton] = []
        for name in _PRESETS:
            button = QToolButton()
            button.setText(name)
            button.setObjectName(f"firstRun.keys.{name}")
            button.setAccessibleName(tr("Keys like {name}", name=name))
            self._presets.addButton(button)
            buttons.append(button)
        for button in (*buttons, self._left_hand):
            button.setCheckable(True)
            button.setProperty("segment", True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(self._on_keys_clicked)
            line.addWidget(button)
        line.addStretch(1)
        return line

    def _on_keys_clicked(self) -> None:
        checked = self._presets.checkedButton()
        preset = self.settings.key_preset if checked is None else checked.text()
        self.keysChosen.emit(preset, self._left_hand.isChecked())

    # State

    def refresh(self) -> None:
        """Show the recent files, keys and preset as they are in the settings now."""
        for row, choice in zip(self._rows, self._choices, strict=True):
            row.set_end(choice.key(), is_key=True)
        for button in self._presets.buttons():
            button.setChecked(button.text() == self.settings.key_preset)
        self._left_hand.setChecked(self._is_mirrored())
        while (item := self._recent_grid.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.setParent(None)
                old.deleteLater()
        paths = self.settings.recent[:_MAX_RECENT]
        self._recent_title.setVisible(bool(paths))
        for path in map(Path, paths):
            self._recent_grid.addWidget(self._create_recent(path))

    def _create_recent(self, path: Path) -> _Row:
        is_project = path.suffix == ".iouv"
        row = _Row("file-text" if is_project else "film-strip", path.name, str(path.parent), is_large=False)
        row.setObjectName("firstRun.recent")
        row.setToolTip(str(path))
        row.set_picture(thumbnail_of(str(path)))
        row.set_end(progress_text(work_done(self.settings, str(path))), is_key=False)
        row.clicked.connect(lambda: self.recentChosen.emit(path))
        return row

    def take_focus(self) -> None:
        """Give the keyboard focus to the first choice."""
        self._rows[0].setFocus()

    # Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event):
            event.acceptProposedAction()
            self._set_dragged_over(True)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        self._set_dragged_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_dragged_over(False)
        paths = local_paths(event)
        if paths:
            event.acceptProposedAction()
            self.filesDropped.emit(paths)

    def _set_dragged_over(self, dragged_over: bool) -> None:
        self._is_dragged_over = dragged_over
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = scheme_theme().colours
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colours.base))
        if self._is_dragged_over:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(colours.accent), 2, Qt.PenStyle.DashLine))
            inset = SPACE["m"]
            painter.drawRoundedRect(
                self.rect().adjusted(inset, inset, -inset, -inset), RADIUS["popup"], RADIUS["popup"]
            )
        painter.end()


def create_page(
    settings: Settings, files: FileCommands, keys: KeyCommands, key_of: Callable[[str], str]
) -> FirstRunPage:
    """The page with its choices, connected to the commands.

    Args:
        key_of: the key of a command, empty for none.
    """
    page = FirstRunPage(settings, _start_choices(files, key_of), is_mirrored=partial(is_mirrored, settings))
    page.filesDropped.connect(files.open_paths)
    page.recentChosen.connect(lambda path: files.open_paths([path]))
    page.keysChosen.connect(keys.choose)
    page.keysChosen.connect(page.refresh)
    return page


class CentralPages(QStackedWidget):
    """The workspaces, or the first-run page while nothing is open.

    Attributes:
        page: the first-run page.
    """

    def __init__(self, session: Session, problems: ProblemsModel, workspaces: Workspaces, page: FirstRunPage) -> None:
        super().__init__()
        self._workspaces = workspaces
        self._session, self._problems, self.page = session, problems, page
        self.addWidget(workspaces)
        self.addWidget(page)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REMEMBER_MS)
        self._timer.timeout.connect(self.remember)
        session.sourceChanged.connect(self._on_source_changed)
        session.historyChanged.connect(self._timer.start)
        problems.countsChanged.connect(self._timer.start)

    def show_start(self, _error: object = None) -> None:
        """Show the first-run page, unless a video is open."""
        if not self._session.frame_count:
            self.page.refresh()
            self.setCurrentWidget(self.page)
            self.page.take_focus()

    def show_work(self, _step: object = None) -> None:
        """Show the workspaces: a video is open, perhaps while its project is still being loaded."""
        self.setCurrentIndex(0)

    def _on_source_changed(self) -> None:
        if self._session.frame_count:
            self.show_work()

    def minimumSizeHint(self) -> QSize:
        # Parts that were never shown have no style yet and ask for too much; that must not widen the window.
        current = self._workspaces if self.currentIndex() == 0 else self.page
        return current.minimumSizeHint().boundedTo(self.size())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Hidden workspaces are not resized, but the top bar follows their plan.
        self._workspaces.update_plan()

    def close_source(self, image: QImage) -> None:
        """Remember the open file with a picture of it."""
        self.remember()
        if self._session.frame_count and not image.isNull():
            save_thumbnail(self._session.source.path, image)

    def remember(self) -> None:
        """Keep in the settings how far the work on the open file has come."""
        session, model = self._session, self._problems
        if not session.frame_count or session.variants.is_loading:
            return
        done = model.problems.count_done()
        verified = int(session.ground_truth.verified().sum())
        work = WorkDone(verified, session.frame_count, done, done + model.count)
        remember_work(self.page.settings, session.source.path, work)


def progress_text(work: WorkDone | None) -> str:
    """How far the work on a file has come: ``37 of 212 problems · 17 % verified``."""
    if work is None or not work.frames:
        return ""
    parts = []
    if work.decided:
        parts.append(
            tr_n(
                "{decided:,} of {count} problem",
                "{decided:,} of {count:,} problems",
                work.problems,
                decided=work.decided,
            )
        )
    if work.verified == work.frames:
        parts.append(tr("verified"))
    elif work.verified:
        parts.append(tr("{share:.0f} % verified", share=max(1, int(100 * work.verified / work.frames))))
    return " · ".join(parts)
