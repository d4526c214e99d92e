"""``iouviewer make-variants``: write a checkpoint in other formats, run the variants and score them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from iouviewer.cli.options import (
    FRAMES_SYNTAX,
    ProgressLine,
    add_force_option,
    existing_ground_truth,
    existing_video,
    positive_integer,
    print_message,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr
from iouviewer.path_texts import existing_path

FAILED = 2
"""Exit status if a variant could not be made or run; the others are complete."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``make-variants``."""
    parser.add_argument("weights", type=Path, metavar="MODEL.pt", help=tr("checkpoint of ultralytics"))
    parser.add_argument(
        "--formats",
        default="onnx,openvino,openvino-int8",
        metavar="LIST",
        help=tr(
            "formats with commas between them: onnx, onnx-int8, openvino, openvino-fp16, openvino-int8, torchscript, "
            "ncnn, litert, litert-int8 (default onnx,openvino,openvino-int8)"
        ),
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help=tr("folder for the models and their runs")
    )
    parser.add_argument(
        "--imgsz", type=positive_integer, metavar="N", help=tr("input size in pixels (default: the weights' own)")
    )
    parser.add_argument(
        "--calibrate",
        type=Path,
        metavar="VIDEO|data.yaml",
        help=tr("source of the calibration frames of int8 (default: --video); of a data.yaml its training images"),
    )
    parser.add_argument(
        "--calibration-frames",
        default="spread:64",
        metavar=FRAMES_SYNTAX,
        help=tr("frames for the calibration, which leave every score and verdict (default spread:64)"),
    )
    parser.add_argument("--video", type=Path, metavar="VIDEO", help=tr("run the checkpoint and its variants on it"))
    parser.add_argument("--gt", type=Path, metavar="FILE", help=tr("ground truth of the video, to score the variants"))
    parser.add_argument("--frames", metavar=FRAMES_SYNTAX, help=tr("frames of the video to run and score"))
    parser.add_argument(
        "--bench", action="store_true", help=tr("also measure the speed of the models in alternating rounds")
    )
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Make the variants, print a line for each, then run and score all; returns FAILED if one failed."""
    from iouviewer.inference.export_formats import parse_formats
    from iouviewer.jobs.make_variants import MakeRequest, choose_calibration, make_model

    weights = existing_path(args.weights, tr("the checkpoint does not exist"))
    formats = parse_formats(args.formats)
    video = None if args.video is None else existing_video(args.video)
    truth = None if args.gt is None else existing_ground_truth(args.gt)
    if video is None and (truth is not None or args.frames is not None or args.bench):
        raise UserError(tr("--gt, --frames and --bench need a video"), remedy=tr("Give --video VIDEO."))
    source = video if args.calibrate is None else existing_path(args.calibrate, tr("the source does not exist"))
    calibration = None
    if any(one.is_calibrated for one in formats):
        if source is None:
            raise UserError(
                tr("there is nothing to calibrate int8 on"), remedy=tr("Give --calibrate VIDEO or a data.yaml.")
            )
        calibration = choose_calibration(source, args.calibration_frames)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(tr("the folder cannot be created: {reason}", reason=error.strerror), path=args.out) from error
    made, failed = [], False
    with ProgressLine("make-variants") as progress:
        for chosen in formats:
            request = MakeRequest(weights, chosen, args.out, args.imgsz, calibration, args.force)

            def report(stage: str, done: int, total: int, name: str = request.name) -> None:
                progress(done, total, tr("{name}: {stage}", name=name, stage=stage))

            try:
                one = make_model(request, report)
            except UserError as error:
                print_message(tr("{variant}: {failure}", variant=request.name, failure=error))
                failed = True
                continue
            if one is not None:
                made.append(one)
    for one in made:
        state = tr("kept, made earlier in the same way") if one.is_kept else tr("made")
        sys.stdout.write(tr("{name}: {path} ({state})", name=one.name, path=one.path, state=state) + "\n")
    if video is None or not made:
        return FAILED if failed else 0
    models = ((weights.stem, weights), *((one.name, one.path) for one in made))
    ended = _score(args, video, truth, models) if truth is not None else _predict(args, video, models)
    return FAILED if failed or ended else 0


def _predict(args: argparse.Namespace, video: Path, models: tuple[tuple[str, Path], ...]) -> int:
    from iouviewer.jobs.predict import PredictRequest, predict
    from iouviewer.jobs.requests import RunOptions

    with ProgressLine("make-variants") as progress:
        result = predict(PredictRequest(video, models, args.out, RunOptions(), args.frames), progress)
    for one in result.runs:
        sys.stdout.write(f"{one.summary}\n")
    for failure in result.failures:
        print_message(str(failure))
    return FAILED if result.failures else 0


def _score(args: argparse.Namespace, video: Path, truth: Path, models: tuple[tuple[str, Path], ...]) -> int:
    from dataclasses import replace

    from iouviewer.jobs.bench import measure_speeds
    from iouviewer.jobs.evaluate import EvalRequest, evaluate
    from iouviewer.jobs.kept_runs import KeptRuns

    kept = KeptRuns(args.out, force=args.force)
    request = EvalRequest(video, truth, models=models, frames=args.frames, verdicts=True, kept=kept)
    with ProgressLine("make-variants") as progress:
        result = evaluate(request, progress)
        if args.bench:
            result = replace(result, speeds=measure_speeds(request, progress))
    sys.stdout.write(result.text())
    return 0
