"""Keys of the actions: the defaults, presets of other annotation tools, and the user's changes."""

from __future__ import annotations

from collections.abc import Mapping

from iouviewer.ui.action_table import ACTIONS, Action
from iouviewer.ui.keyboard.key_text import split_key
from iouviewer.ui.keyboard.positions import MIRROR

Keys = dict[str, tuple[str, ...]]
"""Key texts by action id."""

DEFAULT_PRESET = "iouviewer"

# Only differences from the defaults. A preset has the keys of its tool for what both programs can do. A comment marks
# keys that the tool does not have; they replace ours where the tool uses those for something else.

# cvat-ui/src/reducers/shortcuts-reducer.ts of cvat-ai/cvat (the whole map until 2023, later spread over components).
_CVAT: Keys = {
    "previousFrame": ("D",),
    "nextFrame": ("F",),
    "back10": ("C",),
    "forward10": ("V",),
    "playPause": ("Space",),
    "firstFrame": ("Home",),  # not in CVAT
    "drawBox": ("N", "Shift+N"),
    "keyFrame": ("K",),
    "outside": ("O",),
    "occluded": ("Q", "/"),
    "previousKeyFrame": ("E",),
    "nextKeyFrame": ("R",),
    "hideBoxes": ("H",),
    "lockTrack": ("L",),
    "showLabels": ("Shift+H",),  # not in CVAT
    "isolateTrack": ("Shift+/",),  # not in CVAT
    "propagate": ("Ctrl+B",),
    "mergeTracks": ("M",),
    "splitTrack": ("Alt+M",),
    "nextBox": ("Tab",),
    "previousBox": ("Shift+Tab",),
    "delete": ("Del", "Shift+Del"),
    "copy": ("Ctrl+C",),
    "paste": ("Ctrl+V",),
    "undo": ("Ctrl+Z",),
    "redo": ("Ctrl+Shift+Z", "Ctrl+Y"),
    "snapshot": ("Ctrl+S",),
    "goToFrame": ("`", "Ctrl+G"),
    "keySheet": ("F1", "Ctrl+/"),
    **{f"class{digit}": (f"Ctrl+{digit}", str(digit)) for digit in range(1, 10)},
    "toggleRail": ("Alt+Shift+1",),  # not in CVAT
    "toggleSide": ("Alt+Shift+2",),  # not in CVAT
    "toggleTimeline": ("Alt+Shift+3",),  # not in CVAT
    "fit": ("Ctrl+Shift+0",),  # not in CVAT
    "nextProblem": ("]",),  # not in CVAT
    "previousProblem": ("[",),  # not in CVAT
    "confidenceDown": ("Shift+[",),  # not in CVAT
    "confidenceUp": ("Shift+]",),  # not in CVAT
    "classPicker": ("Ctrl+L",),  # not in CVAT
}
# labelImg.py of HumanSignal/labelImg.
_LABELIMG: Keys = {
    "previousFrame": ("A",),
    "nextFrame": ("D",),
    "drawBox": ("W",),
    "selectTool": ("Ctrl+J",),
    "verifyAndNext": ("Space",),
    "playPause": ("Shift+Space",),  # not in labelImg
    "classPicker": ("Ctrl+E",),
    "export": ("Ctrl+Shift+E",),  # not in labelImg
    "duplicate": ("Ctrl+D",),
    "delete": ("Del",),
    "fit": ("Ctrl+F",),
    "findInList": ("Ctrl+Alt+F",),  # not in labelImg
    "actualSize": ("Ctrl+=",),
    "zoomIn": ("Ctrl++",),
    "zoomOut": ("Ctrl+-",),
    "snapshot": ("Ctrl+S",),
    "openVideo": ("Ctrl+O",),
    "openFolder": ("Ctrl+U",),
    "takePrevious": ("Ctrl+V",),
    "paste": ("Shift+V",),  # not in labelImg
    "hideBoxes": ("Ctrl+H",),
}
# labelme/config/default_config.yaml of wkentaro/labelme.
_LABELME: Keys = {
    "previousFrame": ("A", "Ctrl+Shift+A"),
    "nextFrame": ("D", "Ctrl+Shift+D"),
    "drawBox": ("Ctrl+R",),
    "selectTool": ("Ctrl+J",),
    "runModel": ("Ctrl+Shift+R",),  # not in labelme
    "classPicker": ("Ctrl+E",),
    "export": ("Ctrl+Shift+E",),  # not in labelme
    "duplicate": ("Ctrl+D",),
    "delete": ("Del",),
    "fit": ("Ctrl+F",),
    "findInList": ("Ctrl+Alt+F",),  # not in labelme
    "actualSize": ("Ctrl+0",),
    "zoomIn": ("Ctrl++", "Ctrl+="),
    "zoomOut": ("Ctrl+-",),
    "snapshot": ("Ctrl+S",),
    "openVideo": ("Ctrl+O",),
    "openFolder": ("Ctrl+U",),
    "undo": ("Ctrl+Z",),
}
# anylabeling/configs/xanylabeling_config.yaml of CVHub520/X-AnyLabeling.
_XANYLABELING: Keys = {
    "previousFrame": ("A",),
    "nextFrame": ("D",),
    "drawBox": ("R", "Ctrl+R"),
    "selectTool": ("Ctrl+J",),
    "runModel": ("Ctrl+A",),
    "selectAll": ("Ctrl+Shift+Q",),  # not in X-AnyLabeling
    "classPicker": ("Ctrl+E",),
    "export": ("Ctrl+Shift+E",),  # not in X-AnyLabeling
    "openVideo": ("Ctrl+O",),
    "openFolder": ("Ctrl+U",),
    "copy": ("Ctrl+C",),
    "paste": ("Ctrl+V",),
    "duplicate": ("Ctrl+D",),
    "delete": ("Del",),
    "hideBoxes": ("Ctrl+H",),
    "showLabels": ("Ctrl+L",),
    "fit": ("Ctrl+F",),
    "findInList": ("Ctrl+Alt+F",),  # not in X-AnyLabeling
    "actualSize": ("Ctrl+0",),
    "zoomIn": ("Ctrl++", "Ctrl+="),
    "zoomOut": ("Ctrl+-",),
    "snapshot": ("Ctrl+S",),
    "undo": ("Ctrl+Z",),
}
PRESETS: dict[str, Keys] = {
    DEFAULT_PRESET: {},
    "CVAT": _CVAT,
    "labelImg": _LABELIMG,
    "labelme": _LABELME,
    "X-AnyLabeling": _XANYLABELING,
}
"""The changes of each preset; a key that it assigns is removed from other actions."""


