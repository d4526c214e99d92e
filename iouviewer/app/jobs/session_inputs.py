"""What jobs read of a session: its settings and boxes as the inputs of an evaluation, and whether they are final."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from iouviewer.app.editing.session import Session
from iouviewer.app.editing.variant_list import still_loading
from iouviewer.document.variants import Variant
from iouviewer.jobs.document_results import read_document
from iouviewer.jobs.eval_inputs import EvalInputs
from iouviewer.jobs.evaluate import EvalRequest


def is_settled(session: Session) -> bool:
    """Whether all variants are loaded and scored: what is computed before that is computed again soon after."""
    variants, scores = session.variants, session.scores
    return not variants.is_loading and not any(scores.is_pending(variant.key) for variant in variants)


def read_session(
    session: Session,
    margins: Mapping[str, float],
    *,
    analysis: bool = False,
    variants: Iterable[Variant] | None = None,
) -> tuple[EvalRequest, EvalInputs]:
    """The settings and the boxes of the session, for ``score_inputs`` and the judge; no later edit changes them.

    Args:
        margins: allowed drop in points, by metric.
        variants: some of the session's; None: all.

    Raises:
        UserError: there are no variants, or some are still being loaded.
    """
    if session.variants.is_loading:
        raise still_loading()
    settings, baseline = session.scores.settings, session.variants.baseline
    request = EvalRequest(
        video=None,
        gt=None,
        baseline=None if baseline is None else baseline.name,
        confidence=settings.review.conf,
        iou_threshold=settings.review.iou,
        convention=settings.review.convention,
        class_agnostic=settings.review.class_agnostic,
        frames=settings.frames_text if settings.frames is not None else None,
        filter="" if settings.filter is None else settings.filter.filter.text,
        target=settings.target,
        margins=margins,
        analysis=analysis,
    )
    return read_document(
        session.document,
        session.variants if variants is None else variants,
        request=request,
        source=session.source.id,
        selected=settings.frames,
    )
