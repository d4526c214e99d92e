"""Keys of the actions: the defaults, presets of other annotation tools, and the user's changes."""

from __future__ import annotations

from collections.abc import Mapping

from iouviewer.ui.action_table import ACTIONS, Action

Keys = dict[str, tuple[str, ...]]
"""Key texts by action id."""

DEFAULT_PRESET = "iouviewer"

# Only differences from the defaults. In CVAT, D is the previous frame; in labelImg, Space verifies.
_CVAT: Keys = {
    "previousFrame": ("D",),
    "nextFrame": ("F",),
    "back10": ("C",),
    "forward10": ("V",),
    "playPause": ("Space",),
    "firstFrame": ("Home",),
    "drawBox": ("N", "Shift+N"),
    "keyFrame": ("K",),
    "outside": ("O",),
    "occluded": ("Q",),
    "previousKeyFrame": ("E",),
    "nextKeyFrame": ("R",),
    "hideBoxes": ("H",),
    "propagate": ("Ctrl+B",),
    "mergeTracks": ("M",),
    "nextBox": ("Tab",),
    "previousBox": ("Shift+Tab",),
    "delete": ("Del", "Shift+Del"),
    "redo": ("Ctrl+Shift+Z", "Ctrl+Y"),
    "goToFrame": ("`", "Ctrl+G"),
    "nextProblem": ("]",),
    "previousProblem": ("[",),
    "confidenceDown": ("Shift+[",),
    "confidenceUp": ("Shift+]",),
    "classPicker": ("Ctrl+L",),
}
_LABELIMG: Keys = {
    "previousFrame": ("A",),
    "nextFrame": ("D",),
    "drawBox": ("W",),
    "verifyAndNext": ("Space",),
    "playPause": ("Shift+Space",),
    "classPicker": ("Ctrl+E",),
    "export": ("Ctrl+Shift+E",),
    "duplicate": ("Ctrl+D",),
    "delete": ("Del",),
    "fit": ("Ctrl+F",),
    "actualSize": ("Ctrl+=",),
    "zoomIn": ("Ctrl++",),
    "zoomOut": ("Ctrl+-",),
    "openVideo": ("Ctrl+O",),
    "openFolder": ("Ctrl+U",),
    "takePrevious": ("Ctrl+V",),
    "paste": ("Shift+V",),
    "hideBoxes": ("Ctrl+H",),
}
_XANYLABELING: Keys = {
    "previousFrame": ("A", "Ctrl+Shift+A"),
    "nextFrame": ("D", "Ctrl+Shift+D"),
    "drawBox": ("R", "Ctrl+R"),
    "runModel": ("Ctrl+A",),
    "selectAll": ("Ctrl+Shift+Q",),
    "cancel": ("Esc", "Ctrl+J"),
    "classPicker": ("Ctrl+E",),
    "export": ("Ctrl+Shift+E",),
    "openVideo": ("Ctrl+O",),
    "openFolder": ("Ctrl+U",),
    "duplicate": ("Ctrl+D",),
    "delete": ("Del",),
    "fit": ("Ctrl+F",),
    "actualSize": ("Ctrl+0",),
    "zoomIn": ("Ctrl++", "Ctrl+="),
    "undo": ("Ctrl+Z",),
}
PRESETS: dict[str, Keys] = {DEFAULT_PRESET: {}, "CVAT": _CVAT, "labelImg": _LABELIMG, "X-AnyLabeling": _XANYLABELING}
"""The changes of each preset; a key that it assigns is removed from other actions."""


def keys_of(preset: str, changes: Mapping[str, tuple[str, ...]] | None = None) -> Keys:
    """Keys of every action: the defaults, overridden by the preset, overridden by the user's changes.

    A key that the preset assigns is removed from the action that had it. The user's changes are not resolved:
    ``conflicts`` reports them.
    """
    overrides = PRESETS.get(preset, {})
    taken = {key for keys in overrides.values() for key in keys}
    result: Keys = {}
    for action in ACTIONS:
        if action.id in overrides:
            result[action.id] = overrides[action.id]
        else:
            result[action.id] = tuple(key for key in action.keys if key not in taken)
    for id, keys in (changes or {}).items():
        if id in result:
            result[id] = tuple(keys)
    return result


def conflicts(keys: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[Action, ...]]:
    """Keys assigned to more than one action, with those actions."""
    users: dict[str, list[Action]] = {}
    for action in ACTIONS:
        for key in keys.get(action.id, ()):
            users.setdefault(key.casefold(), []).append(action)
    return {key: tuple(actions) for key, actions in users.items() if len(actions) > 1}
