"""What problems say: headings, evidence, and what the buttons of a decision do."""

from __future__ import annotations

from iouviewer.document.boxes import NO_TRACK, object_name
from iouviewer.document.classes import class_name_of
from iouviewer.document.problems import Problem, ProblemKind, ProblemTopic
from iouviewer.i18n import tr

KIND_NAMES = {
    ProblemKind.LOOSE: tr("loose"),
    ProblemKind.MISS: tr("not found"),
    ProblemKind.FALSE_POSITIVE: tr("extra"),
    ProblemKind.WRONG_CLASS: tr("wrong class"),
    ProblemKind.AGREE: tr("all variants agree"),
}

TOPIC_NAMES = {
    ProblemTopic.MISSING: tr("Missing box?"),
    ProblemTopic.EXTRA: tr("Extra box?"),
    ProblemTopic.LOOSE: tr("Loose box"),
    ProblemTopic.WRONG_CLASS: tr("Wrong class?"),
}


def describe_problem(problem: Problem, class_names: tuple[str, ...]) -> str:
    """The problem in a few words: ``person 17: loose, IoU 0.41``, ``Missing box? truck · 4 of 4 variants``."""
    if problem.kind is ProblemKind.AGREE:
        return _describe_agreement(problem, class_names)
    name = object_name(_class_name(problem.class_id, class_names), problem.track)
    if problem.kind is ProblemKind.LOOSE:
        return tr("{box}: loose, IoU {iou:.2f}", box=name, iou=problem.iou)
    if problem.kind is ProblemKind.MISS:
        return tr("{box}: no variant finds it", box=name)
    if problem.kind is ProblemKind.FALSE_POSITIVE:
        return tr("{box}: extra", box=name)
    found = _class_name(problem.fix_class, class_names) or tr("no class")
    return tr("{box}: predicted as {class_name}", box=name, class_name=found)


def _describe_agreement(problem: Problem, class_names: tuple[str, ...]) -> str:
    class_name, count = _class_name(problem.class_id, class_names), problem.agreeing
    if problem.box_id is None:
        if not class_name:
            return tr("Missing box? {count} of {count} variants", count=count)
        return tr("Missing box? {box} · {count} of {count} variants", box=class_name, count=count)
    if not class_name and problem.track == NO_TRACK:
        return tr("Loose box · {count} of {count} variants", count=count)
    name = object_name(class_name, problem.track)
    return tr("Loose box: {box} · {count} of {count} variants", box=name, count=count)


def evidence_text(problem: Problem, class_names: tuple[str, ...], baseline: str) -> str:
    """What speaks for a problem: who sees what, how surely, and how many variants agree; one or two sentences.

    Args:
        baseline: name of the baseline.
    """
    texts = {
        ProblemTopic.MISSING: _missing_evidence,
        ProblemTopic.EXTRA: _extra_evidence,
        ProblemTopic.LOOSE: _loose_evidence,
        ProblemTopic.WRONG_CLASS: _class_evidence,
    }
    return texts[problem.topic](problem, class_names, baseline)


def _missing_evidence(problem: Problem, class_names: tuple[str, ...], baseline: str) -> str:
    what = _class_name(problem.class_id, class_names) or tr("an object")
    if not problem.agreeing:
        return tr(
            "{variant} sees {object} here with confidence {confidence:.2f}. No box is on it.",
            variant=baseline,
            object=what,
            confidence=problem.score,
        )
    return tr(
        "{count} of {count} variants see {object} here, {variant} with confidence {confidence:.2f}. No box is on it.",
        count=problem.agreeing,
        variant=baseline,
        object=what,
        confidence=problem.score,
    )


def _extra_evidence(problem: Problem, class_names: tuple[str, ...], baseline: str) -> str:
    name = _box_name(problem, class_names)
    if problem.agreeing > 1:
        return tr("None of {count} variants finds {box}.", count=problem.agreeing, box=name)
    return tr("{variant} does not find {box}.", variant=baseline, box=name)


