"""Inputs of an evaluation seen through a filter line: the same for files and for documents."""

from __future__ import annotations

from dataclasses import replace

from iouviewer.document.filter_line import BoxFilter, parse_filter
from iouviewer.document.filtering import FilterRules
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.jobs.eval_inputs import EvalInputs


def filter_inputs(inputs: EvalInputs, text: str, baseline: str | None) -> EvalInputs:
    """The inputs with the boxes that a filter line leaves out marked, and only the frames and variants that it names.

    What ``yolo val`` prints is left out, which knows no filter.

    Args:
        baseline: name of the variant that stays whatever the filter names; None: the first.

    Raises:
        UserError: the line cannot be understood, names a class or a variant that does not exist, or leaves no frame.
    """
    chosen = parse_filter(text)
    if not chosen:
        return inputs
    truth, names = inputs.truth, [variant.name for variant in inputs.variants]
    rules = FilterRules.of(chosen, truth.class_names, variants=names)
    kept = baseline or (names[0] if names else "")
    variants = [
        replace(variant, predictions=rules.predictions(variant.predictions))
        for variant in inputs.variants
        if variant.name == kept or rules.lists_variant(variant.name)
    ]
    passing = rules.frames(truth.table.frame_count)
    frames = inputs.frames if passing is None else inputs.frames[passing[inputs.frames]]
    if not len(frames):
        raise UserError(
            tr("filter “{filter}”: no frame passes", filter=chosen.text),
            remedy=tr_n(
                "There is {count} frame, number 0.",
                "There are {count:,} frames, numbered 0–{last:,}.",
                truth.table.frame_count,
                last=truth.table.frame_count - 1,
            ),
        )
    marked = replace(truth, table=rules.truth(truth.table), rules=rules)
    return replace(inputs, truth=marked, frames=frames, variants=variants, val=None)


def filter_text(chosen: BoxFilter) -> str:
    """The filter as it stands beside numbers, empty without one: what changes scores, and what only lists."""
    if not chosen:
        return ""
    if not chosen.scoring:
        return tr("filter: {filter} (lists only; scores are of all boxes)", filter=chosen.text)
    if not chosen.listing:
        return tr("filter: {filter}", filter=chosen.text)
    return tr("filter: {scoring}; lists also: {listing}", scoring=chosen.scoring.text, listing=chosen.listing.text)
