"""Table of all commands: id, text, icon, keys, menu and handler. A new command is one row here and one handler method.

Texts that depend on the state (Undo, class digits, variants, Play) are set by ``ui.action_texts``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iouviewer.app.editing.view_state import ColourBy
from iouviewer.document.boxes import BoxFlag
from iouviewer.i18n import tr
from iouviewer.ui.exports import EXPORTS


class KeyScope(StrEnum):
    """Where the keys of a command work: in the whole window, or only while the canvas has the focus."""

    WINDOW = "window"
    CANVAS = "canvas"


class Need(StrEnum):
    """What a command needs; without it the command is disabled everywhere, with the reason as its tooltip."""

    VIDEO = "video"
    BOX = "box"
    ONE_BOX = "oneBox"
    BOX_OR_PREDICTION = "boxOrPrediction"
    TRACK = "track"
    COPIED = "copied"
    PREDICTIONS = "predictions"
    STARTABLE = "startable"
    SOURCE_FILE = "sourceFile"
    DATASET = "dataset"


REASONS: dict[Need, str] = {
    Need.VIDEO: tr("needs an open video"),
    Need.BOX: tr("needs a selected box"),
    Need.ONE_BOX: tr("needs one selected box"),
    Need.BOX_OR_PREDICTION: tr("needs a selected box or prediction"),
    Need.TRACK: tr("needs a selected box with a track"),
    Need.COPIED: tr("needs copied boxes"),
    Need.PREDICTIONS: tr("needs predictions"),
    Need.STARTABLE: tr("needs predictions, and a ground truth without boxes"),
    Need.SOURCE_FILE: tr("needs ground truth that was read from a file"),
    Need.DATASET: tr("needs a dataset with several sources"),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One command.

    Attributes:
        id: the QAction's object name is ``action.`` + id; stable, used by tests, scripts and settings.
        text: shown in menus, the command palette and the tooltip.
        icon: name in the icon set, empty for none.
        keys: Qt's portable key texts; the first one is shown.
        menu: key of ``MENUS``, empty if the command is not in a menu.
        handler: ``group.method`` of the command groups (``ui.commands`` and ``canvas.box_commands``).
        args: arguments of the handler.
        scope: where the keys work.
        checkable: the handler gets the new state.
        held: active while the key is down: the handler gets True, then False. Handled by ``KeyFilter``, not by Qt.
        on_release: runs when the key is released without a drag in between. Handled by ``KeyFilter``, not by Qt.
        needs: enabled only while these hold.
    """

    id: str
    text: str
    icon: str
    keys: tuple[str, ...]
    menu: str
    handler: str
    args: tuple[object, ...] = ()
    scope: KeyScope = KeyScope.WINDOW
    checkable: bool = False
    held: bool = False
    on_release: bool = False
    needs: tuple[Need, ...] = (Need.VIDEO,)

    @property
    def name(self) -> str:
        """The text without its ellipsis."""
        return self.text.removesuffix("…")


MENUS: dict[str, str] = {
    "file": tr("File"),
    "file/sources": tr("Sources"),
    "file/project": tr("Project"),
    "file/exportAs": tr("Export as"),
    "edit": tr("Edit"),
    "view": tr("View"),
    "view/comparisonLayout": tr("Comparison layout"),
    "view/variants": tr("Variants"),
    "view/colourBy": tr("Colour by"),
    "view/panels": tr("Panels"),
    "frame": tr("Frame"),
    "frame/playback": tr("Playback"),
    "frame/walk": tr("Walk"),
    "box": tr("Box"),
    "box/flags": tr("Flags"),
    "box/class": tr("Class"),
    "box/moveAndResize": tr("Move and resize"),
    "track": tr("Track"),
    "problems": tr("Problems"),
    "help": tr("Help"),
}
"""Title of each menu by its key, in the order of the menu bar; ``/`` separates a submenu from its menu."""
FIRST_OF_GROUP = frozenset(
    (
        *("filter", "importGroundTruth", "runModel", "restore", "quit", "copy", "findInList", "settings"),
        *("fit", "hideBoxes", "adjustPicture", "blindMode", "toggleRail", "playPause", "firstFrame", "verifyAndNext"),
        *("nextUnverified", "classPicker", "accept", "addNote", "outside", "trimStart", "setTrack", "fillByFollowing"),
        *("linkTracks", "deleteFromHere", "takeFix", "takeFixHere", "problemGrid", "releaseNotes", "about"),
    )
)
"""Commands above which their menu has a line."""


