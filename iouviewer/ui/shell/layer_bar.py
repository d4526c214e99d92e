"""The layer bar over the canvas: chips of the layers (the legend too), thresholds, captions and zoom."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.view_state import GROUND_TRUTH
from iouviewer.document.edits import Change, Phase
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.fonts import font, text_width
from iouviewer.ui.panels.filter_chip import FilterChip
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.shell.layout_plan import LOW, NARROW, LayoutPlan, plan_layout
from iouviewer.ui.shell.menu_button import MenuButton
from iouviewer.ui.shell.view_controls import CaptionChoice, ZoomButton
from iouviewer.ui.theme import Theme, coloured_icon, icon, popup_menu
from iouviewer.ui.tokens import ICON_SIZE, SIZE, SPACE
from iouviewer.ui.variant_look import draw_dash, panel_colour

_SAMPLE = QSize(18, 12)
_NAME_WIDTH = 120
"""Most logical pixels of a variant's name."""
_COUNT_WIDTH = 15


class _Sample(QWidget):
    """A short line in the colour and the dash of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(_SAMPLE)
        self._stored, self._drawn = "", ""

    def show_look(self, stored: str, drawn: str) -> None:
        """Draw with these colours; ``stored`` is that of the variant, empty for the ground truth's solid line."""
        if (stored, drawn) != (self._stored, self._drawn):
            self._stored, self._drawn = stored, drawn
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self._drawn:
            return
        painter = QPainter(self)
        left = QPointF(0, self.height() / 2)
        if self._stored:
            draw_dash(painter, left, self.width(), self._stored, self._drawn)
        else:
            painter.setPen(QPen(QColor(self._drawn), 2))
            painter.drawLine(left, left + QPointF(self.width(), 0))
        painter.end()


class LayerChip(QFrame):
    """One layer: eye, line, name, number of its boxes on the frame.

    Signals:
        visibilityChanged(bool): the eye was pressed.
        fronted(): the name was pressed.
        menuRequested(QPoint): the context menu, at a point of the screen.
    """

    visibilityChanged = Signal(bool)
    fronted = Signal()
    menuRequested = Signal(QPoint)

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer
        self.setProperty("chip", True)
        self.eye = QToolButton()
        self.eye.setObjectName("layerEye")
        self.eye.setCheckable(True)
        self.eye.setProperty("bare", True)
        self.eye.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        self.eye.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.sample = _Sample()
        self.name = QToolButton()
        self.name.setObjectName("layerName")
        self.name.setProperty("bare", True)
        self.name.setCheckable(True)
        self.name.setFont(font("body"))
        self.name.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.number = QLabel()
        self.number.setObjectName("layerCount")
        self.number.setFont(font("body"))
        self.number.setProperty("role", "muted")
        # A fixed size: another number on each frame does not lay the window out again.
        self.number.setFixedSize(_COUNT_WIDTH, SIZE["row_dense"])
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 0, 2, 0)
        layout.setSpacing(3)
        for widget in (self.eye, self.sample, self.name, self.number):
            layout.addWidget(widget)
        self.setFixedHeight(SIZE["row_dense"])
        self.eye.clicked.connect(self.visibilityChanged)
        self.name.clicked.connect(self._on_name_clicked)

    def _on_name_clicked(self) -> None:
        self.fronted.emit()

    def show_name(self, name: str, *, is_front: bool) -> None:
        """Show the layer's name, checked while its boxes take clicks first."""
        metrics = self.name.fontMetrics()
        text = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, _NAME_WIDTH).replace("&", "&&")
        if text != self.name.text():
            self.name.setText(text)
        self.name.setAccessibleName(tr("Bring {name} to front for clicks", name=name))
        self.name.setToolTip(tr("{name}: click to bring it to front for clicks", name=name))
        self.name.setChecked(is_front)

    def show_visible(self, name: str, is_visible: bool, key: str, theme: Theme) -> None:
        """Show whether the layer is drawn."""
        self.eye.setChecked(is_visible)
        colours = theme.colours
        self.eye.setIcon(
            coloured_icon("eye" if is_visible else "eyeOff", colours.text2 if is_visible else colours.text3)
        )
        text = tr("Hide {name}", name=name) if is_visible else tr("Show {name}", name=name)
        self.eye.setAccessibleName(text)
        self.eye.setToolTip(f"{text} ({key})" if key else text)

    def show_count(self, count: int, *, is_shown: bool) -> None:
        """Show the number of boxes on the frame."""
        self.number.setText(f"{count:,}")
        self.number.setVisible(is_shown)
        width = text_width("body", self.number.text()) + 2
        if width > self.number.width():
            self.number.setFixedWidth(width)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menuRequested.emit(event.globalPos())


