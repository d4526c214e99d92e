"""The page of the Dataset workspace: its tabs, its bar of filters and commands, and what decides the verdict."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from iouviewer.i18n import tr
from iouviewer.jobs.dataset import Deciding
from iouviewer.ui.dataset.pooled_tables import (
    CLASS_WIDTHS,
    MODEL_WIDTHS,
    MODEL_WORDS,
    PooledTable,
    PooledTableModel,
    class_titles,
    model_titles,
)
from iouviewer.ui.dataset.sources_model import SourcesModel
from iouviewer.ui.dataset.sources_table import HEADER_HEIGHT, ROW_HEIGHT, PooledRow, SourcesTable
from iouviewer.ui.fonts import font
from iouviewer.ui.theme import Theme, coloured_icon, icon, popup_menu
from iouviewer.ui.tokens import ICON_SIZE, SIZE, SPACE

_BAR_HEIGHT = 40
_FILTER_WIDTH = 200
_TEXT_WIDTH = 560
_WORDS_WIDTH = 1120
"""Below this width of the page, the buttons of the bar have icons alone."""


class DecidingPanel(QWidget):
    """Which source decides, in one or two sentences, and the ways to its problems and frames.

    Signals:
        reviewRequested(int), compareRequested(int): of the source with this number.
    """

    reviewRequested = Signal(int)
    compareRequested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("decidingPanel")
        self._source = -1
        self.title, self.text = QLabel(), QLabel()
        self.title.setObjectName("decidingTitle")
        self.title.setFont(font("title"))
        self.text.setObjectName("decidingText")
        self.text.setProperty("role", "muted")
        self.text.setWordWrap(True)
        self.text.setFixedWidth(_TEXT_WIDTH)
        self.review = QPushButton(tr("Review its problems"))
        self.review.setObjectName("decidingReview")
        self.review.setProperty("primary", True)
        self.review.setAutoDefault(False)
        self.compare = QPushButton(tr("Compare on this source"))
        self.compare.setObjectName("decidingCompare")
        for button in (self.review, self.compare):
            button.setFixedHeight(SIZE["control_large"])
        self.review.clicked.connect(lambda: self.reviewRequested.emit(self._source))
        self.compare.clicked.connect(lambda: self.compareRequested.emit(self._source))
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE["s"])
        buttons.addWidget(self.review)
        buttons.addWidget(self.compare)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["l"], SPACE["m"], SPACE["l"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.hide()

    def show_deciding(self, deciding: Deciding | None) -> None:
        """Show which source decides; None hides the panel."""
        self.setVisible(deciding is not None)
        if deciding is not None:
            self._source = deciding.source
            self.title.setText(deciding.title)
            self.text.setText(deciding.text)
            self.text.setMinimumHeight(self.text.heightForWidth(_TEXT_WIDTH))


class _ChoiceChip(QToolButton):
    """A chip with a menu of choices.

    Signals:
        chosen(str): one of them; empty for any.
    """

    chosen = Signal(str)

    def __init__(self, name: str, accessible_name: str) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("chip", True)
        self.setAccessibleName(accessible_name)
        self.setToolTip(accessible_name)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(SIZE["control"])
        self.setMenu(popup_menu("", self))

    def show_choices(self, choices: list[tuple[str, str]], current: str, text: str) -> None:
        """Offer these (value, text); ``text`` is what the chip itself says."""
        menu = self.menu()
        menu.clear()
        for value, shown in choices:
            action = QAction(shown.replace("&", "&&"), menu)
            action.setCheckable(True)
            action.setChecked(value == current)
            action.triggered.connect(lambda _on, value=value: self.chosen.emit(value))
            menu.addAction(action)
        self.setText(text)
        self.setEnabled(bool(choices))


class DatasetView(QWidget):
    """The whole page.

    Signals:
        filterChanged(str, str): words and tag.
        variantChosen(str), baselineChosen(str): by name.

    Attributes:
        sources, classes, models: the tables of the tabs. pooled: the row of all together. deciding: what decides.
        buttons: by action id.
    """

    filterChanged = Signal(str, str)
    variantChosen = Signal(str)
    baselineChosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("datasetWorkspace")
        self._theme, self._tag = theme, ""
        self.model = SourcesModel()
        self.sources = SourcesTable(self.model)
        self.pooled = PooledRow(self.sources)
        self.deciding = DecidingPanel()
        self.class_model = PooledTableModel(class_titles("", ""))
        self.classes = PooledTable(self.class_model, "datasetClasses", tr("Classes of all sources"), CLASS_WIDTHS)
        self.model_model = PooledTableModel(model_titles(), MODEL_WORDS)
        self.models = PooledTable(self.model_model, "datasetModels", tr("Models of all sources"), MODEL_WIDTHS)
        self.class_note = QLabel()
        self.buttons: dict[str, QPushButton] = {}
        self.tabs = QTabBar()
        self.tabs.setObjectName("datasetTabs")
        self.tabs.setAccessibleName(tr("Dataset"))
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        for title in (tr("Sources"), tr("Classes"), tr("Models")):
            self.tabs.addTab(title)
        self.stack = QStackedWidget()
        self.stack.addWidget(self._sources_page())
        self.stack.addWidget(self._pooled_page(self.classes, self.class_note))
        self.stack.addWidget(self._pooled_page(self.models, QLabel()))
        self.tabs.currentChanged.connect(self.stack.setCurrentIndex)
        self.progress = QProgressBar()
        self.progress.setObjectName("datasetProgress")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(2)
        self.progress.setMaximum(1000)
        self.progress.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar())
        layout.addWidget(self.progress)
        layout.addWidget(self.stack, 1)
        for signal in (self.model.modelReset, self.model.rowsInserted, self.model.rowsRemoved):
            signal.connect(self.fit_table)
        self.set_theme(theme)

    # Parts

    def _bar(self) -> QWidget:
        bar = QWidget()
        bar.setObjectName("datasetBar")
        bar.setFixedHeight(_BAR_HEIGHT)
        self.filter = QLineEdit()
        self.filter.setObjectName("sourcesFilter")
        self.filter.setPlaceholderText(tr("Filter sources"))
        self.filter.setAccessibleName(tr("Filter sources"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(_FILTER_WIDTH)
        self._funnel = self.filter.addAction(icon("filter", self._theme), QLineEdit.ActionPosition.LeadingPosition)
        self.filter.textChanged.connect(lambda: self.filterChanged.emit(self.filter.text(), self._tag))
        self.tag = _ChoiceChip("sourcesTag", tr("Show sources with this tag"))
        self.tag.chosen.connect(self._on_tag_chosen)
        self.baseline = _ChoiceChip("datasetBaseline", tr("Baseline: the variant to replace"))
        self.baseline.chosen.connect(self.baselineChosen)
        self.variant = _ChoiceChip("datasetVariant", tr("Variant that is compared with the baseline"))
        self.variant.chosen.connect(self.variantChosen)
        self._bar_layout = layout = QHBoxLayout(bar)
        layout.setContentsMargins(SPACE["m"], 0, SPACE["m"], 0)
        layout.setSpacing(SPACE["s"])
        layout.addWidget(self.tabs)
        layout.addStretch(1)
        for widget in (self.filter, self.tag, self.baseline, self.variant):
            layout.addWidget(widget)
        return bar

    def add_commands(self, actions: dict[str, QAction]) -> None:
        """Add the buttons of these commands to the bar."""
        for id, action in actions.items():
            button = QPushButton(action.text().replace("\t", " "))
            button.setObjectName(f"dataset.{id}")
            button.setAutoDefault(False)
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)
            self._bar_layout.addWidget(button)
            self.buttons[id] = button
        self.set_theme(self._theme)

    def _sources_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.sources, 1)
        layout.addWidget(self.pooled)
        layout.addWidget(self.deciding)
        layout.addStretch(0)
        self.sources.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        return page

    @staticmethod
    def _pooled_page(table: PooledTable, note: QLabel) -> QWidget:
        page = QWidget()
        note.setProperty("role", "muted")
        note.setWordWrap(True)
        note.setContentsMargins(SPACE["l"], SPACE["m"], SPACE["l"], SPACE["m"])
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(table, 1)
        layout.addWidget(note)
        return page

    # State

    def fit_table(self) -> None:
        """Give the table the height of its rows, so that the row of all together follows the last of them."""
        rows = self.model.rowCount()
        self.sources.setMaximumHeight(HEADER_HEIGHT + rows * ROW_HEIGHT + 2)

    def show_tags(self, tags: tuple[str, ...]) -> None:
        """Offer these tags."""
        if self._tag and self._tag not in tags:
            self._on_tag_chosen("")
        shown = self._tag or tr("any")
        choices = [("", tr("Any tag")), *((tag, tag) for tag in tags)]
        self.tag.show_choices(choices if tags else [], self._tag, tr("Tag: {tag}", tag=shown))
        self.tag.setVisible(bool(tags))

    def _on_tag_chosen(self, tag: str) -> None:
        self._tag = tag
        self.filterChanged.emit(self.filter.text(), tag)

    def show_variants(self, names: tuple[str, ...], baseline: str, variant: str) -> None:
        """Offer these variants."""
        self.baseline.show_choices(
            [(name, name) for name in names], baseline, tr("Baseline: {name}", name=baseline or "–")
        )
        others = [(name, name) for name in names if name != baseline] or [(name, name) for name in names]
        self.variant.show_choices(others, variant, tr("Variant: {name}", name=variant or "–"))
        self.baseline.setVisible(len(names) > 1)
        self.variant.setVisible(bool(names))

    def show_progress(self, share: float | None) -> None:
        """How much of the numbers is computed; None while nothing is."""
        is_running = share is not None and share < 1.0
        self.progress.setValue(round(1000 * share) if share is not None and is_running else 0)
        self.progress.setVisible(is_running)

    def set_theme(self, theme: Theme) -> None:
        """Recolour the icons."""
        self._theme = theme
        for id, button in self.buttons.items():
            names = {"addSources": "plus-circle", "datasetReport": "report", "nextProblem": "nextProblem"}
            button.setIcon(icon(names.get(id, "dataset"), theme))
        self._funnel.setIcon(coloured_icon("filter", theme.colours.text3))
        self.sources.viewport().update()
        self.pooled.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The words of the buttons give way in a narrow window; their tooltips stay."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self.fit_table)
        is_wide = event.size().width() >= _WORDS_WIDTH
        self.filter.setFixedWidth(_FILTER_WIDTH if is_wide else _FILTER_WIDTH - 60)
        for button in self.buttons.values():
            words = button.toolTip().partition(" (")[0].partition("\n")[0]
            button.setText(words if is_wide else "")
            button.setAccessibleName(words)
            button.setMaximumWidth(16777215 if is_wide else ICON_SIZE + 2 * SPACE["m"])

    def focus_widgets(self) -> list[QWidget]:
        """The widgets in the order of the focus."""
        table = (self.sources, self.classes, self.models)[self.stack.currentIndex()]
        return [self.tabs, self.filter, self.tag, self.baseline, self.variant, *self.buttons.values(), table]
