"""The fields of the inspector for boxes or a prediction; the form shows values and reports what is entered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from iouviewer.app.editing.edit_scopes import CLASS, FLAGS, EditScopes
from iouviewer.document.boxes import BoxFlag, Rect
from iouviewer.document.track_commands import Scope
from iouviewer.i18n import tr
from iouviewer.ui.fonts import font, text_width
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.inspector_fields import ChoiceField, FlagButton, NumberField, ScopeControl
from iouviewer.ui.panels.note_field import NoteField
from iouviewer.ui.theme import coloured_icon
from iouviewer.ui.tokens import SPACE, TYPE

FLAGS_SHOWN = (
    (BoxFlag.KEY_FRAME, "inspector.key", "keyFrame", tr("Key"), tr("A person placed this box; boxes between follow")),
    (BoxFlag.OCCLUDED, "inspector.occluded", "occluded", tr("Occluded"), tr("Something is in front of the object")),
    (BoxFlag.OUTSIDE, "inspector.outside", "outside", tr("Outside"), tr("Out of view: the box does not count")),
    (BoxFlag.IGNORED, "inspector.ignore", "ignore", tr("Ignore"), tr("Neither the box nor a prediction on it counts")),
)
"""Flag, object name of the button, action id of its key, word, explanation."""
COORDINATES = ("x", "y", "w", "h")
_NAMES = {"x": tr("Left edge x"), "y": tr("Top edge y"), "w": tr("Width w, x2 − x1"), "h": tr("Height h, y2 − y1")}
_SWATCH = 10
_LABEL_WIDTH = 36


@dataclass(frozen=True, slots=True)
class FormValues:
    """What the form shows.

    Attributes:
        title, span: name of the object, and its frames and boxes.
        class_text, track_text: a dash where the boxes differ.
        flags: the values of each flag among the boxes.
        coordinates: x, y, w, h in pixels; None where the boxes differ, empty without a box.
        has_track: whether an edit has a scope.
        is_prediction: the values are read-only and can be accepted.
        has_note: one box or one track is selected.
    """

    title: str
    span: str
    class_text: str = ""
    track_text: str = ""
    flags: dict[BoxFlag, set[bool]] = field(default_factory=dict)
    coordinates: tuple[float | None, ...] = ()
    has_track: bool = False
    is_prediction: bool = False
    has_note: bool = False


def coordinates_of(rects: list[Rect]) -> tuple[float | None, ...]:
    """x, y, w, h of rectangles, None where they differ."""
    columns = [(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in rects]
    return tuple(values[0] if len(set(values)) == 1 else None for values in zip(*columns, strict=True))


def with_coordinate(rect: Rect, name: str, change: Callable[[float], float]) -> Rect:
    """The rectangle with one of x, y, w, h changed; x and y move it, w and h move its right and bottom edge."""
    x1, y1, x2, y2 = rect
    if name == "x":
        x = change(x1)
        return x, y1, x + (x2 - x1), y2
    if name == "y":
        y = change(y1)
        return x1, y, x2, y + (y2 - y1)
    if name == "w":
        return x1, y1, x1 + change(x2 - x1), y2
    return x1, y1, x2, y1 + change(y2 - y1)


class BoxForm(QWidget):
    """Title, class and track, scope, flags, coordinates, and note.

    Signals:
        classChosen(str), trackChosen(str): entered or chosen.
        flagClicked(BoxFlag).
        coordinateChanged(str, Callable[[float], float]), coordinateStepped(str, float): x, y, w or h.
        acceptClicked(): accept the prediction.
        menuClicked(QPoint): global position.
        refused(str): what was typed cannot be used; a sentence.
    """

    classChosen = Signal(str)
    trackChosen = Signal(str)
    flagClicked = Signal(object)
    coordinateChanged = Signal(str, object)
    coordinateStepped = Signal(str, float)
    acceptClicked = Signal()
    menuClicked = Signal(QPoint)
    refused = Signal(str)

    def __init__(self, scopes: EditScopes, note: NoteField, attributes: QWidget) -> None:
        super().__init__()
        self.note = note
        self._values = FormValues("", "")
        self._is_folded = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["xs"])
        layout.addLayout(self._create_title())
        self._choices = self._create_choices()
        self.scope = ScopeControl(scopes)
        self._flags = self._create_flags()
        self._box = self._create_box()
        self._note = _row(tr("Note"), (note, 1))
        self._accept = QPushButton(tr("Accept"))
        self._accept.setObjectName("inspector.accept")
        self._accept.setProperty("primary", True)
        self._accept.clicked.connect(self.acceptClicked)
        for row in (self._choices, self.scope, self._flags, self._box, self._note):
            layout.addWidget(row)
        layout.insertWidget(layout.indexOf(self._box), attributes)
        layout.addWidget(self._accept, 0, Qt.AlignmentFlag.AlignLeft)

    def _create_title(self) -> QHBoxLayout:
        self._swatch = QFrame()
        self._swatch.setFixedSize(_SWATCH, _SWATCH)
        self.title, self.span = QLabel(), QLabel()
        self.title.setObjectName("inspector.title")
        self.title.setFont(font("strong"))
        self.span.setObjectName("inspector.span")
        self.span.setProperty("role", "muted")
        self.span.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._more = QToolButton()
        self._more.setObjectName("inspector.more")
        self._more.setAccessibleName(tr("More commands"))
        self._more.setToolTip(self._more.accessibleName())
        self._more.clicked.connect(self._on_more_clicked)
        row = QHBoxLayout()
        row.setSpacing(SPACE["s"])
        row.addWidget(self._swatch)
        row.addWidget(self.title)
        row.addWidget(self.span, 1)
        row.addWidget(self._more)
        return row

    def _create_choices(self) -> QWidget:
        self.classes = ChoiceField("inspector.class", tr("Class"))
        self.tracks = ChoiceField("inspector.track", tr("Track"))
        self.classes.chosen.connect(self.classChosen)
        self.tracks.chosen.connect(self.trackChosen)
        track = QLabel(tr("Track"))
        track.setProperty("role", "muted")
        self._track_label = track
        return _row(tr("Class"), (self.classes, 3), (track, 0), (self.tracks, 2))

    def _create_flags(self) -> QWidget:
        self._flag_buttons: dict[BoxFlag, FlagButton] = {}
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE["xs"])
        for flag, name, _action, text, tip in FLAGS_SHOWN:
            button = FlagButton(name, text, tip)
            button.clicked.connect(partial(self._on_flag_clicked, flag))
            layout.addWidget(button, text_width("caption", text) + 2 * SPACE["m"])
            self._flag_buttons[flag] = button
        return row

    def _create_box(self) -> QWidget:
        self._fields: dict[str, NumberField] = {}
        for name in COORDINATES:
            number = NumberField(f"inspector.{name}", name, _NAMES[name])
            number.changed.connect(partial(self.coordinateChanged.emit, name))
            number.stepped.connect(partial(self.coordinateStepped.emit, name))
            number.refused.connect(self.refused)
            self._fields[name] = number
        return _row(tr("Box"), *((number, 1) for number in self._fields.values()))

    # Content

    def show_values(self, values: FormValues) -> None:
        """Show these values; fields that do not apply are hidden."""
        self._values = values
        self.title.setText(values.title)
        self.span.setText(values.span)
        self.classes.show_text(values.class_text)
        self.tracks.show_text(values.track_text)
        has_box = bool(values.coordinates)
        is_truth = has_box and not values.is_prediction
        self.classes.setEnabled(is_truth)
        self._choices.setVisible(has_box)
        for widget in (self._track_label, self.tracks):
            widget.setVisible(is_truth)
        self.scope.setVisible(is_truth and values.has_track)
        self._flags.setVisible(is_truth)
        self._accept.setVisible(values.is_prediction)
        for flag, button in self._flag_buttons.items():
            button.show_state(values.flags.get(flag, {False}))
        for number in self._fields.values():
            number.setReadOnly(not is_truth)
        self.show_coordinates(values.coordinates)
        self._update_rows()
        self.update_colours()

    def show_coordinates(self, coordinates: tuple[float | None, ...]) -> None:
        """Show x, y, w, h only; cheap enough for a drag."""
        for number, value in zip(self._fields.values(), coordinates, strict=False):
            number.show_value(value)

    def update_colours(self) -> None:
        """Use the colours of the current theme."""
        colours = scheme_theme().colours
        drawn = colours.text2 if self._values.is_prediction else colours.series_gt
        self._swatch.setStyleSheet(f"background: {drawn}; border-radius: 2px")
        self._more.setIcon(coloured_icon("more", colours.text2))

    def set_folded(self, is_folded: bool) -> None:
        """Hide the rows of coordinates and note, in a low window."""
        if is_folded != self._is_folded:
            self._is_folded = is_folded
            self._update_rows()

    def _update_rows(self) -> None:
        self._box.setVisible(bool(self._values.coordinates) and not self._is_folded)
        self._note.setVisible(self._values.has_note and not self._is_folded)

    def set_keys(self, key_of: Callable[[str], str]) -> None:
        """Show the keys of the commands; ``key_of`` returns the key of an action id."""
        for flag, _name, action, _text, _tip in FLAGS_SHOWN:
            self._flag_buttons[flag].set_key(key_of(action))
        self.classes.set_key(key_of("classPicker"))
        self.tracks.set_key(key_of("setTrack"))
        self.note.set_key(key_of("addNote"))
        key = key_of("accept")
        self._accept.setText(tr("Accept {key}", key=key) if key else tr("Accept"))

    def set_effects(self, effects: dict[str, dict[Scope, str]], scopes: EditScopes) -> None:
        """Say beforehand which boxes each scope and each flag button changes."""
        self.scope.set_effects(effects)
        for flag, button in self._flag_buttons.items():
            scope = Scope.FRAME if flag is BoxFlag.KEY_FRAME else scopes[FLAGS]
            button.set_effect(effects.get(FLAGS, {}).get(scope, ""))

    # Signals

    def _on_flag_clicked(self, flag: BoxFlag, _checked: bool = False) -> None:
        if flag is not BoxFlag.KEY_FRAME:
            self.scope.show_group(FLAGS)
        self.flagClicked.emit(flag)

    def _on_more_clicked(self) -> None:
        self.menuClicked.emit(self._more.mapToGlobal(self._more.rect().bottomLeft()))

    def focus_class(self) -> None:
        """Type a class, or read the title of a prediction."""
        self.scope.show_group(CLASS)
        target = self.classes if self.classes.isEnabled() and self.classes.isVisible() else self._accept
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)
        if target is self.classes:
            self.classes.edit.selectAll()

    def focus_track(self) -> None:
        """Type a track id."""
        self.scope.show_group(CLASS)
        self.tracks.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.tracks.edit.selectAll()


def _row(text: str, *widgets: tuple[QWidget, int]) -> QWidget:
    """A row with a muted word at its left; widgets with their stretch."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE["s"] if len(widgets) < 4 else SPACE["xs"])
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setFixedSize(max(_LABEL_WIDTH, text_width("body", text)), TYPE["body"].line)
    layout.addWidget(label)
    for widget, stretch in widgets:
        layout.addWidget(widget, stretch)
    return row
