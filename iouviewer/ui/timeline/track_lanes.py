"""The lanes of all tracks: a list with one row per track, or several in one row if there are very many."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem

from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import object_name
from iouviewer.document.lanes import Lane, LaneTable
from iouviewer.i18n import tr, tr_n
from iouviewer.metrics.table import UNSPECIFIED_CLASS
from iouviewer.ui.fonts import font
from iouviewer.ui.tables.common import ROOT, Index
from iouviewer.ui.tables.tracks_model import track_colour
from iouviewer.ui.theme import DARK, Theme, icon
from iouviewer.ui.timeline.axis import TimeAxis
from iouviewer.ui.timeline.lane_gestures import LaneGestures, LaneRequests
from iouviewer.ui.timeline.lane_overlay import LaneOverlay
from iouviewer.ui.timeline.lane_painter import LaneLook, LanePainter, SwapPreview, recoloured
from iouviewer.ui.timeline.rows import GUTTER
from iouviewer.ui.tokens import SIZE, SPACE

MAX_SINGLE_LANES = 200
"""Above this many tracks, tracks that do not overlap in time share a row."""
_ICON = 14
_SWATCH = 9
_ZOOM_MARGIN = 0.08


def lane_name(session: Session, lane: Lane) -> str:
    """``person 17``, ``Track 17`` without a class."""
    if lane.class_id == UNSPECIFIED_CLASS:
        return tr("Track {track}", track=lane.track)
    return object_name(session.document.class_name(lane.class_id), lane.track)


class LanesModel(QAbstractListModel):
    """The rows of the list, each with its tracks from left to right."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.table = LaneTable(session.ground_truth)
        self.rows: list[list[int]] = []

    def read(self) -> None:
        """Read all tracks again."""
        self.table = LaneTable(self._session.ground_truth)
        self.arrange()

    @property
    def is_packed(self) -> bool:
        """Whether several tracks share a row."""
        return len(self.table) > MAX_SINGLE_LANES

    def arrange(self) -> bool:
        """Order the rows; False if the order is the same as before."""
        session, active = self._session, self._session.selection.track
        if self.is_packed:
            rows = self.table.pack(active)
        else:
            order = self.table.order(active, self.table.on_frame(session.current_frame))
            rows = [[track] for track in order]
        if rows == self.rows:
            return False
        if len(rows) == len(self.rows):
            self.layoutAboutToBeChanged.emit()
            self.rows = rows
            self.layoutChanged.emit()
        else:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
        return True

    def lanes(self, row: int) -> list[Lane]:
        """The lanes of a row."""
        return [self.table.lanes[track] for track in self.rows[row] if track in self.table.lanes]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return "; ".join(self.describe(lane) for lane in self.lanes(index.row()))
        if role == Qt.ItemDataRole.UserRole:
            return self.rows[index.row()]
        return None

    def describe(self, lane: Lane) -> str:
        """``person 17, frames 132–279, 148 boxes``."""
        return tr(
            "{name}, frames {first:,}–{last:,}, {boxes}",
            name=lane_name(self._session, lane),
            first=lane.first,
            last=lane.last,
            boxes=tr_n("{count:,} box", "{count:,} boxes", len(lane.frames)),
        )


