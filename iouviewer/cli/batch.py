"""``iouviewer batch``: many videos and models as tasks of one folder, on one machine or many."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from iouviewer.cli.options import (
    ProgressLine,
    add_force_option,
    fraction,
    margins,
    positive_fraction,
    positive_integer,
    print_message,
)
from iouviewer.errors import UserError
from iouviewer.i18n import tr, tr_n
from iouviewer.path_texts import existing_path

if TYPE_CHECKING:
    from iouviewer.jobs.batch.engines import Engine
    from iouviewer.jobs.batch.manifest import ReadManifest
    from iouviewer.jobs.batch.outputs import FailedTask, OutputFolder
    from iouviewer.jobs.batch.runs import BatchStatus, Planned

INCOMPLETE = 2
"""Exit status where tasks are missing or failed."""
_GIGA = 1e9


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``batch`` and its steps."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    texts = {
        "plan": tr("measure the models and say what is missing and how long it will take"),
        "run": tr("do what is missing"),
        "status": tr("say what is done, missing and failed"),
        "gate": tr("judge the variants on all videos together; exit status as of gate"),
        "open": tr("open the batch as a dataset in the window"),
    }
    for name, text in texts.items():
        step = steps.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        step.add_argument("manifest", type=Path, metavar="MANIFEST", help=tr("JSON or CSV: videos, models, settings"))
        step.add_argument("--out", type=Path, required=True, metavar="DIR", help=tr("folder of the batch"))
        step.add_argument(
            "--no-probe", action="store_true", help=tr("do not run the models to measure them before tasks are cut")
        )
        if name == "run":
            _add_run_options(step)
        if name == "gate":
            _add_gate_options(step)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        choices=("local", "dask", "none"),
        help=tr("processes on this machine (default), a Dask scheduler, or one task after the other"),
    )
    parser.add_argument(
        "--workers", type=positive_integer, default=1, metavar="N", help=tr("processes on this machine (default 1)")
    )
    parser.add_argument(
        "--shard", metavar="K/N", help=tr("only the K-th of N shares, for arrays of jobs; without an engine")
    )
    parser.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help=tr("Dask scheduler, for example tls://HOST:PORT")
    )
    for option, text in (
        ("--tls-ca", tr("CA certificate of the scheduler")),
        ("--tls-cert", tr("client certificate for the scheduler")),
        ("--tls-key", tr("private key of the client certificate")),
    ):
        parser.add_argument(option, type=Path, metavar="FILE", help=text)


def _add_gate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--baseline", metavar="NAME", help=tr("variant that the others are compared with"))
    parser.add_argument(
        "--conf", type=fraction, default=0.25, metavar="C", help=tr("confidence threshold (default 0.25)")
    )
    parser.add_argument(
        "--iou", type=positive_fraction, default=0.5, metavar="T", help=tr("IoU threshold (default 0.5)")
    )
    parser.add_argument("--margin", type=margins, metavar="ap=X,pq=Y", help=tr("allowed drop in points (default 1)"))
    parser.add_argument(
        "--undecided",
        choices=("fail", "warn"),
        default="fail",
        help=tr("exit status of UNDECIDED: 4 (fail) or 0 (warn)"),
    )
    parser.add_argument("--md", type=Path, metavar="FILE", help=tr("write the verdicts as Markdown"))
    parser.add_argument("--junit", type=Path, metavar="FILE", help=tr("write the verdicts as JUnit XML"))
    add_force_option(parser)


def run(args: argparse.Namespace) -> int:
    """Do one step."""
    from iouviewer.jobs.batch.manifest import read_manifest
    from iouviewer.jobs.batch.outputs import OutputFolder
    from iouviewer.jobs.batch.runs import plan_batch

    read = read_manifest(existing_path(args.manifest, tr("the manifest does not exist")))
    engine = _engine(args) if args.step == "run" else None
    out = OutputFolder(args.out)
    with ProgressLine("batch") as progress:
        planned = plan_batch(read, out, probe=not args.no_probe, progress=progress)
    if args.step == "run":
        assert engine is not None
        return _run(args, planned, out, engine)
    if args.step == "gate":
        return _gate(args, read, planned, out)
    if args.step == "open":
        return _open(read, planned, out)
    return _say_status(planned, out)


def _engine(args: argparse.Namespace) -> Engine:
    from iouviewer.jobs.batch.engines import DaskCluster, InThisProcess, Processes, TlsFiles

    if args.shard is not None and args.engine not in (None, "none"):
        raise UserError(tr("--shard needs no engine"), remedy=tr("Leave out --engine."))
    files = (args.tls_ca, args.tls_cert, args.tls_key)
    if any(files) and not all(files):
        raise UserError(tr("--tls-ca, --tls-cert and --tls-key belong together"))
    if args.engine != "dask" and (args.scheduler or any(files)):
        raise UserError(tr("--scheduler and --tls-… belong to the engine dask"), remedy=tr("Give --engine dask."))
    if args.engine == "dask":
        return DaskCluster(args.scheduler, args.workers, TlsFiles(*files) if all(files) else None)
    return InThisProcess() if args.engine == "none" or args.shard is not None else Processes(args.workers)


def _run(args: argparse.Namespace, planned: Planned, out: OutputFolder, engine: Engine) -> int:
    from iouviewer.jobs.batch.runs import batch_status, run_batch
    from iouviewer.jobs.batch.tasks import parse_shard

    shard = None if args.shard is None else parse_shard(args.shard)
    with ProgressLine("batch") as progress:
        summary = run_batch(planned, out, engine, shard=shard, progress=progress)
    sys.stdout.write(tr_n("{count} task done.", "{count:,} tasks done.", summary.done) + "\n")
    _say_failed(summary.failed)
    return INCOMPLETE if summary.failed or (shard is None and not batch_status(planned, out).is_complete) else 0


def _say_failed(failed: Mapping[str, FailedTask]) -> None:
    for one in failed.values():
        last = one.attempts[-1]
        print_message(
            tr(
                "{variant} on {source}, frames {first} to {last}: {kind}, {words} ({tries} tries, {node})",
                variant=one.task.variant,
                source=one.task.source,
                first=one.task.first,
                last=one.task.last - 1,
                kind=last.kind,
                words=last.words,
                tries=len(one.attempts),
                node=last.node or "?",
            )
        )


def _say_status(planned: Planned, out: OutputFolder) -> int:
    from iouviewer.jobs.batch.runs import batch_status

    status = batch_status(planned, out)
    for name, total in status.total.items():
        sys.stdout.write(
            tr("{variant}: {done:,} of {total:,} tasks done", variant=name, done=status.done[name], total=total) + "\n"
        )
    sys.stdout.write(_rest(status, out) + "\n")
    _say_failed(status.failed)
    return 0


def _rest(status: BatchStatus, out: OutputFolder) -> str:
    if status.is_complete:
        return tr("Nothing is missing.")
    return tr_n(
        "{count} task is missing: about {time} of one process and {size} ({free} free).",
        "{count:,} tasks are missing: about {time} of one process and {size} ({free} free).",
        len(status.missing),
        time=_time_text(status.seconds),
        size=_size_text(status.size),
        free=_size_text(out.free_bytes()),
    )


def _time_text(seconds: float) -> str:
    if seconds < 5400:
        return tr("{minutes:,.0f} min", minutes=max(1.0, seconds / 60))
    return tr("{hours:,.1f} h", hours=seconds / 3600)


def _size_text(size: float) -> str:
    if size < _GIGA:
        return tr("{size:,.0f} MB", size=max(1.0, size / 1e6))
    return tr("{size:,.1f} GB", size=size / _GIGA)


def _gate(args: argparse.Namespace, read: ReadManifest, planned: Planned, out: OutputFolder) -> int:
    from iouviewer.cli.gate import finish
    from iouviewer.jobs.batch.results import batch_videos, missing_truth_note
    from iouviewer.jobs.compare import DEFAULT_MARGINS
    from iouviewer.jobs.evaluate import EvalRequest
    from iouviewer.jobs.gate import judge
    from iouviewer.jobs.written_files import check_outputs

    check_outputs({"--md": args.md, "--junit": args.junit}, [args.manifest], force=args.force)
    request = EvalRequest(video=None, gt=None, baseline=args.baseline, confidence=args.conf, iou_threshold=args.iou)
    with ProgressLine("batch") as progress:
        result = judge(batch_videos(read, planned, out, request), args.margin or dict(DEFAULT_MARGINS), progress)
    note = missing_truth_note(read)
    if note:
        print_message(note)
    return finish(args, result)


def _open(read: ReadManifest, planned: Planned, out: OutputFolder) -> int:
    from iouviewer.cli import display
    from iouviewer.jobs.batch.results import batch_videos, worst_differences, write_dataset
    from iouviewer.jobs.batch.runs import batch_status
    from iouviewer.jobs.compare import DEFAULT_MARGINS
    from iouviewer.jobs.evaluate import EvalRequest
    from iouviewer.jobs.gate import judge
    from iouviewer.jobs.requests import OpenRequest

    order = None
    scored = sum(bool(one.ground_truth) for one in read.manifest.sources)
    if scored > 1 and len(read.manifest.variants) > 1 and batch_status(planned, out).is_complete:
        with ProgressLine("batch") as progress:
            videos = batch_videos(read, planned, out, EvalRequest(video=None, gt=None))
            order = worst_differences(judge(videos, dict(DEFAULT_MARGINS), progress))
    return display.show_window(OpenRequest(video=None, dataset=write_dataset(read, planned, out, order)))
