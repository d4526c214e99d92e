"""The entries of the command palette: commands, tracks, classes and places, for what is typed and selected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from iouviewer.app.editing.session import Session
from iouviewer.app.settings import Settings
from iouviewer.app.video.frame_loader import FrameLoader
from iouviewer.document.boxes import NO_TRACK, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.i18n import tr, tr_n
from iouviewer.ui.action_hints import HINTS
from iouviewer.ui.action_table import ACTIONS, MENUS, Action, Need
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.canvas.box_commands import BoxCommands
from iouviewer.ui.commands.go_to import GoToCommands
from iouviewer.ui.dialogs.palette_dialog import Entry, PaletteDialog, Section
from iouviewer.ui.dialogs.search_dialog import match_rank
from iouviewer.ui.go_to_target import TargetKind, frame_of, go_to_track, parse_target
from iouviewer.ui.panels.score_controls import ScoreControls
from iouviewer.ui.panels.status_bar import format_time

RECENT = "recentCommands"
"""Key of the setting for the commands that were last chosen."""
_RECENT_COUNT = 5
_MOST = 8
"""Most tracks and classes in the list."""
_CONFIDENCE = re.compile(r"[>≥]=?\s*(0?[.,]\d+|[01])")
_SELECTION_NEEDS = frozenset({Need.BOX, Need.ONE_BOX, Need.BOX_OR_PREDICTION, Need.TRACK})
_SELECTION_COMMANDS = frozenset({"delete"})
"""Commands that act on the selection, but do not need one."""
_HELP = ("gettingStarted", "keySheet", "numbersHelp")
_NOT_LISTED = frozenset({"commandPalette", "cancel"})


class PaletteCommands(QObject):
    """Group ``palette``.

    Attributes:
        change_key: asks for another key of a command, by its id; set by the window.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        loader: FrameLoader,
        settings: Settings,
        controls: ScoreControls,
        go_to: GoToCommands,
        boxes: BoxCommands,
    ) -> None:
        super().__init__(window)
        self._boxes = boxes
        self._window, self._session, self._loader, self._settings = window, session, loader, settings
        self._controls, self._go_to = controls, go_to
        self.actions: ActionSet
        self.change_key: Callable[[str], None] = lambda _id: None
        self.sources: Callable[[], Sequence[tuple[str, str, Callable[[], None]]]] = list
        """Name, facts and command of each source of a dataset; replaced by the window."""

    def show(self) -> None:
        """Show the palette and run what is chosen."""
        name = self._selected_name()
        chip = tr("{name} selected", name=name) if name else ""
        dialog = PaletteDialog(self._window, find=self.find, selection=chip)
        if not dialog.exec() or dialog.chosen is None:
            return
        entry = dialog.chosen
        if dialog.wants_key:
            self.change_key(entry.action)
        elif entry.run is not None:
            if entry.action:
                self._remember(entry.action)
            entry.run()

    # Sections

    def find(self, text: str) -> list[Section]:
        """The sections for what is typed."""
        if text.startswith("?"):
            return [Section(tr("Help"), tuple(self._entry(row) for row in ACTIONS if row.id in _HELP))]
        confidence = _CONFIDENCE.fullmatch(text)
        if confidence is not None:
            return [Section(tr("Thresholds"), (self._confidence_entry(float(confidence[1].replace(",", "."))),))]
        ranks = {row.id: self._rank(text, row) for row in ACTIONS if row.id not in _NOT_LISTED}
        rows = [row for row in ACTIONS if ranks.get(row.id) is not None]
        rows.sort(key=lambda row: ranks[row.id] or 0)  # the best match first; equal ones as in the menus
        available = [row for row in rows if not self.actions.reason_of(row.id) and self.actions[row.id].isEnabled()]
        missing = [row for row in rows if row not in available]
        for_selection = [
            row for row in available if not _SELECTION_NEEDS.isdisjoint(row.needs) or row.id in _SELECTION_COMMANDS
        ]
        others = [row for row in available if row not in for_selection]
        sections = [self._places(text)]
        if not text:
            recent = self._recent_rows()
            sections.append(Section(tr("Recent"), self._entries(recent)))
            for_selection = [row for row in for_selection if row not in recent]
            others = [row for row in others if row not in recent]
        name = self._selected_name()
        if name:
            sections.append(Section(tr("For {name}", name=name), self._entries(for_selection)))
        else:
            others = [row for row in available if row in for_selection or row in others]
        sections.append(Section(tr("Commands"), self._entries(others)))
        if text:
            sections += [self._tracks(text), self._classes(text), self._sources(text)]
        sections.append(Section(tr("Not available"), self._entries(missing)))
        return sections

    def _rank(self, text: str, row: Action) -> int | None:
        name = self.actions.text_of(row.id)
        if text and text.casefold().strip() == name.removesuffix("…").casefold():
            return -1  # the whole name comes before names that begin with it
        own = match_rank(text, name)
        if own is not None:
            return own
        # Then by what the menu says of it: the formats stand below *Export as*.
        submenu = MENUS[row.menu] if "/" in row.menu else ""
        for rank, words in ((4, HINTS.get(row.id, "")), (5, submenu)):
            found = match_rank(text, words)
            if found is not None and found <= 1 and text:
                return rank
        return None

    def _entries(self, rows: Iterable[Action]) -> tuple[Entry, ...]:
        return tuple(self._entry(row) for row in rows)

    def _entry(self, row: Action) -> Entry:
        reason = self.actions.reason_of(row.id)
        is_available = not reason and self.actions[row.id].isEnabled()
        subtitle = reason or HINTS.get(row.id) or _menu_path(row)
        run = self.actions[row.id].trigger if is_available else None
        if row.held:
            run = partial(self.actions.run, row.id, True) if is_available else None
        return Entry(
            self.actions.text_of(row.id), subtitle, self.actions.key_of(row.id), run, action=row.id, icon=row.icon
        )

    def _recent_rows(self) -> list[Action]:
        by_id = {row.id: row for row in ACTIONS if row.id not in _NOT_LISTED}
        ids = self._settings.extra.get(RECENT, "").split()
        return [by_id[id] for id in ids if id in by_id and self.actions[id].isEnabled()][:_RECENT_COUNT]

    def _remember(self, id: str) -> None:
        ids = [id, *(other for other in self._settings.extra.get(RECENT, "").split() if other != id)]
        self._settings.extra[RECENT] = " ".join(ids[:_RECENT_COUNT])

    # Places, tracks, classes

    def _places(self, text: str) -> Section:
        target = parse_target(text) if text and self._session.frame_count else None
        if target is None:
            return Section("", ())
        frame = frame_of(target, self._session, self._loader.info)
        run = partial(self._go_to.go, text) if frame is not None else None
        if target.kind is TargetKind.TRACK:
            track = int(target.value)
            subtitle = self._track_facts(track) if run is not None else tr("there is no such track")
            boxes = self._session.ground_truth.track(track)
            name = self._session.document.object_name(boxes[0]) if boxes else tr("track {track}", track=track)
            return Section(tr("Tracks"), (Entry(tr("Go to {name}", name=name), subtitle, run=run),))
        if target.kind is TargetKind.TIME:
            shown = format_time(target.value)
            subtitle = tr("after the end") if frame is None else tr("frame {frame:,}", frame=frame)
            return Section(tr("Frames"), (Entry(tr("Go to {time}", time=shown), subtitle, run=run),))
        last = self._session.frame_count - 1
        subtitle = tr("the last frame is {last:,}", last=last) if frame is None else tr("of {last:,}", last=last)
        title = tr("Go to frame {frame:,}", frame=int(target.value))
        return Section(tr("Frames"), (Entry(title, subtitle, run=run),))

    def _tracks(self, text: str) -> Section:
        session = self._session
        if not session.frame_count:
            return Section("", ())
        _frames, _boxes, classes, tracks, _flags, _ids = session.ground_truth.columns()
        class_of = dict(zip(tracks.tolist(), classes.tolist(), strict=True))
        class_of.pop(NO_TRACK, None)
        names = session.document.class_names
        found: list[tuple[int, int, str]] = []
        for track, class_id in class_of.items():
            name = object_name(class_name_of(class_id, names), track)
            rank = match_rank(text, name)
            if rank is not None and rank <= 1:
                found.append((rank, track, name))
        entries = [
            Entry(name, self._track_facts(track), run=partial(go_to_track, session, track))
            for _rank, track, name in sorted(found)[:_MOST]
        ]
        return Section(tr("Tracks"), tuple(entries))

    def _track_facts(self, track: int) -> str:
        boxes = self._session.ground_truth.track(track)
        frames = [box.frame for box in boxes]
        count = tr_n("{count} box", "{count:,} boxes", len(boxes))
        return tr("frames {first:,}–{last:,} · {boxes}", first=min(frames), last=max(frames), boxes=count)

    def _classes(self, text: str) -> Section:
        classes = self._session.document.classes
        has_box = bool(self._session.selection.boxes)
        entries = []
        for class_id in classes.shown:
            name, digit = classes.names[class_id], classes.digit(class_id)
            rank = match_rank(text, name)
            if rank is None or rank > 1 or not self._session.frame_count:
                continue
            subtitle = tr("change class of the selection") if has_box else tr("class of new boxes")
            entries.append(Entry(name, subtitle, str(digit) if digit else "", partial(self._boxes.set_class, class_id)))
        return Section(tr("Classes"), tuple(entries[:_MOST]))

    def _sources(self, text: str) -> Section:
        found = []
        for name, facts, run in self.sources():
            rank = match_rank(text, name)
            if rank is not None and rank <= 1:
                found.append((rank, Entry(name, facts, run=run)))
        found.sort(key=lambda pair: pair[0])
        return Section(tr("Sources"), tuple(entry for _rank, entry in found[:_MOST]))

    def _confidence_entry(self, value: float) -> Entry:
        title = tr("Set confidence threshold to {value:.2f}", value=value)
        return Entry(title, run=partial(self._controls.set_confidence, value))

    def _selected_name(self) -> str:
        """Name of the selected object or number of selected boxes; empty if nothing is selected."""
        session = self._session
        boxes = [box for box in map(session.ground_truth.find, session.selection.boxes) if box is not None]
        if len(boxes) == 1:
            return session.document.object_name(boxes[0])
        return tr_n("{count} box", "{count:,} boxes", len(boxes)) if boxes else ""


def _menu_path(row: Action) -> str:
    parts: Sequence[str] = row.menu.split("/") if row.menu else ()
    return " › ".join(MENUS["/".join(parts[: depth + 1])] for depth in range(len(parts)))