def _action(
    id: str,
    text: str,
    icon: str,
    keys: str | tuple[str, ...],
    menu: str,
    handler: str,
    *args: object,
    scope: KeyScope = KeyScope.WINDOW,
    checkable: bool = False,
    held: bool = False,
    on_release: bool = False,
    needs_video: bool = True,
    needs: Need | None = None,
) -> Action:
    """A row of the table; several keys in one text are separated by spaces. ``needs`` comes on top of the video."""
    split = tuple(keys.split()) if isinstance(keys, str) else keys
    all_needs = ((Need.VIDEO,) if needs_video else ()) + ((needs,) if needs is not None else ())
    return Action(id, text, icon, split, menu, handler, args, scope, checkable, held, on_release, all_needs)


_IN_SOURCES = "file/sources"
_SOURCES = (
    _action("addSources", tr("Add sources…"), "plus-circle", "", _IN_SOURCES, "dataset.add_files"),
    _action("addSourceFolder", tr("Add folder of sources…"), "folder", "", _IN_SOURCES, "dataset.add_folder"),
    *(
        _action(id, text, icon, keys, _IN_SOURCES, f"dataset.{method}", *args, needs=Need.DATASET)
        for id, text, icon, keys, method, args in (
            ("nextSource", tr("Next source"), "caret-down", "Ctrl+PgDown", "step", (1,)),
            ("previousSource", tr("Previous source"), "caret-up", "Ctrl+PgUp", "step", (-1,)),
            ("openSource", tr("Open source in Correct"), "pencil-line", "", "open_source", ()),
            ("compareSource", tr("Compare on source"), "scales", "", "compare_selected", ()),
            ("includeSource", tr("Count source in all together"), "", "", "toggle_included", ()),
            ("sourceTags", tr("Tags of source…"), "tag", "", "edit_tags", ()),
            ("sourceUp", tr("Move source up"), "", "", "move", (-1,)),
            ("sourceDown", tr("Move source down"), "", "", "move", (1,)),
            ("removeSource", tr("Remove source from dataset…"), "", "", "remove", ()),
            ("datasetReport", tr("Report on all sources…"), "file-text", "", "report", ()),
            ("closeDataset", tr("Leave dataset"), "", "", "close_dataset", ()),
        )
    ),
)
DATASET_BUTTONS = ("addSources", "datasetReport")
"""Commands with a button in the Dataset workspace."""

