"""Every command of the window as data: name, text, icon, keys, menu and handler."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Where(StrEnum):
    """Where a key works: in the whole window, or only while the canvas has the focus."""

    WINDOW = "window"
    CANVAS = "canvas"


@dataclass(frozen=True, slots=True)
class Action:
    """One command.

    Attributes:
        id: the QAction's object name is ``action.`` + id; stable, tests and settings call it so.
        text: for menus, the command palette and the tooltip.
        icon: name in the icon set, empty for none.
        keys: Qt's portable key texts; the first one is shown.
        menu: title of the menu; ``/`` leads into a submenu; empty: not in a menu.
        handler: ``group.method`` of the command groups (commands.py).
        args: given to the handler.
        where: whether the keys work in the whole window.
        checkable: the handler gets the new state.
        held: acts while the key is down: the handler gets True, then False; no QAction shortcut.
        on_release: acts when the key is let go without a drag in between; no QAction shortcut.
    """

    id: str
    text: str
    icon: str
    keys: tuple[str, ...]
    menu: str
    handler: str
    args: tuple[object, ...] = ()
    where: Where = Where.WINDOW
    checkable: bool = False
    held: bool = False
    on_release: bool = False


def _a(id: str, text: str, icon: str, keys: str, menu: str, handler: str, *args: object, **more: bool) -> Action:
    return Action(id, text, icon, tuple(keys.split()), menu, handler, args, **more)  # type: ignore[arg-type]


def _canvas(id: str, text: str, keys: str, handler: str, *args: object) -> Action:
    return Action(id, text, "", tuple(keys.split()), "Boxes/Move and resize", handler, args, Where.CANVAS)


_FILE = (
    _a("openVideo", "Open video…", "folder-open", "Ctrl+O", "File", "files.open_video"),
    _a("openFiles", "Open video, boxes and models…", "files", "Ctrl+Shift+O", "File", "files.open_files"),
    _a("openFolder", "Open folder…", "folder", "", "File", "files.open_folder"),
    _a("openSample", "Open the sample", "film-strip", "", "File", "files.open_sample"),
    _a("importGroundTruth", "Import ground truth…", "download-simple", "", "File", "files.import_ground_truth"),
    _a("addPredictions", "Add predictions…", "stack", "", "File", "files.add_predictions"),
    _a("runModel", "Run a model…", "cpu", "Ctrl+R", "File", "runs.choose_model"),
    _a("snapshot", "Keep a named snapshot…", "camera", "Ctrl+S", "File", "files.snapshot"),
    _a("export", "Export…", "export", "Ctrl+E", "File", "exports.choose"),
    _a("exportCsv", "IoU by frame (CSV)…", "", "", "File/Export as", "exports.score_csv"),
    _a("exportPairs", "All pairs (CSV)…", "", "", "File/Export as", "exports.pairs_csv"),
    _a("exportJson", "All numbers (JSON)…", "", "", "File/Export as", "exports.json"),
    _a("exportPlot", "Plot (PNG or SVG)…", "", "", "File/Export as", "exports.plot"),
    _a("exportFrame", "This frame with boxes (PNG)…", "", "", "File/Export as", "exports.picture"),
    _a("exportMot", "Ground truth as MOTChallenge…", "", "", "File/Export as", "exports.ground_truth", "mot"),
    _a("exportCoco", "Ground truth as COCO JSON…", "", "", "File/Export as", "exports.ground_truth", "coco"),
    _a("exportBoxCsv", "Ground truth as box CSV…", "", "", "File/Export as", "exports.ground_truth", "boxcsv"),
    _a("settings", "Settings…", "gear", "Ctrl+,", "File", "view.settings"),
    _a("quit", "Quit", "", "Ctrl+Q", "File", "view.quit"),
)
_EDIT = (
    _a("undo", "Undo", "arrow-counter-clockwise", "Ctrl+Z", "Edit", "edit.undo"),
    _a("redo", "Redo", "arrow-clockwise", "Ctrl+Shift+Z Ctrl+Y", "Edit", "edit.redo"),
    _a("copy", "Copy boxes", "copy", "Ctrl+C", "Edit", "edit.copy"),
    _a("paste", "Paste boxes", "", "Ctrl+V", "Edit", "edit.paste"),
    _a("duplicate", "Duplicate boxes", "", "Ctrl+D", "Edit", "edit.duplicate"),
    _a("selectAll", "Select all boxes", "", "Ctrl+A", "Edit", "edit.select_all"),
    _a("delete", "Delete boxes", "trash", "Del", "Edit", "edit.delete"),
    _a("cancel", "Cancel", "", "Esc", "Edit", "edit.cancel"),
)
_BOXES = (
    _a("drawBox", "Draw a box", "bounding-box", "W", "Boxes", "edit.draw"),
    _a("classPicker", "Set the class…", "tag", "C", "Boxes", "edit.pick_class"),
    _a("accept", "Accept the prediction", "check", "P", "Boxes", "edit.accept"),
    _a("acceptAll", "Accept all predictions of this frame", "checks", "Shift+P", "Boxes", "edit.accept_all"),
    _a("snapEdge", "Snap the edge to the prediction", "magnet", "G", "Boxes", "edit.snap_edge"),
    _a("takePrevious", "Take the boxes of the previous frame", "", "Shift+V", "Boxes", "edit.take_previous"),
    _a("propagate", "Propagate to the next frames…", "", "Ctrl+B", "Boxes", "edit.propagate"),
    Action("nextBox", "Next box", "", ("Tab",), "Boxes", "edit.next_box", where=Where.CANVAS),
    Action("previousBox", "Previous box", "", ("Shift+Tab",), "Boxes", "edit.previous_box", where=Where.CANVAS),
    _a("outside", "Outside", "", "O", "Boxes/Flags", "edit.toggle_outside"),
    _a("occluded", "Occluded", "", "J", "Boxes/Flags", "edit.toggle_occluded"),
    _a("ignore", "Ignore", "", "I", "Boxes/Flags", "edit.toggle_ignored"),
    _a("keyFrame", "Key frame", "", "K", "Boxes/Track", "edit.toggle_key_frame"),
    _a("previousKeyFrame", "Previous key frame of the track", "", "Q", "Boxes/Track", "edit.previous_key_frame"),
    _a("nextKeyFrame", "Next key frame of the track", "", "E", "Boxes/Track", "edit.next_key_frame"),
    _a("mergeTracks", "Merge the tracks", "", "M", "Boxes/Track", "edit.merge_tracks"),
    _a("splitTrack", "Split the track here", "", "Y", "Boxes/Track", "edit.split_track"),
    _a("swapTracks", "Swap track ids from here", "", "Ctrl+T", "Boxes/Track", "edit.swap_tracks"),
    *(
        _a(f"class{digit}", f"Class {digit}", "", str(digit), "Boxes/Class by digit", "edit.set_class_by_digit", digit)
        for digit in range(1, 10)
    ),
)
_ARROWS = (("Left", -1, 0), ("Right", 1, 0), ("Up", 0, -1), ("Down", 0, 1))
_MOVES = tuple(
    _canvas(f"nudge{side}{name}", f"Move {side.lower()} {step:g} px", f"{key}{side}", "edit.nudge", x * step, y * step)
    for name, key, step in (("", "", 1.0), ("Ten", "Shift+", 10.0), ("Quarter", "Alt+", 0.25))
    for side, x, y in _ARROWS
) + tuple(
    _canvas(
        f"resize{side}", f"Move the nearest edge {side.lower()}", f"Ctrl+{side}", "edit.resize_edge", float(x), float(y)
    )
    for side, x, y in _ARROWS
)
_FRAMES = (
    _a("nextFrame", "Next frame", "caret-right", "D .", "Frame", "frames.step", 1),
    _a("previousFrame", "Previous frame", "caret-left", "A ,", "Frame", "frames.step", -1),
    _a("forward10", "10 frames on", "caret-double-right", "Shift+D", "Frame", "frames.step", 10),
    _a("back10", "10 frames back", "caret-double-left", "Shift+A", "Frame", "frames.step", -10),
    _a("playPause", "Play or pause", "play", "Space", "Frame", "frames.play_or_pause", on_release=True),
    _a("playBackwards", "Play backwards", "rewind", "R", "Frame", "video.play_backwards"),
    _a("slower", "Play slower", "", "-", "Frame/Playing", "video.change_speed", -1),
    _a("faster", "Play faster", "", "=", "Frame/Playing", "video.change_speed", 1),
    _a("loopFrom", "Loop from this frame", "", "Ctrl+[", "Frame/Playing", "video.loop_from"),
    _a("loopTo", "Loop to this frame", "", "Ctrl+]", "Frame/Playing", "video.loop_to"),
    _a("loopOff", "Play without a loop", "", "Ctrl+\\", "Frame/Playing", "video.loop_off"),
    _a("firstFrame", "First frame", "skip-back", "Home", "Frame", "frames.first"),
    _a("lastFrame", "Last frame", "skip-forward", "End", "Frame", "frames.last"),
    _a("goToFrame", "Go to frame…", "", "Ctrl+G", "Frame", "frames.ask_frame"),
    _a("goToTime", "Go to time…", "", "Ctrl+Shift+G", "Frame", "video.ask_time"),
    _a("videoFacts", "About this video…", "info", "Ctrl+I", "Frame", "video.show_facts"),
    _a("verifyAndNext", "Verify and next", "circle-wavy-check", "S", "Frame", "frames.verify_and_next"),
    _a("verifiedEmpty", "Verified: no object here", "", "Shift+S", "Frame", "frames.verified_empty"),
)
_PROBLEMS = (
    _a("nextProblem", "Next problem", "arrow-fat-down", "N", "Problems", "problems.next"),
    _a("previousProblem", "Previous problem", "arrow-fat-up", "Shift+N", "Problems", "problems.previous"),
    _a("takeFix", "Take the proposed fix", "", "Return Enter", "Problems", "problems.take_fix"),
    _a("groundTruthIsRight", "The ground truth is right", "", "X", "Problems", "problems.ground_truth_is_right"),
    _a("unclear", "Unclear", "", "U", "Problems", "problems.unclear"),
)
_VIEW = (
    _a("correct", "Correct", "pencil-line", "F2", "View", "view.show_correct"),
    _a("compare", "Compare", "scales", "F3", "View", "view.show_compare"),
    _a(
        "compareModeSideBySide",
        "Side by side",
        "columns",
        "",
        "View/Compared pictures",
        "view.compare_mode",
        "sideBySide",
    ),
    _a(
        "compareModeSplit",
        "Split with a divider",
        "square-half",
        "",
        "View/Compared pictures",
        "view.compare_mode",
        "split",
    ),
    _a("compareModeOverlay", "Overlay", "intersect", "", "View/Compared pictures", "view.compare_mode", "overlay"),
    _a("compareModeNext", "Next way of comparing", "", "Shift+F3", "View/Compared pictures", "view.next_compare_mode"),
    _a("fit", "Fit the picture", "frame-corners", "Ctrl+F", "View", "view.fit"),
    _a("actualSize", "100 %", "", "Ctrl+0", "View", "view.actual_size"),
    _a("zoomIn", "Zoom in", "", "Ctrl++ Ctrl+=", "View", "view.zoom_in"),
    _a("zoomOut", "Zoom out", "", "Ctrl+-", "View", "view.zoom_out"),
    _a("hideBoxes", "Hide all boxes (hold)", "", "H", "View", "view.hide_boxes", held=True),
    _a("showLabels", "Labels on all boxes (hold)", "", "L", "View", "view.show_labels", held=True),
    _a("sharpPixels", "Sharp pixels beyond 400 %", "", "Z", "View", "view.sharp_pixels", checkable=True),
    _a("adjustPicture", "Brightness and contrast…", "", "Ctrl+Shift+B", "View", "video.adjust_picture"),
    _a("resetPicture", "Brightness and contrast of the file", "", "Shift+B", "View", "video.reset_picture"),
    _a("blindMode", "Blind mode: no predictions", "eye-slash", "B", "View", "view.blind_mode", checkable=True),
    _a("confidenceDown", "Confidence threshold down", "", "[", "View", "view.change_confidence", -0.05),
    _a("confidenceUp", "Confidence threshold up", "", "]", "View", "view.change_confidence", 0.05),
    _a("fitTimeline", "Whole video in the timeline", "", "", "View", "view.fit_timeline"),
    _a("nextPanel", "Next panel", "", "F6", "View", "view.next_panel"),
    _a("commandPalette", "All commands…", "command", "Ctrl+K", "View", "view.command_palette"),
    *(
        _a(f"showVariant{k}", f"Show or hide variant {k}", "", f"Alt+{k}", "View/Variants", "view.toggle_variant", k)
        for k in range(1, 10)
    ),
)

ACTIONS: tuple[Action, ...] = (*_FILE, *_EDIT, *_BOXES, *_MOVES, *_FRAMES, *_PROBLEMS, *_VIEW)
"""All commands in the order of the menus."""

TOOLBAR: tuple[str, ...] = (
    "openVideo",
    "runModel",
    "",
    "undo",
    "redo",
    "",
    "drawBox",
    "classPicker",
    "acceptAll",
    "snapEdge",
    "",
    "previousProblem",
    "nextProblem",
    "verifyAndNext",
    "",
    "fit",
    "blindMode",
    "export",
)
"""Action ids of the tool bar; an empty one is a separator."""