def _loose_evidence(problem: Problem, class_names: tuple[str, ...], baseline: str) -> str:
    name = _box_name(problem, class_names)
    if problem.agreeing:
        return tr(
            "{count} of {count} variants agree on another box for {box}; IoU with {variant} {iou:.2f}.",
            count=problem.agreeing,
            box=name,
            variant=baseline,
            iou=problem.iou,
        )
    return tr(
        "{variant} sees {box} with confidence {confidence:.2f} and IoU {iou:.2f}.",
        variant=baseline,
        box=name,
        confidence=problem.score,
        iou=problem.iou,
    )


def _class_evidence(problem: Problem, class_names: tuple[str, ...], baseline: str) -> str:
    return tr(
        "{variant} sees {object} here with confidence {confidence:.2f}; the box is {box}.",
        variant=baseline,
        object=_class_name(problem.fix_class, class_names) or tr("no class"),
        confidence=problem.score,
        box=_box_name(problem, class_names),
    )


def _box_name(problem: Problem, class_names: tuple[str, ...]) -> str:
    return object_name(_class_name(problem.class_id, class_names), problem.track)


def apply_text(problem: Problem, class_names: tuple[str, ...]) -> str:
    """What applying the fix does, as the text of a button; empty without a fix."""
    if not problem.has_fix:
        return ""
    if problem.topic is ProblemTopic.WRONG_CLASS:
        name = _class_name(problem.fix_class, class_names) or tr("no class")
        return tr("Change to {class_name}", class_name=name)
    texts = {
        ProblemTopic.MISSING: tr("Add box"),
        ProblemTopic.EXTRA: tr("Delete box"),
        ProblemTopic.LOOSE: tr("Adjust box"),
    }
    return texts[problem.topic]


def keep_text(problem: Problem, class_names: tuple[str, ...]) -> str:
    """What keeping the ground truth says, as the text of a button."""
    if problem.topic is ProblemTopic.WRONG_CLASS:
        return tr("Keep {class_name}", class_name=_class_name(problem.class_id, class_names) or tr("no class"))
    texts = {
        ProblemTopic.MISSING: tr("Nothing there"),
        ProblemTopic.EXTRA: tr("It is there"),
        ProblemTopic.LOOSE: tr("Box is right"),
    }
    return texts[problem.topic]


def consequence_text(problem: Problem, class_names: tuple[str, ...], track: int = NO_TRACK) -> str:
    """What applying the fix changes: ``adds 1 box, person, track 20``; empty without a fix.

    Args:
        track: the track of a new box.
    """
    if not problem.has_fix:
        return ""
    if problem.topic is ProblemTopic.MISSING:
        name = object_name(_class_name(problem.class_id, class_names), track)
        return tr("adds {box}", box=name)
    name = _box_name(problem, class_names)
    if problem.topic is ProblemTopic.EXTRA:
        return tr("deletes {box} on this frame", box=name)
    if problem.topic is ProblemTopic.WRONG_CLASS:
        class_name = _class_name(problem.fix_class, class_names) or tr("no class")
        return tr("changes {box} to {class_name}", box=name, class_name=class_name)
    return tr("moves the edges of {box}", box=name)


def describe_group(worst: Problem, count: int, class_names: tuple[str, ...]) -> str:
    """Problems of one track or position in a few words: ``person 7: 37 × loose, lowest IoU 0.12``."""
    if worst.kind is ProblemKind.AGREE:
        text = _describe_agreement(worst, class_names)
        return tr("{count:,} × {problem}", count=count, problem=text)
    name = object_name(_class_name(worst.class_id, class_names), worst.track)
    if worst.kind is ProblemKind.LOOSE:
        return tr("{box}: {count:,} × loose, lowest IoU {iou:.2f}", box=name, count=count, iou=worst.iou)
    return tr("{box}: {count:,} × {kind}", box=name, count=count, kind=KIND_NAMES[worst.kind])


def _class_name(class_id: int | None, class_names: tuple[str, ...]) -> str:
    return "" if class_id is None else class_name_of(class_id, class_names)
