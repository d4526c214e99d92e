"""What problems say: headings, evidence, and what the buttons of a decision do."""

from __future__ import annotations

from collections.abc import Callable

from iouviewer.document.boxes import NO_TRACK, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.problems import Problem, ProblemKind
from iouviewer.i18n import tr, tr_n

TOPIC_NAMES = {
    ProblemKind.MISSING: tr("Missing box?"),
    ProblemKind.EXTRA: tr("Extra box?"),
    ProblemKind.LOOSE: tr("Loose box"),
    ProblemKind.WRONG_CLASS: tr("Wrong class?"),
    ProblemKind.SWAP: tr("Track swap?"),
    ProblemKind.GAP: tr("Gap"),
    ProblemKind.DUPLICATE: tr("Duplicate"),
    ProblemKind.JUMP: tr("Jump?"),
    ProblemKind.OVER_EDGE: tr("Over the edge"),
    ProblemKind.TINY: tr("Tiny box"),
}
_APPLY = {
    ProblemKind.MISSING: tr("Add box"),
    ProblemKind.EXTRA: tr("Delete box"),
    ProblemKind.LOOSE: tr("Adjust box"),
    ProblemKind.SWAP: tr("Swap from here"),
    ProblemKind.GAP: tr("Fill"),
    ProblemKind.DUPLICATE: tr("Delete one"),
    ProblemKind.JUMP: tr("Split here"),
    ProblemKind.OVER_EDGE: tr("Clip to picture"),
    ProblemKind.TINY: tr("Delete box"),
}
_KEEP = {
    ProblemKind.MISSING: tr("Nothing there"),
    ProblemKind.EXTRA: tr("It is there"),
    ProblemKind.LOOSE: tr("Box is right"),
    ProblemKind.SWAP: tr("Keep ids"),
    ProblemKind.GAP: tr("Keep gap"),
    ProblemKind.DUPLICATE: tr("Keep both"),
    ProblemKind.JUMP: tr("Same object"),
    ProblemKind.OVER_EDGE: tr("Box is right"),
    ProblemKind.TINY: tr("It is there"),
}


def describe_problem(problem: Problem, class_names: tuple[str, ...]) -> str:
    """The problem in a few words: ``person 17: loose, IoU 0.41``, ``Missing box? truck · 4 of 4 variants``."""
    name = _box_name(problem, class_names)
    count, voters = problem.agreeing, problem.voters
    if problem.kind is ProblemKind.MISSING:
        return tr("Missing box? {box} · {count} of {voters} variants", box=name, count=count, voters=voters)
    if problem.kind is ProblemKind.LOOSE and problem.iou is not None:
        return tr("{box}: loose, IoU {iou:.2f}", box=name, iou=problem.iou)
    if problem.kind is ProblemKind.WRONG_CLASS:
        return tr("{box}: probably {class_name}", box=name, class_name=_new_class(problem, class_names))
    texts = {
        ProblemKind.LOOSE: tr("{box}: loose", box=name),
        ProblemKind.EXTRA: tr("{box}: no variant finds it", box=name),
        ProblemKind.SWAP: tr("{box}: swaps objects with another track", box=name),
        ProblemKind.GAP: tr("{box}: no box on this frame", box=name),
        ProblemKind.DUPLICATE: tr("{box}: covers another box", box=name),
        ProblemKind.JUMP: tr("{box}: jumps", box=name),
        ProblemKind.OVER_EDGE: tr("{box}: over the edge of the picture", box=name),
        ProblemKind.TINY: tr("{box}: a pixel wide or high", box=name),
    }
    return texts[problem.kind]


def evidence_text(problem: Problem, class_names: tuple[str, ...], baseline: str) -> str:
    """What speaks for a problem: who sees what, how surely, how many variants agree, what time says.

    Args:
        baseline: name of the baseline.
    """
    texts: dict[ProblemKind, Callable[[Problem, tuple[str, ...], str], str]] = {
        ProblemKind.MISSING: _missing_evidence,
        ProblemKind.EXTRA: _extra_evidence,
        ProblemKind.LOOSE: _loose_evidence,
        ProblemKind.WRONG_CLASS: _class_evidence,
    }
    text = texts.get(problem.kind)
    return _truth_evidence(problem, class_names) if text is None else text(problem, class_names, baseline)


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _only_evidence(problem: Problem) -> str:
    return tr("Only one variant says so, which is weak evidence.") if problem.evidence_only else ""


def _missing_evidence(problem: Problem, class_names: tuple[str, ...], _baseline: str) -> str:
    what = _class_name(problem.class_id, class_names) or tr("an object")
    seen = tr(
        "{count} of {voters} variants see {object} here, mean confidence {confidence:.2f}.",
        count=problem.agreeing,
        voters=problem.voters,
        object=what,
        confidence=problem.confidence or 0.0,
    )
    if problem.track != NO_TRACK:
        return _joined(seen, tr("{box} passes here and has no box.", box=_box_name(problem, class_names)))
    return _joined(seen, tr("It has no box."), _only_evidence(problem))


def _extra_evidence(problem: Problem, class_names: tuple[str, ...], baseline: str) -> str:
    name = _box_name(problem, class_names)
    if problem.voters < 2:
        return _joined(tr("{variant} does not find {box}.", variant=baseline, box=name), _only_evidence(problem))
    return tr("None of {count} variants finds {box}.", count=problem.voters, box=name)


