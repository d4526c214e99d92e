"""The menu of frames that count: all, verified ones, the lists of the project, or others that are asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from iouviewer.app.editing.session import Session
from iouviewer.document.frame_lists import FrameList
from iouviewer.i18n import tr
from iouviewer.jobs.frame_selection import VERIFIED
from iouviewer.ui.dialogs.frame_list_dialog import FrameListDialog


class FrameMenu(QObject):
    """Fills the menu and sets the frames of the scores.

    Signals:
        verifiedOnlyChosen(bool): verified frames only, or another choice.
    """

    verifiedOnlyChosen = Signal(bool)

    def __init__(self, parent: QWidget, session: Session) -> None:
        super().__init__(parent)
        self._parent, self._session = parent, session
        session.sourceChanged.connect(self._on_source_changed)

    @property
    def label(self) -> str:
        """The label or text of the chosen frames; empty for all and for verified ones."""
        settings = self._session.scores.settings
        is_chosen = settings.frames is not None and settings.frames_text not in (None, VERIFIED)
        return str(settings.frames_text) if is_chosen else ""

    def fill(self, menu: QMenu, group: QActionGroup, *, verified_only: bool, verified_count: int) -> None:
        """Add the choices to an empty menu."""
        chosen = self.label
        everything = QAction(tr("All common frames"), menu)
        verified = QAction(tr("Verified frames only ({count:,})", count=verified_count), menu)
        verified.setEnabled(verified_count > 0 or verified_only)
        self._add(menu, group, everything, is_chosen=not verified_only and not chosen)
        everything.triggered.connect(lambda _on: self._use(None))
        self._add(menu, group, verified, is_chosen=verified_only and not chosen)
        verified.triggered.connect(lambda _on: self._use_verified())
        lists = self._session.document.frame_lists.of(self._session.source.id)
        if lists or chosen:
            menu.addSeparator()
        for one in lists:
            text = tr("{name} ({count:,} frames)", name=one.label, count=len(one.frames)).replace("&", "&&")
            action = QAction(text, menu)
            action.setToolTip(one.text)
            self._add(menu, group, action, is_chosen=chosen == one.label)
            action.triggered.connect(partial(self._on_list_triggered, one))
        menu.addSeparator()
        menu.addAction(tr("Other frames…")).triggered.connect(self._ask)
        kept = next((one for one in lists if one.label == chosen), None)
        if kept is not None:
            menu.addAction(tr("Remove list {name}", name=kept.name)).triggered.connect(partial(self._remove, kept))

    @staticmethod
    def _add(menu: QMenu, group: QActionGroup, action: QAction, *, is_chosen: bool) -> None:
        action.setCheckable(True)
        action.setChecked(is_chosen)
        group.addAction(action)
        menu.addAction(action)

    def _on_list_triggered(self, one: FrameList, _on: bool = False) -> None:
        self._use(one)

    def _ask(self) -> None:
        session, source = self._session, self._session.source.id
        dialog = FrameListDialog(
            self._parent.window(),
            frame_count=session.frame_count,
            source=source,
            verified=session.ground_truth.verified(),
            lists=session.document.frame_lists.by_label(source),
        )
        if dialog.exec():
            chosen = dialog.chosen
            if chosen.name:
                session.document.frame_lists.put(chosen)
            self._use(chosen)
        dialog.deleteLater()

    def _remove(self, one: FrameList, _on: bool = False) -> None:
        self._session.document.frame_lists.remove(one.source, one.name)
        self._use(None)

    def _use_verified(self) -> None:
        self._set(None)
        self.verifiedOnlyChosen.emit(True)

    def _use(self, chosen: FrameList | None) -> None:
        self.verifiedOnlyChosen.emit(False)
        self._set(chosen)

    def _set(self, chosen: FrameList | None) -> None:
        settings, session = self._session.scores.settings, self._session
        if chosen is None:
            session.set_score_settings(replace(settings, frames=None, frames_text=None))
            return
        mask = np.zeros(session.frame_count, np.bool_)
        mask[[frame for frame in chosen.frames if frame < session.frame_count]] = True
        text = chosen.label if chosen.name else chosen.text
        if chosen.is_targeted and not text.startswith("@"):
            text = f"@{text}"
        session.set_score_settings(replace(settings, frames=mask, frames_text=text))

    def _on_source_changed(self) -> None:
        if self.label:  # the frames of another source
            self._set(None)
