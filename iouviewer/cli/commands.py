"""The commands but ``eval``: each turns parsed options into a request, runs a job and says what came of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from iouviewer.cli.display import why_no_window
from iouviewer.cli.options import Progress, existing, unique_names
from iouviewer.errors import UserError
from iouviewer.jobs.open_request import OpenRequest


def _show(request: OpenRequest) -> int:
    reason = why_no_window()
    if reason is not None:
        raise reason
    try:
        from iouviewer.ui.start import run_window
    except ImportError as error:
        if ".so" not in str(error) and "DLL" not in str(error):
            raise
        raise UserError(
            f"Qt could not be loaded ({error})", remedy="Install the system library that it names"
        ) from error
    return run_window(request)


def run_open(args: argparse.Namespace) -> int:
    """The window."""
    video: Path | None = args.video
    project: Path | None = args.project.absolute() if args.project is not None else None
    if video is not None:
        video = existing(video, "the file to open")
        if video.suffix == ".iouv":
            if project is not None:
                raise UserError("a project was given twice", remedy="Leave out --project, or name the video instead")
            video, project = None, video
    gt = existing(args.gt, "the ground truth") if args.gt is not None else None
    named = unique_names([*args.pred, *args.model])
    preds, models = named[: len(args.pred)], named[len(args.pred) :]
    return _show(OpenRequest(video=video, gt=gt, preds=preds, models=models, project=project))


def run_demo(args: argparse.Namespace) -> int:
    """The bundled sample in the window, or its results as files."""
    if not args.headless:
        if args.out is not None:
            raise UserError("--out needs --headless", remedy="The window exports by its own menu")
        return _show(OpenRequest(demo=True))
    from iouviewer.jobs.demo import can_run_models
    from iouviewer.jobs.demo import run_demo as run

    if can_run_models():
        sys.stdout.write("The sample's models run on 500 frames each; without a GPU that takes a minute or two.\n")
        sys.stdout.flush()
    out = args.out or Path("demo-results")
    with Progress("demo") as progress:
        report = run(out, progress)
    sys.stdout.write(report.text)
    sys.stdout.write(f"The results are in {out.absolute()}: {', '.join(report.files)}\n")
    return 0


def run_predict(args: argparse.Namespace) -> int:
    """Run models on a video and store what they find."""
    from iouviewer.jobs.predict import PredictRequest, predict
    from iouviewer.jobs.run_options import RunOptions

    request = PredictRequest(
        video=existing(args.video, "the video"),
        models=unique_names(args.model),
        out=args.out,
        options=RunOptions.from_arguments(args),
        frames=args.frames,
    )
    with Progress("predict") as progress:
        runs = predict(request, progress)
    for run in runs:
        sys.stdout.write(f"{run.summary}\n")
    return 0


def run_convert(args: argparse.Namespace) -> int:
    """Write boxes in another format."""
    from iouviewer.cli.eval import read_options
    from iouviewer.jobs.convert import ConvertRequest, convert

    if len(args.paths) not in {2, 3}:
        raise UserError("give [VIDEO] IN OUT", remedy="See iouviewer convert --help")
    *videos, source, target = args.paths
    video = existing(videos[0], "the video") if videos else None
    request = ConvertRequest(video, existing(source, "the file to convert"), target, args.to, read_options(args))
    done = convert(request)
    for note in done.notes:
        sys.stderr.write(f"iouviewer: {note}\n")
    sys.stdout.write(f"{target}: {done.boxes} boxes on {done.frames} frames\n")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """What a video really holds."""
    from iouviewer.jobs.check import check, check_text
    from iouviewer.reports.json_report import json_bytes

    with Progress("check") as progress:
        findings = check(existing(args.video, "the video"), progress)
    sys.stdout.write(json_bytes(findings).decode() if args.json else check_text(findings))
    return 0


def run_worker(_args: argparse.Namespace) -> int:
    """The inference worker."""
    from iouviewer.jobs.worker_entry import main

    return main()


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "open": run_open,
    "demo": run_demo,
    "predict": run_predict,
    "convert": run_convert,
    "check": run_check,
    "worker": run_worker,
}