class _Folds(NamedTuple):
    """What gives way in a narrow window.

    Attributes:
        has_counts: chips show the number of boxes on the frame.
        are_thresholds_folded: confidence and IoU stand in a popup.
        has_threshold_word: its button has a word.
        is_short: *Add* has no word; the choice of captions and the word of the confidence are short.
        hidden: how many of the last chips stand in a menu.
    """

    has_counts: bool = False
    are_thresholds_folded: bool = True
    has_threshold_word: bool = True
    is_short: bool = False
    hidden: int = 0


class LayerBar(QWidget):
    """Chips at the left; thresholds, captions and zoom at the right.

    Signals:
        menuRequested(str, object, QPoint): kind ``layer``, the layer, a point of the screen.
    """

    menuRequested = Signal(str, object, QPoint)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("layerBar")
        self.setAccessibleName(tr("Layers"))
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(SIZE["view_bar"])
        self._session, self._theme = session, theme
        self._has_counts = True
        self._captions: CaptionChoice | None = None
        self._plan = plan_layout(NARROW, LOW)
        self._controls: ScoreControls | None = None
        self._keys: dict[int, str] = {}
        self.chips: dict[str, LayerChip] = {}
        self._chip_row = QHBoxLayout()
        self._chip_row.setSpacing(SPACE["xs"])
        self.add = MenuButton("addLayer")
        self.add.setText(tr("Add"))
        self.add.setToolTip(tr("Add predictions or run a model"))
        self.add.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more = QToolButton()
        self.more.setObjectName("moreLayers")
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.clicked.connect(self._open_more)
        self.more.hide()
        self._right = QHBoxLayout()
        self._right.setSpacing(SPACE["xs"] + 2)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE["xs"], 0, SPACE["xs"], 0)
        layout.setSpacing(SPACE["xs"])
        layout.addLayout(self._chip_row)
        layout.addWidget(self.more)
        layout.addWidget(self.add)
        layout.addStretch(1)
        layout.addLayout(self._right)
        self.filter_chip = FilterChip(session)
        self._right.addWidget(self.filter_chip)
        session.scoresChanged.connect(self._on_scores_changed)
        session.sourceChanged.connect(self._rebuild)
        session.variants.listChanged.connect(self._rebuild)
        session.variants.variantChanged.connect(self._on_variant_changed)
        session.view_state.viewStateChanged.connect(self._show_state)
        session.frameChanged.connect(self._show_counts)
        session.scoresChanged.connect(self._show_counts)
        session.variants.predictionsChanged.connect(self._on_predictions_changed)
        session.changed.connect(self._on_session_changed)
        self._rebuild()

    def set_add_actions(self, actions: Sequence[QAction]) -> None:
        """Set the commands of *Add*."""
        self.add.fill(actions)

    def add_view_controls(self, captions: CaptionChoice, zoom: ZoomButton) -> None:
        """Add captions and zoom at the right end."""
        self._captions = captions
        self._right.addWidget(captions)
        self._right.addWidget(zoom)

    def set_theme(self, theme: Theme) -> None:
        """Recolour lines and icons."""
        self._theme = theme
        self.add.setIcon(icon("plus-circle", theme))
        self._show_state()

    def set_keys(self, keys: dict[int, str]) -> None:
        """Show the key of each variant, by its position from 1, in the tooltip of its eye."""
        if keys != self._keys:
            self._keys = dict(keys)
            self._show_state()

    def _on_scores_changed(self) -> None:
        was_seen = self.filter_chip.isVisibleTo(self)
        self.filter_chip.refresh()
        if was_seen or self.filter_chip.isVisibleTo(self):
            self._fit()

    def add_controls(self, controls: ScoreControls) -> None:
        """Take the thresholds, which stand left of the other controls."""
        self._controls = controls
        self._right.insertWidget(1, controls)
        controls.show()
        self._fit()

    def use_plan(self, plan: LayoutPlan) -> None:
        """Give way as the size of the window demands."""
        self._plan = plan
        self._fit()

    def _fit(self) -> None:
        """Give way where the layers need more space, step by step until all fits."""
        plan, count = self._plan, len(self.chips)
        steps = [
            _Folds(has_counts=plan.has_chip_counts, are_thresholds_folded=plan.are_thresholds_folded),
            _Folds(are_thresholds_folded=plan.are_thresholds_folded),
            _Folds(are_thresholds_folded=plan.are_thresholds_folded, is_short=True),
            _Folds(),
            _Folds(is_short=True),
            *(_Folds(is_short=True, hidden=hidden) for hidden in range(1, count)),
            _Folds(is_short=True, hidden=max(0, count - 1), has_threshold_word=False),
            _Folds(is_short=True, hidden=count, has_threshold_word=False),
        ]
        for folds in steps:
            self._give_way(folds)
            if not self._is_too_wide():
                break

    def _give_way(self, folds: _Folds) -> None:
        if folds.has_counts != self._has_counts:
            self._has_counts = folds.has_counts
            self._show_counts()
        if self._controls is not None and self._controls.parentWidget() is self:
            is_wordless = not folds.has_threshold_word
            self._controls.set_folded(folds.are_thresholds_folded, is_wordless=is_wordless, is_short=folds.is_short)
        if self._captions is not None:
            self._captions.set_narrow(folds.is_short)
        self.filter_chip.set_short(folds.is_short)
        style = Qt.ToolButtonStyle
        self.add.setToolButtonStyle(style.ToolButtonIconOnly if folds.is_short else style.ToolButtonTextBesideIcon)
        chips = list(self.chips.values())
        for place, chip in enumerate(chips):
            chip.setVisible(place < len(chips) - folds.hidden)
        self.more.setVisible(folds.hidden > 0)
        if folds.hidden < len(chips):
            self.more.setText(tr("{count} more", count=folds.hidden))
        else:
            self.more.setText(tr_n("{count} layer", "{count} layers", folds.hidden))

    def _is_too_wide(self) -> bool:
        layout = self.layout()
        if layout is None or self.width() <= 0:
            return False
        # Qt passes changes of nested layouts on in a later event; the sizes are needed now.
        inner = [widget.layout() for widget in (*self.chips.values(), self._controls) if widget is not None]
        for each in (*inner, self._chip_row, self._right, layout):
            if each is not None:
                each.invalidate()
                each.activate()
        return layout.minimumSize().width() > self.width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, SIZE["view_bar"])

    def _open_more(self) -> None:
        """List the layers that have no space in the bar."""
        menu = popup_menu(parent=self)
        state = self._session.view_state
        for layer, chip in self.chips.items():
            if chip.isHidden():
                action = menu.addAction(self._name(layer).replace("&", "&&"))
                action.setCheckable(True)
                action.setChecked(state.is_layer_visible(layer))
                action.toggled.connect(partial(state.set_layer_visible, layer))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height())))

    # Chips

    def _rebuild(self) -> None:
        has_video = self._session.frame_count > 0
        layers = [GROUND_TRUTH, *(variant.key for variant in self._session.variants)] if has_video else []
        self.add.setVisible(has_video)
        if layers != list(self.chips):
            for chip in self.chips.values():
                self._chip_row.removeWidget(chip)
                chip.hide()
                chip.deleteLater()
            self.chips = {layer: self._make_chip(layer) for layer in layers}
        self._show_state()
        self._show_counts()
        self._fit()

    def _make_chip(self, layer: str) -> LayerChip:
        chip = LayerChip(layer)
        chip.setObjectName(f"layer.{self._name(layer)}" if layer else "layer.groundTruth")
        chip.visibilityChanged.connect(lambda on: self._session.view_state.set_layer_visible(layer, on))
        chip.fronted.connect(lambda: self._bring_to_front(layer))
        chip.menuRequested.connect(lambda point: self.menuRequested.emit("layer", layer, point))
        self._chip_row.addWidget(chip)
        return chip

    def _bring_to_front(self, layer: str) -> None:
        """A second click on the name gives the clicks back to the ground truth."""
        state = self._session.view_state
        is_front = layer != GROUND_TRUTH and state.front_layer == layer
        state.bring_to_front(GROUND_TRUTH if is_front else layer)
        self._show_state()

    def _name(self, layer: str) -> str:
        return tr("Ground truth") if layer == GROUND_TRUTH else self._session.variants[layer].name

    def _on_variant_changed(self, _key: str) -> None:
        self._show_state()

    def _show_state(self) -> None:
        state, colours = self._session.view_state, self._theme.colours
        for place, (layer, chip) in enumerate(self.chips.items()):
            name = self._name(layer)
            is_front = (state.front_layer or GROUND_TRUTH) == layer
            chip.show_name(name, is_front=is_front)
            chip.show_visible(name, state.is_layer_visible(layer), self._keys.get(place, ""), self._theme)
            if layer == GROUND_TRUTH:
                chip.sample.show_look("", colours.series_gt)
            else:
                stored = self._session.variants[layer].colour
                chip.sample.show_look(stored, panel_colour(stored, colours))

    # Numbers

    def _on_session_changed(self, change: Change) -> None:
        if change.phase is not Phase.LIVE:
            self._show_counts()

    def _on_predictions_changed(self, _key: str, _frames: object) -> None:
        self._show_counts()

    def _show_counts(self, _what: object = None) -> None:
        session = self._session
        frame, conf = session.current_frame, session.scores.settings.review.conf
        for layer, chip in self.chips.items():
            if layer == GROUND_TRUTH:
                count = len(session.ground_truth.boxes(frame))
            else:
                table = session.variants[layer].predictions.table
                count = int((table.scores[table.rows(frame)] >= conf).sum())
            chip.show_count(count, is_shown=self._has_counts)

    def focus_widgets(self) -> list[QWidget]:
        """The widgets in the order of the focus."""
        found: list[QWidget] = []
        for chip in self.chips.values():
            found += [chip.eye, chip.name]
        return [*found, self.more, self.add, self.filter_chip.line, self.filter_chip.cross]
