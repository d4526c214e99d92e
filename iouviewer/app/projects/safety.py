"""What the window must say about the safety of a project, and what a person can choose; each stays until answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from iouviewer.i18n import tr


class Choice(StrEnum):
    """An answer to a notice."""

    TAKE_OVER = "takeOver"
    TRY_AGAIN = "tryAgain"
    WORK_ON_COPY = "workOnCopy"
    SAVE_ELSEWHERE = "saveElsewhere"
    START_NEW = "startNew"
    RETRY_SAVING = "retrySaving"
    KEEP_MINE = "keepMine"
    RELOAD = "reload"
    MERGE_COPY = "mergeCopy"
    OPEN_COPY = "openCopy"
    OPEN_ORIGINAL = "openOriginal"
    DISMISS_COPY = "dismissCopy"
    SCALE_BOXES = "scaleBoxes"
    KEEP_BOXES = "keepBoxes"
    FIND_VIDEO = "findVideo"
    HIDE = "hide"
    CONFIRM = "confirm"
    CHANGE_NAME = "changeName"


CHOICE_TEXTS: dict[Choice, str] = {
    Choice.TAKE_OVER: tr("Take over"),
    Choice.TRY_AGAIN: tr("Try again"),
    Choice.WORK_ON_COPY: tr("Work on a copy"),
    Choice.SAVE_ELSEWHERE: tr("Save elsewhere…"),
    Choice.START_NEW: tr("Set aside and start new"),
    Choice.RETRY_SAVING: tr("Try again"),
    Choice.KEEP_MINE: tr("Keep mine"),
    Choice.RELOAD: tr("Reload"),
    Choice.MERGE_COPY: tr("Merge copy…"),
    Choice.OPEN_COPY: tr("Open copy"),
    Choice.OPEN_ORIGINAL: tr("Go back to the project"),
    Choice.DISMISS_COPY: tr("Dismiss copy"),
    Choice.SCALE_BOXES: tr("Scale boxes"),
    Choice.KEEP_BOXES: tr("Keep boxes"),
    Choice.FIND_VIDEO: tr("Find the right file…"),
    Choice.HIDE: tr("Hide"),
    Choice.CONFIRM: tr("OK"),
    Choice.CHANGE_NAME: tr("Change name…"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about a project that a person must know or decide.

    Attributes:
        key: replaces an earlier notice with the same key.
        text: what happened, and what it means.
        choices: the answers, the best one first.
        mark: a few words for the status bar; empty if the answer ends it.
        path: the file that the answers are about, None if there is none.
        is_hidden: the person has read it; only its mark is shown.
        is_of_program: it stays when another project is opened.
    """

    key: str
    text: str
    choices: tuple[Choice, ...]
    mark: str = ""
    path: Path | None = None
    is_hidden: bool = False
    is_of_program: bool = False


class Notices(QObject):
    """The notices of the open project, in the order in which they were posted.

    Signals:
        changed(): a notice was posted, answered or withdrawn.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notices: dict[str, Notice] = {}

    @property
    def all(self) -> tuple[Notice, ...]:
        """Every notice, hidden ones too."""
        return tuple(self._notices.values())

    def find(self, key: str) -> Notice | None:
        """The notice with this key, None if there is none."""
        return self._notices.get(key)

    def post(self, notice: Notice) -> None:
        """Show a notice; one with the same text stays as it is, hidden or not."""
        before = self._notices.get(notice.key)
        if before is not None and before == replace(notice, is_hidden=before.is_hidden):
            return
        self._notices[notice.key] = notice
        self.changed.emit()

    def withdraw(self, key: str) -> None:
        """Remove the notice with this key, if there is one: it was answered, or no longer applies."""
        if self._notices.pop(key, None) is not None:
            self.changed.emit()

    def hide(self, key: str) -> None:
        """Leave only the mark of a notice, or remove it if it has none."""
        notice = self._notices.get(key)
        if notice is None:
            return
        if notice.mark:
            self._notices[key] = replace(notice, is_hidden=True)
        else:
            del self._notices[key]
        self.changed.emit()

    def show_all(self) -> None:
        """Show the hidden notices again."""
        if any(notice.is_hidden for notice in self._notices.values()):
            self._notices = {key: replace(notice, is_hidden=False) for key, notice in self._notices.items()}
            self.changed.emit()

    def clear(self) -> None:
        """Remove those of the project: another one is opened."""
        kept = {key: notice for key, notice in self._notices.items() if notice.is_of_program}
        if kept != self._notices:
            self._notices = kept
            self.changed.emit()