def _loose_evidence(problem: Problem, class_names: tuple[str, ...], _baseline: str) -> str:
    name, iou = _box_name(problem, class_names), problem.iou
    seen = ""
    if iou is not None:
        seen = tr(
            "{count} of {voters} variants see {box}; IoU with their box {iou:.2f}.",
            count=problem.agreeing,
            voters=problem.voters,
            box=name,
            iou=iou,
        )
    if problem.timed:
        return _joined(seen, tr("The frames before and after put {box} elsewhere.", box=name))
    return _joined(seen, _only_evidence(problem))


def _class_evidence(problem: Problem, class_names: tuple[str, ...], _baseline: str) -> str:
    seen = ""
    if problem.agreeing:
        seen = tr(
            "{count} of {voters} variants see another class here, mean confidence {confidence:.2f}.",
            count=problem.agreeing,
            voters=problem.voters,
            confidence=problem.confidence or 0.0,
        )
    if problem.timed:
        usual = _new_class(problem, class_names)
        return _joined(seen, tr("On neighbouring frames the track is {class_name}.", class_name=usual))
    now = tr("The box is {box}.", box=_box_name(problem, class_names))
    return _joined(seen, now, _only_evidence(problem))


def _truth_evidence(problem: Problem, class_names: tuple[str, ...]) -> str:
    """Evidence from ground truth alone."""
    name = _box_name(problem, class_names)
    texts = {
        ProblemKind.SWAP: tr("From this frame on, {box} and another track are each where the other one was.", box=name),
        ProblemKind.GAP: tr("{box} has boxes before and after, and none here.", box=name),
        ProblemKind.DUPLICATE: tr("Two boxes of one class cover each other, IoU {iou:.2f}.", iou=problem.iou or 0.0),
        ProblemKind.JUMP: tr("{box} jumps to another place on this frame.", box=name),
        ProblemKind.OVER_EDGE: tr("{box} reaches beyond the edge of the picture.", box=name),
        ProblemKind.TINY: tr("{box} is a pixel wide or high.", box=name),
    }
    return texts[problem.kind]


def _box_name(problem: Problem, class_names: tuple[str, ...]) -> str:
    return object_name(_class_name(problem.class_id, class_names), problem.track)


def _new_class(problem: Problem, class_names: tuple[str, ...]) -> str:
    return _class_name(problem.fix_class, class_names) or tr("no class")


def apply_text(problem: Problem, class_names: tuple[str, ...]) -> str:
    """What applying the fix does, as the text of a button; empty without a fix."""
    if not problem.has_fix:
        return ""
    if problem.kind is ProblemKind.WRONG_CLASS:
        return tr("Change to {class_name}", class_name=_new_class(problem, class_names))
    return _APPLY[problem.kind]


def keep_text(problem: Problem, class_names: tuple[str, ...]) -> str:
    """What keeping the ground truth says, as the text of a button."""
    if problem.kind is ProblemKind.WRONG_CLASS:
        return tr("Keep {class_name}", class_name=_class_name(problem.class_id, class_names) or tr("no class"))
    return _KEEP[problem.kind]


def consequence_text(
    problem: Problem, class_names: tuple[str, ...], track: int = NO_TRACK, *, count: int = 1, other: str = ""
) -> str:
    """What applying the fix changes: ``adds 4 boxes, person, new track 20``; empty without a fix.

    Args:
        track: the track of a new object; one that passes here gets the box itself.
        count: on how many frames.
        other: name of the other box of a swap.
    """
    if not problem.has_fix:
        return ""
    name = _box_name(problem, class_names)
    if problem.kind is ProblemKind.SWAP:
        if not other:
            return tr("exchanges the ids of two tracks from this frame on")
        return tr("exchanges the ids of {box} and {other} from this frame on", box=name, other=other)
    if problem.kind is ProblemKind.JUMP:
        return tr("gives {box} a new id from this frame on", box=name)
    if problem.kind in (ProblemKind.MISSING, ProblemKind.GAP):
        if problem.track != NO_TRACK:
            return tr_n("adds {count} box to {box}", "adds {count:,} boxes to {box}", count, box=name)
        what = _class_name(problem.class_id, class_names) or tr("object")
        if track == NO_TRACK:
            return tr_n("adds {count} box, {object}", "adds {count:,} boxes, {object}", count, object=what)
        return tr_n(
            "adds {count} box, {object}, new track {track}",
            "adds {count:,} boxes, {object}, new track {track}",
            count,
            object=what,
            track=track,
        )
    if problem.deletes_box:
        return tr_n("deletes {box} on this frame", "deletes {box} on {count:,} frames", count, box=name)
    if problem.kind is ProblemKind.WRONG_CLASS:
        new = _new_class(problem, class_names)
        return tr_n(
            "changes {box} to {class_name}", "changes {box} to {class_name} on {count:,} frames", count,
            box=name, class_name=new,
        )  # fmt: skip
    return tr_n("moves the edges of {box}", "moves the edges of {box} on {count:,} frames", count, box=name)


def describe_group(worst: Problem, count: int, class_names: tuple[str, ...]) -> str:
    """Problems of one lasting error in a few words: ``person 7: loose, IoU 0.12 · 37 frames``."""
    text = describe_problem(worst, class_names)
    return tr_n("{problem} · {count} frame", "{problem} · {count:,} frames", count, problem=text)


def _class_name(class_id: int | None, class_names: tuple[str, ...]) -> str:
    return "" if class_id is None else class_name_of(class_id, class_names)
