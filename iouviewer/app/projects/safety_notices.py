"""The notices of each state in which a project can be found, and of a save that failed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from iouviewer.app.projects.recovery import Hindrance
from iouviewer.app.projects.safety import Choice, Notice
from iouviewer.app.projects.video_change import VideoChange
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.project.writer import ProjectReplacedError

OPENING = "opening"
"""Key of the notice on how the project was opened; the next ones are those of other notices."""
VIDEO = "video"
SAVING = "saving"
PLACE = "place"
SALVAGED = "salvaged"
WORKING_COPY = "workingCopy"

READ_ONLY_MARK = tr("Read-only")


PACKAGE = "package"
"""Key of the notice on a package: whose work it is, and how it is signed."""


def package_notice(name: str, author: str) -> Notice:
    """The project is a package of a split: what it is, and under which name its edits are kept."""
    text = tr(
        "Package of {name}: verify the frames that are not excluded; the guidelines are in Notes. Your work is signed "
        "as “{author}”.",
        name=name,
        author=author,
    )
    return Notice(PACKAGE, text, (Choice.CHANGE_NAME, Choice.CONFIRM))


AUTHOR = "author"
"""Key of the question under which name a person works."""


def author_notice(author: str) -> Notice:
    """The first work that bears a name, and which one that is."""
    if author:
        text = tr(
            "Verified frames, notes and decisions are signed “{author}”, your login name. Others see it in the project "
            "and in exports. You can change it in Settings.",
            author=author,
        )
    else:
        text = tr("Verified frames, notes and decisions are not signed: your login has no name.")
    choices = (Choice.CHANGE_NAME, Choice.CONFIRM) if author else (Choice.CHANGE_NAME, Choice.HIDE)
    return Notice(AUTHOR, text, choices, is_of_program=True)


def copy_key(copy: Path) -> str:
    """Key of the notice that offers a copy."""
    return f"copy:{copy}"


_CHOICES: dict[Hindrance, tuple[Choice, ...]] = {
    Hindrance.LOCKED: (Choice.WORK_ON_COPY, Choice.TAKE_OVER, Choice.SAVE_ELSEWHERE, Choice.HIDE),
    Hindrance.LEFT_LOCK: (Choice.TAKE_OVER, Choice.WORK_ON_COPY, Choice.SAVE_ELSEWHERE, Choice.HIDE),
    Hindrance.READ_ONLY: (Choice.SAVE_ELSEWHERE, Choice.WORK_ON_COPY, Choice.TRY_AGAIN, Choice.HIDE),
    Hindrance.NEWER: (Choice.SAVE_ELSEWHERE, Choice.WORK_ON_COPY, Choice.HIDE),
    Hindrance.SNAPSHOT: (Choice.SAVE_ELSEWHERE, Choice.HIDE),
    Hindrance.KEPT: (Choice.SAVE_ELSEWHERE, Choice.HIDE),
}


def view_notice(path: Path, hindrance: Hindrance, reason: str) -> Notice:
    """A project is shown and cannot be written."""
    advice = {
        Hindrance.LOCKED: tr("Close it there to take over, or work on a copy, which you can merge later."),
        Hindrance.LEFT_LOCK: tr("Take over only if no window has it open on that machine."),
        Hindrance.READ_ONLY: tr("Save elsewhere to edit; the project is then found there."),
        Hindrance.NEWER: tr("What this version does not know is not shown, and not in a copy."),
        Hindrance.SNAPSHOT: tr("Save elsewhere to edit it."),
        Hindrance.KEPT: tr("Save elsewhere to edit it. File > Project leads back."),
    }[hindrance]
    text = tr("{name} is read-only: {reason}. {advice}", name=path.name, reason=reason, advice=advice)
    return Notice(OPENING, text, _CHOICES[hindrance], READ_ONLY_MARK, path)


def unreadable_notice(path: Path, error: UserError) -> Notice:
    """The project cannot be read at all; the video is shown without boxes."""
    text = tr(
        "{name} cannot be opened: {reason}. Nothing is written to it, and nothing can be edited until you decide.",
        name=path.name,
        reason=error.message,
    )
    choices = (Choice.TRY_AGAIN, Choice.START_NEW, Choice.SAVE_ELSEWHERE, Choice.HIDE)
    return Notice(OPENING, text, choices, tr("Project not opened"), path)


def read_only_reason(path: Path, reason: str) -> str:
    """Why an edit is refused."""
    return tr("{name} is read-only: {reason}", name=path.name, reason=reason)


def change_notice(change: VideoChange, *, prediction_count: int, is_read_only: bool) -> Notice:
    """The open video is not the file that was labelled."""
    choices = [Choice.KEEP_BOXES, Choice.FIND_VIDEO, Choice.HIDE]
    sentences = [f"{change.describe()}."]
    if change.scale is not None and not is_read_only:
        choices.insert(0, Choice.SCALE_BOXES)
        if prediction_count:
            sentences.append(
                tr_n(
                    "Scaling moves the ground truth; the predictions of {count} variant stay as they are.",
                    "Scaling moves the ground truth; the predictions of {count} variants stay as they are.",
                    prediction_count,
                )
            )
    return Notice(VIDEO, " ".join(sentences), tuple(choices), tr("Other video"), Path(change.labelled.path))


def save_failed_notice(error: UserError) -> Notice:
    """Edits are only in memory."""
    if isinstance(error, ProjectReplacedError):
        choices = (Choice.KEEP_MINE, Choice.RELOAD, Choice.SAVE_ELSEWHERE, Choice.HIDE)
        return Notice(SAVING, str(error), choices, tr("Not saved"))
    return Notice(SAVING, str(error), (Choice.RETRY_SAVING, Choice.SAVE_ELSEWHERE, Choice.HIDE), tr("Not saved"))


def rebuilt_notice(error: UserError, kept: str, *, has_history: bool) -> Notice:
    """The file was found to be damaged while its contents were shown, and was written again."""
    text = tr(
        "{error}. It is kept as {kept}. Everything that is shown was saved again.", error=error.message, kept=kept
    )
    if not has_history:
        text = tr("{text} Earlier edits can no longer be undone.", text=text)
    return confirmation(SALVAGED, text)


def working_copy_notice(copy: Path, original: Path) -> Notice:
    """Edits go to a copy."""
    text = tr(
        "You work on a copy of {name}: {path}. It is offered each time the project is opened, until you merge or "
        "dismiss it.",
        name=original.name,
        path=copy,
    )
    return Notice(WORKING_COPY, text, (Choice.OPEN_ORIGINAL, Choice.HIDE), tr("Copy"), original)


def copy_offer(copy: Path, changed: float, *, can_merge: bool) -> Notice:
    """A copy of the open project, last changed at this time (seconds since the epoch), has work of its own."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(changed))
    text = tr("A copy of this project of {when} was neither merged nor dismissed: {path}", when=when, path=copy)
    choices = (Choice.OPEN_COPY, Choice.DISMISS_COPY, Choice.HIDE)
    return Notice(copy_key(copy), text, (Choice.MERGE_COPY, *choices) if can_merge else choices, tr("Open copy"), copy)


def confirmation(key: str, text: str) -> Notice:
    """Something that was done to keep work safe, and that a person must have read."""
    return Notice(key, text, (Choice.CONFIRM,))


def folders_notice(replaced: Mapping[str, Path], used: Path) -> Notice:
    """The program's own folders cannot be written."""
    text = tr(
        "{folders} cannot be written. Settings, copies and projects of read-only folders are kept in {used}, which may "
        "be emptied when the computer is restarted: save projects elsewhere.",
        folders=", ".join(str(path) for path in replaced.values()),
        used=used,
    )
    return Notice("folders", text, (Choice.SAVE_ELSEWHERE, Choice.HIDE), tr("Temporary folder"), is_of_program=True)
