"""Builds job requests from parsed options. Imports the jobs, so commands import this module only when they run."""

from __future__ import annotations

import argparse
from pathlib import Path

from iouviewer.cli.options import existing_ground_truth, existing_video, variant_paths
from iouviewer.document.filter_line import parse_filter
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.jobs.compare import DEFAULT_MARGINS
from iouviewer.jobs.data_set import is_data_yaml
from iouviewer.jobs.eval_inputs import ReadOptions
from iouviewer.jobs.evaluate import EvalRequest
from iouviewer.jobs.operating_points import parse_point
from iouviewer.jobs.requests import RunOptions
from iouviewer.metrics.table import COCO_AREAS, Convention


def run_options(args: argparse.Namespace) -> RunOptions:
    """Settings of model runs."""
    return RunOptions(args.floor, args.nms_iou, args.max_det, args.imgsz, args.device)


def read_options(args: argparse.Namespace) -> ReadOptions:
    """Options for reading files; those that ``convert`` lacks have their defaults."""
    values = vars(args)
    return ReadOptions(
        size=args.size,
        frame_count=args.count,
        class_name=args.class_name,
        class_map=_class_map(values.get("class_map", [])),
        only_classes=tuple(values.get("only_classes", ())),
        frame_base=dict(values["frame_base"]).get(""),
        missing=values.get("missing"),
        skip_bad_rows=args.skip_bad_rows,
        strict=args.strict,
        split=values.get("split") or "val",
        trained_on=dict(values.get("trained_on") or ()),
        trust_columns=args.trust_columns,
        columns=dict(args.columns),
        shapes=args.shapes,
        voc_one_based=args.voc_one_based,
        task=args.task,
        name_number=args.name_number,
        scale_boxes=args.scale_boxes,
        file_sizes=dict(args.file_size),
        use_times=args.use_times,
        images_by=args.images_by,
        accept_differences=args.accept_differences,
        for_files={name: dict(values[name]) for name in ("frame_base", "stride", "file_fps", "shift")},
    )


def _class_map(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source, target in pairs:
        if found.setdefault(source, target) != target:
            raise UserError(
                tr(
                    "--class-map maps {source!r} to {first!r} and to {second!r}",
                    source=source,
                    first=found[source],
                    second=target,
                )
            )
    return found


def check_split(args: argparse.Namespace, video: Path | None) -> None:
    """UserError if there is ``--split``, but the source is no data set."""
    if vars(args).get("split") and (video is None or not is_data_yaml(video)):
        raise UserError(
            tr("--split needs a data set"), remedy=tr("Give the data.yaml of a YOLO data set in place of the video.")
        )


def eval_request(args: argparse.Namespace, video: Path | None, gt: Path | None) -> EvalRequest:
    """The request of ``eval`` and ``gate``, without ``analysis``."""
    named = variant_paths([*args.pred, *args.model])
    if not named:
        raise UserError(
            tr("there are no predictions to score"), remedy=tr("Give --pred NAME=FILE or --model NAME=WEIGHTS.")
        )
    check_split(args, video)
    parse_filter(args.filter)  # refused before anything is read
    if args.model and video is None:
        raise UserError(tr("--model needs a video"), remedy=tr("Give the video, or stored predictions with --pred."))
    names = [name for name, _ in named]
    if args.baseline is not None and args.baseline not in names:
        raise UserError(
            tr("the baseline {name!r} is not a variant", name=args.baseline),
            remedy=tr("Variants: {names}.", names=", ".join(names)),
        )
    return EvalRequest(
        video=existing_video(video) if video is not None else None,
        gt=existing_ground_truth(gt) if gt is not None else None,
        preds=named[: len(args.pred)],
        models=named[len(args.pred) :],
        baseline=args.baseline,
        confidence=args.conf,
        iou_threshold=args.iou,
        convention=Convention(args.convention),
        class_agnostic=args.class_agnostic,
        max_detections=args.max_dets,
        area_ranges=args.area_ranges or COCO_AREAS,
        frames=args.frames,
        filter=args.filter,
        margins=args.margin or dict(DEFAULT_MARGINS),
        read=read_options(args),
        run=run_options(args),
        point=parse_point(vars(args).get("operating_point") or "common"),
    )
