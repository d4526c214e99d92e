"""The gallery: a page of crops, its order, the filter above it, and decisions about the selected ones below it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.jobs.background_task import BackgroundTask
from iouviewer.app.video.crops import CropLoader
from iouviewer.document.edits import FrameState
from iouviewer.document.variants import Variant
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.gallery import GalleryInput, GalleryObjects, GalleryOrder, GallerySet, find_gallery
from iouviewer.metrics.table import Int
from iouviewer.ui.fonts import font
from iouviewer.ui.palette import scheme_theme
from iouviewer.ui.panels.filter_chip import FilterChip
from iouviewer.ui.review.gallery_view import GalleryView
from iouviewer.ui.tokens import SPACE
from iouviewer.ui.variant_look import dash_icon, panel_colour

_ORDERS = {
    GalleryOrder.FRAME: tr("By frame"),
    GalleryOrder.IOU: tr("Lowest IoU first"),
    GalleryOrder.SIZE: tr("Smallest first"),
}
_NAMES = {"takeFix": tr("Apply fixes"), "groundTruthIsRight": tr("Ground truth is right"), "unclear": tr("Unclear")}
_DECISIONS = tuple(_NAMES)
_SIZE = 1240, 640


class GalleryDialog(QDialog):
    """Crops of one set; follows filter, thresholds, variants and edits while it is open.

    Signals:
        opened(int, int): frame and ground-truth box (NO_BOX for none) to go to.
        decided(str, object): a command of ``_DECISIONS`` and the numbers of the objects.
        commanded(str): another command, such as ``undo``.
    """

    opened = Signal(int, int)
    decided = Signal(str, object)
    commanded = Signal(str)

    def __init__(
        self, parent: QWidget, session: Session, crops: CropLoader, *, compared: Callable[[], Variant | None]
    ) -> None:
        """``compared``: the variant beside the baseline."""
        super().__init__(parent)
        self.setObjectName("galleryDialog")
        self.setWindowTitle(tr("Gallery"))
        self._session, self._compared = session, compared
        self._set = GallerySet("")
        self._renew: Callable[[], GallerySet | None] = lambda: None
        self._variants: list[Variant] = []
        self.keys: dict[str, str] = {}
        """Keys by action id, for the buttons."""
        self.view = GalleryView(session)
        self.view.use_crops(crops)
        self.title, self.counts, self.answer = QLabel(), QLabel(), QLabel()
        self.title.setObjectName("galleryTitle")
        self.title.setFont(font("title"))
        self.counts.setObjectName("galleryCounts")
        self.counts.setProperty("role", "muted")
        self.answer.setObjectName("galleryAnswer")
        self.answer.setProperty("role", "muted")
        self.filter_chip = FilterChip(session)
        self.order = QComboBox()
        self.order.setObjectName("galleryOrder")
        self.order.setAccessibleName(tr("Order of the gallery"))
        for order, text in _ORDERS.items():
            self.order.addItem(text, order)
        self._names = QHBoxLayout()
        self._names.setSpacing(SPACE["s"])
        self.back, self.forth = QPushButton(tr("Previous page")), QPushButton(tr("Next page"))
        self.back.setObjectName("galleryBack")
        self.forth.setObjectName("galleryForth")
        self.buttons = {id: QPushButton() for id in _DECISIONS}
        self._lay_out()
        self._task = BackgroundTask("gallery", self)
        self._task.finished.connect(self._on_task_finished)
        self._wait = QTimer(self, singleShot=True, interval=60)
        self._wait.timeout.connect(self._find)
        self._connect()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE["m"])
        for widget in (self.title, self.counts, self.filter_chip):
            head.addWidget(widget)
        head.addStretch(1)
        head.addLayout(self._names)
        head.addWidget(self.order)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE["s"])
        foot.addWidget(self.answer)
        foot.addStretch(1)
        for button in (*self.buttons.values(), self.back, self.forth):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAutoDefault(False)
            foot.addWidget(button)
        for id, button in self.buttons.items():
            button.setObjectName(f"gallery.{id}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE["m"], SPACE["s"], SPACE["m"], SPACE["s"])
        layout.setSpacing(SPACE["s"])
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        layout.addLayout(foot)
        parent = self.parentWidget() or self
        self.resize(min(_SIZE[0], parent.width() - SPACE["l"]), min(_SIZE[1], parent.height() - SPACE["l"]))

    def _connect(self) -> None:
        session = self._session
        for signal in (session.scoresChanged, session.changed, session.variants.listChanged, session.sourceChanged):
            signal.connect(self.refresh)
        session.scoresChanged.connect(self.filter_chip.refresh)
        self.order.currentIndexChanged.connect(self._find)
        self.view.opened.connect(self._on_opened)
        self.view.left.connect(self.close)
        self.view.chosenChanged.connect(self._show_counts)
        self.view.focusedChanged.connect(self._show_counts)
        self.back.clicked.connect(partial(self._turn, -1))
        self.forth.clicked.connect(partial(self._turn, 1))
        for id, button in self.buttons.items():
            button.clicked.connect(partial(self._decide, id))

    # What is shown

    def show_set(self, chosen: GallerySet, renew: Callable[[], GallerySet | None]) -> None:
        """Show this set from its first page.

        Args:
            renew: the set as it is after a change; None: as it was.
        """
        self._set, self._renew = chosen, renew
        self.title.setText(chosen.title)
        self.answer.clear()
        self.view.page.show_objects(self.view.page.objects, 0)
        parent = self.parentWidget()
        if parent is not None and not self.isVisible():
            self.move(parent.mapToGlobal(parent.rect().center()) - self.rect().center())
        self.show()
        self.raise_()
        self.activateWindow()
        self.view.setFocus()
        self._find()

    @property
    def objects(self) -> GalleryObjects:
        """All objects of the set that pass the filter."""
        return self.view.page.objects

    def refresh(self, _what: object = None) -> None:
        """Something that the gallery shows may have changed."""
        if self.isVisible():
            self._wait.start()

    def _input(self) -> GalleryInput:
        session = self._session
        baseline, compared = session.variants.baseline, self._compared()
        shown = [one for one in (baseline, compared) if one is not None]
        self._variants = list({one.key: one for one in shown if not session.variants.is_loading}.values())
        truth = session.scores.ground_truth
        settings = session.scores.settings
        labelled = truth.states() == FrameState.LABELLED
        chosen = settings.selected(truth.frame_count)
        table = truth.table()
        variants = tuple((one.name, session.scores.predictions(one.key)) for one in self._variants)
        return GalleryInput(
            table,
            labelled if chosen is None else labelled & chosen,
            _tracks_of(session, table.ids),
            settings.review,
            variants,
            settings.filter,
            self._set,
            GalleryOrder(self.order.currentData()),
        )

    def _find(self, _place: int = 0) -> None:
        self._wait.stop()
        self._set = self._renew() or self._set
        data = self._input()
        self._task.start(lambda _report, _is_cancelled: find_gallery(data))

    def _on_task_finished(self, objects: object) -> None:
        assert isinstance(objects, GalleryObjects)
        self.view.show_objects(objects, self.view.page.page, [one.colour for one in self._variants])
        self._show_names()
        self._show_counts()

    def _show_names(self) -> None:
        while (item := self._names.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        colours = scheme_theme().colours
        for one in self._variants:
            line, name = QLabel(), QLabel(one.name)
            line.setPixmap(dash_icon(one.colour, panel_colour(one.colour, colours)).pixmap(24, 12))
            for label in (line, name):
                self._names.addWidget(label)

    def _show_counts(self) -> None:
        page, chosen = self.view.page, len(self.view.chosen_rows)
        text = tr_n("{count} object", "{count:,} objects", len(page.objects))
        if page.pages > 1:
            text = tr("{objects} · page {page:,} of {pages:,}", objects=text, page=page.page + 1, pages=page.pages)
        if chosen:
            text = tr("{objects} · {chosen:,} selected", objects=text, chosen=chosen)
        self.counts.setText(text)
        self.back.setEnabled(page.page > 0)
        self.forth.setEnabled(page.page + 1 < page.pages)
        for id, button in self.buttons.items():
            key = self.keys.get(id, "")
            button.setText(tr("{text}  {key}", text=_NAMES[id], key=key) if key else _NAMES[id])
            button.setEnabled(bool(page.rowCount()))

    # Keys

    def _turn(self, by: int, _checked: bool = False) -> None:
        page = self.view.page
        self.view.select_none()
        self.view.show_objects(page.objects, page.page + by, [one.colour for one in self._variants])
        self._show_counts()
        self.view.setFocus()

    def _decide(self, id: str, _checked: bool = False) -> None:
        self.decided.emit(id, self.view.chosen)
        self.view.select_none()
        self.view.setFocus()

    def say(self, text: str) -> None:
        """What became of a decision."""
        self.answer.setText(text)

    def _on_opened(self, place: object) -> None:
        assert isinstance(place, int)
        self.opened.emit(int(self.objects.frames[place]), int(self.objects.ids[place]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self._turn(1 if key == Qt.Key.Key_PageDown else -1)
        elif key == Qt.Key.Key_Escape:
            self.close()
        elif key not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(event)

    def _run(self, event: QKeyEvent) -> None:
        """Keys of commands that make sense here."""
        pressed = event.keyCombination()
        for id, text in self.keys.items():
            if text and _is_key(text, pressed.toCombined()):
                if id in _DECISIONS:
                    self._decide(id)
                else:
                    self.commanded.emit(id)
                return
        event.ignore()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.filter_chip.refresh()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.view.release_crops()
        super().closeEvent(event)

    def end(self) -> None:
        """End the thread."""
        self._task.close()


def _is_key(text: str, combined: int) -> bool:
    keys = QKeySequence(text)
    return keys.count() == 1 and QKeySequence(combined) == keys


def _tracks_of(session: Session, ids: Int) -> Int:
    """(M,) track of each box."""
    *_others, tracks, _flags, known = session.ground_truth.columns()
    order = np.argsort(known, kind="stable")
    found: Int = tracks[order][np.searchsorted(known[order], ids)]
    return found
