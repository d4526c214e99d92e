"""The keys that the status bar shows for a tool or a workspace."""

from __future__ import annotations

from collections.abc import Callable

from iouviewer.i18n import tr
from iouviewer.ui.actions import ActionSet
from iouviewer.ui.panels.key_hints import Hint
from iouviewer.ui.workspaces import Workspace


def tool_hints(
    actions: ActionSet,
    workspace: Workspace,
    *,
    has_video: bool,
    is_drawing: bool,
    review: tuple[str, str] | None = None,
    is_grid: bool = False,
    has_lanes: bool = False,
) -> list[Hint]:
    """The hints, the most useful first; commands without a key are left out.

    Args:
        review: what applying and keeping do, while a problem is reviewed.
        is_grid: whether the grid of problems is shown.
        has_lanes: whether the lanes of all tracks are shown.
    """

    def key(*ids: str) -> str:
        return " ".join(text for id in ids if (text := actions.key_of(id)))

    if not has_video:
        hints = [(key("openVideo"), tr("open video")), (key("commandPalette"), tr("all commands"))]
    elif workspace is Workspace.DATASET:
        hints = _dataset_hints(key)
    elif workspace is Workspace.COMPARE:
        hints = [
            ("↑ ↓", tr("variant")),
            (key("compareModeNext"), tr("next layout")),
            (key("nextProblem"), tr("next change")),
            (key("confidenceDown", "confidenceUp"), tr("confidence")),
            (key("correct"), tr("correct boxes")),
        ]
    elif is_grid:
        hints = _grid_hints(key)
    elif is_drawing:
        hints = [
            (tr("drag"), tr("draw box")),
            (key("class1") + "–" + key("class9"), tr("class")),
            (key("cancel"), tr("leave")),
        ]
    elif review is not None:
        hints = _review_hints(key, *review)
    elif has_lanes:
        hints = _lane_hints(key)
    else:
        hints = [
            (key("nextFrame", "previousFrame"), tr("next, previous frame")),
            (key("drawBox"), tr("draw")),
            (tr("drag edge"), tr("resize")),
            (tr("Alt click"), tr("next box below")),
            (key("verifyAndNext"), tr("verify and next")),
            (key("nextProblem"), tr("next problem")),
        ]
    return [(name, text) for name, text in hints if name.strip("– ")]


def _dataset_hints(key: Callable[..., str]) -> list[Hint]:
    return [
        (tr("Enter"), tr("open in Correct")),
        (key("compare"), tr("compare")),
        (tr("Space"), tr("count or leave out")),
        (tr("T"), tr("tags")),
        (tr("Alt ↑↓"), tr("arrange")),
        (key("previousSource", "nextSource"), tr("source")),
    ]


def _grid_hints(key: Callable[..., str]) -> list[Hint]:
    return [
        (tr("Space"), tr("select")),
        (tr("Shift arrows"), tr("extend")),
        (tr("Ctrl A"), tr("select all")),
        (key("takeFix"), tr("apply fixes")),
        (key("groundTruthIsRight"), tr("keep")),
        (key("unclear"), tr("unclear")),
        (tr("Enter"), tr("open in review")),
        (key("problemGrid"), tr("leave grid")),
    ]


def _review_hints(key: Callable[..., str], apply: str, keep: str) -> list[Hint]:
    return [
        *([(key("takeFix"), apply)] if apply else []),
        (key("groundTruthIsRight"), keep),
        (key("unclear"), tr("unclear")),
        (tr("drag"), tr("adjust first")),
        (key("nextProblem"), tr("skip")),
        (key("cancel"), tr("leave review")),
    ]


def _lane_hints(key: Callable[..., str]) -> list[Hint]:
    return [
        (tr("drag end"), tr("trim")),
        (tr("drag onto lane"), tr("merge")),
        (key("splitTrack"), tr("split here")),
        (key("swapTracks"), tr("swap")),
        (key("previousKeyFrame", "nextKeyFrame"), tr("key frames")),
        (tr("Ctrl wheel"), tr("zoom time")),
    ]