class _LaneDelegate(QStyledItemDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(GUTTER, SIZE["lane"])

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view = self.parent()
        if isinstance(view, TrackLanes):
            view.paint_row(painter, option.rect, index.row())


class TrackLanes(QListView):
    """Lanes of all tracks, the active track on top.

    Each row is painted once per zoom into a pixmap; scrolling and the playhead only copy pixmaps.

    Signals:
        pressedAt(int, int): a lane was clicked: track and frame.
        leaveRequested(): a drag is over; the keyboard goes back to the canvas.
        heightChanged(): the lanes are shown and their number changed.
        menuRequested(object, QPoint): the context menu of a track.

    Attributes:
        painted_lanes: number of lanes painted so far.
        gestures: what the mouse does on the lanes.
        requests: edits that are asked for on them, and on the lane of the selected track.
    """

    pressedAt = Signal(int, int)
    leaveRequested = Signal()
    heightChanged = Signal()
    menuRequested = Signal(object, QPoint)

    def __init__(self, session: Session, axis: TimeAxis) -> None:
        super().__init__()
        self._session, self._axis, self._theme = session, axis, DARK
        self._frame = 0
        self._hovered = -1
        self._mouse = QPoint()
        self._swap: SwapPreview | None = None
        self._problems: dict[int, tuple[int, ...]] = {}
        self._pixmaps: dict[tuple[int, ...], QPixmap] = {}
        self.painted_lanes = 0
        self.lanes_model = LanesModel(session)
        self.setObjectName("trackLanes")
        self.setAccessibleName(tr("Track lanes"))
        self.setModel(self.lanes_model)
        self.lanes_model.modelReset.connect(self._on_model_reset)
        self.setItemDelegate(_LaneDelegate(self))
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QListView.Shape.NoFrame)
        # A click selects a track on the canvas, where the keys of the next step work.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.requests = LaneRequests(self)
        self.gestures = LaneGestures(session, axis, self, self.requests, GUTTER, can_merge=True)
        axis.rangeChanged.connect(self.repaint_lanes)
        self.activated.connect(self._on_activated)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self.repaint_lanes()

    def set_problems(self, problems: dict[int, tuple[int, ...]]) -> None:
        """Mark these frames with open problems by track."""
        changed = {t for t in problems.keys() | self._problems.keys() if problems.get(t) != self._problems.get(t)}
        self._problems = problems
        self.repaint_lanes(changed)

    def _on_model_reset(self) -> None:
        if self.isVisible():
            self.heightChanged.emit()

    def show_swap(self, swap: SwapPreview | None) -> None:
        """Show two lanes in each other's colour where they would exchange their ids; None ends it."""
        changed = {track for each in (swap, self._swap) if each is not None for track in (each.one, each.other)}
        self._swap = swap
        self.repaint_lanes(changed)

    def set_frame(self, frame: int) -> None:
        """Move the playhead."""
        for moved in (self._frame, frame):
            x = round(GUTTER + self._axis.x_of(moved))
            self.viewport().update(QRect(x - 1, 0, 3, self.viewport().height()))
        self._frame = frame

    def repaint_lanes(self, tracks: frozenset[int] | set[int] | None = None) -> None:
        """Paint these tracks again; all if None."""
        if tracks is None:
            self._pixmaps.clear()
        else:
            self._pixmaps = {key: pixmap for key, pixmap in self._pixmaps.items() if tracks.isdisjoint(key)}
        if tracks is None or tracks:
            self.viewport().update()

    # Painting

    def paint_row(self, painter: QPainter, rect: QRect, row: int) -> None:
        """Paint a row of the list."""
        tracks = tuple(self.lanes_model.rows[row])
        ratio = self.devicePixelRatioF()
        pixmap = self._pixmaps.get(tracks)
        if pixmap is None or pixmap.devicePixelRatio() != ratio:
            self._pixmaps[tracks] = pixmap = self._render(row, rect.width(), ratio)
        active = self._session.selection.track
        background = self._theme.colours.selected if active in tracks else self._theme.colours.base
        painter.fillRect(rect, QColor(background))
        painter.drawPixmap(rect.topLeft(), pixmap)
        if active in tracks:
            # The selected track has another look, so it is painted over the others of its row.
            lane = self.lanes_model.table.lanes.get(active)
            if lane is not None:
                painter.save()
                painter.translate(rect.topLeft())
                self._paint_lane(painter, lane, is_selected=True)
                painter.restore()
        self._paint_gutter(painter, rect, row, is_active=active in tracks)
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(self._theme.colours.window))

    def _render(self, row: int, width: int, ratio: float) -> QPixmap:
        pixmap = QPixmap(round(width * ratio), round(SIZE["lane"] * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        for lane in self.lanes_model.lanes(row):
            self.painted_lanes += 1
            self._paint_lane(painter, lane, is_selected=False)
        painter.end()
        return pixmap

    def _paint_lane(self, painter: QPainter, lane: Lane, *, is_selected: bool) -> None:
        look = LaneLook(
            is_selected=is_selected,
            problems=self._problems.get(lane.track, ()),
            recoloured=recoloured(self._swap, lane.track),
        )
        LanePainter(self._axis, GUTTER, self._theme).paint(painter, lane, 0.0, SIZE["lane"] - 1.0, look)

    def _paint_gutter(self, painter: QPainter, rect: QRect, row: int, *, is_active: bool) -> None:
        lanes = self.lanes_model.lanes(row)
        if len(lanes) != 1:
            return
        [lane] = lanes
        colours, left = self._theme.colours, SPACE["m"]
        swatch = QRectF(left, rect.center().y() - _SWATCH / 2 + 0.5, _SWATCH, _SWATCH)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(track_colour(lane.track)))
        painter.drawRoundedRect(swatch, 2, 2)
        is_locked = lane.track in self._session.view_state.locked_tracks
        buttons = self._buttons(rect) if row == self._hovered else self._buttons(rect)[:1] if is_locked else []
        text = QRect(rect.left() + left + _SWATCH + 5, rect.top(), 0, rect.height())
        text.setRight(rect.left() + (buttons[-1].left() if buttons else GUTTER - 2))
        role = "canvas_label" if is_active else "caption"
        painter.setFont(font(role))
        painter.setPen(QColor(colours.text if is_active else colours.text2))
        name = lane_name(self._session, lane)
        elided = QFontMetrics(font(role)).elidedText(name, Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
        names = ("lock" if is_locked else "lock-simple-open", "eye")
        for place, name in zip(buttons, names, strict=False):
            icon(name, self._theme).paint(painter, place)
        painter.restore()

    def _buttons(self, rect: QRect) -> list[QRect]:
        """Where lock and eye of a row are, from the right."""
        top = rect.center().y() - _ICON // 2
        return [QRect(GUTTER - 2 - (_ICON + 2) * (place + 1), top, _ICON, _ICON) for place in range(2)]

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        x = self._axis.x_of(self._frame)
        if self._axis.frame_count and -1 <= x <= self._axis.width + 1:
            painter = QPainter(self.viewport())
            height = self.viewport().height()
            painter.fillRect(QRectF(round(GUTTER + x) - 0.5, 0, 1, height), QColor(self._theme.colours.text))
            painter.end()
        if self.gestures.drag is not None or self.gestures.selected_keys or self.gestures.span is not None:
            painter = QPainter(self.viewport())
            LaneOverlay(self._axis, GUTTER, self._theme).paint(painter, self.gestures, self.row_of)
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.repaint_lanes()

    # Mouse

    def lane_at(self, position: QPoint) -> Lane | None:
        """The lane at a position of the viewport; in a row of several tracks the nearest one."""
        index = self.indexAt(position)
        if not index.isValid():
            return None
        lanes = self.lanes_model.lanes(index.row())
        frame = self._axis.frame_at(position.x() - GUTTER)
        return min(lanes, key=lambda lane: max(lane.first - frame, frame - lane.last, 0), default=None)

    def lanes_in(self, band: QRect) -> list[Lane]:
        """The lanes of the rows that a rectangle touches."""
        first = self.indexAt(QPoint(GUTTER, max(0, band.top())))
        last = self.indexAt(QPoint(GUTTER, min(band.bottom(), self.viewport().height() - 1)))
        if not first.isValid():
            return []
        end = last.row() if last.isValid() else self.lanes_model.rowCount() - 1
        return [lane for row in range(first.row(), end + 1) for lane in self.lanes_model.lanes(row)]

    def row_of(self, track: int) -> QRect:
        """The row of a track in the viewport, empty if it has none."""
        row = next((place for place, tracks in enumerate(self.lanes_model.rows) if track in tracks), -1)
        return self.visualRect(self.lanes_model.index(row)) if row >= 0 else QRect()

    def to_screen(self, position: QPoint) -> QPoint:
        """A position of the viewport on the screen."""
        return self.viewport().mapToGlobal(position)

    def refresh(self) -> None:
        """Draw selected key frames and the drag in progress again."""
        self.viewport().update()

    def text_at(self, position: QPoint) -> str:
        """What the tooltip says about a position of the viewport."""
        lane = self.lane_at(position)
        if lane is None:
            return ""
        lock, eye = self._buttons(self.visualRect(self.indexAt(position)))
        name, state = lane_name(self._session, lane), self._session.view_state
        if lock.contains(position):
            is_locked = lane.track in state.locked_tracks
            return tr("Unlock {name}", name=name) if is_locked else tr("Lock {name}", name=name)
        if eye.contains(position):
            return tr("Isolate {name}: dim all other boxes", name=name)
        return self.lanes_model.describe(lane)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        lane, position = self.lane_at(event.position().toPoint()), event.position().toPoint()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if position.x() >= GUTTER:
            self.gestures.press(position, event.modifiers())
            return
        if lane is None:
            return
        state = self._session.view_state
        lock, eye = self._buttons(self.visualRect(self.indexAt(position)))
        if lock.contains(position):
            state.lock_tracks([lane.track], is_locked=lane.track not in state.locked_tracks)
        elif eye.contains(position):
            state.isolate(None if state.isolated_track == lane.track else lane.track)
        else:
            self.pressedAt.emit(lane.track, self._nearest(lane))
        self.viewport().update()

    def _nearest(self, lane: Lane) -> int:
        return int(lane.frames[abs(lane.frames - self._session.current_frame).argmin()])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.LeftButton:
            if self.gestures.move(self._mouse) and self.gestures.is_dragging and not self.hasFocus():
                # Esc and Tab belong to the drag.
                self.setFocus(Qt.FocusReason.MouseFocusReason)
            return
        index = self.indexAt(self._mouse)
        self._hover(index.row() if index.isValid() else -1)
        self.viewport().setCursor(self.gestures.cursor_at(self._mouse))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            was_dragging = self.gestures.is_dragging
            clicked = self.gestures.release()
            if clicked is not None:
                self.pressedAt.emit(*clicked)
            if was_dragging and not self.gestures.selected_keys and self.gestures.span is None:
                self.leaveRequested.emit()
        event.accept()

    # Keys

    @property
    def own_keys(self) -> frozenset[Qt.Key]:
        """Keys that do not reach the commands of the window: those of a drag, and of selected key frames."""
        if self.gestures.is_dragging:
            return frozenset({Qt.Key.Key_Escape, Qt.Key.Key_Tab})
        if self.gestures.selected_keys:
            return frozenset({Qt.Key.Key_Escape, Qt.Key.Key_Delete})
        return frozenset({Qt.Key.Key_Escape}) if self.gestures.span is not None else frozenset()

    def event(self, event: QEvent) -> bool:
        # The list would move the focus by Tab before it sees the key.
        is_tab = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Tab
        if is_tab and event.type() == QEvent.Type.KeyPress and self.gestures.swap_winner(self._mouse):
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.gestures.cancel():
            self.leaveRequested.emit()
        elif event.key() != Qt.Key.Key_Delete or not self.gestures.remove_selected():
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        lane = self.lane_at(event.position().toPoint())
        if lane is not None and event.position().x() >= GUTTER:
            margin = _ZOOM_MARGIN * (lane.last - lane.first + 1)
            self._axis.set_range(lane.first - 0.5 - margin, lane.last + 0.5 + margin)

    def leaveEvent(self, _event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            for changed in (self._hovered, row):
                if changed >= 0:
                    self.update(self.lanes_model.index(changed))
            self._hovered = row

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self._axis.use_wheel(event, event.position().x() - GUTTER):
            super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        lane = self.lane_at(event.pos())
        if lane is not None:
            self.menuRequested.emit(lane.track, event.globalPos())

    def _on_activated(self, index: QModelIndex) -> None:
        lanes = self.lanes_model.lanes(index.row())
        if lanes:
            self.pressedAt.emit(lanes[0].track, self._nearest(lanes[0]))
