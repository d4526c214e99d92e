"""Right side of Compare: the boxes that changed, curves, breakdown, tracks and speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.app.editing.session import Session
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr
from iouviewer.jobs.breakdown import Breakdown, Topic
from iouviewer.jobs.differences import MOVED_IOU, NO_OBJECTS, ChangedObject, ChangedObjects, Differences
from iouviewer.jobs.track_times import TrackRow
from iouviewer.ui.compare.breakdown import BreakdownPage
from iouviewer.ui.compare.changed_objects import ChangedObjectsView
from iouviewer.ui.compare.curves_page import CurvesPage
from iouviewer.ui.compare.differences import Analysis
from iouviewer.ui.compare.speed_page import SpeedPage
from iouviewer.ui.compare.tracks_page import TracksPage
from iouviewer.ui.shell.menu_button import MenuButton
from iouviewer.ui.theme import Theme
from iouviewer.ui.tokens import SPACE
from iouviewer.ui.variant_look import dash_icon, panel_colour

_DASH_SIZE = QSize(22, 12)


class _Kind(NamedTuple):
    """One kind of change: the name of its list in ``Differences``, and its texts."""

    field: str
    title: str
    list_name: str
    accessible_name: str
    empty_text: str


_KINDS = (
    _Kind(
        "lost",
        tr("Lost"),
        "lostList",
        tr("Boxes that the baseline finds and this variant does not"),
        tr("This variant loses no boxes."),
    ),
    _Kind(
        "gained",
        tr("Gained"),
        "gainedList",
        tr("Boxes that this variant finds and the baseline does not"),
        tr("This variant gains no boxes."),
    ),
    _Kind(
        "moved",
        tr("Moved"),
        "movedList",
        tr("Boxes that both find, with an IoU that differs by at least {step:g}", step=MOVED_IOU),
        tr("No box that both find differs by {step:g} or more in IoU.", step=MOVED_IOU),
    ),
)


class SidePanel(QWidget):
    """Tabs that compare one variant with the baseline.

    Signals:
        objectActivated(ChangedObject): go there.
        variantChosen(str): key of the compared variant.
        confidenceChosen(float): a point on a curve was dragged to this confidence.
        analysisShown(frozenset): the ``Analysis`` of the tab that is shown now.
    """

    objectActivated = Signal(object)
    variantChosen = Signal(str)
    confidenceChosen = Signal(float)
    analysisShown = Signal(object)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._differences: Differences | None = None
        self._compared = ""
        self.lists = tuple(ChangedObjectsView(kind.list_name, kind.accessible_name, kind.empty_text) for kind in _KINDS)
        self.lost, self.gained, self.moved = self.lists
        self.curves = CurvesPage(session, theme)
        self.curves.confidenceChosen.connect(self.confidenceChosen)
        self.tabs = QTabWidget()
        self.tabs.setObjectName("compareTabs")
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._create_changes(), tr("Changes"))
        self.tabs.addTab(self.curves, tr("Curves"))
        self._breakdowns: dict[str, Breakdown] = {}
        self.breakdown = BreakdownPage(session)
        self.tabs.addTab(self.breakdown, tr("Breakdown"))
        self.breakdown.placeActivated.connect(self.objectActivated)
        self.breakdown.topicChosen.connect(self._on_tab_changed)
        self._tracks: dict[str, tuple[TrackRow, ...]] | None = None
        self.tracks = TracksPage(session)
        self.tabs.addTab(self.tracks, tr("Tracks"))
        self.tracks.placeActivated.connect(self.objectActivated)
        self.speed = SpeedPage(session)
        self.tabs.addTab(self.speed, tr("Speed"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs, 1)
        self.tabs.currentChanged.connect(self._on_tab_changed)
        session.variants.listChanged.connect(self._on_variants_changed)
        session.variants.variantChanged.connect(self._on_variants_changed)
        session.sourceChanged.connect(self._on_variants_changed)
        self.set_theme(theme)
        self._on_variants_changed()

    def _create_changes(self) -> QWidget:
        """Both names, the choice between the three lists, and the list."""
        changes = QWidget()
        self._names = tuple((QLabel(), QLabel()) for _ in range(2))
        self._head = head = QHBoxLayout()
        head.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], 0)
        head.setSpacing(SPACE["xs"])
        for dash, name in self._names:
            head.addWidget(dash)
            head.addWidget(name)
        head.addStretch(1)
        self._stack, self._kind_buttons = QStackedWidget(), QButtonGroup(self)
        row = QHBoxLayout()
        row.setContentsMargins(SPACE["s"], SPACE["xs"], SPACE["s"], SPACE["xs"])
        row.setSpacing(SPACE["xs"])
        for number, (kind, view) in enumerate(zip(_KINDS, self.lists, strict=True)):
            button = QToolButton()
            button.setObjectName(f"changes.{kind.field}")
            button.setText(kind.title)
            button.setToolTip(kind.accessible_name)
            button.setCheckable(True)
            button.setProperty("segment", True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            self._kind_buttons.addButton(button, number)
            row.addWidget(button)
            self._stack.addWidget(view)
            view.objectActivated.connect(self.objectActivated)
        row.addStretch(1)
        self._kind_buttons.button(0).setChecked(True)
        self._kind_buttons.idClicked.connect(self._stack.setCurrentIndex)
        layout = QVBoxLayout(changes)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(row)
        layout.addWidget(self._stack, 1)
        return changes

    def add_modes(self, actions: Sequence[QAction]) -> None:
        """Add a button with the comparison layouts at the right end of the tabs; it shows the one that is used."""
        button = MenuButton("compareLayout")
        button.setText(tr("Layout"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.fill(actions)

        def show_current() -> None:
            for action in actions:
                if action.isChecked():
                    button.setIcon(action.icon())
                    button.setAccessibleName(tr("Comparison layout: {layout}", layout=action.text()))
                    button.setToolTip(button.accessibleName())

        for action in actions:
            action.changed.connect(show_current)
        show_current()
        self.tabs.setCornerWidget(button)

    def show_page(self, page: QWidget) -> None:
        """Show one of the tabs."""
        self.tabs.setCurrentWidget(page)

    # The compared pair

    @property
    def compared(self) -> str:
        """Key of the compared variant, empty if there is none."""
        return self._compared

    def choose(self, key: str) -> None:
        """Compare this variant with the baseline; the baseline itself and unknown variants change nothing."""
        if key != self._compared and key in {variant.key for variant in self._others()}:
            self._compared = key
            self._show()
            self.variantChosen.emit(key)

    def _others(self) -> list[Variant]:
        baseline = self._session.variants.baseline
        return [v for v in self._session.variants if baseline is not None and v.key != baseline.key]

    def _on_variants_changed(self, _key: str = "") -> None:
        others = self._others()
        if self._compared not in {variant.key for variant in others}:
            self._compared = others[0].key if others else ""
            self.variantChosen.emit(self._compared)
        self._show_names()
        self._show()

    def _show_names(self) -> None:
        variants = self._session.variants
        pair = (variants.baseline, variants.find(self._compared) if self._compared else None)
        for (dash, name), variant in zip(self._names, pair, strict=True):
            dash.setVisible(variant is not None and None not in pair)
            name.setVisible(variant is not None and None not in pair)
            if variant is not None:
                icon = dash_icon(variant.colour, panel_colour(variant.colour, self._theme.colours))
                dash.setPixmap(icon.pixmap(_DASH_SIZE))
                name.setText(variant.name)

    # Changes

    def set_differences(self, differences: Differences) -> None:
        """Show these results."""
        self._differences = differences
        self._show()

    def set_breakdowns(self, breakdowns: dict[str, Breakdown]) -> None:
        """Show these tables."""
        self._breakdowns = breakdowns
        self.breakdown.show_breakdown(breakdowns.get(self._compared), has_variant=bool(self._compared))

    def set_tracks(self, tracks: dict[str, tuple[TrackRow, ...]]) -> None:
        """Show these tracks."""
        self._tracks = tracks
        self._show_tracks()

    def _show_tracks(self) -> None:
        rows = None if self._tracks is None else self._tracks.get(self._compared, ())
        self.tracks.show_rows(rows, has_variant=bool(self._compared))

    def _on_tab_changed(self, _tab: int = 0) -> None:
        self.curves.draw()
        page = self.tabs.currentWidget()
        of_breakdown = Analysis.STEPS if self.breakdown.topic is Topic.STEPS else Analysis.BREAKDOWN
        found = {self.breakdown: of_breakdown, self.tracks: Analysis.TRACKS}.get(page)
        self.analysisShown.emit(frozenset(() if found is None else (found,)))

    def changes(self) -> list[ChangedObject]:
        """All changed objects of the compared variant, by frame."""
        found: list[ChangedObject] = []
        for kind in _KINDS:
            objects = self._objects(kind)
            found += [objects[place] for place in range(len(objects))]
        return sorted(found, key=lambda one: (one.frame, one.box_id))

    def reveal(self, changed: ChangedObject) -> None:
        """Show the list of an object and select its row, without going there."""
        for number, (kind, view) in enumerate(zip(_KINDS, self.lists, strict=True)):
            row = self._objects(kind).row_of(changed.box_id)
            if row >= 0:
                self.tabs.setCurrentIndex(0)
                self._kind_buttons.button(number).setChecked(True)
                self._stack.setCurrentIndex(number)
                view.select_row(row)
                view.scrollTo(view.objects.index(row, 0))
                return

    def _objects(self, kind: _Kind) -> ChangedObjects:
        if self._differences is None:
            return NO_OBJECTS
        by_variant: dict[str, ChangedObjects] = getattr(self._differences, kind.field)
        return by_variant.get(self._compared, NO_OBJECTS)

    def _show(self) -> None:
        self._show_names()
        is_known = self._differences is not None and bool(self._compared)
        for number, (kind, view) in enumerate(zip(_KINDS, self.lists, strict=True)):
            objects = self._objects(kind)
            view.show_objects(objects, self._session, is_complete=is_known)
            text = f"{kind.title} {len(objects):,}" if is_known else kind.title
            self._kind_buttons.button(number).setText(text)
        self.breakdown.show_breakdown(self._breakdowns.get(self._compared), has_variant=bool(self._compared))
        self._show_tracks()
        self.curves.show_curves(self._differences, self._compared)

    def set_theme(self, theme: Theme) -> None:
        """Use the colours of this theme."""
        self._theme = theme
        self.curves.set_theme(theme)
        self._show_names()
