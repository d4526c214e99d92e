"""The inspector at the foot of the side panel: edits the selected boxes, or sums up the frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from iouviewer.app.editing.edit_scopes import CLASS, FLAGS
from iouviewer.app.editing.session import Session
from iouviewer.document.boxes import MIN_SIZE, NO_TRACK, Box, BoxFlag, Edges, Rect
from iouviewer.document.edits import Aspect, Change, Phase
from iouviewer.document.metric_columns import UNDEFINED
from iouviewer.document.track_commands import Scope, frames_in_scope
from iouviewer.document.tracks import has_interpolated, is_key_frame
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.canvas.hit import BoxRef, area, contains, truth_ref
from iouviewer.ui.canvas.viewport import ZoomView
from iouviewer.ui.panels.attribute_row import AttributeRow
from iouviewer.ui.panels.box_form import BoxForm, FormValues, coordinates_of, with_coordinate
from iouviewer.ui.panels.frame_summary import FrameSummary
from iouviewer.ui.panels.inspector_fields import set_error
from iouviewer.ui.panels.match_section import MatchSection
from iouviewer.ui.panels.note_field import NoteField
from iouviewer.ui.throttle import Throttle
from iouviewer.ui.tokens import SIZE, SPACE

NEW, NONE = tr("new"), tr("none")
"""Words for a new track id and for none in the track field."""
_PICK_REACH = 6.0
"""Logical pixels around a box within which a click picks its track."""
_FOLD_BELOW = SIZE["inspector"] - SPACE["xl"]
"""Height below which rows are folded, logical pixels."""
_EDGE_OF = {"w": Edges.RIGHT, "h": Edges.BOTTOM}


class Inspector(QWidget):
    """Shows and edits the selected boxes; read-only for a prediction.

    Attributes:
        refreshes: how often the whole inspector was filled.

    Signals:
        leaveRequested(): Esc: the keyboard goes back to the canvas.
        acceptRequested(), verifyRequested(): accept the prediction, verify the frame.
        menuRequested(str, object, QPoint): kind of object, the object, global position.
    """

    leaveRequested = Signal()
    acceptRequested = Signal()
    verifyRequested = Signal()
    menuRequested = Signal(str, object, QPoint)

    def __init__(self, session: Session, commands: BoxCommands) -> None:
        super().__init__()
        self.setObjectName("inspector")
        self.setAccessibleName(tr("Inspector of the selected boxes"))
        self._session, self._commands = session, commands
        self._canvas: ZoomView | None = None
        self._picks_track = self._scrolls_down = False
        self._unknown_class = ""
        self._frame = -1
        self.refreshes = 0
        self._spans: dict[int, tuple[int, int, int]] = {}
        self.note = NoteField(session)
        self.attributes = AttributeRow(session, commands)
        self.form = BoxForm(session.scopes, self.note, self.attributes)
        self.match = MatchSection(session)
        self.summary = FrameSummary(session)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._create_page())
        self._pages.addWidget(self.summary)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self._throttle = Throttle(self._refresh_live, self, group="numbers")
        self._connect()
        session.view_state.viewStateChanged.connect(self.refresh)
        self.refresh()

    def _create_page(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["xs"])
        column.setSpacing(SPACE["xs"] + 1)
        column.addWidget(self.form)
        column.addWidget(self.match)
        column.addStretch(1)
        page = QScrollArea()
        page.setWidgetResizable(True)
        page.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page.setWidget(content)
        self._scroll_bar = page.verticalScrollBar()
        self._scroll_bar.rangeChanged.connect(self._on_scroll_range_changed)
        self.match.unfolded.connect(self._on_match_unfolded)
        return page

    def _on_match_unfolded(self) -> None:
        self._scrolls_down = True

    def _on_scroll_range_changed(self, _low: int, high: int) -> None:
        """Show the rows that have just been unfolded."""
        if self._scrolls_down and high:
            self._scrolls_down = False
            self._scroll_bar.setValue(high)

    def _connect(self) -> None:
        session, form = self._session, self.form
        for signal in (session.selectionChanged, session.scoresChanged, session.sourceChanged):
            signal.connect(self.refresh)
        session.frameChanged.connect(self._on_frame_changed)
        session.sourceChanged.connect(self._spans.clear)
        session.changed.connect(self._on_session_changed)
        session.scopes.changed.connect(self._show_effects)
        form.classes.set_entries(lambda: tuple(map(session.document.class_name, session.document.classes.shown)))
        form.tracks.set_entries(self._track_entries)
        form.classChosen.connect(self._on_class_chosen)
        form.trackChosen.connect(self._on_track_chosen)
        form.flagClicked.connect(self._commands.toggle_flag)
        form.coordinateChanged.connect(self._on_coordinate_changed)
        form.coordinateStepped.connect(self._on_coordinate_stepped)
        form.acceptClicked.connect(self.acceptRequested)
        form.menuClicked.connect(self._on_menu_clicked)
        form.refused.connect(session.statusMessage)
        form.tracks.installEventFilter(self)
        self.summary.verifyRequested.connect(self.verifyRequested)

    # Content

    def set_keys(self, key_of: Callable[[str], str]) -> None:
        """Show the keys of commands; ``key_of`` returns the key of an action id."""
        self.form.set_keys(key_of)
        self.summary.set_key(key_of("verifyAndNext"))

    def _selected(self) -> list[Box]:
        found = map(self._session.ground_truth.find, sorted(self._session.selection.boxes))
        return [box for box in found if box is not None]

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is Phase.LIVE and change.origin != "cancel":
            self._throttle.request()
            return
        if not change.box_ids or change.aspects & (Aspect.EXISTENCE | Aspect.TRACK):
            self._spans.clear()
        self._throttle.cancel()
        self.refresh()

    def _on_frame_changed(self, frame: int) -> None:
        # A step of a selected track has announced another selected box on this frame just before.
        if frame != self._frame:
            self.refresh()

    def _refresh_live(self) -> None:
        """Follow a drag: coordinates and match; nothing is laid out."""
        boxes = self._selected()
        if boxes:
            self.form.show_coordinates(coordinates_of([box.rect for box in boxes]))
            self.match.refresh(live=True)

    def refresh(self, _what: object = None) -> None:
        """Show the selection, or the frame."""
        self.refreshes += 1
        self._frame = self._session.current_frame
        selection = self._session.selection
        boxes = self._selected()
        values: FormValues | None = None
        ref: BoxRef | None = None
        if boxes:
            values = self._values_of_boxes(boxes)
            ref = truth_ref(boxes[0].id) if len(boxes) == 1 else None
        elif selection.prediction is not None:
            values, ref = self._values_of_prediction(*selection.prediction)
        elif selection.track is not None:
            values = self._values_of_absent_track(selection.track)
        self._pages.setCurrentIndex(0 if values is not None else 1)
        if values is None:
            self.summary.refresh()
            return
        self.form.classes.update_entries()
        self.note.refresh()
        self.form.show_values(values)
        self.attributes.show_boxes(boxes)
        self.match.show_box(ref)
        self._show_effects()

    def _span(self, track: int) -> tuple[int, int, int]:
        """First and last frame and number of boxes of a track; cached until tracks change."""
        if track not in self._spans:
            frames, *_ = self._session.ground_truth.track_columns(track)
            self._spans[track] = (int(frames[0]), int(frames[-1]), len(frames)) if len(frames) else (0, 0, 0)
        return self._spans[track]

    def _span_text(self, track: int) -> str:
        first, last, count = self._span(track)
        return tr_n("{first}–{last} · {count} box", "{first}–{last} · {count:,} boxes", count, first=first, last=last)

    def _values_of_boxes(self, boxes: list[Box]) -> FormValues:
        document = self._session.document
        classes, tracks = ({getattr(box, name) for box in boxes} for name in ("class_id", "track"))
        class_id, track = next(iter(classes)), next(iter(tracks))
        track_text = "" if track == NO_TRACK else str(track)
        return FormValues(
            document.objects_name(boxes),
            self._span_text(track) if len(boxes) == 1 and track != NO_TRACK else "",
            document.class_name(class_id) if len(classes) == 1 else UNDEFINED,
            track_text if len(tracks) == 1 else UNDEFINED,
            {flag: {self._has_flag(box, flag) for box in boxes} for flag in BoxFlag if flag},
            coordinates_of([box.rect for box in boxes]),
            has_track=tracks != {NO_TRACK},
            has_note=len(boxes) == 1,
        )

    def _has_flag(self, box: Box, flag: BoxFlag) -> bool:
        """Whether a flag is shown as set; a placed box among interpolated ones is a key frame without being marked."""
        truth = self._session.ground_truth
        is_key = flag is BoxFlag.KEY_FRAME and not box.flags & flag and has_interpolated(truth, box.track)
        return bool(box.flags & flag) or (is_key and is_key_frame(truth, box))

    def _values_of_prediction(self, key: str, row: int) -> tuple[FormValues | None, BoxRef | None]:
        variant = self._session.variants.find(key)
        if variant is None or row >= len(variant.predictions.table):
            return None, None
        table = variant.predictions.table
        name = self._session.document.class_name(int(table.class_ids[row]))
        x1, y1, x2, y2 = table.boxes[:, row].tolist()
        span = ""
        if variant.predictions.has_scores:
            span = tr("confidence {score:.2f}", score=float(table.scores[row]))
        span = " · ".join(part for part in (span, self._commands.describe_accept()) if part)
        values = FormValues(
            tr("{variant}: {class_name}", variant=variant.name, class_name=name),
            span,
            name,
            coordinates=coordinates_of([(x1, y1, x2, y2)]),
            is_prediction=True,
        )
        return values, BoxRef(key, row)

    def _values_of_absent_track(self, track: int) -> FormValues | None:
        _frames, _class_ids, _flags, ids = self._session.ground_truth.track_columns(track)
        first = self._session.ground_truth.find(int(ids[0])) if len(ids) else None
        if first is None:
            return None
        text = tr("{span} · not on this frame", span=self._span_text(track))
        return FormValues(self._session.document.object_name(first), text, has_note=True)

    def _show_effects(self) -> None:
        """Say beforehand how many boxes an edit changes in each scope."""
        boxes = self._selected()
        if not boxes or not any(box.track != NO_TRACK for box in boxes):
            self.form.set_effects({}, self._session.scopes)
            return
        effects: dict[str, dict[Scope, str]] = {}
        for group in (CLASS, FLAGS):
            find = partial(frames_in_scope, self._session.ground_truth, boxes, until_key_frame=group == FLAGS)
            effects[group] = {scope: _effect(*find(scope)) for scope in Scope}
        self.form.set_effects(effects, self._session.scopes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.form.set_folded(self.height() < _FOLD_BELOW)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._use_palette)

    def _use_palette(self) -> None:
        self.form.update_colours()

    # Edits

    def _on_class_chosen(self, name: str) -> None:
        """Set the class; a name that does not exist is created when it is entered twice."""
        known = {each.casefold(): place for place, each in enumerate(self._session.document.class_names)}
        if name.casefold() in known:
            self._commands.set_class(known[name.casefold()])
        elif name and name == self._unknown_class:
            self._commands.add_class(name)
        elif name:
            self._unknown_class = name
            self.form.classes.edit.setModified(True)
            self._session.statusMessage.emit(tr("There is no class {name}. Press Enter again to create it.", name=name))
            return
        self._unknown_class = ""
        self.refresh()

    def _track_entries(self) -> list[str]:
        tracks = np.unique(self._session.ground_truth.columns()[3])
        return [NEW, NONE, *(str(track) for track in tracks.tolist() if track != NO_TRACK)]

    def _on_track_chosen(self, text: str) -> None:
        words = {NEW.casefold(): None, NONE.casefold(): NO_TRACK, "": NO_TRACK}
        word = text.casefold().lstrip("#")
        if word not in words and not word.isdecimal():
            self._refuse_track(tr("Type a track id, “{new}” or “{none}”.", new=NEW, none=NONE))
            return
        if self._commands.set_track(words[word] if word in words else int(word)):
            self.refresh()
        else:
            # The commands have said why.
            self._refuse_track("")

    def _refuse_track(self, text: str) -> None:
        self.form.tracks.edit.setModified(True)
        set_error(self.form.tracks, text or tr("This track id cannot be used here."))
        if text:
            self._session.statusMessage.emit(text)

    def _on_coordinate_changed(self, name: str, change: Callable[[float], float]) -> None:
        rects: dict[int, Rect] = {}
        for box in self._selected():
            rect = with_coordinate(box.rect, name, change)
            if rect[2] - rect[0] < MIN_SIZE or rect[3] - rect[1] < MIN_SIZE:
                self._session.statusMessage.emit(tr("A box is at least {size:g} px wide and high.", size=MIN_SIZE))
                self.refresh()
                return
            rects[box.id] = rect
        if rects:
            self._commands.set_rects(rects, is_move=name in ("x", "y"))
        self.refresh()

    def _on_coordinate_stepped(self, name: str, by: float) -> None:
        """An arrow key; quick repetitions are one step of the history."""
        if name in ("x", "y"):
            self._commands.nudge(by if name == "x" else 0.0, by if name == "y" else 0.0)
        elif len(self._session.selection.boxes) == 1:
            self._commands.resize(_EDGE_OF[name], by if name == "w" else 0.0, by if name == "h" else 0.0)
        else:
            self._on_coordinate_changed(name, lambda value: value + by)
        self.refresh()

    def _on_menu_clicked(self, position: QPoint) -> None:
        selection = self._session.selection
        if selection.prediction is not None:
            self.menuRequested.emit("prediction", selection.prediction, position)
        elif selection.boxes:
            self.menuRequested.emit("box", min(selection.boxes), position)
        elif selection.track is not None:
            self.menuRequested.emit("track", [selection.track], position)

    # Keyboard

    def focus_first_field(self) -> None:
        """Type into the first field."""
        if self._pages.currentIndex() == 0:
            self.form.focus_class()
        else:
            self.summary.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_track_field(self) -> None:
        """Type a track id, or click another box on the canvas to take its track."""
        if not self._session.selection.boxes:
            self._session.statusMessage.emit(tr("Select a box first"))
            return
        self.form.focus_track()
        self._picks_track = True
        self._session.statusMessage.emit(
            tr("Type a track id or “{new}”, or click another box to take its track", new=NEW)
        )

    def event(self, event: QEvent) -> bool:
        # Esc in the inspector leaves it; as a command of the window it would clear the selection.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
                return True
            return super().event(event)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.note.restore()
            self.refresh()
            self.leaveRequested.emit()
            return
        super().keyPressEvent(event)

    # Picking a track on the canvas

    def attach_canvas(self, canvas: ZoomView) -> None:
        """Let clicks on boxes of this canvas choose a track while the track field waits for one."""
        self._canvas = canvas
        canvas.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.form.tracks and event.type() == QEvent.Type.FocusOut:
            # The press that takes the focus may be the one that picks a box.
            QTimer.singleShot(0, self._stop_picking)
        canvas = self._canvas
        if (
            self._picks_track
            and canvas is not None
            and watched is canvas.viewport()
            and event.type() == QEvent.Type.MouseButtonPress
            and isinstance(event, QMouseEvent)
        ):
            self._picks_track = False
            return self._pick_track(canvas, event)
        return False

    def _stop_picking(self) -> None:
        self._picks_track = self._picks_track and self.form.tracks.hasFocus()

    def _pick_track(self, canvas: ZoomView, event: QMouseEvent) -> bool:
        point, reach = canvas.to_image(event.position()), _PICK_REACH * canvas.px
        selected = self._session.selection.boxes
        boxes = self._session.ground_truth.boxes(self._session.current_frame)
        hit = [b for b in boxes if b.id not in selected and contains(b.rect, point.x(), point.y(), reach)]
        if not hit:
            return False
        track = min(hit, key=lambda box: area(box.rect)).track
        if track == NO_TRACK:
            self._session.statusMessage.emit(tr("This box has no track"))
        else:
            self._commands.set_track(track)
        return True


def _effect(count: int, first: int, last: int) -> str:
    """Which boxes an edit changes: ``Changes 12 boxes, frames 153–164``."""
    if count == 1:
        return tr("Changes the box on frame {frame:,}", frame=first)
    return tr_n(
        "Changes {count} box, frames {first:,}–{last:,}",
        "Changes {count:,} boxes, frames {first:,}–{last:,}",
        count,
        first=first,
        last=last,
    )