def keys_of(preset: str, changes: Mapping[str, tuple[str, ...]] | None = None, *, is_mirrored: bool = False) -> Keys:
    """Keys of every action: the defaults, overridden by the preset, overridden by the user's changes.

    A key that the preset assigns is removed from the action that had it. The user's changes are not resolved:
    ``conflicts`` reports them.

    Args:
        is_mirrored: places are flipped for a person who holds the mouse in the left hand; changes are not.
    """
    overrides = PRESETS.get(preset, {})
    taken = {key for keys in overrides.values() for key in keys}
    result: Keys = {}
    for action in ACTIONS:
        if action.id in overrides:
            result[action.id] = overrides[action.id]
        else:
            result[action.id] = tuple(key for key in action.keys if key not in taken)
    if is_mirrored:
        result = {id: tuple(map(mirrored, keys)) for id, keys in result.items()}
    for id, keys in (changes or {}).items():
        if id in result:
            result[id] = tuple(keys)
    return result


def mirrored(key: str) -> str:
    """The key at the mirrored place; keys with Ctrl, Alt or Meta stay, since their letters are conventions."""
    prefix, name = split_key(key)
    return prefix + MIRROR.get(name, name) if prefix in ("", "Shift+") else key


def conflicts(keys: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[Action, ...]]:
    """Keys assigned to more than one action, with those actions."""
    users: dict[str, list[Action]] = {}
    for action in ACTIONS:
        for key in keys.get(action.id, ()):
            users.setdefault(key.casefold(), []).append(action)
    return {key: tuple(actions) for key, actions in users.items() if len(actions) > 1}