_FILE = (
    _action(
        "openVideo",
        tr("Open video or images…"),
        "folder-open",
        "Ctrl+O",
        "file",
        "files.open_video",
        needs_video=False,
    ),
    _action(
        "openFiles",
        tr("Open with ground truth and predictions…"),
        "files",
        "Ctrl+Shift+O",
        "file",
        "files.open_files",
        needs_video=False,
    ),
    _action("openFolder", tr("Open folder…"), "folder", "", "file", "files.open_folder", needs_video=False),
    _action("openSample", tr("Open sample"), "film-strip", "", "file", "files.open_sample", needs_video=False),
    _action(
        "importGroundTruth", tr("Import ground truth…"), "download-simple", "", "file", "files.import_ground_truth"
    ),
    _action("compareTruths", tr("Compare with other ground truth…"), "users", "", "file", "agreement.choose"),
    _action("addPredictions", tr("Add predictions…"), "stack", "", "file", "files.add_predictions"),
    _action("runModel", tr("Run model…"), "cpu", "Ctrl+R", "file", "runs.choose_model"),
    _action("measureSpeed", tr("Measure speed"), "", "Ctrl+Shift+M", "file", "speed.measure", needs=Need.PREDICTIONS),
    _action("importSpeeds", tr("Import speeds…"), "", "", "file", "speed.choose_file", needs=Need.PREDICTIONS),
    _action("makeVariants", tr("Make variants…"), "package", "", "file", "runs.make_variants"),
    _action(
        "startFromPredictions", tr("Start from predictions…"), "", "", "file", "linking.start", needs=Need.STARTABLE
    ),
    *_SOURCES,
    _action("restore", tr("Restore…"), "clock-counter-clockwise", "", "file/project", "project.restore"),
    _action("saveProjectAs", tr("Save project as…"), "", "", "file/project", "project.save_as"),
    _action("snapshot", tr("Save snapshot…"), "camera", "Ctrl+S", "file", "files.snapshot"),
    _action(
        "saveToSource",
        tr("Save to source…"),
        "",
        "Ctrl+Shift+S",
        "file",
        "exports.save_to_source",
        needs=Need.SOURCE_FILE,
    ),
    _action("export", tr("Export…"), "export", "Ctrl+E", "file", "exports.choose"),
    *(
        _action(export.id, export.text, "", "", "file/exportAs", "exports.export", export.id)
        for export in EXPORTS
        if export.in_menu
    ),
    _action("quit", tr("Quit"), "", "Ctrl+Q", "file", "view.quit", needs_video=False),
)
_EDIT = (
    _action("undo", tr("Undo"), "arrow-counter-clockwise", "Ctrl+Z", "edit", "edit.undo"),
    _action("redo", tr("Redo"), "arrow-clockwise", "Ctrl+Shift+Z Ctrl+Y", "edit", "edit.redo"),
    _action("copy", tr("Copy"), "copy", "Ctrl+C", "edit", "boxes.copy", needs=Need.BOX),
    _action("paste", tr("Paste"), "", "Ctrl+V", "edit", "boxes.paste", needs=Need.COPIED),
    _action("duplicate", tr("Duplicate"), "", "Ctrl+D", "edit", "boxes.duplicate", needs=Need.BOX),
    _action("selectAll", tr("Select all"), "", "Ctrl+A", "edit", "boxes.select_all"),
    _action("delete", tr("Delete"), "trash", "Del", "edit", "boxes.delete_selected"),
    _action("findInList", tr("Find in list"), "filter", "Ctrl+F", "edit", "side.find_in_list"),
    _action("cancel", tr("Cancel"), "", "Esc", "", "edit.cancel", needs_video=False),
    _action("settings", tr("Settings…"), "gear", "Ctrl+,", "edit", "view.show_settings", needs_video=False),
)
_BOX = (
    _action("selectTool", tr("Select boxes"), "", "", "box", "edit.use_select_tool"),
    _action("drawBox", tr("Draw box"), "bounding-box", "W", "box", "edit.draw"),
    _action("drawRegion", tr("Draw region to ignore"), "prohibit", "Shift+I", "box", "edit.draw_region"),
    _action("classPicker", tr("Change class…"), "tag", "C", "box", "edit.pick_class"),
    _action("inspector", tr("Edit in inspector"), "", "Ctrl+I", "box", "side.focus_inspector"),
    _action("attributes", tr("Attributes…"), "", "", "box", "side.edit_attributes", needs=Need.BOX),
    _action("classes", tr("Classes…"), "classes", "", "box", "classes.show"),
    _action(
        "accept", tr("Accept prediction"), "check", "P", "box", "boxes.accept_prediction", needs=Need.BOX_OR_PREDICTION
    ),
    _action(
        "acceptAll",
        tr("Accept all on this frame"),
        "checks",
        "Shift+P",
        "box",
        "boxes.accept_all_predictions",
        needs=Need.PREDICTIONS,
    ),
    _action("snapEdge", tr("Snap edge to prediction"), "magnet", "G", "box", "boxes.snap_edge", needs=Need.ONE_BOX),
    _action("takePrevious", tr("Copy from previous frame"), "", "Shift+V", "box", "edit.take_previous"),
    _action("propagate", tr("Propagate…"), "", "Ctrl+B", "box", "propagation.choose", needs=Need.BOX),
    _action("addNote", tr("Add note"), "note", "Ctrl+M", "box", "notes.add"),
    _action("noteDone", tr("Mark note as done or open"), "", "", "", "notes.toggle_done"),
    _action("noteEdit", tr("Change text of note"), "", "", "", "notes.edit"),
    _action("noteDelete", tr("Delete note"), "", "", "", "notes.delete"),
    _action("nextBox", tr("Next box"), "", "Tab", "box", "boxes.next_box", scope=KeyScope.CANVAS),
    _action("previousBox", tr("Previous box"), "", "Shift+Tab", "box", "boxes.previous_box", scope=KeyScope.CANVAS),
    _action("outside", tr("Out of view"), "", "O", "box/flags", "boxes.toggle_flag", BoxFlag.OUTSIDE, needs=Need.BOX),
    _action("occluded", tr("Occluded"), "", "J", "box/flags", "boxes.toggle_flag", BoxFlag.OCCLUDED, needs=Need.BOX),
    _action(
        "ignore", tr("Ignore in scores"), "", "I", "box/flags", "boxes.toggle_flag", BoxFlag.IGNORED, needs=Need.BOX
    ),
    _action("truncated", tr("Truncated"), "", "", "box/flags", "boxes.toggle_flag", BoxFlag.TRUNCATED, needs=Need.BOX),
    *(
        _action(
            f"class{digit}",
            tr("Class {digit}", digit=digit),
            "",
            str(digit),
            "box/class",
            "boxes.set_class_by_digit",
            digit,
        )
        for digit in range(1, 10)
    ),
)
_TRACK = (
    _action("keyFrame", tr("Key frame"), "", "K", "track", "boxes.toggle_flag", BoxFlag.KEY_FRAME, needs=Need.BOX),
    _action(
        "previousKeyFrame", tr("Previous key frame"), "", "Q", "track", "boxes.previous_key_frame", needs=Need.TRACK
    ),
    _action("nextKeyFrame", tr("Next key frame"), "", "E", "track", "boxes.next_key_frame", needs=Need.TRACK),
    _action(
        "startOfTrack",
        tr("Start of track"),
        "",
        "Shift+Q",
        "track",
        "boxes.go_to_end_of_track",
        0,
        needs=Need.TRACK,
    ),
    _action("endOfTrack", tr("End of track"), "", "Shift+E", "track", "boxes.go_to_end_of_track", -1, needs=Need.TRACK),
    _action(
        "trimStart", tr("Trim start to here"), "", "Alt+[", "track", "boxes.set_end_of_track", True, needs=Need.TRACK
    ),
    _action("trimEnd", tr("Trim end to here"), "", "Alt+]", "track", "boxes.set_end_of_track", False, needs=Need.TRACK),
    _action("lockTrack", tr("Lock or unlock track"), "", "", "track", "view.lock_track", needs=Need.TRACK),
    _action("isolateTrack", tr("Isolate track"), "", "/", "track", "view.isolate_track"),
    _action("setTrack", tr("Set track…"), "tracks", "Shift+C", "track", "side.set_track", needs=Need.BOX),
    _action("mergeTracks", tr("Merge tracks…"), "", "M", "track", "tracks.merge"),
    _action("splitTrack", tr("Split track here"), "", "Y", "track", "boxes.split_track", needs=Need.TRACK),
    _action("swapTracks", tr("Swap tracks from here…"), "", "Ctrl+T", "track", "tracks.swap", needs=Need.TRACK),
    _action(
        "fillByFollowing",
        tr("Fill gap by following the object"),
        "",
        "Alt+B",
        "track",
        "propagation.fill_by_following",
        needs=Need.TRACK,
    ),
    _action(
        "fillStraight",
        tr("Fill gap on a straight line"),
        "",
        "Alt+Shift+B",
        "track",
        "propagation.fill_straight",
        needs=Need.TRACK,
    ),
    _action("fillGaps", tr("Fill all gaps of track"), "", "", "track", "tracks.fill_gaps", needs=Need.TRACK),
    _action("linkTracks", tr("Link boxes into tracks…"), "", "", "track", "linking.link"),
    _action("trackClass", tr("Change class of track…"), "classes", "", "track", "tracks.change_class"),
    _action(
        "deleteFromHere", tr("Delete track from here"), "", "", "track", "tracks.delete_from_here", needs=Need.TRACK
    ),
    _action("deleteRange", tr("Delete track in range"), "", "", "track", "tracks.delete_range", needs=Need.TRACK),
    _action("deleteTrack", tr("Delete track"), "trash", "Shift+Del", "track", "tracks.delete"),
)
_STEPS = (("", "", 1.0), ("Ten", "Shift+", 10.0), ("Quarter", "Alt+", 0.25))
"""Suffix of the action id, modifier key and step in pixels."""
_MOVES = tuple(
    _action(
        f"nudge{arrow}{suffix}",
        text,
        "",
        f"{modifier}{arrow}",
        "box/moveAndResize",
        "edit.nudge",
        x * step,
        y * step,
        scope=KeyScope.CANVAS,
    )
    for suffix, modifier, step in _STEPS
    for arrow, x, y, text in (
        ("Left", -1, 0, tr("Nudge left {step:g} px", step=step)),
        ("Right", 1, 0, tr("Nudge right {step:g} px", step=step)),
        ("Up", 0, -1, tr("Nudge up {step:g} px", step=step)),
        ("Down", 0, 1, tr("Nudge down {step:g} px", step=step)),
    )
) + tuple(
    _action(
        f"resize{arrow}",
        text,
        "",
        f"Ctrl+{arrow}",
        "box/moveAndResize",
        "boxes.resize_nearest_edge",
        float(x),
        float(y),
        scope=KeyScope.CANVAS,
    )
    for arrow, x, y, text in (
        ("Left", -1, 0, tr("Resize nearest edge left")),
        ("Right", 1, 0, tr("Resize nearest edge right")),
        ("Up", 0, -1, tr("Resize nearest edge up")),
        ("Down", 0, 1, tr("Resize nearest edge down")),
    )
)
_FRAME = (
    _action("nextFrame", tr("Next frame"), "caret-right", "D .", "frame", "frames.step", 1),
    _action("previousFrame", tr("Previous frame"), "caret-left", "A ,", "frame", "frames.step", -1),
    _action("forward10", tr("Forward 10 frames"), "caret-double-right", "Shift+D", "frame", "frames.step", 10),
    _action("back10", tr("Back 10 frames"), "caret-double-left", "Shift+A", "frame", "frames.step", -10),
    _action("playPause", tr("Play"), "play", "Space", "frame", "frames.play_or_pause", on_release=True),
    _action("playBackwards", tr("Play in reverse"), "rewind", "R", "frame", "video.play_backwards"),
    _action("slower", tr("Slower"), "", "-", "frame/playback", "video.change_speed", -1),
    _action("faster", tr("Faster"), "", "=", "frame/playback", "video.change_speed", 1),
    _action("loopFrom", tr("Set loop start"), "", "Ctrl+[", "frame/playback", "video.set_loop_start"),
    _action("loopTo", tr("Set loop end"), "", "Ctrl+]", "frame/playback", "video.set_loop_end"),
    _action("loopOff", tr("Clear loop"), "", "Ctrl+\\", "frame/playback", "video.clear_loop"),
    _action("firstFrame", tr("First frame"), "skip-back", "Home", "frame", "frames.first"),
    _action("lastFrame", tr("Last frame"), "skip-forward", "End", "frame", "frames.last"),
    _action("goToFrame", tr("Go to…"), "", "Ctrl+G", "frame", "goTo.ask_frame"),
    _action("goToTime", tr("Go to time…"), "", "Ctrl+Shift+G", "frame", "goTo.ask_time"),
    _action(
        "videoFacts", tr("Video properties…"), "info", ("Alt+Return", "Alt+Enter"), "frame", "video.show_properties"
    ),
    _action("verifyAndNext", tr("Verify and go to next"), "circle-wavy-check", "S", "frame", "boxes.verify_and_next"),
    _action("verifiedEmpty", tr("Verify as empty"), "", "Shift+S", "frame", "boxes.verify_empty"),
    _action("returnFrame", tr("Return with note…"), "", "", "frame", "notes.return_frame"),
    _action("excludeFrame", tr("Exclude frame"), "prohibit", "Alt+S", "frame", "boxes.exclude_frame"),
    _action("excludeFrames", tr("Exclude frames…"), "", "Alt+Shift+S", "frame", "frames.exclude_several"),
    _action("nextUnverified", tr("Next frame not verified"), "", "Shift+U", "frame", "frames.next_unverified"),
    _action("nextEmpty", tr("Next frame without boxes"), "", "", "frame", "frames.next_empty"),
    _action("nextChanged", tr("Next frame changed since verified"), "", "", "frame", "frames.next_changed"),
    _action("toggleWalk", tr("Begin or leave walk"), "", "Shift+W", "frame/walk", "frames.toggle_walk"),
    *(
        _action(f"walk{kind[:1].upper()}{kind[1:]}", text, "", "", "frame/walk", "frames.start_walk", kind)
        for kind, text in (
            ("all", tr("Walk through all frames")),
            ("notVerified", tr("Walk through frames not verified")),
            ("changed", tr("Walk through frames changed since verified")),
            ("excluded", tr("Walk through excluded frames")),
            ("list", tr("Walk through frames with problems")),
        )
    ),
)
_PROBLEMS = (
    _action("nextProblem", tr("Next problem"), "arrow-fat-down", "N", "problems", "problems.next"),
    _action("previousProblem", tr("Previous problem"), "arrow-fat-up", "Shift+N", "problems", "problems.previous"),
    _action("takeFix", tr("Apply fix"), "", ("F", "Return", "Enter"), "problems", "problems.apply_fix"),
    _action("groundTruthIsRight", tr("Keep box"), "", "X", "problems", "problems.keep_ground_truth"),
    _action("unclear", tr("Mark unclear"), "", "V U", "problems", "problems.mark_unclear"),
    _action(
        "takeFixHere",
        tr("Apply fix on this frame only"),
        "",
        ("Shift+F", "Shift+Return", "Shift+Enter"),
        "problems",
        "problems.apply_fix_here",
    ),
    _action(
        "groundTruthIsRightHere",
        tr("Keep box on this frame only"),
        "",
        "Shift+X",
        "problems",
        "problems.keep_ground_truth_here",
    ),
    _action("unclearHere", tr("Mark unclear on this frame only"), "", "", "problems", "problems.mark_unclear_here"),
    _action("problemGrid", tr("Problem grid"), "gallery", "Shift+G", "problems", "problems.show_grid"),
    _action(
        "scoreWithoutAccepted",
        tr("Score without accepted boxes"),
        "",
        "",
        "problems",
        "linking.leave_out_accepted",
        checkable=True,
        needs=Need.PREDICTIONS,
    ),
    _action("reviewLedger", tr("Ledger of decisions"), "report", "", "problems", "problems.show_ledger"),
)
_LAYOUT, _SET_LAYOUT = "view/comparisonLayout", "view.set_compare_mode"
_VIEW = (
    _action("correct", tr("Correct"), "pencil-line", "F2", "view", "view.show_correct"),
    _action("compare", tr("Compare"), "scales", "F3", "view", "view.show_compare"),
    _action("dataset", tr("Dataset"), "stack", "F4", "view", "view.show_dataset", needs=Need.DATASET),
    *(
        _action(f"compareMode{name}", text, icon, "", _LAYOUT, _SET_LAYOUT, mode, needs_video=False)
        for name, mode, text, icon in (
            ("SideBySide", "sideBySide", tr("Side by side"), "columns"),
            ("Split", "split", tr("Split"), "square-half"),
            ("Overlay", "overlay", tr("Overlay"), "intersect"),
            ("Four", "four", tr("Four canvases"), "grid-four"),
            ("Blink", "blink", tr("One canvas, swapped by key"), "swap"),
        )
    ),
    _action("blink", tr("Swap baseline and variant (hold)"), "", "Shift+H", _LAYOUT, "view.blink", held=True),
    _action("compareModeNext", tr("Next layout"), "", "Shift+F3", _LAYOUT, "view.next_compare_mode", needs_video=False),
    _action("filter", tr("Filter…"), "filter", "Ctrl+L", "view", "filter.ask"),
    _action("removeFilter", tr("Remove filter"), "", "", "view", "filter.remove"),
    _action("gallery", tr("Show in gallery"), "", "Alt+G", "view", "gallery.show"),
    _action("fit", tr("Fit to window"), "frame-corners", "Ctrl+9", "view", "view.fit"),
    _action("actualSize", tr("Actual size"), "", "Ctrl+0", "view", "view.actual_size"),
    _action("zoomIn", tr("Zoom in"), "", "Ctrl++ Ctrl+=", "view", "view.zoom_in"),
    _action("zoomOut", tr("Zoom out"), "", "Ctrl+-", "view", "view.zoom_out"),
    _action("hideBoxes", tr("Hide boxes (hold)"), "", "H", "view", "view.hide_boxes", held=True),
    _action("showLabels", tr("Show all captions (hold)"), "", "L", "view", "view.show_all_captions", held=True),
    _action("loupe", tr("Loupe (hold)"), "loupe", "Z", "view", "view.show_loupe", held=True),
    *(
        _action(f"colourBy{by.name.title()}", text, "", "", "view/colourBy", "view.colour_by", by.value)
        for by, text in (
            (ColourBy.SOURCE, tr("Colour by source")),
            (ColourBy.CLASS, tr("Colour by class")),
            (ColourBy.TRACK, tr("Colour by track")),
        )
    ),
    _action(
        "sharpPixels", tr("Show pixels above 400 %"), "", "Shift+Z", "view", "view.set_sharp_pixels", checkable=True
    ),
    _action("followTrack", tr("Follow selected track"), "", "Shift+L", "view", "view.follow_track", checkable=True),
    _action("adjustPicture", tr("Brightness and contrast…"), "", "Ctrl+Shift+B", "view", "video.adjust_levels"),
    _action("resetPicture", tr("Reset brightness and contrast"), "", "Shift+B", "view", "video.reset_levels"),
    _action(
        "blindMode",
        tr("Hide predictions (blind mode)"),
        "eye-slash",
        "B",
        "view",
        "view.set_blind_mode",
        checkable=True,
    ),
    _action(
        "confidenceDown", tr("Lower confidence"), "", "[", "view", "view.change_confidence", -0.05, needs_video=False
    ),
    _action("confidenceUp", tr("Raise confidence"), "", "]", "view", "view.change_confidence", 0.05, needs_video=False),
    _action("toggleRail", tr("Tool rail"), "", "Ctrl+1", "view/panels", "view.toggle_panel", "rail", needs_video=False),
    _action(
        "toggleSide", tr("Side panel"), "", "Ctrl+2", "view/panels", "view.toggle_panel", "side", needs_video=False
    ),
    _action(
        "toggleTimeline",
        tr("Timeline"),
        "",
        "Ctrl+3",
        "view/panels",
        "view.toggle_panel",
        "timeline",
        needs_video=False,
    ),
    _action("restoreLayout", tr("Restore layout"), "", "", "view/panels", "view.restore_layout", needs_video=False),
    _action(
        "fullScreen", tr("Full screen"), "corners-out", "F11", "view", "view.toggle_full_screen", needs_video=False
    ),
    _action("iouPlot", tr("IoU plot"), "chart-line", "\\", "view", "view.toggle_iou_plot"),
    _action("trackLanes", tr("Track lanes"), "rows", "T", "view", "view.toggle_track_lanes"),
    _action("fitTimeline", tr("Fit timeline"), "", "Ctrl+Shift+F", "view", "view.fit_timeline"),
    _action("nextPanel", tr("Next panel"), "", "F6", "view/panels", "view.next_panel", 1, needs_video=False),
    _action(
        "previousPanel", tr("Previous panel"), "", "Shift+F6", "view/panels", "view.next_panel", -1, needs_video=False
    ),
    _action(
        "commandPalette",
        tr("Command palette…"),
        "command",
        "Ctrl+K",
        "view",
        "palette.show",
        needs_video=False,
    ),
    *(
        _action(
            f"showVariant{number}",
            tr("Show variant {number}", number=number),
            "",
            f"Alt+{number}",
            "view/variants",
            "view.toggle_variant",
            number,
        )
        for number in range(1, 10)
    ),
    _action("variantBaseline", tr("Set as baseline"), "baseline", "", "view/variants", "variants.set_baseline"),
    _action("variantRename", tr("Rename variant…"), "", "", "view/variants", "variants.rename"),
    _action("variantLook", tr("Colour and dash…"), "", "", "view/variants", "variants.choose_look"),
    _action("variantClasses", tr("Classes of variant…"), "", "", "view/variants", "variants.choose_classes"),
    _action("variantResume", tr("Resume run"), "", "", "view/variants", "variants.resume"),
    _action("variantRunAgain", tr("Run again…"), "", "", "view/variants", "variants.run_again"),
    _action("variantExport", tr("Export predictions…"), "", "", "view/variants", "variants.export"),
    _action("variantRemove", tr("Remove variant"), "", "", "view/variants", "variants.remove"),
)

_HELP = (
    _action("gettingStarted", tr("Getting started"), "", "", "help", "help.getting_started", needs_video=False),
    _action("manual", tr("Manual"), "", "", "help", "help.manual", needs_video=False),
    _action("keySheet", tr("Keys…"), "keyboard", "Ctrl+/", "help", "help.keys", needs_video=False),
    _action("contextHelp", tr("Help for what has the focus"), "", "F1", "help", "help.for_focus", needs_video=False),
    _action("numbersHelp", tr("What the numbers mean"), "", "", "help", "help.numbers", needs_video=False),
    _action("releaseNotes", tr("Release notes"), "", "", "help", "help.release_notes", needs_video=False),
    _action("reportProblem", tr("Report a problem…"), "", "", "help", "help.report_problem", needs_video=False),
    _action("openLogFolder", tr("Open log folder"), "", "", "help", "help.open_log_folder", needs_video=False),
    _action("about", tr("About"), "", "", "help", "help.about", needs_video=False),
)

ACTIONS: tuple[Action, ...] = (*_FILE, *_EDIT, *_VIEW, *_FRAME, *_BOX, *_MOVES, *_TRACK, *_PROBLEMS, *_HELP)
"""All commands in the order of the menus."""
